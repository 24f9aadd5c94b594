"""The bars of a report: how samples came out, and what judging each candidate once saved."""

from collections.abc import Sequence
from itertools import cycle
from typing import Any, NamedTuple

import numpy as np

from cli.report.axes import big
from cli.report.drawing import COLOURS, INK, Plot, legend_below
from cli.report.naming import cut, looks
from cli.report.stopped import said_of_all_samples
from models.questions.report import Findings

OUTCOME_COLOURS = {"correct": COLOURS[0], "incorrect": COLOURS[1], "no_answer": COLOURS[7]}
"""Right and wrong are told apart by the colour-blind too."""

HATCHES = ("", "//", "..", "\\\\", "xx", "oo", "--", "++", "||", "**")
"""Of outcomes, in their order, for prints in grey."""


class OutcomeShare(NamedTuple):
    """How many samples of a run came out so."""

    run_id: int
    outcome: str
    samples: int
    biased_by: str | None


class Judgings(NamedTuple):
    """How many samples of a run had a candidate, and how many different ones were judged."""

    run_id: int
    samples: int
    with_candidate: int
    distinct_candidates: int


def outcomes_plot(runs: Sequence[Findings]) -> Plot:
    """How samples came out."""
    rows = [
        OutcomeShare(run.run_id, row.outcome or "unknown", row.samples, run.biased_by)
        for run in runs
        for row in run.outcomes
    ]
    names = sorted({row.outcome for row in rows}, key=lambda name: (name != "correct", name))
    others = iter([colour for colour in COLOURS if colour not in OUTCOME_COLOURS.values()] * 2)
    colours = {name: OUTCOME_COLOURS.get(name) or next(others) for name in names}

    def draw(figure: Any) -> None:
        axes = figure.subplots()
        ids = [run.run_id for run in runs]
        names_of_runs = [cut(look.label, 40) for _, look in looks(runs)]
        left = np.zeros(len(runs))
        samples = {(row.run_id, row.outcome): row.samples for row in rows}
        counts = {name: np.array([samples.get((run, name), 0) for run in ids]) for name in names}
        for name, hatch in zip(names, cycle(HATCHES)):
            shares = counts[name] / np.maximum(sum(counts.values()), 1)
            label = f"{name.replace('_', ' ')} {shares.mean():.1%}" if len(ids) == 1 else name.replace("_", " ")
            axes.barh(
                range(len(ids)), shares, left=left, color=colours[name], height=0.6, label=label, hatch=hatch,
                edgecolor=INK, linewidth=0,
            )  # fmt: skip
            left += shares
        axes.set_yticks(range(len(ids)), names_of_runs)
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
        axes.set(xlim=(0, 1), xlabel="share of samples")
        axes.invert_yaxis()
        legend_below(figure, [axes])

    return Plot(
        "outcomes",
        "Outcomes",
        "How samples came out, by the counting verifier." + said_of_all_samples(runs),
        rows,
        OutcomeShare._fields,
        draw,
        (7.2, 0.8 + 0.4 * len(runs)),
    )


def savings_plot(runs: Sequence[Findings]) -> Plot:
    """What judging each candidate once saved."""
    rows = [
        Judgings(
            run.run_id,
            samples=sum(row.samples for row in run.outcomes),
            with_candidate=sum(row.samples for row in run.outcomes if row.candidates),
            distinct_candidates=sum(row.candidates for row in run.outcomes),
        )
        for run in runs
        if run.outcomes and not run.labels_only
    ]

    def draw(figure: Any) -> None:
        axes = figure.subplots()
        place = np.arange(len(rows))
        names = {run.run_id: cut(look.label, 40) for run, look in looks(runs)}
        axes.barh(place - 0.2, [row.with_candidate for row in rows], 0.36, color=COLOURS[7], label="candidates found")
        axes.barh(place + 0.2, [row.distinct_candidates for row in rows], 0.36, color=COLOURS[0], label="judged")
        for bar, row in zip(place, rows, strict=True):
            saved = 1 - row.distinct_candidates / max(row.with_candidate, 1)
            axes.annotate(f"  {saved:.1%} saved", (row.distinct_candidates, bar + 0.2), va="center", fontsize=8)
        axes.set_yticks(place, [names[row.run_id] for row in rows])
        axes.xaxis.set_major_formatter(lambda value, _: big(value))
        axes.set(xlabel="judgings")
        axes.invert_yaxis()
        legend_below(figure, [axes])

    return Plot(
        "savings",
        "Verification saved",
        "Each distinct candidate of a problem is judged once, however many samples gave it.",
        rows,
        Judgings._fields,
        draw,
        (7.2, 0.8 + 0.5 * len(rows)),
    )
