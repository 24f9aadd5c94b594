"""Problems of rows: those of a file or of a public data set, with a person's mistakes caught."""

import math
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from verifiers.errors import UserError
from verifiers.files import Row
from verifiers.verifier import Problem

JUDGING: dict[str, tuple[str, ...]] = {
    "test": ("humaneval", "humaneval-plus", "mbpp", "mbpp-plus"),
    "test_list": ("mbpp", "mbpp-plus"),
    "base_input": ("humaneval-plus", "mbpp-plus"),
    "plus_input": ("humaneval-plus", "mbpp-plus"),
    "public_tests": ("codecontests",),
    "private_tests": ("codecontests",),
    "generated_tests": ("codecontests",),
    "test_cases": ("codecontests-plus",),
    "checker": ("codecontests-plus",),
    "public_test_cases": ("livecodebench",),
    "private_test_cases": ("livecodebench",),
    "options": ("gpqa",),
    **dict.fromkeys(
        ("test_patch", "eval_script", "FAIL_TO_PASS", "PASS_TO_PASS"), ("swebench-lite", "swebench-verified")
    ),
    **dict.fromkeys(
        (
            "tests", "unit_tests", "hidden_tests", "input_output", "challenge_test_list", "official_tests",
            "generated_checker", "choices",
        ),
        (),
    ),
}  # fmt: skip
"""Fields of public data sets that decide what is right, and the benchmarks here that may read them."""


LARGEST_NUMBER = 10**12
"""More than any seconds or bytes of a data set, and less than a limit of a process may be."""

LONGEST_KEY = 500

NEEDED = {"--data": "the problems", "--shots": "the few-shot examples"}


def hub_rows(path: str, config: str | None, split: str, option: str = "--data") -> Iterator[Row]:
    """Rows of a public data set on the Hugging Face hub, or of its local cache where the hub does not answer.

    UserError where neither has it; `option`, a key of NEEDED, is what a person gives instead.
    """
    import datasets

    away = not _answers(path)
    try:
        with _offline() if away else nullcontext():
            rows = datasets.load_dataset(path, config, split=split)
    except Exception as error:  # the library raises a dozen kinds, all meaning "could not be had"
        reason = "it does not answer" if away else (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
        more = ", or --shots 0 for none" if option == "--shots" else ""
        raise UserError(
            f"{path} could not be loaded from the Hugging Face hub ({reason}); "
            f"give {NEEDED[option]} with {option} FILE{more}."
        ) from error
    yield from rows


def _answers(path: str) -> bool:
    """Whether the hub answers at all, were it with a refusal: one look-up, where loading would try for a minute."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError

    try:
        HfApi().dataset_info(path, timeout=10)
    except HfHubHTTPError:
        return True
    except Exception:
        return False
    return True


@contextmanager
def _offline() -> Iterator[None]:
    """The hub's libraries do not look beyond their cache meanwhile."""
    import datasets.config
    import huggingface_hub.constants

    name = "HF_HUB_OFFLINE"
    switches = [(module, getattr(module, name)) for module in (datasets.config, huggingface_hub.constants)]
    try:
        for module, _ in switches:
            setattr(module, name, True)
        yield
    finally:
        for module, before in switches:
            setattr(module, name, before)


def make_problems(
    file: Path | None,
    rows: Iterator[Row],
    to_problem: Callable[[Row, int], Problem | None],
    judged_by: Collection[str] = (),
) -> list[Problem]:
    """Problems of rows; `to_problem(row, line)` gets the line number from 0, and gives None for one that is left out.

    It raises KeyError on a missing field, and TypeError or ValueError, with a text that names the field, on a wrong
    one. `judged_by` are the fields of JUDGING that it reads: a row that is judged by another one is refused, since
    what is right of it would be judged wrongly. So is a row whose problem holds what JSON cannot (NaN, a date).
    """
    where = str(file) if file else "the data set"
    problems: dict[str, Problem] = {}
    for line, row in enumerate(rows):
        if unread := [name for name in JUDGING if name not in judged_by and not _empty(row.get(name))]:
            raise UserError(
                f"Row {line} of {where} (from 0) has the field {unread[0]!r}, which decides what is right and is not "
                f"read here; {_readers(unread[0])}."
            )
        try:
            problem = to_problem(row, line)
            if problem is None:
                continue
        except KeyError as error:
            raise UserError(f"Row {line} of {where} (from 0) has no field {error}.") from error
        except (TypeError, ValueError, AttributeError) as error:
            raise UserError(f"Row {line} of {where} (from 0) is not a problem of this benchmark ({error}).") from error
        if unfit := _unfit(problem):
            raise UserError(f"Row {line} of {where} (from 0) has NaN or another value that JSON lacks in {unfit!r}.")
        if problem.key in problems:
            raise UserError(f"{where} has two problems with the key {problem.key!r}.")
        if not _names(problem.key):
            raise UserError(
                f"Row {line} of {where} (from 0) has no usable key: wanted are 1 to {LONGEST_KEY} characters."
            )
        problems[problem.key] = problem
    if not problems:
        raise UserError(f"{where} holds no problem.")
    return list(problems.values())


def text_of(row: Row, *names: str) -> str:
    """The first of these fields that the row has, which must be a text that is not blank."""
    name = next((name for name in names if row.get(name) is not None), None)
    if name is None:
        raise KeyError(names[0])
    text = row[name]
    if not isinstance(text, str) or not text.strip():
        raise TypeError(f"{name} must be a text, not {_kind(text)}")
    return text


def answer_of(row: Row, *names: str) -> str:
    """The first of these fields that the row has, as text: a text that is not blank, or a whole number."""
    name = next((name for name in names if row.get(name) is not None), None)
    if name is None:
        raise KeyError(names[0])
    value = row[name]
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, str | int) or not str(value).strip():
        raise TypeError(f"{name} must be a text or a whole number, not {_kind(value)}")
    return str(value)


