"""`monkeys report`: what a run bought, as tables, plots and one page."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cli.options import table_options
from cli.output import harmless, print_rows, rows_as_csv, text_table

if TYPE_CHECKING:
    from models.questions.report import Findings

COLUMNS = ("k", "coverage", "low", "high", "stderr", "floor", "ceiling", "problems_missing", "estimator")
PERCENTS = ("coverage", "low", "high", "stderr", "floor", "ceiling", "success_rate", "gap")


@click.command()
@click.argument("runs", nargs=-1, required=True)
@click.option(
    "--out", type=click.Path(path_type=Path), help="Folder for the page and plots. Default: reports/ of the stack."
)
@click.option("--tables-only", is_flag=True, help="Print the tables and write no file.")
@table_options
def report(runs: tuple[str, ...], out: Path | None, tables_only: bool, form: str | None) -> None:
    """Print what RUNS bought, and write one HTML page with every plot, and each plot as PNG, SVG and CSV.

    Coverage with 95 % intervals, fits and forecasts, precision, problems, cost, outcomes, diversity. What was not
    analysed since the last samples is analysed first. --json and --csv print coverage.

    \b
    Example:
      monkeys report 1
      monkeys report 1 2 --out figures
      monkeys report 1 --csv > coverage.csv
    """
    from models.questions.find import find_run
    from models.questions.report import findings

    run_ids = list(dict.fromkeys(find_run(run)["id"] for run in runs))
    if form:
        rows = [row for run_id in run_ids for row in findings(run_id).coverage]
        print_rows(rows, form, ("run_id", "verifier", *COLUMNS, "all_right"))
        return
    found = [analysed_findings(run_id) for run_id in run_ids]
    print_report(found)
    if not tables_only:
        click.echo("\n".join(f"written: {file}" for file in write_report(found, out)))


def analysed_findings(run_id: int) -> "Findings":
    """What there is to report of a run, analysed first where it was not or where samples came since."""
    from models.database import query
    from models.questions.report import findings
    from tasks.workers.analyze import analyze_by

    found = findings(run_id)
    (run,) = query("select verifier_id from run where id = %s", (run_id,))
    if query(
        "select from analysis_state where run_id = %s and verifier_id = %s and not stale", (run_id, run["verifier_id"])
    ):
        return found
    click.echo(f"Analysing run {run_id}.", err=True)
    analyze_by(run_id, run["verifier_id"])
    return findings(run_id)


def print_report(found: Sequence["Findings"]) -> None:
    """The tables, and coverage drawn with characters."""
    from cli.report.characters import coverage_in_characters

    for run in found:
        problems = run.coverage[0]["problems"]
        click.secho(f"{harmless(run.title)} · {problems} problems, verified by {run.verifier}", bold=True)
        click.echo(text_table(_percents(run.coverage), COLUMNS))
        _print_table("Laws of coverage", run.fits, ("family", "parameters", "error", "flag"))
        most = max((row["k"] for row in run.precision), default=0)
        _print_table(
            f"Selection among {most:,} samples",
            _percents([row for row in run.precision if row["k"] == most]),
            ("selector", "reward_model", "success_rate", "coverage", "gap", "stderr", "exact"),
        )
        _print_cost(run)
    click.echo(coverage_in_characters({harmless(run.title): run.coverage for run in found}))


def write_report(found: Sequence["Findings"], out: Path | None) -> list[Path]:
    """Write the page, and each plot as PNG, SVG and CSV, into a folder; return the files, the page first."""
    from cli.report.drawing import save
    from cli.report.page import page
    from cli.report.plots import plots
    from models.settings import settings
    from verifiers.errors import Unavailable

    folder = out or settings().home / "reports"
    ids = "-".join(str(run.run_id) for run in found)
    ids = ids if len(ids) <= 60 else f"{len(found)}-runs-from-{found[0].run_id}"
    made = plots(found)
    files = [folder / f"report-{ids}.html"]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        files[0].write_text(page(found, made), encoding="utf-8")
        for plot in made:
            names = [folder / f"{plot.name}-{ids}.{ending}" for ending in ("png", "svg", "csv")]
            save(plot, names[0])
            save(plot, names[1])
            names[2].write_text(rows_as_csv(plot.rows), encoding="utf-8")
            files += names
    except OSError as error:
        raise Unavailable(f"The report cannot be written to {folder} ({error.strerror}).") from error
    return files


def title(run_id: int) -> str:
    """A run in one line."""
    from models.database import query

    row = query("select name, benchmark, llm from run_progress where run_id = %s", (run_id,))[0]
    name = f" {row['name']}" if row["name"] else ""
    return harmless(f"run {run_id}{name} · {row['benchmark']} · {row['llm']}")


def _print_table(heading: str, rows: Sequence[dict[str, Any]], columns: Sequence[str]) -> None:
    if rows:
        click.echo(heading)
        click.echo(text_table(rows, columns))


def _print_cost(run: "Findings") -> None:
    cost = run.cost
    if cost is None:
        return
    names = ("completion_tokens", "flops", "gpu_seconds", "usd", "usd_per_solved_problem", "verify_cpu_seconds")
    known = [name for name in names if cost[name]]
    if known:
        _print_table("Cost", [{name: cost[name] for name in known}], known)


def _percents(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows with shares as text."""
    return [
        {name: f"{value:.2%}" if name in PERCENTS and value is not None else value for name, value in row.items()}
        for row in rows
    ]
