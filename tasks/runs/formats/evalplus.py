"""evalplus' samples (`samples.jsonl`) and what it says of them (`*_eval_results.json`), also of its first versions.

{"eval": {task_id: [{solution, base_status, plus_status}]}} as files of theirs have it, and of the first versions
{"eval": {task_id: {"nfiles", "base": [[status, details]], "plus": [...]}}} by evalplus/evaluate.py of evalplus/evalplus
at 0310ad2. As there, a sample passes the plus tests only where it passes those of the base too.
"""

from collections.abc import Iterable
from typing import Any

from tasks.runs.formats.format import Format
from verifiers.files import Row

PLUS, BASE = "plus_status", "base_status"

OUTCOMES = {
    "pass": "correct",
    "success": "correct",
    "fail": "incorrect",
    "failed": "incorrect",
    "timeout": "time_limit",
}
"""Their statuses, of both versions, as ours."""


def _parts(row: Row) -> Iterable[Row]:
    if not isinstance(row.get("eval"), dict):
        yield row
        return
    for task, samples in row["eval"].items():
        if isinstance(samples, list):
            yield from ({**sample, "task_id": task} for sample in samples)
            continue
        plus = samples.get("plus") or [[None]] * len(samples["base"])
        for base, more in zip(samples["base"], plus, strict=True):
            yield {"task_id": task, BASE: base[0], PLUS: more[0]}


def _row(row: Row, label: str | None) -> Row:
    statuses = [row.get(BASE), row.get(PLUS)] if label == PLUS else [row.get(label)] if label else []
    outcomes = [OUTCOMES[status] for status in statuses if status is not None]
    wrong = [outcome for outcome in outcomes if outcome != "correct"]
    return {
        "problem": row["task_id"],
        "text": row.get("solution") if row.get("solution") is not None else row.get("completion"),
        "outcome": next(iter(wrong or outcomes), None),
    }


def _fits(row: Row) -> bool:
    results: Any = row.get("eval")
    if isinstance(results, dict) and results:
        first = next(iter(results.values()))
        return "base" in first if isinstance(first, dict) else isinstance(first, list) and BASE in (first or [{}])[0]
    return "task_id" in row and any(isinstance(row.get(name), str) for name in ("solution", "completion"))


EVALPLUS = Format(
    about="evalplus (samples.jsonl, *_eval_results.json)",
    fits=_fits,
    row=_row,
    labels=lambda row: [name for name in (PLUS, BASE) if row.get(name) is not None],
    parts=_parts,
)
