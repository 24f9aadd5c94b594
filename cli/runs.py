"""`monkeys runs`: all runs."""

import click

from cli.options import table_options
from cli.output import print_rows

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

    print_rows(all_runs(), form, COLUMNS)
