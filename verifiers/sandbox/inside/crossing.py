"""What is not plain, as it is described (describing.py): resolved to what stands for it, and asked by the other side.

The tests' side gives its own objects out by their numbers. It is asked to call them, to go on with them, for their
public attributes and special methods, and for nothing that leads to a frame, a module or a function's names. It
resolves what the candidate says by tables of its own and runs nothing of it.
"""

from __future__ import annotations

import builtins
import copy
import sys
import types
from collections.abc import Callable
from typing import Any

from verifiers.sandbox.inside import stand_ins
from verifiers.sandbox.inside.callables import Function, Method, coroutine, generator
from verifiers.sandbox.inside.describing import FUNCTIONS, MOST_TEXT, VALUED, plain_value
from verifiers.sandbox.inside.kinds import MOST_RECORDS, plain_base, record_kind
from verifiers.sandbox.inside.peer import Gone
from verifiers.sandbox.inside.stand_ins import SPECIALS, Remote, RemoteClass, peer

_PLAIN_MODULES = ("collections", "array", "decimal", "fractions", "uuid", "datetime")
_ENDINGS = (StopIteration, StopAsyncIteration, GeneratorExit)
_OUTCOMES = ("unittest", "pytest", "_pytest", "verifiers")  # what their exceptions say of a test is not the program's


def resolve(parts: Any) -> Any:
    """What stands here for what the other side describes; ValueError, LookupError or TypeError where it is nothing."""
    what, rest = parts[0], parts[1:]
    return _RESOLVED[what](*rest)


def _mine(number: Any) -> Any:
    if type(number) is str and number in _names:
        return _names[number]
    if type(number) is str and stand_ins.trusting:
        raise NameError(f"name {number!r} is not defined")
    if type(number) is not int or number < 0:
        raise ValueError("no number")
    return peer.mine[number]


def _theirs(number: int) -> Any:
    return peer.theirs[number]


def _known(module: str, name: str) -> type:
    found = getattr(__import__(module) if module in _PLAIN_MODULES else builtins, name)
    if not isinstance(found, type):
        raise TypeError("not a class")
    return found


def _builtin(module: str, name: str) -> Any:
    if not stand_ins.trusting:
        raise ValueError("not from the candidate")
    return getattr(__import__(module, fromlist=[name]), name)


def _new(number: int, value: Any) -> Any:
    if type(number) is not int or number in peer.theirs:
        raise ValueError("no new number")
    return peer.stand_for(number, value)


def _class(number: int, name: str, module: str, bases: Any, specials: Any) -> type:
    if type(name) is not str or type(module) is not str or not all(isinstance(base, type) for base in bases):
        raise TypeError("not a class")
    found: Any = exceptions.get(name) if module == "__main__" else _imported_exception(module, name)
    found = found or stand_ins.make_class(name, module, tuple(bases), tuple(map(str, specials)))
    peer.theirs[number] = found
    if isinstance(found, RemoteClass):
        peer.stand_for(number, found)
    return found  # type: ignore[no-any-return]


exceptions: dict[str, type] = {}
"""Those that both sides define."""


def _imported_exception(module: str, name: str) -> type | None:
    found = getattr(sys.modules.get(module), name, None)
    if module.split(".")[0] in _OUTCOMES or not isinstance(found, type) or not issubclass(found, BaseException):
        return None
    return found


def _object(number: int, cls: type, hashed: Any, held: Any) -> Any:
    if not issubclass(cls, Remote) or not isinstance(cls, RemoteClass):
        raise TypeError("not one of theirs")
    data: Any = plain_base(cls)
    new: Any = object.__new__
    made = data.__new__(cls, held) if data in VALUED and type(held) is data else new(cls)  # type: ignore[call-overload]
    if type(hashed) is int:
        stand_ins.hashes[number] = hashed
    return _new(number, made)


def _exception(number: int, cls: type, args: Any, text: str, state: dict[str, Any], *chain: Any) -> Any:
    if not issubclass(cls, BaseException) or type(text) is not str:
        raise TypeError("no exception")
    try:
        made = cls(*args) if cls.__module__ == "builtins" else cls.__new__(cls, *args)
    except Exception:
        made = RuntimeError(text)
    BaseException.args.__set__(made, tuple(args))  # type: ignore[attr-defined]
    stand_ins.texts[number] = text
    for name, value in zip(("__cause__", "__context__"), chain):  # noqa: B905 (strict= came with Python 3.10)
        if isinstance(value, BaseException):
            setattr(made, name, value)
    if not isinstance(cls, RemoteClass):
        vars(made).update(
            {name: value for name, value in state.items() if name == "__notes__" or str(name)[:2] != "__"}
        )
    return _new(number, made)


def received(error: BaseException, what: str, positional: Any) -> BaseException:
    """An exception of the candidate's as it is raised in the tests: one that would end a loop of theirs does not."""
    may_end = what in ("step", "await") or (what == "special" and positional[0] in ("__next__", "__anext__"))
    if any(cls.__name__ == "CancelledError" for cls in type(error).__mro__):  # tasks and their groups pass over it
        return RuntimeError(f"CancelledError: {error}"[:MOST_TEXT])
    if isinstance(error, _ENDINGS) and not (may_end and not isinstance(error, GeneratorExit)):
        return RuntimeError(f"{type(error).__name__}: {error}"[:MOST_TEXT])
    return error


