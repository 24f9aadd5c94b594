"""`monkeys demo`: the whole thing, on real parts, in minutes."""

import os

import click

from cli.called import as_called
from cli.options import Number
from cli.output import number_of
from verifiers.ranges import whole

QUERIES = (
    ("which problems are hard", "select problem_key, correct, samples from problem_tally where run_id = {run} "
     "order by correct_share limit 10"),
    ("coverage at any k", "select k, coverage_at({run}, k) from unnest(array[1, 3, 30, 150]) as k"),
    ("the samples of the hardest problem that was solved", "select sample_index, candidate, outcome, logprob "
     "from sample_detail where (run_id, problem_id) = (select run_id, problem_id from problem_tally "
     "where run_id = {run} and correct > 0 order by correct_share limit 1) order by outcome limit 10"),
)  # fmt: skip


@click.command()
@click.option("-n", "--samples", "n", type=Number(whole(1)), default=200, show_default=True, help="Of each problem.")
def demo(n: int) -> None:
    """Sample a tiny bundled llm on a third of pocket-sums, through the whole queue, and draw its coverage.

    Always on the local stack, which it leaves running.

    \b
    Example:
      monkeys demo
    """
    for variable in ("MONKEYS_DATABASE_URL", "MONKEYS_BROKER_URL"):
        if os.environ.pop(variable, None):
            click.echo(f"(the demo uses the local stack, not {variable})", err=True)
    try:
        run_id = _run(n)
    except KeyboardInterrupt:
        click.echo(
            "\nThe local stack is still up, and a run that was enqueued goes on. Stop it with: monkeys down", err=True
        )
        raise SystemExit(1) from None
    _show(run_id)


def _run(n: int) -> int:
    from cli.stack import ensure_up
    from cli.watch import follow
    from tasks.runs.make import enqueue
    from tasks.runs.request import RunRequest

    ensure_up(["pocket-monkey"])
    made = enqueue(RunRequest("pocket-sums", "pocket-monkey", n, subset="demo"))
    click.echo(f"Run {made.run_id}: {made.samples:,} samples of pocket-monkey on pocket-sums.", err=True)
    progress = follow(made.run_id)
    if progress.failed_works:
        click.echo(f"{number_of(progress.failed_works, 'work')} failed; `monkeys doctor` says more.", err=True)
        raise SystemExit(1)
    return made.run_id


def _show(run_id: int) -> None:
    from cli.report import analysed_findings, print_report, write_report
    from cli.stack.state import flower_url
    from models.questions.find import find_run
    from models.settings import settings

    found = analysed_findings(find_run(str(run_id)))
    print_report([found])
    click.echo(f"Page:     {write_report([found], None)[0]}")
    click.echo(f"Flower:   {flower_url(settings().home)}")
    cost = found.cost
    assert cost is not None
    amounts = ((cost.completion_tokens, ",", "tokens"), (cost.flops, ".3g", "FLOPs"))
    took = ", ".join(f"{amount:{form}} {what}" for amount, form, what in amounts if amount is not None)
    click.echo(
        f"Cost:     {took or 'unknown'}; "
        f"{cost.reused:,} of {cost.reused + cost.judged:,} judgings saved by judging each candidate once"
    )
    click.echo("\nWorth trying:")
    click.echo(as_called("\n".join(worth_trying(run_id))))
    click.echo(as_called("\nThe local stack is still up. Stop it with: monkeys down"))


def worth_trying(run_id: int) -> list[str]:
    """Lines for a shell that ask more of a run; the sample is of its hardest problem that was solved."""
    from models.questions.samples import problem_tallies

    tallies = problem_tallies(run_id)
    hardest = min(tallies, key=lambda each: (not each.correct, each.correct_share or 0))
    asked = [
        ("a sample with its prompt, candidate and verdict", f"monkeys show {run_id} {hardest.problem_key}"),
        *((what, f'monkeys sql "{sql.format(run=run_id)}"') for what, sql in QUERIES),
    ]
    return [line for what, command in asked for line in (f"  # {what}", f"  {command}")]
