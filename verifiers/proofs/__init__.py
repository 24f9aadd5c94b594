"""Lean 4 proofs: the statement rebuilt around the candidate, strict checks, warm and isolated processes."""

from verifiers.proofs.backend import Limits, configure
from verifiers.proofs.judge import LEAN_STEPWISE, LEAN_WHOLE
from verifiers.proofs.policy import Policy

__all__ = ["LEAN_STEPWISE", "LEAN_WHOLE", "Limits", "Policy", "configure"]
