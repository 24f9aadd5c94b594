"""Changing the rule by which a run's texts are split into what was thought and what was answered."""

from typing import NamedTuple

from models.database import fetch
from models.rows import verifier_id
from tasks import ledger
from tasks.ledger import HeldRun, SplitAgain
from tasks.runs.changes import check_judgeable, publish_ready
from tasks.runs.own import benchmark_of
from verifiers.benchmarks import find_verifier
from verifiers.benchmarks.benchmark import Benchmark
from verifiers.errors import UserError
from verifiers.thinking import RULES


def split_again(run_id: int, rule: str, own: Benchmark | None = None) -> SplitAgain:
    """Have another rule say what of a run's texts is answer, and judge and score the answers again.

    A counting verifier that this code has in another version is replaced by that one. `own` is the run's benchmark
    where that is a person's own.
    """
    with ledger.hold(run_id) as run:
        if run.row.thinking == rule:
            raise UserError(f"Run {run_id} goes by --thinking {rule} already: {RULES[rule]}.")
        check_judgeable(run.connection, run_id)
        works = run.split_by(rule, _verifiers_here(run, benchmark_of(run.connection, run.row.benchmark_id, own)))
    publish_ready(run_id)
    return works


class _Due(NamedTuple):
    id: int
    name: str
    version: str


def _verifiers_here(run: HeldRun, benchmark: Benchmark) -> list[int]:
    """The run's verifiers that its benchmark has in the very version, a newer one of the counting one among them."""
    due = fetch(
        run.connection,
        _Due,
        """
        select verifier.id, verifier.name, verifier.version from run
        join verifier on verifier.id in (run.verifier_id, run.next_verifier_id)
            or verifier.id = any(run.other_verifiers)
        where run.id = %s
        """,
        (run.run_id,),
    )
    versions = {verifier.name: verifier.version for verifier in benchmark.verifiers}
    here = []
    for each in due:
        version = versions.get(each.name)  # none of labels
        if version == each.version:
            here.append(each.id)
        elif version is not None and each.id == run.row.verifier_id:
            verifier = find_verifier(benchmark, each.name)
            here.append(verifier_id(run.connection, run.row.benchmark_id, verifier, benchmark.code))
            run.judge_by(here[-1], use=True)
    return here
