"""Reports, comparisons and prices as a person gets them."""

import csv
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from cli.report import analysed_findings
from cli.report.amounts import diversity_plot
from cli.report.curves import coverage_plot
from cli.report.drawing import scale_of
from cli.report.naming import labels
from cli.report.origin import origin_of
from cli.report.page import page
from cli.report.problems import problems_plot
from cli.report.selectors import precision_plot
from models.database import transaction
from models.questions.differences import differences
from models.questions.find import find_run
from models.questions.report import Findings
from models.questions.shapes import shapes
from models.statistics.coverage import pass_at_k
from models.statistics.intervals import paired_difference
from models.statistics.these_problems import these_problems, these_problems_difference
from tasks.identity import build
from tests.counted import Sampled, Tally, add_attempts, counted_run, sampled_run
from tests.oracle import align
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


def test_a_pdf_has_its_fonts_in_it_and_nothing_that_acts(place: Place, tmp_path: Path) -> None:
    run = counted_run([Tally(5, 1), Tally(5, 0)], llm=HOSTILE, name=HOSTILE)
    place.ok("report", str(run), "--out", str(tmp_path))
    files = list(tmp_path.glob("*.pdf"))
    assert len(files) == 2
    for file in files:
        pdf = file.read_bytes()
        assert b"/FontFile2" in pdf
        assert not re.findall(rb"/Type3|/JavaScript|/JS\b|/URI|/Launch|/OpenAction|/Annots? \[ \S|/CreationDate", pdf)


def found_of(*runs: int) -> list[Findings]:
    return [analysed_findings(find_run(str(run))) for run in runs]


def warmed(run: int, temperature: float) -> int:
    with transaction() as connection:
        connection.execute(
            "update run set sampling = sampling || jsonb_build_object('temperature', %s::float8) where id = %s",
            (temperature, run),
        )
    return run


def test_a_page_says_where_its_numbers_come_from_and_what_differs(place: Place) -> None:
    cold, warm = (warmed(counted_run([Tally(5, 1), Tally(5, 2)], llm="one"), each) for each in (0.6, 1.0))
    add_attempts(warm, completion_tokens=1, prompt_tokens=1)
    runs = found_of(cold, warm)
    assert labels(runs) == {cold: f"run {cold} · one · temperature 0.6", warm: f"run {warm} · one · temperature 1"}
    told = {setting.name: setting for setting in origin_of(runs)}
    assert {name for name, setting in told.items() if setting.differs} == {"temperature", "monkeys", "worked on"}
    assert told["temperature"].values == ["0.6", "1"]
    assert told["monkeys"].values == ["not known", "0"]
    assert told["verifier"].values == ["answer 1"] * 2
    assert told["intervals of coverage"].values[0].startswith("95 %, Gaffke's bound")
    assert f"by monkeys {build()}" in page(runs, [])


def test_a_legend_says_a_name_once(place: Place) -> None:
    run = counted_run([Tally(5, 1)], llm="pythia", name="pythia")
    assert labels(found_of(run)) == {run: f"run {run} · pythia"}


def test_cards_have_large_numbers_in_few_characters(place: Place) -> None:
    run = answered_run()
    with transaction() as connection:
        connection.execute("update attempt set flops = 416863014912")
        connection.execute(
            "update llm set parameters = 1000000, active_parameters = 1000000, layers = 1, token_dim = 1"
        )
    shown = re.findall(r"<b[^>]*>(.*?)</b>", page(found_of(run), []))
    assert [value for value in shown if "e" in value and value[0].isdigit()]
    assert max(map(len, shown)) <= len("1,000,000")


