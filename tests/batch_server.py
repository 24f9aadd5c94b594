"""A provider with a batch API, in memory, that does what a provider may do: by a schedule, or as a test asks it to."""

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random
from typing import Any
from urllib.parse import parse_qs, urlsplit

Json = dict[str, Any]


def answer_to(line: Json) -> Json:
    """An honest answer to a line: the sum that its prompt ends in, as its sample's index has it."""
    index = int(line["custom_id"].rpartition("/")[2])
    tokens = 3 + index % 5
    text = f" The answer is {index % 7}."
    choice: Json = {"index": 0, "finish_reason": "stop"}
    choice |= {"message": {"role": "assistant", "content": text}} if "messages" in line["body"] else {"text": text}
    usage = {"prompt_tokens": 11, "completion_tokens": tokens, "total_tokens": 11 + tokens}
    return {
        "id": "cmpl",
        "object": "text_completion",
        "model": line["body"]["model"],
        "choices": [choice],
        "usage": usage,
    }


def given(line: Json, body: Json, status: int = 200) -> Json:
    """A line of a file of answers."""
    response = {"status_code": status, "request_id": "r", "body": body}
    return {"id": "batch_req", "custom_id": line["custom_id"], "response": response, "error": None}


def refused(line: Json, status: int, message: str) -> Json:
    """A line of a file of errors, as OpenAI gives those."""
    return given(line, {"error": {"message": message, "type": "server_error"}}, status)


def not_done(line: Json, code: str) -> Json:
    """A line of a file of errors, of what was never tried."""
    error = {"code": code, "message": f"This request could not be executed: {code}."}
    return {"id": "batch_req", "custom_id": line["custom_id"], "response": None, "error": error}


@dataclass
class Outcome:
    """How a batch ends: its status, the lines of both files as JSON or raw text, and what is wrong with the whole."""

    status: str = "completed"
    output: list[Json | str] = field(default_factory=list)
    errors: list[Json | str] = field(default_factory=list)
    whole: list[Json] = field(default_factory=list)
    looks: int = 0
    """How often it is still in progress when it is asked for."""


def honest(lines: list[Json]) -> Outcome:
    """Every line answered, in another order."""
    return Outcome(output=[given(line, answer_to(line)) for line in reversed(lines)])


