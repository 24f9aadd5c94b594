"""The application that `monkeys view` serves: who may ask, what every answer carries, which page answers what."""

import secrets
from importlib.resources import files
from typing import Any

import psycopg
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cli.errors import sentence
from cli.view import pages
from cli.view.asking import SECONDS
from cli.view.render import render
from verifiers.errors import Unavailable, UserError

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
"""Of every answer: nothing that stands in a text can run, load or be framed, and the address stays here."""

HOSTS = ["127.0.0.1", "localhost"]
"""What a browser may call this host: another name may be a stranger's, pointed here."""

NO_TOKEN = "Nothing is here without the token: `monkeys view` prints the whole address in the terminal that it runs in."

REFUSED = {404: "There is no such page.", 405: "These pages only read: they are asked for by GET."}

FILES = {"view.css": "text/css", "view.js": "text/javascript"}


def make_app(token: str) -> Starlette:
    """The application; all its pages lie below /TOKEN."""
    pages_below = [
        Route("/", pages.runs, name="runs"),
        Route("/run/{run:int}", pages.run, name="run"),
        Route("/run/{run:int}/samples", pages.samples, name="samples"),
        Route("/run/{run:int}/problem/{problem:int}", pages.problem, name="problem"),
        Route("/run/{run:int}/problem/{problem:int}/sample/{index:int}", pages.sample, name="sample"),
        Route("/run/{run:int}/problem/{problem:int}/sample/{index:int}/text", pages.text, name="text"),
        Route("/run/{run:int}/problem/{problem:int}/diff", pages.diff, name="diff"),
        Route("/file/{name}", _file, name="file"),
    ]
    return Starlette(
        routes=[Mount("/{token}", routes=pages_below, middleware=[Middleware(_with_token, token=token)])],
        middleware=[Middleware(_with_headers), Middleware(TrustedHostMiddleware, HOSTS, www_redirect=False)],
        exception_handlers={HTTPException: _refused, UserError: _told, psycopg.Error: _told},
    )


def _with_token(app: ASGIApp, token: str) -> ASGIApp:
    """An application that answers only who has the token."""

    async def asked(scope: Scope, receive: Receive, send: Send) -> None:
        given = str(scope.get("path_params", {}).get("token", ""))
        if not secrets.compare_digest(given.encode(), token.encode()):
            raise HTTPException(404)
        scope["has_token"] = True
        await app(scope, receive, send)

    return asked


def _with_headers(app: ASGIApp) -> ASGIApp:
    """An application each of whose answers carries HEADERS."""
    carried = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]

    async def asked(scope: Scope, receive: Receive, send: Send) -> None:
        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *carried]
            await send(message)

        await app(scope, receive, answer)

    return asked


def _file(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in FILES:
        raise HTTPException(404)
    return Response((files("cli.view") / "static" / name).read_bytes(), media_type=FILES[name])


async def _refused(request: Request, error: Any) -> Response:
    """An address that is none, or a method that changes things: a page for who has the token, else one sentence."""
    if not request.scope.get("has_token"):
        return Response(f"{NO_TOKEN}\n", error.status_code, media_type="text/plain")
    said = REFUSED.get(error.status_code, error.detail)
    answer = render(request, "said", said=said, status=error.status_code)
    answer.headers.update(error.headers or {})
    return answer


async def _told(request: Request, error: Exception) -> Response:
    """A person's mistake, or a database that is away or busy, in one sentence; what is neither crashes loudly."""
    if isinstance(error, psycopg.errors.QueryCanceled):
        return render(request, "said", said=f"This took more than {SECONDS:g} s and was ended.", status=503)
    told = sentence(error)
    if told is None:
        raise error
    return render(request, "said", said=str(told), status=503 if isinstance(told, Unavailable) else 404)
