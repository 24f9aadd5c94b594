"""`monkeys watch`: a run as it goes."""

import time
from typing import Any

import click

POLL_SECONDS = 1.0


@click.command()
@click.argument("run")
def watch(run: str) -> None:
    """Follow RUN until it ends: samples, verified, tokens/s, coverage so far, time to go. Ctrl-C only stops watching.

    \b
    Example:
      monkeys watch 1
    """
    from models.questions.find import find_run

    found = find_run(run)
    try:
        progress = follow(found["id"])
    except KeyboardInterrupt:
        click.echo(f"\nRun {found['id']} goes on; `monkeys watch {found['id']}` looks again.", err=True)
        return
    if progress["failed_works"]:
        click.echo(
            f'{progress["failed_works"]} works failed: monkeys sql "select last_error, count(*) from work '
            f"where run_id = {found['id']} and state = 'failed' group by 1\"",
            err=True,
        )
        raise SystemExit(1)


def follow(run_id: int) -> dict[str, Any]:
    """Show a run's progress on stderr until it ends; return its last progress."""
    from rich.console import Console
    from rich.live import Live

    console = Console(stderr=True)
    if not console.is_terminal:
        return _follow_in_lines(run_id)
    with Live(console=console, refresh_per_second=4) as live:
        while True:
            progress = _progress(run_id)
            live.update(_panel(progress, _coverage(run_id)))
            if progress["state"] != "running":
                return progress
            time.sleep(POLL_SECONDS)


def _follow_in_lines(run_id: int) -> dict[str, Any]:
    """One line every ten seconds, for logs."""
    said = 0.0
    while True:
        progress = _progress(run_id)
        ended = progress["state"] != "running"
        if ended or time.monotonic() - said > 10:
            said = time.monotonic()
            click.echo(_line(progress), err=True)
        if ended:
            return progress
        time.sleep(POLL_SECONDS)


def _progress(run_id: int) -> dict[str, Any]:
    from models.database import query

    return query("select * from run_progress where run_id = %s", (run_id,))[0]


def _coverage(run_id: int) -> list[dict[str, Any]]:
    """Coverage so far, by the samples that are judged; floor where some problem has fewer."""
    from models.database import query

    return query(
        """
        select k, coverage, floor from coverage where run_id = %s
            and verifier = (select verifier.name from run join verifier on verifier.id = run.verifier_id
                            where run.id = run_id)
        order by k
        """,
        (run_id,),
    )


def _line(progress: dict[str, Any]) -> str:
    speed = progress["tokens_per_second"]
    eta = progress["eta"]
    return (
        f"run {progress['run_id']}: {progress['samples']:,} of {progress['samples_wanted']:,} samples, "
        f"{progress['verified']:,} verified, {progress['correct']:,} correct"
        + (f", {speed:,.0f} tokens/s" if speed else "")
        + (f", {round(eta.total_seconds())} s to go" if eta else "")
        + (f", {progress['failed_works']} works failed" if progress["failed_works"] else "")
        + f" ({progress['state']})"
    )


def _panel(progress: dict[str, Any], coverage: list[dict[str, Any]]) -> Any:
    from rich.console import Group
    from rich.panel import Panel
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    wanted = max(int(progress["samples_wanted"]), 1)
    bars = Table.grid(padding=(0, 1))
    for name in ("samples", "verified"):
        bars.add_row(name, ProgressBar(wanted, int(progress[name]), width=40), f"{progress[name]:,} of {wanted:,}")
    curve = Text("coverage so far  ")
    for row in coverage:
        value = row["coverage"] if row["coverage"] is not None else row["floor"]
        mark = "" if row["coverage"] is not None else "≥"
        curve.append(f"k={row['k']:,} ", "dim")
        curve.append(f"{mark}{value:.1%}  ", "bold")
    title = Text(f"run {progress['run_id']} · {progress['benchmark']} · {progress['llm']}")
    return Panel(Group(bars, Text(_line(progress).partition(": ")[2], "dim"), curve), title=title)
