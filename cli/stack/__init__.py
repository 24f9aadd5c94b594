"""The local stack: PostgreSQL, Redis, workers, the sweeper and Flower, under one state folder."""

from collections.abc import Iterable


def ensure_llm(llm: str, engine_arguments: Iterable[str] = ()) -> bool:
    """Have the running local stack serve an llm too; False where no stack runs. Does not wait for the worker."""
    from cli.stack.control import add
    from cli.stack.state import Wanted, WantedLlm

    return add(Wanted([WantedLlm(llm, tuple(engine_arguments))], [])) is not None


def ensure_queue(queue: str) -> bool | None:
    """Have the running local stack serve a queue of verify works too, beside `verify`; whether that is new to it.

    None where no stack runs.
    """
    from cli.stack.control import add
    from cli.stack.state import Wanted

    return add(Wanted([], [queue]))


def ensure_up(llms: Iterable[str]) -> None:
    """Bring the local stack up with these llms and wait until each is served; says on stderr what goes on."""
    from cli.stack.control import bring_up
    from cli.stack.state import WantedLlm

    bring_up([WantedLlm(each) for each in llms])
