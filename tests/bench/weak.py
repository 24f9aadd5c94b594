"""How long two verifiers' judgements of the same samples take to count, and the views that read them.

    python tests/bench/weak.py [--rounds 5] [--answers 200]

128 problems x 10,000 samples on the bundled PostgreSQL, each sample judged by two verifiers and scored by a reward
model, with so many distinct answers a problem. The last line is the time of the view coverage over that of the view
weak_verifier_at_k, both of one run.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.pop(0)  # this folder, whose file names are those of other modules
sys.path.insert(0, str(Path(__file__).parents[2]))

from cli.stack.servers import servers
from models.analysis.confusion import counted_pairs, write_pairs
from models.analysis.pool import read_pool
from models.analysis.reliability import reliability
from models.database import query, transaction
from models.statistics.coverage import nice_ks
from tests.counted import Tally, counted_run
from tests.place import new_place

PROBLEMS, SAMPLES = 128, 10_000

FILL = """
    insert into verifier (benchmark_id, name, version) select benchmark_id, 'weak', '1' from verifier;
    insert into candidate (problem_id, hash, text)
    select problem_id, sha256(answer::text::bytea), answer from prompt, generate_series(1, {answers}) as answer;
    insert into extraction (run_id, problem_id, sample_index, verifier_id, candidate_id, answer_from)
    select run_id, problem_id, sample_index, verifier.id,
        least + (sample_index::bigint * 7919 + problem_id) % {answers}, 0
    from (
        select run_id, problem_id, min(candidate.id) as least
        from prompt join candidate using (problem_id) group by 1, 2
    ) as problem, generate_series(0, {samples} - 1) as sample_index, verifier;
    insert into verdict (candidate_id, verifier_id, outcome)
    select candidate.id, verifier.id,
        (case when (candidate.id * 31 + verifier.id) % 11 = 0 or candidate.id % 17 = 0 then 'correct'
            else 'incorrect' end)::outcome
    from candidate, verifier;
    insert into score (run_id, problem_id, sample_index, reward_model, score)
    select run_id, problem_id, sample_index, 'rm', candidate_id % 100 from extraction
    where verifier_id = (select min(id) from verifier);
    insert into work (run_id, batch_id, kind, verifier_id, queue, state, correct, incorrect, no_answer, undecided)
    select run_id, batch_id, kind, (select max(id) from verifier), queue, state, correct, incorrect, no_answer,
        undecided
    from work where kind = 'verify';
    analyze
"""


def stored(answers: int) -> tuple[int, int]:
    """A run whose every sample two verifiers judged: its id and its counting verifier's."""
    run = counted_run([Tally(SAMPLES, 100)] * PROBLEMS)
    with transaction() as connection:
        for statement in FILL.format(answers=answers, samples=SAMPLES).split(";"):
            connection.execute(statement.encode())
    (row,) = query("select verifier_id from run where id = %s", (run,))
    return run, row["verifier_id"]


def counted(run: int) -> None:
    """What analyze does once."""
    with transaction() as connection:
        write_pairs(connection, run, counted_pairs(run))


def measure(rounds: int, answers: int) -> None:
    """Interleaved rounds, medians and spread."""
    run, verifier = stored(answers)
    pool = read_pool(run, verifier)
    asked: dict[str, Callable[[], object]] = {
        "both verifiers' samples counted": lambda: counted(run),
        "view verifier_confusion": lambda: query("select * from verifier_confusion where run_id = %s", (run,)),
        "view weak_verifier_at_k": lambda: query(
            "select * from weak_verifier_at_k where run_id = %s and counting", (run,)
        ),
        "view coverage": lambda: query("select * from coverage where run_id = %s and counting", (run,)),
        "reward_threshold_at_k": lambda: query("select * from reward_threshold_at_k(%s, 'rm', 50)", (run,)),
        "reliability from counts": lambda: list(reliability(pool, nice_ks(SAMPLES))),
    }
    took: dict[str, list[float]] = {name: [] for name in asked}
    for _ in range(rounds):
        for name, ask in asked.items():
            began = time.perf_counter()
            ask()
            took[name].append(time.perf_counter() - began)
    print(f"{PROBLEMS} problems x {SAMPLES:,} samples, {answers:,} answers each; seconds, {rounds} rounds")
    for name, seconds in took.items():
        print(f"{name:34} {statistics.median(seconds):8.3f}  [{min(seconds):.3f}, {max(seconds):.3f}]")
    medians = {name: statistics.median(seconds) for name, seconds in took.items()}
    print(f"ratio {medians['view coverage'] / medians['view weak_verifier_at_k']:.2f}")


def main() -> None:
    """A database of its own, then the rounds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--answers", type=int, default=200)
    chosen = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        servers(Path(folder) / "servers") as urls,
        new_place(urls.database_url, urls.broker_url, Path(folder) / "home"),
    ):
        measure(chosen.rounds, chosen.answers)


if __name__ == "__main__":
    main()
