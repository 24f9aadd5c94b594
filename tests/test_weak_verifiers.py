"""A second verifier, or a reward model's threshold, as a selector; how two verifiers judged the same samples."""

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from models.analysis.confusion import pairs_are_stale
from models.analysis.store import analyze
from models.database import transaction
from models.questions.audit import wrong_share
from models.statistics.intervals import estimate
from models.statistics.weak_verifiers import picked_at_k, share_of
from tests.counted import Sampled, sampled_run
from tests.place import Place
from verifiers.outcome import Outcome

RIGHT, WRONG, OURS = Outcome.correct, Outcome.incorrect, Outcome.infrastructure_error

Judged = Sequence[tuple[Outcome, Outcome]]
"""What the counting verifier and another one say of each sample."""


def judged_run(problems: Sequence[Judged], **settings: Any) -> tuple[int, int, int]:
    """A run judged by two verifiers, each sample with a candidate of its own: its id, and the verifiers'."""
    run = sampled_run(
        {
            str(place): [Sampled(f"{place}-{index}", outcome=ours) for index, (ours, _) in enumerate(samples)]
            for place, samples in enumerate(problems)
        },
        **settings,
    )
    with transaction() as connection:
        found = connection.execute("select verifier_id from run where id = %s", (run,)).fetchone()
        assert found is not None
        made = connection.execute(
            """
            insert into verifier (benchmark_id, name, version)
            select benchmark_id, 'weak', '1' from verifier where id = %s returning id
            """,
            (found["verifier_id"],),
        ).fetchone()
        assert made is not None
        first, weak = int(found["verifier_id"]), int(made["id"])
        connection.execute(
            """
            insert into extraction (run_id, problem_id, sample_index, verifier_id, candidate_id, answer_from)
            select run_id, problem_id, sample_index, %s, candidate_id, 0 from extraction where run_id = %s
            """,
            (weak, run),
        )
        for place, samples in enumerate(problems):
            for index, (_, theirs) in enumerate(samples):
                connection.execute(
                    "insert into verdict (candidate_id, verifier_id, outcome) select id, %s, %s from candidate "
                    "join prompt using (problem_id) where run_id = %s and candidate.text = %s",
                    (weak, theirs.value, run, f"{place}-{index}"),
                )
            said = [theirs for _, theirs in samples]
            connection.execute(
                """
                insert into work (run_id, batch_id, kind, verifier_id, queue, state, correct, incorrect, no_answer,
                    undecided)
                select %s, batch.id, 'verify', %s, 'verify', 'done', %s, %s, 0, %s
                from batch join problem on problem.id = batch.problem_id where run_id = %s and problem.key = %s
                """,
                (run, weak, said.count(RIGHT), said.count(WRONG), said.count(OURS), run, str(place)),
            )
        connection.execute("update run set other_verifiers = array[%s::bigint] where id = %s", (weak, run))
    return run, first, weak


PROBLEMS: list[Judged] = [
    [(RIGHT, RIGHT), (RIGHT, WRONG), (WRONG, RIGHT), (WRONG, WRONG), (WRONG, WRONG)],
    [(WRONG, RIGHT), (WRONG, WRONG), (WRONG, WRONG), (WRONG, RIGHT), (RIGHT, RIGHT)],
    [(WRONG, WRONG)] * 5,
    [(RIGHT, RIGHT)] * 4 + [(WRONG, WRONG)],
]


def brute(samples: Judged, k: int) -> float:
    """The chance that the first accepted one of k samples is right, over every order of the samples."""
    orders = itertools.permutations(samples, k)
    return float(np.mean([next((ours is RIGHT for ours, theirs in each if theirs is RIGHT), False) for each in orders]))


def curve(place: Place, run: int, counting: bool = True) -> list[dict[str, Any]]:
    return place.query(
        "select * from weak_verifier_at_k where run_id = %s and counting = %s order by k", (run, counting)
    )


