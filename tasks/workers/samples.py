"""A batch's samples as a worker reads them: split into what was thought and what was answered, by their run's rule."""

from typing import NamedTuple

from models.database import fetch, transaction
from tasks.ledger import Lease
from tasks.patience import patient
from verifiers.thinking import answer_from


class Split(NamedTuple):
    """A sample; `answer_from` is the place in its text where its answer begins, None where thinking did not end."""

    sample_index: int
    text: str | None
    answer_from: int | None

    @property
    def answer(self) -> str | None:
        """None where it has none, or where an import had no text."""
        return None if self.text is None or self.answer_from is None else self.text[self.answer_from :]


class _Asked(NamedTuple):
    prompt: str
    rule: str


class _Sample(NamedTuple):
    sample_index: int
    text: str | None
    thought: str | None
    finish_reason: str | None


@patient
def batch_samples(lease: Lease) -> tuple[str, list[Split]]:
    """A batch's prompt, and its samples in order of index.

    The rule is read after the work was claimed: who changes it takes back the works that were claimed before.
    """
    with transaction() as connection:
        (asked,) = fetch(
            connection,
            _Asked,
            """
            select prompt.text as prompt, run.thinking as rule from run join prompt on prompt.run_id = run.id
            where run.id = %(run_id)s and prompt.problem_id = %(problem_id)s
            """,
            vars(lease),
        )
        samples = fetch(  # of a thought that the server split off it matters only whether there is one
            connection,
            _Sample,
            """
            select sample_index, text, left(thinking, 1) as thought, finish_reason from sample
            where run_id = %(run_id)s and problem_id = %(problem_id)s
                and sample_index >= %(first_index)s and sample_index < %(first_index)s + %(size)s
            order by sample_index
            """,
            vars(lease),
        )
    if len(samples) != lease.size:
        raise RuntimeError(f"batch {lease.batch_id} has {len(samples)} samples instead of {lease.size}")
    return asked.prompt, [_split(asked, sample) for sample in samples]


def _split(asked: _Asked, sample: _Sample) -> Split:
    start = answer_from(asked.rule, sample.text, sample.thought, asked.prompt, sample.finish_reason)
    return Split(sample.sample_index, sample.text, start)
