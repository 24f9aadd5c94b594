"""Prices as a person sets, lists and imports them."""

import csv
import io
import json
import math
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any

import pytest

from models.questions.prices import all_prices
from models.tables import Price
from tasks.ledger import Usage
from tests.place import Place
from tests.spent import done, run_of

SETTING = ("price", "set", "openai:x", "--provider", "X", "--since", "2025-01-02")


def test_prices_are_set_replaced_listed_and_removed(place: Place) -> None:
    place.ok(*SETTING, "--input", "3", "--output", "9")
    place.ok(*SETTING, "--input", "2", "--output", "8")
    (row,) = csv.DictReader(io.StringIO(place.ok("price", "list", "--csv")))
    assert (row["llm"], row["usd_per_million_input"], row["usd_per_million_output"]) == ("openai:x", "2.0", "8.0")
    assert (row["since"], row["tier"], row["hours"]) == ("2025-01-02", "standard", "")
    place.ok("price", "remove", row["id"])
    assert "no price" in place.refused("price", "remove", row["id"])


def test_prices_of_other_tiers_and_hours_stand_beside_each_other(place: Place) -> None:
    for more in ((), ("--tier", "batch"), ("--hours", "16:30-00:30"), ("--hours", "00:30-16:30")):
        for dollars in ("1", "2"):
            place.ok(*SETTING, "--input", dollars, "--output", "9", *more)
    prices = json.loads(place.ok("price", "list", "--json"))
    assert {(each["tier"], each["hours"]) for each in prices} == {
        ("standard", None), ("batch", None), ("standard", "16:30-00:30"), ("standard", "00:30-16:30"),
    }  # fmt: skip
    assert [each["usd_per_million_input"] for each in prices] == [2.0] * 4


def test_a_price_that_came_after_the_samples_says_so(place: Place) -> None:
    run = run_of("openai:x")
    done(run, Usage(), datetime(2025, 1, 1, 12, tzinfo=UTC))
    said = place.monkeys(*SETTING, "--attempt", "1")
    assert said.exit_code == 0
    assert "drawn on 2025-01-01, before this price holds" in said.output
    assert place.one("select usd from cost") is None
    assert "before" not in place.monkeys(*SETTING[:-1], "2025-01-01", "--attempt", "1").output
    assert place.one("select usd from cost") == 1


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--input", "3"], "go together"),
        ([], "--attempt or --gpu-hour"),
        (["--cached-input", "1", "--attempt", "1"], "goes with"),
        (["--attempt", "1000001"], "at most 1,000,000"),
        (["--attempt", "nan"], "must be a number"),
        (["--gpu-hour", "-1"], "must be a number"),
        (["--attempt", "1", "--tier", "flex"], "--tier"),
        (["--attempt", "1", "--hours", "16:30"], "two times of a day"),
        (["--attempt", "1", "--hours", "16:30-16:30"], "two times of a day"),
        (["--attempt", "1", "--hours", "24:00-01:00"], "two times of a day"),
        (["--attempt", "1", "--note", "a\nb"], "--note takes a line"),
        (["--attempt", "1", "--provider", "p" * 2_001], "--provider takes a line"),
        (["--attempt", "1", "--provider", "\x1b[2J"], "--provider takes a line"),
    ],
)
def test_a_price_that_cannot_be_is_one_sentence(place: Place, options: list[str], said: str) -> None:
    assert said in place.refused(*SETTING, *options)
    assert all_prices() == []


