"""`monkeys watch`: a run as it goes."""

import re
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from cli.options import run_argument
from cli.output import harmless, number_of, print_rows

if TYPE_CHECKING:
    from models.views import CoverageRow, RunProgressRow

POLL_SECONDS = 1.0

LOOK_SECONDS = 3.0
"""How often watch asks why a run does not move."""

PATIENCE_SECONDS = 5.0
"""How long it keeps to itself which command starts a worker: one may just be starting."""


@click.command()
@run_argument
@click.option("--json", "as_json", is_flag=True, help="Print how far it is as JSON, and do not follow.")
def watch(named: str | None, as_json: bool) -> None:
    """Follow RUN, or the last one, until it ends: samples, verified, tokens/s, coverage so far, time to go.

    Where nothing moves it says why. Ctrl-C only stops watching.

    \b
    Example:
      monkeys watch 1
    """
    from models.questions.find import find_run
    from models.questions.progress import failures_of, left_out_of

    run = find_run(named)
    if as_json:
        _print_json(run.id)
        return
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
            error = harmless(failure.error or "nobody knows why")
            click.echo(f"{number_of(failure.works, 'work')} failed: {error}", err=True)
        for outdated in sorted({failure.outdated for failure in failures if failure.outdated}):
            click.echo(f"`monkeys reverify {run.id} --verifier {outdated}` has this version judge the run.", err=True)
        if not all(failure.outdated for failure in failures):
            click.echo(f"`monkeys resume {run.id}` tries them again.", err=True)
        raise SystemExit(1)


def _print_json(run_id: int) -> None:
    from cli.worker.wanted import why
    from models.questions.progress import progress_of

    progress = progress_of(run_id)
    waits_for = why(run_id) if progress.state == "running" else None
    print_rows([progress._asdict() | {"waits_for": waits_for}], "json")


def follow(run_id: int) -> "RunProgressRow":
    """Show a run's progress on stderr until it ends; return its last progress."""
    from rich.console import Console
    from rich.live import Live

    from models.questions.progress import coverage_of, progress_of

    console = Console(stderr=True)
    if not console.is_terminal or console.is_dumb_terminal:
        return _follow_in_lines(run_id)
    waits = _Waits(run_id)
    with Live(console=console, refresh_per_second=4) as live:
        while True:
            progress = progress_of(run_id)
            if progress.state != "running":
                live.update(_panel(progress, coverage_of(run_id), None, console.width))
                return progress
            waits.look()
            live.update(_panel(progress, coverage_of(run_id), waits.why, console.width))
            for line in waits.news():
                console.print(line, markup=False, highlight=False, soft_wrap=True)
            time.sleep(POLL_SECONDS)


class _Waits:
    """Why a run does not move, asked now and then, and what a person does about it, said when it is something else."""

    def __init__(self, run_id: int) -> None:
        self._run_id = run_id
        self._begun = time.monotonic()
        self._due = self._begun
        self._advice = self._said = list[str]()
        self.why: str | None = None

    def look(self) -> None:
        from cli.worker.wanted import advice, why

        if time.monotonic() < self._due:
            return
        self._due = time.monotonic() + LOOK_SECONDS
        reason = why(self._run_id)
        self.why = None if reason is None else harmless(reason)
        self._advice = [harmless(line) for line in advice(self._run_id)]

    def news(self) -> list[str]:
        """The advice, where it is another one than it was; numbers in it do not make it one."""
        if time.monotonic() - self._begun < PATIENCE_SECONDS:
            return []
        before, self._said = self._said, self._advice
        return [] if [_kind(line) for line in before] == [_kind(line) for line in self._said] else self._said


def _kind(line: str) -> str:
    return re.sub(r"[\d,.]+", "", line)


def _follow_in_lines(run_id: int) -> "RunProgressRow":
    """One line every ten seconds, for logs, and one whenever the run waits for something else."""
    from models.questions.progress import progress_of

    said, told, waits = 0.0, "", _Waits(run_id)
    while True:
        progress = progress_of(run_id)
        ended = progress.state != "running"
        if not ended:
            waits.look()
        why = "" if ended else waits.why or ""
        if ended or time.monotonic() - said > 10 or (why and _kind(why) != _kind(told)):
            said, told = time.monotonic(), why
            click.echo(_line(progress) + (f": {why}" if why else ""), err=True)
        if ended:
            return progress
        for line in waits.news():
            click.echo(line, err=True)
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
        + (f", {number_of(progress.failed_works, 'work')} failed" if progress.failed_works else "")
        + f" ({progress.state})"
    )


def _panel(progress: "RunProgressRow", coverage: Sequence["CoverageRow"], why: str | None, room: int) -> Any:
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
    parts: list[Any] = [
        bars,
        Text(_line(progress).partition(": ")[2], "dim"),
        *([Text(why, "yellow")] if why else []),
        curve,
    ]
    return Panel(Group(*parts), title=title, width=room - 2)  # ^C is echoed behind it: a line more would stay
