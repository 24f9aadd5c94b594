"""Containers whose worker died: whose a container is stands in its labels, and a sweep removes what is nobody's."""

import os
import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from functools import cache

import psutil

from verifiers.patches.daemon import asking, client

LABEL = "monkeys"
KIND = "patch"
_CLOCKS_DIFFER = 60.0

in_use: set[str] = set()
"""The names of this process's containers; one of its own that is not among them could not be removed before."""


def labels(until: float) -> dict[str, str]:
    """Of a container of this process that has no business after `until`, in Unix time."""
    started = psutil.Process().create_time()
    return {
        LABEL: KIND,
        f"{LABEL}.host": _host(),
        f"{LABEL}.pid": str(os.getpid()),
        f"{LABEL}.started": f"{started:.2f}",
        f"{LABEL}.until": f"{until:.0f}",
    }


def sweep() -> int:
    """Remove the containers whose process on this host is gone, or whose time has passed; how many they were."""
    from docker.errors import APIError

    swept = 0
    with asking("list containers"):
        for found in client().api.containers(all=True, filters={"label": f"{LABEL}={KIND}"}):
            if _is_nobodys(found["Names"] or [""], found["Labels"]):
                with suppress(APIError):  # somebody else removes it
                    client().api.remove_container(found["Id"], force=True, v=True)
                    swept += 1
    return swept


def _is_nobodys(names: list[str], told: Mapping[str, str]) -> bool:
    try:
        until, pid, started = (float(told[f"{LABEL}.{name}"]) for name in ("until", "pid", "started"))
    except (KeyError, ValueError):
        return False
    if time.time() > until + _CLOCKS_DIFFER:
        return True
    if told.get(f"{LABEL}.host") != _host():
        return False
    if not _lives(int(pid), started):
        return True
    return pid == os.getpid() and names[0].lstrip("/") not in in_use


def _lives(pid: int, started: float) -> bool:
    """Whether the process still runs; a start that differs by more than clocks are set by is another's."""
    try:
        process = psutil.Process(pid)
        is_it = abs(process.create_time() - started) < 10
        return bool(is_it and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


@cache
def _host() -> str:
    """A name for all processes that know each other's pids: those of one host and one pid namespace."""
    try:
        namespace = os.stat("/proc/self/ns/pid").st_ino
    except OSError:
        namespace = 0
    return f"{socket.gethostname()}/{namespace}"
