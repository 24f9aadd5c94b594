"""Samples to browse: those that a filter lets through, window by window, within a time that is kept and told."""

import time
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from models.database import Connection, fetch, fetch_column
from verifiers.outcome import Outcome

WINDOW = 500
"""Samples that one statement looks at."""

LISTED = 50
"""Samples of a page."""

SECONDS = 3.0
"""What looking for a page's samples may take."""


class Filter(NamedTuple):
    """Which samples are wanted: those that all of these let through."""

    outcome: str | None = None
    """An Outcome, NOT_CORRECT or UNVERIFIED."""
    disagree: bool = False
    truncated: bool = False
    thinking: bool = False
    text: str | None = None
    candidate: int | None = None

    def chooses(self) -> bool:
        """Whether any sample is left out."""
        return self != Filter()


UNVERIFIED = "not verified yet"

NOT_CORRECT = "not correct"
"""Judged, and whatever it failed by not right."""

OF_CANDIDATES = frozenset(Outcome) - {Outcome.no_answer}
"""Outcomes that only a sample with a candidate has."""

THOUGHT = """
    (thinking is not null or judged.sample_index is not null and judged.answer_from is distinct from 0)
"""

LETS_THROUGH = f"""
    (%(outcome)s::text is null or coalesce(judged.outcome::text, '{UNVERIFIED}') = %(outcome)s
        or %(outcome)s = '{NOT_CORRECT}' and judged.counts_as in ('incorrect', 'no_answer'))
    and (not %(truncated)s or finish_reason = 'length')
    and (not %(thinking)s or {THOUGHT})
    and (%(candidate)s::bigint is null or judged.candidate_id = %(candidate)s)
    and (not %(disagree)s or exists (
        select from judged as other
        where other.run_id = sample.run_id and other.problem_id = sample.problem_id
            and other.sample_index = sample.sample_index and other.verifier_id <> %(verifier)s
            and (other.counts_as = 'correct') <> (judged.counts_as = 'correct')))
    and (%(text)s::text is null or strpos(sample.text, %(text)s) > 0 or strpos(sample.thinking, %(text)s) > 0)
"""


class Spot(NamedTuple):
    """A place in a run: the sample at an index of the problem at a position."""

    position: int
    sample_index: int


class SampleListed(NamedTuple):
    """A sample in a list: what was extracted and said of it, and a few words of its text."""

    problem_id: int
    problem_key: str
    position: int
    sample_index: int
    outcome: Outcome | None
    candidate: str | None
    words: str | None
    completion_tokens: int | None
    finish_reason: str | None
    logprob: float | None
    thought: bool


class SamplesFound(NamedTuple):
    """Samples in order; where to go on, if there may be more; whether the time was over before the page was full."""

    samples: list[SampleListed]
    go_on: Spot | None
    out_of_time: bool


class _Place(NamedTuple):
    position: int
    problem_id: int


class _Window(NamedTuple):
    nearest: int | None
    farthest: int | None


def find_samples(
    connection: Connection,
    run_id: int,
    verifier_id: int,
    wanted: Filter,
    start: Spot | None = None,
    *,
    problem_id: int | None = None,
    backwards: bool = False,
    limit: int = LISTED,
    seconds: float,
) -> SamplesFound:
    """A page of samples behind `start`, of the whole run or of one problem, in order, or before it, nearest first."""
    deadline = time.monotonic() + seconds
    given = {**wanted._asdict(), "run": run_id, "problem": problem_id, "verifier": verifier_id, "limit": limit + 1}
    found: list[SampleListed] = []
    for samples, reached in _windows(connection, given, start, backwards):
        found += samples
        if len(found) > limit:
            last = found[limit - 1]
            return SamplesFound(found[:limit], Spot(last.position, last.sample_index), False)
        if time.monotonic() > deadline:
            return SamplesFound(found, reached, True)
    return SamplesFound(found, None, False)


def next_sample(
    connection: Connection,
    run_id: int,
    verifier_id: int,
    wanted: Filter,
    start: Spot,
    *,
    problem_id: int | None,
    backwards: bool,
    seconds: float,
) -> SamplesFound:
    """The one nearest behind `start`, or before it; it looks no further."""
    deadline = time.monotonic() + seconds
    given = {**wanted._asdict(), "run": run_id, "problem": problem_id, "verifier": verifier_id, "limit": 1}
    for samples, reached in _windows(connection, given, start, backwards):
        if samples or time.monotonic() > deadline:
            return SamplesFound(samples, reached, not samples)
    return SamplesFound([], None, False)


