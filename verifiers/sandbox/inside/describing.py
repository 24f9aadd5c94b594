"""What is not plain, as its owner describes it to the other side: by a number, with what its class is and can do."""

from __future__ import annotations

import builtins
import types
from typing import Any

from verifiers.sandbox.inside import stand_ins
from verifiers.sandbox.inside.codec import Parts
from verifiers.sandbox.inside.kinds import KINDS, plain_base
from verifiers.sandbox.inside.stand_ins import MUTABLE_BASES, SPECIALS, peer

FUNCTIONS = (types.FunctionType, types.BuiltinFunctionType, types.MethodDescriptorType, types.WrapperDescriptorType)
_NEVER = (types.ModuleType, types.FrameType, types.CodeType, types.TracebackType)
VALUED = (int, float, str, bytes, complex, tuple, frozenset)
MOST_TEXT = 100_000


def describe(value: Any) -> Parts:
    """An object of this side, or of the other."""
    number = peer.their_numbers.get(id(value))
    if number is not None:
        return Parts(("yours", number))
    if isinstance(value, type):
        return _describe_class(value)
    if type(value) is _Kept:
        return _describe_new_class(value.cls, value)
    if stand_ins.trusting:
        if type(value) is memoryview:
            return Parts(("bytes", value.tobytes()))
    else:
        if isinstance(value, _NEVER):
            raise TypeError(f"the tests hand the program a {type(value).__name__}")
        if type(value) is types.BuiltinFunctionType and isinstance(value.__self__, types.ModuleType):
            return Parts(("builtin", value.__self__.__name__, value.__name__))
    cls = type(value)
    base = plain_base(cls)
    if base and base not in MUTABLE_BASES and base not in VALUED:  # a date of a class of its own, say
        return Parts(("held", plain_value(value, base)))
    number, new = peer.export(value)
    if not new:
        return Parts(("mine", number))
    if issubclass(cls, FUNCTIONS):
        return Parts(("function", number))
    if issubclass(cls, types.MethodType):
        return Parts(("method", number))
    if cls is types.GeneratorType:
        return Parts(("generator", number))
    if cls is types.CoroutineType or (cls.__module__ == "builtins" and hasattr(cls, "__await__")):
        return Parts(("coroutine", number))
    if issubclass(cls, BaseException):
        return _describe_exception(number, value)
    kind = _class_of_builtins(cls) if _is_known(cls) and not base else cls
    return Parts(("object", number, kind, _hash_of(value, cls), plain_value(value, base) if base in VALUED else None))


def _is_known(cls: type) -> bool:
    """Whether both sides have that class under its name."""
    if cls.__module__ == "builtins":
        return getattr(builtins, cls.__qualname__, None) is cls
    return plain_base(cls) is cls


class _Kept:
    """A class of builtins, such as map, as that of an object: it gets a stand-in though both sides have it."""

    def __init__(self, cls: type) -> None:
        self.cls = cls


_kept: dict[type, _Kept] = {}


def _class_of_builtins(cls: type) -> _Kept:
    return _kept.setdefault(cls, _Kept(cls))


def _describe_class(cls: type) -> Parts:
    if _is_known(cls):
        return Parts(("known", cls.__module__, cls.__qualname__))
    for place, (record, _) in enumerate(peer.shared.records):
        if record is cls:
            return Parts(("record", place))
    return _describe_new_class(cls, cls)


def _describe_new_class(cls: type, key: object) -> Parts:
    number, new = peer.export(key)
    if not new:
        return Parts(("mine", number))
    peer.mine[number] = cls
    order = type.mro(cls)[:-1]
    specials = [name for name in SPECIALS if any(name in vars(base) for base in order)]
    if any("__hash__" in vars(base) for base in order) and cls.__hash__ is not None:
        specials.append("__hash__")
    bases = Parts(cls.__bases__)
    return Parts(("class", number, str(cls.__name__)[:200], str(cls.__module__)[:200], bases, Parts(specials)))


def _hash_of(value: Any, cls: type) -> int | None:
    own: Any = cls.__hash__
    if own in (None, object.__hash__):
        return None
    try:
        return hash(value)
    except Exception:
        return None


def plain_value(value: Any, base: type) -> Any:
    """The plain value that an object of a class derived from that base holds."""
    if base in (int, float, str, bytes, complex):
        new: Any = {int: int.__index__, float: float.__float__, str: str.__str__}.get(base)
        if base is complex:
            return complex(complex.real.__get__(value), complex.imag.__get__(value))
        return new(value) + new(base()) if new else bytes(memoryview(value))
    kind = KINDS[base]
    if kind.new:
        made = kind.new()
        kind.fill(made, kind.parts(value))  # type: ignore[misc]
        return made
    return kind.make(*kind.parts(value))  # type: ignore[misc]


def _describe_exception(number: int, error: BaseException) -> Parts:
    try:
        text = str(error)[:MOST_TEXT]
    except BaseException:
        text = ""
    args = BaseException.args.__get__(error)  # type: ignore[attr-defined]
    if not stand_ins.trusting:
        args = tuple(arg if type(arg) in (int, float, str, bool, bytes) else str(arg) for arg in args)
    state = dict(vars(error)) if stand_ins.trusting and type(error).__module__ == "builtins" else {}
    chain = (error.__cause__, error.__context__) if stand_ins.trusting else ()
    if not any(chain):
        chain = ()
    return Parts(("exception", number, type(error), Parts(args), text, state, *chain))
