"""Reports, comparisons and prices as a person gets them."""

import csv
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from models.database import transaction
from models.statistics.intervals import paired_difference
from tests.counted import Sampled, Tally, add_attempts, counted_run, sampled_run
from tests.place import Place

HOSTILE = "</style><script>alert(1)</script>\"'><img src=x onerror=alert(1)>$x^{2$\x1b[31m\u202e"

WRITTEN = ("png", "svg", "pdf", "csv")
"""Of each plot."""

PLOTS = {"coverage", "precision", "problems", "cost", "outcomes", "savings", "diversity"}


class Tags(HTMLParser):
    """The tags and attributes of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]


def answered_run(name: str | None = None) -> int:
    """A run with everything that a report can show."""
    samples = [
        Sampled("4", True, logprob=-3.0, scores={HOSTILE: 1.0}),
        Sampled(HOSTILE.replace("\x1b", ""), logprob=-4.0, scores={HOSTILE: 0.5}, finish_reason="length"),
        Sampled(None, logprob=-9.0, scores={HOSTILE: 0.1}),
    ]
    problems = {f"{HOSTILE} {key}": [samples[(key * place) % 3] for place in range(12)] for key in range(4)}
    run = sampled_run(problems, name=name, llm=f"llm {HOSTILE}")
    add_attempts(run, completion_tokens=120, prompt_tokens=30, gpu_seconds=2.0)
    return run


def test_a_report_is_one_page_with_every_plot_as_png_svg_pdf_and_csv(place: Place, tmp_path: Path) -> None:
    run = answered_run("everything")
    printed = place.ok("report", "everything", "--out", str(tmp_path))
    assert "Selection among 12 samples" in printed
    assert printed.count(str(tmp_path)) == 1
    assert printed.endswith(
        f"written: {tmp_path}/report-{run}.html\nbeside it, as PNG, SVG, PDF and CSV: each of {len(PLOTS)} plots\n"
    )
    assert {file.name for file in tmp_path.iterdir()} == {f"report-{run}.html"} | {
        f"{plot}-{run}.{ending}" for plot in PLOTS for ending in WRITTEN
    }
    text = (tmp_path / f"report-{run}.html").read_text("utf-8")
    assert text.count("<svg") == len(PLOTS)
    rows = list(csv.DictReader((tmp_path / f"coverage-{run}.csv").read_text("utf-8").splitlines()))
    shown = [float(row["coverage"]) for row in rows if row["what"] == "coverage"]
    wanted = place.query("select coverage from coverage where run_id = %s order by k", (run,))
    assert shown == pytest.approx([row["coverage"] for row in wanted])


def test_patches_whose_official_grading_is_not_believed_are_counted(place: Place) -> None:
    run = sampled_run({"a": [Sampled("1"), Sampled("1"), Sampled("2"), Sampled("3", True), Sampled(None)]})
    assert "official" not in place.ok("report", str(run), "--tables-only")
    reason = json.dumps({"disagreement": f"the tests were not seen to run {HOSTILE}"})
    with transaction() as connection:
        connection.execute(
            "update verdict set facts = %s from candidate where candidate.id = candidate_id and text in ('1', '2')",
            (reason,),
        )
    printed = place.ok("report", str(run), "--tables-only")
    assert "Resolved by the official grading, and not correct here" in printed
    assert re.search(r"the tests were not seen to run .* 3 +2$", printed, re.MULTILINE)
    assert "\x1b" not in printed
    assert place.one("select sum(disbelieved) from verifier_health") == 2


def test_hostile_text_stays_text(place: Place, tmp_path: Path) -> None:
    run = answered_run(HOSTILE)
    printed = place.ok("report", str(run), "--out", str(tmp_path))
    assert "\x1b" not in printed
    assert "\u202e" not in printed
    text = (tmp_path / f"report-{run}.html").read_text("utf-8")
    parsed = Tags()
    parsed.feed(text)
    assert not {"script", "img", "iframe", "object", "link"} & set(parsed.tags)
    assert not [name for name, _ in parsed.attributes if name.startswith("on")]
    for name, value in parsed.attributes:
        if name in ("href", "src", "xlink:href"):
            assert value.startswith(("#", "data:")), value
    assert "&lt;script&gt;" in text
    assert "\x1b" not in text
    told = text[text.index("class=origin") : text.index("<figure>")]
    assert "llm &lt;/style&gt;&lt;script&gt;" in told


def test_hostile_names_of_verifiers_and_reward_models_stay_text_in_sentences_too(place: Place) -> None:
    samples = [Sampled("4", True, scores={HOSTILE: -1.0}), Sampled("5", scores={HOSTILE: 1.0})]
    printed = place.ok("report", str(sampled_run({"a": samples}, verifier=HOSTILE)), "--tables-only")
    assert "\u202e" not in printed
    assert printed.count("x^{2$\\x1b[31m\\u202e: some scores are below 0") == 1
    assert "· 1 problem, verified by </style>" in printed


def test_a_pdf_has_its_fonts_in_it_and_nothing_that_acts(place: Place, tmp_path: Path) -> None:
    run = counted_run([Tally(5, 1), Tally(5, 0)], llm=HOSTILE, name=HOSTILE)
    place.ok("report", str(run), "--out", str(tmp_path))
    files = list(tmp_path.glob("*.pdf"))
    assert len(files) == 2
    for file in files:
        pdf = file.read_bytes()
        assert b"/FontFile2" in pdf
        assert not re.findall(rb"/Type3|/JavaScript|/JS\b|/URI|/Launch|/OpenAction|/Annots? \[ \S|/CreationDate", pdf)


def test_a_run_without_samples_says_so(place: Place) -> None:
    run = counted_run([Tally(5, 1)])
    place.query("update work set state = 'ready' where run_id = %s returning 1", (run,))
    assert f"monkeys watch {run}" in place.refused("report", str(run))


def test_a_run_whose_coverage_is_known_at_no_k_yet_is_reported(place: Place, tmp_path: Path) -> None:
    run = counted_run([Tally(5, 1), Tally(0, 0)])
    printed = place.ok("report", str(run), "--out", str(tmp_path))
    assert "problems_missing" in printed
    assert (tmp_path / f"report-{run}.html").exists()


def test_a_report_of_counts_alone_draws_what_it_can(place: Place, tmp_path: Path) -> None:
    run = counted_run([Tally(20, 3), Tally(20, 0)])
    place.ok("report", str(run), "--out", str(tmp_path))
    assert {file.name.split("-")[0] for file in tmp_path.glob("*.png")} == {"coverage", "problems"}


def test_short_axes_have_plain_numbers(place: Place, tmp_path: Path) -> None:
    first, second = answered_run("short"), answered_run("again")
    place.ok("report", str(first), str(second), "--out", str(tmp_path))
    assert {file.name.split("-")[0] for file in tmp_path.glob("*.png")} == PLOTS | {"differences", "shapes"}
    for file in tmp_path.glob("*.svg"):
        assert "mathdefault" not in file.read_text(), file.name


def compared(place: Place, *arguments: str) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = json.loads(place.ok("compare", *arguments, "--json"))
    return rows


def test_differences_are_paired_problem_by_problem(place: Place) -> None:
    first = counted_run([Tally(10, c) for c in (0, 1, 5, 9)], llm="a")
    second = counted_run([Tally(10, c) for c in (1, 2, 6, 10)], llm="b")
    rows = [row for row in compared(place, str(first), str(second)) if row["k"] == 1 and row["run_id"] == second]
    wanted = paired_difference(np.array([[0.1], [0.2], [0.6], [1.0]]), np.array([[0.0], [0.1], [0.5], [0.9]]))
    assert rows[0]["difference"] == pytest.approx(wanted.mean[0])
    assert (rows[0]["difference_low"], rows[0]["difference_high"]) == pytest.approx((wanted.low[0], wanted.high[0]))


def test_the_papers_question_of_deepseek_against_gpt_4o_in_dollars(place: Place) -> None:
    """The paper's table 1: 29.62 % of 300 issues by five attempts at $0.0072, against 24.00 % by one at $0.13."""
    place.ok("price", "examples")
    solved = round(0.2962 * 300)
    cheap = counted_run(
        [Tally(5, 1 if place_ < solved else 0, first=4) for place_ in range(300)],
        llm="deepseek-ai/DeepSeek-Coder-V2-Instruct",
    )
    dear = counted_run([Tally(1, 1 if place_ < 72 else 0) for place_ in range(300)], llm="openai:gpt-4o")
    for run in (cheap, dear):
        add_attempts(run, completion_tokens=1000, prompt_tokens=1000)
    cost = {row["run_id"]: row["usd"] for row in place.query("select run_id, usd from cost")}
    assert (cost[cheap], cost[dear]) == pytest.approx((10.8, 39.0))
    rows = json.loads(place.ok("compare", str(cheap), str(dear), "--coverage", "0.24", "--json"))
    assert [(row["k"], row["usd"]) for row in rows] == [(5, pytest.approx(10.8)), (1, pytest.approx(39.0))]
    assert (rows[0]["cheapest_by"], rows[1]["cheapest_by"]) == (["usd"], ["samples"])
    assert "By dollars, run" in place.ok("compare", str(cheap), str(dear))


def test_only_shared_problems_are_compared(place: Place) -> None:
    first = counted_run([Tally(5, 1)] * 4, llm="a")
    second = counted_run([Tally(5, 1)] * 2, llm="b")
    assert "2 problems that not every run has" in place.monkeys("compare", str(first), str(second)).output
    other = counted_run([Tally(5, 1)], benchmark="other")
    assert "different benchmarks" in place.refused("compare", str(first), str(other))
    assert "two runs" in place.refused("compare", str(first))
