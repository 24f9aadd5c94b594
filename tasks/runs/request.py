"""What a person asks for when a run is made, its mistakes, and what it settles: problems, sampling, when to stop."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from models.questions.prices import price_now, tier_of
from tasks.engines import engine_of
from tasks.runs.sampling import check_sampling
from verifiers.benchmarks import find_benchmark
from verifiers.benchmarks.benchmark import Benchmark, Sampling
from verifiers.benchmarks.known import known_keys
from verifiers.benchmarks.template import asked, filled
from verifiers.errors import UserError
from verifiers.ranges import about, check_ranges, real, whole
from verifiers.verifier import Problem

BATCH_SIZE = 100
"""Samples of a batch unless a person says otherwise."""

FIRST_BATCH = 10
"""Samples of each problem's first batch then, where it has several, so that the first curve comes early."""

LONGEST_NAME = 200

BUDGETS = ("usd", "gpu_hours", "flops")
"""What a run's stopping rule may limit, by the names that it has there."""


@dataclass(frozen=True)
class RunRequest:
    """What a person asks for; `sampling` goes over the benchmark's own settings, by name."""

    benchmark: str
    llm: str
    n: int = field(metadata=about("Samples of each problem.", whole(1)))
    name: str | None = None
    data: Path | None = None
    shots: Path | None = None
    prefix: str | None = None
    template: str | None = None
    form: str | None = None
    """Which of the benchmark's other prompts is asked."""
    no_shots: bool = False
    """Whether a raw prompt goes without examples."""
    without_known: bool = False
    """Whether problems that are known to be defective are left out."""
    known: Path | None = None
    """A file of more of them."""
    subset: str | None = None
    problems: Sequence[str] = ()
    limit: int | None = field(default=None, metadata=about("Only the first so many problems.", whole(1)))
    verifier: str | None = None
    engine_args: Mapping[str, Any] = field(default_factory=dict)
    batch_size: int | None = field(
        default=None,
        metadata=about(
            f"Samples of one work. Default: {BATCH_SIZE}, and of a larger -n {FIRST_BATCH} first.", whole(1)
        ),
    )
    sampling: Mapping[str, Any] = field(default_factory=dict)
    thinking: str | None = None
    """How thoughts are split off (verifiers/thinking.py); None is the default of its mode."""
    depth_first: bool = False
    probe: bool = True
    """Whether an endpoint is asked for one token first, and an llm's files are looked at."""
    stop_when_solved: bool = False
    budget_usd: float | None = field(
        default=None, metadata=about("No more batches once it has cost so many dollars.", real(0, above=True))
    )
    budget_gpu_hours: float | None = field(
        default=None,
        metadata=about("No more batches once it has taken so many GPU-hours; CPUs take none.", real(0, above=True)),
    )
    budget_flops: float | None = field(
        default=None, metadata=about("No more batches once it has taken so many FLOPs.", real(0, above=True))
    )


def check_name(option: str, name: str | None) -> None:
    """UserError for a name that a person could not type again, or take for something else."""
    if name is None:
        return
    if not name.strip() or name.isdigit():
        raise UserError(f"{option} must not be empty or a number, which would look like a run's id.")
    if name.startswith("-"):
        raise UserError(f"{option} must not begin with -, which would look like an option.")
    if len(name) > LONGEST_NAME or not name.isprintable():
        raise UserError(f"{option} must have at most {LONGEST_NAME} characters, none of them a control character.")


def batch_sizes(request: RunRequest) -> tuple[int, int]:
    """Samples of a batch, and of each problem's first one."""
    size = request.batch_size or BATCH_SIZE
    early = request.batch_size is None and request.n > size and not request.depth_first
    return size, FIRST_BATCH if early else size


def check_request(request: RunRequest) -> None:
    """UserError for the mistakes that no problem needs to be loaded for."""
    check_name("--name", request.name)
    check_ranges(request)
    sampling = chosen_sampling(request)
    check_sampling(sampling, request.llm, request.engine_args)
    if request.thinking == "server" and engine_of(request.llm) == "openai" and not sampling.chat:
        raise UserError("--thinking server is what a chat's answer holds apart from its text; add --chat.")


def chosen_problems(request: RunRequest) -> tuple[list[Problem], list[str]]:
    """A run's problems and prompts, in order; UserError on a person's mistake."""
    benchmark = find_benchmark(request.benchmark)
    problems = benchmark.load(request.data)
    without = known_keys(benchmark, request.known, problems) if request.without_known else set()
    places = chosen_places(benchmark, problems, request.subset, request.problems, request.limit, without)
    if request.form is not None:
        problems = [problems[place] for place in places]
        return problems, _prompts_of_form(benchmark, request)(problems)
    prompts = _prompts(benchmark, problems, request)
    return [problems[place] for place in places], [prompts[place] for place in places]


