"""`python -m cli.stack.supervisor`: starts the stack's services, keeps them, and takes them along when it goes."""

import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

from cli.stack.processes import adopt_orphans, boot_id, die_with_parent, end_all, read_process
from cli.stack.services import (
    Service,
    Stack,
    Standing,
    forget_stack,
    log_file,
    services,
    tail,
    try_lock,
    wanted_llms,
    write_stack,
)
from models.settings import Settings, settings
from verifiers.errors import UserError

GRACE_SECONDS = 25.0
"""From a polite stop to a kill: workers give their work back in 10 and an engine closes in a few more."""

LONGEST_BACKOFF_SECONDS = 30.0
SETTLED_SECONDS = 60.0
"""After this long a service counts as healthy again and its next restart is at once."""

LARGEST_LOG_BYTES = 20_000_000


class Kept:
    """One service and its process: started when it is due, started again when it ends."""

    def __init__(self, home: Path, service: Service) -> None:
        self.home = home
        self.service = service
        self.child: subprocess.Popen[bytes] | None = None
        self.state = "starting"
        self.since = time.time()
        self.restarts = 0
        self.failures = 0
        self.due = 0.0
        self.started = 0.0
        self.error = ""

    def step(self) -> None:
        """Look once: start, notice an end, notice that it is ready."""
        if self.state == "done":
            return
        if self.child is None:
            if time.monotonic() >= self.due:
                self._start()
        elif (code := self.child.poll()) is not None:
            self._ended(code)
        elif self.state != "running" and self._stays() and self.service.ready():
            self.now("running")
        elif self.state == "running" and self.failures and time.time() - self.since > SETTLED_SECONDS:
            self.failures = 0
            self.error = ""

    def _stays(self) -> bool:
        """Whether it has lived long enough to be called running: longer, the more often it has died."""
        return not self.service.once and time.monotonic() - self.started >= min(2.0 * self.failures, 20.0)

    def _start(self) -> None:
        file = log_file(self.home, self.service.name)
        file.parent.mkdir(exist_ok=True, mode=0o700)
        if file.exists() and file.stat().st_size > LARGEST_LOG_BYTES:
            file.replace(file.with_suffix(".log.1"))
        try:
            self.service.prepare()
            with file.open("ab") as log:
                self.child = subprocess.Popen(
                    self.service.command(),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    cwd=self.home,
                    start_new_session=True,
                    preexec_fn=die_with_parent,
                )
            self.started = time.monotonic()
        except (UserError, OSError) as error:
            self._failed(str(error))

    def _ended(self, code: int) -> None:
        assert self.child is not None
        end_all([self.child.pid])  # an engine's own processes may outlive it
        self.child = None
        if self.service.once and code == 0:
            self.now("done")
        else:
            last = tail(self.home, self.service.name, 1)
            self._failed(f"ended with {code}: {last}" if last else f"ended with {code}")

    def _failed(self, error: str) -> None:
        self.error = error
        self.due = time.monotonic() + min(0.5 * 2**self.failures, LONGEST_BACKOFF_SECONDS)
        self.failures += 1
        self.restarts += 1
        self.now("restarting" if self.failures < 3 else "failing")

    def now(self, state: str) -> None:
        """Note a change."""
        self.state = state
        self.since = time.time()

    @property
    def ready(self) -> bool:
        """Whether what comes after may start."""
        return self.state == ("done" if self.service.once else "running")

    def standing(self) -> Standing:
        """How it stands, for `status`."""
        pid = self.child.pid if self.child else None
        process = read_process(pid) if pid else None
        start = process.start if process else None
        return Standing(self.service.name, pid, self.state, self.since, self.restarts, start, self.error[:500])


class Supervisor:
    """Keeps what is wanted running until it is told to stop."""

    def __init__(self, own: Settings) -> None:
        self.own = own
        self.began = time.time()
        self.kept: dict[str, Kept] = {}
        self.going = True
        self.reread = True
        self.written: Stack | None = None

    def run(self) -> None:
        """Start and keep everything; on SIGTERM or SIGINT take it down in the other direction."""
        signal.signal(signal.SIGTERM, self._stop)
        signal.signal(signal.SIGINT, self._stop)
        signal.signal(signal.SIGHUP, self._reread)
        while self.going:
            if self.reread:
                self.reread = False
                for service in services(self.own, wanted_llms(self.own.home)):
                    self.kept.setdefault(service.name, Kept(self.own.home, service))
            stage = min((each.service.stage for each in self.kept.values() if not each.ready), default=2)
            for each in list(self.kept.values()):
                if each.service.stage <= stage or each.child is not None:
                    each.step()
            self._write()
            time.sleep(0.1)
        for stage in (2, 1, 0):
            self._stop_stage(stage)

    def _stop_stage(self, stage: int) -> None:
        leaving = [each for each in self.kept.values() if each.service.stage == stage]
        for each in leaving:
            if each.child is not None and each.child.poll() is None:
                each.child.send_signal(getattr(signal, f"SIG{each.service.stop}"))
        deadline = time.monotonic() + GRACE_SECONDS
        while time.monotonic() < deadline and any(each.child and each.child.poll() is None for each in leaving):
            time.sleep(0.05)
        end_all([each.child.pid for each in leaving if each.child])
        for each in leaving:
            if each.child is not None:
                each.child.wait()
            each.child = None
            each.now("stopped")
        self._write()

    def _write(self) -> None:
        process = read_process(os.getpid())
        assert process is not None
        me = Standing("supervisor", process.pid, "running", self.began, 0, process.start)
        now = Stack(boot_id(), me, [each.standing() for each in self.kept.values()])
        if now != self.written:
            write_stack(self.own.home, now)
            self.written = now

    def _stop(self, *_: Any) -> None:
        self.going = False

    def _reread(self, *_: Any) -> None:
        self.reread = True


def main() -> None:
    """Supervise the stack of MONKEYS_HOME until told to stop; a second supervisor leaves at once."""
    own = settings()
    deadline = time.monotonic() + 2  # `status` holds it for a moment to see whether we live
    while (lock := try_lock(own.home, "supervisor.lock")) is None:
        if time.monotonic() > deadline:
            return
        time.sleep(0.01)
    adopt_orphans()
    Supervisor(own).run()
    forget_stack(own.home)
    lock.close()


if __name__ == "__main__":
    main()