def test_the_view_is_resampling_until_the_weak_verifier_accepts(any_postgres: Place) -> None:
    run, first, weak = judged_run(PROBLEMS)
    analyze(run, first)
    for counting, judged in ((True, PROBLEMS), (False, [[(b, a) for a, b in each] for each in PROBLEMS])):
        rows = curve(any_postgres, run, counting)
        assert [row["k"] for row in rows] == [1, 2, 5]
        for row in rows:
            each = [brute(samples, row["k"]) for samples in judged]
            assert row["success_rate"] == pytest.approx(np.mean(each))
            assert row["stderr"] == pytest.approx(np.std(each, ddof=1) / 2)
            solved = [brute([(ours, ours) for ours, _ in samples], row["k"]) for samples in judged]
            assert row["coverage"] == pytest.approx(np.mean(solved))
            assert row["gap"] == pytest.approx(np.mean(solved) - np.mean(each), abs=1e-12)
            assert row["gap_stderr"] == pytest.approx(np.std(np.subtract(solved, each), ddof=1) / 2)
            lost = estimate(np.subtract(solved, each)[:, None])
            assert (row["gap_low"], row["gap_high"]) == pytest.approx((lost.low[0], lost.high[0]), abs=1e-12)
            assert row["success_rate"] <= row["ceiling"]
            assert (row["problems"], row["problems_missing"], row["problems_accepted"]) == (4, 0, 3)
            assert (row["stale"], row["biased_by"]) == (False, None)
            assert (row["verifier_id"], row["weak_verifier_id"]) == ((first, weak) if counting else (weak, first))
    assert curve(any_postgres, run)[0]["ceiling"] == pytest.approx((1 / 2 + 1 / 3 + 1) / 3)


def test_picked_at_k_in_sql_is_that_of_numpy(any_postgres: Place) -> None:
    for n, tp, fp in ((10, 0, 0), (10, 3, 0), (10, 0, 4), (10_000, 7, 20), (5, 2, 3)):
        for k in (1, 2, 7, 5000):
            found = any_postgres.one("select picked_at_k(%s, %s, %s, %s)", (n, tp, fp, k))
            wanted = picked_at_k([n], [tp], [fp], np.array([k]))[0, 0]
            assert found is None if np.isnan(wanted) else found == pytest.approx(wanted, rel=1e-12)


def test_where_nothing_is_left_on_the_table_the_gap_is_exactly_0(place: Place) -> None:
    generator = np.random.default_rng(4)
    agree = [[(RIGHT, RIGHT) if each else (WRONG, WRONG) for each in generator.random(7) < 0.4] for _ in range(6)]
    wide = [[(WRONG, RIGHT), *each] for each in agree]  # accepts more than is right, and at k = 1 that costs nothing
    for name, problems, ks in (("agree", agree, (1, 2, 5, 7)), ("wide", wide, (1,))):
        run, first, _ = judged_run(problems, benchmark=name)
        analyze(run, first)
        for row in curve(place, run):
            if row["k"] in ks:
                assert row["gap"] == 0


def test_verifier_confusion_counts_what_both_said_with_errors_over_problems(any_postgres: Place) -> None:
    run, first, weak = judged_run([*PROBLEMS, [(OURS, RIGHT), (RIGHT, OURS), (WRONG, RIGHT)]])
    (row,) = any_postgres.query("select * from verifier_confusion where run_id = %s and counting", (run,))
    assert (row["tp"], row["stale"]) == (None, True)
    assert pairs_are_stale(run)
    analyze(run, first)
    assert not pairs_are_stale(run)
    (row,) = any_postgres.query("select * from verifier_confusion where run_id = %s and counting", (run,))
    assert [row[name] for name in ("tp", "fp", "fn", "tn", "undecided")] == [6, 4, 1, 10, 2]
    fp, wrong = np.array([1, 2, 0, 0, 1]), np.array([3, 4, 5, 1, 1])
    assert row["false_positives"] == pytest.approx(4 / 14)
    off = fp - 4 / 14 * wrong
    assert row["false_positives_stderr"] == pytest.approx(np.sqrt(5 / 4 * (off**2).sum()) / 14)
    assert row["false_negatives"] == pytest.approx(1 / 7)
    (other,) = any_postgres.query("select * from verifier_confusion where run_id = %s and not counting", (run,))
    assert [other[name] for name in ("tp", "fp", "fn", "tn", "undecided")] == [6, 1, 4, 10, 2]
    assert (other["verifier_id"], other["other_verifier_id"]) == (weak, first)
    rows = curve(any_postgres, run)
    assert [(row["k"], row["problems_missing"]) for row in rows] == [(1, 0), (2, 1), (5, 1)]
    assert [row["success_rate"] is None for row in rows] == [False, True, True]


