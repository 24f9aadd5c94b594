"""A person's own benchmark: loaded, judged, served, and whatever may be wrong with it."""

import json
import re
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from click.testing import CliRunner

import verifiers.examples
from cli import doctor, group
from cli.worker.found import queues
from cli.worker.wanted import waits_for
from models.database import transaction
from tasks import ledger, stored
from tasks.broker import messages
from tasks.publish import request_analysis
from tests.place import Place
from tests.small_runs import check, coverage, judged, use_recording, work_off
from verifiers import answers
from verifiers.benchmarks import find_benchmark, own
from verifiers.benchmarks.own import is_own_queue, load_own, own_queue
from verifiers.benchmarks.sources import read_code
from verifiers.errors import UserError
from verifiers.verifier import Problem

EXAMPLES = Path(verifiers.examples.__file__).parent

PLAIN = """
from verifiers.benchmarks.benchmark import Benchmark, Sampling
from verifiers.outcome import Outcome
from verifiers.verifier import Candidate, Judgement, Problem, Verifier

def load(file):
    return [Problem("a", {"ask": "?", "right": "1"}), Problem("b", {"ask": "??", "right": "2"})]

def extract(problem, text):
    return Candidate(text) if text else None

def judge(problem, candidate):
    return Judgement(Outcome.correct if candidate == problem.data["right"] else Outcome.incorrect)

same = Verifier("same", "1", extract, judge)
fields = dict(name="mine", about="", load=load, chat="{ask}", verifiers=(same,), sampling=Sampling(1.0, 5))
benchmark = Benchmark(**fields)
"""
"""A benchmark of one file: two problems, right where the text is the answer."""


def write(folder: Path, more: str = "", name: str = "my_bench.py") -> str:
    """The plain benchmark with more behind it, as a file."""
    file = folder / name
    file.write_text(PLAIN + dedent(more))
    return str(file)


def monkeys(*arguments: str, input: str | None = None) -> Any:
    return CliRunner().invoke(group, list(arguments), input=input, prog_name="monkeys")


def texts(**of: str) -> str:
    return "".join(json.dumps({"problem": key, "text": text}) + "\n" for key, text in of.items())


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """This process judges as a worker that was started with --own-benchmarks."""
    monkeypatch.setattr(stored, "_own_allowed", True)


@pytest.fixture
def standing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that a person stands in."""
    folder = tmp_path / "mine"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def enqueue(
    place: Place, benchmark: str, folder: Path, *more: str, samples: Mapping[str, list[str]] | None = None
) -> int:
    """A run that replays these samples; they are generated, not judged."""
    samples = samples or {"a": ["1", "2", ""], "b": ["2", "2", "1"]}
    file = folder / "samples.jsonl"
    rows = [
        {"problem": key, "sample_index": at, "text": text} for key in samples for at, text in enumerate(samples[key])
    ]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    n = str(max(len(each) for each in samples.values()))
    run = int(place.ok("enqueue", benchmark, "-m", f"replay:{file}", "-n", n, "--quiet", *more))
    use_recording(file)
    work_off(place, ("generate",))
    return run


@pytest.fixture(autouse=True)
def _doctor_of_works(monkeypatch: pytest.MonkeyPatch) -> None:
    """The doctor looks at queues and works."""
    monkeypatch.setattr(doctor, "CHECKS", (queues, doctor._works))


# what the documentation promises


def test_the_examples_run_as_they_stand() -> None:
    found = monkeys(
        "check", str(EXAMPLES / "dates.py"), "-", input=texts(**{"0": "The answer is 29.", "2": "#### 366"})
    )
    assert [json.loads(line)["outcome"] for line in found.stdout.splitlines()] == ["correct", "incorrect"], found.output
    formulas = ["25*4", "(25 + 3/4)*4", "50*2", "25*4.0", "__import__('os')", "25*(4", "1/(25-25)", "1" * 300, None]
    rows = [{"problem": "0", "text": f"So:\nAnswer: {each}\nDone" if each else "25*4"} for each in formulas]
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    found = monkeys("check", str(EXAMPLES / "countdown.py"), "-", input=lines)
    assert [json.loads(line)["outcome"] for line in found.stdout.splitlines()] == [
        "correct", *["incorrect"] * 7, "no_answer"
    ], found.output  # fmt: skip


class Read(dict[str, Any]):
    """Data that knows which fields were asked for."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        super().__init__(data)
        self.asked: set[str] = set()

    def __getitem__(self, name: str) -> Any:
        self.asked.add(name)
        return super().__getitem__(name)

    def get(self, name: str, default: Any = None) -> Any:
        self.asked.add(name)
        return super().get(name, default)


