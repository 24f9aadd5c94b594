"""What this machine lacks to run programs, for whoever asks before anything is sampled."""

import ast
import re
import shutil
from collections.abc import Iterator
from functools import cache

from verifiers.errors import Unavailable
from verifiers.sandbox import best_level, find_packages, may_import

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


def lacks_numpy() -> str:
    """The same of tests that compare by numpy's rules."""
    return lacks_sandbox() or ("" if may_import("numpy") else _cannot_import("numpy"))


def lacks_imports(tests: str) -> str:
    """Which package Python tests need that programs here cannot import, in one sentence, or ""."""
    said = re.findall(r"^[ \t]*(?:import[ \t]+(\w+)|from[ \t]+(\w+)[\w.]*[ \t]+import\b)", tests, re.MULTILINE)
    unknown = {one or other for one, other in said if not may_import(one or other)}
    if not unknown:
        return ""
    try:
        needed = set(_imported(ast.parse(tests)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ""
    return next((_cannot_import(name) for name in sorted(needed & unknown)), "")


def _imported(tree: ast.AST) -> Iterator[str]:
    """Top-level modules that code imports and does not go on without."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]
        elif not (isinstance(node, ast.Try) and node.handlers):
            yield from _imported(node)


def _cannot_import(name: str) -> str:
    lack = find_packages().lack or f"Tests may import {find_packages().told}, and what --packages names."
    return f"The tests import {name}, which is not here. {lack}"
