"""Pages that each look at the ledger reads, with 10,000, 100,000 and 1,000,000 works: what stays the same at any size.

    python -m tests.bench.ledger [--works 10000 100000 1000000] [--server postgresql://...]

A fresh database a size, on the bundled PostgreSQL or on a server of another version: 1,000 runs, of which the first has
half of all works and a budget, and eleven queues, of which one has nine works of ten. Every function is called as the
sweeper, `watch` and `doctor` call it; each of its statements is explained five times with `analyze, buffers` and taken
back. Pages are shared hit + read, milliseconds the median of five, both summed over a call's statements. Vacuum is off,
and "not vacuumed" is half of all works done since the last one. The last line is the pages of publishing ten works at
the largest size over those at the smallest.
"""

import argparse
import statistics
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
import sqlalchemy
from psycopg.rows import scalar_row

from cli.stack.servers import servers
from models import database
from models.questions import health, progress
from tasks import ledger
from tests.place import Place, new_place

RUNS = 1_000
QUEUE = "generate.huge"
TIMES = 5
SIZES = (10_000, 100_000, 1_000_000)

FILL = """
insert into benchmark (name) values ('bench');
insert into llm (name, engine, queue)
select 'replay:' || queue, 'replay', queue
from (select 'generate.huge' as queue union all select 'generate.small' || i from generate_series(1, 10) as i) as each;
insert into verifier (benchmark_id, name, version) values (1, 'exact', '1');
insert into problem (benchmark_id, key, content_hash) select 1, i::text, '' from generate_series(1, 100) as i;
insert into run (benchmark_id, llm_id, verifier_id, n, batch_size, seed, settings_hash, stop_rule)
select 1, 1, 1, 1000000, 1, 0, '', case when i = 1 then '{"usd": 1e9}' else '{}' end::jsonb
from generate_series(1, %(runs)s) as i;
insert into prompt (run_id, problem_id, position, text)
select run.id, problem.id, problem.id, '' from run, problem where run.id = 1 or problem.id <= 5;
insert into batch (run_id, problem_id, first_index, size)
select run, 1 + i %% case when run = 1 then 100 else 5 end, i, 1
from (select i, case when i %% 2 = 0 then 1 else 2 + i / 2 %% (%(runs)s - 1) end as run
      from generate_series(1, %(works)s) as i) as each;
insert into work (run_id, batch_id, kind, queue)
select run_id, id, 'generate',
    case when id %% 10 > 0 then 'generate.huge' else 'generate.small' || 1 + id / 10 %% 10 end
from batch order by id;
"""

HALF_DONE = """
with done as (
    update work set state = 'done', ended_at = now() - interval '1 hour', attempts = 1
    where id in (select id from work where id <= %(works)s / 2) returning id
)
insert into attempt (work_id, worker, host, code_version, finished_at, ok, completion_tokens, usd)
select id, 'bench:1', 'here', '0', now() - interval '1 hour', true, 100, 0.001 from done;
insert into work (run_id, batch_id, kind, verifier_id, queue, state, ended_at, correct, first_correct)
select run_id, batch_id, 'verify', 1, 'verify', 'done', now() - interval '1 hour', 1, 1
from work where id <= %(works)s / 4 and state = 'done' order by id;
update work set state = 'failed', last_error = 'it broke'
where id in (select id from work where state = 'ready' order by id desc limit 100);
update work set state = 'ready', not_before = now() + interval '1 hour', last_error = 'its endpoint is away'
where id in (select id from work where state = 'ready' and queue = 'generate.huge' order by id limit %(works)s / 10);
update work set state = 'leased', lease_until = now() - interval '1 minute', attempts = 1
where id in (select id from work where state = 'ready' and not_before is null order by id limit 10);
"""


class Figures(NamedTuple):
    """What one call took."""

    pages: int
    milliseconds: float
    plans: list[str]


class Measuring(psycopg.Cursor[Any]):
    """A cursor that explains what it is about to execute, while somebody wants to know."""

    figures: list[Figures] | None = None

    def execute(self, query: Any, params: Any = None, **options: Any) -> Any:
        measured = Measuring.figures
        if measured is not None and query != ";":  # with which the pool asks whether it lives
            Measuring.figures = None
            try:
                measured.append(explained(self.connection, query, params))
            finally:
                Measuring.figures = measured
        return super().execute(query, params, **options)


def explained(connection: Any, query: Any, params: Any) -> Figures:
    """Run a statement some times, taking it back each time."""
    found: list[tuple[int, float]] = []
    for _ in range(TIMES):
        with (
            connection.transaction(force_rollback=True),
            psycopg.ClientCursor(connection, row_factory=scalar_row) as cursor,
        ):
            cursor.execute("explain (analyze, buffers, format json) " + query, params)
            (plan,) = cursor.fetchone()
        pages = plan["Plan"]["Shared Hit Blocks"] + plan["Plan"]["Shared Read Blocks"]
        found.append((pages, plan["Planning Time"] + plan["Execution Time"]))
    pages = statistics.median_low(each for each, _ in found)
    return Figures(pages, statistics.median(each for _, each in found), scans(plan["Plan"]))


def scans(plan: dict[str, Any]) -> list[str]:
    """Tables that a plan reads from end to end."""
    whole = [plan["Relation Name"]] if plan["Node Type"] == "Seq Scan" else []
    return whole + [each for part in plan.get("Plans", ()) for each in scans(part)]


def measure(call: Callable[[], object]) -> Figures:
    """What a function's statements take together."""
    Measuring.figures = figures = []
    try:
        call()
    finally:
        Measuring.figures = None
    return Figures(
        sum(each.pages for each in figures),
        sum(each.milliseconds for each in figures),
        [each for one in figures for each in one.plans],
    )


