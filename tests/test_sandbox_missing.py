"""Where nothing isolates: whatever runs programs or proofs is our failure and says why, and answers are judged."""

import json
import platform
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from verifiers.benchmarks import BENCHMARKS
from verifiers.errors import InfrastructureError, Unavailable
from verifiers.outcome import Outcome
from verifiers.proofs import backend
from verifiers.proofs.jail import _probe
from verifiers.sandbox import Ended, Level, refuse_surprises, self_test, the_sandbox, use_level
from verifiers.verifier import Problem, Verifier

ROOT = Path(__file__).parents[1]
FUNCTION = {"prompt": "def f(x):\n", "test": "def check(f):\n    assert f(1) == 1\n", "entry_point": "f"}
THEOREM = {"header": "import Init\n", "statement": "theorem t : True"}
TESTS = {"description": "", "public_tests": {"input": ["1\n"], "output": ["1\n"]}}
PLUS = {**FUNCTION, "base_test": FUNCTION["test"]}
PROBLEMS = {
    "codecontests": TESTS,
    "codecontests-plus": {"description": "", "test_cases": TESTS["public_tests"]},
    "humaneval": FUNCTION,
    "humaneval-plus": PLUS,
    "livecodebench": TESTS,
    "mbpp": FUNCTION,
    "mbpp-plus": PLUS,
    "minif2f": THEOREM,
    "proofnet": THEOREM,
}
"""A problem for each benchmark that runs what an LLM wrote here: a new one needs its own. Patches run in Docker."""


def runs_something_here(verifier: Verifier) -> bool:
    judge = verifier.judge.func if isinstance(verifier.judge, partial) else verifier.judge
    return not judge.__module__.startswith(("verifiers.answers.", "verifiers.benchmarks.", "verifiers.patches."))


RUNNING = [
    pytest.param(PROBLEMS[name], verifier, id=f"{name}:{verifier.name}")
    for name, benchmark in BENCHMARKS.items()
    for verifier in benchmark.verifiers
    if runs_something_here(verifier)
]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A built Lake project, as far as its folders go, and a `lean` that names its toolchain, alone on a PATH."""
    (tmp_path / "programs").mkdir()
    lean = tmp_path / "programs" / "lean"
    lean.write_text(f"#!/bin/sh\necho {tmp_path}\n")
    lean.chmod(0o755)
    (tmp_path / ".lake/build/lib/lean").mkdir(parents=True)
    return tmp_path


@pytest.fixture
def _fresh() -> Iterator[None]:
    """Neither a warm jail nor a remembered level."""
    use_level(None)
    _probe.cache_clear()
    yield
    use_level(None)
    backend.use(None)
    _probe.cache_clear()


def test_every_benchmark_that_runs_something_is_here() -> None:
    assert {parameter.id.partition(":")[0] for parameter in RUNNING if parameter.id} == set(PROBLEMS)


@pytest.mark.usefixtures("_fresh")
@pytest.mark.parametrize(("data", "verifier"), RUNNING)
def test_without_bubblewrap_nothing_is_judged_and_it_says_why(
    data: dict[str, object], verifier: Verifier, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(project / "programs"))
    backend.configure(project)
    problem, candidate = Problem("p", data), "int main() { return 0; } // without bubblewrap"
    with pytest.raises(InfrastructureError):
        verifier.judge(problem, candidate)
    judgement = verifier.judge_safely(problem, candidate)
    assert judgement.outcome is Outcome.infrastructure_error
    if "g++" not in judgement.detail:
        assert "no bubblewrap (bwrap) on the PATH: install it" in judgement.detail


@pytest.mark.usefixtures("_fresh")
@pytest.mark.parametrize(("data", "verifier"), [row for row in RUNNING if "lean" not in str(row.id)])
def test_a_machine_whose_system_calls_are_unknown_judges_no_program_and_says_so(
    data: dict[str, object], verifier: Verifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "vax")
    judgement = verifier.judge_safely(Problem("p", data), "int main() { return 0; } // on a vax")
    assert judgement.outcome is Outcome.infrastructure_error
    assert "vax" in judgement.detail or "g++" in judgement.detail or "bubblewrap" in judgement.detail


@pytest.mark.usefixtures("_fresh")
def test_a_worker_may_start_without_a_sandbox_and_hears_what_it_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert "no bubblewrap" in refuse_surprises()


@pytest.mark.usefixtures("_fresh")
def test_a_sandbox_without_surprises_may_serve_and_nothing_of_its_test_is_left() -> None:
    use_level(Level.unsafe)  # runs everywhere
    assert refuse_surprises() == ""
    assert the_sandbox()._slots == {}


@pytest.mark.usefixtures("_fresh")
def test_a_sandbox_with_a_surprise_may_not_serve(monkeypatch: pytest.MonkeyPatch) -> None:
    use_level(Level.unsafe)
    module = sys.modules[self_test.__module__]
    known = module._Known("an early end", "print(1)", lambda result: result.ended is Ended.cpu_limit)
    monkeypatch.setattr(module, "_PROGRAMS", (*module._PROGRAMS, known))
    with pytest.raises(Unavailable, match="an early end ended as exited"):
        refuse_surprises()


@pytest.mark.usefixtures("_fresh")
def test_a_program_of_the_self_test_that_something_else_ended_is_run_once_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    use_level(Level.unsafe)
    module = sys.modules[self_test.__module__]
    ends = iter([False, True])
    monkeypatch.setattr(module, "_PROGRAMS", [module._Known("lost once", "print(1)", lambda _: next(ends))])
    assert refuse_surprises() == ""
    assert next(ends, None) is None


def test_check_says_it_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    problem, program = tmp_path / "problem.jsonl", tmp_path / "program.txt"
    problem.write_text(json.dumps({"name": "p", **TESTS}) + "\n")
    program.write_text("```\nprint(1)\n```")
    monkeypatch.setenv("PATH", "/nowhere")
    command = [sys.executable, "-m", "cli", "check", "codecontests", "--problem", "p", "--data", problem, program]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert json.loads(said.stdout)["outcome"] == "infrastructure_error", said.stderr
