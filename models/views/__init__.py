"""The rows of the views, a class each, in the order of the files; None is what is not known (analysed.py: of analysis).

`rows(CoverageRow, "select * from coverage where run_id = 1")` reads some.
"""

from datetime import datetime, timedelta
from typing import NamedTuple

from verifiers.outcome import Outcome


class ProblemTallyRow(NamedTuple):
    """One row a problem of a run: how its verified samples came out, by the counting verifier."""

    run_id: int
    problem_id: int
    problem_key: str
    samples: int
    correct: int
    incorrect: int
    no_answer: int
    undecided: int
    first_correct: int | None
    correct_share: float | None
    biased_by: str | None


class OutcomeCountsRow(NamedTuple):
    """How samples came out, by verifier and outcome."""

    run_id: int
    verifier: str
    outcome: Outcome | None
    samples: int
    candidates: int
    biased_by: str | None
    verifier_id: int
    version: str
    counting: bool


class RunProgressRow(NamedTuple):
    """One row a run: how far it is."""

    run_id: int
    name: str | None
    benchmark: str
    llm: str
    problems: int
    samples_wanted: int
    samples: int
    samples_submitted: int
    verified: int
    correct: int
    failed_works: int
    open_works: int
    tokens_per_second: float | None
    eta: timedelta | None
    state: str
    created_at: datetime
    finished_at: datetime | None

    @property
    def in_part(self) -> bool:
        """Whether more was wanted than there is: numbers of it will change if it goes on."""
        return self.state != "done" and not self.state.startswith("stopped")


class CostRow(NamedTuple):
    """What each run took."""

    run_id: int
    prompt_tokens: int | None
    completion_tokens: int | None
    flops: float | None
    gpu_seconds: float
    gpu_seconds_lost: float
    gpu_seconds_running: float
    score_gpu_seconds: float
    verify_cpu_seconds: float
    usd: float | None
    usd_per_solved_problem: float | None
    flops_per_solved_problem: float | None
    gpu_seconds_per_solved_problem: float | None
    judged: int
    reused: int
    samples: int
    usd_from: str | None
    billed_prompt_tokens: int | None
    cached_prompt_tokens: int | None
    billed_completion_tokens: int | None
    thinking_tokens: int | None
    attempts_unmeasured: int
    usd_lost: float | None
    usd_per_solved_problem_low: float | None
    usd_per_solved_problem_high: float | None


class CoverageRow(NamedTuple):
    """pass@k over the problems of a run, with a 95 % interval for new problems of the same kind."""

    run_id: int
    verifier: str
    k: int
    coverage: float | None
    stderr: float | None
    low: float | None
    high: float | None
    problems: int
    problems_missing: int
    floor: float
    ceiling: float
    estimator: str
    all_right: float | None
    all_right_low: float | None
    all_right_high: float | None
    interval: str | None
    verifier_id: int
    version: str
    counting: bool


class CoverageByCostRow(NamedTuple):
    """What coverage at each k costs: k samples of every problem, or those up to the first right one of each."""

    run_id: int
    k: int
    coverage: float | None
    flops: float | None
    gpu_seconds: float | None
    usd: float | None
    low: float | None
    high: float | None
    biased_by: str | None
    stopping_samples: float | None
    stopping_flops: float | None
    stopping_gpu_seconds: float | None
    stopping_usd: float | None


class LengthsRow(NamedTuple):
    """How long the verified samples of a run are: what was thought and what was answered."""

    run_id: int
    samples: int
    completion_tokens: float | None
    median_completion_tokens: float | None
    thinking_tokens: float | None
    median_thinking_tokens: float | None
    answer_tokens: float | None
    median_answer_tokens: float | None
    thinking_known: int
    thinking_characters: float | None
    answer_characters: float | None
    truncated_share: float | None
    unended_share: float
    biased_by: str | None


class ProblemDifficultyRow(NamedTuple):
    """How hard each problem of a run is: by the share of right samples and by the rank of the first one."""

    run_id: int
    problem_id: int
    problem_key: str
    samples: int
    decided: int
    correct: int
    correct_share: float | None
    first_correct_rank: int | None
    expected_rank: float | None
    difficulty: str | None
    biased_by: str | None


class FlakinessRow(NamedTuple):
    """A candidate that was judged again and again by a verifier."""

    benchmark: str
    problem_key: str
    problem_id: int
    verifier: str
    version: str
    candidate_id: int
    judgements: int
    correct: int
    varies: bool
    outcomes: dict[str, int]
    verdict: Outcome | None
    infrastructure_errors: int
    detail: str | None
    is_reference: bool
    verifier_id: int
