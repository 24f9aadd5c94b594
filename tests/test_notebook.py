"""The notebook's cells run one after another, on a run that has something to draw."""

import json
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest

from models.analysis.store import analyze
from tests.counted import Sampled, add_attempts, sampled_run
from tests.place import Place

NOTEBOOK = Path(__file__).parents[1] / "models" / "questions" / "coverage.ipynb"


def cells() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(NOTEBOOK.read_text("utf-8"))["cells"]
    return found


def run_with_answers() -> int:
    """A run of six problems, some solved by each share of its samples, one by none."""
    right, wrong = Sampled("4", True, logprob=-2.0), Sampled("5", logprob=-3.0)
    run = sampled_run({str(key): [right] * key + [wrong] * (10 - key) for key in range(6)}, name="drawn")
    add_attempts(run, completion_tokens=100, prompt_tokens=20, gpu_seconds=2.0)
    return run


def test_the_notebook_goes_from_sql_to_its_plots(place: Place) -> None:
    run = run_with_answers()
    analyze(run, place.one("select verifier_id from run where id = %s", (run,)))
    mpl.use("agg")
    names: dict[str, Any] = {}
    drawn = 0
    try:
        for cell in cells():
            if cell["cell_type"] == "code":
                exec(compile("".join(cell["source"]), cell["id"], "exec"), names)
        drawn = len(plt.get_fignums())
    finally:
        plt.close("all")
    assert drawn == 4
    assert names["run"].id == run
    of_the_view = names["coverage"].set_index("k")["coverage"]
    assert list(names["curve"].mean[of_the_view.index - 1]) == pytest.approx(list(of_the_view))
    assert {selector for selector, _ in names["picked"].columns} >= {"majority"}
    assert "gpu_seconds" in names["bought"]


def test_the_notebook_is_kept_without_what_it_put_out() -> None:
    assert all(cell.get("outputs", []) == [] and cell.get("execution_count") is None for cell in cells())
