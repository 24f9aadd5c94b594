"""Where a report's numbers come from: settings and versions of its runs beside each other, in a line, as columns."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import compress
from typing import Any, NamedTuple

from cli.output import harmless
from cli.report.naming import cut
from models.questions.report import Findings
from tasks.identity import build

INTERVALS = {"gaffke": "95 %, Gaffke's bound, for new problems of the same kind"}
LONGEST = 300
MOST = 4
"""Runs that a line below a figure tells of."""


class Setting(NamedTuple):
    """A setting, in words, of each run."""

    name: str
    values: list[str]

    @property
    def differs(self) -> bool:
        """Whether the runs have not all the same."""
        return len(set(self.values)) > 1


def origin_of(runs: Sequence[Findings]) -> list[Setting]:
    """Settings and versions of these runs, those that say something of one of them."""
    told = [_told(run) for run in runs]
    values = [Setting(name, [cut(harmless(each[name]), LONGEST) or "–" for each in told]) for name in told[0]]
    return [setting for setting in values if set(setting.values) != {"–"}]


class Origin(NamedTuple):
    """Columns of every CSV: what a row rests on, where no page is beside it."""

    benchmark: str
    llm: str
    temperature: float | None
    n: int
    verifier: str
    worked_on: datetime
    """When its last attempt ended, else when it was enqueued or imported."""
    sampled_by: str
    """Versions of monkeys."""
    reported_by: str


def origin_row(run: Findings) -> Origin:
    """What a run's rows in a CSV rest on."""
    made = run.provenance
    return Origin(
        made.benchmark,
        made.llm,
        made.temperature,
        made.n,
        run.verifier,
        made.last_attempt or made.enqueued,
        ", ".join(made.monkeys),
        f"monkeys {build()}",
    )


def origin_line(runs: Sequence[Findings]) -> str:
    """The same of some runs in a line below a figure, what they share once."""
    told = {run.run_id: _in_words(run) for run in runs}
    first = next(iter(told.values()))
    differs = [len({each[at] for each in told.values()}) > 1 for at in range(len(first))]
    shared = [part for part, differing in zip(first, differs, strict=True) if part and not differing]
    own = {run: [*filter(None, compress(each, differs))] for run, each in told.items()}
    lines = [f"run {run}: {', '.join(parts)}" for run, parts in own.items() if parts]
    if len(lines) > MOST:
        lines = [*lines[:MOST], f"and {len(lines) - MOST} more"]
    return harmless(" · ".join([*lines, ", ".join([*shared, f"by monkeys {build()}"])]))


def _in_words(run: Findings) -> list[str]:
    row = origin_row(run)
    return [
        cut(row.llm, 60),
        cut(f"{row.benchmark} ({run.progress.problems:,} problems)", 60),
        "temperature " + ("not known" if row.temperature is None else f"{row.temperature:g}"),
        f"{row.n:,} samples a problem",
        f"in part: {run.partial}" if run.partial else f"{row.worked_on.astimezone(UTC):%Y-%m-%d}",
        cut(f"verifier {row.verifier}", 60),
        f"sampled by {row.sampled_by}" if row.sampled_by else "",
    ]


def _told(run: Findings) -> dict[str, str]:
    made, first = run.provenance, run.coverage[0]
    unknown = "not known, as it was imported" if made.imported else "not known"
    return {
        "enqueued": _day(made.enqueued),
        "worked on": " – ".join(dict.fromkeys(filter(None, map(_day, (made.first_attempt, made.last_attempt))))),
        "state": run.progress.state + (f", by its rule on {made.stopped_by}" if made.stopped_by else ""),
        "monkeys": ", ".join(made.monkeys) or unknown,
        "benchmark": f"{made.benchmark}, {run.progress.problems:,} problems",
        "llm": made.llm,
        "engine": " ".join([made.engine, ", ".join(made.engine_versions)]).strip(),
        "engine arguments": _pairs(made.engine_args),
        "temperature": unknown if made.temperature is None else f"{made.temperature:g}",
        "top-p": f"{made.top_p:g}" + (" (off)" if made.top_p == 1 else ""),
        "top-k": "" if made.top_k is None else str(made.top_k),
        "min-p": "" if made.min_p is None else f"{made.min_p:g}",
        "max tokens": unknown if made.max_tokens is None else f"{made.max_tokens:,}",
        "stop strings": ", ".join(map(repr, made.stop)),
        "prompts": "by the llm's chat template" if made.chat else "raw",
        "thinking": made.thinking,
        "seed": "" if made.seed is None else str(made.seed),
        "left out, as the endpoint refuses it": ", ".join(run.left_out),
        "n, samples of each problem": f"{made.n:,}",
        "stop rule": _pairs(made.stop_rule) or "none: n samples whatever comes out",
        "verifier": f"{made.verifier} {made.verifier_version}",
        "estimator of coverage": first.estimator.replace("_", " "),
        "intervals of coverage": INTERVALS.get(first.interval or "", first.interval or "none"),
    }


def _day(at: datetime | None) -> str:
    return "" if at is None else f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _pairs(settings: Mapping[str, Any]) -> str:
    return ", ".join(name if value is True else f"{name} {value}" for name, value in sorted(settings.items()))
