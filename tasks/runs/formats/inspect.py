"""Inspect's logs: `.json` (one object with `samples`) and `.eval` (a zip with a file a sample).

Fields by src/inspect_ai/log/_log.py (EvalSample: id, epoch, input, output, scores, model_usage, error) and
src/inspect_ai/model/_model_output.py of UKGovernmentBEIS/inspect_ai. An epoch is one sample of a problem.
"""

import json
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from tasks.runs.formats.format import Format, natural
from verifiers.errors import UserError
from verifiers.files import Row, check_file, read_rows
from verifiers.files.rows import LONGEST_ROW

FINISHED = {"max_tokens": "length", "model_length": "length"}
"""Their stop reasons that have another name here."""


def _read(file: Path) -> Iterator[Row]:
    if file.suffix != ".eval":
        yield from read_rows(file)
        return
    check_file(file)
    try:
        with zipfile.ZipFile(file) as packed:
            names = [name for name in packed.namelist() if name.startswith("samples/") and name.endswith(".json")]
            for name in sorted(names, key=natural):
                with packed.open(name) as opened:
                    text = opened.read(LONGEST_ROW + 1)
                if len(text) > LONGEST_ROW:
                    raise UserError(f"{name} in {file} has more than {LONGEST_ROW:,} bytes.")
                yield json.loads(text.decode())
    except (
        zipfile.BadZipFile,
        NotImplementedError,
        OSError,
        EOFError,
        ValueError,
        RecursionError,
        zlib.error,
    ) as error:
        raise UserError(
            f"{file} cannot be read as a log of Inspect ({error}); `inspect log convert --to json` makes one that can."
        ) from error


def _parts(row: Row) -> Iterable[Row]:
    samples = row.get("samples")
    return sorted(samples, key=lambda sample: sample["epoch"]) if isinstance(samples, list) else [row]


def _row(sample: Row, label: str | None) -> Row:
    output = sample.get("output") or {}
    choices = output.get("choices") or []
    usage = (sample.get("model_usage") or {}).get(output.get("model")) or output.get("usage") or {}
    said: Row = {"problem": sample["id"], "question": _asked(sample.get("input"))}
    if choices:
        message = choices[0]["message"]
        finished = choices[0].get("stop_reason")
        said |= {
            "text": _joined(message.get("content"), "text"),
            "thinking": _joined(message.get("content"), "reasoning") or None,
            "finish_reason": FINISHED.get(finished, finished),
            "prompt_tokens": _prompt_tokens(usage),
            "completion_tokens": usage.get("output_tokens"),
            "thinking_tokens": usage.get("reasoning_tokens"),
        }
    scores = sample.get("scores") or {}
    if label in scores:
        said |= _outcome(label, scores[label]["value"])
    elif sample.get("error"):
        said["outcome"] = "infrastructure_error"
    return said


def _prompt_tokens(usage: Row) -> int | None:
    if usage.get("input_tokens") is None:
        return None
    cached = ("input_tokens_cache_read", "input_tokens_cache_write")
    return int(usage["input_tokens"]) + sum(usage.get(name) or 0 for name in cached)


def _joined(content: Any, kind: str) -> str:
    """The texts of one kind of a message, which is a text or a list of parts."""
    if isinstance(content, str):
        return content if kind == "text" else ""
    return "\n".join(part[kind] for part in content or () if part.get("type") == kind)


def _asked(given: Any) -> str | None:
    """What the user said last."""
    if isinstance(given, str):
        return given
    messages = [each for each in given or () if each.get("role") == "user"]
    return _joined(messages[-1].get("content"), "text") if messages else None


def _outcome(name: str | None, value: Any) -> Row:
    if value == "N":
        return {"outcome": "no_answer"}
    correct = {"C": 1, "I": 0}.get(value, value) if isinstance(value, str) else value
    if correct not in (0, 1):
        raise ValueError(f"its score {name} is {value!r}, not C, I, N, 1 or 0; --column correct=NAME takes another")
    return {"correct": correct}


def _labels(sample: Row) -> list[str]:
    scores = sample.get("scores") or {}
    return [name for name, score in scores.items() if isinstance(score["value"], str | bool | int | float)]


INSPECT = Format(
    about="Inspect (a log as .json or .eval)",
    fits=lambda row: (isinstance(row.get("samples"), list) and "eval" in row)
    or {"id", "epoch", "output", "scores"} <= row.keys(),
    row=_row,
    labels=_labels,
    parts=_parts,
    read=_read,
)  # fmt: skip
