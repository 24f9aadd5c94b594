"""`monkeys export`: a run's samples as a file."""

import gzip
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import chain, islice
from pathlib import Path
from typing import Any

import click

from cli.completion import complete_runs
from cli.options import number
from cli.output import harmless
from models.tables import Run
from tasks.engines.recorded import COLUMNS
from tasks.runs.exports import SAME, Chosen
from verifiers.errors import Unavailable, UserError

Row = Mapping[str, Any]

ROWS = 10_000
"""Rows of a Parquet row group."""

ENDINGS = ("-", ".html", ".jsonl", ".json", ".jsonl.gz", ".json.gz", ".parquet")

MESSAGES_HELP = (
    'JSONL of {"messages": [...]} for training: the prompt as it was sent, and the text (what a server gave apart as '
    "thought is reasoning_content)."
)


@click.command()
@click.argument("words", nargs=-1, metavar="[RUN] [FILE]", shell_complete=complete_runs)
@click.option("--correct", is_flag=True, help="Only right samples.")
@click.option("--distinct", type=click.Choice(list(SAME)), help="Of a problem's samples alike in it, only the first.")
@click.option("--per-problem", **number(Chosen, "per_problem"))
@click.option("--weight-k", **number(Chosen, "weight_k"))
@click.option("--messages", is_flag=True, help=MESSAGES_HELP)
@click.option("--problem", metavar="KEY", help="Of FILE.html: this problem, as one page to send to others.")
@click.option("--answers", is_flag=True, help="With --messages: only what was answered, without what was thought.")
def export(
    words: tuple[str, ...],
    correct: bool,
    distinct: str | None,
    per_problem: int | None,
    weight_k: int | None,
    messages: bool,
    problem: str | None,
    answers: bool,
) -> None:
    """Write RUN's samples to FILE (.jsonl, .jsonl.gz or .parquet), or as JSONL to stdout; `monkeys import` reads them.

    One word alone that ends as a FILE does, and is no run's whole name, is a FILE of the last run.

    A run in flight is written as it is at this moment. Parquet also says of which run, llm, benchmark, prompts and
    settings it is, so that an import of it asks nothing. FILE.html is a page of one problem: its question, true answer,
    candidates and first samples.

    \b
    Example:
      monkeys export samples.parquet
      monkeys export 1 samples.parquet
      monkeys export 1 | head
      monkeys export 1 train.jsonl --messages --correct --distinct text --per-problem 4
      monkeys export 1 sum.html --problem sums-042
    """
    from tasks.runs.exports import columns, export_messages, export_samples

    if answers and not messages:
        raise UserError("--answers is for --messages.")
    (found, file), chosen = _meant(words), Chosen(correct, distinct, per_problem, weight_k)
    if problem is not None or (file is not None and file.suffix == ".html"):
        _write_page(found, file, problem, alone=chosen == Chosen() and not messages)
        return
    if messages:
        rows: Iterator[Row] = export_messages(found, chosen, answers=answers)
    else:
        names = columns(chosen)
        rows = (dict(zip(names, row, strict=True)) for row in export_samples(found, chosen))
    if file is None or str(file) == "-":
        count = _write_lines(rows, lambda line: sys.stdout.write(line))
    else:
        write = _writer(file, messages, found, chosen)
        with _whole_or_nothing(file) as part:
            count = write(part, rows)
    click.echo(f"{count:,} samples of run {found.id}.", err=True)


def _meant(words: tuple[str, ...]) -> tuple[Run, Path | None]:
    """The run and the file that `[RUN] [FILE]` mean."""
    from models.questions.find import find_run, is_run

    if len(words) > 2:
        raise UserError("export takes a RUN and a FILE, and no more.")
    if len(words) == 1 and words[0].endswith(ENDINGS) and not is_run(words[0]):
        return find_run(), Path(words[0])
    return find_run(*words[:1]), Path(words[1]) if len(words) == 2 else None


def _writer(file: Path, messages: bool, run: Run, chosen: Chosen) -> Callable[[Path, Iterator[Row]], int]:
    if file.suffix == ".parquet" and not messages:
        return lambda part, rows: _write_parquet(part, rows, run, chosen)
    if file.name.endswith((".jsonl.gz", ".json.gz")):
        return _write_gzip
    if file.suffix in (".jsonl", ".json"):
        return _write_jsonl
    wanted = ".jsonl or .jsonl.gz" if messages else ".jsonl, .jsonl.gz or .parquet"
    raise UserError(f"FILE must end in {wanted}, not {file.name!r}.")


def _write_page(run: Run, file: Path | None, problem: str | None, *, alone: bool) -> None:
    from cli.view.shared import shared_page
    from models.questions.find import find_problem

    if file is None or file.suffix != ".html" or problem is None or not alone:
        raise UserError("A page is FILE.html with --problem KEY, and takes no other option.")
    page = shared_page(run.id, find_problem(run.id, problem))
    with _whole_or_nothing(file) as part:
        part.write_text(page, "utf-8")
    click.echo(f"Problem {harmless(problem)} of run {run.id}: {file}, {file.stat().st_size:,} bytes", err=True)


@contextmanager
def _whole_or_nothing(file: Path) -> Iterator[Path]:
    """A name to write under, renamed when all is well; an existing file is never overwritten."""
    if file.exists():
        raise UserError(f"{file} exists already; choose another name, or remove it.")
    part = file.with_name(file.name + ".part")
    try:
        yield part
        part.rename(file)
    except OSError as error:
        raise Unavailable(f"{file} cannot be written ({error.strerror or error}).") from error
    finally:
        part.unlink(missing_ok=True)


def _write_lines(rows: Iterator[Row], write: Callable[[str], Any]) -> int:
    count = 0
    for row in rows:
        known = {name: value for name, value in row.items() if value is not None}
        write(json.dumps(known, ensure_ascii=False) + "\n")
        count += 1
    return count


def _write_jsonl(file: Path, rows: Iterator[Row]) -> int:
    with file.open("w", encoding="utf-8") as opened:
        return _write_lines(rows, opened.write)


def _write_gzip(file: Path, rows: Iterator[Row]) -> int:
    with gzip.open(file, "wt", encoding="utf-8") as opened:
        return _write_lines(rows, opened.write)


def _write_parquet(file: Path, rows: Iterator[Row], run: Run, chosen: Chosen) -> int:
    import pyarrow as arrow
    from pyarrow.parquet import ParquetWriter

    from tasks.runs.exports import columns, described_run

    types = {name: column.arrow for name, column in COLUMNS.items()}
    schema = arrow.schema([(name, types.get(name, "float64")) for name in columns(chosen)])
    count = 0
    with ParquetWriter(file, schema) as writer:
        writer.add_key_value_metadata(described_run(run))
        for first in rows:
            group = [_with_scores_as_text(row) for row in chain([first], islice(rows, ROWS - 1))]
            writer.write_table(arrow.Table.from_pylist(group, schema))
            count += len(group)
    return count


def _with_scores_as_text(row: Row) -> Row:
    return {**row, "scores": None if row["scores"] is None else json.dumps(row["scores"])}
