"""C++ and C compiled in the sandbox, by the first standard that takes a program.

Programs were written for whatever compiler their judge had. C++17 takes most. What it does not, C++20 may (ranges,
concepts, <=>), or an older standard (the names `byte`, `data` and `size` beside `using namespace std`, `throw(int)`,
`register`, `gets`), or C (a `void *` that becomes another pointer by itself). All of them are the GNU dialects, as
judges have them, with -O2 and ONLINE_JUDGE.

A compile error is the word of a compiler that ended by itself, or that took more than any program needs. One that was
ended otherwise said nothing: that is our failure, and no verdict.
"""

import re
from functools import lru_cache
from typing import NamedTuple

from verifiers.errors import InfrastructureError
from verifiers.outcome import Outcome
from verifiers.programs.lacks import NO_COMPILER, find_compiler
from verifiers.sandbox import MIB, Ended, Limits, Program, ProgramRun, TestResult, the_sandbox
from verifiers.sandbox.jail import PACKAGES
from verifiers.sandbox.result import HostKills
from verifiers.verifier import Judgement

STANDARDS = ("gnu++17", "gnu++20", "gnu++14", "gnu++11", "gnu++98", "gnu17")
"""In the order in which they are tried; the last is C's."""

HEADERS = f"{PACKAGES}/include"
"""Where a jail has precompiled headers, if they were made."""

_LIMITS = Limits(
    cpu_seconds=20, memory_bytes=1024 * MIB, file_bytes=64 * MIB, scratch_bytes=128 * MIB, output_bytes=MIB
)
_REASON = re.compile(r"\berror: |: undefined reference to |: multiple definition of ")
_OUT_OF_MEMORY = re.compile(
    rb"^(?!<stdin>:|In |/usr/include/).*(?:out of memory|memory exhausted|Cannot allocate memory|std::bad_alloc)", re.M
)
_TERMINATED = re.compile(rb"fatal error: (?:Killed|Terminated|Hangup|Interrupt) signal terminated program")
_ATTEMPTS = 3
_WAITS = re.compile(rb"/(?:dev|proc)/|\b(?:include|include_next|embed)\b(?!\s*[<\"])|\basm\b|__asm|__has_")
"""What a source needs to make its compiler wait: a file that is none, a name that is computed, or the assembler."""
_SPLICE = re.compile(rb"\\[ \t\v\f]*\n")


class Binary(NamedTuple):
    """An executable, and the standard that its source was compiled by."""

    code: bytes
    standard: str


@lru_cache(maxsize=64)
def compiled(source: str) -> Binary | Judgement:
    """The executable of a C++ or C source, once a process; a judgement where no standard takes it.

    The reason is that of the first standard. InfrastructureError where a compiler was kept from ending.
    """
    compiler = find_compiler()
    if compiler is None:
        raise InfrastructureError(NO_COMPILER)
    data = source.encode("utf-8", "replace")
    spent, reasons = 0.0, []
    for standard in STANDARDS:
        run = _run(_command(compiler, standard), data)
        result = run.results[0]
        if result.finished and result.artifact:
            return Binary(result.artifact, standard)
        spent += run.cpu_seconds
        reasons.append(_own_word(result))
        if reasons[-1] is None:  # another standard takes no less
            return Judgement(Outcome.compile_error, _limit(result, data), spent, run.facts)
    return Judgement(Outcome.compile_error, reasons[0] or "", spent, run.facts)


def _run(command: Program, source: bytes) -> ProgramRun:
    """Compile it, again where the compiler says that a signal ended it: what it says, a source can make it say.

    InfrastructureError where the host was out of memory meanwhile.
    """
    host = HostKills()
    for _ in range(_ATTEMPTS):
        run = the_sandbox().run(command, [source], _LIMITS)
        result = run.results[0]
        if result.finished or result.ended is not Ended.exited or not _TERMINATED.search(result.errors):
            break
        if run.facts["limits"] == "rlimit" and host.any_since():  # a group's own kills are known as its memory limit
            raise InfrastructureError("the compiler was ended since the host ran out of memory")
    return run


def _command(compiler: str, standard: str) -> Program:
    language = "c++" if "++" in standard else "c"
    rest = ("-I", HEADERS, "-x", language, "-", "-o", "program", "-lm")
    return Program("command", argv=(compiler, *compile_flags(standard), *rest), artifact="program")


def compile_flags(standard: str) -> tuple[str, ...]:
    """How programs of a standard are compiled; a header that was precompiled by the same ones is used instead."""
    return "-O2", "-w", "-DONLINE_JUDGE", f"-std={standard}"


def _own_word(result: TestResult) -> str | None:
    """What a compiler that ended by itself had against a program, in one line; None for one that was ended."""
    said = result.errors
    if result.ended is not Ended.exited or result.signal or _OUT_OF_MEMORY.search(said):
        return None
    lines = said.decode("utf-8", "replace").replace("\0", "�").strip().splitlines()
    if not lines:
        return f"exit code {result.exit_code}" if result.exit_code else "its executable is too large"
    return next((line for line in lines if _REASON.search(line)), lines[0]).strip()[:200]


def _limit(result: TestResult, source: bytes) -> str:
    """Which limit ended a compiler; InfrastructureError where it was none that the source is to blame for."""
    if result.ended is Ended.cpu_limit:
        return f"the compiler took more than {_LIMITS.cpu_seconds:g} CPU-seconds"
    if result.ended is Ended.memory_limit or _OUT_OF_MEMORY.search(result.errors):
        return f"the compiler took more than {_LIMITS.memory_bytes // MIB} MiB"
    if result.ended is Ended.output_limit:
        return "the compiler said more than it may"
    if result.ended is Ended.wall_limit and _WAITS.search(_SPLICE.sub(b"", source)):
        return "the compiler waited for a file that the program includes"
    raise InfrastructureError(
        f"the compiler was kept from ending ({result.ended.name.replace('_', ' ')}, signal {result.signal}) after "
        f"{result.cpu_seconds:.1f} CPU-seconds in {result.wall_seconds:.0f} s"
    )
