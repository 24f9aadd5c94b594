"""`monkeys runs`: all runs."""

import click

from cli.options import table_options
from cli.output import harmless, print_rows

COLUMNS = (
    "run_id", "name", "benchmark", "llm", "problems", "samples_wanted", "samples", "verified", "correct",
    "failed_works", "tokens_per_second", "eta", "state", "created_at",
)  # fmt: skip


@click.command()
@table_options
def runs(form: str | None) -> None:
    """List the runs and how far they are.

    \b
    Example:
      monkeys runs --json
    """
    from models.questions.progress import all_runs
    from models.questions.waiting import reasons

    found = all_runs()
    print_rows(found, form, COLUMNS)
    waiting = {} if form else reasons([run.run_id for run in found if run.state == "running"])
    for run_id, why in waiting.items():
        click.echo(f"Run {run_id}: {harmless(why)}.", err=True)