LOOKS: dict[str, Callable[[], object]] = {
    "sweep: open queues": ledger.open_queues,
    "sweep: lost messages": lambda: ledger.free_lost_messages(QUEUE, queue_is_empty=False, older_than_seconds=60),
    "sweep: next verifiers": ledger.move_counting,
    "sweep: stopping rules": ledger.stop_runs,
    "sweep: ends of runs": ledger.end_runs,
    "watch: progress of the largest run": lambda: progress.progress_of(1),
    "runs: progress of all": lambda: database.query("select * from run_progress order by run_id"),
    "watch: waiting queues of a run": lambda: health.waiting_queues(1),
    "watch: why works failed": lambda: progress.failures_of(RUNS),
    "doctor: waiting queues": health.waiting_queues,
    "doctor: further queues": health.further_queues,
    "doctor: late queues": health.late_queues,
    "doctor: dropped leases": health.dropped_leases,
    "doctor: refused queues": health.refused_queues,
    "doctor: failed runs": health.failed_runs,
}


def publish_ten() -> object:
    return ledger.take_for_publishing(QUEUE, 10)


def publish_small() -> object:
    return ledger.take_for_publishing("generate.small1", 10)


def publish_none() -> object:
    return ledger.take_for_publishing("verify", 10)


def size_up(place: Place, works: int) -> Iterator[tuple[str, Figures]]:
    """Every statement at one size, through the states of a ledger's life."""
    run_all(place, "alter table work set (autovacuum_enabled = false)", {})
    run_all(place, FILL, {"works": works, "runs": RUNS})
    yield "publish ten, just filled", measure(publish_ten)
    yield "open queues, just filled", measure(ledger.open_queues)
    yield "fold counts, just filled", measure(ledger.fold_counts)
    vacuum(place)
    yield "publish ten, all ready", measure(publish_ten)
    yield "publish ten of a small queue", measure(publish_small)
    ledger.take_for_publishing(QUEUE, 1_000)
    yield "publish ten, window half full", measure(publish_ten)
    ledger.take_for_publishing(QUEUE)
    yield "publish none, window full", measure(publish_ten)
    run_all(place, "update work set state = 'ready' where state = 'published'", {})
    run_all(place, HALF_DONE, {"works": works})
    yield "publish ten, not vacuumed", measure(publish_ten)
    yield "open queues, not vacuumed", measure(ledger.open_queues)
    yield "progress, not vacuumed", measure(lambda: progress.progress_of(1))
    ledger.fold_counts()
    vacuum(place)
    yield "publish ten, half done, a tenth waits", measure(publish_ten)
    yield "publish none, nothing ready", measure(publish_none)
    yield "sweep: ten expired leases", measure(ledger.free_expired)
    for name, look in LOOKS.items():
        yield name, measure(look)
    yield "bytes a work", Figures(bytes_a_work(place), 0, [])


def run_all(place: Place, statements: str, parameters: dict[str, Any]) -> None:
    with database.transaction() as connection:
        for statement in filter(str.strip, statements.split(";\n")):
            psycopg.ClientCursor(connection).execute(statement, parameters)


def vacuum(place: Place) -> None:
    url = sqlalchemy.make_url(place.database_url).set(drivername="postgresql")
    with psycopg.connect(url.render_as_string(hide_password=False), autocommit=True) as connection:
        connection.execute("vacuum analyze")


def bytes_a_work(place: Place) -> int:
    """Of the tables work and batch with their indexes, once full: works that were done left no holes to count."""
    with database.transaction() as connection:
        connection.execute("reindex table work")
    size = place.one("select sum(pg_indexes_size(c::regclass)) from unnest(array['work', 'batch']) as c")
    rows = place.one("select sum(pg_column_size(work.*) + 28) from work") + place.one(
        "select sum(pg_column_size(batch.*) + 4) from batch"
    )
    return round((size + rows) / place.one("select count(*) from work"))


@contextmanager
def server_of(url: str | None, folder: Path) -> Iterator[tuple[str, str]]:
    with servers(folder) as urls:
        yield url or urls.database_url, urls.broker_url


def main() -> None:
    """Every size, a table, the ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--works", type=int, nargs="+", default=SIZES)
    parser.add_argument("--server", help="a PostgreSQL of another version; the bundled one else")
    chosen = parser.parse_args()
    found: dict[str, list[Figures]] = {}
    with tempfile.TemporaryDirectory(prefix="ledger-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        with server_of(chosen.server, folder / "servers") as (server, broker):
            for works in chosen.works:
                with new_place(server, broker, folder / "home") as place:
                    sqlalchemy.event.listen(database.engine(), "connect", use_measuring)
                    for statement, figures in size_up(place, works):
                        found.setdefault(statement, []).append(figures)
                        print(f"{works:>9,} {statement:40} {figures.pages:8,} pages {figures.milliseconds:9.1f} ms"
                              f" {' '.join(figures.plans)}", flush=True)  # fmt: skip
    print(f"{'pages (milliseconds)':40}" + "".join(f"{works:>22,}" for works in chosen.works))
    for statement, each in found.items():
        cells = (f"{figures.pages:,} ({figures.milliseconds:,.1f})" for figures in each)
        print(f"{statement:40}" + "".join(f"{cell:>22}" for cell in cells))
    published = found["publish ten, all ready"]
    print(f"ratio {published[-1].pages / published[0].pages:.2f}")


def use_measuring(connection: Any, _: object) -> None:
    connection.cursor_factory = Measuring


if __name__ == "__main__":
    main()
