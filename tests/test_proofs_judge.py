"""How the two verifiers ask a back end, and the back end by words (Kimina) against a server of our own."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.kimina_stand_in import AXIOMS, Answer, messages, stand_in
from verifiers.outcome import Outcome
from verifiers.proofs import LEAN_STEPWISE, LEAN_WHOLE, Policy, configure
from verifiers.proofs.backend import use
from verifiers.proofs.report import Report
from verifiers.proofs.statement import Statement
from verifiers.verifier import Judgement, Problem

HEADER = "import Mathlib\n\nset_option maxHeartbeats 0\n\nopen Nat\n"
PROBLEM = Problem("t", {"header": HEADER, "statement": "theorem t (n : ℕ)\n  (h : n = 2) :\n  n + n = 4"})


@dataclass
class Steps:
    """A back end on which the steps of `good` succeed, the proof needs `needed` of them, and the rest fail."""

    needed: int
    good: frozenset[str] = frozenset(["simp", "ring"])
    asked: list[str] = field(default_factory=list)
    policy: Policy = field(default_factory=Policy)

    def check(self, statement: Statement, body: str, *_: str) -> Report:
        self.asked.append(body)
        steps = [line.strip()[1:] for line in body.split("\n") if line.startswith("  (")]
        bad = [index for index, step in enumerate(steps) if step not in self.good or index >= self.needed]
        first = statement.body_line + 1
        if bad:
            return Report(Outcome.compile_error, "no goals", (first + 2 * bad[0], statement.body_line), 1.0)
        if len(steps) < self.needed:
            return Report(Outcome.compile_error, "unsolved goals", (statement.body_line,), 1.0)
        return Report(Outcome.correct, cpu_seconds=1.0)

    def lacks(self) -> str:
        return ""

    def close(self) -> None: ...


@pytest.fixture(autouse=True)
def _no_back_end() -> Iterator[None]:
    yield
    use(None)


def stepwise(backend: Steps, *steps: str) -> Judgement:
    use(backend)
    return LEAN_STEPWISE.judge(PROBLEM, "\n".join(steps))


@dataclass
class Ended(Steps):
    """A back end that counts how often it was ended."""

    ended: int = 0

    def close(self) -> None:
        self.ended += 1


def test_a_back_end_that_is_chosen_again_goes_on_and_ends_with_the_next() -> None:
    backend = Ended(0)
    use(backend)
    use(backend)
    assert backend.ended == 0
    use(Steps(0))
    assert backend.ended == 1


def test_without_a_back_end_a_proof_is_undecided() -> None:
    judgement = LEAN_WHOLE.judge_safely(PROBLEM, "omega")
    assert judgement.outcome is Outcome.infrastructure_error
    assert "MONKEYS_LEAN_PROJECT" in judgement.detail


def test_steps_after_the_end_of_the_proof_are_not_looked_at() -> None:
    judgement = stepwise(Steps(2), "simp", "ring", "this is no tactic", "nor this")
    assert judgement.outcome is Outcome.correct
    assert judgement.facts == {"steps": 2}
    assert judgement.cpu_seconds == 2.0


def test_steps_that_do_not_finish_are_a_compile_error() -> None:
    assert stepwise(Steps(3), "simp", "ring").outcome is Outcome.compile_error
    assert stepwise(Steps(3), "simp", "wrong", "ring").outcome is Outcome.compile_error
    assert stepwise(Steps(1), "wrong", "simp").outcome is Outcome.compile_error


def test_one_good_proof_is_asked_once_and_each_step_stands_in_its_own_brackets() -> None:
    backend = Steps(2)
    stepwise(backend, "simp", "ring")
    assert backend.asked == ["by\n  (simp\n  )\n  (ring\n  )\n"]


@dataclass
class Aligned(Steps):
    """A back end that accepts one body and parses no other."""

    needed: int = 0
    accepted: str = ""

    def check(self, statement: Statement, body: str, *_: str) -> Report:
        del statement
        self.asked.append(body)
        return Report(Outcome.correct if body == self.accepted else Outcome.compile_error, "parse", (), 1.0)


def test_a_first_line_that_lost_its_blanks_gets_those_of_the_others_and_the_verdict_says_so() -> None:
    backend = Aligned(accepted="by\n  rw [h]\n  exact g")
    use(backend)
    judgement = LEAN_WHOLE.judge(PROBLEM, "rw [h]\n  exact g")
    assert (judgement.outcome, judgement.facts["first_line"]) == (Outcome.correct, "realigned")
    assert judgement.cpu_seconds == 2.0
    assert len(backend.asked) == 2


def test_a_proof_that_stands_as_it_is_is_asked_once_and_one_that_never_does_keeps_its_first_verdict() -> None:
    backend = Aligned(accepted="by\n  have h : P := by\n    simp")
    use(backend)
    judgement = LEAN_WHOLE.judge(PROBLEM, "have h : P := by\n  simp")
    assert (judgement.outcome, judgement.facts, len(backend.asked)) == (Outcome.correct, {}, 1)
    assert LEAN_WHOLE.judge(PROBLEM, "rw [h]\n  exact k").outcome is Outcome.compile_error
    assert LEAN_WHOLE.judge(PROBLEM, "rw [h]\nexact k\n-- the end").outcome is Outcome.compile_error
    assert len(backend.asked) == 4


def test_what_lean_cannot_read_is_not_shown_to_it() -> None:
    use(Steps(0))
    assert LEAN_WHOLE.judge(PROBLEM, "\ud800").outcome is Outcome.compile_error
    assert LEAN_WHOLE.judge(PROBLEM, "x" * 200_000).outcome is Outcome.incorrect


def test_a_problem_without_a_theorem_is_our_failure() -> None:
    use(Steps(0))
    problem = Problem("x", {"header": "", "statement": "example : True"})
    assert LEAN_WHOLE.judge_safely(problem, "simp").outcome is Outcome.infrastructure_error


@pytest.fixture(scope="module")
def kimina() -> Iterator[Callable[[Answer], None]]:
    with stand_in() as start:
        yield start


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (messages(("info", 0, AXIOMS)), Outcome.correct),
        (messages(("info", 0, "'t' does not depend on any axioms")), Outcome.correct),
        (messages(("warning", 3, "unused"), ("info", 0, AXIOMS)), Outcome.correct),
        (messages(("info", 0, "'t' depends on axioms: [propext, sorryAx]")), Outcome.incorrect),
        (messages(("info", 0, "'t2' does not depend on any axioms")), Outcome.incorrect),
        (messages(("info", 3, AXIOMS)), Outcome.incorrect),
        (messages(("info", 0, AXIOMS), ("info", 0, AXIOMS)), Outcome.incorrect),
        (messages(), Outcome.incorrect),
        (messages(("info", 0, AXIOMS), sorries=[{"goal": "x"}]), Outcome.incorrect),
        (messages(("error", 9, "linarith failed"), ("info", 0, AXIOMS)), Outcome.compile_error),
        (
            lambda _: (200, '{"results": [{"id": "proof", "error": "Lean REPL command timed out in 60 seconds"}]}'),
            Outcome.time_limit,
        ),
        (
            lambda _: (
                200,
                '{"results": [{"id": "proof", "error": "Lean REPL header command timed out in 9 s"}]}',
            ),
            Outcome.infrastructure_error,
        ),
        (
            lambda _: (200, '{"results": [{"id": "proof", "response": {"message": "Unknown environment"}}]}'),
            Outcome.infrastructure_error,
        ),
        (lambda _: (200, '{"results": []}'), Outcome.infrastructure_error),
        (lambda _: (200, '{"results": [3]}'), Outcome.infrastructure_error),
        (lambda _: (200, "[]"), Outcome.infrastructure_error),
        (lambda _: (200, "not json"), Outcome.infrastructure_error),
        (lambda _: (429, "{}"), Outcome.infrastructure_error),
        (messages(("error", 1, "x"), messages=[{"severity": "error"}]), Outcome.infrastructure_error),
    ],
)
def test_a_kimina_servers_answer_is_read_defensively(
    kimina: Callable[[Answer], None], answer: Answer, outcome: Outcome
) -> None:
    kimina(answer)
    judgement = LEAN_WHOLE.judge_safely(PROBLEM, "omega")
    assert judgement.outcome is outcome
    if outcome is Outcome.correct:
        assert judgement.facts["backend"] == "kimina"
        assert judgement.facts["replayed"] is False


def test_a_kimina_server_sees_our_statement_and_our_question(kimina: Callable[[Answer], None]) -> None:
    seen: list[str] = []

    def answer(request: dict[str, Any]) -> tuple[int, str]:
        seen.append(request["snippets"][0]["code"])
        return messages(("info", 0, AXIOMS))(request)

    kimina(answer)
    assert LEAN_WHOLE.judge(PROBLEM, "subst h\nsimp").outcome is Outcome.correct
    assert seen == [f"{HEADER}\n{PROBLEM.data['statement']} :=\nby\n  subst h\n  simp\n\n#print axioms t\n"]


def test_a_kimina_server_is_not_asked_about_a_proof_with_a_hole(kimina: Callable[[Answer], None]) -> None:
    kimina(lambda _: (500, "asked"))
    assert LEAN_WHOLE.judge(PROBLEM, "first | omega | sorry").outcome is Outcome.incorrect


@pytest.mark.parametrize("stripped", [0, 2])
def test_steps_are_found_in_a_kimina_servers_lines(kimina: Callable[[Answer], None], stripped: int) -> None:
    asked = ("error", 0, "Unknown constant t")

    def answer(request: dict[str, Any]) -> tuple[int, str]:
        code = request["snippets"][0]["code"]
        if "no tactic" in code:
            line = code[code.index("theorem") : code.index("no tactic")].count("\n") + 1
            return messages(("error", line, "unknown tactic"), asked, stripped=stripped)(request)
        return messages(("info", 0, AXIOMS), stripped=stripped)(request)

    kimina(answer)
    judgement = LEAN_STEPWISE.judge(PROBLEM, "subst h\nomega\nno tactic")
    assert (judgement.outcome, judgement.facts["steps"]) == (Outcome.correct, 2)


def test_no_server_is_an_infrastructure_error() -> None:
    configure(kimina_url="http://127.0.0.1:9")
    assert LEAN_WHOLE.judge_safely(PROBLEM, "omega").outcome is Outcome.infrastructure_error
