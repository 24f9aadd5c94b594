"""A stand-in for a Kimina Lean Server, which answers as a test says."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

from verifiers.proofs import configure

Answer = Callable[[dict[str, Any]], tuple[int, str]]


@contextmanager
def stand_in() -> Iterator[Callable[[Answer], None]]:
    """A server; each call of what it yields tells it what to answer, and makes it the back end."""
    told: list[Answer] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, body = told[-1](request)
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()

        def start(answer: Answer) -> None:
            told.append(answer)
            configure(kimina_url=f"http://127.0.0.1:{server.server_port}")

        yield start
        server.shutdown()


def messages(*told: tuple[str, int, str], stripped: int = 2, **more: object) -> Answer:
    """A reply with messages (severity, line, text); a line above 0 counts from our command, others from the last."""

    def answer(request: dict[str, Any]) -> tuple[int, str]:
        (snippet,) = request["snippets"]
        lines = snippet["code"].rstrip("\n").split("\n")
        command = next(index for index, line in enumerate(lines) if line.startswith("theorem"))
        places = [command + line if line > 0 else len(lines) + line for _, line, _ in told]
        listed = [
            {"severity": severity, "pos": {"line": place - stripped}, "data": data}
            for (severity, _, data), place in zip(told, places, strict=True)
        ]
        return 200, json.dumps({"results": [{"id": "proof", "response": {"messages": listed, **more}}]})

    return answer


AXIOMS = "'t' depends on axioms: [propext,\n Classical.choice,\n Quot.sound]"