def test_differences_to_the_first_run_are_paired_and_know_both_questions(place: Place) -> None:
    first = counted_run([Tally(10, c) for c in (0, 1, 5, 9, 3)], llm="a")
    second = counted_run([Tally(10, c) for c in (1, 2, 6, 10)], llm="b")
    rows = differences(found_of(first, second))
    assert {(row.run_id, row.against, row.problems) for row in rows} == {(second, first, 4)}
    wanted = paired_difference(np.array([[0.1], [0.2], [0.6], [1.0]]), np.array([[0.0], [0.1], [0.5], [0.9]]))
    assert (rows[0].difference, rows[0].low, rows[0].high) == pytest.approx(
        (wanted.mean[0], wanted.low[0], wanted.high[0])
    )
    of_both = [
        (value.mean(axis=0), *these_problems(np.full(4, 10), c, 1))
        for c, value in ((np.array(c), np.array(c)[:, None] / 10) for c in ([1, 2, 6, 10], [0, 1, 5, 9]))
    ]
    low, high = these_problems_difference(*of_both)
    assert (rows[0].these_low, rows[0].these_high) == pytest.approx((low[0], high[0]))
    stopped = counted_run([Tally(10, c) for c in (1, 2, 6, 10)], llm="b", stop_rule={"when_solved": True}, batch=2)
    assert {row.these_low for row in differences(found_of(first, stopped))} == {None}
    elsewhere = counted_run([Tally(10, 1)], benchmark="other")
    assert differences(found_of(first, elsewhere)) == []


def test_a_row_of_the_map_is_one_problem_in_every_run(place: Place) -> None:
    first = counted_run([Tally(4, c) for c in (4, 0, 2)], llm="a")
    second = counted_run([Tally(4, c) for c in (0, 4, 2)], llm="b")
    drawn = problems_plot(found_of(first, second))
    for run in (first, second):
        assert [row.problem_key for row in drawn.rows if row.run_id == run and row.k == 1] == ["1", "2", "0"]
    assert f"the hardest for run {first} is at the bottom" in drawn.caption


def test_curves_near_an_edge_are_drawn_where_they_can_be_told_apart(place: Place) -> None:
    middle, low, high = (counted_run([Tally(20, c)] * 20 + [Tally(20, rest)]) for c, rest in ((5, 0), (0, 1), (19, 20)))
    assert [scale_of([curve]) for curve in ([0.02, 0.4], [0.01, 0.09], [0.91, 1.0], [0.0, 0.0], [])] == [
        "linear", "log", "logit", "linear", "linear",
    ]  # fmt: skip
    for run, said in ((middle, ""), (low, "is logarithmic"), (high, "is logit")):
        caption = coverage_plot(found_of(run)).caption
        assert said in caption
        assert bool(said) == ("axis of shares" in caption)


def test_a_law_that_is_not_drawn_is_told_of_with_its_reason(place: Place) -> None:
    run = counted_run([Tally(20, 1)] + [Tally(20, 0)] * 9)
    found = found_of(run)
    flag = next(fit.flag for fit in found[0].fits if fit.family == "average")
    assert flag
    caption = coverage_plot(found).caption
    assert f"Run {run} has no law and no forecast: {flag}." in caption
    assert "Dashed" not in caption


def test_repeats_are_the_samples_that_bring_no_new_candidate(place: Place) -> None:
    run = sampled_run({"a": [Sampled("1"), Sampled("1"), Sampled("2"), Sampled(None)]})
    (last,) = [row for row in diversity_plot(found_of(run)).rows if row.k == 4]
    assert last.expected_distinct_candidates == pytest.approx(2)
    assert last.share_without_new == pytest.approx(0.5)


def test_curves_are_shifted_onto_each_other_as_in_the_papers_figure_6(place: Place) -> None:
    counts = {"weak": [1, 2, 0, 4], "strong": [9, 12, 6, 19]}
    runs = {llm: counted_run([Tally(20, c) for c in each], llm=llm) for llm, each in counts.items()}
    ks = np.arange(1, 21)
    axes = align({llm: pass_at_k(np.full(4, 20), np.array(each), ks).mean(axis=0) for llm, each in counts.items()})
    rows = shapes(found_of(*runs.values()))
    for llm, run in runs.items():
        drawn = {row.k: row.times for row in rows if row.run_id == run}
        assert drawn == pytest.approx({k: axes[llm][k - 1] for k in drawn})
        assert min(drawn.values()) >= 1
        assert 20 in drawn
    assert shapes(found_of(runs["weak"])) == []


def test_a_page_takes_its_colours_from_the_readers_theme(place: Place) -> None:
    runs = found_of(answered_run())
    text = page(runs, [draw(runs) for draw in (coverage_plot, precision_plot, problems_plot)])
    assert "prefers-color-scheme: dark" in text
    drawings = "".join(re.findall(r"<svg.*?</svg>", text, re.DOTALL))
    assert "currentColor" in drawings
    assert "#ffffff" not in drawings


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
