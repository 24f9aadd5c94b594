"""Where a report's numbers come from, in words: settings and versions of its runs, beside each other."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from cli.output import harmless
from cli.report.naming import cut
from models.questions.report import Findings

INTERVALS = {"gaffke": "95 %, Gaffke's bound, for new problems of the same kind"}
LONGEST = 300


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
