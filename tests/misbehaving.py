"""An OpenAI-compatible server that misbehaves as a test asks it to, and one with a ledger of what it billed."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random
from typing import Any

Asked = dict[str, Any]


@dataclass
class Answer:
    """What one request gets: a body as JSON, or bytes as they are; `cut` ends the connection in the middle of it."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False
    kind: str = "application/json"


def choices(asked: Asked, count: int | None = None, *, logprobs: bool = True) -> Answer:
    """An honest answer with so many choices, by default as many as were asked for."""
    count = asked.get("n", 1) if count is None else count
    chat = "messages" in asked
    each: dict[str, Any] = {"message": {"content": " 7"}} if chat else {"text": " 7"}
    each["finish_reason"] = "stop"
    if logprobs:
        each["logprobs"] = _logprobs([-0.5, -0.25], chat=chat)
    body = {
        "id": "1", "object": "text_completion", "created": 1, "model": "m",
        "choices": [{"index": place, **each} for place in range(count)],
        "usage": {"prompt_tokens": 5, "completion_tokens": 2 * count, "total_tokens": 5 + 2 * count},
    }  # fmt: skip
    return Answer(body=body)


def _logprobs(values: list[float], *, chat: bool) -> dict[str, Any]:
    if chat:
        return {"content": [{"token": "7", "logprob": value} for value in values]}
    return {"token_logprobs": values, "tokens": ["7"] * len(values)}


