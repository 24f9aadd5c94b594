"""`monkeys compare`: which llm is better, at equal samples and at equal cost."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.options import Number, check_known, table_options, without_known_options
from cli.output import COSTS, dollars_rest_on, harmless, print_rows, text_table
from verifiers.ranges import real

if TYPE_CHECKING:
    from models.questions.compare import AtBudget, Growth, Need
    from models.views import CostRow

COLUMNS = (
    "measure", "budget", "run_id", "k", "coverage", "low", "high", "difference", "difference_low", "difference_high",
)  # fmt: skip

NAMES = {"samples": "samples a problem", **COSTS}


@click.command()
@click.argument("runs", nargs=-1, required=True)
@click.option(
    "--coverage",
    "wanted",
    type=Number(real(0, 1, above=True)),
    multiple=True,
    help="A coverage wanted, such as 0.5 (may be given again). Default: the highest that all reach.",
)
@without_known_options
@table_options
def compare(
    runs: tuple[str, ...], wanted: tuple[float, ...], without_known: bool, known: Path | None, form: str | None
) -> None:
    """Compare RUNS of one benchmark over the problems they share, problem by problem.

    At equal samples and, where they are known of every run, at equal FLOPs, dollars (`monkeys price`) and GPU-seconds;
    differences are to the first run, with 95 % intervals of paired differences. Every interval is for new problems of
    the same kind, not for these very ones. Then: which is cheapest for a coverage wanted. With --json or --csv: the
    rows at equal budgets or, with --coverage, what each run needs for it.

    \b
    Example:
      monkeys compare small large
      monkeys compare 1 2 --coverage 0.5
      monkeys compare 1 2 --csv > compared.csv
      monkeys compare 1 2 --without-known
    """
    from models.questions import compare as question
    from models.questions.find import find_run
    from models.questions.flaky import known_problems
    from models.questions.progress import cost_of, progress_of, title
    from verifiers.errors import UserError

    if len(runs) < 2:
        raise UserError("Give two runs or more to compare.")
    chosen = [find_run(named) for named in runs]
    without: set[str] = set()
    if check_known(without_known, known):
        without = without.union(*(keys for run in chosen for keys in known_problems(run, known).values()))
        click.echo(f"{len(without):,} known problems are left out.", err=True)
    compared, left_out = question.contenders(chosen, without)
    if left_out:
        click.echo(f"{left_out} problems that not every run has are left out.", err=True)
    measures = question.measures(compared)
    tables = {measure: question.at_equal_budgets(compared, measure) for measure in measures}
    levels = wanted or (question.reached_by_all(compared),)
    needs = [need for level in levels for need in question.for_wanted(compared, level)]
    if form and wanted:
        print_rows(needs, form)
    elif form:
        print_rows([row for rows in tables.values() for row in rows], form, COLUMNS)
    else:
        run_ids = [contender.run_id for contender in compared]
        for run_id in run_ids:
            click.echo(harmless(title(progress_of(run_id))) + _rests_on(cost_of(run_id)))
        for measure, rows in tables.items():
            click.secho(f"\nCoverage at equal {NAMES[measure]}", bold=True)
            click.echo(_side_by_side(measure, rows, run_ids), nl=False)
        _say_unknown(measures)
        _print_needs(needs, levels)
        _print_similarity(question.similarity(compared))


def _rests_on(cost: "CostRow | None") -> str:
    """What a run's dollars rest on, where it has some."""
    said = dollars_rest_on(cost) if cost is not None else None
    return f" · dollars {said}" if said else ""


def _side_by_side(measure: str, rows: Sequence["AtBudget"], run_ids: Sequence[int]) -> str:
    """One line a budget: each run's coverage and k, and its difference to the first run."""
    lines: dict[float, dict[str, str | None]] = {}
    for row in rows:
        line = lines.setdefault(row.budget, {measure: _short(row.budget)})
        bought = "" if measure == "samples" else f" (k {row.k:,})"
        line[f"run {row.run_id}"] = f"{row.coverage:.2%}{bought}" if row.coverage is not None else None
        if row.difference is not None:
            line[f"{row.run_id} less {run_ids[0]}"] = (
                f"{100 * row.difference:+.2f} [{_points(row.difference_low)}, {_points(row.difference_high)}]"
            )
    columns = [measure, *(f"run {each}" for each in run_ids), *(f"{each} less {run_ids[0]}" for each in run_ids[1:])]
    return text_table([{name: line.get(name) for name in columns} for line in lines.values()], columns)


def _print_needs(needs: Sequence["Need"], levels: Sequence[float]) -> None:
    for level in levels:
        here = [need for need in needs if need.wanted == level]
        click.secho(f"\nWhat {level:.4g} coverage needs", bold=True)
        shown = [
            {**need._asdict(), "reaches": f"{need.reaches:.2%}", "cheapest_by": ", ".join(need.cheapest_by) or None}
            for need in here
        ]
        click.echo(
            text_table(shown, ("run_id", "reaches", "k", "flops", "usd", "gpu_seconds", "cheapest_by")), nl=False
        )
        short = [f"run {need.run_id}" for need in here if need.k is None]
        if short:
            click.echo(f"{' and '.join(short)} did not reach it with the samples there are.")
        _say_cheapest(here)


def _say_cheapest(needs: Sequence["Need"]) -> None:
    from models.questions.compare import MEASURES

    for measure in MEASURES:
        costs = sorted((amount, need.run_id) for need in needs if (amount := need.of(measure)) is not None)
        if len(costs) < 2 or costs[0][0] == costs[1][0]:
            continue
        times = costs[1][0] / costs[0][0]
        shown = f"{times:.3g}" if times < 100 else f"{times:,.0f}"
        click.echo(f"By {NAMES[measure]}, run {costs[0][1]} is cheapest: {shown} times less than run {costs[1][1]}.")


def _print_similarity(rows: Sequence["Growth"]) -> None:
    if not rows:
        return
    click.secho(
        f"\nSamples from {rows[0].start:.2%} to {rows[0].goal:.2%} coverage (one factor: curves of one shape)",
        bold=True,
    )
    click.echo(text_table(rows, ("run_id", "samples_start", "samples_goal", "ratio")), nl=False)


def _say_unknown(measures: Sequence[str]) -> None:
    hints = {
        "flops": "FLOPs: the sizes of an llm are stored when a worker loads it.",
        "usd": "Dollars: `monkeys price set` says what an llm costs, or an endpoint did not say its tokens.",
        "gpu_seconds": "GPU-seconds: no GPU made these samples, or nobody recorded it.",
    }
    unknown = [hint for name, hint in hints.items() if name not in measures]
    if unknown:
        click.echo("\nNot known of every run, so not compared: " + " ".join(unknown))


def _short(value: float) -> str:
    if value == int(value) and value < 1e6:
        return f"{int(value):,}"
    return f"{value:.4g}" if value < 1e6 else f"{value:.3g}"


def _points(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:+.2f}"
