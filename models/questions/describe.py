"""What the tables, views and functions hold, as their comments say."""

import difflib
from typing import NamedTuple

from models.database import rows
from verifiers.errors import UserError


class DescribedRelation(NamedTuple):
    """A table, view or function, and what it is."""

    name: str
    kind: str
    comment: str | None


class DescribedColumn(NamedTuple):
    """A column of a table or view."""

    column: str
    type: str
    comment: str | None


def all_described() -> list[DescribedRelation]:
    """Every view, then every function that has a comment, then every table."""
    return rows(
        DescribedRelation,
        """
        select relname::text as name, case relkind when 'v' then 'view' else 'table' end as kind,
            obj_description(oid, 'pg_class') as comment
        from pg_class where relnamespace = current_schema()::regnamespace and relkind in ('r', 'v')
        union all
        select proname || '(' || pg_get_function_identity_arguments(oid) || ')', 'function', description
        from pg_proc join pg_description on objoid = pg_proc.oid and classoid = 'pg_proc'::regclass
        where pronamespace = current_schema()::regnamespace
        order by kind desc, name
        """,
    )


def columns_described(name: str) -> list[DescribedColumn]:
    """The columns of a table or view; UserError, with the nearest name, where there is none."""
    found = rows(
        DescribedColumn,
        """
        select attname::text as column, format_type(atttypid, atttypmod) as type,
            col_description(attrelid, attnum) as comment
        from pg_attribute where attnum > 0 and not attisdropped and attrelid = (
            select oid from pg_class
            where relname = %s and relnamespace = current_schema()::regnamespace and relkind in ('r', 'v'))
        order by attnum
        """,
        (name,),
    )
    if not found:
        near = difflib.get_close_matches(name, [each.name for each in all_described() if each.kind != "function"], 1)
        hint = f"did you mean {near[0]}?" if near else "`monkeys sql --describe` lists them."
        raise UserError(f"There is no view or table {name!r}; {hint}")
    return found
