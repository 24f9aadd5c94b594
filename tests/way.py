"""The way of one sample, from the command line to SQL: the functions of ours that it enters, and in how many files.

    python -m tests.way

Enqueues one sample of one problem, has the bundled llm sample it on vLLM and a verifier judge it, all in this process,
and asks the view coverage. A function counts once, where it is first entered. Left out: what runs while a module is
imported, lambdas and comprehensions, what click calls to read a command line, what happened before the first message
(the engine's start), and threads that serve the process rather than the sample (the renewing of leases). Functions and
views in SQL are found by following definitions from the view. The last line is `hops N files M`; the line before it
says how many of these are plumbing, which every statement, message and process passes, whatever it carries.
"""

import json
import re
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from inspect import CO_OPTIMIZED
from pathlib import Path
from types import FrameType
from typing import Any

import cli
from cli.stack.servers import servers
from tests.place import Place, new_place

ROOT = Path(cli.__file__).parents[1]
ROOMS = tuple(f"{ROOT / room}/" for room in ("cli", "tasks", "models", "verifiers"))

PLUMBING = re.compile(
    r"cli/options|models/(database|schema|storable)|tasks/(patience|broker|identity|workers/leases)|verifiers/ranges"
)
"""Files of connections, of waiting for them, of who this process is and who answers it, of options and ranges."""

Hop = tuple[str, str]
"""A file and the qualified name of a function in it."""

stages: dict[str, list[Hop]] = {}
"""Stage -> what it entered, in order of first entry; `on` is the one that goes on."""
on: list[Hop] | None = None


def give_engine() -> Any:
    """The bundled llm on vLLM, for the task generate of this process."""
    from tasks.engines import load
    from tasks.workers.generate import use_engine

    engine = load("pocket-monkey", {})
    use_engine(engine)
    return engine


def note(frame: FrameType, event: str, _: object) -> None:
    """A profile function: notes the entry of a function of ours."""
    hops, code = on, frame.f_code
    if hops is None or event != "call" or not code.co_filename.startswith(ROOMS):
        return
    hop = str(Path(code.co_filename).relative_to(ROOT)), code.co_qualname
    if hop not in hops and code.co_flags & CO_OPTIMIZED and code.co_name[0] != "<" and _is_asked_for(frame):
        hops.append(hop)


def _is_asked_for(frame: FrameType) -> bool:
    """Whether a function was called neither by click, unless as a command, nor while a module is imported."""
    caller = frame.f_back
    if caller and str(caller.f_globals.get("__name__")).startswith("click."):
        return caller.f_code.co_qualname == "Context.invoke"
    while caller and caller.f_globals.get("__name__") != __name__:
        if caller.f_code.co_filename.startswith("<frozen importlib"):
            return False
        caller = caller.f_back
    return True


@contextmanager
def stage(name: str) -> Iterator[None]:
    """Note what is entered in a block."""
    global on
    on = stages[name] = []
    sys.setprofile(note)
    try:
        yield
    finally:
        sys.setprofile(None)
        on = None


def walk(place: Place, folder: Path) -> None:
    """Send the sample on its way; its problem comes from a file, as most do."""
    from tasks.app import app

    app.loader.import_default_modules()
    problem = {"question": "Mia has 2 apples. She buys 3 more. How many apples does Mia have now?", "answer": "#### 5"}
    (folder / "data.jsonl").write_text(json.dumps(problem) + "\n")
    options = ["-m", "pocket-monkey", "-n", "1", "--limit", "1", "--temperature", "0", "--quiet"]
    with stage("enqueue"):
        run = place.ok("enqueue", "pocket-sums", "--data", str(folder / "data.jsonl"), *options).strip()
    for kind in ("generate", "verify"):
        work = place.one("select id from work where run_id = %s and kind::text = %s", (int(run), kind))
        with stage(kind):
            said = app.tasks[kind].apply(args=[work]).get()
        assert "1 samples" in said, said
    assert "1 new candidates" in said, said
    assert place.one("select coverage is not null from coverage where run_id = %s", (int(run),))
    stages["select"] = definitions(place, "coverage")


def definitions(place: Place, view: str) -> list[Hop]:
    """The view, and every view and function of ours that its definition leads to."""
    bodies = place.query(
        """
        select viewname as name, definition as body, '(from|join)[ (]+%s\\M' as use from pg_views
        where schemaname = 'public'
        union all
        select proname, prosrc, '\\m%s\\(' from pg_proc where pronamespace = 'public'::regnamespace
        """
    )
    files = {
        name: str(file.relative_to(ROOT))
        for file in sorted(ROOT.glob("models/**/*.sql"))
        for name in re.findall(r"^create (?:or replace )?(?:view|function) (\w+)", file.read_text("utf-8"), re.M)
    }
    reached = [view]
    for name in reached:  # which grows
        (body,) = (row["body"] for row in bodies if row["name"] == name)
        for row in bodies:
            use = row["use"].replace("\\m", r"\b").replace("\\M", r"\b") % row["name"]
            if row["name"] not in reached and re.search(use, body, re.IGNORECASE):
                reached.append(row["name"])
    return [(files[name], name) for name in reached]


def tell() -> None:
    """Print every stage's hops; those of an earlier stage are counted there."""
    before: set[Hop] = set()
    for name, hops in stages.items():
        new = [hop for hop in hops if hop not in before]
        before |= set(new)
        print(f"\n{name}: {len(hops)} hops in {len({file for file, _ in hops})} files, {len(new)} of them new")
        for file, function in new:
            print(f"  {file}:{function}")
    plumbing = [hop for hop in before if PLUMBING.match(hop[0])]
    print(f"\nof these, plumbing: {len(plumbing)} hops in {len({file for file, _ in plumbing})} files")
    print(f"hops {len(before)} files {len({file for file, _ in before})}")


def main() -> None:
    """Everything of its own: servers, database, engine."""
    with (
        tempfile.TemporaryDirectory(prefix="way", ignore_cleanup_errors=True) as folder,
        servers(Path(folder, "servers")) as urls,
        new_place(urls.database_url, urls.broker_url, Path(folder, "home")) as place,
    ):
        threading.setprofile(note)  # the engine's own threads are on the way too; those that come later are not
        engine = give_engine()
        threading.setprofile(None)  # type: ignore[arg-type]
        try:
            walk(place, Path(folder))
        finally:
            engine.close()
    tell()


if __name__ == "__main__":
    main()
