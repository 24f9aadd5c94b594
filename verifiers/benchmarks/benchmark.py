"""What a benchmark is: a named set of problems, a prompt and its verifiers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from verifiers.ranges import about, real, whole
from verifiers.verifier import Problem, Verifier


@dataclass(frozen=True)
class Sampling:
    """How an llm is sampled: a benchmark's own settings, what a run stores, what an engine is told.

    This is the only list of them: the options of `enqueue`, their ranges and the run's row come from the fields. A new
    one is None unless it is given, so that older runs stay what they are.
    """

    temperature: float = field(metadata=about("Default: the benchmark's own.", real(0)))
    max_tokens: int = field(metadata=about("New tokens of a sample. Default: the benchmark's own.", whole(1)))
    top_p: float = field(default=1.0, metadata=about("Default: the benchmark's own.", real(0, 1, above=True)))
    stop: tuple[str, ...] = field(
        default=(), metadata=about("A stop string in place of the benchmark's own (may be given again).")
    )
    include_stop: bool = False
    """Whether a sample's text keeps the stop string that ended it."""
    top_k: int | None = field(
        default=None, metadata=about("Most likely tokens to draw from; 0 or -1 is all.", whole(-1))
    )
    min_p: float | None = field(
        default=None, metadata=about("Least share of the likeliest token's probability.", real(0, 1))
    )
    chat: bool = field(default=False, metadata=about("Put prompts through the llm's chat template. Default: raw."))
    token_logprobs: bool = field(default=False, metadata=about("Keep every token's logprob."))
    seeded: bool = field(
        default=False, metadata=about("A seed for every sample: slower, and no promise of bit-equality.")
    )
    system: str | None = field(default=None, metadata=about("The system message, with --chat.", form="file"))
    chat_template_args: dict[str, Any] | None = field(
        default=None,
        metadata=about(
            "key=value for the llm's chat template, such as enable_thinking=false (may be given again).", form="pairs"
        ),
    )
    thinking_budget: int | None = field(
        default=None, metadata=about("Most tokens of thinking, of an engine that can end it.", whole(1))
    )
    presence_penalty: float | None = field(
        default=None, metadata=about("Taken off the logits of tokens that were there.", real(-2, 2))
    )
    frequency_penalty: float | None = field(
        default=None, metadata=about("The same for each time that they were.", real(-2, 2))
    )
    repetition_penalty: float | None = field(
        default=None, metadata=about("What logits of tokens that were there are divided by.", real(0, above=True))
    )
    structured_outputs: dict[str, Any] | None = field(
        default=None,
        metadata=about("What an answer must be, as JSON or @FILE: one of json, regex, choice, grammar.", form="json"),
    )

    def stored(self) -> dict[str, Any]:
        """As run.sampling holds it: without what is off."""
        return {name: value for name, value in vars(self).items() if value is not None}

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> "Sampling":
        """From run.sampling of a run that we sample; ValueError where it holds one that this code does not know."""
        unknown = stored.keys() - {each.name for each in fields(cls)}
        if unknown:
            raise ValueError(f"this version of monkeys does not know the sampling setting {min(unknown)}")
        return cls(**{**stored, "stop": tuple(stored.get("stop", ()))})


@dataclass(frozen=True)
class Benchmark:
    """One file of `verifiers/benchmarks/` each; a user's own is an object of this shape (verifiers/examples/).

    load(file): the problems, in order, of a data file, or of the bundled or public set when file is None.
    verifiers: the first is the one that counts unless a run says otherwise.
    chat: what a user asks in a chat, with {field} for a field of the problem's data, or {field?} for one that files may
        lack, from the set's public protocol.
    prompts(problems, shots, prefix): one raw prompt a problem, in order. `problems` is the whole benchmark as loaded,
        since few-shot examples may depend on a problem's place in it; `shots` is the file of few-shot examples
        or None; `prefix` is a text that replaces the few-shot prefix, "" where no example is wanted. Without it the
        raw prompt is that of a chat.
    subsets: name -> the indices into the loaded problems, in order.
    source, licence: where the problems come from, and under which terms.
    known: key -> why, of problems that are known to be defective: `--without-known` leaves them out.
    mended: key -> a regular expression of a known problem's statement, blanks left out, where a file has mended it.
    forms: name -> (problems -> one raw prompt a problem), of other prompts than the first, chosen by `--prompt`.
    Mistakes raise UserError.
    """

    name: str
    about: str
    load: Callable[[Path | None], list[Problem]]
    verifiers: tuple[Verifier, ...]
    sampling: Sampling
    chat: str | None = None
    prompts: Callable[[Sequence[Problem], Path | None, str | None], list[str]] | None = None
    subsets: Mapping[str, Callable[[Sequence[Problem]], list[int]]] = field(default_factory=dict)
    source: str = ""
    licence: str = ""
    known: Mapping[str, str] = field(default_factory=dict)
    mended: Mapping[str, str] = field(default_factory=dict)
    forms: Mapping[str, Callable[[Sequence[Problem]], list[str]]] = field(default_factory=dict)
    code: "Code | None" = None
    """Of a person's own: where it comes from, set by whoever loads it."""


@dataclass(frozen=True)
class Code:
    """What a worker loads a person's own benchmark from, as the tables hold it, and what says whether it is the same.

    A file travels whole in `source`; a module is found in `folder`, or where `folder` is None in the environment.
    """

    origin: str
    """As a person names it, with a file's and a folder's whole path: one benchmark's name has one origin."""
    attribute: str
    digest: str
    """Hex SHA-256 of the code that was loaded."""
    source: str | None = None
    module: str | None = None
    folder: str | None = None
