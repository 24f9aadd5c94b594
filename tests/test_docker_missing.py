"""Without a Docker daemon: enqueueing and importing work, the queue waits, and whoever is asked says why."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli import doctor
from cli.worker.found import queues
from models.settings import settings
from tasks.stored import prepare_verifiers
from tasks.workers.process import DOCKER_QUEUE, default_concurrency
from tests.place import Place
from tests.shared_data import shared
from verifiers.benchmarks import BENCHMARKS
from verifiers.patches import limits
from verifiers.patches.daemon import lacks_docker

NOWHERE = "unix:///nonexistent/docker.sock"


@pytest.fixture(autouse=True)
def _no_daemon(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A daemon that is not there."""
    monkeypatch.setenv("DOCKER_HOST", NOWHERE)
    monkeypatch.setattr(limits, "_settings", limits.patch_settings())
    settings.cache_clear()
    yield
    settings.cache_clear()


def predictions(folder: Path) -> str:
    """What an agent left for one of the instances, as the official harness takes it."""
    file = folder / "predictions.jsonl"
    patch = "diff --git a/a b/a\n--- a/a\n+++ b/a\n@@ -1 +1 @@\n-a\n+b\n"
    row = {"instance_id": "pallets__flask-4045", "model_name_or_path": "agent", "model_patch": patch}
    file.write_text(json.dumps(row) + "\n")
    return str(file)


def made_run(place: Place, folder: Path) -> str:
    done = place.monkeys(
        "import", predictions(folder), "--benchmark", "swebench-lite", "--llm", "agent",
        "--data", str(shared("swebench_lite/flask/rows.jsonl")),
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "monkeys worker verify -Q verify.docker" in done.stderr
    return done.stdout.strip()


def test_every_benchmark_of_patches_is_judged_in_the_queue_that_workers_know() -> None:
    of = {each.queue for benchmark in BENCHMARKS.values() for each in benchmark.verifiers} - {"verify"}
    assert of == {DOCKER_QUEUE}


def test_a_worker_of_patches_leaves_at_once_with_one_sentence_and_their_works_wait(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = made_run(place, tmp_path)
    code, said = place.start_and_wait("worker", "verify", "-Q", DOCKER_QUEUE)
    assert code == 1
    assert "Traceback" not in said
    sentence = said.splitlines()[-1]
    assert sentence.startswith("monkeys: verify.docker cannot be served here: ")
    assert NOWHERE in sentence
    assert place.query(
        "select queue, attempts from work where kind = 'verify' and state in ('ready', 'published')"
    ) == [{"queue": DOCKER_QUEUE, "attempts": 0}]
    assert place.one("select finished_at from run where id = %s", (int(made),)) is None
    monkeypatch.setattr(doctor, "CHECKS", (queues, doctor._docker))
    found = {row["check"]: row for row in json.loads(place.monkeys("doctor", "--json").stdout)}
    assert found["queue"]["command"] == f"monkeys worker verify -Q {DOCKER_QUEUE}"
    assert found["docker"]["ok"] is None
    assert NOWHERE in found["docker"]["detail"]


@pytest.mark.parametrize("host", ["tcp://nowhere:99999", "tcp://[::1", "tcp://nowhere:port"])
def test_what_is_no_address_of_a_daemon_is_told_as_one_that_does_not_answer(
    host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", host)
    settings.cache_clear()
    prepare_verifiers()
    said = lacks_docker()
    assert said.startswith(f"DOCKER_HOST is no address of a daemon ({host}: ")
    assert said.endswith("): start Docker, or set DOCKER_HOST.")


def test_a_process_for_each_patch_that_memory_has_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def with_memory(gb: str) -> int:
        monkeypatch.setenv("MONKEYS_PATCH_MEMORY_GB", gb)
        settings.cache_clear()
        return default_concurrency([DOCKER_QUEUE, "verify"])

    assert with_memory("100000") == 1
    assert with_memory("0.001") == default_concurrency(["verify"])
