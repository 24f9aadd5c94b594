"""Files of recorded samples as samples: which tool wrote them, one row a sample or a problem, what a row lacks.

A row is a sample, or a problem whose lists (or a text such as "0101") are its samples, in order. Where no row has an
index, a problem's samples count up in order of appearance, through all files.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import Any

from tasks.engines.recorded import COLUMNS, Recorded, converted, recorded
from tasks.runs.formats import FORMATS, Format
from tasks.runs.formats.paper import SUFFIXES, is_folder_of_yaml
from tasks.runs.shapes import MISSING, look, needed, spread
from verifiers.errors import UserError
from verifiers.files import Row, read_rows
from verifiers.ranges import LARGEST

ROWS = "rows"
"""--from: rows in our own columns."""

ALSO = {"text": ("samples", "texts"), "outcome": ("outcomes",)}
"""What our columns are called too, in rows of a problem."""

PLAIN = ({"problem", "text"}, {"problem", "sample_index", "correct"}, {"problem", "sample_index", "outcome"})
"""Columns of which a row of ours has one set, whatever else is in it."""

FOREIGN = (KeyError, TypeError, ValueError, AttributeError, IndexError)
"""What a format raises on a row that is not one of its own."""

KeyOf = Callable[[str | None, str | None], str]
"""The problem that a key and a question mean; ValueError where they mean none."""


@dataclass(frozen=True)
class Source:
    """Files and how they are to be read.

    columns: our name -> the file's (`a.b` looks into `a`); base: the file's first index; where: (the file's column,
    its value as text) that rows must have; form: a name of FORMATS or ROWS, None where the first row is to say.
    """

    files: Sequence[Path]
    columns: Mapping[str, str] = field(default_factory=dict)
    base: int = 0
    where: Sequence[tuple[str, str]] = ()
    form: str | None = None

    def __str__(self) -> str:
        return " and ".join(map(str, self.files)) if len(self.files) < 3 else f"{self.files[0]} and the others"


class Reading:
    """Reads a source; what it took its files for is known once rows were read."""

    def __init__(self, source: Source) -> None:
        unknown = next((name for name in source.columns if name not in COLUMNS), None)
        if unknown is not None:
            raise UserError(f"There is no column {unknown!r} of ours; there are {', '.join(COLUMNS)}.")
        self.source = source
        self.form: Format | None = None
        self.label: str | None = None
        """What of a format's row says whether a sample is correct."""
        self.empty = 0
        """Rows whose lists have no sample."""
        self._indexed: bool | None = None
        self._next: defaultdict[str, int] = defaultdict(int)

    def samples(self, key_of: KeyOf) -> Iterator[Recorded]:
        """Yield the samples in order; UserError, with the file and the row, on a mistake."""
        for place, file in enumerate(self.source.files):
            form = form_of(file, self.source)
            if place and form is not self.form:
                raise UserError(f"{file} is of another form than {self.source.files[0]}; import them apart.")
            self.form = form
            rows = self._plain_rows(file) if form is None else self._foreign_rows(file, form)
            for number, row in rows:
                try:
                    samples = list(spread(row))
                    self.empty += not samples
                    for each in samples:
                        yield self._sample(each, key_of)
                except ValueError as error:
                    raise UserError(f"Row {number} of {file} (from 0): {error}.") from error
        if self.form is not None and self.label is None and "correct" in self.source.columns:
            raise UserError(f"No row of {self.source} has a label of its own for each sample.")

    def _sample(self, row: Row, key_of: KeyOf) -> Recorded:
        question = row.pop("question", None)
        values = converted(row)
        key = key_of(values.get("problem"), question if isinstance(question, str) else None)
        given = values.get("sample_index")
        if self._indexed is None:
            self._indexed = given is not None
        if given is None and self._indexed:
            raise ValueError("it has no sample_index, and others have one")
        if given is None:
            index = self._next[key]
            self._next[key] = index + 1
        elif not self._indexed:
            raise ValueError("it has a sample_index, and others have none")
        elif not 0 <= given - self.source.base < LARGEST:
            raise ValueError(f"a sample_index of {given} is impossible where the first is {self.source.base} (--base)")
        else:
            index = given - self.source.base
        return recorded(values, key, index)

    def _plain_rows(self, file: Path) -> Iterator[tuple[int, Row]]:
        """Rows in our columns by name or by --column, with their numbers."""
        columns, where = self.source.columns, self.source.where
        plain = [name for name in COLUMNS if name not in columns]
        also = {name: ours for ours, names in ALSO.items() if ours not in columns for name in names}
        for number, row in enumerate(read_rows(file)):
            picked = {name: row[name] for name in plain if name in row}
            for there in sorted(also.keys() & row.keys()):
                picked.setdefault(also[there], row[there])
            for name, there in columns.items():
                picked[name] = needed(row, there, number, file)
            if where and not all(str(needed(row, name, number, file)) == value for name, value in where):
                continue
            question = row.get("question") or row.get("prompt")
            if question is not None:
                picked["question"] = question
            elif "problem" not in picked:
                needed(row, "problem", number, file)
            yield number, picked

    def _foreign_rows(self, file: Path, form: Format) -> Iterator[tuple[int, Row]]:
        """Rows of another tool as ours, with their numbers; what --column says goes before what the format does."""
        columns = {name: there for name, there in self.source.columns.items() if name != "correct"}
        once: Any = None
        for number, row in enumerate(_parts(form, file)):
            if not all(str(needed(row, name, number, file)) == value for name, value in self.source.where):
                continue
            if form.one is not None and form.one in row and (once := once or row[form.one]) != row[form.one]:
                raise UserError(
                    f"{file} holds the same samples by {form.one} {once} and by {form.one} {row[form.one]}; "
                    f"--where {form.one}={once} picks one."
                )
            try:
                picked = form.row(row, self._label(form, row))
            except FOREIGN as error:
                raise UserError(f"Row {number} of {file} (from 0) is not as {form.about} has it ({error}).") from error
            yield number, picked | {name: needed(row, there, number, file) for name, there in columns.items()}

    def _label(self, form: Format, row: Row) -> str | None:
        if self.label is None and (labels := form.labels(row)):
            chosen = self.source.columns.get("correct", labels[0])
            if chosen not in labels:
                raise ValueError(f"it has no label {chosen!r}; it has {', '.join(labels)}")
            self.label = chosen
        return self.label


