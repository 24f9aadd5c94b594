"""Right solutions and candidates judged again and again: whose outcome varies, and coverage without them."""

import json
import os
import signal
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from models.database import transaction
from models.questions.find import find_run
from models.questions.flaky import coverage_without, known_problems
from models.questions.progress import coverage_of
from tasks import stored
from tasks.runs.flaky import Repeat, judge
from tests.counted import Tally, counted_run
from tests.place import Place, wait_until
from tests.shared_data import shared
from tests.small_runs import small, use_recording, work_off
from verifiers.benchmarks import BENCHMARKS
from verifiers.benchmarks.known import read_known
from verifiers.sandbox import the_sandbox
from verifiers.verifier import Problem

COIN = '''
import os, time
from pathlib import Path

from verifiers.benchmarks.benchmark import Benchmark, Sampling
from verifiers.errors import InfrastructureError, JudgeAway
from verifiers.outcome import Outcome
from verifiers.verifier import Candidate, Judgement, Problem, Verifier

HERE = Path({here!r})


def load(file):
    right = {{"good": "good", "coin": "coin", "bad": "bad", "mute": "", "none": None}}
    return [Problem(key, {{"ask": key}}, text) for key, text in right.items()]


def judge(problem, candidate):
    """Heads and tails in turn, whoever throws: a file a throw."""
    time.sleep({pause})
    if (HERE / "broken").exists():
        raise InfrastructureError("the judge is broken")
    if (HERE / "away").exists():
        raise JudgeAway("no daemon answers")
    (HERE / f"{{candidate}}-{{os.getpid()}}-{{time.monotonic_ns()}}").touch()
    thrown = len(list(HERE.glob("coin-*")))
    right = candidate == "good" or (candidate == "coin" and thrown % 2 == 1)
    return Judgement(Outcome.correct if right else Outcome.incorrect, "" if right else "tails")


benchmark = Benchmark(
    name="coins",
    about="Problems whose right solutions are judged by a coin",
    load=load,
    chat="{{ask}}",
    verifiers=(Verifier("coin", "1", lambda _, text: Candidate(text) if text else None, judge),),
    sampling=Sampling(temperature=1.0, max_tokens=1),
)
'''


@pytest.fixture(scope="module", autouse=True)
def sandbox_goes() -> Iterator[None]:
    yield
    the_sandbox().close()


