"""A database that the landed version filled, with runs in every state: upgraded, it says the same and its runs end.

landed/landed.sql.gz is a dump by PostgreSQL 15 of schema 0001, with its views; landed/views.json.gz is what these said
of it, landed/asked.json what some of its open works would have asked their engine, landed/recording.jsonl every sample
that the open works need. All leases in it ran out long ago.
"""

import gzip
import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from alembic import command

from cli.stack.servers import Urls
from models import database, schema
from models.schema import check_schema, migrate, schema_version
from tasks import stored
from tasks.engines.engine import Account, Completion, Request
from tasks.engines.replay import Recording, Replay
from tasks.engines.vllm_reward import Reward
from tasks.runs.make import RunRequest, enqueue
from tasks.workers.generate import use_engine
from tasks.workers.score import use_reward_model
from tasks.workers.sweep import sweep
from tests.place import Place, new_place
from tests.small_runs import check, use_recording, work_off
from verifiers.benchmarks import BENCHMARKS, find_verifier

LANDED = Path(__file__).parent / "landed"
RECORDING = LANDED / "recording.jsonl"

OTHERWISE = dict.fromkeys(("cost", "problem_cost", "engine_time"), ("gpu_seconds_lost", "gpu_seconds_running"))
"""View -> columns that say something else now: the time of an attempt that was taken over is lost, and runs no more."""

HONEST = {"coverage": ("low", "high"), "coverage_by_cost": ("low", "high")}
"""View -> columns of intervals that bear coverage near 0 and 1 now; the bootstrap's, which did not, are gone."""

BATCHWISE = ("coverage", "coverage_by_cost", "problem_count", "problem_difficulty")
"""Views that say something else now of runs that stop at right samples, and know more of those with undecided ones."""

LEFT_OUT = {**OTHERWISE, "problem_count": ("judged_prefix",)}
"""View -> columns that are not compared: with those above, what is kept no more of runs that do not stop."""

UNKNOWN = {"problem_cost": 16, "cost": 8, "cost_rate": 4, "engine_time": 1}
"""View -> values that are null now and were numbers: sums of which a part is not known, which was taken for 0.

Two imports said nothing, or not of every sample, and what was replayed had no tokens.
"""


PROMPTS_APART = dict.fromkeys(("cost_rate", "coverage_by_cost"), ("gpu_seconds", "usd"))
"""View -> columns that held a share of the prompt in every sample, which is paid once now."""


INSTEAD = {
    "outcome_counts": """
        select run_id, verifier, outcome, sum(samples)::bigint as samples, sum(candidates)::bigint as candidates,
            biased_by
        from outcome_counts group by run_id, verifier, outcome, biased_by
        """,
}
"""View -> what says the same now: two versions of a verifier are no longer added up."""


@pytest.fixture
def landed(any_server: str, bundled: Urls, tmp_path: Path) -> Iterator[Place]:
    """The dump, migrated to this code's version."""
    with new_place(any_server, bundled.broker_url, tmp_path / "home", LANDED / "landed.sql.gz") as place:
        assert migrate() == schema_version()
        check_schema()
        yield place


def test_every_view_says_what_it_said(landed: Place) -> None:
    said = json.loads(gzip.decompress((LANDED / "views.json.gz").read_bytes()))
    otherwise = [
        row["run_id"]
        for row in landed.query(
            "select distinct run_id from problem_tally where biased_by is not null or undecided > 0"
        )
    ]
    for view, before in said.items():
        left = (*LEFT_OUT.get(view, ()), *HONEST.get(view, ()), *PROMPTS_APART.get(view, ()))
        kept = [column for column in before["columns"] if column not in left]
        columns = ", ".join(f'"{column}"' for column in kept)
        rows = landed.query(INSTEAD.get(view, f"select {columns} from {view}"))
        assert rows, view
        places = [before["columns"].index(column) for column in kept]
        out = otherwise if view in BATCHWISE else []
        now = _in_order([plain(value) for value in row.values()] for row in rows if row.get("run_id") not in out)
        kept_rows = [row for row in before["rows"] if row[0] not in out and "bootstrap" not in row]
        then = _in_order([plain(row[place]) for place in places] for row in kept_rows)
        pairs = [pair for one, other in zip(now, then, strict=True) for pair in zip(one, other, strict=True)]
        changed = [pair for pair in pairs if pair[0] != pair[1]]
        assert [each for each, _ in changed] == [None] * UNKNOWN.get(view, 0), (view, changed)
        if view in OTHERWISE:
            both = [before["columns"].index(column) for column in OTHERWISE[view]]
            spent = landed.one(f"select sum({' + '.join(OTHERWISE[view])}) from {view}")
            assert spent == pytest.approx(sum(row[place] or 0 for row in before["rows"] for place in both)), view


