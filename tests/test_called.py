"""The program finds what is its own, and what it says can be copied as it stands."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from cli.demo import worth_trying
from cli.logs import Log
from cli.stack.set_up import CALLER
from models.settings import checkout, read_settings, with_unpacked
from tests.place import Place

ROOT = Path(__file__).parents[1]
PACKAGES = ("cli", "migrations", "models", "tasks", "verifiers")
BARE = {name: value for name, value in os.environ.items() if not name.startswith(("MONKEYS_", "PYTHON"))}


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A folder as set-up leaves a clone: our code, this Python, and ./monkeys."""
    folder = tmp_path / "a clone ü"
    (folder / ".venv" / "bin").mkdir(parents=True)
    for name in (*PACKAGES, "pyproject.toml"):
        (folder / name).symlink_to(ROOT / name)
    python = folder / ".venv" / "bin" / "python"
    python.write_text(f'#!/bin/sh\nPYTHONPATH={shlex.quote(str(folder))} exec {sys.executable} "$@"\n')
    python.chmod(0o755)
    (folder / "monkeys").write_text(CALLER)
    (folder / "monkeys").chmod(0o755)
    return folder


def said(command: list[str | Path], cwd: Path, **environment: str) -> str:
    done = subprocess.run(command, cwd=cwd, env=BARE | environment, capture_output=True, text=True)
    assert "Traceback" not in done.stderr
    return done.stderr or done.stdout


def test_hints_name_the_program_as_it_was_called(clone: Path, tmp_path: Path) -> None:
    home = f"Nothing is running in {clone / '.monkeys'}; "
    assert said(["./monkeys", "status"], clone).startswith(home + "`./monkeys up` starts")
    full = shlex.quote(str(clone / "monkeys"))
    assert said([clone / "monkeys", "status"], tmp_path).startswith(home + f"`{full} up` starts")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "monkeys").symlink_to(clone / "monkeys")
    path = f"{tmp_path / 'bin'}:{os.environ['PATH']}"
    assert said(["monkeys", "status"], tmp_path, PATH=path).startswith(home + "`monkeys up` starts")


def test_the_lines_for_a_start_up_file_of_a_shell_work_from_any_folder(clone: Path, tmp_path: Path) -> None:
    helped = said(["./monkeys", "--help"], clone)
    full = shlex.quote(str(clone / "monkeys"))
    assert f'bash  eval "$(_MONKEYS_COMPLETE=bash_source {full})"' in helped
    assert f"fish  _MONKEYS_COMPLETE=fish_source {full} | source" in helped
    script = said([clone / "monkeys"], tmp_path, _MONKEYS_COMPLETE="bash_source")
    assert "complete -o nosort -F _monkeys_completion monkeys" in script


def test_help_and_mistakes_name_it_so_too_and_no_other_word(clone: Path) -> None:
    helped = said(["./monkeys", "show", "--help"], clone)
    assert helped.startswith("Usage: ./monkeys show")
    assert "\n    ./monkeys show 1" in helped
    assert "\nmonkeys" not in (topic := said(["./monkeys", "help", "reading"], clone))
    assert "\n./monkeys view 1" in topic
    assert "`./monkeys help TOPIC`" in said(["./monkeys", "help"], clone)
    assert "`./monkeys --help` lists them" in said(["./monkeys", "nonsense"], clone)


def test_the_home_is_what_is_named_else_of_the_checkout(tmp_path: Path) -> None:
    assert checkout() == ROOT
    assert read_settings({}).home == ROOT / ".monkeys"
    assert read_settings({"MONKEYS_HOME": str(tmp_path)}).home == tmp_path