@pytest.fixture
def coins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A benchmark with a coin in its verifier; each judgement leaves a file in the folder `thrown` beside it."""
    monkeypatch.setattr(stored, "_own_allowed", False)  # and so it is again afterwards
    return write_coins(tmp_path)


def write_coins(folder: Path, pause: float = 0.0) -> Path:
    (folder / "thrown").mkdir()
    file = folder / "coins.py"
    file.write_text(COIN.format(here=str(folder / "thrown"), pause=pause))
    return file


def thrown(coins: Path, what: str = "*") -> int:
    return len(list((coins.parent / "thrown").glob(f"{what}-*")))


def flaky(place: Place, *arguments: str) -> tuple[dict[str, dict[str, Any]], str]:
    """What `monkeys flaky` found, by problem, and what it said."""
    result = place.monkeys("flaky", *arguments, "-c", "1", "--json")
    assert result.exit_code == 0, result.output
    return {row["problem"]: row for row in json.loads(result.stdout)}, result.stderr


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("humaneval", {"task_id": "a", "prompt": "def f():\n    'x'\n", "test": "def check(f): pass",
                       "entry_point": "f", "canonical_solution": "  return 1\n"}),
        ("mbpp", {"task_id": 1, "prompt": "Do.", "code": "def f(): return 1", "test_list": ["assert f() == 1"]}),
        ("mbpp-plus", {"task_id": 1, "prompt": "Do.", "code": "def f(): return 1", "test_list": ["assert f() == 1"],
                       "test": "def check(f): pass"}),
        ("humaneval-plus", {"task_id": "HumanEval/0", "prompt": "def f(x):\n", "entry_point": "f", "base_input": [[1]],
                            "plus_input": [[2]], "atol": 0, "canonical_solution": "    return 1\n"}),
        ("codecontests", {"name": "a", "description": "d", "public_tests": {"input": ["1"], "output": ["1"]},
                          "solutions": {"language": [2, 3], "solution": ["int", "print('return 1')"]}}),
    ],
)  # fmt: skip
def test_a_right_solution_of_a_row_is_what_the_verifier_takes_and_changes_no_problem(
    tmp_path: Path, name: str, row: dict[str, Any]
) -> None:
    benchmark, file = BENCHMARKS[name], tmp_path / "rows.jsonl"
    file.write_text(json.dumps(row))
    (problem,) = benchmark.load(file)
    assert problem.reference is not None
    candidate = benchmark.verifiers[0].extract(problem, problem.reference)
    assert candidate is not None
    assert "return 1" in candidate.text
    compile(candidate.text, name, "exec")
    assert problem == Problem(problem.key, problem.data)
    assert problem.content_hash == Problem(problem.key, problem.data).content_hash
    solution = {"canonical_solution", "solutions"} & row.keys()
    if solution and "base_input" not in row:
        file.write_text(json.dumps({key: value for key, value in row.items() if key not in solution}))
        (without,) = benchmark.load(file)
        assert (without.reference, without.content_hash) == (None, problem.content_hash)


@pytest.mark.parametrize("solutions", [None, [], {}, {"language": [3], "solution": []}, {"language": 3, "solution": 1}])
def test_solutions_of_another_shape_are_none(tmp_path: Path, solutions: object) -> None:
    tests = {"input": ["1"], "output": ["1"]}
    row = {"name": "a", "description": "d", "public_tests": tests, "solutions": solutions}
    (tmp_path / "rows.jsonl").write_text(json.dumps(row))
    assert BENCHMARKS["codecontests"].load(tmp_path / "rows.jsonl")[0].reference is None


@pytest.mark.parametrize(("name", "path"), [("humaneval", "humaneval.jsonl.gz"), ("mbpp", "mbpp_sanitized.jsonl")])
def test_every_published_solution_becomes_a_program(name: str, path: str) -> None:
    for problem in BENCHMARKS[name].load(shared(f"code/{path}")):
        candidate = BENCHMARKS[name].verifiers[0].extract(problem, problem.reference or "")
        assert candidate is not None
        assert candidate.how == "block"
        with warnings.catch_warnings(action="ignore"):  # of escapes in patterns
            compile(candidate.text, problem.key, "exec")


def test_flaky_names_whose_outcome_varies_and_which_fail_and_is_resumed(place: Place, coins: Path) -> None:
    found, said = flaky(place, str(coins), "--repeats", "4")
    assert {key: row["finding"] for key, row in found.items()} == {"coin": "varies", "bad": "fails", "mute": "fails"}
    assert found["coin"]["outcomes"] == {"correct": 2, "incorrect": 2}
    assert (found["coin"]["verdict"], found["bad"]["detail"]) == ("correct", "tails")
    assert found["mute"]["detail"] == "the verifier finds no candidate in it"
    assert "5 problems, judged 12 times, 1 flaky, 2 failing, 1 without a right solution." in said
    _agrees_with_the_view(place, found)
    again, said = flaky(place, str(coins), "--repeats", "4")
    assert again == found
    assert "judged 0 times" in said
    assert "judged 9 times" in flaky(place, str(coins), "--repeats", "7")[1]
    assert "judged 0 times" in flaky(place, str(coins), "--repeats", "3")[1]
    assert thrown(coins) == 21
    rows = place.query("select * from rejudgement order by id")
    assert len(rows) == 21
    assert all(row["host"] and row["code_version"] and row["outcome"] for row in rows)
    first = "select distinct on (candidate_id) candidate_id, outcome from rejudgement order by candidate_id, id"
    assert place.query("select candidate_id, outcome from verdict order by 1") == place.query(first)
    assert "correct 4, incorrect 3" in place.ok("flaky", str(coins), "--repeats", "7")
    for row in rows:  # as when another host had the last one first
        assert not judge(Repeat(row["candidate_id"], row["verifier_id"], 7, True), threading.Event())
    assert thrown(coins) == 21


def _agrees_with_the_view(place: Place, found: dict[str, dict[str, Any]]) -> None:
    view = {row["problem_key"]: row for row in place.query("select * from flakiness")}
    assert {key for key, row in view.items() if row["varies"]} == {"coin"}
    assert {key for key, row in view.items() if row["is_reference"] and not row["correct"]} == {"bad"}
    for key in ("coin", "bad"):
        assert {name: found[key][name] for name in ("judgements", "outcomes", "verdict", "candidate_id")} == {
            name: view[key][name] for name in ("judgements", "outcomes", "verdict", "candidate_id")
        }
    reruns = place.one("select sum(reruns) from verifier_health")
    assert (reruns, place.one("select sum(disagreements) from verifier_health")) == (12, 2)


def test_a_judge_that_is_away_ends_it_and_our_own_failures_count_for_nothing(place: Place, coins: Path) -> None:
    (coins.parent / "thrown" / "away").touch()
    result = place.monkeys("flaky", str(coins), "--repeats", "2", "-c", "1")
    assert result.exit_code == 1
    assert "Nothing can be judged just now: no daemon answers; what was judged is kept." in result.output
    assert place.one("select count(*) from rejudgement") == 0
    (coins.parent / "thrown" / "away").unlink()
    (coins.parent / "thrown" / "broken").touch()
    found, said = flaky(place, str(coins), "--repeats", "2")
    assert {key: row["finding"] for key, row in found.items()} == {
        **dict.fromkeys(("good", "coin", "bad"), "undecided"),
        "mute": "fails",
    }
    assert found["good"]["infrastructure_errors"] == 2
    assert "3 could not be judged, by our fault" in said
    assert place.one("select count(*) from verdict") == 0
    (coins.parent / "thrown" / "broken").unlink()
    found, said = flaky(place, str(coins), "--repeats", "2")
    assert set(found) == {"coin", "bad", "mute"}
    assert "judged 6 times" in said
    assert place.one("select sum(disagreements) from verifier_health") == 1
    assert place.one("select sum(infrastructure_errors) from flakiness") == 6


def test_two_calls_at_once_share_the_work(place: Place, coins: Path) -> None:
    processes = [place.start("flaky", str(coins), "--repeats", "5", "-c", "1") for _ in range(2)]
    assert [process.wait(60) for process in processes] == [0, 0]
    assert 15 <= thrown(coins) <= 21


@pytest.mark.parametrize("end", [signal.SIGINT, pytest.param(signal.SIGKILL, marks=pytest.mark.slow)])
def test_a_call_that_is_ended_leaves_no_process_and_is_resumed(
    place: Place, tmp_path: Path, end: signal.Signals
) -> None:
    coins = write_coins(tmp_path, pause=0.1)
    process = place.start("flaky", str(coins), "--repeats", "50", "-c", "2")
    wait_until(lambda: place.one("select count(*) from rejudgement") >= 2, 60)
    children = psutil.Process(process.pid).children(recursive=True)
    assert len(children) >= 2  # one that judges, and Python's own
    os.kill(process.pid, end)
    assert process.wait(20) != 0
    assert psutil.wait_procs(children, 10)[1] == []
    stored = place.query("select outcome, candidate_id from rejudgement")
    assert 2 <= len(stored) < 150
    assert {row["outcome"] for row in stored} <= {"correct", "incorrect"}
    if end is signal.SIGINT:
        lacking = 3 - len({row["candidate_id"] for row in stored})
        assert f"judged {lacking} times" in flaky(place, str(coins), "--repeats", "1")[1]


def test_right_solutions_of_humaneval_are_stable(place: Place) -> None:
    data = str(shared("code/humaneval.jsonl.gz"))
    found, said = flaky(place, "humaneval", "--data", data, "--limit", "2", "--repeats", "2")
    assert found == {}
    assert "2 problems, judged 4 times, 0 flaky, 0 failing, 0 without" in said
    assert place.query("select distinct correct, judgements, version from flakiness") == [
        {"correct": 2, "judgements": 2, "version": BENCHMARKS["humaneval"].verifiers[0].version}
    ]


def test_candidates_of_a_run_are_judged_again_and_their_verdicts_stay(place: Place, tmp_path: Path) -> None:
    files = small(tmp_path)
    run = str(files.enqueue(place, 5))
    assert "has no judged candidates yet" in place.refused("flaky", "--run", run)
    use_recording(files.recording)
    work_off(place)
    candidates = place.one("select count(distinct candidate_id) from extraction where run_id = %s", (run,))
    found, said = flaky(place, "--run", run, "--share", "0.2", "--repeats", "1")
    assert found == {}
    assert f"judged {-(-candidates // 5)} times, 0 flaky" in said
    assert "judged 0 times" in flaky(place, "--run", run, "--share", "0.2", "--repeats", "1")[1]
    with transaction() as connection:
        connection.execute("update verdict set outcome = 'time_limit' where outcome = 'correct'")
    wrong = place.one("select count(*) from verdict where outcome = 'time_limit'")
    result = place.monkeys("flaky", "--run", run, "--share", "1", "--repeats", "2", "--save", str(tmp_path / "found"))
    assert result.stdout.count("varies") == wrong
    assert "a candidate varies: correct 2, time_limit by its verdict" in (tmp_path / "found").read_text()
    health = place.query("select outcome, verdicts, share, reruns, disagreements from verifier_health order by 1")
    assert [(row["outcome"], row["reruns"] / row["verdicts"], row["disagreements"]) for row in health] == [
        ("incorrect", 2, 0),
        ("time_limit", 2, 2 * wrong),
    ]
    assert sum(row["share"] for row in health) == pytest.approx(1)


def test_what_was_saved_is_left_out_where_it_is_known(place: Place, coins: Path, tmp_path: Path) -> None:
    file = tmp_path / "known.jsonl"
    flaky(place, str(coins), "--repeats", "2", "--save", str(file))
    assert read_known(file) == {
        "coin": "its right solution varies: correct 1, incorrect 1",
        "bad": "its right solution fails: incorrect 2",
        "mute": "its right solution fails: no_answer 1",
    }
    samples = tmp_path / "samples.jsonl"
    samples.write_text(
        "".join(json.dumps({"problem": key, "sample_index": 0, "text": key}) + "\n" for key in ("good", "none"))
    )
    words = ["enqueue", str(coins), "-m", f"replay:{samples}", "-n", "1", "--quiet", "--known", str(file)]
    assert "give both" in place.refused(*words)
    run = place.ok(*words, "--without-known").strip()
    keys = "select key from prompt join problem on problem.id = problem_id where run_id = %s order by position"
    assert [row["key"] for row in place.query(keys, (run,))] == ["good", "none"]
    file.write_text('{"good": "so", "elsewhere": "so"}')
    assert "names a problem 'elsewhere' that coins does not have" in place.refused(*words, "--without-known")
    file.write_text('{"why": "so"}\n{"problem": 1.5}')
    assert "Row 1 of" in place.refused(*words, "--without-known")


def judged_run(place: Place) -> int:
    """A run of four problems, of which one's right solution fails and another's varies by the run's verifier."""
    run = counted_run([Tally(10, 5), Tally(10, 0), Tally(10, 10), Tally(10, 1)])
    with transaction() as connection:
        for key, outcomes in (("1", ["incorrect", "incorrect"]), ("3", ["correct", "incorrect"]), ("0", ["correct"])):
            connection.execute(
                """
                with made as (
                    insert into candidate (problem_id, hash, text) select id, 'x', 'x' from problem where key = %s
                    returning id
                )
                insert into rejudgement (candidate_id, verifier_id, outcome, facts)
                select made.id, run.verifier_id, outcome::outcome, '{"reference": true}'
                from made, run, unnest(%s::text[]) as outcome where run.id = %s
                """,
                (key, outcomes, run),
            )
    return run


