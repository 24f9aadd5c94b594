"""`monkeys view`: pages to read samples on, of the real application on a real database."""

import html
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.types.json import Jsonb
from starlette.testclient import TestClient

from cli.view import pages
from cli.view.texts import compared, shown
from models.database import reading, transaction
from models.questions import browse_samples
from models.questions.browse_samples import Filter, find_samples
from models.questions.find import find_run
from tests.counted import Judged, Sampled, Tally, batched_run, counted_run, judge_again, sampled_run
from tests.place import Place
from tests.viewing import HOSTILE, NONE, ONE, OTHER, THOUGHT, TOKEN, client_with_token, ids, link, listed, page, plain
from verifiers.outcome import Outcome


@pytest.fixture
def client(place: Place) -> Iterator[TestClient]:
    """A browser of this host that has the token."""
    with client_with_token() as made:
        yield made


def test_every_page_shows_what_is_there(client: TestClient) -> None:
    run = sampled_run({"sum": [ONE, OTHER, NONE, THOUGHT], "hard/one": [OTHER]}, name="named")
    with transaction() as connection:
        connection.execute("""update problem set data = '{"question": "2 + 2?", "answer": "four"}' where key = 'sum'""")
    problem = ids(run)["sum"]
    assert "named" in page(client, "")
    problems = page(client, f"run/{run}")
    assert problems.index("hard/one") < problems.index("2 + 2?")
    shown = plain(page(client, f"run/{run}/problem/{problem}"))
    assert "Question 2 + 2? True answer four" in shown
    assert "2 correct 4 0" in shown
    assert "50.00% k = 1 100.00% k = 4" in shown
    sample = page(client, f"run/{run}/problem/{problem}/sample/0")
    assert "so <mark class=candidate>4</mark>." in sample
    assert "-1.5" in sample
    assert "Question 2 + 2? True answer four Candidate 4" in plain(sample)
    alone = client.get(f"run/{run}/problem/{problem}/sample/0/text")
    assert (alone.headers["content-type"], alone.text) == ("text/plain; charset=utf-8", ONE.text)
    thought = plain(page(client, f"run/{run}/problem/{problem}/sample/3"))
    assert "Hm, 5? No.</think> Answer It is 4 ." in thought
    compared = page(client, f"run/{run}/problem/{problem}/diff?one=0&two=1")
    assert "<del>2 + 2</del>" in compared or "<del>" in compared


def test_a_filter_lets_through_what_it_says(client: TestClient) -> None:
    run = sampled_run({"sum": [ONE, OTHER, NONE, THOUGHT], "more": [OTHER, ONE]})
    first, second = (ids(run)[key] for key in ("sum", "more"))
    judge_again(run, "lenient")
    with transaction() as connection:
        connection.execute("delete from extraction where problem_id = %s and sample_index = 1", (second,))
        connection.execute("update sample set thinking = 'apart' where problem_id = %s and sample_index = 1", (first,))
        candidate = connection.execute("select id from candidate where problem_id = %s and text = '4'", (first,))
        (four,) = candidate.fetchall()
    wanted = {
        "": [0, 1, 2, 3], "outcome=correct": [0, 3], "outcome=incorrect": [1], "outcome=no_answer": [2],
        "truncated=1": [1], "thinking=1": [1, 3], "text=is": [0, 1, 3], "text=apart": [1], "text=%25": [],
        f"candidate={four['id']}": [0, 3], "disagree=1": [1], "outcome=correct&text=Hm": [3],
        "outcome=time_limit": [], "outcome=not+correct": [1, 2],
    }  # fmt: skip
    for query, indices in wanted.items():
        assert listed(page(client, f"run/{run}/problem/{first}?{query}")) == indices, query
    assert listed(page(client, f"run/{run}/samples?outcome=not+verified+yet")) == [1]
    assert listed(page(client, f"run/{run}/samples?truncated=1")) == [1, 0]
    assert "No sample is like that" in page(client, f"run/{run}/samples?text=nowhere")
    assert listed(page(client, f"run/{run}/samples?outcome=time_limit")) == []
    lenient = re.findall(r'<option value="(\d+)">lenient', page(client, f"run/{run}"))[0]
    assert listed(page(client, f"run/{run}/problem/{first}?outcome=correct&verifier={lenient}")) == [0, 1, 3]
    assert "3 correct · 0 incorrect · 1 no answer" in plain(
        page(client, f"run/{run}/problem/{first}?verifier={lenient}")
    )
    assert "75.00%" in page(client, f"run/{run}?verifier={lenient}")


