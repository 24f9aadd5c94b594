"""Works that go through a provider's batch API: submitted once, whatever happens, and retried by line."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from cli.worker.command import worker_command
from models.database import transaction
from models.questions.progress import progress_of
from models.settings import settings
from tasks import ledger
from tasks.app import app
from tasks.engines.engine import Load
from tasks.engines.openai_batch import Provider
from tasks.runs.changes import cancel, delete, extend, resume
from tasks.workers.submit import BatchLlm
from tasks.workers.sweep import sweep
from tests.batch_runs import make, queue, states, turn, worker_of
from tests.batch_server import (
    BatchServer,
    Json,
    Outcome,
    answer_to,
    batch_server,
    given,
    honest,
    not_done,
    refused,
)
from tests.place import Place, wait_until
from tests.small_runs import check, small, work_off
from verifiers.errors import UserError

KEY = "sk-very-secret"


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    settings.cache_clear()
    yield
    settings.cache_clear()


Begun = Callable[..., AbstractContextManager[tuple[BatchServer, int, BatchLlm]]]
"""Makes a provider, a run, and this process the run's worker."""


@pytest.fixture
def begun(place: Place, tmp_path: Path) -> Begun:
    @contextmanager
    def begin(
        n: int = 10, server_options: Json | None = None, **options: Any
    ) -> Iterator[tuple[BatchServer, int, BatchLlm]]:
        with batch_server(**(server_options or {})) as server:
            yield server, make(server, tmp_path, n, **options), worker_of(server)

    return begin


def test_a_run_is_one_submission_and_costs_what_the_provider_says(place: Place, begun: Begun) -> None:
    def slow(lines: list[Json]) -> Outcome:
        outcome = honest(lines)
        outcome.looks = 1
        return outcome

    with begun(server_options={"end": slow}) as (server, run, _):
        work_off(place)
        assert (len(server.batches), sum(server.submitted.values())) == (1, 30)
        assert states(place, run) == {"ready": 6}
        assert progress_of(run).samples_submitted == 30
        work_off(place)
        assert len([asked for asked in server.asked if asked.startswith("GET /batches/")]) == 0, "asked too soon"
        turn(place)
        assert states(place, run) == {"ready": 6}
        assert place.one("select count(*) from attempt") == 0, "a look is no attempt"
        turn(place, 2, ("generate", "verify"))
        check(place, run)
        assert states(place, run) == {"done": 6}
        assert place.one("select verified from run_progress") == 30
        assert place.one("select count(*) from sample where run_id = %s", (run,)) == 30
        assert place.one("select count(*) from submission_line") == 0
        (used,) = place.query(
            """
            select sum(requests) as requests, sum(billed_prompt_tokens) as prompt, sum(completion_tokens) as completion,
                count(*) as attempts, max(engine) as engine
            from attempt join work on work.id = work_id where kind = 'generate'
            """
        )
        tokens = sum(3 + index % 5 for index in range(10)) * 3
        assert used == {"requests": 30, "prompt": 330, "completion": tokens, "attempts": 6, "engine": "openai"}
        assert set(server.paid.values()) == {1}
        (content,) = [content for entry, content in server.files.values() if entry["purpose"] == "batch"]
        line = json.loads(content.decode().splitlines()[0])
        assert set(line["body"]) == {"model", "prompt", "temperature", "top_p", "max_tokens", "stop"}
        assert (line["url"], line["body"]["model"]) == ("/v1/completions", "m")
        samples = place.query("select sample_index, text, completion_tokens from sample where run_id = %s", (run,))
        for sample in samples:
            index = sample["sample_index"]
            assert (sample["text"], sample["completion_tokens"]) == (f" The answer is {index % 7}.", 3 + index % 5)
        assert place.one("select status from submission") == "completed"


