"""The plots of a report: what each shows, its rows for CSV, and how it is drawn."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from cli.report.drawing import INK, Plot, big, k_axis, legend, log_labels, share_axis
from models.analysis.selectors import LABELS
from models.questions.report import Findings

COLOURS = ("#3b7dd8", "#d9662b", "#2a9d6f", "#b65fc2", "#b8901c", "#d64550", "#3fa3b0", "#8a8f98")
"""Of runs; each stands out on white and on black."""

OUTCOME_COLOURS = {
    "correct": "#2a9d6f",
    "incorrect": "#d64550",
    "no_answer": "#8a8f98",
    "infrastructure_error": "#b8901c",
}

LINES = {"majority": "-.", "best_of_k": "--", "weighted_majority": ":", "logprob": (0, (3, 1, 1, 1, 1, 1))}


def plots(found: Sequence[Findings]) -> list[Plot]:
    """Every plot that these runs have the numbers for."""
    made = [coverage_plot(found), precision_plot(found), problems_plot(found), cost_plot(found)]
    made += [outcomes_plot(found), savings_plot(found), diversity_plot(found)]
    return [each for each in made if each.rows]


def coverage_plot(found: Sequence[Findings]) -> Plot:
    """Coverage against k with its 95 % interval, the paper's law, and its forecast."""
    rows = [
        {"run_id": run.run_id, "what": "coverage", "k": row["k"], **_values(row)}
        for run in found
        for row in run.coverage
        if row["coverage"] is not None
    ]
    rows += [
        {"run_id": run.run_id, "what": f"forecast by {row['family']}", "k": row["k"], **_values(row)}
        for run in found
        for row in run.forecasts
    ]

    def draw(figure: Any) -> None:
        axes = figure.subplots()
        for run, colour in _coloured(found):
            known = [row for row in run.coverage if row["coverage"] is not None]
            ks = [row["k"] for row in known]
            axes.plot(ks, [row["coverage"] for row in known], "o-", color=colour, markersize=3.5, label=_short(run))
            if known and all(row["low"] is not None for row in known):
                axes.fill_between(
                    ks,
                    [row["low"] for row in known],
                    [row["high"] for row in known],
                    alpha=0.18,
                    color=colour,
                    linewidth=0,
                )
            _draw_law(axes, run, colour)
        k_axis(axes)
        share_axis(axes, "coverage (pass@k)")
        legend(axes)

    return Plot(
        "coverage",
        "Coverage",
        "Share of problems with a right sample among k, with the 95 % interval for new problems of the same kind. "
        "Dashed: the law exp(a·k^b) fitted to it; dotted, with a band: its forecast.",
        rows,
        draw,
    )


def _draw_law(axes: Any, run: Findings, colour: str) -> None:
    law = next((fit for fit in run.fits if fit["family"] == "exponentiated_power_law" and not fit["flag"]), None)
    ahead = [row for row in run.forecasts if row["family"] == "exponentiated_power_law"]
    if law is None:
        return
    most = max(row["k"] for row in run.coverage)
    a, b = law["parameters"]["a"], law["parameters"]["b"]
    grid = np.geomspace(1, most, 100)
    axes.plot(grid, np.exp(a * grid**b), "--", color=colour, linewidth=1)
    if ahead and all(row["low"] is not None for row in ahead):
        ks = [row["k"] for row in ahead]
        axes.plot(ks, [row["coverage"] for row in ahead], ":", color=colour, linewidth=1.2)
        axes.fill_between(
            ks, [row["low"] for row in ahead], [row["high"] for row in ahead], alpha=0.08, color=colour, linewidth=0
        )


def precision_plot(found: Sequence[Findings]) -> Plot:
    """What selectors pick against what there is to pick."""
    rows = [
        {
            "run_id": run.run_id,
            **{name: row[name] for name in ("selector", "reward_model", "k", "success_rate", "coverage", "gap")},
            "stderr": row["stderr"],
        }
        for run in found
        for row in run.precision
    ]
    shown = [run for run in found if run.precision]

    def draw(figure: Any) -> None:
        axes = figure.subplots()
        for run, colour in _coloured(found):
            for name in dict.fromkeys((row["selector"], row["reward_model"]) for row in run.precision):
                line = [row for row in run.precision if (row["selector"], row["reward_model"]) == name]
                ks = np.array([row["k"] for row in line])
                success = np.array([row["success_rate"] for row in line])
                error = np.array([row["stderr"] or 0 for row in line])
                own = colour if len(shown) > 1 else COLOURS[1 + list(LINES).index(name[0])]
                label = " ".join(filter(None, [name[0].replace("_", " "), name[1]]))
                axes.plot(
                    ks,
                    success,
                    linestyle=LINES[name[0]],
                    color=own,
                    label=label if len(shown) == 1 else f"{label} (run {run.run_id})",
                )
                axes.fill_between(ks, success - error, success + error, alpha=0.1, color=own, linewidth=0)
            if run.precision:
                least = {row["k"]: row["coverage"] for row in run.precision}
                axes.plot(
                    list(least),
                    list(least.values()),
                    "o-",
                    color=colour,
                    markersize=3,
                    label="coverage" if len(shown) == 1 else f"coverage (run {run.run_id})",
                )
        k_axis(axes)
        share_axis(axes, "chance of a right answer")
        legend(axes)

    return Plot(
        "precision",
        "Precision against coverage",
        "How often a selector that does not know the truth picks a right sample of k (band: one standard error), and "
        "coverage, which a perfect one would reach.",
        rows,
        draw,
    )


