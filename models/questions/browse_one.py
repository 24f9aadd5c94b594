"""One sample to read: what made it, what was extracted and what was said of it."""

from datetime import datetime
from typing import NamedTuple

from models.database import Connection, fetch
from models.logs import unpack_log
from verifiers.errors import UserError
from verifiers.outcome import Outcome


class SampleRead(NamedTuple):
    """A sample with what made it."""

    problem_id: int
    problem_key: str
    sample_index: int
    text: str | None
    thinking: str | None
    prompt_tokens: int | None
    completion_tokens: int | None
    thinking_tokens: int | None
    finish_reason: str | None
    logprob: float | None
    seed: int | None
    attempt_id: int | None
    prompt: str
    position: int
    worker: str | None
    host: str | None
    engine: str | None
    engine_version: str | None
    engine_seed: int | None
    code_version: str | None
    sampled_at: datetime | None


class VerdictRead(NamedTuple):
    """What a verifier of the run extracted from a sample and said of it."""

    verifier_id: int
    verifier: str
    version: str
    counting: bool
    candidate_id: int | None
    candidate: str | None
    how: str | None
    answer_from: int | None
    outcome: Outcome | None
    detail: str | None
    log: bytes | None

    def printed(self) -> str | None:
        """What judging printed; None where nothing is kept."""
        return None if self.log is None else unpack_log(self.log)


class ScoreRead(NamedTuple):
    """A reward model's number for a sample."""

    reward_model: str
    score: float


def sample_read(connection: Connection, run_id: int, problem_id: int, index: int) -> SampleRead:
    """A sample by its place; UserError where there is none."""
    samples = fetch(
        connection,
        SampleRead,
        """
        select sample.problem_id, problem.key as problem_key, sample_index, sample.text, thinking,
            sample.prompt_tokens, sample.completion_tokens, sample.thinking_tokens, finish_reason, logprob, seed,
            attempt_id, prompt.text as prompt, position, worker, host, engine, engine_version, engine_seed,
            code_version, attempt.finished_at as sampled_at
        from sample
        join problem on problem.id = sample.problem_id
        join prompt on prompt.run_id = sample.run_id and prompt.problem_id = sample.problem_id
        left join attempt on attempt.id = attempt_id
        where sample.run_id = %s and sample.problem_id = %s and sample_index = %s
        """,
        (run_id, problem_id, index),
    )
    if not samples:
        raise UserError(f"Run {run_id} has no sample {index} of this problem (yet).")
    return samples[0]


def verdicts_of(connection: Connection, run_id: int, problem_id: int, index: int) -> list[VerdictRead]:
    """What every verifier of a run said of a sample, the counting one first."""
    return fetch(
        connection,
        VerdictRead,
        """
        select judged.verifier_id, verifier.name as verifier, verifier.version,
            judged.verifier_id = run.verifier_id as counting, judged.candidate_id, candidate.text as candidate, how,
            answer_from, judged.outcome, judged.detail, verdict.log
        from judged
        join run on run.id = judged.run_id
        join verifier on verifier.id = judged.verifier_id
        left join candidate on candidate.id = judged.candidate_id
        left join verdict
            on verdict.candidate_id = judged.candidate_id and verdict.verifier_id = judged.verifier_id
        where judged.run_id = %s and judged.problem_id = %s and sample_index = %s
        order by judged.verifier_id <> run.verifier_id, judged.verifier_id desc
        """,
        (run_id, problem_id, index),
    )


def scores_of(connection: Connection, run_id: int, problem_id: int, index: int) -> list[ScoreRead]:
    """The numbers of reward models for a sample."""
    return fetch(
        connection,
        ScoreRead,
        """
        select reward_model, score from score where run_id = %s and problem_id = %s and sample_index = %s
        order by reward_model
        """,
        (run_id, problem_id, index),
    )