def test_each_line_that_failed_expired_or_was_lost_is_asked_again_and_no_other(place: Place, begun: Begun) -> None:
    def first_badly(lines: list[Json]) -> Outcome:
        if len(lines) < 30:
            return honest(lines)
        good = [line for line in lines if int(line["custom_id"][-1]) > 2]
        outcome = honest(good)
        for line in lines:
            index = int(line["custom_id"][-1])
            if index == 0:
                outcome.errors.append(refused(line, 500, "The server had an error"))
            if index == 1:
                outcome.errors.append(not_done(line, "batch_expired"))
        outcome.status = "expired"
        return outcome

    with begun(server_options={"end": first_badly}) as (server, run, _):
        turn(place, 6)
        check(place, run)
        assert states(place, run) == {"done": 6}
        assert [len(file[1].splitlines()) for file in server.files.values() if file[0]["purpose"] == "batch"] == [30, 9]
        assert set(server.paid.values()) == {1}
        assert {times for name, times in server.submitted.items() if int(name[-1]) > 2} == {1}


@pytest.mark.parametrize("crash", ["POST /files", "POST /batches"])
def test_what_the_provider_took_though_its_answer_was_lost_is_found_and_not_paid_twice(
    place: Place, begun: Begun, crash: str
) -> None:
    crashes = ["lost"]
    mishap = lambda asked: crashes.pop() if asked == crash and crashes else None  # noqa: E731
    with begun(server_options={"mishap": mishap}) as (server, run, _):
        work_off(place)
        assert place.one("select count(*) from submission where batch is null") == 1
        assert "does not answer" in place.one("select max(last_error) from work")
        for other in range(5):  # more than a page of others' since
            server.add_file(f"other-{other}", b"", "batch")
        turn(place, 4)
        check(place, run)
        assert states(place, run) == {"done": 6}
        assert (len(server.batches), set(server.paid.values())) == (1, {1})
        assert server.asked.count("POST /files") == 1


def test_a_batch_that_a_killed_worker_began_is_looked_for_only_once_it_must_show(place: Place, begun: Begun) -> None:
    crashes = ["lost"]
    mishap = lambda asked: crashes.pop() if asked == "POST /batches" and crashes else None  # noqa: E731
    with begun(server_options={"mishap": mishap}) as (server, _, _):
        work_off(place)
        asked = len(server.asked)
        with transaction() as connection:
            connection.execute("update work set not_before = null")
        work_off(place)
        assert len(server.asked) == asked
        turn(place)
        assert server.asked.count("POST /batches") == 1


def test_many_workers_at_once_submit_every_line_once(place: Place, begun: Begun) -> None:
    with begun(n=40) as (server, run, llm):
        app.loader.import_default_modules()
        works = [row["id"] for row in place.query("select id from work order by id")]
        others = [worker_of(server) for _ in range(3)]
        task = app.tasks["generate"]
        with ThreadPoolExecutor(12) as pool:
            list(pool.map(lambda each: [llm, *others][each % 4].do(task, each), works))
        assert (len(server.batches), set(server.submitted.values()), len(server.submitted)) == (1, {1}, 120)
        turn(place, 2)
        check(place, run)


def test_while_one_worker_sends_a_submission_no_other_does(place: Place, begun: Begun) -> None:
    with begun() as (server, _, llm), ThreadPoolExecutor(1) as pool:
        app.loader.import_default_modules()
        works = [row["id"] for row in place.query("select id from work order by id")]
        server.pause = lambda: 0.3
        sending = pool.submit(llm.do, app.tasks["generate"], works[0])
        wait_until(lambda: server.seen("POST /files"))
        with transaction() as connection:
            connection.execute("update work set not_before = null")
        assert worker_of(server).do(app.tasks["generate"], works[1]) == "another worker asks"
        assert "submitted" in sending.result()
        assert server.seen("POST /files") == server.seen("POST /batches") == 1


def test_a_line_that_is_refused_fails_its_work_with_the_providers_words(place: Place, begun: Begun) -> None:
    healed: list[bool] = []

    def refuses(lines: list[Json]) -> Outcome:
        bad = [line for line in lines if line["custom_id"].endswith("/7") and not healed]
        outcome = honest([line for line in lines if line not in bad])
        outcome.errors = [refused(line, 400, f"too long,\x00 says {KEY}\u202e") for line in bad]
        return outcome

    with begun(server_options={"end": refuses}) as (server, run, _):
        turn(place, 4)
        assert states(place, run) == {"done": 3, "failed": 3}
        assert len(server.batches) == 1, "what is refused is not asked again"
        (error,) = {row["last_error"] for row in place.query("select last_error from work where state = 'failed'")}
        assert error.startswith("1 of its 5 lines came to nothing: 400 too long,")
        healed.append(True)
        assert resume(run) == 3
        turn(place, 3)
        check(place, run)
        assert states(place, run) == {"done": 6}
        assert sum(server.submitted.values()) == 33
        assert set(server.paid.values()) == {1}


