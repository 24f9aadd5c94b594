"""The lines of a provider's answers, which may be any JSON: whose they are, and whether they hold a sample."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from models.storable import storable, storable_json
from tasks.engines import openai_wire as wire
from tasks.engines.engine import Request
from tasks.ledger import Answer
from verifiers.benchmarks.benchmark import Sampling

AT_A_TIME = 500
"""Answers that are stored in one transaction, unless they are long."""

LONG = 32_000_000
"""Characters of answers that are stored at a time, however few these are."""

WORTHLESS = range(400, 500)
"""Status codes of lines that are refused for what they are, except the two below."""

PASSING = (408, 409, 425, 429)

PROBE = Request("", "", 0, 1, Sampling(1.0, 1, token_logprobs=True))


def read_answers(lines: Iterable[Mapping[str, Any]]) -> Iterator[list[Answer]]:
    """Answers in parts, each sample at most once a part; what has no custom_id of ours is left out."""
    part: dict[tuple[int, int, int], Answer] = {}
    size = 0
    for line in lines:
        sample = _sample(line.get("custom_id"))
        if sample is None:
            continue
        answer = Answer(*sample, *_answer(line))
        if sample not in part or part[sample].answer is None:
            part[sample] = answer
        size += len(answer.answer or "")
        if len(part) == AT_A_TIME or size > LONG:
            yield list(part.values())
            part, size = {}, 0
    if part:
        yield list(part.values())


def _sample(custom_id: Any) -> tuple[int, int, int] | None:
    """Run, problem and sample index."""
    if not isinstance(custom_id, str) or not re.fullmatch(r"[0-9]{1,18}/[0-9]{1,18}/[0-9]{1,9}", custom_id):
        return None
    run, problem, index = custom_id.split("/")
    return int(run), int(problem), int(index)


def _answer(line: Mapping[str, Any]) -> tuple[str | None, str | None, bool]:
    """The answer as JSON, else why there is none and whether asking again is in vain."""
    response = line.get("response")
    body = response.get("body") if isinstance(response, dict) else None
    status = response.get("status_code") if isinstance(response, dict) else None
    if status == 200 and isinstance(body, dict) and not line.get("error"):
        return _storable(body)
    said = line.get("error") or (body.get("error") if isinstance(body, dict) else None) or body
    words = said.get("message") or said.get("code") if isinstance(said, dict) else said
    text = storable(" ".join(str(words or "no reason was given").split()))[:1_000]
    refused = isinstance(status, int) and status in WORTHLESS and status not in PASSING
    return None, text if status is None else f"{status} {text}", refused


def _storable(body: dict[str, Any]) -> tuple[str | None, str | None, bool]:
    """An answer as JSON that Postgres takes, where it holds a sample."""
    try:
        (_,) = wire.completions(body, PROBE, 1, None)
        wire.billed(body)
        return json.dumps(storable_json(body), allow_nan=False), None, False
    except (TypeError, AttributeError, LookupError, ValueError, RecursionError) as error:
        return None, f"its answer holds no sample ({type(error).__name__})", False
