"""lighteval's details (`details_*.parquet` of --save-details): a row a document, as doc, model_response and metric.

Columns by docs/source/saving-and-reading-results.mdx at 23b7498, a response's fields by
src/lighteval/models/model_output.py (ModelResponse) at 01ba7b1, of huggingface/lighteval; what is read of doc is as
files of theirs have it. Of several responses a metric is one number, which labels none.
"""

from typing import Any

from tasks.runs.formats.format import Format, labels_of_each, question_of
from verifiers.files import Row


def _lengths(tokens: Any, samples: int) -> list[int] | None:
    if not isinstance(tokens, list) or len(tokens) != samples or not all(isinstance(each, list) for each in tokens):
        return None
    return [len(each) for each in tokens]


def _row(row: Row, label: str | None) -> Row:
    doc, response = row["doc"], row["model_response"]
    texts = response["text"]
    if not isinstance(texts, list) or not texts:
        raise ValueError("its model_response has no texts")
    prompt = response.get("input_tokens")
    return {
        "problem": doc.get("id"),
        "question": question_of(doc.get("specific")) or question_of(doc),
        "text": texts,
        "correct": labels_of_each(row["metric"].get(label), len(texts)) if label else None,
        "prompt_tokens": len(prompt) if isinstance(prompt, list) and prompt else None,
        "completion_tokens": _lengths(response.get("output_tokens"), len(texts)),
    }


def _labels(row: Row) -> list[str]:
    if len(row["model_response"]["text"] or ()) != 1:
        return []
    return [name for name, value in row["metric"].items() if isinstance(value, bool | int | float)]


LIGHTEVAL = Format(
    about="lighteval (details_*.parquet of --save-details)",
    fits=lambda row: all(isinstance(row.get(name), dict) for name in ("doc", "model_response", "metric")),
    row=_row,
    labels=_labels,
)
