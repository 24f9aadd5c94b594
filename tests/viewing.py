"""What tests of `monkeys view` share: a browser of the application, what a page says, and samples to be read."""

import html
import re
from collections.abc import Iterator
from contextlib import contextmanager

from starlette.testclient import TestClient

from cli.view.app import make_app
from models.database import transaction
from tests.counted import Sampled

TOKEN = "the-token"

ONE = Sampled("4", True, text="2 + 2 is 4, so 4.", logprob=-1.5)
OTHER = Sampled("5", text="It is 5.", finish_reason="length")
NONE = Sampled(None, text="I do not know.")
THOUGHT = Sampled("4", True, text="Hm, 5? No.</think>It is 4.", answer_from=18)
HOSTILE = "</pre></script><script>alert(1)</script><img src=x onerror=alert(1)> \x1b[2J \u202eevil {{ 7 * 7 }} \"'"


@contextmanager
def client_with_token() -> Iterator[TestClient]:
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


def link(page: str, relation: str) -> str | None:
    """Where a page's link of a relation leads."""
    found = re.search(rf'<a rel={relation} href="([^"]*)"', page)
    return html.unescape(found[1]) if found else None
