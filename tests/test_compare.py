"""`monkeys compare`: runs at a k of each, at equal budgets, and for a coverage wanted."""

import json
from typing import Any

import numpy as np
import pytest

from models.statistics.costs import samples_until_right
from models.statistics.coverage import pass_at_k
from models.statistics.intervals import estimate, paired_difference
from tests.counted import Judged, Sampled, Tally, add_attempts, batched_run, counted_run, sampled_run
from tests.place import Place

SOLVED = round(0.2962 * 300)
"""Of 300 issues, those that five attempts of the cheap llm solve; one attempt of the dear one solves 72."""


def compared(place: Place, *arguments: object) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(place.ok("compare", *map(str, arguments), "--json"))
    return rows


def paper_table_1(place: Place) -> tuple[int, int]:
    """DeepSeek by five attempts at $0.0072 against GPT-4o by one at $0.13 (the paper's table 1)."""
    place.ok("price", "examples")
    cheap = counted_run(
        [Tally(5, int(place_ < SOLVED), first=4) for place_ in range(300)],
        llm="deepseek-ai/DeepSeek-Coder-V2-Instruct",
        name="ds",
    )
    dear = counted_run([Tally(1, int(place_ < 72)) for place_ in range(300)], llm="openai:gpt-4o", name="gpt4o")
    for run in (cheap, dear):
        add_attempts(run, completion_tokens=1000, prompt_tokens=1000)
    return cheap, dear


def test_the_papers_sentence_is_printed(place: Place) -> None:
    paper_table_1(place)
    said = place.ok("compare", "ds@5", "gpt4o@1")
    values = np.array([1.0] * SOLVED + [0.0] * (300 - SOLVED)), np.array([1.0] * 72 + [0.0] * 228)
    covers = [estimate(each[:, None]) for each in values]
    ends = [f"[{100 * each.low[0]:.1f}, {100 * each.high[0]:.1f}]" for each in covers]
    apart = paired_difference(*(each[:, None] for each in values))
    points = f"+5.67 points [{100 * apart.low[0]:+.2f}, {100 * apart.high[0]:+.2f}]"
    sentence = f"ds@5 covers 29.7 % {ends[0]} against gpt4o@1's 24.0 % {ends[1]} ({points}) at 0.277 times the dollars"
    assert sentence in said
    expected = samples_until_right(5, [1] * SOLVED + [0] * (300 - SOLVED), 5).mean()
    assert f"{expected * 0.0072 / 0.13:.3g} times the dollars [" in said


def test_a_pair_is_a_row_an_accounting_and_measure(place: Place) -> None:
    cheap, dear = paper_table_1(place)
    rows = compared(place, "ds@5", f"{dear}@1")
    assert [(row["accounting"], row["measure"]) for row in rows] == [
        (accounting, measure) for accounting in ("all", "stopping") for measure in ("samples", "usd")
    ]
    assert {(row["run_id"], row["k"], row["against"], row["against_k"]) for row in rows} == {(cheap, 5, dear, 1)}
    assert (rows[1]["amount"], rows[1]["against_amount"]) == pytest.approx((10.8, 39.0))
    assert rows[1]["times"] == pytest.approx(10.8 / 39)
    stopping = rows[3]
    assert stopping["times_low"] < stopping["times"] < stopping["times_high"] < rows[1]["times"]


def test_a_run_whose_name_holds_an_at_sign_is_not_read_as_a_k(place: Place) -> None:
    plain = counted_run([Tally(5, 1)] * 2, name="a")
    counted_run([Tally(5, 2)] * 2, name="a@5", llm="b")
    rows = compared(place, "a@5", "a")
    assert {row["run_id"] for row in rows} == {plain, plain + 1}
    assert "against" not in rows[0]
    assert {row["k"] for row in compared(place, "a@5@3", "a@2")} == {3}


