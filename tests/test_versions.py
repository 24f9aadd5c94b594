"""Two versions of the code on one database: who may claim what, and what becomes of what is in hand."""

import json
from pathlib import Path
from threading import Event

import pytest

from models.database import transaction
from models.schema import schema_version
from tasks import ledger
from tasks.app import app
from tasks.engines.engine import Account, Completion, Request
from tasks.engines.replay import Recording, Replay
from tasks.ledger import Worker
from tasks.stored import verifier_by
from tasks.workers.generate import use_engine
from tests import brittle
from tests.place import Place
from tests.small_runs import check, small, use_recording, work_off
from verifiers.benchmarks import BENCHMARKS
from verifiers.errors import UserError

WORKER = Worker("test:1", "here", "0")


def migrate_past_this_code(*statements: str) -> None:
    """As a newer version's migration does."""
    with transaction() as connection:
        for statement in ("update alembic_version set version_num = '9999'", *statements):
            connection.execute(statement)  # type: ignore[call-overload]


def migrate_back() -> None:
    with transaction() as connection:
        connection.execute("update alembic_version set version_num = %s", (schema_version(),))
        connection.execute("update work set not_before = null")


def test_an_older_worker_claims_nothing_on_a_newer_schema_and_says_why(place: Place, tmp_path: Path) -> None:
    files = small(tmp_path, problems=1)
    run = files.enqueue(place, 5)
    use_recording(files.recording)
    migrate_past_this_code()
    with pytest.raises(UserError, match="upgrade monkeys here"):
        ledger.claim(1, WORKER, 60)
    with transaction() as connection:
        connection.execute("update work set state = 'published'")
    app.loader.import_default_modules()
    app.tasks["generate"].apply(args=[1])
    (work,) = place.query("select state, attempts, last_error, not_before > now() as paced from work")
    assert "upgrade monkeys here" in work.pop("last_error")
    assert work == {"state": "ready", "attempts": 0, "paced": True}
    assert place.one("select count(*) from attempt") == 0
    migrate_back()
    work_off(place)
    check(place, run)


class Migrated(Replay):
    """An engine during whose work the schema moves on."""

    def __init__(self, recording: Recording, *statements: str) -> None:
        super().__init__(recording)
        self.statements = statements

    def sample(self, request: Request, stop: Event, account: Account) -> list[Completion]:
        """The recorded samples."""
        migrate_past_this_code(*self.statements)
        return super().sample(request, stop, account)


def test_an_older_worker_ends_what_it_has_in_hand_where_a_schema_only_has_more(place: Place, tmp_path: Path) -> None:
    files = small(tmp_path, problems=1)
    run = files.enqueue(place, 5)
    more = [f"alter table {table} add more text not null default ''" for table in ("sample", "work", "attempt")]
    use_engine(Migrated(Recording(files.recording), *more))
    work_off(place, ("generate",), at_most=1)
    assert place.query("select state, attempts from work where kind = 'generate'") == [{"state": "done", "attempts": 1}]
    migrate_back()
    work_off(place, ("verify",))
    check(place, run)


def test_what_an_older_worker_cannot_end_is_given_back_uncounted(place: Place, tmp_path: Path) -> None:
    files = small(tmp_path, problems=1)
    run = files.enqueue(place, 5)
    use_engine(Migrated(Recording(files.recording), "alter table sample rename seed to its_seed"))
    work_off(place, ("generate",), at_most=1)
    (work,) = place.query("select state, attempts, last_error from work")
    assert "upgrade monkeys here" in work.pop("last_error")
    assert work == {"state": "ready", "attempts": 0}
    with transaction() as connection:
        connection.execute("alter table sample rename its_seed to seed")
    migrate_back()
    use_recording(files.recording)
    work_off(place)
    check(place, run)


def test_an_error_of_a_statement_on_ones_own_schema_fails_as_ever(place: Place, tmp_path: Path) -> None:
    files = small(tmp_path, problems=1)
    files.enqueue(place, 5)
    use_recording(files.recording)
    with transaction() as connection:
        connection.execute("alter table sample rename seed to its_seed")
    work_off(place, ("generate",), at_most=1)
    (work,) = place.query("select attempts, last_error from work")
    assert work["attempts"] == 1
    assert "UndefinedColumn" in work["last_error"]


@pytest.mark.usefixtures("brittle_is_ours")
@pytest.mark.parametrize("without", ["another version", "none of that name"])
def test_a_verify_worker_leaves_what_another_version_is_to_judge_to_that(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, without: str
) -> None:
    file = tmp_path / "brittle.jsonl"
    file.write_text("".join(json.dumps({"problem": key, "sample_index": 0, "text": "1"}) + "\n" for key in "ab"))
    run = int(place.ok("enqueue", "brittle", "-m", f"replay:{file}", "-n", "1", "--quiet"))
    use_recording(file)
    work_off(place, ("generate",))
    other = BENCHMARKS["gsm8k"] if without == "none of that name" else brittle.NEWER
    with monkeypatch.context() as patched:
        patched.setitem(BENCHMARKS, "brittle", other)
        verifier_by.cache_clear()
        work_off(place, ("verify",), at_most=4)
        works = place.query("select state, attempts, last_error from work where kind = 'verify'")
        assert [(each["state"], each["attempts"]) for each in works] == [("ready", 0)] * 2
        for told in (works[0]["last_error"], place.monkeys("doctor").output):
            assert "its verifier has another version here" in told
            assert "monkeys reverify" in told
    verifier_by.cache_clear()
    with transaction() as connection:
        connection.execute("update work set not_before = null")
    work_off(place)
    assert ledger.end_runs() == [run]
    check(place, run)
