"""Why vLLM did not start, in a line: its errors are long, and some only point at what its own process printed."""

import os
import re
import stat

LONGEST_REASON = 400

HEAD = re.compile(r"^\d+ validation errors? for \w+\s+")
"""What pydantic puts before a mistake in the configuration."""

TAIL = re.compile(
    r"\s*(\[type=\w+, input_value=|Supported architectures: |See https?://|To allow overriding this maximum"
    r"|Check your internet connection).*"
)
"""Where the rest is a list, an address, or about pydantic."""

PRINTED = re.compile(r"(?:^|[\s\]])((?:\w+\.)*\w*(?:Error|Exception|Interrupt|Exit): .+)$", re.MULTILINE)
"""The last line of a traceback, with or without a logger's words before it."""

POINTS = "Engine core initialization failed"
"""What stands for whatever ended the engine's process at its start."""

LOOKED_AT_BYTES = 200_000


def printed_so_far() -> int:
    """How much this process and its children wrote to standard error, where that is a file; else 0."""
    found = os.fstat(2)
    return found.st_size if stat.S_ISREG(found.st_mode) else 0


def in_a_line(error: BaseException, since: int) -> str:
    """Why an engine did not start. `since`: what had been printed when it began to (printed_so_far)."""
    said = str(error)
    if POINTS in said:
        printed = PRINTED.findall(_printed(since))
        said = next((each for each in reversed(printed) if POINTS not in each), said)
    said = TAIL.sub("", HEAD.sub("", " ".join(said.split())).removeprefix("Value error, "))
    return said[:LONGEST_REASON].rstrip(" .") or type(error).__name__


def _printed(since: int) -> str:
    """The end of what was written to standard error since then; nothing where it is no file."""
    size = printed_so_far()
    if size <= since:
        return ""
    with open("/proc/self/fd/2", "rb") as log:
        log.seek(max(since, size - LOOKED_AT_BYTES))
        return log.read().decode(errors="replace")
