r"""Words beside a number: what may stand there, and what makes it another number or none."""

import pytest

from verifiers.answers import GSM8K_ANSWER, MATH_VERIFY
from verifiers.answers.words import UNITS
from verifiers.verifier import Problem, Verifier

HARMLESS = (
    "apples; pairs; pairs of shoes; dollars each; more; fewer apples; digits; ways; prime numbers; squares; cubes; "
    "factors; multiples; square feet; parties; cities; duties; nickels; decades; months; years old; left over; "
    "in total; points; beauties; teenagers; people in all; cans of paint"
)
BENDING = (
    "hundred; dozen; quintillion; zillion; lakh; mln; halves; halved; thirds; tenths; twelfths; sixteenths; "
    "hundredths; ten-thousandths; twentieths; tens; twos; threes; sixes; twenties; squared; cubed; factorial; "
    "negative; negated; inverted; reversed; conjugate; imaginary; permille; basis points; in base 7; in binary; octal; "
    "in hexadecimal; in thousands; (in millions); (approx); (maybe); (negative); (incorrect); approximately; about; "
    "roughly; ish; at least; at most; and up; and over; or so; upwards; by 6; in 6; with remainder 2; isn't; "
    "is wrong; is incorrect; is the wrong answer; is too big; fails; rejected; excluded; undefined; unknown; "
    "isn't right; is not; (guess); a; A"
)
BEFORE = (
    "about; isn't; hardly; unknown; all but; anything but; other than; without; neg; sin; cos; exp; square; cube; "
    "multiples of; complement of; undefined,"
)


def is_right(verifier: Verifier, text: str, gold: str = "5") -> bool:
    problem = Problem("x", {"problem": "", "question": "", "answer": gold})
    return verifier.check(problem, text).judgement.outcome == "correct"


def texts(answer: str) -> list[tuple[Verifier, str]]:
    boxed = f"The answer is $\\boxed{{{answer}}}$."
    return [(MATH_VERIFY, boxed), (GSM8K_ANSWER, boxed), (GSM8K_ANSWER, f"#### {answer}")]


@pytest.mark.parametrize("words", HARMLESS.split("; "))
def test_what_is_counted_leaves_its_number(words: str) -> None:
    assert all(is_right(verifier, text) for verifier, text in texts(f"5 {words}"))


@pytest.mark.parametrize("answer", [f"5 {words}" for words in BENDING.split("; ")])
def test_words_behind_that_change_a_number(answer: str) -> None:
    found = texts(answer) if answer != "5 a" else texts(answer)[:1]
    assert not any(is_right(verifier, text) for verifier, text in found)


@pytest.mark.parametrize("answer", [f"{words} 5" for words in BEFORE.split("; ")])
def test_words_before_that_change_a_number(answer: str) -> None:
    assert not any(is_right(verifier, text) for verifier, text in texts(answer))


@pytest.mark.parametrize("words", ["twelfths", "halves", "tenths", "doubled", "base seven", "or so", "quintillion"])
def test_the_last_number_of_a_text_is_changed_by_the_word_behind_it(words: str) -> None:
    assert not is_right(GSM8K_ANSWER, f"So we get 5 {words}")


@pytest.mark.parametrize(
    ("gold", "answer", "right"),
    [
        ("5", "5 \\approx 6", False),
        ("4.98", "4.98 \\approx 5", True),
        ("5", "5,5", False),
        ("5", "x=5\\text{ or }x=5", True),
        ("x^2+1", "x=x^2+1", False),
        ("x^2+1", "y=x^2+1", True),
        ("(1,2)", "(y,x)=(1,2)", False),
        ("(1,2)", "(x,y)=(1,2)", True),
        ("5\\text{ cm}", "5\\text{ cm/s}", False),
        ("5\\text{ cm}", "5\\text{ cm per s}", False),
        ("5\\text{ cm/s}", "5\\text{ cm/s}", True),
        ("5\\text{ cm/s}", "5\\text{ cm/min}", False),
        ("5\\text{ cm/s}", "5", True),
        ("3m", "3", False),
        ("3", "3m", False),
        ("4s^2", "4", False),
        ("3\\text{ m}", "3m", True),
        ("3\\text{ m}", "3 m", True),
        ("3\\text{ m}^2", "3m^2", True),
        ("12", "12 A", False),
        ("\\emptyset", "\\text{no solution}", True),
        ("\\emptyset", "\\text{the empty set}", True),
        ("\\emptyset", "\\text{no}", False),
    ],
)
def test_what_else_stands_beside_a_value(gold: str, answer: str, right: bool) -> None:
    assert is_right(MATH_VERIFY, f"So it is $\\boxed{{{answer}}}$.", gold) is right


def test_boxes_joined_by_or_are_alternatives() -> None:
    text = "so it is $\\boxed{15\\frac{39}{40}},$ or $\\boxed{\\frac{639}{40}}$ inches."
    assert is_right(MATH_VERIFY, text, "\\frac{639}{40}")


@pytest.mark.parametrize("unit", sorted({name for name in UNITS if len(name) > 2}))
def test_a_unit_is_none_other_by_any_of_its_names(unit: str) -> None:
    for other in ("weeks", "minutes", "degrees", "cents", "dollars", "inches", "liters"):
        same = UNITS[other] == UNITS[unit]
        for gold in (f"7 {unit}", f"7\\text{{ {unit}}}"):
            assert is_right(MATH_VERIFY, f"It is \\boxed{{7 {other}}}.", gold) is same
            assert is_right(MATH_VERIFY, f"It is \\boxed{{7\\text{{ {other}}}}}.", gold) is same
    assert is_right(MATH_VERIFY, f"It is \\boxed{{7 {unit}}}.", "7")
    assert is_right(MATH_VERIFY, "It is \\boxed{7}.", f"7 {unit}")


@pytest.mark.parametrize(
    ("gold", "answer", "right"),
    [
        ("\\$42.50", "42.50 cents", False),
        ("\\$42.50", "42.50\\text{ cents}", False),
        ("\\$42.50", "€42.50", False),
        ("\\$42.50", "42.50 dollars", True),
        ("\\$42.50", "42.5", True),
        ("42.50", "\\$42.50", True),
        ("-5", "-\\$5", True),
        ("\\$32,\\!348", "32,348", True),
        ("\\$32,\\!348", "32348 cents", False),
        ("50 \\text{ cents}", "\\$50", False),
        ("5 \\text{ euros}", "€5", True),
        ("60^\\circ", "60 minutes", False),
        ("60^\\circ", "60 degrees", True),
    ],
)
def test_money_and_angles_are_units_too(gold: str, answer: str, right: bool) -> None:
    assert is_right(MATH_VERIFY, f"So it is $\\boxed{{{answer}}}$.", gold) is right
