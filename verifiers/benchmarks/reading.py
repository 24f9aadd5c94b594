"""What a person reads of a problem as it is stored: its question and what is right, by the names that sets give them.

The data alone says it: no benchmark's code runs here, so that it holds of a person's own too, as far as the names do.
"""

import json
from collections.abc import Mapping
from typing import Any

QUESTIONS = (
    "question", "problem", "question_content", "description", "problem_statement", "informal_prefix", "prompt",
    "statement",
)  # fmt: skip
"""Of the fields that say what is asked, the first that a problem has."""

ANSWERS = ("answer", "expected_answer", "final_answer", "target")
WORKED = ("solution", "canonical_solution")
TESTS = ("public_tests", "test_cases", "private_tests", "generated_tests")
"""Each a dict of the lists input and output."""

INPUTS = ("base_input", "plus_input")
"""Of the plus sets: what a right program's results are compared on."""

SHOWN_TESTS, SHOWN_CHARACTERS = 3, 400
"""Of a field of tests as many are shown, and of an input and of an output so much."""


def question_of(data: Mapping[str, Any]) -> str | None:
    """What is asked, as the set words it; None where no field says it."""
    return next((_as_text(data[name]) for name in QUESTIONS if data.get(name)), None)


def true_answer_of(data: Mapping[str, Any]) -> str | None:
    """What a person calls the true answer: an answer, a solution, tests, a statement to prove; None where none is said.

    Tests are summed up: how many, and the first few.
    """
    parts = [_choice(data) or _as_text(data[name]) for name in ANSWERS if data.get(name) is not None][:1]
    parts += [_as_text(data[name]) for name in WORKED if data.get(name)]
    if "statement" in data:
        parts.append("A proof that Lean accepts, of\n\n" + _as_text(data["statement"]))
    if isinstance(names := data.get("FAIL_TO_PASS"), list) and names:
        parts.append("A patch that makes these tests pass:\n" + "\n".join(map(_as_text, names)))
    parts += [_as_text(data[name]) for name in ("test", "test_patch") if data.get(name)]
    parts += [_tests(name, data[name]) for name in TESTS if data.get(name)]
    parts += [f"{name.replace('_', ' ')}: {_cut(_as_text(data[name]))}" for name in INPUTS if data.get(name)]
    return "\n\n".join(part for part in parts if part) or None


def _choice(data: Mapping[str, Any]) -> str | None:
    """Of a choice, the letter with its option."""
    letter, letters, options = (data.get(name) for name in ("answer", "letters", "options"))
    if not (isinstance(letter, str) and isinstance(letters, str) and isinstance(options, list)):
        return None
    right = (option for one, option in zip(letters, options, strict=False) if one == letter)
    return next((f"{letter}) {_as_text(option)}" for option in right), None)


def _tests(name: str, tests: Any) -> str:
    inputs, outputs = (tests.get(part) for part in ("input", "output")) if isinstance(tests, Mapping) else (None, None)
    if not isinstance(inputs, list) or not isinstance(outputs, list):
        return f"{name}: {_cut(_as_text(tests))}"
    shown = [
        f"input:\n{_cut(_as_text(given))}\noutput:\n{_cut(_as_text(wanted))}"
        for given, wanted in list(zip(inputs, outputs, strict=False))[:SHOWN_TESTS]
    ]
    more = f", the first {SHOWN_TESTS}" if len(inputs) > SHOWN_TESTS else ""
    return "\n".join([f"{name.replace('_', ' ')}: {len(inputs):,}{more}", *shown]) if inputs else ""


def _cut(text: str) -> str:
    text = text.rstrip("\n")
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}… ({len(text):,} characters)"


def _as_text(value: Any) -> str:

    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
