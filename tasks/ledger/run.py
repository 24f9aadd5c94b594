"""The run as a whole: what a person does to it, and its end."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

from psycopg.types.json import Jsonb

from models.database import fetch, fetch_column, transaction
from models.rows import LABELS
from models.storable import storable
from models.tables import Kind, Run
from tasks.ledger.making import Making
from tasks.ledger.statements import statements
from tasks.ledger.stops import stop, stopping
from tasks.ledger.work import Lease, Usage, end_attempt
from tasks.patience import patient
from verifiers.errors import UserError

SQL = statements("run.sql")


class SplitAgain(NamedTuple):
    """Works to be done again, since answers begin elsewhere."""

    judged: int
    scored: int


class _Failed(NamedTuple):
    verifier_id: int
    problem_id: int


class _Again(NamedTuple):
    kind: Kind
    able: bool


class AskedFor(NamedTuple):
    """How many samples of a problem a run asks for."""

    problem_id: int
    key: str
    samples: int


class _Straddling(NamedTuple):
    first_index: int
    last: int


class Open(NamedTuple):
    """What a run has yet to do: works of every kind, and the samples that are to be drawn."""

    works: int
    samples: int


@dataclass(frozen=True)
class HeldRun(Making):
    """A run whose row is locked until its transaction ends: one person changes it at a time."""

    row: Run

    def cancel(self) -> int:
        """Cancel every open work; those in the middle of one notice within seconds. Returns how many."""
        cancelled = self._execute("cancel")
        if cancelled:
            self._execute("note_cancelled")
        return cancelled

    def resume(self) -> int:
        """Make every work ready again that failed or that a person cancelled; returns how many more are to be done."""
        before = self.open()
        self._execute("note_resumed")
        self._execute("resume")
        self._stop_anew()
        return self.open().works - before.works

    def extend(self, n: int, queue: str) -> int:
        """Add batches up to n samples a problem, after what a rule cut below them; returns how many more are drawn."""
        before = self.open()
        self._add(queue, {each.problem_id: range(max(each.samples, self.row.n), n) for each in self.ends()})
        self._execute("note_extended", n=n)
        self._reopen()
        self._execute("note_reached", run_ids=[self.run_id])
        return self.open().samples - before.samples

    def extend_by(self, more: Mapping[int, int], queue: str) -> int:
        """Add so many samples of each problem, which outcomes chose; returns how many more are drawn.

        The run's n stays: the samples below it are those that estimates go by.
        """
        before = self.open()
        ends = {each.problem_id: each.samples for each in self.ends()}
        self._add(queue, {problem: range(ends[problem], ends[problem] + number) for problem, number in more.items()})
        self._execute("note_planned")
        self._reopen()
        return self.open().samples - before.samples

    @property
    def n_wanted(self) -> int:
        """Samples that all problems have, or are being brought to."""
        return int(self.row.stop_rule.get("extending_to", self.row.n))

    def ends(self) -> list[AskedFor]:
        """How many samples were asked for of each problem."""
        return fetch(self.connection, AskedFor, SQL["ends"], {"run_id": self.run_id})

    def cut_by(self, n: int) -> tuple[int, int] | None:
        """The samples before and up to the end of a batch that n samples a problem would cut in two."""
        found = fetch(self.connection, _Straddling, SQL["cut_by"], {"run_id": self.run_id, "n": n})
        return (found[0].first_index, found[0].last) if found else None

    def _add(self, queue: str, wanted: Mapping[int, range]) -> None:
        """Make batches of these indices, problems with the same ones together; the lowest indices first."""
        alike: dict[tuple[int, int], list[int]] = {}
        for problem_id, indices in wanted.items():
            if indices:
                alike.setdefault((indices.start, indices.stop), []).append(problem_id)
        for (start, end), problem_ids in sorted(alike.items(), key=lambda group: group[0]):
            self.add_batches(
                queue, problem_ids, range(start, end), self.row.batch_size, depth_first=self.row.depth_first
            )

    def limit(self, stop_rule: Mapping[str, Any]) -> int:
        """Stop by other rules from now on; returns how many samples more, or fewer, are to be drawn."""
        before = self.open()
        self._execute("note_limits", stop_rule=Jsonb(dict(stop_rule)))
        self._reopen()
        return self.open().samples - before.samples

    def budget_met(self) -> str | None:
        """The budget that is spent, or that turned out not to be measured, if one is."""
        stops = stopping(self.connection, [self.run_id])
        return next((stop.rule for stop in stops if stop.problem_id is None), None)

    def open(self) -> Open:
        """What is to be done."""
        (found,) = fetch(self.connection, Open, SQL["open"], {"run_id": self.run_id})
        return found

    def _reopen(self) -> None:
        """Take up what rules cut, so that nothing above it is drawn before it, but for what they leave out now."""
        self._execute("reopen_cut")
        self._stop_anew()

    def _stop_anew(self) -> None:
        """Decide what rules leave out as if they never had; a run that has works to do has not ended."""
        self._execute("note_unstopped")
        stop(self.connection, [self.run_id])
        self._execute("note_open")

    def judge_by(self, verifier_id: int, *, use: bool) -> tuple[int, bool]:
        """Judge every sample, those to come too, by one more verifier, or by another version of one of the run's.

        `use` has it count once it is through.

        Returns how many works that makes, and whether it counts already.
        """
        self._execute("note_verifier", verifier_id=verifier_id, use=use)
        self._execute("cancel_replaced")
        works = self.add_verify_works(verifier_id)
        return works, use and self.move_counting()

    def score_by(self, reward_model: str, queue: str) -> int:
        """Score every sample, those to come too, by a reward model; returns how many works that makes now."""
        self._execute("note_reward_model", reward_model=reward_model, queue=queue)
        return self.add_score_works(reward_model, queue)

    def judge_again(self) -> int:
        """Forget the verdicts that failed by our fault and make the works that counted them ready; returns how many."""
        parameters = {"run_id": self.run_id, "labels": LABELS}
        failed = fetch(self.connection, _Failed, SQL["forget_failures"], parameters)
        verifiers, problems = [each.verifier_id for each in failed], [each.problem_id for each in failed]
        works = self._execute("judge_again", verifiers=verifiers, problems=problems)
        self._execute("note_open")
        return works

    def split_by(self, rule: str, verifiers: Sequence[int]) -> SplitAgain:
        """Have another rule say where answers begin: what was extracted and scored is forgotten and made ready again.

        `verifiers` are those that can be asked here; what other versions said goes for good. Candidates and their
        verdicts stay, being facts of the problems.
        """
        self._execute("forget_split", labels=LABELS)
        parameters = {"run_id": self.run_id, "verifiers": list(verifiers), "labels": LABELS}
        works = fetch(self.connection, _Again, SQL["split_again"], parameters)
        self._execute("note_thinking", rule=rule)
        again = [work.kind for work in works if work.able]
        self._execute("note_open")
        return SplitAgain(again.count(Kind.verify), again.count(Kind.score))

    def move_counting(self) -> bool:
        """Have the next verifier count, if it has judged every sample; whether it does now."""
        moved = self._execute("move_counting") == 1
        if moved:
            self._execute("cancel_replaced")
        return moved

    def is_open(self) -> bool:
        """Whether it has a work that is ready, published or leased."""
        return bool(self._execute("any_open"))

    def delete(self) -> int:
        """Delete the run and all that is only its own; returns how many samples it had."""
        self._execute("delete_works")
        self._execute("delete_scores")
        self._execute("delete_extractions")
        samples = self._execute("delete_samples")
        self._execute("delete_run")
        return samples

    def _execute(self, name: str, **parameters: object) -> int:
        return self.connection.execute(SQL[name], {"run_id": self.run_id} | parameters).rowcount


@contextmanager
def hold(run_id: int) -> Iterator[HeldRun]:
    """Hold a run for the length of a transaction; UserError where it has just been deleted."""
    with transaction() as connection:
        runs = fetch(connection, Run, SQL["hold"], {"run_id": run_id})
        if not runs:
            raise UserError(f"Run {run_id} has just been deleted.")
        yield HeldRun(connection, run_id, runs[0])


def move_counting() -> list[int]:
    """Move the counting verifier of every run where the next one is through; return the runs."""
    with transaction() as connection:
        waiting = [HeldRun(connection, row.id, row) for row in fetch(connection, Run, SQL["waiting_to_count"])]
        return [run.run_id for run in waiting if run.move_counting()]


@patient
def refuse_run(lease: Lease, error: str, usage: Usage | None = None) -> int:
    """End a run whose endpoint refuses what all its requests ask for; returns how many works that fails.

    The reason stands at each of them, and `resume` makes them ready again. Nothing, where the lease was lost.
    """
    message = storable(error)[:4_000]
    with transaction() as connection:
        failed = connection.execute(SQL["refuse_run"], vars(lease) | {"error": message}).rowcount
        end_attempt(connection, lease, usage or Usage(), message)
    return failed


def end_runs() -> list[int]:
    """Note the end of runs whose last work ended, and undo it where works came since; return those that ended."""
    with transaction() as connection:
        connection.execute(SQL["reopen"])
        ended = fetch_column(connection, SQL["end_runs"])
        connection.execute(SQL["note_reached"], {"run_ids": ended})
        return ended