def _windows(
    connection: Connection, given: Mapping[str, Any], start: Spot | None, backwards: bool
) -> Iterator[tuple[list[SampleListed], Spot]]:
    """Window by window, the wanted samples in it and where it ends."""
    for place in _places(connection, given, start, backwards):
        seen = start.sample_index if start and start.position == place.position else None
        here = {**given, "problem": place.problem_id, "position": place.position}
        if (last := _end_of_none(connection, here, backwards)) is not None:
            if last != seen:
                yield [], Spot(place.position, last)
            continue
        while (window := _window(connection, here, seen, backwards)).farthest is not None:
            low, high = sorted((window.nearest or 0, window.farthest))
            seen = window.farthest
            yield _listed(connection, {**here, "low": low, "high": high}, backwards), Spot(place.position, seen)


def _places(connection: Connection, given: Mapping[str, Any], start: Spot | None, backwards: bool) -> list[_Place]:
    """Problems to look at, in order."""
    beyond, order = ("<=", "desc") if backwards else (">=", "asc")
    return fetch(
        connection,
        _Place,
        f"""
        select position, problem_id from prompt
        where run_id = %(run)s and (%(problem)s::bigint is null or problem_id = %(problem)s)
            and (%(start)s::int is null or position {beyond} %(start)s)
        order by position {order}
        """,
        {**given, "start": None if start is None else start.position},
    )


def _end_of_none(connection: Connection, here: Mapping[str, Any], backwards: bool) -> int | None:
    """The last index of a problem of which no candidate has the wanted verdict; None where one may have it.

    There are far fewer candidates than samples, and most problems have none of a rare outcome.
    """
    if here["outcome"] not in OF_CANDIDATES:
        return None
    ends = fetch_column(
        connection,
        f"""
        select {"min" if backwards else "max"}(sample_index) from sample
        where run_id = %(run)s and problem_id = %(problem)s and not exists (
            select from candidate join verdict on verdict.candidate_id = candidate.id
            where problem_id = %(problem)s and verifier_id = %(verifier)s and outcome = %(outcome)s::outcome)
        """,
        here,
    )
    return next(iter(ends), None)


def _window(connection: Connection, here: Mapping[str, Any], seen: int | None, backwards: bool) -> _Window:
    """The next samples of a problem beyond the index `seen`, by their primary key."""
    beyond, order, near, far = ("<", "desc", "max", "min") if backwards else (">", "asc", "min", "max")
    return fetch(
        connection,
        _Window,
        f"""
        select {near}(sample_index) as nearest, {far}(sample_index) as farthest from (
            select sample_index from sample where run_id = %(run)s and problem_id = %(problem)s
                and (%(seen)s::int is null or sample_index {beyond} %(seen)s)
            order by sample_index {order} limit %(window)s
        ) as these
        """,
        {**here, "seen": seen, "window": WINDOW},
    )[0]


def _listed(connection: Connection, here: Mapping[str, Any], backwards: bool) -> list[SampleListed]:
    """Samples of a window that are wanted."""
    return fetch(
        connection,
        SampleListed,
        f"""
        select these.problem_id, problem.key as problem_key, %(position)s::int as position, these.sample_index, outcome,
            left(candidate.text, 200) as candidate, words, completion_tokens, finish_reason, logprob, thought
        from (
            select sample.problem_id, sample.sample_index, judged.outcome, judged.candidate_id, completion_tokens,
                finish_reason, logprob, {THOUGHT} as thought,
                case when strpos(sample.text, %(text)s) > 0
                     then substr(sample.text, greatest(1, strpos(sample.text, %(text)s) - 60), 200)
                     when %(text)s::text is not null
                     then substr(thinking, greatest(1, strpos(thinking, %(text)s) - 60), 200)
                     else substr(sample.text, coalesce(judged.answer_from, 0) + 1, 200) end as words
            from sample
            left join judged on judged.run_id = sample.run_id and judged.problem_id = sample.problem_id
                and judged.sample_index = sample.sample_index and judged.verifier_id = %(verifier)s
            where sample.run_id = %(run)s and sample.problem_id = %(problem)s
                and sample.sample_index between %(low)s and %(high)s and {LETS_THROUGH}
            order by sample.sample_index {"desc" if backwards else "asc"} limit %(limit)s
        ) as these
        join problem on problem.id = these.problem_id
        left join candidate on candidate.id = these.candidate_id
        order by sample_index {"desc" if backwards else "asc"}
        """,
        here,
    )
