"""One sample as a person reads it, and how a run's problems came out."""

from datetime import datetime
from typing import Any, NamedTuple

from models.database import column, rows
from models.logs import unpack_log
from models.questions.waiting import why_not_moving
from models.views import ProblemTallyRow
from verifiers.errors import UserError
from verifiers.outcome import Outcome


class SampleShown(NamedTuple):
    """A row of the view sample_detail, by any verifier, with what was sent and who made it."""

    run_id: int
    problem_key: str
    sample_index: int
    text: str | None
    candidate: str | None
    candidate_how: str | None
    verifier: str
    outcome: Outcome | None
    detail: str | None
    prompt_tokens: int | None
    completion_tokens: int | None
    finish_reason: str | None
    logprob: float | None
    seed: int | None
    attempt_id: int | None
    problem_id: int
    verifier_id: int
    version: str
    thinking: str | None
    thinking_tokens: int | None
    answer_from: int | None
    prompt: str
    system: str | None
    chat_template_args: dict[str, Any] | None
    worker: str | None
    engine: str | None
    engine_version: str | None
    engine_seed: int | None
    sampled_at: datetime | None


def problem_tallies(run_id: int) -> list[ProblemTallyRow]:
    """A run's problems, in its order, by the verifier that counts."""
    return rows(
        ProblemTallyRow,
        """
        select problem_tally.* from problem_tally join prompt using (run_id, problem_id)
        where run_id = %s order by position
        """,
        (run_id,),
    )


def find_sample(
    run_id: int,
    problem_id: int | None = None,
    index: int | None = None,
    outcome: Outcome | None = None,
    verifier_id: int | None = None,
) -> SampleShown:
    """The first sample of a run with this problem, this index and this outcome, where given, as it is judged by the
    verifier that counts or by another one; UserError where there is none.
    """
    samples = rows(
        SampleShown,
        """
        select sample.*, prompt.text as prompt, run.sampling ->> 'system' as system,
            run.sampling -> 'chat_template_args' as chat_template_args, attempt.worker, attempt.engine,
            attempt.engine_version, attempt.engine_seed, attempt.finished_at as sampled_at
        from prompt
        join run on run.id = prompt.run_id
        cross join lateral (
            select sample.run_id, problem.key as problem_key, sample.sample_index, sample.text,
                candidate.text as candidate, judged.how as candidate_how, verifier.name as verifier, judged.outcome,
                judged.detail, sample.prompt_tokens, sample.completion_tokens, sample.finish_reason, sample.logprob,
                sample.seed, sample.attempt_id, sample.problem_id, verifier.id as verifier_id, verifier.version,
                sample.thinking, sample.thinking_tokens, judged.answer_from
            from sample
            join problem on problem.id = sample.problem_id
            join verifier on verifier.id = coalesce(%(verifier)s, run.verifier_id)
            left join judged on judged.run_id = sample.run_id and judged.problem_id = sample.problem_id
                and judged.sample_index = sample.sample_index and judged.verifier_id = verifier.id
            left join candidate on candidate.id = judged.candidate_id
            where sample.run_id = prompt.run_id and sample.problem_id = prompt.problem_id
                and (%(index)s::int is null or sample.sample_index = %(index)s)
                and (%(outcome)s::outcome is null or judged.outcome = %(outcome)s::outcome)
            order by sample.sample_index limit 1
        ) as sample
        left join attempt on attempt.id = sample.attempt_id
        where prompt.run_id = %(run)s and (%(problem)s::bigint is null or prompt.problem_id = %(problem)s)
        order by position limit 1
        """,
        {"run": run_id, "problem": problem_id, "index": index, "outcome": outcome, "verifier": verifier_id},
    )
    if not samples:
        wanted = " ".join(filter(None, (outcome, "sample", None if index is None else str(index))))
        of, why = "" if problem_id is None else " of this problem", why_not_moving(run_id)
        raise UserError(f"Run {run_id} has no {wanted}{of} yet{f': {why}' if why else ''}.")
    return samples[0]


def data_of(problem_id: int) -> dict[str, Any]:
    """A problem as its data set has it."""
    (data,) = column("select data from problem where id = %s", (problem_id,))
    return dict(data)


def log_of(sample: SampleShown) -> str | None:
    """What judging a sample's candidate printed, by the verifier that it is shown with; None where nothing is kept."""
    logs: list[bytes | None] = column(
        """
        select verdict.log from extraction join verdict using (candidate_id, verifier_id)
        where run_id = %s and verifier_id = %s and problem_id = %s and sample_index = %s
        """,
        (sample.run_id, sample.verifier_id, sample.problem_id, sample.sample_index),
    )
    return next((unpack_log(log) for log in logs if log is not None), None)
