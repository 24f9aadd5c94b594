"""FLOPs against the paper's sum over tokens."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.cost import Sizes, span_flops

LLAMA_8B = Sizes(parameters=8_030_261_248, active_parameters=8_030_261_248, layers=32, token_dim=4096)


@settings(deadline=None)
@given(st.integers(0, 300), st.integers(0, 300))
def test_the_closed_form_is_the_papers_sum_over_tokens(start: int, tokens: int) -> None:
    each = [2 * (8_030_261_248 + 2 * 32 * 4096 * context) for context in range(start + 1, start + tokens + 1)]
    assert span_flops(LLAMA_8B, start, tokens) == pytest.approx(sum(each), rel=1e-14)


@settings(deadline=None)
@given(st.integers(0, 5000), st.integers(0, 5000), st.integers(0, 5000))
def test_flops_of_spans_add_up(start: int, first: int, second: int) -> None:
    whole = span_flops(LLAMA_8B, start, first + second)
    assert span_flops(LLAMA_8B, start, first) + span_flops(LLAMA_8B, start + first, second) == pytest.approx(whole)


def test_a_paper_sized_run_of_llama_8b_costs_what_the_arithmetic_says() -> None:
    prompt, completion = span_flops(LLAMA_8B, 0, 1000), span_flops(LLAMA_8B, 1000, 200)
    assert prompt == pytest.approx(1.63e13, rel=0.01)
    assert completion == pytest.approx(3.33e12, rel=0.01)
    assert 128 * (prompt + 10_000 * completion) == pytest.approx(4.26e18, rel=0.01)


def test_a_mixture_of_experts_costs_by_its_active_parameters() -> None:
    mixture = Sizes(parameters=47_000_000_000, active_parameters=13_000_000_000, layers=32, token_dim=4096)
    dense = Sizes(parameters=13_000_000_000, active_parameters=13_000_000_000, layers=32, token_dim=4096)
    assert span_flops(mixture, 100, 50) == span_flops(dense, 100, 50)