GENAI: list[dict[str, Any]] = [
    {
        "id": "deepseek", "name": "DeepSeek", "api_pattern": "x",
        "models": [
            {"id": "by-hour", "match": {}, "prices": [
                {"prices": {"input_mtok": 0.135, "cache_read_mtok": 0.035, "output_mtok": 0.55}},
                {"constraint": {"start_time": "00:30:00Z", "end_time": "16:30:00Z"},
                 "prices": {"input_mtok": 0.27, "cache_read_mtok": 0.07, "output_mtok": 1.1}},
            ]},
            {"id": "by-day", "prices": [
                {"prices": {"input_mtok": 9, "output_mtok": 9}},
                {"constraint": {"start_date": "2025-02-01"}, "prices": {"input_mtok": 5, "output_mtok": 6}},
                {"constraint": {"start_date": "2026-02-01"}, "prices": {"input_mtok": 1, "output_mtok": 2}},
            ]},
            {"id": "tiered", "prices": {"input_mtok": {"base": 1.25, "tiers": [{"start": 200000, "price": 2.5}]},
                                        "output_mtok": 10}},
            {"id": "free", "prices": {"input_mtok": 0, "output_mtok": 0}},
            {"id": "by-request", "prices": {"input_mtok": 1, "output_mtok": 1, "requests_kcount": 5}},
            {"id": "half", "prices": {"input_mtok": 1}},
            {"id": "both", "prices": [
                {"prices": {"input_mtok": 9, "output_mtok": 9}},
                {"constraint": {"start_time": "00:30", "end_time": "16:30"},
                 "prices": {"input_mtok": 1, "output_mtok": 1}},
                {"constraint": {"start_date": "2026-02-01"}, "prices": {"input_mtok": 1, "output_mtok": 2}},
            ]},
            {"id": "odd", "prices": [{"constraint": {"moon": "full"}, "prices": {"input_mtok": 9, "output_mtok": 9}}]},
            {"id": "a b\x1b[2J", "prices": {"input_mtok": 1, "output_mtok": 1}},
            *({"id": f"bad{place}", "prices": {"input_mtok": bad, "output_mtok": 1}}
              for place, bad in enumerate((math.nan, math.inf, -1, True, "1", 1e300, [1], {"tiers": []}))),
        ],
    },
    {"id": "other", "name": "Other", "models": [{"id": "tiered", "prices": {"input_mtok": 7, "output_mtok": 7}}]},
]  # fmt: skip


def stored() -> list[tuple[Any, ...]]:
    """All prices: what of, from when, at which hours, and the dollars of input, cached input and output."""
    return [
        (
            each.llm, each.tier, f"{each.since:%Y-%m-%d}", each.from_time, each.to_time, each.usd_per_million_input,
            each.usd_per_million_cached_input, each.usd_per_million_output,
        )
        for each in all_prices()
    ]  # fmt: skip


def test_the_table_of_genai_prices_is_imported_and_every_omission_told(place: Place, tmp_path: Path) -> None:
    file = tmp_path / "data.json"
    file.write_text(json.dumps(GENAI))
    importing = ("price", "import", str(file), "--since", "2025-06-01", "--provider", "deepseek")
    said = place.monkeys(*importing).output
    assert "5 prices added, 0 replaced." in said
    assert "0 prices added, 5 replaced." in place.monkeys(*importing).output
    assert stored() == [
        ("openai:by-day", "standard", "2025-06-01", None, None, 5, None, 6),
        ("openai:by-day", "standard", "2026-02-01", None, None, 1, None, 2),
        ("openai:by-hour", "standard", "2025-06-01", None, None, 0.135, 0.035, 0.55),
        ("openai:by-hour", "standard", "2025-06-01", time(0, 30), time(16, 30), 0.27, 0.07, 1.1),
        ("openai:tiered", "standard", "2025-06-01", None, None, 1.25, None, 10),
    ]
    assert [each.note for each in all_prices() if "base of tiers" in (each.note or "")] != []
    for count, reason in (
        (1, "costs nothing"), (1, "paid by the request"), (2, "no price of input and output"), (2, "depends on more"),
        (1, "a name that is"), (7, "no number of dollars"),
    ):  # fmt: skip
        (line,) = (line for line in said.splitlines() if reason in line)
        assert line.startswith(f"{count} left out: "), line
    assert "several providers have it" in place.refused("price", "import", str(file), "--model", "openai:tier*")
    assert len(all_prices()) == 5


