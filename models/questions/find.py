"""Runs and problems as people name them."""

import difflib
from collections.abc import Mapping
from typing import Any

from models.database import query
from models.schema import check_schema
from verifiers.errors import UserError


def find_run(named: str) -> dict[str, Any]:
    """The row of a run, by its id or its name; UserError, with the nearest name, where there is none."""
    check_schema()
    if named.isdigit() and len(named) < 18:
        rows = query("select * from run where id = %s", (int(named),))
    else:
        rows = query("select * from run where name = %s", (named,))
    if rows:
        return rows[0]
    names = [row["name"] for row in query("select name from run where name is not null")]
    near = difflib.get_close_matches(named, names, 1)
    raise UserError(
        f"There is no run {named!r}; " + (f"did you mean {near[0]}?" if near else "`monkeys runs` lists them.")
    )


def find_verifier_of(run: Mapping[str, Any], name: str | None) -> int:
    """The id of a verifier that judges a run, by its name, else of the one that counts; UserError where none is it."""
    if name is None:
        return int(run["verifier_id"])
    rows = query(
        """
        select id, name from verifier where id in (
            select verifier_id from work where run_id = %s and kind = 'verify') order by id desc
        """,
        (run["id"],),
    )
    for row in rows:
        if row["name"] == name:
            return int(row["id"])
    names = ", ".join(sorted({row["name"] for row in rows})) or "none yet"
    raise UserError(f"Run {run['id']} is not judged by a verifier {name!r}; its verifiers: {names}.")


def find_problem(run_id: int, key: str) -> int:
    """The id of a run's problem by its key; UserError, with the nearest key, where there is none."""
    rows = query(
        """
        select problem.id, problem.key from prompt join problem on problem.id = prompt.problem_id
        where prompt.run_id = %s order by position
        """,
        (run_id,),
    )
    for row in rows:
        if row["key"] == key:
            return int(row["id"])
    near = difflib.get_close_matches(key, [row["key"] for row in rows], 1)
    hint = f"did you mean {near[0]}?" if near else f"its first is {rows[0]['key']}."
    raise UserError(f"Run {run_id} has no problem {key!r}; {hint}")
