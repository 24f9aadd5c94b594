"""`monkeys reverify`: judge a run's samples again, without sampling again."""

from typing import TYPE_CHECKING

import click

from cli.options import run_argument
from cli.output import number_of
from verifiers.errors import UserError
from verifiers.thinking import RULES

if TYPE_CHECKING:
    from verifiers.benchmarks.benchmark import Benchmark


@click.command()
@run_argument
@click.option("--verifier", help="Judge by this verifier too. Default: a newer version of the one that counts.")
@click.option("--use", is_flag=True, help="Have it count once every sample has its verdict (a newer version does).")
@click.option(
    "--thinking", type=click.Choice(list(RULES)), help="Split thoughts off by another rule, and judge the answers anew."
)
@click.option("--benchmark", help="Your own benchmark, given again: its code is run, as it is now. See enqueue.")
@click.option("--infrastructure", is_flag=True, help="Judge again only what failed by our fault.")
def reverify(
    named: str | None,
    verifier: str | None,
    use: bool,
    thinking: str | None,
    benchmark: str | None,
    infrastructure: bool,
) -> None:
    """Judge RUN's samples by another verifier or a newer version, or again where judging failed by our fault.

    A newer version replaces the one that counts. With --thinking, what counts as answer is decided anew, and what was
    judged and scored by the old rule is replaced.

    \b
    Example:
      monkeys reverify 1 --verifier paper
      monkeys reverify 1 --verifier paper --use
      monkeys reverify 1 --thinking tags
      monkeys reverify 1 --benchmark ./my_bench.py
      monkeys reverify 1 --infrastructure
    """
    from cli.worker.wanted import see_to_benchmark, see_to_run
    from models.questions.find import find_run
    from tasks.runs import changes
    from verifiers.benchmarks import find_benchmark

    if (infrastructure or thinking) and (verifier or use):
        raise UserError("--infrastructure and --thinking go without --verifier and --use.")
    if infrastructure and thinking:
        raise UserError("--infrastructure and --thinking go without each other.")
    run = find_run(named)
    own = None if benchmark is None else find_benchmark(benchmark)
    if infrastructure:
        works = changes.judge_again(run.id)
        click.echo(f"Run {run.id}: {number_of(works, 'work')} to be judged again.", err=True)
        see_to_run(run.id)
        return
    click.echo(_split(run.id, thinking, own) if thinking else _judge(run.id, verifier, use, own), err=True)
    if own:
        see_to_benchmark(own)
    else:
        see_to_run(run.id)


def _split(run_id: int, thinking: str, own: "Benchmark | None") -> str:
    from tasks.runs.thinking import split_again

    split = split_again(run_id, thinking, own)
    scored = f", {split.scored:,} to be scored" if split.scored else ""
    return f"Run {run_id}: {number_of(split.judged, 'work')} to be judged{scored} by --thinking {thinking}."


def _judge(run_id: int, verifier: str | None, use: bool, own: "Benchmark | None") -> str:
    from tasks.runs import changes

    made = changes.reverify(run_id, verifier, use=use, own=own)
    then = (
        "it counts from now on"
        if made.counts
        else "it counts once it is through"
        if made.will_count
        else "it does not count"
    )
    return f"Run {run_id}: {number_of(made.works, 'work')} to be judged by {made.verifier}; {then}."