def test_thinking_that_did_not_end_and_a_sample_without_text_are_told(client: TestClient) -> None:
    unended = Sampled(None, text="<think>Hm", answer_from=None)
    run = sampled_run({"a": [ONE, unended, Sampled("4", True)]})
    problem = f"run/{run}/problem/{ids(run)['a']}"
    assert listed(page(client, f"{problem}?thinking=1")) == [1]
    shown = plain(page(client, f"{problem}/sample/1"))
    assert "what was thought, 9 characters <think>Hm Answer Thinking did not end: there is no answer." in shown
    assert "It has no text." in plain(page(client, f"{problem}/sample/2"))
    assert "Their texts are the same" in page(client, f"{problem}/diff?one=0&two=0")


def test_looking_for_the_next_sample_ends_in_time_and_says_so(client: TestClient) -> None:
    run = sampled_run({"a": [ONE] + [OTHER] * 4})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(browse_samples, "WINDOW", 1)
        patch.setattr(pages, "STEP_SECONDS", 0)
        shown = page(client, f"run/{run}/problem/{ids(run)['a']}/sample/0?outcome=no_answer")
    assert "next →: none found in time" in plain(shown)


def test_next_and_before_lead_through_every_sample_that_is_let_through_once(client: TestClient) -> None:
    run = sampled_run({"a": [ONE, OTHER, NONE, ONE], "b": [OTHER], "c": [ONE, ONE]})
    for query, ways in {"outcome=correct&everywhere=1": 4, "outcome=correct": 2, "everywhere=1": 7}.items():
        address: str | None = f"/{TOKEN}/run/{run}/problem/{ids(run)['a']}/sample/0?{query}"
        way = []
        while address:
            way.append(address)
            address = link(page(client, f"http://127.0.0.1:8000{address}"), "next")
        assert len(way) == len(set(way)) == ways
        assert sorted(linked(way)) == linked(way)
        back = [way[-1]]
        while before := link(page(client, f"http://127.0.0.1:8000{back[-1]}"), "prev"):
            back.append(before)
        assert linked(back[::-1]) == linked(way)


def linked(addresses: list[str]) -> list[tuple[int, int]]:
    """(problem id, sample index) of addresses."""
    found = (re.search(r"/problem/(\d+)/sample/(\d+)", address) for address in addresses)
    return [(int(each[1]), int(each[2])) for each in found if each]


RUNS = st.lists(st.lists(st.sampled_from([ONE, OTHER, NONE]), max_size=9), min_size=1, max_size=4)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(RUNS, st.integers(1, 4), st.sampled_from([None, "correct", "no_answer"]), st.booleans())
def test_pages_lead_through_every_sample_once(
    place: Place, problems: list[list[Sampled]], window: int, outcome: str | None, backwards: bool
) -> None:
    run = find_run(str(sampled_run({str(number): samples for number, samples in enumerate(problems)})))
    said = {id(ONE): "correct", id(OTHER): "incorrect", id(NONE): "no_answer"}
    wanted = [
        (position, index)
        for position, samples in enumerate(problems)
        for index, each in enumerate(samples)
        if outcome in (None, said[id(each)])
    ]
    seen, start = [], None
    with reading(60) as connection, pytest.MonkeyPatch.context() as patch:
        patch.setattr(browse_samples, "WINDOW", window)
        while True:
            found = find_samples(
                connection, run.id, run.verifier_id, Filter(outcome), start, backwards=backwards, limit=2, seconds=60
            )
            seen += [(each.position, each.sample_index) for each in found.samples]
            if (start := found.go_on) is None:
                break
    assert seen == (wanted[::-1] if backwards else wanted)


def test_a_search_whose_time_is_over_says_how_far_it_came_and_goes_on_from_there(client: TestClient) -> None:
    run = find_run(str(sampled_run({"a": [OTHER] * 4, "b": [OTHER, ONE]})))
    seen, start, steps = [], None, 0
    with reading(60) as connection, pytest.MonkeyPatch.context() as patch:
        patch.setattr(browse_samples, "WINDOW", 2)
        while True:
            found = find_samples(connection, run.id, run.verifier_id, Filter(text="2 + 2"), start, seconds=0)
            seen += [(each.problem_key, each.sample_index) for each in found.samples]
            steps += 1
            if (start := found.go_on) is None:
                break
            assert found.out_of_time
    assert (seen, steps) == ([("b", 1)], 4)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(browse_samples, "SECONDS", 0)
        told = page(client, f"run/{run.id}/samples?text=nowhere")
    assert "Searched up to sample 3 of problem a in 0 s" in plain(told)
    assert "No more sample is like that" in page(client, f"run/{run.id}/samples{link(told, 'next')}")


