"""The pages of `monkeys view`: each asks the tables once, in one reading transaction, and fills a template."""

from typing import Any, NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from cli.options import engine_options
from cli.view.asking import OUTCOMES, SECONDS, PageState, asked, number
from cli.view.render import render
from cli.view.texts import SHOWN, compared, parts
from models.database import Connection, reading
from models.questions import browse_problems, browse_runs, browse_samples
from models.questions.browse_one import SampleRead, VerdictRead, sample_read, scores_of, verdicts_of
from models.questions.browse_problems import (
    candidates_of,
    coverage_of_problem,
    problem_read,
    problems_after,
    problems_beside,
)
from models.questions.browse_runs import VerifierListed
from models.questions.browse_samples import SamplesFound, Spot, find_samples, next_sample
from models.tables import Run
from models.views import RunProgressRow
from verifiers.benchmarks.reading import question_of, true_answer_of
from verifiers.errors import UserError

STEP_SECONDS = 1.0
"""What looking for the next sample may take, and for the one before."""


class _Page(NamedTuple):
    """What every page of a run shows and goes by."""

    run: Run
    progress: RunProgressRow
    verifiers: list[VerifierListed]
    verifier: VerifierListed
    asked: PageState

    def answer(self, request: Request, template: str, **more: Any) -> Response:
        """The page, filled."""
        return render(
            request, template, outcomes=OUTCOMES, seconds=browse_samples.SECONDS, **self._asdict(), **more
        )  # fmt: skip


def runs(request: Request) -> Response:
    """All runs, newest first."""
    with reading(SECONDS) as connection:
        found = browse_runs.runs_before(connection, number(request, "before"))
    return render(request, "runs", runs=found[: browse_runs.PAGE], more=len(found) > browse_runs.PAGE)


def run(request: Request) -> Response:
    """A run's problems."""
    with reading(SECONDS) as connection:
        page = _page(connection, request)
        sort, after, key = page.asked.sort, page.asked.after, page.asked.key
        found = problems_after(connection, page.run.id, page.verifier.id, sort, after, key)
    listed, more = found[: browse_problems.PAGE], len(found) > browse_problems.PAGE
    return page.answer(request, "run", problems=listed, more=more, sorts=list(browse_problems.SORTS))


def samples(request: Request) -> Response:
    """A run's samples that a filter lets through."""
    with reading(SECONDS) as connection:
        page = _page(connection, request)
        page = page._replace(asked=page.asked._replace(everywhere=True))
        found = _found(connection, page, None)
        reached = None
        if found.out_of_time and found.go_on is not None:
            reached = browse_runs.key_at(connection, page.run.id, found.go_on.position)
    return page.answer(request, "samples", found=found, reached=reached)


def problem(request: Request) -> Response:
    """A problem, its candidates and its samples."""
    problem_id = request.path_params["problem"]
    with reading(SECONDS) as connection:
        page = _page(connection, request)
        run_id, verifier = page.run.id, page.verifier.id
        read = problem_read(connection, run_id, problem_id, verifier, browse_problems.PROBLEM_BYTES)
        coverage = coverage_of_problem(connection, read)
        candidates = candidates_of(connection, run_id, problem_id, verifier)
        found = _found(connection, page, problem_id)
        beside = problems_beside(connection, run_id, verifier, page.asked.sort, problem_id)
    most = browse_problems.CANDIDATES
    return page.answer(
        request, "problem", problem=read, question=question_of(read.data), truth=true_answer_of(read.data),
        coverage=coverage, candidates=candidates[:most], more_candidates=len(candidates) > most,
        counted=browse_problems.COUNTED, found=found, beside=beside, most=SHOWN,
    )  # fmt: skip


def sample(request: Request) -> Response:
    """A sample: prompt, what was thought and answered, verdicts, who made it, and the ways on."""
    problem_id, index = request.path_params["problem"], request.path_params["index"]
    with reading(SECONDS) as connection:
        page = _page(connection, request)
        run_id, verifier, asked = page.run.id, page.verifier.id, page.asked
        read = sample_read(connection, run_id, problem_id, index)
        verdicts = verdicts_of(connection, run_id, problem_id, index)
        scores = scores_of(connection, run_id, problem_id, index)
        of = problem_read(connection, run_id, problem_id, verifier, browse_problems.SAMPLE_BYTES)
        before, after = (_step(connection, page, read, backwards=backwards) for backwards in (True, False))
    verdict = _of(verdicts, page)
    thought, answer = parts(read, verdict)
    return page.answer(
        request, "sample", sample=read, verdict=verdict, verdicts=verdicts, scores=scores, thought=thought,
        answer=answer, most=None if asked.whole else SHOWN, problem=of, question=question_of(of.data),
        truth=true_answer_of(of.data), before=before, after=after,
        template_options=engine_options(page.run.sampling.get("chat_template_args") or {}),
    )  # fmt: skip


def text(request: Request) -> Response:
    """A sample's text and nothing else, as it came."""
    with reading(SECONDS) as connection:
        read = sample_read(connection, *(request.path_params[name] for name in ("run", "problem", "index")))
    if read.text is None:
        raise UserError("This sample has no text.")
    return Response(read.text, media_type="text/plain")


def diff(request: Request) -> Response:
    """Two samples of a problem, compared line by line and word by word."""
    problem_id, one, two = request.path_params["problem"], number(request, "one"), number(request, "two")
    if one is None or two is None:
        raise UserError("Two samples are compared: give one and two, their indices.")
    with reading(SECONDS) as connection:
        page = _page(connection, request)
        read = [sample_read(connection, page.run.id, problem_id, each) for each in (one, two)]
        verdicts = [_of(verdicts_of(connection, page.run.id, problem_id, each), page) for each in (one, two)]
    lines, note = compared(*(each.text or "" for each in read))
    thinking, more = compared(*(each.thinking or "" for each in read))
    return page.answer(
        request, "diff", one=read[0], two=read[1], said=[each and each.outcome for each in verdicts], lines=lines,
        thinking=thinking, note=note or more,
    )  # fmt: skip


def _page(connection: Connection, request: Request) -> _Page:
    state, found = asked(request), browse_runs.run_read(connection, request.path_params["run"])
    verifiers = browse_runs.verifiers_of(connection, found)
    verifier = next((each for each in verifiers if each.id == (state.verifier or found.verifier_id)), None)
    if verifier is None:
        raise UserError(f"Run {found.id} is not judged by a verifier of the id {state.verifier}.")
    return _Page(found, browse_runs.progress_read(connection, found.id), verifiers, verifier, state)


def _of(verdicts: list[VerdictRead], page: _Page) -> VerdictRead | None:
    """The word of the verifier whose verdicts are shown."""
    return next((each for each in verdicts if each.verifier_id == page.verifier.id), None)


def _found(connection: Connection, page: _Page, problem_id: int | None) -> SamplesFound:
    """The page's samples."""
    return find_samples(
        connection, page.run.id, page.verifier.id, page.asked.wanted, page.asked.start, problem_id=problem_id,
        seconds=browse_samples.SECONDS,
    )  # fmt: skip


def _step(connection: Connection, page: _Page, at: SampleRead, *, backwards: bool) -> SamplesFound:
    """The next sample that the filter lets through, or the one before."""
    return next_sample(
        connection, page.run.id, page.verifier.id, page.asked.wanted, Spot(at.position, at.sample_index),
        problem_id=None if page.asked.everywhere else at.problem_id, backwards=backwards, seconds=STEP_SECONDS,
    )  # fmt: skip