def test_what_lines_are_refused_for_is_learned_and_the_next_ones_are_sent_otherwise(
    place: Place, begun: Begun, tmp_path: Path
) -> None:
    def reasons(lines: list[Json]) -> Outcome:
        outcome = Outcome()
        for line in lines:
            if "max_tokens" in line["body"]:
                said = "Unsupported parameter: 'max_tokens' is not supported with this model. "
                outcome.errors.append(refused(line, 400, said + "Use 'max_completion_tokens' instead."))
            elif line["body"].get("top_p") == 1:
                outcome.errors.append(refused(line, 400, "Unsupported parameter: 'top_p' is not supported here."))
            else:
                outcome.output.append(given(line, answer_to(line)))
        return outcome

    with begun(server_options={"end": reasons}, sampling={"chat": True, "max_tokens": 77}) as (server, run, _):
        turn(place, 8)
        check(place, run)
        assert states(place, run) == {"done": 6}
        assert len(server.batches) == 3
        second = make(server, tmp_path, sampling={"chat": True, "max_tokens": 77})
        worker_of(server)
        turn(place, 3)
        assert states(place, second) == {"done": 6}
        assert len(server.batches) == 4, "another worker and run know it"
        last = [content for entry, content in server.files.values() if entry["purpose"] == "batch"][-1]
        line = json.loads(last.decode().splitlines()[0])
        assert not line["body"].keys() & {"logprobs", "top_p", "max_tokens"}
        assert line["body"]["max_completion_tokens"] == 77
        assert place.one("select left_out from run where id = %s", (second,)) == ["logprobs", "top_p"]


def test_a_line_that_always_fails_is_given_up_after_its_tries(place: Place, begun: Begun) -> None:
    def fails(lines: list[Json]) -> Outcome:
        return Outcome(errors=[refused(line, 500, "always down") for line in lines])

    with begun(n=5, problems=1, server_options={"end": fails}) as (server, run, _):
        turn(place, 3 * ledger.MAX_ATTEMPTS)
        assert states(place, run) == {"failed": 1}
        assert len(server.batches) == ledger.MAX_ATTEMPTS
        assert place.one("select max(last_error) from work") == "5 of its 5 lines came to nothing: 500 always down"


def test_what_was_paid_for_a_work_that_came_to_nothing_is_told(place: Place, begun: Begun) -> None:
    def fails(lines: list[Json]) -> Outcome:
        bad = [line for line in lines if line["custom_id"].endswith("/3")]
        good = honest([line for line in lines if line not in bad])
        return Outcome(output=good.output, errors=[refused(line, 500, "always down") for line in bad])

    with begun(problems=1, server_options={"end": fails}) as (_, run, _):
        turn(place, 3 * ledger.MAX_ATTEMPTS)
        assert states(place, run) == {"failed": 1, "done": 1}
        found = "select billed_prompt_tokens, attempts_unmeasured from cost where run_id = %s"
        assert place.query(found, (run,)) == [{"billed_prompt_tokens": 55, "attempts_unmeasured": 1}]


def test_a_stopping_rule_of_a_batch_run_says_that_it_is_kept_between_submissions(place: Place, tmp_path: Path) -> None:
    files = small(tmp_path, 1, 1)
    with batch_server() as server:
        command = ["enqueue", "gsm8k", "-m", "openai:m", "-n", "5", "--data", str(files.data), "--prompt-file"]
        batch = [*command, str(files.prefix), "--endpoint", server.url, "--batch", "--no-probe"]
        assert "all that did are paid" in place.monkeys(*batch, "--stop-when-solved").stderr
        assert "are paid" not in place.monkeys(*batch).stderr


