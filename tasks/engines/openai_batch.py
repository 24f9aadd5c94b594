"""A provider's batch API as OpenAI shapes it: a file of requests goes up, files of answers come down, for half.

Nothing here is tried again by itself: whether a request that got no answer was taken up is found by looking.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from threading import Event
from typing import Any
from urllib.parse import urlsplit

import openai

from models.settings import settings
from tasks.engines import check_endpoint, endpoints_of, fields_of
from tasks.engines import openai_refusals as refusals
from tasks.engines import openai_wire as wire
from tasks.engines.engine import Account, Completion, EngineDead, Load, Request, RequestRefused
from tasks.engines.openai_answers import ProviderAway, ProviderBatch, read_id, read_job, unix_seconds, whole_lines
from tasks.engines.openai_refusals import Learned
from verifiers.errors import UserError

MOST_LINES = 50_000
"""Requests of a file: OpenAI's, Together's and Groq's limit alike."""

MOST_BYTES = 95_000_000
"""Bytes of a file: Together takes 100 MB, OpenAI and Groq 200."""

UNASKED: Learned = {"logprobs": None}
"""Left out unless they are to be kept: gigabytes in a file of answers, and no sample depends on them."""

TIMEOUT_SECONDS = 600.0

UPLOADS = {"together.xyz": ("/files/upload", "batch-api"), "together.ai": ("/files/upload", "batch-api")}
"""Last two parts of a provider's host -> where its files go up and for what purpose; elsewhere as at OpenAI."""

REFUSED = (400, 404, 405, 409, 413, 415, 422, 501)
"""Status codes of what is not worth asking again."""


