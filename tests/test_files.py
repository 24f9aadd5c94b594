"""Data files: every form gives the same rows, what is none is told in one sentence, and no file can eat the memory."""

import gzip
import io
import json
import math
import pickle
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from verifiers.errors import UserError
from verifiers.files import STDIN, Row, check_file, read_rows, rows

ROWS: list[Row] = [{"key": "a", "text": 'ü, "x"\r\n'}, {"key": "b", "text": ""}]

LINES = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in ROWS).encode()

CSV = 'key,text\r\na,"ü, ""x""\r\n"\r\nb,\r\n'.encode()

BOM = b"\xef\xbb\xbf"


def parquet(table: list[Row]) -> bytes:
    import pyarrow
    from pyarrow.parquet import write_table

    write_table(pyarrow.Table.from_pylist(table), into := io.BytesIO())
    return into.getvalue()


FORMS: dict[str, bytes] = {
    "rows.jsonl": LINES, "with a BOM.jsonl": BOM + LINES, "of Windows.jsonl": LINES.replace(b"\n", b"\r\n\r\n"),
    "array.json": json.dumps(ROWS).encode(), "spread.json": BOM + json.dumps(ROWS, indent=1).encode(),
    "table.csv": CSV, "with a BOM.csv": BOM + CSV, "tabs.tsv": CSV.replace(b"key,", b"key\t").replace(b"\na,", b"\na\t")
    .replace(b"b,", b"b\t"), "packed.csv.gz": gzip.compress(CSV), "packed.jsonl.gz": gzip.compress(LINES),
    "packed array.gz": gzip.compress(json.dumps(ROWS).encode()), "with no name": gzip.compress(LINES),
    "table.parquet": parquet(ROWS), "parquet by another name.jsonl": parquet(ROWS),
}  # fmt: skip


@pytest.mark.parametrize("name", FORMS)
def test_every_form_gives_the_same_rows(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / name).write_bytes(FORMS[name])
    monkeypatch.setattr(rows, "PIECE", 3)
    assert list(read_rows(tmp_path / name)) == ROWS


@pytest.mark.parametrize("name", ["rows.jsonl", "array.json", "packed.jsonl.gz"])
def test_standard_input_is_told_apart_by_what_it_holds(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(FORMS[name])))
    assert list(read_rows(STDIN)) == ROWS


def test_one_object_over_many_lines_is_one_row_and_nan_stays_nan(tmp_path: Path) -> None:
    (tmp_path / "one.json").write_text('{\n "a": NaN,\n "b": [-Infinity]\n}\n')
    (row,) = read_rows(tmp_path / "one.json")
    assert math.isnan(row["a"])
    assert row["b"] == [-math.inf]
    (tmp_path / "nan.parquet").write_bytes(parquet([{"a": float("nan"), "b": 1.0}]))
    (row,) = read_rows(tmp_path / "nan.parquet")
    assert math.isnan(row["a"])


class Bomb:
    """What runs code where it is unpickled."""

    def __reduce__(self) -> tuple[Callable[[str], Any], tuple[str]]:
        return exec, ("raise SystemExit('it ran')",)


REFUSED: list[tuple[str, bytes, str]] = [
    ("pickle.jsonl", pickle.dumps([Bomb()]), "is a pickle; wanted is"),
    ("picture.jsonl", b"\x89PNG\r\n\x1a\n", "is a PNG image"),
    ("log.zip", b"PK\x03\x04xx", "is a zip archive"),
    ("page.json", b"\n<!doctype html>", "is HTML or XML"),
    ("config.yaml", b"a: 1\n", "is YAML"),
    ("excel.csv", "a,b\n".encode("utf-16"), "is UTF-16 text"),
    ("latin.jsonl", b"\xe9\n", "is not UTF-8 text"),
    ("twice.gz", gzip.compress(gzip.compress(LINES)), "is gzip within gzip"),
    ("table.parquet.gz", gzip.compress(parquet(ROWS)), "is Parquet within gzip"),
    ("cut.gz", gzip.compress(LINES)[:-9], "cannot be read to its end"),
    ("broken.gz", gzip.compress(LINES)[:12] + b"\xff" * 30, "cannot be read to its end"),
    ("cut.parquet", parquet(ROWS)[:-9], "is not a readable Parquet file"),
    ("text.txt", b"hello\n", "Line 1 of"),
    ("second.jsonl", b'{"a": 1}\n{"a": \n', "Line 2 of"),
    ("list.jsonl", b'{"a": 1}\n[1]\n', "Line 2 of"),
    ("digits.jsonl", b'{"a": ' + b"9" * 5_000 + b"}", "is not valid JSON"),
    ("deep.jsonl", b'{"a":' * 100_000, "is nested too deeply"),
    ("deep.json", b"[" * 100_000, "is nested too deeply"),
    ("numbers.json", b"[1, 2]", "Element 0 of"),
    ("comma.json", b'[{"a": 1},]', "Element 1 of"),
    ("no comma.json", b'[{"a": 1} {"a": 2}]', "Element 1 of"),
    ("open.json", b'[{"a": 1}', "Element 1 of"),
    ("more.json", b'[{"a": 1}]\n{}', "goes on after its JSON array"),
    ("short.csv", b"a,b\n1\n", "has 1 values, but its header has 2"),
    ("two.csv", b"a,b,a\n1,2,3\n", "two columns 'a'"),
    ("quote.csv", b'a,b\n1,"2\n', "is not valid CSV"),
]


@pytest.mark.parametrize(("name", "content", "said"), REFUSED, ids=[name for name, _, _ in REFUSED])
def test_a_file_of_the_wrong_kind_is_one_sentence(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError) as refusal:
        list(read_rows(tmp_path / name))
    assert said in str(refusal.value)
    assert name in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_folder_is_told_apart_from_a_missing_file_and_an_empty_file_has_no_rows(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"is a folder; name a file in it\.$"):
        list(read_rows(tmp_path))
    (tmp_path / "empty.jsonl").touch()
    assert list(read_rows(tmp_path / "empty.jsonl")) == []
    with pytest.raises(UserError, match=r"such as .*empty\.jsonl"):
        list(read_rows(tmp_path))
    with pytest.raises(UserError, match="There is no data file"):
        list(read_rows(tmp_path / "none.jsonl"))
    for endless in ("/dev/zero", "/dev/null", "/dev/tty"):
        with pytest.raises(UserError, match="is neither a file nor a pipe"):
            check_file(Path(endless))
    with pytest.raises(UserError, match=r"mem cannot be read \(Input/output error\)"):
        check_file(Path("/proc/self/mem"))


@pytest.mark.parametrize(
    ("name", "before"), [("line.gz", b'{"a": "'), ("element.gz", b'[{"a": "'), ("field.csv.gz", b'a\n"\n')]
)
def test_an_endless_row_is_refused_before_it_eats_the_memory(
    tmp_path: Path, name: str, before: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "LONGEST_ROW", 2**20)
    (tmp_path / name).write_bytes(gzip.compress(before + (b"x" * 2**10 + b"\n" * ("csv" in name)) * 2**14, 1))
    tracemalloc.start()
    with pytest.raises(UserError, match=r"more than 1,048,576 bytes|field larger than field limit"):
        list(read_rows(tmp_path / name))
    assert tracemalloc.get_traced_memory()[1] < 24 * 2**20
    tracemalloc.stop()
