"""The pages of `monkeys view`: each asks the tables once, in one reading transaction, and fills a template."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from cli.view.asking import OUTCOMES, SECONDS, PageState, asked, number
from cli.view.render import render
from cli.view.texts import SHOWN, compared, parts
from models.database import Connection, reading
from models.questions import browse, browse_one, browse_samples
from models.questions.browse_samples import SamplesFound, Spot
from models.tables import Run
from verifiers.benchmarks.reading import question_of, true_answer_of
from verifiers.errors import UserError

STEP_SECONDS = 1.0
"""What looking for the next sample may take, and for the one before."""


def runs(request: Request) -> Response:
    """All runs, newest first."""
    before = number(request, "before")
    with reading(SECONDS) as connection:
        found = browse.runs_before(connection, before)
    return render(request, "runs", runs=found[: browse.PAGE], more=len(found) > browse.PAGE)


def run(request: Request) -> Response:
    """A run's problems."""
    state = asked(request)
    with reading(SECONDS) as connection:
        about = _about(connection, request, state)
        problems = browse.problems_after(connection, about["run"].id, state.sort, state.after)
    more = len(problems) > browse.PAGE
    return render(
        request, "run", problems=problems[: browse.PAGE], more=more, sorts=list(browse.SORTS), **about
    )  # fmt: skip


def samples(request: Request) -> Response:
    """A run's samples that a filter lets through."""
    state = asked(request)._replace(everywhere=True)
    with reading(SECONDS) as connection:
        about = _about(connection, request, state)
        found = browse_samples.find_samples(
            connection, about["run"].id, about["verifier"].id, state.wanted, state.start, seconds=browse_samples.SECONDS
        )
        reached = _reached(connection, about["run"], found)
    return render(request, "samples", found=found, reached=reached, **about)


def problem(request: Request) -> Response:
    """A problem, its candidates and its samples."""
    state, problem_id = asked(request), request.path_params["problem"]
    with reading(SECONDS) as connection:
        about = _about(connection, request, state)
        run_id, verifier = about["run"].id, about["verifier"].id
        read = browse.problem_read(connection, run_id, problem_id)
        coverage = browse.coverage_of_problem(connection, read) if about["verifier"].counting else []
        candidates = browse.candidates_of(connection, run_id, problem_id, verifier)
        found = browse_samples.find_samples(
            connection, run_id, verifier, state.wanted, state.start,
            problem_id=problem_id, seconds=browse_samples.SECONDS,
        )  # fmt: skip
    return render(
        request, "problem", problem=read, question=question_of(read.data), truth=true_answer_of(read.data),
        coverage=coverage, candidates=candidates[: browse.CANDIDATES],
        more_candidates=len(candidates) > browse.CANDIDATES, counted=browse.COUNTED, found=found,
        reached=read.problem_key, **about,
    )  # fmt: skip


def sample(request: Request) -> Response:
    """A sample: prompt, what was thought and answered, verdicts, who made it, and the ways on."""
    state, (problem_id, index) = asked(request), _place(request)
    with reading(SECONDS) as connection:
        about = _about(connection, request, state)
        run_id = about["run"].id
        read = browse_one.sample_read(connection, run_id, problem_id, index)
        verdicts = browse_one.verdicts_of(connection, run_id, problem_id, index)
        scores = browse_one.scores_of(connection, run_id, problem_id, index)
        data = browse.problem_read(connection, run_id, problem_id).data
        steps = [_step(connection, about, state, read, backwards=backwards) for backwards in (True, False)]
    verdict = next((each for each in verdicts if each.verifier_id == about["verifier"].id), None)
    thought, answer = parts(read, verdict)
    return render(
        request, "sample", sample=read, verdict=verdict, verdicts=verdicts, scores=scores, thought=thought,
        answer=answer, most=None if state.whole else SHOWN, question=question_of(data), truth=true_answer_of(data),
        before=steps[0], after=steps[1], **about,
    )  # fmt: skip


def diff(request: Request) -> Response:
    """Two samples of a problem, compared line by line and word by word."""
    state, problem_id = asked(request), request.path_params["problem"]
    one, two = number(request, "one"), number(request, "two")
    if one is None or two is None:
        raise UserError("Two samples are compared: give one and two, their indices.")
    with reading(SECONDS) as connection:
        about = _about(connection, request, state)
        read = [browse_one.sample_read(connection, about["run"].id, problem_id, each) for each in (one, two)]
        verdicts = [browse_one.verdicts_of(connection, about["run"].id, problem_id, each) for each in (one, two)]
    said = [next((v.outcome for v in each if v.verifier_id == about["verifier"].id), None) for each in verdicts]
    lines, note = compared(*(each.text or "" for each in read))
    thinking = compared(*(each.thinking or "" for each in read)) if any(each.thinking for each in read) else ([], None)
    return render(
        request, "diff", one=read[0], two=read[1], said=said, lines=lines, thinking=thinking[0],
        note=note or thinking[1], **about,
    )  # fmt: skip


def _about(connection: Connection, request: Request, state: PageState) -> dict[str, Any]:
    """What every page of a run shows: the run, its verifiers, and the filter."""
    found = browse.run_read(connection, request.path_params["run"])
    verifiers = browse.verifiers_of(connection, found)
    verifier = next((each for each in verifiers if each.id == (state.verifier or found.verifier_id)), None)
    if verifier is None:
        raise UserError(f"Run {found.id} is not judged by a verifier of the id {state.verifier}.")
    progress = browse.progress_read(connection, found.id)
    return {
        "run": found, "progress": progress, "verifiers": verifiers, "verifier": verifier, "asked": state,
        "outcomes": OUTCOMES, "seconds": browse_samples.SECONDS,
    }  # fmt: skip


def _place(request: Request) -> tuple[int, int]:
    return request.path_params["problem"], request.path_params["index"]


def _reached(connection: Connection, run: Run, found: SamplesFound) -> str | None:
    """The key of the problem up to which a search came."""
    if not found.out_of_time or found.go_on is None:
        return None
    return browse.key_at(connection, run.id, found.go_on.position)


def _step(
    connection: Connection, about: dict[str, Any], state: PageState, at: browse_one.SampleRead, *, backwards: bool
) -> SamplesFound:
    """The next sample that the filter lets through, or the one before."""
    return browse_samples.find_samples(
        connection, about["run"].id, about["verifier"].id, state.wanted, Spot(at.position, at.sample_index),
        problem_id=None if state.everywhere else at.problem_id, backwards=backwards, limit=1, seconds=STEP_SECONDS,
    )  # fmt: skip
