"""What a run cost: tokens as billed, by the price that held when each attempt began; what is unknown stays so."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.analysis.pool import read_pool
from models.database import query, rows
from models.questions.prices import price_now, put_prices, tier_of
from models.statistics.costs import ratio_of_means, samples_until_right, until_right
from models.statistics.coverage import every_k
from models.statistics.intervals import estimate
from models.tables import Price
from models.views import CoverageByCostRow
from tasks.engines.engine import Load
from tasks.engines.openai import Endpoint
from tasks.ledger import Usage, Worker
from tasks.workers.generate import use_engine
from tests.counted import Tally, add_attempts, counted_run
from tests.misbehaving import Answer, Asked, misbehaving
from tests.place import Place
from tests.small_runs import work_off
from tests.spent import cost, done, failed, run_of, running

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def priced(llm: str = "openai:m", since: date = date(2026, 1, 1), **amounts: Any) -> None:
    """Store a price; `tokens` are its dollars of a million input, cached and output tokens."""
    if "tokens" in amounts:
        names = ("usd_per_million_input", "usd_per_million_cached_input", "usd_per_million_output")
        amounts |= dict(zip(names, amounts.pop("tokens"), strict=True))
    put_prices([Price(llm=llm, provider="P", since=datetime.combine(since, time(), UTC), **amounts)])


def billed(prompt: int | None = 1_000, cached: int | None = 0, new: int | None = 100, **more: Any) -> Usage:
    """What an endpoint billed."""
    usage = {"billed_prompt_tokens": prompt, "cached_prompt_tokens": cached, "completion_tokens": new}
    return Usage(requests=1, prompt_tokens=1_000, **usage | more)


def test_dollars_are_the_tokens_billed_of_every_attempt_well_or_not(place: Place) -> None:
    priced(tokens=(1.0, 0.25, 10.0))
    run = run_of()
    done(run, billed(1_000, 400, 700, thinking_tokens=500), NOON)
    done(run, billed(3_000, 0, 300, thinking_tokens=0), NOON)
    failed(run, billed(200, 100, 50))
    running(run, billed(30, 0, 5))
    running(run, billed(7, 0, 3), lost=True)
    found = cost(run)
    assert found["usd"] == pytest.approx(((4_237 - 500) * 1.0 + 500 * 0.25 + 1_058 * 10) / 1e6, rel=1e-12)
    assert found["usd_from"] == "usage"
    assert (found["billed_prompt_tokens"], found["cached_prompt_tokens"]) == (4_237, 500)
    assert (found["billed_completion_tokens"], found["completion_tokens"]) == (1_058, 1_000)
    assert (found["thinking_tokens"], found["prompt_tokens"], found["samples"]) == (500, 1_000, 2)
    assert found["attempts_unmeasured"] == 1


@pytest.mark.parametrize("unknown", ["prompt", "new"])
def test_one_unknown_part_makes_a_sum_unknown(place: Place, unknown: str) -> None:
    priced(tokens=(1.0, None, 10.0))
    run = run_of(limit=2)
    for _ in range(5):
        done(run, billed(), NOON)
    assert cost(run)["usd"] == pytest.approx(5 * (1_000 + 1_000) / 1e6)
    assert place.one("select usd from cost_rate") > 0
    done(run, billed(**{unknown: None}), NOON)
    found = cost(run)
    assert (found["usd"], found["usd_from"], found["usd_per_solved_problem"]) == (None, None, None)
    tokens = found["billed_prompt_tokens" if unknown == "prompt" else "completion_tokens"]
    assert tokens is None
    assert place.one("select usd from cost_rate") is None
    if unknown == "new":
        assert place.one("select completion_tokens from engine_time") is None
        assert place.one("select tokens_per_second from run_progress") is None


def test_what_a_failed_attempt_was_billed_is_counted_as_far_as_it_is_known(place: Place) -> None:
    priced(tokens=(1.0, None, 10.0))
    run = run_of()
    done(run, billed(), NOON)
    failed(run, billed(None, None, 50))
    failed(run, Usage(requests=0))  # nothing was asked
    failed(run, Usage())
    found = cost(run)
    assert found["usd"] == pytest.approx((1_000 + 1_000 + 500) / 1e6)
    assert found["attempts_unmeasured"] == 2


def test_a_cache_that_nobody_knows_of_is_billed_at_the_full_price(place: Place) -> None:
    priced(tokens=(1.0, 0.1, 10.0))
    run = run_of()
    done(run, billed(cached=None), NOON)
    assert cost(run)["usd"] == pytest.approx((1_000 + 1_000) / 1e6)
    assert cost(run)["cached_prompt_tokens"] is None


ESTIMATED = Usage(prompt_tokens=1_000, completion_tokens=100, gpu_seconds=36)


TOKENS = {"tokens": (1.0, 0.5, 10.0)}

RESTS_ON: list[tuple[dict[str, Any], Usage, float | None, str | None]] = [
    (TOKENS, billed(usd=0.75), 2 * 0.75, "charged"),
    (TOKENS, billed(), 2 * 0.002, "usage"),
    ({"usd_per_attempt": 0.5}, billed(), 2 * 2 * 0.5, "samples"),
    ({"usd_per_gpu_hour": 2.0}, billed(gpu_seconds=36), 2 * 0.02, "gpu_hours"),
    (TOKENS, ESTIMATED, (1_000 + 500 + 2 * 1_000) / 1e6, "estimated"),
    ({**TOKENS, "usd_per_gpu_hour": 2.0}, Usage(requests=1, gpu_seconds=36), 0.04, "gpu_hours"),
    ({"usd_per_gpu_hour": 2.0}, billed(), None, None),
    (TOKENS, Usage(requests=1, completion_tokens=100, prompt_tokens=9), None, None),
]


def test_dollars_say_what_they_rest_on(place: Place) -> None:
    for number, (price, usage, usd, usd_from) in enumerate(RESTS_ON):
        priced(f"openai:{number}", **price)
        run = run_of(f"openai:{number}", batch_size=2)
        for _ in range(2):
            done(run, usage, NOON)
        found = cost(run)
        assert found["usd"] == (None if usd is None else pytest.approx(usd, rel=1e-12)), RESTS_ON[number]
        assert found["usd_from"] == usd_from, RESTS_ON[number]
    assert place.one("select count(*) from cost") == len(RESTS_ON)


def test_dollars_of_several_kinds_are_mixed_and_an_estimate_among_them_is_said(place: Place) -> None:
    priced(tokens=(1.0, 0.5, 10.0))
    run = run_of(limit=2)
    done(run, billed(usd=0.75), NOON)
    done(run, billed(), NOON)
    assert (cost(run)["usd"], cost(run)["usd_from"]) == (pytest.approx(0.752), "mixed")
    done(run, ESTIMATED, NOON)
    assert cost(run)["usd_from"] == "estimated"


def test_a_run_costs_what_the_price_was_when_each_sample_was_drawn(place: Place) -> None:
    priced(since=date(2026, 3, 1), usd_per_attempt=1.0)
    priced(since=date(2026, 3, 3), usd_per_attempt=10.0)
    priced(since=date(2126, 1, 1), usd_per_attempt=1_000.0)
    run = run_of()
    done(run, billed(), datetime(2026, 3, 2, 23, 59, 59, tzinfo=UTC))
    done(run, billed(), datetime(2026, 3, 3, tzinfo=UTC))
    assert cost(run)["usd"] == 11
    assert place.one("select usd_per_attempt from current_price") == 10
    done(run, billed(), datetime(2026, 2, 28, 23, 59, tzinfo=UTC))
    assert cost(run)["usd"] is None, "no price held then"


HOURS = {"16:29:59": 1, "16:30": 0.5, "23:59": 0.5, "00:00": 0.5, "00:29": 0.5, "00:30": 1}


def test_hours_over_midnight_go_before_the_price_of_all_day(place: Place) -> None:
    priced(usd_per_attempt=1.0)
    priced(usd_per_attempt=0.5, from_time=time(16, 30), to_time=time(0, 30))
    run, spent = run_of(), 0.0
    for at, usd in HOURS.items():
        done(run, billed(), datetime.combine(NOON, time.fromisoformat(at), UTC))
        spent += usd
        assert cost(run)["usd"] == spent, at
    priced(since=date(2026, 2, 1), usd_per_attempt=7.0)
    assert cost(run)["usd"] == 7 * len(HOURS), "a newer price of all day ends the hours of older ones"
    assert place.one("select count(*) from price") == 3


def test_samples_of_a_batch_api_cost_its_own_price_or_nobody_knows_what(place: Place) -> None:
    priced(usd_per_attempt=1.0)
    run = run_of(engine_args={"batch": True})
    done(run, billed(), NOON)
    assert cost(run)["usd"] is None
    priced(usd_per_attempt=0.5, tier="batch")
    assert cost(run)["usd"] == 0.5
    for arguments in ({"batch": True}, {"batch": False}, {"batch": "true"}, {"batch": 1}, {}):
        (tier,) = place.query("select price_tier(%s::jsonb) as tier", (json.dumps(arguments),))
        assert tier_of(arguments) == tier["tier"]
        found = price_now("openai:m", arguments)
        assert found is not None
        assert found.tier == tier_of(arguments)


def answered(usage: dict[str, int] | None) -> Callable[[Asked], Answer]:
    """A server that ignores logprobs, and says this usage of each choice."""

    def answer(asked: Asked) -> Answer:
        count = asked.get("n", 1)
        body: dict[str, Any] = {"id": "1", "object": "text_completion", "created": 1, "model": "m"}
        body["choices"] = [{"index": place, "text": "#### 7", "finish_reason": "stop"} for place in range(count)]
        if usage is not None:
            body["usage"] = {**usage, "completion_tokens": usage["completion_tokens"] * count}
        return Answer(body=body)

    return answer


@pytest.mark.parametrize("arguments", [{}, {"gpus": 4}])
def test_sixteen_samples_without_logprobs_cost_what_their_server_billed(
    place: Place, arguments: dict[str, Any]
) -> None:
    priced(tokens=(1.0, None, 10.0), since=date(2025, 1, 1))
    with misbehaving(answered({"prompt_tokens": 1_000, "completion_tokens": 700})) as server:
        run = run_of(n=8, limit=2, batch_size=4, engine_args={"endpoint": server.url, **arguments}, probe=False)
        engine = Endpoint(Load("openai:m", {"endpoint": server.url, **arguments}))
        try:
            use_engine(engine)
            work_off(place)
        finally:
            engine.close()
        assert all("gpus" not in asked for asked in server.asked)
        requests = len(server.asked)
    found = cost(run)
    assert found["samples"] == 16
    assert found["completion_tokens"] == 16 * 700
    assert found["billed_prompt_tokens"] == requests * 1_000
    assert found["usd"] == pytest.approx((requests * 1_000 + 16 * 700 * 10) / 1e6)
    assert (found["gpu_seconds"] > 0) == bool(arguments)
    assert place.query("select distinct gpus from attempt") == [{"gpus": ""}]
    assert place.one("select gpu_seconds_idle from engine_time where completion_tokens > 0") is None


def test_what_an_endpoint_does_not_say_is_not_zero(place: Place) -> None:
    priced(tokens=(1.0, None, 10.0), since=date(2025, 1, 1))
    with misbehaving(answered(None)) as server:
        run = run_of(n=4, engine_args={"endpoint": server.url})
        engine = Endpoint(Load("openai:m", {"endpoint": server.url}))
        try:
            use_engine(engine)
            work_off(place)
        finally:
            engine.close()
    found = cost(run)
    tokens = ("prompt_tokens", "billed_prompt_tokens", "completion_tokens", "billed_completion_tokens", "usd", "flops")
    assert {name: found[name] for name in tokens} == dict.fromkeys(tokens)


def test_samples_recorded_without_tokens_or_dollars_have_none(place: Place, tmp_path: Path) -> None:
    file = tmp_path / "recorded.jsonl"
    file.write_text(
        '{"problem": "a", "sample_index": 0, "correct": true, "usd": 0.5, "completion_tokens": 3}\n'
        '{"problem": "a", "sample_index": 1, "correct": false}\n'
    )
    run = int(place.ok("import", str(file), "--benchmark", "x", "--llm", "y", "--key-only", "--quiet"))
    found = cost(run)
    assert (found["usd"], found["completion_tokens"], found["prompt_tokens"], found["flops"]) == (None,) * 4


def test_gpu_hours_of_a_worker_and_its_price(place: Place) -> None:
    priced("pocket-monkey", usd_per_gpu_hour=36.0)
    run = run_of("pocket-monkey")
    worker = Worker("w:1", "h", "v", gpus="0", engine="vllm")
    done(run, Usage(gpu_seconds=100.0), NOON, worker)
    assert cost(run)["usd"] == pytest.approx(1.0)
    done(run, Usage(), NOON, worker)
    assert cost(run)["usd"] is None, "a price of GPU time that there was none of"


def judge_all(run: int) -> None:
    """Every verify work of a run is done, and every sample right."""
    query(
        """
        update work set state = 'done', correct = size, incorrect = 0, no_answer = 0, undecided = 0,
            first_correct = first_index
        from batch where batch.id = batch_id and work.run_id = %s and kind = 'verify' returning 1
        """,
        (run,),
    )


def curve(run: int) -> dict[int, CoverageByCostRow]:
    """A run's rows of coverage_by_cost by k, once all of its samples are judged."""
    found = rows(CoverageByCostRow, "select * from coverage_by_cost where run_id = %s", (run,))
    return {row.k: row for row in found}