@pytest.mark.parametrize(
    "name", ["GSM8K_ANSWER", "GSM8K_PAPER", "GSM8K_MATH_VERIFY", "MATH_VERIFY", "MATH_PAPER", "CHOICE"]
)
def test_the_table_of_ready_verifiers_names_the_fields_that_they_read(name: str) -> None:
    (row,) = re.findall(rf"^\| verifiers\.answers\.{name} \| (.*) \|$", str(verifiers.examples.__doc__), re.M)
    named = set(re.findall(r"\b(answer|options|solution|problem|question)\b(?! \()?", re.sub(r"\([^)]*\)", "", row)))
    data = Read({"answer": "7", "solution": r"\boxed{7}"})
    text = "Final Answer: The final answer is $7$. I hope it is correct. #### 7"
    if name == "CHOICE":
        data, text = Read({"answer": "B", "options": ["8", "7"]}), "The answer is (B)."
    told = getattr(answers, name).check(Problem("p", data), text)
    assert told.judgement.outcome == "correct"
    assert data.asked == named


# what is one sentence

WRONG = {
    "raise ValueError('two\\nlines')": "raised ValueError: two lines (line 18 of ",
    "import sys; sys.exit(3)": "raised SystemExit: 3 (line 18 of ",
    "def f(): f()\nf()": "raised RecursionError",
    "class E(BaseException): __str__ = lambda self: 1 / 0\nraise E": "raised E (line 19 of ",
    "x = (": "raised SyntaxError: '(' was never closed (line 18 of ",
    "import nothing_of_that_name": "a benchmark of several files is given as module:object from its folder",
    "from . import beside": "a benchmark of several files is given as module:object from its folder",
    "del benchmark": "has no benchmark, which would be the Benchmark",
    "benchmark = fields": "is a dict, not a Benchmark",
    "benchmark = Benchmark(**fields | {'name': ''})": "has the name ''",
    "benchmark = Benchmark(**fields | {'name': '17'})": "has the name '17'",
    "benchmark = Benchmark(**fields | {'name': 'a/b'})": "has the name 'a/b'",
    "benchmark = Benchmark(**fields | {'name': 'a:b'})": "has the name 'a:b'",
    "benchmark = Benchmark(**fields | {'name': 'é\\u202e'})": "has the name",
    "benchmark = Benchmark(**fields | {'name': 'a' * 101})": "at most 100 characters",
    "benchmark = Benchmark(**fields | {'name': 'gsm8k'})": "gsm8k, which is one of ours; rename it",
    "benchmark = Benchmark(**fields | {'about': None})": "has a about that is a NoneType",
    "benchmark = Benchmark(**fields | {'load': []})": "has a load that is a list, not a function",
    "benchmark = Benchmark(**fields | {'chat': None})": "neither chat nor prompts",
    "benchmark = Benchmark(**fields | {'chat': 3})": "has a chat that is a int",
    "benchmark = Benchmark(**fields | {'sampling': {}})": "has a sampling that is a dict",
    "benchmark = Benchmark(**fields | {'subsets': {'x': 1}})": "has a x that is a int, not a function",
    "benchmark = Benchmark(**fields | {'verifiers': [same]})": "not a tuple of one Verifier or more",
    "benchmark = Benchmark(**fields | {'verifiers': ()})": "not a tuple of one Verifier or more",
    "benchmark = Benchmark(**fields | {'verifiers': (judge,)})": "a function among its verifiers, not a Verifier",
    "benchmark = Benchmark(**fields | {'verifiers': (same, same)})": "two verifiers of the name same",
    "benchmark = Benchmark(**fields | {'verifiers': (Verifier('imported', '1', extract, judge),)})": "'imported'",
    "benchmark = Benchmark(**fields | {'verifiers': (Verifier('x', 1, extract, judge),)})": "the version 1",
    "benchmark = Benchmark(**fields | {'verifiers': (Verifier('x', '1', 0, judge),)})": "whose extract is no function",
}  # fmt: skip
"""What stands behind a benchmark of one file, and what is said of it."""


