"""What `monkeys doctor` finds of workers, their queues and the sweeper."""

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from cli.output import number_of
from cli.worker.wanted import serving, told_idle
from models.questions.workers import ago, told_failure


class Finding(NamedTuple):
    """One thing looked at: well (`ok` True), worth knowing or waiting (None), or wrong; a command that helps."""

    check: str
    ok: bool | None
    detail: str
    command: str | None = None


def workers() -> Iterator[Finding]:
    """How many live, and each that stands still, failed or lacks what it is to judge by."""
    from models.questions.workers import failed_workers, idle_workers, present_workers

    present = [each for each in present_workers() if each.kind != "sweep"]
    living = [each for each in present if each.lives]
    kinds = Counter(f"{each.kind}{', still loading' if each.state == 'starting' else ''}" for each in living)
    detail = "; ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
    yield Finding("workers", bool(living) or None, f"{len(living)} live{f': {detail}' if detail else ''}")
    for each in present:
        if not each.lives:
            said = f"{each.name} ({each.place}) said nothing for {ago(each.silent)}: it stands still or is lost"
            yield Finding("workers", False if each.silent > 60 else None, f"{said}; its keeper starts another")
        elif each.last_error:
            yield Finding("workers", None, f"{each.name} ({each.place}) waits: {each.last_error}")
        for thing, lack in sorted(each.judges.items()) if each.lives else []:
            if lack:
                yield Finding("workers", None, f"{each.name} ({each.place}) cannot judge by {thing}: {lack}")
    for idle in idle_workers():
        yield Finding("workers", False, f"{told_idle(idle)}; on {idle.host}:", f"kill {idle.pid}")
    for failed in failed_workers():
        if not failed.replaced:
            yield Finding("workers", None, told_failure(failed))


def queues() -> Iterator[Finding]:
    """Queues with works to be taken, and who takes them."""
    from models.questions.health import waiting_queues
    from models.questions.workers import served_queues

    served = served_queues()
    for waiting in waiting_queues():
        works = f"{waiting.queue}: {number_of(waiting.works, 'work')} waiting"
        serve = served.get(waiting.queue, [])
        if loaded := [each for each in serve if each.state != "starting"]:
            more = f" and {len(loaded) - 1} more" if len(loaded) > 1 else ""
            yield Finding("queue", True, f"{works}, served by {loaded[0].name} ({loaded[0].place}){more}")
        elif serve:
            yield Finding("queue", None, f"{works} for {serve[0].name}, which is loading since {ago(serve[0].age)}")
        else:
            yield Finding("queue", False, f"{works} for a worker; start one:", serving(waiting))


def sweeper() -> Iterator[Finding]:
    """Who swept last, and when."""
    from models.questions.workers import UNSWEPT_SECONDS, last_sweeper, present_workers

    living = [each for each in present_workers() if each.kind == "sweep" and each.lives]
    last = last_sweeper()
    swept = "never" if last is None or last.idle is None else f"{ago(last.idle)} ago by {last.place}"
    if not living:
        detail = f"nobody sweeps, so dropped works stay dropped (swept {swept}); start one:"
        yield Finding("sweeper", False, detail, "monkeys sweep")
    elif last is not None and last.idle is not None and last.idle <= UNSWEPT_SECONDS:
        others = len([each for each in living if each.id != last.id])
        yield Finding("sweeper", True, f"swept {swept}{f', {others} stand by' if others else ''}")
    elif min(each.age for each in living) <= UNSWEPT_SECONDS:
        yield Finding("sweeper", None, f"{living[-1].place} has just begun (swept {swept})")
    else:
        detail = (
            f"{living[0].place} lives and does not sweep (swept {swept}), so dropped works stay dropped; see its log"
        )
        yield Finding("sweeper", False, f"{detail}; another one helps where it stands still:", "monkeys sweep")