def llm_of(source: Source) -> str | None:
    """The one llm that the rows name, None where they name several or their form has no name of it."""
    names: set[str] = set()
    for file in source.files:
        form = form_of(file, source)
        if form is None or form.llm is None:
            return None
        for row in _parts(form, file):
            if all(str(look(row, name)) == value for name, value in source.where):
                names.add(str(row.get(form.llm) or ""))
            if len(names) > 1:
                return None
    (name,) = names or {""}
    return name if name.strip() else None


def form_of(file: Path, source: Source) -> Format | None:
    """Whose a file is: as said, else as its first row says; None for our own columns, and where that is not sure."""
    if source.form == ROWS:
        return None
    if source.form is not None:
        return FORMATS[source.form]
    if file.suffix in SUFFIXES or is_folder_of_yaml(file):
        return FORMATS["paper"]
    if file.suffix == ".eval":
        return FORMATS["inspect"]
    first = next(read_rows(file), None)
    if first is None or _is_plain(first, source.columns):
        return None
    fitting = [form for form in FORMATS.values() if _fits(form, first)]
    return fitting[0] if len(fitting) == 1 else None


def _is_plain(row: Row, columns: Mapping[str, str]) -> bool:
    """Whether a row has a problem and a text, or an index and a label, under our names or those that a person said."""
    present = {name for name in COLUMNS if look(row, columns.get(name, name)) is not MISSING}
    present |= {ours for ours, names in ALSO.items() if any(name in row for name in names)}
    return any(wanted <= present for wanted in PLAIN)


def _fits(form: Format, row: Row) -> bool:
    try:
        return bool(form.fits(row))
    except FOREIGN:
        return False


def _parts(form: Format, file: Path) -> Iterator[Row]:
    rows = form.read(file)
    first = list(islice(rows, 1))
    if first and not _fits(form, first[0]):
        raise UserError(f"{file} is not as {form.about} has it; --from {ROWS} reads rows in our own columns.")
    for number, row in enumerate(chain(first, rows)):
        try:
            parts: Iterable[Row] = list(form.parts(row))
        except FOREIGN as error:
            raise UserError(f"Row {number} of {file} (from 0) is not as {form.about} has it ({error}).") from error
        yield from parts
