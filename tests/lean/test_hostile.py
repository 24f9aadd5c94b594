"""The verifiers on a real Lean 4: nothing that is no proof passes, as a sample or as a request to the worker."""

import textwrap

import pytest

from tests.lean.judge import FALSE, TRUE, judge
from tests.proof_tables import ALLOWED, HEADER, NOT_HELPED, REFUSED, problem
from verifiers.outcome import Outcome
from verifiers.proofs import LEAN_WHOLE
from verifiers.proofs.local import LocalLean
from verifiers.proofs.statement import Statement

pytestmark = [pytest.mark.lean, pytest.mark.timeout(1200)]


def test_no_declaration_before_a_theorem_proves_what_is_false(lean: LocalLean) -> None:
    for text in NOT_HELPED:
        assert judge(LEAN_WHOLE, f"```lean4\n{text}\n```", FALSE).outcome is not Outcome.correct, text


def test_helpers_that_no_check_of_text_saw_are_checked_by_lean(lean: LocalLean) -> None:
    statement = Statement(HEADER, "t", FALSE.data["statement"])
    for helper in (
        "theorem aux : (2:Nat) + 2 = 5 := sorry",
        "axiom aux : (2:Nat) + 2 = 5",
        "instance aux : OfNat Nat 5 := ⟨4⟩",
        "end OfTheSample",
        "unsafe def aux : (2:Nat) + 2 = 5 := unsafeCast trivial",
        "theorem aux : 1 = 1 := rfl\naxiom foo : (2:Nat) + 2 = 5",
        "attribute [simp] Nat.add_comm",
        'notation "aux" => 3',
    ):
        report = lean.check(statement, "open OfTheSample in\nby\n  first | exact aux | rfl", helper)
        assert report.outcome is not Outcome.correct, helper


@pytest.mark.parametrize("allowed", [True, False])
def test_a_lean_here_accepts_and_refuses_what_a_server_is_and_is_not_sent(lean: LocalLean, allowed: bool) -> None:
    for text in ALLOWED if allowed else REFUSED:
        judgement = LEAN_WHOLE.judge(problem(), text)
        assert (judgement.outcome is Outcome.correct) is allowed, (text, judgement.detail)


@pytest.mark.slow
def test_leans_own_tree_shows_what_the_text_would_hide(lean: LocalLean) -> None:
    """Without the check of the text, as where Lean reads a text in another way than we do."""
    statement = Statement(HEADER, "t", problem().data["statement"])
    for text in ALLOWED:
        assert lean.check(statement, f"by\n{textwrap.indent(text, '  ')}").outcome is Outcome.correct, text
    for text in REFUSED:
        assert lean.check(statement, f"by\n{textwrap.indent(text, '  ')}").outcome is not Outcome.correct, text


