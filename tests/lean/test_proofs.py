"""The verifiers on a real Lean 4: known proofs pass, as completions and as the answers of chats. `make test-lean`.

The Lean is 4.28 in WebAssembly with the core library only: what needs Mathlib, native code or the interpreter of
user programs is not shown here, and the worker program is a driver with the checks of checker.lean, not that file.
"""

import json
from pathlib import Path

import pytest

from tests.lean.judge import FALSE, judge
from tests.proof_tables import CHAT, CHATS, HEADER, HELPED, REALIGNED, problem
from tests.shared_data import shared, shared_rows
from verifiers.benchmarks import find_benchmark
from verifiers.errors import InfrastructureError
from verifiers.outcome import Outcome
from verifiers.proofs import LEAN_STEPWISE, LEAN_WHOLE
from verifiers.proofs.local import LocalLean
from verifiers.verifier import Problem

pytestmark = [pytest.mark.lean, pytest.mark.timeout(1200)]


@pytest.mark.parametrize(
    "text",
    [
        "  omega\n)\n```\nWrite a lean4",
        "  have h2 : n = 5 * (n / 5) + 3 := by\n    omega\n  omega\n)",
        "  -- sorry admit native_decide axiom\n  /- sorry -/ omega\n)",
        "  have hsorry := h\r\n  have admit_ := h\r\n  omega\r\n)",
        "  set_option maxHeartbeats 400000 in\n  omega\n)",
        "  set_option maxRecDepth 2000 in omega",
        "  first\n  | rfl\n  | omega",
        "  calc 2 * n % 5 = 2 * (n % 5) % 5 := by omega\n    _ = 1 := by rw [h]\n)",
        "```lean4\ntheorem t (n : Nat) : False := by\n  omega\n```",
        "theorem t (n : Nat) (h : n % 5 = 3) : (2 * n) % 5 = 1 := by\n  grind",
    ],
)
def test_ordinary_proofs_pass(lean: LocalLean, text: str) -> None:
    judgement = judge(LEAN_WHOLE, text)
    assert judgement.outcome is Outcome.correct, judgement.detail
    assert judgement.facts["replayed"] is True
    assert set(judgement.facts["axioms"]) <= {"propext", "Classical.choice", "Quot.sound"}


def test_the_answers_of_chat_models_and_of_completions_get_their_verdicts(lean: LocalLean) -> None:
    file = shared("minif2f").parents[1] / "cases" / "answers" / "lean.jsonl"
    wrong = []
    for case in map(json.loads, file.read_text().splitlines()):
        judgement = judge(LEAN_WHOLE, case["text"], problem(case["statement"]))
        if judgement.outcome.value != case["wanted"]:
            wrong.append((case["kind"], case["text"], judgement.outcome, judgement.detail))
    assert wrong == []


def test_the_files_of_chat_provers_pass_in_every_form_of_an_answer(lean: LocalLean) -> None:
    for file in CHAT:
        for form in CHATS if file is CHAT[0] else CHATS[:1]:
            judgement = judge(LEAN_WHOLE, form.replace("{}", file))
            assert judgement.outcome is Outcome.correct, (file, judgement.detail)


def test_namespaces_and_limits_before_a_theorem_hold_for_its_proof_and_helpers(lean: LocalLean) -> None:
    deep = problem("theorem t : (List.range 300).foldl (· + ·) 0 = 44850")
    assert judge(LEAN_WHOLE, "theorem t : X := by\n  decide", deep).outcome is Outcome.compile_error
    for limit in ("set_option maxRecDepth 20000 in\n", "set_option maxRecDepth 20000\n\n"):
        judgement = judge(LEAN_WHOLE, f"{limit}theorem t : X := by\n  decide", deep)
        assert judgement.outcome is Outcome.correct, judgement.detail
        assert judge(LEAN_WHOLE, f"{limit}theorem t : 1 = 2 := by\n  decide", FALSE).outcome is not Outcome.correct
    for opened in ("open List\n", "open List in\n", "open List Nowhere in\n", "open List\nopen Nowhere\n"):
        helper = "lemma aux (n : Nat) : (range n).length = n := length_range\n"
        judgement = judge(LEAN_WHOLE, f"{opened}{helper}theorem t : X := by\n  have := aux n\n  omega")
        assert judgement.outcome is (Outcome.compile_error if "Nowhere" in opened else Outcome.correct), opened
    judgement = judge(LEAN_WHOLE, "open Nowhere in\ntheorem t : X := by\n  omega")
    assert (judgement.outcome, judgement.facts.get("open")) == (Outcome.correct, "left out")
    opened = problem("theorem t : (range 2).length = 2")
    with pytest.raises(InfrastructureError, match="could not check"):
        judge(LEAN_WHOLE, "open List in\ntheorem t : X := by\n  simp", opened)


