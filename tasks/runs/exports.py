"""Writing a run's samples out: one snapshot, memory flat in the run's length.

Samples go in the columns that an import reads, all of them or those chosen for training, or as a chat's messages.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from psycopg.rows import tuple_row

from models.database import Connection, fetch, transaction
from models.rows import LABELS
from models.tables import Run
from tasks.engines.recorded import COLUMNS, OF_COMPLETION
from tasks.runs.described import described
from verifiers.errors import UserError
from verifiers.ranges import about, check_ranges, whole

FETCH = 2_000
"""Samples in memory at a time."""

SAME = {"text": "sha256(convert_to(sample.text, 'UTF8'))", "candidate": "judged.candidate_id"}
"""What two samples must share so that only the first of them is written."""

SHARED_OUT = {
    "usd": "coalesce(sample.usd, attempt.usd / batch.size)",
    "gpu_seconds": "coalesce(sample.gpu_seconds, attempt.gpu_seconds / batch.size)",
}

JUDGED = """
    from sample
    left join judged on judged.run_id = sample.run_id and judged.problem_id = sample.problem_id
        and judged.sample_index = sample.sample_index and judged.verifier_id = %(verifier)s
"""

SAMPLES = f"""
    select %(key)s::text, sample.sample_index, judged.outcome::text,
        case when judged.outcome <> 'infrastructure_error' then judged.outcome = 'correct' end,
        {", ".join(SHARED_OUT.get(name, f"sample.{name}") for name in OF_COMPLETION)},
        (
            select jsonb_object_agg(reward_model, score) from score
            where score.run_id = sample.run_id and score.problem_id = sample.problem_id
                and score.sample_index = sample.sample_index
        ),
        case when run.stop_rule ? 'planned' and sample.sample_index >= run.n then 'planned'
             else biased_by(run.stop_rule) end,
        judged.answer_from
    {JUDGED}
    join run on run.id = sample.run_id
    left join attempt on attempt.id = sample.attempt_id
    left join work on work.id = attempt.work_id
    left join batch on batch.id = work.batch_id
    where sample.run_id = %(run)s and sample.problem_id = %(problem)s {{chosen}}
    order by sample.sample_index
"""
"""A problem's samples, in the columns and the order of recorded.COLUMNS, and where their answers begin."""

CHOSEN = f"""
    and sample.sample_index in (
        select sample_index from (
            select sample.sample_index, row_number() over (partition by {{same}} order by sample.sample_index) as nth
            {JUDGED}
            where sample.run_id = %(run)s and sample.problem_id = %(problem)s
                and (not %(correct)s or judged.outcome = 'correct')
        ) as alike
        where nth = 1 order by sample_index limit %(most)s
    )
"""

DECIDED = """
    select count(*) filter (where counts_as <> 'undecided') as decided,
        count(*) filter (where counts_as = 'correct') as correct
    from judged where run_id = %s and problem_id = %s and verifier_id = %s
"""


@dataclass(frozen=True)
class Chosen:
    """Which samples are written: all, unless said otherwise; with weight_k each has its weight for pass@k."""

    correct: bool = False
    distinct: str | None = None
    per_problem: int | None = field(
        default=None, metadata=about("At most so many of each problem, those of the lowest indices.", whole(1))
    )
    weight_k: int | None = field(
        default=None,
        metadata=about("Add `weight`: the sample's reward in a training for pass@k (arXiv 2505.15201).", whole(1)),
    )


class _Problem(NamedTuple):
    problem_id: int
    key: str
    prompt: str


class _Counts(NamedTuple):
    decided: int
    correct: int


class _Sample(NamedTuple):
    values: tuple[Any, ...]
    answer_from: int | None
    weight: float | None
    prompt: str


def export_samples(run: Run, chosen: Chosen) -> Iterator[tuple[Any, ...]]:
    """Yield a run's samples as they are at one moment, problem by problem in order of index, as `columns` names them.

    Outcomes are the counting verifier's; an attempt's dollars and GPU-seconds are shared out among its samples.
    """
    for sample in _samples(run, chosen):
        yield sample.values if chosen.weight_k is None else (*sample.values, sample.weight)


def columns(chosen: Chosen) -> list[str]:
    """The columns of `export_samples`."""
    return [*COLUMNS, *(["weight"] if chosen.weight_k is not None else [])]


