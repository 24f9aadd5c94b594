"""What captions say of runs that stopped at right samples."""

from collections.abc import Sequence

from models.questions.report import Findings

LEANS = "hard problems have more samples than easy ones, so these numbers lean to hard ones"


def said_of_all_samples(runs: Sequence[Findings]) -> str:
    """What holds of all samples of the runs that outcomes gave some problems more of, as a sentence."""
    chosen = [str(run.run_id) for run in runs if run.biased_by]
    return (
        f" Where outcomes decided how many samples a problem has (run {', '.join(chosen)}), {LEANS}." if chosen else ""
    )


def said_of_stopped(runs: Sequence[Findings], what: str) -> str:
    """What holds of the runs that stopped at right samples, as a sentence; nothing where none did."""
    stopped = [str(run.run_id) for run in runs if run.biased_by == "when_solved"]
    return f" Where a run stopped at right samples (run {', '.join(stopped)}), {what}." if stopped else ""
