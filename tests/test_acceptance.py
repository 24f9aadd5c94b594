"""All pieces together: a person's own benchmark, two llms that think, everything killed at random, and one ledger."""

import csv
import json
import re
import shlex
import time
from collections import Counter
from dataclasses import fields
from pathlib import Path
from random import Random

import numpy as np
import pytest

from tasks.workers.exits import Exit
from tests.faults.crew import Crew
from tests.faults.faults import Chaos
from tests.misbehaving import misbehaving
from tests.oracle import coverage as curve
from tests.place import Place, wait_until
from tests.small_runs import check
from tests.thinker import Thinker, Told
from verifiers.outcome import Outcome

BENCHMARK = '''
"""Where a robot stands that walks back and forth: a benchmark of a person's own."""

import re

from verifiers.benchmarks.benchmark import Benchmark, Sampling
from verifiers.files import read_rows
from verifiers.outcome import Outcome
from verifiers.verifier import Candidate, Judgement, Problem, Verifier


def load(file):
    return [Problem(row["key"], {"ask": row["ask"], "stands": row["stands"]}) for row in read_rows(file)]


def extract(problem, text):
    found = re.findall(r"^ANSWER: (-?[0-9]+)$", text, re.MULTILINE)
    return Candidate(found[0]) if found else None  # the first one: what was thought must not be among them


def judge(problem, candidate):
    right = int(candidate) == problem.data["stands"]
    return Judgement(Outcome.correct if right else Outcome.incorrect)


benchmark = Benchmark(
    name="robots",
    about="Where a robot stands",
    load=load,
    chat="{ask}\\nEnd with a line ANSWER: and the number.",
    verifiers=(Verifier("place", "1", extract, judge),),
    sampling=Sampling(temperature=1.0, max_tokens=64),
)
'''

PROBLEMS = {f"walk{number}": (3 * number + 2) * (number + 1) for number in range(10)}
"""Key -> where the robot stands in the end."""

CHANCES = {
    "small": {key: (0.0, 0.02, 0.05, 0.1, 0.3)[number % 5] for number, key in enumerate(PROBLEMS)},
    "large": {key: (0.0, 0.1, 0.3, 0.6, 0.9)[number % 5] for number, key in enumerate(PROBLEMS)},
}

FIRST, STEP = 12, 8
"""Samples of each problem at first, and by how many a run is extended before a fault."""

FAULTS = [
    "kill -9 a generate worker", "kill -9 a verify worker", "kill -9 one process of a verify worker",
    "kill -9 the sweeper", "pause a generate worker longer than its lease",
    "pause a verify worker longer than its lease", "pause one process of a verify worker", "freeze the sweeper",
    "messages twice and out of order", "messages lost",
]  # fmt: skip
"""Each is made twice."""


def written(folder: Path) -> list[str]:
    """The benchmark and its problems as a person's files; how `enqueue` is told of them."""
    (folder / "robots.py").write_text(BENCHMARK)
    with (folder / "robots.jsonl").open("w") as file:
        for number, (key, stands) in enumerate(PROBLEMS.items()):
            ask = f"[{key}] A robot walks {3 * number + 2} steps, {number + 1} times. How far is it?"
            file.write(json.dumps({"key": key, "ask": ask, "stands": stands}) + "\n")
    return [str(folder / "robots.py"), "--data", str(folder / "robots.jsonl")]


def enqueued(place: Place, files: list[str], llm: str, url: str) -> tuple[int, set[str]]:
    """A run by the name of its llm, and the workers that `enqueue` says it wants."""
    thinking = "server" if llm == "large" else "tags"
    said = place.monkeys(
        "enqueue", *files, "-m", f"openai:{llm}", "--endpoint", url, "-n", str(FIRST), "--batch-size", "4",
        "--chat", "--seeded", "--thinking", thinking, "--name", llm,
    )  # fmt: skip
    assert said.exit_code == 0, said.output
    return int(said.stdout), set(re.findall(r"^ +(monkeys worker .+)$", said.stderr, re.MULTILINE))


def crew_of(place: Place, wanted: set[str]) -> Crew:
    """The workers that `enqueue` asked for, word for word, and two sweepers."""
    commands = {"sweep 1": ["sweep"], "sweep 2": ["sweep"]}
    for number, line in enumerate(sorted(wanted)):
        words = shlex.split(line)[1:]
        commands[f"{words[1]} {number}"] = [*words, "-c", "3"]
    assert Counter(name.split()[0] for name in commands) == {"generate": 2, "verify": 1, "sweep": 2}
    return Crew(place, commands)


