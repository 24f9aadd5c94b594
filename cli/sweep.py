"""`monkeys sweep`: the process that finds what was dropped."""

import logging
import signal
from threading import Event

import click


@click.command()
@click.option("--once", is_flag=True, help="Sweep once and leave.")
def sweep(once: bool) -> None:
    """Republish what was dropped anywhere, for ever. Any number may run; one at a time works.

    \b
    Example:
      monkeys sweep
    """
    from models.schema import check_schema
    from tasks.workers import sweep as sweeper

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    check_schema()
    if once:
        sweeper.sweep()
        return
    stop = Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signal.signal(signal.SIGINT, lambda *_: stop.set())
    sweeper.sweep_for_ever(stop)
