"""`monkeys benchmarks`: what can be sampled."""

import click

from cli.options import table_options
from cli.output import print_rows


@click.command()
@table_options
def benchmarks(form: str | None) -> None:
    """List the benchmarks, their verifiers (the first one counts) and their subsets.

    \b
    Example:
      monkeys benchmarks
    """
    from verifiers.benchmarks import BENCHMARKS

    print_rows(
        [
            {
                "benchmark": each.name,
                "about": each.about,
                "verifiers": ", ".join(verifier.name for verifier in each.verifiers),
                "subsets": ", ".join(each.subsets),
            }
            for each in BENCHMARKS.values()
        ],
        form,
        ["benchmark", "about", "verifiers", "subsets"],
    )
