"""Runs and problems to browse: page by page from where the last one ended, never counting the samples of a run.

Each function reads in a transaction of `reading()`: one look at the tables, nothing written, nothing that takes long.
"""

from typing import Any, NamedTuple

from models.database import Connection, fetch, fetch_column
from models.tables import Run
from models.views import RunProgressRow
from verifiers.benchmarks.reading import QUESTIONS
from verifiers.errors import UserError
from verifiers.outcome import Outcome

PAGE = 100
"""Rows of a page of runs or of problems."""

COUNTED = 20_000
"""A problem's candidates are counted among so many of its samples, the first ones."""

CANDIDATES = 50
"""Of them so many are listed, the commonest."""

SORTS = {
    "hardest": "coalesce(correct_share, 2)",
    "easiest": "-coalesce(correct_share, -1)",
    "in order": "0",
}
"""What problems are sorted by, before their place in the run; those of which nothing is known come last."""


class ProblemListed(NamedTuple):
    """A problem of a run: how its verified samples came out, and how its question begins."""

    problem_id: int
    problem_key: str
    position: int
    samples: int
    correct: int
    incorrect: int
    no_answer: int
    undecided: int
    first_correct: int | None
    correct_share: float | None
    biased_by: str | None
    question: str | None


class ProblemRead(NamedTuple):
    """A problem as a person reads it: its data and prompt, and how its verified samples came out."""

    problem_id: int
    problem_key: str
    data: dict[str, Any]
    prompt: str
    position: int
    samples: int
    correct: int
    incorrect: int
    no_answer: int
    undecided: int
    first_correct: int | None
    correct_share: float | None
    biased_by: str | None


class CoverageOfProblem(NamedTuple):
    """pass@k of one problem."""

    k: int
    coverage: float


class CandidateListed(NamedTuple):
    """A distinct candidate of a problem: its text, cut, and in how many of the samples that were counted it stands."""

    candidate_id: int | None
    candidate: str | None
    characters: int | None
    samples: int
    first_index: int
    outcome: Outcome | None
    detail: str | None


class VerifierListed(NamedTuple):
    """A verifier that judges a run's samples."""

    id: int
    name: str
    version: str
    counting: bool


def run_read(connection: Connection, run_id: int) -> Run:
    """A run by its id; UserError where there is none."""
    runs = fetch(connection, Run, "select * from run where id = %s", (run_id,))
    if not runs:
        raise UserError(f"There is no run {run_id} (any more).")
    return runs[0]


def progress_read(connection: Connection, run_id: int) -> RunProgressRow:
    """How far a run is."""
    return fetch(connection, RunProgressRow, "select * from run_progress where run_id = %s", (run_id,))[0]


def runs_before(connection: Connection, before: int | None) -> list[RunProgressRow]:
    """A page of runs, newest first, and one more where there are more."""
    ids = fetch_column(
        connection,
        "select id from run where %(before)s::bigint is null or id < %(before)s order by id desc limit %(limit)s",
        {"before": before, "limit": PAGE + 1},
    )
    return fetch(
        connection, RunProgressRow, "select * from run_progress where run_id = any(%s) order by run_id desc", (ids,)
    )


def problems_after(connection: Connection, run_id: int, sort: str, after: int | None) -> list[ProblemListed]:
    """A page of a run's problems behind the one with the id `after`, and one more where there are more."""
    return fetch(
        connection,
        ProblemListed,
        f"""
        with ranked as materialized (
            select problem_tally.*, prompt.position, {SORTS[sort]} as rank
            from problem_tally join prompt using (run_id, problem_id) where run_id = %(run)s
        ), chosen as materialized (
            select * from ranked
            where %(after)s::bigint is null
                or (rank, position) > (select rank, position from ranked where problem_id = %(after)s)
            order by rank, position limit %(limit)s
        )
        select problem_id, problem_key, position, samples, correct, incorrect, no_answer, undecided, first_correct,
            case when biased_by is null then correct_share end as correct_share, biased_by, (
                select left(data ->> name, 200) from unnest(%(names)s::text[]) with ordinality as field (name, place)
                where pg_column_size(data) < 65536 and data ->> name <> '' order by place limit 1
            ) as question
        from chosen join problem on problem.id = problem_id order by rank, position
        """,
        {"run": run_id, "after": after, "limit": PAGE + 1, "names": list(QUESTIONS)},
    )


