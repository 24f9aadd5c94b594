"""How a worker leaves. With 0 only where it was told to go: whatever else ended is started again."""

import logging
import os
import sys
from enum import IntEnum


class Exit(IntEnum):
    """Exit codes of workers, beside 1 and 2 of errors that are told (cli/errors.py)."""

    told = 0
    engine_died = 70
    loop_ended = 71
    """Celery's loop ended by itself, on an error from which it does not recover."""
    stood_still = 72
    """Celery's loop no longer ran."""
    deaf = 73
    """Messages waited and none was taken though there was room."""
    another_database = 74
    another_schema = 75
    """The schema of its database was migrated past its code, or is not the one it began with."""


def leave(code: int) -> None:
    """End this process for good: no thread of an engine or a pool may keep it."""
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
