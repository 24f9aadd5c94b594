"""What this machine lacks to run programs, for whoever asks before anything is sampled."""

from functools import cache

from verifiers.errors import Unavailable
from verifiers.sandbox import best_level


@cache
def lacks_sandbox() -> str:
    """Why no program can be judged on this machine, in one sentence, or "". It starts a jail to find out, once."""
    try:
        best_level()
    except Unavailable as error:
        return str(error)
    return ""