@pytest.mark.parametrize("more", WRONG, ids=range(len(WRONG)))
def test_a_file_that_is_no_benchmark_is_one_sentence(tmp_path: Path, more: str) -> None:
    with pytest.raises(UserError, match=re.escape(WRONG[more])) as told:
        find_benchmark(write(tmp_path, more))
    assert "\n" not in str(told.value)


def test_a_file_that_cannot_be_one_is_one_sentence_and_nothing_runs(standing: Path) -> None:
    (standing / "latin.py").write_bytes("x = 'é'".encode("latin-1"))
    (standing / "zero.py").write_bytes(b"x = 1\0")
    (standing / "huge.py").write_text(PLAIN + "#" * (1 << 20))
    (standing / "folder.py").mkdir()
    said = {
        "./latin.py": "latin.py is not UTF-8 text (",
        "./zero.py": "holds NUL",
        "huge.py": "has at most 1,048,576",
        "folder.py": "is a folder",
        "./": "is a folder",
        "missing.py": "There is no file ",
        "my_bench": "One's own is FILE.py or module:object",
        "nowhere:benchmark": "There is no module nowhere, neither in ",
        "json:loads": "json is a module of Python itself",
        "a b:benchmark": "neither a module's name nor a file",
        "latin.py:9": "names no attribute",
        "x\0.py": "no NUL",
    }
    used = {name: sys.modules[name] for name in ("json", "json.decoder")}
    for name, sentence in said.items():
        with pytest.raises(UserError, match=re.escape(sentence)):
            find_benchmark(name)
    find_benchmark("verifiers.examples.dates:benchmark")
    assert used == {name: sys.modules[name] for name in used}, "what others use is not loaded anew"


def test_a_byte_order_mark_and_windows_line_ends_are_no_fault(tmp_path: Path) -> None:
    (tmp_path / "my_bench.py").write_bytes(b"\xef\xbb\xbf" + PLAIN.replace("\n", "\r\n").encode())
    assert find_benchmark(str(tmp_path / "my_bench.py")).name == "mine"


def test_what_hangs_is_ended_and_the_timer_that_was_there_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = signal.getitimer(signal.ITIMER_REAL)[0]
    hangs = "while True:\n    try:\n        while True: pass\n    except Exception: pass"
    with pytest.raises(UserError, match=r"my_bench.py took longer than 0.1 s"):
        load_own(read_code(write(tmp_path, hangs)), seconds=0.1)
    monkeypatch.setattr(own, "EXTRACT_SECONDS", 0.1)
    monkeypatch.setattr(own, "JUDGE_SECONDS", 0.1)
    calls = "def {0}(problem, text):\n    while text == 'x': pass\n    return {1}(problem, text)"
    for slow, told in (("extract", "Candidate"), ("judge", "Judgement")):
        more = f"{slow}_ = {slow}\n{calls.format('slow', slow + '_')}\n"
        pair = "slow, judge" if slow == "extract" else "extract, slow"
        more += f"benchmark = Benchmark(**fields | {{'verifiers': (Verifier('same', '{told}', {pair}),)}})"
        found = monkeys("check", write(tmp_path, more), "-", input=texts(a="1") + texts(a="x"))
        assert json.loads(found.stdout.splitlines()[0])["outcome"] == "correct"
        assert f"{slow} of the verifier same of mine took longer than 0.1 s" in found.output
    assert signal.getitimer(signal.ITIMER_REAL)[0] <= before
    assert not before or signal.getitimer(signal.ITIMER_REAL)[0] > before - 60


