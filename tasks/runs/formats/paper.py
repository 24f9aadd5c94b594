"""Large Language Monkeys' own samples: its YAML (one file a problem, a folder of them) and its released data set.

Fields by llmonk/generate/gsm8k.py and llmonk/evaluate/math_datasets.py of ScalingIntelligence/large_language_monkeys
(prompt, question, samples, gt_answer, is_corrects; the file is named by the problem), and of the data set
ScalingIntelligence/monkey_business on the Hugging Face hub (the same with orig_dset_idx). YAML is read as texts, lists
and mappings: nothing in it becomes an object, and what no such file holds (tags, anchors, aliases) is refused.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tasks.runs.formats.format import Format, natural, question_of
from verifiers.errors import UserError
from verifiers.files import Row, check_file, read_rows
from verifiers.files.rows import LONGEST_ROW

SUFFIXES = (".yaml", ".yml")

DEEPEST = 8
"""Levels of lists and mappings in a file."""


def is_folder_of_yaml(file: Path) -> bool:
    """Whether it is a folder with such files in it."""
    return file.is_dir() and any(each.suffix in SUFFIXES for each in file.iterdir())


def _read(file: Path) -> Iterator[Row]:
    if file.is_dir():
        files = sorted(
            (each for each in file.iterdir() if each.suffix in SUFFIXES), key=lambda each: natural(each.name)
        )
        if not files:
            raise UserError(f"{file} is a folder with no .yaml in it.")
        yield from map(_row_of_yaml, files)
    elif file.suffix in SUFFIXES:
        check_file(file)
        yield _row_of_yaml(file)
    else:
        yield from read_rows(file)


def _row_of_yaml(file: Path) -> Row:
    import yaml

    try:
        with file.open("rb") as opened:
            text = opened.read(LONGEST_ROW + 1)
        if len(text) > LONGEST_ROW:
            raise UserError(f"{file} has more than {LONGEST_ROW:,} bytes.")
        _check_events(yaml.parse(text, Loader=yaml.CBaseLoader), yaml)
        row = yaml.load(text, Loader=yaml.CBaseLoader)
    except (yaml.YAMLError, ValueError, OSError) as error:
        raise UserError(f"{file} is not a readable YAML file ({' '.join(str(error).split())}).") from error
    if not isinstance(row, dict):
        raise UserError(f"{file} is not a mapping with `samples`.")
    return {"orig_dset_idx": file.stem, **row}


def _check_events(events: Iterator[Any], yaml: Any) -> None:
    depth = 0
    for event in events:
        if getattr(event, "anchor", None) or getattr(event, "tag", None):
            raise ValueError(f"a tag, an anchor or an alias in line {event.start_mark.line + 1}")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            raise ValueError(f"nested more than {DEEPEST} deep")


def _row(row: Row, label: str | None) -> Row:
    if not isinstance(row["samples"], list):
        raise ValueError("its samples are no list")
    return {
        "problem": row.get("orig_dset_idx"),
        "question": question_of(row),
        "text": row["samples"],
        "correct": row.get(label) if label else None,
    }


PAPER = Format(
    about="Large Language Monkeys (a folder of .yaml, or its released data set)",
    fits=lambda row: "samples" in row and any(name in row for name in ("is_corrects", "orig_dset_idx", "gt_answer")),
    row=_row,
    labels=lambda row: ["is_corrects"] if row.get("is_corrects") is not None else [],
    read=_read,
)
