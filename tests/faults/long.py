"""Thousands of random faults between random commands, on servers of its own: `make test-faults-long`.

    python -m tests.faults.long --faults 10000 --seed 1 --broker redis rabbitmq

Faults come in rounds. After each one everything is let go on until it rests, and must be whole: nothing lost, nothing
doubled, every text and outcome that of the recording, every worker at work again. A round is drawn from the seed and
its number alone, and its results are a line in a file: the same seed again goes on after the last line.
"""

import argparse
import faulthandler
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.faults.crew import Crew
from tests.faults.round import SAMPLES, Round
from tests.faults.servers import Servers, own_servers
from tests.faults.settled import Recorded
from tests.faults.watch import Seen, table
from tests.place import Place, new_place
from tests.small_runs import Small, small

PROBLEMS = 8
ROUND = 500
"""Faults between two looks at everything."""


def prepare(folder: Path) -> Recorded:
    """The recording; each sample cost something, so that a budget may stop a run."""
    folder.mkdir(parents=True, exist_ok=True)
    files: Small = small(folder, PROBLEMS, SAMPLES, padding=300)
    rows = [json.loads(line) for line in files.recording.read_text().splitlines()]
    files.recording.write_text("".join(json.dumps({**row, "usd": 0.001}) + "\n" for row in rows))
    return Recorded(files)


def crew_of(place: Place, servers: Servers, recording: Path) -> Crew:
    """Two workers that sample, one that judges, two sweepers of which one stands by."""
    commands = {
        f"generate {number}": [
            "worker", "generate", "-m", f"replay:{recording}", "-c", "4", "--name", f"generate-{number}@%h",
        ]
        for number in (1, 2)
    }  # fmt: skip
    commands["verify 1"] = ["worker", "verify", "-c", "2", "--name", "verify-1@%h"]
    return Crew(
        place, {**commands, "sweep 1": ["sweep"], "sweep 2": ["sweep"]}, servers.through_proxies(place.database)
    )


def run_all(broker: str, seed: int, faults: int, folder: Path, pause: float) -> bool:
    """All rounds over one broker that have no line in the file of results yet; whether all held."""
    results = folder / f"{broker}-{seed}.jsonl"
    done = len(results.read_text().splitlines()) if results.exists() else 0
    recorded = prepare(folder / broker / "files")
    home = Path(tempfile.mkdtemp(dir=folder / broker))
    with (
        own_servers(home / "servers", broker) as servers,
        new_place(servers.database_url, servers.broker_url, home / "home") as place,
    ):
        crew = crew_of(place, servers, recorded.files.recording)
        try:
            for number in range(done, -(-faults // ROUND)):
                crew.left.clear()
                one = Round(place, servers, crew, recorded, f"{seed}-{number}", min(ROUND, faults - number * ROUND))
                one.run(pause)
                result = one.result()
                with results.open("a") as file:
                    file.write(json.dumps(result) + "\n")
                print(
                    f"{broker} round {number}: {sum(one.chaos.injected.values())} faults in {one.seconds:.0f} s "
                    f"({', '.join(f'{each:.0f}' for each in one.phases)}), "
                    f"works were due in {one.watch.looks_with_due / max(1, one.watch.looks):.0%} of the time, "
                    f"longest silence {result['longest']} s (after {result['longest_after']}), "
                    f"left {dict(crew.left)}",
                    flush=True,
                )
                for line in [*(f"{kind}: {said}" for kind, said in one.found), *one.person.tracebacks]:
                    print(f"    {line}", flush=True)
                if one.found:
                    print("\n".join([f"seed {seed}, round {number}; the last events:", *one.events]), flush=True)
                    print(f"logs: {place.log('x').parent}", flush=True)
                    for name, process in crew.running.items():
                        print(f"    {name}: pid {process.pid}, {process.poll()}", flush=True)
                    if any(kind == "hung" for kind, _ in one.found):  # what stands still would stand in the next too
                        place.kill_all()
                        crew.running.clear()
                one.clear()
        finally:
            place.kill_all()
    return True


def told(folder: Path, brokers: list[str], seed: int) -> int:
    """Print the table of all results; the exit code."""
    lines = [
        json.loads(line)
        for broker in brokers
        if (folder / f"{broker}-{seed}.jsonl").exists()
        for line in (folder / f"{broker}-{seed}.jsonl").read_text().splitlines()
    ]
    seen: dict[str, Seen] = {}
    for line in lines:
        for name, kind in line["seen"].items():
            one = seen.setdefault(name, Seen())
            for field, value in kind.items():
                setattr(one, field, getattr(one, field) + value)
    print(table(seen))
    commands = sum((Counter(line["commands"]) for line in lines), Counter[str]())
    print(f"\ncommands {sum(commands.values())}: {dict(sorted(commands.items()))}")
    for said, times in sum((Counter(line["refused"]) for line in lines), Counter[str]()).most_common(25):
        print(f"    {times} x {said}")
    print(f"left without being told: {dict(sum((Counter(line['left']) for line in lines), Counter[str]()))}")
    print(f"tracebacks: {len([each for line in lines for each in line['tracebacks']])}")
    if lines:
        longest = max(lines, key=lambda line: line["longest"])
        print(f"longest silence {longest['longest']} s, after {longest['longest_after']}; seed {seed}")
    found = [each for line in lines for each in line["found"]]
    print(f"found: {dict(Counter(kind for kind, _ in found))}")
    return 1 if found or not lines else 0


def main() -> int:
    """Each broker in a process of its own, side by side."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--faults", type=int, default=10_000, help="Through all brokers.")
    options.add_argument("--seed", type=int, default=int(time.time()) % 100_000)
    options.add_argument("--broker", nargs="+", default=["redis", "rabbitmq"], choices=["redis", "rabbitmq"])
    options.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "monkeys-faults")
    options.add_argument("--pause", type=float, default=0.15, help="Seconds between two faults, about.")
    given = options.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    faulthandler.register(signal.SIGUSR1)
    print(f"--seed {given.seed} --folder {given.folder}", flush=True)
    each = given.faults // len(given.broker)
    if len(given.broker) == 1:
        run_all(given.broker[0], given.seed, each, given.folder, given.pause)
        return told(given.folder, given.broker, given.seed)
    children = [
        subprocess.Popen(
            [
                sys.executable, "-m", "tests.faults.long", "--faults", str(each), "--seed", str(given.seed), "--broker",
                broker, "--folder", str(given.folder), "--pause", str(given.pause),
            ]
        )
        for broker in given.broker
    ]  # fmt: skip
    codes = [child.wait() for child in children]
    return told(given.folder, given.broker, given.seed) or int(any(codes))


if __name__ == "__main__":
    for variable in [each for each in os.environ if each.startswith("MONKEYS_")]:
        del os.environ[variable]  # a person's own servers are never touched
    multiprocessing.set_start_method("forkserver")
    sys.exit(main())
