"""The computed views of a run: asked for when it ends, made by a verify worker or by whoever wants them now."""

from collections.abc import Callable, Sequence

from models.database import rows
from models.tables import Run
from tasks.app import app
from tasks.stored import BenchmarkAway, OtherVersion, stored_verifier, verifier_of
from verifiers.benchmarks.benchmark import Benchmark
from verifiers.errors import UserError


@app.task(name="analyze")
def analyze(run_id: int) -> str:
    """Analyse a run that ended. Returns what Flower shows."""
    runs = rows(Run, "select * from run where id = %s", (run_id,))
    if not runs:
        return "no such run"
    analyze_by(run_id, runs[0].verifier_id)
    return f"run {run_id} analysed"


def analyze_by(run_id: int, verifier_id: int, own: Benchmark | None = None) -> None:
    """Compute a run's views by one verifier, with what that verifier takes for equal answers.

    That of a person's own benchmark is asked where the person gave it (`own`), or in a worker of its queue.
    """
    from models.analysis.store import analyze as compute  # brings scipy, which a sweeper can do without

    compute(run_id, verifier_id, _classes(verifier_id, own))


def _classes(verifier_id: int, own: Benchmark | None) -> Callable[[Sequence[str]], list[int]] | None:
    if own is not None:
        try:
            return verifier_of(own, verifier_id).classes
        except OtherVersion as error:
            raise UserError(f"--benchmark cannot say which answers are equal: {error}.") from error
    try:
        return stored_verifier(verifier_id).classes
    except (UserError, BenchmarkAway):
        # labels of an import, another version, or a person's own code: equal texts are equal answers
        return None
