"""What goes to an OpenAI-compatible server and what comes back, as JSON: of one request, or of a line of a batch."""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from tasks.engines.engine import Completion, Request

SPECIAL = re.compile(r"[\\.^$*+?{}\[\]|()]")
"""What means something else in a regular expression."""


def path(request: Request) -> str:
    """Where a request goes, below the endpoint."""
    return "/chat/completions" if request.sampling.chat else "/completions"


def body(model: str, request: Request, size: int, seed: int | None, extra: Mapping[str, Any]) -> dict[str, Any]:
    """A request for `size` samples; `extra` are fields of the server's own, by the engine arguments."""
    sampling = request.sampling
    fields: dict[str, Any] = {
        "model": model,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "max_tokens": sampling.max_tokens,
        "n": size if size > 1 else None,
        "seed": seed,
        "stop": list(sampling.stop) or None,
        "top_k": sampling.top_k,
        "min_p": sampling.min_p,
        "include_stop_str_in_output": True if sampling.include_stop and sampling.stop else None,
        "presence_penalty": sampling.presence_penalty,
        "frequency_penalty": sampling.frequency_penalty,
        "repetition_penalty": sampling.repetition_penalty,
        "chat_template_kwargs": sampling.chat_template_args,
        **_thinking_budget(sampling.thinking_budget),
        **_structured(sampling.structured_outputs),
        **extra,
    }
    if sampling.chat:
        fields |= {"messages": messages(request), "logprobs": True}
    else:
        fields |= {"prompt": request.prompt, "logprobs": 0}
    return {name: value for name, value in fields.items() if value is not None}


def _thinking_budget(tokens: int | None) -> dict[str, Any]:
    """By vLLM's name and by SGLang's, of which each ignores the other's."""
    return {} if tokens is None else {"thinking_token_budget": tokens, "custom_params": {"thinking_budget": tokens}}


def _structured(wanted: Mapping[str, Any] | None) -> dict[str, Any]:
    """A schema as OpenAI takes it, which vLLM and SGLang take too; the rest by vLLM's name and by SGLang's."""
    if wanted is None:
        return {}
    if "json" in wanted:
        schema = {"name": "answer", "schema": wanted["json"], "strict": True}
        return {"response_format": {"type": "json_schema", "json_schema": schema}}
    regex = "|".join(SPECIAL.sub(r"\\\g<0>", each) for each in wanted["choice"]) if "choice" in wanted else None
    return {"structured_outputs": wanted, "regex": wanted.get("regex", regex), "ebnf": wanted.get("grammar")}


def messages(request: Request) -> list[dict[str, str]]:
    """A chat's messages: the system message, where the run has one, and the prompt."""
    system = request.sampling.system
    first = [] if system is None else [{"role": "system", "content": system}]
    return [*first, {"role": "user", "content": request.prompt}]


def billed(answer: Any) -> dict[str, float | None]:
    """What an answer says was used, by the fields of Account; None where it does not say, or says what cannot be."""
    usage = _mapping(_mapping(answer).get("usage"))
    prompt, completion = _count(usage.get("prompt_tokens")), _count(usage.get("completion_tokens"))
    cached = _mapping(usage.get("prompt_tokens_details")).get("cached_tokens", usage.get("prompt_cache_hit_tokens"))
    thinking = _mapping(usage.get("completion_tokens_details")).get("reasoning_tokens", usage.get("reasoning_tokens"))
    return {
        "prompt_tokens": prompt,
        "cached_prompt_tokens": _part(cached, prompt),
        "completion_tokens": completion,
        "thinking_tokens": None if thinking == 0 and _thought(answer) else _part(thinking, completion),
        "usd": _number(usage.get("cost"), least=0),
    }


MOST_TOKENS = 2**31
"""No request has more: what says so counts something else."""


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _count(value: Any) -> int | None:
    usable = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < MOST_TOKENS
    return value if usable else None


def _part(value: Any, whole: int | None) -> int | None:
    """A count that cannot be more than another one."""
    count = _count(value)
    return None if count is None or (whole is not None and count > whole) else count