def test_problems_come_page_by_page_from_the_hardest(place: Place, client: TestClient) -> None:
    rights = [index % 4 for index in range(230)]
    run = counted_run([Tally(3, min(right, 3)) for right in rights])
    for sort, order in {
        "hardest": sorted(range(230), key=lambda key: (rights[key], key)),
        "easiest": sorted(range(230), key=lambda key: (-rights[key], key)),
        "in order": list(range(230)),
    }.items():
        shown, address = [], f"?sort={sort}"
        while address:
            problems = page(client, f"run/{run}{address}")
            shown += [int(key) for key in re.findall(r'/problem/\d+[^"]*">(\d+)</a>', problems)]
            address = link(problems, "next") or ""
        assert shown == order, sort


def test_a_prompt_is_shown_with_what_was_sent_beside_it(client: TestClient) -> None:
    run = sampled_run({"a": [ONE]})
    sent = Jsonb({"system": "Be brief.", "chat_template_args": {"enable_thinking": True}})
    with transaction() as connection:
        connection.execute("update run set sampling = sampling || %s where id = %s", (sent, run))
    shown = plain(page(client, f"run/{run}/problem/{ids(run)['a']}/sample/0"))
    assert "prompt, 6 characters with enable_thinking=true system Be brief. prompt" in shown


def test_the_order_of_problems_is_kept_on_the_way_through_them(client: TestClient) -> None:
    run = sampled_run({"a": [ONE], "b": [OTHER], "c": [ONE, OTHER]})
    keys = {id: key for key, id in ids(run).items()}
    for sort, order in {"hardest": "bca", "easiest": "acb", "in+order": "abc"}.items():
        address = re.findall(r'<a href="([^"]*/problem/[^"]*)', page(client, f"run/{run}?sort={sort}"))[0]
        way = []
        while address:
            way.append(html.unescape(address))
            address = link(page(client, f"http://127.0.0.1:8000{way[-1]}"), "next-problem") or ""
        assert "".join(keys[int(re.findall(r"/problem/(\d+)", each)[0])] for each in way) == order
        last = page(client, f"http://127.0.0.1:8000{way[-1]}")
        assert link(last, "prev-problem") == way[-2]
        assert f"<b>{sort.replace('+', ' ')}</b>" in page(client, f"http://127.0.0.1:8000{link(last, 'up')}")


def test_problems_are_found_by_a_part_of_their_key(client: TestClient) -> None:
    run = sampled_run({"Sums/1": [ONE], "sums_2": [OTHER], "x%y": [OTHER], "x?y": [ONE]})
    found = {"sums": ["sums_2", "Sums/1"], "s_": ["sums_2"], "%": ["x%y"], "?y": ["x?y"], "z": []}
    for key, keys in found.items():
        shown = page(client, f"run/{run}?key={quote(key)}")
        assert re.findall(r'/problem/\d+[^"]*">([^<]*)</a>', shown) == keys
    assert "No problem has such a key. all problems" in plain(shown)


def test_an_outcome_that_no_candidate_of_a_problem_has_is_not_looked_for_in_its_samples(client: TestClient) -> None:
    late = Sampled("7", outcome=Outcome.time_limit)
    run = find_run(str(sampled_run({"a": [OTHER] * 9, "b": [OTHER] * 3 + [late], "c": [late, OTHER]})))
    with reading(60) as connection, pytest.MonkeyPatch.context() as patch:
        patch.setattr(browse_samples, "WINDOW", 1)
        seen, start, steps = [], None, 0
        while steps == 0 or start is not None:
            found = find_samples(connection, run.id, run.verifier_id, Filter("time_limit"), start, seconds=0)
            seen += [(each.problem_key, each.sample_index) for each in found.samples]
            start, steps = found.go_on, steps + 1
    assert (seen, steps) == ([("b", 3), ("c", 0)], 1 + 4 + 2 + 1)


def test_a_run_that_is_not_through_says_so(client: TestClient) -> None:
    run = batched_run([[Judged(10, 3), Judged(10, None)], [Judged(10, None)]])
    for state, told in {"now()": False, "null": True}.items():
        with transaction() as connection:
            connection.execute(f"update run set finished_at = {state}")
        assert ("In part: numbers" in page(client, f"run/{run}")) is told
        problem = plain(page(client, f"run/{run}/problem/{ids(run)['0']}"))
        assert ("of 10 verified samples so far" in problem) is told
        assert f"There is no sample{' yet' if told else ''}." in problem


