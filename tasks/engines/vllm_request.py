"""A request as vLLM takes it here: prompt and parameters, and where the thinking of what it says begins and ends."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from jinja2 import TemplateError

from tasks.engines.engine import Request, RequestRefused
from tasks.engines.openai_wire import messages
from verifiers.benchmarks.benchmark import Sampling


def chat_prompt(tokenizer: Any, request: Request) -> str:
    """A request's messages through the llm's chat template; RequestRefused where it has none, or refuses them."""
    if getattr(tokenizer, "chat_template", "") is None:
        raise RequestRefused("the llm has no chat template; enqueue without --chat")
    arguments = request.sampling.chat_template_args or {}
    try:
        return str(
            tokenizer.apply_chat_template(messages(request), add_generation_prompt=True, tokenize=False, **arguments)
        )
    except (TemplateError, TypeError, ValueError) as error:
        why = " ".join(str(error).split())[:400]
        raise RequestRefused(
            f"the llm's chat template refuses the prompt, the system message or an argument ({why}); "
            "see --system and --chat-template-arg"
        ) from error


def parameters(sampling: Sampling, size: int, seed: int | None) -> Any:
    """vLLM's parameters of one request for `size` samples; child i gets seed + i. ValueError for a wrong one."""
    from vllm.sampling_params import RequestOutputKind, SamplingParams, StructuredOutputsParams

    structured = sampling.structured_outputs
    return SamplingParams(
        n=size,
        temperature=sampling.temperature,
        top_p=sampling.top_p,
        top_k=sampling.top_k or 0,
        min_p=sampling.min_p or 0.0,
        max_tokens=sampling.max_tokens,
        stop=list(sampling.stop) or None,
        include_stop_str_in_output=sampling.include_stop,
        presence_penalty=sampling.presence_penalty or 0.0,
        frequency_penalty=sampling.frequency_penalty or 0.0,
        repetition_penalty=sampling.repetition_penalty or 1.0,
        thinking_token_budget=sampling.thinking_budget,
        structured_outputs=StructuredOutputsParams(**structured) if structured is not None else None,
        seed=seed,
        logprobs=0,
        output_kind=RequestOutputKind.FINAL_ONLY,
    )


@dataclass(frozen=True)
class Tags:
    """What opens an llm's thinking, and the tokens that end it, where they are known."""

    begin: str = "<think>"
    end: tuple[int, ...] = ()

    def opened(self, prompt: str) -> str:
        """The tag, with the blanks after it, that a prompt ends in: the answer goes on from there. Else nothing."""
        found = re.search(rf"{re.escape(self.begin)}\s*\Z", prompt)
        return found.group() if found else ""

    def thinking_tokens(self, text: str, ids: Sequence[int]) -> int | None:
        """How many of a sample's tokens were thinking, up to its last end tag: all, where it did not end.

        text: the sample, with the tag that its prompt opened. None where the tokens of the tag are not known.
        """
        if not self.end:
            return None
        for place in range(len(ids), len(self.end) - 1, -1):
            if ids[place - 1] == self.end[-1] and tuple(ids[place - len(self.end) : place]) == self.end:
                return place
        return len(ids) if text.lstrip().startswith(self.begin) else 0


def tags_of(config: Any, tokenizer: Any) -> Tags:
    """The tags by the reasoning parser of an engine, where it was given one that knows them."""
    reasoning = config.reasoning_config
    if reasoning is None or not reasoning.enabled:
        return Tags()
    begin = tokenizer.decode(list(reasoning.reasoning_start_token_ids))
    return Tags(begin, tuple(reasoning.natural_reasoning_end_token_ids))
