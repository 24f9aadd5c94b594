"""Public data that stands beside the project and is never copied into it."""

import json
from pathlib import Path
from typing import Any

import pytest

_SHARED = Path(__file__).parents[1].parent / "shared" / "data"


def shared(path: str) -> Path:
    """The path of a shared data file; skips the test, loudly, where it is missing."""
    file = _SHARED / path
    if not file.exists():
        pytest.skip(f"shared data missing: {file}")
    return file


def shared_case(path: str) -> Path:
    """The path of a small case of judging; skips the test, loudly, where it is missing."""
    return shared(f"../cases/{path}")


def shared_rows(path: str) -> list[dict[str, Any]]:
    """The rows of a shared JSONL file."""
    return [json.loads(line) for line in shared(path).read_text(encoding="utf-8").splitlines() if line.strip()]
