"""The process that runs the official harness' own code: a JSON request a line on stdin, a JSON reply a line on stdout.

A request names a folder, which holds `instance.json` (the problem's fields) and, to be graded, `log` (what the tests
printed, untrusted). Its parsers are regular expressions and can run away: the kernel ends this process when one
request has used up its CPU time; it ends by itself when stdin does.
"""

import json
import re
import resource
import signal
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

from verifiers.isolation.pipes import private_pipes

_FEW = 5
_BAD, _GOOD = ("FAILED", "ERROR"), ("PASSED", "XFAIL")
_BAD_LINE = re.compile(r"FAIL|ERROR| [FE]\s*$")
_END_OF_FILE = re.compile(r" +\[(?:OK|FAIL)\]$", re.MULTILINE)
"""What sympy's runner puts on the line of a file's last test, which the official parser then does not see."""
_CANARY = re.compile(r"test_[0-9a-f]{12}\b")
_DJANGO_NAME = re.compile(r"\w+ \([\w.]+\)")


def main(cpu_seconds: float, memory_bytes: int) -> None:
    """Answer requests until stdin ends."""
    requests, replies = private_pipes()
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    questions: dict[str, Callable[[Path, dict[str, Any]], dict[str, Any]]] = {"script": _script, "grade": _grade}
    for line in requests:
        request = json.loads(line)
        reply = _prepare()
        if not reply:
            signal.setitimer(signal.ITIMER_PROF, cpu_seconds)
            reply = _reply(questions[request["ask"]], Path(request["folder"]), request)
            signal.setitimer(signal.ITIMER_PROF, 0)
        replies.write(json.dumps({**reply, "nonce": request["nonce"]}).encode() + b"\n")
        replies.flush()


def _prepare() -> dict[str, Any]:
    """Import the harness, which takes a second or two, outside any sample's CPU time."""
    try:
        from swebench.harness import grading, utils  # noqa: F401
    except Exception as error:  # whatever is broken in it or below it
        return {"failed": f"the official harness cannot be imported: {type(error).__name__}: {error}"}
    return {}


def _reply(
    question: Callable[[Path, dict[str, Any]], dict[str, Any]], folder: Path, request: dict[str, Any]
) -> dict[str, Any]:
    try:
        return question(folder, request)
    except MemoryError:
        return {"failed": "memory"}
    except Exception as error:  # the problem's fields do not have the harness' shape
        return {"failed": f"{type(error).__name__}: {error}"}


def _spec(folder: Path) -> Any:
    from swebench.harness.utils import make_test_spec

    return make_test_spec(json.loads((folder / "instance.json").read_text(encoding="utf-8")))


def _script(folder: Path, _request: dict[str, Any]) -> dict[str, Any]:
    """Leave the evaluation script, which records the tests' exit code, in the folder."""
    (folder / "script").write_text(_spec(folder).eval_script, encoding="utf-8")
    return {}


def _grade(folder: Path, request: dict[str, Any]) -> dict[str, Any]:
    """The official report in short, and what the log says of the canaries; see grader.Grade."""
    from swebench.harness.constants import END_TEST_OUTPUT, START_TEST_OUTPUT, TEST_EXIT_CODE
    from swebench.harness.grading import get_eval_report, get_logs_eval

    spec, log = _spec(folder), str(folder / "log")
    prediction = {"instance_id": spec.instance_id, "model_name_or_path": "", "model_patch": ""}
    report = get_eval_report(spec, prediction, log, include_tests_status=True)[spec.instance_id]
    statuses, _ = get_logs_eval(spec, log)
    text = (folder / "log").read_text(encoding="utf-8")
    start, end = text.find(START_TEST_OUTPUT), text.find(END_TEST_OUTPUT)
    once = text.count(START_TEST_OUTPUT) == text.count(END_TEST_OUTPUT) == 1
    lists = report.get("tests_status", {})
    return {
        "resolved": report["resolved"],
        "applied": report["patch_successfully_applied"],
        "trouble": report.get("infra_failure_reason", ""),
        "fail_to_pass": _counts(lists.get("FAIL_TO_PASS", {}), spec.FAIL_TO_PASS),
        "pass_to_pass": _counts(lists.get("PASS_TO_PASS", {}), spec.PASS_TO_PASS),
        "marked": once and start < end,
        "exit_codes": sorted({int(code) for code in re.findall(rf"{TEST_EXIT_CODE}: (-?\d{{1,9}})\b", text)})[:_FEW],
        "canaries": _canaries(request["canaries"], text[start:end], spec, statuses),
        "passing": [label for label in request["labels"] if _passes(label, statuses)],
        "contradicted": [
            name[:200] for name in _contradicted(text[start:end], spec, statuses, len(request["labels"]))[:_FEW]
        ],
        "version": metadata.version("swebench"),
    }


def _counts(graded: dict[str, list[str]], listed: list[str]) -> dict[str, Any]:
    """How many passed, of how many; the first few that did not. Without a report none passed."""
    passed = graded.get("success", [])
    return {
        "passed": len(passed),
        "of": len(listed),
        "failed": [name[:200] for name in graded.get("failure", [])[:_FEW]],
    }


def _canaries(names: list[str], region: str, spec: Any, statuses: dict[str, str]) -> dict[str, list[str]]:
    """Each one's statuses, under whatever name a parser has it: `path::name`, `name (module.class)` or `name`."""
    from swebench.harness.log_parsers import PARSER_REGISTRY

    found: dict[str, set[str]] = {name: set() for name in names}
    more: dict[str, str] = {}
    if spec.log_parser == "parse_log_sympy":
        more = PARSER_REGISTRY[spec.log_parser](_END_OF_FILE.sub("", region), spec)
    for long, status in [*statuses.items(), *more.items()]:
        for word in _CANARY.findall(long):
            if word in found:
                found[word].add(status)
    return {name: sorted(of) for name, of in found.items()}


def _passes(label: str, statuses: dict[str, str]) -> bool:
    """Whether a test that is said to have passed says by its name that it is the file's."""
    return any(
        status in _GOOD and (name.startswith(f"{label}::") or f"({label}." in name) for name, status in statuses.items()
    )


def _contradicted(region: str, spec: Any, statuses: dict[str, str], files: int) -> list[str]:
    """Listed tests that some line says failed, and that have passed all the same: what came later won.

    No runner says so of a test (pytest's summary says what passed before what failed), unless several tests share a
    name: names that a parser cut or shortened, and sympy's where it runs several files, are passed over. So are the
    parsers of what is not Python, which do not read line by line.
    """
    from swebench.harness.log_parsers import PARSER_REGISTRY

    parser = PARSER_REGISTRY[spec.log_parser]
    if not parser.__module__.endswith(".python") or (spec.log_parser == "parse_log_sympy" and files != 1):
        return []
    listed = {*spec.FAIL_TO_PASS, *spec.PASS_TO_PASS}
    suspects = {name for name in listed if statuses.get(name) in _GOOD and _unique(name)}
    bad = [line for line in region.split("\n") if _BAD_LINE.search(line)]
    return sorted(
        {name for line in bad for name, status in parser(line, spec).items() if status in _BAD and name in suspects}
    )


def _unique(name: str) -> bool:
    """Not so are docstrings (django), ids that were cut at a space within their brackets, and shortened paths."""
    return (
        _DJANGO_NAME.fullmatch(name) is not None
        if " " in name
        else name.count("[") == name.count("]") and "[/" not in name
    )


if __name__ == "__main__":
    main(float(sys.argv[1]), int(sys.argv[2]))
