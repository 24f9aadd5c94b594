"""SWE-bench Lite and Verified: issues of Python projects, each to be resolved by a patch that makes tests pass.

    {"instance_id": "pallets__flask-4045", "repo": "pallets/flask", "base_commit": "...", "problem_statement": "...",
     "version": "2.0", "patch": "diff --git ...", "test_patch": "diff --git ...", "FAIL_TO_PASS": ["tests/...::test_x"],
     "PASS_TO_PASS": [...], "image": "swebench/sweb.eval.x86_64.pallets_1776_flask-4045:latest",
     "eval_script": "#!/bin/bash ...", "log_parser": "parse_log_flask", "eval_type": "pass_and_fail"}

Fields are those of https://github.com/SWE-bench/SWE-bench at v5.0.2 (swebench/harness/utils.py, make_test_spec); the
two lists may be JSON text. `oracle`, or `text` as SWE-bench_Lite_oracle has it, is a prompt of its own. The right patch
is a problem's reference, and stands in no prompt.

The paper (arXiv 2407.21787) sampled Lite by an agent at temperature 1.6; a prompt that is answered at once has the
temperature here that many samples of code are drawn at, and the tokens that SWE-bench's own inference allows.
"""

import json
import re
from functools import partial
from pathlib import Path
from typing import Any

from verifiers.benchmarks.benchmark import Benchmark, Sampling
from verifiers.benchmarks.rows import hub_rows, make_problems, text_of, texts_of
from verifiers.benchmarks.swebench_prompts import CHAT, oracle_prompts
from verifiers.files import Row, read_rows
from verifiers.patches.diff import touched_files
from verifiers.patches.judge import SWEBENCH
from verifiers.verifier import Problem

LITE, VERIFIED = "SWE-bench/SWE-bench_Lite", "SWE-bench/SWE-bench_Verified"
EVAL_TYPES = ("pass_and_fail", "fail_only")
TESTS = ("FAIL_TO_PASS", "PASS_TO_PASS")

_OF_5 = ("image", "eval_script", "log_parser", "eval_type")
"""Fields that rows for harnesses before 5 lack, which had them in their own code."""

_IMAGE = re.compile(
    r"(?:[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?(?::[0-9]{1,5})?/)?"
    r"[a-z0-9]+(?:(?:\.|__?|-+|/)[a-z0-9]+)*(?::[\w][\w.-]{0,127})?(?:@sha256:[0-9a-f]{64})?",
    re.ASCII,
)
_LONGEST_IMAGE = 400

_UNSTEADY = "its tests failed now and then on the reference patch, with harnesses before 5"
_FAILING = "its reference patch failed its tests, with harnesses before 5"

KNOWN_LITE = dict.fromkeys(
    (
        "matplotlib__matplotlib-23987", "psf__requests-1963", "psf__requests-2317", "psf__requests-2674",
        "sympy__sympy-13146", "sympy__sympy-13177",
    ),
    _UNSTEADY,
)  # fmt: skip
"""Of https://github.com/SWE-bench/SWE-bench/issues/167. The paper found 34 flaky ones, 25 of them Django's."""

KNOWN_VERIFIED = dict.fromkeys(
    (
        "astropy__astropy-7606", "astropy__astropy-8707", "astropy__astropy-8872", "django__django-10097",
        "psf__requests-1724", "psf__requests-1766", "psf__requests-1921", "psf__requests-2317",
        "pylint-dev__pylint-6528", "pylint-dev__pylint-7080", "pylint-dev__pylint-7277",
    ),
    _FAILING,
)  # fmt: skip
"""Of https://github.com/NVIDIA-NeMo/Skills, docs/evaluation/code.md. By https://github.com/SWE-bench/SWE-bench/issues/294
all 500 reference patches pass with the harness and the images of 5."""


def load(hub: str, file: Path | None) -> list[Problem]:
    """The problems of a file, or of the public set."""
    rows = read_rows(file) if file else hub_rows(hub, None, "test")
    return make_problems(file, rows, _problem, judged_by=("test_patch", "eval_script", *TESTS))


def _problem(row: Row, _: int) -> Problem:
    if lacking := [name for name in _OF_5 if row.get(name) is None]:
        raise ValueError(
            f"it has no {' and no '.join(lacking)}, as rows for harnesses before swebench 5: take the set as "
            f"https://huggingface.co/datasets/{LITE} has it now, or make rows by `swebench dataset build`"
        )
    tests = {name: _tests(row, name) for name in TESTS}
    if not any(tests.values()):
        raise ValueError(f"{' and '.join(TESTS)} name no test")
    patch = text_of(row, "patch")
    data = {
        **{name: text_of(row, name) for name in ("instance_id", "repo", "base_commit", "version")},
        **{name: text_of(row, name) for name in ("problem_statement", "test_patch", "eval_script", "log_parser")},
        "image": _image(row),
        "eval_type": _eval_type(row),
        **tests,
        "gold_files": touched_files(patch),
        **_oracle(row, patch),
    }
    return Problem(text_of(row, "instance_id"), data, patch)


def _tests(row: Row, name: str) -> list[str]:
    """Names of tests in a list, or in the JSON text of one."""
    held: Any = row[name]
    try:
        return texts_of({name: json.loads(held) if isinstance(held, str) else held}, name)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{name} must be a list of texts, or the JSON text of one") from error


def _image(row: Row) -> str:
    image = text_of(row, "image")
    if len(image) > _LONGEST_IMAGE or not _IMAGE.fullmatch(image):
        raise ValueError(f"image {image[:60]!r} is not the name of an image")
    return image


def _eval_type(row: Row) -> str:
    if row["eval_type"] not in EVAL_TYPES:
        raise ValueError(f"eval_type must be one of {', '.join(EVAL_TYPES)}")
    return str(row["eval_type"])


def _oracle(row: Row, patch: str) -> dict[str, str]:
    """The row's own prompt, where it has one."""
    if all(row.get(name) is None for name in ("oracle", "text")):
        return {}
    oracle = text_of(row, "oracle", "text")
    if patch.strip() in oracle:
        raise ValueError("its oracle holds the patch that is to be found")
    return {"oracle": oracle}


def _benchmark(name: str, about: str, hub: str, known: dict[str, str]) -> Benchmark:
    return Benchmark(
        name=name,
        about=about,
        load=partial(load, hub),
        verifiers=(SWEBENCH,),
        sampling=Sampling(temperature=0.8, max_tokens=4_096, top_p=0.95),
        chat=CHAT,
        forms={"oracle": oracle_prompts},
        source=f"https://huggingface.co/datasets/{hub}",
        licence="MIT; the code that problems show is under its project's own",
        known=known,
    )


SWEBENCH_LITE = _benchmark(
    "swebench-lite", "SWE-bench Lite: 300 issues of Python projects, to be resolved by a patch", LITE, KNOWN_LITE
)
SWEBENCH_VERIFIED = _benchmark(
    "swebench-verified",
    "SWE-bench Verified: 500 issues that people found solvable, to be resolved by a patch",
    VERIFIED,
    KNOWN_VERIFIED,
)
