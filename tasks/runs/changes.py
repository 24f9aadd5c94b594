"""What a person may do to a run that exists: cancel, resume, extend, judge by another verifier, delete."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from models.database import Connection, transaction
from models.rows import verifier_id
from tasks import ledger
from tasks.engines.replay import check_recording
from tasks.publish import publish
from tasks.runs.batches import batches_of
from tasks.stored import find_benchmark, find_verifier, stored_problem, stored_verifier
from verifiers.errors import UserError
from verifiers.outcome import Outcome


def cancel(run_id: int) -> int:
    """Cancel a run's open works; return how many there were. Its samples and verdicts so far stay."""
    with transaction() as connection:
        ledger.hold_run(connection, run_id)
        return ledger.cancel(connection, run_id)


def resume(run_id: int) -> int:
    """Make a run's failed and cancelled works ready again; return how many there were."""
    with transaction() as connection:
        ledger.hold_run(connection, run_id)
        resumed = ledger.resume(connection, run_id)
    _publish_ready(run_id)
    return resumed


def extend(run_id: int, n: int) -> int:
    """Ask for n samples of every problem instead of fewer; return how many samples that adds.

    All problems are extended alike, so n is still fixed without a look at any problem's outcomes.
    """
    with transaction() as connection:
        run = ledger.hold_run(connection, run_id)
        if run["imported"]:
            raise UserError(f"Run {run_id} was imported: its samples are made elsewhere.")
        if run["cancelled_at"] is not None:
            raise UserError(f"Run {run_id} is cancelled; `monkeys resume {run_id}` first.")
        if n <= run["n"]:
            raise UserError(f"Run {run_id} has {run['n']} samples a problem already; -n says how many it is to have.")
        problems = _problems(connection, run_id)
        llm = connection.execute("select * from llm where id = %s", (run["llm_id"],)).fetchone()
        assert llm is not None
        check_recording(llm["name"], [each["key"] for each in problems], n)
        ledger.add_batches(
            connection,
            run_id,
            llm["queue"],
            batches_of(
                [each["id"] for each in problems], run["n"], n, run["batch_size"], depth_first=run["depth_first"]
            ),
        )
        connection.execute(
            "update run set n = %s, extended_at = now(), finished_at = null, stopped_by = null where id = %s",
            (n, run_id),
        )
    _publish_ready(run_id)
    return (n - int(run["n"])) * len(problems)


@dataclass(frozen=True)
class Reverification:
    """Works to be judged; `counts` says that the verifier counts from now on, or will once it is through."""

    verifier: str
    works: int
    counts: bool


def reverify(run_id: int, name: str | None, *, use: bool) -> Reverification:
    """Judge a run's samples by a verifier of this code's version, beside the one that counts, or `use` it instead.

    Without a name it is the verifier that counts, in a newer version than the run's.
    """
    with transaction() as connection:
        run = ledger.hold_run(connection, run_id)
        counting = connection.execute(
            """
            select verifier.name, benchmark.name as benchmark
            from verifier join benchmark on benchmark.id = verifier.benchmark_id where verifier.id = %s
            """,
            (run["verifier_id"],),
        ).fetchone()
        assert counting is not None
        verifier = find_verifier(find_benchmark(counting["benchmark"]), name or counting["name"])
        new = verifier_id(connection, run["benchmark_id"], verifier)
        if new == run["verifier_id"]:
            raise UserError(
                f"Run {run_id} is judged by {verifier.name} {verifier.version} already; --verifier names another one, "
                "--infrastructure judges again what failed by our fault."
            )
        _check_judgeable(connection, run_id)
        connection.execute(
            """
            update run set other_verifiers = case when %(new)s = any(other_verifiers) then other_verifiers
                else other_verifiers || %(new)s::bigint end, finished_at = null,
                next_verifier_id = case when %(use)s then %(new)s else next_verifier_id end
            where id = %(run)s
            """,
            {"new": new, "use": use, "run": run_id},
        )
        works = ledger.add_verify_works(connection, run_id, new)
        moved = use and ledger.set_counting(connection, run_id)
    _publish_ready(run_id)
    return Reverification(f"{verifier.name} {verifier.version}", works, moved)


def judge_again(run_id: int) -> int:
    """Judge again what failed by our fault; return how many works that is."""
    with transaction() as connection:
        ledger.hold_run(connection, run_id)
        works = ledger.judge_again(connection, run_id)
    _publish_ready(run_id)
    return works


@dataclass(frozen=True)
class Rerun:
    """A verdict and what judging the same candidate once more said; `again` is None where that failed by our fault."""

    problem: str
    candidate_id: int
    outcome: Outcome
    again: Outcome | None
    detail: str


