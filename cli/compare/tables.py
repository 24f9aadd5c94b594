"""What `monkeys compare` prints for people."""

from collections.abc import Sequence

import click

from cli.output import COSTS, dollars_rest_on, harmless, printed, text_table
from models.questions.compare import AtBudget, AtPrice
from models.questions.contenders import MEASURES, Accounting, Contender, measures
from models.questions.needs import Growth, Need
from models.questions.progress import cost_of, progress_of, title

NAMES = {"samples": "samples a problem", **COSTS}

PAID = {"all": "all k samples drawn", "stopping": "stopping at the first accepted sample, one a request"}
"""The two accountings, in words."""

SURE = "In brackets: 95 % intervals, for new problems of the same kind."

HINTS = {
    "flops": "FLOPs: the sizes of an llm are stored when a worker loads it, or by `monkeys import --sizes`.",
    "usd": "Dollars: `monkeys price set` says what an llm costs, or an endpoint did not say its tokens.",
    "gpu_seconds": "GPU-seconds: no GPU made these samples, or nobody recorded it.",
}


def print_titles(compared: Sequence[Contender]) -> None:
    """Each run in a line, and what one that stopped early really took."""
    for run in compared:
        cost = cost_of(run.run_id)
        said = dollars_rest_on(cost) if cost is not None else None
        click.echo(harmless(title(progress_of(run.run_id))) + (f" · dollars {said}" if said else ""))
        if run.pool.stops and cost is not None:
            took = [f"{printed(amount)} {word}" for name, word in COSTS.items() if (amount := getattr(cost, name))]
            click.echo(
                f"  It stopped problems at right samples, and took {_listed([f'{cost.samples:,} samples', *took])} in "
                "all; below is what k samples of each would take, or with --accounting stopping what stopping does."
            )


def print_prices(compared: Sequence[Contender], rows: Sequence[AtPrice]) -> None:
    """For each pair of the first run and another: a sentence, and a table."""
    names = {run.run_id: run.name for run in compared}
    pairs = [[row for row in rows if (row.against, row.against_k) == pair] for pair in _pairs(rows)]
    for pair in pairs:
        click.echo("\n" + harmless(price_sentence(names, pair)))
        click.echo(f"The difference is {pair[0].resolved}.{_on_these(pair[0])}")
        ours, theirs = _at(names, pair[0].run_id, pair[0].k), _at(names, pair[0].against, pair[0].against_k)
        lines = [
            {
                "accounting": PAID[row.accounting],
                "measure": NAMES[row.measure],
                ours: _short(row.amount),
                f"{theirs} ": _short(row.against_amount),  # a run may be compared with itself
                "times": _times(row.times, row.times_low, row.times_high),
            }
            for row in pair
        ]
        click.echo("\n" + harmless(text_table(lines, list(lines[0])).rstrip()))
    click.echo(f"\n{SURE}")
    print_unknown(measures(compared))


def price_sentence(names: dict[int, str], pair: Sequence[AtPrice]) -> str:
    """Two runs at their k in one sentence: coverage, difference, and the ratio of each price."""
    row = pair[0]
    theirs = _percent(row.against_coverage, row.against_low, row.against_high)
    difference = f"{_points(row.difference)} points [{_points(row.difference_low)}, {_points(row.difference_high)}]"
    said = (
        f"{_at(names, row.run_id, row.k)} covers {_percent(row.coverage, row.low, row.high)} against "
        f"{_at(names, row.against, row.against_k)}'s {theirs} ({difference})"
    )
    priced = {name: [each for each in pair if each.accounting == name and each.measure != "samples"] for name in PAID}
    ratios = {name: [_ratio(each) for each in rows] for name, rows in priced.items()}
    if not ratios["all"]:
        return said + "."
    stopping = f"; {PAID['stopping']}: {_listed(ratios['stopping'])}" if ratios["stopping"] != ratios["all"] else ""
    return f"{said} at {_listed(ratios['all'])}{stopping}."


def print_budgets(
    compared: Sequence[Contender], measure: str, accounting: Accounting, rows: Sequence[AtBudget]
) -> None:
    """One line a budget: each run's coverage and k, and its difference to the first run."""
    click.secho(f"\nCoverage at equal {NAMES[measure]}, {PAID[accounting]}", bold=True)
    ids = [run.run_id for run in compared]
    lines: dict[float, dict[str, str | None]] = {}
    for row in rows:
        line = lines.setdefault(row.budget, {measure: _short(row.budget)})
        if row.coverage is None:
            continue
        plain = measure == "samples" and accounting == "all" and row.k == row.budget
        line[f"run {row.run_id}"] = f"{row.coverage:.2%}" + ("" if plain else f" (k {row.k:,})")
        if row.difference is not None:
            ends = f"[{_points(row.difference_low)}, {_points(row.difference_high)}]"
            line[f"{row.run_id} less {ids[0]}"] = f"{_points(row.difference)} {ends}"
    columns = [measure, *(f"run {each}" for each in ids), *(f"{each} less {ids[0]}" for each in ids[1:])]
    click.echo(text_table([{name: line.get(name) for name in columns} for line in lines.values()], columns), nl=False)


