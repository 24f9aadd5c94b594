"""`monkeys import`: samples that were made elsewhere."""

from pathlib import Path

import click

from cli.options import Number, thinking_option
from models.cost import Sizes
from tasks.engines.recorded import COLUMNS
from verifiers.errors import UserError
from verifiers.ranges import whole

COLUMN_HELP = (
    f"ours=theirs: what a column is called there (again for more). Ours: {', '.join(COLUMNS)} "
    "(a JSON object by reward model)."
)


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--benchmark", required=True, help="The benchmark whose problems these are samples of; your own as for enqueue."
)
@click.option("-m", "--model", "--llm", "llm", required=True, help="The llm that made them.")
@click.option("--name", help="A unique name: the same name, file and options again is the same run.")
@click.option("--data", type=click.Path(path_type=Path), help="Problems from a JSONL (also .gz) or Parquet file.")
@click.option("--column", "columns", multiple=True, help=COLUMN_HELP)
@click.option("--base", type=Number(whole(0)), default=0, show_default=True, help="The first sample index there.")
@click.option("--where", multiple=True, help="column=value: only such rows (again for more).")
@click.option("--key-only", is_flag=True, help="Make problems that are not at hand: counted, not judged again.")
@click.option("--sizes", help="The llm's PARAMETERS,LAYERS,TOKEN_DIM (active ones, heads x head size), for FLOPs.")
@thinking_option("none")
@click.option("--quiet", is_flag=True, help="Print the run's id and nothing else.")
def import_(
    file: Path,
    benchmark: str,
    llm: str,
    name: str | None,
    data: Path | None,
    columns: tuple[str, ...],
    base: int,
    where: tuple[str, ...],
    key_only: bool,
    sizes: str | None,
    thinking: str | None,
    quiet: bool,
) -> None:
    """Take in recorded samples of FILE (JSONL, also .gz, or Parquet) as a run; prints its id.

    Columns are those of `monkeys export` (see --column); problem and sample_index must be there. Labels (outcome or
    correct) count as verdicts of a verifier named `imported`; without them the benchmark's own verifier judges the
    texts.

    \b
    Example:
      monkeys import samples.jsonl --benchmark gsm8k --llm gpt-4o-mini
      monkeys import samples.jsonl --benchmark gsm8k --llm llama-3-8b --sizes 8030261248,32,4096
      monkeys import outcomes.parquet --benchmark codecontests --llm gemma-2b --key-only \\
        --column problem=problem_index --column sample_index=attempt --base 1
    """
    from cli.worker.wanted import see_to_benchmark
    from models.schema import check_schema
    from tasks.engines.recorded import Source
    from tasks.runs.imports import ImportRequest, import_samples
    from verifiers.benchmarks import find_benchmark

    check_schema()
    source = Source(file, dict(_pair("--column", each) for each in columns), base, [_pair("--where", e) for e in where])
    request = ImportRequest(
        source, benchmark, llm, name, data, key_only=key_only, sizes=_sizes(sizes), thinking=thinking or "none"
    )
    made = import_samples(request)
    click.echo(made.run_id)
    if made.new and not made.labelled:
        see_to_benchmark(find_benchmark(benchmark), quiet=quiet)
    if quiet:
        return
    if not made.new:
        click.echo(f"Run {made.run_id} existed already: the same file and options.", err=True)
        return
    click.echo(f"Run {made.run_id}: {made.samples:,} samples of {made.problems:,} problems.", err=True)
    if made.gaps:
        click.echo("Some sample indices are missing; those that are there keep theirs.", err=True)
    if not made.labelled:
        click.echo(f"They are to be judged; `monkeys watch {made.run_id}` follows it.", err=True)


def _sizes(given: str | None) -> Sizes | None:
    if given is None:
        return None
    try:
        parameters, layers, token_dim = (int(each) for each in given.split(","))
    except ValueError:
        parameters = layers = token_dim = 0
    if not (whole(1, 2**63 - 1).holds(parameters) and whole(1).holds(layers) and whole(1).holds(token_dim)):
        raise UserError(f"--sizes takes three whole numbers above 0 with commas between, not {given!r}.")
    return Sizes(parameters, parameters, layers, token_dim)


def _pair(option: str, given: str) -> tuple[str, str]:
    name, equals, value = given.partition("=")
    if not equals or not name or not value:
        raise UserError(f"{option} takes two names with = between them, not {given!r}.")
    return name, value
