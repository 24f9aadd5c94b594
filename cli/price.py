"""`monkeys price`: what llms cost, for dollars in the views."""

from datetime import datetime

import click

from cli.options import Number, table_options
from cli.output import print_rows
from verifiers.ranges import real, whole

COLUMNS = (
    "id", "llm", "provider", "since", "usd_per_million_input", "usd_per_million_cached_input",
    "usd_per_million_output", "usd_per_attempt", "usd_per_gpu_hour", "note",
)  # fmt: skip


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
    from models.questions.prices import all_prices

    print_rows(all_prices(), form, COLUMNS)


@price.command(name="set")
@click.argument("llm")
@click.option("--provider", required=True, help="Who charges it.")
@click.option("--input", "input_", type=Number(real(0)), help="Dollars per million input tokens.")
@click.option("--cached-input", type=Number(real(0)), help="The same of a prompt sent again. Default: --input.")
@click.option("--output", type=Number(real(0)), help="Dollars per million output tokens.")
@click.option("--attempt", type=Number(real(0)), help="Dollars per sample.")
@click.option("--gpu-hour", type=Number(real(0)), help="Dollars per GPU-hour.")
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
    from models.questions.prices import put_prices
    from models.tables import Price

    if (input_ is None) != (output is None):
        raise click.UsageError("--input and --output go together.")
    if input_ is None and attempt is None and gpu_hour is None:
        raise click.UsageError("Give --input and --output, --attempt or --gpu-hour.")
    price = Price(
        llm=llm,
        provider=provider,
        since=since or datetime.now(),
        usd_per_million_input=input_,
        usd_per_million_cached_input=cached_input,
        usd_per_million_output=output,
        usd_per_attempt=attempt,
        usd_per_gpu_hour=gpu_hour,
        note=note or None,
    )
    put_prices([price])


@price.command()
def examples() -> None:
    """Add the paper's table 1 and some public list prices, each with its day, to be edited.

    \b
    Example:
      monkeys price examples
    """
    from models.questions.prices import example_prices, put_prices

    prices = example_prices()
    put_prices(prices)
    click.echo(f"{len(prices)} prices added; `monkeys price list` shows them.", err=True)


@price.command()
@click.argument("price_id", type=Number(whole(1)), metavar="ID")
def remove(price_id: int) -> None:
    """Remove a price by its id.

    \b
    Example:
      monkeys price remove 3
    """
    from models.questions.prices import remove_price

    remove_price(price_id)
