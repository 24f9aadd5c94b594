"""What `up` and `down` do from outside the supervisor."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import click

from cli.stack.flower import flower_port
from cli.stack.processes import boot_id, end_all, read_process
from cli.stack.servers import make_folders
from cli.stack.state import (
    Stack,
    Standing,
    Wanted,
    WantedLlm,
    forget_stack,
    log_file,
    read_stack,
    read_wanted,
    supervised,
    tail,
    take_lock,
    write_wanted,
)
from models.settings import settings
from tasks.workers.grace import KEEPER_SECONDS, OUTSIDE_SECONDS
from verifiers.errors import Unavailable

START_SECONDS = 600.0
"""How long `up` waits: a large llm is loaded within it, or goes on loading without `up`."""


def bring_up(llms: list[WantedLlm]) -> None:
    """Start the stack, or add what it lacks, and wait until all of it answers."""
    home = settings().home
    make_folders(home)
    llms = [_full(each) for each in llms]
    with _changing():
        if not supervised(home):
            end_leftovers()
            write_wanted(home, Wanted(llms, [], flower_port(settings().flower_port)))
            _spawn()
        else:
            _add(Wanted(llms, []))
    _wait(llms)


def add(more: Wanted) -> bool | None:
    """Have the running stack serve more; whether any of it is new, None where no stack runs."""
    if not supervised(settings().home):
        return None
    with _changing():
        return _add(Wanted([_full(each) for each in more.llms], more.queues))


def take_down() -> bool:
    """End the stack to its last process; False where nothing ran."""
    home = settings().home
    if not home.is_dir():
        return False
    with _changing():
        stack = read_stack(home)
        if not supervised(home):
            return end_leftovers()
        if stack is None or stack.supervisor.pid is None:
            raise Unavailable(f"The stack is just starting; see {home / 'supervisor.log'}, and try again.")
        os.kill(stack.supervisor.pid, signal.SIGTERM)
        deadline = time.monotonic() + 2 * KEEPER_SECONDS + OUTSIDE_SECONDS  # three stages, one after the other
        while not _gone(stack.supervisor) and time.monotonic() < deadline:
            time.sleep(0.05)
        if not _gone(stack.supervisor):
            end_all([stack.supervisor.pid])
        end_leftovers()
    return True


def end_leftovers() -> bool:
    """Kill what a supervisor that was itself killed left behind; whether there was anything."""
    home = settings().home
    stack = read_stack(home)
    roots: list[int] = []
    if stack is not None and stack.boot == boot_id():
        roots = [each.pid for each in stack.services if each.pid is not None and not _another(each)]
    end_all(roots)
    forget_stack(home)
    return bool(roots)


def _gone(standing: Standing) -> bool:
    process = read_process(standing.pid) if standing.pid else None
    return process is None or process.zombie or process.start != standing.start


def _another(standing: Standing) -> bool:
    """Whether the pid is another process by now; a session whose leader is gone is still ours."""
    process = read_process(standing.pid) if standing.pid else None
    return process is not None and process.start != standing.start


def _full(llm: WantedLlm) -> WantedLlm:
    from tasks.engines import full_name

    return WantedLlm(full_name(llm.name), llm.engine_arguments)


@contextmanager
def _changing() -> Iterator[None]:
    """One change of the stack at a time."""
    with take_lock(settings().home, "change.lock"):
        yield


def _add(more: Wanted) -> bool:
    home = settings().home
    wanted = read_wanted(home)
    both = wanted.and_also(more)
    stack = read_stack(home)
    if stack is not None and stack.supervisor.pid is not None:
        if both != wanted:
            write_wanted(home, both)
        os.kill(stack.supervisor.pid, signal.SIGHUP)  # what rests wakes too
    return both != wanted


def _spawn() -> None:
    home = settings().home
    with (home / "supervisor.log").open("ab") as log:
        child = subprocess.Popen(
            [sys.executable, "-P", "-m", "cli.stack.supervisor"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=home,
            start_new_session=True,
            env={**os.environ, "MONKEYS_HOME": str(home)},
        )
    deadline = time.monotonic() + 30
    while read_stack(home) is None:
        if child.poll() is not None or time.monotonic() > deadline:
            raise Unavailable(f"The stack's supervisor does not start; see {home / 'supervisor.log'}.")
        time.sleep(0.05)


def _wait(llms: list[WantedLlm]) -> None:
    """Say what becomes ready until all is; a service that keeps dying is an error with the end of its log."""
    home = settings().home
    said: set[str] = set()
    deadline = time.monotonic() + START_SECONDS
    while True:
        stack = read_stack(home)
        if stack is None or not supervised(home):
            raise Unavailable(f"The stack was taken down while it started; see {home / 'supervisor.log'}.")
        for each in stack.services:
            if each.state == "failing" and not _further(each):
                raise Unavailable(_failing(each))
            if each.state in ("running", "done") and each.service not in said:
                said.add(each.service)
                click.echo(f"  {each.service} {'started' if each.state == 'running' else 'done'}", err=True)
        if _all_run(stack, llms) and _served(llms):
            return
        if time.monotonic() > deadline:
            raise Unavailable(f"The stack is not ready after {START_SECONDS:.0f} s; `monkeys status` says what is.")
        time.sleep(0.1)


def _failing(standing: Standing) -> str:
    home = settings().home
    return (
        f"{standing.service} keeps failing ({standing.error or 'no reason given'}); the rest runs, `monkeys down` "
        f"ends it. Its log ends with:\n{tail(log_file(home, standing.service))}"
    )


def _all_run(stack: Stack, llms: list[WantedLlm]) -> bool:
    names = {each.service for each in stack.services}
    wanted = {" ".join(["generate", each.name, *each.engine_arguments]) for each in llms}
    return wanted <= names and all(
        each.state in ("running", "done", "resting") or _further(each) for each in stack.services
    )


def _further(standing: Standing) -> bool:
    """Whether it serves a queue of some runs only, which wait: for Docker, or for code that was moved."""
    return standing.service.startswith("verify ")


def _served(llms: list[WantedLlm]) -> bool:
    from cli.options import engine_args
    from models.questions.workers import served_queues
    from tasks.engines import queue_of

    wanted = {"verify", *(queue_of(each.name, engine_args(each.engine_arguments)) for each in llms)}
    ready = {queue for queue, workers in served_queues().items() if any(each.state != "starting" for each in workers)}
    return wanted <= ready
