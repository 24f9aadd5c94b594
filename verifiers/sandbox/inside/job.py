"""What the host says of a slot and of a program, as objects."""

from __future__ import annotations

import _socket
from typing import Any, Tuple  # noqa: UP035 (Python 3.9)

from verifiers.sandbox.inside.kernel import SyscallFilter

PYTHON_KINDS = ("python", "serve", "drive")


class SlotSettings:
    """What the host said once about this slot."""

    def __init__(self, channel: _socket.socket, settings: dict[str, Any]) -> None:
        self.channel = channel
        self.isolated: bool = settings["isolated"]
        self.proc: bool = settings["proc"]
        self.folder: str = settings["folder"]
        self.imports: Tuple[str, ...] = settings["imports"]  # noqa: UP006
        self.limits: Tuple[Tuple[int, int, int], ...] = settings["limits"]  # noqa: UP006
        """(resource, soft and hard limit) of every program."""
        self.filter = SyscallFilter(settings["filter"])


class Job:
    """One test of a program, known only in the process that runs it.

    `own` counts its own descriptors, from 0. `image` is a descriptor of its executable, or of where its compiled code
    is kept for the next tests, or -1. `scratch` is the size of its /tmp where it is not the usual one, else 0.
    """

    def __init__(self, fields: Tuple[Any, ...]) -> None:  # noqa: UP006
        self.kind: str
        self.limits: Tuple[Tuple[int, int, int], ...]  # noqa: UP006
        self.kind, self.own, self.image, self.size, self.scratch, self.limits, self.argv, self.artifact = fields
        self.code = b""
