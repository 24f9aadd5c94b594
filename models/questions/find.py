"""Runs and problems as people name them."""

import difflib
from collections.abc import Sequence
from typing import NamedTuple, NoReturn

from models.database import column, rows
from models.schema import check_schema
from models.tables import Run
from verifiers.errors import UserError


class _Named(NamedTuple):
    id: int
    name: str


class _Place(NamedTuple):
    run: Run
    problem: str | None
    nth: str | None


def find_run(named: str | None = None) -> Run:
    """A run by its name, else by its id, or the last one; UserError, with the nearest name, where there is none."""
    if named is None:
        return _last_run()
    return _run(named) or _no_run(named)


def is_run(named: str) -> bool:
    """Whether a run has this whole name or this id."""
    return _run(named) is not None


def find_place(words: Sequence[str]) -> _Place:
    """What `[RUN] [PROBLEM] [INDEX]` mean: the first word is a run wherever one is called so, else the last run's
    problem. UserError where it is neither.
    """
    if not words:
        return _Place(_last_run(), None, None)
    run, rest = _run(words[0]), words[1:]
    if run is None and len(words) < 3:
        run, rest = _last_run(), words
        if all(problem.name != words[0] for problem in problems_of(run.id)):
            _no_run(words[0], f", nor has run {run.id}, the last one, a problem of that key")
    problem, nth, *_ = (*rest, None, None)
    return _Place(run or _no_run(words[0]), problem, nth)


def _no_run(named: str, nor: str = "") -> NoReturn:
    near = difflib.get_close_matches(named, column("select name from run where name is not null"), 1)
    raise UserError(
        f"There is no run {named[:60]!r}{nor}; "
        + (f"did you mean {near[0]}?" if near else "`monkeys runs` lists them.")
    )


def find_run_at(named: str) -> tuple[Run, int | None]:
    """A run and, of RUN@K, the k; a run whose whole name is that goes first. UserError where there is none."""
    name, at, k = named.rpartition("@")
    found = _run(named)
    if found is not None or not at or not (k.isascii() and k.isdecimal()):
        return found or _no_run(named), None
    if not 0 < int(k[:19]) < 2**31:
        raise UserError(f"{named} asks for k {k}, but a k is a number of samples, from 1.")
    return find_run(name), int(k)


def _last_run() -> Run:
    check_schema()
    runs = rows(Run, "select * from run order by id desc limit 1")
    if not runs:
        raise UserError("There is no run yet; `monkeys enqueue` makes one.")
    return runs[0]


def run_names(beginning: str) -> list[str]:
    """Names of runs that begin so, and ids of those that do and have no name, newest first; 50 at most."""
    return column(
        """
        select coalesce(name, id::text) from run where starts_with(coalesce(name, id::text), %s)
        order by id desc limit 50
        """,
        (beginning,),
    )


def llm_names(beginning: str) -> list[str]:
    """Names of llms that begin so, those of the newest runs first; 50 at most."""
    return column(
        """
        select llm.name from llm left join run on run.llm_id = llm.id where starts_with(llm.name, %s)
        group by llm.name order by max(run.id) desc nulls last limit 50
        """,
        (beginning,),
    )


def loaded_llms() -> list[str]:
    """Names of llms that were loaded by a worker, for whoever mistypes one."""
    return column("select distinct name from llm where loaded_at is not null order by name limit 1000")


def _run(named: str) -> Run | None:
    check_schema()
    number = int(named) if named.isascii() and named.isdecimal() and len(named) < 19 else None
    runs = rows(
        Run,
        """
        select * from run where name = %(name)s or id = %(id)s::bigint order by name is distinct from %(name)s limit 1
        """,
        {"name": named, "id": number},
    )
    return runs[0] if runs else None


def find_verifier_of(run: Run, name: str | None) -> int:
    """The id of a verifier that judges a run, by its name, else of the one that counts; UserError where none is it."""
    if name is None:
        return run.verifier_id
    verifiers = rows(
        _Named,
        """
        select id, name from verifier where id = %(counting)s or id in (
            select verifier_id from work where run_id = %(run)s and kind = 'verify') order by id desc
        """,
        {"run": run.id, "counting": run.verifier_id},
    )
    for verifier in verifiers:
        if verifier.name == name:
            return verifier.id
    names = ", ".join(sorted({verifier.name for verifier in verifiers})) or "none yet"
    raise UserError(f"Run {run.id} is not judged by a verifier {name!r}; its verifiers: {names}.")


def find_problem(run_id: int, key: str) -> int:
    """The id of a run's problem by its key; UserError, with the nearest key, where there is none."""
    problems = {problem.name: problem.id for problem in problems_of(run_id)}
    if key in problems:
        return problems[key]
    near = difflib.get_close_matches(key, problems, 1)
    hint = f"did you mean {near[0]}?" if near else f"its first is {next(iter(problems))}."
    raise UserError(f"Run {run_id} has no problem {key[:60]!r}; {hint}")


def problems_of(run_id: int) -> list[_Named]:
    """A run's problems in order: id, and key as name."""
    return rows(
        _Named,
        """
        select problem.id, problem.key as name from prompt join problem on problem.id = prompt.problem_id
        where prompt.run_id = %s order by position
        """,
        (run_id,),
    )
