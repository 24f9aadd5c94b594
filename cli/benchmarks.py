"""`monkeys benchmarks`: what can be sampled."""

from typing import TYPE_CHECKING, Any

import click

from cli.completion import complete_benchmarks
from cli.options import table_options
from cli.output import harmless, print_rows

if TYPE_CHECKING:
    from verifiers.benchmarks.benchmark import Benchmark


@click.command()
@click.argument("name", metavar="[BENCHMARK]", required=False, shell_complete=complete_benchmarks)
@table_options
def benchmarks(name: str | None, form: str | None) -> None:
    """List the benchmarks, their verifiers (the first one counts) and what this machine lacks to judge them; of
    BENCHMARK alone also its source and licence, its prompt in a chat, its subsets, its other prompts (enqueue --prompt)
    and its known defective problems.

    \b
    Example:
      monkeys benchmarks
      monkeys benchmarks gsm8k
    """
    from tasks.stored import prepare_verifiers
    from verifiers.benchmarks import BENCHMARKS, find_benchmark

    prepare_verifiers()
    if name is not None and not form:
        _print(_facts(find_benchmark(name)))
        return
    rows = [_facts(each) for each in ([find_benchmark(name)] if name is not None else BENCHMARKS.values())]
    print_rows(rows, form, None if form else ["benchmark", "about", "verifiers", "lacks"])


def _facts(benchmark: "Benchmark") -> dict[str, Any]:
    lacks = {verifier.lacks(): None for verifier in benchmark.verifiers}
    return {
        "benchmark": benchmark.name,
        "about": benchmark.about,
        "verifiers": ", ".join(verifier.name for verifier in benchmark.verifiers),
        "lacks": " ".join(filter(None, lacks)) or None,
        "source": benchmark.source or None,
        "licence": benchmark.licence or None,
        "subsets": ", ".join(benchmark.subsets) or None,
        "prompts": ", ".join(benchmark.forms) or None,
        "chat": benchmark.chat,
        "known": dict(benchmark.known),
    }


def _print(facts: dict[str, Any]) -> None:
    known = facts.pop("known")
    for name, value in facts.items():
        if value is not None:
            indented = harmless(value).replace("\n", "\n" + " " * 11)
            click.echo(f"{name:<10} {indented}")
    for key, why in known.items():
        click.echo(f"{'known':<10} {harmless(key)}: {harmless(why)}")
