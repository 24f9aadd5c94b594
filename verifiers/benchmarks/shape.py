"""What a person's own benchmark, and what its callables give, must be; a mistake in words, "" where there is none."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from verifiers.benchmarks.benchmark import Benchmark, Sampling
from verifiers.benchmarks.guarded import BrokenBenchmark
from verifiers.outcome import Outcome
from verifiers.verifier import Candidate, Judgement, Problem, Verifier

LONGEST_NAME = 100

LABELS = "imported"
"""What the tables call the verifier of samples that came with their outcomes."""


def checked(origin: str, found: Any) -> Benchmark:
    """The same object; BrokenBenchmark in one sentence where it is no Benchmark, or a field of it is no such thing."""
    if not isinstance(found, Benchmark):
        raise BrokenBenchmark(f"{origin} is a {_kind(found)}, not a Benchmark of verifiers.benchmarks.benchmark.")
    if wrong := _wrong_name(found.name) or _wrong_fields(found) or _wrong_verifiers(found.verifiers):
        raise BrokenBenchmark(f"The Benchmark of {origin} has {wrong}.")
    return found


def _wrong_name(name: Any) -> str:
    if not _is_text(name) or name.isdigit() or ":" in name or "/" in name or name.endswith(".py"):
        return (
            f"the name {name!r}; it must be a text of at most {LONGEST_NAME} characters, no number, without : and / "
            "and no file's"
        )
    return ""


def _is_text(value: Any) -> bool:
    """Whether a value is a short text that a person can type."""
    return isinstance(value, str) and bool(value.strip()) and value.isprintable() and len(value) <= LONGEST_NAME


FIELDS: dict[str, Any] = {
    "about": str, "source": str, "licence": str, "chat": str | None, "sampling": Sampling, "subsets": Mapping,
    "known": Mapping, "mended": Mapping, "forms": Mapping,
}  # fmt: skip
"""Field -> what its value is an instance of."""


def _wrong_fields(benchmark: Benchmark) -> str:
    for name, kind in FIELDS.items():
        if not isinstance(getattr(benchmark, name), kind):
            return f"a {name} that is a {_kind(getattr(benchmark, name))}"
    functions = {"load": benchmark.load, "prompts": benchmark.prompts, **benchmark.subsets, **benchmark.forms}
    for name, function in functions.items():
        if not callable(function) and (name, function) != ("prompts", None):
            return f"a {name} that is a {_kind(function)}, not a function"
    if benchmark.chat is None and benchmark.prompts is None:
        return "neither chat nor prompts, so nothing to ask"
    return ""


def _wrong_verifiers(verifiers: Any) -> str:
    if not isinstance(verifiers, tuple) or not verifiers:
        return f"verifiers of {_kind(verifiers)}, not a tuple of one Verifier or more"
    for each in verifiers:
        if not isinstance(each, Verifier):
            return f"a {_kind(each)} among its verifiers, not a Verifier"
        if not _is_text(each.name) or not _is_text(each.version) or each.name == LABELS:
            return f"a verifier of the name {each.name!r} and the version {each.version!r}, which must be short texts"
        for name in ("extract", "judge", "lacks"):
            if not callable(getattr(each, name)):
                return f"a verifier {each.name} whose {name} is no function"
        for name in ("classes", "judge_until"):
            if getattr(each, name) is not None and not callable(getattr(each, name)):
                return f"a verifier {each.name} whose {name} is no function"
    names = [each.name for each in verifiers]
    twice = next((name for name in names if names.count(name) > 1), None)
    return "" if twice is None else f"two verifiers of the name {twice}"


def wrong_problems(found: Any, *_: Any) -> str:
    """Of what load gave."""
    if not isinstance(found, list) or not found:
        return f"{_some(found)}, not a list of Problem"
    keys: set[str] = set()
    for place, each in enumerate(found):
        if not isinstance(each, Problem):
            return f"{_some(each)} at place {place}, not a Problem"
        if not isinstance(each.key, str) or not each.key or "\0" in each.key:
            return f"a problem at place {place} whose key is {each.key!r}, not a text"
        if each.key in keys:
            return f"two problems with the key {each.key!r}"
        if not isinstance(each.data, Mapping) or not all(isinstance(name, str) for name in each.data):
            return f"a problem {each.key!r} whose data is no dict of named fields"
        if not isinstance(each.reference, str | None):
            return f"a problem {each.key!r} whose reference is no text"
        if not _is_json(each.data):
            return f"a problem {each.key!r} whose data is not JSON: texts, finite numbers, lists and dicts"
        keys.add(each.key)
    return ""


def wrong_prompts(found: Any, problems: Sequence[Problem], *_: Any) -> str:
    """Of what prompts gave."""
    if not isinstance(found, list) or len(found) != len(problems) or not all(isinstance(each, str) for each in found):
        return f"{_some(found)}, not a list of {len(problems)} texts, one a problem"
    return ""


def wrong_places(found: Any, problems: Sequence[Problem], *_: Any) -> str:
    """Of what a subset gave."""
    if not isinstance(found, list) or not all(type(each) is int and 0 <= each < len(problems) for each in found):
        return f"{_some(found)}, not a list of places from 0 to {len(problems) - 1}"
    return "" if len(set(found)) == len(found) else "one place twice"


def wrong_candidate(found: Any, *_: Any) -> str:
    """Of what extract gave."""
    if found is None:
        return ""
    if not isinstance(found, Candidate):
        return f"{_some(found)}, not a Candidate or None"
    return "" if isinstance(found.text, str) and isinstance(found.how, str) else "a Candidate that is no text"


def wrong_judgement(found: Any, *_: Any) -> str:
    """Of what judge gave."""
    if not isinstance(found, Judgement) or not isinstance(found.outcome, Outcome):
        held = f"a Judgement of {_some(found.outcome)}" if isinstance(found, Judgement) else _some(found)
        return f"{held}, not a Judgement of an Outcome"
    if not isinstance(found.detail, str) or type(found.cpu_seconds) not in (int, float):
        return "a Judgement whose detail is no text or whose cpu_seconds is no number"
    if not isinstance(found.log, bytes):
        return "a Judgement whose log is no bytes"
    return "" if isinstance(found.facts, Mapping) and _is_json(found.facts) else "a Judgement whose facts are not JSON"


def wrong_classes(found: Any, candidates: Sequence[str], *_: Any) -> str:
    """Of what classes gave."""
    if not isinstance(found, list) or len(found) != len(candidates) or not all(type(each) is int for each in found):
        return f"{_some(found)}, not a list of {len(candidates)} numbers, one a candidate"
    return ""


def _is_json(value: Any) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return False
    return True


def _kind(value: Any) -> str:
    return type(value).__name__


def _some(value: Any) -> str:
    """A value in words: its kind, and how many it holds."""
    return f"a {_kind(value)} of {len(value)}" if isinstance(value, list | tuple | dict) else f"a {_kind(value)}"
