"""`monkeys price`: what llms cost, for dollars in the views."""

from datetime import date, datetime
from typing import Any, NamedTuple

import click

from cli.options import table_options
from cli.output import print_rows

COLUMNS = (
    "id", "llm", "provider", "since", "usd_per_million_input", "usd_per_million_cached_input",
    "usd_per_million_output", "usd_per_attempt", "usd_per_gpu_hour", "note",
)  # fmt: skip


class Example(NamedTuple):
    """A public price, with the day it was seen or published."""

    llm: str
    provider: str
    since: date
    prices: dict[str, float]
    note: str


PAPER = "Large Language Monkeys (arXiv 2407.21787), table 1: Moatless Tools on SWE-bench Lite"

EXAMPLES = (
    Example("deepseek-ai/DeepSeek-Coder-V2-Instruct", "DeepSeek", date(2024, 7, 31), {"attempt": 0.0072}, PAPER),
    Example("openai:gpt-4o", "OpenAI", date(2024, 7, 31), {"attempt": 0.13}, PAPER),
    Example("openai:claude-3-5-sonnet", "Anthropic", date(2024, 7, 31), {"attempt": 0.17}, PAPER),
    Example(
        "openai:gpt-4o-mini",
        "OpenAI",
        date(2024, 10, 1),
        {"input": 0.15, "cached_input": 0.075, "output": 0.60},
        "list price, https://openai.com/api/pricing",
    ),
    Example(
        "openai:gpt-4o-2024-08-06",
        "OpenAI",
        date(2024, 10, 1),
        {"input": 2.50, "cached_input": 1.25, "output": 10.00},
        "list price, https://openai.com/api/pricing",
    ),
    Example(
        "meta-llama/Meta-Llama-3-8B-Instruct",
        "rented H100",
        date(2024, 7, 31),
        {"gpu_hour": 2.50},
        "an assumption: put your own price in its place",
    ),
)

NAMES = {
    "input": "usd_per_million_input",
    "cached_input": "usd_per_million_cached_input",
    "output": "usd_per_million_output",
    "attempt": "usd_per_attempt",
    "gpu_hour": "usd_per_gpu_hour",
}


@click.group()
def price() -> None:
    """Say what llms cost. The newest price of an llm that holds today counts; what a provider charged goes before it.

    \b
    Example:
      monkeys price set openai:gpt-4o-mini --provider OpenAI --input 0.15 --cached-input 0.075 --output 0.60
      monkeys price set meta-llama/Meta-Llama-3-8B-Instruct --provider "our H100s" --gpu-hour 2.20
      monkeys price examples
      monkeys price list
      monkeys price remove 3
    """


@price.command(name="list")
@table_options
def list_prices(form: str | None) -> None:
    """List the prices.

    \b
    Example:
      monkeys price list --json
    """
    from models.database import query
    from models.schema import check_schema

    check_schema()
    print_rows(query("select * from price order by llm, since, id"), form, COLUMNS)


@price.command(name="set")
@click.argument("llm")
@click.option("--provider", required=True, help="Who charges it.")
@click.option("--input", "input_", type=click.FloatRange(0), help="Dollars per million input tokens.")
@click.option("--cached-input", type=click.FloatRange(0), help="The same of a prompt sent again. Default: --input.")
@click.option("--output", type=click.FloatRange(0), help="Dollars per million output tokens.")
@click.option("--attempt", type=click.FloatRange(0), help="Dollars per sample.")
@click.option("--gpu-hour", type=click.FloatRange(0), help="Dollars per GPU-hour.")
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="First day it holds. Default: today.")
@click.option("--note", help="Where it stands.")
def set_price(
    llm: str,
    provider: str,
    input_: float | None,
    cached_input: float | None,
    output: float | None,
    attempt: float | None,
    gpu_hour: float | None,
    since: datetime | None,
    note: str | None,
) -> None:
    """Add a price of LLM: per token, per sample or per GPU-hour. One of the same provider and day is replaced.

    \b
    Example:
      monkeys price set openai:gpt-4o-mini --provider OpenAI --input 0.15 --output 0.60 --since 2024-07-18
    """
    from models.database import transaction
    from models.schema import check_schema

    given = {"input": input_, "cached_input": cached_input, "output": output, "attempt": attempt, "gpu_hour": gpu_hour}
    prices = {name: value for name, value in given.items() if value is not None}
    if ("input" in prices) != ("output" in prices):
        raise click.UsageError("--input and --output go together.")
    if not prices or prices.keys() == {"cached_input"}:
        raise click.UsageError("Give --input and --output, --attempt or --gpu-hour.")
    check_schema()
    with transaction() as connection:
        _put(connection, Example(llm, provider, (since or datetime.now()).date(), prices, note or ""))


@price.command()
def examples() -> None:
    """Add the paper's table 1 and some public list prices, each with its day, to be edited.

    \b
    Example:
      monkeys price examples
    """
    from models.database import transaction
    from models.schema import check_schema

    check_schema()
    with transaction() as connection:
        for each in EXAMPLES:
            _put(connection, each)
    click.echo(f"{len(EXAMPLES)} prices added; `monkeys price list` shows them.", err=True)


@price.command()
@click.argument("price_id", type=int, metavar="ID")
def remove(price_id: int) -> None:
    """Remove a price by its id.

    \b
    Example:
      monkeys price remove 3
    """
    from models.database import query
    from models.schema import check_schema
    from verifiers.errors import UserError

    check_schema()
    if not query("delete from price where id = %s returning id", (price_id,)):
        raise UserError(f"There is no price {price_id}; `monkeys price list` shows their ids.")


def _put(connection: Any, each: Example) -> None:
    key = (each.llm, each.provider, each.since)
    connection.execute("delete from price where llm = %s and provider = %s and since::date = %s", key)
    columns = "".join(f", {NAMES[name]}" for name in each.prices)  # names of this file
    values = ", ".join(["%s"] * (4 + len(each.prices)))
    connection.execute(
        f"insert into price (llm, provider, since, note{columns}) values ({values})",
        (*key, each.note or None, *each.prices.values()),
    )
