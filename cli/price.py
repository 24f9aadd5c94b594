"""`monkeys price`: what llms cost, for dollars in the views."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cli.completion import complete_llms
from cli.options import Number, table_options
from cli.output import harmless, print_rows
from models.questions.prices import MOST_USD, TIERS
from verifiers.ranges import real, whole

if TYPE_CHECKING:
    from models.tables import Price

COLUMNS = (
    "id", "llm", "provider", "since", "tier", "hours", "usd_per_million_input", "usd_per_million_cached_input",
    "usd_per_million_output", "usd_per_attempt", "usd_per_gpu_hour", "note",
)  # fmt: skip

UNITS = {
    "usd_per_million_input": "a million input tokens",
    "usd_per_million_cached_input": "a million cached ones",
    "usd_per_million_output": "a million output tokens",
    "usd_per_attempt": "a sample",
    "usd_per_gpu_hour": "a GPU-hour",
}
"""What a price is of, in words."""

DOLLARS = Number(real(0, MOST_USD))

since_option = click.option(
    "--since", type=click.DateTime(["%Y-%m-%d"]), help="First day it holds, in UTC. Default: today."
)

LONGEST = 2_000
"""Characters of what a price is of, and who says so."""


@click.group()
def price() -> None:
    """Say what llms cost. A run costs what the price was when its samples were drawn; a provider's own bill goes first.

    The newest price of an llm counts, from its first day on; of one day, one that holds at certain hours goes first.

    \b
    Example:
      monkeys price set openai:gpt-4o-mini --provider OpenAI --input 0.15 --cached-input 0.075 --output 0.60
      monkeys price set openai:gpt-4o-mini --provider OpenAI --input 0.075 --output 0.30 --tier batch
      monkeys price set meta-llama/Meta-Llama-3-8B-Instruct --provider "our H100s" --gpu-hour 2.20
      monkeys price import prices/data.json --provider deepseek
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

    print_rows([_shown(each) for each in all_prices()], form, COLUMNS)


def _shown(price: "Price") -> dict[str, Any]:
    """A price as a row, its day and hours in UTC, which they are meant in."""
    since, hours = price.since, None
    if price.from_time is not None and price.to_time is not None:
        hours = f"{price.from_time:%H:%M}-{price.to_time:%H:%M}"
    return {**price.model_dump(), "since": since and f"{since.astimezone(UTC):%Y-%m-%d}", "hours": hours}


@price.command(name="set")
@click.argument("llm", shell_complete=complete_llms)
@click.option("--provider", required=True, help="Who charges it.")
@click.option("--input", "usd_per_million_input", type=DOLLARS, help="Dollars per million input tokens.")
@click.option(
    "--cached-input",
    "usd_per_million_cached_input",
    type=DOLLARS,
    help="The same of a prompt sent again. Default: --input.",
)
@click.option("--output", "usd_per_million_output", type=DOLLARS, help="Dollars per million output tokens.")
@click.option("--attempt", "usd_per_attempt", type=DOLLARS, help="Dollars per sample.")
@click.option("--gpu-hour", "usd_per_gpu_hour", type=DOLLARS, help="Dollars per GPU-hour.")
@click.option("--tier", type=click.Choice(TIERS), default="standard", help="What it is of: batch is a batch API.")
@click.option("--hours", metavar="HH:MM-HH:MM", help="UTC hours at which it holds, such as 16:30-00:30. Default: all.")
@since_option
@click.option("--note", help="Where it stands.")
def set_price(
    llm: str,
    provider: str,
    tier: str,
    hours: str | None,
    since: datetime | None,
    note: str | None,
    **dollars: Any,
) -> None:
    """Add a price of LLM: per token, per sample or per GPU-hour.

    One of the same provider, day, tier and hours is replaced. LLM is the name as `monkeys runs` shows it.

    \b
    Example:
      monkeys price set openai:gpt-4o-mini --provider OpenAI --input 0.15 --output 0.60 --since 2024-07-18
    """
    from models.questions.prices import put_prices
    from models.tables import Price

    for option, text in (("LLM", llm), ("--provider", provider), ("--note", note or "-")):
        if not text.strip() or len(text) > LONGEST or not text.isprintable():
            raise click.UsageError(f"{option} takes a line of at most {LONGEST:,} characters.")
    _check_dollars(dollars)
    begins, (from_time, to_time) = _first_day(since), _hours(hours)
    price = Price(
        llm=llm,
        provider=provider,
        since=begins,
        tier=tier,
        from_time=from_time,
        to_time=to_time,
        note=note or None,
        **dollars,
    )
    replaced = put_prices([price])
    _say_price(price, "it replaces one" if replaced else "it is new")
    _say_earlier([price])


