"""`monkeys help`: topics for people, as they stand for a pipe and set for a terminal."""

import os
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from cli import COMMANDS, group
from cli.help import TOPICS

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *TOPICS.values()]


def helped(*words: str) -> Result:
    return CliRunner().invoke(group, ["help", *words], prog_name="monkeys")


def test_a_topic_is_listed_by_its_heading_and_printed_as_it_stands_to_a_pipe() -> None:
    listed = helped().output
    assert len(TOPICS) >= 10
    for name, path in TOPICS.items():
        text = path.read_text("utf-8")
        heading = text.partition("\n")[0]
        assert re.fullmatch(r"# .{10,80}", heading)
        assert re.search(rf"^{name} +{re.escape(heading[2:])}$", listed, re.MULTILINE)
        assert helped(name).output == text


def test_no_topic_has_the_name_of_a_command() -> None:
    assert not set(TOPICS) & set(COMMANDS)


@pytest.mark.parametrize("words", [["enqueue"], ["import"], ["worker", "verify"], ["price", "set"]])
def test_a_command_is_helped_as_it_helps_itself(words: list[str]) -> None:
    assert helped(*words).output == CliRunner().invoke(group, [*words, "--help"], prog_name="monkeys").output


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["cokbook"], "There is no topic or command 'cokbook'. Did you mean cookbook?"),
        (["enque"], "Did you mean enqueue?"),
        (["worker", "verfy"], "Did you mean verify?"),
        (["zzz\x1b[2J"], r"'zzz\x1b[2J'. `monkeys help` lists the topics"),
        (["enqueue", "gsm8k"], "There is no topic or command 'gsm8k'."),
        (["cost", "more"], "A topic is one word: `monkeys help cost`."),
    ],
)
def test_what_is_neither_topic_nor_command_is_told_in_a_sentence(words: list[str], told: str) -> None:
    said = helped(*words)
    assert said.exit_code == 2
    assert told in said.output


def test_a_topic_is_set_for_a_terminal() -> None:
    terminal, its_end = os.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "100"}
    shown = b""
    with subprocess.Popen([sys.executable, "-m", "cli", "help", "words"], env=environment, stdout=its_end):
        os.close(its_end)
        try:
            while more := os.read(terminal, 4096):
                shown += more
        except OSError:
            pass  # the other end is closed
    os.close(terminal)
    lines = re.sub(r"\x1b\[[0-9;]*m", "", shown.decode()).splitlines()
    assert "candidate" in "".join(lines)
    assert not any("|" in line or line.startswith("#") for line in lines)
    assert max(map(len, lines)) <= 100


def test_links_between_readme_and_topics_lead_somewhere_and_to_every_topic() -> None:
    linked = {
        (page.parent / link).resolve()
        for page in PAGES
        for link in re.findall(r"\]\(([^)]+)\)", page.read_text("utf-8"))
        if not link.startswith("http")
    }
    assert [str(path) for path in linked if not path.exists()] == []
    assert set(TOPICS.values()) <= linked


OTHER_WORDS = r"\b(datasets?|evals?|checkpoints?|experiments?|jobs?|chunks?|shards?|rollouts?|CoT|scorers?|graders?)\b"
"""What has another word here: see `monkeys help words`."""


def test_help_and_topics_keep_to_the_words_of_the_glossary() -> None:
    told = {page.name: page.read_text("utf-8") for page in PAGES}
    told |= {name: helped(name).output for name in COMMANDS}
    groups = {name: group.get_command(click.Context(group), name) for name in COMMANDS}
    told |= {
        f"{name} {below}": helped(name, below).output
        for name, each in groups.items()
        if isinstance(each, click.Group)
        for below in each.commands
    }
    for name, text in told.items():
        others = re.findall(OTHER_WORDS, re.sub(r"job queue|lm-eval|lm_eval|\.eval\b", "", text))
        assert others == [], name