def test_an_installed_copy_has_its_home_elsewhere(tmp_path: Path) -> None:
    for name in ("models", "verifiers"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "another"\n')  # some packages leave theirs there
    code = "from models.settings import settings; print(settings().home)"
    home = said([sys.executable, "-c", code], tmp_path, PYTHONPATH=str(tmp_path), HOME="/home/somebody")
    assert home == "/home/somebody/.local/state/monkeys\n"


@pytest.mark.skipif(shutil.which("bwrap") is None, reason="NO BUBBLEWRAP: none was unpacked")
def test_a_bubblewrap_that_set_up_unpacked_is_found(clone: Path) -> None:
    (clone / "bin").mkdir()
    for name in ("sh", "dirname", "readlink", "git"):
        if found := shutil.which(name):
            (clone / "bin" / name).symlink_to(found)
    path = f"{clone / 'bin'}"
    code = "import sys; sys.argv[0] = 'monkeys'; from models.settings import see_unpacked; see_unpacked(); "
    code += "import shutil; print(shutil.which('bwrap'))"
    python = clone / ".venv" / "bin" / "python"
    assert said([python, "-c", code], clone, PATH=path) == "None\n"
    unpacked = clone / ".monkeys" / "deb" / "usr" / "bin" / "bwrap"
    unpacked.parent.mkdir(parents=True)
    shutil.copy(str(shutil.which("bwrap")), unpacked)
    assert said([python, "-c", code], clone, PATH=path) == f"{unpacked}\n"


def test_what_was_unpacked_stands_behind_the_systems_own_once(tmp_path: Path) -> None:
    libraries = tmp_path / "usr" / "lib" / f"{os.uname().machine}-linux-gnu"
    assert with_unpacked({"PATH": "/bin"}, tmp_path) == {}
    libraries.mkdir(parents=True)
    assert with_unpacked({}, tmp_path) == {"LD_LIBRARY_PATH": str(libraries)}  # an empty part would be this folder
    twice = with_unpacked({"LD_LIBRARY_PATH": "/lib"}, tmp_path)
    assert twice == {"LD_LIBRARY_PATH": f"/lib:{libraries}"}
    assert with_unpacked(twice, tmp_path) == {}


@pytest.fixture
def demo_run(place: Place, tmp_path: Path) -> Place:
    """The run of the demo's problems that the README makes, imported."""
    rows = [
        {"problem": f"sums-{number:03}", "sample_index": index, "text": f"#### {index}", "correct": index == 1}
        for number in range(0, 100, 3)
        for index in range(2)
    ]
    (tmp_path / "samples.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    asked = ("--benchmark", "pocket-sums", "--llm", "pocket-monkey", "--quiet")
    assert place.ok("import", str(tmp_path / "samples.jsonl"), *asked) == "1\n"
    place.ok("analyze", "1")
    return place


def run_line(place: Place, line: str) -> None:
    name, *arguments = shlex.split(line, comments=True)
    assert name.rpartition("/")[2] == "monkeys"
    if arguments[0] == "view":  # which serves until it is ended; tests/test_view.py asks its pages
        assert "http://127.0.0.1:" in place.first_line(*arguments)
    elif arguments != ["sql"]:  # psql, which asks
        place.ok(*arguments)


def test_every_hint_of_the_demo_and_of_the_readme_runs_as_it_stands(demo_run: Place) -> None:
    hints = [line for line in worth_trying(1) if not line.startswith("  #")]
    readme = (ROOT / "README.md").read_text("utf-8").partition("## What you will see")[2].partition("\n## ")[0]
    printed = re.findall(r"^\S*monkeys .*$", readme, re.MULTILINE)
    assert len(hints) >= 4
    assert len(printed) >= 4
    for line in [*hints, *printed]:
        run_line(demo_run, line)


def test_logs_leave_out_what_libraries_say_of_themselves(tmp_path: Path) -> None:
    matters = [
        "2026-11-27 10:54:43,514 INFO tasks.workers.sweep: run 1 ended\n",
        "(VllmWorker-0 pid=1) ERROR 11-27 10:54:32 [core.py:1] out of memory; set LEVEL to INFO\n",
        "Traceback (most recent call last):\n",
        '  File "x.py", line 1\n',
        "ValueError: no\n",
        "15966:M 27 Nov 2026 10:54:03.759 # Out of memory\n",
        "2026-11-27 10:54:03.771 UTC [15965] FATAL:  the disk is full\n",
    ]
    noise = [
        "Loading shards: 100%|####| 1/1\r\n",
        "x.py:1: FutureWarning: old\n",
        "  if hasattr():\n",
        "/a clone/x.py:893: SecurityWarning: privileges\n",
        "absolutely not recommended!\n",
        "\n",
        "[W 261127 10:54:12 inspector:98] Inspect method conf failed\n",
        "(Main pid=1) WARNING 11-27 10:54:13 [cpu.py:224] Triton is not installed.\n",
        "15966:M 27 Nov 2026 10:54:03.759 * Ready\n",
        "2026-11-27 10:54:03.771 UTC [15965] LOG:  checkpoint starting: time\n",
    ]
    file = tmp_path / "some.log"
    file.write_text("".join(noise + matters + noise))
    assert Log(file, everything=False).more() == matters
    assert len(Log(file, everything=True).more()) == len(noise) * 2 + len(matters)
