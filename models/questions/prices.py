"""What llms cost, for dollars in the views."""

from collections.abc import Iterable
from datetime import datetime

from models.database import column, rows, transaction
from models.schema import check_schema
from models.tables import Price
from verifiers.errors import UserError

PAPER = "Large Language Monkeys (arXiv 2407.21787), table 1: Moatless Tools on SWE-bench Lite"

LIST_PRICE = "list price, https://openai.com/api/pricing"

JULY, OCTOBER = datetime(2024, 7, 31), datetime(2024, 10, 1)


def example_prices() -> list[Price]:
    """Public prices, each with the day it was seen or published."""
    return [
        Price(llm="deepseek-ai/DeepSeek-Coder-V2-Instruct", provider="DeepSeek", since=JULY, usd_per_attempt=0.0072,
              note=PAPER),
        Price(llm="openai:gpt-4o", provider="OpenAI", since=JULY, usd_per_attempt=0.13, note=PAPER),
        Price(llm="openai:claude-3-5-sonnet", provider="Anthropic", since=JULY, usd_per_attempt=0.17, note=PAPER),
        Price(llm="openai:gpt-4o-mini", provider="OpenAI", since=OCTOBER, usd_per_million_input=0.15,
              usd_per_million_cached_input=0.075, usd_per_million_output=0.60, note=LIST_PRICE),
        Price(llm="openai:gpt-4o-2024-08-06", provider="OpenAI", since=OCTOBER, usd_per_million_input=2.50,
              usd_per_million_cached_input=1.25, usd_per_million_output=10.00, note=LIST_PRICE),
        Price(llm="meta-llama/Meta-Llama-3-8B-Instruct", provider="rented H100", since=JULY, usd_per_gpu_hour=2.50,
              note="an assumption: put your own price in its place"),
    ]  # fmt: skip


def all_prices() -> list[Price]:
    """Every price, by llm and day."""
    check_schema()
    return rows(Price, "select * from price order by llm, since, id")


def put_prices(prices: Iterable[Price]) -> None:
    """Add prices that hold from the start of a day; one of the same llm, provider and day is replaced."""
    check_schema()
    with transaction() as connection:
        for price in prices:
            row = price.model_dump()
            connection.execute(
                "delete from price where llm = %(llm)s and provider = %(provider)s and since::date = %(since)s::date",
                row,
            )
            connection.execute(
                """
                insert into price (llm, provider, since, usd_per_million_input, usd_per_million_cached_input,
                    usd_per_million_output, usd_per_attempt, usd_per_gpu_hour, note)
                values (%(llm)s, %(provider)s, %(since)s::date, %(usd_per_million_input)s,
                    %(usd_per_million_cached_input)s, %(usd_per_million_output)s, %(usd_per_attempt)s,
                    %(usd_per_gpu_hour)s, %(note)s)
                """,
                row,
            )


def remove_price(price_id: int) -> None:
    """Remove a price; UserError where there is none of this id."""
    check_schema()
    if not column("delete from price where id = %s returning id", (price_id,)):
        raise UserError(f"There is no price {price_id}; `monkeys price list` shows their ids.")