def test_a_budget_sends_what_it_may_still_buy_and_no_more(place: Place, begun: Begun) -> None:
    price = ("price", "set", "openai:m", "--provider", "P", "--input", "1", "--output", "1", "--tier", "batch")
    place.ok(*price)
    with begun(problems=1, n=60, budget_usd=250e-6) as (server, run, _):
        for _ in range(12):
            turn(place)
            ledger.stop_runs()
        sizes = [len(file[1].splitlines()) for file in server.files.values() if file[0]["purpose"] == "batch"]
        assert sizes[0] == 5, "until it is known what a sample costs, one work"
        assert place.one("select stopped_by from run where id = %s", (run,)) == "usd"
        spent = place.one("select usd from cost where run_id = %s", (run,))
        assert 250e-6 <= spent < 250e-6 + 5 * 18e-6
        assert sum(server.paid.values()) == sum(sizes) == place.one("select count(*) from sample")


def test_a_batch_refused_as_a_whole_is_told_and_not_sent_again(place: Place, begun: Begun) -> None:
    whole = [{"code": "model_not_found", "message": "The model `m` does not exist."}]
    with begun(server_options={"end": lambda _: Outcome(status="failed", whole=whole)}) as (server, run, _):
        turn(place, 5)
        assert states(place, run) == {"failed": 6}
        assert len(server.batches) == 1
        assert "model_not_found The model `m` does not exist." in place.one("select max(last_error) from work")
    with begun(server_options={"mishap": lambda asked: "400" if asked == "POST /batches" else None}) as (
        server,
        run,
        _,
    ):
        turn(place, 5)
        assert states(place, run) == {"failed": 6}
        assert "The provider refuses the batch" in place.one(
            "select max(last_error) from work where run_id = %s", (run,)
        )


def test_what_is_too_many_at_a_time_is_halved_until_the_provider_takes_it(place: Place, begun: Begun) -> None:
    def few(lines: list[Json]) -> Outcome:
        whole = [{"code": "token_limit_exceeded", "message": "Enqueued token limit reached for m."}]
        return honest(lines) if len(lines) <= 8 else Outcome(status="failed", whole=whole)

    with begun(problems=1, n=30, server_options={"end": few}) as (server, run, _):
        turn(place, 18)
        check(place, run)
        assert states(place, run) == {"done": 6}
        sizes = [len(file[1].splitlines()) for file in server.files.values() if file[0]["purpose"] == "batch"]
        assert (sizes[:3], max(sizes[3:]), sum(sizes[2:])) == ([30, 15, 7], 7, 30), "halved, and one at a time"
        assert set(server.paid.values()) == {1}


def test_a_submission_holds_what_fits_and_a_work_may_lie_in_several(place: Place, begun: Begun) -> None:
    with begun(batch_size=10) as (server, run, _):
        first = place.one("select min(id) from work")
        submission = ledger.submit(first, queue(server), 7, 10**9, 0)
        assert place.one("select lines from submission where id = %s", (submission,)) == 7
        assert place.one("select count(*) from work where submission_id is not null") == 1
        (second,) = place.query("select min(id) as id from work where submission_id is null")
        small_bytes = ledger.submit(second["id"], queue(server), 100, 3_000, 0)
        assert 1 <= place.one("select lines from submission where id = %s", (small_bytes,)) < 10
        turn(place, 8)
        check(place, run)
        assert states(place, run) == {"done": 3}
        assert set(server.paid.values()) == set(server.submitted.values()) == {1}


