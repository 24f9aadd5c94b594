"""Small runs over recorded samples, and their works done in this process by the real tasks."""

import json
from dataclasses import dataclass
from pathlib import Path
from random import Random

from tasks.app import app
from tasks.engines.replay import Recording, Replay
from tasks.workers.generate import use_engine
from tests.place import Place


@dataclass(frozen=True)
class Small:
    """A GSM8K of sums, samples recorded for it, and a prompt prefix, as files."""

    data: Path
    recording: Path
    prefix: Path

    def enqueue(self, place: Place, n: int, *more: str) -> int:
        """Enqueue a run that replays the recording, in batches of 5."""
        return int(
            place.ok(
                "enqueue", "gsm8k", "-m", f"replay:{self.recording}", "-n", str(n), "--data", str(self.data),
                "--prompt-file", str(self.prefix), "--batch-size", "5", "--quiet", *more,
            )
        )  # fmt: skip


def small(folder: Path, problems: int = 3, samples: int = 20, *, padding: int = 0) -> Small:
    """Write a benchmark of `problems` sums and `samples` recorded answers of each, some right, some empty."""
    random = Random(problems * 1_000 + samples)
    with (folder / "data.jsonl").open("w") as file:
        for each in range(problems):
            file.write(json.dumps({"question": f"How much is {each} + 1?", "answer": f"#### {each + 1}"}) + "\n")
    with (folder / "recording.jsonl").open("w") as file:
        for each in range(problems):
            for index in range(samples):
                answer = each + 1 if random.random() < 0.1 + 0.2 * each / problems else random.randrange(50)
                text = "x" * padding + (f" The answer is {answer}." if random.random() < 0.9 else " I do not know.")
                row = {"problem": str(each), "sample_index": index, "text": text, "completion_tokens": 7 + index % 5,
                       "prompt_tokens": 30, "finish_reason": "stop" if index % 7 else "length"}  # fmt: skip
                file.write(json.dumps(row) + "\n")
    (folder / "prefix.txt").write_text("Add.")
    return Small(folder / "data.jsonl", folder / "recording.jsonl", folder / "prefix.txt")


def use_recording(recording: Path) -> None:
    """Make this process sample from a recording."""
    use_engine(Replay(Recording(recording)))


def work_off(place: Place, kinds: tuple[str, ...] = ("generate", "verify"), at_most: int = 10_000) -> int:
    """Do the works that are ready or published, one after another, in this process; return how many."""
    app.loader.import_default_modules()
    done = 0
    while done < at_most and (
        work := place.query(
            """
            select id, kind from work where state in ('ready', 'published') and kind::text = any(%s)
                and (not_before is null or not_before <= now()) order by id limit 1
            """,
            (list(kinds),),
        )
    ):
        app.tasks[work[0]["kind"]].apply(args=[work[0]["id"]])
        done += 1
    return done


