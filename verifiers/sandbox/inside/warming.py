"""What is done once in a supervisor so that its tests do less: each page that one of them writes to is copied for it.

None of it can be seen by a program: caches of the interpreter are filled, and its free memory is put together.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable
from types import CodeType, ModuleType
from typing import Any

_LARGEST = 512  # of an object in the interpreter's own pools, in steps of 16
_POOL, _POOL_HEADER = 1 << 14, 48
_BYTES_HEADER = sys.getsizeof(b"")
_MOST = 1 << 12  # objects of one size
_SAMPLE = b"""
a, b = map(int, input().split())
print(a + b)
def twice(values):
    return [2 * value for value in values]
print(*twice(range(a)))
"""
_TIMES = 3  # after which the interpreter has filled its caches

_kept: list[object] = []


def rehearse(execute: Callable[[CodeType, dict[str, Any]], None], path: str) -> None:
    """Run what programs look like, on the standard streams as they are: their input and output are a file and a pipe.

    The types' caches of names, and what the compiler makes on first use, are filled and copied by nobody any more.
    """
    read, write = os.pipe()
    os.write(0, b"1 2\n" * _TIMES)
    os.lseek(0, 0, os.SEEK_SET)
    for place in (1, 2):
        os.dup2(write, place)
    for _ in range(_TIMES):
        execute(compile(_SAMPLE, path, "exec", dont_inherit=True), vars(ModuleType("__main__")))
        sys.stdout.flush()
        sys.stderr.flush()
        gc.collect()
    os.ftruncate(0, 0)
    os.lseek(0, 0, os.SEEK_SET)
    for fd in (read, write):
        os.close(fd)


def look_up_names(modules: list[ModuleType]) -> None:
    """Look up on a module, once, what the functions of these modules look up there."""
    for module in modules:
        for function in vars(module).values():
            for name in getattr(getattr(function, "__code__", None), "co_names", ()):
                getattr(os, name, None)


def fill_pools() -> None:
    """Use up the free places between the objects there are: a test's own objects will then lie side by side."""
    for size in range(16, _LARGEST + 1, 16):
        for _ in range(_MOST):
            one = _object_of(size)
            _kept.append(one)
            if id(one) % _POOL == _POOL_HEADER:  # the first one of its pool
                break


def _object_of(size: int) -> object:
    if size == 16:
        return object()
    return complex(size, 1) if size == 32 else bytes(size - _BYTES_HEADER)
