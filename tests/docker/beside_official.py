"""Honest patches judged by the official harness and by ours: the same verdicts are to come out.

    python -m tests.docker.beside_official [NAME ...]

Minutes: the official harness waits 15 s for each of its containers to stop. Ends with 1 where a verdict differs.
"""

import os
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

from tests.docker.repositories import Checkout, appended, both, instances, problem, replaced
from verifiers.outcome import Outcome
from verifiers.patches import PatchLimits, configure
from verifiers.patches.judge import SWEBENCH

BLUEPRINTS, CLI = "src/flask/blueprints.py", "src/flask/cli.py"
NAME_CHECK = 'if "." in name:\n            raise ValueError'
NEW_TEST = "\n\ndef test_it():\n    assert True\n"


class Patch(NamedTuple):
    name: str
    row: dict[str, Any]
    text: str


class Compared(NamedTuple):
    """Both verdicts on a patch: whether it resolves its problem, and how long that took."""

    patch: Patch
    official: bool
    official_seconds: float
    ours: Outcome
    our_seconds: float
    detail: str
    disagreement: str

    @property
    def same(self) -> bool:
        return self.official is (self.ours is Outcome.correct) and not self.disagreement


def of_4045(checkout: Checkout) -> dict[str, str]:
    gold, make = checkout.row["patch"], checkout.patch
    first, second = gold.split("@@ -360", 1)
    return {
        "gold": gold,
        "gold as git writes it": make(),
        "gold, worded otherwise": make(replaced(BLUEPRINTS, "'name' may not contain a dot", "No dot may be in 'name'")),
        "gold, and a comment": make(appended(BLUEPRINTS, "\n# nothing\n")),
        "gold, and docs": make(appended("CHANGES.rst", "\nNothing.\n")),
        "gold, and a test file": make(appended("tests/test_more.py", NEW_TEST)),
        "gold, and tests changed": make(appended("tests/test_blueprints.py", NEW_TEST)),
        "gold, and conftest.py": make(appended("tests/conftest.py", "\n# nothing\n")),
        "gold, and setup.cfg": make(
            replaced("setup.cfg", "testpaths = tests", "testpaths = tests\nxfail_strict = true")
        ),
        "gold, and a binary file": make(lambda folder: (folder / "logo.png").write_bytes(bytes(range(256)))),
        "gold without its end": gold.rstrip("\n"),
        "gold with CRLF": gold.replace("\n", "\r\n"),
        "gold, lines moved": gold.replace("@@ -188,6 +188,10", "@@ -180,6 +180,10"),
        "gold, context for fuzz": gold.replace(
            "         self.url_prefix = url_prefix", "         self.url_prefix = prefix"
        ),
        "gold, more for fuzz": gold.replace("         self.name = name", "         self.name = x")
        .replace("             root_path=root_path,", "             root_path=path,")
        .replace("         self.url_prefix = url_prefix", "         self.url_prefix = prefix"),
        "a removed line that is not there": gold.replace("-        if endpoint:", "-        if nothing:"),
        "the first hunk": first,
        "the other hunk": first.split("@@ -188", 1)[0] + "@@ -360" + second,
        "another error": make(replaced(BLUEPRINTS, NAME_CHECK, NAME_CHECK.replace("ValueError", "KeyError"))),
        "a syntax error": make(appended(BLUEPRINTS, "def (:\n")),
        "breaks other tests": make(appended(BLUEPRINTS, "\nBlueprint.app_template_filter = None\n")),
        "the other problem's gold": instances()["pallets__flask-5063"]["patch"],
    }


def of_5063(checkout: Checkout) -> dict[str, str]:
    gold, make = checkout.row["patch"], checkout.patch
    return {
        "gold": gold,
        "gold as git writes it": make(),
        "gold, and a helper in a new file": make(
            both(
                appended("src/flask/_more.py", "WORD = 'Host'\n"),
                replaced(CLI, '"Host" if', "_WORD if"),
                replaced(CLI, "import click\n", "import click\nfrom flask._more import WORD as _WORD\n"),
            )
        ),
        "gold, and pyproject.toml": make(appended("pyproject.toml", "\n# nothing\n")),
        "gold without its end": gold.rstrip("\n"),
        "wrong words": make(replaced(CLI, '"Subdomain"', '"Domain"')),
        "not sorted": make(replaced(CLI, "rows.sort(key=itemgetter(sorts.index(sort)))", "rows.reverse()")),
        "fails when imported": make(appended(CLI, "\nraise RuntimeError\n")),
        "the import alone": gold.split("@@ -989", 1)[0],
        "nothing": make(appended(CLI, "\n# nothing\n"), gold=False),
    }


def official(patch: Patch, number: int) -> tuple[bool, float]:
    """The official harness' verdict; no report is not resolved."""
    import docker
    from swebench.harness.run_evaluation import run_instance
    from swebench.harness.utils import make_test_spec

    began = time.monotonic()
    spec, client = make_test_spec(patch.row), docker.from_env()
    prediction = {"instance_id": spec.instance_id, "model_name_or_path": "it", "model_patch": patch.text}
    told = run_instance(spec, prediction, client, f"beside-{os.getpid()}-{number}", timeout=300)
    report = told[1] if isinstance(told, tuple) else {}
    return bool(report.get(spec.instance_id, {}).get("resolved")), time.monotonic() - began


def compare(patch: Patch, number: int) -> Compared:
    resolved, seconds = official(patch, number)
    began = time.monotonic()
    ours = SWEBENCH.judge_safely(problem(patch.row), patch.text)
    taken = time.monotonic() - began
    doubts = ours.facts.get("disagreement", "")
    return Compared(patch, resolved, seconds, ours.outcome, taken, ours.detail, doubts)


def patches(scratch: Path, only: list[str]) -> list[Patch]:
    made = []
    for (name, row), of in zip(instances().items(), (of_4045, of_5063), strict=True):
        (scratch / name).mkdir()
        short = name.rpartition("-")[2]
        made += [Patch(f"{short}: {what}", row, text) for what, text in of(Checkout(row, scratch / name)).items()]
    return [each for each in made if not only or each.name in only]


def main(only: list[str]) -> int:
    os.environ["PYTHON_DOTENV_DISABLED"] = "1"
    configure({"DOCKER_HOST": os.environ.get("DOCKER_HOST", "")}, PatchLimits(seconds=300.0), None)
    with tempfile.TemporaryDirectory() as scratch, ThreadPoolExecutor(3) as pool:
        os.chdir(scratch)  # the official harness writes below the current folder
        every = patches(Path(scratch), only)
        compared = list(pool.map(compare, every, range(len(every))))
        os.chdir("/")
    print(f"\n{'patch':38} {'official':10} {'s':>5}  {'ours':10} {'s':>5}  detail")
    for each in compared:
        resolved = "resolved" if each.official else "unresolved"
        seconds = f"{each.official_seconds:5.1f}  {each.ours:10} {each.our_seconds:5.1f}"
        print(f"{each.patch.name:38} {resolved:10} {seconds}  {'' if each.same else 'DIFFERENT: '}{each.detail[:80]}")
    same = sum(each.same for each in compared)
    print(f"the same verdict on {same} of {len(compared)}")
    return 0 if same == len(compared) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
