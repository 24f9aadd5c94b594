"""Nothing lost at endpoints that refuse, fail and cut off, with workers that die; each account is the server's own."""

import re
import time
from collections import defaultdict
from itertools import combinations
from random import Random

import pytest

from cli.stack.processes import kill
from tests.endpoints import at_once, endpoint
from tests.faults.crew import Crew
from tests.misbehaving import BILLED, Billing, Ledger, misbehaving
from tests.place import Place
from tests.small_runs import check

pytestmark = [pytest.mark.usefixtures("key"), pytest.mark.slow]

REFUSABLE = ("logprobs", "n", "max_tokens", "temperature", "top_p")
"""What a server may refuse of a request that samples at temperature 1, and no sample is another for it."""


def through(refused: tuple[str, ...], seed: int, failures: float) -> tuple[int, int]:
    """50 batches at once; how many answers were billed, and how many accounts lack some of them."""
    billing = Billing(refused, failures=failures, seed=seed)
    with misbehaving(billing) as server, endpoint(server.url, retries=20) as engine:
        sizes, accounts = at_once(engine, 50, 4, temperature=1.0)
    assert sizes == [4] * 50, "a batch has not its samples"
    unknown = 0
    for number, account in enumerate(accounts):
        ledger = billing.by_prompt[str(number)]
        assert (account.requests, account.lost_requests) == (ledger.requests, ledger.cut)
        unknown += bool(ledger.cut)
        for name in BILLED:
            assert getattr(account, name) == getattr(ledger, name)
        assert account.left_out == {"logprobs", "temperature", "top_p"} & set(refused)
    return billing.ledger.requests, unknown


@pytest.mark.timeout(900)
def test_every_pair_of_refused_fields_loses_nothing_and_the_account_is_the_servers() -> None:
    for seed, refused in enumerate(combinations(REFUSABLE, 2)):
        answers, unknown = through(refused, seed, failures=0.0)
        assert unknown == 0
        assert answers == (200 if "n" in refused else 50)


@pytest.mark.timeout(1_800)
def test_any_refused_fields_and_failures_lose_nothing_and_what_was_cut_off_is_counted() -> None:
    billed = lost = 0
    random = Random(1)
    for seed in range(200):
        refused = tuple(name for name in REFUSABLE if random.random() < 0.5)
        answers, unknown = through(refused, seed, failures=0.05)
        billed, lost = billed + answers, lost + unknown
    print(f"200 subsets, 10,000 batches: {billed:,} answers billed, {lost} batches with one that was cut off")
    assert lost


@pytest.mark.timeout(600)
def test_workers_that_are_killed_lose_no_sample_and_what_ended_well_is_billed_to_the_token(place: Place) -> None:
    billing, random = Billing(("logprobs", "max_tokens"), failures=0.05, seed=7, seconds=0.3), Random(7)
    with misbehaving(billing) as server:
        run = int(
            place.ok(
                "enqueue", "pocket-sums", "-m", "openai:m", "--endpoint", server.url, "-n", "300", "--limit", "4",
                "--batch-size", "3", "--quiet",
            )
        )  # fmt: skip
        crew = Crew(
            place,
            {
                "generate": [
                    "worker", "generate", "-m", "openai:m", "--endpoint", server.url, "-c", "4", "--requests", "4",
                ],
                "verify": ["worker", "verify", "-c", "1"],
                "sweep": ["sweep"],
            },
        )  # fmt: skip
        kills, due = 0, 5
        while place.one("select finished_at from run where id = %s", (run,)) is None:
            crew.keep()
            if kills < 12 and len(server.asked) >= due:
                kill(crew.tree("generate"))
                kills, due = kills + 1, len(server.asked) + random.randrange(5, 30)
            time.sleep(0.1)
    assert kills == 12
    check(place, run)
    assert place.one("select count(*) from work where state <> 'done'") == 0
    assert place.one("select count(*) from sample") == 1_200
    assert place.one("select left_out from run where id = %s", (run,)) == ["logprobs"]
    ended_well(place, billing.answers)
    assert "logprobs left out" in place.ok("report", str(run), "--tables-only")


def ended_well(place: Place, answers: list[Ledger]) -> None:
    """The account of each attempt that ended well is that of the answers that its samples are of."""
    samples = defaultdict(set)
    for row in place.query("select attempt_id, text from sample"):
        (number,) = re.findall(r"answer (\d+)", row["text"])
        samples[row["attempt_id"]].add(int(number))
    attempts = place.query("select attempt.* from attempt join work on work.id = work_id where kind = 'generate'")
    known = 0
    for attempt in attempts:
        if not attempt["ok"] or attempt["completion_tokens"] is None:
            continue
        known += 1
        mine = [answers[number] for number in samples[attempt["id"]]]
        assert attempt["requests"] - attempt["lost_requests"] == len(mine)
        for name, column in zip(BILLED, ("billed_prompt_tokens", *BILLED[1:]), strict=True):
            assert attempt[column] == sum(getattr(each, name) for each in mine)
    lost = sum(attempt["ok"] is not True for attempt in attempts)
    print(f"{len(attempts)} attempts, {lost} of them lost, {known} that ended well and know what they were billed")
    assert known > 300
    assert sum(attempt["ok"] is True for attempt in attempts) == 400
