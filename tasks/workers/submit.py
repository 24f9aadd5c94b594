"""Generate works of an llm whose provider has a batch API: submitted with many others, asked for, and ended.

A message of such a work finds it in one of three places. In no submission: a new one is made and sent. In one that goes
on: the provider is asked, for all of its works at once. In one that has ended: the work's answers are there, and its
samples are stored as ever. Only the last is an attempt; the others may happen any number of times.
"""

import logging
import tempfile
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from celery import Task

from models.database import is_away
from models.settings import settings
from models.tables import Submission
from tasks import ledger
from tasks.engines import openai_wire as wire
from tasks.engines.engine import EngineDead, RequestRefused
from tasks.engines.openai_answers import ProviderAway, ProviderBatch
from tasks.engines.openai_batch import MOST_BYTES, MOST_LINES, Provider
from tasks.engines.openai_refusals import Learned
from tasks.ledger import HeldSubmission
from tasks.publish import publish
from tasks.workers.answers import read_answers
from tasks.workers.attempt import NOTHING, attempted, claim
from tasks.workers.generate import finish, generate_by, request_of

log = logging.getLogger(__name__)

FIRST_SECONDS = 10.0
"""Pause before the provider is first asked. This and the pauses below are at the default --sweep-seconds of 2."""

LONGEST_SECONDS = 300.0
"""Longest pause between two questions; it is a tenth of the time that the batch has taken."""

UNSEEN_SECONDS = 30.0
"""What was sent without an answer may show in the provider's lists only after so long."""

SILENT_SECONDS = 60.0
"""Lines that a provider says nothing of may still come so long after the batch was over."""

CROWDED_SECONDS = 600.0
"""Pause where the provider has too much to do for us already."""

DEADLINE_SECONDS = 48 * 3_600.0
"""Twice the day that every provider promises: a batch that is not over by then is cancelled and given up."""

MOST_LESSONS = 20
"""Different words of refusal, of some hundred answers, that are read for what they teach."""

SKEW = timedelta(hours=1)
"""How far a provider's clock may be behind ours."""


def _pause(seconds: float) -> float:
    """A pause at the pace of this queue's sweeper."""
    return seconds * settings().sweep_seconds / 2


def use_provider(provider: Provider, queue: str) -> None:
    """Make this process one that submits the works of a queue, and cancels what nobody waits for any more."""
    llm = BatchLlm(provider, queue)
    generate_by(llm.do)
    threading.Thread(target=llm.tidy_for_ever, name="tidy", daemon=True).start()


