"""lm-evaluation-harness' `samples_*.jsonl` (`--log_samples`): a row a document and filter, repeats as responses.

Fields by lm_eval/evaluator.py of EleutherAI/lm-evaluation-harness: doc_id, doc, target, arguments, resps,
filtered_resps, filter, metrics, and each metric by its name. `resps` has a list for each request.
"""

from tasks.runs.formats.format import Format, labels_of_each, question_of
from verifiers.files import Row

FIRST = ("exact_match", "acc", "pass@1", "pass_at_1")
"""Metrics of which one is taken where several are there."""

OTHERS = {
    "doc_id", "doc", "target", "arguments", "resps", "filtered_resps", "filter", "metrics", "doc_hash", "prompt_hash",
    "target_hash",
}  # fmt: skip


def _labels(row: Row) -> list[str]:
    named = row.get("metrics")
    names = [name for name in named if isinstance(name, str)] if isinstance(named, list) else [*row.keys() - OTHERS]
    numbers = [name for name in names if isinstance(row.get(name), bool | int | float | list)]
    return sorted(numbers, key=lambda name: (FIRST.index(name) if name in FIRST else len(FIRST), name))


def _row(row: Row, label: str | None) -> Row:
    responses = row.get("resps")
    texts = responses[0] if isinstance(responses, list) and len(responses) == 1 else responses
    texts = [texts] if isinstance(texts, str) else texts
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise ValueError("its responses are likelihoods of choices, not texts")
    return {
        "problem": row["doc_id"],
        "question": question_of(row.get("doc")),
        "text": texts,
        "correct": labels_of_each(row.get(label), len(texts)) if label else None,
    }


LM_EVAL = Format(
    about="lm-evaluation-harness (samples_*.jsonl of --log_samples)",
    fits=lambda row: "doc_id" in row and "resps" in row,
    row=_row,
    labels=_labels,
    one="filter",
)
