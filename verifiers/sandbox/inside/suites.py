"""Tests as benchmarks write them: a `check`, asserts, unittest's classes, pytest's functions and classes, doctests.

What a `check` or plain asserts say is all; where there is no `check`, what unittest, pytest or doctest would find is
run too. The first thing that fails ends it. Standard library only, Python 3.9 and later.
"""

from __future__ import annotations

import sys
import types
from opcode import opmap
from types import CodeType
from typing import Any

from verifiers.sandbox.inside.broken import Broken
from verifiers.sandbox.inside.stand_ins import Remote, peer


def code_of(tests: str) -> CodeType:
    """The tests compiled, as a doctest where they are no program but show a session."""
    try:
        return compile(tests, "tests.py", "exec", dont_inherit=True)
    except SyntaxError:
        if ">>>" not in tests:
            raise
    session = "import doctest\n_session = doctest.DocTestParser().get_doctest({!r}, globals(), 'tests', 'tests.py', 0)"
    lines = "\n".join(example.source for example in __import__("doctest").DocTestParser().get_examples(tests))
    return compile(session.format(tests) + f"\nif 0:\n{_indented(lines)}\n    pass", "tests.py", "exec")


def _indented(text: str) -> str:
    return "".join("    " + line + "\n" for line in text.splitlines())


def free_names(code: CodeType) -> set[str]:
    """What tests look up and nowhere make: their function under another name, other functions and classes."""
    loaded: set[str] = set()
    stored: set[str] = set()
    codes = [code]
    for each in codes:  # grows
        codes += [part for part in each.co_consts if isinstance(part, CodeType)]
        argument = 0
        for at in range(0, len(each.co_code), 2):
            op, argument = each.co_code[at], argument << 8 | each.co_code[at + 1]
            if op == opmap["LOAD_GLOBAL"]:
                loaded.add(each.co_names[argument >> (sys.version_info >= (3, 11))])
            elif op == opmap["LOAD_NAME"]:
                loaded.add(each.co_names[argument])
            elif op in (opmap["STORE_NAME"], opmap["STORE_GLOBAL"]):
                stored.add(each.co_names[argument])
            if op != opmap["EXTENDED_ARG"]:
                argument = 0
    return loaded - stored


def run_suites(code: CodeType, names: dict[str, Any], name: str, candidate: Any) -> None:
    """Run them; whatever fails raises."""
    try:
        exec(code, names)
    except SystemExit as end:  # of unittest.main()
        if end is peer.raised or end.code:
            raise
        return
    check = names.get("check", candidate)
    names[name] = candidate  # a function that is itself called check
    if check is not candidate:
        check(candidate)
        return
    if "_session" in names:
        _run_session(names["_session"])
    for each in [value for key, value in names.items() if not isinstance(value, Remote) and _is_test(key, value)]:
        _run_one(each)


def _is_test(name: str, value: Any) -> bool:
    unittest = sys.modules.get("unittest")
    if isinstance(value, type):
        return bool(unittest and issubclass(value, unittest.TestCase)) or name.startswith("Test")
    return isinstance(value, types.FunctionType) and name.startswith("test")


def _run_one(test: Any) -> None:
    unittest = sys.modules.get("unittest")
    if unittest and isinstance(test, type) and issubclass(test, unittest.TestCase):
        _run_case(test)
    elif isinstance(test, type):
        if not isinstance(test, type(Remote)) or "__init__" not in vars(test):
            _run_class(test)
    else:
        _call(test)


def _run_class(cls: type) -> None:
    """As pytest does: an instance for each of its tests."""
    for name in [name for name in dir(cls) if name.startswith("test")]:
        test = cls()
        _run_if_there(test, "setup_method")
        _call(getattr(test, name))
        _run_if_there(test, "teardown_method")


def _run_if_there(test: object, name: str) -> None:
    method = getattr(test, name, None)
    if method:
        method(*[None] * (method.__code__.co_argcount - 1))


def _call(test: Any) -> None:
    code, given = test.__code__, len(test.__defaults__ or ()) + isinstance(test, types.MethodType)
    needs = code.co_varnames[: code.co_argcount][isinstance(test, types.MethodType) :]
    if code.co_argcount > given:
        raise Broken(f"{test.__name__} needs fixtures: {', '.join(needs)}")
    result = test()
    if isinstance(result, types.CoroutineType):
        __import__("asyncio").run(result)


def _run_case(cls: Any) -> None:
    import unittest

    class First(unittest.TestResult):
        error: BaseException | None = None

        def addError(self, _: Any, err: Any) -> None:
            self.error = self.error or err[1]
            self.stop()

        addFailure = addError  # type: ignore[assignment]

        def addSubTest(self, test: Any, _: Any, err: Any) -> None:
            if err:
                self.addError(test, err)

        def addUnexpectedSuccess(self, test: Any) -> None:
            self.addError(test, (None, AssertionError("unexpected success"), None))

    result = First()
    unittest.defaultTestLoader.loadTestsFromTestCase(cls).run(result)
    if result.error is not None:
        raise result.error


def _run_session(session: Any) -> None:
    import doctest

    runner = doctest.DocTestRunner(verbose=False, optionflags=doctest.IGNORE_EXCEPTION_DETAIL * 0)
    said: list[str] = []
    if runner.run(session, out=said.append).failed:
        raise AssertionError("".join(said)[:200])
