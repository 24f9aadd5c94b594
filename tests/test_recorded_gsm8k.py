"""Real recorded GSM8K outputs pass through the whole queue and come out with their official labels.

That the verifiers agree with every one of them tests/test_answers.py shows, without a queue.
"""

import json
from pathlib import Path

import pytest

from tests.place import Place, wait_until
from tests.shared_data import shared, shared_rows

PROBLEMS = 300


@pytest.fixture
def recordings(tmp_path: Path) -> dict[str, Path]:
    """The outputs of two GPT-3 models, a replay file each."""
    rows = shared_rows("gsm8k/model_solutions.jsonl")
    names = [name for name, value in rows[0].items() if isinstance(value, dict)]
    files = {}
    for name in names:
        files[name] = tmp_path / f"{name}.jsonl"
        with files[name].open("w") as file:
            for place, row in enumerate(rows):
                line = {"problem": str(place), "sample_index": 0, "text": row[name]["solution"]}
                file.write(json.dumps(line) + "\n")
    return files


@pytest.mark.timeout(900)
def test_answer_agrees_with_the_official_labels_and_paper_finds_none(place: Place, recordings: dict[str, Path]) -> None:
    labels = shared_rows("gsm8k/model_solutions.jsonl")[:PROBLEMS]
    data, shots = str(shared("gsm8k/test.jsonl")), str(shared("gsm8k/train.jsonl"))
    assert len(recordings) == 2
    patient = {"MONKEYS_LEASE_SECONDS": "60"}  # each batch is of one sample
    place.start("worker", "verify", "-c", "2", **patient)
    place.start("sweep", **patient)
    for name, file in recordings.items():
        llm = f"replay:{file}"
        files = ("--data", data, "--shots", shots, "--limit", str(PROBLEMS))
        run = int(place.ok("enqueue", "gsm8k", "-m", llm, "-n", "1", *files, "--quiet"))
        place.start("worker", "generate", "-m", llm, **patient)
        wait_until(lambda run=run: place.one("select finished_at from run where id = %s", (run,)), 400)
        rows = place.query("select problem_key, outcome from sample_detail where run_id = %s", (run,))
        ours = {row["problem_key"]: row["outcome"] == "correct" for row in rows}
        assert ours == {str(number): row[name]["is_correct"] for number, row in enumerate(labels)}
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
    ) == [{"outcome": "no_answer", "samples": PROBLEMS}]
