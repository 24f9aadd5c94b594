"""`monkeys worker`: processes that do the work."""

import logging
import sys
from pathlib import Path

import click

from cli.options import Number, batch_option, endpoint_option, engine_args, llm_option, with_endpoint
from cli.worker.command import worker_arguments
from verifiers.ranges import whole


@click.group()
def worker() -> None:
    """Start a worker in this terminal. The local stack starts its own.

    \b
    Example:
      monkeys worker generate -m meta-llama/Meta-Llama-3-8B-Instruct --gpus 0 --gpus 1
      monkeys worker verify -c 16
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("alembic").setLevel(logging.WARNING)  # it lists its plugins


gpus_option = click.option(
    "--gpus", multiple=True, help="GPU indices of one engine, such as 0 or 0,1; again for another engine."
)
kept_option = click.option("--kept", is_flag=True, hidden=True, help="A keeper started this process.")
engine_arg_option = click.option(
    "--engine-arg", "engine_arguments", multiple=True, help="key=value for the engine (may be given again)."
)


@worker.command()
@llm_option
@gpus_option
@click.option(
    "-c", "--concurrency", type=Number(whole(1)), default=32, show_default=True, help="Most batches in flight."
)
@click.option(
    "--requests", type=Number(whole(1)), default=32, show_default=True, help="Most requests in flight to each endpoint."
)
@endpoint_option
@batch_option
@engine_arg_option
@click.option("--name", help="The worker's name in Flower.")
@kept_option
def generate(
    llm: str,
    gpus: tuple[str, ...],
    concurrency: int,
    requests: int,
    endpoint: tuple[str, ...],
    batch: bool,
    engine_arguments: tuple[str, ...],
    name: str | None,
    kept: bool,
) -> None:
    """Sample with one llm, loaded before the first message is taken.

    As many batches are in flight as the engine has room for, and never more than --concurrency. What the engine must
    know to make other samples (dtype, quantization, max_model_len, revision, lora ...) is an --engine-arg, the same
    here and at enqueue.

    \b
    Example:
      monkeys worker generate -m meta-llama/Meta-Llama-3-8B-Instruct --gpus 0 --gpus 1
      monkeys worker generate -m meta-llama/Meta-Llama-3-70B-Instruct --gpus 0,1,2,3 --engine-arg max_model_len=4096
    """
    from cli.worker.engines import keep_engines, only_gpus
    from tasks.engines import check_arguments, engine_of, full_name, queue_of
    from verifiers.errors import UserError

    if gpus and engine_of(llm) == "openai":
        raise UserError(
            "--gpus gives a worker the GPUs of its own engine, and an endpoint's are elsewhere; how many serve it is "
            "--engine-arg gpus=N, as given to enqueue."
        )
    arguments = engine_args(with_endpoint(engine_arguments, endpoint, batch=batch))
    check_arguments(llm, arguments)
    name = name or f"{queue_of(full_name(llm), arguments)}@%h"
    if not kept and (engine_of(llm) == "vllm" or len(gpus) > 1):
        words = worker_arguments("generate", llm, arguments)
        sys.exit(keep_engines([*words, "-c", str(concurrency), "--requests", str(requests)], gpus, name))
    mine = only_gpus(gpus)
    from tasks.workers.exits import leave
    from tasks.workers.process import generate_worker

    leave(generate_worker(llm, arguments, mine, requests, concurrency, name))


@worker.command()
@click.option(
    "-c",
    "--concurrency",
    type=Number(whole(1)),
    help="Processes. Default: cores; of verify.docker no more than memory has room for.",
)
@click.option("-Q", "--queue", "queues", multiple=True, default=["verify"], show_default=True)
@click.option("--name", help="The worker's name in Flower.  [default: its queue's @%h]")
@click.option("--own-benchmarks", is_flag=True, help="Run the code of people's own benchmarks: -Q names one's queue.")
@click.option("--network", is_flag=True, help="Let patches' tests reach the network, as the official harness does.")
@click.option(
    "--packages", type=click.Path(path_type=Path), help="What programs may import, by `pip install --target FOLDER`."
)
@click.option("--unsafe-no-sandbox", is_flag=True, help="Run programs with nothing around them; every verdict says so.")
def verify(
    concurrency: int | None,
    queues: tuple[str, ...],
    name: str | None,
    own_benchmarks: bool,
    network: bool,
    packages: Path | None,
    unsafe_no_sandbox: bool,
) -> None:
    """Judge samples, in a sandbox where they are programs or proofs.

    A person's own benchmark has a queue of its own, which `monkeys enqueue` and `monkeys doctor` tell. Judging by it
    runs that person's code, outside any sandbox and with all that this worker may do: only --own-benchmarks does. What
    was enqueued last is loaded before the first message is taken.

    Programs may import numpy and what else set-up installed for them; `monkeys doctor` says what. --packages, or
    MONKEYS_PACKAGES, names another folder, made by `pip install --target` of the Python that the sandbox runs.

    Patches have the queue verify.docker: each is judged in a container of its own, by the Docker daemon that
    DOCKER_HOST names, and what lost workers left there is removed first. Without a daemon the worker ends at once and
    the queue waits. MONKEYS_PATCH_MEMORY_GB (8) for each process has to fit into memory.

    \b
    Example:
      monkeys worker verify -c 16
      monkeys worker verify -Q verify.docker --network
      monkeys worker verify -Q verify.my-dates-1f0c2a9b --own-benchmarks
    """
    from tasks.workers.exits import leave
    from tasks.workers.process import verify_worker

    name = name or f"{queues[0]}@%h"
    code = verify_worker(
        concurrency,
        list(queues),
        name,
        unsafe=unsafe_no_sandbox,
        own=own_benchmarks,
        network=network,
        packages=packages,
    )
    leave(code)


@worker.command()
@click.option("--reward-model", required=True, help="A hub name or a folder that vLLM loads as a pooling model.")
@gpus_option
@click.option(
    "-c", "--concurrency", type=Number(whole(1)), default=32, show_default=True, help="Most batches in flight."
)
@engine_arg_option
@click.option("--name", help="The worker's name in Flower.")
@kept_option
def score(
    reward_model: str,
    gpus: tuple[str, ...],
    concurrency: int,
    engine_arguments: tuple[str, ...],
    name: str | None,
    kept: bool,
) -> None:
    """Score samples with one reward model, loaded before the first message is taken.

    \b
    Example:
      monkeys worker score --reward-model Skywork/Skywork-Reward-V2-Llama-3.1-8B --gpus 0
    """
    from cli.worker.engines import keep_engines, only_gpus
    from tasks.engines.reward_models import check_reward_arguments, reward_queue

    arguments = engine_args(engine_arguments)
    check_reward_arguments(arguments)
    name = name or f"{reward_queue(reward_model, arguments)}@%h"
    if not kept:
        words = worker_arguments("score", reward_model, arguments)
        sys.exit(keep_engines([*words, "-c", str(concurrency)], gpus, name))
    mine = only_gpus(gpus)
    from tasks.workers.exits import leave
    from tasks.workers.process import score_worker

    leave(score_worker(reward_model, arguments, mine, concurrency, name))
