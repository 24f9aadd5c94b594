"""What a verifier can say of a candidate."""

from enum import StrEnum


class Outcome(StrEnum):
    """An enum, never a bool: all but the last judge the sample, the last judges us."""

    correct = "correct"
    incorrect = "incorrect"
    no_answer = "no_answer"
    """Nothing in the text could be judged."""
    compile_error = "compile_error"
    runtime_error = "runtime_error"
    time_limit = "time_limit"
    memory_limit = "memory_limit"
    output_limit = "output_limit"
    infrastructure_error = "infrastructure_error"
    """We failed, not the sample: retried up to a limit, shown as undecided, never counted as incorrect."""
