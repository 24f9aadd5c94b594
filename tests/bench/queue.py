"""Samples a second through the whole queue: enqueue, generate, verify, Postgres, with recorded samples of 2 KB.

    python -m tests.bench.queue [--problems 128] [--samples 100] [--rounds 5]
    python -m tests.bench.queue --problems 128 --samples 10000 --rounds 1    # 1,280,000 samples

Each round is a fresh database on the bundled PostgreSQL and the bundled Redis, one generate worker that replays, two
verify processes with the GSM8K verifier, and a sweeper; the clock runs from the workers' readiness to the run's end.
Prints the enqueueing time, the memory of every process, bytes a sample, and the slowest statements. The last line is
the median of samples a second.
"""

import argparse
import json
import os
import statistics
import tempfile
import time
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from cli.stack.processes import members
from cli.stack.servers import servers
from tests.place import Place, new_place, wait_until

TEXT_BYTES = 2_000
PROBLEMS_SEED = 11


class Round(NamedTuple):
    """What one round took."""

    enqueue_seconds: float
    seconds: float
    samples_per_second: float
    bytes_per_sample: float
    growth: dict[str, list[int]]


def record(folder: Path, problems: int, samples: int) -> tuple[Path, Path, Path]:
    """A benchmark, a recording of it and a prompt prefix: few distinct right answers, many wrong ones, as in life."""
    random = Random(PROBLEMS_SEED)
    words = " ".join(random.choice(("so", "then", "we", "have", "each", "total", "cost", "of")) for _ in range(600))
    data, recording, prefix = folder / "data.jsonl", folder / "recording.jsonl", folder / "prefix.txt"
    with data.open("w") as file:
        for each in range(problems):
            file.write(json.dumps({"question": f"How much is {each} + 1?", "answer": f"#### {each + 1}"}) + "\n")
    with recording.open("w") as file:
        for each in range(problems):
            for index in range(samples):
                answer = each + 1 if random.random() < 0.3 else int(random.expovariate(1 / 40))
                start = random.randrange(200)
                text = f"{words[start : start + TEXT_BYTES - 30]}\nThe answer is {answer}."
                row = {"problem": str(each), "sample_index": index, "text": text, "prompt_tokens": 700,
                       "completion_tokens": 200 + index % 100, "finish_reason": "stop", "logprob": -10.5}  # fmt: skip
                file.write(json.dumps(row) + "\n")
    prefix.write_text("Add.")
    return data, recording, prefix


def resident(place: Place) -> dict[str, int]:
    """MiB of each process of the run, by command and pid: resident, less what is shared."""
    found: dict[str, int] = {}
    for process in place.processes:
        name = " ".join(arg for arg in process.args[3:5] if isinstance(arg, str))  # type: ignore[index, union-attr]
        for each in members([process.pid]):
            try:
                resident_pages, shared_pages = map(int, Path(f"/proc/{each.pid}/statm").read_text().split()[1:3])
            except OSError:
                continue
            found[f"{name} {each.pid}"] = (resident_pages - shared_pages) * os.sysconf("SC_PAGE_SIZE") >> 20
    return found


def one_round(server: str, broker: str, folder: Path, files: tuple[Path, Path, Path], samples: int) -> Round:
    """A fresh database, workers, a run, its end."""
    data, recording, prefix = files
    with new_place(server, broker, folder / "home") as place:
        place.start("worker", "generate", "-m", f"replay:{recording}", "-c", "4", MONKEYS_LEASE_SECONDS="60")
        place.start("worker", "verify", "-c", "2", MONKEYS_LEASE_SECONDS="60")
        place.start("sweep", MONKEYS_SWEEP_SECONDS="1")
        from models.questions.workers import serving_workers

        wait_until(lambda: [each.state for each in serving_workers()] == ["idle", "idle"], 120)
        growth: dict[str, list[int]] = {}
        began = time.monotonic()
        run = place.ok(
            "enqueue", "gsm8k", "-m", f"replay:{recording}", "-n", str(samples), "--data", str(data),
            "--prompt-file", str(prefix), "--quiet",
        ).strip()  # fmt: skip
        enqueued = time.monotonic() - began
        looked = 0.0
        while place.one("select finished_at from run where id = %s", (int(run),)) is None:
            time.sleep(0.2)
            if time.monotonic() - looked > 10:
                looked = time.monotonic()
                for name, size in resident(place).items():
                    growth.setdefault(name, []).append(size)
        seconds = time.monotonic() - began
        count = place.one("select count(*) from extraction")
        assert count == place.one("select count(*) from sample")
        size = place.one("select pg_database_size(current_database())")
        show_slowest(place)
        show_tables(place, count)
        return Round(enqueued, seconds, count / seconds, size / count, growth)


def show_slowest(place: Place) -> None:
    """The questions that a person or the sweeper asks, over what the round left behind."""
    questions = {
        "coverage": "select * from coverage",
        "run_progress": "select * from run_progress",
        "problem_tally": "select * from problem_tally",
        "outcome_counts": "select * from outcome_counts",
        "cost": "select * from cost",
        "sweeper, open queues": "select queue, count(*) from work where state in ('ready', 'published') group by queue",
    }
    for name, sql in questions.items():
        began = time.monotonic()
        place.query(sql)
        print(f"  {name:24} {time.monotonic() - began:8.3f} s")


def show_tables(place: Place, samples: int) -> None:
    """Bytes a sample of each large table, its indexes beside it."""
    rows: list[dict[str, Any]] = place.query(
        """
        select relname, pg_table_size(oid) as heap, pg_indexes_size(oid) as indexes from pg_class
        where relkind = 'r' and relnamespace = 'public'::regnamespace
        order by pg_total_relation_size(oid) desc limit 6
        """
    )
    for row in rows:
        print(f"  {row['relname']:24} {row['heap'] / samples:8.0f} + {row['indexes'] / samples:5.0f} bytes a sample")


def main() -> None:
    """Rounds, medians and spread."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problems", type=int, default=128)
    parser.add_argument("--samples", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=5)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="queue-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        files = record(folder, chosen.problems, chosen.samples)
        with servers(folder / "servers") as urls:
            rounds = [
                one_round(urls.database_url, urls.broker_url, folder, files, chosen.samples)
                for _ in range(chosen.rounds)
            ]
    print(f"{chosen.problems * chosen.samples:,} samples of {TEXT_BYTES} bytes, {chosen.rounds} rounds, "
          f"load average {os.getloadavg()[0]:.1f}")  # fmt: skip
    print(f"{'':24} {'median':>10} {'least':>10} {'most':>10}")
    for field in ("enqueue_seconds", "seconds", "samples_per_second", "bytes_per_sample"):
        values = [getattr(each, field) for each in rounds]
        print(f"{field:24} {statistics.median(values):10.1f} {min(values):10.1f} {max(values):10.1f}")
    for process, sizes in rounds[-1].growth.items():
        print(f"MiB of {process:24} first {sizes[0]}, most {max(sizes)}, last {sizes[-1]}")
    print(f"samples/s {statistics.median(each.samples_per_second for each in rounds):.0f}")


if __name__ == "__main__":
    main()
