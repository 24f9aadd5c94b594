"""The verifiers on a real Lean 4: known proofs pass, and nothing that is no proof does. `make test-lean`.

The Lean is 4.28 in WebAssembly with the core library only: what needs Mathlib, native code or the interpreter of
user programs is not shown here, and the worker program is a driver with the checks of checker.lean, not that file.
"""

import json
import textwrap
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from tests.lean.fetch import fetched, folder
from tests.lean.wasm import WasmLean
from tests.proof_tables import ALLOWED, HEADER, HELPED, NOT_HELPED, REALIGNED, REFUSED, problem
from tests.shared_data import shared, shared_rows
from verifiers.benchmarks import find_benchmark
from verifiers.errors import InfrastructureError
from verifiers.outcome import Outcome
from verifiers.proofs import LEAN_STEPWISE, LEAN_WHOLE, Policy, ProofLimits
from verifiers.proofs.backend import use
from verifiers.proofs.local import LocalLean
from verifiers.proofs.statement import Statement
from verifiers.proofs.toolchain import CHECKER
from verifiers.verifier import Judgement, Problem, Verifier

pytestmark = [pytest.mark.lean, pytest.mark.timeout(1200)]

ROOT = folder()
LIMITS = ProofLimits(cpu_seconds=120, wall_seconds=900, memory_bytes=12 << 30)


@pytest.fixture(scope="module")
def lean() -> Iterator[LocalLean]:
    if not fetched(ROOT):
        pytest.skip(f"no Lean in {ROOT}: run make test-lean")
    backend = LocalLean(WasmLean(ROOT), LIMITS, start_seconds=900, proofs_a_process=2000, headers_at_once=1)
    use(backend)
    yield backend
    use(None)


def judge(verifier: Verifier, text: str, of: Problem | None = None) -> Judgement:
    of = of or problem()
    candidate = verifier.extract(of, text)
    assert candidate is not None
    return verifier.judge(of, candidate.text)


FALSE = problem("theorem t : (2:Nat) + 2 = 5")
TRUE = problem("theorem t : (2:Nat) + 2 = 4")


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


def test_no_declaration_before_a_theorem_proves_what_is_false(lean: LocalLean) -> None:
    for text in NOT_HELPED:
        for form in ("{}", "```lean4\n{}\n```"):
            assert judge(LEAN_WHOLE, form.format(text), FALSE).outcome is not Outcome.correct, text


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


def test_leans_own_tree_shows_what_the_text_would_hide(lean: LocalLean) -> None:
    """Without the check of the text, as where Lean reads a text in another way than we do."""
    statement = Statement(HEADER, "t", problem().data["statement"])
    for text in ALLOWED:
        assert lean.check(statement, f"by\n{textwrap.indent(text, '  ')}").outcome is Outcome.correct, text
    for text in REFUSED:
        assert lean.check(statement, f"by\n{textwrap.indent(text, '  ')}").outcome is not Outcome.correct, text


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


def test_tactics_of_the_mathd_theorems_get_their_known_verdicts(lean: LocalLean) -> None:
    wrong: list[tuple[str, str, Outcome]] = []
    for row in shared_rows("minif2f/mathd_core_lean.jsonl"):
        of = Problem(row["name"], {"header": row["header"], "statement": row["statement"].rstrip()})
        for tactic in row["accepted_tactics_ms"]:
            judgement = judge(LEAN_WHOLE, f"  {tactic}\n)\n```", of)
            if judgement.outcome is not Outcome.correct:
                wrong.append((row["name"], tactic, judgement.outcome))
        for tactic in row["rejected_tactics"]:
            judgement = judge(LEAN_WHOLE, f"  {tactic}\n)\n```", of)
            if judgement.outcome is not Outcome.compile_error:
                wrong.append((row["name"], tactic, judgement.outcome))
    assert wrong == []


@dataclass(frozen=True)
class WholeFile(Statement):
    """Shows a file to Lean as it is (its lines ended as extraction ends them), to see that the worker itself does not
    trust what it is given."""

    def source(self, body: str) -> str:
        return body.replace("\r\n", "\n")


STRICTER = {"skipKernel_true", "dbg_trace", "meta.dbg_trace"}
"""Sound proofs that our policy refuses, or that Lean 4.28 does not parse."""


def adversarial() -> list[dict[str, Any]]:
    file = shared("minif2f").parents[1] / "reference" / "adversarial_lean.jsonl"
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_adversarial_files_as_samples_prove_nothing_false(lean: LocalLean) -> None:
    for case in adversarial():
        of = problem(case["statement"])
        candidate = LEAN_WHOLE.extract(of, case["file_text"])
        if case["expected"] == "reject" and case["statement"] == FALSE.data["statement"] and candidate is not None:
            assert LEAN_WHOLE.judge(of, candidate.text).outcome is not Outcome.correct


@pytest.mark.parametrize("header", ["import Init", "import Lean"])
def test_every_adversarial_file_gets_its_verdict(lean: LocalLean, header: str) -> None:
    wrong = []
    for case in adversarial():
        if case["header"] == header:
            statement = WholeFile(HEADER.replace("import Init", header), "t", case["statement"])
            report = lean.check(statement, case["file_text"])
            accepted = case["expected"] == "accept" and case["id"] not in STRICTER
            if (report.outcome is Outcome.correct) is not accepted:
                wrong.append((case["id"], report.outcome, report.detail))
    assert wrong == []


def test_a_proof_that_takes_too_long_is_a_time_limit_and_lean_recovers(lean: LocalLean) -> None:
    slow = problem("theorem t : 5 ^ 999999 % 7 = 6")
    lean.limits = replace(LIMITS, cpu_seconds=4)
    try:
        judgement = LEAN_WHOLE.judge(slow, "omega")
    finally:
        lean.limits = LIMITS
    assert judgement.outcome is Outcome.time_limit
    assert judge(LEAN_WHOLE, "omega").outcome is Outcome.correct


def test_lean_understands_the_checker_of_native_projects(lean: LocalLean) -> None:
    """All of checker.lean but its machine code, for which this build lacks the library's own."""
    text = CHECKER.read_text()
    assert text.count("\nopen Lean Elab\n") == 1
    header = text.replace("\nopen Lean Elab\n", "\nopen Lean Elab\nnoncomputable section\n")
    of = Problem("t", {"header": header, "statement": "theorem t : 2 + 2 = 4"})
    assert LEAN_WHOLE.judge(of, "rfl").outcome is Outcome.correct


def test_native_decide_is_accepted_where_it_is_allowed_and_marked(lean: LocalLean) -> None:
    allowing = replace(lean, policy=Policy(native_decide=True), _processes=OrderedDict())
    use(allowing)
    try:
        judgement = LEAN_WHOLE.judge(TRUE, "native_decide")
        assert judgement.outcome is Outcome.correct, judgement.detail
        assert judgement.facts["replayed"] is False
        assert LEAN_WHOLE.judge(FALSE, "native_decide").outcome is not Outcome.correct
    finally:
        use(lean)
