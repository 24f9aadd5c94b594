"""What a person may do to a run that exists: cancel, resume, extend, limit, judge by another verifier, delete."""

from collections.abc import Mapping
from dataclasses import dataclass

from models.database import Connection, column, fetch, fetch_column
from models.questions.plan import SamplePlan, plan
from models.rows import verifier_id
from models.tables import Llm
from tasks import ledger
from tasks.engines.replay import check_recording
from tasks.ledger import HeldRun
from tasks.publish import publish
from tasks.runs.own import benchmark_of, note_origin
from tasks.runs.request import check_budgets
from verifiers.benchmarks import find_verifier
from verifiers.benchmarks.benchmark import Benchmark
from verifiers.errors import UserError


def cancel(run_id: int) -> int:
    """Cancel a run's open works; return how many there were. Its samples and verdicts so far stay."""
    with ledger.hold(run_id) as run:
        return run.cancel()


def resume(run_id: int) -> int:
    """Make a run's works ready again that failed or that a person cancelled; return how many there were."""
    with ledger.hold(run_id) as run:
        resumed = run.resume()
    publish_ready(run_id)
    return resumed


def extend(run_id: int, n: int) -> int:
    """Ask for n samples of every problem instead of fewer; return how many more are to be drawn.

    All problems are extended alike, so n is still fixed without a look at any problem's outcomes; what a rule cut of
    one and leaves in now is drawn first.
    """
    with ledger.hold(run_id) as run:
        _check_extension(run)
        if n <= run.n_wanted:
            raise UserError(
                f"Run {run_id} has {run.n_wanted} samples a problem already; -n says how many it is to have."
            )
        if (cut := run.cut_by(n)) is not None:
            raise UserError(
                f"A plan gave problems of run {run_id} a batch that {n} samples would cut in two; "
                f"choose -n {cut[0]} or -n {cut[1]}."
            )
        llm = _llm(run)
        check_recording(llm.name, {each.key: n for each in run.ends()})
        added = run.extend(n, llm.queue)
    publish_ready(run_id)
    return added


def extend_planned(run_id: int, samples: int) -> tuple[SamplePlan, int]:
    """Ask for about so many samples where they are likeliest to solve a problem; return the plan and how many.

    Outcomes choose what is drawn, which the run notes: estimates go by its first n samples of each problem alone.
    """
    with ledger.hold(run_id) as run:
        _check_extension(run)
        made = plan(run.row, samples)
        more = {row.problem_id: row.samples_planned for row in made.problems if row.samples_planned}
        llm = _llm(run)
        ends = {each.key: each.samples + more.get(each.problem_id, 0) for each in run.ends()}
        check_recording(llm.name, ends)
        added = run.extend_by(more, llm.queue)
    publish_ready(run_id)
    return made, added


def _check_extension(run: HeldRun) -> None:
    if run.row.imported:
        raise UserError(f"Run {run.run_id} was imported: its samples are made elsewhere.")
    if run.row.cancelled_at is not None:
        raise UserError(f"Run {run.run_id} is cancelled; `monkeys resume {run.run_id}` first.")
    if (rule := run.budget_met()) is not None:
        raise UserError(
            f"The budget of run {run.run_id} is spent, or cannot be kept ({rule}): `monkeys limits {run.run_id}` shows "
            "it, and raises it."
        )


def limit(run_id: int, budgets: Mapping[str, float | None]) -> int:
    """Give a run other budgets, by the names of BUDGETS; None is none. Return how many samples more are to be drawn.

    What the old ones cut goes on where the new ones allow it, and what those do not allow is cut. The run's name finds
    it by what was asked for at first.
    """
    with ledger.hold(run_id) as run:
        if run.row.imported:
            raise UserError(f"Run {run_id} was imported: nothing of it is drawn here, so nothing limits it.")
        llm = _llm(run)
        check_budgets([name for name, budget in budgets.items() if budget is not None], llm.name, llm.engine_args)
        rule = {name: value for name, value in {**run.row.stop_rule, **budgets}.items() if value is not None}
        more = run.limit(rule)
    publish_ready(run_id)
    return more


@dataclass(frozen=True)
class Reverification:
    """Works to be judged; whether the verifier counts from now on, and whether it will once it is through."""

    verifier: str
    works: int
    counts: bool
    will_count: bool


def reverify(run_id: int, name: str | None, *, use: bool, own: Benchmark | None = None) -> Reverification:
    """Judge a run's samples by a verifier of this code's version, beside the one that counts, or `use` it instead.

    Without a name it is the verifier that counts. A newer version of that one than the run's replaces it.
    `own` is the run's benchmark where that is a person's own.
    """
    with ledger.hold(run_id) as run:
        counting = "select name from verifier where id = %s"
        (counts_now,) = fetch_column(run.connection, counting, (run.row.verifier_id,))
        benchmark = benchmark_of(run.connection, run.row.benchmark_id, own)
        moved = note_origin(run.connection, run.row.benchmark_id, benchmark)
        verifier = find_verifier(benchmark, name or counts_now)
        new = verifier_id(run.connection, run.row.benchmark_id, verifier, benchmark.code)
        if new == run.row.verifier_id and moved:
            return Reverification(f"{verifier.name} {verifier.version}", 0, True, True)
        if new == run.row.verifier_id:
            raise UserError(
                f"Run {run_id} is judged by {verifier.name} {verifier.version} already; --verifier names another one, "
                "--infrastructure judges again what failed by our fault."
            )
        check_judgeable(run.connection, run_id)
        use = use or verifier.name == counts_now
        works, counts = run.judge_by(new, use=use)
    publish_ready(run_id)
    return Reverification(f"{verifier.name} {verifier.version}", works, counts, use)


def judge_again(run_id: int) -> int:
    """Judge again what failed by our fault; return how many works that is."""
    with ledger.hold(run_id) as run:
        works = run.judge_again()
    publish_ready(run_id)
    return works


def delete(run_id: int) -> int:
    """Delete a run with its samples; return how many. Candidates and verdicts stay: they are facts of the problems."""
    with ledger.hold(run_id) as run:
        if run.is_open():
            raise UserError(f"Run {run_id} is still going; `monkeys cancel {run_id}` first.")
        return run.delete()


def _llm(run: HeldRun) -> Llm:
    (llm,) = fetch(run.connection, Llm, "select * from llm where id = %s", (run.row.llm_id,))
    return llm


def check_judgeable(connection: Connection, run_id: int) -> None:
    """Raise UserError where a verifier would have nothing to go by."""
    unknown = fetch_column(
        connection,
        """
        select problem.key from prompt join problem on problem.id = prompt.problem_id
        where prompt.run_id = %s and problem.content_hash = '' order by position limit 1
        """,
        (run_id,),
    )
    if unknown:
        raise UserError(
            f"Only the key of problem {unknown[0]!r} of run {run_id} is known, so nothing can be judged again; "
            "import its samples once more with --data."
        )
    textless = connection.execute(
        "select 1 from sample where run_id = %s and text is null limit 1", (run_id,)
    ).fetchone()
    if textless is not None:
        raise UserError(f"Samples of run {run_id} were imported without their texts, so nothing can be judged again.")


def publish_ready(run_id: int) -> None:
    """Nudge the queues in which a run has works; whatever this misses the sweeper finds."""
    for queue in column("select distinct queue from work where run_id = %s and state = 'ready'", (run_id,)):
        publish(queue)