def texts_of(row: Mapping[str, Any], name: str) -> list[str]:
    """A field that must be a list of texts."""
    value = row[name]
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise TypeError(f"{name} must be a list of texts")
    return value


def number_of(row: Mapping[str, Any], name: str) -> float | None:
    """A field that may be a number from 0 to LARGEST_NUMBER."""
    number = row.get(name)
    if number is None:
        return None
    if isinstance(number, bool) or not isinstance(number, int | float) or not 0 <= number <= LARGEST_NUMBER:
        named = isinstance(number, bool) or not isinstance(number, str | int | float) or number != number
        given = _kind(number) if named else repr(number)[:20]
        raise TypeError(f"{name} must be a number from 0 to {LARGEST_NUMBER:,}, not {given}")
    return number


def key_of(row: Row, line: int, *names: str) -> str:
    """The first of these fields that the row has, a text or a number; the line where it has none."""
    name = next((name for name in names if row.get(name) is not None), None)
    if name is None:
        return str(line)
    key = row[name]
    if isinstance(key, bool) or not isinstance(key, str | int | float) or key != key:
        raise TypeError(f"{name} must be a text or a number, not {_kind(key)}")
    return str(key)


def _names(key: str) -> bool:
    """Whether a database can hold a key, and a person can type it."""
    return bool(key.strip()) and "\0" not in key and len(key) <= LONGEST_KEY and not re.search("[\ud800-\udfff]", key)


def _kind(value: Any) -> str:
    """What a wrong value is, for a person."""
    if isinstance(value, float) and math.isnan(value):
        return "NaN"
    kinds = {str: "an empty one", bool: "true or false", int: "a number", float: "a fraction", list: "a list"}
    return kinds.get(type(value), "an object")


def _unfit(problem: Problem) -> str:
    """The field that cannot be hashed and stored, or ""."""
    try:
        _ = problem.content_hash
    except (TypeError, ValueError):
        return next(name for name in problem.data if _is_unfit(problem, name))
    return ""


def _is_unfit(problem: Problem, name: str) -> bool:
    try:
        _ = Problem(problem.key, {name: problem.data[name]}).content_hash
    except (TypeError, ValueError):
        return True
    return False


def _empty(value: Any) -> bool:
    return not any(value.values()) if isinstance(value, Mapping) else not value


def _readers(name: str) -> str:
    """Who reads a field of JUDGING, as the end of a sentence."""
    *others, last = JUDGING[name] or ("no benchmark",)
    return f"{', '.join(others)} and {last} read it" if others else f"{last} reads it"
