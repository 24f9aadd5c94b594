"""Rows and prompts that HumanEval and MBPP share: a function to be completed, and a `check` of it."""

from collections.abc import Sequence
from pathlib import Path

from verifiers.files import Row
from verifiers.verifier import Problem


def function_problem(row: Row, line: int) -> Problem:
    """A row of `task_id, prompt, test, entry_point`."""
    data = {name: row[name] for name in ("prompt", "test", "entry_point")}
    if not all(isinstance(text, str) and text for text in data.values()):
        raise TypeError("prompt, test and entry_point must be texts")
    data["entry_point"] = data["entry_point"].strip()  # the public MBPP in this shape has one with a blank at its end
    if not data["entry_point"].isidentifier():
        raise ValueError(f"entry_point {data['entry_point']!r} is not a name")
    key = row.get("task_id", row.get("name"))
    return Problem(str(line if key is None else key), data)


def completion_prompts(problems: Sequence[Problem], _: Path | None, prefix: str | None) -> list[str]:
    """Raw completion prompts: the function's head, after the prefix if there is one."""
    before = prefix.rstrip("\n") + "\n\n\n" if prefix and prefix.strip() else ""
    return [before + problem.data["prompt"] for problem in problems]
