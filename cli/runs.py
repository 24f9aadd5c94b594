"""`monkeys runs`: the runs, and how far they are."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from cli.completion import complete_benchmarks, complete_llms
from cli.options import Number, engine_options, table_options
from cli.output import harmless, print_rows
from models.questions.listed import STATES, WhichRuns
from verifiers.errors import UserError
from verifiers.ranges import whole

if TYPE_CHECKING:
    from models.questions.listed import ListedRun

LAST = 20

COLUMNS = (
    "run_id", "name", "benchmark", "llm", "problems", "samples_wanted", "samples", "verified", "correct",
    "failed_works", "tokens_per_second", "eta", "state", "created_at", "differs",
)  # fmt: skip

LEAST = (
    "created",
    "problems",
    "verified",
    "tokens/s",
    "correct",
    "benchmark",
    "to go",
    "failed",
    "differs",
    "name",
    "samples",
)
"""Columns that a narrow terminal goes without, in this order."""


@click.command()
@click.option("--benchmark", shell_complete=complete_benchmarks, help="Only runs of this benchmark.")
@click.option("-m", "--model", "llm", shell_complete=complete_llms, help="Only runs of this llm.")
@click.option("--state", type=click.Choice(list(STATES)), help="Only such runs; failed: some of its works did.")
@click.option(
    "--since",
    metavar="'YYYY-MM-DD[ HH:MM]'",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%d %H:%M"]),
    help="Only runs that were enqueued from this day or minute on, in local time.",
)
@click.option("-n", "--limit", "last", type=Number(whole(1)), help=f"The last so many. Default: {LAST}; of data, all.")
@table_options
def runs(
    benchmark: str | None,
    llm: str | None,
    state: str | None,
    since: datetime | None,
    last: int | None,
    form: str | None,
) -> None:
    """List the runs and how far they are, the newest last.

    `differs` is in what a run differs from the others of its llm that are listed: its endpoint, other engine
    arguments, sampling settings, verifier. A terminal shows the columns that it has room for; --json and --csv print
    all.

    \b
    Example:
      monkeys runs
      monkeys runs --benchmark gsm8k -m openai:gpt-4o-mini
      monkeys runs --state failed --since 2026-01-31
      monkeys runs --json
    """
    from models.questions.listed import listed_runs
    from models.questions.waiting import reasons

    wanted = WhichRuns(benchmark, llm, state, since and _local(since))
    found, count = listed_runs(wanted, last or (None if form else LAST))
    if form:
        print_rows(found, form, COLUMNS)
        return
    if not found:
        click.echo(
            "No run is like that; `monkeys runs` lists all."
            if wanted != WhichRuns()
            else "There is no run yet; `monkeys enqueue` makes one.",
            err=True,
        )
        return
    rows = [_row(run) for run in found]
    columns = [name for name in rows[0] if any(row[name] not in (None, 0) for row in rows)]
    print_rows(rows, None, columns, [name for name in LEAST if name in columns])
    if count > len(found):
        click.echo(f"The last {len(found):,} of {count:,} runs; `-n {count}` lists all.", err=True)
    for run_id, why in reasons([run.run_id for run in found if run.state == "running"]).items():
        click.echo(f"Run {run_id}: {harmless(why)}.", err=True)


def _local(since: datetime) -> datetime:
    try:
        return since.astimezone()
    except (ValueError, OverflowError) as error:  # the first and the last day that there are, elsewhere
        raise UserError(f"--since takes a day of some run, not {since:%Y-%m-%d}.") from error


def _row(run: "ListedRun") -> dict[str, Any]:
    """A run as people read it, by the heads of the table."""
    samples = f"{run.samples:,}" + ("" if run.samples == run.samples_wanted else f" of {run.samples_wanted:,}")
    return {
        "run": run.run_id,
        "name": run.name,
        "benchmark": run.benchmark,
        "llm": run.llm,
        "differs": ", ".join(engine_options(run.differs)) or None,
        "problems": run.problems,
        "samples": samples,
        "verified": run.verified,
        "correct": run.correct,
        "failed": run.failed_works,
        "tokens/s": run.tokens_per_second,
        "to go": run.eta,
        "state": run.state,
        "created": run.created_at,
    }