def test_a_report_shows_coverage_with_and_without_the_known_problems(any_postgres: Place, tmp_path: Path) -> None:
    place, file = any_postgres, tmp_path / "known.json"
    run = judged_run(place)
    file.write_text(json.dumps({"2": "too easy", "elsewhere": "no matter"}))
    rows = json.loads(place.ok("report", str(run), "--without-known", "--json"))
    assert rows[0]["known"] == {"benchmark": 0, "file": 0, "varies": 1, "fails": 1}
    assert (rows[0]["coverage"], rows[0]["coverage_without"]) == (pytest.approx(0.4), pytest.approx(0.75))
    assert (rows[0]["problems"], rows[0]["problems_without"]) == (4, 2)
    rows = json.loads(place.ok("report", str(run), "--without-known", "--known", str(file), "--json"))
    assert (rows[0]["coverage_without"], rows[0]["known"]["file"]) == (pytest.approx(0.5), 1)
    table = place.ok("report", str(run), "--without-known")
    assert "2 known problems" in table
    assert "whose outcome varies: 1" in table
    assert "40.00%" in table
    assert "75.00%" in table
    alone = counted_run([Tally(10, 5), Tally(10, 10)], benchmark="alone")
    same = [(row.coverage, row.low, row.high) for row in coverage_of(alone)]
    without = coverage_without(find_run(str(run)), known_problems(find_run(str(run)), None))
    for row, (coverage, low, high) in zip(without, same, strict=True):
        assert (row.coverage_without, row.low_without, row.high_without) == pytest.approx((coverage, low, high))
    assert "Left out: 2 known problems" in place.monkeys("compare", f"{run}@1", f"{run}@2", "--without-known").output


