"""What stands on one side for the functions, methods, generators and coroutines of the other."""

from __future__ import annotations

import types
from typing import Any

from verifiers.sandbox.inside.stand_ins import Remote, number_of, peer


class Function(Remote):
    __slots__ = ()
    _held_on = False

    def __call__(self, *positional: Any, **keywords: Any) -> Any:
        return peer.ask("call", number_of(self), positional, keywords, hold=self._held_on)

    @property
    def __doc__(self) -> Any:  # type: ignore[override]
        return peer.ask("get", number_of(self), ("__doc__",))

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else types.MethodType(self, instance)

    def __repr__(self) -> str:
        return f"<function {self.__name__}>"


class Method(Function):
    """Stands for a method of an object, which may keep what it is given."""

    __slots__ = ()
    _held_on = True

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self


def generator(number: int) -> Any:
    """Stands for a generator: it goes on a step at a time."""
    what, argument = "next", None
    while True:
        try:
            more, value = peer.ask("step", number, (what, argument))
        except StopIteration:
            return None
        if not more:
            return value
        try:
            what, argument = "send", (yield value)
        except GeneratorExit:
            if not peer.gone:
                peer.ask("step", number, ("close", None))
            raise
        except Exception as error:
            what, argument = "throw", error


async def coroutine(number: int) -> Any:
    """Stands for a coroutine, which runs to its end when it is awaited."""
    return peer.ask("await", number)
