"""`monkeys logs`: what the local stack's processes say."""

import difflib
import os
import re
import time
from contextlib import suppress
from pathlib import Path

import click

from cli.options import Number
from cli.output import harmless
from verifiers.errors import UserError
from verifiers.ranges import whole

POLL_SECONDS = 0.5

OURS = re.compile(r"^\d{4}-\d\d-\d\d \S+ (INFO|WARNING|ERROR|CRITICAL) (cli|models|tasks|verifiers)\.")
NOISE = re.compile(
    r"\d%\|"  # a bar
    # a library's, and vLLM's warnings at each start
    r"|^(\([^)]*\) |[\d-]+ [\d:,]+ )?(DEBUG |INFO |WARNING .*(\bvllm\.|\[\w+\.py:\d+\]))"
    r"|^Triton is installed, but|^ERROR: ld\.so: object .* cannot be preloaded|^\[[IW]\d{4} |^\S.*:\d+: \w*Warning: "
    r"|^\[[DIW] \d{6} "  # Flower's
    r"|^\d+:[CMS] .* ([-.*] |# (oO0|Redis version|Configuration loaded|Server init|WARNING Memory))"  # Redis'
    r"|^[\d-]+ [\d:.]+ \w+ \[\d+\] (LOG|HINT|DETAIL): "  # PostgreSQL's
    r"|^absolutely not recommended!$|^Please specify a different user|^User information: "
)
"""Lines that say nothing of how the stack does; those that are indented below one, or empty, go with it."""


@click.command()
@click.argument("service", nargs=-1)
@click.option("-n", "--lines", type=Number(whole(0)), default=20, show_default=True, help="Last lines of each log.")
@click.option("-f", "--follow", is_flag=True, help="Go on as they grow.")
@click.option("--all", "everything", is_flag=True, help="What libraries say of themselves too, as it stands.")
def logs(service: tuple[str, ...], lines: int, follow: bool, everything: bool) -> None:
    """The local stack's logs: all, or those whose name, as `monkeys status` shows it, begins with SERVICE.

    \b
    Example:
      monkeys logs
      monkeys logs generate pocket-monkey -f
    """
    opened = [Log(file, everything) for file in _found(" ".join(service))]
    for each in opened:
        told = each.more()
        for line in told[-lines:] if lines else []:
            each.say(line)
    while follow:
        for each in opened:
            for line in each.more():
                each.say(line)
        time.sleep(POLL_SECONDS)


def _found(service: str) -> list[Path]:
    """The logs of services whose names begin so; UserError, with the nearest name, where there are none."""
    from cli.stack.state import elsewhere, log_file
    from models.settings import settings

    home = settings().home
    files = {file.stem: file for file in sorted([*(home / "logs").glob("*.log"), *home.glob("supervisor.log")])}
    if not files:
        raise UserError(f"{home} has no logs yet; `monkeys up` starts the local stack.{elsewhere(home)}")
    wanted = log_file(home, service).stem if service else ""
    found = [file for name, file in files.items() if name.startswith(wanted)]
    found = found or [file for name, file in files.items() if wanted in name]
    if not found:
        near = difflib.get_close_matches(wanted, {*files, *(name.partition("-")[0] for name in files)}, 1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(files)}."
        raise UserError(f"There is no log of {service!r}; {hint}")
    return found


class Log:
    """A log as it grows, less what is noise unless everything is wanted."""

    def __init__(self, file: Path, everything: bool) -> None:
        self._file = file
        self._at = 0
        self._everything = everything
        self._noisy = False

    def more(self) -> list[str]:
        """What was written since the last look; of a log that was begun anew, all of it."""
        with suppress(FileNotFoundError), self._file.open("rb") as stream:
            if os.fstat(stream.fileno()).st_size < self._at:
                self._at = 0
            stream.seek(self._at)
            lines = [line.decode(errors="replace") for line in stream]
            self._at = stream.tell()
            return [line for line in lines if self._everything or self._matters(line)]
        return []

    def say(self, line: str) -> None:
        """Print one line of it."""
        click.echo(f"{self._file.stem}: {harmless(line.rstrip())}")

    def _matters(self, line: str) -> bool:
        if line.strip() and not line[0].isspace():
            self._noisy = bool(NOISE.search(line)) and not OURS.match(line)
        return not self._noisy and bool(line.strip())
