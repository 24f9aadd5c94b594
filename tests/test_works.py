"""What holds of works and runs when something goes wrong: our own failures, taken leases, rules, brokers, versions."""

import json
from pathlib import Path
from types import ModuleType

import psycopg
import pytest

from models import database, schema
from models.database import transaction
from models.settings import settings
from tasks import identity, ledger
from tasks.app import _configuration, app, queue
from tasks.engines.engine import Completion
from tasks.ledger import Lease, Usage, Worker, claims, making, results, run, submission, work, worker
from tasks.patience import PASSING_TRIES, patient
from tasks.runs.scores import request_scores
from tasks.workers import generate, verify
from tasks.workers.sweep import sweep
from tests import brittle
from tests.place import Place
from tests.small_runs import check, small, use_recording, work_off

WORKER = Worker("test:1", "here", "0")


def claimed(work_id: int, seconds: float = 60) -> Lease:
    lease = ledger.claim(work_id, WORKER, seconds)
    assert lease is not None
    return lease


def make_due() -> None:
    with transaction() as connection:
        connection.execute("update work set not_before = null")


def brittle_run(place: Place, folder: Path, texts: list[str]) -> int:
    """A run of the benchmark whose verifiers can be broken; every problem gets these samples."""
    file = folder / "brittle.jsonl"
    rows = [{"problem": key, "sample_index": index, "text": text} for key in "ab" for index, text in enumerate(texts)]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    options = ("-m", f"replay:{file}", "-n", str(len(texts)), "--quiet")
    made = int(place.ok("enqueue", "brittle", *options))
    use_recording(file)
    work_off(place, kinds=("generate",))
    return made


@pytest.mark.parametrize(
    "part", [work, worker, claims, results, run, submission, making], ids=lambda part: part.__name__.rpartition(".")[2]
)
def test_every_statement_of_the_ledger_can_be_planned(any_postgres: Place, part: ModuleType) -> None:
    for name, sql in part.SQL.items():
        assert sql.startswith(f"-- {name}: "), "a blank line inside a statement"
        with transaction() as connection:
            connection.execute(making.SQL["stage_batches"])
            if name not in ("stage_batches", "unstage_batches"):  # these have no plan
                connection.execute(b"explain " + sql.encode(), Nulls())


class Nulls(dict[str, None]):
    """Null for every parameter."""

    def __missing__(self, key: str) -> None:
        return None


@pytest.mark.usefixtures("brittle_is_ours")
@pytest.mark.parametrize("texts", [["x", "y"], ["1", "x"], ["x", "1", "y", "2", "z"]])
def test_a_verify_work_that_our_failures_keep_past_its_time_ends(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, texts: list[str]
) -> None:
    """Each turn is over its time after one candidate; some of them can never be judged."""
    made = brittle_run(place, tmp_path, texts)
    monkeypatch.setattr(verify, "WORK_SECONDS", 0.01)
    monkeypatch.setattr(brittle, "pause", 0.02)
    brittle.broken.update("xyz")
    try:
        for _ in range(5 * len(texts)):
            work_off(place, kinds=("verify",), at_most=2)
            errors = place.query("select last_error from work where kind = 'verify' and state = 'ready'")
            assert all(error["last_error"] for error in errors), "a work that comes back says why"
            make_due()
    finally:
        brittle.broken.clear()
    assert place.query("select state, count(*) from work where kind = 'verify' group by 1") == [
        {"state": "done", "count": 2}
    ]
    undecided = sum(text in "xyz" for text in texts)
    tallies = place.query("select undecided from problem_tally where run_id = %s", (made,))
    assert tallies == [{"undecided": undecided}] * 2
    check(place, made)


