"""How a shell completes runs, benchmarks and llms: from what is bundled and what the database holds, at once.

A shell that completes must not be told anything: where the database does not answer, there is nothing to complete.
"""

from collections.abc import Callable, Iterable
from typing import Any

import click

Complete = Callable[[click.Context, click.Parameter, str], list[str]]


def _completing(names: Callable[[str], Iterable[str]]) -> Complete:
    """What click asks for completions: those of the names that begin as what is typed does; none on any error."""

    def complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:  # noqa: ARG001
        try:
            return [name for name in names(incomplete) if name.startswith(incomplete)]
        except Exception:
            return []

    return complete


def _runs(beginning: str) -> list[str]:
    from models.questions.find import run_names

    return run_names(beginning)


def _benchmarks(_: str) -> list[str]:
    from verifiers.benchmarks import BENCHMARKS

    return list(BENCHMARKS)


def _llms(beginning: str) -> list[str]:
    from models.questions.find import llm_names

    return list(dict.fromkeys(["pocket-monkey", *llm_names(beginning)]))


def _of_benchmark(names: Callable[[Any], Iterable[str]]) -> Complete:
    """Completions out of the benchmark that the command line names already, one of ours: no code of others is run."""

    def complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:  # noqa: ARG001
        from verifiers.benchmarks import BENCHMARKS

        words = (ctx.params.get("benchmark"), *ctx.args)  # not parsed yet where an option waits for its value
        found = next((BENCHMARKS[word] for word in words if word in BENCHMARKS), None)
        return [name for name in names(found) if name.startswith(incomplete)] if found else []

    return complete


complete_runs, complete_benchmarks, complete_llms = map(_completing, (_runs, _benchmarks, _llms))
complete_subsets = _of_benchmark(lambda benchmark: benchmark.subsets)
complete_verifiers = _of_benchmark(lambda benchmark: [verifier.name for verifier in benchmark.verifiers])
