"""A container that trusts nobody: no capability, no network, no mount, and limits on all that it may take.

    with container(image, limits) as box:
        box.write("/eval.sh", script)
        ran = box.run(["/bin/bash", "/eval.sh"], seconds=limits.seconds, stop=Event())

What runs in it is root without a capability, as tests expect to be root. Its first process is another user's, so that
nothing in it can end that, and does nothing but wait and take in orphans; when its time is over it ends, and with it
everything else, though every worker were dead. Leaving the context removes the container whatever happened.
"""

import os
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Event
from typing import Any

from verifiers.errors import InfrastructureError, JudgeAway
from verifiers.patches import archive
from verifiers.patches.daemon import asking, client
from verifiers.patches.execution import Ending, Execution, Ran
from verifiers.patches.images import prepare
from verifiers.patches.leftovers import in_use, labels, sweep
from verifiers.patches.limits import PatchLimits

__all__ = ["Container", "Ending", "Ran", "container", "sweep"]

_LATITUDE = 900.0
"""Seconds that a container may live beyond those of the tests."""
_MADE_WITHIN = 120.0
"""Some storage drivers copy the whole image."""
_REMOVED_WITHIN = 120.0
_SILENT_FOR = 20.0
_HELD_WITHIN = 60.0
_OPEN_FILES = 16_384
_NOBODY = "65533:65533"
_WAIT = """trap "" TERM INT HUP QUIT
while [ $SECONDS -lt {seconds} ] && {{ read -r -t 1 || [ $? -gt 128 ]; }}; do :; done"""
"""By what the shell itself knows: a program of the image could be replaced. Nobody writes to its standard input; while
it reads, it takes in no orphans."""
_ENVIRONMENT = {"PIP_RETRIES": "0", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}

_without_quota: set[str] = set()
"""The ids of daemons whose storage driver cannot limit a container's disk."""


class Container:
    """A container that runs. After a command that ended otherwise than `exited`, only `read` and `hold` make sense."""

    def __init__(self, container_id: str, limits: PatchLimits) -> None:
        self.id, self.limits = container_id, limits
        self._commands = 0
        self._cpu_seconds = 0.0

    def write(self, path: str, data: bytes) -> None:
        """Put a file into a folder that is there; its owner is root."""
        folder, packed = archive.pack(path, data)
        with asking(f"write {path} into a container"):
            client().api.put_archive(self.id, folder, packed)

    def read(self, path: str, at_most: int) -> bytes | None:
        """A regular file's bytes; None where there is none, or it is larger."""
        from docker.errors import APIError

        with asking(f"read {path} from a container"):
            try:
                chunks, told = client().api.get_archive(self.id, path)
            except APIError as error:
                if error.is_client_error():
                    return None
                raise
            try:
                return archive.unpack(chunks, told, at_most)
            finally:
                chunks.close()

    def run(self, command: Sequence[str], *, seconds: float, stop: Event, folder: str = "/testbed") -> Ran:
        """Run a command in a folder to its end, or to the first limit that it passes."""
        execution = Execution(self.id, self.limits)
        ran = execution.run(command, folder, seconds, stop)
        self._commands += 1
        if ran.ended is Ending.exited and not execution.exit.started and self._commands == 1:
            said = " ".join(ran.output.decode(errors="replace").split())[:300]
            raise InfrastructureError(f"no command could be started in a fresh container: {said}")
        return ran

    def hold(self) -> None:
        """Let nothing in it go on; `read` still works. What forks without end makes this take long, or fail."""
        with asking("pause a container"):
            client(_HELD_WITHIN).api.pause(self.id)

    def release(self) -> None:
        """Let all go on."""
        with asking("unpause a container"):
            client().api.unpause(self.id)

    def fate(self) -> Ending:
        """What became of it since its last command was started: `exited` where it runs as before, memory or gone."""
        return Execution(self.id, self.limits).fate()

    def cpu_seconds(self) -> float:
        """What all its processes have used until now, or when that could last be seen."""
        try:
            with asking("measure a container"):
                told = client().api.stats(self.id, stream=False, one_shot=True)
        except (InfrastructureError, JudgeAway):  # no verdict is lost for want of this
            return self._cpu_seconds
        used = told["cpu_stats"]["cpu_usage"]["total_usage"] / 1e9
        self._cpu_seconds = max(self._cpu_seconds, used)
        return self._cpu_seconds


