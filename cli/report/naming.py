"""What runs are called in legends: their name once, and what tells them apart."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from cli.output import harmless
from cli.report.drawing import COLOURS, MARKERS
from models.questions.report import Findings

LONGEST = 60

SETTINGS = {
    "benchmark": "",
    "engine_args": "",
    "temperature": "temperature ",
    "top_p": "top-p ",
    "top_k": "top-k ",
    "min_p": "min-p ",
    "max_tokens": "max tokens ",
    "chat": "chat template ",
    "thinking": "thinking ",
    "verifier": "by ",
    "verifier_version": "version ",
}
"""What of two runs' settings is said where it differs, and the words before it."""


def labels(runs: Sequence[Findings]) -> dict[int, str]:
    """A label for each run: its number, its name or else its llm, and the settings in which these runs differ."""
    llms = {run.provenance.llm for run in runs}
    differing = [name for name in SETTINGS if len({str(getattr(run.provenance, name)) for run in runs}) > 1]
    found = {}
    for run in runs:
        called = [run.progress.name] if run.progress.name else []
        if not called or (len(llms) > 1 and run.provenance.llm not in called):
            called.append(run.provenance.llm)
        said = [f"{SETTINGS[name]}{_said(_of_these(run, runs, name))}" for name in differing]
        name, rest = " · ".join(called), ", ".join(said)
        room = max(20, LONGEST - len(rest))
        parts = [f"run {run.run_id}{', partial' if run.partial else ''}", cut(name, room), cut(rest, LONGEST)]
        found[run.run_id] = harmless(" · ".join(part for part in parts if part))
    return found


class Look(NamedTuple):
    """How a run is drawn in every plot."""

    colour: str
    marker: str
    label: str

    @property
    def line(self) -> dict[str, Any]:
        """Its line, in matplotlib's words."""
        return {"color": self.colour, "marker": self.marker, "markersize": 3.5, "label": self.label}


def looks(runs: Sequence[Findings]) -> Iterator[tuple[Findings, Look]]:
    """Each run with its look."""
    names = labels(runs)
    for place, run in enumerate(runs):
        yield run, Look(COLOURS[place % len(COLOURS)], MARKERS[place % len(MARKERS)], names[run.run_id])


def cut(text: str, longest: int) -> str:
    """A text's beginning where it is longer."""
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _of_these(run: Findings, runs: Sequence[Findings], name: str) -> Any:
    """A setting of a run; of several settings in one, those in which these runs differ."""
    value = getattr(run.provenance, name)
    if not isinstance(value, dict):
        return value
    others = [getattr(each.provenance, name) for each in runs]
    return {each: given for each, given in value.items() if any(other.get(each, value) != given for other in others)}


def _said(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {each}" for name, each in sorted(value.items())) or "none of these engine arguments"
    if value is None:
        return "not known"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)
