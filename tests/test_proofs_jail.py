"""The jail of a Lean process, and the Lake project that it is let read."""

import os
import subprocess
from pathlib import Path

import pytest

from verifiers.errors import InfrastructureError
from verifiers.proofs.jail import jailed
from verifiers.proofs.toolchain import CHECKER, LakeProject


def inside(script: str, *readable: Path, **environ: str) -> str:
    command = jailed(["/bin/sh", "-c", script], list(readable), environ)
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False).stdout.strip()


@pytest.fixture(autouse=True)
def _isolation() -> None:
    try:
        jailed(["true"], [], {})
    except InfrastructureError as error:
        pytest.skip(str(error))


def test_it_has_no_network_but_its_own() -> None:
    assert inside("tail -n +3 /proc/net/dev | cut -d: -f1").split() == ["lo"]


def test_it_sees_no_other_process() -> None:
    assert str(os.getpid()) not in inside("ls /proc | grep -E '^[0-9]+$'").split()
    assert len(inside("ls /proc | grep -E '^[0-9]+$'").split()) < 10


def test_it_has_none_of_our_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MONKEYS_DATABASE_URL", "postgresql://secret")
    assert "secret" not in inside("env", LEAN_PATH="/x")
    assert "LEAN_PATH=/x" in inside("env", LEAN_PATH="/x")


def test_it_has_no_privilege() -> None:
    assert inside("grep CapEff /proc/self/status").split()[1] == "0000000000000000"
    assert inside("grep NoNewPrivs /proc/self/status").split()[1] == "1"
    if os.geteuid() == 0:
        assert inside("id -u") == "65534"


def test_it_writes_only_to_memory(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    for place in (tmp_path, "/usr", "", "/proc"):
        assert inside(f"touch {place}/x && echo wrote", tmp_path) == ""
    assert inside("touch x && pwd") == "/tmp"
    assert list(tmp_path.iterdir()) == []


def test_it_reads_what_it_is_given_wherever_that_is(tmp_path: Path) -> None:
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    (deep / "file").write_text("here")
    assert inside(f"cat {deep}/file", deep) == "here"
    assert inside(f"cat {deep}/file") == ""
    assert inside(f"cat {Path(__file__)}") == ""


def test_its_files_are_bounded() -> None:
    assert int(inside("head -c 200000000 /dev/zero > /tmp/x; wc -c < /tmp/x")) <= 64 << 20


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A built Lake project, as far as its folders go, and a `lean` that names its toolchain."""
    programs = tmp_path / "programs"
    programs.mkdir()
    (tmp_path / "toolchain" / "bin").mkdir(parents=True)
    (programs / "lean").write_text(f"#!/bin/sh\necho {tmp_path / 'toolchain'}\n")
    (programs / "lean").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    for library in ("project/.lake/build/lib/lean", "project/.lake/packages/mathlib/.lake/build/lib"):
        (tmp_path / library).mkdir(parents=True)
    return tmp_path / "project"


def test_a_lake_projects_worker_is_our_checker_on_its_libraries(project: Path) -> None:
    command = LakeProject(project).command()
    start = command.index(str(project.parent / "toolchain" / "bin" / "lean"))
    assert command[start:] == [command[start], "-j1", "--run", str(CHECKER)]
    built = [project / ".lake/build/lib/lean", project / ".lake/packages/mathlib/.lake/build/lib"]
    assert command[command.index("LEAN_PATH") + 1] == ":".join(map(str, built))
    for library in built:
        assert ["--ro-bind", str(library), str(library)] == command[command.index(str(library)) - 1 :][:3]


def test_a_project_that_is_not_built_is_our_failure(project: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InfrastructureError, match="lake build"):
        LakeProject(tmp_path / "empty").command()
    with pytest.raises(InfrastructureError, match="No working `lean`"):
        LakeProject(tmp_path / "missing").command()


def test_what_lacks_for_a_lake_project_is_said_without_starting_it(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert LakeProject(project).lacks() == ""
    (tmp_path / "empty").mkdir()
    assert LakeProject(tmp_path / "empty").lacks().endswith("run `lake build` in it.")
    (tmp_path / "programs" / "bwrap").write_text("")
    (tmp_path / "programs" / "bwrap").chmod(0o755)
    (tmp_path / "programs" / "lean").unlink()
    monkeypatch.setenv("PATH", str(tmp_path / "programs"))
    assert "no `lean` on the PATH" in LakeProject(project).lacks()
    (tmp_path / "programs" / "bwrap").unlink()
    assert "no bubblewrap" in LakeProject(project).lacks()
