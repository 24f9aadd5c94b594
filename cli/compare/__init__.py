"""`monkeys compare`: which llm is better, at a k of each, at equal samples, and at equal cost."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.completion import complete_runs
from cli.options import Number, check_known, table_options, without_known_options
from cli.output import number_of, print_rows
from verifiers.ranges import real

if TYPE_CHECKING:
    from models.questions.contenders import Accounting, Contender

COLUMNS = (
    "measure", "budget", "run_id", "k", "coverage", "low", "high", "difference", "difference_low", "difference_high",
    "accounting", "all_there_are",
)  # fmt: skip


@click.command()
@click.argument("runs", nargs=-1, required=True, shell_complete=complete_runs)
@click.option(
    "--coverage",
    "wanted",
    type=Number(real(0, 1, above=True)),
    multiple=True,
    help="A coverage wanted, such as 0.5 (may be given again). Default: 90 % of what every run reaches.",
)
@click.option(
    "--accounting",
    type=click.Choice(["all", "stopping"]),
    default="all",
    show_default=True,
    help="What is paid for: all k samples of every problem, or those up to the first that the verifier accepts.",
)
@without_known_options
@table_options
def compare(
    runs: tuple[str, ...],
    wanted: tuple[float, ...],
    accounting: "Accounting",
    without_known: bool,
    known: Path | None,
    form: str | None,
) -> None:
    """Compare RUNS of one benchmark over the problems they share, problem by problem.

    RUN@K compares at these k: both coverages, their paired difference, what both cost, and the ratio. Without @K: every
    run at its best k within equal samples and, where they are known of every run, equal FLOPs, dollars (`monkeys
    price`) and GPU-seconds, with differences to the first run; then, which is cheapest for a coverage wanted.

    Intervals are 95 %, for new problems of the same kind. A prompt is paid once for as many samples as a request had.
    With --json or --csv: the rows at these k, at equal budgets or, with --coverage, what each run needs for it.

    \b
    Example:
      monkeys compare small@100 large@1
      monkeys compare small large
      monkeys compare 1 2 --coverage 0.5 --accounting stopping
      monkeys compare 1 2 --csv > compared.csv
      monkeys compare 1 2 --without-known
    """
    from cli.compare import tables
    from models.questions.compare import at_prices
    from verifiers.errors import UserError

    if len(runs) < 2:
        raise UserError("Give two runs or more to compare.")
    compared = _contenders(runs, without_known, known)
    if compared[0].k is None:
        _print_at_all(compared, wanted, accounting, form)
    elif wanted:
        raise UserError("--coverage asks at which k a run gets there; leave out @K, or --coverage.")
    elif form:
        print_rows(at_prices(compared), form)
    else:
        tables.print_titles(compared)
        tables.print_prices(compared, at_prices(compared))


def _contenders(runs: Sequence[str], without_known: bool, known: Path | None) -> "Sequence[Contender]":
    """These runs over the problems that are compared; which are not, and who has not ended, is told."""
    from models.questions.contenders import contenders
    from models.questions.find import find_run_at
    from models.questions.flaky import known_problems

    chosen = [find_run_at(named) for named in runs]
    without: set[str] = set()
    if check_known(without_known, known):
        without = without.union(*(keys for run, _ in chosen for keys in known_problems(run, known).values()))
        click.echo(f"Left out: {number_of(len(without), 'known problem')}.", err=True)
    compared, left_out = contenders(chosen, without)
    if left_out:
        click.echo(f"Left out: {number_of(left_out, 'problem')} that not every run has.", err=True)
    for going_on in dict.fromkeys(run.id for run, _ in chosen if run.finished_at is None):
        click.echo(f"Run {going_on} has not ended: what is said of it may change.", err=True)
    return compared


def _print_at_all(
    compared: Sequence["Contender"], wanted: Sequence[float], accounting: "Accounting", form: str | None
) -> None:
    """Runs at every k: at equal budgets, and for a wanted coverage."""
    from cli.compare import tables
    from models.questions.compare import at_equal_budgets
    from models.questions.contenders import measures
    from models.questions.needs import for_wanted, similarity, usual_level

    levels = wanted or [level for level in (usual_level(compared),) if level > 0]
    if form and wanted:
        print_rows([need for level in levels for need in for_wanted(compared, level, accounting)], form)
    elif form:
        rows = [row for each in measures(compared) for row in at_equal_budgets(compared, each, accounting)]
        print_rows(rows, form, COLUMNS)
    else:
        tables.print_titles(compared)
        for measure in measures(compared):
            tables.print_budgets(compared, measure, accounting, at_equal_budgets(compared, measure, accounting))
        tables.print_unknown(measures(compared))
        for level in levels:
            tables.print_needs(compared, for_wanted(compared, level, accounting), accounting)
            tables.print_similarity(similarity(compared, level))
