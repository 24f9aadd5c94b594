"""Prices out of the tables that others keep: the JSON of genai-prices or of LiteLLM."""

import fnmatch
import json
import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any, NamedTuple

from models.questions.prices import MOST_USD
from models.tables import Price
from verifiers.errors import UserError

LARGEST_FILE = 64 * 2**20
"""Bytes of a table; the two have about two million."""

LONGEST_NAME = 200

OTHER_MODES = "no chat or completion model"
NO_TOKENS = "no price of input and output tokens"
NO_NUMBER = f"a price that is no number of dollars from 0 to {MOST_USD:,.0f} a million tokens"
NOTHING = "costs nothing by the table, which may mean that nobody knows"
REQUESTS = "is paid by the request too"
THOUGHTS = "its thinking has a price of its own"
CONDITIONS = "its price depends on more than a day or the hours of one"
SEVERAL = "several providers have it: --provider says which"
NO_NAME = f"a name that is empty, longer than {LONGEST_NAME} characters or not printable"
TWICE = "stands there twice"


Hours = tuple[time, time]
"""From and to, UTC; over midnight where the second is the smaller."""


@dataclass
class PriceTable:
    """Prices of a table by what they are of, and how many of its models were left out, by reason."""

    prices: list[Price] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)


class _Skip(Exception):
    """A model that is left out; its text is the reason."""


class _Model(NamedTuple):
    """A model of a table: who has it (and other names of those), what is said of it, and who reads that."""

    provider: str
    also: object
    name: str
    said: Mapping[str, Any]
    read: Callable[[str, str, Mapping[str, Any], date], list[Price]]


@dataclass(frozen=True)
class WantedPrices:
    """Which prices: a provider by its id or name, models by a pattern such as gpt-*, and from which day on."""

    since: date
    provider: str | None = None
    model: str | None = None

    def holds(self, model: _Model) -> bool:
        """Whether a model is one of them."""
        names = [str(each).lower() for each in (model.provider, model.also)]
        pattern = (self.model or "*").removeprefix("openai:")
        return (self.provider is None or self.provider.lower() in names) and fnmatch.fnmatchcase(model.name, pattern)


def read_price_table(file: Path, wanted: WantedPrices) -> PriceTable:
    """Those prices of a file that are wanted, named `openai:NAME`; UserError where it is no such table, or has none.

    A price by the length of the context is taken at its base, and its note says so.
    """
    table = PriceTable()
    taken: dict[str, dict[str, list[Price]]] = {}
    for model in _models(_read(file), file):
        if wanted.holds(model):
            try:
                name, provider = _checked_name(model.name), _checked_name(model.provider)
                prices = model.read(name, provider, model.said, wanted.since)
                if provider in taken.setdefault(name, {}):
                    raise _Skip(TWICE)
                taken[name][provider] = prices
            except _Skip as reason:
                table.skipped[str(reason)] += 1
    for by_provider in taken.values():
        if len(by_provider) > 1:
            table.skipped[SEVERAL] += len(by_provider)
        else:
            table.prices += [price for prices in by_provider.values() for price in prices]
    if not table.prices:
        why = "; ".join(f"{count} left out ({reason})" for reason, count in table.skipped.items())
        raise UserError(f"{file} has no price that is wanted: {why or 'no model of that name or provider'}.")
    return table


def _read(file: Path) -> Any:
    try:
        with file.open("rb") as opened:
            content = opened.read(LARGEST_FILE + 1)
        if len(content) > LARGEST_FILE:
            raise UserError(f"{file} is larger than {LARGEST_FILE // 2**20} MiB, which no table of prices is.")
        return json.loads(content)
    except OSError as error:
        raise UserError(f"{file} cannot be read ({error.strerror}).") from error
    except (ValueError, RecursionError) as error:
        raise UserError(f"{file} is not JSON ({str(error)[:100]}).") from error


def _models(table: Any, file: Path) -> Iterator[_Model]:
    """The models of either form."""
    providers = table.get("providers", table) if isinstance(table, dict) else table
    if isinstance(providers, list):
        for provider in providers:
            models = provider.get("models") if isinstance(provider, dict) else None
            if not isinstance(models, list) or not all(isinstance(each, dict) for each in models):
                raise _no_table(file)
            known, own = str(provider.get("name") or ""), str(provider.get("id") or "")
            yield from (_Model(known or own, own, str(each.get("id") or ""), each, _genai_prices) for each in models)
    elif isinstance(table, dict) and table and all(isinstance(each, dict) for each in table.values()):
        for key, entry in table.items():
            owner = str(entry.get("litellm_provider") or "")
            if key != "sample_spec":
                yield _Model(owner, owner, key.removeprefix(f"{owner}/"), entry, _litellm_prices)
    else:
        raise _no_table(file)


def _no_table(file: Path) -> UserError:
    return UserError(
        f"{file} is no table of prices: neither genai-prices' prices/data.json "
        "nor LiteLLM's model_prices_and_context_window.json."
    )


