"""What a finished work leaves, in the one transaction that ends it."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from models.database import Connection, column, fetch, fetch_column, transaction
from models.logs import pack_log
from models.storable import storable, storable_facts, storable_number, storable_reals
from tasks.engines.engine import Completion
from tasks.ledger.statements import statements
from tasks.ledger.work import Lease, Usage, end_work, ended_before, same_contents
from tasks.patience import patient
from verifiers.thinking import UNENDED
from verifiers.verifier import Candidate, Judgement

SQL = statements("results.sql")

LONGEST_DETAIL = 2_000
"""Characters of a verdict's detail that are kept."""


@dataclass(frozen=True)
class Verification:
    """One sample's extraction: its index, its candidate, if any, and where in its text the answer begins.

    answer_from: characters before it; None where thinking did not end, so that there is no answer.
    """

    sample_index: int
    candidate: Candidate | None
    answer_from: int | None = 0

    @property
    def how(self) -> str | None:
        """Which rule found the candidate, where there are several, or why there is nothing to find one in."""
        if self.answer_from is None:
            return UNENDED
        return self.candidate.how or None if self.candidate else None


@dataclass(frozen=True)
class Scored:
    """One sample's number by a reward model, and each step's where it gives them."""

    sample_index: int
    score: float
    step_scores: Sequence[float] | None = None


Verdicts = dict[str, Judgement]
"""Candidate text -> judgement."""


@patient
def finish_generate(lease: Lease, completions: Sequence[Completion], usage: Usage) -> list[str] | None:
    """Insert a batch's samples, end its work, make the works that are due; return the queues in which those wait.

    None, and nothing done, where the lease was lost.
    """
    with transaction() as connection:
        return end_generate(connection, lease, completions, usage)


def end_generate(
    connection: Connection, lease: Lease, completions: Sequence[Completion], usage: Usage
) -> list[str] | None:
    """The same within a transaction."""
    if len(completions) != lease.size:
        raise ValueError(f"the engine gave {len(completions)} samples for a batch of {lease.size}")
    connection.execute(SQL["share_run"], vars(lease))
    if end_work(connection, lease, usage):
        _insert_samples(connection, lease, completions)
        if usage.left_out:
            connection.execute(SQL["note_left_out"], vars(lease) | {"left_out": sorted(usage.left_out)})
        connection.execute(SQL["add_due_works"], vars(lease))
    elif not ended_before(connection, lease, usage):
        return None
    return fetch_column(connection, SQL["due_queues"], vars(lease))


def _insert_samples(connection: Connection, lease: Lease, completions: Sequence[Completion]) -> None:
    with (
        connection.cursor() as cursor,
        cursor.copy(
            """
            copy sample (run_id, problem_id, sample_index, attempt_id, text, thinking, prompt_tokens,
                         completion_tokens, thinking_tokens, finish_reason, logprob, token_logprobs, seed, usd,
                         gpu_seconds) from stdin
            """
        ) as copy,
    ):
        for index, sample in enumerate(completions, lease.first_index):
            copy.write_row(
                (
                    lease.run_id, lease.problem_id, index, lease.attempt_id, sample.text, sample.thinking,
                    sample.prompt_tokens, sample.completion_tokens, sample.thinking_tokens, sample.finish_reason,
                    sample.logprob, sample.token_logprobs, sample.seed, sample.usd, sample.gpu_seconds,
                )
            )  # fmt: skip


@patient
def known_candidates(lease: Lease, candidates: Sequence[str]) -> set[str]:
    """Those of the candidates that already have a verdict by the lease's verifier."""
    parameters = {**vars(lease), "hashes": [candidate_hash(text) for text in candidates]}
    return set(column(SQL["known_candidates"], parameters))


@patient
def record_verdicts(lease: Lease, verdicts: Verdicts) -> None:
    """Keep verdicts while a long work goes on; those that exist stay. They are true whoever holds the lease."""
    with transaction() as connection:
        if same_contents(connection, lease):
            _insert_verdicts(connection, lease, verdicts, list(verdicts))