@pytest.mark.parametrize("number", range(6))
def test_all_samples_cost_what_was_paid_for_those_that_came(place: Place, number: int) -> None:
    price, usage, *_ = RESTS_ON[number]
    priced(**price)
    run = run_of(n=10, limit=2, batch_size=5)
    for cached in (0, 400, 900, 900):
        billed_ = usage.billed_prompt_tokens is not None
        done(run, replace(usage, cached_prompt_tokens=cached if billed_ else None), NOON)
    judge_all(run)
    found, last = cost(run), curve(run)[10]
    assert found["usd"] > 0
    assert last.usd == pytest.approx(found["usd"] - found["usd_lost"], rel=1e-12)
    assert last.gpu_seconds == pytest.approx(found["gpu_seconds"], rel=1e-12)


def test_what_failed_is_no_part_of_what_samples_cost(place: Place) -> None:
    priced(tokens=(1.0, None, 10.0))
    run = run_of(n=2)
    failed(run, billed())
    place.query("update work set not_before = null where run_id = %s returning 1", (run,))
    for _ in range(2):
        done(run, billed(), NOON)
    judge_all(run)
    assert (cost(run)["usd"], cost(run)["usd_lost"]) == pytest.approx((0.006, 0.002))
    assert {k: row.usd for k, row in curve(run).items()} == pytest.approx({1: 0.002, 2: 0.004})


