"""One side of the conversation between a candidate and its tests: asks, answers, and what both sides hold.

A message is ("?", a request) or ("=", a value) or ("!", an exception), with the changes of the containers that both
sides hold and what was printed. A request is (what to do, number of the object or None, arguments, named arguments,
whether containers are held on). While one side waits for an answer it answers the other's requests.
"""

from __future__ import annotations

import os
import struct
import sys
import time
from _thread import RLock
from collections.abc import Callable
from typing import Any

from verifiers.sandbox.inside.broken import Broken
from verifiers.sandbox.inside.codec import MOST_BYTES, Parts, Shared, TooLarge, decode, encode
from verifiers.sandbox.inside.frames import write_all

_INCOMING, _OUTGOING = 3, 4  # descriptors, on both sides
_MOST_HELD = 256  # containers, between calls


class Gone(BaseException):
    """The other side has ended, or no longer says anything sensible."""


class Peer:
    """One side. `crossing` describes its objects and resolves the other's, `perform` does what the other asks.

    Containers are held in common while a call lasts; those that objects took or gave as long as there are few.
    """

    def __init__(self) -> None:
        self.shared = Shared()
        self.mine: list[Any] = []
        self.numbers: dict[int, int] = {}  # of mine, by identity
        self.theirs: dict[Any, Any] = {}
        self.their_numbers: dict[int, Any] = {}  # of what stands for theirs, by identity
        self.depth = 0
        self._unread = bytearray()
        self._lock = RLock()
        self.gone = False
        self.calls = 0
        self.spent = 0.0  # CPU seconds of this side while it asked
        self.raised: BaseException | None = None  # the last exception that came
        self.refusal: type[BaseException] = TooLarge  # of a value of this side that can't cross
        self.describe: Callable[[Any], Any]
        self.resolve: Callable[[Any], Any]
        self.perform: Callable[..., Any]
        self.first_call: Callable[[], object] = str
        self.printed: Callable[[], str] = str
        self.received: Callable[[BaseException, str, Any], BaseException] = lambda error, *_: error

    def export(self, value: Any) -> tuple[int, bool]:
        """The number of one of this side's objects, and whether it is new to the other side."""
        number = self.numbers.get(id(value))
        if number is not None:
            return number, False
        self.numbers[id(value)] = len(self.mine)
        self.mine.append(value)
        return len(self.mine) - 1, True

    def stand_for(self, number: Any, value: Any) -> Any:
        """Remember what stands for the other side's object of that number."""
        self.theirs[number] = value
        self.their_numbers[id(value)] = number
        return value

    def ask(self, what: str, number: Any, positional: Any = (), named: Any = None, hold: bool = False) -> Any:
        """The other side's value; raises the exception that came instead, Gone where there is no sensible answer."""
        with self._lock:  # threads of a program wait for each other here
            return self._ask(what, number, positional, named, hold)

    def _ask(self, what: str, number: Any, positional: Any, named: Any, hold: bool) -> Any:
        if self.gone:
            raise Gone
        if not self.calls:
            self.first_call()
        self.calls += 1
        self.depth += 1
        known, began = len(self.mine) + len(self.theirs), time.process_time()
        try:
            self._request(Parts((what, number, Parts(positional), named or None, hold)))
            sign, body = self._reply()
        finally:
            self._leave(hold, known)
            self.spent += time.process_time() - began
        if sign == "=":
            return body
        body = self.raised = self.received(body, what, positional)
        try:
            raise body
        finally:
            del body

    def _request(self, request: Parts) -> None:
        try:
            self._send("?", request)
        except OSError as error:
            self.gone = True
            raise Gone from error
        except (TooLarge, TypeError) as error:
            raise self.refusal(str(error)) from error

    def _reply(self) -> tuple[str, Any]:
        try:
            while True:
                sign, body = self._receive()
                if sign == "?":
                    self._answer(body)
                elif sign == "=" or isinstance(body, BaseException):
                    return sign, body
                else:
                    raise TooLarge("no exception")
        except (TooLarge, OSError, Gone) as error:
            self.gone = True
            raise Gone from error

    def serve(self) -> None:
        """Answer the other side's requests until it hangs up."""
        while True:
            try:
                sign, body = self._receive()
            except Gone:
                return
            if sign == "?":
                self.depth += 1
                known = len(self.mine) + len(self.theirs)
                try:
                    self._answer(body)
                finally:
                    self._leave(bool(body[4]), known)

    def _leave(self, hold: bool, known: int) -> None:
        """Forget what was held in common, unless an object that is now known may keep it."""
        self.depth -= 1
        if not self.depth:
            if (hold or len(self.mine) + len(self.theirs) > known) and len(self.shared.objects) <= _MOST_HELD:
                self.shared.remember()
            else:
                self.shared.forget()

    def _answer(self, request: Any) -> None:
        if type(request) is not tuple or len(request) != 5 or type(request[2]) is not tuple:
            raise TooLarge("not a request")
        self.shared.remember()
        try:
            sign, body = "=", self.perform(*request[:4])
        except (Broken, Gone):
            raise
        except BaseException as error:
            sign, body = "!", error
        try:
            self._send(sign, body)
        except (TypeError, TooLarge, RecursionError) as error:  # nothing of it was sent
            self._send("!", error if type(error) is RecursionError else TypeError(str(error)))

    def _send(self, sign: str, body: Any) -> None:
        counts = len(self.shared.objects), len(self.mine)
        try:
            data = encode(Parts((sign, body, self.shared.changes(), self.printed())), self.shared, self.describe)
        except BaseException:
            self.shared.forget(counts[0])
            self.numbers = {key: number for key, number in self.numbers.items() if number < counts[1]}
            del self.mine[counts[1] :]
            raise
        write_all(_OUTGOING, struct.pack("=I", len(data)) + data)

    def _receive(self) -> tuple[str, Any]:
        message = decode(self._read(), self.shared, self.resolve)
        if type(message) is not tuple or len(message) != 4 or type(message[2]) is not tuple:
            raise TooLarge("not a message")
        sign, body, changes, printed = message
        self.shared.apply(changes)
        if printed and type(printed) is str:
            sys.stdout.write(printed)
        self.shared.remember()
        return sign, body

    def _read(self) -> bytes:
        """The next message's bytes; Gone at the end of all."""
        data, size = self._unread, 0
        while True:
            if not size and len(data) >= 4:
                size = 4 + struct.unpack_from("=I", data)[0]
                if size > MOST_BYTES:
                    raise TooLarge("a message is too large")
            if size and len(data) >= size:
                break
            part = os.read(_INCOMING, max(size - len(data), 1 << 16))
            if not part:
                raise Gone
            data += part
        self._unread = data[size:]
        return bytes(data[4:size])
