r"""The verifiers of expressions, `math-verify` and `paper`: what is found, what is equal and what only looks so."""

import re
from collections import defaultdict
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.shared_data import shared_rows
from verifiers.answers import GSM8K_MATH_VERIFY, MATH_PAPER, MATH_VERIFY
from verifiers.answers.expressions import extract_expression
from verifiers.answers.minerva import normalize
from verifiers.answers.spelling import spelled
from verifiers.outcome import Outcome
from verifiers.verifier import Problem, Verifier

slowly = settings(deadline=None, max_examples=10, suppress_health_check=[HealthCheck.too_slow])


def outcome(gold: str, text: str, verifier: Verifier = MATH_VERIFY) -> Outcome:
    return verifier.check(Problem("x", {"problem": "", "answer": gold}), text).judgement.outcome


def equal(gold: str, answer: str) -> bool:
    found = outcome(gold, f"So the answer is $\\boxed{{{answer}}}$.")
    assert found in (Outcome.correct, Outcome.incorrect)
    return found is Outcome.correct


def paper(gold: str, answer: str) -> Outcome:
    return outcome(gold, f"Final Answer: The final answer is ${answer}$. I hope it is correct.", MATH_PAPER)


def test_all_gsm8k_labels_are_reproduced() -> None:
    solutions, truths = shared_rows("gsm8k/model_solutions.jsonl"), shared_rows("gsm8k/test.jsonl")
    for solution, truth in zip(solutions, truths, strict=True):
        for model in ("6b_finetuning", "6b_verification"):
            judgement = GSM8K_MATH_VERIFY.check(Problem("x", truth), solution[model]["solution"]).judgement
            assert (judgement.outcome is Outcome.correct) == solution[model]["is_correct"]


def test_every_gsm8k_gold_solution_is_right() -> None:
    for row in shared_rows("gsm8k/test.jsonl") + shared_rows("gsm8k/train.jsonl"):
        assert GSM8K_MATH_VERIFY.check(Problem("x", row), row["answer"]).judgement.outcome is Outcome.correct


def test_every_math_500_solution_is_right_against_its_answer_and_every_answer_by_the_papers_grading() -> None:
    for row in shared_rows("math/math500.jsonl"):
        assert MATH_VERIFY.check(Problem("x", row), row["solution"]).judgement.outcome is Outcome.correct, row
        without = {"problem": row["problem"], "solution": row["solution"]}
        text = f"Final Answer: The final answer is ${row['answer']}$. I hope it is correct."
        for data in (row, without):
            assert MATH_PAPER.check(Problem("x", data), text).judgement.outcome is Outcome.correct, row


def test_qwens_labels_are_reproduced_but_for_the_one_that_is_wrong() -> None:
    disagreements = []
    for number, row in enumerate(shared_rows("math/qwen25math_responses.jsonl")):
        problem = Problem(str(number), {"problem": row["question"], "answer": row["gt"]})
        for index, (text, label) in enumerate(zip(row["code"], row["score"], strict=True)):
            right = MATH_VERIFY.check(problem, text).judgement.outcome is Outcome.correct
            if right != label:
                disagreements.append((number, index, row["gt"], row["pred"][index]))
    assert disagreements == [(36, 7, "10{,}000", "10000")]  # labelled wrong, though the two are one number


@pytest.mark.parametrize(
    ("gold", "answer"),
    [
        (r"\frac{1}{2}", "0.5"),
        (r"\frac{1}{2}", r"\dfrac12"),
        (r"\frac{1}{3}", "0.333333"),
        (r"3\frac{1}{2}", r"\frac{7}{2}"),
        ("3.5", "3 1/2"),
        ("1234.5", r"1{,}234.50"),
        ("1234", r"1,\!234"),
        ("10000", "10 000"),
        (r"\$32{,}348", "32348"),
        ("-5", "−5"),
        (r"28\%", "28"),
        ("28", r"28\%"),
        (r"90^\circ", "90"),
        (r"6\text{ cm}", "6"),
        ("12", r"12 \text{ square units}"),
        (r"\left( 3, \frac{\pi}{2} \right)", r"(3,\pi/2)"),
        (r"[1,2)", r"\left[1,2\right)"),
        (r"(-\infty,3]\cup[5,\infty)", r"(-\infty, 3] \cup [5, \infty)"),
        (r"\{1,2,3\}", "3, 1, 2"),
        (r"1,-2", r"-2 \text{ and } 1"),
        (r"1 \pm \sqrt{19}", r"1+\sqrt{19}, 1-\sqrt{19}"),
        (r"\begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix}", r"\begin{bmatrix} 1 & 2 \\ 3 & 4 \end{bmatrix}"),
        (r"\begin{pmatrix} -1 \\ 3 \end{pmatrix}", r"\begin{pmatrix}-1\\3\end{pmatrix}"),
        (r"\frac{\sqrt{3}}{3}", r"\frac{1}{\sqrt{3}}"),
        ("x^2+2x+1", "(x+1)^2"),
        ("y=2x+1", "2x+1"),
        ("5", "x=5"),
        (r"\text{Evelyn}", "Evelyn"),
        (r"\text{(C)}", "C"),
        (r"204_5", "204_{5}"),
        (r"2+3i", "3i+2"),
        ("12:00", "12:00"),
    ],
)
def test_an_answer_equals_itself_in_another_form(gold: str, answer: str) -> None:
    assert equal(gold, answer)
    assert equal(gold, gold)
    assert equal(answer, answer)


