"""What every engine's worker relies on: names and queues, seeds, GPUs, shares of GPU time, rewards of steps."""

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.engines import check_arguments, full_name, queue_of
from tasks.engines.gpus import check_gpus, first_gpus, parse_gpus, replicas_of, take_gpus, tensor_parallel
from tasks.engines.reasons import LONGEST_REASON, in_a_line
from tasks.engines.reward_models import AGGREGATES, check_reward_arguments, reward_name, reward_queue
from tasks.engines.seeds import seeds_of
from tasks.workers.engine_time import Meter
from tests.place import Place
from verifiers.errors import UserError


def test_the_queue_of_an_llm_tells_engine_arguments_apart_but_not_their_order() -> None:
    one = queue_of("meta-llama/Llama-3-8B", {"dtype": "half", "revision": "a"})
    assert one.startswith("generate.llama-3-8b-")
    assert one == queue_of("meta-llama/Llama-3-8B", {"revision": "a", "dtype": "half"})
    assert one != queue_of("meta-llama/Llama-3-8B", {"dtype": "half"})


def test_a_local_folder_is_known_by_its_whole_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "tokenizer.json").write_text("{}")
    monkeypatch.chdir(tmp_path.parent)
    assert full_name(tmp_path.name) == str(tmp_path)
    assert full_name("meta-llama/Llama-3-8B") == "meta-llama/Llama-3-8B"


def test_a_folder_without_a_configuration_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no config\.json"):
        full_name(str(tmp_path))


@settings(deadline=None)
@given(st.integers(0, 2**31), st.integers(1, 2**40), st.integers(0, 10**6), st.integers(1, 300))
def test_batches_of_a_problem_share_no_seed_however_they_are_cut(
    root: int, problem: int, first: int, size: int
) -> None:
    before = seeds_of(root, problem, 0, first + size)[first:] if first < 2_000 else None
    seeds = seeds_of(root, problem, first, size)
    assert seeds == list(range(seeds[0], seeds[0] + size)), "child i of a vLLM request gets seed + i"
    assert before is None or seeds == before
    assert seeds[0] >= 0
    assert seeds[-1] < 2**63
    assert not set(seeds) & set(seeds_of(root, problem + 1, first, size))


@pytest.mark.parametrize("text", ["", "a", "0,", "0,0", "-1"])
def test_what_is_no_gpu_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="--gpus"):
        parse_gpus(text)


def test_gpus_that_this_host_lacks_are_named() -> None:
    with pytest.raises(UserError, match="no GPU 7"):
        check_gpus(("7",), 0)
    with pytest.raises(UserError, match="1 of the GPUs 0,7"):
        check_gpus(("0", "7"), 1)


@pytest.mark.parametrize(
    ("engine_args", "gpus", "added"),
    [
        ({}, 4, {"tensor_parallel_size": 4}),
        ({"data_parallel_size": 4}, 4, {"tensor_parallel_size": 1}),
        ({"data_parallel_size": 2}, 4, {"tensor_parallel_size": 2}),
        ({"pipeline_parallel_size": 2, "data_parallel_size": 2}, 8, {"tensor_parallel_size": 2}),
        ({"tensor_parallel_size": 2, "data_parallel_size": 2}, 4, {"tensor_parallel_size": 2}),
        ({"data_parallel_size": 4, "data_parallel_size_local": 2}, 2, {}),
        ({"tensor_parallel_size": 16, "nnodes": 2}, 8, {}),
        ({"tensor_parallel_size": 16, "distributed_executor_backend": "ray"}, 8, {}),
    ],
)
def test_gpus_that_replicas_share_are_split_between_them(
    engine_args: dict[str, Any], gpus: int, added: dict[str, int]
) -> None:
    assert tensor_parallel(engine_args, gpus) == added


@pytest.mark.parametrize(
    ("engine_args", "gpus", "said"),
    [
        ({"data_parallel_size": 3}, 4, "4 GPUs, but with data_parallel_size=3 it takes a multiple of 3"),
        ({"data_parallel_size": 4}, 2, "2 GPUs, but with data_parallel_size=4 it takes a multiple of 4"),
        ({"tensor_parallel_size": 2, "data_parallel_size": 4}, 4, "size=2 and data_parallel_size=4 it takes 8"),
        ({"tensor_parallel_size": 2}, 4, "4 GPUs, but with tensor_parallel_size=2 it takes 2"),
        ({"data_parallel_size": "two"}, 2, "must be a whole number"),
        ({"pipeline_parallel_size": 0}, 2, "must be a whole number"),
    ],
)
def test_gpus_that_an_engine_would_not_take_are_one_sentence(engine_args: dict[str, Any], gpus: int, said: str) -> None:
    with pytest.raises(UserError, match=said):
        tensor_parallel(engine_args, gpus)


def test_an_engine_that_was_given_no_gpus_takes_the_first_that_it_sees() -> None:
    assert first_gpus({}, None) == ("0",)
    assert first_gpus({"tensor_parallel_size": 2, "data_parallel_size": 2}, None) == ("0", "1", "2", "3")
    assert first_gpus({"data_parallel_size": 2}, "4,5,6") == ("4", "5")


@dataclass(frozen=True)
class Parallel:
    """What vLLM's ParallelConfig says of replicas."""

    data_parallel_size: int
    data_parallel_size_local: int
    local_engines_only: bool


def test_an_engine_works_with_all_its_replicas_but_not_with_those_of_other_engines() -> None:
    assert replicas_of(Parallel(1, 1, False)) == 1
    assert replicas_of(Parallel(8, 4, False)) == 8, "over two nodes"
    assert replicas_of(Parallel(8, 4, True)) == 4, "each node with an engine of its own"


