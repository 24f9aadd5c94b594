"""The two verifiers of Lean proofs, whose rates are never to be mixed: they count different things as right."""

import textwrap
from collections.abc import Iterator
from dataclasses import replace

from verifiers.errors import InfrastructureError
from verifiers.outcome import Outcome
from verifiers.proofs.backend import check, lacks
from verifiers.proofs.candidate import extract_block, extract_steps
from verifiers.proofs.helpers import Proof
from verifiers.proofs.report import Report
from verifiers.proofs.statement import Statement, statement_of
from verifiers.verifier import Judgement, Problem, Verifier

_LONGEST = 100_000


def judge_block(problem: Problem, candidate: str) -> Judgement:
    """Whether a block of tactics is a proof of the problem's theorem, as a whole file would be.

    One that Lean does not accept as it stands is tried again with its first line as far to the right as its others,
    where it is not: an answer often loses the blanks that it begins with. And without the namespaces that the answer
    opens, which another Mathlib may not have.
    """
    unfit = _unfit(candidate)
    if unfit:
        return unfit
    statement = _statement(problem)
    proof = Proof.read(candidate, statement.plain_name)
    report = check(statement, proof.body(proof.block), *proof.helpers)
    used = report.cpu_seconds
    for other, facts in _others(proof):
        if report.outcome is not Outcome.compile_error:
            break
        again = check(statement, other.body(other.block), *other.helpers)
        used += again.cpu_seconds
        if again.outcome is not Outcome.compile_error:
            report = replace(again, facts={**again.facts, **facts})
    return Judgement(report.outcome, report.detail, used, report.facts)


def _others(proof: Proof) -> Iterator[tuple[Proof, dict[str, str]]]:
    """Other readings of a proof, and what a verdict says of each."""
    realigned, closed = _realigned(proof.block), proof.closed()
    if realigned is not None:
        yield proof._replace(block=realigned), {"first_line": "realigned"}
    if closed != proof:
        yield closed, {"open": "left out"}


def _realigned(block: str) -> str | None:
    """A block with its first line where the least indented of its others is; None where it is there."""
    first, *others = block.split("\n")
    indents = [len(line) - len(line.lstrip(" ")) for line in others if line.strip() and not line.startswith("--")]
    if not indents or len(first) - len(first.lstrip(" ")) == min(indents):
        return None
    return textwrap.dedent("\n".join([" " * min(indents) + first.lstrip(" "), *others]))


def judge_steps(problem: Problem, candidate: str) -> Judgement:
    """Whether tactics run one by one, a line each, finish the proof at some line, as the paper counts it.

    Each tactic must parse by itself; what follows the one that leaves no goal is not looked at. All steps are
    checked as one proof; where there is an error, the steps before the first bad one are checked, until
    there is none. So the time limit holds for a check of all steps, where the paper gives each ten seconds.
    """
    unfit = _unfit(candidate)
    if unfit:
        return unfit
    statement = _statement(problem)
    steps = candidate.split("\n")
    used = 0.0
    while True:
        report = check(statement, "by\n" + "".join(f"  ({step}\n  )\n" for step in steps))
        used += report.cpu_seconds
        good = _good_steps(statement, report)
        if report.outcome is Outcome.correct or not 0 < good < len(steps):
            facts = {**report.facts, "steps": len(steps)}
            return Judgement(report.outcome, report.detail, used, facts)
        steps = steps[:good]


def _good_steps(statement: Statement, report: Report) -> int:
    """How many steps stand before the first that has an error; 0 where the only error is the proof's as a whole."""
    first_step = statement.body_line + 1
    lines = [line for line in report.lines if line >= first_step]
    return (min(lines) - first_step) // 2 if lines else 0


def _unfit(candidate: str) -> Judgement | None:
    """A verdict on what Lean is not even shown."""
    if len(candidate) > _LONGEST:
        return Judgement(Outcome.incorrect, f"the proof is longer than {_LONGEST} characters")
    try:
        candidate.encode()
    except UnicodeEncodeError:
        return Judgement(Outcome.compile_error, "the proof is not valid Unicode")
    return None


def _statement(problem: Problem) -> Statement:
    try:
        return statement_of(problem)
    except (KeyError, ValueError) as error:
        raise InfrastructureError(f"The problem {problem.key} has no theorem to prove ({error}).") from error


LEAN_WHOLE = Verifier("lean-whole", "3", extract_block, judge_block, lacks=lacks)
LEAN_STEPWISE = Verifier("lean-stepwise", "2", extract_steps, judge_steps, lacks=lacks)
