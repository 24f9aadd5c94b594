"""The verifier of patches: the official verdict, and our own evidence that the tests which gave it really ran.

What no reader of a log can see: code of the patch that runs when it is installed or tested, reads the test files and
prints what an honest run would, or has single known tests pass. The same by a file that hooks into tests (conftest.py,
a plugin that setup.cfg names) is caught: the patch is judged again without it.

And a runner that fails with no failed test is taken for one that saw our canaries fail, if its exit code is the same:
officially it is not resolved. A log without the canaries' lines would not tell the two apart either: whether the runner
had ended with 0 but for them only a run without them could say.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.util import find_spec
from threading import Event
from typing import Any

from verifiers.errors import InfrastructureError
from verifiers.outcome import Outcome
from verifiers.patches.container import Container, Ending, Ran, container
from verifiers.patches.daemon import asking, client, lacks_docker
from verifiers.patches.diff import extract_patch
from verifiers.patches.evidence import doubt, seen
from verifiers.patches.grader import GRADER, Counts, Grade, GradingRanAway
from verifiers.patches.hooks import Hooks
from verifiers.patches.limits import PatchLimits, patch_settings
from verifiers.patches.repository import Cut, Repository
from verifiers.patches.script import Canaries, canaries, with_evidence
from verifiers.verifier import Judgement, Problem, Verifier

_FIELDS = (
    *("instance_id", "repo", "version", "base_commit", "test_patch", "image", "eval_script"),
    *("log_parser", "eval_type", "FAIL_TO_PASS", "PASS_TO_PASS"),
)
_SCRIPT = "/eval.sh"
_HEAD, _TAIL = 20_000, 180_000
"""Bytes of a log that are kept: at its start stands the base commit, at its end what the tests said."""


def judge(problem: Problem, candidate: str) -> Judgement:
    """Judge a patch, however long it takes."""
    return judge_until(problem, candidate, Event())


def judge_until(problem: Problem, candidate: str, stop: Event) -> Judgement:
    """Judge a patch; one that resolves its problem and hooks into the tests, again without these files."""
    try:
        row = {field: problem.data[field] for field in _FIELDS}
    except KeyError as error:
        raise InfrastructureError(f"The problem {problem.key} has no field {error}.") from error
    try:
        patch = candidate.encode()
    except UnicodeEncodeError:
        return Judgement(Outcome.incorrect, "the patch does not apply: it is not valid Unicode")
    first = _judge_in_container(row, patch, stop, without_hooks=False)
    hooks = first.facts.get("hooks", ())
    if first.outcome is not Outcome.correct or not hooks:
        return first
    second = _judge_in_container(row, patch, stop, without_hooks=True)
    facts = {**first.facts, "without_hooks": {**second.facts, "outcome": second.outcome.value}}
    cpu_seconds = first.cpu_seconds + second.cpu_seconds
    if second.outcome is Outcome.correct:
        return Judgement(Outcome.correct, first.detail, cpu_seconds, facts, first.log)
    reason = f"not so without its own {', '.join(hooks)[:200]}"
    facts["disagreement"] = reason
    return Judgement(Outcome.incorrect, _but(f"{reason} ({second.detail})"), cpu_seconds, facts, first.log + second.log)


def _judge_in_container(row: Mapping[str, Any], patch: bytes, stop: Event, *, without_hooks: bool) -> Judgement:
    """One judgement in one container, which is gone afterwards."""
    limits = patch_settings().limits
    with container(row["image"], limits) as box:
        facts: dict[str, Any] = {"official": {"resolved": False}, "limits": _told(limits), "image": _image_of(box)}
        box.hold()  # a daemon that never can is no patch's fault
        box.release()
        repository = Repository(box, limits.seconds, stop)
        files = repository.test_files(row)
        try:
            judged = _judge_in(repository, row, patch, files, facts, without_hooks)
        except Cut as cut:
            judged = _cut(cut.ran, limits, facts)
        return replace(judged, cpu_seconds=box.cpu_seconds())


def _judge_in(
    repository: Repository,
    row: Mapping[str, Any],
    patch: bytes,
    files: Mapping[str, bytes],
    facts: dict[str, Any],
    without_hooks: bool,
) -> Judgement:
    """Apply the patch, run the tests, hold the container, and believe what can be believed; facts are added to."""
    hooks = Hooks(repository)
    if refusal := repository.apply(patch):
        return Judgement(Outcome.incorrect, f"the patch does not apply: {refusal}", facts=facts)
    touched, hooking = hooks.changed()
    facts["touches"], facts["hooks"] = _few(touched), _few(hooking)
    if without_hooks and (refusal := hooks.put_back(hooking)):
        return Judgement(Outcome.incorrect, refusal, facts=facts)
    script = GRADER.script(row)
    placed = canaries(script, row["log_parser"], files)
    repository.container.write(_SCRIPT, with_evidence(script, placed))
    ran = repository.run(["/bin/bash", _SCRIPT], or_ended=Ending.memory)
    appended = {each.path: each.text.encode() for each in placed}
    tests = {path: text + appended.get(path, b"") for path, text in files.items()}
    held, changed = repository.held(), repository.changed_since(tests)
    try:
        grade = GRADER.grade(row, ran.output, placed)
    except GradingRanAway as error:
        facts["disagreement"] = f"the official grading does not end: {error}"
        return Judgement(Outcome.output_limit, f"what the tests printed cannot be graded: {error}", 0, facts, _log(ran))
    facts.update(_graded(ran, grade, placed))
    doubts = doubt(ran.exit_code, grade, placed, changed)
    if not held:
        doubts = doubts or "what it left running could not be held still to look at the test files"
    return _believed(ran, grade, doubts, facts)


def _believed(ran: Ran, grade: Grade, doubts: str, facts: dict[str, Any]) -> Judgement:
    """The judgement on tests that ended by themselves, or for want of memory."""
    starved = ran.ended is Ending.memory
    if grade.resolved and (starved or doubts):
        facts["disagreement"] = "the tests ran out of memory" if starved else doubts
    if starved:
        return Judgement(Outcome.memory_limit, "the tests ran out of memory", 0, facts, _log(ran))
    if grade.resolved:
        outcome, detail = (Outcome.incorrect, _but(doubts)) if doubts else (Outcome.correct, _counted(grade))
        return Judgement(outcome, detail, 0, facts, _log(ran))
    ended = f"the tests did not run to their end (exit code {ran.exit_code})"
    return Judgement(Outcome.incorrect, _counted(grade) if grade.applied else ended, 0, facts, _log(ran))


def _cut(ran: Ran, limits: PatchLimits, facts: dict[str, Any]) -> Judgement:
    """The judgement on a patch by which, or by whose tests, a limit was passed."""
    outcome, detail = {
        Ending.time: (Outcome.time_limit, f"more than {limits.seconds:g} s"),
        Ending.memory: (Outcome.memory_limit, f"more than {limits.memory_bytes / 10**9:g} GB of memory"),
        Ending.disk: (Outcome.output_limit, f"more than {limits.disk_bytes / 10**9:g} GB written"),
        Ending.output: (Outcome.output_limit, f"more than {limits.output_bytes >> 20} MiB printed"),
    }[ran.ended]
    return Judgement(outcome, detail, 0, {**facts, "seconds": round(ran.seconds, 2)}, _log(ran))


def _graded(ran: Ran, grade: Grade, placed: Sequence[Canaries]) -> dict[str, Any]:
    official: dict[str, Any] = {"resolved": grade.resolved, "applied": grade.applied}
    if grade.trouble:
        official["trouble"] = grade.trouble
    return {
        "official": official,
        "fail_to_pass": [grade.fail_to_pass.passed, grade.fail_to_pass.of],
        "pass_to_pass": [grade.pass_to_pass.passed, grade.pass_to_pass.of],
        "failed": [*grade.fail_to_pass.failed, *grade.pass_to_pass.failed],
        "exit_code": ran.exit_code,
        "seconds": round(ran.seconds, 2),
        "canaries": sum(len(each.tests) for each in placed),
        "canaries_seen": sum(seen(grade, each) for each in placed),
        "swebench": grade.version,
    }


def _counted(grade: Grade) -> str:
    def of(counts: Counts) -> str:
        return f"{counts.passed} of {counts.of}"

    return (
        f"{of(grade.fail_to_pass)} tests that the problem is about pass, {of(grade.pass_to_pass)} that passed before it"
    )


def _few(paths: Sequence[str]) -> list[str]:
    """The first ones of paths that a patch chose."""
    return [path[:200] for path in paths[:20]]


def _but(reason: str) -> str:
    return f"resolved by the official grading, but {reason}"


def _image_of(box: Container) -> str:
    with asking("say what a container is made of"):
        return str(client().api.inspect_container(box.id)["Image"])


def _told(limits: PatchLimits) -> dict[str, Any]:
    return {"memory_gb": limits.memory_bytes / 10**9, "cpus": limits.cpus, "network": limits.network}


def _log(ran: Ran) -> bytes:
    """What was printed: its head and its tail where it is long."""
    left_out = len(ran.output) - _HEAD - _TAIL
    if left_out <= 0:
        return ran.output
    return ran.output[:_HEAD] + f"\n[{left_out} bytes left out]\n".encode() + ran.output[-_TAIL:]


def lacks() -> str:
    """What keeps this machine from judging patches, in one sentence, or ""."""
    if find_spec("swebench") is None:
        return "The official harness is not installed: pip install 'monkeys[swebench]'."
    return lacks_docker()


SWEBENCH = Verifier("swebench", "1", extract_patch, judge, queue="verify.docker", lacks=lacks, judge_until=judge_until)
"""Its version changes with whatever may change a verdict: the official harness' among it."""