def plain(value: Any) -> Any:
    """A value as JSON holds it, numbers to nine digits, since two servers may differ in the last one.

    What is below 1e-15 is 0: a gap that was a floating-point sum's last digit.
    """
    if isinstance(value, float | Decimal):
        return float(f"{value:.9g}") if abs(value) > 1e-15 else 0.0
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value


def _in_order(rows: Iterator[list[Any]]) -> list[list[Any]]:
    return sorted(rows, key=json.dumps)


def test_judgements_that_were_only_counted_are_rows(bundled: Urls, tmp_path: Path) -> None:
    with new_place(bundled.database_url, bundled.broker_url, tmp_path / "home", LANDED / "landed.sql.gz") as place:
        with database.engine().connect() as connection:
            schema._drop_views(connection)
            config = schema._alembic()
            config.attributes["connection"] = connection
            command.upgrade(config, "0004")
            connection.exec_driver_sql("""
                update verdict set reruns = 0, disagreements = 0;
                update verdict set reruns = nth, disagreements = 2
                from (
                    select candidate_id, verifier_id, row_number() over (order by candidate_id, verifier_id) + 1 as nth
                    from verdict where outcome in ('correct', 'incorrect') limit 3
                ) as few where (verdict.candidate_id, verdict.verifier_id) = (few.candidate_id, few.verifier_id)
            """)
            connection.commit()
        migrate()
        assert place.query("""
            select count(*) as judged, count(rejudgement.outcome) as told,
                bool_and(rejudgement.outcome = verdict.outcome) as agree, max(rejudgement.created_at) as at
            from rejudgement join verdict using (candidate_id, verifier_id)
            group by candidate_id, verifier_id order by 1
        """) == [
            {"judged": 2, "told": 0, "agree": None, "at": None},
            {"judged": 3, "told": 1, "agree": True, "at": None},
            {"judged": 4, "told": 2, "agree": True, "at": None},
        ]
        assert place.query(
            "select sum(reruns)::int as again, sum(disagreements)::int as otherwise from verifier_health"
        ) == [{"again": 9, "otherwise": 6}]
        seen = place.query("select judgements, varies, correct, outcomes from flakiness order by judgements")
        assert [(row["judgements"], row["varies"]) for row in seen] == [(2, True), (3, True), (4, True)], seen


class Lengths:
    """A reward model that likes long samples."""

    name, version, seed, sizes, gpus, capacity = "lengths", "1", None, None, 0, 1_000

    def __init__(self) -> None:
        self.dead = Event()

    def rate(self, _prompt: str, texts: list[str], _stop: Event) -> list[Reward]:
        """A number a text."""
        return [Reward(float(len(text))) for text in texts]


def test_every_open_run_ends_and_holds_what_must_hold(landed: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored, "_own_allowed", True)  # some are of a person's own, from before its code was stored
    failed = "select count(*) from work where state = 'failed'"
    open_runs = {row["name"] for row in landed.query("select name from run where finished_at is null")}
    failed_before = landed.one(failed)
    assert {"moving", "trying", "include-stop", "settings", "middle", "waiting", "solving", "scored"} < open_runs
    use_recording(RECORDING)
    use_reward_model(Lengths())  # type: ignore[arg-type]
    sweep()
    for run in landed.query(
        "select run.id, benchmark.name as benchmark, verifier.name, verifier.version from run "
        "join benchmark on benchmark.id = run.benchmark_id join verifier on verifier.id = run.verifier_id "
        "where run.finished_at is null"
    ):
        if (
            run["benchmark"] in BENCHMARKS
            and find_verifier(BENCHMARKS[run["benchmark"]], run["name"]).version != run["version"]
        ):
            landed.ok("reverify", str(run["id"]))
    while work_off(landed, ("generate",), at_most=3) + work_off(landed, ("verify", "score")):
        sweep()
    assert landed.query("select name from run where finished_at is null") == []
    assert landed.one(failed) <= failed_before  # a newer version judges what an older one failed at
    assert landed.query("select * from work where state in ('ready', 'published', 'leased')") == []
    states = {row["name"]: row["state"] for row in landed.query("select name, state from run_progress")}
    assert {name: states[name] for name in open_runs if states[name] != "done"} == {"solving": "stopped by when_solved"}
    for row in landed.query("select id from run"):
        check(landed, row["id"])
    assert {row["thinking"] for row in landed.query("select thinking from run")} == {"none"}
    assert landed.query("select from extraction where answer_from is distinct from 0") == []