def rerun(run_id: int, share: float) -> Iterator[Rerun]:
    """Judge a random share of a run's candidates once more, here; count reruns and disagreements in their verdicts.

    The verdicts themselves stay: a flaky verifier is to be seen, not averaged.
    """
    with transaction() as connection:
        rows = connection.execute(
            """
            with judged as (
                select distinct candidate_id, extraction.verifier_id from extraction join run on run.id = run_id
                where run_id = %s and extraction.verifier_id = run.verifier_id and candidate_id is not null
            ), drawn as (
                select judged.*, verdict.outcome, row_number() over (order by random()) as place,
                    count(*) over () as all_of
                from judged join verdict using (candidate_id, verifier_id)
                where verdict.outcome <> 'infrastructure_error'
            )
            select drawn.*, candidate.problem_id, candidate.text from drawn
            join candidate on candidate.id = candidate_id where place <= ceil(all_of * %s::double precision)
            """,
            (run_id, share),
        ).fetchall()
    for row in rows:
        try:
            verifier, problem = stored_verifier(row["verifier_id"]), stored_problem(row["problem_id"])
        except RuntimeError as error:  # this code has another version of it
            raise UserError(f"Run {run_id} cannot be rerun: {error}.") from error
        judged = verifier.judge_safely(problem, row["text"])
        again = None if judged.outcome is Outcome.infrastructure_error else judged.outcome
        before = Outcome(row["outcome"])
        if again is not None:
            with transaction() as connection:
                connection.execute(
                    """
                    update verdict set reruns = reruns + 1, disagreements = disagreements + %s
                    where candidate_id = %s and verifier_id = %s
                    """,
                    (int(again is not before), row["candidate_id"], row["verifier_id"]),
                )
        yield Rerun(problem.key, row["candidate_id"], before, again, judged.detail)


def delete(run_id: int) -> int:
    """Delete a run with its samples; return how many. Candidates and verdicts stay: they are facts of the problems."""
    with transaction() as connection:
        ledger.hold_run(connection, run_id)
        going = connection.execute(
            "select 1 from work where run_id = %s and state in ('ready', 'published', 'leased') limit 1", (run_id,)
        ).fetchone()
        if going is not None:
            raise UserError(f"Run {run_id} is still going; `monkeys cancel {run_id}` first.")
        connection.execute("delete from score where run_id = %s", (run_id,))
        connection.execute("delete from extraction where run_id = %s", (run_id,))
        samples = connection.execute("delete from sample where run_id = %s", (run_id,)).rowcount
        connection.execute("delete from attempt using work where work.id = work_id and run_id = %s", (run_id,))
        connection.execute("delete from work where run_id = %s", (run_id,))
        connection.execute("delete from batch where run_id = %s", (run_id,))
        connection.execute("delete from prompt where run_id = %s", (run_id,))
        connection.execute("delete from analysis where run_id = %s", (run_id,))
        connection.execute("delete from analysis_precision where run_id = %s", (run_id,))
        connection.execute("delete from analysis_fit where run_id = %s", (run_id,))
        connection.execute("delete from analysis_forecast where run_id = %s", (run_id,))
        connection.execute("delete from analysis_diversity where run_id = %s", (run_id,))
        connection.execute("delete from analysis_band where run_id = %s", (run_id,))
        connection.execute("delete from run where id = %s", (run_id,))
    return samples


def _problems(connection: Connection, run_id: int) -> list[dict[str, Any]]:
    return connection.execute(
        """
        select problem.id, problem.key from prompt join problem on problem.id = prompt.problem_id
        where prompt.run_id = %s order by position
        """,
        (run_id,),
    ).fetchall()


def _check_judgeable(connection: Connection, run_id: int) -> None:
    """Raise UserError where a verifier would have nothing to go by."""
    row = connection.execute(
        """
        select problem.key from prompt join problem on problem.id = prompt.problem_id
        where prompt.run_id = %s and problem.content_hash = '' order by position limit 1
        """,
        (run_id,),
    ).fetchone()
    if row is not None:
        raise UserError(
            f"Only the key of problem {row['key']!r} of run {run_id} is known, so nothing can be judged again; import "
            "its samples once more with --data."
        )
    textless = connection.execute(
        "select 1 from sample where run_id = %s and text is null limit 1", (run_id,)
    ).fetchone()
    if textless is not None:
        raise UserError(f"Samples of run {run_id} were imported without their texts, so nothing can be judged again.")


def _publish_ready(run_id: int) -> None:
    """Nudge the queues in which a run has works; whatever this misses the sweeper finds."""
    with transaction() as connection:
        rows = connection.execute(
            "select distinct queue from work where run_id = %s and state = 'ready'", (run_id,)
        ).fetchall()
    for row in rows:
        publish(row["queue"])
