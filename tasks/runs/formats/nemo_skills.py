"""NeMo-Skills' `output-rs*.jsonl`, one file a seed, a row a problem; evaluated ones have labels.

generation, num_generated_tokens, num_input_tokens and _full_generation by nemo_skills/inference/generate.py of
NVIDIA/NeMo-Skills at 025b485; the labels, and whatever else is read, as files of theirs have it.
"""

from tasks.runs.formats.format import Format, question_of
from verifiers.files import Row

LABELS = ("symbolic_correct", "is_correct", "judge_correct")


def _fits(row: Row) -> bool:
    return isinstance(row.get("generation"), str) and ("expected_answer" in row or question_of(row) is not None)


def _row(row: Row, label: str | None) -> Row:
    whole = row.get("_full_generation")  # what there was before thoughts were cut off
    return {
        "problem": next((row[name] for name in ("id", "task_id", "unique_id") if row.get(name) is not None), None),
        "question": question_of(row),
        "text": whole if isinstance(whole, str) else row["generation"],
        "thinking": row.get("reasoning_content"),
        "correct": row.get(label) if label else None,
        "completion_tokens": row.get("num_generated_tokens"),
        "prompt_tokens": row.get("num_input_tokens"),
        "finish_reason": row.get("finish_reason"),
    }


NEMO_SKILLS = Format(
    about="NeMo-Skills (output-rs*.jsonl, a file a seed)",
    fits=_fits,
    row=_row,
    labels=lambda row: [name for name in LABELS if row.get(name) is not None],
)
