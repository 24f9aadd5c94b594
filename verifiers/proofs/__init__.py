"""Lean 4 proofs: the statement rebuilt around the candidate, strict checks, warm and isolated processes."""

from verifiers.proofs.backend import configure
from verifiers.proofs.judge import LEAN_STEPWISE, LEAN_WHOLE
from verifiers.proofs.policy import Policy
from verifiers.proofs.report import ProofLimits

__all__ = ["LEAN_STEPWISE", "LEAN_WHOLE", "Policy", "ProofLimits", "configure"]
