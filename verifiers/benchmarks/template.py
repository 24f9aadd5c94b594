"""Prompts with fields: `{name}` stands for a field of the problem, and all other braces for themselves.

`{name?}` is nothing where a problem has no such field.
"""

import difflib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from verifiers.errors import UserError
from verifiers.verifier import Problem

NAME = re.compile(r"\{(\w+)(\??)\}")

TRUTH = {
    "answer", "solution", "solutions", "incorrect_solutions", "canonical_solution", "code", "test", "test_list",
    "private_tests", "generated_tests", "patch", "test_patch", "test_cases", "checker", "base_test", "base_input",
    "plus_input", "eval_script", "FAIL_TO_PASS", "PASS_TO_PASS",
}  # fmt: skip
"""Fields that say what is right, or by which tests: `\\boxed{answer}` in a template must not become it."""

LONGEST_TEMPLATE = 200_000

STEP_BY_STEP = "Please reason step by step, and put your final answer within \\boxed{}."
"""How mathematics is asked for in a chat by https://github.com/QwenLM/Qwen2.5-Math at 615096e, evaluation/utils.py
(its templates qwen-boxed and mathstral), after the problem and a newline; DeepSeek-R1 recommends the same words."""

_LATEX = re.compile(r"(?:[_^]|\\[A-Za-z]+\*?(?:\[[^\[\]{}]*\])?(?:\{(?:[^{}]|\{[^{}]*\})*\})*)[ ]?\Z")
r"""What stands before the braces of a LaTeX command's argument, as in `\frac{a}{b}`."""


def filled(template: str, problems: Sequence[Problem]) -> list[str]:
    """One prompt a problem, in order; fields that are no text as JSON. UserError for a template that makes none."""
    if len(template) > LONGEST_TEMPLATE:
        raise UserError(f"--prompt-template takes at most {LONGEST_TEMPLATE:,} characters.")
    named = _named(template)
    known = set.intersection(*(set(problem.data) for problem in problems)) if problems else set()
    _check_truth("--prompt-template", named & _anywhere(problems))
    fields = ", ".join(f"{{{name}}}" for name in sorted(known - TRUTH))
    if not named & known:
        raise UserError(f"--prompt-template holds no field of these problems, which have {fields}.")
    if unknown := next((found[1] for found in NAME.finditer(template) if _is_mistaken(found, known)), None):
        raise UserError(
            f"--prompt-template holds {{{unknown}}}, which is no field of these problems; they have {fields}. "
            f"Where the text itself is meant, write {{ {unknown} }}."
        )
    return [_fill(template, problem.data, known) for problem in problems]


def asked(template: str, problems: Sequence[Problem]) -> list[str]:
    """One prompt a problem by a benchmark's own template; a field that only other problems have is left out."""
    anywhere = _anywhere(problems)
    _check_truth("The benchmark's chat prompt", _named(template) & anywhere)
    return [_fill(template, {**dict.fromkeys(anywhere, ""), **problem.data}, anywhere) for problem in problems]


def _named(template: str) -> set[str]:
    return {found[1] for found in NAME.finditer(template)}


def _anywhere(problems: Sequence[Problem]) -> set[str]:
    return {name for problem in problems for name in problem.data}


def _check_truth(what: str, named: set[str]) -> None:
    if told := named & TRUTH:
        raise UserError(f"{what} holds {{{min(told)}}}, which says what is right; write it without braces.")


def _is_mistaken(found: re.Match[str], known: set[str]) -> bool:
    """Whether a name that is no field looks like one: it is a word, or nearly a field, and no argument in LaTeX."""
    name = found[1]
    if found[2] or name in known or _LATEX.search(found.string[max(0, found.start() - 200) : found.start()]):
        return False
    is_word = re.fullmatch(r"[a-z][a-z0-9_]{2,}", name)
    return bool(is_word or difflib.get_close_matches(name.lower(), [field.lower() for field in known], 1, 0.8))


def _fill(template: str, data: Mapping[str, Any], known: set[str]) -> str:
    def field(found: re.Match[str]) -> str:
        name, optional = found.groups()
        if name not in known and not optional:
            return found.group()
        value = data.get(name, "")
        return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)

    return NAME.sub(field, template)
