"""What a run may spend is raised and lowered, and whatever is done, every problem keeps a whole prefix."""

import json
from pathlib import Path

import pytest

from models.database import column, transaction
from tasks import ledger
from tasks.ledger import Usage
from tasks.runs import changes
from tasks.runs.make import enqueue
from tasks.runs.request import RunRequest
from tests.place import Place
from tests.small_runs import Small, check, gaps, small, use_recording, work_off
from tests.spent import done
from verifiers.errors import UserError

CENT = Usage(requests=1, usd=0.01)


def priced(folder: Path, samples: int = 20) -> Small:
    """Three problems whose samples cost a cent each."""
    files = small(folder, samples=samples)
    recorded = files.recording.read_text().replace('"finish_reason"', '"usd": 0.01, "finish_reason"')
    files.recording.write_text(recorded)
    return files


@pytest.fixture
def spent(place: Place, tmp_path: Path) -> int:
    """A run of three problems whose budget stopped it after 15 of 40 samples of each, in batches of 5."""
    files = priced(tmp_path, samples=60)
    run = files.enqueue(place, 40, "--budget-usd", "0.45", "--name", "spent")
    use_recording(files.recording)
    work_off(place, ("generate",), at_most=9)
    ledger.stop_runs()
    work_off(place)
    ledger.end_runs()
    assert drawn(place, run) == [15, 15, 15]
    return run


def drawn(place: Place, run: int) -> list[int]:
    """Samples of each problem, which are a prefix."""
    assert gaps(place) == []
    check(place, run)
    rows = place.query(
        "select count(*), max(sample_index) as last from sample where run_id = %s group by problem_id", (run,)
    )
    assert all(row["count"] == row["last"] + 1 for row in rows)
    return [row["count"] for row in rows]


def test_a_run_whose_budget_is_spent_is_extended_only_with_a_higher_one(place: Place, spent: int) -> None:
    assert f"monkeys limits {spent}" in place.refused("extend", str(spent), "-n", "60")
    assert place.one("select n from run where id = %s", (spent,)) == 40
    place.ok("limits", "spent", "--budget-usd", "0.85")
    work_off(place, ("generate",), at_most=9)
    ledger.stop_runs()
    work_off(place)
    assert drawn(place, spent) == [30, 30, 30]
    place.ok("limits", str(spent), "--budget-usd", "none")
    place.ok("extend", str(spent), "-n", "60")
    work_off(place)
    ledger.end_runs()
    assert drawn(place, spent) == [60, 60, 60]
    assert place.one("select state from run_progress where run_id = %s", (spent,)) == "done"


def test_a_lower_budget_cuts_at_once_and_the_same_name_is_still_the_same_run(place: Place, tmp_path: Path) -> None:
    files = priced(tmp_path)
    request = RunRequest(
        "gsm8k", f"replay:{files.recording}", 20, name="x", data=files.data, prefix="Add.", batch_size=5
    )
    run = enqueue(request).run_id
    use_recording(files.recording)
    work_off(place, ("generate",), at_most=4)
    assert changes.limit(run, {"usd": 5.0}) == 0
    assert enqueue(request).run_id == run
    with pytest.raises(UserError, match="other settings"):
        enqueue(RunRequest(**vars(request) | {"budget_usd": 5.0}))
    assert changes.limit(run, {"usd": 0.1}) == -40
    work_off(place)
    assert sorted(drawn(place, run)) == [5, 5, 10]


def test_limits_say_what_is_spent(place: Place, spent: int) -> None:
    rows = json.loads(place.ok("limits", "spent", "--json"))
    assert [(row["limit"], row["budget"]) for row in rows] == [("usd", 0.45), ("gpu_hours", None), ("flops", None)]
    assert rows[0]["spent"] == pytest.approx(0.45)
    assert "stopped by usd" in place.monkeys("limits", str(spent)).output
    for option in ("0", "-1", "nan", "inf", "much"):
        assert "above 0" in place.refused("limits", str(spent), "--budget-usd", option)
    assert "only vLLM tells them" in place.refused("limits", str(spent), "--budget-flops", "1e9")


def test_resume_leaves_out_what_a_budget_still_does_and_limits_of_a_cancelled_run_wait_for_it(
    place: Place, tmp_path: Path
) -> None:
    run = small(tmp_path, problems=1, samples=30).enqueue(place, 30, "--budget-usd", "5")
    done(run, CENT)
    assert changes.cancel(run) == 6  # five batches and what judges the first
    assert changes.limit(run, {"usd": 0.01}) == 0
    assert states(run) == ["done"] + ["cancelled"] * 5
    assert changes.resume(run) == 1
    assert states(run) == ["done"] + ["cancelled"] * 5
    assert changes.limit(run, {"usd": 1.0}) == 25
    assert states(run) == ["done"] + ["ready"] * 5
    assert changes.limit(run, {"usd": 0.01}) == -25
    assert changes.cancel(run) == 1
    assert changes.limit(run, {"usd": None}) == 0
    assert "ready" not in states(run)
    assert changes.resume(run) == 6
    assert states(run) == ["done"] + ["ready"] * 5


def states(run: int) -> list[str]:
    """Of its batches, in order of index."""
    return column(
        """
        select case when state = 'published' then 'ready' else state::text end
        from work join batch on batch.id = work.batch_id
        where work.run_id = %s and kind = 'generate' order by first_index
        """,
        (run,),
    )


def test_a_solved_problem_takes_part_in_no_extension_and_leaves_no_gap(place: Place, tmp_path: Path) -> None:
    files = small(tmp_path)
    run = files.enqueue(place, 10, "--stop-when-solved")
    use_recording(files.recording)
    work_off(place, ("generate",), at_most=3)
    work_off(place, ("verify",))
    ledger.stop_runs()
    before = states(run).count("cancelled")
    solved = place.one("select count(*) from problem_tally where run_id = %s and correct > 0", (run,))
    assert (before, solved) == (solved, solved)
    place.ok("extend", str(run), "-n", "20")
    assert states(run).count("cancelled") == 3 * solved
    work_off(place)
    drawn(place, run)


def test_an_extension_first_takes_up_what_a_rule_cut_and_leaves_in_now(place: Place, tmp_path: Path) -> None:
    """As after another verifier counts, by which nothing is solved, or after a price fell."""
    run = priced(tmp_path).enqueue(place, 10, "--budget-usd", "0.05")
    done(run, CENT)
    with transaction() as connection:
        connection.execute("update attempt set usd = 1")
    ledger.stop_runs()
    assert states(run).count("cancelled") == 5
    with transaction() as connection:
        connection.execute("update attempt set usd = 0.01")
    assert changes.extend(run, 20) == 55
    assert gaps(place) == []
    assert "cancelled" not in states(run)
