"""What stands on one side for the objects of the other: classes, and instances that ask for all they are asked.

Where the tests are, nothing of the candidate's ever runs and nothing that a test may expect goes over. So:

- an instance of a class derived from an immutable builtin (a named tuple, an IntEnum, a str) is that plain value, and
  one derived from a list, dict or set is compared as the plain value that it holds at that moment;
- any other object equals no plain value. Two objects of the candidate's are compared by the candidate, where their
  class defines how, else by identity;
- the candidate is asked for arithmetic with a plain value only by objects that the tests themselves made, by calling
  a class that they name. `answer - 0.5` of any other object is a TypeError, and a comparison of an object of a class
  that the tests name with a plain value, which that class would decide, is Broken: undecided;
- `in` looks at the items, unless the tests name the class.
"""

from __future__ import annotations

import operator
from collections import Counter, OrderedDict, defaultdict, deque
from typing import Any

from verifiers.sandbox.inside.broken import Broken
from verifiers.sandbox.inside.kinds import plain_base
from verifiers.sandbox.inside.peer import Peer

_ASKED = [
    "len", "iter", "next", "getitem", "setitem", "delitem", "reversed", "call", "bool", "str", "repr", "int",
    "float", "index", "complex", "abs", "neg", "pos", "invert", "round", "trunc", "floor", "ceil", "enter",
    "exit", "aenter", "aexit", "aiter", "anext", "format", "bytes", "contains",
]  # fmt: skip
_COMPARED = ["eq", "ne", "lt", "le", "gt", "ge"]
_OPERATORS = [
    "add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "and", "or", "xor", "lshift",
    "rshift", "divmod",
]  # fmt: skip
_COMPUTED = [before + name for name in _OPERATORS for before in ("", "r", "i")]
_OPEN_DUNDERS = {
    "__notes__",
    "__name__",
    "__qualname__",
    "__doc__",
    "__module__",
    "__wrapped__",
    "__annotations__",
    "__self__",
}
SPECIALS = {f"__{name}__" for name in (*_ASKED, *_COMPARED, *_COMPUTED)}
MUTABLE_BASES = (list, dict, set, bytearray, deque, Counter, OrderedDict, defaultdict)
peer = Peer()
"""This process's side."""
made_by_tests: set[int] = set()
"""The other side's objects, by their numbers, that came of calling a class that is named here."""
named: set[type] = set()
"""The other side's classes that are named here. On the candidate's side every class is."""
trusting = False
"""Whether this is the candidate's side, where the tests' objects may be asked anything."""


class RemoteClass(type):
    """The class of what stands for the other side's classes."""

    def __call__(cls, *positional: Any, **keywords: Any) -> Any:
        value = peer.ask("call", number_of(cls), positional, keywords, hold=True)
        if isinstance(value, Remote) and isinstance(value, cls):
            made_by_tests.add(number_of(value))
        return value

    def __getattr__(cls, name: str) -> Any:
        if name == "__dataclass_fields__":
            names = peer.ask("apply", number_of(cls), ("fields",))
            return __import__("dataclasses").make_dataclass("Fields", names).__dataclass_fields__
        _known_name(name, cls)
        return peer.ask("get", number_of(cls), (name,), hold=True)

    def __setattr__(cls, name: str, value: Any) -> None:
        if name.startswith("__"):
            type.__setattr__(cls, name, value)
        else:
            peer.ask("set", number_of(cls), (name, value), hold=True)

    def __iter__(cls) -> Any:
        return peer.ask("apply", number_of(cls), ("iter",))

    def __len__(cls) -> Any:
        return peer.ask("apply", number_of(cls), ("len",))

    def __bool__(cls) -> bool:
        return True

    def __getitem__(cls, key: Any) -> Any:
        return peer.ask("apply", number_of(cls), ("getitem", key))

    def __contains__(cls, item: Any) -> bool:
        return isinstance(item, cls) and item in list(cls)


class Remote:
    """The base of what stands for the other side's objects."""

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        if name == "__dataclass_fields__":
            return getattr(type(self), name)
        _known_name(name, type(self))
        return peer.ask("get", number_of(self), (name,), hold=True)

    def __setattr__(self, name: str, value: Any) -> None:
        if name.startswith("__"):
            object.__setattr__(self, name, value)
        else:
            peer.ask("set", number_of(self), (name, value), hold=True)

    def __delattr__(self, name: str) -> None:
        peer.ask("del", number_of(self), (name,), hold=True)

    def __copy__(self) -> Any:
        return peer.ask("apply", number_of(self), ("copy",))

    def __deepcopy__(self, _: Any) -> Any:
        return peer.ask("apply", number_of(self), ("deepcopy",))

    def __reduce_ex__(self, _: Any) -> Any:
        raise Broken(f"they pickle an object of the program's class {type(self).__name__}")

    def __dir__(self) -> Any:
        return peer.ask("apply", number_of(self), ("dir",))


def number_of(value: object) -> int:
    """Of what stands for one of the other side's objects; AttributeError of one that is being made."""
    number: Any = peer.their_numbers.get(id(value))
    if number is None:
        raise AttributeError("not yet an object")
    return number  # type: ignore[no-any-return]