def test_prompts_are_paid_by_the_request_the_first_at_the_full_price(place: Place) -> None:
    """Three requests of four samples: prompts of 1,000 tokens, the last two of them from a cache at a tenth."""
    priced(tokens=(1.0, 0.1, 10.0))
    run = run_of(n=12, batch_size=4)
    for cached in (0, 1_000, 1_000):
        done(run, billed(1_000, cached, 400), NOON)
    judge_all(run)
    found = curve(run)
    wanted = {k: (1_000 + (-(-k // 4) - 1) * 100 + k * 100 * 10) / 1e6 for k in (1, 2, 5, 10, 12)}
    assert {k: row.usd for k, row in found.items()} == pytest.approx(wanted)
    assert {k: row.stopping_samples for k, row in found.items()} == dict.fromkeys(wanted, 1), "each first one is right"
    (rate,) = place.query("select * from cost_rate where run_id = %s", (run,))
    assert (rate["prompt_usd"], rate["repeated_prompt_usd"], rate["usd"]) == pytest.approx((1e-3, 1e-4, 1e-3))
    assert rate["samples_a_prompt"] == 4


def test_a_sample_costs_the_same_of_a_short_run_and_of_a_long_one(place: Place) -> None:
    priced("counted", tokens=(1.0, None, 1.0))
    short, long = (counted_run([Tally(n, 0)] * 20) for n in (1, 100))
    for run, n in ((short, 1), (long, 100)):
        add_attempts(run, completion_tokens=100 * n, prompt_tokens=1_000, gpu_seconds=1.0 + 0.1 * n)
    for run in (short, long):
        assert curve(run)[1].usd == pytest.approx(20 * 1_100 / 1e6)
    assert curve(long)[1].gpu_seconds == pytest.approx(20 * 11 * (1 / 11 + 10 / 11 / 100)), "by tokens: no sizes"
    assert curve(long)[100].gpu_seconds == pytest.approx(20 * 11)


def test_stopping_pays_for_the_samples_up_to_the_first_right_one(place: Place) -> None:
    priced("counted", tokens=(1.0, 0.1, 1.0))
    run = counted_run([Tally(10, c) for c in (0, 1, 5, 10)])
    add_attempts(run, completion_tokens=100 * 10, prompt_tokens=1_000)
    until = {k: samples_until_right([10], [0, 1, 5, 10], k) for k in (1, 2, 5, 10)}
    found = curve(run)
    for k, expected in until.items():
        assert found[k].stopping_samples == pytest.approx(expected.mean())
        assert found[k].stopping_usd == pytest.approx(
            (4 * 1_000 + (expected - 1).sum() * 100 + expected.sum() * 100) / 1e6
        )
    assert found[1].stopping_usd == found[1].usd
    assert {row.stopping_flops for row in found.values()} == {None}


def test_a_run_that_stops_says_how_many_samples_it_drew_up_to_the_first_right_one(place: Place) -> None:
    run = counted_run([Tally(8, 1, first=6), Tally(20, 0)], stop_rule={"when_solved": True}, batch=1)
    add_attempts(run, completion_tokens=100, prompt_tokens=10)
    assert {k: row.stopping_samples for k, row in curve(run).items()} == {1: 1, 2: 2, 5: 5, 10: 8.5, 20: 13.5}
    assert cost(run)["samples"] == 28


def test_samples_up_to_the_first_right_one_of_a_run_that_stops_are_those_of_its_coverage(place: Place) -> None:
    tallies = [Tally(9, 2, first=6), Tally(3, 3), Tally(20, 0), Tally(6, 1, first=5)]
    run = counted_run(tallies, stop_rule={"when_solved": True}, batch=3)
    add_attempts(run, completion_tokens=300, prompt_tokens=10)
    pool = read_pool(run, place.one("select verifier_id from run"))
    expected = until_right(pool.values(every_k(20))).mean(axis=0)
    assert {k: row.stopping_samples for k, row in curve(run).items()} == pytest.approx(
        {k: expected[k - 1] for k in (1, 2, 5, 10, 20)}
    )


def test_dollars_a_solved_problem_have_an_interval(place: Place) -> None:
    priced("counted", usd_per_attempt=0.5)
    run = counted_run([Tally(2, int(place_ < 3)) for place_ in range(10)])
    add_attempts(run, completion_tokens=1, prompt_tokens=1)
    found = cost(run)
    assert found["usd_per_solved_problem"] == pytest.approx(10 / 3)
    solved = estimate([[1.0]] * 3 + [[0.0]] * 7)
    assert found["usd_per_solved_problem_low"] == pytest.approx(1 / solved.high[0], rel=1e-6)
    assert found["usd_per_solved_problem_high"] == pytest.approx(1 / solved.low[0], rel=1e-6)


def test_dollars_of_few_long_problems_are_as_sure_as_a_ratio_of_costs(place: Place) -> None:
    generator = np.random.default_rng(0)
    for problems, spread in ((20, 0.3), (50, 1.5), (300, 0.8), (2, 0.1), (5, 0.0)):
        amounts = np.exp(spread * generator.standard_normal(problems))
        off = amounts / amounts.mean() - 1
        said = "select log_mean_errors(%s, %s, %s, %s)"
        found = place.one(said, (problems, *(float(np.mean(off**power)) for power in (2, 3, 4))))
        ratio, low, high = ratio_of_means(amounts, np.ones(problems))
        assert found == pytest.approx([np.log(ratio / low), np.log(high / ratio)], rel=0.12, abs=1e-9), (
            problems,
            spread,
        )


@pytest.mark.parametrize(("tallies", "rule"), [([Tally(2, 0)] * 3, {}), ([Tally(2, 1)] * 3, {"when_solved": True})])
def test_dollars_a_solved_problem_have_none_where_none_would_hold(
    place: Place, tallies: list[Tally], rule: dict[str, bool]
) -> None:
    priced("counted", usd_per_attempt=0.5)
    run = counted_run(tallies, stop_rule=rule)
    add_attempts(run, completion_tokens=1, prompt_tokens=1)
    assert (cost(run)["usd_per_solved_problem_low"], cost(run)["usd_per_solved_problem_high"]) == (None, None)
