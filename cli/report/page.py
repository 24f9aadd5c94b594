"""One page that stands alone: tables and plots of some runs, readable in light and dark; no script, nothing fetched."""

import base64
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any, NamedTuple

from jinja2 import Environment
from markupsafe import Markup

from cli.output import COSTS, Rows, dollars_rest_on, harmless, printed
from cli.report.bands import MANY
from cli.report.drawing import Plot, svg
from cli.report.naming import LONGEST, cut, labels
from cli.report.origin import origin_of
from cli.report.plots import plot_csv
from models.questions.report import Findings
from tasks.identity import build

EXACT = 1e7
"""From here on a card has a number in few characters."""

COST_TABLE = (
    "samples", "prompt_tokens", "billed_prompt_tokens", "cached_prompt_tokens", "completion_tokens", "thinking_tokens",
    "flops", "gpu_seconds", "usd", "usd_from", "usd_per_solved_problem", "usd_per_solved_problem_low",
    "usd_per_solved_problem_high", "verify_cpu_seconds", "judged", "reused",
)  # fmt: skip


class Table(NamedTuple):
    """Rows under a title that a reader may unfold."""

    title: str
    rows: Rows
    columns: tuple[str, ...]


def page(runs: Sequence[Findings], plots: Sequence[Plot]) -> str:
    """The page of some runs. Whatever an llm or a person wrote is escaped."""
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True, finalize=_harmless)
    environment.filters |= {"cell": _cell, "card": _card, "short": _short, "svg": _svg, "csv_link": _csv_link}
    template = environment.from_string((files("cli.report") / "page.html.j2").read_text("utf-8"))
    written = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC by monkeys {build()}"
    rendered = template.render(
        runs=runs, plots=plots, cards=cards, many=_summary(runs), tables=tables, names=labels(runs),
        origin=origin_of(runs), written=written,
    )  # fmt: skip
    return rendered + "\n"


class Summary(NamedTuple):
    """What many runs came to: a row each, by run id."""

    columns: list[str]
    rows: dict[int, dict[str, Any]]


def _summary(runs: Sequence[Findings]) -> Summary | None:
    """The cards of many runs as one table; None of few."""
    if len(runs) <= MANY:
        return None
    rows: dict[int, dict[str, Any]] = {run.run_id: dict(cards(run)) for run in runs}
    columns = list(dict.fromkeys(name for row in rows.values() for name in row))
    return Summary(columns, {run: {name: row.get(name) for name in columns} for run, row in rows.items()})


def cards(run: Findings) -> Iterator[tuple[str, Any]]:
    """What a run came to in a few numbers, each with its label."""
    yield "problems", run.progress.problems
    yield "samples verified", run.progress.verified
    yield "state", run.progress.state
    if run.left_out:
        yield "left out, as the endpoint refuses it", ", ".join(run.left_out)
    known = [(row.k, row.coverage) for row in run.coverage if row.coverage is not None]
    for k, value in dict.fromkeys([*known[:1], *known[-1:]]):
        yield f"coverage at k = {k:,}", f"{value:.2%}"
    if run.cost is not None:
        labels = {**COSTS, "usd": f"dollars {dollars_rest_on(run.cost)}"}
        yield from ((label, value) for name, label in labels.items() if (value := getattr(run.cost, name)))


def tables(run: Findings) -> list[Table]:
    """All the numbers of a run."""
    flag = ("biased_by",) if run.biased_by else ()
    # fmt: off
    named = [
        Table("Coverage", run.coverage, ("k", "coverage", "low", "high", "stderr", "floor", "ceiling",
                                         "problems_missing", "all_right", "estimator")),
        Table("Fits", run.fits, ("family", "parameters", "parameters_low", "parameters_high", "error", "flag")),
        Table("Forecasts", run.forecasts, ("family", "k", "coverage", "low", "high", "flag")),
        Table("Back-test of the average, from a tenth of the samples", run.back_test,
              ("using", "k", "forecast", "low", "high", "truth", "off", "flag")),
        Table("Precision", run.precision, ("selector", "reward_model", "k", "success_rate", "coverage", "gap",
                                           "gap_low", "gap_high", "stderr", "exact")),
        Table("Other verifiers as selectors", run.weak_verifiers, ("weak_verifier", "weak_version", "k", "success_rate",
                                                                   "stderr", "coverage", "gap", "gap_low", "gap_high",
                                                                   "ceiling")),
        Table("Reliability", run.reliability, ("measure", "reward_model", "k", "share", "value", "stderr", "low",
                                               "high", "interval_of")),
        Table("Votes that stop", run.stopping, ("k", "samples", "success_rate", "stderr", "majority")),
        Table("Cost", [run.cost] if run.cost else [], COST_TABLE),
        Table("Outcomes", run.outcomes, ("outcome", "samples", "candidates")),
        Table("Problems", run.problems, ("problem_key", "samples", "correct", "correct_share", "first_correct_rank",
                                         "expected_rank", "difficulty", *flag)),
    ]
    # fmt: on
    return [table for table in named if table.rows]


def _harmless(value: Any) -> Any:
    return harmless(value) if type(value) is str else value


def _cell(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else printed(value)


def _card(value: Any) -> str:
    """A value in few characters: 4.2e11 for 416,863,014,912."""
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) >= EXACT:
        return f"{value:.1e}".replace("e+", "e")
    return _cell(value)


def _short(name: str) -> str:
    return cut(name, LONGEST)


def _svg(plot: Plot) -> Markup:
    return Markup(svg(plot))


def _csv_link(plot: Plot, runs: Sequence[Findings]) -> str:
    return "data:text/csv;base64," + base64.b64encode(plot_csv(plot, runs).encode()).decode()
