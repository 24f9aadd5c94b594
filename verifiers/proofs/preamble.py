"""What a sample sets before its theorem: the namespaces that it opens, and the resources that it asks for.

Namespaces are opened for its helpers and its proof, never for the statement, which is elaborated without them. Of the
options only those that limit Lean's work count, up to the policy's largest value, and only where the header has less.
"""

import re
from collections.abc import Iterator, Sequence

from verifiers.proofs.lexer import NAME
from verifiers.proofs.policy import OPTIONS, PROGRAMS

_SPACE = rf"(?=[A-Z]){NAME}"
_LIMIT = "|".join(map(re.escape, OPTIONS))
_ENDS = r"(?=[ \t]+in\b|[ \t]*(?:--[^\n]*)?(?:\n|\Z))"
_SAID = re.compile(
    rf"(?:^|\bin\b)[ \t]*(?:open(?P<scoped>[ \t]+scoped)?(?P<spaces>(?:[ \t]+{_SPACE}){{1,40}})"
    rf"|set_option[ \t]+(?P<option>{_LIMIT})[ \t]+(?P<value>[0-9]{{1,12}})){_ENDS}",
    re.MULTILINE,
)
_NAMESPACE = re.compile(rf"^[ \t]*namespace[ \t]+({NAME})", re.MULTILINE)
_LINE = re.compile(rf"open(?: scoped)?(?: {_SPACE})+|set_option (?:{_LIMIT}) [0-9]+")

_BY_DEFAULT = {
    "maxRecDepth": 512,
    "maxHeartbeats": 200_000,
    "synthInstance.maxHeartbeats": 20_000,
    "synthInstance.maxSize": 128,
}


def preamble(text: str, header: str) -> tuple[str, ...]:
    """What a text sets that its problem's header does not, as commands: `open Finset`, `set_option maxRecDepth 2000`.

    A namespace of the text's own is not opened, nor one of Lean's own programs.
    """
    known = {space for _, space in _opened(header)} | set(_NAMESPACE.findall(text))
    spaces: dict[str, list[str]] = {}
    for scoped, space in dict.fromkeys(_opened(text)):
        if space not in known and PROGRAMS.isdisjoint(space.split(".")):
            spaces.setdefault(scoped, []).append(space)
    given = _limits(header)
    asked = {option: value for option, value in _limits(text).items() if _more(value, given.get(option, -1), option)}
    return (
        *(f"open{scoped} {' '.join(names)}" for scoped, names in spaces.items()),
        *(f"set_option {option} {value}" for option, value in asked.items()),
    )


def is_setting(helper: str) -> bool:
    """Whether a text is one such command."""
    return _LINE.fullmatch(helper) is not None


def opens(helpers: Sequence[str]) -> list[str]:
    """Those of some commands that open namespaces."""
    return [helper for helper in helpers if helper.startswith("open ")]


def limits(helpers: Sequence[str]) -> list[str]:
    """Those of some commands that set an option."""
    return [helper for helper in helpers if helper.startswith("set_option ")]


def _opened(text: str) -> Iterator[tuple[str, str]]:
    for said in _SAID.finditer(text):
        for space in (said["spaces"] or "").split():
            yield " scoped" if said["scoped"] else "", space


def _limits(text: str) -> dict[str, int]:
    """The largest value that a text gives each option, within the policy's; 0, which is no limit, is the largest."""
    found: dict[str, int] = {}
    for said in _SAID.finditer(text):
        if option := said["option"]:
            most = OPTIONS[option]
            value = int(said["value"]) if most is None else min(int(said["value"]), most)
            if _more(value, found.get(option, -1), option):
                found[option] = value
    return found


def _more(value: int, than: int, option: str) -> bool:
    """Whether a value allows more work than another, -1 for Lean's own."""
    than = _BY_DEFAULT[option] if than < 0 else than
    return than != 0 and (value == 0 or value > than)
