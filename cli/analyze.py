"""`monkeys analyze`: what SQL cannot compute."""

from typing import Any

import click

from cli.options import table_options
from cli.output import print_rows

FIT_COLUMNS = ("run_id", "verifier", "family", "parameters", "error", "flag")
BACK_TEST_COLUMNS = ("run_id", "family", "using", "k", "forecast", "low", "high", "truth", "off")


@click.command()
@click.argument("runs", nargs=-1, required=True)
@click.option("--verifier", "verifier_name", help="By this verifier. Default: the one that counts.")
@click.option(
    "--back-test",
    type=click.IntRange(1),
    metavar="N",
    help="Instead: forecast from N of each problem's samples, drawn at random, and compare with all of them.",
)
@table_options
def analyze(runs: tuple[str, ...], verifier_name: str | None, back_test: int | None, form: str | None) -> None:
    """Compute the fits, forecasts, bands, precision and diversity of RUNS, and print the fits.

    This also happens by itself when a run ends; views and reports say when samples came since.

    \b
    Example:
      monkeys analyze 1
      monkeys analyze 1 --back-test 100
      monkeys sql "select * from forecast where run_id = 1"
    """
    from models.database import query
    from models.questions.find import find_run, find_verifier_of
    from tasks.workers.analyze import analyze_by

    rows: list[dict[str, Any]] = []
    for found in [find_run(run) for run in runs]:
        run_id, verifier_id = found["id"], find_verifier_of(found, verifier_name)
        if back_test:
            rows += _back_test(run_id, verifier_id, back_test)
            continue
        click.echo(f"Analysing run {run_id}.", err=True)
        analyze_by(run_id, verifier_id)
        rows += query(
            """
            select run_id, verifier, family, parameters, error, flag from coverage_fit
            where run_id = %s and verifier_id = %s order by family
            """,
            (run_id, verifier_id),
        )
    print_rows(rows, form, BACK_TEST_COLUMNS if back_test else FIT_COLUMNS)


def _back_test(run_id: int, verifier_id: int, using: int) -> list[dict[str, Any]]:
    from models.analysis.store import read_pool
    from models.statistics.coverage import nice_ks
    from models.statistics.fits import Family
    from models.statistics.forecasts import back_test
    from verifiers.errors import UserError

    pool = read_pool(run_id, verifier_id)
    if pool.stops:
        raise UserError(f"Run {run_id} stops at right samples, so a part of it says nothing of a whole.")
    if pool.least <= using:
        raise UserError(f"--back-test must be below {pool.least}, the samples that every problem of run {run_id} has.")
    ks = nice_ks(pool.least)
    ks = ks[ks > using]
    rows = []
    for family in Family:
        made = back_test(family, pool.n, pool.c, using, ks)
        for place, k in enumerate(ks.tolist()):
            value = made.forecast.coverage[place]
            rows.append(
                {
                    "run_id": run_id,
                    "family": family.value,
                    "using": using,
                    "k": k,
                    "forecast": _number(value),
                    "low": _number(made.forecast.low[place]),
                    "high": _number(made.forecast.high[place]),
                    "truth": float(made.truth[place]),
                    "off": _number(value - made.truth[place]),
                }
            )
    return rows


def _number(value: float) -> float | None:
    return None if value != value else float(value)
