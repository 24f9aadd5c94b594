"""`monkeys status`: what of the local stack runs."""

from datetime import UTC, datetime
from typing import Any

import click

from cli.options import table_options
from cli.output import print_rows


@click.command()
@table_options
def status(form: str | None) -> None:
    """Show each service of the local stack: its process, state, since when, and how often it was restarted.

    \b
    Example:
      monkeys status --json
    """
    from cli.stack.state import log_file, read_stack, supervised, tail
    from models.settings import settings

    home = settings().home
    stack = read_stack(home) if supervised(home) else None
    standings = [stack.supervisor, *stack.services] if stack else []
    rows: list[dict[str, Any]] = [
        {
            "service": each.service,
            "pid": each.pid,
            "state": each.state,
            "since": datetime.fromtimestamp(each.since, UTC),
            "restarts": each.restarts,
            "url": f"http://127.0.0.1:{settings().flower_port}" if each.service == "flower" else None,
            "error": each.error or None,
        }
        for each in standings
    ]
    columns = ["service", "pid", "state", "since", "restarts", "url", "error"]
    if not rows and not form:
        click.echo("Nothing is running; `monkeys up` starts the local stack.", err=True)
        return
    print_rows(rows, form, columns)
    for each in standings if not form else []:
        if each.state == "failing":
            click.echo(f"\nThe log of {each.service} ends with:\n{tail(log_file(home, each.service))}")
