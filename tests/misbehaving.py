"""An OpenAI-compatible server that misbehaves as a test asks it to."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Asked = dict[str, Any]


@dataclass
class Answer:
    """What one request gets; `cut` ends the connection in the middle of the body."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False


def choices(asked: Asked, count: int | None = None, *, logprobs: bool = True) -> Answer:
    """An honest answer with so many choices, by default as many as were asked for."""
    count = asked.get("n", 1) if count is None else count
    each = {"text": " 7", "finish_reason": "stop"}
    if logprobs:
        each["logprobs"] = {"token_logprobs": [-0.5, -0.25], "tokens": [" ", "7"]}
    body = {
        "id": "1", "object": "text_completion", "created": 1, "model": "m",
        "choices": [{"index": place, **each} for place in range(count)],
        "usage": {"prompt_tokens": 5, "completion_tokens": 2 * count, "total_tokens": 5 + 2 * count},
    }  # fmt: skip
    return Answer(body=body)


def failure(status: int, message: str, **headers: str) -> Answer:
    """An error as OpenAI words it."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, {"error": {"message": message, "type": "invalid_request_error"}}, named)


@dataclass
class Server:
    """Where it listens, and what it was asked, in order."""

    url: str
    asked: list[Asked] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    most_at_once: int = 0


@contextmanager
def misbehaving(answer: Callable[[Asked], Answer], models: int = 200) -> Iterator[Server]:
    """A server on a free port whose completions are `answer`'s; `models` is the status of its list of models."""
    now = 0
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._give(Answer(models, {"object": "list", "data": []}))

        def do_POST(self) -> None:
            nonlocal now
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with lock:
                now += 1
                server.most_at_once = max(server.most_at_once, now)
                server.asked.append(asked)
                server.keys.append(self.headers["Authorization"])
            try:
                self._give(answer(asked))
            finally:
                with lock:
                    now -= 1

        def _give(self, answer: Answer) -> None:
            body = json.dumps(answer.body).encode()
            self.send_response(answer.status)
            self.send_header("Content-Type", "application/json")
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

        def handle_error(self, request: Any, client_address: Any) -> None:
            """A client that hangs up is part of the tests."""

    listening = Quiet(("127.0.0.1", 0), Handler)
    server = Server(f"http://127.0.0.1:{listening.server_port}/v1")
    thread = threading.Thread(target=listening.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        listening.shutdown()
        listening.server_close()
        thread.join()