def _function(number: int) -> Any:
    return _new(number, object.__new__(Function))


_RESOLVED: dict[str, Callable[..., Any]] = {
    "yours": _mine,
    "mine": _theirs,
    "known": _known,
    "record": lambda place: peer.shared.records[place][0],
    "builtin": _builtin,
    "held": lambda value: value,
    "bytes": memoryview,
    "class": _class,
    "function": _function,
    "method": lambda number: _new(number, object.__new__(Method)),
    "generator": lambda number: _new(number, generator(number)),
    "coroutine": lambda number: _new(number, coroutine(number)),
    "object": _object,
    "exception": _exception,
}


def perform(what: str, number: Any, positional: tuple[Any, ...], keywords: dict[str, Any] | None) -> Any:
    """Do what the other side asks."""
    if number is None and stand_ins.trusting:
        return _PERFORMED[what](*positional)
    if not stand_ins.trusting:
        if type(number) is not int or not 0 <= number < len(peer.mine):
            raise Gone  # it asks for what nobody gave it
        _check(what, peer.mine[number], positional)
    value = _mine(number)
    if what == "call":
        return value(*positional, **(keywords or {}))
    if what == "special":
        return getattr(type(value), positional[0])(value, *positional[1:], **(keywords or {}))
    return _PERFORMED[what](value, *positional)


def _check(what: str, value: Any, positional: tuple[Any, ...]) -> None:
    """Whether the candidate may ask this of an object of the tests'."""
    name = positional[0] if positional else ""
    if what in ("get", "set", "del"):
        closed = (*FUNCTIONS, types.MethodType, types.GeneratorType, types.CoroutineType)
        if what == "get" and name in ("__name__", "__qualname__", "__doc__"):
            return
        if type(name) is not str or name.startswith("_") or isinstance(value, closed):
            raise AttributeError(f"the tests' {type(value).__name__} keeps {str(name)[:50]} to itself")
        if what != "get" and isinstance(value, type):
            raise TypeError("the tests' classes stay as they are")
    elif what == "special" and name not in SPECIALS:
        raise AttributeError(str(name)[:50])


def share_classes(names: dict[str, Any], wanted: list[str]) -> list[str]:
    """Take the classes of these names for those that both sides define; the names of those that can be."""
    shared = []
    for name in wanted[:MOST_RECORDS]:
        cls = names.get(name)
        if not isinstance(cls, type):
            continue
        if issubclass(cls, BaseException):
            exceptions[name] = cls
            continue
        kind = record_kind(cls, len(peer.shared.records))
        if kind:
            peer.shared.records.append((cls, kind))
            shared.append(name)
    return shared


def _step(value: Any, what: str, argument: Any) -> tuple[bool, Any]:
    try:
        if what == "next":
            return True, next(value)
        return (True, getattr(value, what)(argument)) if what != "close" else (False, value.close())
    except StopIteration as end:
        return False, end.value


_names: dict[str, Any] = {}
"""The program's."""
_loops: list[Any] = []


def _await(value: Any) -> Any:
    """Run a coroutine to its end, in one loop for all of them."""
    import asyncio

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        if not _loops:
            _loops.append(asyncio.new_event_loop())
        return _loops[0].run_until_complete(value)
    while True:  # a loop that runs cannot run another: no wait for anything but its own steps
        try:
            if value.send(None) is not None:
                raise RuntimeError("it waits for the event loop of the other side")
        except StopIteration as end:
            return end.value


def _apply(value: Any, what: str, *arguments: Any) -> Any:
    functions: dict[str, Callable[..., Any]] = {
        "iter": iter, "len": len, "getitem": lambda value, key: value[key], "copy": copy.copy,
        "deepcopy": copy.deepcopy, "dir": dir, "fields": lambda value: list(value.__dataclass_fields__),
    }  # fmt: skip
    return functions[what](value, *arguments)


def held(value: Any) -> Any:
    """What the other side compares by."""
    base = plain_base(type(value))
    if base is None:
        raise TypeError("it holds no plain value")
    return plain_value(value, base)


_PERFORMED: dict[str, Callable[..., Any]] = {
    "get": getattr, "set": setattr, "del": delattr, "held": held, "step": _step, "await": _await, "apply": _apply,
}  # fmt: skip


def answer_names(names: dict[str, Any], collect: Callable[[], None]) -> None:
    """Let the other side ask which classes of a program both have, whether or not they look at what is printed, and
    then for its names.
    """
    _names.update(names)

    def share(classes: list[str], printed: bool) -> list[str]:
        if printed:
            collect()
        return share_classes(names, classes)

    _PERFORMED["share"] = share
    _PERFORMED["names"] = lambda wanted: {name: names[name] for name in wanted if name in names}