@pytest.mark.parametrize(
    ("gold", "answer"),
    [
        (r"\frac{1}{3}", "0.333"),
        (r"\frac{1}{3}", "0.33334"),
        (r"\frac{1}{1000001}", "0.000001"),
        (r"2^{-99}", r"2^{-98}"),
        (r"\frac{1}{2004!}", r"\frac{1}{2006!}"),
        ("0.0000001", "0.0000002"),
        (r"10^{20}", r"10^{20}+1"),
        (r"\pi", "3.14"),
        ("[1,2)", "[1,2]"),
        ("(1,2)", "(2,1)"),
        (r"\{1,2\}", "1"),
        ("5", "5,6"),
        ("5", "-5"),
        ("5", "5x"),
        ("5", "x>5"),
        ("5", r"5\sqrt{2}"),
        ("0", "5x-7y+4=0"),
        ("0.28", "28"),
        ("10", "10_2"),
        ("10_2", "10_3"),
        ("40_9", "40_0"),
        (r"15\mbox{ cm}^2", r"15\mbox{ cm}^3"),
        (r"\pm 3", "3"),
        (r"\infty", r"-\infty"),
        ("x+1", "x-1"),
        ("y=3x-2", "y=3x+2"),
        ("x=1", "y=1"),
        (r"\text{Evelyn}", "Briana"),
        (r"\text{even}", r"\text{neve}"),
        (r"\text{June 20}", "20"),
        ("12:00", "1:00"),
        ("1,2,3", "1,2,3,..."),
        (r"\begin{pmatrix} 1 \\ 2 \end{pmatrix}", r"\begin{pmatrix} 2 \\ 1 \end{pmatrix}"),
        ("5", r"\frac{0}{0}"),
        ("5", "NaN"),
        ("5", ""),
        ("3", "٣"),
    ],
)
def test_an_answer_never_equals_its_neighbour(gold: str, answer: str) -> None:
    assert not equal(gold, answer or r"\ ")


@pytest.mark.parametrize(
    ("text", "candidate", "how"),
    [
        (r"Thus \boxed{\frac{1}{2}}.", r"\frac{1}{2}", "boxed"),
        (r"The integers are \boxed{-2} and \boxed{1}.", "-2,1", "boxed"),
        (r"\boxed{7}. Later, $x$ is \boxed{\text{A {nested} one}}", r"\text{A {nested} one}", "boxed"),
        (r"The answer is 3. So \boxed{5}. Indeed the answer is clear.", "5", "boxed"),
        (r"Final Answer: The final answer is $[2,5)$. I hope it is correct.", "[2,5)", "final answer is"),
        ("Final Answer: The volume of $ABCD$ is 120. I hope it is correct.", "120", "final answer is"),
        (r'The final answer is "$12 $ and $13 $".', "12,13", "final answer is"),
        ("so the answer is $28$ percent.", r"28\%", "answer is"),
        (r"**Answer:** \( \sqrt{2} \)", r"\sqrt{2}", "answer:"),
        ("The answer is Evelyn.", "Evelyn", "answer is"),
        ("The answer is 12 dollars.", "12\\text{ dollar}", "answer is"),
        ("#### 1,234", "1234", "####"),
        ("the pair $(x,y)$ that solves it is $(7, 6)$.", "(7, 6)", "last formula"),
        ("each of the $n$ gives one, so there are 12 of them", "12", "last number"),
        (r"\frac{10}{9}", r"\frac{10}{9}", "whole text"),
    ],
)
def test_the_answer_is_found_and_how_is_told(text: str, candidate: str, how: str) -> None:
    assert extract_expression(text) == (candidate, how)