def test_what_its_functions_print_or_get_wrong_is_no_line_of_ours(tmp_path: Path) -> None:
    noisy = """
        print("loading")
        def said(function):
            def call(*arguments):
                print("noise")
                return function(*arguments)
            return call
        loud = Verifier("same", "1", said(extract), said(judge), classes=said(lambda texts: [0] * len(texts)))
        benchmark = Benchmark(**fields | {"load": said(load), "verifiers": (loud,)})
    """
    found = monkeys("check", write(tmp_path, noisy), "-", input=texts(a="1"))
    assert [json.loads(line)["outcome"] for line in found.stdout.splitlines()] == ["correct"]
    assert "loading" in found.stderr
    wrong = {
        "load = lambda file: iter([])": "load of mine gave a list_iterator, not a list of Problem",
        "load = lambda file: [Problem('a', {'x': float('nan')})]": "whose data is not JSON",
        "load = lambda file: [Problem(1, {})]": "whose key is 1, not a text",
        "load = lambda file: [Problem('a', {}), Problem('a', {})]": "two problems with the key 'a'",
        "load = lambda file: open('/nonexistent/file')": "load of mine raised FileNotFoundError",
        "extract = lambda problem, text: text": "extract of the verifier same of mine gave a str, not a Candidate",
        "extract = lambda problem, text: 1 / 0": "raised ZeroDivisionError: division by zero (line 18 of ",
        "judge = lambda problem, text: True": "judge of the verifier same of mine gave a bool, not a Judgement",
        "judge = lambda problem, text: Judgement(True)": "gave a Judgement of a bool, not a Judgement of an Outcome",
        "judge = lambda problem, text: Judgement(Outcome.correct, facts={'x': {1}})": "whose facts are not JSON",
        "judge = lambda problem, text: exit(3)": "judge of the verifier same of mine raised SystemExit: 3",
    }
    again = "\nbenchmark = Benchmark(**fields | {'load': load, 'verifiers': (Verifier('same', '1', extract, judge),)})"
    for more, sentence in wrong.items():
        found = monkeys("check", write(tmp_path, more + again), "-", input=texts(a="1"))
        assert sentence in found.output, more
        assert found.exit_code == (0 if more.startswith("judge") else 2), more
        assert "Traceback" not in found.output


# what a run keeps


@pytest.mark.usefixtures("worker")
def test_an_edited_file_changes_nothing_for_a_run_and_enqueued_again_is_another_version(
    place: Place, standing: Path
) -> None:
    write(standing)
    first = enqueue(place, "./my_bench.py", standing)
    (row,) = place.query("select benchmark.name, origin, queue, version, code from verifier join benchmark on true")
    assert (row["name"], row["origin"]) == ("mine", str(standing / "my_bench.py"))
    assert row["queue"] == own_queue("mine")
    assert row["version"] == f"1+{row['code']['digest'][:12]}"
    right = """
        right = lambda problem, candidate: Judgement(Outcome.correct)
        benchmark = Benchmark(**fields | {"verifiers": (Verifier("same", "1", extract, right),)})
    """
    write(standing, right)
    second = enqueue(place, "my_bench.py", standing)
    (standing / "my_bench.py").unlink()
    work_off(place)
    assert [each for _, _, each in judged(place, first)] == [
        "correct", "incorrect", "no_answer", "correct", "correct", "incorrect"
    ]  # fmt: skip
    assert [each for _, _, each in judged(place, second)] == ["correct"] * 2 + ["no_answer"] + ["correct"] * 3
    assert [row["coverage"] for row in coverage(place, first)] == [
        pytest.approx(0.5),
        pytest.approx((2 / 3 + 1) / 2),
        1,
    ]
    check(place, first)
    prompts = "select text from prompt where run_id = %s order by position"
    assert [row["text"] for row in place.query(prompts, (first,))] == ["?", "??"]