@pytest.mark.parametrize(
    ("text", "outcome", "says"),
    [
        ("sorry", Outcome.incorrect, "sorry"),
        ("exact sorry", Outcome.incorrect, "sorry"),
        ("admit", Outcome.incorrect, "admit"),
        ("stop\nrfl", Outcome.incorrect, "stop"),
        ("first | decide | sorry", Outcome.incorrect, "sorry"),
        ("have h : 2 + 2 = 5 := by sorry\nexact h", Outcome.incorrect, "sorry"),
        ("exact sorryAx _ true", Outcome.incorrect, "sorryAx"),
        ("exact sorryAx _", Outcome.incorrect, "sorryAx"),
        ("set_option warn.sorry false in\nsorry", Outcome.incorrect, ""),
        ("set_option debug.skipKernelTC true in\nsimp", Outcome.incorrect, "debug.skipKernelTC"),
        ("set_option debug.terminalTacticsAsSorry true in\nomega", Outcome.incorrect, "terminalTacticsAsSorry"),
        ("set_option exponentiation.threshold 1000000000 in\nsimp", Outcome.incorrect, "exponentiation.threshold"),
        ("set_option maxRecDepth 10000000 in\ndecide", Outcome.incorrect, "maxRecDepth"),
        ("exact set_option warn.sorry false in sorry", Outcome.incorrect, ""),
        ("exact lcProof", Outcome.incorrect, ""),
        ("exact unsafe (unsafeCast trivial)", Outcome.incorrect, "unsafe"),
        ('have s := include_str "/etc/passwd"\nsimp at s', Outcome.incorrect, "include_str"),
        ('have x : Nat := dbg_trace "x"; 3\nomega', Outcome.incorrect, "dbg_trace"),
        ("trivial\naxiom foo : False", Outcome.incorrect, "axiom"),
        ("skip\n#exit", Outcome.incorrect, "#exit"),
        ('skip\n#eval IO.println "{}"', Outcome.incorrect, "#eval"),
        ("skip\ntheorem u : True := trivial", Outcome.incorrect, "theorem"),
        ("simp\nend\nnamespace X\ntheorem t : 2 + 2 = 4 := rfl", Outcome.incorrect, "end"),
        ("exact u\nwhere u : (2:Nat) + 2 = 5 := by sorry", Outcome.incorrect, "sorry"),
        ("exact u\nwhere\n  u : (2:Nat) + 2 = 5 := by exact t", Outcome.compile_error, ""),
        ("exact t", Outcome.compile_error, ""),
        ("exact (t : (2:Nat) + 2 = 5)\ntermination_by 0\ndecreasing_by all_goals sorry", Outcome.incorrect, "sorry"),
        ("skip", Outcome.compile_error, ""),
        ("decide", Outcome.compile_error, ""),
        ("omega", Outcome.compile_error, ""),
        ("exact foo", Outcome.compile_error, ""),
        ("om", Outcome.compile_error, ""),
        ("simp [", Outcome.compile_error, ""),
        ("/- never closed", Outcome.compile_error, ""),
        ("-/ rfl /-", Outcome.compile_error, ""),
        ("\0", Outcome.compile_error, ""),
        ("exact rfl\n\n\n)", Outcome.compile_error, ""),
        ("import Lean", Outcome.incorrect, "import"),
        ("let Nat := Bool\nexact rfl", Outcome.compile_error, ""),
        ("local instance : OfNat Nat 5 := ⟨4⟩\nexact rfl", Outcome.incorrect, "local"),
        ("have : (2:Nat) + 2 = 4 := rfl\nexact this", Outcome.compile_error, ""),
    ],
)
def test_no_trick_proves_what_is_false(lean: LocalLean, text: str, outcome: Outcome, says: str) -> None:
    judgement = LEAN_WHOLE.judge(FALSE, text)
    assert judgement.outcome in (outcome, Outcome.compile_error)
    if judgement.outcome is outcome:
        assert says in judgement.detail


@pytest.mark.parametrize(
    "text",
    ["native_decide", "decide +native", "exact of_decide_eq_true (Lean.ofReduceBool _ true rfl)"],
)
def test_a_true_statement_is_not_proved_by_the_compiler(lean: LocalLean, text: str) -> None:
    assert LEAN_WHOLE.judge(TRUE, text).outcome in (Outcome.incorrect, Outcome.compile_error)


def test_the_statement_is_the_problems_and_never_the_samples(lean: LocalLean) -> None:
    for text in (
        "theorem t : (2:Nat) + 2 = 4 := by rfl",
        "theorem t (h : False) : (2:Nat) + 2 = 5 := by exact h.elim",
        "variable (h : False)\ninclude h\ntheorem t : (2:Nat) + 2 = 5 := by exact h.elim",
        'local notation "5" => 4\ntheorem t : (2:Nat) + 2 = 5 := by rfl',
        "axiom foo : (2:Nat)+2=5\ntheorem t : (2:Nat) + 2 = 5 := foo",
    ):
        assert judge(LEAN_WHOLE, text, FALSE).outcome is Outcome.compile_error