@pytest.mark.parametrize(
    "run_on",
    [
        "\n\nProblem:\nFind $x$.\n\nSolution:\n$\\boxed{7}.$\nThe final answer is $7$.",
        "\n**Problem 2.** Find $\\boxed{9}$.",
        "<|im_end|>\n<|im_start|>user\n\\boxed{8}",
        "\nUser: thanks, and $y$? The answer is $9$.",
    ],
)
def test_run_on_text_does_not_change_the_answer(run_on: str) -> None:
    for text in ("It is $\\boxed{5}$.", "The answer is $5$.", "so $x = 5$", "Final Answer: The final answer is $5$."):
        assert outcome("5", text + run_on) is Outcome.correct
    minerva = "Final Answer: The final answer is $5$. I hope it is correct."
    assert outcome("5", minerva + run_on, MATH_PAPER) is Outcome.correct


def test_a_repeated_question_is_no_run_on_text() -> None:
    problem = Problem("x", {"problem": "What is the sum of one and four?", "answer": "5"})
    text = "Let us solve problem 3.\n\n**Problem:** What is the sum of one and four?\n\nIt is $\\boxed{5}$."
    assert MATH_VERIFY.check(problem, text).judgement.outcome is Outcome.correct


def test_the_papers_grading_knows_minervas_form_only() -> None:
    assert outcome("5", r"\boxed{5}", MATH_PAPER) is Outcome.no_answer
    assert paper(r"\frac{1}{2}", "0.5") is Outcome.correct
    assert paper(r"\frac{1}{2}", r"\frac12") is Outcome.correct
    assert paper("5", "x=5") is Outcome.correct
    assert paper("12", r"12 \text{ inches}") is Outcome.correct
    assert paper("5", "6") is Outcome.incorrect


def test_the_papers_faults_are_kept() -> None:
    assert paper("1", "1,-2") is Outcome.correct  # sympy reads no further than the comma


@pytest.mark.parametrize(
    ("answer", "normal"),
    [
        ("$x = 5$", "5"),
        (r"\frac12", r"\frac{1}{2}"),
        (r"\sqrt2", r"\sqrt{2}"),
        ("100,000", "100000"),
        (r"12 \text{ inches}", "12"),
        (r"30^\circ", "30"),
        (r"\text{Yes}", "Yes"),
        (r"\boxed{\frac{3}{4}}", r"\frac{3}{4}"),
    ],
)
def test_minervas_rules(answer: str, normal: str) -> None:
    assert normalize(answer) == normal


def test_classes_follow_the_same_equivalence() -> None:
    answers = ["0.5", "7", r"\frac{1}{2}", r"\frac{2}{4}", "7", r"28\%", "(1,2)", "[1,2]", r"\text{Yes}", "x=7", "28"]
    assert MATH_VERIFY.classes is not None
    assert MATH_VERIFY.classes(answers) == [0, 1, 0, 0, 1, 2, 3, 4, 5, 1, 2]


def test_different_gold_answers_of_math_500_stay_apart() -> None:
    answers = sorted({spelled(row["answer"]) for row in shared_rows("math/math500.jsonl")})
    assert MATH_VERIFY.classes is not None
    together = defaultdict(list)
    for number, answer in zip(MATH_VERIFY.classes(answers), answers, strict=True):
        together[number].append(answer)
    same = [{"90^\\circ", "90"}, {"x=5", "5"}, {"(-2,1)", "1,-2", "-2,1"}, {"40", "40_9"}, {"120", "120^\\circ"}]
    same += [{"36", "36^\\circ", "36\\text{ dollar}"}, {"30", "30^\\circ"}, {"\\frac{1}{4}", "\\frac14"}]
    same += [{"15\\mbox{ cm}^2", "15"}, {"2\\sqrt{5}", "2 \\sqrt{5}"}]
    for group in together.values():
        assert len(group) == 1 or any(set(group) <= names for names in same), group


@pytest.mark.slow
def test_no_answer_of_math_500_with_one_digit_or_sign_changed_is_right() -> None:
    for answer in sorted({row["answer"] for row in shared_rows("math/math500.jsonl")}):
        changed = {f"-{answer}", f"{answer}+1", f"2{answer}"}
        for digit in re.finditer("[0-9]", answer):
            changed.add(f"{answer[: digit.start()]}{(int(digit.group()) + 1) % 10}{answer[digit.end() :]}")
        for minus in re.finditer(r"-(?=[\s0-9a-z\\])", answer):
            changed.add(answer[: minus.start()] + answer[minus.end() :])
        for other in changed:
            assert spelled(other) == spelled(answer) or not equal(answer, other), (answer, other)


