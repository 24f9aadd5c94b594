"""A Docker daemon of the tests' own: its data, its socket and its processes are gone with it."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.place import wait_until

_APART = """
import fcntl, os, socket, struct, sys
with socket.socket() as any_socket:
    fcntl.ioctl(any_socket, 0x8914, struct.pack("16sh14x", b"lo", 1))
os.execvp(sys.argv[1], sys.argv[1:])
"""
"""Has a fresh network namespace's loopback up, then runs a program."""


class Dockerd:
    """One that runs from `start` to `stop` under the address `url`.

    It has a network namespace of its own: bridge and filter rules of another daemon on this host are not touched.
    """

    def __init__(self, folder: Path, data: Path) -> None:
        self.folder, self.data = folder, data
        self.url = f"unix://{folder}/docker.sock"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Return when it answers; skips the test, loudly, where it cannot be started."""
        if os.geteuid() != 0 or shutil.which("dockerd") is None:
            pytest.skip("NO DOCKER: set MONKEYS_TEST_DOCKER_HOST, or be root and install docker.io")
        command = ["unshare", "--net", sys.executable, "-c", _APART]
        command += ["dockerd", "--data-root", str(self.data), "--exec-root", str(self.folder / "exec"), "-H", self.url]
        command += ["-p", str(self.folder / "pid")]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_until(self._answers_or_ended, 60)
        if self.process.poll() is not None:
            last = (self.folder / "log").read_text(errors="replace").splitlines()[-1]
            pytest.skip(f"NO DOCKER: dockerd does not start here: {last}")

    def _answers_or_ended(self) -> bool:
        assert self.process is not None
        ping = ["docker", "-H", self.url, "version"]
        return self.process.poll() is not None or subprocess.run(ping, capture_output=True).returncode == 0

    def tell(self, number: signal.Signals) -> None:
        """Send the daemon a signal."""
        assert self.process is not None
        self.process.send_signal(number)

    def beside(self, *command: str) -> subprocess.Popen[bytes]:
        """Start a program in its network namespace."""
        assert self.process is not None
        entered = ["nsenter", "--net", "--target", str(self.process.pid), *command]
        with (self.folder / "beside.log").open("ab") as log:
            return subprocess.Popen(entered, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def stop(self) -> None:
        """End it and what it runs."""
        if self.process is not None and self.process.poll() is None:
            self.tell(signal.SIGCONT)
            self.process.terminate()
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