@pytest.mark.usefixtures("brittle_is_ours")
def test_a_verify_work_whose_last_candidate_took_long_is_done_and_not_given_back(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    brittle_run(place, tmp_path, ["1"])
    monkeypatch.setattr(verify, "WORK_SECONDS", 0.01)
    monkeypatch.setattr(brittle, "pause", 0.02)
    work_off(place, kinds=("verify",), at_most=2)
    assert place.one("select count(*) from work where kind = 'verify' and state = 'done' and attempts = 1") == 2


def test_resuming_takes_back_what_a_person_cancelled_and_not_what_a_rule_cut(place: Place, tmp_path: Path) -> None:
    files = small(tmp_path, problems=2, samples=20)
    made = files.enqueue(place, 20, "--stop-when-solved")
    use_recording(files.recording)
    lease = claimed(place.one("select min(id) from work"))
    right = [Completion("The answer is 1.")] * lease.size
    ledger.finish_generate(lease, right, Usage())
    work_off(place, kinds=("verify",), at_most=1)
    sweep()
    cut = place.query("select id from work where state = 'cancelled' and cancelled_by = 'when_solved' order by id")
    assert len(cut) == 3
    place.ok("cancel", str(made))
    assert place.one("select count(*) from work where cancelled_by = 'person'") == 4
    place.ok("resume", str(made))
    assert place.query("select id from work where state = 'cancelled' order by id") == cut
    assert place.one("select stopped_by from run") == "when_solved"
    check(place, made)


def test_resuming_and_extending_publish_nothing_that_a_spent_budget_stops(place: Place, tmp_path: Path) -> None:
    files = small(tmp_path, problems=2, samples=20)
    made = files.enqueue(place, 10, "--budget-usd", "1")
    lease = claimed(place.one("select min(id) from work"))
    ledger.finish_generate(lease, [Completion("1", usd=1.0)] * lease.size, Usage(usd=5.0))
    place.ok("cancel", str(made))
    place.ok("resume", str(made))
    in_reach = place.query("select count(*) from work where kind = 'generate' and state in ('ready', 'published')")
    assert in_reach == [{"count": 0}]
    assert f"monkeys limits {made}" in place.refused("extend", str(made), "-n", "20")
    in_reach = place.query("select count(*) from work where kind = 'generate' and state in ('ready', 'published')")
    assert in_reach == [{"count": 0}]


def test_an_attempt_that_was_taken_over_is_lost_and_not_running(place: Place, tmp_path: Path) -> None:
    small(tmp_path).enqueue(place, 5)
    late = claimed(place.one("select min(id) from work"), seconds=-1)
    ledger.renew([late], -1, [Usage(gpu_seconds=7.5)])
    claimed(late.work_id)
    (cost,) = place.query("select gpu_seconds_lost, gpu_seconds_running from cost")
    assert cost == {"gpu_seconds_lost": 7.5, "gpu_seconds_running": 0}
    assert place.query("select ok, error from attempt order by id") == [
        {"ok": False, "error": "its worker was lost"},
        {"ok": None, "error": None},
    ]


def test_batches_that_are_sampled_after_scores_were_asked_for_are_scored_too(place: Place, tmp_path: Path) -> None:
    files = small(tmp_path, problems=2)
    made = files.enqueue(place, 10)
    use_recording(files.recording)
    work_off(place, kinds=("generate",), at_most=1)
    assert request_scores(made, "org/rm", {}) == 1
    work_off(place, kinds=("generate",))
    place.ok("extend", str(made), "-n", "20")
    work_off(place, kinds=("generate",))
    assert place.one("select count(*) from work where kind = 'score'") == 8
    assert place.one("select count(*) from work where kind = 'generate' and state = 'done'") == 8


def test_a_worker_that_cannot_even_claim_says_so_at_the_work(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = small(tmp_path)
    files.enqueue(place, 5)
    use_recording(files.recording)
    first = place.one("select min(id) from work")

    def broken(*_: object) -> Worker:
        raise FileNotFoundError("git")

    monkeypatch.setattr("tasks.workers.attempt.this_worker", broken)
    result = generate.generate.apply(args=[first])
    assert result.failed()
    (row,) = place.query("select state, last_error, not_before > now() as waits from work where id = %s", (first,))
    assert row == {
        "state": "ready",
        "waits": True,
        "last_error": "its worker could not claim it: FileNotFoundError: git",
    }


def test_where_there_is_no_git_the_version_is_known_and_a_baked_in_commit_goes_before_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    identity.build.cache_clear()
    assert "+" not in identity.build()
    monkeypatch.setenv("MONKEYS_COMMIT", "0123456789ab")
    settings.cache_clear()
    identity.build.cache_clear()
    assert identity.build().endswith("+0123456789ab")
    monkeypatch.undo()
    settings.cache_clear()
    identity.build.cache_clear()


@pytest.mark.parametrize(
    ("url", "kind"), [("amqp://h//", "quorum"), ("pyamqp://h//", "quorum"), ("amqps://h//", "quorum"),
                      ("redis://h/0", None), ("redis+socket:///x", None), ("sentinel://h", None)],
)  # fmt: skip
def test_every_queue_of_a_broker_is_of_one_kind(url: str, kind: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MONKEYS_BROKER_URL", url)
    settings.cache_clear()
    configured = _configuration()
    monkeypatch.undo()
    settings.cache_clear()
    assert configured.get("task_default_queue_type") == kind
    before = app.conf.broker_url
    app.conf.broker_url = url
    try:
        assert (queue("verify").queue_arguments or {}).get("x-queue-type") == kind
    finally:
        app.conf.broker_url = before


def failing(error: psycopg.Error, times: int) -> list[int]:
    """A transaction that raises an error so many times before it succeeds; how often it ran."""
    runs: list[int] = []

    @patient
    def act() -> None:
        runs.append(1)
        if len(runs) <= times:
            raise error

    act()
    return runs


@pytest.mark.parametrize("state", ["08006", "57P01", "53300", "25006", "42P01", "42501"])
def test_a_worker_waits_out_a_database_that_is_away(state: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.patience.time.sleep", lambda _: None)
    assert len(failing(psycopg.errors.lookup(state)("gone"), 30)) == 31


@pytest.mark.parametrize("state", ["40P01", "40001", "57014", "55P03"])
def test_a_worker_tries_again_a_few_times_what_met_a_lock(state: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.patience.time.sleep", lambda _: None)
    assert len(failing(psycopg.errors.lookup(state)("met"), PASSING_TRIES - 1)) == PASSING_TRIES
    with pytest.raises(psycopg.OperationalError):
        failing(psycopg.errors.lookup(state)("met"), PASSING_TRIES)


@pytest.mark.parametrize("state", ["54000", "54001", "22003", "42703", "XX000"])
def test_a_worker_waits_for_no_error_that_stays(state: str) -> None:
    with pytest.raises(psycopg.Error):
        failing(psycopg.errors.lookup(state)("no"), 1)


def test_a_view_that_a_later_version_has_no_more_goes_with_the_migration(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = schema.view_files()
    monkeypatch.setattr(schema, "view_files", lambda: [file for file in files if not file[0].startswith(("70", "90"))])
    schema.migrate()
    left = place.query("select viewname from pg_views where viewname in ('verifier_health', 'reference_failures')")
    assert left == []
    monkeypatch.undo()
    schema.migrate()
    assert place.one("select count(*) from pg_views where viewname in ('verifier_health', 'reference_failures')") == 2


def test_whole_rows_are_asked_for_whole(place: Place) -> None:
    from models.tables import BenchmarkRow

    with pytest.raises(TypeError, match="whole row"):
        database.rows(BenchmarkRow, "select id from benchmark")


def test_what_was_worked_on_for_long_before_it_came_back_waits_for_nobody(place: Place, tmp_path: Path) -> None:
    small(tmp_path).enqueue(place, 5)
    first = place.one("select min(id) from work")
    for _ in range(4):
        lease = claimed(first)
        with transaction() as connection:
            connection.execute("update attempt set started_at = now() - interval '2 minutes' where finished_at is null")
        ledger.give_back(lease, "the worker leaves")
        assert place.one("select not_before from work where id = %s", (first,)) is None
