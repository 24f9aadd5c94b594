"""`monkeys view`: a local page to read samples on."""

import asyncio
import logging
import secrets
import socket

import click

from cli.options import Number, run_argument
from verifiers.errors import UserError
from verifiers.ranges import whole

OPEN_HELP = "Open the address in a browser, on whose command line others of this host may see it."


@click.command()
@run_argument
@click.option("--port", type=Number(whole(1, 65535)), help="Default: a free one.")
@click.option("--open", "opened", is_flag=True, help=OPEN_HELP)
def view(named: str | None, port: int | None, opened: bool) -> None:
    """Serve a page to read RUN's samples on, to this host only, until Ctrl-C; without RUN, those of the last one.

    It only reads. Whoever has the address, which holds a fresh token, can read every run.

    \b
    Example:
      monkeys view
      monkeys view 1 --port 8000
    """
    from models.questions.find import find_run

    run = find_run(named)
    with _listening(port) as listening:
        token = secrets.token_urlsafe(16)
        address = f"http://127.0.0.1:{listening.getsockname()[1]}/{token}/run/{run.id}"
        click.echo(address)
        click.echo("Ctrl-C ends it.", err=True)
        if opened:
            click.launch(address)
        _serve(listening, token)


def _listening(port: int | None) -> socket.socket:
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(("127.0.0.1", port or 0))
        listening.listen()
    except OSError as error:
        listening.close()
        raise UserError(f"Port {port} cannot be had ({error.strerror}); give another --port, or none.") from error
    return listening


def _serve(listening: socket.socket, token: str) -> None:
    import uvicorn

    from cli.view.app import make_app

    config = uvicorn.Config(
        make_app(token), lifespan="off", access_log=False, log_level="warning", server_header=False,
        timeout_graceful_shutdown=1,
    )  # fmt: skip
    logging.getLogger("uvicorn.error").addFilter(_is_news)
    try:
        uvicorn.Server(config).run(sockets=[listening])
    except KeyboardInterrupt:  # uvicorn has ended what was under way
        pass


def _is_news(record: logging.LogRecord) -> bool:
    """Whether a person is told: not that Ctrl-C ended an answer that was under way."""
    cut = record.exc_info is not None and isinstance(record.exc_info[1], asyncio.CancelledError)
    return not cut and "timeout graceful shutdown exceeded" not in record.getMessage()