def _check_dollars(dollars: Mapping[str, float | None]) -> None:
    """Refuse what is no whole price."""
    names = ("usd_per_million_input", "usd_per_million_output", "usd_per_million_cached_input")
    (input_, output, cached_input) = (dollars[name] for name in names)
    if (input_ is None) != (output is None):
        raise click.UsageError("--input and --output go together.")
    if all(each is None for name, each in dollars.items() if name != names[-1]):
        raise click.UsageError("Give --input and --output, --attempt or --gpu-hour.")
    if cached_input is not None and input_ is None:
        raise click.UsageError("--cached-input goes with --input and --output.")


def _say_price(price: "Price", how: str) -> None:
    """A price in one line, as it holds."""
    row = _shown(price)
    dollars = [f"${amount:g} {said}" for name, said in UNITS.items() if (amount := row[name]) is not None]
    hours = f", {row['hours']} UTC" if row["hours"] else ""
    tier = "" if price.tier == "standard" else f" ({price.tier})"
    click.echo(
        f"{harmless(price.llm)}{tier} by {harmless(price.provider)}: {', '.join(dollars)}, from {row['since']}{hours}; "
        f"{how}.",
        err=True,
    )


def _first_day(since: datetime | None) -> datetime:
    """Midnight UTC of a day, today unless another is given."""
    return (since or datetime.now(UTC)).replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=UTC)


def _hours(text: str | None) -> tuple[time | None, time | None]:
    if text is None:
        return None, None
    try:
        start, end = (datetime.strptime(part, "%H:%M").time() for part in text.split("-"))
    except ValueError:
        start = end = time()
    if start == end:
        raise click.UsageError(f"--hours takes two times of a day in UTC, such as 16:30-00:30, not {text!r}.")
    return start, end


def _say_earlier(prices: "Sequence[Price]") -> None:
    """Say of which llms samples were drawn before their new price holds: those are not priced by it."""
    from models.questions.prices import sampled_before

    for llm, first in sampled_before(prices):
        click.echo(
            f"The first samples of {harmless(llm)} were drawn on {first.astimezone(UTC):%Y-%m-%d}, before this "
            "price holds; --since says from which day on it does.",
            err=True,
        )


@price.command(name="import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--provider", help="Only this one's prices, by its name or id in the table.")
@click.option("--model", metavar="PATTERN", help="Only llms of this name, such as 'gpt-4o*'.")
@since_option
def import_table(file: Path, provider: str | None, model: str | None, since: datetime | None) -> None:
    """Add the prices of FILE, a table that others keep, as those of openai:NAME.

    FILE is prices/data.json of genai-prices, or model_prices_and_context_window.json of LiteLLM. Prices hold from
    --since on, and change on the days that the table says after it.

    \b
    Example:
      monkeys price import data.json --provider openai --model 'gpt-*'
      monkeys price import model_prices_and_context_window.json --provider groq --since 2026-01-01
    """
    from models.questions.price_tables import WantedPrices, read_price_table
    from models.questions.prices import put_prices

    table = read_price_table(file, WantedPrices(_first_day(since).date(), provider, model))
    replaced = put_prices(table.prices)
    click.echo(f"{len(table.prices) - replaced:,} prices added, {replaced:,} replaced.", err=True)
    for reason, count in table.skipped.most_common():
        click.echo(f"{count:,} left out: {reason}.", err=True)
    _say_earlier(table.prices)


@price.command()
def examples() -> None:
    """Add the paper's table 1 and some public list prices of 2024, each with its day, to be edited.

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

    _say_price(remove_price(price_id), "removed")
