"""Runs that stop at right samples: their coverage batch by batch, its bounds, and who says that the rest is biased."""

from collections.abc import Sequence

import numpy as np
import pytest

from models.analysis.pool import read_pool
from models.statistics.coverage import pass_at_k
from tests.counted import Judged, batched_run
from tests.oracle import Coverage, summary
from tests.place import Place
from tests.test_views import same

WHEN_SOLVED = {"when_solved": True}


def pass_batch_by_batch(sizes: Sequence[int], rights: Sequence[int | None], k: int) -> float:
    """As it is defined: the batches in order, of the last one only as many samples as k still wants."""
    for size, right in zip(sizes, rights, strict=True):
        if right is None:
            return np.nan
        if k <= size:
            return float(pass_at_k(size, right, k))
        if right:
            return 1.0
        k -= size
    return np.nan


def wanted(problems: Sequence[Sequence[Judged]], ks: Sequence[int]) -> Coverage:
    """Coverage of runs that stop, from their batches."""
    lines: list[list[tuple[float, float, float]]] = []
    for batches in problems:
        sizes = [batch.size for batch in batches]
        decided = [batch.size - batch.undecided for batch in batches]
        rights = [batch.right for batch in batches]
        least = [batch.right or 0 for batch in batches]
        most = [batch.size if batch.right is None else batch.right + batch.undecided for batch in batches]
        line = []
        for k in ks:
            worst, best = (np.nan_to_num(pass_batch_by_batch(sizes, each, k), nan=-1) for each in (least, most))
            worst, best = max(worst, 0), 1 if best < 0 else best
            value = pass_batch_by_batch(decided, rights, k)
            line.append((worst if np.isnan(value) and worst == best else value, worst, best))
        lines.append(line)
    values, worst, best = np.moveaxis(np.array(lines), 2, 0)
    return summary(np.array(ks), values, worst, best)


def drawn(generator: np.random.Generator, total: int, *, lost: float, open_: float) -> list[Judged]:
    """Ragged batches of so many samples in all, some with undecided samples and some that are not judged."""
    batches = []
    while total:
        size = min(int(generator.integers(1, 6)), total)
        right = int(generator.binomial(size, 0.08))
        undecided = int(generator.binomial(size - right, lost))
        batches.append(Judged(size, right, undecided) if generator.random() > open_ else Judged(size, None))
        total -= size
    return batches


@pytest.mark.parametrize(("lost", "open_"), [(0, 0), (0.1, 0), (0, 0.15), (0.1, 0.15)])
def test_coverage_of_a_stopped_run_is_that_of_its_batches_in_order(
    any_postgres: Place, lost: float, open_: float
) -> None:
    generator = np.random.default_rng(7)
    for _ in range(4):
        problems = [drawn(generator, 20, lost=lost, open_=open_) for _ in range(8)]
        run = batched_run(problems, stop_rule=WHEN_SOLVED)
        rows = any_postgres.query(
            """
            select curve.* from run cross join generate_series(1, 20) as each
            cross join lateral coverage_curve(run.id, verifier_id, array[each]) as curve where run.id = %s order by k
            """,
            (run,),
        )
        found = {
            name: np.array([row[name] for row in rows], dtype=np.float64) for name in rows[0] if name != "estimator"
        }
        same(found, wanted(problems, range(1, 21)))
        verifier = any_postgres.one("select verifier_id from run where id = %s", (run,))
        pool = read_pool(run, verifier)
        values = pool.values(np.arange(1, 22))
        np.testing.assert_allclose(values[:, :20].mean(axis=0), found["coverage"], atol=1e-12)
        assert np.isnan(values[:, 20]).all()
        np.testing.assert_array_equal(pool.only(pool.problem_ids[::-1]).values(np.arange(1, 22)), values[::-1])


def test_a_stopped_run_says_batchwise_and_an_imported_one_first_success(any_postgres: Place) -> None:
    problems = [[Judged(4, 0), Judged(4, 2), Judged(4, None)], [Judged(4, 0)] * 3]
    said = "select distinct estimator from coverage where run_id = %s"
    run = batched_run(problems, stop_rule=WHEN_SOLVED)
    assert any_postgres.one(said, (run,)) == "batchwise"
    assert any_postgres.one("select coverage_at(%s, 5)", (run,)) == pytest.approx(1 / 4)
    assert any_postgres.one("select coverage_at(%s, 13)", (run,)) is None
    run = batched_run(problems, stop_rule=WHEN_SOLVED, imported=True)
    assert any_postgres.one(said, (run,)) == "first_success"
    assert [any_postgres.one("select coverage_at(%s, %s)", (run, k)) for k in (4, 5, 12)] == [0, 0.5, 0.5]
    run = batched_run(problems[1:])
    assert any_postgres.one(said, (run,)) == "unbiased"


def test_a_run_solved_at_once_is_not_missing_at_more_samples_than_it_drew(place: Place) -> None:
    run = batched_run([[Judged(2, 1), Judged(2, None)], [Judged(2, 2), Judged(2, None)]], stop_rule=WHEN_SOLVED)
    assert [place.one("select coverage_at(%s, %s)", (run, k)) for k in (1, 2, 4, 5)] == [0.75, 1, 1, None]


def test_an_undecided_sample_leaves_open_only_what_hangs_on_it(place: Place) -> None:
    solved, never = [Judged(5, 1, undecided=1)], [Judged(5, 0, undecided=1)]
    for stop_rule in ({}, WHEN_SOLVED):
        run = batched_run([solved, solved], stop_rule=stop_rule)
        rows = place.query("select k, coverage, floor, ceiling from coverage where run_id = %s order by k", (run,))
        assert [row["k"] for row in rows] == [1, 2, 5]
        assert [row["coverage"] for row in rows] == pytest.approx([1 / 4, 1 / 2, 1])
        assert [row["floor"] for row in rows] == pytest.approx([1 / 5, 2 / 5, 1])
        assert [row["ceiling"] for row in rows] == pytest.approx([2 / 5, 7 / 10, 1])
        run = batched_run([solved, never], stop_rule=stop_rule)
        rows = place.query(
            "select k, coverage, floor, ceiling, problems_missing from coverage where run_id = %s", (run,)
        )
        assert [row["coverage"] for row in rows] == [pytest.approx(1 / 8), pytest.approx(1 / 4), None]
        assert [row["problems_missing"] for row in rows] == [0, 0, 1]
        assert (rows[-1]["floor"], rows[-1]["ceiling"]) == (0.5, 1)


def test_batches_of_another_run_or_verifier_are_not_counted(place: Place) -> None:
    first = batched_run([[Judged(4, 0), Judged(4, 2)]], stop_rule=WHEN_SOLVED)
    batched_run([[Judged(4, 4), Judged(4, 2)]], stop_rule=WHEN_SOLVED, verifier="other")
    assert place.one("select coverage_at(%s, 6)", (first,)) == pytest.approx(pass_at_k(4, 2, 2))
    assert place.one("select count(*) from judged_batches(%s, 0) where c is not null", (first,)) == 0
    (unstopped,) = [batched_run([[Judged(4, 1)]])]
    assert place.query("select solved_by, judged_prefix from problem_count where run_id = %s", (unstopped,)) == [
        {"solved_by": None, "judged_prefix": None}
    ]