def through_faults(place: Place, crew: Crew, seed: int) -> int:
    """Extend both runs, and make a fault, again and again; how many samples of each problem they have in the end."""
    chaos = Chaos(crew, None, Random(seed))
    schedule = FAULTS * 2
    chaos.random.shuffle(schedule)
    n = FIRST
    try:
        for number, fault in enumerate(schedule):
            if number % 2 == 0:
                n += STEP
                for llm in CHANCES:
                    place.ok("extend", llm, "-n", str(n))
            wait_until(lambda fault=fault: crew.keep() or chaos.inject(fault, wait=False), 60)
            time.sleep(chaos.random.uniform(0.5, 2.5))
        wait_until(lambda: crew.keep() or not place.one("select count(*) from run where finished_at is null"), 240)
    finally:
        chaos.calm()
    assert chaos.injected.total() == len(schedule)
    return n


def right_in(ledger: dict[str, dict[int, Told]]) -> list[int]:
    """How many right samples each problem has, in their order, by the ledger."""
    return [sum(told.outcome is Outcome.correct for told in ledger[key].values()) for key in PROBLEMS]


def is_the_ledger(place: Place, run: int, ledger: dict[str, dict[int, Told]], n: int) -> None:
    """Every sample is one answer of the ledger, every answer one sample, and each came out as it was meant."""
    assert {key: len(ledger[key]) for key in PROBLEMS} == dict.fromkeys(PROBLEMS, n)
    rows = place.query(
        """
        select problem_key, sample_index, detail.seed, detail.text, sample.thinking, outcome,
            detail.completion_tokens, sample.thinking_tokens, detail.finish_reason
        from sample_detail as detail join sample using (run_id, problem_id, sample_index)
        where run_id = %s order by 1, 2
        """,
        (run,),
    )
    assert [(row["problem_key"], row["sample_index"]) for row in rows] == [
        (key, i) for key in PROBLEMS for i in range(n)
    ]
    stored: dict[str, dict[int, Told]] = {key: {} for key in PROBLEMS}
    for row in rows:
        stored[row["problem_key"]][row["seed"]] = Told(**{each.name: row[each.name] for each in fields(Told)})
    assert stored == {key: ledger[key] for key in PROBLEMS}
    tallies = place.query(
        "select problem_key, samples, correct from problem_tally where run_id = %s order by 1", (run,)
    )
    counted = [(row["problem_key"], row["samples"], row["correct"]) for row in tallies]
    assert counted == [(key, n, right) for key, right in zip(PROBLEMS, right_in(ledger), strict=True)]


def pages_are_the_ledger(place: Place, runs: dict[str, int], thinker: Thinker, n: int, folder: Path) -> None:
    """`report`, `compare` and `show` say what the ledger says."""
    place.ok("report", "small", "large", "--out", str(folder))
    (page,) = folder.glob("*.html")
    text = page.read_text("utf-8")
    assert "<script" not in text
    assert all(f"openai:{llm}" in text for llm in runs)
    (points,) = folder.glob("coverage-*.csv")
    drawn = list(csv.DictReader(points.read_text("utf-8").splitlines()))
    right = {llm: np.array(right_in(thinker.told[llm])) for llm in runs}
    for llm, run in runs.items():
        mine = [row for row in drawn if row["run_id"] == str(run) and row["what"] == "coverage"]
        exact = curve(n, right[llm], [int(row["k"]) for row in mine])
        assert [float(row["coverage"]) for row in mine] == pytest.approx(list(exact.coverage))
    small, large = (float(curve(n, right[llm], k).coverage[0]) for llm, k in (("small", 20), ("large", 5)))
    compared = json.loads(place.ok("compare", "small@20", "large@5", "--json"))
    assert compared
    for row in compared:
        assert (row["run_id"], row["against"]) == (runs["small"], runs["large"])
        assert (row["coverage"], row["against_coverage"]) == pytest.approx((small, large))
        assert row["difference"] == pytest.approx(small - large)
    shown = place.ok("show", "large", "walk4", "--outcome", "correct")
    assert f"ANSWER: {PROBLEMS['walk4']}" in shown
    assert "No." in shown, "what was thought"


@pytest.mark.slow
@pytest.mark.usefixtures("key")
@pytest.mark.timeout(600)
def test_two_llms_that_think_go_through_anything_and_their_counts_are_those_of_the_ledger(
    place: Place, tmp_path: Path
) -> None:
    thinker = Thinker(CHANCES, PROBLEMS)
    with misbehaving(thinker) as server:
        made = {llm: enqueued(place, written(tmp_path), llm, server.url) for llm in CHANCES}
        runs = {llm: run for llm, (run, _) in made.items()}
        crew = crew_of(place, set().union(*(wanted for _, wanted in made.values())))
        crew.keep()
        n = through_faults(place, crew, seed=1)
        place.kill_all()
    assert {int(how.rpartition(" ")[2]) for how in crew.left} <= set(Exit), "what nobody ended says why it left"
    assert thinker.failed.total() > 50
    assert thinker.again > 0, "whatever was killed had asked for nothing"
    assert place.one("select count(*) from work where state <> 'done'") == 0
    for llm, run in runs.items():
        check(place, run)
        is_the_ledger(place, run, thinker.told[llm], n)
    pages_are_the_ledger(place, runs, thinker, n, tmp_path / "page")
