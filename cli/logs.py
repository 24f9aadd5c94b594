"""`monkeys logs`: what the local stack's processes say."""

import time
from pathlib import Path
from typing import IO

import click

from cli.options import Number
from cli.output import harmless
from verifiers.errors import UserError
from verifiers.ranges import whole

POLL_SECONDS = 0.5


@click.command()
@click.argument("service", required=False)
@click.option("-n", "--lines", type=Number(whole(0)), default=20, show_default=True, help="Last lines of each log.")
@click.option("-f", "--follow", is_flag=True, help="Go on as they grow.")
def logs(service: str | None, lines: int, follow: bool) -> None:
    """The local stack's logs: all, or those whose name begins with SERVICE (generate, verify, sweep, postgres, ...).

    \b
    Example:
      monkeys logs
      monkeys logs verify -f
    """
    from models.settings import settings

    home = settings().home
    everything = sorted([*(home / "logs").glob("*.log"), *home.glob("supervisor.log")])
    files = [file for file in everything if file.stem.startswith(service or "")]
    if not files:
        known = ", ".join(file.stem for file in everything)
        raise UserError(f"There is no log of {service!r}; there are {known}." if known else f"{home} has no logs yet.")
    opened: dict[Path, IO[str]] = {file: file.open(encoding="utf-8", errors="replace") for file in files}
    for file, stream in opened.items():
        for line in stream.readlines()[-lines:] if lines else stream.readlines()[:0]:
            _say(file, line)
    while follow:
        for file in files:
            opened[file] = _reopened(file, opened[file])
            for line in opened[file]:
                _say(file, line)
        time.sleep(POLL_SECONDS)


def _say(file: Path, line: str) -> None:
    click.echo(f"{file.stem}: {harmless(line.rstrip())}")


def _reopened(file: Path, stream: IO[str]) -> IO[str]:
    """The same stream, or the new file where the log was begun anew."""
    try:
        if file.stat().st_size >= stream.tell():
            return stream
        stream.close()
        return file.open(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return stream
