"""Every error that is not a programming error, as a sentence for a person who types commands."""

import errno
from typing import TYPE_CHECKING

from models.settings import settings
from verifiers.errors import InfrastructureError, JudgeAway, Unavailable, UserError

if TYPE_CHECKING:
    import psycopg


def sentence(error: BaseException) -> UserError | None:
    """What to tell a person, with the exit code; None of a programming error, which keeps its traceback."""
    if isinstance(error, UserError):
        return error
    if isinstance(error, InfrastructureError | JudgeAway):
        return Unavailable(f"Nothing can be judged here: {_first_line(error)}.")
    import psycopg  # a person's mistake, above, is told without what takes half a second to import
    from sqlalchemy.exc import ArgumentError, DBAPIError

    cause = (error.orig or error) if isinstance(error, DBAPIError) else error
    told = _of_database(cause) if isinstance(cause, psycopg.Error) else _of_file(cause) or _of_broker(cause)
    if told is None and isinstance(
        cause, ValueError | LookupError | ImportError | ArgumentError | psycopg.ProgrammingError
    ):
        return _of_address()
    return told


def _of_database(error: "psycopg.Error") -> UserError | None:
    import psycopg

    from models.database import is_passing, outage

    if isinstance(error, psycopg.errors.ReadOnlySqlTransaction):
        return Unavailable("The database is read-only, for this role or just now; nothing was changed.")
    if isinstance(error, psycopg.errors.DependentObjectsStillExist):
        depends = "; ".join((error.diag.message_detail or _first_line(error)).splitlines())[:400]
        return UserError(
            f"Something of your own rests on what is ours ({depends}); drop it, and make it again; nothing was changed."
        )
    if (away := outage(error)) is not None:
        return away
    if is_passing(error):
        return Unavailable(f"The database is busy ({_first_line(error)}); nothing was changed, try again.")
    if isinstance(error, psycopg.DataError):
        return UserError(f"The database cannot hold a value that was given ({_first_line(error)}); give another one.")
    if error.sqlstate is not None and error.sqlstate.startswith("54"):
        return UserError(f"A value that was given is too long for the database ({_first_line(error)}); shorten it.")
    if isinstance(error, psycopg.errors.InsufficientPrivilege):
        return UserError(f"The database refuses it to this role ({_first_line(error)}); see MONKEYS_DATABASE_URL.")
    return None


def _of_file(error: BaseException) -> UserError | None:
    if isinstance(error, UnicodeDecodeError):
        return UserError(f"A file that was given is not UTF-8 text ({error.reason} at byte {error.start}).")
    if not isinstance(error, OSError) or isinstance(error, BrokenPipeError):
        return None
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return Unavailable(f"The disk is full{f' under {error.filename}' if error.filename else ''}; free some space.")
    if error.filename is None:
        return None
    return UserError(f"{str(error.filename)[:200]} cannot be used ({error.strerror}).")


def _of_broker(error: BaseException) -> UserError | None:
    from amqp.exceptions import AMQPError
    from kombu.exceptions import OperationalError
    from redis.exceptions import RedisError

    if not isinstance(error, OperationalError | AMQPError | RedisError | ConnectionError) or isinstance(
        error, BrokenPipeError
    ):
        return None
    if "PRECONDITION_FAILED" in str(error):
        said = _first_line(error)
        return UserError(
            f"The broker holds a queue or exchange of another kind ({said}); delete it there, nothing is lost."
        )
    advice = "`monkeys up` starts the local one" if settings().own_broker else "check MONKEYS_BROKER_URL"
    return Unavailable(f"The broker does not answer ({_first_line(error)}); {advice}.")


def _of_address() -> UserError | None:
    """Of an address in the environment that is none: libraries raise whatever they stumble over."""
    import psycopg
    from kombu.transport import get_transport_cls
    from kombu.utils.url import parse_url
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        own = settings()
    except UserError as error:
        return error
    try:
        url = make_url(own.database_url).set(drivername="postgresql")
        psycopg.conninfo.make_conninfo(url.render_as_string(hide_password=False))
    except (ValueError, ArgumentError, psycopg.Error) as error:
        return UserError(f"MONKEYS_DATABASE_URL is no address of a database ({_first_line(error)}).")
    try:
        parts = parse_url(own.broker_url)
        get_transport_cls((parts["transport"] or "").partition("+")[0])
        if parts["transport"] in ("redis", "rediss"):
            int(parts["virtual_host"] or 0)
    except ImportError as error:
        return UserError(f"MONKEYS_BROKER_URL is of a kind of broker whose package is not here ({_first_line(error)}).")
    except (ValueError, LookupError) as error:
        return UserError(f"MONKEYS_BROKER_URL is no address of a broker ({_first_line(error)}).")
    return None


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)[:200].rstrip(".")