def test_the_table_of_litellm_is_imported_with_its_batch_prices(place: Place, tmp_path: Path) -> None:
    file = tmp_path / "prices.json"
    tokens = {"input_cost_per_token": 1.5e-07, "output_cost_per_token": 6e-07, "mode": "chat"}
    table = {
        "sample_spec": {"mode": "one of: chat", "input_cost_per_token": 0.0, "litellm_provider": "one of"},
        "gpt-x": {
            **tokens, "litellm_provider": "openai", "cache_read_input_token_cost": 7.5e-08,
            "input_cost_per_token_batches": 7.5e-08, "output_cost_per_token_batches": 3e-07, "max_tokens": 16384,
        },
        "openai/gpt-x": {**tokens, "litellm_provider": "openai"},
        "groq/llama": {
            **tokens, "litellm_provider": "groq", "input_cost_per_token_above_128k_tokens": 1e-6,
            "input_cost_per_token_cache_hit": 5e-8,
        },
        "thinker": {**tokens, "litellm_provider": "openai", "output_cost_per_reasoning_token": 3e-6},
        "whisper": {"mode": "audio_transcription", "litellm_provider": "openai"},
    }  # fmt: skip
    file.write_text(json.dumps(table))
    said = place.monkeys("price", "import", str(file), "--since", "2025-06-01").output
    assert "3 prices added" in said
    assert "1 left out: stands there twice." in said
    assert "1 left out: no chat or completion model." in said
    assert "1 left out: its thinking has a price of its own." in said
    assert stored() == [
        ("openai:gpt-x", "batch", "2025-06-01", None, None, 0.075, None, 0.3),
        ("openai:gpt-x", "standard", "2025-06-01", None, None, 0.15, 0.075, 0.6),
        ("openai:llama", "standard", "2025-06-01", None, None, 0.15, 0.05, 0.6),
    ]


def test_thousands_of_models_are_imported_at_once(place: Place, tmp_path: Path) -> None:
    file = tmp_path / "data.json"
    models = [{"id": f"m{each}", "prices": {"input_mtok": 1, "output_mtok": 1}} for each in range(5_000)]
    file.write_text(json.dumps([{"id": "p", "name": "P", "models": models}]))
    assert "5,000 prices added" in place.monkeys("price", "import", str(file)).output
    assert place.one("select count(*) from price") == 5_000


HOSTILE = {
    "nothing": "",
    "no JSON": "{",
    "deep": "[" * 200_000,
    "deep objects": '{"a":' * 200_000,
    "a number": "1",
    "null": "null",
    "empty": "{}",
    "an empty list": "[]",
    "a list of numbers": "[1, 2]",
    "providers of nothing": '{"providers": [{"id": "p"}]}',
    "models that are none": '[{"id": "p", "models": [1]}]',
    "prices that are none": '[{"id": "p", "models": [{"id": "m", "prices": 3}, {"id": "n", "prices": [3]}]}]',
    "text for an entry": '{"gpt": "1"}',
    "a huge number": '[{"id": "p", "models": [{"id": "m", "prices": {"input_mtok": ' + "9" * 5_000 + "}}]}]",
    "too long a name": json.dumps({"x" * 300: {"input_cost_per_token": 1e-6, "output_cost_per_token": 1e-6}}),
    "names of other types": '[{"id": {}, "name": [], "models": [{"id": [1], "prices": {"input_mtok": [[]]}}]}]',
}


def test_a_file_that_is_no_table_of_prices_is_one_sentence_and_leaves_nothing(place: Place, tmp_path: Path) -> None:
    file = tmp_path / "file.json"
    for name, text in HOSTILE.items():
        file.write_text(text)
        said = place.refused("price", "import", str(file))
        assert str(file) in said, name
        assert said.count("\n") <= 3, name
    file.write_bytes(b"\xff\xfe[")
    assert "not JSON" in place.refused("price", "import", str(file))
    with file.open("wb") as huge:
        huge.truncate(65 * 2**20)
    assert "larger than 64 MiB" in place.refused("price", "import", str(file))
    assert "cannot be read" in place.refused("price", "import", str(tmp_path / "none"))
    assert all_prices() == []


def test_the_examples_are_prices_that_can_be_set(place: Place) -> None:
    place.ok("price", "examples")
    prices: list[Price] = all_prices()
    assert len(prices) == place.one("select count(distinct (llm, tier)) from price")
    assert all(each.since and each.since.time() == time() and each.note for each in prices)