def problem_read(connection: Connection, run_id: int, problem_id: int) -> ProblemRead:
    """A problem of a run; UserError where the run has none with this id."""
    problems = fetch(
        connection,
        ProblemRead,
        """
        select problem_id, problem_key, data, prompt.text as prompt, position, samples, correct, incorrect, no_answer,
            undecided, first_correct, case when biased_by is null then correct_share end as correct_share, biased_by
        from problem_tally join prompt using (run_id, problem_id) join problem on problem.id = problem_id
        where run_id = %s and problem_id = %s
        """,
        (run_id, problem_id),
    )
    if not problems:
        raise UserError(f"Run {run_id} has no problem of the id {problem_id}.")
    return problems[0]


def coverage_of_problem(connection: Connection, problem: ProblemRead) -> list[CoverageOfProblem]:
    """pass@k at 1, 10, 100, … and at all decided samples; nothing where the run stops at right samples."""
    if problem.biased_by is not None:
        return []
    return fetch(
        connection,
        CoverageOfProblem,
        """
        select k, pass_at_k(%(n)s, %(c)s, k) as coverage from (
            select distinct least(10 ^ power, %(n)s)::bigint as k from generate_series(0, 9) as power where %(n)s > 0
        ) as each order by k
        """,
        {"n": problem.samples - problem.undecided, "c": problem.correct},
    )


def candidates_of(connection: Connection, run_id: int, problem_id: int, verifier_id: int) -> list[CandidateListed]:
    """A problem's distinct candidates by a verifier, commonest first, among its first samples; one more of CANDIDATES.

    A row without a candidate is of the samples in which nothing was found.
    """
    return fetch(
        connection,
        CandidateListed,
        """
        with counted as materialized (
            select candidate_id, count(*) as samples, min(sample_index) as first_index from (
                select candidate_id, sample_index from extraction
                where run_id = %(run)s and problem_id = %(problem)s and verifier_id = %(verifier)s
                order by sample_index limit %(counted)s
            ) as these group by candidate_id order by samples desc, first_index limit %(limit)s
        )
        select candidate_id, left(text, 400) as candidate, length(text) as characters, samples, first_index,
            outcome_of(candidate_id, outcome) as outcome, detail
        from counted
        left join candidate on candidate.id = candidate_id
        left join (select * from verdict where verifier_id = %(verifier)s) as verdict using (candidate_id)
        order by samples desc, first_index
        """,
        {
            "run": run_id,
            "problem": problem_id,
            "verifier": verifier_id,
            "counted": COUNTED,
            "limit": CANDIDATES + 1,
        },
    )


def verifiers_of(connection: Connection, run: Run) -> list[VerifierListed]:
    """The verifiers that judge a run or did, the counting one first."""
    return fetch(
        connection,
        VerifierListed,
        """
        select id, name, version, id = %(counting)s as counting from verifier
        where id = any(%(named)s) or id in (select verifier_id from work_total where run_id = %(run)s)
        order by id <> %(counting)s, id desc
        """,
        {"run": run.id, "counting": run.verifier_id, "named": [run.verifier_id, *run.other_verifiers]},
    )


def key_at(connection: Connection, run_id: int, position: int) -> str:
    """The key of a run's problem at a position."""
    keys = fetch_column(
        connection,
        "select key from prompt join problem on problem.id = problem_id where run_id = %s and position = %s",
        (run_id, position),
    )
    return str(keys[0])
