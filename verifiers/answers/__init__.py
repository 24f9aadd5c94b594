"""Answers that can be compared: numbers, mathematical expressions and letters of options.

A verifier finds an answer in a text (gsm8k, math, choices; marks, expressions and minerva know where answers stand) and
brings it to one spelling (signs, spelling; numbers, phrases and words read numbers with what stands beside them). What
spelling cannot decide goes to the comparer's killed child (worker): there it is cut into tokens, read to its end as a
formula (formulas, regions) within a statement (statements, readings), and compared (equality, values, numerals; buckets
for Minerva's rules).
"""

from verifiers.answers.choices import CHOICE
from verifiers.answers.gsm8k import GSM8K_ANSWER, GSM8K_PAPER
from verifiers.answers.math import GSM8K_MATH_VERIFY, MATH_PAPER, MATH_VERIFY

__all__ = ["CHOICE", "GSM8K_ANSWER", "GSM8K_MATH_VERIFY", "GSM8K_PAPER", "MATH_PAPER", "MATH_VERIFY"]
