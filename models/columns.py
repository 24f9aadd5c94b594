"""How columns of the tables are made: each with its comment, and the default that plain SQL gets too."""

from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, Column, Computed, DateTime, Enum, func, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import Field


def ident() -> Any:
    """The primary key of a table that numbers its rows."""
    return Field(default=None, primary_key=True, sa_type=BigInteger)


def ref(target: str, **options: Any) -> Any:
    """The id of a row of another table, `table.id`."""
    return Field(foreign_key=target, sa_type=BigInteger, **options)


def of_run(**options: Any) -> Any:
    """A row that goes with its run."""
    return ref("run.id", ondelete="CASCADE", **options)


def said(comment: str, **options: Any) -> Any:
    """A column with a database comment; a default holds for plain SQL too."""
    default = options.get("default")
    server: dict[str, Any] = {} if default is None else {"server_default": text(f"'{default}'")}
    return Field(sa_column_kwargs={"comment": comment, **server}, **options)


def moment(comment: str, *, now: bool = False) -> Any:
    """A time; `now` is when the row was made."""
    default: dict[str, Any] = {"server_default": func.now()} if now else {}
    return Field(default=None, sa_type=DateTime(timezone=True), sa_column_kwargs={"comment": comment, **default})


def jsonb(comment: str, default: str = "{}") -> Any:
    """A JSON object that is never null."""
    return Field(
        default_factory=dict,
        sa_type=JSONB,
        sa_column_kwargs={
            "comment": comment,
            "nullable": False,
            "server_default": text(f"'{default}'::jsonb"),
        },
    )


def several(kind: type[Any], comment: str) -> Any:
    """A column of several values; none by default."""
    return Field(
        default_factory=list,
        sa_type=ARRAY(kind),
        sa_column_kwargs={"comment": comment, "nullable": False, "server_default": text("'{}'")},
    )


def one_of(kind: type[StrEnum], name: str, comment: str, **options: Any) -> Any:
    """One of the words of an enum, whose type is called `name` in the database."""
    options.setdefault("nullable", False)
    return Field(sa_column=Column(Enum(kind, name=name), comment=comment, **options))


def setting(name: str, kind: type[Any], comment: str, default: str | None = None) -> Any:
    """A column of run that is read out of its sampling settings; `default` is SQL."""
    value = f"(sampling -> '{name}')" if kind is JSONB else f"((sampling ->> '{name}'))::{kind().compile()}"
    read = value if default is None else f"coalesce({value}, {default})"
    return Field(
        sa_column=Column(name, kind, Computed(read, persisted=True), nullable=default is None, comment=comment)
    )
