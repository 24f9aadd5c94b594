"""The page of a report: what it says, and what its plots are drawn from."""

import csv
import re
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from cli.report import analysed_findings
from cli.report.amounts import cost_plot, diversity_plot
from cli.report.axes import scale_of
from cli.report.characters import coverage_in_characters
from cli.report.curves import coverage_plot
from cli.report.drawing import figure_of, save
from cli.report.naming import labels, looks
from cli.report.origin import origin_line, origin_of
from cli.report.page import page
from cli.report.plots import plot_csv, plots
from cli.report.problems import problems_plot
from cli.report.selectors import precision_plot
from cli.report.shapes import shapes_plot
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
from tests.test_report import answered_run


def found_of(*runs: int) -> list[Findings]:
    return [analysed_findings(find_run(str(run))) for run in runs]


def copies(found: Findings, count: int) -> list[Findings]:
    """The same findings as if of so many runs."""
    return [replace(found, run_id=found.run_id + place) for place in range(count)]


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
    with transaction() as connection:
        connection.execute(
            "insert into attempt (work_id, worker, host, code_version, ok) "
            "select id, 'w', 'h', 'failed', false from work where run_id = %s",
            (warm,),
        )
    runs = found_of(cold, warm)
    assert labels(runs) == {cold: f"run {cold} · one · temperature 0.6", warm: f"run {warm} · one · temperature 1"}
    told = {setting.name: setting for setting in origin_of(runs)}
    assert {name for name, setting in told.items() if setting.differs} == {"temperature", "monkeys", "worked on"}
    assert told["temperature"].values == ["0.6", "1"]
    assert told["monkeys"].values == ["not known", "0"]
    assert told["verifier"].values == ["answer 1"] * 2
    assert told["intervals of coverage"].values[0].startswith("95 %, Gaffke's bound")
    assert f"by monkeys {build()}" in page(runs, [])


def test_files_that_leave_the_page_say_where_their_numbers_come_from(place: Place, tmp_path: Path) -> None:
    runs = found_of(warmed(counted_run([Tally(5, 1), Tally(5, 2)], llm="one"), 0.6), counted_run([Tally(5, 1)]))
    line = origin_line(runs)
    assert line.startswith(f"run {runs[0].run_id}: one, counted (2 problems), temperature 0.6 · ")
    assert line.endswith(f"verifier answer 1, by monkeys {build()}")
    assert line.count("verifier") == 1
    drawn = plots(runs)
    files = [tmp_path / f"coverage.{ending}" for ending in ("pdf", "png", "svg")]
    save(drawn[0], files)
    for file in files:
        assert f"monkeys {build()}".encode() in file.read_bytes(), file.name
    for plot in drawn:
        row, *_ = csv.DictReader(plot_csv(plot, runs).splitlines())
        told = [row[name] for name in ("benchmark", "llm", "temperature", "n", "verifier", "reported_by")]
        differing = plot.name == "differences"
        assert told == ["counted", *(["counted", "1.0"] if differing else ["one", "0.6"]), "5", "answer 1",
                        f"monkeys {build()}"]  # fmt: skip
        assert row.get("interval_of") == ("new problems" if "low" in row else None)


def test_a_line_below_a_figure_is_of_the_runs_in_it(place: Place) -> None:
    runs = found_of(counted_run([Tally(5, 1)], llm="counts alone"), sampled_run({"a": [Sampled("1"), Sampled("2")]}))
    told = {plot.name: "counts alone" in plot.origin for plot in plots(runs)}
    assert (told["coverage"], told["diversity"]) == (True, False)


def test_runs_are_told_apart_without_colour(place: Place) -> None:
    runs = copies(found_of(counted_run([Tally(5, 1), Tally(5, 2)]))[0], 9)
    drawn = [look for _, look in looks(runs)]
    assert len({(look.colour, look.marker) for look in drawn}) == len({look.label for look in drawn}) == len(drawn)
    assert len({look.marker for look in drawn[:7]}) == 7
    text = coverage_in_characters({look.label: run.coverage for run, look in looks(runs[:2])})
    assert "aa run" in text
    assert "bb run" in text


def test_many_runs_have_a_line_each_and_no_bands(place: Place) -> None:
    many = copies(found_of(counted_run([Tally(5, 1), Tally(5, 2)]))[0], 7)
    shown = page(many, [])
    assert "class=cards" not in shown
    assert "<h1>Repeated sampling: 7 runs</h1>" in shown
    assert [f"<th scope=row class=text>{look.label}</th>" in shown for _, look in looks(many)] == [True] * 7
    assert shown.count("<table") == shown.count("</table>")
    assert shown.count("<table class=origin>") == 1, "nothing differs"
    assert "no bands and no forecasts are drawn" in coverage_plot(many).caption
    assert "Bands are" in coverage_plot(many[:6]).caption
    with figure_of(coverage_plot(many)) as figure:
        assert "95 %, new problems" not in [text.get_text() for text in figure.legends[0].get_texts()]


