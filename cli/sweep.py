"""`monkeys sweep`: the process that finds what was dropped."""

import logging
import signal
from threading import Event

import click


@click.command()
@click.option("--once", is_flag=True, help="Sweep once and leave.")
def sweep(once: bool) -> None:
    """Republish what was dropped anywhere, for ever.

    Any number may run: one works, and another one takes over within ten seconds where that stands still or is lost.

    \b
    Example:
      monkeys sweep
    """
    from models.schema import check_schema
    from tasks.workers import sweep as sweeper

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("alembic").setLevel(logging.WARNING)  # it lists its plugins
    if once:
        check_schema()
        sweeper.sweep()
        return
    stop = Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signal.signal(signal.SIGINT, lambda *_: stop.set())
    sweeper.sweep_for_ever(stop)
