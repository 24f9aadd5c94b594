"""Ranges of the numbers that a person gives: options, checks and sentences come from the field that says its own."""

import math
from dataclasses import dataclass, fields
from typing import Any

from verifiers.errors import UserError

LARGEST = 2**31 - 1
"""The largest whole number of a column of ours."""


@dataclass(frozen=True)
class Range:
    """Finite numbers from `low` to `high`; `above` leaves out `low` itself."""

    whole: bool
    low: float
    high: float
    above: bool = False

    def holds(self, value: float) -> bool:
        """Whether a number lies in it; nan lies nowhere."""
        return self.low <= value <= self.high and value < math.inf and not (self.above and value == self.low)

    @property
    def short(self) -> str:
        """As a formula; the largest whole number that a column holds goes without saying."""
        limit = "" if self.high in (math.inf, LARGEST) else f"<={self.high:g}"
        if not limit:
            return f"x{'>' if self.above else '>='}{self.low:g}"
        return f"{self.low:g}{'<' if self.above else '<='}x{limit}"

    def __str__(self) -> str:
        kind = "a whole number" if self.whole else "a number"
        low = f"{'above' if self.above else 'of at least'} {self.low:,}"
        return f"{kind} {low}" + ("" if self.high == math.inf else f" and at most {self.high:,}".removesuffix(".0"))


def whole(low: int, high: int = LARGEST) -> Range:
    """Whole numbers, those of a column unless `high` says otherwise."""
    return Range(True, low, high)


def real(low: float, high: float = math.inf, *, above: bool = False) -> Range:
    """Finite numbers."""
    return Range(False, low, high, above)


def about(text: str, numbers: Range | None = None, form: str | None = None) -> dict[str, Any]:
    """Metadata of a field that a person may give: what help says of it, its range, and how it is given.

    form: `file` is the text of a file, `pairs` an object by key=value one at a time, `json` an object as JSON.
    """
    return {"help": text, "range": numbers, "form": form}


def check_ranges(settings: Any) -> None:
    """UserError for the first field of a dataclass whose number is out of its range; None is no number."""
    for field in fields(settings):
        numbers, value = field.metadata.get("range"), getattr(settings, field.name)
        if numbers is not None and value is not None and not numbers.holds(value):
            raise UserError(f"{field.name} must be {numbers}, not {value}.")
