"""`monkeys check`: texts judged with no queue and no database."""

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cli import group
from models.settings import settings


def check(*arguments: str, input: str | None = None) -> Result:
    """Run it where no database and no broker answers."""
    os.environ.update(
        MONKEYS_DATABASE_URL="postgresql://nobody@127.0.0.1:1/none", MONKEYS_BROKER_URL="redis://127.0.0.1:1/0"
    )
    settings.cache_clear()
    return CliRunner().invoke(group, ["check", *arguments], input=input, prog_name="monkeys")


def write(file: Path, rows: list[object]) -> str:
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(file)


def test_one_line_out_for_each_line_in_in_order(tmp_path: Path) -> None:
    data = write(tmp_path / "data.jsonl", [{"question": "?", "answer": f"#### {n}"} for n in range(3)])
    texts = write(
        tmp_path / "texts.jsonl",
        [
            {"problem": "2", "text": "so it is\n#### 2"},
            {"problem": "0", "text": "A: 7"},
            {"problem": 1, "text": "no idea"},
        ],
    )
    result = check("gsm8k", texts, "--data", data)
    assert result.exit_code == 0, result.output
    assert [json.loads(line) for line in result.stdout.splitlines()] == [
        {"problem": "2", "candidate": "2", "outcome": "correct", "detail": ""},
        {"problem": "0", "candidate": "7", "outcome": "incorrect", "detail": ""},
        {"problem": "1", "candidate": None, "outcome": "no_answer", "detail": ""},
    ]


def test_one_plain_text_with_a_problem(tmp_path: Path) -> None:
    text = tmp_path / "answer.txt"
    text.write_text("5 - 1 = 4\n#### 4")
    result = check("pocket-sums", str(text), "--problem", "sums-000")
    assert json.loads(result.stdout)["candidate"] == "4"


def test_another_verifier_can_be_asked(tmp_path: Path) -> None:
    data = write(tmp_path / "data.jsonl", [{"question": "?", "answer": "#### 18"}])
    texts = write(tmp_path / "texts.jsonl", [{"problem": "0", "text": "A: 18"}])
    outcomes = [
        json.loads(check("gsm8k", texts, "--data", data, "--verifier", name).stdout)["outcome"]
        for name in ("answer", "paper")
    ]
    assert outcomes == ["correct", "no_answer"]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"problem": "99", "text": "x"}, "does not have"),
        ({"problem": "sums-000"}, "lacks"),
        ({"text": "x"}, "lacks"),
        ({"problem": True, "text": "x"}, "lacks"),
    ],
)
def test_a_bad_line_is_one_sentence(tmp_path: Path, row: object, said: str) -> None:
    result = check("pocket-sums", write(tmp_path / "texts.jsonl", [row]))
    assert result.exit_code == 2
    assert said in result.output
    assert isinstance(result.exception, SystemExit)


def test_a_missing_file_or_benchmark_is_one_sentence() -> None:
    for arguments in (("pocket-sums", "missing.jsonl"), ("gsm8", "x.jsonl"), ("pocket-sums", "x", "--problem", "1")):
        result = check(*arguments)
        assert result.exit_code == 2
        assert isinstance(result.exception, SystemExit)
