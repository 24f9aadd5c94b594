"""What goes to an OpenAI-compatible server and what comes back, as JSON: of one request, or of a line of a batch."""

from collections.abc import Mapping, Sequence
from typing import Any

from tasks.engines.engine import Completion, Request


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
        "include_stop_str_in_output": True if sampling.include_stop else None,
        **extra,
    }
    if sampling.chat:
        fields |= {"messages": [{"role": "user", "content": request.prompt}], "logprobs": True}
    else:
        fields |= {"prompt": request.prompt, "logprobs": 0}
    return {name: value for name, value in fields.items() if value is not None}


def billed(answer: Mapping[str, Any]) -> dict[str, int | None]:
    """What an answer says was used, by the fields of Account; None where it does not say."""
    usage = answer.get("usage") or {}
    return {"prompt_tokens": usage.get("prompt_tokens"), "completion_tokens": usage.get("completion_tokens")}


def completions(answer: Mapping[str, Any], request: Request, most: int, seed: int | None) -> list[Completion]:
    """The samples of an answer, `most` at most."""
    choices = (answer.get("choices") or [])[:most]
    alone = len(choices) == 1
    return [_completion(choice, request, billed(answer), seed, alone=alone) for choice in choices]


def _completion(
    choice: Mapping[str, Any], request: Request, used: Mapping[str, int | None], seed: int | None, *, alone: bool
) -> Completion:
    message = choice.get("message")
    text = choice.get("text") if message is None else message.get("content")
    tokens = _token_logprobs(choice)
    return Completion(
        text=text or "",
        prompt_tokens=used["prompt_tokens"],
        completion_tokens=len(tokens) if tokens is not None else used["completion_tokens"] if alone else None,
        finish_reason=choice.get("finish_reason"),
        logprob=sum(tokens) if tokens is not None else None,
        token_logprobs=tokens if request.sampling.token_logprobs else None,
        seed=seed,
    )


def _token_logprobs(choice: Mapping[str, Any]) -> Sequence[float] | None:
    """Each token's logprob, of either form of answer."""
    given = choice.get("logprobs") or {}
    if given.get("content") is not None:
        return [each["logprob"] for each in given["content"]]
    found = given.get("token_logprobs")
    return None if found is None else [each or 0.0 for each in found]