def problems_plot(found: Sequence[Findings]) -> Plot:
    """pass@k of every problem as a map."""
    from models.statistics.coverage import pass_at_k

    rows: list[dict[str, Any]] = []
    maps: list[tuple[Findings, Any, list[int]]] = []
    for run in found:
        ordered = sorted(
            (row for row in run.problems if row["decided"]), key=lambda row: (row["correct_share"], row["problem_key"])
        )
        if not ordered:
            continue
        ks = [row["k"] for row in run.coverage]
        values = pass_at_k([row["decided"] for row in ordered], [row["correct"] for row in ordered], ks)
        maps.append((run, values, ks))
        rows += [
            {
                "run_id": run.run_id,
                "problem_key": problem["problem_key"],
                "k": k,
                "pass_at_k": None if np.isnan(value) else float(value),
            }
            for problem, line in zip(ordered, values, strict=True)
            for k, value in zip(ks, line, strict=True)
        ]

    def draw(figure: Any) -> None:
        all_axes = np.atleast_1d(figure.subplots(1, len(maps), squeeze=False)[0])
        for axes, (run, values, ks) in zip(all_axes, maps, strict=True):
            image = axes.imshow(
                values, aspect="auto", cmap="viridis", vmin=0, vmax=1, interpolation="nearest", origin="lower"
            )
            places = [place for place, k in enumerate(ks) if str(k).strip("0") == "1"]
            axes.set_xticks(places, [big(ks[place]) for place in places])
            axes.set(xlabel="samples per problem, k", title=f"run {run.run_id}" if len(maps) > 1 else None)
        all_axes[0].set_ylabel("problems, hardest first")
        bar = figure.colorbar(image, ax=list(all_axes), format=lambda value, _: f"{value:.0%}")
        bar.outline.set_visible(False)
        bar.set_label("pass@k")

    width = min(14.0, 7.2 + 2.4 * max(0, len(maps) - 1))
    return Plot(
        "problems",
        "Problem by problem",
        "pass@k of each problem, the hardest at the bottom. Blank: fewer than k samples.",
        rows,
        draw,
        (width, 4.8),
    )


COSTS = {"flops": "FLOPs", "gpu_seconds": "GPU-seconds", "usd": "dollars"}


def cost_plot(found: Sequence[Findings]) -> Plot:
    """Coverage against what it cost."""
    rows = [
        {"run_id": run.run_id, **{name: row[name] for name in ("k", "coverage", "low", "high", *COSTS)}}
        for run in found
        for row in run.coverage_by_cost
        if row["coverage"] is not None and any(row[name] for name in COSTS)
    ]
    known = [name for name in COSTS if any(row[name] for row in rows)]

    def draw(figure: Any) -> None:
        all_axes = figure.subplots(1, len(known), sharey=True, squeeze=False)[0]
        for axes, name in zip(all_axes, known, strict=True):
            for run, colour in _coloured(found):
                line = [row for row in rows if row["run_id"] == run.run_id and row[name]]
                if line:
                    costs = [row[name] for row in line]
                    axes.plot(
                        costs, [row["coverage"] for row in line], "o-", color=colour, markersize=3, label=_short(run)
                    )
                    if all(row["low"] is not None for row in line):
                        lows, highs = [row["low"] for row in line], [row["high"] for row in line]
                        axes.fill_between(costs, lows, highs, alpha=0.15, color=colour, linewidth=0)
            axes.set(xscale="log", xlabel=COSTS[name])
            log_labels(axes.xaxis)
            share_axis(axes, "coverage" if axes is all_axes[0] else "")
        legend(all_axes[0])

    return Plot(
        "cost",
        "Coverage against cost",
        "k samples of every problem, at the run's own mean lengths; FLOPs by the paper's formula, prompts once.",
        rows,
        draw,
        (max(6.0, 3.6 * len(known)), 4.0),
    )


