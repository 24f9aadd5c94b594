"""What a provider's batch API says, read warily: a batch, its errors, the lines of its files."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

LONGEST_LINE = 32_000_000
"""Bytes of one answer; a longer line is none."""

OVER = ("completed", "expired", "failed", "cancelled", "canceled", "error")
"""Statuses after which nothing changes any more."""

TOO_MANY = ("token_limit_exceeded", "enqueued", "request_limit_exceeded")
"""What a provider says, somewhere in its words, that only has too much to do for us already."""


class ProviderAway(Exception):
    """The provider did not answer, or not now: the message is a sentence, and the same is asked again later."""


@dataclass(frozen=True)
class ProviderBatch:
    """A batch at the provider."""

    id: str
    status: str
    """In small letters: validating, in_progress, finalizing, completed, expired, failed, cancelling, cancelled."""
    files: tuple[str, ...]
    """Ids of the files of answers and of errors, those that there are."""
    error: str
    """What went wrong with it as a whole."""

    @property
    def over(self) -> bool:
        """Whether nothing changes any more."""
        return self.status in OVER

    @property
    def too_many(self) -> bool:
        """Whether the provider would only not take so much at a time."""
        return self.status == "failed" and any(word in self.error.lower() for word in TOO_MANY)


def whole_lines(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Lines of a stream; ones that are too long are left out, a last one without an end is not."""
    line, dropped = bytearray(), False
    while True:
        try:
            chunk = next(chunks, None)
        except Exception as error:  # of the transport below the client, which lets its errors through here
            raise ProviderAway(f"the answers broke off ({type(error).__name__}: {error})") from error
        if chunk is None:
            break
        first, *rest = chunk.split(b"\n")
        line += first
        for part in rest:
            if not dropped:
                yield bytes(line)
            line, dropped = bytearray(part), False
        if len(line) > LONGEST_LINE:
            line, dropped = bytearray(), True
    if line and not dropped:
        yield bytes(line)


def read_job(answer: Mapping[str, Any]) -> ProviderBatch:
    files = (answer.get("output_file_id"), answer.get("error_file_id"))
    return ProviderBatch(
        id=read_id(answer),
        status=_word(answer.get("status")).lower() or "unknown",
        files=tuple(filter(None, map(_word, files))),
        error=_whole_error(answer.get("errors") or answer.get("error")),
    )


def _whole_error(errors: Any) -> str:
    """What a provider says of a batch as a whole: a text, or a list of codes and messages."""
    entries = errors.get("data") if isinstance(errors, dict) and "data" in errors else errors
    entries = entries if isinstance(entries, list) else [entries] if entries else []
    said = [
        " ".join(str(each[name]) for name in ("code", "message") if each.get(name)) if isinstance(each, dict) else each
        for each in entries[:3]
    ]
    return "; ".join(" ".join(str(each).split())[:300] for each in said)


def read_id(answer: Mapping[str, Any]) -> str:
    found = _word(answer.get("id"))
    if not found:
        raise ProviderAway("the endpoint answered without an id")
    return found


def _word(value: Any) -> str:
    """A short text without a space or control character, such as an id; else nothing."""
    return value if isinstance(value, str) and re.fullmatch(r"[!-~]{1,500}", value) else ""


def unix_seconds(time: Any) -> float | None:
    """A time as Unix seconds or as ISO 8601, in Unix seconds; None where it is neither."""
    if isinstance(time, int | float):
        return float(time)
    try:
        return datetime.fromisoformat(time).timestamp()
    except (TypeError, ValueError):
        return None