def test_what_cannot_be_compared_is_told_in_a_sentence(place: Place) -> None:
    first = counted_run([Tally(5, 1)] * 2)
    other = counted_run([Tally(5, 1)] * 2, benchmark="other")
    elsewhere = sampled_run({"x": [Sampled("4", True)]})
    assert "no problem in common" in place.refused("compare", str(first), str(elsewhere))
    assert "different benchmarks" in place.refused("compare", f"{first}@1", f"{other}@1")
    assert "Give each run the k" in place.refused("compare", f"{first}@1", str(first))
    assert "choose a k up to that" in place.refused("compare", f"{first}@6", f"{first}@1")
    assert f"monkeys extend {first} -n 6" in place.refused("compare", f"{first}@6", f"{first}@1")
    for k in ("0", "9" * 30):
        assert "a k is a number of samples" in place.refused("compare", f"{first}@{k}", f"{first}@1")
    assert "There is no run 'nobody'" in place.refused("compare", "nobody@1", str(first))
    assert "is named twice" in place.refused("compare", str(first), str(first))
    assert "leave out @K" in place.refused("compare", f"{first}@1", f"{first}@2", "--coverage", "0.5")
    second = counted_run([Tally(5, 2), Tally(5, 0)])
    assert "import --sizes" in place.ok("compare", str(first), str(second))
    place.query("update run set finished_at = null where id = %s returning 1", (first,))
    assert f"Run {first} has not ended" in place.monkeys("compare", f"{first}@1", f"{first}@5").output


def test_every_run_is_at_its_best_k_within_each_budget(place: Place) -> None:
    short, long = counted_run([Tally(5, 1)] * 2), counted_run([Tally(50, 1)] * 2, llm="b")
    rows = compared(place, short, long)
    ks = {(row["budget"], row["run_id"]): row["k"] for row in rows if row["measure"] == "samples"}
    budgets = (1, 2, 5, 10, 20, 50)
    assert ks == {(budget, run): min(budget, most) for run, most in ((short, 5), (long, 50)) for budget in budgets}
    assert {row["k"] for row in rows if row["all_there_are"]} == {5, 50}
    assert all(row["difference"] is not None for row in rows if row["run_id"] == long)


def test_a_budget_that_buys_no_sample_of_every_problem_covers_nothing_known(place: Place) -> None:
    paper_table_1(place)
    rows = [row for row in compared(place, "ds", "gpt4o") if row["measure"] == "usd"]
    bought = {(row["budget"], row["run_id"]): (row["k"], row["coverage"]) for row in rows}
    assert bought[5.0, 2] == (0, None)
    assert bought[5.0, 1][0] == 2
    assert bought[39.0, 1] == (5, pytest.approx(SOLVED / 300))


def test_stopping_buys_more_samples_of_a_budget(place: Place) -> None:
    first, second = (counted_run([Tally(50, c) for c in (0, 5, 25, 50)], llm=llm) for llm in ("a", "b"))
    most = {
        accounting: max(row["k"] for row in compared(place, first, second, "--accounting", accounting)
                        if row["measure"] == "samples" and row["budget"] <= 10)
        for accounting in ("all", "stopping")
    }  # fmt: skip
    assert most["all"] == 10
    assert most["stopping"] == max(k for k in range(1, 51) if samples_until_right(50, [0, 5, 25, 50], k).mean() <= 10)


def test_what_is_needed_comes_with_its_interval(place: Place) -> None:
    weak, strong = (counted_run([Tally(200, c) for c in rights], llm=llm, name=llm)
                    for llm, rights in (("weak", range(1, 41)), ("strong", range(61, 141, 2))))  # fmt: skip
    need, other = compared(place, weak, strong, "--coverage", "0.5")
    values = pass_at_k([200] * 40, list(range(1, 41)), np.arange(1, 201))
    assert need["k"] == int(np.argmax(values.mean(axis=0) >= 0.5)) + 1
    band = estimate(values)
    assert need["k_low"] == int(np.argmax(band.high >= 0.5)) + 1
    assert need["k_high"] == int(np.argmax(band.low >= 0.5)) + 1
    assert (other["cheapest_by"], other["times"], need["cheapest_by"]) == (["samples"], {}, [])
    times, low, high = need["times"]["samples"]
    assert times == need["k"] / other["k"]
    assert low < times < high
    said = place.ok("compare", "weak", "strong", "--coverage", "0.5")
    assert "What 50 % coverage needs" in said
    assert f"{need['k']} [{need['k_low']}, {need['k_high']}]" in said
    assert f"By samples a problem, run {strong} is cheapest: {times:.3g} times less than run {weak} [" in said