def failure(status: int, message: str, param: str | None = None, code: str | None = None, **headers: str) -> Answer:
    """An error as OpenAI words it."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    error = {"message": message, "type": "invalid_request_error", "param": param, "code": code}
    return Answer(status, {"error": error}, named)


@dataclass
class Server:
    """Where it listens, and what it was asked, in order."""

    url: str
    asked: list[Asked] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    now: int = 0
    most_at_once: int = 0
    end: Callable[[], None] = lambda: None
    """Ends it before its time: whoever asks then finds nobody."""


@contextmanager
def misbehaving(answer: Callable[[Asked], Answer], models: int = 200) -> Iterator[Server]:
    """A server on a free port whose completions are `answer`'s; `models` is the status of its list of models."""
    lock = threading.Lock()
    open_connections: list[socket.socket] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            super().setup()
            open_connections.append(self.connection)

        def do_GET(self) -> None:
            self._give(Answer(models, {"object": "list", "data": []}))

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with lock:
                server.now += 1
                server.most_at_once = max(server.most_at_once, server.now)
                server.asked.append(asked)
                server.keys.append(self.headers["Authorization"])
            try:
                self._give(answer(asked))
            finally:
                with lock:
                    server.now -= 1

        def _give(self, answer: Answer) -> None:
            body = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.kind)
            self.send_header("Content-Length", str(len(body)))
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body[: len(body) // 2] if answer.cut else body)
            self.close_connection = answer.cut

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 200

        def handle_error(self, request: Any, client_address: Any) -> None:
            """A client that hangs up is part of the tests."""

    listening = Quiet(("127.0.0.1", 0), Handler)
    server = Server(f"http://127.0.0.1:{listening.server_port}/v1")
    thread = threading.Thread(target=lambda: listening.serve_forever(0.05), daemon=True)
    thread.start()

    def end() -> None:
        listening.shutdown()
        listening.server_close()
        for connection in open_connections:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # its client hung up already
        thread.join()

    server.end = end
    try:
        yield server
    finally:
        end()


@dataclass
class Ledger:
    """What a server billed: sums over some of its answers; of those that were cut off on their way only the number."""

    requests: int = 0
    prompt_tokens: int = 0
    cached_prompt_tokens: int = 0
    completion_tokens: int = 0
    thinking_tokens: int = 0
    cut: int = 0

    def add(self, *, cut: bool, **used: int) -> None:
        """Count one answer."""
        self.requests += 1
        self.cut += cut
        for name, count in used.items():
            setattr(self, name, getattr(self, name) + (0 if cut else count))


BILLED = ("prompt_tokens", "cached_prompt_tokens", "completion_tokens", "thinking_tokens")

REFUSALS: tuple[Callable[[str], Answer], ...] = (
    lambda name: failure(400, f"Unsupported parameter: '{name}' is not supported with this model.", param=name),
    lambda name: failure(400, f"{name} is not supported by this model"),
    lambda name: Answer(422, {"detail": [{"type": "extra_forbidden", "loc": ["body", name], "msg": "Extra inputs are "
                              "not permitted", "input": "the seed of n logprobs"}]}),
    lambda name: Answer(400, {"object": "error", "message": f"[{{'type': 'extra_forbidden', 'loc': ('body', '{name}'), "
                              f"'msg': 'Extra inputs are not permitted'}}]", "code": 400}),
    lambda name: Answer(400, f"Unrecognized request argument supplied: {name}"),
)  # fmt: skip
"""How OpenAI, a gateway, FastAPI, vLLM and a server of few words refuse a field."""


def refusal(asked: Asked, refused: Iterable[str], wording: int) -> Answer | None:
    """A server's no to the first of the refused fields that a request carries; None where it carries none."""
    for name in refused:
        if name == "n" and asked.get("n", 1) > 1:
            return failure(400, "n must be 1 for this model" if wording % 2 else "Number of choices: at most 1 allowed")
        if name == "max_tokens" and name in asked:
            said = "'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
            return failure(400, f"Unsupported parameter: {said}", param="max_tokens")
        if name != "n" and name in asked:
            return REFUSALS[wording % len(REFUSALS)](name)
    return None


@dataclass
class Billing:
    """A server that bills what it answers, refuses some fields, and fails by a seeded schedule.

    Each choice has 3 to 7 tokens, 2 of them thought, and says which answer it is of; of 11 prompt tokens 4 are cached.
    """

    refused: tuple[str, ...] = ()
    failures: float = 0.0
    """Share of requests that get a 429, 500, 503, a slow answer or one that is cut off."""
    ignored: tuple[str, ...] = ()
    seed: int = 0
    seconds: float = 0.0
    """How long each answer takes."""
    ledger: Ledger = field(default_factory=Ledger)
    answers: list[Ledger] = field(default_factory=list)
    """Each answer by itself."""
    by_prompt: dict[str, Ledger] = field(default_factory=dict)
    refusals: int = 0

    def __post_init__(self) -> None:
        self._random = Random(self.seed)
        self._lock = threading.Lock()

    def __call__(self, asked: Asked) -> Answer:
        with self._lock:
            fails = self._random.random() < self.failures
            passing = self._random.choice(("429", "500", "503", "slow", "cut")) if fails else ""
            wording = self._random.randrange(10)
            lengths = [self._random.randint(3, 7) for _ in range(1 if "n" in self.ignored else asked.get("n", 1))]
        time.sleep(0.2 if passing == "slow" else self.seconds)
        if passing in ("429", "500", "503"):
            return failure(int(passing), "not now", Retry_After="0.01")
        with self._lock:
            if (no := refusal(asked, self.refused, wording)) is not None:
                self.refusals += 1
                return no
            return self._billed(asked, lengths, cut=passing == "cut")

    def _billed(self, asked: Asked, lengths: list[int], *, cut: bool) -> Answer:
        used = dict(zip(BILLED, (11, 4, sum(lengths), 2 * len(lengths)), strict=True))
        number = len(self.answers)
        self.answers.append(Ledger())
        for ledger in (self.ledger, self.answers[-1], self.by_prompt.setdefault(str(asked.get("prompt")), Ledger())):
            ledger.add(cut=cut, **used)
        body = choices(asked, len(lengths), logprobs="logprobs" in asked and "logprobs" not in self.ignored).body
        for choice, length in zip(body["choices"], lengths, strict=True):
            if "logprobs" in choice:
                choice["logprobs"] = _logprobs([-0.5] * length, chat="messages" in asked)
            if "text" in choice:
                choice["text"] = f" 7 (answer {number})"
        body["usage"] = {
            "prompt_tokens": 11, "completion_tokens": sum(lengths),
            "prompt_tokens_details": {"cached_tokens": 4},
            "completion_tokens_details": {"reasoning_tokens": 2 * len(lengths)},
        }  # fmt: skip
        return Answer(200, body, cut=cut)