@contextmanager
def container(image: str, limits: PatchLimits) -> Iterator[Container]:
    """A fresh container of an image, which is pulled if absent; JudgeAway and InfrastructureError as they come."""
    sweep()
    known = prepare(image)
    name = f"monkeys-{os.getpid()}-{uuid.uuid4().hex[:12]}"
    in_use.add(name)
    try:
        made = _make(name, image, known, limits)
        with asking(f"start a container of {image}"):
            client().api.start(made)
        yield Container(made, limits)
    finally:
        _remove(name)
        in_use.discard(name)


def _make(name: str, image: str, known: dict[str, Any], limits: PatchLimits) -> str:
    """The id of a container that was made, with a quota for its disk where the daemon has one."""
    from docker.errors import APIError

    with asking("describe itself"):
        daemon = client().info()
    with asking(f"make a container of {image}"):
        if daemon["ID"] not in _without_quota:
            try:
                return _create(name, image, known, limits, daemon, quota=True)
            except APIError as error:
                if "storage-opt" not in str(error.explanation):
                    raise
                _without_quota.add(daemon["ID"])
        return _create(name, image, known, limits, daemon, quota=False)


def _create(
    name: str, image: str, known: dict[str, Any], limits: PatchLimits, daemon: dict[str, Any], quota: bool
) -> str:
    life = limits.seconds + _LATITUDE
    api = client(_MADE_WITHIN).api
    made = api.create_container(
        image,
        entrypoint=["/bin/bash", "-c"],
        command=[_WAIT.format(seconds=int(life))],
        name=name,
        user=_NOBODY,
        hostname="testbed",
        working_dir="/",
        environment=_ENVIRONMENT,
        stdin_open=True,
        stop_timeout=1,
        healthcheck={"test": ["NONE"]},
        labels=labels(time.time() + life),
        platform=f"{known['Os']}/{known['Architecture']}",
        host_config=api.create_host_config(**_limited(limits, daemon, quota)),
    )
    return str(made["Id"])


def _limited(limits: PatchLimits, daemon: dict[str, Any], quota: bool) -> dict[str, Any]:
    """What a container may have, as the daemon is told it."""
    from docker.types import LogConfig, Ulimit

    ulimits = {"core": 0, "fsize": limits.disk_bytes, "nofile": _OPEN_FILES}
    return {
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges"],
        "network_mode": "bridge" if limits.network else "none",
        "ipc_mode": "private",
        "mem_limit": limits.memory_bytes,
        "memswap_limit": limits.memory_bytes,
        "pids_limit": limits.processes,
        "nano_cpus": int(min(limits.cpus, daemon["NCPU"]) * 1e9),
        "ulimits": [Ulimit(name=name, soft=most, hard=most) for name, most in ulimits.items()],
        "log_config": LogConfig(type="none"),
        "auto_remove": True,
        **({"storage_opt": {"size": str(limits.disk_bytes)}} if quota else {}),
    }


def _remove(name: str) -> None:
    """Remove a container with all that runs in it; what a daemon in trouble keeps, a sweep takes."""
    from docker.errors import NotFound

    began = heard = time.monotonic()
    while (now := time.monotonic()) < min(heard + _SILENT_FOR, began + _REMOVED_WITHIN):
        try:
            with asking("remove a container"):
                client().api.remove_container(name, force=True, v=True)
        except JudgeAway:
            time.sleep(0.5)
        except InfrastructureError as error:
            if isinstance(error.__cause__, NotFound):
                return
            heard = now  # it is at it: many files take long
            time.sleep(0.5)