def _checked_name(name: str) -> str:
    if not name.strip() or len(name) > LONGEST_NAME or not name.isprintable():
        raise _Skip(NO_NAME)
    return name


def _litellm_prices(name: str, provider: str, entry: Mapping[str, Any], since: date) -> list[Price]:
    """A standard price and, where it has one, a batch price; both by the token."""
    if entry.get("mode", "chat") not in ("chat", "completion", "responses"):
        raise _Skip(OTHER_MODES)
    thoughts = entry.get("output_cost_per_reasoning_token")
    if thoughts is not None and thoughts != entry.get("output_cost_per_token"):
        raise _Skip(THOUGHTS)
    note = "LiteLLM's table" + (", base of tiers" if any("_above_" in key for key in entry) else "")
    also = {"cache_read_input_token_cost": entry.get("input_cost_per_token_cache_hit")}  # DeepSeek's
    prices = []
    for tier, ending in (("standard", ""), ("batch", "_batches")):
        kinds = ("input_cost_per_token", "cache_read_input_token_cost", "output_cost_per_token")
        amounts = [_amount(entry.get(kind + ending, also.get(kind + ending)), 1e6) for kind in kinds]
        if tier == "standard" or None not in (amounts[0], amounts[2]):
            prices.append(_price(name, provider, since, note, amounts, tier=tier))
    return prices


def _genai_prices(name: str, provider: str, entry: Mapping[str, Any], since: date) -> list[Price]:
    """What holds on `since`, and every later change; or what holds at which hours. The last that is true counts."""
    given = entry.get("prices")
    conditions = given if isinstance(given, list) else [{"prices": given}]
    if not all(isinstance(each, dict) for each in conditions):
        raise _Skip(NO_TOKENS)
    when = [_when(each.get("constraint")) for each in conditions]
    if any(days for days, _ in when) and any(hours for _, hours in when):
        raise _Skip(CONDITIONS)
    prices: dict[tuple[date, Hours | None], Any] = {}
    for day in sorted({since, *(begins for begins, _ in when if begins and begins > since)}):
        for (begins, hours), each in zip(when, conditions, strict=True):
            if hours is not None:
                prices[day, hours] = each.get("prices")
            elif begins is None or begins <= day:
                prices = {key: price for key, price in prices.items() if key[0] != day}  # it holds at all hours
                prices[day, None] = each.get("prices")
    if not prices:
        raise _Skip(NO_TOKENS)
    return [_genai_price(name, provider, day, hours, said) for (day, hours), said in prices.items()]


def _genai_price(name: str, provider: str, day: date, hours: Hours | None, said: Any) -> Price:
    if not isinstance(said, dict):
        raise _Skip(NO_TOKENS)
    if said.get("requests_kcount"):
        raise _Skip(REQUESTS)
    kinds = [said.get(kind) for kind in ("input_mtok", "cache_read_mtok", "output_mtok")]
    tiered = any(isinstance(each, dict) for each in kinds)
    amounts = [_amount(each.get("base") if isinstance(each, dict) else each) for each in kinds]
    note = "genai-prices' table" + (", base of tiers" if tiered else "")
    return _price(name, provider, day, note, amounts, hours=hours)


def _when(constraint: Any) -> tuple[date | None, Hours | None]:
    """From which day a price holds, or at which hours; both None for always."""
    if constraint is None:
        return None, None
    try:
        if constraint.keys() <= {"start_date", "start"}:
            (day,) = constraint.values()
            return datetime.fromisoformat(day).date(), None
        start, end = (time.fromisoformat(constraint[name]) for name in ("start_time", "end_time"))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise _Skip(CONDITIONS) from error
    if start == end or start.utcoffset() or end.utcoffset() or len(constraint) > 2:
        raise _Skip(CONDITIONS)
    return None, (start.replace(tzinfo=None), end.replace(tzinfo=None))


def _amount(given: Any, times: float = 1) -> float | None:
    """Dollars of a million tokens; None where nothing is said."""
    if given is None:
        return None
    if isinstance(given, bool) or not isinstance(given, int | float) or not 0 <= given <= MOST_USD:
        raise _Skip(NO_NUMBER)
    amount = float(f"{given * times:.12g}")  # 1.5e-07 of a token is 0.15, without the rest that a float has
    if not math.isfinite(amount) or amount > MOST_USD:
        raise _Skip(NO_NUMBER)
    return amount


def _price(
    name: str,
    provider: str,
    since: date,
    note: str,
    amounts: list[float | None],
    tier: str = "standard",
    hours: Hours | None = None,
) -> Price:
    input_, cached, output = amounts
    if input_ is None or output is None:
        raise _Skip(NO_TOKENS)
    if input_ == output == 0:
        raise _Skip(NOTHING)
    return Price(
        llm=f"openai:{name}",
        provider=provider,
        since=datetime.combine(since, time(), UTC),
        tier=tier,
        from_time=hours and hours[0],
        to_time=hours and hours[1],
        usd_per_million_input=input_,
        usd_per_million_cached_input=cached,
        usd_per_million_output=output,
        note=note,
    )