class Provider:
    """One llm by the batch API of one endpoint."""

    name = "openai"
    seed: int | None = None
    gpus = 0
    sizes = None

    def __init__(self, llm: Load) -> None:
        self.version = openai.__version__
        self.capacity = MOST_LINES
        self.dead = Event()
        (self.url,) = endpoints_of(llm.engine_args)
        self._extra = fields_of(llm.engine_args)
        self._model = llm.name.partition(":")[2]
        self._key = settings().openai_api_key
        self._client = openai.OpenAI(
            base_url=check_endpoint(self.url), api_key=self._key or "none", max_retries=0, timeout=TIMEOUT_SECONDS
        )
        host = ".".join((urlsplit(self.url).hostname or "").split(".")[-2:])
        self._upload_path, self._purpose = UPLOADS.get(host, ("/files", "batch"))
        try:
            self._greet()
        except UserError:
            self.close()
            raise

    def _greet(self) -> None:
        """Ask for batches, to learn before any work is taken of a wrong address or key, or of no such API."""
        try:
            self._get("/batches", limit=1)
        except EngineDead as error:
            raise UserError(str(error)) from error
        except RequestRefused as error:
            raise UserError(f"The endpoint {self.url} has no batch API ({error}); enqueue without --batch.") from error
        except ProviderAway as error:
            raise UserError(f"{error}; see --endpoint.") from error

    def line(self, custom_id: str, request: Request, learned: Learned) -> str:
        """A request for one sample as a line of a file, fitted to the provider."""
        body = self._body(request, learned)
        line = {"custom_id": custom_id, "method": "POST", "url": "/v1" + wire.path(request), "body": body}
        return json.dumps(line, ensure_ascii=False) + "\n"

    def _body(self, request: Request, learned: Learned) -> dict[str, Any]:
        seed = None if request.seeds is None else request.seeds[0]
        whole = wire.body(self._model, request, 1, seed, self._extra)
        return refusals.fitted(whole, UNASKED | learned, request.sampling)

    def lesson(self, error: str, request: Request, learned: Learned) -> Learned:
        """What a refused line teaches of the others: a field to leave out or to call otherwise; nothing of most."""
        body = self._body(request, learned)
        return refusals.change(refusals.read(error, body), body, request.sampling) or {}

    def left_out(self, request: Request, learned: Learned) -> frozenset[str]:
        """Settings that a request goes without."""
        body = self._body(request, learned)
        whole = wire.body(self._model, request, 1, None, self._extra)
        return frozenset(
            name for name, use in (UNASKED | learned).items() if use is None and name in whole.keys() - body
        )

    def find_file(self, name: str, since: datetime) -> str | None:
        """The id of a file by its name, of those that came since; None where there is none."""
        found = self._newest("/files", since, purpose=self._purpose, order="desc")
        return next((read_id(each) for each in found if each.get("filename") == name), None)

    def upload(self, name: str, file: Path) -> str:
        """Send a file up; returns its id."""
        with file.open("rb") as content, self._asking():
            form = {"purpose": self._purpose, "file_name": name} if "upload" in self._upload_path else {
                "purpose": self._purpose}  # fmt: skip
            answer: Any = self._client.post(
                self._upload_path,
                cast_to=object,
                body=form,
                files={"file": (name, content, "application/jsonl")},
                options={"headers": {"Content-Type": "multipart/form-data"}},
            )
        return read_id(self._object(answer))

    def find_job(self, name: str, file: str, since: datetime) -> ProviderBatch | None:
        """The batch of a file, or of a submission's name, of those that came since; the oldest where there are two."""
        found = [
            each
            for each in self._newest("/batches", since)
            if each.get("input_file_id") == file or (each.get("metadata") or {}).get("submission") == name
        ]
        return read_job(min(found, key=lambda each: unix_seconds(each.get("created_at")) or 0)) if found else None

    def create(self, name: str, file: str, path: str) -> ProviderBatch:
        """Begin a batch: from here on it costs. Without an answer it may have begun."""
        body = {
            "input_file_id": file,
            "endpoint": "/v1" + path,
            "completion_window": "24h",
            "metadata": {"submission": name},
        }
        with self._asking():
            answer: Any = self._client.post("/batches", cast_to=object, body=body)
        answer = self._object(answer)
        return read_job(answer["job"] if isinstance(answer.get("job"), dict) else answer)

    def retrieve(self, job: str) -> ProviderBatch:
        """How far a batch is."""
        return read_job(self._object(self._get(f"/batches/{job}")))

    def cancel(self, job: str) -> None:
        """Ask the provider to go no further; what is done stays and is paid."""
        try:
            with self._asking():
                self._client.post(f"/batches/{job}/cancel", cast_to=object, body={})
        except RequestRefused:
            pass  # it is over already

    def answers(self, file: str) -> Iterator[Mapping[str, Any]]:
        """The lines of a file of answers that are JSON objects, as they come down."""
        with self._asking(), self._client.files.with_streaming_response.content(file) as response:
            for line in whole_lines(response.iter_bytes()):
                try:
                    value = json.loads(self._keyless(line.decode("utf-8", "replace")))
                except (ValueError, RecursionError):
                    continue
                if isinstance(value, dict):
                    yield value

    def completion(self, answer: Mapping[str, Any], request: Request, account: Account) -> Completion:
        """The sample of an answer, added to an account; ValueError where it holds none."""
        try:
            (sample,) = wire.completions(answer, request, 1, None if request.seeds is None else request.seeds[0])
            account.add(**wire.billed(answer))
        except (TypeError, AttributeError, LookupError) as error:
            raise ValueError(f"no completion ({type(error).__name__}: {error})") from error
        return sample

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _newest(self, path: str, since: datetime, **query: Any) -> Iterator[Mapping[str, Any]]:
        """What a list holds that came since, a page at a time."""
        seen: set[str] = set()
        while True:
            page = self._get(path, limit=100, **query)
            entries = page if isinstance(page, list) else self._object(page).get("data")
            new = [each for each in entries or [] if isinstance(each, dict) and read_id(each) not in seen]
            yield from new
            seen.update(read_id(each) for each in new)
            times = [unix_seconds(each.get("created_at")) or float("inf") for each in new]
            newest_first = all(a >= b for a, b in pairwise(times))
            past = newest_first and bool(times) and times[-1] < since.timestamp()
            if not new or past or isinstance(page, list) or not page.get("has_more"):
                return
            query["after"] = read_id(new[-1])

    def _get(self, path: str, **query: Any) -> Any:
        with self._asking():
            return self._client.get(path, cast_to=object, options={"params": query})

    def _object(self, answer: Any) -> Mapping[str, Any]:
        if not isinstance(answer, dict):
            raise ProviderAway(f"The endpoint {self.url} answered with no JSON object")
        return answer

    @contextmanager
    def _asking(self) -> Iterator[None]:
        """What goes wrong with a request, as one of three: the key, the request, or the moment."""
        try:
            yield
        except (openai.AuthenticationError, openai.PermissionDeniedError) as error:
            said = self._harmless(error)
            raise EngineDead(
                f"The endpoint {self.url} refuses the key ({said}); set OPENAI_API_KEY where this worker starts."
            ) from error
        except openai.APIStatusError as error:
            if error.status_code in REFUSED:
                raise RequestRefused(self._harmless(error)) from error
            raise ProviderAway(f"The endpoint {self.url} cannot now: {self._harmless(error)}") from error
        except (openai.APIError, ValueError) as error:
            cause = self._harmless(error.__cause__ or error)
            raise ProviderAway(f"The endpoint {self.url} does not answer ({cause})") from error

    def _harmless(self, error: BaseException) -> str:
        """What was said, on one line and without the key, which some repeat."""
        said = "".join(each if each.isprintable() else "\ufffd" for each in " ".join(str(error).split())[:500])
        return self._keyless(f"{type(error).__name__}: {said}")

    def _keyless(self, text: str) -> str:
        return text.replace(self._key, "(the key)") if self._key else text