def _prompts_of_form(benchmark: Benchmark, request: RunRequest) -> Callable[[Sequence[Problem]], list[str]]:
    """The benchmark's prompts of the form that the person chose: only those of chosen problems are made."""
    assert request.form is not None
    if request.form not in benchmark.forms:
        known = ", ".join(benchmark.forms) or "none"
        raise UserError(f"{benchmark.name} has no prompts {request.form!r}; it has {known} besides its first.")
    if request.shots is not None or request.prefix is not None or request.template is not None or request.no_shots:
        raise UserError("--prompt is a whole prompt; leave out --shots, --prompt-file and --prompt-template.")
    return benchmark.forms[request.form]


def _prompts(benchmark: Benchmark, problems: Sequence[Problem], request: RunRequest) -> list[str]:
    """The person's template, else what the benchmark asks in a chat, else its raw prompt.

    Examples that a person gives are asked for in its raw form, in a chat too.
    """
    given = request.shots is not None or request.prefix is not None
    if given and (request.template is not None or request.no_shots):
        option = "--prompt-template is the whole prompt" if request.template is not None else "--shots 0 is no example"
        raise UserError(f"{option}; leave out --shots FILE and --prompt-file.")
    if request.template is not None:
        return filled(request.template, problems)
    if benchmark.chat is not None and not given and (chosen_sampling(request).chat or benchmark.prompts is None):
        return asked(benchmark.chat, problems)
    if benchmark.prompts is None:
        raise UserError(f"{benchmark.name} has no examples in its prompt; leave out --shots and --prompt-file.")
    return benchmark.prompts(problems, request.shots, "" if request.no_shots else request.prefix)


def chosen_places(
    benchmark: Benchmark,
    problems: Sequence[Problem],
    subset: str | None,
    keys: Sequence[str],
    limit: int | None,
    without: Collection[str] = (),
) -> list[int]:
    """Places of the wanted problems: a subset, keys, or the first so many; none whose key is in `without`."""
    places = list(range(len(problems)))
    if subset is not None:
        if subset not in benchmark.subsets:
            known = ", ".join(benchmark.subsets) or "none"
            raise UserError(f"{benchmark.name} has no subset {subset!r}; it has {known}.")
        places = benchmark.subsets[subset](problems)
    places = [place for place in places if problems[place].key not in without]
    if keys:
        by_key = {problems[place].key: place for place in places}
        for key in keys:
            if key not in by_key:
                raise UserError(f"There is no problem {key!r} among the {len(places)} problems.")
        places = [by_key[key] for key in keys]
    return places[:limit]


def chosen_sampling(request: RunRequest) -> Sampling:
    """The benchmark's own settings, with those over them that the person gave.

    Stop strings of a raw prompt, where the next example would begin, are not those of a chat.
    """
    own = find_benchmark(request.benchmark).sampling
    if request.sampling.get("chat") and not own.chat:
        own = replace(own, stop=())
    return replace(own, **request.sampling)


def default_thinking(sampling: Sampling) -> str:
    """The rule by which thoughts are split off unless a person says otherwise."""
    return "tags" if sampling.chat else "none"


def stop_rule(request: RunRequest, llm: str) -> dict[str, Any]:
    """What ends the run early; UserError where it could never be known that a budget is spent."""
    given = {name: getattr(request, f"budget_{name}") for name in BUDGETS}
    rule: dict[str, Any] = {name: budget for name, budget in given.items() if budget is not None}
    check_budgets(rule, llm, request.engine_args)
    if request.stop_when_solved:
        rule["when_solved"] = True
    return rule


def check_budgets(budgets: Collection[str], llm: str, engine_args: Mapping[str, Any]) -> None:
    """UserError for one of BUDGETS of which it could never be known that it is spent."""
    engine, gpus = engine_of(llm), engine_args.get("gpus")
    if "gpu_hours" in budgets and engine == "openai" and not gpus:
        raise UserError(
            "The GPU-hours of an endpoint are not known here; --gpus says how many serve it, or give --budget-usd."
        )
    if "flops" in budgets and engine != "vllm":
        raise UserError(f"The FLOPs of {llm} are not known, since its sizes are not; only vLLM tells them.")
    if "usd" in budgets and engine != "replay":
        _check_price(llm, engine_args, has_gpus=engine == "vllm" or bool(gpus))


def _check_price(llm: str, engine_args: Mapping[str, Any], *, has_gpus: bool) -> None:
    """UserError unless a price holds now by which this llm's samples will have one."""
    price = price_now(llm, engine_args)
    if price is None:
        tier = " of the tier batch" if tier_of(engine_args) == "batch" else ""
        raise UserError(f"--budget-usd needs a price of {llm}{tier} that holds now; `monkeys price set` stores one.")
    if price.usd_per_million_input is None and price.usd_per_attempt is None and not has_gpus:
        raise UserError(f"{llm} has a price by the GPU-hour only; --gpus says how many GPUs serve it.")
