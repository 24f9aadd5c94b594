"""What an exported Parquet file says of its run, so that an import of it asks nothing.

It stands in the file's metadata as JSON: under `monkeys` one object with the run, and under `monkeys.prompts` the
prompts by problem, as they were sent.
"""

import json
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, NamedTuple

from models.database import Connection, fetch
from models.storable import is_storable
from tasks.identity import build
from verifiers.benchmarks.benchmark import Sampling
from verifiers.errors import UserError
from verifiers.files import PARQUET
from verifiers.ranges import check_ranges
from verifiers.thinking import RULES

RUN, PROMPTS = "monkeys", "monkeys.prompts"

MOST_PROMPTS = 32 * 2**20
"""Bytes of prompts as JSON; more are left out, since readers of Parquet refuse metadata of 100 MB."""


class Described(NamedTuple):
    """A run as a file tells it: what an import needs of it."""

    benchmark: str
    llm: str
    engine_args: Mapping[str, Any]
    sampling: Mapping[str, Any]
    thinking: str
    prompts: Mapping[str, str]


class _Run(NamedTuple):
    run: int
    name: str | None
    benchmark: str
    llm: str
    engine: str
    engine_args: dict[str, Any]
    sampling: dict[str, Any]
    thinking: str
    verifier: str
    verifier_version: str


class _Prompt(NamedTuple):
    key: str
    text: str


def described(connection: Connection, run_id: int) -> dict[str, str]:
    """A run as entries of a file's metadata; without prompts where it has none or they are too many."""
    (run,) = fetch(
        connection,
        _Run,
        """
        select run.id as run, run.name, benchmark.name as benchmark, llm.name as llm, llm.engine, llm.engine_args,
            run.sampling, run.thinking, verifier.name as verifier, verifier.version as verifier_version
        from run join benchmark on benchmark.id = run.benchmark_id join llm on llm.id = run.llm_id
        join verifier on verifier.id = run.verifier_id where run.id = %s
        """,
        (run_id,),
    )
    entries = {RUN: json.dumps({"monkeys": build(), **run._asdict()})}
    prompts = fetch(
        connection,
        _Prompt,
        "select problem.key, prompt.text from prompt join problem on problem.id = problem_id where run_id = %s",
        (run_id,),
    )
    by_problem = json.dumps({prompt.key: prompt.text for prompt in prompts if prompt.text}, ensure_ascii=False)
    if by_problem != "{}" and len(by_problem.encode()) <= MOST_PROMPTS:
        entries[PROMPTS] = by_problem
    return entries


def read_described(file: Path) -> Described | None:
    """What a file says of its run, None where it says nothing; UserError where that is not what an export wrote."""
    entries = _metadata(file)
    if RUN.encode() not in entries:
        return None
    try:
        run = json.loads(entries[RUN.encode()].decode())
        prompts = json.loads(entries.get(PROMPTS.encode(), b"{}").decode())
        told = {name: run[name] for name in Described._fields if name != "prompts"}
        said = Described(**told, prompts=prompts)
        _check(said)
    except (ValueError, KeyError, TypeError, RecursionError, UserError) as error:
        raise UserError(
            f"{file} says of its run what this version of monkeys does not know ({error}); `--from rows` with "
            "--benchmark and --llm reads its rows alone."
        ) from error
    return said


def _metadata(file: Path) -> Mapping[bytes, bytes]:
    with file.open("rb") as opened:
        if opened.read(len(PARQUET)) != PARQUET:
            return {}
    import pyarrow
    import pyarrow.parquet

    try:
        return pyarrow.parquet.read_metadata(file).metadata or {}
    except (pyarrow.ArrowException, OSError):
        return {}  # whoever reads the rows says it


def _check(said: Described) -> None:
    if not isinstance(said.prompts, dict):
        raise ValueError("its prompts are no JSON object")
    texts = [said.benchmark, said.llm, said.thinking, *said.prompts.keys(), *said.prompts.values()]
    if not all(isinstance(text, str) for text in texts) or said.thinking not in RULES or not said.llm.strip():
        raise ValueError("a name or a prompt is no text")
    if not isinstance(said.engine_args, dict) or not is_storable(dict(said.engine_args)):
        raise ValueError("its engine arguments are no JSON object")
    if said.sampling:
        _check_sampling(Sampling.read(said.sampling))


def _check_sampling(sampling: Sampling) -> None:
    for each in fields(sampling):
        value, form = getattr(sampling, each.name), each.metadata.get("form")
        if value is None:
            continue
        if each.name == "stop":
            fits = all(isinstance(text, str) for text in value)
        elif form in ("pairs", "json"):
            fits = isinstance(value, dict) and is_storable(value)
        elif each.metadata.get("range") is not None:
            fits = isinstance(value, int | float) and not isinstance(value, bool)
        else:
            fits = isinstance(value, str if form == "file" else bool)
        if not fits:
            raise ValueError(f"{each.name} cannot be {value!r:.60}")
    check_ranges(sampling)