@dataclass
class BatchServer:
    """What the provider has and was asked; `end` says how a batch of these lines ends."""

    end: Callable[[list[Json]], Outcome] = honest
    mishap: Callable[[str], str | None] = lambda _: None
    """By `METHOD /path`: a status code refuses; `lost` does it and drops the connection; `dropped` only drops that."""
    pause: Callable[[], float] = lambda: 0.0
    """Seconds before an answer goes out, after what was asked is done."""
    url: str = ""
    files: dict[str, tuple[Json, bytes]] = field(default_factory=dict)
    batches: dict[str, tuple[Json, Outcome]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    submitted: Counter[str] = field(default_factory=Counter)
    """Lines of batches that were begun, by custom_id."""
    paid: Counter[str] = field(default_factory=Counter)
    """Lines that were answered with a sample, by custom_id: what a provider bills."""
    lock: threading.RLock = field(default_factory=threading.RLock)
    closing: ExitStack = field(default_factory=ExitStack)
    """What is to be closed when it ends: those that are connected to it."""

    def seen(self, beginning: str) -> int:
        """How often it was asked for what begins so."""
        return sum(asked.startswith(beginning) for asked in self.asked)

    def add_file(self, name: str, content: bytes, purpose: str) -> Json:
        entry = {
            "id": f"file-{len(self.files)}", "object": "file", "filename": name, "purpose": purpose,
            "bytes": len(content), "created_at": int(time.time()),
        }  # fmt: skip
        self.files[entry["id"]] = (entry, content)
        return entry

    def begin(self, asked: Json) -> Json:
        """A batch, whose end is settled, and paid for, at once."""
        content = self.files[asked["input_file_id"]][1]
        lines = [json.loads(line) for line in content.decode().splitlines()]
        assert all(line["url"] == asked["endpoint"] and line["method"] == "POST" for line in lines)
        self.submitted.update(line["custom_id"] for line in lines)
        outcome = self.end(lines)
        for line in outcome.output:
            if isinstance(line, dict) and (line.get("response") or {}).get("status_code") == 200:
                self.paid[line["custom_id"]] += 1
        batch = {
            "id": f"batch_{len(self.batches)}", "object": "batch", "endpoint": asked["endpoint"],
            "status": "validating", "input_file_id": asked["input_file_id"], "completion_window": "24h",
            "created_at": int(time.time()),
            "metadata": asked.get("metadata"), "output_file_id": None, "error_file_id": None, "errors": None,
        }  # fmt: skip
        self.batches[batch["id"]] = (batch, outcome)
        return batch

    def look(self, name: str) -> Json:
        """A batch as it is now."""
        batch, outcome = self.batches[name]
        if batch["status"] in ("validating", "in_progress"):
            outcome.looks -= 1
            batch["status"] = "in_progress"
            if outcome.looks < 0:
                self._over(batch, outcome)
        return batch

    def _over(self, batch: Json, outcome: Outcome) -> None:
        batch["status"] = outcome.status
        batch["errors"] = {"object": "list", "data": outcome.whole} if outcome.whole else None
        for name, lines in (("output_file_id", outcome.output), ("error_file_id", outcome.errors)):
            if lines:
                texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
                batch[name] = self.add_file(f"{batch['id']}.jsonl", "\n".join(texts).encode(), "batch_output")["id"]

    def cancel(self, name: str) -> Json:
        """No more of it: nothing of what was not over is given."""
        batch, outcome = self.batches[name]
        if batch["status"] in ("validating", "in_progress"):
            lines = [line for line in outcome.output if isinstance(line, dict)]
            self.paid.subtract(line["custom_id"] for line in lines)
            outcome.output, outcome.errors, outcome.status, outcome.looks = [], [], "cancelled", 0
        return batch


def scheduled(random: Random) -> tuple[Callable[[list[Json]], Outcome], Callable[[str], str | None]]:
    """Everything that may go wrong with a provider, in turns."""
    lock = threading.Lock()

    def end(lines: list[Json]) -> Outcome:
        with lock:
            outcome = Outcome(status=random.choice(["completed", "completed", "expired", "cancelled"]))
            outcome.looks = random.randrange(3)
            for line in lines:
                fate = random.random()
                if outcome.status != "completed" and fate < 0.4:
                    outcome.errors.append(not_done(line, f"batch_{outcome.status}"))
                elif fate < 0.05:
                    outcome.errors.append(refused(line, 500, "The server had an error"))
                elif fate < 0.10:
                    continue  # lost
                elif fate < 0.13:
                    outcome.output.append(json.dumps(given(line, answer_to(line)))[:40])  # cut short
                else:
                    outcome.output.append(given(line, answer_to(line)))
            random.shuffle(outcome.output)
            outcome.output += ["", "null", "[1]", '{"custom_id": "1/2/999999"}', '{"custom_id": 7}', '{"cust']
            return outcome

    def mishap(asked: str) -> str | None:
        with lock:
            chance = random.random()
            if asked == "POST /batches":
                return "lost" if chance < 0.3 else "429" if chance < 0.4 else "dropped" if chance < 0.5 else None
            return "lost" if chance < 0.05 else "500" if chance < 0.1 else "429" if chance < 0.15 else None

    return end, mishap


@contextmanager
def batch_server(**options: Any) -> Iterator[BatchServer]:
    """The provider on a free port."""
    server = BatchServer(**options)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            self._answer("GET")

        def do_POST(self) -> None:
            self._answer("POST")

        def _answer(self, method: str) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            path = urlsplit(self.path).path.removeprefix("/v1")
            with server.lock:
                server.asked.append(f"{method} {path}")
                mishap = server.mishap(f"{method} {path}")
                if mishap == "dropped":
                    return self._drop()
                if mishap not in (None, "lost"):
                    return self._give(int(mishap), {"error": {"message": "the test says so"}})
                try:
                    found = self._do(method, path, body)
                except KeyError:
                    return self._give(404, {"error": {"message": f"no {path}"}})
            time.sleep(server.pause())
            return self._drop() if mishap == "lost" else self._give(200, found)

        def _do(self, method: str, path: str, body: bytes) -> Json | bytes:
            parts = path.strip("/").split("/")
            match method, parts:
                case "POST", ["completions" | "chat", *_]:
                    return answer_to({"custom_id": "0/0/0", "body": json.loads(body)})
                case "GET", ["files"]:
                    return self._page([entry for entry, _ in server.files.values()])
                case "POST", ["files"]:
                    return self._upload(body)
                case "GET", ["files", name, "content"]:
                    return server.files[name][1]
                case "GET", ["batches"]:
                    return self._page([batch for batch, _ in server.batches.values()])
                case "POST", ["batches"]:
                    return server.begin(json.loads(body))
                case "GET", ["batches", name]:
                    return server.look(name)
                case "POST", ["batches", name, "cancel"]:
                    return server.cancel(name)
            raise KeyError(path)

        def _page(self, entries: list[Json]) -> Json:
            query = parse_qs(urlsplit(self.path).query)
            newest = entries[::-1]
            if "purpose" in query:
                newest = [each for each in newest if each["purpose"] == query["purpose"][0]]
            if "after" in query:
                newest = newest[[each["id"] for each in newest].index(query["after"][0]) + 1 :]
            limit = min(int(query.get("limit", ["20"])[0]), 3)  # so that there are many pages
            return {"object": "list", "data": newest[:limit], "has_more": len(newest) > limit}

        def _upload(self, body: bytes) -> Json:
            head = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
            parts: Any = BytesParser().parsebytes(head + body).get_payload()
            fields = {part.get_param("name", header="content-disposition"): part for part in parts}
            content = fields["file"].get_payload(decode=True)
            return server.add_file(fields["file"].get_filename(), content, fields["purpose"].get_payload())

        def _give(self, status: int, found: Json | bytes) -> None:
            body = found if isinstance(found, bytes) else json.dumps(found).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json" if isinstance(found, dict) else "application/jsonl")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def _drop(self) -> None:
            self.close_connection = True

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: Any, client_address: Any) -> None:
            """A client that hangs up is part of the tests."""

    listening = Quiet(("127.0.0.1", 0), Handler)
    server.url = f"http://127.0.0.1:{listening.server_port}/v1"
    thread = threading.Thread(target=listening.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.closing.close()
        listening.shutdown()
        listening.server_close()
        thread.join()