def test_of_many_runs_the_curves_alone_are_drawn(place: Place) -> None:
    run = counted_run([Tally(100, c) for c in (0, 0, 0, 1, 1, 2, 5, 20, 60, 90)])
    add_attempts(run, completion_tokens=10, prompt_tokens=1, gpu_seconds=1.0)
    many = copies(found_of(run)[0], 7)
    for draw, said in ((coverage_plot, "Dashed: the mean of two laws"), (cost_plot, "Dashed: each problem stops")):
        for runs, few in ((many[:6], True), (many, False)):
            with figure_of(draw(runs)) as figure:
                (axes,) = figure.axes
                assert [line.get_linestyle() for line in axes.lines].count("--") == few * 6
                assert bool(axes.collections) == few
                keys = [text.get_text() for text in figure.legends[0].get_texts()]
            assert any("run " not in key for key in keys) == few
            assert (said in draw(runs).caption) == few


def test_the_interval_of_one_point_is_drawn(place: Place) -> None:
    with figure_of(coverage_plot(found_of(counted_run([Tally(1, 1), Tally(1, 0)])))) as figure:
        (ends,) = (bar.get_segments()[0][:, 1].tolist() for bar in figure.axes[0].collections)
        assert ends[0] < 0.5 < ends[1]


def test_shapes_near_nothing_are_told_apart(place: Place) -> None:
    low = found_of(*(counted_run([Tally(100, c)] + [Tally(100, 0)] * 19) for c in (1, 2)))
    plot = shapes_plot(low)
    assert "logarithmic" in plot.caption
    with figure_of(plot) as figure:
        assert figure.axes[0].get_yscale() == "log"


def test_a_legend_hides_no_data_and_names_lie_within_their_figure(place: Place) -> None:
    long = "a name without an end " * 9
    runs = found_of(*(counted_run([Tally(9, 1), Tally(9, 5)], llm=f"{long}{each}") for each in range(2)))
    for plot in plots(runs):
        with figure_of(plot, plot.origin) as figure:
            figure.draw_without_rendering()
            (top, *_) = sorted((each.get_window_extent().y1 for each in figure.legends), reverse=True) or [0]
            assert top <= min(axes.get_tightbbox().y0 for axes in figure.axes) + 1, plot.name
            titles = [axes.title.get_window_extent() for axes in figure.axes if axes.get_title()]
            assert not [1 for a, b in combinations(titles, 2) if a.overlaps(b)], plot.name
            assert all(each.x0 >= 0 and each.x1 <= figure.bbox.x1 for each in titles), plot.name


def test_curves_that_no_other_axis_could_show_are_drawn_on_the_plain_one() -> None:
    assert [scale_of([curve, [0.95, 0.99]]) for curve in ([1.0, 1.0], [0.0, 0.0], [0.95, 1.0])] == [
        "linear", "linear", "logit",
    ]  # fmt: skip


def test_what_scrolls_is_reached_by_key_and_every_table_has_heads(place: Place) -> None:
    runs = found_of(answered_run(), answered_run())
    text = page(runs, plots(runs))
    assert text.count("<div class=wide") == text.count("<div class=wide tabindex=0 role=region aria-label=")
    assert text.count("<svg") == text.count('<svg role="img" aria-label="')
    assert not re.findall(r"<th(?! scope=)", text.replace("<thead", ""))


def test_a_legend_says_a_name_once(place: Place) -> None:
    run = counted_run([Tally(5, 1)], llm="pythia", name="pythia")
    assert labels(found_of(run)) == {run: f"run {run} · pythia"}


def test_cards_have_large_numbers_in_few_characters(place: Place) -> None:
    run = answered_run()
    with transaction() as connection:
        connection.execute("update attempt set flops = 41686301491")
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
    nearly = counted_run([Tally(20, c) for c in (9, 12, 6, 18)])
    assert {row.k: row.times for row in shapes(found_of(runs["strong"], nearly)) if row.run_id == nearly}[2] > 1.9


def test_a_page_takes_its_colours_from_the_readers_theme(place: Place) -> None:
    runs = found_of(answered_run())
    text = page(runs, [draw(runs) for draw in (coverage_plot, precision_plot, problems_plot)])
    assert "prefers-color-scheme: dark" in text
    drawings = "".join(re.findall(r"<svg.*?</svg>", text, re.DOTALL))
    assert "currentColor" in drawings
    assert "#ffffff" not in drawings
