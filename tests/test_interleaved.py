"""What two do at once, statement by statement: every order of theirs leaves what must hold."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from threading import Thread

import pytest

from models.database import column, transaction
from models.rows import insert_problems
from tasks import ledger
from tasks.engines.engine import Completion
from tasks.ledger import Usage, Verification
from tasks.runs import changes
from tests.interleave import Act, interleaved, stepping
from tests.place import Place, wait_until
from tests.small_runs import check, small
from tests.spent import WORKER, claimed, run_of
from verifiers.errors import UserError
from verifiers.outcome import Outcome
from verifiers.verifier import Candidate, Judgement, Problem


def every_order(place: Place, monkeypatch: pytest.MonkeyPatch, pair: Callable[[], tuple[Act, Act, Act]]) -> None:
    """Stop the first of a fresh pair before each of its steps; the third looks at what came of them."""
    with stepping(monkeypatch):
        for stop in itertools.count(1):
            first, second, look = pair()
            reached = interleaved(place, first, second, stop)
            look()
            if not reached:
                assert stop > 2
                return


OURS, RIGHT = Judgement(Outcome.infrastructure_error), Judgement(Outcome.correct)


def sampled(run: int, text: str) -> Act:
    """A run has one sample more, which waits to be judged; returns what judges it right."""
    assert ledger.finish_generate(claimed(run), [Completion(text)], Usage()) is not None
    return lambda: judge(run, text, RIGHT)


def judge(run: int, text: str, judgement: Judgement) -> None:
    """Judge what waits of a run, tried again where the verdict it counted on was forgotten meanwhile."""
    for work in column("select id from work where run_id = %s and kind = 'verify' and state = 'ready'", (run,)):
        for known in (True, False):
            lease = ledger.claim(work, WORKER, 600)
            assert lease is not None
            verdicts = {} if known and ledger.known_candidates(lease, [text]) else {text: judgement}
            try:
                assert ledger.finish_verify(
                    lease, [Verification(lease.first_index, Candidate(text))], verdicts, Usage()
                )
                break
            except RuntimeError as error:
                ledger.give_back(lease, str(error))


def texts() -> Iterator[str]:
    """Texts that no run has had before."""
    return (f"text {number}" for number in itertools.count())


@pytest.mark.parametrize("who", ["the one who forgets", "the one who counts"])
def test_a_verdict_that_is_forgotten_while_another_run_counts_it_leaves_no_run_undecided(
    place: Place, monkeypatch: pytest.MonkeyPatch, who: str
) -> None:
    fresh, one, other = texts(), run_of(n=40), run_of(n=40)

    def pair() -> tuple[Act, Act, Act]:
        text = next(fresh)
        mend_one, count = sampled(one, text), sampled(other, text)
        judge(one, text, OURS)

        def look() -> None:
            mend_one()
            count()
            for run in (one, other):
                assert place.one("select undecided from problem_tally where run_id = %s", (run,)) == 0
                check(place, run)

        acts = [lambda: changes.judge_again(one), count]
        return *(acts if who == "the one who forgets" else acts[::-1]), look

    every_order(place, monkeypatch, pair)


def test_judging_again_and_deleting_another_run_of_the_same_problems_do_not_deadlock(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    fresh, one = texts(), run_of(n=40)

    def pair() -> tuple[Act, Act, Act]:
        text, other = next(fresh), run_of(n=1)
        mend = sampled(one, text)
        sampled(other, text)
        for run in (one, other):
            judge(run, text, OURS)

        def look() -> None:
            mend()
            assert place.one("select undecided from problem_tally where run_id = %s", (one,)) == 0
            check(place, one)
            assert place.one("select count(*) from work where run_id = %s", (other,)) == 0

        return lambda: changes.judge_again(one), lambda: delete(other), look

    def delete(run: int) -> None:
        try:
            changes.delete(run)
        except UserError:  # its works are to be judged again: it goes on
            changes.cancel(run)
            ledger.end_runs()  # or every later look would look at it too
            changes.delete(run)

    every_order(place, monkeypatch, pair)


def test_a_work_that_is_given_back_in_the_middle_of_a_stop_keeps_the_lower_ones(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pair() -> tuple[Act, Act, Act]:
        run = run_of("openai:m", n=5, stop_when_solved=True)
        first, *others, flying = (claimed(run) for _ in range(4))
        assert ledger.finish_generate(first, [Completion("#### 1")], Usage()) is not None
        judge(run, "#### 1", RIGHT)
        for lease in others:
            ledger.give_back(lease, "its worker leaves")

        def look() -> None:
            states = column(
                """
                select state::text from work join batch on batch.id = work.batch_id
                where work.run_id = %s and kind = 'generate' order by first_index
                """,
                (run,),
            )
            cut = states.index("cancelled")
            assert set(states[cut:]) == {"cancelled"}
            assert "cancelled" not in states[:cut]
            changes.cancel(run)
            ledger.end_runs()  # or every later look would look at it too

        return ledger.stop_runs, lambda: ledger.give_back(flying, "its worker leaves"), look

    every_order(place, monkeypatch, pair)


def test_two_who_make_the_same_new_problems_in_another_order_do_not_deadlock(place: Place, tmp_path: Path) -> None:
    """Both wait in the middle of their problems for a third, which leaves; then each wants what the other has."""
    small(tmp_path).enqueue(place, 5)
    benchmark = place.one("select id from benchmark")
    first, middle, last = (Problem(key, {"question": "?"}) for key in ("new a", "new m", "new z"))
    errors: list[BaseException] = []

    def make(*problems: Problem) -> None:
        try:
            with transaction() as connection:
                assert len(insert_problems(connection, benchmark, problems)) == 3
        except BaseException as error:
            errors.append(error)

    threads = [Thread(target=make, args=given) for given in ((first, middle, last), (last, middle, first))]
    with suppress(ZeroDivisionError), transaction() as connection:
        insert_problems(connection, benchmark, [middle])
        for thread in threads:
            thread.start()
        wait_until(lambda: place.one("select count(*) from pg_locks where not granted") == 2)
        raise ZeroDivisionError
    for thread in threads:
        thread.join()
    assert errors == []
