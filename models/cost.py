"""FLOPs of sampling, by the formula of Large Language Monkeys, section 2.3."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Sizes:
    """What the formula needs of an llm: counts of parameters, layers, and heads x head size."""

    parameters: int
    active_parameters: int
    layers: int
    token_dim: int


def span_flops(sizes: Sizes, start: int, tokens: int) -> float:
    """FLOPs of the tokens at contexts start+1 .. start+tokens.

    Sum of 2 * (parameters + 2 * layers * token_dim * context); parameters are the active ones of one token.
    """
    contexts = tokens * (2 * start + tokens + 1) // 2
    return 2.0 * tokens * sizes.active_parameters + 4.0 * sizes.layers * sizes.token_dim * contexts


def completion_flops(sizes: Sizes, prompt_tokens: int, completion_tokens: Iterable[int]) -> float:
    """FLOPs of completions after one prompt, whose own FLOPs are counted once a problem, since its samples share it."""
    return sum(span_flops(sizes, prompt_tokens, tokens) for tokens in completion_tokens)