@patient
def finish_verify(lease: Lease, extractions: Sequence[Verification], verdicts: Verdicts, usage: Usage) -> bool:
    """Insert the last verdicts and all extractions, end the work with its tally; False if the lease was lost.

    Every candidate must have its verdict here or in the table.
    """
    candidates = list({each.candidate.text for each in extractions if each.candidate is not None})
    with transaction() as connection:
        connection.execute(SQL["share_run"], vars(lease))
        if not end_work(connection, lease, usage):
            return ended_before(connection, lease, usage)
        _insert_verdicts(connection, lease, verdicts, candidates)
        columns = {
            "indices": [each.sample_index for each in extractions],
            "hashes": [None if each.candidate is None else candidate_hash(each.candidate.text) for each in extractions],
            "hows": [None if each.how is None else storable(each.how) for each in extractions],
            "starts": [each.answer_from for each in extractions],
        }
        connection.execute(SQL["insert_extractions"], vars(lease) | columns)
        (counted,) = tally(connection, [lease.work_id])
        if counted.undecided:
            connection.execute(SQL["hold_failures"], vars(lease))
            (counted,) = tally(connection, [lease.work_id])
        if counted.missing:
            raise RuntimeError(f"work {lease.work_id} would end with {counted.missing} samples unjudged")
    return True


class Counted(NamedTuple):
    """Of a verify work's samples: those whose candidate lacks a verdict, those whose judging failed by our fault."""

    missing: int
    undecided: int


def tally(connection: Connection, work_ids: Sequence[int]) -> list[Counted]:
    """Within the transaction that ends verify works: count their tallies."""
    return fetch(connection, Counted, SQL["tally"], {"works": list(work_ids)})


def _insert_verdicts(connection: Connection, lease: Lease, verdicts: Verdicts, candidates: Sequence[str]) -> None:
    """Candidates and verdicts in hash order, so that two workers with the same ones cannot deadlock."""
    hashed = sorted((candidate_hash(text), text) for text in candidates)
    if not hashed:
        return
    columns = {"hashes": [digest for digest, _ in hashed], "texts": [text for _, text in hashed]}
    connection.execute(SQL["insert_candidates"], vars(lease) | columns)
    judged = [(digest, verdicts[text]) for digest, text in hashed if text in verdicts]
    if not judged:
        return
    judgements = {
        "hashes": [digest for digest, _ in judged],
        "outcomes": [judgement.outcome.value for _, judgement in judged],
        "details": [storable(str(judgement.detail))[:LONGEST_DETAIL] or None for _, judgement in judged],
        "cpu_seconds": [storable_number(judgement.cpu_seconds, 0) or 0.0 for _, judgement in judged],
        "facts": [storable_facts(judgement.facts) for _, judgement in judged],
        "logs": [pack_log(judgement.log) for _, judgement in judged],
    }
    connection.execute(SQL["insert_verdicts"], vars(lease) | judgements)
    connection.execute(SQL["drop_claims"], vars(lease) | judgements)


@patient
def finish_score(lease: Lease, scores: Sequence[Scored], usage: Usage) -> bool:
    """Insert a batch's scores and end its work; False (and nothing done) if the lease was lost."""
    with transaction() as connection:
        connection.execute(SQL["share_run"], vars(lease))
        if not end_work(connection, lease, usage):
            return ended_before(connection, lease, usage)
        rows = [
            {**vars(lease), **vars(scored), "step_scores": storable_reals(scored.step_scores)}
            for scored in scores
            if storable_number(scored.score) is not None  # what is no number is no score
        ]
        with connection.cursor() as cursor:
            cursor.executemany(SQL["insert_score"], rows)
    return True


def candidate_hash(text: str) -> bytes:
    """By which a candidate is found among those of its problem."""
    return hashlib.sha256(text.encode()).digest()
