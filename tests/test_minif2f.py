"""The benchmark MiniF2F-MATH: both forms of its data, the prompt, the paper's 130 problems."""

import gzip
import json
from pathlib import Path

import pytest

from tests.shared_data import shared, shared_rows
from verifiers.benchmarks.known import known_keys
from verifiers.benchmarks.minif2f import EXAMPLES, MINIF2F
from verifiers.errors import UserError
from verifiers.proofs.statement import statement_of

FORMS = ("minif2f/lean4_v4.24.jsonl", "minif2f/lean4_v4.9.jsonl")


def write(folder: Path, *rows: object) -> Path:
    file = folder / "rows.jsonl.gz"
    file.write_bytes(gzip.compress("".join(json.dumps(row) + "\n" for row in rows).encode()))
    return file


@pytest.mark.parametrize("form", FORMS)
def test_both_forms_give_488_theorems_and_the_papers_130(form: str) -> None:
    problems = MINIF2F.load(shared(form))
    assert len(problems) == 488
    chosen = [problems[index] for index in MINIF2F.subsets["monkeys"](problems)]
    assert len(chosen) == 130
    assert sum(problem.key.startswith("mathd_algebra") for problem in chosen) == 70
    for problem in problems:
        statement = statement_of(problem)
        assert statement.name == problem.key
        assert statement.header.startswith("import Mathlib\n")
        assert "sorry" not in statement.signature
        assert not statement.signature.rstrip().endswith((":=", "by"))


def test_both_forms_have_the_same_130_names() -> None:
    chosen = []
    for form in FORMS:
        problems = MINIF2F.load(shared(form))
        chosen.append({problems[index].key for index in MINIF2F.subsets["monkeys"](problems)})
    assert chosen[0] == chosen[1]


FOUR = {"mathd_algebra_158", "mathd_algebra_342", "mathd_algebra_314", "mathd_numbertheory_618"}


@pytest.mark.parametrize(("form", "defective"), [(FORMS[0], {"mathd_algebra_314"}), (FORMS[1], FOUR)])
def test_a_known_problem_is_left_out_only_where_its_statement_is_the_defective_one(
    form: str, defective: set[str]
) -> None:
    problems = MINIF2F.load(shared(form))
    chosen = [problems[index] for index in MINIF2F.subsets["monkeys"](problems)]
    assert known_keys(MINIF2F, None, chosen) == defective
    assert known_keys(MINIF2F, None, problems) - FOUR == (set() if form == FORMS[0] else set(MINIF2F.known) - FOUR)


def test_a_statement_is_the_files_own_text() -> None:
    rows = shared_rows("minif2f/lean4_v4.24.jsonl")
    for row, problem in zip(rows, MINIF2F.load(shared("minif2f/lean4_v4.24.jsonl")), strict=True):
        assert row["lean"].strip() == f"{problem.data['header']}\n{problem.data['statement']} := by sorry"


def test_prompts_go_on_from_the_statement_in_the_papers_form() -> None:
    problems = MINIF2F.load(shared(FORMS[0]))
    paper = shared("prompts/minif2f_five_shot.txt").read_text()
    prompt = MINIF2F.prompts(problems, None, paper)[0]
    assert prompt.startswith(paper)
    assert prompt.removeprefix(paper).startswith("Write a lean4 proof to the provided formal statement. You have")
    assert prompt.endswith("= 60 :=\nby (\n")
    assert "theorem theorem6 (x y z w : ℕ)" in prompt
    assert problems[0].key not in prompt


def test_our_own_examples_have_the_form_of_the_papers() -> None:
    paper = shared("prompts/minif2f_five_shot.txt").read_text()
    for text in (EXAMPLES, paper):
        assert text.count("theorem theorem") == 5
        assert text.count(":=\nby (\n") == 5
        assert text.count("\n)\n```\n") == 5
        assert text.rstrip().endswith("\n)\n```")
    prompts = MINIF2F.prompts(MINIF2F.load(shared(FORMS[1])), None, None)
    assert all(prompt.startswith(EXAMPLES) for prompt in prompts)


def test_an_empty_prefix_leaves_the_bare_statement() -> None:
    problems = MINIF2F.load(shared(FORMS[0]))[:1]
    assert MINIF2F.prompts(problems, None, "")[0].startswith("Write a lean4 proof")


def test_a_file_of_examples_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="--prompt-file"):
        MINIF2F.prompts([], tmp_path, None)


def test_the_subset_of_a_part_is_refused() -> None:
    problems = MINIF2F.load(shared(FORMS[0]))
    with pytest.raises(UserError, match="130"):
        MINIF2F.subsets["monkeys"](problems[:100])


@pytest.mark.parametrize(
    "statement", ["theorem t : 1 = 1 := by", "theorem t : 1 = 1 := sorry", "theorem t : 1 = 1 :=\nby sorry\n"]
)
def test_every_ending_of_a_statement_is_taken_off(tmp_path: Path, statement: str) -> None:
    (problem,) = MINIF2F.load(write(tmp_path, {"name": "t", "header": "import Mathlib", "formal_statement": statement}))
    assert problem.data == {"header": "import Mathlib\n", "statement": "theorem t : 1 = 1"}


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"name": "t"}, "no field 'formal_statement'"),
        ({"name": "t", "lean": "import Mathlib\nexample : True := by sorry"}, "no theorem"),
        ({"name": "t", "lean": "theorem t : True := trivial"}, "does not end in"),
        ({"name": "t", "lean": 3}, "not a problem"),
        ({"name": "t", "header": None, "formal_statement": "theorem t : True := by"}, "not a problem"),
    ],
)
def test_a_row_that_is_no_theorem_is_named(tmp_path: Path, row: object, says: str) -> None:
    with pytest.raises(UserError, match=says):
        MINIF2F.load(write(tmp_path, row))
