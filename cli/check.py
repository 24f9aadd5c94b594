"""`monkeys check`: judge texts with no queue and no database."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import click

from cli.completion import complete_benchmarks, complete_verifiers
from cli.options import thinking_option
from verifiers.errors import UserError
from verifiers.files import FORMS, STDIN, check_file, read_rows
from verifiers.outcome import Outcome
from verifiers.thinking import UNENDED, answer_from
from verifiers.verifier import Check, Judgement, Problem, Verifier


@click.command()
@click.argument("benchmark", shell_complete=complete_benchmarks)
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True))
@click.option("--problem", help="FILE is one plain text, an answer to this problem.")
@click.option("--data", type=click.Path(path_type=Path), help=f"Problems from a file: {FORMS}.")
@click.option("--verifier", shell_complete=complete_verifiers, help="Default: the one that counts by default.")
@thinking_option("none")
@click.option("--network", is_flag=True, help="Let patches' tests reach the network, as the official harness does.")
@click.option("--unsafe-no-sandbox", is_flag=True, help="Run programs with nothing around them.")
def check(
    benchmark: str,
    file: Path,
    problem: str | None,
    data: Path | None,
    verifier: str | None,
    thinking: str | None,
    network: bool,
    unsafe_no_sandbox: bool,
) -> None:
    """Judge texts: FILE (- is standard input) has rows of {"problem": KEY, "text": ...}, as JSONL or what else --data
    reads; one line of JSON out for each, in order.

    BENCHMARK is as of `monkeys enqueue`; your own runs its code here.

    With --thinking (default: none) a line may also have the `thinking` that a server gave apart from the text, and the
    `finish_reason`.

    \b
    Example:
      monkeys check pocket-sums answers.jsonl
      monkeys check pocket-sums answers.jsonl --thinking tags
      monkeys check ./my_bench.py answers.jsonl
      monkeys check gsm8k answer.txt --problem 17 --data test.jsonl --verifier paper
    """
    from tasks.stored import prepare_verifiers
    from verifiers.benchmarks import find_benchmark, find_verifier

    found = find_benchmark(benchmark)
    judge = find_verifier(found, verifier)
    prepare_verifiers(unsafe=unsafe_no_sandbox, network=network)
    problems = {each.key: each for each in found.load(data)}
    for place, (key, sample) in enumerate(_samples(file, problem), 1):
        if key not in problems:
            where = f"Line {place} of {file} names" if problem is None else "--problem names"
            raise UserError(f"{where} a problem {key!r} that {benchmark} does not have.")
        candidate, judgement = _judged(judge, problems[key], thinking or "none", sample)
        row = {
            "problem": key,
            "candidate": None if candidate is None else candidate.text,
            "outcome": judgement.outcome.value,
            "detail": judgement.detail,
        }
        click.echo(json.dumps(row))


class _Sample(NamedTuple):
    text: str
    thinking: str | None = None
    finish_reason: str | None = None


def _judged(verifier: Verifier, problem: Problem, rule: str, sample: _Sample) -> Check:
    """The verification of a sample's answer."""
    start = answer_from(rule, sample.text, sample.thinking, finish_reason=sample.finish_reason)
    if start is None:
        return Check(None, Judgement(Outcome.no_answer, UNENDED))
    return verifier.check(problem, sample.text[start:])


def _samples(file: Path, problem: str | None) -> Iterator[tuple[str, _Sample]]:
    """(problem key, sample) of a plain text or of each line of JSONL."""
    if problem is not None:
        yield problem, _Sample(_read(file))
        return
    for line, row in enumerate(read_rows(file), 1):
        key, text = row.get("problem"), row.get("text")
        if not isinstance(key, str | int) or isinstance(key, bool) or not isinstance(text, str):
            raise UserError(f"Line {line} of {file} lacks a `problem` or a `text`.")
        thinking, finish_reason = row.get("thinking"), row.get("finish_reason")
        if not isinstance(thinking, str | None) or not isinstance(finish_reason, str | None):
            raise UserError(f"Line {line} of {file} has a `thinking` or a `finish_reason` that is no text.")
        yield str(key), _Sample(text, thinking, finish_reason)


def _read(file: Path) -> str:
    if file != STDIN:
        check_file(file)
    try:
        return sys.stdin.read() if file == STDIN else file.read_text("utf-8", "surrogateescape")
    except OSError as error:
        raise UserError(f"{file} cannot be read ({error.strerror}).") from error
