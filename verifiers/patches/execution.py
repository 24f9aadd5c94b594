"""One command in a container: what it prints and how it ends, whatever it does to hold us."""

import enum
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from threading import Event
from typing import NamedTuple

from verifiers.errors import InfrastructureError
from verifiers.patches.daemon import asking, client
from verifiers.patches.disk import DiskWatch, watching
from verifiers.patches.limits import PatchLimits
from verifiers.patches.stream import Stream

_TICK = 0.5
_ASK_EVERY = 2.0
_SETTLES_WITHIN = 1.0
_TOLD_WITHIN = 0.2
_KILLED = 137


class Ending(enum.Enum):
    """How a command ended. gone: its container did, and neither we nor the program's memory ended that."""

    exited = "exited"
    time = "time"
    output = "output"
    disk = "disk"
    memory = "memory"
    stopped = "stopped"
    gone = "gone"


class Ran(NamedTuple):
    """A command that ended. output: stdout and stderr as they came; its first limits.output_bytes where it was cut."""

    ended: Ending
    exit_code: int | None
    output: bytes
    seconds: float


class _Exit(NamedTuple):
    """What the daemon says of a command that runs no more; code is unknown where its container is gone."""

    code: int | None
    started: bool


class Execution:
    """A command in a container, from its start to its end."""

    def __init__(self, container: str, limits: PatchLimits) -> None:
        self._container, self._limits = container, limits
        self._output = bytearray()
        self.exit = _Exit(None, True)

    def run(self, command: Sequence[str], folder: str, seconds: float, stop: Event) -> Ran:
        """Start it and follow it to its end. JudgeAway where the daemon falls silent meanwhile."""
        began = time.monotonic()
        ended = Ending.gone
        exec_id = self._create(command, folder)
        if exec_id is not None:
            with self._started(exec_id) as stream, watching(self._container, self._limits.disk_bytes) as disk:
                ended = self._follow(exec_id, stream, began + seconds, stop, disk)
        if (ended is Ending.exited and self.exit.code != 0) or ended is Ending.gone:
            ended = self._why()
        return Ran(
            ended, self.exit.code if ended is Ending.exited else None, bytes(self._output), time.monotonic() - began
        )

    def _create(self, command: Sequence[str], folder: str) -> str | None:
        from docker.errors import APIError

        with asking("prepare a command"):
            try:
                made = client().api.exec_create(self._container, list(command), user="0", workdir=folder)
            except APIError as error:
                if error.status_code in (404, 409):  # the container is not there, or runs no more
                    return None
                raise
        return str(made["Id"])

    @contextmanager
    def _started(self, exec_id: str) -> Iterator[Stream]:
        with asking("start a command"):
            stream = Stream(client().api.exec_start(exec_id, socket=True))
        try:
            yield stream
        finally:
            stream.close()

    def _follow(self, exec_id: str, stream: Stream, deadline: float, stop: Event, disk: DiskWatch) -> Ending:
        asked, silent = time.monotonic(), False
        while True:
            if silent:
                stop.wait(_TICK)
            elif (data := stream.read(_TICK)) is None:
                silent = True
            else:
                self._output += data
            if (ended := self._broke(deadline, stop, disk)) is not None:
                return ended
            if silent or time.monotonic() - asked > _ASK_EVERY:
                if self._has_ended(exec_id):
                    return self._drain(stream, silent)
                asked = time.monotonic()

    def _broke(self, deadline: float, stop: Event, disk: DiskWatch) -> Ending | None:
        """The limit that was passed, if any."""
        if len(self._output) > self._limits.output_bytes:
            del self._output[self._limits.output_bytes :]
            return Ending.output
        if stop.is_set():
            return Ending.stopped
        if disk.full.is_set():
            return Ending.disk
        if disk.low.is_set():
            raise InfrastructureError("the disk of the Docker daemon is nearly full")
        return Ending.time if time.monotonic() > deadline else None

    def _drain(self, stream: Stream, silent: bool) -> Ending:
        """Take what was printed before the end; a child that it left behind may print on for ever."""
        until = time.monotonic() + _SETTLES_WITHIN
        while not silent and time.monotonic() < until and (data := stream.read(0.1)) is not None:
            self._output += data
        del self._output[self._limits.output_bytes :]
        return Ending.gone if self.exit.code is None else Ending.exited

    def _has_ended(self, exec_id: str) -> bool:
        from docker.errors import NotFound

        with asking("say whether a command runs"):
            try:
                told = client().api.exec_inspect(exec_id)
            except NotFound:
                return True
        self.exit = _Exit(told["ExitCode"], bool(told.get("Pid")))
        return not told["Running"]

    def _why(self) -> Ending:
        """Why a command failed: a killed one may have been killed for its memory, or because its container ended."""
        if self.exit.code == _KILLED:
            time.sleep(_SETTLES_WITHIN)  # the container's own end is told after that of what ran in it
        fate = self.fate()
        return Ending.gone if fate is Ending.exited and self.exit.code is None else fate

    def fate(self) -> Ending:
        """What became of the container since its last command was started: `exited` where it runs as before."""
        lives = self._lives()
        if "oom" in self._happened():
            return Ending.memory
        return Ending.exited if lives else Ending.gone

    def _lives(self) -> bool:
        from docker.errors import NotFound

        with asking("say whether a container runs"):
            try:
                return bool(client().api.inspect_container(self._container)["State"]["Running"])
            except NotFound:
                return False

    def _happened(self) -> list[str]:
        """What the daemon saw happen to the container since this command was started."""
        ours = {"container": self._container}
        with asking("say what happened to a container"):
            until = _unix(client().info()["SystemTime"]) + _TOLD_WITHIN  # its clock, not ours
            found = client().api.events(since=0, until=f"{until:.6f}", filters=ours, decode=True)
            happened = [str(each.get("Action")) for each in found]
        starts = [place for place, each in enumerate(happened) if each.startswith("exec_start")]
        return happened[starts[-1] :] if starts else happened


def _unix(moment: str) -> float:
    """Seconds since 1970 of a time as Go writes it, with up to nine digits of a second."""
    whole, _, fraction = moment.removesuffix("Z").partition(".")
    return datetime.fromisoformat(f"{whole}+00:00").timestamp() + float(f"0.{fraction or 0}")
