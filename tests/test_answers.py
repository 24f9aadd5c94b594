"""GSM8K's verifiers `answer` and `paper`: where a number is found, how it is spelled, when it is right."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.shared_data import shared_rows
from verifiers.answers import GSM8K_ANSWER, GSM8K_PAPER
from verifiers.answers.numbers import NUMBER, canonical
from verifiers.outcome import Outcome
from verifiers.verifier import Problem, Verifier

EIGHTEEN = Problem("18", {"question": "", "answer": "9 * 2 = <<9*2=18>>18\n#### 18"})


def found(text: str, verifier: Verifier = GSM8K_ANSWER) -> tuple[str, str] | None:
    return verifier.extract(EIGHTEEN, text)


def outcome(gold: str, text: str, verifier: Verifier = GSM8K_ANSWER) -> Outcome:
    return verifier.check(Problem("x", {"question": "", "answer": f"#### {gold}"}), text).judgement.outcome


def test_all_official_labels_are_reproduced_and_the_paper_finds_no_answer_in_them() -> None:
    solutions, truths = shared_rows("gsm8k/model_solutions.jsonl"), shared_rows("gsm8k/test.jsonl")
    for solution, truth in zip(solutions, truths, strict=True):
        assert solution["question"] == truth["question"]
        problem = Problem("x", truth)
        for model in ("6b_finetuning", "6b_verification"):
            text = solution[model]["solution"]
            right = GSM8K_ANSWER.check(problem, text).judgement.outcome is Outcome.correct
            assert right == solution[model]["is_correct"], text
            assert GSM8K_PAPER.check(problem, text).judgement.outcome is Outcome.no_answer


@pytest.mark.parametrize("verifier", [GSM8K_ANSWER, GSM8K_PAPER])
@pytest.mark.parametrize("file", ["gsm8k/test.jsonl", "gsm8k/train.jsonl"])
def test_every_gold_solution_is_right(verifier: Verifier, file: str) -> None:
    for row in shared_rows(file):
        assert verifier.check(Problem("x", row), row["answer"]).judgement.outcome is Outcome.correct, row


@pytest.mark.parametrize(
    ("text", "candidate", "how"),
    [
        ("so 9 * 2 = 18\n#### 18", "18", "####"),
        ("#### $1,234.50", "1234.5", "####"),
        ("#### **18**", "18", "####"),
        ("#### 18. I hope this helps!", "18", "####"),
        ("#### 18 = 9*2", "18", "####"),
        ("A: 90,000", "90000", "A:"),
        ("**Answer: $18**", "18", "answer:"),
        ("Answer:\n18", "18", "answer:"),
        ("Answer: 9 * 2 = 18", "18", "answer:"),
        ("The answer is -3 1/2.", "-3.5", "answer is"),
        ("The final answer is $18$. I hope it is correct.", "18", "answer is"),
        ("the answer is therefore 18 dollars per day", "18", "answer is"),
        (r"so $\boxed{18\text{ dollars}}$", "18", "boxed"),
        (r"\boxed{\$1{,}800.00}", "1800", "boxed"),
        (r"\boxed{x = 20\%}", "20", "boxed"),
        ("She pays $18", "18", "last number"),
        ("She has 10 - 5", "5", "last number"),
        ("the change is -5", "-5", "last number"),
        ("they need 1/3", "1/3", "last number"),
    ],
)
def test_the_answer_is_found_and_how_is_told(text: str, candidate: str, how: str) -> None:
    assert found(text) == (candidate, how)


@pytest.mark.parametrize("text", ["", "no idea", "####", "#### none", r"\boxed{x}", "²", "#### ٣", "H2O", "\0"])
def test_a_text_without_a_number_has_no_answer(text: str) -> None:
    assert found(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "#### 18/5",
        "#### 18-20",
        "#### 18:30",
        "#### 18e3",
        "#### 18,5",
        "#### 18*2",
        r"\boxed{18\sqrt{2}}",
        r"\boxed{18!}",
        r"\boxed{18, 19}",
        r"\boxed{18x}",
        r"\boxed{18^{-10^{10}}}",
        "The answer is 18^2",
        "The answer is 180",
        "The answer is -18",
        "The answer is 18.01",
        "The answer is 1.8",
        "#### 17\nNo, #### 18",
    ],
)
def test_what_only_begins_with_the_right_number_is_wrong(text: str) -> None:
    assert GSM8K_ANSWER.check(EIGHTEEN, text).judgement.outcome is Outcome.incorrect


RUN_ON = (
    "\n\nQuestion: Tom has 3 pens and buys 4.\nAnswer: 3 + 4 = 7\n#### 7",
    "\n\nQ: How many?\nA: 20",
    "\nProblem:\nWhat is 2+2?\n\nSolution: The final answer is $4$. I hope it is correct.",
    "\n**Question 2:** how many? The answer is 5.",
    "<|im_end|>\n<|im_start|>user\nThe answer is 5.",
    "</s> \\boxed{5}",
    "\n\nUser: and 3 more?\n\nAnswer: 21",
)


@pytest.mark.parametrize("ending", ["\n#### 18", "\nA: 18", "The answer is $18.", r"So \boxed{18}.", " She makes 18."])
@pytest.mark.parametrize("run_on", RUN_ON)
def test_run_on_text_does_not_change_the_answer(ending: str, run_on: str) -> None:
    text = "She sells 9 eggs for $2 each." + ending
    assert found(text + run_on) == found(text)
    assert GSM8K_ANSWER.check(EIGHTEEN, text + run_on).judgement.outcome is Outcome.correct


def test_a_corrected_answer_counts() -> None:
    assert found("The answer is 5. Wait, that is wrong: the answer is 18.") == ("18", "answer is")


def test_numbered_headings_are_no_answers() -> None:
    assert found("#### 1. Count\n9 eggs\n#### 2. Multiply\n9 * 2\n\\boxed{18}") == ("18", "boxed")


def test_the_paper_takes_the_first_and_only_its_own_form() -> None:
    assert found("#### $1,018.\n#### 7", GSM8K_PAPER) == ("1018", "####")
    assert found("####18", GSM8K_PAPER) is None
    assert outcome("18", "#### 18.00", GSM8K_PAPER) is Outcome.correct
    assert outcome("18", "#### 18.01", GSM8K_PAPER) is Outcome.incorrect


integers = st.integers(-(10**12), 10**12)
places = st.integers(0, 6)


def spellings(value: int) -> list[str]:
    sign, digits = ("-" if value < 0 else ""), abs(value)
    plain = [f"{sign}{digits}", f"{sign}{digits:,}", f"{sign}{digits}.00", f"{sign}${digits:,}", f"{sign}{digits:,}.0"]
    return [*plain, f"{sign}00{digits}", f"{value} dollars", f"{value}%", f"**{value}**", f"${value}$", f"{value}."]


@given(integers)
def test_an_integer_equals_itself_in_every_spelling_and_never_its_neighbour(value: int) -> None:
    for spelling in spellings(value):
        for text in (f"#### {spelling}", f"A: {spelling}", f"The answer is {spelling}", f"it is {spelling}"):
            assert outcome(str(value), text) is Outcome.correct, text
            assert outcome(f"{value:,}", text) is Outcome.correct, text
            for neighbour in {value + 1, value - 1, value * 10, value * 1000 + 1, -value} - {value}:
                assert outcome(str(neighbour), text) is Outcome.incorrect, (neighbour, text)


@given(integers, places)
def test_canonical_decimals_are_equal_exactly_when_their_values_are(value: int, shift: int) -> None:
    text = f"{value // 10**shift}.{value % 10**shift:0{shift}d}" if shift and value >= 0 else str(value)
    spelled = canonical(NUMBER.fullmatch(text))  # type: ignore[arg-type]
    assert canonical(NUMBER.fullmatch(text + ("0" if "." in text else ".0"))) == spelled  # type: ignore[arg-type]
    assert canonical(NUMBER.fullmatch(text + ("1" if "." in text else ".1"))) != spelled  # type: ignore[arg-type]


@given(st.text(alphabet="#A: nswer isboxed\\{}$0123456789.,/-\n", max_size=300))
def test_any_text_is_judged_and_a_candidate_is_stable(text: str) -> None:
    for verifier in (GSM8K_ANSWER, GSM8K_PAPER):
        candidate = verifier.extract(EIGHTEEN, text)
        if candidate is not None:
            assert verifier.judge(EIGHTEEN, candidate.text).outcome in (Outcome.correct, Outcome.incorrect)
            json.dumps(candidate.text)


@pytest.mark.parametrize(
    "text",
    ["#### " * 200_000, "\\boxed{" * 150_000, "5" * 10**6, "answer is " * 100_000, "\n" + " " * 10**6, "1," * 500_000],
    ids=lambda text: text[:8],
)
def test_a_megabyte_of_anything_ends(text: str) -> None:
    GSM8K_ANSWER.check(EIGHTEEN, text)
    GSM8K_PAPER.check(EIGHTEEN, text)
