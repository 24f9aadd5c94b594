"""One problem of a run as a page that stands alone, to be sent to others: no script, nothing fetched, not too long."""

from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.resources import files
from typing import NamedTuple

from markupsafe import Markup

from cli.view.asking import SECONDS
from cli.view.render import templates
from cli.view.texts import parts
from models.database import Connection, reading
from models.questions.browse_one import SampleRead, VerdictRead, sample_read, verdicts_of
from models.questions.browse_problems import (
    CANDIDATES,
    PROBLEM_BYTES,
    candidates_of,
    coverage_of_problem,
    problem_read,
)
from models.questions.browse_runs import progress_read, run_read, verifiers_of
from models.questions.browse_samples import LISTED, Filter, find_samples
from tasks.identity import build
from verifiers.benchmarks.reading import question_of, true_answer_of

LONGEST = 20_000
"""Characters of a text: its beginning and its end."""


class _Shared(NamedTuple):
    read: SampleRead
    verdict: VerdictRead | None
    thought: str | None
    answer: str | None


def shared_page(run_id: int, problem_id: int) -> str:
    """The page: question, true answer, candidates, and the first samples by the verifier that counts."""
    with reading(SECONDS) as connection:
        run = run_read(connection, run_id)
        verifier = verifiers_of(connection, run)[0]
        problem = problem_read(connection, run_id, problem_id, verifier.id, PROBLEM_BYTES)
        candidates = candidates_of(connection, run_id, problem_id, verifier.id)
        given = {
            "progress": progress_read(connection, run_id), "verifier": verifier, "problem": problem,
            "question": question_of(problem.data), "truth": true_answer_of(problem.data),
            "coverage": coverage_of_problem(connection, problem), "candidates": candidates[: CANDIDATES],
        }  # fmt: skip
        samples = list(_first(connection, run_id, problem_id, verifier.id))
    written = f"Written {datetime.now(UTC):%Y-%m-%d %H:%M} UTC by monkeys {build()}."
    style = Markup((files("cli.view") / "static" / "view.css").read_text("utf-8"))  # ours
    left_out = _left_out(problem.samples, len(samples), len(candidates))
    template = templates().get_template("shared.html.j2")
    return template.render(written=written, style=style, left_out=left_out, most=LONGEST, samples=samples, **given)


def _first(connection: Connection, run_id: int, problem_id: int, verifier_id: int) -> Iterator[_Shared]:
    for listed in find_samples(
        connection, run_id, verifier_id, Filter(), problem_id=problem_id, seconds=SECONDS
    ).samples:
        read = sample_read(connection, run_id, problem_id, listed.sample_index)
        verdicts = verdicts_of(connection, run_id, problem_id, listed.sample_index)
        verdict = next((each for each in verdicts if each.verifier_id == verifier_id), None)
        yield _Shared(read, verdict, *parts(read, verdict))


def _left_out(samples: int, shown: int, candidates: int) -> str:
    said = [f"Of longer texts the first and last {LONGEST // 2:,} characters are here."]
    if shown == LISTED:
        said.insert(0, f"Here are the first {LISTED} of {samples:,} verified samples.")
    if candidates > CANDIDATES:
        said.insert(0, f"Here are the {CANDIDATES} commonest candidates.")
    return " ".join(said)