def test_answers_may_be_any_text(place: Place, begun: Begun) -> None:
    def hostile(lines: list[Json]) -> Outcome:
        outcome = honest(lines)
        line = lines[0]
        choice = {"text": "a\x00b\ud800", "finish_reason": "stop", "index": 0}
        usage = {"prompt_tokens": 1, "completion_tokens": 2}
        outcome.output = [
            "", "nonsense", "[" * 100_000, '{"custom_id": 3}', '{"custom_id": "1/1"}', '{"custom_id": "9/9/9"}',
            json.dumps(given({"custom_id": f"{10**17}/1/1"}, {})),
            json.dumps(given(line, {"choices": "x"})), json.dumps(given(line, {"choices": [None]})),
            json.dumps(given(line, {"choices": []})), json.dumps(given(line, {"choices": [choice], "x": float("nan")})),
            json.dumps({**given(line, {}), "response": "?"}),
            given(line, {"choices": [choice], "usage": usage}), given(line, answer_to(line)),
            *outcome.output, *outcome.output[:3], '{"custom_id": "',
        ]  # fmt: skip
        return outcome

    with begun(server_options={"end": hostile}) as (server, run, _):
        turn(place, 4)
        check(place, run)
        assert states(place, run) == {"done": 6}
        assert len(server.batches) == 1
        assert place.one("select text from sample where sample_index = 0 order by problem_id limit 1") == "a\ufffdb?"


def test_one_run_cancelled_of_two_keeps_what_the_provider_did_for_it(
    place: Place, begun: Begun, tmp_path: Path
) -> None:
    with begun() as (server, first, llm):
        second = make(server, tmp_path)
        work_off(place)
        assert len(server.batches) == 1
        cancel(first)
        turn(place, 3)
        llm.tidy()
        assert states(place, second) == {"done": 6}
        assert not any(asked.endswith("/cancel") for asked in server.asked)
        resume(first)
        turn(place, 2)
        check(place, first)
        assert states(place, first) == {"done": 6}
        assert set(server.submitted.values()) == {1}


def test_a_batch_that_nobody_wants_any_more_is_cancelled_at_the_provider(place: Place, begun: Begun) -> None:
    def slow(lines: list[Json]) -> Outcome:
        outcome = honest(lines)
        outcome.looks = 100
        return outcome

    with begun(server_options={"end": slow}) as (server, run, llm):
        work_off(place)
        cancel(run)
        turn(place)
        llm.tidy()
        assert any(asked.endswith("/cancel") for asked in server.asked)
        turn(place)
        llm.tidy()
        assert place.one("select status from submission where ended_at is not null") == "cancelled"
        server.end = honest
        resume(run)
        turn(place, 4)
        check(place, run)
        assert states(place, run) == {"done": 6}
        assert set(server.paid.values()) == {1}


def test_a_run_that_lies_with_the_provider_can_be_extended_cancelled_and_deleted(place: Place, begun: Begun) -> None:
    with begun() as (server, run, llm):
        work_off(place)
        extend(run, 20)
        turn(place, 1)
        assert sum(server.submitted.values()) == 60
        cancel(run)
        delete(run)
        turn(place)
        llm.tidy()
        turn(place)
        llm.tidy()
        assert place.one("select count(*) from submission where ended_at is null") == 0
        assert place.one("select count(*) from submission_line") == 0


def test_a_stopping_rule_leaves_alone_what_lies_with_the_provider(place: Place, begun: Begun) -> None:
    def second_is_slow(lines: list[Json]) -> Outcome:
        outcome = honest(lines)
        outcome.looks = 0 if len(lines) == 45 else 3
        return outcome

    with begun(n=20, stop_when_solved=True, server_options={"end": second_is_slow}) as (server, run, _):
        first = place.one("select min(id) from work")
        ledger.submit(first, queue(server), 45, 10**9, 0)
        for _ in range(3):
            turn(place, 1, ("generate", "verify"))
            sweep()
        assert place.one("select count(*) from work where kind = 'verify' and first_correct is not null") > 0
        assert states(place, run) == {"done": 9, "ready": 3}
        turn(place, 4)
        assert states(place, run) == {"done": 12}
        assert set(server.submitted.values()) == set(server.paid.values()) == {1}


def test_answers_that_come_a_little_late_are_waited_for(place: Place, begun: Begun) -> None:
    with begun() as (server, run, _):
        work_off(place, ("generate",))
        ((batch, outcome),) = server.batches.values()
        lines, outcome.output = outcome.output, []
        with transaction() as connection:
            connection.execute("update work set not_before = null")
        work_off(place, ("generate",))
        assert (batch["status"], states(place, run)) == ("completed", {"ready": 6})
        late = server.add_file("late.jsonl", "\n".join(map(json.dumps, lines)).encode(), "batch_output")
        batch["output_file_id"] = late["id"]
        turn(place, 3)
        assert states(place, run) == {"done": 6}
        assert len(server.batches) == 1


