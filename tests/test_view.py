"""`monkeys view`: pages to read samples on, of the real application on a real database."""

import html
import re
from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from cli.view.app import make_app
from models.database import transaction
from tests.counted import Sampled, sampled_run
from tests.place import Place

TOKEN = "the-token"


@pytest.fixture
def client(place: Place) -> Iterator[TestClient]:
    """A browser of this host that has the token."""
    with TestClient(make_app(TOKEN), base_url=f"http://127.0.0.1:8000/{TOKEN}/", follow_redirects=False) as made:
        yield made


def page(client: TestClient, address: str, status: int = 200) -> str:
    """A page's HTML."""
    answer = client.get(address)
    assert answer.status_code == status, answer.text
    return answer.text


def plain(page: str) -> str:
    """What a page says to a reader, on one line."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", page)).split())


def ids(run: int) -> dict[str, int]:
    """A run's problems: key -> id."""
    with transaction() as connection:
        rows = connection.execute(
            "select key, id from problem join prompt on problem_id = id where run_id = %s", (run,)
        ).fetchall()
    return {row["key"]: row["id"] for row in rows}


def listed(page: str) -> list[int]:
    """The sample indices that a page lists."""
    table = page.partition("<table class=samples>")[2].partition("</table>")[0]
    return [int(found) for found in re.findall(r"/sample/(\d+)", table)]


ONE = Sampled("4", True, text="2 + 2 is 4, so 4.", logprob=-1.5)
OTHER = Sampled("5", text="It is 5.", finish_reason="length")
NONE = Sampled(None, text="I do not know.")
THOUGHT = Sampled("4", True, text="Hm, 5? No.</think>It is 4.", answer_from=18)


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
    thought = plain(page(client, f"run/{run}/problem/{problem}/sample/3"))
    assert "Hm, 5? No.</think> Answer It is 4 ." in thought
    compared = page(client, f"run/{run}/problem/{problem}/diff?one=0&two=1")
    assert "<del>2 + 2</del>" in compared or "<del>" in compared
