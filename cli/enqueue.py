"""`monkeys enqueue`: a run."""

from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cli.completion import complete_benchmarks, complete_subsets, complete_verifiers
from cli.options import (
    Number,
    TextFile,
    batch_option,
    check_known,
    endpoint_option,
    engine_args,
    llm_option,
    number,
    setting_options,
    table_options,
    take_settings,
    thinking_option,
    with_endpoint,
    without_known_options,
)
from cli.output import print_facts, print_rows
from cli.worker.wanted import see_to_benchmark, serve_llm
from models.schema import check_schema
from models.settings import settings
from tasks.runs.request import RunRequest
from verifiers.benchmarks.benchmark import Sampling
from verifiers.errors import UserError
from verifiers.files import FORMS
from verifiers.ranges import real, whole

if TYPE_CHECKING:
    from tasks.runs.make import Made


@click.command()
@click.argument("benchmark", shell_complete=complete_benchmarks)
@llm_option
@click.option("-n", "--samples", "n", required=True, **number(RunRequest, "n"))
@click.option("--name", help="A unique name: the same name and settings again is the same run.")
@click.option("--data", type=click.Path(path_type=Path), help=f"Problems from a file: {FORMS}.")
@click.option(
    "--shots", type=click.Path(path_type=Path), help="Few-shot examples (the train set) from a file; 0 is no example."
)
@click.option("--prompt-file", "prefix", type=TextFile(), help="A text to put before each problem instead.")
@click.option(
    "--prompt-template",
    "template",
    type=TextFile(),
    help="The whole prompt, with the data set's own fields, such as {question} or {problem}.",
)
@click.option("--prompt", "prompt_form", help="Another of the benchmark's prompts, such as swebench-lite's `oracle`.")
@click.option("--subset", shell_complete=complete_subsets, help="A named subset, such as gsm8k's `monkeys`.")
@click.option("--problem", "problems", multiple=True, help="Only this problem (may be given again).")
@without_known_options
@click.option("--limit", **number(RunRequest, "limit"))
@click.option(
    "--verifier", shell_complete=complete_verifiers, help="The verifier that counts, where the benchmark has several."
)
@thinking_option("tags with --chat, else none")
@click.option("--batch-size", **number(RunRequest, "batch_size"))
@setting_options(Sampling)
@click.option("--no-stop", is_flag=True, help="No stop string. Default with --chat, unless --stop is given.")
@click.option("--depth-first", is_flag=True, help="Finish a problem before the next. Default: all grow together.")
@click.option("--stop-when-solved", is_flag=True, help="No more batches of a problem that has a right sample.")
@click.option("--budget-usd", **number(RunRequest, "budget_usd"))
@click.option("--budget-gpu-hours", **number(RunRequest, "budget_gpu_hours"))
@click.option("--budget-flops", **number(RunRequest, "budget_flops"))
@click.option("--dry-run", is_flag=True, help="Only say what it will take, going by the earlier runs of this llm.")
@click.option(
    "--difference",
    type=Number(real(0, 100, above=True)),
    help="With --dry-run: what it takes to tell two llms apart by so many points of pass@1; more by `monkeys plan`.",
)
@table_options
@endpoint_option
@click.option(
    "--gpus", type=Number(whole(1)), help="Of an endpoint of your own: how many GPUs serve it, for GPU-hours."
)
@click.option(
    "--no-probe", is_flag=True, help="Neither ask an endpoint for one token first nor look at the llm's files."
)
@batch_option
@click.option("--engine-arg", "engine_arguments", multiple=True, help="key=value for the engine (may be given again).")
@click.option("--quiet", is_flag=True, help="Print the run's id and nothing else.")
def enqueue(quiet: bool, dry_run: bool, difference: float | None, form: str | None, **wanted: Any) -> None:
    """Enqueue a run of BENCHMARK: the run's id on stdout, what happens next on stderr.

    BENCHMARK is one of `monkeys benchmarks`, or your own: FILE.py, FILE.py:object, or module:object from the folder you
    stand in or from an installed package. That runs its code, here and in the workers of its own queue.

    \b
    Example:
      monkeys enqueue pocket-sums -m pocket-monkey -n 100
      monkeys enqueue gsm8k -m meta-llama/Meta-Llama-3-8B-Instruct -n 10000 --subset monkeys
      monkeys enqueue ./my_bench.py -m meta-llama/Meta-Llama-3-8B-Instruct -n 1000
      monkeys enqueue math -m Qwen/Qwen3-8B -n 64 --chat --chat-template-arg enable_thinking=true --max-tokens 32768
      monkeys enqueue swebench-lite -m Qwen/Qwen3-8B -n 100 --chat --prompt oracle
      monkeys enqueue math -m openai:gpt-4o-mini -n 100 --chat --stop-when-solved --budget-usd 5
      monkeys enqueue math -m openai:gpt-4o-mini -n 100 --chat --dry-run --budget-usd 5
      monkeys enqueue math -m openai:qwen -n 100 --endpoint http://gpus:8000/v1 --gpus 4 --budget-gpu-hours 8
    """
    from tasks.broker import reachable
    from tasks.runs.make import enqueue as make_run
    from tasks.stored import prepare_verifiers

    request = _asked(wanted)
    check_schema()
    reachable()
    prepare_verifiers()
    if dry_run:
        _say_what_it_takes(request, difference, form)
        return
    if difference is not None or form is not None:
        raise UserError("--difference, --json and --csv say how to print what --dry-run says; give it too.")
    made = make_run(request, partial(see_to_benchmark, quiet=quiet))
    click.echo(made.run_id)
    if quiet and not settings().own_broker:
        return  # nobody is told whether a worker serves it, so nobody waits for the answer
    served = serve_llm(request.llm, request.engine_args, made.queue)
    if not quiet:
        click.echo("\n".join([*_told(made), *served, f"`monkeys watch {made.run_id}` follows it."]), err=True)


def _asked(wanted: dict[str, Any]) -> RunRequest:
    """The run that a command's options ask for."""
    endpoints = wanted.pop("engine_arguments"), wanted.pop("endpoint"), wanted.pop("gpus")
    arguments = engine_args(with_endpoint(*endpoints, batch=wanted.pop("batch")))
    check_known(wanted["without_known"], wanted["known"])
    sampling = take_settings(Sampling, wanted)
    no_stop, shots, form, no_probe = (wanted.pop(name) for name in ("no_stop", "shots", "prompt_form", "no_probe"))
    if no_stop and "stop" in sampling:
        raise UserError("Give --stop or --no-stop, not both.")
    if no_stop:
        sampling["stop"] = ()
    no_shots = str(shots) == "0"
    return RunRequest(
        shots=None if no_shots else shots,
        form=form,
        no_shots=no_shots,
        engine_args=arguments,
        sampling=sampling,
        probe=not no_probe,
        **wanted,
    )


def _say_what_it_takes(request: RunRequest, difference: float | None, form: str | None) -> None:
    from models.questions.power import CORRELATION, needed_for
    from tasks.runs.estimate import estimate, last_run

    if difference is None:
        print_facts(asdict(estimate(request)), form)
        return
    rows, assumed = needed_for(last_run(request), difference / 100, 1, CORRELATION)
    print_rows(rows, form)
    click.echo(assumed, err=True)


def _told(made: "Made") -> list[str]:
    if not made.new:
        return [f"Run {made.run_id} existed already, with these settings.", *made.notes]
    return [f"Run {made.run_id}: {made.samples:,} samples wanted.", *made.notes]