fractions = st.fractions(-1000, 1000, max_denominator=999)


def spellings(value: Fraction) -> list[str]:
    top, bottom, sign = abs(value.numerator), value.denominator, "-" if value < 0 else ""
    forms = [f"{sign}\\frac{{{top}}}{{{bottom}}}", f"{sign}\\dfrac{{{top}}}{{{bottom}}}", f"{sign}{top}/{bottom}"]
    whole, rest = divmod(top, bottom)
    if whole and rest:
        forms += [f"{sign}{whole}\\frac{{{rest}}}{{{bottom}}}", f"{sign}{whole} {rest}/{bottom}"]
    return [*forms, f"{sign}\\frac{{{3 * top}}}{{{3 * bottom}}}", f"x = {sign}\\frac{{{top}}}{{{bottom}}}"]


@slowly
@given(fractions)
def test_a_fraction_equals_itself_in_every_form_and_never_its_neighbour(value: Fraction) -> None:
    gold = f"\\frac{{{value.numerator}}}{{{value.denominator}}}"
    for answer in spellings(value):
        assert equal(gold, answer), answer
        assert not equal(f"\\frac{{{value.numerator + 1}}}{{{value.denominator}}}", answer), answer
        assert not equal(f"\\frac{{{value.numerator}}}{{{value.denominator + 1000}}}", answer) or value == 0


numbers = st.integers(-99, 99)


@slowly
@given(numbers, numbers.filter(bool), st.sampled_from(["()", "[]", "[)", "(]"]))
def test_an_interval_equals_itself_and_never_its_neighbour(start: int, width: int, ends: str) -> None:
    start, end = sorted((start, start + width))
    gold = f"{ends[0]}{start},{end}{ends[1]}"
    assert equal(gold, f"\\left{ends[0]} {start}, {end} \\right{ends[1]}")
    for other in {"[]", "[)", "(]", "()"} - {ends}:
        assert not equal(gold, f"{other[0]}{start},{end}{other[1]}")
    assert not equal(gold, f"{ends[0]}{start},{end + 1}{ends[1]}")


@slowly
@given(st.lists(numbers, min_size=2, max_size=5, unique=True))
def test_a_set_has_no_order_and_a_tuple_has(elements: list[int]) -> None:
    listed, backwards = ", ".join(map(str, elements)), ", ".join(map(str, reversed(elements)))
    assert equal(f"\\{{{listed}\\}}", f"\\{{ {backwards} \\}}")
    assert equal(f"({listed})", f"\\left({listed}\\right)")
    assert not equal(f"({listed})", f"({backwards})")
    assert not equal(f"\\{{{listed}\\}}", f"\\{{{listed}, 100\\}}")


@slowly
@given(st.lists(st.lists(numbers, min_size=2, max_size=2), min_size=2, max_size=3))
def test_a_matrix_equals_itself_and_never_its_neighbour(rows: list[list[int]]) -> None:
    def matrix(kind: str, gap: str) -> str:
        body = f"{gap}\\\\{gap}".join(f"{gap}&{gap}".join(map(str, row)) for row in rows)
        return f"\\begin{{{kind}}}{gap}{body}{gap}\\end{{{kind}}}"

    gold = matrix("pmatrix", " ")
    assert equal(gold, matrix("bmatrix", ""))
    rows[0][1] += 1
    assert not equal(gold, matrix("pmatrix", " "))


@slowly
@given(st.text(alphabet="\\boxed{}$()[]frac123.,^_ xandtei=\n", max_size=200))
def test_any_text_is_extracted_from_and_never_raises(text: str) -> None:
    extract_expression(text)
    MATH_PAPER.extract(Problem("x", {}), text)


@pytest.mark.parametrize(
    "text",
    [
        "\\boxed{" * 150_000,
        "$" * 10**6,
        "\\(" * 500_000,
        "{" * 10**6,
        "answer is " * 100_000,
        "\\boxed{5} and " * 60_000,
    ],
    ids=lambda text: text[:8],
)
def test_a_megabyte_of_anything_ends(text: str) -> None:
    assert outcome("7", text) in (Outcome.incorrect, Outcome.no_answer)
    assert outcome("7", text, MATH_PAPER) is Outcome.no_answer
