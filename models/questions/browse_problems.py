"""Problems to browse, page by page from where the last one ended, and one of them with its candidates."""

from typing import Any, NamedTuple

from models.database import Connection, fetch
from verifiers.benchmarks.reading import QUESTIONS
from verifiers.errors import UserError
from verifiers.outcome import Outcome

PAGE = 100
"""Problems of a page."""

COUNTED = 20_000
"""A problem's candidates are counted among so many of its samples, the first ones."""

CANDIDATES = 50
"""Of them so many are listed, the commonest."""

LISTED_BYTES, SAMPLE_BYTES, PROBLEM_BYTES = 50_000, 200_000, 20_000_000
"""What a problem's data may take, compressed, to be read for a row of a list, beside a sample, and for its own page."""

SORTS = {
    "hardest": "coalesce(correct_share, 2)",
    "easiest": "-coalesce(correct_share, -1)",
    "in order": "0",
}
"""What problems are sorted by, before their place in the run; those of which nothing is known come last."""


TALLIES = """
    select prompt.run_id, prompt.problem_id, prompt.position, coalesce(samples, 0) as samples,
        coalesce(correct, 0) as correct, coalesce(incorrect, 0) as incorrect, coalesce(no_answer, 0) as no_answer,
        coalesce(undecided, 0) as undecided, first_correct, all_biased_by(run.stop_rule) as biased_by,
        case when all_biased_by(run.stop_rule) is null
            then correct::double precision / nullif(samples - undecided, 0) end as correct_share
    from run
    join prompt on prompt.run_id = run.id
    left join tally on tally.run_id = run.id and tally.problem_id = prompt.problem_id
        and tally.verifier_id = %(verifier)s
    where run.id = %(run)s
"""
"""The view problem_tally by any verifier of a run."""


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


class ProblemsBeside(NamedTuple):
    """The ids of the problems before and behind one; None at the ends."""

    before: int | None
    after: int | None


class CoverageOfProblem(NamedTuple):
    """pass@k of one problem."""

    k: int
    coverage: float


class CandidateListed(NamedTuple):
    """A distinct candidate of a problem: its text, cut, and in how many of the samples that were counted it stands."""

    candidate_id: int | None
    candidate: str | None
    samples: int
    first_index: int
    outcome: Outcome | None
    detail: str | None


def problems_after(
    connection: Connection, run_id: int, verifier_id: int, sort: str, after: int | None, key: str | None
) -> list[ProblemListed]:
    """A page of a run's problems behind the one with the id `after`, and one more where there are more.

    Only those in whose key `key` stands, in whatever case.
    """
    return fetch(
        connection,
        ProblemListed,
        f"""
        with ranked as materialized (
            select tallies.*, {SORTS[sort]} as rank from ({TALLIES}) as tallies
        ), chosen as materialized (
            select * from ranked
            where (%(after)s::bigint is null
                    or (rank, position) > (select rank, position from ranked where problem_id = %(after)s))
                and (%(key)s::text is null or problem_id in (
                    select prompt.problem_id from prompt join problem on problem.id = prompt.problem_id
                    where run_id = %(run)s and strpos(lower(problem.key), lower(%(key)s)) > 0))
            order by rank, position limit %(limit)s
        )
        select problem_id, problem.key as problem_key, position, samples, correct, incorrect, no_answer, undecided,
            first_correct, correct_share, biased_by, (
                select left(data ->> name, 200) from unnest(%(names)s::text[]) with ordinality as field (name, place)
                where pg_column_size(data) < %(bytes)s and data ->> name <> '' order by place limit 1
            ) as question
        from chosen join problem on problem.id = problem_id order by rank, position
        """,
        {
            "run": run_id, "verifier": verifier_id, "after": after, "limit": PAGE + 1, "names": list(QUESTIONS),
            "bytes": LISTED_BYTES, "key": key,
        },
    )  # fmt: skip


def problems_beside(
    connection: Connection, run_id: int, verifier_id: int, sort: str, problem_id: int
) -> ProblemsBeside:
    """The problems before and behind one in a run's order by `sort`."""
    return fetch(
        connection,
        ProblemsBeside,
        f"""
        select before, after from (
            select problem_id, lag(problem_id) over ordered as before, lead(problem_id) over ordered as after
            from ({TALLIES}) as tallies window ordered as (order by {SORTS[sort]}, position)
        ) as placed where problem_id = %(problem)s
        """,
        {"run": run_id, "verifier": verifier_id, "problem": problem_id},
    )[0]


def problem_read(
    connection: Connection, run_id: int, problem_id: int, verifier_id: int, most_bytes: int
) -> ProblemRead:
    """A problem of a run, its data only where they take no more bytes; UserError where the run has none of this id."""
    problems = fetch(
        connection,
        ProblemRead,
        f"""
        select problem_id, problem.key as problem_key,
            case when pg_column_size(data) <= %(bytes)s then data else '{{}}' end as data, prompt.text as prompt,
            prompt.position, samples, correct, incorrect, no_answer, undecided, first_correct, correct_share, biased_by
        from ({TALLIES} and prompt.problem_id = %(problem)s) as tallies
        join prompt using (run_id, problem_id) join problem on problem.id = problem_id
        """,
        {"run": run_id, "problem": problem_id, "verifier": verifier_id, "bytes": most_bytes},
    )
    if not problems:
        raise UserError(f"Run {run_id} has no problem of the id {problem_id}.")
    return problems[0]


def coverage_of_problem(connection: Connection, problem: ProblemRead) -> list[CoverageOfProblem]:
    """pass@k at 1, 10, 100, … and at all decided samples; nothing where outcomes chose how many those are."""
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
        select candidate_id, left(text, 400) as candidate, samples, first_index,
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