def print_needs(compared: Sequence[Contender], needs: Sequence[Need], accounting: Accounting) -> None:
    """What each run needs for a coverage, and by what factor the cheapest is cheaper."""
    click.secho(f"\nWhat {_level(needs[0].wanted)} coverage needs, {PAID[accounting]}", bold=True)
    lines = [
        {
            **need._asdict(),
            "reaches": f"{need.reaches:.2%}",
            "k": None if need.k is None else f"{need.k:,} [{need.k_low:,}, {_or_more(need.k_high, run.most)}]",
            "cheapest_by": ", ".join(need.cheapest_by) or None,
        }
        for run, need in zip(compared, needs, strict=True)
    ]
    paid = ("samples",) if accounting == "stopping" else ()
    columns = ("run_id", "reaches", "k", *paid, "flops", "usd", "gpu_seconds", "cheapest_by")
    click.echo(text_table(lines, columns), nl=False)
    short = [f"run {need.run_id}" for need in needs if need.k is None]
    if short:
        click.echo(f"{' and '.join(short)} did not reach it with the samples there are.")
    for measure in MEASURES:
        _say_cheapest(needs, measure)
    click.echo(SURE)


def _say_cheapest(needs: Sequence[Need], measure: str) -> None:
    """By what factor the cheapest by a measure is cheaper than the next."""
    others = sorted((need.of(measure), need.run_id, need.times[measure]) for need in needs if measure in need.times)
    cheapest = [need.run_id for need in needs if measure in need.cheapest_by]
    if not others or len(cheapest) > 1:
        return
    _, run_id, (times, low, high) = others[0]
    assert times is not None
    by = _times(times, low, high, f" times less than run {run_id}")
    click.echo(
        f"By {NAMES[measure]}, run {cheapest[0]} is cheapest: {by}"
        + ("." if low is not None and low > 1 else ", so it may not be on other problems.")
    )


def print_similarity(rows: Sequence[Growth]) -> None:
    """By what factor samples grow from one level to another."""
    if not rows:
        return
    levels = f"{_level(rows[0].start)} to {_level(rows[0].goal)}"
    click.secho(f"\nSamples from {levels} coverage (one factor: curves of one shape)", bold=True)
    click.echo(text_table(rows, ("run_id", "samples_start", "samples_goal", "ratio")), nl=False)


def print_unknown(known: Sequence[str]) -> None:
    """What is not compared, and how it would be."""
    unknown = [hint for name, hint in HINTS.items() if name not in known]
    if unknown:
        click.echo("\nNot known of every run, so not compared: " + " ".join(unknown))


def _pairs(rows: Sequence[AtPrice]) -> list[tuple[int, int]]:
    return list(dict.fromkeys((row.against, row.against_k) for row in rows))


def _at(names: dict[int, str], run_id: int, k: int) -> str:
    return f"{names[run_id]}@{k}"


def _ratio(row: AtPrice) -> str:
    return f"{_times(row.times, row.times_low, row.times_high, ' times the ' + NAMES[row.measure])}"


def _times(times: float, low: float | None, high: float | None, said: str = "") -> str:
    if low is not None and high is not None and high - low < 1e-9 * times:
        return _figures(times) + said  # the same for every problem
    return (
        f"{_figures(times)}{said} [{'0' if low is None else _figures(low)}, {'∞' if high is None else _figures(high)}]"
    )


def _on_these(row: AtPrice) -> str:
    if row.these_low is None:
        return ""
    return f" On these very problems, with new samples, it is [{_points(row.these_low)}, {_points(row.these_high)}]."


def _listed(parts: Sequence[str]) -> str:
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def _percent(value: float, low: float, high: float) -> str:
    return f"{100 * value:.1f} % [{100 * low:.1f}, {100 * high:.1f}]"


def _level(value: float) -> str:
    said = f"{100 * value:.4g}"
    return (said if said != "100" or value == 1 else f"{100 * value:.10g}") + " %"


def _points(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:+.2f}".replace("-0.00", "+0.00")


def _or_more(k: int | None, most: int) -> str:
    return f">{most:,}" if k is None else f"{k:,}"


def _figures(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _short(value: float) -> str:
    if value < 1e9 and (value == int(value) or value >= 1e4):
        return f"{value:,.0f}"
    return f"{value:.4g}" if value < 1e9 else f"{value:.3g}"
