"""Real recorded GSM8K outputs pass through the whole queue and come out with their official labels.

That the verifiers agree with every one of them tests/test_answers.py shows, without a queue.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.place import Place, wait_until
from tests.shared_data import shared, shared_rows

PROBLEMS = 300


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """The outputs of two GPT-3 models, which are two samples of each problem."""
    file = tmp_path / "recorded.jsonl"
    with file.open("w") as lines:
        for place, row in enumerate(shared_rows("gsm8k/model_solutions.jsonl")):
            for index, solution in enumerate(solutions(row)):
                line = {"problem": str(place), "sample_index": index, "text": solution["solution"]}
                lines.write(json.dumps(line) + "\n")
    return file


def solutions(row: dict[str, Any]) -> list[dict[str, Any]]:
    """Each model's output of a problem, with its official label."""
    return [value for value in row.values() if isinstance(value, dict)]


@pytest.mark.timeout(900)
def test_answer_agrees_with_the_official_labels_and_paper_finds_none(place: Place, recording: Path) -> None:
    data, shots = str(shared("gsm8k/test.jsonl")), str(shared("gsm8k/train.jsonl"))
    labels = {
        (str(place), index): solution["is_correct"]
        for place, row in enumerate(shared_rows("gsm8k/model_solutions.jsonl")[:PROBLEMS])
        for index, solution in enumerate(solutions(row))
    }
    assert len(labels) == 2 * PROBLEMS
    patient = {"MONKEYS_LEASE_SECONDS": "60"}  # each batch is of two samples
    llm = f"replay:{recording}"
    files = ("--data", data, "--shots", shots, "--limit", str(PROBLEMS))
    run = int(place.ok("enqueue", "gsm8k", "-m", llm, "-n", "2", *files, "--quiet"))
    place.start("worker", "verify", "-c", "2", **patient)
    place.start("sweep", **patient)
    place.start("worker", "generate", "-m", llm, **patient)
    wait_until(lambda: place.one("select finished_at from run where id = %s", (run,)), 400)
    rows = place.query("select problem_key, sample_index, outcome from sample_detail where run_id = %s", (run,))
    assert {(row["problem_key"], row["sample_index"]): row["outcome"] == "correct" for row in rows} == labels
    place.ok("reverify", str(run), "--verifier", "paper")
    wait_until(
        lambda: (
            place.query("select outcome from outcome_counts where run_id = %s and verifier = 'paper'", (run,))
            and not place.one("select count(*) from work where state in ('ready', 'published', 'leased')")
        ),
        400,
    )
    assert place.query(
        "select outcome, samples from outcome_counts where run_id = %s and verifier = 'paper'", (run,)
    ) == [{"outcome": "no_answer", "samples": 2 * PROBLEMS}]
