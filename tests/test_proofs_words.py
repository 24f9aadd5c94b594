"""What of a proof's text is refused before any Lean sees it: Lean's tokens, and the tables on the path of a server."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.kimina_stand_in import AXIOMS, Answer, messages, stand_in
from tests.proof_tables import ALLOWED, PROGRAMS, REFUSED, problem
from tests.shared_data import shared
from verifiers.outcome import Outcome
from verifiers.proofs import LEAN_STEPWISE, LEAN_WHOLE, Policy
from verifiers.proofs.backend import use
from verifiers.proofs.lexer import tokens
from verifiers.proofs.words import refusal

Kimina = Callable[[Answer], None]


@pytest.fixture(autouse=True)
def _no_back_end() -> Any:
    yield
    use(None)


@pytest.fixture(scope="module")
def kimina() -> Iterator[Callable[[Answer], None]]:
    with stand_in() as start:
        yield start


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("exact h' '\"' x", ["exact", "h'", "x"]),
        ("a /- /- b -/ c -/ d -- e\nf", ["a", "d", "f"]),
        ('a "b \\" c" r"\\" d r#"" e"# f', ["a", "d", "f"]),
        ('s!"b {c} d {e "f{g}" {h := i}} j" k', ["s!", "c", "e", "g", "h", "i", "k"]),
        ("«a b».c.«d» 1e5 0xfg 2x", ["«a b».c.«d»", "g", "x"]),
        ("λx Σy ∑' i, f i ⁻¹' s '' t ℝ≥0∞", ["x", "y", "i", "f", "i", "s", "t", "ℝ"]),
        ("x₁ᵢ ℵ₀ h.1.2.symm simp! exact?", ["x₁ᵢ", "ℵ₀", "h", "symm", "simp!", "exact?"]),
        ("⟨⟩", []),
        ("", []),
    ],
)
def test_a_text_is_split_into_tokens_as_lean_does(text: str, words: list[str]) -> None:
    found = list(tokens(text))
    assert [token.text for token in found if token.kind == "word"] == words
    assert all(token.text[0] in ("∑", "'") for token in found if token.kind == "unreadable")


@pytest.mark.parametrize("text", [*REFUSED, *PROGRAMS])
def test_a_server_is_not_sent_what_is_no_proof(kimina: Kimina, text: str) -> None:
    kimina(messages(("info", 0, AXIOMS), stripped=0))
    assert LEAN_WHOLE.judge(problem(), text).outcome in (Outcome.incorrect, Outcome.compile_error)
    assert LEAN_WHOLE.judge(problem(), f"omega\n{text}\nomega").outcome is not Outcome.correct


@pytest.mark.parametrize("text", ALLOWED)
def test_a_server_is_sent_an_ordinary_proof(kimina: Kimina, text: str) -> None:
    kimina(messages(("info", 0, AXIOMS), stripped=0))
    judgement = LEAN_WHOLE.judge(problem(), text)
    assert judgement.outcome is Outcome.correct, judgement.detail


@pytest.mark.parametrize(
    "text",
    [
        "simp [stopping, Polynomial.eval, r.stop, foo.sorry_free]",
        "open scoped BigOperators in\n  norm_num [Nat.Prime.eval, Finset.card_pos]",
        "rw [Finset.card_eq_zero.mpr (s := s) (by simp)]; have := #s; simpa using this",
        "rw (config := {occs := .pos [1, 3]}) [h]; nlinarith (config := {degree := 2}) [sq_nonneg (a - b)]",
        "simp (disch := positivity) (config := {contextual := true}) only [foo (n := f x)] at *",
        "field_simp (discharger := norm_num [foo x])\nrefine bar (motive := fun k => f k) ?_ ?_",
        "norm_num1; conv_lhs => rw [← h]\nobtain ⟨x, hx⟩ : ∃ x, f '' s = g ⁻¹' t := by aesop",
        "have h₁ : (∑ i ∈ s, (x i)⁻¹ : ℝ≥0∞) = ∑' i, f i := by gcongr\nexact_mod_cast h₁",
        "induction n with\n| zero => rfl\n| succ n ih => simp_all [pow_succ, mul_comm, h.1.2.symm, h']",
        "let f : ℝ → ℝ := fun x ↦ x ^ 2 - 3 * x; set y := f 2 with hy; linear_combination (exp := 2) h",
    ],
)
def test_words_of_mathlib_proofs_pass(text: str) -> None:
    assert refusal(text, Policy()) is None


def test_the_compiler_is_trusted_only_by_a_policy_that_says_so() -> None:
    for text in ("native_decide", "decide +native", "decide (native := true)"):
        assert refusal(text, Policy(native_decide=True)) is None
    assert refusal("sorry", Policy(native_decide=True)) is not None


def test_words_refuse_what_messages_alone_would_let_pass() -> None:
    file = shared("minif2f").parents[1] / "reference" / "adversarial_lean.jsonl"
    cases = [json.loads(line) for line in file.read_text().splitlines()]
    fooled = [case for case in cases if case["expected"] == "reject" and case["measured"]["message_only"]]
    assert len(fooled) > 10
    for case in fooled:
        signature = case["statement"]
        head, _, body = case["file_text"].partition(f"{signature} :=")
        if not head and body:
            assert refusal(body, Policy()) is not None, case["id"]


def test_of_steps_only_those_before_a_refused_one_are_sent(kimina: Kimina) -> None:
    sent: list[str] = []

    def answer(request: dict[str, Any]) -> tuple[int, str]:
        sent.append(request["snippets"][0]["code"])
        return messages(("info", 0, AXIOMS), stripped=0)(request)

    kimina(answer)
    assert LEAN_STEPWISE.judge(problem(), "omega\nsorry\nomega").outcome is Outcome.correct
    assert [code.count("omega") for code in sent] == [1]


def test_a_long_text_is_checked_in_little_time() -> None:
    for unit in ("(", '"', '"{', "«", "simp (a := ", "{", "'", "omega /-", "1_", "set_option "):
        before = time.process_time()
        refusal("omega " + unit * (20_000 // len(unit)), Policy())
        assert time.process_time() - before < 1, unit
