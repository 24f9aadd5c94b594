"""`monkeys analyze`: what SQL cannot compute."""

from typing import NamedTuple

import click

from cli.options import Number, runs_argument, table_options
from cli.output import in_words, print_rows
from verifiers.ranges import whole

FIT_COLUMNS = ("run_id", "verifier", "family", "parameters", "error", "flag")
INTERVALS = ("parameters_low", "parameters_high")
BACK_TEST_COLUMNS = ("run_id", "family", "using", "k", "forecast", "low", "high", "truth", "off", "flag")


@click.command()
@runs_argument
@click.option("--verifier", "verifier_name", help="By this verifier. Default: the one that counts.")
@click.option(
    "--back-test",
    type=Number(whole(1)),
    metavar="N",
    help="Instead: forecast from N of each problem's samples, drawn at random, and compare with all of them.",
)
@click.option("--benchmark", help="Your own benchmark, given again: its verifier says which answers are equal.")
@table_options
def analyze(
    runs: tuple[str, ...], verifier_name: str | None, back_test: int | None, benchmark: str | None, form: str | None
) -> None:
    """Compute the fits, forecasts, bands, precision and diversity of RUNS, and print the fits with 95 % intervals.

    This also happens by itself when a run ends; views and reports say when samples came since.

    \b
    Example:
      monkeys analyze 1
      monkeys analyze 1 --back-test 100
      monkeys sql "select * from forecast where run_id = 1"
    """
    from models.analysis.curves import back_tested
    from models.questions.find import find_run, find_verifier_of
    from models.questions.report import laws_of
    from tasks.workers.analyze import analyze_by
    from verifiers.benchmarks import find_benchmark

    own = None if benchmark is None else find_benchmark(benchmark)
    rows: list[NamedTuple] = []
    for run in [find_run(named) for named in runs or [None]]:
        verifier_id = find_verifier_of(run, verifier_name)
        if back_test:
            rows += back_tested(run.id, verifier_id, back_test)
            continue
        click.echo(f"Analysing run {run.id}.", err=True)
        if run.finished_at is None:
            click.echo(f"Run {run.id} has not ended: what is said of it may change.", err=True)
        analyze_by(run.id, verifier_id, own)
        laws = laws_of(run.id, verifier_id)
        rows += laws if form else in_words(laws)
    print_rows(rows, form, BACK_TEST_COLUMNS if back_test else (*FIT_COLUMNS, *INTERVALS) if form else FIT_COLUMNS)