def test_the_level_is_below_what_every_run_reaches_and_one_for_both_tables(place: Place) -> None:
    runs = [counted_run([Tally(100, c) for c in (*rights, 0)], llm=llm, name=llm)
            for llm, rights in (("a", (1, 2, 3)), ("b", (2, 4, 6)))]  # fmt: skip
    said = place.ok("compare", *map(str, runs))
    assert "What 67 % coverage needs" in said
    assert "to 67 % coverage (one factor" in said
    for run in compared(place, *runs, "--coverage", "0.67"):
        assert str(run["k"]) in said.partition("one factor")[2]


def test_what_may_never_be_reached_has_an_open_end(place: Place) -> None:
    first, second = (counted_run([Tally(10, c) for c in (1, 1, 0, 0)], llm=llm) for llm in ("a", "b"))
    (need, _) = compared(place, first, second, "--coverage", "0.5")
    assert (need["k"], need["k_high"]) == (10, None)
    assert need["times"] == {}, "both are the cheapest"
    assert ">10]" in place.ok("compare", str(first), str(second), "--coverage", "0.5")
    (need, _) = compared(place, first, second, "--coverage", "0.9")
    assert (need["k"], need["samples"]) == (None, None)


def test_a_run_that_stopped_says_what_it_really_took(place: Place) -> None:
    stopped = counted_run([Tally(8, 1, first=6), Tally(20, 0)], stop_rule={"when_solved": True}, batch=1)
    whole = counted_run([Tally(20, 1), Tally(20, 0)], llm="b")
    for run in (stopped, whole):
        add_attempts(run, completion_tokens=100, prompt_tokens=10, gpu_seconds=0.5)
    said = place.ok("compare", str(stopped), str(whole))
    assert "took 28 samples and 14 GPU-seconds in all" in said
    assert said.count("in all") == 1
    rows = compared(place, f"{stopped}@20", f"{whole}@20")
    assert [row["amount"] for row in rows if row["measure"] == "samples"] == [20, 13.5]


@pytest.mark.parametrize("rights", [(0, 0, 0), (10, 10, 10), (3,)])
def test_the_edges_are_compared_without_a_fuss(place: Place, rights: tuple[int, ...]) -> None:
    first, second = (counted_run([Tally(10, c) for c in rights], llm=llm) for llm in ("a", "b"))
    for arguments in ([f"{first}@10", f"{second}@1"], [str(first), str(second)]):
        for accounting in ("all", "stopping"):
            said = place.ok("compare", *arguments, "--accounting", accounting)
            assert "nan" not in said
            assert "What 0 %" not in said


def test_a_difference_is_said_to_be_resolved_or_not_and_what_it_is_on_these_very_problems(place: Place) -> None:
    first, second = (counted_run([Tally(1000, c + more) for c in range(20, 60)]) for more in (30, 0))
    (row, *_) = compared(place, f"{first}@1", f"{second}@1")
    assert row["difference"] == pytest.approx(0.03)
    assert row["difference_low"] < 0 < row["these_low"] < 0.03 < row["these_high"] < row["difference_high"]
    said = place.ok("compare", f"{first}@1", f"{second}@1")
    assert f"The difference is {row['resolved']}. On these very problems, with new samples, it is [" in said
    assert row["resolved"].startswith("not resolved by 40 problems; if it stays so, about ")
    stops = counted_run([Tally(10, 1, first=2), Tally(10, 0)], stop_rule={"when_solved": True}, n=10)
    other = counted_run([Tally(10, 1, first=2), Tally(10, 0)])
    assert {row["these_low"] for row in compared(place, f"{stops}@2", f"{other}@2")} == {None}


def test_a_stopped_run_that_has_judged_nothing_of_a_problem_yet_is_refused(place: Place) -> None:
    open_ = [[Judged(4, 0), Judged(4, None)], [Judged(4, None), Judged(4, None)], [Judged(4, 1)]]
    run, other = batched_run(open_, stop_rule={"when_solved": True}), counted_run([Tally(8, 3)] * 3)
    said = f"Run {run} has problems without a verified sample"
    for words in ((f"{run}", f"{other}"), (f"{other}", f"{run}"), (f"{run}@1", f"{other}@1")):
        assert said in place.refused("compare", *words)