@pytest.mark.usefixtures("worker")
def test_a_module_that_changed_gives_its_works_back_until_the_run_is_moved(place: Place, standing: Path) -> None:
    (standing / "truth.py").write_text("RIGHT = ('1', '2')\n")
    lazy = """
        def load(file):
            from truth import RIGHT
            return [Problem(key, {"ask": "?", "right": right}) for key, right in zip("ab", RIGHT)]
        benchmark = Benchmark(**fields | {"load": load})
    """
    write(standing, lazy)
    run = enqueue(place, "my_bench:benchmark", standing)
    assert place.one("select code ->> 'folder' from verifier") == str(standing)
    (standing / "truth.py").write_text("RIGHT = ('1', '2')  # \n")
    own._loaded.clear()  # as of a worker that starts now
    work_off(place, ("verify",), at_most=3)
    works = place.query("select state, attempts, last_error from work where kind = 'verify'")
    assert {work["attempts"] for work in works} == {0}
    command = f"monkeys reverify {run} --benchmark"
    for told in (works[0]["last_error"], place.monkeys("doctor").output, "\n".join(waits_for(run))):
        assert f"my_bench:benchmark in {standing} has changed since" in told
        assert command in told
    assert "give it with --benchmark" in place.refused("reverify", str(run))
    assert "give it with --benchmark" in place.refused("flaky", "--run", str(run))
    assert "give it with --benchmark" in place.refused("reverify", str(run), "--thinking", "tags")
    other = write(standing, "benchmark = Benchmark(**fields | {'name': 'other'})", "other.py")
    assert "names other, and the run is of mine" in place.refused("reverify", str(run), "--benchmark", other)
    moved = place.monkeys("reverify", str(run), "--benchmark", "my_bench:benchmark")
    assert "it counts once it is through" in moved.output
    assert f"monkeys worker verify -Q {own_queue('mine')} --own-benchmarks" in moved.output
    work_off(place, ("verify",))
    assert ledger.move_counting() == [run]
    waiting = messages([own_queue("mine")])[own_queue("mine")]
    request_analysis(run)  # by whoever knows which of its answers are equal
    assert messages([own_queue("mine")])[own_queue("mine")] == (waiting or 0) + 1
    assert len(judged(place, run)) == 6
    check(place, run)
    again = ("--run", str(run), "--share", "1", "--repeats", "1", "-c", "1")
    assert place.ok("flaky", *again, "--benchmark", "my_bench:benchmark") == ""
    assert place.one("select count(*) from rejudgement") == 4
    place.ok("reverify", str(run), "--thinking", "tags", "--benchmark", "my_bench:benchmark")
    work_off(place, ("verify",))
    check(place, run)


