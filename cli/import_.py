"""`monkeys import`: samples that were made elsewhere."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cli.completion import complete_benchmarks, complete_llms
from cli.options import Number, thinking_option
from models.cost import Sizes
from tasks.engines.recorded import COLUMNS
from tasks.runs.formats import FORMATS
from tasks.runs.sources import ROWS
from verifiers.errors import UserError
from verifiers.files import FORMS
from verifiers.ranges import whole

if TYPE_CHECKING:
    from tasks.runs.imports import Imported

COLUMN_HELP = (
    "ours=theirs: what a column is called there (again for more); a.b looks into a. "
    f"Ours: {', '.join(COLUMNS)} (a JSON object by reward model)."
)

FROM_HELP = (
    "Who wrote the files, where their first row does not say it. "
    + "; ".join(f"{name}: {form.about}" for name, form in FORMATS.items())
    + f"; {ROWS}: our own columns."
)


def _pairs(_ctx: click.Context, param: click.Parameter, given: tuple[str, ...]) -> list[tuple[str, str]]:
    """The values of an option that takes name=value."""
    pairs = [each.partition("=") for each in given]
    for name, equals, value in pairs:
        if not name or not equals or not value:
            raise UserError(f"{param.opts[0]} takes name=value, not {name + equals + value!r}.")
    return [(name, value) for name, _, value in pairs]


@click.command("import")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, allow_dash=True))
@click.option(
    "--benchmark",
    shell_complete=complete_benchmarks,
    help="The benchmark whose problems these are samples of; your own as for enqueue.",
)
@click.option("-m", "--model", "--llm", "llm", shell_complete=complete_llms, help="The llm that made them.")
@click.option("--name", help="A unique name: the same name, files and options again is the same run.")
@click.option("--data", type=click.Path(path_type=Path), help=f"Problems from a file: {FORMS}.")
@click.option("--from", "form", type=click.Choice([*FORMATS, ROWS]), help=FROM_HELP)
@click.option("--column", "columns", multiple=True, callback=_pairs, help=COLUMN_HELP)
@click.option("--base", type=Number(whole(0)), default=0, show_default=True, help="The first sample index there.")
@click.option("--where", multiple=True, callback=_pairs, help="column=value: only such rows (again for more).")
@click.option("--key-only", is_flag=True, help="Make problems that are not at hand: counted, not judged again.")
@click.option("--sizes", help="The llm's PARAMETERS,LAYERS,TOKEN_DIM (active ones, heads x head size), for FLOPs.")
@thinking_option("none")
@click.option("--quiet", is_flag=True, help="Print the run's id and nothing else.")
def import_(
    files: tuple[Path, ...],
    form: str | None,
    columns: list[tuple[str, str]],
    base: int,
    where: list[tuple[str, str]],
    sizes: str | None,
    quiet: bool,
    **wanted: Any,
) -> None:
    """Take in recorded samples of FILES (- is standard input) as a run; prints its id.

    Columns are those of `monkeys export` (see --column), in JSONL, a JSON array, CSV (each also as .gz) or Parquet. A
    row is a sample, or a problem with lists of them (`samples`; `outcomes` as a list or "0101"). Without a
    sample_index a problem's samples count up in order of appearance, through all files. Labels (outcome or correct)
    count as verdicts of a verifier named `imported`; without them the benchmark's own verifier judges the texts. A
    problem whose key is another's is found by the text of its question. Parquet of `monkeys export` says itself of
    which benchmark and llm it is.

    \b
    Example:
      monkeys import samples.jsonl --benchmark gsm8k --llm gpt-4o-mini
      monkeys import samples.jsonl --benchmark gsm8k --llm llama-3-8b --sizes 8030261248,32,4096
      monkeys import output-rs*.jsonl --benchmark aime --llm qwen3-8b --data aime_2026.parquet
      monkeys import samples_gsm8k.jsonl --benchmark gsm8k --llm llama-3-8b --where filter=strict-match
      monkeys import outcomes.parquet --benchmark codecontests --llm gemma-2b --key-only \\
        --column problem=problem_index --column sample_index=attempt --base 1
      monkeys import predictions_*.json --benchmark swebench-lite
      monkeys import exported.parquet
    """
    from cli.worker.wanted import see_to_benchmark
    from models.schema import check_schema
    from tasks.runs.import_request import ImportRequest
    from tasks.runs.imports import import_samples
    from tasks.runs.sources import Source

    check_schema()
    source = Source(files, dict(columns), base, where, form)
    made = import_samples(ImportRequest(source, sizes=_sizes(sizes), **wanted))
    click.echo(made.run_id)
    if made.judged_by is not None:
        see_to_benchmark(made.judged_by, quiet=quiet)
    if not quiet:
        _tell(made)


def _tell(made: "Imported") -> None:
    """What became of the files."""
    for note in made.notes:
        click.echo(note, err=True)
    if not made.new:
        click.echo(f"Run {made.run_id} existed already: the same files and options.", err=True)
        return
    click.echo(f"Run {made.run_id}: {made.samples:,} samples of {made.problems:,} problems.", err=True)
    if made.gaps:
        click.echo("Some sample indices are missing; those that are there keep theirs.", err=True)
    if made.judged_by is not None:
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
