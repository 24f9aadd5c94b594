"""Unit tests in one jail, the candidate in another: calls go over, data and stand-ins come back, the tests compare."""

from __future__ import annotations

import builtins
import os
import sys
from types import CodeType, ModuleType
from typing import Any, NoReturn

from verifiers.sandbox.inside import crossing, stand_ins
from verifiers.sandbox.inside.broken import OURS, THEIRS, Broken
from verifiers.sandbox.inside.callables import Function
from verifiers.sandbox.inside.codec import decode
from verifiers.sandbox.inside.describing import describe
from verifiers.sandbox.inside.frames import write_all
from verifiers.sandbox.inside.stand_ins import RemoteClass, peer

_MOST_DIGITS = 100_000  # of a number in a test's text
_MOST_PRINTED = 4 << 20  # by all calls: what the pipe may hold too
_LOOKS = ("stdout", "capsys", "capfd", ">>>")  # in tests that look at what is printed
_DEEPEST = 20_000  # calls within calls where the tests run


def serve(names: dict[str, Any]) -> None:
    """The candidate's side: answer calls until the tests hang up."""
    stand_ins.trusting = True
    peer.describe, peer.resolve, peer.perform = describe, crossing.resolve, crossing.perform
    crossing.answer_names(names, _collect)
    peer.serve()


def _collect() -> None:
    peer.printed = _Printed().take


class _Printed:
    """What the candidate prints during calls, however it does: standard output is a file meanwhile."""

    def __init__(self) -> None:
        sys.stdout.flush()
        self.real = os.dup(1)
        self.file = os.open("/tmp", os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC)
        os.dup2(self.file, 1)
        self.size = 0

    def take(self) -> str:
        """What came since; too much of it goes where it is found to be too much."""
        try:
            sys.stdout.flush()
        except (OSError, ValueError, AttributeError):  # the file has its limit; it may be closed or no file
            pass
        size = os.lseek(self.file, 0, os.SEEK_CUR)
        if not size:
            return ""
        data = os.pread(self.file, size, 0)
        self.size += size
        if self.size > _MOST_PRINTED:
            write_all(self.real, bytes(_MOST_PRINTED + 1))
        os.lseek(self.file, 0, os.SEEK_SET)
        os.ftruncate(self.file, 0)
        return data.decode("utf-8", "replace")


def drive() -> NoReturn:
    """The tests' side: run them as the benchmark wrote them and write `passed`, `failed`, `raised`, `gone` or `broken`.

    Standard input holds (prelude, tests, name of the function). `broken` is the tests' own fault, or what can't cross.
    They may call `_differ` (evalplus.py). What they print is lost.
    """
    from verifiers.sandbox.inside.suites import (
        code_of,
        run_suites,
    )  # is there in the tests' jail, and no candidate pays for it

    prelude, tests, name = decode(sys.stdin.buffer.read())
    verdict, detail = "broken", ""
    _prepare()
    try:
        names = _names_of(prelude)
        code = code_of(tests)
        run_suites(code, names, name, _find_names(code, tests, names, name))
        verdict, detail = ("passed", "") if peer.calls else ("broken", "they call nothing")
    except Broken as error:
        detail = str(error)
    except BaseException as error:
        detail = type(error).__name__
        if peer.calls:
            theirs = (error is peer.raised and not isinstance(error, AssertionError)) or _lacks_name(error)
            verdict = "raised" if theirs else "failed"
        else:
            detail += ": " + str(error)[:200]
    if peer.gone and verdict != "broken":
        verdict = "gone"
    write_all(1, (verdict + " " + detail).encode("utf-8", "replace"))
    os._exit(0)


def _prepare() -> None:
    """What tests find here that a program does not."""
    write_all(1, OURS)
    sys.stdout = open(os.devnull, "w")  # noqa: SIM115
    if hasattr(sys, "set_int_max_str_digits"):
        sys.set_int_max_str_digits(_MOST_DIGITS)
    sys.setrecursionlimit(_DEEPEST)
    peer.describe, peer.resolve, peer.perform = describe, crossing.resolve, crossing.perform
    peer.received, peer.refusal = crossing.received, Broken
    peer.first_call = lambda: write_all(1, THEIRS)


def _names_of(prelude: str) -> dict[str, Any]:
    """The names that tests find of the problem's own."""
    from verifiers.sandbox.inside.evalplus import differ

    main = ModuleType("__main__")
    sys.modules["__main__"] = main
    names = main.__dict__
    # MBPP's tests use math without importing it
    names.update(math=__import__("math"), _differ=differ)
    exec(compile(prelude, "problem.py", "exec", dont_inherit=True), names)
    return names


def _find_names(code: CodeType, tests: str, names: dict[str, Any], name: str) -> Any:
    """Put the candidate's names where the tests look last, behind their own and the builtin ones; the function."""
    from verifiers.sandbox.inside.suites import free_names

    wanted = [each for each in sorted(free_names(code)) if each not in names and not hasattr(builtins, each)]
    wanted = [each for each in wanted if each != name and not _import(each, names)]
    classes = [each for each, value in names.items() if isinstance(value, type) and value.__module__ == "__main__"]
    looks = any(each in tests for each in _LOOKS)
    if not (wanted or classes or looks) and name[0] == name[0].lower():  # a function, nothing else: no need to ask
        names[name] = peer.stand_for(name, object.__new__(Function))
        return names[name]
    write_all(1, THEIRS)
    shared = peer.ask("share", None, (classes, looks))
    crossing.share_classes(names, [each for each in classes if each in shared or issubclass(names[each], Exception)])
    answered = peer.ask("names", None, ([name, *wanted],))
    found = {each: answered[each] for each in (name, *wanted) if each in answered}
    missing = [each for each in wanted if each not in found]
    peer.calls = bool(wanted)  # tests that look at a program's constants call nothing
    write_all(1, THEIRS if wanted else OURS)
    stand_ins.named.update(value for value in found.values() if isinstance(value, RemoteClass))
    names[name] = found.pop(name) if name in found else _missing(name)
    names["__builtins__"] = {**vars(builtins), **found}
    _absent.update(missing)
    return names[name]


def _import(name: str, names: dict[str, Any]) -> bool:
    """Give tests a module that they use and nowhere import: a program's own `math` would say what is close."""
    module = "numpy" if name == "np" else name
    if module not in getattr(sys, "stdlib_module_names", ()) and module != "numpy":
        return False
    try:
        names[name] = __import__(module)
    except ImportError:
        return False
    return True


_absent: set[str] = set()
"""Names that tests use and the program has not."""


def _lacks_name(error: BaseException) -> bool:
    """Whether it says that a program has not what tests call."""
    return type(error) is NameError and any(repr(name) in str(error) for name in _absent)


def _missing(name: str) -> Any:
    def missing(*_: Any, **__: Any) -> Any:
        peer.calls += 1
        peer.raised = NameError(f"name {name!r} is not defined")
        raise peer.raised

    return missing
