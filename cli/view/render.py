"""Templates filled: whatever an llm or a person wrote is escaped, and nothing in it moves or turns the text around."""

from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

from cli.output import harmless, printed
from cli.view.texts import shown


@cache
def templates() -> Environment:
    """The templates of cli/view/templates."""
    made = Environment(
        loader=PackageLoader("cli.view"), autoescape=True, trim_blocks=True, lstrip_blocks=True,
        undefined=StrictUndefined, finalize=_harmless,
    )  # fmt: skip
    made.filters |= {"cell": _cell, "share": _share, "shown": shown, "line": _line}
    return made


def render(request: Request, template: str, *, status: int = 200, **given: Any) -> HTMLResponse:
    """A page; `root` is what the addresses of all pages begin with."""
    root = request.scope.get("root_path", "")
    return HTMLResponse(templates().get_template(f"{template}.html.j2").render(root=root, **given), status)


def _harmless(value: Any) -> Any:
    return harmless(value) if type(value) is str else value


def _cell(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else printed(value)


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.2%}"


def _line(text: str | None, characters: int = 160) -> str:
    """A text on one line, cut."""
    if text is None:
        return "–"
    short = " ".join(text[: 4 * characters].split())
    return short if len(short) <= characters and len(text) <= 4 * characters else short[:characters] + "…"