def check(place: Place, run_id: int) -> None:
    """What must hold of every run at rest: once each sample, extraction and verdict; tallies equal recounts."""
    check_counts(place)
    run = {"run": run_id}
    assert place.query(
        """
        select batch.id from batch join work on work.batch_id = batch.id and work.kind = 'generate'
        left join sample on sample.run_id = batch.run_id and sample.problem_id = batch.problem_id
            and sample.sample_index >= batch.first_index and sample.sample_index < batch.first_index + batch.size
        where batch.run_id = %(run)s
        group by batch.id, batch.size, work.state
        having count(sample.sample_index) <> case when work.state = 'done' then batch.size else 0 end
        """, run
    ) == [], "a batch has not exactly its samples"  # fmt: skip
    assert place.one(
        """
        select count(*) from sample where run_id = %(run)s and not exists (
            select from batch where batch.run_id = sample.run_id and batch.problem_id = sample.problem_id
                and sample_index >= first_index and sample_index < first_index + size)
        """, run
    ) == 0, "a sample belongs to no batch"  # fmt: skip
    recounted = place.query(
        """
        select work.id, work.correct, work.incorrect, work.no_answer, work.undecided, work.first_correct, batch.size,
            count(extraction.sample_index) as extractions,
            count(*) filter (where extraction.candidate_id is not null and verdict.outcome is null) as unjudged,
            count(*) filter (where verdict.outcome = 'correct') as now_correct,
            count(*) filter (where verdict.outcome not in ('correct', 'no_answer', 'infrastructure_error'))
                as now_incorrect,
            count(*) filter (where extraction.candidate_id is null or verdict.outcome = 'no_answer') as now_no_answer,
            count(*) filter (where verdict.outcome = 'infrastructure_error') as now_undecided,
            min(extraction.sample_index) filter (where verdict.outcome = 'correct') as now_first
        from work join batch on batch.id = work.batch_id
        left join extraction on extraction.run_id = work.run_id and extraction.problem_id = batch.problem_id
            and extraction.verifier_id = work.verifier_id
            and extraction.sample_index >= batch.first_index and extraction.sample_index < batch.first_index + size
        left join verdict on verdict.candidate_id = extraction.candidate_id
            and verdict.verifier_id = extraction.verifier_id
        where work.run_id = %(run)s and work.kind = 'verify' and work.state = 'done'
        group by work.id, batch.size
        """, run
    )  # fmt: skip
    for row in recounted:
        assert row["extractions"] == row["size"], row
        assert row["unjudged"] == 0, row
        for name in ("correct", "incorrect", "no_answer", "undecided"):
            assert row[name] == row[f"now_{name}"], (name, row)
        assert row["first_correct"] == row["now_first"], row


def check_counts(place: Place) -> None:
    """What must hold at every moment: what is kept of how many works there are equals a recount."""
    wrong = place.query(
        """
        with kept as (
            select * from work_total where (open_works, failed_works, samples, correct) <> (0, 0, 0, 0)
        ), recounted as (
            select work.run_id, queue, kind, verifier_id,
                count(*) filter (where state in ('ready', 'published', 'leased')) as open_works,
                count(*) filter (where state = 'failed') as failed_works,
                coalesce(sum(size) filter (where state = 'done'), 0) as samples, coalesce(sum(correct), 0) as correct
            from work join batch on batch.id = work.batch_id group by work.run_id, queue, kind, verifier_id
        ), counted as (
            select * from recounted where (open_works, failed_works, samples, correct) <> (0, 0, 0, 0)
        )
        (select 'kept' as how, * from (select * from kept except select * from counted) as more)
        union all
        (select 'counted', * from (select * from counted except select * from kept) as less)
        """
    )
    assert wrong == [], "counts of works are not those of a recount"


def gaps(place: Place) -> list[dict[str, object]]:
    """Batches that a rule cut below one that it left: there are none. What a person cancelled counts as left."""
    return place.query(
        """
        with batches as (
            select work.run_id, batch.problem_id, batch.first_index,
                work.state = 'cancelled' and work.cancelled_by <> 'person' as is_cut
            from work join batch on batch.id = work.batch_id where work.kind = 'generate'
        )
        select run_id, problem_id, min(first_index) filter (where is_cut), max(first_index) filter (where not is_cut)
        from batches group by run_id, problem_id
        having min(first_index) filter (where is_cut) < max(first_index) filter (where not is_cut)
        """
    )


def judged(place: Place, run_id: int) -> list[tuple[str, int, str]]:
    """(problem, sample index, outcome) of every sample of a run."""
    rows = place.query(
        "select problem_key, sample_index, outcome from sample_detail where run_id = %s order by 1, 2", (run_id,)
    )
    return [(row["problem_key"], row["sample_index"], row["outcome"]) for row in rows]


def coverage(place: Place, run_id: int) -> list[dict[str, object]]:
    """The curve of a run by its counting verifier."""
    return place.query(
        """
        select k, coverage, stderr, low, high, estimator from coverage join run on run.id = coverage.run_id
        where run_id = %s and coverage.verifier_id = run.verifier_id order by k
        """,
        (run_id,),
    )
