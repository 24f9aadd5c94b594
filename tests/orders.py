"""Random orders of what people, workers and sweepers do to runs, with random faults, and what must hold after each."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import psycopg
import pytest

from models.database import column, transaction
from tasks import ledger
from tasks.engines.engine import Completion
from tasks.ledger import Lease, Usage, Verification
from tasks.runs import changes
from tasks.runs.make import enqueue
from tasks.runs.request import RunRequest
from tests.place import Place
from tests.small_runs import check, gaps
from tests.spent import WORKER
from verifiers.errors import UserError
from verifiers.outcome import Outcome
from verifiers.verifier import Candidate, Judgement

TEXTS = ("1", "2", "3", "x", "")
CENT = Usage(requests=1, usd=0.01)


class Faults:
    """Now and then a statement or a commit finds that the server is gone; of a commit perhaps after it was done."""

    def __init__(self, random: Random) -> None:
        self.random, self.share = random, 0.0

    @contextmanager
    def injected(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        """Have the driver meet them."""
        execute, commit = psycopg.Cursor.execute, psycopg.Connection.commit

        def perhaps(*arguments: Any, **named: Any) -> Any:
            self._strike()
            return execute(*arguments, **named)

        def perhaps_unheard(connection: Any) -> None:
            self._strike()
            commit(connection)
            self._strike()

        with monkeypatch.context() as patched:
            patched.setattr(psycopg.Cursor, "execute", perhaps)
            patched.setattr(psycopg.Connection, "commit", perhaps_unheard)
            patched.setattr("tasks.patience.time.sleep", lambda _: None)
            yield

    def _strike(self) -> None:
        if self.random.random() < self.share:
            raise psycopg.OperationalError("the server is gone, as this test has it")


@dataclass
class Orders:
    """Two runs of the same two problems, whoever works on them, and what is asked of them."""

    place: Place
    recording: Path
    random: Random
    faults: Faults
    held: list[Lease] = field(default_factory=list)
    lost: list[Lease] = field(default_factory=list)
    done: list[str] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def step(self) -> None:
        """Do one thing, perhaps under a fault, and look at what must hold."""
        name, act = self.random.choice(ACTS)
        self.done.append(name)
        self.faults.share = self.random.choice((0.0, 0.0, 0.0, 0.03))
        try:
            act(self)
        except UserError as error:
            self.done[-1] += f" ({error})"
        except psycopg.OperationalError:
            self.done[-1] += " (gone)"
        self.faults.share = 0.0
        self.look()

    def run(self) -> int | None:
        found = column("select id from run order by id")
        return self.random.choice(found) if found else None

    # what people do

    def make(self) -> None:
        if len(column("select id from run")) < 3:
            rule: dict[str, Any] = {"stop_when_solved": self.random.random() < 0.7}
            if self.random.random() < 0.7:
                rule["budget_usd"] = self.random.choice((0.06, 0.2, 9.0))
            n, name = self.random.randint(1, 9), f"run {next(self.numbers)}"
            request = RunRequest(
                "brittle", f"replay:{self.recording}", n, name=name, batch_size=self.random.randint(1, 2), **rule
            )
            assert enqueue(request).run_id == enqueue(request).run_id

    def on_run(self, change: Callable[[int], object]) -> None:
        if (run := self.run()) is not None:
            change(run)

    def cancel(self) -> None:
        self.on_run(changes.cancel)

    def resume(self) -> None:
        self.on_run(changes.resume)

    def extend(self) -> None:
        self.on_run(
            lambda run: changes.extend(
                run, 1 + self.random.randrange(4) + column("select n from run where id = %s", (run,))[0]
            )
        )

    def plan(self) -> None:
        self.on_run(lambda run: changes.extend_planned(run, self.random.randint(1, 5)))

    def limit(self) -> None:
        self.on_run(lambda run: changes.limit(run, {"usd": self.random.choice((None, None, 0.05, 0.1, 0.3, 9.0))}))

    def reverify(self) -> None:
        use = self.random.random() < 0.5
        self.on_run(lambda run: changes.reverify(run, self.random.choice(("first", "second")), use=use))

    def judge_again(self) -> None:
        self.on_run(changes.judge_again)

    def delete(self) -> None:
        if self.random.random() < 0.5:
            self.on_run(changes.delete)

    # what workers do

    def claim(self) -> None:
        sql = "select id from work where state in ('ready', 'published') or lease_until < now() order by id"
        works = column(sql)
        if self.random.random() < 0.5:
            works = works[:4]  # as they are published; but any may come late
        if works:
            lease = ledger.claim(self.random.choice(works), WORKER, 600)
            self.held += [lease] if lease else []

    def finish(self) -> None:
        if self.held:
            lease = self.held.pop(self.random.randrange(len(self.held)))
            self.end(lease)
            self.lost.append(lease)

    def finish_late(self) -> None:
        if self.lost:
            self.end(self.random.choice(self.lost))

    def end(self, lease: Lease, *, well: bool = False) -> None:
        if lease.verifier_id is None:
            texts = [self.random.choice(TEXTS) for _ in range(lease.size)]
            ledger.finish_generate(lease, [Completion(text) for text in texts], CENT)
            return
        texts = column(
            "select text from sample where run_id = %(run_id)s and problem_id = %(problem_id)s and sample_index >= "
            "%(first_index)s and sample_index < %(first_index)s + %(size)s order by sample_index",
            vars(lease),
        )
        if len(texts) < lease.size:
            return  # its run was deleted
        found = [
            Verification(lease.first_index + place, Candidate(text) if text else None)
            for place, text in enumerate(texts)
        ]
        known = ledger.known_candidates(lease, sorted(filter(None, texts)))
        new = sorted(set(filter(None, texts)) - known)
        try:
            ledger.finish_verify(lease, found, {text: self.judgement(lease, text, well=well) for text in new}, Usage())
        except RuntimeError as error:
            ledger.fail(lease, str(error))

    def judgement(self, lease: Lease, text: str, *, well: bool) -> Judgement:
        """The second verifier is of another mind, so that what was solved is not when it counts."""
        if text == "x" and not well and self.random.random() < 0.7:
            return Judgement(Outcome.infrastructure_error)
        right = "1" if lease.verifier_id == column("select min(id) from verifier")[0] else "2"
        return Judgement(Outcome.correct if text == right else Outcome.incorrect)

    def fail(self) -> None:
        if self.held:
            lease = self.held.pop(self.random.randrange(len(self.held)))
            ledger.fail(lease, "it broke", CENT, final=self.random.random() < 0.3)

    def refuse_run(self) -> None:
        if self.held and self.random.random() < 0.1:
            ledger.refuse_run(self.held.pop(), "no such model", CENT)

    def give_back(self) -> None:
        if self.held:
            ledger.give_back(self.held.pop(self.random.randrange(len(self.held))), "its worker leaves")

    def lose(self) -> None:
        if self.held:
            lease = self.held.pop(self.random.randrange(len(self.held)))
            ledger.renew([lease], -1, [Usage()])
            self.lost.append(lease)

    # what the sweeper does

    def publish(self) -> None:
        for queue in ledger.open_queues():
            taken = ledger.take_for_publishing(queue.queue, self.random.randint(1, 9))
            if self.random.random() < 0.3:
                ledger.unpublish([each.work_id for each in taken])
            ledger.free_lost_messages(queue.queue, queue_is_empty=self.random.random() < 0.5, older_than_seconds=-1)

    def free(self) -> None:
        ledger.free_expired()

    def stop(self) -> None:
        ledger.stop_runs()
        for run in column("select id from run where finished_at is null and stop_rule ? 'usd'"):
            with ledger.hold(run) as held:
                if held.budget_met():
                    assert self.above_all_drawn(run) == []

    def above_all_drawn(self, run: int) -> list[int]:
        """Works that wait although the budget is spent, with nothing above them that was drawn."""
        return column(
            """
            select work.id from work join batch on batch.id = work.batch_id
            where work.run_id = %s and kind = 'generate' and state in ('ready', 'published') and not exists (
                select from work above join batch higher on higher.id = above.batch_id
                where above.run_id = work.run_id and above.kind = 'generate' and higher.problem_id = batch.problem_id
                    and higher.first_index > batch.first_index and above.state in ('leased', 'done', 'failed'))
            """,
            (run,),
        )

    def end_runs(self) -> None:
        ledger.move_counting()
        ledger.end_runs()
        wrong = """
            select id from run where (finished_at is null) <> exists (
                select from work where run_id = run.id and state in ('ready', 'published', 'leased'))
        """
        assert column(wrong) == []

    def due(self) -> None:
        with transaction() as connection:
            connection.execute("update work set not_before = null where not_before is not null")

    def look(self) -> None:
        """What must hold at every moment."""
        for run in column("select id from run order by id"):
            check(self.place, run)
        assert gaps(self.place) == []
        stray = "select count(*) from {} each where not exists (select from run where id = each.run_id)"
        assert [self.place.one(stray.format(name)) for name in ("sample", "extraction", "work")] == [0, 0, 0]

    def settle(self) -> None:
        """Go on until nothing is left to do: everything ends, and every sample is judged."""
        with transaction() as connection:  # as after a while: also of claims whose answers were lost
            connection.execute("update work set lease_until = now() - interval '1 hour' where state = 'leased'")
        for _ in range(1_000):
            ledger.free_expired()
            ledger.stop_runs()
            self.due()
            works = column("select id from work where state in ('ready', 'published') order by id limit 5")
            if not works:
                break
            for work in works:
                lease = ledger.claim(work, WORKER, 600)
                assert lease is not None, self.place.query("select * from work where id = %s", (work,))
                self.end(lease, well=True)
        self.end_runs()
        self.look()
        assert column("select id from run where finished_at is null") == []
        assert self.unjudged() == []

    def unjudged(self) -> list[Any]:
        """Batches with samples of which a verifier that is due has neither judged nor given up."""
        return self.place.query(
            """
            select run.id, work.batch_id, due.id as verifier_id
            from run join work on work.run_id = run.id and work.kind = 'generate' and work.state = 'done'
            join verifier due on due.id = run.verifier_id or due.id = any(run.other_verifiers)
            where run.cancelled_at is null and not exists (
                select from work judged where judged.batch_id = work.batch_id and judged.verifier_id = due.id
                    and judged.state in ('done', 'failed'))
            """
        )


_TIMES = {
    "claim": 18, "finish": 17, "finish_late": 1, "fail": 1, "refuse_run": 1, "give_back": 1, "lose": 1, "publish": 2,
    "free": 1, "stop": 3, "end_runs": 2, "due": 1, "make": 2, "cancel": 1, "resume": 2, "extend": 2, "plan": 1,
    "limit": 2, "reverify": 2, "judge_again": 1, "delete": 2,
}  # fmt: skip
ACTS = [(name, getattr(Orders, name)) for name, times in _TIMES.items() for _ in range(times)]
"""What may happen next: each as often as it is likely."""
