"""`monkeys reverify`: judge a run's samples again, without sampling again."""

from typing import TYPE_CHECKING

import click

from cli.options import Number
from verifiers.errors import UserError
from verifiers.ranges import real
from verifiers.thinking import RULES

if TYPE_CHECKING:
    from verifiers.benchmarks.benchmark import Benchmark


@click.command()
@click.argument("named", metavar="RUN")
@click.option("--verifier", help="Judge by this verifier too. Default: a newer version of the one that counts.")
@click.option("--use", is_flag=True, help="Have it count once every sample has its verdict (a newer version does).")
@click.option(
    "--thinking", type=click.Choice(list(RULES)), help="Split thoughts off by another rule, and judge the answers anew."
)
@click.option("--benchmark", help="Your own benchmark, given again: its code is run, as it is now. See enqueue.")
@click.option("--infrastructure", is_flag=True, help="Judge again only what failed by our fault.")
@click.option("--share", type=Number(real(0, 1, above=True)), help="Rerun this share here: is it stable?")
def reverify(
    named: str,
    verifier: str | None,
    use: bool,
    thinking: str | None,
    benchmark: str | None,
    infrastructure: bool,
    share: float | None,
) -> None:
    """Judge RUN's samples by another verifier or a newer version, or again where judging failed by our fault.

    A newer version replaces the one that counts. With --thinking, what counts as answer is decided anew, and what was
    judged and scored by the old rule is replaced.

    With --share, judge a random share of the distinct candidates once more in this process. The verdicts stay; the view
    verifier_health counts the reruns and those that disagreed, which are printed.

    \b
    Example:
      monkeys reverify 1 --verifier paper
      monkeys reverify 1 --verifier paper --use
      monkeys reverify 1 --thinking tags
      monkeys reverify 1 --benchmark ./my_bench.py
      monkeys reverify 1 --infrastructure
      monkeys reverify 1 --share 0.01
    """
    from cli.worker.wanted import see_to_benchmark, see_to_run
    from models.questions.find import find_run
    from tasks.runs import changes
    from verifiers.benchmarks import find_benchmark

    if (infrastructure or share or thinking) and (verifier or use):
        raise UserError("--infrastructure, --share and --thinking go without --verifier and --use.")
    if bool(infrastructure) + bool(share) + bool(thinking) > 1:
        raise UserError("--infrastructure, --share and --thinking go without each other.")
    run = find_run(named)
    own = None if benchmark is None else find_benchmark(benchmark)
    if share:
        _rerun(run.id, share, own)
        return
    if infrastructure:
        works = changes.judge_again(run.id)
        click.echo(f"{works:,} works of run {run.id} are judged again.", err=True)
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
    return f"Run {run_id}: {split.judged:,} works to be judged{scored} by --thinking {thinking}."


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
    return f"Run {run_id}: {made.works:,} works to be judged by {made.verifier}; {then}."


def _rerun(run_id: int, share: float, own: "Benchmark | None") -> None:
    from tasks.runs import changes
    from tasks.stored import prepare_verifiers

    prepare_verifiers()
    reruns = disagreements = failures = 0
    for one in changes.rerun(run_id, share, own):
        reruns += 1
        failures += one.again is None
        if one.again not in (None, one.outcome):
            disagreements += 1
            click.echo(
                f"{one.problem}, candidate {one.candidate_id}: {one.outcome}, now {one.again} {one.detail}".rstrip()
            )
    click.echo(
        f"Run {run_id}: {reruns:,} verdicts rerun, {disagreements:,} disagreed, {failures:,} failed by our fault.",
        err=True,
    )