class BatchLlm:
    """One llm, by its provider's batch API."""

    def __init__(self, provider: Provider, queue: str) -> None:
        self._provider = provider
        self._queue = queue

    def do(self, task: "Task[Any, Any]", work_id: int) -> str:
        """What there is to do for a work; returns what Flower shows."""
        while (place := ledger.parked(work_id)) is not None:
            if place.ended:
                return self._finish(task, work_id)
            if place.submission_id is not None:
                return self._look(place.submission_id, work_id)
            made = ledger.submit(work_id, self._queue, MOST_LINES, MOST_BYTES, _pause(FIRST_SECONDS))
            if made is None:
                return NOTHING
            said = self._look(made, None)
            if (place := ledger.parked(work_id)) is None:
                return said
        return NOTHING

    def tidy_for_ever(self) -> None:
        """Tidy now and then, as long as this process lives."""
        while not self._provider.dead.wait(_pause(FIRST_SECONDS)):
            try:
                self.tidy()
            except Exception as error:
                if not is_away(error):
                    log.exception("submissions were not looked after; the next look comes")

    def tidy(self) -> None:
        """Cancel at the provider what no open work waits for, and fetch what was done of it: that is paid."""
        for submission_id in ledger.unwanted_submissions(self._queue, _pause(FIRST_SECONDS)):
            log.info("%s", self._look(submission_id, None, unwanted=True))

    def _look(self, submission_id: int, work_id: int | None, *, unwanted: bool = False) -> str:
        """Take a submission one step further, unless somebody else is at it."""
        with ledger.hold_submission(submission_id) as held:
            if held is None:
                if work_id is not None:
                    ledger.wait_for_submission(work_id, _pause(FIRST_SECONDS))
                return "another worker asks"
            try:
                return self._step(held, unwanted=unwanted)
            except (ProviderAway, RequestRefused) as error:
                held.move_on(self._next(held), f"{error}; it is asked again")
                log.warning("%s", error)
                return f"asked again later: {error}"
            except Exception as error:
                if is_away(error):
                    raise
                held.move_on(_pause(FIRST_SECONDS), f"{type(error).__name__}: {error}")
                if isinstance(error, EngineDead):
                    log.error("%s", error)
                    self._provider.dead.set()
                raise

    def _next(self, held: HeldSubmission) -> float:
        """Seconds until the provider is asked again: the longer it has taken, the more."""
        age = held.ages().begun
        return min(max(age / 10, _pause(FIRST_SECONDS)), _pause(LONGEST_SECONDS))

    def _step(self, held: HeldSubmission, *, unwanted: bool) -> str:
        row = held.row()
        if row.ended_at is not None:
            return NOTHING
        if row.batch is None:
            return self._send(held, row, unwanted=unwanted)
        if unwanted:
            self._provider.cancel(row.batch)
        return self._ask(held, row, self._retrieve(held, row.batch))

    def _retrieve(self, held: HeldSubmission, batch: str) -> ProviderBatch:
        """How far its batch is; one that the provider no longer knows is given up at the deadline, and no sooner."""
        try:
            return self._provider.retrieve(batch)
        except RequestRefused as error:
            if held.ages().begun < DEADLINE_SECONDS:
                raise
            return ProviderBatch(batch, "unknown", (), str(error))

    def _send(self, held: HeldSubmission, row: Submission, *, unwanted: bool) -> str:
        """Have the provider begin, unless it has: whoever sent it before may not have lived to note that."""
        assert row.made_at is not None
        since = row.made_at - SKEW
        sent = held.ages().sent
        if sent is not None and sent < _pause(UNSEEN_SECONDS):
            held.move_on(_pause(UNSEEN_SECONDS), "whether the provider took it shows soon")
            return "whether the provider took it shows soon"
        file = row.file or self._provider.find_file(row.name, since)
        job = None if file is None else self._provider.find_job(row.name, file, since)
        if job is None and (unwanted or not (works := held.lines())):
            held.end("cancelled", "no work wanted it any more", 0, uncounted=True)
            return "nothing was sent: its runs were cancelled"
        try:
            if job is None:
                file, job = self._begin(held, row, file, works)
        except RequestRefused as error:
            held.end("refused", f"The provider refuses the batch: {error}", 0, refused=True)
            return f"refused: {error}"
        held.note(file=file, batch=job.id, status=job.status)
        held.move_on(_pause(FIRST_SECONDS))
        return f"{row.lines:,} samples submitted"

    def _begin(
        self, held: HeldSubmission, row: Submission, file: str | None, works: list[ledger.Lines]
    ) -> tuple[str, ProviderBatch]:
        """Send the file up, where it is not there, and have its batch begin."""
        path_below = wire.path(request_of(works[0].run_id, works[0].problem_id, works[0].indices[0], 1))
        if file is None:
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder, row.name)
                with path.open("w", encoding="utf-8") as lines:
                    lines.writelines(self._lines(works, held.learned()))
                file = self._provider.upload(row.name, path)
            held.note(file=file)
        held.note_sending()
        held.check()
        return file, self._provider.create(row.name, file, path_below)

    def _lines(self, works: list[ledger.Lines], learned: Learned) -> Iterator[str]:
        for work in works:
            first, last = work.indices[0], work.indices[-1]
            whole = request_of(work.run_id, work.problem_id, first, last - first + 1)
            for index in work.indices:
                custom_id = f"{work.run_id}/{work.problem_id}/{index}"
                yield self._provider.line(custom_id, whole.one(index), learned)

    def _ask(self, held: HeldSubmission, row: Submission, job: ProviderBatch) -> str:
        """See how far it is, and end it when it is over."""
        over_seconds = held.note_asked(job.status, over=job.over)
        late = held.ages().begun > DEADLINE_SECONDS
        if not job.over and not late:
            held.move_on(self._next(held))
            return f"{row.lines:,} samples lie with the provider ({job.status})"
        if not job.over:
            self._provider.cancel(job.id)
        held.forget_errors()
        for file in job.files:
            self._fetch(held, file, late=late)
        failed = job.status in ("failed", "error") and not job.files
        silent = held.silent()
        if silent and not failed and not late and over_seconds < _pause(SILENT_SECONDS):
            held.move_on(_pause(SILENT_SECONDS), f"the provider said nothing yet of {silent:,} lines")
            return f"{silent:,} lines may still come"
        why = " ".join(filter(None, ("The provider gave no answer to it: the batch", job.status, job.error))).strip()
        pause = _pause(CROWDED_SECONDS if job.too_many else FIRST_SECONDS)
        status = "too many" if job.too_many else job.status if job.over else "late"
        held.end(status, why, pause, refused=failed and not job.too_many, uncounted=job.too_many)
        publish(self._queue)
        return f"{row.lines:,} samples: {status}"

    def _fetch(self, held: HeldSubmission, file: str, *, late: bool) -> None:
        """Store what a file of answers holds; one that is not there may still come, until the deadline."""
        try:
            for part in read_answers(self._provider.answers(file)):
                held.store(self._taught(held, part))
        except RequestRefused:
            if not late:
                raise

    def _taught(self, held: HeldSubmission, part: list[ledger.Answer]) -> list[ledger.Answer]:
        """Answers, of which those that were refused for a field that may be left out are worth another try."""
        words = {(each.run_id, each.error): each for each in part if each.refused and each.error}
        lessons: Learned = {}
        for each in list(words.values())[:MOST_LESSONS]:
            if held.asked_for(each):
                request = request_of(each.run_id, each.problem_id, each.sample_index, 1)
                lessons |= self._provider.lesson(str(each.error), request, held.learned() | lessons)
        if not lessons:
            return part
        log.warning("lines of %s were refused; the next ones are sent as %s", self._provider.url, lessons)
        held.note_learned(lessons)
        return [each._replace(refused=False) for each in part]

    def _finish(self, task: "Task[Any, Any]", work_id: int) -> str:
        """Store the samples of a work whose answers are all there."""
        lease = claim(task, work_id, self._provider)
        if lease is None:
            return NOTHING
        with attempted(lease) as attempt:
            request = request_of(lease.run_id, lease.problem_id, lease.first_index, lease.size)
            completions = [
                self._provider.completion(each.answer, request.one(each.sample_index), attempt.account)
                for each in ledger.answers(work_id)
            ]
            attempt.account.left_out |= self._provider.left_out(request, ledger.learned_of(work_id))
            attempt.result = finish(attempt, self._provider.sizes, completions, ledger.finish_submitted)
        return attempt.result
