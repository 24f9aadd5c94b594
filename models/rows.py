"""Rows that people's requests make: benchmark, llm, verifier, run, problems and prompts, each made once."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from psycopg.types.json import Jsonb
from sqlmodel import SQLModel

from models import tables
from models.cost import Sizes
from models.database import Connection, fetch_column
from models.storable import storable, storable_json
from models.tables import Run
from verifiers.benchmarks.benchmark import Code
from verifiers.errors import UserError
from verifiers.verifier import Problem, Verifier

LABELS = "imported"
"""The verifier of samples that came with their outcomes."""


def benchmark_id(connection: Connection, name: str, code: Code | None = None) -> int:
    """The row of a benchmark, made where it is new; UserError where a person's own from elsewhere has that name.

    The same code from elsewhere has moved: its row says so from now on.
    """
    benchmark = _upsert(connection, tables.BenchmarkRow(name=name), ["name"])
    if code is not None:
        connection.execute(
            """
            update benchmark set origin = %(origin)s where id = %(id)s and (origin is null or exists (
                select from verifier
                where benchmark_id = %(id)s and code - 'origin' - 'folder' = %(code)s::jsonb - 'origin' - 'folder'
            ))
            """,
            {"origin": code.origin, "id": benchmark, "code": Jsonb(asdict(code))},
        )
        (origin,) = fetch_column(connection, "select origin from benchmark where id = %s", (benchmark,))
        if origin != code.origin:
            raise UserError(
                f"The name {name} is that of {origin} already, and of {code.origin} now; rename one of "
                "them, or, where it has moved, say so of a run of it by `monkeys reverify RUN --benchmark`."
            )
    return benchmark


def llm_id(connection: Connection, name: str, engine: str, engine_args: Mapping[str, Any], queue: str) -> int:
    """The row of an llm, made where it is new."""
    llm = tables.Llm(name=name, engine=engine, engine_args=dict(engine_args), queue=queue)
    return _upsert(connection, llm, ["name", "engine_args"])


def store_sizes(connection: Connection, llm: int, sizes: Sizes, *, over: bool) -> None:
    """Note an llm's sizes; only `over` what stands there where it was loaded, which knows best."""
    connection.execute(
        """
        update llm set parameters = %s, active_parameters = %s, layers = %s, token_dim = %s
        where id = %s and (%s or active_parameters is null)
        """,
        (sizes.parameters, sizes.active_parameters, sizes.layers, sizes.token_dim, llm, over),
    )


def verifier_id(connection: Connection, benchmark_id: int, verifier: Verifier, code: Code | None = None) -> int:
    """The row of a verifier's version, made where it is new, with the code of a person's own and where that is now."""
    row = tables.VerifierRow(
        benchmark_id=benchmark_id, name=verifier.name, version=verifier.version, queue=verifier.queue
    )
    if code is None:
        return _upsert(connection, row, ["benchmark_id", "name", "version"])
    row.code = asdict(code)
    verifier_row = _upsert(connection, row, ["benchmark_id", "name", "version"])
    moved = "update verifier set code = %(code)s where id = %(id)s and code <> %(code)s"
    connection.execute(moved, {"code": Jsonb(row.code), "id": verifier_row})
    return verifier_row


def insert_run(connection: Connection, run: Run) -> int | None:
    """The new run's id; None where its name is taken."""
    return _insert(connection, run, "(name)")


def _upsert(connection: Connection, row: SQLModel, key: Sequence[str]) -> int:
    """Insert a row unless its key exists; return its id either way."""
    new = _insert(connection, row, "")
    if new is not None:
        return new
    same = " and ".join(f"{column} = %({column})s" for column in key)
    old = connection.execute(f"select id from {row.__tablename__} where {same}", _values(row)).fetchone()
    assert old is not None
    return int(old["id"])


def _insert(connection: Connection, row: SQLModel, unless: str) -> int | None:
    """Insert what is set of a row, the rest by the table's defaults; None where there is one with its key."""
    values = _values(row)
    columns, places = ", ".join(values), ", ".join(f"%({column})s" for column in values)
    new = connection.execute(
        f"insert into {row.__tablename__} ({columns}) values ({places}) on conflict {unless} do nothing returning id",
        values,
    ).fetchone()
    return None if new is None else int(new["id"])


def _values(row: SQLModel) -> dict[str, Any]:
    given = {name: getattr(row, name) for name in row.model_fields_set}
    return {name: Jsonb(value) if isinstance(value, dict) else value for name, value in given.items()}


def same_run(connection: Connection, name: str | None, settings_hash: str) -> int:
    row = connection.execute("select id, settings_hash from run where name = %s", (name,)).fetchone()
    assert row is not None
    if row["settings_hash"] != settings_hash:
        raise UserError(f"There is a run named {name!r} with other settings (run {row['id']}); choose another name.")
    return int(row["id"])


def insert_problems(connection: Connection, benchmark_id: int, problems: Sequence[Problem]) -> list[int]:
    """The ids of problems, in order; those that are new are inserted."""
    rows = {
        "benchmark": benchmark_id,
        "keys": [problem.key for problem in problems],
        "hashes": [problem.content_hash for problem in problems],
        "data": [Jsonb(storable_json(problem.data)) for problem in problems],
    }
    connection.execute(
        """
        insert into problem (benchmark_id, key, content_hash, data)
        select %(benchmark)s, new.*
        from unnest(%(keys)s::text[], %(hashes)s::text[], %(data)s::jsonb[]) as new (key, hash, data)
        order by key, hash  -- so that two who make the same ones cannot deadlock
        on conflict do nothing
        """,
        rows,
    )
    found = connection.execute(
        """
        select id from unnest(%(keys)s::text[], %(hashes)s::text[]) with ordinality as wanted (key, hash, place)
        join problem on problem.benchmark_id = %(benchmark)s and problem.key = wanted.key
            and problem.content_hash = wanted.hash
        order by place
        """,
        rows,
    ).fetchall()
    return [row["id"] for row in found]


def insert_prompts(connection: Connection, run_id: int, problem_ids: Sequence[int], texts: Sequence[str]) -> None:
    with (
        connection.cursor() as cursor,
        cursor.copy("copy prompt (run_id, problem_id, position, text) from stdin") as copy,
    ):
        for position, (problem_id, text) in enumerate(zip(problem_ids, texts, strict=True)):
            copy.write_row((run_id, problem_id, position, storable(text)))