def test_a_first_line_that_lost_its_blanks_is_no_error(lean: LocalLean) -> None:
    for statement, text in REALIGNED:
        judgement = judge(LEAN_WHOLE, text, problem(statement))
        assert judgement.outcome is Outcome.correct, (text, judgement.detail)
    assert judgement.facts["first_line"] == "realigned"


def test_declarations_before_a_theorem_go_with_its_proof(lean: LocalLean) -> None:
    for text in HELPED:
        judgement = judge(LEAN_WHOLE, text)
        assert judgement.outcome is Outcome.correct, (text, judgement.detail)
        assert judgement.facts["replayed"] is True


FORMS: dict[str, dict[str, str]] = {
    "minif2f": {"name": "t", "formal_statement": f"{HEADER}\n/-- One. -/\ntheorem t : (2:Nat) + 2 = 4 := by sorry"},
    "proofnet": {"id": "Book|t", "nl_statement": "Prove it.", "lean4_src_header": HEADER,
                 "lean4_formalization": "theorem t : (2:Nat) + 2 = 4 :="},
}  # fmt: skip
"""Rows in the shapes of AI-MO's MiniF2F and of ProofNet#."""


@pytest.mark.parametrize("benchmark", FORMS)
def test_of_every_public_form_a_proof_is_accepted_and_what_is_none_refused(
    lean: LocalLean, benchmark: str, tmp_path: Path
) -> None:
    (tmp_path / "rows.jsonl").write_text(json.dumps(FORMS[benchmark]) + "\n")
    (loaded,) = find_benchmark(benchmark).load(tmp_path / "rows.jsonl")
    answer = f"### Plan\n\nCompute.\n\n```lean4\n{HEADER}\ntheorem t : (2:Nat) + 2 = 4 := by\n  {{}}\n```"
    for proof, outcome in {
        "rfl": Outcome.correct,
        "sorry": Outcome.incorrect,
        "simp at": Outcome.compile_error,
    }.items():
        assert judge(LEAN_WHOLE, answer.format(proof), loaded).outcome is outcome


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("  have h2 := h\n  omega\n)\n```", Outcome.correct),
        ("  omega\n  this is never looked at", Outcome.correct),
        ("  omega; sorry", Outcome.correct),
        ("  constructor\n  omega", Outcome.compile_error),
        ("  have h2 : n = 5 * (n / 5) + 3 := by\n    omega\n  omega\n)", Outcome.compile_error),
        ("  sorry", Outcome.incorrect),
        ("  have h2 := h", Outcome.compile_error),
        ("  omega)\n", Outcome.compile_error),
        ("  skip\n\n  omega", Outcome.compile_error),
    ],
)
def test_steps_are_counted_as_the_paper_does(lean: LocalLean, text: str, outcome: Outcome) -> None:
    assert judge(LEAN_STEPWISE, text).outcome is outcome


def test_a_statement_that_lean_rejects_is_our_failure(lean: LocalLean) -> None:
    with pytest.raises(InfrastructureError, match="could not check"):
        LEAN_WHOLE.judge(problem("theorem t : Frob 3"), "rfl")


@pytest.mark.parametrize("slow", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_tactics_of_the_mathd_theorems_get_their_known_verdicts(lean: LocalLean, slow: bool) -> None:
    """Three of the 387 take a minute."""
    wrong: list[tuple[str, str, Outcome]] = []
    for row in shared_rows("minif2f/mathd_core_lean.jsonl"):
        of = Problem(row["name"], {"header": row["header"], "statement": row["statement"].rstrip()})
        for tactic in (each for each, ms in row["accepted_tactics_ms"].items() if (ms > 1000) is slow):
            judgement = judge(LEAN_WHOLE, f"  {tactic}\n)\n```", of)
            if judgement.outcome is not Outcome.correct:
                wrong.append((row["name"], tactic, judgement.outcome))
        for tactic in row["rejected_tactics"] if not slow else ():
            judgement = judge(LEAN_WHOLE, f"  {tactic}\n)\n```", of)
            if judgement.outcome is not Outcome.compile_error:
                wrong.append((row["name"], tactic, judgement.outcome))
    assert wrong == []