def test_mistakes_with_known_problems_are_one_sentence(place: Place, tmp_path: Path) -> None:
    run, file = str(judged_run(place)), tmp_path / "known.jsonl"
    file.write_text('{"problem": "elsewhere"}\n')
    assert "give both" in place.refused("report", run, "--known", str(file))
    assert "none of its problems is in run" in place.refused("report", run, "--without-known", "--known", str(file))
    file.write_text("".join(f'{{"problem": {key}}}\n' for key in range(4)))
    assert "nothing would be left" in place.refused("report", run, "--without-known", "--known", str(file))
    assert "not known" in place.refused("compare", f"{run}@1", f"{run}@2", "--without-known", "--known", str(file))
    assert "There is no data file" in place.refused("report", run, "--without-known", "--known", "/none")
    file.write_text("")
    assert place.ok("report", run, "--without-known", "--known", str(file))


def test_mistakes_with_flaky_are_one_sentence(place: Place, coins: Path, tmp_path: Path) -> None:
    for words, said in (
        ((str(coins), "--repeats", "0"), "it must be"),
        ((str(coins), "--problem", "nail"), "There is no problem 'nail'"),
        ((str(coins), "--problem", "none"), "comes with a right solution"),
        (("pocket-sums",), "comes with a right solution"),
        (("humanevil",), "did you mean humaneval?"),
        ((str(coins), "--verifier", "dice"), "has no verifier 'dice'"),
        ((str(coins), "--share", "0.1"), "go with --run"),
        (("--run", "1", "--limit", "1"), "go with a BENCHMARK"),
        (("--run", "77"), "There is no run '77'"),
        ((), "Give a BENCHMARK"),
        ((str(coins), "--run", "1"), "Give a BENCHMARK"),
        ((str(coins), "--save", "/nowhere/file", "--repeats", "1", "-c", "1"), "/nowhere/file cannot be used"),
    ):
        assert said in place.refused("flaky", *words), words
    assert place.monkeys("reverify", "1", "--share", "0.01").exit_code == 2
    assert "--share" not in place.ok("reverify", "--help")


def test_a_defect_of_mbpp_is_known_by_its_key_in_each_file_form() -> None:
    keys = {problem.key for problem in BENCHMARKS["mbpp"].load(shared("code/mbpp_sanitized.jsonl"))}
    assert keys & BENCHMARKS["mbpp"].known.keys() == {"MbppEval/461"}
