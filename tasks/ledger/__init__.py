"""Every change of a work's state, each one transaction: what must always hold can be checked by reading this folder.

    ready -> published -> leased -> done | failed | cancelled

A work is claimed by a lease (a token and a time) and ended only by whoever holds the token: a worker that was paused
past its lease finds 0 rows and throws its result away. All times are the database's, so no worker's clock matters.

work      a work's life: published, claimed, kept, ended, given back, failed
claims    a candidate that takes long to judge, held by one work at a time
results   what a finished work leaves: samples, candidates, verdicts, tallies, scores, and the works that follow
run       the run as a whole: cancelled, resumed, extended, judged by another verifier, ended
stops     what rules cut of runs: at right samples, or where a budget is spent
submission  works whose samples a provider's batch API was asked for: parked, answered, released
making    what makes works: batches, one more verifier or reward model, what was done elsewhere
counts    how many works a run has, without counting them

Each has its SQL beside it, in a file of named statements that say which states they move between and what they lock.
"""

from tasks.ledger.claims import Claimed, claim_candidate, count_claimed
from tasks.ledger.counts import fold_counts
from tasks.ledger.making import Making
from tasks.ledger.results import (
    Scored,
    Verdicts,
    Verification,
    finish_generate,
    finish_score,
    finish_verify,
    known_candidates,
    record_verdicts,
)
from tasks.ledger.run import HeldRun, SplitAgain, end_runs, hold, move_counting, refuse_run
from tasks.ledger.stops import Stopped, stop_runs
from tasks.ledger.submission import (
    Answer,
    HeldSubmission,
    Lines,
    Parked,
    StoredAnswer,
    answers,
    finish_submitted,
    hold_submission,
    learned_of,
    parked,
    submit,
    unwanted_submissions,
    wait_for_submission,
)
from tasks.ledger.work import (
    MAX_ATTEMPTS,
    Lease,
    Publication,
    Usage,
    Worker,
    claim,
    fail,
    free_expired,
    free_lost_messages,
    free_of_process,
    give_back,
    open_queues,
    refuse,
    renew,
    still_held,
    take_for_publishing,
    unpublish,
)

__all__ = [
    "MAX_ATTEMPTS",
    "Answer",
    "Claimed",
    "HeldRun",
    "HeldSubmission",
    "Lease",
    "Lines",
    "Making",
    "Parked",
    "Publication",
    "Scored",
    "SplitAgain",
    "Stopped",
    "StoredAnswer",
    "Usage",
    "Verdicts",
    "Verification",
    "Worker",
    "answers",
    "claim",
    "claim_candidate",
    "count_claimed",
    "end_runs",
    "fail",
    "finish_generate",
    "finish_score",
    "finish_submitted",
    "finish_verify",
    "fold_counts",
    "free_expired",
    "free_lost_messages",
    "free_of_process",
    "give_back",
    "hold",
    "hold_submission",
    "known_candidates",
    "learned_of",
    "move_counting",
    "open_queues",
    "parked",
    "record_verdicts",
    "refuse",
    "refuse_run",
    "renew",
    "still_held",
    "stop_runs",
    "submit",
    "take_for_publishing",
    "unpublish",
    "unwanted_submissions",
    "wait_for_submission",
]
