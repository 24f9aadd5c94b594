"""Reward models: works like any other, and the numbers of tiny real checkpoints through vLLM."""

import json
from pathlib import Path

import pytest

from tasks import ledger
from tasks.runs.scores import request_scores
from tests.place import Place, wait_until
from tests.reward_checkpoint import make_process_reward_model, make_reward_model

LINES = "4 + 3 = 7\n\n7 * 2 = 14\n\n#### 14"


def sampled_run(place: Place, folder: Path) -> str:
    """A finished run of two problems with six samples each, in batches of three."""
    file = folder / "recording.jsonl"
    rows = [
        {"problem": f"sums-00{place_}", "sample_index": index, "text": f" {index} apples\n\n{LINES}"}
        for place_ in range(2)
        for index in range(6)
    ]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    llm = f"replay:{file}"
    options = ("-n", "6", "--limit", "2", "--batch-size", "3", "--quiet")
    run = place.ok("enqueue", "pocket-sums", "-m", llm, *options).strip()
    place.work_off(run, llm)
    return run


def test_scores_are_leased_works_that_are_made_once_and_end_once(place: Place, tmp_path: Path) -> None:
    run = sampled_run(place, tmp_path)
    said = place.monkeys("score", run, "--reward-model", "org/rm")
    assert "4 batches" in said.output
    assert "monkeys worker score --reward-model org/rm" in said.output
    assert request_scores(int(run), "org/rm", {}) == 0, "those that exist stay"
    assert request_scores(int(run), "org/rm", {"revision": "b"}) == 4, "another revision is another reward model"
    worker = ledger.Worker("w", "h", "v")
    works = place.query("select id from work where reward_model = 'org/rm' order by id")
    lease = ledger.claim(works[0]["id"], worker, 60)
    assert lease is not None
    assert ledger.claim(works[0]["id"], worker, 60) is None
    scores = [ledger.Scored(lease.first_index + each, 0.5 * each, [0.25, 0.5]) for each in range(3)]
    assert ledger.finish_score(lease, scores, ledger.Usage(gpu_seconds=4.0))
    assert ledger.finish_score(lease, scores, ledger.Usage()), "a commit whose answer was lost"
    found = place.query("select sample_index, score, step_scores from score order by sample_index")
    assert [tuple(each.values()) for each in found] == [(each, 0.5 * each, [0.25, 0.5]) for each in range(3)]
    assert place.one("select score_gpu_seconds from cost") == 4.0


def test_a_process_reward_without_a_step_token_is_refused(place: Place, tmp_path: Path) -> None:
    run = sampled_run(place, tmp_path)
    said = place.refused("score", run, "--reward-model", "org/rm", "--engine-arg", "aggregate=last")
    assert "step_token" in said
    assert place.one("select count(*) from work where kind = 'score'") == 0


@pytest.mark.slow
@pytest.mark.timeout(1_000)
def test_scores_are_those_of_the_same_checkpoint_under_transformers(place: Place, tmp_path: Path) -> None:
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    folder = tmp_path / "reward"
    make_reward_model(folder)
    run = sampled_run(place, tmp_path)
    scored(place, run, folder, "dtype=float32")
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForSequenceClassification.from_pretrained(folder, dtype=torch.float32).eval()
    rows = place.query(
        """
        select prompt.text as prompt, sample.text, score.score
        from score join sample using (run_id, problem_id, sample_index) join prompt using (run_id, problem_id)
        """
    )
    assert len(rows) == 12
    for each in rows:
        with torch.no_grad():
            logits = model(**tokenizer(each["prompt"] + each["text"], return_tensors="pt")).logits
        assert each["score"] == pytest.approx(float(logits[0, 0]), rel=1e-3, abs=1e-3)
    assert len({each["score"] for each in rows}) > 6


@pytest.mark.slow
@pytest.mark.timeout(1_000)
def test_a_process_reward_model_scores_every_step(place: Place, tmp_path: Path) -> None:
    folder = tmp_path / "process-reward"
    make_process_reward_model(folder)
    run = sampled_run(place, tmp_path)
    scored(place, run, folder, "dtype=float32", "step_token=<|end|>", "aggregate=product")
    for each in place.query("select * from score"):
        assert len(each["step_scores"]) == 4, "an opening, two lines and the answer"
        assert all(0 < step < 1 for step in each["step_scores"])
        product = each["step_scores"][0] * each["step_scores"][1] * each["step_scores"][2] * each["step_scores"][3]
        assert each["score"] == pytest.approx(product, rel=1e-3)


def scored(place: Place, run: str, folder: Path, *engine_arguments: str) -> None:
    """Score a run with a worker of its own, to the end."""
    options = [part for each in engine_arguments for part in ("--engine-arg", each)]
    place.ok("score", run, "--reward-model", str(folder), "--quiet", *options)
    place.start("worker", "score", "--reward-model", str(folder), *options)
    left = "select count(*) from work where kind = 'score' and state in ('ready', 'published', 'leased')"
    wait_until(lambda: place.one(left) == 0, 900)
    assert place.query("select last_error from work where kind = 'score' and state = 'failed'") == []