def export_messages(run: Run, chosen: Chosen, *, answers: bool) -> Iterator[dict[str, Any]]:
    """Yield samples as {"messages": system, if any, user and assistant} with problem and sample_index, and a weight.

    A prompt stands as it was sent; what a server gave apart as thought goes to `reasoning_content`, where chat
    templates look for it. answers: only what came after the thinking, of samples that have it.
    """
    text_at, thinking_at = (list(COLUMNS).index(name) for name in ("text", "thinking"))
    system = run.sampling.get("system")
    for sample in _samples(run, chosen):
        text, thinking = sample.values[text_at], sample.values[thinking_at]
        if not sample.prompt or text is None:
            raise UserError(f"Run {run.id} was imported without its {'texts' if sample.prompt else 'prompts'}.")
        if answers and sample.answer_from is None:
            continue
        said = {"content": text[sample.answer_from :] if answers else text}
        if thinking is not None and not answers:
            said["reasoning_content"] = thinking
        messages = [{"role": "system", "content": system}] if system is not None else []
        messages += [{"role": "user", "content": sample.prompt}, {"role": "assistant", **said}]
        row = {"messages": messages, "problem": sample.values[0], "sample_index": sample.values[1]}
        yield row if chosen.weight_k is None else row | {"weight": sample.weight}


def described_run(run: Run) -> dict[str, str]:
    """A run as entries of an exported file's metadata."""
    with transaction() as connection:
        return described(connection, run.id)


def _samples(run: Run, chosen: Chosen) -> Iterator[_Sample]:
    check_ranges(chosen)
    with transaction() as connection:
        connection.execute("set transaction isolation level repeatable read, read only")
        connection.execute("set local idle_in_transaction_session_timeout = 0")  # whoever reads may take their time
        _refuse_what_is_not_there(connection, run, chosen)
        sql = SAMPLES.format(chosen="" if chosen == Chosen(weight_k=chosen.weight_k) else _filter(chosen))
        for problem in _problems(connection, run):
            rewards = _rewards(connection, run, problem, chosen.weight_k)
            asked = {"key": problem.key, "run": run.id, "problem": problem.problem_id, "verifier": run.verifier_id}
            with connection.cursor(name="samples", row_factory=tuple_row) as cursor:
                cursor.itersize = FETCH
                cursor.execute(sql, {**asked, "correct": chosen.correct, "most": chosen.per_problem})
                for *values, answer_from in cursor:
                    yield _Sample(tuple(values), answer_from, rewards.get(values[3]), problem.prompt)


def _filter(chosen: Chosen) -> str:
    return CHOSEN.format(same=SAME[chosen.distinct] if chosen.distinct else "sample.sample_index")


def _refuse_what_is_not_there(connection: Connection, run: Run, chosen: Chosen) -> None:
    """UserError for candidates where the counting verifier's are labels, and for weights that n does not allow."""
    if chosen.weight_k is not None and run.stop_rule.get("when_solved"):
        raise UserError(f"Run {run.id} stops at right samples, and --weight-k needs as many whatever comes out.")
    if chosen.weight_k is not None and run.stop_rule.get("planned"):
        raise UserError(
            f"A plan chose by outcomes which problems of run {run.id} have more samples, and --weight-k needs as many "
            "whatever comes out."
        )
    if chosen.weight_k is not None and chosen.weight_k > run.n:
        raise UserError(f"Run {run.id} has at most {run.n:,} samples of a problem; --weight-k takes no more.")
    if chosen.distinct != "candidate":
        return
    found = connection.execute("select name from verifier where id = %s", (run.verifier_id,)).fetchone()
    if found is not None and found["name"] == LABELS:
        raise UserError(f"Run {run.id} has imported labels and no candidates; give --distinct text.")


def _rewards(connection: Connection, run: Run, problem: _Problem, k: int | None) -> dict[bool | None, float | None]:
    """Weights by whether a sample is correct; None where that is not known, or k samples are not there."""
    if k is None:
        return {}
    from models.statistics.training import pass_at_k_rewards

    (counts,) = fetch(connection, _Counts, DECIDED, (run.id, problem.problem_id, run.verifier_id))
    rewards = pass_at_k_rewards(counts.decided, counts.correct, k)
    return {
        correct: None if math.isnan(weight) else weight
        for correct, weight in ((True, rewards.right), (False, rewards.wrong))
    }


def _problems(connection: Connection, run: Run) -> Sequence[_Problem]:
    return fetch(
        connection,
        _Problem,
        """
        select prompt.problem_id, problem.key, prompt.text as prompt
        from prompt join problem on problem.id = prompt.problem_id
        where prompt.run_id = %s order by position
        """,
        (run.id,),
    )
