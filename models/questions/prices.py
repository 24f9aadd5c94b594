"""What llms cost, for dollars in the views."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from models.database import fetch_column, rows, transaction
from models.schema import check_schema
from models.tables import Price
from verifiers.errors import UserError

MOST_USD = 1e6
"""Dollars of one unit that a price may say; more is a slip of the pen."""

TIERS = ("standard", "batch")

PAPER = "Large Language Monkeys (arXiv 2407.21787), table 1: Moatless Tools on SWE-bench Lite"

LIST_PRICE = "list price, https://openai.com/api/pricing"

JULY, OCTOBER = datetime(2024, 7, 31, tzinfo=UTC), datetime(2024, 10, 1, tzinfo=UTC)


def example_prices() -> list[Price]:
    """Public prices, each with the day it was seen or published."""
    return [
        Price(llm="deepseek-ai/DeepSeek-Coder-V2-Instruct", provider="DeepSeek", since=JULY, usd_per_attempt=0.0072,
              note=PAPER),
        Price(llm="openai:gpt-4o", provider="OpenAI", since=JULY, usd_per_attempt=0.13, note=PAPER),
        Price(llm="openai:claude-3-5-sonnet", provider="Anthropic", since=JULY, usd_per_attempt=0.17, note=PAPER),
        Price(llm="openai:gpt-4o-mini", provider="OpenAI", since=OCTOBER, usd_per_million_input=0.15,
              usd_per_million_cached_input=0.075, usd_per_million_output=0.60, note=LIST_PRICE),
        Price(llm="openai:gpt-4o-mini", provider="OpenAI", since=OCTOBER, tier="batch", usd_per_million_input=0.075,
              usd_per_million_output=0.30, note=LIST_PRICE),
        Price(llm="openai:gpt-4o-2024-08-06", provider="OpenAI", since=OCTOBER, usd_per_million_input=2.50,
              usd_per_million_cached_input=1.25, usd_per_million_output=10.00, note=LIST_PRICE),
        Price(llm="meta-llama/Meta-Llama-3-8B-Instruct", provider="rented H100", since=JULY, usd_per_gpu_hour=2.50,
              note="an assumption: put your own price in its place"),
    ]  # fmt: skip


def all_prices() -> list[Price]:
    """Every price, by llm and day."""
    check_schema()
    return rows(Price, "select * from price order by llm, since, tier, from_time nulls first, id")


def price_now(llm: str, engine_args: Mapping[str, Any]) -> Price | None:
    """The price that an llm asked with these engine arguments would have this moment."""
    parameters = (llm, tier_of(engine_args))
    return next(iter(rows(Price, "select * from price_at(%s, %s, now())", parameters)), None)


def tier_of(engine_args: Mapping[str, Any]) -> str:
    """As the SQL function price_tier has it of stored engine arguments."""
    return "batch" if engine_args.get("batch") is True else "standard"


class SampledBefore(NamedTuple):
    """An llm whose first samples were drawn before a price of it holds."""

    llm: str
    first: datetime


def sampled_before(prices: Sequence[Price]) -> list[SampledBefore]:
    """The llms of these prices of which samples were drawn before the first of them holds."""
    given = {"llms": [price.llm for price in prices], "since": [price.since for price in prices]}
    return rows(
        SampledBefore,
        """
        select new.llm, min(attempt.started_at) as first
        from (
            select llm, min(since) as since from unnest(%(llms)s::text[], %(since)s::timestamptz[]) as one (llm, since)
            group by llm
        ) as new
        join llm on llm.name = new.llm
        join run on run.llm_id = llm.id
        join work on work.run_id = run.id and work.kind = 'generate'
        join attempt on attempt.work_id = work.id and attempt.started_at < new.since
        group by new.llm order by new.llm
        """,
        given,
    )


OF_PRICE = """
    llm text, provider text, since timestamptz, usd_per_million_input float8, usd_per_million_cached_input float8,
    usd_per_million_output float8, tier text, from_time time, to_time time, usd_per_attempt float8,
    usd_per_gpu_hour float8, note text
"""


def put_prices(prices: Sequence[Price]) -> int:
    """Add prices, all or none; one of the same llm, provider, day, tier and hours is replaced. Returns how many were.

    `since` is midnight UTC of the first day.
    """
    check_schema()
    given = {"prices": json.dumps([price.model_dump(mode="json") for price in prices])}
    with transaction() as connection:
        connection.execute("lock table price in share row exclusive mode")  # two who replace one would both add theirs
        replaced = fetch_column(
            connection,
            f"""
            delete from price using jsonb_to_recordset(%(prices)s::jsonb) as new ({OF_PRICE})
            where price.llm = new.llm and price.provider = new.provider and price.tier = new.tier
                and (price.since at time zone 'UTC')::date = (new.since at time zone 'UTC')::date
                and price.from_time is not distinct from new.from_time
                and price.to_time is not distinct from new.to_time
            returning price.id
            """,
            given,
        )
        connection.execute(
            f"""
            insert into price (llm, provider, since, usd_per_million_input, usd_per_million_cached_input,
                usd_per_million_output, tier, from_time, to_time, usd_per_attempt, usd_per_gpu_hour, note)
            select * from jsonb_to_recordset(%(prices)s::jsonb) as new ({OF_PRICE})
            """,
            given,
        )
    return len(replaced)


def remove_price(price_id: int) -> Price:
    """Remove a price and return it; UserError where there is none of this id."""
    check_schema()
    removed = rows(Price, "delete from price where id = %s returning *", (price_id,))
    if not removed:
        raise UserError(f"There is no price {price_id}; `monkeys price list` shows their ids.")
    return removed[0]