def _known_name(name: str, cls: type) -> None:
    if name.startswith("__") and name.endswith("__") and name not in _OPEN_DUNDERS:
        raise AttributeError(f"{cls.__name__!r} has no {name}")


def _special(name: str) -> Any:
    def method(self: Any, *positional: Any, **keywords: Any) -> Any:
        if name == "__exit__" or name == "__aexit__":
            positional = (*positional[:2], None)  # a traceback stays where it is
        return peer.ask("special", number_of(self), (name, *positional), keywords, hold=True)

    return method


def _contains(self: Any, item: Any) -> Any:
    if trusting or _is_named(type(self)) or isinstance(item, Remote):
        return peer.ask("special", number_of(self), ("__contains__", item))
    return item in [*iter(self)]


def _computed(name: str) -> Any:
    def method(self: Any, *others: Any) -> Any:
        number = number_of(self)
        if not trusting and not all(isinstance(other, Remote) for other in others) and number not in made_by_tests:
            if not _is_named(type(self)):
                return NotImplemented
            raise Broken(f"they compute with a {type(self).__name__} of the program's and a plain value")
        value = peer.ask("special", number, (name, *others))
        if number in made_by_tests and isinstance(value, Remote):
            made_by_tests.add(number_of(value))
        return value

    return method


def _compared(name: str) -> Any:
    def method(self: Any, other: Any) -> Any:
        if trusting or isinstance(other, Remote):
            return peer.ask("special", number_of(self), (name, other))
        if other is not None and _is_named(type(self)):
            raise Broken(
                f"they compare a {type(self).__name__} of the program's with a plain value: only it could say how"
            )
        return NotImplemented

    return method


def _compared_as_held(name: str) -> Any:
    def method(self: Any, other: Any) -> Any:
        other = held(other) if isinstance(other, Remote) and isinstance(other, MUTABLE_BASES) else other
        mine = held(self)
        return getattr(type(mine), name)(mine, other)

    return method


def _computed_as_held(name: str) -> Any:
    def method(self: Any, other: Any) -> Any:
        if trusting or _is_named(type(self)) or number_of(self) in made_by_tests:
            return _computed(name)(self, other)
        mine = held(self)
        return getattr(operator, name)(mine, held(other) if isinstance(other, Remote) else other)

    return method


def held(value: Any) -> Any:
    """The plain value that the other side's object holds."""
    return peer.ask("held", number_of(value))


def _is_named(cls: type) -> bool:
    return any(base in named for base in cls.__mro__)


def make_class(name: str, module: str, bases: tuple[type, ...], specials: tuple[str, ...]) -> type:
    """What stands for a class: of these bases, where they can be bases together."""
    plain = next((each for base in bases for each in [plain_base(base)] if each), None)
    space: dict[str, Any] = {"__slots__": (), "__module__": module, "__qualname__": name}
    data = plain if plain and plain not in MUTABLE_BASES else None
    space.update(_methods(specials, data is not None))
    if plain and data is None:
        space.update({f"__{each}__": _compared_as_held(f"__{each}__") for each in _COMPARED})
        space.update({f"__{each}__": _computed_as_held(f"__{each}__") for each in _OPERATORS})
        space["__class__"] = property(lambda _: plain)
        space["__hash__"] = None
    shared = tuple(base for base in bases if base.__module__ == "__main__" and not isinstance(base, RemoteClass))
    if shared and not plain and not issubclass(shared[0], BaseException):
        family = type(name, shared, {})  # isinstance() asks for it; no code of these bases is to run for it
        space["__class__"] = property(lambda _: family)
    space["__dict__"] = property(lambda self: peer.ask("get", number_of(self), ("__dict__",)))
    if any(issubclass(base, BaseException) for base in bases):
        space["__str__"] = lambda self: texts.get(number_of(self), "")
    real = tuple(
        base for base in bases if isinstance(base, RemoteClass) or issubclass(base, BaseException) or base is data
    )
    if not any(issubclass(base, Remote) for base in real):
        real = (Remote, *real)
    for attempt in (real, (Remote, data) if data else (Remote,)):
        try:
            return RemoteClass(name, attempt, dict(space))
        except TypeError:
            continue
    raise TypeError("not a class")


def _methods(specials: tuple[str, ...], data: bool) -> dict[str, Any]:
    made = {}
    for special in specials:
        name = special[2:-2]
        if special not in SPECIALS or (data and name not in ("call", "str", "repr", "enter", "exit", "format")):
            continue
        if name in _COMPARED:
            made[special] = _compared(special)
        elif name in _COMPUTED:
            made[special] = _computed(special)
        else:
            made[special] = _contains if name == "contains" else _special(special)
    if "eq" in {each[2:-2] for each in specials} and not data:
        made["__hash__"] = None if "__hash__" not in specials else _hash
    return made


hashes: dict[int, int] = {}
"""Of the other side's objects whose class says how: as they were when they came."""


def _hash(self: Any) -> int:
    return hashes.get(number_of(self), 0)


texts: dict[int, str] = {}
"""What the other side's exceptions say."""
