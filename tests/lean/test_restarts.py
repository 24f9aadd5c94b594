"""What takes a Lean of its own: other headers and policies, and its death. The order spares starts."""

import json
from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import Any

import pytest

from tests.lean.judge import FALSE, LIMITS, TRUE
from tests.proof_tables import HEADER, problem
from tests.shared_data import shared
from verifiers.outcome import Outcome
from verifiers.proofs import LEAN_WHOLE, Policy
from verifiers.proofs.backend import use
from verifiers.proofs.local import LocalLean
from verifiers.proofs.statement import Statement
from verifiers.proofs.toolchain import CHECKER
from verifiers.verifier import Problem

pytestmark = [pytest.mark.lean, pytest.mark.timeout(1200)]


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


def test_a_proof_that_takes_too_long_is_a_time_limit(lean: LocalLean) -> None:
    header = HEADER.replace("import Init", "import Lean")  # that of the Lean that runs, and of no later test
    slow = Problem("t", {"header": header, "statement": "theorem t : 5 ^ 999999 % 7 = 6"})
    lean.limits = replace(LIMITS, cpu_seconds=4)
    try:
        judgement = LEAN_WHOLE.judge(slow, "omega")
    finally:
        lean.limits = LIMITS
    assert judgement.outcome is Outcome.time_limit


def test_lean_understands_the_checker_of_native_projects(lean: LocalLean) -> None:
    """All of checker.lean but its machine code, for which this build lacks the library's own."""
    text = CHECKER.read_text()
    assert text.count("\nopen Lean Elab\n") == 1
    header = text.replace("\nopen Lean Elab\n", "\nopen Lean Elab\nnoncomputable section\n")
    of = Problem("t", {"header": header, "statement": "theorem t : 2 + 2 = 4"})
    assert LEAN_WHOLE.judge(of, "rfl").outcome is Outcome.correct


@pytest.mark.slow
def test_native_decide_is_accepted_where_it_is_allowed_and_marked(lean: LocalLean) -> None:
    allowing = replace(lean, policy=Policy(native_decide=True), _processes=OrderedDict())
    use(allowing)
    try:
        judgement = LEAN_WHOLE.judge(TRUE, "native_decide")
        assert judgement.outcome is Outcome.correct, judgement.detail
        assert judgement.facts["replayed"] is False
        assert LEAN_WHOLE.judge(FALSE, "native_decide").outcome is not Outcome.correct
    finally:
        use(None)
