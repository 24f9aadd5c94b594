"""How the two verifiers ask a back end, and the back end by words (Kimina) against a server of our own."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from tests.shared_data import shared
from verifiers.outcome import Outcome
from verifiers.proofs import LEAN_STEPWISE, LEAN_WHOLE, configure
from verifiers.proofs.backend import use
from verifiers.proofs.report import Report
from verifiers.proofs.statement import Statement
from verifiers.proofs.words import forbidden_word
from verifiers.verifier import Judgement, Problem

HEADER = "import Mathlib\n\nset_option maxHeartbeats 0\n\nopen Nat\n"
PROBLEM = Problem("t", {"header": HEADER, "statement": "theorem t (n : ℕ)\n  (h : n = 2) :\n  n + n = 4"})


@dataclass
class Steps:
    """A back end on which the steps of `good` succeed, the proof needs `needed` of them, and the rest fail."""

    needed: int
    good: frozenset[str] = frozenset(["simp", "ring"])
    asked: list[str] = field(default_factory=list)

    def check(self, statement: Statement, body: str) -> Report:
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


def test_what_lean_cannot_read_is_not_shown_to_it() -> None:
    use(Steps(0))
    assert LEAN_WHOLE.judge(PROBLEM, "\ud800").outcome is Outcome.compile_error
    assert LEAN_WHOLE.judge(PROBLEM, "x" * 200_000).outcome is Outcome.incorrect


def test_a_problem_without_a_theorem_is_our_failure() -> None:
    use(Steps(0))
    problem = Problem("x", {"header": "", "statement": "example : True"})
    assert LEAN_WHOLE.judge_safely(problem, "simp").outcome is Outcome.infrastructure_error


@pytest.mark.parametrize(
    "text",
    [
        "simp [stopping]",
        "-- sorry\nomega",
        "/- axiom foo : False /- sorry -/ -/ omega",
        'exact foo "sorry"',
        "have hsorry := h; exact hsorry",
        "set_option maxRecDepth 2000 in\n  simp",
        "open Nat in simp [Polynomial.eval]",
        "norm_num [Nat.Prime.eval]",
        "⟨⟩",
    ],
)
def test_ordinary_words_pass(text: str) -> None:
    assert forbidden_word(text) is None


@pytest.mark.timeout(20)
def test_words_are_checked_in_linear_time() -> None:
    assert forbidden_word("omega " + "/-" * 50_000) is None


@pytest.mark.parametrize(
    "text",
    [
        "sorry",
        "exact sorryAx _ true",
        "exact Lean.ofReduceBool _ _ rfl",
        "native_decide",
        "decide +native",
        "decide (config := {native := true})",
        "omega\naxiom foo : False",
        "omega\n#print axioms t",
        "omega\n#exit",
        'omega\nelab "#print" "axioms" x:ident : command => pure ()',
        "run_tac pure ()",
        "set_option debug.skipKernelTC true in omega",
        "set_option warn.sorry false in simp",
        "omega\nend Foo",
        "«sorry»",
        "simp /- unclosed sorry",
        "-/ sorry /-",
        'omega\nlocal notation "4" => 5',
    ],
)
def test_words_that_do_more_than_prove_are_refused(text: str) -> None:
    assert forbidden_word(text) is not None


def test_words_refuse_what_messages_alone_would_let_pass() -> None:
    file = shared("minif2f").parents[1] / "reference" / "adversarial_lean.jsonl"
    cases = [json.loads(line) for line in file.read_text().splitlines()]
    fooled = [case for case in cases if case["expected"] == "reject" and case["measured"]["message_only"]]
    assert len(fooled) > 10
    for case in fooled:
        signature = case["statement"]
        head, _, body = case["file_text"].partition(f"{signature} :=")
        if not head and body:
            assert forbidden_word(body) is not None, case["id"]


Answer = Callable[[dict[str, Any]], tuple[int, str]]


@pytest.fixture
def kimina() -> Iterator[Callable[[Answer], None]]:
    """Starts a server that answers as told, and makes it the back end."""
    servers: list[HTTPServer] = []

    def start(answer: Answer) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                status, body = answer(request)
                self.send_response(status)
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, *_: object) -> None: ...

        server = HTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        configure(kimina_url=f"http://127.0.0.1:{server.server_port}")

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def messages(*told: tuple[str, int, str], stripped: int = 2, **more: object) -> Answer:
    """A reply with messages (severity, line, text); a line above 0 counts from our command, others from the last."""

    def answer(request: dict[str, Any]) -> tuple[int, str]:
        (snippet,) = request["snippets"]
        lines = snippet["code"].rstrip("\n").split("\n")
        command = next(index for index, line in enumerate(lines) if line.startswith("theorem"))
        places = [command + line if line > 0 else len(lines) + line for _, line, _ in told]
        listed = [
            {"severity": severity, "pos": {"line": place - stripped}, "data": data}
            for (severity, _, data), place in zip(told, places, strict=True)
        ]
        return 200, json.dumps({"results": [{"id": "proof", "response": {"messages": listed, **more}}]})

    return answer


AXIOMS = "'t' depends on axioms: [propext,\n Classical.choice,\n Quot.sound]"


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
