"""Which problem a recorded sample is of: by its key, or by the text of its question where the keys are others'."""

import difflib
from collections import defaultdict
from collections.abc import Mapping
from functools import lru_cache

from tasks.runs.formats.format import QUESTIONS
from verifiers.verifier import Problem


class Matching:
    """Finds the problems of samples, all by key or all by question; ValueError where a sample's is not to be had."""

    def __init__(self, benchmark: str, known: Mapping[str, Problem], *, key_only: bool) -> None:
        self._benchmark, self._known, self._key_only = benchmark, known, key_only
        self.by_question: bool | None = None
        """Whether keys were taken from questions; None as long as both say the same."""
        self._asked: defaultdict[str, list[str]] = defaultdict(list)
        for key, problem in known.items():
            for text in {_plain(problem.data[name]) for name in QUESTIONS if isinstance(problem.data.get(name), str)}:
                self._asked[text].append(key)
        self._keys_of = lru_cache(maxsize=10_000)(self._find)

    def key(self, key: str | None, question: str | None) -> str:
        """The key of the problem. A question that is exactly one problem's says more than a key, white space aside."""
        if key is not None and key in self._known and question is None:
            return self._by(key, False)
        asked = self._keys_of(question if question is not None else key) if self._asked else ()
        if key is not None and key in asked:
            return key
        if len(asked) == 1:
            return self._by(asked[0], True)
        if key is not None and (key in self._known or self._key_only):
            return self._by(key, False)
        if asked:
            raise ValueError(f"its question is that of several problems, such as {asked[0]!r} and {asked[1]!r}")
        raise ValueError(self._unknown(key))

    def _by(self, key: str, by_question: bool) -> str:
        if self.by_question is None:
            self.by_question = by_question
        if self.by_question is not by_question:
            how, other = ("question", "key") if by_question else ("key", "question")
            raise ValueError(f"its problem {key!r} is found by its {how} only, and others by their {other} only")
        return key

    def _find(self, text: str | None) -> tuple[str, ...]:
        return tuple(self._asked.get(_plain(text or ""), ()))

    def _unknown(self, key: str | None) -> str:
        if key is None:
            return (
                "it has no problem, and no question that is one problem's; --column problem=theirs says which column "
                "has the key, and --data gives the problems"
            )
        near = difflib.get_close_matches(key, self._known, 1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        return (
            f"{self._benchmark} has no problem {key!r}; {hint}--data gives its problems, and --key-only makes those "
            "that are not at hand"
        )


def _plain(text: str) -> str:
    return " ".join(text.split())
