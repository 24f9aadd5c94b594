"""The benchmark ProofNet and newer files of MiniF2F: their fields, keys, prompts and what is to be proved."""

import json
from pathlib import Path
from typing import Any

import pytest

from verifiers.benchmarks.minif2f import MINIF2F
from verifiers.benchmarks.proofnet import PROOFNET
from verifiers.benchmarks.template import asked
from verifiers.errors import UserError
from verifiers.proofs import LEAN_WHOLE
from verifiers.proofs.backend import use
from verifiers.verifier import Problem

HEADER = "import Mathlib\n\nopen Real\nopen scoped BigOperators\n\n"
DEEPSEEK: dict[str, Any] = {
    "name": "exercise_3_3", "split": "valid", "informal_prefix": "/-- Prove $1 = 1$.-/\n", "goal": "⊢ 1 = 1",
    "formal_statement": "theorem exercise_3_3 :\n  (1 : ℕ) = 1 :=", "header": HEADER,
}  # fmt: skip
SHARP: dict[str, Any] = {
    "id": "Rudin|exercise_1_1a", "nl_statement": "Prove $1 = 1$.", "nl_proof": "Trivial.", "lean4_src_header": HEADER,
    "lean4_formalization": "theorem exercise_1_1a :\n  (1 : ℕ) = 1 :=",
}  # fmt: skip
DATA = {
    **DEEPSEEK,
    "name": "exercise_2_1_21",
    "formal_statement": "def exercise_2_1_21 (G : Type*) :\n  CommGroup G :=",
}


def load(folder: Path, *rows: object, benchmark: Any = PROOFNET) -> list[Problem]:
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    problems: list[Problem] = benchmark.load(folder / "rows.jsonl")
    return problems


def test_both_public_forms_are_read_and_exercises_that_ask_for_data_left_out(tmp_path: Path) -> None:
    deepseek, sharp = load(tmp_path, DEEPSEEK, DATA, SHARP)
    assert (deepseek.key, sharp.key) == ("exercise_3_3", "Rudin|exercise_1_1a")
    assert deepseek.data == {
        "header": HEADER.strip() + "\n", "statement": "theorem exercise_3_3 :\n  (1 : ℕ) = 1", "split": "valid",
        "informal_prefix": "/-- Prove $1 = 1$.-/\n",
    }  # fmt: skip
    assert sharp.data["informal_prefix"] == "/-- Prove $1 = 1$. -/\n"
    assert PROOFNET.subsets["valid"]([deepseek, sharp]) == [0]
    with pytest.raises(UserError, match="whose field split is test"):
        PROOFNET.subsets["test"]([deepseek, sharp])


def test_a_name_that_is_there_again_has_a_key_of_its_own_and_a_row_that_is_there_again_is_refused(
    tmp_path: Path,
) -> None:
    other = {**DEEPSEEK, "formal_statement": "theorem exercise_3_3 :\n  (2 : ℕ) = 2 :="}
    assert [problem.key for problem in load(tmp_path, DEEPSEEK, other)] == ["exercise_3_3", "exercise_3_3-2"]
    with pytest.raises(UserError, match=r"Row 2 .*exercise_3_3 is there twice"):
        load(tmp_path, DEEPSEEK, DATA, DEEPSEEK)


def test_the_prompts_are_deepseeks_and_an_answer_to_each_is_found(tmp_path: Path) -> None:
    problems = load(tmp_path, SHARP)
    code = "```lean4\n" + HEADER.strip() + "\n\n/-- Prove $1 = 1$. -/\ntheorem exercise_1_1a :\n  (1 : ℕ) = 1 := by\n"
    assert PROOFNET.prompts is not None
    assert PROOFNET.prompts(problems, None, None) == [f"Complete the following Lean 4 code:\n\n{code}"]
    assert PROOFNET.prompts(problems, None, "Hi.")[0].startswith("Hi.\n\n\nComplete the")
    with pytest.raises(UserError, match="not --shots"):
        PROOFNET.prompts(problems, tmp_path, None)
    (chat,) = asked(PROOFNET.chat or "", problems)
    assert chat.startswith(f"Complete the following Lean 4 code:\n\n{code}  sorry\n```\n\nBefore producing")
    answer = f"### Proof plan\n\n{code}  have h : True := by sorry\n```\n\n### Complete proof\n\n{code}  rfl\n```"
    for text, found in {"  norm_num\n  rfl\n": "norm_num\nrfl", answer: "rfl"}.items():
        candidate = LEAN_WHOLE.extract(problems[0], text)
        assert candidate is not None
        assert candidate.text == found


def test_newer_files_of_minif2f_are_read(tmp_path: Path) -> None:
    whole = "import Mathlib\n\nopen Real\n\n/-- What is $1$? -/\ntheorem amc_1 :\n  1 = 1 := by sorry"
    v2 = {"name": "amc_2", "split": "test", "informal statement": "What?", "header": HEADER, "informal_proof": "",
          "formal_statement": "theorem amc_2 : 1 = 1 := by", "formal_proof": ""}  # fmt: skip
    ours, theirs = load(
        tmp_path, {"name": "amc_1", "informal_prefix": "/-- What is $1$? -/\n", "formal_statement": whole}, v2,
        benchmark=MINIF2F,
    )  # fmt: skip
    assert ours.data["header"] == "import Mathlib\n\nopen Real\n"
    assert (ours.data["statement"], theirs.data["statement"]) == ("theorem amc_1 :\n  1 = 1", "theorem amc_2 : 1 = 1")
    prompts = asked(MINIF2F.chat or "", [ours, theirs])
    assert "open Real\n\n/-- What is $1$? -/\ntheorem amc_1 :\n  1 = 1 := by\n  sorry\n```" in prompts[0]
    assert "BigOperators\n\ntheorem amc_2 : 1 = 1 := by\n  sorry\n```" in prompts[1]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"formal_statement": "theorem a : 1 = 1 := by\n  sorry\n  rfl"}, "does not end in"),
        ({"formal_statement": "1 = 1 := by"}, "no theorem"),
        ({"header": "theorem b : 2 = 2 := rfl", "formal_statement": "example : 1 = 1 := by"}, "no theorem"),
        ({"header": None}, "header must be a text"),
        ({"formal_statement": None}, "formal_statement must be a text"),
        ({"formal_statement": ["theorem a : 1 = 1 := by"]}, "formal_statement must be a text"),
    ],
)
def test_a_row_without_an_open_theorem_is_named(tmp_path: Path, changed: dict[str, Any], said: str) -> None:
    for benchmark in (MINIF2F, PROOFNET):
        with pytest.raises(UserError, match=f"Row 0 .*{said}"):
            load(tmp_path, {**DEEPSEEK, **changed}, benchmark=benchmark)


def test_without_a_lean_the_verifiers_say_what_they_lack() -> None:
    use(None)
    for benchmark in (MINIF2F, PROOFNET):
        assert all("MONKEYS_LEAN_PROJECT" in verifier.lacks() for verifier in benchmark.verifiers)
