"""What an OpenAI-compatible server refuses, read from what it says and what this request carried; and what to do then.

No state is kept here: whether a field was refused is decided by the request that was refused, never by what another
one met.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from verifiers.benchmarks.benchmark import Sampling

Learned = dict[str, str | int | None]
"""How requests are fitted to a server: field -> None, it is left out; a text, its name there; of `n`, the most."""

RENAMED = {"max_tokens": "max_completion_tokens"}

WITHOUT = {"temperature": 1, "top_p": 1}
"""Fields that samples do not depend on at this value."""

ADVICE = {
    "temperature": "give --temperature 1",
    "top_p": "give --top-p 1",
    "stop": "give --no-stop",
    "include_stop_str_in_output": "give --no-stop",
    "seed": "leave out --seeded",
    "logprobs": "leave out --token-logprobs",
    "max_tokens": "give another --max-tokens",
    "max_completion_tokens": "give another --max-tokens",
    "chat_template_kwargs": "leave out --chat-template-arg",
    "thinking_token_budget": "leave out --thinking-budget",
    "custom_params": "leave out --thinking-budget",
    "response_format": "leave out --structured-outputs",
    "regex": "leave out --structured-outputs",
    "ebnf": "leave out --structured-outputs",
}
"""Field -> the option to give or to leave out, where it is not the one of its name."""

WORDS = {
    "n": r"n|best_of|candidate_?count|(?:multiple|number of|only one|more than one) (?:completion )?"
    r"(?:choices?|completions?|candidates?)",
    "logprobs": r"(?:top_)?log[_ ]?prob(?:s|abilities)?",
    "stop": r"stop(?:[_ ]?sequences?)?",
}
"""Field -> what servers call it, where it is not only its name."""

OF_ONE_REQUEST = re.compile(
    r"context.{0,20}(?:length|window|limit|size)|too many (?:input |prompt )?tokens|reduce the length"
    r"|(?:prompt|input|messages?|request|text)\b[^.]{0,60}\btoo (?:long|large)|could not finish the message"
    r"|tokens?`? \+ `?max_(?:new_|completion_)?tokens|content.{0,20}(?:policy|filter)|flagged|moderation"
    r"|invalid prompt",
    re.IGNORECASE | re.DOTALL,
)
"""What is said of a prompt that is too long, or not wanted, whatever fields are named beside it."""

REFUSING = re.compile(
    r"support|unrecogni|unknown|unexpected|not permitted|not allowed|not available|not enabled|forbidden|extra|deprecat"
    r"|invalid|must|cannot|can't|may not|should|only|at most|at least|less than|greater|out of range|exceed|between"
    r"|too (?:large|long|high|small|low|many)|maximum|minimum|not implemented|disabled|ignored|refuse",
    re.IGNORECASE,
)
"""One of these stands in every sentence that refuses a field."""

UNKNOWN_NAME = re.compile(
    r"unsupported|\bnot support|unrecogni|unknown|unexpected|not permitted|not allowed|extra|deprecat|instead",
    re.IGNORECASE,
)
"""Said of a field that a server does not know, and not of its value."""

MOST = re.compile(
    r"(?:at most|up to|<=|≤|less than or equal to|max(?:imum)?\b[^\d.]{0,40}|between 1 and)\s*(\d{1,6})", re.IGNORECASE
)


@dataclass(frozen=True)
class Refusal:
    """A refused request. `field` is what it is about, as the request called it; None where no field is to blame."""

    text: str
    """What the server said, on one line."""
    field: str | None = None
    sure: bool = False
    """Whether the server named the field as such, and not only in words."""
    beside: tuple[str, ...] = ()
    """Other fields that its sentence names: it may be that they do not go together."""
    of_one: bool = False
    """Whether it speaks of this prompt, so that no other request is like it."""


def read(answer: Any, carried: Mapping[str, Any]) -> Refusal:
    """What a server says of a refused request, by the fields that this request carried."""
    text = " ".join(" ".join(_texts(answer)).split())[:2_000]
    if OF_ONE_REQUEST.search(text):
        return Refusal(text, of_one=True)
    fields = [name for name in carried if name not in ("model", "prompt", "messages")]
    for named in _named(answer):
        if named in fields:
            return Refusal(text, named, sure=True)
    for sentence in re.split(r"(?<=[.;!?])\s", text):
        if REFUSING.search(sentence) and (found := _in_order(fields, sentence)):
            return Refusal(text, found[0], beside=tuple(found[1:]))
    return Refusal(text)


def change(refusal: Refusal, carried: Mapping[str, Any], sampling: Sampling) -> Learned | None:
    """What a request is to do without, or to call otherwise; None where that would be another run.

    Where no field is named, fewer samples at a time are tried: nothing is learned unless that is accepted.
    """
    field = refusal.field
    if field is None:
        return {"n": 1} if "n" in carried and not refusal.of_one else None
    if field == "n":
        most = MOST.search(refusal.text)
        limit = int(most[1]) if most else 1
        return {"n": limit if 1 <= limit < carried["n"] else 1}
    for name, other in RENAMED.items():
        if field in (name, other):
            renamed = other if field == name else name
            unknown = renamed in refusal.text or UNKNOWN_NAME.search(refusal.text)
            return {name: renamed} if unknown else None
    spare = [name for name in (field, *refusal.beside) if _is_spare(name, carried[name], sampling)]
    return {spare[0]: None} if spare else None


def advice(field: str, extra: Mapping[str, Any]) -> str:
    """What a person does about a field that a server refuses; `extra` are those that came as engine arguments."""
    if field in extra:
        return f"leave out --engine-arg {field}"
    return ADVICE.get(field, f"leave out --{field.replace('_', '-')}")


def fitted(body: Mapping[str, Any], learned: Learned, sampling: Sampling) -> dict[str, Any]:
    """A request as a server takes it, without what it refuses and samples do not depend on."""
    found = {}
    for name, value in body.items():
        use = name if name == "n" else learned.get(name, name)
        if use is None and not _is_spare(name, value, sampling):
            use = name
        if use is not None and (use == name or use not in body):
            found[str(use)] = value
    return found


def left_out(learned: Learned) -> frozenset[str]:
    """The fields that requests go without."""
    return frozenset(name for name, use in learned.items() if use is None)


def _is_spare(field: str, value: Any, sampling: Sampling) -> bool:
    """Whether samples are the same without it, and nobody asked for it."""
    if field == "logprobs":
        return not sampling.token_logprobs
    return field in WITHOUT and value == WITHOUT[field]


def _texts(answer: Any, depth: int = 6) -> Iterator[str]:
    """Every text of an error, as JSON of any shape or as it is, without what it repeats of the request."""
    if isinstance(answer, str):
        yield answer[:4_000]
    elif isinstance(answer, list) and depth:
        for each in answer[:20]:
            yield from _texts(each, depth - 1)
    elif isinstance(answer, dict) and depth:
        for name, value in answer.items():
            if name not in ("input", "ctx", "url", "param", "loc", "type", "code", "object"):
                yield from _texts(value, depth - 1)


def _named(answer: Any, depth: int = 6) -> Iterator[str]:
    """The fields that an error names: OpenAI's `param`, and each `loc` of pydantic."""
    if isinstance(answer, list) and depth:
        for each in answer[:20]:
            yield from _named(each, depth - 1)
    elif isinstance(answer, dict) and depth:
        if isinstance(param := answer.get("param"), str):
            yield from re.findall(r"\w+", param)[:1]
        if isinstance(location := answer.get("loc"), list):
            yield from (each for each in location if isinstance(each, str))
        for value in answer.values():
            yield from _named(value, depth - 1)


def _in_order(fields: list[str], sentence: str) -> list[str]:
    """The fields that a sentence names, as they come; those in quotes go before the others."""
    places = []
    for field in fields:
        words = WORDS.get(field, re.escape(field).replace("_", "_?"))  # some say topP of top_p
        if found := re.search(rf"(?P<quote>['\"`])(?:{words})(?P=quote)|\b(?:{words})\b", sentence, re.IGNORECASE):
            places.append((found["quote"] is None, found.start(), field))
    return [field for _, _, field in sorted(places)]
