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
    line.removeprefix("./")
    for page in (ROOT / "README.md", *sorted((ROOT / "cli" / "help").glob("*.md")))
    for block in re.findall(r"```sh\n(.*?)```", page.read_text("utf-8"), re.DOTALL)
    for line in block.splitlines()
]
"""Every line of the shell blocks of the README and of the topics of `monkeys help`."""


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


def test_a_mistake_is_told_without_waiting_for_what_only_servers_and_tables_need() -> None:
    code = """
import sys
from click.testing import CliRunner
from cli import group
from cli.errors import sentence
from models.database import rows
for words in (["check", "nothing", "-"], ["runs", "--since", "never"]):
    done = CliRunner().invoke(group, words)
    assert done.exit_code == 2 or sentence(done.exception).exit_code == 2, done.output
import models.questions.listed, models.questions.waiting
heavy = {"sqlmodel", "redis", "kombu", "celery.app"} & set(sys.modules)
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

    shared = {"__init__", "__main__", "called", "completion", "errors", "options", "output", "stack", "terminal"}
    rooms = {path.stem for path in (ROOT / "cli").iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    assert rooms - shared == {f"{name}_" if name == "import" else name for name in COMMANDS}


@pytest.mark.parametrize("line", sorted({line for line in SHELL if line.startswith("monkeys ")}))
def test_every_command_of_the_readme_and_the_topics_is_understood(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    understood(line)


@pytest.mark.parametrize("command", __import__("cli").COMMANDS)
def test_every_example_of_a_command_is_understood(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from click.testing import CliRunner

    from cli import group

    monkeypatch.chdir(tmp_path)
    for words in commands_below(command):
        examples = CliRunner().invoke(group, [*words, "--help"]).output.partition("Example:")[2].partition("\n\n")[0]
        assert f"monkeys {' '.join(words)}" in examples
        for line in examples.replace("\\\n", " ").splitlines():
            if line.strip():
                understood(line.strip())


def commands_below(name: str) -> list[list[str]]:
    """A command, or those of a group, as words."""
    import click

    from cli import group

    command = group.get_command(click.Context(group), name)
    below = command.commands if isinstance(command, click.Group) else None
    return [[name, each] for each in below] if below else [[name]]


def understood(line: str) -> None:
    """Have click read a line of a shell to its last value; files that it names are made, empty."""
    import click

    from cli import group

    words = shlex.split(re.split(r" [|>] ", line)[0], comments=True)
    while "=" in words[0]:  # a variable of the environment
        del words[0]
    assert words[0] == "monkeys", line
    for word in words:
        if re.fullmatch(r"[\w-]+\.[a-z]\w+", word):
            Path(word).touch()
    context: click.Context = click.Context(group)
    command: click.Command | None = group
    arguments = words[1:]
    while isinstance(command, click.Group):
        command = command.get_command(context, arguments[0])
        assert command is not None, line
        context = click.Context(command, parent=context, info_name=arguments.pop(0))
    assert command is not None
    command.parse_args(context, arguments)


def test_every_make_target_of_the_readme_is_there() -> None:
    targets = {line.split()[1] for line in SHELL if line.startswith("make ")}
    assert {"demo", "test", "lint"} <= targets
    for target in targets:
        subprocess.run(["make", "-n", target], cwd=ROOT, check=True, capture_output=True)
