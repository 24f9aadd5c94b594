"""Samples/s through the whole queue beside raw vLLM: the same prompts, settings, seeding and total, in turns.

    python -m tests.bench.engine [--rounds 5] [--problems 20] [-n 100] [--seeded] [-m LLM] [--gpus 0] [-c 32]
        [--engine-arg load_format=dummy ...] [--in-flight 1,2,4,8]

Raw is one `LLM.generate` over every prompt at once, in a process of its own, with the engine arguments that a worker
uses. The queue is what a person has: enqueue, PostgreSQL, Redis, a generate worker, a verify worker and a sweeper; its
time is from enqueue to the last committed sample (and, apart, to the last verdict). Both engines are loaded before the
first round; on one GPU each gets 40 % of its memory. Then both are gone, and one engine alone shows tokens/s against
batches in flight. The last line is the queue's samples/s over raw's, long lengths.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any

from tasks.engines import load
from tasks.engines.engine import Account, Request
from verifiers.benchmarks.benchmark import Sampling
from verifiers.benchmarks.pocket_sums import POCKET_SUMS

REQUEST = 100
"""Samples of one request and of one batch."""


@dataclass(frozen=True)
class Shape:
    """How long samples may get."""

    name: str
    max_tokens: int


SHAPES = (Shape("short", 16), Shape("long tail", 160))


def raw(options: dict[str, Any]) -> None:
    """A child: loads an engine, then samples once for each line of settings it reads, and prints how it went."""
    from tasks.engines.pocket_monkey import FOLDER, NAME
    from tasks.engines.vllm_core import ENVIRONMENT

    for variable, value in ENVIRONMENT.items():
        os.environ.setdefault(variable, value)
    from vllm import LLM, SamplingParams
    from vllm.platforms import current_platform

    arguments: dict[str, Any] = {"max_logprobs": 1, "enable_prefix_caching": True, **options["engine_args"]}
    if options["llm"] == NAME:
        arguments |= {"dtype": "float32"}
    if current_platform.is_cpu():
        arguments |= {"enforce_eager": True, "enable_chunked_prefill": False}
    llm = LLM(model=str(FOLDER) if options["llm"] == NAME else options["llm"], **arguments)
    prompts = [prompt for prompt in prompts_of(options["problems"]) for _ in range(options["n"] // REQUEST)]
    say({"ready": True})
    for line in sys.stdin:
        wanted = json.loads(line)
        parameters = [
            SamplingParams(
                n=REQUEST, temperature=1.0, max_tokens=wanted["max_tokens"], logprobs=0,
                seed=place * REQUEST if options["seeded"] else None,
            )
            for place in range(len(prompts))
        ]  # fmt: skip
        began = time.perf_counter()
        outputs = llm.generate(prompts, parameters, use_tqdm=False)
        seconds = time.perf_counter() - began
        say({"seconds": seconds, "tokens": sum(len(each.token_ids) for out in outputs for each in out.outputs)})


def say(answer: dict[str, Any]) -> None:
    print("@" + json.dumps(answer), flush=True)


def prompts_of(problems: int) -> list[str]:
    return POCKET_SUMS.prompts(POCKET_SUMS.load(None), None, None)[:problems]


class Raw:
    """Raw vLLM in a child."""

    def __init__(self, options: dict[str, Any]) -> None:
        self._child = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.engine", "--raw", json.dumps(options)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def hear(self) -> dict[str, Any]:
        assert self._child.stdout is not None
        for line in self._child.stdout:
            if line.startswith("@"):
                heard: dict[str, Any] = json.loads(line[1:])
                return heard
        raise SystemExit("raw vLLM ended early")

    def sample(self, shape: Shape) -> tuple[float, int]:
        """Seconds and tokens of one round."""
        assert self._child.stdin is not None
        self._child.stdin.write(json.dumps({"max_tokens": shape.max_tokens}) + "\n")
        self._child.stdin.flush()
        heard = self.hear()
        return heard["seconds"], heard["tokens"]

    def end(self) -> None:
        assert self._child.stdin is not None
        self._child.stdin.close()
        self._child.wait(60)


def in_flight(options: argparse.Namespace, shape: Shape) -> Iterator[tuple[int, float]]:
    """(batches in flight, tokens/s) of the engine that a worker uses, alone."""
    engine = load(options.llm, options.engine_args, options.gpus.split(",") if options.gpus else ())
    prompts = prompts_of(options.problems)
    sampling = Sampling(temperature=1.0, max_tokens=shape.max_tokens)

    def tokens(prompt: str) -> int:
        drawn = engine.sample(Request("", prompt, 0, REQUEST, sampling), Event(), Account())
        return sum(each.completion_tokens or 0 for each in drawn)

    tokens(prompts[0])
    for batches in options.in_flight:
        with ThreadPoolExecutor(batches) as pool:
            began = time.perf_counter()
            drawn = sum(pool.map(tokens, prompts[: max(16, batches)]))
            yield batches, drawn / (time.perf_counter() - began)
    engine.close()


def through_queue(place: Any, options: argparse.Namespace, engine_args: list[str], shape: Shape) -> Any:
    """Seconds to the last sample and to the last verdict, and tokens, of one round."""
    began = time.perf_counter()
    run = place.ok(
        "enqueue", "pocket-sums", "-m", options.llm, "-n", str(options.n), "--limit", str(options.problems),
        "--batch-size", str(REQUEST), "--max-tokens", str(shape.max_tokens), "--quiet",
        *(["--seeded"] if options.seeded else []), *engine_args,
    )  # fmt: skip
    while place.one("select count(*) from work where run_id = %s and kind = 'generate' and state <> 'done'", (run,)):
        time.sleep(0.1)
    sampled = time.perf_counter() - began
    while place.one("select count(*) from work where run_id = %s and state <> 'done'", (run,)):
        time.sleep(0.05)
    verified = time.perf_counter() - began
    return sampled, verified, int(place.one("select sum(completion_tokens) from sample where run_id = %s", (run,)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--problems", type=int, default=20)
    parser.add_argument("-n", type=int, default=100, help=f"samples of each problem, a multiple of {REQUEST}")
    parser.add_argument("-m", dest="llm", default="pocket-monkey")
    parser.add_argument("-c", dest="concurrency", type=int, default=32)
    parser.add_argument("--seeded", action="store_true")
    parser.add_argument("--gpus")
    parser.add_argument("--engine-arg", dest="engine_args", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--in-flight", default="1,2,4,8", help="batches; empty for none")
    parser.add_argument("--raw", type=json.loads)
    options = parser.parse_args()
    if options.raw:
        raw(options.raw)
        return
    from cli.options import engine_args
    from cli.stack.servers import servers
    from tests.place import new_place, wait_until

    options.in_flight = [int(each) for each in options.in_flight.split(",") if each]
    options.engine_args = engine_args(options.engine_args)
    share = {**options.engine_args, **({"gpu_memory_utilization": 0.4} if options.gpus else {})}
    own = {"engine_args": share, **{name: getattr(options, name) for name in ("llm", "problems", "n", "seeded")}}
    shared = [part for name, value in share.items() for part in ("--engine-arg", f"{name}={value}")]
    gpus = ["--gpus", options.gpus] if options.gpus else []
    with (
        tempfile.TemporaryDirectory(prefix="engine") as folder,
        servers(Path(folder, "servers")) as urls,
        new_place(urls.database_url, urls.broker_url, Path(folder, "home")) as place,
    ):
        rival = Raw(own)
        rival.hear()
        place.start("worker", "generate", "-m", options.llm, "-c", str(options.concurrency), *gpus, *shared)
        place.start("worker", "verify", "-c", "1")
        place.start("sweep")
        first = place.ok("enqueue", "pocket-sums", "-m", options.llm, "-n", "10", "--limit", "1", "--quiet", *shared)
        wait_until(lambda: place.one("select finished_at from run where id = %s", (first,)), 900)
        found: dict[tuple[str, str], list[float]] = {}
        for _ in range(options.rounds):
            for shape in SHAPES:
                seconds, tokens = rival.sample(shape)
                sampled, verified, queue_tokens = through_queue(place, options, shared, shape)
                for side, took, drawn in (("raw", seconds, tokens), ("queue", sampled, queue_tokens)):
                    found.setdefault((shape.name, side), []).append(options.problems * options.n / took)
                    found.setdefault((shape.name, side + " tokens"), []).append(drawn / took)
                found.setdefault((shape.name, "verified"), []).append(options.problems * options.n / verified)
                print(f"{shape.name}: raw {seconds:.1f} s, queue {sampled:.1f} s", file=sys.stderr, flush=True)
        rival.end()
    print(f"{options.llm}, {options.problems} problems x {options.n} samples, seeded: {options.seeded}")
    print(f"{'lengths':10} {'':14} {'median':>10} {'least':>10} {'most':>10}")
    for (shape_name, side), values in found.items():
        unit = "tokens/s" if side.endswith("tokens") else "samples/s"
        shown = [f"{each:10,.1f}" for each in (statistics.median(values), min(values), max(values))]
        print(f"{shape_name:10} {side.removesuffix(' tokens'):>8} {unit:9}", *shown)
    for shape in SHAPES:
        pairs = zip(found[shape.name, "queue"], found[shape.name, "raw"], strict=True)
        print(f"{shape.name}: ratio of each round", *(f"{ours / theirs:.2f}" for ours, theirs in pairs))
    for batches, speed in in_flight(options, SHAPES[-1]):
        print(f"{SHAPES[-1].name}: {batches} batches of {REQUEST} in flight {speed:10,.1f} tokens/s")
    last = SHAPES[-1].name
    print(f"ratio {statistics.median(found[last, 'queue']) / statistics.median(found[last, 'raw']):.2f}")


if __name__ == "__main__":
    main()
