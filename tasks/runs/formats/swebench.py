"""SWE-bench's predictions: a patch for an instance, in JSONL, a JSON array, or one object by instance id.

instance_id, model_name_or_path and model_patch by swebench/harness/utils.py (get_predictions_from_file) of
SWE-bench/SWE-bench at v5.0.2. An instance that comes again, in a file or in the next one, is another attempt at it. A
patch that is null or empty is a sample that answers nothing.
"""

from collections.abc import Iterable

from tasks.runs.formats.format import Format
from verifiers.files import Row

ID, PATCH = "instance_id", "model_patch"


def _is_by_instance(row: Row) -> bool:
    return bool(row) and all(isinstance(each, dict) and PATCH in each for each in row.values())


def _parts(row: Row) -> Iterable[Row]:
    if _is_by_instance(row):
        return [{ID: instance, **each} for instance, each in row.items()]
    return [row]


def _row(row: Row, _: str | None) -> Row:
    patch = row[PATCH]
    if patch is not None and not isinstance(patch, str):
        raise ValueError(f"{PATCH} must be a text or null")
    return {"problem": row[ID], "text": "" if patch is None else patch}


SWEBENCH = Format(
    about="SWE-bench (predictions as .jsonl or .json)",
    fits=lambda row: (ID in row and PATCH in row) or _is_by_instance(row),
    row=_row,
    parts=_parts,
    llm="model_name_or_path",
    attempts=True,
)