def test_two_engines_on_one_gpu_are_refused_unless_each_takes_a_part(tmp_path: Path) -> None:
    first = take_gpus(("0", "1"), shared=False, folder=tmp_path)
    with pytest.raises(UserError, match="Another worker has GPU 1"):
        take_gpus(("1",), shared=True, folder=tmp_path)
    for each in first:
        each.close()
    shared = [take_gpus(("1",), shared=True, folder=tmp_path) for _ in range(2)]
    with pytest.raises(UserError, match="Another worker has GPU 1"):
        take_gpus(("1",), shared=False, folder=tmp_path)
    for (each,) in shared:
        each.close()


def test_one_gpu_is_not_given_to_two_engines(place: Place) -> None:
    said = place.refused("worker", "generate", "--gpus", "0,1", "--gpus", "1")
    assert "one GPU to two engines" in said


def test_a_worker_on_a_gpu_that_this_host_lacks_says_so_and_leaves(place: Place) -> None:
    code, said = place.start_and_wait("worker", "generate", "-m", "pocket-monkey", "--gpus", "77")
    assert code == 2
    assert "This host has no GPU 77; `nvidia-smi -L` lists what it has." in said
    assert "Traceback" not in said


def test_shares_of_gpu_time_add_up_to_busy_time_and_follow_sizes() -> None:
    clock = Clock()
    meter = Meter(2, clock)
    clock.now += 5  # idle: nobody's
    meter.begin(1, 30)
    clock.now += 10
    meter.begin(2, 10)
    clock.now += 4
    assert meter.share(1) == pytest.approx(2 * (10 + 3))
    meter.end(1)
    clock.now += 7
    assert meter.share(2) == pytest.approx(2 * (1 + 7))


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_batch_waits_for_room_and_gives_up_when_its_worker_leaves() -> None:
    meter, leaving, let_in = Meter(0), Event(), Event()
    meter.begin(1, 100)

    def wait() -> None:
        assert meter.wait_for_room(100, leaving)
        let_in.set()

    waiting = Thread(target=wait)
    waiting.start()
    assert not let_in.is_set()
    meter.end(1)
    waiting.join(30)
    assert let_in.is_set()
    meter.begin(2, 100)
    leaving.set()
    assert not meter.wait_for_room(100, leaving)


@pytest.mark.parametrize(("name", "expected"), [("min", 0.25), ("product", 0.0625), ("last", 0.5), ("mean", 1.25 / 3)])
def test_scores_of_steps_become_one(name: str, expected: float) -> None:
    steps: Sequence[float] = [0.5, 0.25, 0.5]
    assert AGGREGATES[name](steps) == pytest.approx(expected)


def test_a_reward_model_is_told_apart_by_what_makes_its_numbers_others() -> None:
    arguments = {"step_token": "<extra_0>", "aggregate": "last"}
    assert reward_name("org/prm", arguments) == "org/prm aggregate=last step_token=<extra_0>"
    assert reward_queue("org/prm", arguments).startswith("score.prm-")
    with pytest.raises(UserError, match="one of min, product, last, mean"):
        check_reward_arguments({"step_token": "x", "aggregate": "max"})
    with pytest.raises(UserError, match="step_token"):
        check_reward_arguments({"aggregate": "last"})


def test_an_endpoint_with_a_password_is_refused() -> None:
    with pytest.raises(UserError, match="OPENAI_API_KEY"):
        check_arguments("openai:x", {"endpoint": "https://me:secret@host/v1"})


def test_no_engine_is_imported_before_one_is_asked_for() -> None:
    code = (
        "import sys, cli, cli.worker, cli.enqueue, cli.score, tasks.app, tasks.runs.make;"
        "import tasks.workers.generate, tasks.workers.score;"
        "sys.exit(bool({'torch', 'vllm', 'openai', 'transformers'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


ARCHITECTURE = """1 validation error for ModelConfig
  Value error, Model architectures ['X'] are not supported for now. Supported architectures: dict_keys(['A', 'B'])
 [type=value_error, input_value=ArgsKwargs((), {}), input_type=ArgsKwargs]
    For further information visit https://errors.pydantic.dev/2.12/v/value_error"""

PRINTED = """(EngineCore pid=7) ERROR 11-27 10:52:46 [core.py:935] EngineCore failed to start.
(EngineCore pid=7) ERROR 11-27 10:52:46 [core.py:935] Traceback (most recent call last):
(EngineCore pid=7) ERROR 11-27 10:52:46 [core.py:935] ValueError: There is no room for one request.
RuntimeError: Engine core initialization failed. See root cause above. Failed core proc(s): {}
"""


def test_why_vllm_did_not_start_is_one_line_without_its_lists(tmp_path: Path) -> None:
    assert in_a_line(ValueError(ARCHITECTURE), 0) == "Model architectures ['X'] are not supported for now"
    assert in_a_line(ValueError(), 0) == "ValueError"
    assert len(in_a_line(OSError("x" * 9_000), 0)) == LONGEST_REASON
    code = """
import sys
from tasks.engines.reasons import in_a_line, printed_so_far
print("KeyError: of another start", file=sys.stderr, flush=True)
since = printed_so_far()
print(sys.argv[1], file=sys.stderr, flush=True)
print(in_a_line(RuntimeError("Engine core initialization failed. See root cause above."), since))
"""
    for log, said in (("log", "ValueError: There is no room for one request"), (None, "Engine core initialization")):
        with (tmp_path / log).open("ab") if log else open(os.devnull, "ab") as stderr:
            done = subprocess.run(
                [sys.executable, "-c", code, PRINTED], stdout=subprocess.PIPE, stderr=stderr, text=True
            )
        assert done.stdout.startswith(said)
