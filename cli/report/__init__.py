"""`monkeys report`: what a run bought, as tables, plots and one page."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.options import check_known, runs_argument, table_options, without_known_options
from cli.output import Rows, dollars_rest_on, harmless, in_words, number_of, print_rows, text_table

if TYPE_CHECKING:
    from models.questions.report import Findings
    from models.tables import Run

COLUMNS = ("k", "coverage", "low", "high", "stderr", "floor", "ceiling", "problems_missing", "estimator")
LAW = ("family", "parameters", "error", "flag")
FORECAST = ("k", "coverage", "low", "high", "flag")
BACK_TEST = ("using", "k", "forecast", "low", "high", "truth", "off", "flag")
PICKED = ("success_rate", "low", "high", "coverage", "gap", "gap_low", "gap_high")
"""What a selector picks right, and what it leaves."""

SELECTION = ("selector", "reward_model", *PICKED, "exact")
WEAK = ("weak_verifier", "weak_version", *PICKED, "ceiling", "problems_missing")
RELIABILITY = ("measure", "reward_model", "k", "share", "value", "low", "high", "interval_of")
STOPPING = ("k", "samples", "success_rate", "stderr", "majority")
COST = (
    "billed_prompt_tokens", "cached_prompt_tokens", "completion_tokens", "thinking_tokens", "flops", "gpu_seconds",
    "usd", "usd_per_solved_problem", "verify_cpu_seconds",
)  # fmt: skip
WITHOUT = (
    "k",
    "problems",
    "coverage",
    "low",
    "high",
    "problems_without",
    "coverage_without",
    "low_without",
    "high_without",
)
PICTURES = ("png", "svg", "pdf")
PERCENTS = (
    "coverage", "low", "high", "stderr", "floor", "ceiling", "success_rate", "gap", "gap_low", "gap_high", "majority",
    "coverage_without", "low_without", "high_without", "forecast", "truth", "off",
)  # fmt: skip

SAYS = {
    "benchmark": "the benchmark:",
    "file": "the file:",
    "varies": "their right solution, whose outcome varies:",
    "fails": "their right solution, which fails:",
}
"""Who says that a problem is defective or flaky."""


@click.command()
@runs_argument
@click.option(
    "--out", type=click.Path(path_type=Path), help="Folder for the page and plots. Default: reports/ of the stack."
)
@click.option("--tables-only", is_flag=True, help="Print the tables and write no file.")
@without_known_options
@table_options
def report(
    runs: tuple[str, ...],
    out: Path | None,
    tables_only: bool,
    without_known: bool,
    known: Path | None,
    form: str | None,
) -> None:
    """Print what each RUN bought, or the last one, and write one HTML page with every plot, and each plot as PNG, SVG,
    PDF and CSV.

    Coverage with 95 % intervals, fits and forecasts, precision, problems, cost, outcomes, diversity. What was not
    analysed since the last samples is analysed first. --json and --csv print coverage. A run may still go on: all
    numbers are then of one moment, and say of which and of how many samples; in a CSV its columns samples_judged and
    as_of do.

    With --without-known it is coverage alone, side by side with and without the problems that are known to be defective
    or flaky: by the benchmark, by the file of --known, and by what `monkeys flaky` found of their right solutions.

    \b
    Example:
      monkeys report 1
      monkeys report 1 2 --out figures
      monkeys report 1 --csv > coverage.csv
      monkeys report 1 --without-known --known flaky.jsonl
    """
    from cli.report.plots import with_origin
    from models.questions.find import find_run
    from models.questions.report import findings

    chosen = list({run.id: run for run in map(find_run, runs or [None])}.values())
    if check_known(without_known, known):
        _print_without_known(chosen, known, form)
        return
    if form:
        read = [findings(run) for run in chosen]
        rows = [row for each in read for row in each.coverage]
        extended, columns = with_origin(rows, ("run_id", "verifier", *COLUMNS, "all_right"), read)
        print_rows(extended, form, columns)
        return
    found = [analysed_findings(run) for run in chosen]
    print_report(found)
    if not tables_only:
        click.echo(said_of_files(write_report(found, out)))


def _print_without_known(runs: Sequence["Run"], file: Path | None, form: str | None) -> None:
    from models.questions.flaky import coverage_without, known_problems
    from models.questions.progress import progress_of, title

    tables = [coverage_without(run, known_problems(run, file)) for run in runs]
    if form:
        print_rows([row for rows in tables for row in rows], form)
        return
    for run, rows in zip(runs, tables, strict=True):
        if run.finished_at is None:
            click.echo(f"Run {run.id} has not ended: what is said of it may change.", err=True)
        said = ", ".join(f"{SAYS[by]} {count:,}" for by, count in rows[0].known.items() if count)
        left_out = rows[0].problems - rows[0].problems_without
        click.secho(f"{harmless(title(progress_of(run.id)))} · {left_out:,} known problems", bold=True)
        click.echo((f"Known by {said}\n" if said else "") + _table(rows, WITHOUT))


def analysed_findings(run: "Run") -> "Findings":
    """What there is to report of a run, analysed first where it was not or where samples came since."""
    from models.questions.report import findings, is_analysed
    from tasks.workers.analyze import analyze_by

    found = findings(run)
    if is_analysed(run):
        return found
    click.echo(f"Analysing run {run.id}.", err=True)
    analyze_by(run.id, run.verifier_id)
    return findings(run)


def print_report(runs: Sequence["Findings"]) -> None:
    """The tables, and coverage drawn with characters."""
    from cli.report.characters import coverage_in_characters

    for run in runs:
        problems = run.coverage[0].problems
        said = f"{run.title} · {number_of(problems, 'problem')}, verified by {run.verifier}"
        click.secho(harmless(said), bold=True)
        if run.partial:
            click.secho(f"In part: {run.partial}", fg="yellow")
        if run.left_out:
            click.echo(harmless(f"{', '.join(run.left_out)} left out: the endpoint refuses it"))
        click.echo(_table(run.coverage, COLUMNS))
        if run.fits:
            click.echo("Laws of coverage, their parameters with 95 % intervals\n" + _table(in_words(run.fits), LAW))
        _print_forecast(run)
        most = max((row.k for row in run.precision), default=0)
        if most:
            heading = f"Selection among {most:,} samples\n"
            click.echo(heading + _table([row for row in run.precision if row.k == most], SELECTION))
        _print_more(run)
        if run.disagreements:
            heading = "Resolved by the official grading, and not correct here\n"
            click.echo(heading + _table(run.disagreements, ("reason", "samples", "candidates")))
        known = [name for name in COST if run.cost and getattr(run.cost, name)]
        if run.cost and known:
            rests_on = dollars_rest_on(run.cost)
            click.echo(f"Cost{f' (dollars {rests_on})' if rests_on else ''}\n" + _table([run.cost], known))
    click.echo(coverage_in_characters({harmless(run.title): run.coverage for run in runs}))


def _print_more(run: "Findings") -> None:
    """Other verifiers as selectors, reliability, and votes that stop: at the largest k of each."""
    flags = sorted(
        {f"{row.selector} {row.reward_model}".strip() + f": {row.flag}" for row in run.precision if row.flag}
    )
    if flags:
        click.echo(harmless("\n".join(flags)) + "\n")
    most = max((row.k for row in run.weak_verifiers if row.success_rate is not None), default=0)
    if most:
        heading = f"Resampling, up to {most:,} times, until another verifier accepts\n"
        click.echo(heading + _table([row for row in run.weak_verifiers if row.k == most], WEAK))
    most = max((row.k for row in run.reliability), default=0)
    if most:
        click.echo("Reliability\n" + text_table([row for row in run.reliability if row.k == most], RELIABILITY))
    if run.stopping:
        click.echo("Majority votes that stop when they are sure\n" + _table(run.stopping[-1:], STOPPING))


def _print_forecast(run: "Findings") -> None:
    """The default forecast, and how far off it would have been from a tenth of the samples."""
    ahead = [row for row in run.forecasts if row.family == "average"]
    if ahead:
        click.echo("Forecast by the average, with 95 % intervals for new problems\n" + _table(ahead, FORECAST))
    if run.back_test:
        heading = "Back-test of the average: from a tenth of the samples, and what all of these problems' showed\n"
        click.echo(heading + _table(run.back_test, BACK_TEST))


def write_report(runs: Sequence["Findings"], out: Path | None) -> list[Path]:
    """Write the page, and each plot as PNG, SVG, PDF and CSV, into a folder; return the files, the page first."""
    from cli.report.drawing import save
    from cli.report.page import page
    from cli.report.plots import plot_csv, plots
    from models.settings import settings
    from verifiers.errors import Unavailable

    folder = out or settings().home / "reports"
    ids = "-".join(str(run.run_id) for run in runs)
    ids = ids if len(ids) <= 60 else f"{len(runs)}-runs-from-{runs[0].run_id}"
    drawn = plots(runs)
    files = [folder / f"report-{ids}.html"]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        files[0].write_text(page(runs, drawn), encoding="utf-8")
        for plot in drawn:
            names = [folder / f"{plot.name}-{ids}.{ending}" for ending in (*PICTURES, "csv")]
            save(plot, names[:-1])
            names[-1].write_text(plot_csv(plot, runs), encoding="utf-8")
            files += names
    except OSError as error:
        raise Unavailable(f"The report cannot be written to {folder} ({error.strerror}).") from error
    return files


def said_of_files(files: Sequence[Path]) -> str:
    """Where the page is, and what lies beside it."""
    page, *others = files
    beside = [file for file in others if file.suffix == ".csv"]
    plots = f"each of {len(beside)} plots" if len(beside) != 1 else "its plot"
    return f"written: {page}" + (f"\nbeside it, as PNG, SVG, PDF and CSV: {plots}" if beside else "")


def _table(rows: Rows, columns: Sequence[str]) -> str:
    """Rows as a table, shares as percents."""

    def cell(name: str, value: object) -> object:
        return f"{value:.2%}" if name in PERCENTS and value is not None else value

    return text_table([{name: cell(name, getattr(row, name)) for name in columns} for row in rows], columns)