@pytest.mark.parametrize("known", [True, False])
def test_a_batch_that_is_never_over_is_given_up_after_two_days(place: Place, begun: Begun, known: bool) -> None:
    def never(lines: list[Json]) -> Outcome:
        return Outcome(looks=10**9)

    with begun(server_options={"end": never}) as (server, run, _):
        work_off(place, ("generate",))
        if not known:
            (batch,) = server.batches
            del server.batches[batch]
            server.batches["batch_of_others"] = ({"id": "batch_of_others", "status": "completed"}, Outcome())
        turn(place)
        assert states(place, run) == {"ready": 6}
        assert place.one("select count(*) from submission where ended_at is null") == 1
        with transaction() as connection:
            connection.execute("update submission set submitted_at = now() - interval '3 days'")
        server.end = honest
        turn(place, 4)
        check(place, run)
        assert states(place, run) == {"done": 6}
        assert [row["status"] for row in place.query("select status from submission order by id")] == [
            "late",
            "completed",
        ]
        assert any(asked.endswith("/cancel") for asked in server.asked)


def test_each_line_of_a_seeded_run_has_a_seed_of_its_own(place: Place, begun: Begun) -> None:
    with begun(sampling={"seeded": True, "chat": True}) as (server, run, _):
        turn(place, 3)
        (content,) = [content for entry, content in server.files.values() if entry["purpose"] == "batch"]
        lines = [json.loads(line) for line in content.decode().splitlines()]
        assert {line["url"] for line in lines} == {"/v1/chat/completions"}
        seeds = {tuple(map(int, line["custom_id"].split("/")[1:])): line["body"]["seed"] for line in lines}
        assert len(set(seeds.values())) == 30
        stored = place.query("select problem_id, sample_index, seed from sample where run_id = %s", (run,))
        assert {(row["problem_id"], row["sample_index"]): row["seed"] for row in stored} == seeds


def test_a_provider_that_is_away_keeps_nothing_from_being_done_later(place: Place, begun: Begun) -> None:
    """Whatever it is asked for, it answers the fourth time only."""
    times: Counter[str] = Counter()

    def away(asked: str) -> str | None:
        kind = re.sub("[0-9]", "", asked)
        times[kind] += 1
        return ["429", "500", "dropped", None][min(times[kind], 4) - 1]

    with begun() as (server, run, _):
        server.mishap = away
        turn(place, 25)
        assert len(times) == 6
        check(place, run)
        assert states(place, run) == {"done": 6}
        assert set(server.paid.values()) == {1}
        assert place.one("select count(*) from attempt where ok is not true") == 0


def test_a_worker_refuses_to_start_where_there_is_no_batch_api_or_the_key_is_wrong(place: Place) -> None:
    for status, said in (("404", "has no batch API"), ("401", "refuses the key"), ("dropped", "does not answer")):
        with batch_server(mishap=lambda _, status=status: status) as server, pytest.raises(UserError, match=said):
            Provider(Load("openai:m", {"endpoint": server.url, "batch": True}))


def test_batch_is_for_one_endpoint_and_stands_in_the_printed_command(place: Place) -> None:
    def refused_with(*options: str) -> str:
        return place.refused("enqueue", "pocket-sums", "-n", "1", "--batch", *options)

    assert "--batch is for -m openai:NAME" in refused_with("-m", "pocket-monkey")
    two = ("--endpoint", "http://a/v1", "--endpoint", "http://b/v1")
    assert "--batch takes one --endpoint" in refused_with("-m", "openai:m", *two)
    assert "not for --batch" in refused_with("-m", "openai:m", "--gpus", "2")
    command = worker_command("generate", "openai:m", {"endpoint": "http://here/v1", "batch": True})
    assert command == "monkeys worker generate -m openai:m --endpoint http://here/v1 --batch"
