"""One page that stands alone: tables and plots of some runs, readable in light and dark; no script, nothing fetched."""

import base64
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from cli.output import harmless, printed, rows_as_csv
from cli.report.drawing import Plot, svg
from models.questions.report import Findings

STYLE = """
:root { color-scheme: light dark; --ink: #1b1b1f; --soft: #5c5f66; --paper: #ffffff; --line: #dfe1e5; --card: #f6f7f9 }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8e8ec; --soft: #a3a7b0; --paper: #15161a; --line: #34363d; --card: #1e2025 }
}
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); margin: 0 auto;
  max-width: 62rem; padding: 1.5rem 1rem 4rem }
h1 { font-size: 1.5rem; margin: 0 } h2 { font-size: 1.15rem; margin: 2.2rem 0 .3rem }
h3 { font-size: .95rem; margin: 1.2rem 0 .3rem; overflow-wrap: anywhere }
p, figcaption { color: var(--soft); margin: .3rem 0 } figure { margin: 0 }
svg { max-width: 100%; height: auto; display: block }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(8.5rem, 1fr)); gap: .5rem; margin: .5rem 0 }
.cards div { background: var(--card); border-radius: .4rem; padding: .45rem .7rem }
.cards b { display: block; font-size: 1.1rem; font-variant-numeric: tabular-nums }
.cards span { color: var(--soft); font-size: .8rem }
.wide { overflow-x: auto } a { color: inherit }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .85rem }
th, td { padding: .2rem .7rem; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap }
th { color: var(--soft); font-weight: 500 } th:first-child, td:first-child, td.text { text-align: left }
details { margin: .3rem 0 } summary { cursor: pointer; color: var(--soft) }
"""

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def page(found: Sequence[Findings], plots: Sequence[Plot]) -> str:
    """The page of some runs. Whatever an llm or a person wrote is escaped."""
    title = "Repeated sampling: " + ", ".join(f"run {run.run_id}" for run in found)
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{_text(title)}</title><style>{STYLE}</style></head><body>",
        f"<h1>{_text(title)}</h1>",
        *(_summary(run) for run in found),
        *(_figure(plot) for plot in plots),
        *(_tables(run) for run in found),
        "</body></html>",
    ]
    return "\n".join(parts) + "\n"


def _summary(run: Findings) -> str:
    progress, cost = run.progress, run.cost or {}
    known = [row for row in run.coverage if row["coverage"] is not None]
    cards = [
        ("problems", progress["problems"]),
        ("samples verified", progress["verified"]),
        ("state", progress["state"]),
    ]
    for row in dict.fromkeys([0, len(known) - 1]) if known else ():
        cards.append((f"coverage at k = {known[row]['k']:,}", f"{known[row]['coverage']:.2%}"))
    cards += [
        (label, cost.get(name))
        for name, label in (("flops", "FLOPs"), ("gpu_seconds", "GPU-seconds"), ("usd", "dollars"))
        if cost.get(name)
    ]
    items = "".join(f"<div><b>{_cell(value)}</b><span>{_text(label)}</span></div>" for label, value in cards)
    stale = "<p>Samples were judged since the fits, bands and selections were computed.</p>" if is_stale(run) else ""
    return f"<h3>{_text(run.title)} · verified by {_text(run.verifier)}</h3><div class=cards>{items}</div>{stale}"


def is_stale(run: Findings) -> bool:
    """Whether samples were judged since the run was analysed."""
    return any(row["stale"] for row in run.fits)


def _figure(plot: Plot) -> str:
    data = base64.b64encode(rows_as_csv(plot.rows).encode()).decode()
    return (
        f"<h2>{_text(plot.title)}</h2><figure>{svg(plot)}<figcaption>{_text(plot.caption)} "
        f'<a download="{_text(plot.name)}.csv" href="data:text/csv;base64,{data}">CSV</a></figcaption></figure>'
    )


def _tables(run: Findings) -> str:
    named: list[tuple[str, Sequence[Mapping[str, Any]], tuple[str, ...]]] = [
        (
            "Coverage",
            run.coverage,
            (
                "k",
                "coverage",
                "low",
                "high",
                "stderr",
                "floor",
                "ceiling",
                "problems_missing",
                "all_right",
                "estimator",
            ),
        ),
        ("Fits", run.fits, ("family", "parameters", "error", "flag")),
        ("Forecasts", run.forecasts, ("family", "k", "coverage", "low", "high")),
        (
            "Precision",
            run.precision,
            ("selector", "reward_model", "k", "success_rate", "coverage", "gap", "stderr", "exact"),
        ),
        ("Outcomes", run.outcomes, ("outcome", "samples", "candidates")),
        (
            "Problems",
            run.problems,
            ("problem_key", "samples", "correct", "correct_share", "first_correct_rank", "expected_rank", "difficulty"),
        ),
    ]
    tables = "".join(
        f"<details><summary>{title}</summary><div class=wide>{_table(rows, columns)}</div></details>"
        for title, rows, columns in named
        if rows
    )
    return f"<h3>Numbers of {_text(run.title)}</h3>{tables}"


def _table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> str:
    head = "".join(f"<th>{_text(name.replace('_', ' '))}</th>" for name in columns)
    body = "".join(
        "<tr>"
        + "".join(
            f"<td{' class=text' if isinstance(row[name], str) else ''}>{_cell(row[name])}</td>" for name in columns
        )
        + "</tr>"
        for row in rows
    )
    return f"<table><tr>{head}</tr>{body}</table>"


def _cell(value: Any) -> str:
    return _text(f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else printed(value))


def _text(text: str) -> str:
    return escape(harmless(text), quote=True)
