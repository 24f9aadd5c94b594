"""Whatever comes from outside, typed or sent, is stored, unknown, or one sentence: no work fails five times for it."""

import json
import math
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from cli import COMMANDS, group
from cli.options import Number
from tasks import ledger
from tasks.engines.engine import Completion
from tasks.ledger import Usage, Verification, Worker
from tasks.runs.make import enqueue
from tasks.runs.request import RunRequest
from tests.place import Place
from tests.small_runs import check, small, use_recording, work_off
from tests.spent import WORKER, claimed, run_of
from verifiers.errors import UserError
from verifiers.outcome import Outcome
from verifiers.verifier import Candidate, Judgement

BROKEN = "\0 and \ud800"
NUMBERS: list[Any] = [
    math.nan, math.inf, -math.inf, -1, -1e-50, 1e-50, 1e300, 2**31, 2**63, -(2**63) - 1, 10**400, "7", BROKEN, True,
    [1], {"a": 1}, b"1",
]  # fmt: skip
TEXTS: list[Any] = [BROKEN, 7, math.nan, ["a"], {"a": 1}, b"\xff", "x" * 100_000]
LISTS: list[Any] = [
    [math.nan],
    [1e300],
    [-1e-50, -1.0],
    [None],
    ["a"],
    [BROKEN],
    "ab",
    7,
    {"a": 1},
    [10**400],
    [],
    [-0.5],
]
OF_SAMPLE = {
    **dict.fromkeys(("text", "thinking", "finish_reason"), TEXTS),
    **dict.fromkeys(
        ("prompt_tokens", "completion_tokens", "thinking_tokens", "logprob", "seed", "usd", "gpu_seconds"), NUMBERS
    ),
    "token_logprobs": LISTS,
}


def test_whatever_an_engine_gives_is_stored_or_not_known(place: Place) -> None:
    given = [Completion(**{"text": "#### 1"} | {name: value}) for name, values in OF_SAMPLE.items() for value in values]
    run = run_of(n=len(given), batch_size=len(given))
    lease = claimed(run)
    assert ledger.finish_generate(lease, given, Usage()) is not None
    check(place, run)
    stored = place.query("select * from sample order by sample_index")
    for name, values in OF_SAMPLE.items():
        for value in values:
            row = stored.pop(0)
            if name in ("text", "thinking"):
                assert row[name] is not None
            elif value not in (7, 2**31, -0.5) and not isinstance(value, str | list):
                assert row[name] is None or math.isfinite(row[name]), (name, value)
    place.query("select * from cost")
    place.query("select * from sample_detail")


def test_a_recording_of_impossible_numbers_is_sampled_once(place: Place, tmp_path: Path) -> None:
    files = small(tmp_path, problems=1, samples=8)
    rows = [json.loads(line) for line in files.recording.read_text().splitlines()]
    odd = ["x\0", 7, "\ud800", 2**40, "many", -1, math.nan, [1]]
    for row, value in zip(rows, odd, strict=True):
        row |= dict.fromkeys(("finish_reason", "prompt_tokens", "completion_tokens", "seed", "usd", "logprob"), value)
    files.recording.write_text("".join(json.dumps(row) + "\n" for row in rows))
    run = files.enqueue(place, 8)
    use_recording(files.recording)
    work_off(place)
    check(place, run)
    assert place.one("select max(attempts) from work") == 1
    assert place.one("select count(*) from sample where run_id = %s", (run,)) == 8


def test_whatever_an_attempt_says_it_used_is_stored_or_not_known(place: Place) -> None:
    odd = Worker(BROKEN, BROKEN, BROKEN, BROKEN, BROKEN, BROKEN)
    for value in NUMBERS:
        usage = Usage(**{name: value for name in vars(Usage()) if name != "left_out"})
        run = run_of(n=3)
        one, two, three = (claimed(run, odd) for _ in "123")
        ledger.renew([one], 60, [usage])
        ledger.give_back(one, BROKEN, usage)
        ledger.fail(two, BROKEN, usage)
        ledger.refuse_run(three, BROKEN, usage)
    place.query("select * from cost")
    place.query("select * from run_progress")