def test_one_problem_all_solved_and_none_solved_have_rows_without_errors(place: Place) -> None:
    for ours, theirs, success in ((RIGHT, RIGHT, 1.0), (WRONG, RIGHT, 0.0), (WRONG, WRONG, 0.0)):
        run, first, _ = judged_run([[(ours, theirs)] * 3], benchmark=f"{ours} {theirs}")
        analyze(run, first)
        rows = curve(place, run)
        assert [(row["success_rate"], row["stderr"]) for row in rows] == [(success, None)] * len(rows)
        assert all(row["ceiling"] == (None if theirs is WRONG else success) for row in rows)


def test_a_run_that_stops_at_right_samples_says_so_and_nothing_of_k(place: Place) -> None:
    run, first, _ = judged_run(PROBLEMS, stop_rule={"when_solved": True}, n=5)
    analyze(run, first)
    rows = curve(place, run)
    assert rows
    assert {(row["success_rate"], row["ceiling"], row["biased_by"]) for row in rows} == {(None, None, "when_solved")}
    assert place.one("select biased_by from verifier_confusion where run_id = %s and counting", (run,)) == "when_solved"


def test_a_rewards_threshold_selects_as_a_verifier_of_the_same_samples_would(any_postgres: Place) -> None:
    generator = np.random.default_rng(8)
    problems = {
        str(place): [
            Sampled("right" if each else "wrong", bool(each), scores={"rm": float(score)} if place or index else {})
            for index, (each, score) in enumerate(zip(generator.random(6) < 0.5, generator.normal(size=6), strict=True))
        ]
        for place in range(4)
    }
    run = sampled_run(problems)
    rows = any_postgres.query("select * from reward_threshold_at_k(%s, 'rm', 0.2) order by k", (run,))
    assert [(row["k"], row["problems_missing"]) for row in rows] == [(1, 0), (2, 0), (5, 0), (6, 1)]
    for row in rows[:3]:
        each = []
        for samples in problems.values():
            scored = [sample for sample in samples if sample.scores]
            judged = [(RIGHT if s.correct else WRONG, RIGHT if s.scores["rm"] > 0.2 else WRONG) for s in scored]
            each.append(brute(judged, row["k"]))
        assert row["success_rate"] == pytest.approx(np.mean(each))
    assert rows[3]["success_rate"] is None
    assert any_postgres.query("select * from reward_threshold_at_k(%s, 'none', 0)", (run,)) == []


def test_coverage_corrected_for_false_positives_is_that_of_the_right_samples(place: Place) -> None:
    # one problem, right with chance q, whose wrong samples are accepted with chance f
    q, f = 0.02, 0.05
    for k in (1, 3, 20):
        seen = 1 - ((1 - q) * (1 - f)) ** k
        corrected = place.one("select corrected_coverage(%s, %s, %s)", (seen, k, f))
        assert corrected == pytest.approx(1 - (1 - q) ** k)
    assert place.one("select corrected_coverage(0.4, 100, 0.5)") == 0
    assert place.one("select corrected_coverage(0.4, 1000000, 0.5)") == 0
    assert place.one("select corrected_coverage(0.4, 10, 0)") == pytest.approx(0.4)
    assert place.one("select corrected_coverage(null, 10, 0.5)") is None


def test_an_audits_share_and_its_bounds_are_of_samples_and_over_problems(place: Place) -> None:
    from models.questions.audit import corrected_coverage, judged_twice
    from models.questions.find import find_run

    run, _, weak = judged_run(PROBLEMS)
    found = find_run(str(run))
    judged = judged_twice(found, weak)
    wrongly = wrong_share(judged, other_right=False)
    assert (wrongly.samples, wrongly.of, wrongly.share) == (1, 11, pytest.approx(1 / 11))
    wanted = share_of([1, 0, 0, 0], [3, 2, 5, 1])
    assert (wrongly.at_least, wrongly.at_most) == (pytest.approx(wanted.low), pytest.approx(wanted.high, abs=0.02))
    for row in corrected_coverage(found, wrongly):
        low, corrected, high, seen = (float(value or 0) for value in (row.low, row.corrected, row.high, row.coverage))
        assert low <= corrected <= min(high, seen)
