"""Answers that can be compared: numbers, mathematical expressions and letters of options."""

from verifiers.answers.choices import CHOICE
from verifiers.answers.gsm8k import GSM8K_ANSWER, GSM8K_PAPER
from verifiers.answers.math import GSM8K_MATH_VERIFY, MATH_PAPER, MATH_VERIFY

__all__ = ["CHOICE", "GSM8K_ANSWER", "GSM8K_MATH_VERIFY", "GSM8K_PAPER", "MATH_PAPER", "MATH_VERIFY"]
