"""How many works a run has, kept as they change: equal to a recount at every moment, and folded without a trace."""

from pathlib import Path
from random import Random

from cli.stack.servers import Urls
from models.schema import migrate
from tasks import ledger
from tests.place import Place, new_place
from tests.small_runs import Small, check_counts, small, use_recording, work_off
from tests.test_upgrade import LANDED

WORKER = ledger.Worker("test:1", "here", "0")


def lose(place: Place, random: Random) -> None:
    """A claim whose worker is lost, or that fails, or is given back."""
    ids = [row["id"] for row in place.query("select id from work where state in ('ready', 'published') order by id")]
    lease = ledger.claim(random.choice(ids), WORKER, -1) if ids else None
    if lease is None:
        return
    match random.randrange(3):
        case 0:
            ledger.free_expired()
        case 1:
            ledger.fail(lease, "it broke", final=random.random() < 0.5)
        case 2:
            ledger.give_back(lease, "its worker leaves")


def step(place: Place, files: Small, random: Random) -> None:
    """Anything that makes, changes or deletes works."""
    runs = [row["id"] for row in place.query("select id from run order by id")]
    run = str(random.choice(runs)) if runs else "1"
    match random.randrange(12):
        case 0 | 1:
            files.enqueue(place, random.choice((5, 10)))
        case 2 | 3 | 4:
            work_off(place, at_most=random.randrange(1, 12))
        case 5 | 6:
            lose(place, random)
        case 7:
            queues = ledger.open_queues()
            if queues:
                ledger.take_for_publishing(random.choice(queues).queue, 4)
        case 8:
            place.monkeys(random.choice(("cancel", "resume")), run)
        case 9:
            place.monkeys("extend", run, "-n", "15")
        case 10:
            place.monkeys("reverify", run, "--infrastructure")
        case 11:
            place.monkeys("cancel", run)
            ledger.end_runs()
            place.monkeys("delete", run, "--yes")


def test_counts_equal_a_recount_whatever_is_done_to_runs(any_postgres: Place, tmp_path: Path) -> None:
    random, files = Random(0), small(tmp_path)
    use_recording(files.recording)
    files.enqueue(any_postgres, 10)
    for _ in range(40):
        step(any_postgres, files, random)
        check_counts(any_postgres)
        if random.random() < 0.3:
            ledger.fold_counts()
            check_counts(any_postgres)
    for row in any_postgres.query("select id from run"):
        any_postgres.ok("cancel", str(row["id"]))
        any_postgres.ok("delete", str(row["id"]), "--yes")
    assert any_postgres.query("select run_id from work_count union all select run_id from work_change") == []


def test_many_changes_fold_into_one_row_a_kind(place: Place, tmp_path: Path) -> None:
    files = small(tmp_path)
    run = files.enqueue(place, 20)
    use_recording(files.recording)
    work_off(place)
    before = place.query("select * from run_progress")
    assert place.one("select count(*) from work_change where run_id = %s", (run,)) > 20
    ledger.fold_counts()
    assert place.one("select count(*) from work_change") == 0
    assert place.one("select count(*) from work_count") == 2
    progress = place.query("select * from run_progress")
    same = ("samples", "verified", "correct", "failed_works", "open_works", "samples_wanted")
    assert [progress[0][name] for name in same] == [before[0][name] for name in same]
    assert (progress[0]["samples"], progress[0]["verified"]) == (60, 60)


def test_works_of_before_are_counted_when_the_schema_is_upgraded(bundled: Urls, tmp_path: Path) -> None:
    with new_place(bundled.database_url, bundled.broker_url, tmp_path / "home", LANDED / "landed.sql.gz") as place:
        migrate()
        assert place.one("select count(*) from work_count") > 3
        check_counts(place)


def test_publishing_takes_what_waited_first_and_no_more_than_the_window(place: Place, tmp_path: Path) -> None:
    small(tmp_path).enqueue(place, 20)
    ids = [row["id"] for row in place.query("update work set state = 'ready' returning id")]
    queue = place.one("select distinct queue from work")
    place.query("update work set not_before = now() - interval '1 second' where id = %s returning id", (ids[5],))
    place.query("update work set not_before = now() + interval '1 hour' where id = %s returning id", (ids[0],))
    taken = [work.work_id for work in ledger.take_for_publishing(queue, 3)]
    assert taken == [ids[1], ids[2], ids[5]]
    assert len(ledger.take_for_publishing(queue)) == len(ids) - 4
    assert ledger.open_queues() == [ledger.work.OpenQueue(queue, True)]
