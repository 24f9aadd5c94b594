"""`monkeys score`: a reward model's numbers for a run's samples."""

import click

from cli.options import engine_args, run_argument
from cli.worker.wanted import serve_reward_model
from models.questions.find import find_run


@click.command()
@run_argument
@click.option("--reward-model", required=True, help="A hub name or a folder that vLLM loads as a pooling model.")
@click.option("--engine-arg", "engine_arguments", multiple=True, help="key=value for the engine (may be given again).")
@click.option("--quiet", is_flag=True, help="Print nothing.")
def score(named: str | None, reward_model: str, engine_arguments: tuple[str, ...], quiet: bool) -> None:
    """Score RUN's samples with a reward model, into the table score: selectors such as best-of-n read it.

    A process reward model has a step token, and its steps' scores become one by aggregate=min, product, last or mean.

    \b
    Example:
      monkeys score 3 --reward-model Skywork/Skywork-Reward-V2-Llama-3.1-8B
      monkeys score 3 --reward-model Qwen/Qwen2.5-Math-PRM-7B --engine-arg step_token='<extra_0>'
    """
    from tasks.broker import reachable
    from tasks.runs.scores import request_scores

    arguments = engine_args(engine_arguments)
    reachable()
    run_id = find_run(named).id
    batches = request_scores(run_id, reward_model, arguments)
    if not quiet:
        asked = f"{batches:,} batches of run {run_id} are to be scored by {reward_model}."
        click.echo("\n".join([asked, *serve_reward_model(reward_model, arguments)]), err=True)
