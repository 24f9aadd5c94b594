"""A row of each view over what `monkeys analyze` computes, as the whole view is read."""

from datetime import datetime
from typing import Any, NamedTuple


class PrecisionAtKRow(NamedTuple):
    """How often a selector that does not know the truth picks a right sample out of k."""

    run_id: int
    verifier: str
    selector: str
    reward_model: str
    k: int
    success_rate: float
    coverage: float | None
    gap: float | None
    stderr: float | None
    exact: bool
    simulation_stderr: float
    computed_at: datetime
    stale: bool
    verifier_id: int
    version: str
    counting: bool
    low: float | None
    high: float | None
    flag: str | None
    gap_low: float | None
    gap_high: float | None


class CoverageFitRow(NamedTuple):
    """Laws fitted to coverage against k."""

    run_id: int
    family: str
    parameters: dict[str, Any]
    error: float | None
    flag: str | None
    verifier: str
    computed_at: datetime
    stale: bool
    verifier_id: int
    version: str
    counting: bool
    parameters_low: dict[str, Any] | None
    parameters_high: dict[str, Any] | None


class ForecastRow(NamedTuple):
    """Coverage at as many samples as were drawn and at more, by each law that could be fitted without a flag."""

    run_id: int
    family: str
    k: int
    coverage: float
    low: float | None
    high: float | None
    verifier: str
    computed_at: datetime
    stale: bool
    verifier_id: int
    version: str
    counting: bool
    flag: str | None


class CoverageBandRow(NamedTuple):
    """95 % bands of coverage of these very problems; the view coverage has the interval for new problems."""

    run_id: int
    method: str
    k: int
    coverage: float
    low: float
    high: float
    verifier: str
    computed_at: datetime
    stale: bool
    verifier_id: int
    version: str
    counting: bool


class ReliabilityRow(NamedTuple):
    """Other measures of a run's samples: how reliably problems are solved, and what votes and scores tend to."""

    run_id: int
    verifier: str
    measure: str
    reward_model: str
    k: int
    share: float | None
    value: float
    stderr: float | None
    low: float | None
    high: float | None
    interval_of: str | None
    computed_at: datetime
    stale: bool
    verifier_id: int
    version: str
    counting: bool


class AdaptiveConsistencyRow(NamedTuple):
    """Majority votes that stop once the leading answer is sure to stay ahead: accuracy against samples paid."""

    run_id: int
    verifier: str
    k: int
    sure: float
    samples: float
    samples_stderr: float | None
    success_rate: float
    stderr: float | None
    simulation_stderr: float
    majority: float | None
    computed_at: datetime
    stale: bool
    verifier_id: int
    version: str
    counting: bool


class VerifierConfusionRow(NamedTuple):
    """How two verifiers of a run judged the same samples, if the first is right; None where not counted yet."""

    run_id: int
    verifier: str
    other_verifier: str
    tp: int | None
    fp: int | None
    fn: int | None
    tn: int | None
    undecided: int | None
    false_positives: float | None
    false_positives_stderr: float | None
    false_negatives: float | None
    false_negatives_stderr: float | None
    problems: int | None
    stale: bool
    biased_by: str | None
    verifier_id: int
    version: str
    other_verifier_id: int
    other_version: str
    counting: bool


class WeakVerifierAtKRow(NamedTuple):
    """A second verifier as a selector: how often what it accepts first, within k samples, is right."""

    run_id: int
    verifier: str
    weak_verifier: str
    k: int
    success_rate: float | None
    coverage: float | None
    gap: float | None
    ceiling: float | None
    stderr: float | None
    gap_stderr: float | None
    problems: int
    problems_missing: int
    problems_accepted: int
    stale: bool
    biased_by: str | None
    verifier_id: int
    version: str
    weak_verifier_id: int
    weak_version: str
    counting: bool
    low: float | None
    high: float | None
    gap_low: float | None
    gap_high: float | None
