"""Which prompt a problem is asked with: a benchmark's raw one, its chat's, or a person's own template."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tasks.runs.request import RunRequest, chosen_problems
from tests.place import Place
from tests.shared_data import shared
from tests.small_runs import small, use_recording, work_off
from verifiers.benchmarks import BENCHMARKS
from verifiers.benchmarks.template import TRUTH, asked, filled
from verifiers.errors import UserError
from verifiers.outcome import Outcome
from verifiers.verifier import Problem

STEPS = "\nPlease reason step by step, and put your final answer within \\boxed{}."

ROWS: dict[str, dict[str, Any]] = {
    "gsm8k": {"question": "What is 9 + 9?", "answer": "9 + 9 = 18\n#### 18"},
    "math": {"problem": "What is $9 + 9$?", "answer": "18"},
    "aime": {"problem": "What is $9 + 9$?", "answer": 18},
    "gpqa": {"question": "What is 9 + 9?", "options": ["17", "18"], "answer": "B"},
    "minif2f": {"name": "t", "header": "import Mathlib", "formal_statement": "theorem t : 9 + 9 = 18 := by"},
    "proofnet": {"name": "t", "header": "import Mathlib", "formal_statement": "theorem t : 9 + 9 = 18 :="},
}

ANSWERED = {
    "gsm8k": ("First 9, then 9 more.\n\n$$\\boxed{18}$$", "\\boxed{17}"),
    "math": ("Adding gives $\\boxed{18}$.", "\\boxed{17}"),
    "aime": ("Adding gives\n\\[\n\\boxed{018}\n\\]", "\\boxed{17}"),
    "gpqa": ("Step by step: 9 + 9 = 18.\n\nAnswer: B", "Answer: A"),
}
"""A right and a wrong answer in the form that the chat prompt asks for."""


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """A file of one problem for each of these benchmarks."""
    for name, row in ROWS.items():
        (tmp_path / f"{name}.jsonl").write_text(json.dumps(row) + "\n")
    return {name: tmp_path / f"{name}.jsonl" for name in ROWS}


def prompt(benchmark: str, data: Path, **asked: Any) -> str:
    """The prompt of the first problem of a file."""
    return chosen_problems(RunRequest(benchmark, "m", 1, data=data, **asked))[1][0]


def test_a_chat_is_asked_as_the_public_protocol_asks_and_the_counting_verifier_finds_its_answer(
    files: dict[str, Path],
) -> None:
    chats = {name: prompt(name, file, sampling={"chat": True}) for name, file in files.items()}
    assert chats["gsm8k"] == f"What is 9 + 9?{STEPS}"
    assert chats["math"] == chats["aime"] == f"What is $9 + 9$?{STEPS}"
    assert chats["gpqa"].endswith(
        "LETTER is one of AB. Think step by step before answering.\n\nWhat is 9 + 9?\n\nA) 17\nB) 18"
    )
    assert chats["minif2f"] == chats["proofnet"]
    assert "```lean4\nimport Mathlib\n\ntheorem t : 9 + 9 = 18 := by\n  sorry\n```" in chats["minif2f"]
    for name, answers in ANSWERED.items():
        (problem,) = BENCHMARKS[name].load(files[name])
        outcomes = [BENCHMARKS[name].verifiers[0].check(problem, text).judgement.outcome for text in answers]
        assert outcomes == [Outcome.correct, Outcome.incorrect], name


def test_a_chat_is_asked_for_by_an_option_or_by_a_setting_of_ones_own_benchmark(
    files: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not any(benchmark.sampling.chat for benchmark in BENCHMARKS.values())
    ours = BENCHMARKS["gsm8k"]
    monkeypatch.setitem(BENCHMARKS, "own", replace(ours, name="own", sampling=replace(ours.sampling, chat=True)))
    assert prompt("own", files["gsm8k"]) == f"What is 9 + 9?{STEPS}"


def test_without_examples_the_raw_prompt_is_the_problem_alone(files: dict[str, Path], tmp_path: Path) -> None:
    raw = {name: prompt(name, file, no_shots=True) for name, file in files.items()}
    assert raw["gsm8k"] == "Question: What is 9 + 9?\nAnswer:"
    assert raw["math"] == "Problem:\nWhat is $9 + 9$?\n\nSolution:"
    assert raw["aime"] == f"What is $9 + 9$?{STEPS}"
    assert raw["minif2f"].startswith("Write a lean4 proof to the provided formal statement.")
    assert raw["proofnet"].endswith("theorem t : 9 + 9 = 18 := by\n")
    (tmp_path / "contest.jsonl").write_text(
        '{"description": "Add.", "public_tests": {"input": ["1"], "output": ["1"]}}\n'
    )
    assert prompt("codecontests", tmp_path / "contest.jsonl", no_shots=True).startswith("Q: Write python code")
    for name, file in (("humaneval", "code/humaneval.jsonl.gz"), ("mbpp", "code/mbpp_sanitized.jsonl")):
        problems, prompts = chosen_problems(RunRequest(name, "m", 1, data=shared(file), no_shots=True, limit=2))
        assert prompts == [problem.data["prompt"] for problem in problems]


def test_examples_that_a_person_gives_are_the_raw_prompts_in_a_chat_too(files: dict[str, Path], tmp_path: Path) -> None:
    row = json.dumps({"question": "What is 1 + 1?", "answer": "#### 2"})
    (tmp_path / "shots.jsonl").write_text(f"{row}\n" * 5)
    asked = prompt("gsm8k", files["gsm8k"], shots=tmp_path / "shots.jsonl", sampling={"chat": True})
    assert asked.count("Question: ") == 6
    assert asked.endswith("Question: What is 9 + 9?\nAnswer:")
    asked = prompt("gsm8k", files["gsm8k"], prefix="Add.", sampling={"chat": True})
    assert asked == "Add.\n\nQuestion: What is 9 + 9?\nAnswer:"
    with pytest.raises(UserError, match="aime has no examples in its prompt; leave out --shots and --prompt-file"):
        prompt("aime", files["aime"], prefix="Add.", sampling={"chat": True})


def test_no_example_and_a_file_of_them_is_a_mistake(place: Place, tmp_path: Path) -> None:
    recorded = small(tmp_path)
    options = ("enqueue", "gsm8k", "-m", f"replay:{recorded.recording}", "-n", "1", "--data", str(recorded.data))
    said = place.refused(*options, "--shots", "0", "--prompt-file", str(recorded.prefix))
    assert "--shots 0 is no example; leave out --shots FILE and --prompt-file." in said


def test_a_prompt_is_shown_as_it_is_sent(place: Place, tmp_path: Path) -> None:
    recorded = small(tmp_path)
    options = ("enqueue", "gsm8k", "-m", f"replay:{recorded.recording}", "-n", "1", "--data", str(recorded.data))
    expected = {"raw": "Question: How much is 0 + 1?\nAnswer:", "chat": f"How much is 0 + 1?{STEPS}"}
    place.ok(*options, "--quiet", "--name", "raw", "--shots", "0")
    place.ok(*options, "--quiet", "--name", "chat", "--chat")
    use_recording(recorded.recording)
    work_off(place)
    for name, text in expected.items():
        assert text in place.ok("show", name, "0", "0")
        (row,) = json.loads(place.ok("show", name, "0", "0", "--json"))
        assert row["prompt"] == text


def test_problems_that_are_known_to_be_defective_are_left_out(tmp_path: Path) -> None:
    rows = [{**ROWS["minif2f"], "name": name} for name in ("mathd_algebra_314", "mathd_algebra_1")]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    request = RunRequest("minif2f", "m", 1, data=tmp_path / "rows.jsonl", no_shots=True)
    kept, _ = chosen_problems(replace(request, without_known=True))
    assert [problem.key for problem in kept] == ["mathd_algebra_1"]
    assert len(chosen_problems(request)[0]) == 2


PROBLEM = Problem("1", {"problem": "What is $x$?", "level": "1", "answer": "2"})

LATEX = [
    r"\boxed{}", r"\boxed{value}", r"\frac{a}{b}", r"\frac{num}{den}", r"\text{where}",
    r"\begin{cases} 1 \end{cases}", r"\sqrt[3]{abc}", r"\frac{\sqrt{abc}}{def}", "x^{abc} y_{max}", "{x}", "{ name }",
    "{1,2}", '{"json": {}}', "{A}", r"\textbf {bold}", "{}", "{{}}",
]  # fmt: skip


def test_a_field_that_problems_may_lack_is_left_out_where_they_do() -> None:
    other = Problem("2", {"problem": "p", "hint": "h", "answer": "2"})
    assert filled("{hint?}{none?}{problem}", [PROBLEM, other]) == ["What is $x$?", "hp"]
    with pytest.raises(UserError, match=r"{answer}, which says what is right"):
        filled("{problem}{answer?}", [Problem("3", {"problem": "p"}), other])


@pytest.mark.parametrize("text", LATEX)
def test_braces_that_are_no_field_stay_what_they_are(text: str) -> None:
    assert filled(f"{{problem}} {text}", [PROBLEM]) == [f"What is $x$? {text}"]


@pytest.mark.parametrize(
    "name", ["question", "promblem", "Problem", "PROBLEM", "problem_statement", "input", "problem_"]
)
def test_a_field_that_the_problems_do_not_have_is_named_with_those_that_they_have(name: str) -> None:
    said = (
        f"--prompt-template holds {{{name}}}, which is no field of these problems; they have {{level}}, {{problem}}. "
        f"Where the text itself is meant, write {{ {name} }}."
    )
    with pytest.raises(UserError) as refused:
        filled(f"{{problem}}{{level}}{{{name}}}", [PROBLEM])
    assert str(refused.value) == said


def test_a_benchmarks_own_prompt_leaves_out_what_a_problem_lacks_and_never_says_what_is_right() -> None:
    bare = Problem("2", {"problem": "p"})
    assert asked("{level}{problem} {x}{y?}", [PROBLEM, bare]) == ["1What is $x$? {x}", "p {x}"]
    for name in ("answer", "answer?"):
        with pytest.raises(UserError, match=r"chat prompt holds {answer}, which says what is right"):
            asked(rf"{{problem}} \boxed{{{name}}}", [PROBLEM])
    for benchmark in BENCHMARKS.values():
        assert not any(f"{{{name}}}" in (benchmark.chat or "") for name in TRUTH), benchmark.name


def test_every_benchmark_says_where_it_is_from() -> None:
    for name in (*ROWS, "pocket-sums"):
        assert BENCHMARKS[name].source
        assert BENCHMARKS[name].licence
