"""What a page is asked for: the filter and the place that stand in its address, so that each state has a link."""

from typing import NamedTuple
from urllib.parse import urlencode

from starlette.requests import Request

from models.questions.browse_problems import SORTS
from models.questions.browse_samples import NOT_CORRECT, UNVERIFIED, Filter, Spot
from models.storable import storable
from verifiers.errors import UserError
from verifiers.outcome import Outcome

SECONDS = 5.0
"""What one statement of a page may take."""

LONGEST = 1_000
"""Characters of what is searched for: it stands in every link of a page."""

HARDEST = next(iter(SORTS))

OUTCOMES = [NOT_CORRECT, *map(str, Outcome), UNVERIFIED]


class PageState(NamedTuple):
    """The state of a page, as its address says it."""

    wanted: Filter
    verifier: int | None
    """Whose verdicts are shown; None: the one's that counts."""
    everywhere: bool
    """Whether the next sample may be another problem's."""
    sort: str
    key: str | None
    """A part of the keys of the problems that are listed."""
    after: int | None
    start: Spot | None
    whole: bool
    """Whether long texts are shown whole."""

    def query(self, **changed: object) -> str:
        """The address's part behind `?` of this filter and order, changed so; without the place."""
        state = {**self.wanted._asdict(), "everywhere": self.everywhere, **self.kept(), **changed}
        said = {name: 1 if value is True else value for name, value in state.items() if _is_said(value)}
        return "?" + urlencode(said) if said else ""

    def kept(self) -> dict[str, object]:
        """What stays as it is when another filter is chosen."""
        return {"verifier": self.verifier, "sort": None if self.sort == HARDEST else self.sort}

    def unfiltered(self) -> str:
        """The address's part behind `?` with no filter."""
        return self._replace(wanted=Filter(), everywhere=False).query()


def asked(request: Request) -> PageState:
    """What an address asks for; UserError where it is none that a page links to."""
    given = request.query_params
    outcome, sort = given.get("outcome") or None, given.get("sort") or HARDEST
    if outcome is not None and outcome not in OUTCOMES:
        raise UserError(f"There is no outcome {outcome!r:.100}; there are {', '.join(OUTCOMES)}.")
    if sort not in SORTS:
        raise UserError(f"Problems are not sorted {sort!r:.100}; there is {', '.join(SORTS)}.")
    wanted = Filter(
        outcome=outcome,
        disagree=bool(given.get("disagree")),
        truncated=bool(given.get("truncated")),
        thinking=bool(given.get("thinking")),
        text=_text(request, "text"),
        candidate=number(request, "candidate"),
    )
    at, index = number(request, "at"), number(request, "index")
    start = None if at is None or index is None else Spot(at, index)
    everywhere, whole = bool(given.get("everywhere")), bool(given.get("whole"))
    verifier, after = number(request, "verifier"), number(request, "after")
    return PageState(wanted, verifier, everywhere, sort, _text(request, "key"), after, start, whole)


def number(request: Request, name: str) -> int | None:
    """A whole number of an address; None where it is not given."""
    given = request.query_params.get(name, "")
    if not given:
        return None
    if not (given.isascii() and given.isdecimal() and len(given) < 19):
        raise UserError(f"{name} is a whole number, not {given!r:.100}.")
    return int(given)


def _text(request: Request, name: str) -> str | None:
    given = storable(request.query_params.get(name, "").replace("\r\n", "\n"))
    if len(given) > LONGEST:
        raise UserError(f"{name} takes {LONGEST:,} characters at most, not {len(given):,}.")
    return given or None


def _is_said(value: object) -> bool:
    return value is not None and value is not False  # 0 is a place
