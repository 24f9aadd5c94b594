"""What this machine lacks to run programs, for whoever asks before anything is sampled."""

import shutil
from functools import cache

from verifiers.errors import Unavailable
from verifiers.sandbox import best_level

NO_COMPILER = "There is no g++ below /usr: install it, as by `apt-get install g++`."


@cache
def lacks_sandbox() -> str:
    """Why no program can be judged on this machine, in one sentence, or "". It starts a jail to find out, once."""
    try:
        best_level()
    except Unavailable as error:
        return str(error)
    return ""


def find_compiler() -> str | None:
    """The C++ compiler that a jail can see."""
    return shutil.which("g++", path="/usr/bin:/usr/local/bin")


def lacks_compiler() -> str:
    """The same of programs in C++."""
    return lacks_sandbox() if find_compiler() else NO_COMPILER
