"""What must hold of all runs at rest, whatever happened and whatever a person asked for in between."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tests.place import Place
from tests.small_runs import Small, check
from verifiers.benchmarks.gsm8k import GSM8K
from verifiers.files import read_rows


@dataclass(frozen=True)
class Recorded:
    """What a recording itself says: text and outcomes of each (problem key, sample index), without any queue."""

    files: Small

    @cached_property
    def texts(self) -> dict[tuple[str, int], str]:
        """As md5, which PostgreSQL computes too."""
        return {
            (row["problem"], row["sample_index"]): hashlib.md5(row["text"].encode()).hexdigest()
            for row in read_rows(self.files.recording)
        }

    @cached_property
    def outcomes(self) -> dict[tuple[str, str, int], str]:
        """By verifier."""
        problems = {problem.key: problem for problem in GSM8K.load(self.files.data)}
        verifiers = [each for each in GSM8K.verifiers if each.name in ("answer", "paper")]
        return {
            (verifier.name, row["problem"], row["sample_index"]): verifier.check(problems[row["problem"]], row["text"])[
                1
            ].outcome.value
            for verifier in verifiers
            for row in read_rows(self.files.recording)
        }


SAMPLES = """
select problem.key, sample.sample_index, md5(sample.text) as text
from sample join problem on problem.id = sample.problem_id where sample.run_id = %s
"""

VERDICTS = """
select verifier.name, problem.key, extraction.sample_index, coalesce(verdict.outcome::text, 'no_answer') as outcome,
    extraction.candidate_id is not null and verdict.outcome is null as unjudged
from extraction join verifier on verifier.id = extraction.verifier_id
join problem on problem.id = extraction.problem_id
left join verdict using (candidate_id, verifier_id)
where extraction.run_id = %s
"""

PROBLEMS = """
select problem.key, count(sample.sample_index) as samples, coalesce(max(sample.sample_index), -1) + 1 as until,
    exists (select from work join batch on batch.id = work.batch_id where work.run_id = prompt.run_id
        and batch.problem_id = problem.id and work.kind = 'generate' and work.state = 'failed') as failed
from prompt join problem on problem.id = prompt.problem_id
left join sample on sample.run_id = prompt.run_id and sample.problem_id = problem.id
where prompt.run_id = %s group by prompt.run_id, problem.id
"""

SAMPLED_TWICE = """
select attempt.work_id from attempt join work on work.id = attempt.work_id
where work.run_id = %s and work.kind = 'generate' and attempt.ok group by attempt.work_id having count(*) > 1
"""


def open_works(place: Place) -> list[dict[str, Any]]:
    """Works that are still to be done, by run, kind and state."""
    return place.query(
        """
        select run_id, kind::text, state::text, count(*) as works, min(not_before - now())::text as not_before,
            min(last_error) as error
        from work where state in ('ready', 'published', 'leased') group by 1, 2, 3 order by 1, 2, 3
        """
    )


def wrong(place: Place, recorded: Recorded) -> list[tuple[str, str]]:
    """(lost, doubled or wrong; a sentence) of everything that does not hold."""
    found = []
    for run in place.query("select * from run order by id"):
        found += [(kind, f"run {run['id']}: {said}") for kind, said in _wrong_run(place, run, recorded)]
    return found


def _wrong_run(place: Place, run: dict[str, Any], recorded: Recorded) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    try:
        check(place, run["id"])
    except AssertionError as error:
        found.append(("lost", f"check: {' '.join(str(error).split())[:400]}"))
    for row in place.query(SAMPLES, (run["id"],)):
        if recorded.texts[row["key"], row["sample_index"]] != row["text"]:
            found.append(("wrong", f"another text at {row}"))
    judged = place.query(VERDICTS, (run["id"],))
    for row in judged:
        if row["unjudged"]:
            found.append(("lost", f"no verdict: {row}"))
        elif recorded.outcomes[row["name"], row["key"], row["sample_index"]] != row["outcome"]:
            found.append(("wrong", f"another outcome: {row}"))
    found += [("doubled", f"sampled twice: work {row['work_id']}") for row in place.query(SAMPLED_TWICE, (run["id"],))]
    stopped = run["stopped_by"] is not None or run["cancelled_at"] is not None
    for row in place.query(PROBLEMS, (run["id"],)):
        if row["samples"] != row["until"] and not row["failed"]:
            found.append(("lost", f"a gap, stopped by {run['stopped_by']}: {row}"))
        elif row["samples"] != run["n"] and not row["failed"] and not stopped:
            found.append(("lost", f"{row['samples']} samples of {run['n']}: {row}"))
    if run["finished_at"] is None and run["cancelled_at"] is None:
        found.append(("lost", "no work is open, and it has not ended"))
    return _few(found)


def _few(found: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """The first few of each sort: a run of thousands would say the same thousands of times."""
    few: list[tuple[str, str]] = []
    for kind, said in found:
        if sum(each[1].split(":")[0] == said.split(":")[0] for each in few) < 3:
            few.append((kind, said))
    return few
