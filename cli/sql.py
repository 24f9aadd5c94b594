"""`monkeys sql`: questions to the tables."""

import os
import re
import shutil
import sys
from collections.abc import Iterator, Sequence
from itertools import chain, count

import click

from cli.options import table_options
from cli.output import number_of, print_rows, room

COMMENT = re.compile(r"--(?![\w-]*(=|$))", re.ASCII)


class TakesComments(click.Command):
    """A word that begins with -- and cannot be an option is a QUERY that begins with a comment."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        options = args[: args.index("--")] if "--" in args else args
        at = next((at for at, word in enumerate(options) if COMMENT.match(word)), None)
        return super().parse_args(ctx, args if at is None else [*args[:at], *args[at + 1 :], "--", args[at]])


@click.command(cls=TakesComments)
@click.argument("query", required=False)
@click.option("--write", is_flag=True, help="Let it change the tables. Without, the database refuses that.")
@click.option(
    "--describe",
    metavar="[VIEW]",
    is_flag=False,
    flag_value="",
    help="Print what the columns of a view or table are; alone, what there is to ask.",
)
@click.option(
    "--grant-analyst", "role", metavar="NAME", help="Make NAME a role that may read everything and change nothing."
)
@table_options
def sql(query: str | None, write: bool, describe: str | None, role: str | None, form: str | None) -> None:
    """Open psql on the database, or run one QUERY and print its rows. QUERY may be - for standard input.

    It only reads, unless --write is given. In psql that is a guard against slips, which `begin read write` ends: whom
    you do not trust gets a role of --grant-analyst, which has no right to change anything.

    --csv has values as they are: a spreadsheet that opens it may take a text that begins with =, +, - or @ for a
    formula.

    \b
    Example:
      monkeys sql
      monkeys sql "select k, coverage, low, high from coverage where run_id = 1"
      monkeys sql --csv "select * from problem_tally where run_id = 1" > tally.csv
      monkeys sql --describe coverage
      monkeys sql --grant-analyst ada
    """
    from models.schema import check_schema
    from verifiers.errors import UserError

    if sum(each is not None for each in (query, describe, role)) > 1:
        raise UserError("Give one of QUERY, --describe and --grant-analyst.")
    check_schema()
    if role is not None:
        _grant(role)
    elif describe is not None:
        _describe(describe, form)
    elif query is None and sys.stdin.isatty():
        _psql(write=write)
    else:
        _run(sys.stdin.read() if query in (None, "-") else str(query), form, write=write)


def _run(query: str, form: str | None, *, write: bool) -> None:
    from models.questions.asked import answer_to
    from verifiers.errors import UserError

    if not query.strip():
        raise UserError('There is no query; for example: monkeys sql "select * from run_progress".')
    with answer_to(query, write=write) as answer:
        if answer.columns is None:
            click.echo(answer.status, err=True)
            return
        names = _told_apart(answer.columns)
        seen = count()
        print_rows(_counted(answer.rows, names, seen), form, names)
        if form is None:
            rows = next(seen)
            click.echo(f"({number_of(rows, 'row')})")


def _counted(
    rows: Iterator[tuple[object, ...]], names: Sequence[str], seen: "count[int]"
) -> Iterator[dict[str, object]]:
    for row in rows:
        next(seen)
        yield dict(zip(names, row, strict=True))


def _told_apart(names: Sequence[str]) -> list[str]:
    """Columns of one name numbered, since a row has one value a name."""
    told: list[str] = []
    for name in names:
        numbered = (f"{name}_{number}" for number in count(2) if f"{name}_{number}" not in names)
        told.append(next(each for each in chain([name], numbered) if each not in told))
    return told


def _describe(name: str, form: str | None) -> None:
    from models.questions.describe import all_described, columns_described

    described = columns_described(name) if name else all_described()
    if form:
        print_rows(described, form)
        return
    formatter = click.HelpFormatter(width=room() or 120)
    formatter.write_dl([(f"{said[0]}  {said[1]}", said[2] or "") for said in described])
    click.echo(formatter.getvalue(), nl=False)


def _grant(name: str) -> None:
    from models.roles import let_read

    let_read(name)
    click.echo(f"{name} may read everything here; `alter role` gives it a password where it needs one.", err=True)


def _psql(*, write: bool) -> None:
    from sqlalchemy import make_url

    from models.settings import settings
    from verifiers.errors import Unavailable

    program = _bundled_psql() or shutil.which("psql")
    if program is None:
        raise Unavailable('There is no psql here; give a query: monkeys sql "select * from run_progress".')
    url = make_url(settings().database_url).set(drivername="postgresql")
    if url.password:
        os.environ["PGPASSWORD"] = str(url.password)  # not on the command line, where everyone reads it
    if not write:
        given = os.environ.get("PGOPTIONS", "")
        os.environ["PGOPTIONS"] = f"{given} -c default_transaction_read_only=on".strip()
        click.echo(
            "It only reads, which `begin read write` ends: a guard against slips. `monkeys sql --write` may change the "
            "tables. \\d+ explains tables and views.",
            err=True,
        )
    shown = url._replace(password=None).render_as_string(hide_password=False)
    os.execv(program, [program, shown])


def _bundled_psql() -> str | None:
    """Of the newest server there is, so that \\d works with every one."""
    from cli.stack.servers import POSTGRES_BIN

    program = POSTGRES_BIN / "psql"
    return str(program) if program.exists() else None