DEEP: list[Any] = []
for _ in range(10_000):
    DEEP = [DEEP]
JUDGED: list[dict[str, Any]] = [
    {"detail": BROKEN}, {"detail": None}, {"detail": 7}, {"detail": "x" * 100_000}, {"log": b"\xff\0"},
    {"cpu_seconds": math.nan}, {"cpu_seconds": -math.inf}, {"cpu_seconds": "1"}, {"facts": {BROKEN: BROKEN}},
    {"facts": {"a": math.nan, "b": {1}, "c": b"\xff", "d": 10**5_000, 5: None, "e": Path("x")}}, {"facts": [1]},
    {"facts": {"deep": DEEP}},
]  # fmt: skip


def test_whatever_a_verifier_says_is_stored(place: Place) -> None:
    run = run_of(n=len(JUDGED), batch_size=len(JUDGED))
    texts = [f"{place_}" for place_ in range(len(JUDGED))]
    assert ledger.finish_generate(claimed(run), [Completion(text) for text in texts], Usage()) is not None
    lease = ledger.claim(place.one("select id from work where kind = 'verify'"), WORKER, 60)
    assert lease is not None
    found = [Verification(index, Candidate(text, BROKEN)) for index, text in enumerate(texts)]
    judgements = [Judgement(Outcome.correct, **given) for given in JUDGED]
    assert ledger.finish_verify(lease, found, dict(zip(texts, judgements, strict=True)), Usage())
    check(place, run)
    stored = "select facts from verdict where jsonb_typeof(facts) = 'object' and facts ? %s"
    assert place.one(stored, ("e",)) == {"a": None, "b": "{1}", "c": "b'\\xff'", "d": None, "5": None, "e": "x"}
    assert place.one(stored, ("left_out",)) == {"left_out": "RecursionError as JSON"}


def leaves(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command that does something, by the words that name it."""
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None
            yield from leaves(found, (*path, name))
    else:
        yield path, command


ALL = dict(leaves(group))
WRONG = [
    "nan",
    "inf",
    "-inf",
    "1e999",
    "-1",
    "2147483648",
    "1099511627776",
    "9" * 5_000,
    "0x10",
    "١",
    "",
    "1\0",
    "\udcff",
]


def test_every_option_that_takes_a_number_says_its_range() -> None:
    """None is of click's own number types, and whatever one takes fits a column."""
    assert len(ALL) > len(COMMANDS)
    for path, command in ALL.items():
        for parameter in command.params:
            kind = parameter.type
            assert not isinstance(kind, click.types.IntParamType | click.types.FloatParamType), (path, parameter.name)
            if isinstance(kind, Number):
                for text in WRONG:
                    with suppress(click.UsageError):
                        value = kind.convert(text, parameter, None)
                        fits = math.isfinite(value) and (abs(value) < 2**31 or not isinstance(value, int))
                        assert fits, (path, parameter.name, text)


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_a_text_that_is_no_utf_8_is_one_sentence_wherever_it_is_typed(path: tuple[str, ...]) -> None:
    for word in ("caf\udce9", "--name=\udcff", "a\0b"):
        result = CliRunner().invoke(group, [*path, word], prog_name="monkeys")
        assert result.exit_code == 2
        assert "is not UTF-8 text" in result.output


def test_an_llm_without_a_name_is_refused(place: Place) -> None:
    for llm in ("openai:", "openai: ", "replay:", "", " ", "a\tb", "x" * 300):
        assert "-m " in place.refused("enqueue", "pocket-sums", "-n", "1", "-m", llm)


def test_rows_of_a_person_s_own_file_are_told_by_line_or_stored(place: Place, tmp_path: Path) -> None:
    file = tmp_path / "problems.jsonl"
    for row in (
        {"question": BROKEN, "answer": "#### 1"}, {"question": "?", "answer": BROKEN}, {"question": 7, "answer": "1"},
        {"question": "?", "answer": "#### 1", "id": BROKEN}, {"question": "?", "answer": "#### 1", "more": 10**400},
    ):  # fmt: skip
        file.write_text(json.dumps(row) + "\n")
        with suppress(UserError):
            enqueue(RunRequest("gsm8k", "openai:x", 1, data=file, probe=False))
