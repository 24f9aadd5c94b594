"""`monkeys view`: who is answered, what every answer carries, and what a wrong address is told."""

import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator

import httpx
import psycopg
import pytest
from starlette.testclient import TestClient

from cli.view import pages
from cli.view.app import HEADERS, NO_TOKEN
from models.database import reading, transaction
from models.settings import settings
from tests.counted import Sampled, sampled_run
from tests.place import Place, wait_until
from tests.viewing import ONE, TOKEN, client_with_token, ids, page, plain


@pytest.fixture
def client(place: Place) -> Iterator[TestClient]:
    """A browser of this host that has the token."""
    with client_with_token() as made:
        yield made


def test_only_who_has_the_address_on_this_host_is_answered(client: TestClient) -> None:
    run = sampled_run({"a": [ONE]})
    for host in ("evil.example", "127.0.0.1.evil.example", ""):
        assert client.get(f"run/{run}", headers={"host": host}).status_code == 400
    for host in ("localhost:9000", "127.0.0.1:1"):
        assert client.get(f"run/{run}", headers={"host": host}).status_code == 200
    for path in (
        "/",
        "/favicon.ico/",
        "/run/1",
        f"/{TOKEN}x/run/{run}",
        f"/{TOKEN[:-1]}/run/{run}",
        "/%00/",
        "/é/run/1",
    ):
        answer = client.get(f"http://127.0.0.1:8000{path}")
        assert (answer.status_code, answer.text) == (404, f"{NO_TOKEN}\n")
        assert TOKEN not in answer.text
    for method in ("POST", "PUT", "DELETE"):
        answer = client.request(method, f"run/{run}")
        assert (answer.status_code, set(answer.headers["allow"].split(", "))) == (405, {"GET", "HEAD"})
        assert "only read" in answer.text
    assert (client.head(f"run/{run}").status_code, client.head(f"run/{run}").content) == (200, b"")
    for address in ("nothing", "run/x", "file/app.py", "file/..%2fapp.py", f"run/{run}/problem/"):
        assert "There is no such page" in plain(page(client, address, 404))


def test_every_answer_forbids_what_a_page_does_not_need(client: TestClient) -> None:
    run = sampled_run({"a": [ONE]})
    for address in (f"run/{run}", "run/99", "file/view.js", "file/app.py", "http://127.0.0.1:8000/x"):
        answer = client.get(address)
        for name, value in HEADERS.items():
            assert answer.headers[name] == value
    for address in ("", f"run/{run}", f"run/{run}/problem/{ids(run)['a']}/sample/0"):
        shown = page(client, address)
        assert " style=" not in shown
        assert re.findall(r"<script[^>]*>", shown) == [f'<script src="/{TOKEN}/file/view.js" defer>']


WRONG = {
    "run/99": "There is no run 99", "run/{run}/problem/99": "has no problem of the id 99",
    "run/{run}/problem/{problem}/sample/9": "has no sample 9", "run/{run}?sort=x": "not sorted 'x'",
    "run/{run}/samples?outcome=x": "no outcome 'x'", "run/{run}/samples?candidate=²": "is a whole number",
    "run/{run}?verifier=99": "not judged by a verifier", "?before=x": "is a whole number",
    "run/{run}/problem/{problem}/diff?one=1": "give one and two", "run/99999999999999999999": "no run 9999",
    "run/{run}/samples?text=" + "x" * 1001: "takes 1,000 characters at most, not 1,001",
    "run/{run}/problem/{problem}/sample/1/text": "has no text",
    "run/{run}/samples?at=99999999999&index=0": "cannot hold a value",
}  # fmt: skip
"""Address -> what is told."""


def test_a_wrong_address_is_told_in_one_sentence(client: TestClient) -> None:
    run = sampled_run({"a": [ONE, Sampled("5")]})
    for address, said in WRONG.items():
        told = page(client, address.format(run=run, problem=ids(run)["a"]), 404)
        assert said in plain(told)
        assert f'<a href="/{TOKEN}/">runs</a>' in told


def test_a_page_only_reads_and_ends_what_takes_long(place: Place) -> None:
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction), reading(5) as connection:
        connection.execute("delete from run")
    with pytest.raises(psycopg.errors.QueryCanceled), reading(0.05) as connection:
        connection.execute("select pg_sleep(5)")
    assert place.one("show statement_timeout") == "0"


def test_a_database_that_is_away_or_busy_is_told_until_it_answers_again(client: TestClient) -> None:
    run = sampled_run({"a": [ONE]})
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MONKEYS_DATABASE_URL", "postgresql://127.0.0.1:1/none")
        settings.cache_clear()
        assert "does not answer" in plain(page(client, f"run/{run}", 503))
    settings.cache_clear()
    with pytest.MonkeyPatch.context() as patch, transaction() as connection:
        patch.setattr(pages, "SECONDS", 0.2)
        connection.execute("lock table prompt")
        assert "and was ended" in plain(page(client, f"run/{run}", 503))
    assert "/problem/" in page(client, f"run/{run}")


def test_view_prints_its_address_serves_it_and_ends_quietly_with_an_answer_under_way(place: Place) -> None:
    run = sampled_run({"a": [ONE]}, name="named")
    view = subprocess.Popen(
        [sys.executable, "-m", "cli", "view"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    place.processes.append(view)
    assert view.stdout is not None
    address = view.stdout.readline().strip()
    assert re.fullmatch(rf"http://127\.0\.0\.1:\d+/[\w-]{{20,}}/run/{run}", address)
    assert "named" in httpx.get(address).text
    asking = threading.Thread(target=lambda: httpx.get(address, timeout=20))
    with transaction() as connection:
        connection.execute("lock table prompt")
        asking.start()
        wait_until(lambda: place.one("select count(*) from pg_locks where not granted"), 20)
        view.send_signal(signal.SIGINT)
        said, errors = view.communicate(timeout=20)
    asking.join()
    assert (view.returncode, said, errors) == (0, "", "Ctrl-C ends it.\n")


def test_a_port_that_is_taken_is_told(place: Place) -> None:
    sampled_run({"a": [ONE]})
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert f"Port {port} cannot be had" in place.refused("view", "--port", port)
    assert "There is no run" in place.refused("view", "nobody's")
