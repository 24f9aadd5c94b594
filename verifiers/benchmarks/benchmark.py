"""What a benchmark is: a named set of problems, a prompt and its verifiers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from verifiers.verifier import Problem, Verifier


@dataclass(frozen=True)
class Sampling:
    """A benchmark's own sampling settings, which a run may override. `max_tokens` counts new tokens."""

    temperature: float
    max_tokens: int
    top_p: float = 1.0
    stop: tuple[str, ...] = ()
    include_stop: bool = False


@dataclass(frozen=True)
class Benchmark:
    """One file of `verifiers/benchmarks/` each; a user's own is an object of this shape.

    load(file): the problems, in order, of a data file, or of the bundled or public set when file is None.
    prompts(problems, shots, prefix): one prompt a problem, in order. `problems` is the whole benchmark as loaded,
        since few-shot examples may depend on a problem's place in it; `shots` is the file of few-shot examples
        or None; `prefix` is a text that replaces the few-shot prefix.
    verifiers: the first is the one that counts unless a run says otherwise.
    subsets: name -> the indices into the loaded problems, in order.
    Mistakes raise UserError.
    """

    name: str
    about: str
    load: Callable[[Path | None], list[Problem]]
    prompts: Callable[[Sequence[Problem], Path | None, str | None], list[str]]
    verifiers: tuple[Verifier, ...]
    sampling: Sampling
    subsets: Mapping[str, Callable[[Sequence[Problem]], list[int]]] = field(default_factory=dict)
