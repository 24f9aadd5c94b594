"""Where two verifiers of one run disagree, and what that says of the one that counts."""

import json
from pathlib import Path

import pytest

from tests.place import Place
from tests.small_runs import small, use_recording, work_off


@pytest.fixture
def run(place: Place, tmp_path: Path) -> int:
    """A run judged by `answer`, which counts, and by `paper`, which wants `####` before an answer."""
    sums = small(tmp_path, problems=2, samples=0)
    texts = {"0": ["#### 1", "The answer is 1.", "#### 7", "The answer is 7."], "1": ["The answer is 2."] * 3 + [""]}
    with sums.recording.open("w") as file:
        for problem, each in texts.items():
            for index, text in enumerate(each):
                file.write(json.dumps({"problem": problem, "sample_index": index, "text": text}) + "\n")
    use_recording(sums.recording)
    made = sums.enqueue(place, 4)
    work_off(place)
    place.ok("reverify", str(made), "--verifier", "paper")
    work_off(place)
    return made


def test_disagreements_are_counted_bounded_and_shown(place: Place, run: int) -> None:
    said = place.ok("audit", str(run))
    assert "8 samples judged by both; they agree on 4 (50.000%)" in said
    accepts, refuses = (line.split() for line in said.splitlines() if "wrongly" in line)
    assert accepts[2:4] == ["4", "7"]  # of 7 samples that `paper` refuses, `answer` accepts 4
    assert refuses[2:4] == ["0", "1"]
    assert float(accepts[-1]) > 2 / 4
    assert 0 < float(refuses[-1]) < 1


def test_every_disagreement_can_be_had_as_data(place: Place, run: int) -> None:
    rows = json.loads(place.ok("audit", str(run), "--json"))
    assert [(row["problem"], row["samples"], row["candidate"], row["other_candidate"]) for row in rows] == [
        ("1", 3, "2", None),
        ("0", 1, "1", None),
    ]
    assert {row["outcome"] for row in rows} == {"correct"}


def test_a_sample_is_shown_as_another_verifier_of_its_run_judges_it(place: Place, run: int) -> None:
    for options, verifier, candidate in (([], "answer", "2"), (["--verifier", "paper"], "paper", None)):
        (shown,) = json.loads(place.ok("show", str(run), "1", *options, "--json"))
        assert (shown["verifier"], shown["candidate"]) == (verifier, candidate)
    (first,) = json.loads(place.ok("show", str(run), "--verifier", "paper", "--outcome", "no_answer", "--json"))
    assert first["outcome"] == "no_answer"
    assert "not judged by a verifier 'papre'" in place.refused("show", str(run), "1", "--verifier", "papre")
    assert "of one sample" in place.refused("show", str(run), "--verifier", "paper")


def test_a_run_with_one_verifier_cannot_be_audited(place: Place, tmp_path: Path) -> None:
    lone = small(tmp_path, problems=1, samples=1).enqueue(place, 1)
    assert f"monkeys reverify {lone} --verifier NAME" in place.refused("audit", str(lone))
    assert "not judged by 'papre'" in place.refused("audit", str(lone), "--verifier", "papre")