class Asked(Replay):
    """Replays, and remembers what it was asked."""

    def __init__(self, recording: Recording) -> None:
        super().__init__(recording)
        self.requests: list[Request] = []

    def sample(self, request: Request, stop: Event, account: Account) -> list[Completion]:
        """The recorded samples."""
        self.requests.append(request)
        return super().sample(request, stop, account)


def test_an_open_run_asks_its_engine_for_what_was_enqueued(landed: Place) -> None:
    engine = Asked(Recording(RECORDING))
    use_engine(engine)
    sweep()
    work_off(landed, ("generate",))
    asked = [json.loads(json.dumps(asdict(request))) for request in engine.requests]
    for run, requests in json.loads((LANDED / "asked.json").read_text()).items():
        for request in requests:
            settings = request.pop("settings")
            assert any(_holds(each, request) and _holds(each["sampling"], settings) for each in asked), run


def _holds(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return {name: one[name] for name in other} == other


def test_a_named_run_that_is_enqueued_again_is_the_run_that_landed(landed: Place) -> None:
    request = RunRequest(
        "pocket-sums", "pocket-monkey", 8, limit=2, batch_size=1, budget_flops=1e5, name="budget-flops"
    )
    assert enqueue(request).run_id == landed.one("select id from run where name = 'budget-flops'")


SCHEMA = """
    select 'column' as what, relname || '.' || attname as name, concat_ws(' ', format_type(atttypid, atttypmod),
        case when attnotnull then 'not null' end, attidentity, attgenerated, pg_get_expr(adbin, adrelid),
        '-- ' || col_description(attrelid, attnum)) as said
    from pg_attribute join pg_class on pg_class.oid = attrelid
    left join pg_attrdef on adrelid = attrelid and adnum = attnum
    where relnamespace = 'public'::regnamespace and relkind in ('r', 'v') and attnum > 0 and not attisdropped
    union all
    select 'relation', relname, concat_ws(' ', relkind, '-- ' || obj_description(oid, 'pg_class')) from pg_class
    where relnamespace = 'public'::regnamespace
    union all
    select 'constraint', conrelid::regclass || '.' || conname, pg_get_constraintdef(oid) from pg_constraint
    where connamespace = 'public'::regnamespace and contype <> 'n'
    union all
    select 'index', indexname, indexdef from pg_indexes where schemaname = 'public'
    union all
    select 'type', typname, string_agg(enumlabel, ', ' order by enumsortorder)
    from pg_type join pg_enum on enumtypid = pg_type.oid where typnamespace = 'public'::regnamespace group by typname
    union all
    select 'function', oid::regprocedure::text, prosrc from pg_proc where pronamespace = 'public'::regnamespace
    union all
    select 'sequence', sequencename, data_type::text from pg_sequences where schemaname = 'public'
"""
"""All that a schema is, the order of its columns aside."""


def test_an_upgraded_schema_is_that_of_a_fresh_database_and_stays_it(
    any_server: str, bundled: Urls, tmp_path: Path
) -> None:
    schemas = []
    for dump in (LANDED / "landed.sql.gz", None):
        with new_place(any_server, bundled.broker_url, tmp_path / "home", dump) as place:
            for _ in range(2):
                assert migrate() == schema_version()
            schemas.append({(row["what"], row["name"]): row["said"] for row in place.query(SCHEMA)})
    upgraded, fresh = schemas
    assert len(fresh) > 300
    assert upgraded == fresh
