"""What is taken for a proof: never the statement, and nothing after the bracket that closes the block."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.proof_tables import AFTER, FENCED, FENCES, HEADS, HELPED, THEOREMS
from verifiers.proofs import LEAN_STEPWISE, LEAN_WHOLE
from verifiers.proofs.helpers import Proof
from verifiers.verifier import Problem

PROBLEM = Problem("t", {"header": "import Mathlib\n", "statement": "theorem t (n : ℕ) (h : n = 2) : n + n = 4"})

UNITS = (
    *("(", "/-", '"', "\n", "·;", "«", '"{', "a.\n", "```lean\n"),
    *(
        "theorem t :=",
        "@[simp] ",
        "theorem t : x := by sorry\n",
        "open A in ",
        "open A\n",
        "set_option maxRecDepth 9\n",
    ),
)
"""What a hostile text repeats."""


def block(text: str) -> str | None:
    """The tactics alone, without what goes with them."""
    candidate = LEAN_WHOLE.extract(PROBLEM, text)
    return Proof.read(candidate.text, "t").block if candidate else None


def steps(text: str) -> list[str] | None:
    candidate = LEAN_STEPWISE.extract(PROBLEM, text)
    return candidate.text.split("\n") if candidate else None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("  subst h\n  norm_num\n)\n```\nWrite a lean4", "subst h\nnorm_num"),
        ("  linarith)\n```", "linarith"),
        ("  rw [foo (a) (b)]\n)", "rw [foo (a) (b)]"),
        ("  simp\n```\n", "simp"),
        ("  simp\n\nWrite a lean4 proof", "simp"),
        ("  simp -- closes :)\n  omega\n)", "simp -- closes :)\nomega"),
        ("  simp /- ) /- ) -/ ) -/\n  omega\n) x", "simp /- ) /- ) -/ ) -/\nomega"),
        ('  exact foo ")"\n)', 'exact foo ")"'),
        ("  constructor\r\n  · simp\r\n  · omega\r\n)\r\n", "constructor\n· simp\n· omega"),
        ("  have h2 : n = 2 := by\n    exact h\n  omega\n)", "have h2 : n = 2 := by\n  exact h\nomega"),
        ("omega", "omega"),
    ],
)
def test_a_continuation_ends_where_the_prompts_bracket_closes(text: str, expected: str) -> None:
    assert block(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Sure:\n```lean4\ntheorem t (n : ℕ) (h : n = 2) : n + n = 4 := by\n  omega\n```\nDone.", "omega"),
        ("theorem t (n : ℕ := 3) : n + n = 4 := by\n  omega", "omega"),
        ("theorem t : n + n = 4 := by subst h\n                           omega\n", "subst h\nomega"),
        ("theorem t : 1 = 1 := rfl\n", "exact (\n rfl\n)"),
        ("```lean4\ntheorem t : 1 = 1 := by\n  rfl\n```\nThis proves theorem t at once.", "rfl"),
        ("```lean4\ntheorem t : 1 = 1 := by rfl\n```\nAgain:\n```lean4\ntheorem t : 1 = 1 := by", "rfl"),
        ("```lean4\ntheorem t : 1 = 1 := by simp\n```\nNo:\n```lean4\ntheorem t : 1 = 1 := by rfl\n```", "rfl"),
        ("theorem t : 1 = 2 := by sorry\n-- again\ntheorem t : 1 = 1 := by rfl", "rfl"),
        ("theorem t (h : False) : 1 = 2 := by\n  exact h.elim\n", "exact h.elim"),
        ("theorem t : 1 = 1 := bye", "exact (\n bye\n)"),
    ],
)
def test_a_whole_file_gives_only_its_last_proof(text: str, expected: str) -> None:
    candidate = LEAN_WHOLE.extract(PROBLEM, text)
    assert candidate is not None
    assert candidate.how == "file"
    assert [line.split() for line in candidate.text.split("\n")] == [line.split() for line in expected.split("\n")]


@pytest.mark.parametrize("form", FENCES)
def test_a_proof_that_stands_only_in_a_fence_is_found(form: str) -> None:
    for content in FENCED:
        assert block(form.replace("{}", content)) == "omega"
    assert block(form.replace("{}", "-- one\nrw [h]\n  omega\n")) == "-- one\nrw [h]\n  omega"
    assert block(form.replace("{}", "fun h => h\n")) == "exact (\nfun h => h\n)"


@pytest.mark.parametrize("head", HEADS)
def test_a_theorem_is_found_by_its_name_or_as_the_last_of_the_last_fence(head: str) -> None:
    for form in THEOREMS:
        if "It was" not in form or "theorem t" in head:
            assert block(form.replace("{}", head)) == "omega", form
    if "\n" not in head:
        assert block(f"```lean4 {head} := by omega```") == "omega"


@pytest.mark.parametrize("after", AFTER)
def test_what_follows_a_proof_is_no_part_of_it(after: str) -> None:
    for before in ("  omega", "omega", "theorem t : X := by\n  omega", "```lean4\ntheorem t : X := by\n  omega"):
        assert block(before + after) == "omega", before
    assert block(f"  have h2 := h\n  omega{after}") == "have h2 := h\nomega"
    assert block(f"have h2 := h\n  omega{after}") == "have h2 := h\n  omega"


@pytest.mark.parametrize("text", HELPED)
def test_declarations_that_a_proof_uses_go_with_it_and_no_others(text: str) -> None:
    candidate = LEAN_WHOLE.extract(PROBLEM, text)
    assert candidate is not None
    proof = Proof.read(candidate.text, "t")
    assert proof.block.endswith("omega")
    assert proof.helpers
    assert all(re.match(r"(@\[simp\] )?(theorem|def)\b|open Nat\Z", helper) for helper in proof.helpers)
    assert "sorry" not in candidate.text
    assert Proof.read(proof.text("t"), "t") == proof


def test_columns_of_a_proof_that_begins_behind_its_by_are_kept() -> None:
    assert block("theorem t : P := by constructor\n                    simp") == "constructor\nsimp"
    assert block("theorem t : P := by constructor\n  simp") == f"{18 * ' '}constructor\nsimp"


@pytest.mark.parametrize("text", ["", "   \n\n", ")", "```", "  )\n```", "theorem t : 1 = 1", "theorem t : 1 = 1 :="])
def test_nothing_is_no_candidate(text: str) -> None:
    assert block(text) is None


def test_steps_are_the_papers() -> None:
    text = "  norm_num at h; simp <;> ring\n  · linarith;omega\n)\n```\nWrite a lean4"
    assert steps(text) == ["norm_num at h", "simp <;> ring", "linarith", "omega"]


@pytest.mark.parametrize("text", ["", "\n  simp", ")", "```lean", "  ;simp"])
def test_steps_that_begin_with_what_is_no_tactic_are_no_candidate(text: str) -> None:
    assert steps(text) is None


def test_an_unclosed_comment_or_string_swallows_the_rest() -> None:
    assert block("  simp /- ) ) )") == "simp /- ) ) )"
    assert block('  exact "abc ) )') == 'exact "abc ) )'


@pytest.mark.parametrize("length", [30_000, pytest.param(1_000_000, marks=pytest.mark.slow)])
def test_a_long_text_is_read_in_less_than_a_second(length: int) -> None:
    for unit in UNITS:
        for verifier in (LEAN_WHOLE, LEAN_STEPWISE):
            before = time.process_time()
            verifier.extract(PROBLEM, unit * (length // len(unit)))
            assert time.process_time() - before < 1, unit


@given(st.lists(st.sampled_from([*'()"-/·; \n`:=\ud800\0', "theorem t", "by", "/-", "-/", "```", "simp"])).map("".join))
def test_extraction_never_raises_and_never_keeps_a_fence(text: str) -> None:
    for verifier in (LEAN_WHOLE, LEAN_STEPWISE):
        candidate = verifier.extract(PROBLEM, text)
        assert candidate is None or (candidate.text.strip() and not candidate.text.startswith("```"))


@given(st.lists(st.sampled_from(["simp", "norm_num [h]", "exact (f (x))", "· omega"]), min_size=1))
def test_a_block_survives_the_prompts_form_and_a_second_extraction(lines: list[str]) -> None:
    found = block("".join(f"  {line}\n" for line in lines) + ")\n```\nWrite a lean4")
    assert found == "\n".join(lines)
    assert block(found) == found
