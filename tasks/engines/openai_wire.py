"""What goes to an OpenAI-compatible server and what comes back, as JSON: of one request, or of a line of a batch."""

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


def billed(answer: Mapping[str, Any]) -> dict[str, int | None]:
    """What an answer says was used, by the fields of Account; None where it does not say."""
    usage = answer.get("usage") or {}
    return {"prompt_tokens": usage.get("prompt_tokens"), "completion_tokens": usage.get("completion_tokens")}


def completions(answer: Mapping[str, Any], request: Request, most: int, seed: int | None) -> list[Completion]:
    """The samples of an answer, `most` at most."""
    choices = (answer.get("choices") or [])[:most]
    alone = len(choices) == 1
    return [_completion(choice, request, answer, seed, alone=alone) for choice in choices]


def _completion(
    choice: Mapping[str, Any], request: Request, answer: Mapping[str, Any], seed: int | None, *, alone: bool
) -> Completion:
    text, thinking = _said(choice)
    tokens = _token_logprobs(choice)
    used = billed(answer)
    return Completion(
        text=text,
        thinking=thinking or None,
        prompt_tokens=used["prompt_tokens"],
        completion_tokens=len(tokens) if tokens is not None else used["completion_tokens"] if alone else None,
        thinking_tokens=_thinking_tokens(answer.get("usage") or {}, thinking) if alone else None,
        finish_reason=choice.get("finish_reason"),
        logprob=sum(tokens) if tokens is not None else None,
        token_logprobs=tokens if request.sampling.token_logprobs else None,
        seed=seed,
    )


def _said(choice: Mapping[str, Any]) -> tuple[str, str]:
    """The answer and the thoughts of a choice. Both are empty where it called a tool or refused."""
    message = choice.get("message")
    if not isinstance(message, Mapping):
        return _words(choice.get("text")), ""
    content = message.get("content")
    parts = [each for each in content if isinstance(each, Mapping)] if isinstance(content, list) else []
    thoughts = [each for each in parts if each.get("type") in ("thinking", "reasoning")]
    answers = [each for each in parts if each not in thoughts]
    own = message.get("reasoning") or message.get("reasoning_content")
    thinking = _words(own) or "".join(_words(each.get("thinking") or each.get("text")) for each in thoughts)
    return _words(content if isinstance(content, str) else answers), thinking


def _words(value: Any) -> str:
    """A text, or the texts of a list of parts; nothing of what is neither."""
    if isinstance(value, str):
        return value
    parts = value if isinstance(value, list) else []
    return "".join(each["text"] for each in parts if isinstance(each, Mapping) and isinstance(each.get("text"), str))


def _thinking_tokens(usage: Mapping[str, Any], thinking: str) -> int | None:
    """The tokens of thoughts that a server tells: OpenAI's and vLLM's field, else SGLang's.

    Some say 0 whatever was thought: vLLM's parsers where the prompt opened the thinking, SGLang without a parser.
    """
    details = usage.get("completion_tokens_details")
    told = details.get("reasoning_tokens") if isinstance(details, Mapping) else None
    found = told or usage.get("reasoning_tokens") or (None if thinking else told)
    return found if isinstance(found, int) and found >= 0 else None


def _token_logprobs(choice: Mapping[str, Any]) -> Sequence[float] | None:
    """Each token's logprob, of either form of answer."""
    given = choice.get("logprobs") or {}
    if given.get("content") is not None:
        return [each["logprob"] for each in given["content"]]
    found = given.get("token_logprobs")
    return None if found is None else [each or 0.0 for each in found]
