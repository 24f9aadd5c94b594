"""Set-up says one true cause where it fails, ends at once where it is told to, and mends what it left."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILES = ("cli/stack/set_up.py", "cli/stack/unpack.py", "verifiers/programs/install.py", "pyproject.toml", "Makefile")


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A folder with what set-up reads, whose name has a space."""
    folder = tmp_path / "a clone ü"
    for name in FILES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    return folder


def fake_environment(clone: Path, pip: str) -> None:
    """An environment whose Python runs, and whose pip is a shell's lines."""
    (clone / ".venv" / "bin").mkdir(parents=True)
    (clone / ".venv" / "packages").mkdir()
    (clone / ".venv" / "bin" / "pip").write_text(f"#!{clone}/.venv/bin/python\n")
    python = clone / ".venv" / "bin" / "python"
    python.write_text(f'#!/bin/sh\n[ "$1" = -I ] && {{ echo True; exit; }}\n{pip}\n')
    python.chmod(0o755)


def set_up(clone: Path) -> "subprocess.Popen[str]":
    torch = ["torch==0+cpu", "https://index.example/cpu"]
    command = [sys.executable, "-I", str(clone / "cli" / "stack" / "set_up.py"), *torch]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)


def said(clone: Path) -> tuple[int, str]:
    process = set_up(clone)
    told = process.communicate(timeout=60)[1]
    return process.returncode, told


def test_a_mirror_without_torch_is_one_sentence_that_names_both(clone: Path) -> None:
    refuses = 'echo "ERROR: No matching distribution found for torch"; exit 1'
    fake_environment(clone, f'case "$*" in *torch*) {refuses};; esac')
    code, told = said(clone)
    assert code == 1
    last = told.splitlines()[-1]
    assert last.startswith("Set-up ends: torch==")
    assert "pip as it is set up here: No matching" in last
    assert "https://index.example/cpu: No matching" in last


def test_nobody_who_answers_is_not_called_a_missing_version(clone: Path) -> None:
    broken = "WARNING: Retrying (Retry(total=0)) after connection broken by 'Name or service not known': /simple/"
    fake_environment(clone, f'echo "{broken}"; echo "ERROR: No matching distribution found"; exit 1')
    assert "Name or service not known" in said(clone)[1].splitlines()[-1]


def test_what_was_done_is_not_done_again_and_a_moved_folder_is_made_anew(clone: Path) -> None:
    fake_environment(clone, "exit 0")
    assert said(clone)[0] == 0
    assert (clone / "monkeys").stat().st_mode & 0o777 == 0o755
    assert said(clone) == (0, "")
    moved = clone.rename(clone.with_name("moved"))
    process = set_up(moved)
    assert process.stderr is not None
    assert process.stderr.readline() == ".venv is made anew: it was made in another folder.\n"
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=60) is not None
    assert process.returncode == 130


def test_ctrl_c_ends_it_at_once_with_all_that_it_started(clone: Path) -> None:
    fake_environment(clone, f"echo $$ > '{clone}/pid'; exec sleep 600")
    process = set_up(clone)
    deadline = time.monotonic() + 30
    while not (clone / "pid").exists() or not (clone / "pid").read_text():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    told = process.communicate(timeout=10)[1]
    assert process.returncode == 130
    assert told.splitlines()[-1] == "Set-up ends where it is; run it again to go on."
    gone = time.monotonic() + 10  # whoever adopts it may take a moment to see it dead
    while Path(f"/proc/{int((clone / 'pid').read_text())}").exists():
        assert time.monotonic() < gone
        time.sleep(0.05)


def test_what_pip_was_killed_at_is_installed_again(clone: Path) -> None:
    fake_environment(clone, "exit 0")
    site = clone / ".venv" / "lib" / "python3.11" / "site-packages"
    for name in ("half-1.dist-info", "whole-1.dist-info", "~orch"):
        (site / name).mkdir(parents=True)
    (site / "whole-1.dist-info" / "INSTALLER").write_text("pip\n")
    assert said(clone)[0] == 0
    assert [each.name for each in site.iterdir()] == ["whole-1.dist-info"]


def test_packages_are_found_in_every_locale_below_a_folder_with_an_umlaut(clone: Path) -> None:
    site = clone / ".venv" / "lib" / "python3.11" / "site-packages"
    file = site / "_editable_impl_monkeys.pth"
    fake_environment(clone, f"mkdir -p '{site}'; case \"$*\" in *-e*) echo '{clone}' > '{file}';; esac")
    assert said(clone)[0] == 0
    assert file.read_bytes().isascii()
    assert (site / file.read_text().strip()).resolve() == clone.resolve()


def test_no_python_that_is_new_enough_is_one_sentence(clone: Path) -> None:
    done = subprocess.run(["make", "set-up", "PYTHON=/nonexistent/python"], cwd=clone, capture_output=True, text=True)
    assert done.stderr.startswith("There is no Python 3.11 or newer at /nonexistent/python: install one, or name it")


@pytest.mark.skipif(os.getuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_one_sentence(clone: Path) -> None:
    clone.chmod(0o500)
    assert "cannot be written (Permission denied); clone it" in said(clone)[1]