def test_shares_of_a_planned_run_are_said_to_be_none(client: TestClient) -> None:
    run = counted_run([Tally(20, 4), Tally(40, 1, first=25)], batch=5, n=20, stop_rule={"planned": True})
    page = client.get(f"/run/{run}").text
    assert "Outcomes decided how many samples a problem has (planned)" in page


def test_hostile_text_stays_text(place: Place, client: TestClient, tmp_path: Path) -> None:
    run = sampled_run({HOSTILE: [Sampled(HOSTILE, text=HOSTILE), ONE]}, name=HOSTILE, llm=HOSTILE, benchmark=HOSTILE)
    problem = ids(run)[HOSTILE]
    with transaction() as connection:
        connection.execute("update problem set data = %s", (Jsonb({"question": HOSTILE, "answer": HOSTILE}),))
        connection.execute("update verdict set detail = %s", (HOSTILE,))
        connection.execute("update prompt set text = %s", (HOSTILE,))
        connection.execute("update sample set thinking = %s, finish_reason = %s", (HOSTILE, HOSTILE))
    place.ok("export", str(run), str(tmp_path / "one.html"), "--problem", HOSTILE)
    addresses = ["", f"run/{run}", f"run/{run}/samples?text={quote(HOSTILE)}"]
    addresses += [f"run/{run}/problem/{problem}{rest}" for rest in ("", "/sample/0", "/diff?one=0&two=1")]
    for each in [*(page(client, address) for address in addresses), (tmp_path / "one.html").read_text("utf-8")]:
        assert "&lt;script&gt;alert(1)" in each
        assert " 49 " not in each
        assert not re.search(r"<script>|<img|\x1b|\u202e", each)


def test_long_texts_are_cut_and_shown_whole_when_asked(client: TestClient) -> None:
    text = "begin " + "x" * 1_000_000 + " it is 4"
    run = sampled_run({"a": [Sampled("4", text=text)]})
    address = f"run/{run}/problem/{ids(run)['a']}/sample/0"
    shown = page(client, address)
    assert len(shown) < 300_000
    assert "begin xxx" in shown
    assert "800,014 characters are left out here" in shown
    assert "is <mark class=candidate>4</mark>" in shown
    assert len(page(client, f"{address}?whole=1")) > 1_000_000


@pytest.mark.parametrize(
    ("text", "candidate", "marked"),
    [
        ("4 or 14, so 4. See 44", "4", "4 or 14, so <4>. See 44"),
        ("14", "4", "1<4>"),
        ("None here", "4", "None here"),
        ("a\nb\na\nb", "a\nb", "a\nb\n<a\nb>"),
        ("", "4", ""),
    ],
)
def test_a_candidate_is_marked_where_it_stands_last(text: str, candidate: str, marked: str) -> None:
    found = re.sub(r"<mark class=candidate>(.*?)</mark>", r"<\1>", str(shown(text, candidate)), flags=re.DOTALL)
    assert found == marked


def test_two_texts_are_compared_within_bounds() -> None:
    lines, note = compared("a\nb 1\nc", "a\nb 2\nc")
    assert [(kind, str(text)) for kind, text in lines] == [
        (" ", "a"), ("-", "b <del>1</del>"), ("+", "b <ins>2</ins>"), (" ", "c"),
    ]  # fmt: skip
    assert note is None
    assert compared("same", "same") == ([], None)
    assert compared("x" * 100_000, "x" * 100_000 + "y")[1] is not None


def test_a_page_of_a_problem_stands_alone_and_says_what_it_leaves_out(place: Place, tmp_path: Path) -> None:
    run = str(sampled_run({"a": [ONE] * 60, "b": [OTHER]}))
    file = tmp_path / "a.html"
    with transaction() as connection:
        question = Jsonb({"question": "q" * 150_000, "answer": "4"})
        connection.execute("update problem set data = %s where key = 'a'", (question,))
    told = place.monkeys("export", run, str(file), "--problem", "a").stderr
    assert told == f"Problem a of run {run}: {file}, {file.stat().st_size:,} bytes\n"
    shown = file.read_text("utf-8")
    assert "130,000 characters are left out here" in shown
    assert "Here are the first 50 of 60 verified samples" in shown
    assert not re.search(r"<script|<link|src=|href=", shown)
    for words in (["--problem", "a"], [str(tmp_path / "b.html")], [str(tmp_path / "b.jsonl"), "--problem", "a"],
                  [str(tmp_path / "b.html"), "--problem", "a", "--correct"]):  # fmt: skip
        assert "A page is FILE.html with --problem KEY" in place.refused("export", run, *words)
    assert "exists already" in place.refused("export", run, str(file), "--problem", "a")