def _number(value: Any, least: float = -math.inf) -> float | None:
    usable = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and value >= least
    return float(value) if usable else None


def choices_of(answer: Any) -> list[Mapping[str, Any]]:
    """The choices of an answer; ValueError where it is none of OpenAI's shape."""
    found = _mapping(answer).get("choices")
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise ValueError(f"no list of choices in {str(answer)[:200]!r}")
    return found


def completions(answer: Any, request: Request, most: int, seed: int | None) -> list[Completion]:
    """The samples of an answer, `most` at most; ValueError where it is none of OpenAI's shape.

    Of several, how many tokens each has is known only where the answer holds their logprobs.
    """
    choices = choices_of(answer)[:most]
    alone = len(choices_of(answer)) == 1
    return [_completion(choice, request, billed(answer), seed, alone=alone) for choice in choices]


def _completion(
    choice: Mapping[str, Any], request: Request, used: Mapping[str, Any], seed: int | None, *, alone: bool
) -> Completion:
    if choice.get("error") or choice.get("finish_reason") == "error":  # OpenRouter's way to say that its provider broke
        raise ValueError(f"a choice that failed: {str(choice.get('error'))[:200]}")
    text, thinking = _said(choice)
    tokens = _token_logprobs(choice.get("logprobs"))
    counted = None if tokens is None else len(tokens)
    return Completion(
        text=text,
        thinking=thinking or None,
        prompt_tokens=used["prompt_tokens"],
        completion_tokens=used["completion_tokens"] if alone and used["completion_tokens"] is not None else counted,
        thinking_tokens=used["thinking_tokens"] if alone else None,
        finish_reason=choice.get("finish_reason"),
        logprob=sum(tokens) if tokens is not None else None,
        token_logprobs=tokens if request.sampling.token_logprobs else None,
        seed=seed,
    )


THOUGHTS = ("reasoning", "reasoning_content")
"""A server's own field of what was thought, as it is called now and as it was."""


def _said(choice: Mapping[str, Any]) -> tuple[str, str]:
    """The answer and the thoughts of a choice, both empty where it called a tool or refused; ValueError if no text."""
    if choice.get("message") is None:
        return _words(choice.get("text")), ""
    message = _mapping(choice["message"])
    content = message.get("content")
    parts = [each for each in content if isinstance(each, dict)] if isinstance(content, list) else []
    thoughts = [each for each in parts if each.get("type") in ("thinking", "reasoning")]
    own = next((said for name in THOUGHTS if isinstance(said := message.get(name), str) and said), "")
    thinking = own or "".join(_words(each.get("thinking") or each.get("text")) for each in thoughts)
    answers = [each for each in content if each not in thoughts] if isinstance(content, list) else content
    return _words(answers), thinking


def _words(value: Any) -> str:
    """A text, none, or the texts of a list of parts as some servers give them."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    parts = value if isinstance(value, list) else [value]
    texts = [part if isinstance(part, str) else _mapping(part).get("text") or "" for part in parts]
    if not all(isinstance(text, str) for text in texts) or not isinstance(value, list):
        raise ValueError(f"a choice whose content is no text: {str(value)[:200]!r}")
    return "".join(texts)


def _thought(answer: Any) -> bool:
    """Whether thoughts stand in an answer. Some servers count 0 tokens of them then: vLLM where the prompt opened the
    thinking, SGLang without a parser.
    """
    try:
        return any(_said(choice)[1] for choice in choices_of(answer))
    except ValueError:
        return False


def _token_logprobs(given: Any) -> Sequence[float] | None:
    """Each token's logprob, of either form of answer; None where one is no number."""
    content = _mapping(given).get("content")
    if isinstance(content, list):
        found = [_number(_mapping(each).get("logprob")) for each in content]
    else:
        values = _mapping(given).get("token_logprobs")
        if not isinstance(values, list):
            return None
        found = [0.0 if each is None else _number(each) for each in values]
    numbers = [each for each in found if each is not None]
    return numbers if len(numbers) == len(found) else None
