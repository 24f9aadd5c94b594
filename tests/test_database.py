"""Tables, views and SQL functions, on the bundled PostgreSQL and on an outside one."""

import re
from datetime import datetime, timedelta
from fractions import Fraction
from math import comb
from types import NoneType, UnionType
from typing import Any, get_args, get_type_hints

import numpy as np
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlmodel import SQLModel

from models import database, schema, tables, views
from models.statistics.intervals import gaffke_low
from tests.place import Place
from verifiers.errors import UserError
from verifiers.outcome import Outcome


def test_migrations_make_the_tables_of_the_models(any_postgres: Place) -> None:
    assert tables.Sample.__tablename__ == "sample"
    with database.engine().connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_server_default": False})
        assert compare_metadata(context, SQLModel.metadata) == []


def test_migrating_twice_changes_nothing(place: Place) -> None:
    before = place.query("select viewname, definition from pg_views where schemaname = 'public' order by 1")
    assert schema.migrate() == schema.schema_version()
    assert place.query("select viewname, definition from pg_views where schemaname = 'public' order by 1") == before


def test_every_table_view_and_function_has_a_comment(place: Place) -> None:
    bare = place.query(
        """
        select relname from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'v')
            and obj_description(oid, 'pg_class') is null and relname <> 'alembic_version'
        union all select proname from pg_proc where pronamespace = 'public'::regnamespace
            and obj_description(oid, 'pg_proc') is null
        """
    )
    assert bare == []


VIEW_ROWS = [row for name, row in vars(views).items() if name.endswith("Row")]


@pytest.mark.parametrize("row", VIEW_ROWS, ids=lambda row: row.__name__)
def test_the_row_of_a_view_has_its_columns_and_their_types(place: Place, row: Any) -> None:
    name = re.sub(r"(?<!^)([A-Z])", r"_\1", row.__name__.removesuffix("Row")).lower()
    columns = place.query(
        """
        select column_name as name, data_type as kind from information_schema.columns
        where table_name = %s order by ordinal_position
        """,
        (name,),
    )
    hints = get_type_hints(row)
    assert list(hints) == [column["name"] for column in columns]
    kinds = {int: "bigint integer", float: "double precision", str: "text character varying", bool: "boolean",
             datetime: "timestamp with time zone", timedelta: "interval", Outcome: "USER-DEFINED"}  # fmt: skip
    for column in columns:
        hint = hints[column["name"]]
        kind = next(each for each in get_args(hint) if each is not NoneType) if isinstance(hint, UnionType) else hint
        assert column["kind"] in kinds.get(kind, "jsonb"), column


@pytest.mark.parametrize(
    ("n", "c", "k"), [(5, 2, 3), (10_000, 27, 1_000), (10_000, 1, 1), (8, 8, 1), (9, 0, 9), (6, 1, 6)]
)
def test_pass_at_k_in_sql_is_the_exact_fraction(any_postgres: Place, n: int, c: int, k: int) -> None:
    exact = 1 - Fraction(comb(n - c, k), comb(n, k))
    assert any_postgres.one("select pass_at_k(%s, %s, %s)", (n, c, k)) == pytest.approx(float(exact), rel=1e-12)


def test_pass_at_k_keeps_the_digits_of_tiny_rates(place: Place) -> None:
    assert place.one("select pass_at_k(1000000000000, 1, 1)") == pytest.approx(1e-12, rel=1e-12)


def test_pass_at_k_above_n_is_missing_never_one(place: Place) -> None:
    assert place.one("select pass_at_k(10, 10, 11)") is None


def test_the_bound_of_a_mean_in_sql_is_that_of_numpy(any_postgres: Place) -> None:
    none, alike = ([0.0], [0.0] * 9), ([1.0], [0.25], [1.0] * 40, [1e-9] * 3, [1e-200] * 3)
    for shares in (*none, *alike, [1.0] * 39 + [0.0], [0.1, 0.5, 0.5, 1.0], [1e-30, 1.0], [1e-300, 1e-250]):
        wanted = gaffke_low(np.array(shares)[:, None])[0]
        assert any_postgres.one("select gaffke_low(%s)", (shares,)) == pytest.approx(wanted, rel=1e-9, abs=0)
    assert any_postgres.one("select gaffke_low('{}')") is None
    assert any_postgres.one("select gaffke_low('{0.5, null}')") is None


def test_a_newer_schema_is_refused_in_one_sentence(place: Place) -> None:
    with database.transaction() as connection:
        connection.execute("update alembic_version set version_num = '9999'")
    for act in (schema.check_schema, schema.migrate):
        with pytest.raises(UserError, match="newer than this monkeys"):
            act()


def test_an_empty_database_is_told_to_migrate(place: Place) -> None:
    with database.transaction() as connection:
        connection.execute("drop table alembic_version")
    with pytest.raises(UserError, match="monkeys migrate"):
        schema.check_schema()
