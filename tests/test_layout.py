"""The four packages are ours, whatever else is installed, and they import what they may."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


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
import cli.report, cli.plots, tasks.runs, tasks.generate, tasks.verify, verifiers.benchmarks
heavy = {"torch", "vllm", "transformers"} & set(sys.modules)
assert not heavy, heavy
"""
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("command", __import__("cli").COMMANDS)
def test_help_has_an_example(command: str) -> None:
    from click.testing import CliRunner

    from cli import group

    shown = CliRunner().invoke(group, [command, "--help"], prog_name="monkeys")
    assert shown.exit_code == 0
    assert f"monkeys {command}" in shown.output.partition("Example:")[2]
