"""What the tests on a real Lean share."""

from tests.proof_tables import problem
from verifiers.proofs import ProofLimits
from verifiers.verifier import Judgement, Problem, Verifier

LIMITS = ProofLimits(cpu_seconds=120, wall_seconds=900, memory_bytes=12 << 30)
FALSE = problem("theorem t : (2:Nat) + 2 = 5")
TRUE = problem("theorem t : (2:Nat) + 2 = 4")


def judge(verifier: Verifier, text: str, of: Problem | None = None) -> Judgement:
    of = of or problem()
    candidate = verifier.extract(of, text)
    assert candidate is not None
    return verifier.judge(of, candidate.text)