def outcomes_plot(found: Sequence[Findings]) -> Plot:
    """How samples came out."""
    rows = [
        {"run_id": run.run_id, "outcome": str(row["outcome"] or "unknown"), "samples": row["samples"]}
        for run in found
        for row in run.outcomes
    ]
    names = sorted({row["outcome"] for row in rows}, key=lambda name: (name != "correct", name))
    others = iter([colour for colour in COLOURS if colour not in OUTCOME_COLOURS.values()] * 2)
    colours = {name: OUTCOME_COLOURS.get(name) or next(others) for name in names}

    def draw(figure: Any) -> None:
        axes = figure.subplots()
        runs = [run.run_id for run in found]
        left = np.zeros(len(runs))
        totals = np.array([sum(row["samples"] for row in rows if row["run_id"] == run) for run in runs])
        for name in names:
            counts = np.array(
                [sum(row["samples"] for row in rows if (row["run_id"], row["outcome"]) == (run, name)) for run in runs]
            )
            shares = counts / np.maximum(totals, 1)
            axes.barh([f"run {run}" for run in runs], shares, left=left, color=colours[name], height=0.6,
                      label=f"{name.replace('_', ' ')} {shares.mean():.1%}" if len(runs) == 1 else name)  # fmt: skip
            left += shares
        axes.invert_yaxis()
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
        axes.set(xlim=(0, 1), xlabel="share of samples")
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, 1.35), ncols=4, frameon=False, fontsize=8)

    return Plot(
        "outcomes",
        "Outcomes",
        "How samples came out, by the counting verifier.",
        rows,
        draw,
        (7.2, 1.9 + 0.4 * len(found)),
    )


def savings_plot(found: Sequence[Findings]) -> Plot:
    """What judging each candidate once saved."""
    rows = []
    for run in found:
        if run.verifier == LABELS:
            continue  # nothing was judged
        samples = sum(row["samples"] for row in run.outcomes)
        candidates = sum(row["candidates"] for row in run.outcomes)
        answered = sum(row["samples"] for row in run.outcomes if row["candidates"])
        if samples:
            rows.append(
                {
                    "run_id": run.run_id,
                    "samples": samples,
                    "with_candidate": answered,
                    "distinct_candidates": candidates,
                }
            )

    def draw(figure: Any) -> None:
        axes = figure.subplots()
        names = [f"run {row['run_id']}" for row in rows]
        place = np.arange(len(rows))
        axes.barh(
            place - 0.2, [row["with_candidate"] for row in rows], 0.36, color=COLOURS[7], label="candidates found"
        )
        axes.barh(place + 0.2, [row["distinct_candidates"] for row in rows], 0.36, color=COLOURS[0], label="judged")
        for each, row in zip(place, rows, strict=True):
            saved = 1 - row["distinct_candidates"] / max(row["with_candidate"], 1)
            axes.annotate(f"  {saved:.1%} saved", (row["distinct_candidates"], each + 0.2), va="center", fontsize=8)
        axes.set_yticks(place, names)
        axes.invert_yaxis()
        axes.xaxis.set_major_formatter(lambda value, _: big(value))
        axes.set(xlabel="judgings")
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, 1.35), ncols=2, frameon=False, fontsize=8)

    return Plot(
        "savings",
        "Verification saved",
        "Each distinct candidate of a problem is judged once, however many samples gave it.",
        rows,
        draw,
        (7.2, 1.9 + 0.5 * len(rows)),
    )


def diversity_plot(found: Sequence[Findings]) -> Plot:
    """Whether more samples still bring new candidates."""
    rows = [
        {"run_id": run.run_id, **row}
        for run in found
        for row in run.diversity
        if row["problems"] == run.diversity[0]["problems"]
    ]

    def draw(figure: Any) -> None:
        axes = figure.subplots()
        for run, colour in _coloured(found):
            line = [row for row in rows if row["run_id"] == run.run_id]
            if line:
                ks = [row["k"] for row in line]
                distinct = [row["expected_distinct_candidates"] for row in line]
                axes.plot(ks, distinct, "o-", color=colour, markersize=3, label=_short(run))
        most = max(row["k"] for row in rows)
        axes.plot([1, most], [1, most], color=INK, linewidth=0.8, alpha=0.5, label="all different")
        k_axis(axes)
        axes.set(yscale="log", ylabel="distinct candidates expected")
        log_labels(axes.yaxis)
        legend(axes)

    return Plot(
        "diversity",
        "Diversity",
        "Distinct candidates among k samples of a problem, a mean over problems (exact rarefaction). Where the curve "
        "flattens, samples repeat and more of them stop paying.",
        rows,
        draw,
    )


def _coloured(found: Sequence[Findings]) -> Iterator[tuple[Findings, str]]:
    for place, run in enumerate(found):
        yield run, COLOURS[place % len(COLOURS)]


def _values(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in ("coverage", "low", "high")}


def _short(run: Findings) -> str:
    from cli.output import harmless

    title = harmless(run.title)
    return title if len(title) <= 60 else title[:59] + "…"
