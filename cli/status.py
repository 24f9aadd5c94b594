"""`monkeys status`: what of the local stack runs."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from cli.options import table_options
from cli.output import harmless, print_rows
from models.questions.workers import ago

if TYPE_CHECKING:
    from cli.stack.state import Standing
    from models.questions.workers import PresentWorker


@click.command()
@table_options
def status(form: str | None) -> None:
    """Show each service of the local stack, and workers elsewhere on the same database: what each does and last did.

    \b
    Example:
      monkeys status --json
    """
    from cli.stack.state import elsewhere, flower_url, log_file, read_stack, supervised, tail
    from models.settings import settings

    home = settings().home
    stack = read_stack(home) if supervised(home) else None
    standings = [stack.supervisor, *stack.services] if stack else []
    rows = _rows(standings, flower_url(home))
    if rows or form:
        print_rows(
            rows if form else map(_for_people, rows),
            form,
            ["service", "pid", "state", "since", "does", "did", "restarts", "url", "error"],
        )
    else:
        click.echo(f"Nothing is running in {home}; `monkeys up` starts the local stack.{elsewhere(home)}", err=True)
    for each in standings if not form else []:
        if each.state == "failing":
            click.echo(f"\nThe log of {each.service} ends with:\n{tail(log_file(home, each.service))}")
    for line in [] if form else _waiting():
        click.echo(line)


def _rows(standings: "Sequence[Standing]", url: str) -> list[dict[str, Any]]:
    """The stack's services, the supervisor first, and the workers that are none of its."""
    workers = _present()
    rows: list[dict[str, Any]] = []
    for each in standings:
        own = _workers_of(each.pid, workers) if each is not standings[0] else []  # all descend from the supervisor
        workers = [worker for worker in workers if worker not in own]
        rows.append(
            {
                "service": each.service,
                "pid": each.pid,
                "state": each.state,
                "since": datetime.fromtimestamp(each.since, UTC),
                **_does(own),
                "restarts": each.restarts,
                "url": url if each.service == "flower" else None,
                "error": each.error or next((worker.last_error for worker in own if worker.last_error), None),
            }
        )
    return rows + [
        {
            "service": worker.name,
            "pid": worker.pid,
            "state": "elsewhere",
            "since": datetime.now(UTC) - timedelta(seconds=worker.age),
            **_does([worker]),
            "restarts": None,
            "url": None,
            "error": worker.last_error,
        }
        for worker in workers
    ]


def _for_people(row: dict[str, Any]) -> dict[str, Any]:
    """A row with its times as how long ago that was, which fits a terminal."""
    times = {name: row[name] for name in ("since", "did") if row[name] is not None}
    return row | {name: ago((datetime.now(UTC) - at).total_seconds()) + " ago" for name, at in times.items()}


def _waiting() -> list[str]:
    """The runs that do not move, and why; none where the database is away or has other tables."""
    import psycopg

    from models.questions.progress import open_runs
    from models.questions.waiting import reasons

    try:
        return [f"Run {run}: {harmless(why)}." for run, why in reasons(open_runs()).items()]
    except psycopg.Error:
        return []


def _present() -> "list[PresentWorker]":
    """Workers and sweepers as the database knows them; none where it is away or has other tables."""
    import psycopg

    from models.questions.workers import present_workers

    try:
        return present_workers()
    except psycopg.Error:
        return []


def _workers_of(pid: int | None, workers: "list[PresentWorker]") -> "list[PresentWorker]":
    """Those among a service's processes: its own, or those that it keeps."""
    from cli.stack.processes import members
    from models.machine import machine

    pids = {each.pid for each in members([pid])} if pid and workers else set[int]()
    return [worker for worker in workers if worker.machine == machine() and worker.pid in pids]


def _does(workers: "list[PresentWorker]") -> dict[str, Any]:
    """What workers do, and when the last of them did something."""
    does = [worker.state if worker.lives else f"nothing said for {ago(worker.silent)}" for worker in workers]
    idle = min((worker.idle for worker in workers if worker.idle is not None), default=None)
    return {
        "does": ", ".join(does) or None,
        "did": None if idle is None else datetime.now(UTC) - timedelta(seconds=idle),
    }
