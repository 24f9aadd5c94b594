"""A person's own prompt: `{name}` stands for a field of the problem, and all other braces for themselves."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from verifiers.errors import UserError
from verifiers.verifier import Problem

NAME = re.compile(r"\{(\w+)\}")

TRUTH = {
    "answer", "solution", "solutions", "incorrect_solutions", "canonical_solution", "code", "test", "test_list",
    "private_tests", "generated_tests", "patch", "test_patch",
    "test_cases", "checker",
}  # fmt: skip
"""Fields that say what is right: `\\boxed{answer}` in a template must not become it."""

LONGEST_TEMPLATE = 200_000


def filled(template: str, problems: Sequence[Problem]) -> list[str]:
    """One prompt a problem, in order; fields that are no text as JSON. UserError for a template that makes none."""
    if len(template) > LONGEST_TEMPLATE:
        raise UserError(f"--prompt-template takes at most {LONGEST_TEMPLATE:,} characters.")
    named = set(NAME.findall(template))
    known = set.intersection(*(set(problem.data) for problem in problems)) if problems else set()
    if told := named & known & TRUTH:
        raise UserError(f"--prompt-template holds {{{min(told)}}}, which says what is right; write it without braces.")
    if not named & known:
        fields = ", ".join(f"{{{name}}}" for name in sorted(known - TRUTH))
        raise UserError(f"--prompt-template holds no field of these problems, which have {fields}.")
    return [_fill(template, problem.data, known) for problem in problems]


def asked(template: str, problems: Sequence[Problem]) -> list[str]:
    """One prompt a problem by a benchmark's own template, each with the fields that it has."""
    return [_fill(template, problem.data, set(problem.data)) for problem in problems]


def _fill(template: str, data: Mapping[str, Any], known: set[str]) -> str:
    def field(found: re.Match[str]) -> str:
        name = found.group(1)
        if name not in known:
            return found.group()
        value = data[name]
        return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)

    return NAME.sub(field, template)
