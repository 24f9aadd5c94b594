"""`monkeys watch`: a run as it goes."""

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click

from cli.options import run_argument
from cli.output import harmless

if TYPE_CHECKING:
    from models.views import CoverageRow, RunProgressRow

POLL_SECONDS = 1.0

FIRST_LOOK_SECONDS, LOOK_SECONDS = 5.0, 30.0
"""When watch first asks what the run waits for, since workers may just be starting, and how often it does later."""


@click.command()
@run_argument
def watch(named: str | None) -> None:
    """Follow RUN, or the last one, until it ends: samples, verified, tokens/s, coverage so far, time to go.

    Ctrl-C only stops watching.

    \b
    Example:
      monkeys watch 1
    """
    from models.questions.find import find_run
    from models.questions.progress import failures_of, left_out_of

    run = find_run(named)
    try:
        progress = follow(run.id)
    except KeyboardInterrupt:
        click.echo(f"\nRun {run.id} goes on; `monkeys watch {run.id}` looks again.", err=True)
        return
    if left_out := left_out_of(run.id):
        click.echo(f"{', '.join(left_out)} left out: the endpoint refuses it.", err=True)
    if progress.failed_works:
        failures = failures_of(run.id)
        for failure in failures:
            click.echo(f"{failure.works:,} works failed: {harmless(failure.error or 'nobody knows why')}", err=True)
        for outdated in sorted({failure.outdated for failure in failures if failure.outdated}):
            click.echo(f"`monkeys reverify {run.id} --verifier {outdated}` has this version judge the run.", err=True)
        if not all(failure.outdated for failure in failures):
            click.echo(f"`monkeys resume {run.id}` tries them again.", err=True)
        raise SystemExit(1)


def follow(run_id: int) -> "RunProgressRow":
    """Show a run's progress on stderr until it ends; return its last progress."""
    from rich.console import Console
    from rich.live import Live

    from models.questions.progress import coverage_of, progress_of

    console = Console(stderr=True)
    if not console.is_terminal:
        return _follow_in_lines(run_id)
    notices = _notices(run_id)
    with Live(console=console, refresh_per_second=4) as live:
        while True:
            progress = progress_of(run_id)
            live.update(_panel(progress, coverage_of(run_id)))
            if progress.state != "running":
                return progress
            for notice in notices():
                console.print(notice, markup=False, highlight=False, soft_wrap=True)
            time.sleep(POLL_SECONDS)


def _notices(run_id: int) -> Callable[[], list[str]]:
    """A function that says, now and then, what a run waits for, where that is something else than it said before."""
    from cli.worker.wanted import waits_for

    due, said = time.monotonic() + FIRST_LOOK_SECONDS, list[str]()

    def look() -> list[str]:
        nonlocal due, said
        if time.monotonic() < due:
            return []
        before, said = said, [harmless(line) for line in waits_for(run_id)]
        due = time.monotonic() + LOOK_SECONDS
        return [] if said == before else said

    return look


def _follow_in_lines(run_id: int) -> "RunProgressRow":
    """One line every ten seconds, for logs."""
    from models.questions.progress import progress_of

    said, notices = 0.0, _notices(run_id)
    while True:
        progress = progress_of(run_id)
        ended = progress.state != "running"
        if ended or time.monotonic() - said > 10:
            said = time.monotonic()
            click.echo(_line(progress), err=True)
        if ended:
            return progress
        for notice in notices():
            click.echo(notice, err=True)
        time.sleep(POLL_SECONDS)


def _line(progress: "RunProgressRow") -> str:
    speed = progress.tokens_per_second
    eta = progress.eta
    return (
        f"run {progress.run_id}: {progress.samples:,} of {progress.samples_wanted:,} samples, "
        f"{progress.verified:,} verified, {progress.correct:,} correct"
        + (f", {progress.samples_submitted:,} lie with the provider" if progress.samples_submitted else "")
        + (f", {speed:,.0f} tokens/s" if speed else "")
        + (f", {round(eta.total_seconds())} s to go" if eta else "")
        + (f", {progress.failed_works} works failed" if progress.failed_works else "")
        + f" ({progress.state})"
    )


def _panel(progress: "RunProgressRow", coverage: Sequence["CoverageRow"]) -> Any:
    from rich.console import Group
    from rich.panel import Panel
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    wanted = max(progress.samples_wanted, 1)
    bars = Table.grid(padding=(0, 1))
    for name, count in (("samples", progress.samples), ("verified", progress.verified)):
        bars.add_row(name, ProgressBar(wanted, count, width=40), f"{count:,} of {wanted:,}")
    curve = Text("coverage so far  ")
    for row in coverage:
        value = row.coverage if row.coverage is not None else row.floor
        mark = "" if row.coverage is not None else "≥"
        curve.append(f"k={row.k:,} ", "dim")
        curve.append(f"{mark}{value:.1%}  ", "bold")
    title = Text(f"run {progress.run_id} · {progress.benchmark} · {progress.llm}")
    return Panel(Group(bars, Text(_line(progress).partition(": ")[2], "dim"), curve), title=title)
