"""Programs: found in a text, run in the sandbox, judged by tests that stay outside it."""

from verifiers.programs.checker import CODECONTESTS_PLUS_CHECKER, CODECONTESTS_PLUS_CPP
from verifiers.programs.livecode import LIVECODEBENCH_PUBLIC, LIVECODEBENCH_TESTS
from verifiers.programs.stdio import CODECONTESTS_CPP, CODECONTESTS_PAPER, CODECONTESTS_PUBLIC, CODECONTESTS_STRICT
from verifiers.programs.unit_tests import HUMANEVAL, MBPP

__all__ = [
    "CODECONTESTS_CPP",
    "CODECONTESTS_PAPER",
    "CODECONTESTS_PLUS_CHECKER",
    "CODECONTESTS_PLUS_CPP",
    "CODECONTESTS_PUBLIC",
    "CODECONTESTS_STRICT",
    "HUMANEVAL",
    "LIVECODEBENCH_PUBLIC",
    "LIVECODEBENCH_TESTS",
    "MBPP",
]
