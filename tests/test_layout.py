"""The four packages are ours, whatever else is installed, and they import what they may."""

import itertools
import re
import shlex
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SHELL = [
    line.removeprefix(".venv/bin/")
    for block in re.findall(r"```sh\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL)
    for line in block.splitlines()
]
"""Every line of the README's shell blocks."""


@pytest.mark.parametrize("package", ["cli", "models", "tasks", "verifiers", "migrations"])
def test_package_is_ours_from_any_folder(package: str, tmp_path: Path) -> None:
    found = subprocess.run(
        [sys.executable, "-c", f"import {package}; print({package}.__file__)"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert Path(found.stdout.strip()).is_relative_to(ROOT)


def test_help_verifiers_and_reports_import_neither_torch_nor_vllm() -> None:
    code = """
import sys
from click.testing import CliRunner
from cli import COMMANDS, group
for name in COMMANDS:
    result = CliRunner().invoke(group, [name, "--help"])
    assert result.exit_code == 0, (name, result.output)
import cli.report, cli.report.plots, tasks.runs.make, tasks.workers.generate, tasks.workers.verify, verifiers.benchmarks
heavy = {"torch", "vllm", "transformers"} & set(sys.modules)
assert not heavy, heavy
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_no_public_class_name_is_used_twice() -> None:
    files = [file for room in ("cli", "tasks", "models", "verifiers") for file in (ROOT / room).rglob("*.py")]
    names = [name for file in files for name in re.findall(r"^class ([A-Z]\w*)", file.read_text("utf-8"), re.MULTILINE)]
    assert [name for name, times in Counter(names).items() if times > 1] == []


@pytest.mark.parametrize("command", __import__("cli").COMMANDS)
def test_help_has_an_example(command: str) -> None:
    from click.testing import CliRunner

    from cli import group

    shown = CliRunner().invoke(group, [command, "--help"], prog_name="monkeys")
    assert shown.exit_code == 0
    assert f"monkeys {command}" in shown.output.partition("Example:")[2]


def test_help_shows_every_command_once_and_below_its_section() -> None:
    from click.testing import CliRunner

    from cli import COMMANDS, SECTIONS, group

    assert len(set(COMMANDS)) == len(COMMANDS)
    lines = CliRunner().invoke(group, ["--help"]).output.splitlines()
    for section, names in SECTIONS.items():
        at = lines.index(f"{section}:")
        block = itertools.takewhile(bool, lines[at + 1 :])
        assert [line.split()[0] for line in block if line[2] != " "] == names


def test_every_file_of_the_command_line_is_a_command_or_serves_several() -> None:
    from cli import COMMANDS

    shared = {"__init__", "__main__", "completion", "errors", "options", "output", "stack", "terminal"}
    rooms = {path.stem for path in (ROOT / "cli").iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    assert rooms - shared == {f"{name}_" if name == "import" else name for name in COMMANDS}


@pytest.mark.parametrize("line", [line for line in SHELL if line.startswith("monkeys ")])
def test_every_command_of_the_readme_is_understood(line: str) -> None:
    import click

    from cli import group

    name, *arguments = shlex.split(line, comments=True)[1:]
    context = click.Context(group)
    command = group.get_command(context, name)
    assert command is not None
    command.make_parser(click.Context(command, parent=context, info_name=name)).parse_args(list(arguments))


def test_every_make_target_of_the_readme_is_there() -> None:
    targets = {line.split()[1] for line in SHELL if line.startswith("make ")}
    assert {"demo", "test", "lint"} <= targets
    for target in targets:
        subprocess.run(["make", "-n", target], cwd=ROOT, check=True, capture_output=True)
