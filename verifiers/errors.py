"""The errors that are not programming errors."""


class UserError(Exception):
    """A person's mistake: the message is one sentence that says what to do. The CLI prints it and nothing else."""

    exit_code = 2


class Unavailable(UserError):
    """Something a command needs does not answer or is full: the same one sentence, exit code 1."""

    exit_code = 1


class InfrastructureError(Exception):
    """Our own failure while judging (a dead sandbox, no Lean): it is retried and never counts against a sample."""


class JudgeAway(Exception):
    """What judging needs (a Docker daemon) does not answer: no candidate is to blame, and whoever asked may wait."""


class JudgingStopped(Exception):
    """Judging was told to stop before it came to an end: the candidate is to be judged later."""
