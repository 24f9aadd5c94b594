"""Runs over a provider's batch API, and this process as the worker of its llm."""

from collections import Counter
from pathlib import Path
from typing import Any

from models.database import transaction
from tasks.engines import queue_of
from tasks.engines.engine import Load
from tasks.engines.openai_batch import Provider
from tasks.runs.make import enqueue
from tasks.runs.request import RunRequest
from tasks.workers.generate import generate_by
from tasks.workers.submit import BatchLlm
from tests.batch_server import BatchServer, Json
from tests.place import Place
from tests.small_runs import small, work_off


def arguments(server: BatchServer) -> Json:
    return {"endpoint": server.url, "batch": True}


def queue(server: BatchServer) -> str:
    return queue_of("openai:m", arguments(server))


def worker_of(server: BatchServer) -> BatchLlm:
    """This process as the worker of a provider's llm."""
    provider = Provider(Load("openai:m", arguments(server)))
    server.closing.callback(provider.close)
    llm = BatchLlm(provider, queue(server))
    generate_by(llm.do)
    return llm


def make(server: BatchServer, folder: Path, n: int = 10, problems: int = 3, **options: Any) -> int:
    """A run of sums, in batches of five samples."""
    files = small(folder, problems, 1)
    request = RunRequest(
        "gsm8k", "openai:m", n, data=files.data, prefix="Add.", batch_size=options.pop("batch_size", 5),
        engine_args=arguments(server), **options,
    )  # fmt: skip
    return enqueue(request).run_id


def turn(place: Place, times: int = 1, kinds: tuple[str, ...] = ("generate",)) -> None:
    """What time and messages do: everything that waits is due, and what was said is long ago."""
    for _ in range(times):
        with transaction() as connection:
            connection.execute("update work set not_before = null where state in ('ready', 'published')")
            connection.execute(
                """
                update submission set sent_at = sent_at - interval '1 hour', made_at = made_at - interval '1 minute',
                    over_at = over_at - interval '1 hour', asked_at = asked_at - interval '1 hour'
                """
            )
        work_off(place, kinds)


def states(place: Place, run: int) -> Counter[str]:
    found = place.query("select state::text from work where run_id = %s and kind = 'generate'", (run,))
    return Counter(row["state"] for row in found)
