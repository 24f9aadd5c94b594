"""What SQL cannot compute of a run, computed and written where views read it."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from psycopg.types.json import Jsonb

from models.analysis.confusion import counted_pairs, write_pairs
from models.analysis.curves import BandPoint, FittedLaw, ForecastPoint, bands, fit_families, fitted_laws, forecasts
from models.analysis.pool import read_pool
from models.analysis.reliability import ReliabilityPoint, reliability
from models.analysis.samples import Classes
from models.analysis.selectors import DiversityPoint, SelectorPoint, describe
from models.analysis.votes import StoppingPoint
from models.database import Connection, snapshot, transaction
from models.statistics.coverage import nice_ks
from models.statistics.intervals import known


class Analysed(NamedTuple):
    """That a run was analysed, and from how many decided samples."""

    samples: int


TABLES: dict[type[tuple[Any, ...]], str] = {
    Analysed: "analysis",
    FittedLaw: "analysis_fit",
    ForecastPoint: "analysis_forecast",
    BandPoint: "analysis_band",
    SelectorPoint: "analysis_precision",
    ReliabilityPoint: "analysis_reliability",
    StoppingPoint: "analysis_stopping",
    DiversityPoint: "analysis_diversity",
}
"""Where each kind of row is written; its fields are the table's columns beside run_id and verifier_id."""


def analyze(run_id: int, verifier_id: int, classes: Classes | None = None) -> None:
    """Compute a run's tables by one verifier anew; `classes` says which candidates are equal answers."""
    with snapshot():  # a run may go on meanwhile
        pool = read_pool(run_id, verifier_id)
        laws = fit_families(pool)
        ks = nice_ks(0 if pool.stops else pool.least)
        found = [
            Analysed(int(pool.n.sum())),
            *fitted_laws(laws),
            *forecasts(pool, laws),
            *bands(pool, laws),
            *reliability(pool, ks),
            *describe(run_id, verifier_id, pool.problem_ids, ks, classes),
        ]
        pairs = counted_pairs(run_id)
    with transaction() as connection:
        mine = "select from run where id = %s for no key update"  # one writer at a time
        if connection.execute(mine, (run_id,)).fetchone() is None:
            return  # it was deleted meanwhile
        for kind, table in TABLES.items():
            _write(connection, table, run_id, verifier_id, [row for row in found if isinstance(row, kind)])
        write_pairs(connection, run_id, pairs)


def _write(connection: Connection, table: str, run_id: int, verifier_id: int, rows: Sequence[NamedTuple]) -> None:
    """Put rows of one kind in the place of the last analysis; names come from this file, never from outside."""
    mine = (run_id, verifier_id)
    connection.execute(f"delete from {table} where run_id = %s and verifier_id = %s".encode(), mine)
    if not rows:
        return
    statement = f"copy {table} (run_id, verifier_id, {', '.join(rows[0]._fields)}) from stdin"
    with connection.cursor() as cursor, cursor.copy(statement.encode()) as copy:
        for row in rows:
            copy.write_row((*mine, *map(_cell, row)))


def _cell(value: Any) -> Any:
    if isinstance(value, Mapping):
        return Jsonb(dict(value))
    return known(value) if isinstance(value, float) else value
