"""What SQL cannot compute of a run: laws and forecasts, bands, selection, diversity; written where views read them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from psycopg.types.json import Jsonb

from models.analysis.selectors import Classes, Described, describe
from models.database import Connection, query, transaction
from models.statistics.beta_binomial import Beta, posterior_band
from models.statistics.coverage import Counts, first_success, nice_ks, pass_at_k
from models.statistics.fits import Family, Fit, fit, tallies
from models.statistics.forecasts import forecast
from models.statistics.intervals import Floats, bootstrap

FORECAST_FACTOR = 100
"""Forecasts go up to this many times the samples that every problem has."""

STOPPED = "the run stopped at right samples: only likelihoods can be fitted"

LIKELIHOODS = (Family.beta_binomial, Family.zero_inflated_beta_binomial)


@dataclass(frozen=True)
class Pool:
    """What coverage is computed from, an entry per problem."""

    problem_ids: list[int]
    n: Counts
    """Decided samples."""
    c: Counts
    """Right ones."""
    first: Counts
    """From 1; 0 where none is right."""
    settled: Counts
    """How many of the lowest indices are decided without a gap."""
    stops: bool
    """Whether the run stops a problem at its first right sample."""
    planned: int

    @property
    def least(self) -> int:
        """The largest k that every problem has samples for; planned ones where the run stops early."""
        if not self.problem_ids:
            return 0
        return self.planned if self.stops else int(self.n.min())

    def values(self, k: Counts) -> Floats:
        """Every problem's pass@k, problems x ks."""
        return first_success(self.first, self.settled, k) if self.stops else pass_at_k(self.n, self.c, k)


@dataclass
class Found:
    """The rows of the computed tables, by table."""

    fits: list[dict[str, Any]] = field(default_factory=list)
    forecasts: list[dict[str, Any]] = field(default_factory=list)
    bands: list[dict[str, Any]] = field(default_factory=list)


def read_pool(run_id: int, verifier_id: int) -> Pool:
    """A run's counts by a verifier, problems in the order of the run."""
    rows = query(
        """
        select counts.*, run.n as planned, run.stop_rule ? 'when_solved' as stops
        from counts_of(%(run)s, %(verifier)s) as counts join run on run.id = %(run)s
        join prompt on prompt.run_id = run.id and prompt.problem_id = counts.problem_id order by position
        """,
        {"run": run_id, "verifier": verifier_id},
    )

    def column(name: str) -> Counts:
        return np.array([row[name] for row in rows], dtype=np.int64)

    return Pool(
        problem_ids=[row["problem_id"] for row in rows],
        n=column("n"),
        c=column("c"),
        first=np.array([0 if row["first_correct"] is None else row["first_correct"] + 1 for row in rows], np.int64),
        settled=column("judged_prefix"),
        stops=bool(rows and rows[0]["stops"]),
        planned=rows[0]["planned"] if rows else 0,
    )


def analyze(run_id: int, verifier_id: int, classes: Classes | None = None) -> None:
    """Compute a run's tables by one verifier anew; `classes` says which candidates are equal answers."""
    pool = read_pool(run_id, verifier_id)
    found = fits_and_bands(pool)
    described = describe(run_id, verifier_id, pool.problem_ids, nice_ks(0 if pool.stops else pool.least), classes)
    with transaction() as connection:
        connection.execute("select from run where id = %s for no key update", (run_id,))  # one writer at a time
        _write(connection, run_id, verifier_id, int(pool.n.sum()), found, described)


def fits_and_bands(pool: Pool) -> Found:
    """Every family's fit and, where it means something, its forecast; bands of coverage."""
    found = Found()
    fits = fit_families(pool)
    found.fits = [
        {
            "family": each.family.value,
            "parameters": Jsonb(dict(each.parameters)),
            "error": None if np.isnan(each.error) else each.error,
            "flag": each.flag or None,
        }
        for each in fits
    ]
    beyond = nice_ks(FORECAST_FACTOR * pool.least)
    beyond = beyond[beyond > pool.least]
    for each in fits:
        if each.flag:
            continue
        made = forecast(each.family, pool.n, pool.c, beyond)
        for k, value, low, high in zip(made.k, made.coverage, made.low, made.high, strict=True):
            found.forecasts.append(
                {"family": each.family.value, "k": int(k), "coverage": value, "low": _known(low), "high": _known(high)}
            )
    found.bands = _bands(pool, fits[-1], beyond)
    return found


def fit_families(pool: Pool) -> list[Fit]:
    """A fit per family; the laws of curves are refused where samples were stopped by their outcomes."""
    data = tallies(pool.n, pool.c)
    fits = []
    for family in Family:
        if pool.stops and family not in LIKELIHOODS:
            refused = fit(family, tallies([], []))
            fits.append(Fit(family, refused.parameters, refused.error, refused.error_sd, STOPPED))
        else:
            fits.append(fit(family, data))
    return fits


def _bands(pool: Pool, prior: Fit, beyond: Counts) -> list[dict[str, Any]]:
    """The bootstrap band where coverage is known, and the posterior band there and beyond."""
    ks = nice_ks(pool.least)
    rows: list[dict[str, Any]] = []
    values = pool.values(ks) if len(ks) else np.empty((0, 0))
    known = ~np.isnan(values).any(axis=0)
    if known.any() and len(values) > 1:
        low, high = bootstrap(values[:, known])
        middle = values[:, known].mean(axis=0)
        rows += _band("bootstrap", ks[known], middle, low, high)
    if prior.parameters:
        ks = np.concatenate([ks, beyond])
        band = posterior_band(pool.n, pool.c, ks, Beta(**prior.parameters))
        rows += _band("posterior", ks, band.mean, band.low, band.high)
    return rows


def _band(method: str, ks: Counts, middle: Floats, low: Floats, high: Floats) -> list[dict[str, Any]]:
    return [
        {"method": method, "k": int(k), "coverage": value, "low": lower, "high": upper}
        for k, value, lower, upper in zip(ks, middle, low, high, strict=True)
    ]


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _write(
    connection: Connection, run_id: int, verifier_id: int, samples: int, found: Found, described: Described
) -> None:
    tables = {
        "analysis_fit": found.fits,
        "analysis_forecast": found.forecasts,
        "analysis_band": found.bands,
        "analysis_precision": described.precision,
        "analysis_diversity": described.diversity,
        "analysis": [{"samples": samples}],
    }
    for table, rows in tables.items():
        connection.execute(
            f"delete from {table} where run_id = %s and verifier_id = %s".encode(),
            (run_id, verifier_id),
        )
        _insert(connection, table, run_id, verifier_id, rows)


def _insert(connection: Connection, table: str, run_id: int, verifier_id: int, rows: Sequence[dict[str, Any]]) -> None:
    """Insert rows of one shape; names come from this file, never from outside."""
    if not rows:
        return
    columns = list(rows[0])
    statement = f"copy {table} (run_id, verifier_id, {', '.join(columns)}) from stdin"
    with connection.cursor() as cursor, cursor.copy(statement.encode()) as copy:
        for row in rows:
            copy.write_row((run_id, verifier_id, *(row[column] for column in columns)))
