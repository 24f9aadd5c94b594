"""Selectors and diversity against every subset, and each other."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.statistics.coverage import every_k, pass_at_k
from models.statistics.diversity import duplicate_share, expected_distinct
from models.statistics.selection import NO_ANSWER, best_of_k, majority_at_k, vote
from tests.shared_data import shared_rows

SCORED = st.lists(st.tuples(st.integers(0, 3), st.booleans()), min_size=1, max_size=7)
ANSWERS = st.lists(st.integers(NO_ANSWER, 3), min_size=1, max_size=8)
RIGHT = st.lists(st.booleans(), min_size=4, max_size=4)


def picked_by_score(drawn: tuple[tuple[float, bool], ...]) -> float:
    top = max(score for score, _ in drawn)
    return float(np.mean([right for score, right in drawn if score == top]))


def picked_by_vote(drawn: tuple[tuple[int, float], ...], right: list[bool]) -> float:
    sums: dict[int, float] = {}
    for answer, weight in drawn:
        if answer != NO_ANSWER:
            sums[answer] = sums.get(answer, 0) + weight
    if not sums:
        return 0.0
    return float(np.mean([right[answer] for answer, total in sums.items() if total == max(sums.values())]))


@settings(deadline=None)
@given(SCORED)
def test_best_of_k_is_the_mean_over_every_subset_with_ties_by_lot(samples: list[tuple[int, bool]]) -> None:
    scores, correct = zip(*samples, strict=True)
    ks = range(1, len(samples) + 1)
    every = [np.mean([picked_by_score(drawn) for drawn in itertools.combinations(samples, k)]) for k in ks]
    np.testing.assert_allclose(best_of_k(scores, correct, list(ks)), every, atol=1e-12)


def test_best_of_k_with_the_truth_for_a_score_is_coverage_and_with_no_score_is_chance() -> None:
    correct = np.arange(1000) < 13
    ks = [1, 10, 100, 1000, 1001]
    np.testing.assert_allclose(best_of_k(correct, correct, ks), pass_at_k(1000, 13, ks), rtol=1e-10)
    np.testing.assert_allclose(best_of_k(np.zeros(1000), correct, ks[:4]), 0.013, rtol=1e-10)


def test_best_of_k_refuses_a_sample_without_a_score() -> None:
    with pytest.raises(ValueError, match="a score for every sample"):
        best_of_k([1.0, float("nan")], [True, False], 1)


@settings(deadline=None)
@given(ANSWERS, RIGHT)
def test_majority_at_k_is_the_mean_over_every_subset_with_ties_by_lot(answers: list[int], right: list[bool]) -> None:
    ks = range(1, len(answers) + 1)
    voters = [(answer, 1.0) for answer in answers]
    every = [np.mean([picked_by_vote(drawn, right) for drawn in itertools.combinations(voters, k)]) for k in ks]
    votes = [answers.count(answer) for answer in range(4)]
    found = majority_at_k(votes, right, list(ks), blank=answers.count(NO_ANSWER))
    np.testing.assert_allclose(found, every, atol=1e-10)


@settings(deadline=None, max_examples=25)
@given(st.lists(st.integers(0, 30), min_size=1, max_size=6), st.integers(0, 20), st.integers(1, 40))
def test_exactly_one_answer_wins_unless_all_are_blank(votes: list[int], blank: int, k: int) -> None:
    total = sum(votes) + blank
    if k <= total:
        wins = [majority_at_k(votes, np.arange(len(votes)) == one, k, blank)[0] for one in range(len(votes))]
        assert sum(wins) == pytest.approx(float(pass_at_k(total, sum(votes), k)), abs=1e-9)
        assert sum(wins) == pytest.approx(majority_at_k(votes, [True] * len(votes), k, blank)[0], abs=1e-9)


def test_majority_tends_to_the_mode_and_starts_at_the_share() -> None:
    votes, ks = [400, 350, 200], [1, 3, 100, 950, 1001]
    found = majority_at_k(votes, [True, False, False], ks, blank=50)
    assert found[0] == pytest.approx(0.4)
    assert found[1] < found[2] < found[3]
    assert found[3] == pytest.approx(1)
    assert np.isnan(found[4])
    assert majority_at_k(votes, [False, True, False], [990], blank=50)[0] == pytest.approx(0)
    assert majority_at_k([5, 5], [True, False], [10])[0] == pytest.approx(0.5)


@pytest.mark.parametrize("k", [1, 7, 40, 150])
def test_drawn_votes_agree_with_the_exact_ones(k: int) -> None:
    votes, right = np.array([60, 55, 20, *[1] * 40]), np.arange(43) == 1
    answers = np.append(np.repeat(np.arange(43), votes), [NO_ANSWER] * 25)
    drawn = vote(answers, np.append(right, False)[answers], [k, 201], rounds=1500)
    exact = majority_at_k(votes, right, k, blank=25)[0]
    assert drawn.success[0] == pytest.approx(exact, abs=4 * drawn.stderr[0] + 1e-9)
    assert np.isnan(drawn.success[1])


def test_weighted_votes_agree_with_every_subset() -> None:
    answers, weights = [0, 1, 1, 2, NO_ANSWER, 0], [5.0, 2.0, 3.0, 6.0, 9.0, 1.0]
    right = [False, True, False, False]
    voters = list(zip(answers, weights, strict=True))
    for k in (1, 3, 6):
        every = np.mean([picked_by_vote(drawn, right) for drawn in itertools.combinations(voters, k)])
        drawn = vote(answers, np.array(right)[answers], k, weights, rounds=1500)
        assert drawn.success[0] == pytest.approx(every, abs=max(4 * drawn.stderr[0], 1e-12))


def test_drawn_votes_pick_no_more_than_there_is() -> None:
    answers, ks = np.repeat([0, NO_ANSWER], [7, 193]), np.array([1, 5, 20, 60, 200])
    drawn = vote(answers, answers == 0, ks)  # whoever answers is right: nothing is left on the table
    assert drawn.success == pytest.approx(pass_at_k(200, 7, ks), rel=1e-12)
    assert drawn.stderr.max() == 0


def test_votes_drawn_with_one_seed_are_the_same() -> None:
    answers = [0, 1, 1, 2, 2, 2]
    correct = [True, False, False, False, False, False]
    first, again, other = (vote(answers, correct, [2, 3], seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.success, again.success)
    assert (first.success != other.success).any()


def test_on_real_responses_the_reward_model_picks_better_than_chance_and_never_beats_coverage() -> None:
    rows = shared_rows("math/qwen25math_responses.jsonl")
    chance, best, solved = [], [], []
    for row in rows:
        correct, scores = np.array(row["score"], dtype=bool), np.array(row["pred_score"])[:, 0]
        best.append(best_of_k(scores, correct, [1, 8]))
        chance.append(correct.mean())
        solved.append(correct.any())
    assert np.mean(best, axis=0)[0] == pytest.approx(np.mean(chance))
    assert np.mean(chance) < np.mean(best, axis=0)[1] <= np.mean(solved)


@settings(deadline=None)
@given(ANSWERS)
def test_expected_distinct_is_the_mean_over_every_subset(answers: list[int]) -> None:
    counts = [answers.count(answer) for answer in range(4)]
    ks = range(1, len(answers) + 1)
    every = [np.mean([len(set(drawn) - {NO_ANSWER}) for drawn in itertools.combinations(answers, k)]) for k in ks]
    found = expected_distinct(counts, list(ks), blank=answers.count(NO_ANSWER))
    np.testing.assert_allclose(found, every, atol=1e-12)
    with_one_more = expected_distinct(counts, len(answers) + 1, blank=answers.count(NO_ANSWER))
    assert np.isnan(with_one_more)


def test_distinct_candidates_grow_ever_more_slowly() -> None:
    curve = expected_distinct([500, 300, 100, 50, *[1] * 50], every_k(1000))
    assert curve[0] == pytest.approx(1)
    assert curve[-1] == pytest.approx(54)
    assert (np.diff(curve) > 0).all()
    assert (np.diff(curve, 2) < 1e-12).all()


def test_the_duplicate_share_is_what_repeats() -> None:
    assert duplicate_share([3, 1, 0]) == pytest.approx(0.5)
    assert duplicate_share([1, 1]) == 0
    assert np.isnan(duplicate_share([]))