@pytest.mark.usefixtures("worker")
def test_a_benchmark_whose_folder_has_moved_is_found_again(
    place: Place, standing: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(standing)
    run = enqueue(place, "my_bench:benchmark", standing)
    moved = standing.rename(standing.parent / "moved")
    monkeypatch.chdir(moved)
    own._loaded.clear()
    work_off(place, ("verify",), at_most=2)
    assert "There is no Python source of a module my_bench in" in place.one("select max(last_error) from work")
    told = place.monkeys("reverify", str(run), "--benchmark", "my_bench:benchmark")
    assert told.exit_code == 0, told.output
    with transaction() as connection:
        connection.execute("update work set not_before = null")
    work_off(place, ("verify",))
    assert len(judged(place, run)) == 6
    assert "is judged by same" in place.refused("reverify", str(run), "--benchmark", "my_bench:benchmark")
    (moved / "deeper").mkdir()
    monkeypatch.chdir((moved / "my_bench.py").rename(moved / "deeper" / "my_bench.py").parent)
    enqueue(place, "my_bench:benchmark", moved)
    assert place.one("select origin from benchmark").endswith("/moved/deeper")
    assert place.one("select code ->> 'folder' from verifier").endswith("/moved/deeper")


def test_two_benchmarks_of_one_name_are_refused_with_both_places(place: Place, standing: Path) -> None:
    first, second = write(standing, "other = benchmark"), write(standing, "# another text", "twin.py")
    enqueue(place, first, standing)
    again = place.refused("enqueue", f"{first}:other", "-m", f"replay:{standing / 'samples.jsonl'}", "-n", "1")
    assert f"{first}:other now; rename one" in again
    said = place.refused("enqueue", second, "-m", f"replay:{standing / 'samples.jsonl'}", "-n", "1")
    assert first in said
    assert second in said
    assert "rename one" in said
    assert place.one("select count(*) from run") == 1


def test_code_that_the_tables_hold_is_run_by_no_worker_but_one_that_was_told_to(place: Place, standing: Path) -> None:
    ran = standing / "ran"
    file = write(standing, f"from pathlib import Path\nPath({str(ran)!r}).touch()")
    run = enqueue(place, file, standing)
    queue = own_queue("mine")
    told = place.monkeys("enqueue", file, "-m", f"replay:{standing / 'samples.jsonl'}", "-n", "1", "--no-probe")
    assert told.output.index("No worker serves mine") < told.output.index("samples wanted")
    assert told.stdout.strip().isdigit()
    command = f"monkeys worker verify -Q {queue} --own-benchmarks"
    for told_where in (told.output, place.monkeys("doctor").output, "\n".join(waits_for(run))):
        assert command in told_where
    ran.unlink()
    own._loaded.clear()
    stored.verifier_by.cache_clear()
    stored.load_own_benchmarks(["verify"], allowed=False)  # as a worker does before its first message
    work_off(place, ("verify",), at_most=2)
    assert "only if it was given --own-benchmarks" in place.one("select max(last_error) from work")
    assert "is the queue of a person's own benchmark" in place.refused("worker", "verify", "-Q", queue)
    assert not ran.exists()
    place.ok("analyze", str(run))
    place.ok("export", str(run), str(standing / "out.jsonl"))
    assert not ran.exists()
    with transaction() as connection:
        connection.execute("update verifier set code = code || jsonb_build_object('source', 'raise KeyError(7)')")
    try:
        said_by_worker = place.refused("worker", "verify", "-Q", queue, "--own-benchmarks")
    finally:
        stored._own_allowed = False
    assert "raised KeyError: 7" in said_by_worker
    assert not is_own_queue("verify")
    assert not is_own_queue("verify.docker")


@pytest.mark.usefixtures("worker")
def test_what_extract_raises_fails_its_work_and_what_judge_raises_is_undecided(place: Place, standing: Path) -> None:
    raising = """
        def fails(problem, text):
            if text == "x": raise ValueError("bad text")
            return Candidate(text)
        def breaks(problem, text):
            if text == "y": raise KeyError(text)
            return Judgement(judge(problem, text).outcome, facts={"\\0": ["\\ud800"]})
        benchmark = Benchmark(**fields | {"verifiers": (Verifier("same", "1", fails, breaks),)})
    """
    write(standing, raising)
    run = enqueue(place, "my_bench.py", standing, samples={"a": ["1", "x"], "b": ["2", "y"]})
    while work_off(place):
        with transaction() as connection:
            connection.execute("update work set not_before = null where state = 'ready'")
    (failed,) = place.query("select last_error from work where state = 'failed'")
    assert re.search(r"extract of .* raised ValueError: bad text \(line 20 of .*my_bench.py\)", failed["last_error"])
    (row,) = place.query("select correct, undecided from work where kind = 'verify' and state = 'done'")
    assert row == {"correct": 1, "undecided": 1}
    assert place.one("select facts from verdict where outcome = 'correct'") == {"\ufffd": ["?"]}
    details = place.query("select detail from verdict where outcome = 'infrastructure_error'")
    assert "raised KeyError: 'y' (line 23 of" in details[0]["detail"]
    assert ledger.end_runs() == [run]


@pytest.mark.usefixtures("worker")
def test_a_row_from_before_its_code_was_stored_is_shown_and_moves(place: Place, standing: Path) -> None:
    write(standing)
    run = enqueue(place, "my_bench:benchmark", standing)
    with transaction() as connection:
        connection.execute("update benchmark set name = 'my_bench:benchmark', origin = null")
        connection.execute("update verifier set code = null, version = '1', queue = 'verify'")
        connection.execute("update work set queue = 'verify' where kind = 'verify'")
    stored.verifier_by.cache_clear()
    stored.load_own_benchmarks(["verify"], allowed=False)
    work_off(place, ("verify",), at_most=2)
    assert "only if it was given --own-benchmarks" in place.one("select max(last_error) from work")
    assert "my_bench:benchmark" in place.ok("runs")
    stored.load_own_benchmarks(["verify"], allowed=True)
    assert '"b"' in place.ok("show", str(run), "b", "0", "--json")
    place.ok("reverify", str(run), "--benchmark", "my_bench:benchmark")
    work_off(place, ("verify",))
    assert ledger.move_counting() == [run]
    check(place, run)


@pytest.mark.usefixtures("worker")
def test_samples_are_imported_for_it_and_the_same_name_again_is_the_same_run(place: Place, standing: Path) -> None:
    file = write(standing)
    run = enqueue(place, file, standing, "--name", "once")
    again = ("enqueue", file, "-m", f"replay:{standing / 'samples.jsonl'}", "-n", "3", "--name", "once")
    assert int(place.ok(*again)) == run
    write(standing, "# a comment")
    assert "with other settings" in place.refused(*again)
    made = place.monkeys("import", "samples.jsonl", "--benchmark", file, "--llm", "x")
    assert f"-Q {own_queue('mine')} --own-benchmarks" in made.output
    work_off(place)
    assert [each for _, _, each in judged(place, int(made.stdout))] == [each for _, _, each in judged(place, run)]
    assert place.one("select count(*) from benchmark") == 1


# what says that it is another one


def test_the_digest_is_of_what_a_module_imports_from_its_folder_and_of_nothing_else(standing: Path) -> None:
    package = standing / "pack"
    (package / "deep").mkdir(parents=True)
    for name, text in {
        "pack/__init__.py": "", "pack/deep/__init__.py": "", "pack/deep/more.py": "from ..other import X",
        "pack/other.py": "X = 1", "pack/lazy.py": "", "pack/unused.py": "", "json.py": "raise SystemExit",
        "tasks.py": "",
    }.items():  # fmt: skip
        (standing / name).write_text(text)
    write(
        standing, "import json, tasks\nfrom pack.deep import more\ndef later():\n    import pack.lazy", "pack/mine.py"
    )
    with pytest.raises(UserError, match="json is the name of another module here; rename"):
        find_benchmark("pack.mine:benchmark")
    (standing / "json.py").unlink()
    digests = {read_code("pack.mine:benchmark").digest}
    with pytest.raises(UserError):
        find_benchmark("json.decoder:scanstring")
    assert find_benchmark("pack.mine:benchmark").name == "mine"
    assert sys.modules["json.decoder"] is json.decoder, "what this process holds of others stays"
    (standing / "pack/unused.py").write_text("x = 1")
    (standing / "tasks.py").write_text("x = 1")
    (standing / "samples.jsonl").write_text("{}")
    assert read_code("pack.mine:benchmark").digest in digests
    for name in ("pack/__init__.py", "pack/deep/__init__.py", "pack/deep/more.py", "pack/other.py", "pack/lazy.py"):
        file = standing / name
        file.write_text(file.read_text() + "\n# other")
        digests.add(read_code("pack.mine:benchmark").digest)
    assert len(digests) == 6


LATER = """
    def right(problem, candidate):
        from later import RIGHT
        return Judgement(Outcome.correct if candidate == RIGHT else Outcome.incorrect)
    benchmark = Benchmark(**fields | {"verifiers": (Verifier("same", "1", extract, right),)})
"""


def test_versions_of_a_module_live_beside_each_other_and_ours_stay_what_they_are(standing: Path) -> None:
    before, ours = sys.modules["json"], sys.modules["verifiers.benchmarks.benchmark"]
    (standing / "json.py").write_text("raise SystemExit")  # nothing imports it
    problem, (first, second) = Problem("a", {}), ("1", "2, and longer")
    write(standing, LATER)
    versions = []
    for right in (first, second):
        (standing / "later.py").write_text(f"RIGHT = {right!r}")
        versions.append(find_benchmark("my_bench:benchmark").verifiers[0])
    (standing / "later.py").write_text("raise SystemExit")
    for verifier, right in zip(versions * 2, (first, second) * 2, strict=True):
        assert verifier.judge(problem, right).outcome == "correct"
    assert (sys.modules["json"], sys.modules["verifiers.benchmarks.benchmark"]) == (before, ours)


def test_an_installed_package_is_found_by_name_and_what_stands_here_comes_first(
    standing: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = tmp_path / "site"
    (installed / "own_pack").mkdir(parents=True)
    (installed / "own_pack" / "__init__.py").write_text("")
    (installed / "own_pack" / "right.py").write_text("RIGHT = 'a'")
    write(
        installed,
        "from own_pack.right import RIGHT\nbenchmark = Benchmark(**fields | {'about': RIGHT})",
        "own_pack/it.py",
    )
    monkeypatch.syspath_prepend(str(installed))
    found = find_benchmark("own_pack.it:benchmark")
    assert found.about == "a"
    assert found.code is not None
    assert (found.code.folder, found.code.module, found.code.origin) == (None, "own_pack.it", "own_pack.it:benchmark")
    (installed / "own_pack" / "right.py").write_text("RIGHT = 'b, and longer'")
    assert find_benchmark("own_pack.it:benchmark").about == "b, and longer"
    with pytest.raises(UserError, match="has changed since"):
        load_own(found.code.__class__(**{**vars(found.code), "attribute": "benchmark", "digest": "0" * 64}))
    (standing / "own_pack").mkdir()
    write(standing, name="own_pack/it.py")
    here = find_benchmark("own_pack.it:benchmark")
    assert here.code is not None
    assert here.code.folder == str(standing)
    assert here.verifiers[0].version != found.verifiers[0].version
