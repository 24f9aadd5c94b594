"""Real servers for every test: the bundled PostgreSQL and Redis, or outside ones where the environment names them."""

import os
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

for variable in list(os.environ):
    if variable.startswith("MONKEYS_") and not variable.startswith("MONKEYS_TEST_"):
        del os.environ[variable]  # a person's own servers are never touched
os.environ["MONKEYS_HOME"] = "/nonexistent/monkeys"  # nor their stack, which is this folder's
os.environ.pop("OPENAI_API_KEY", None)  # nor is anything paid for

from cli.stack.servers import Urls, servers  # noqa: E402
from models.settings import settings  # noqa: E402
from tests import brittle  # noqa: E402
from tests.endpoints import KEY  # noqa: E402
from tests.place import Place, drop_templates, new_place, plain  # noqa: E402
from verifiers.benchmarks import BENCHMARKS  # noqa: E402
from verifiers.isolation import warm  # noqa: E402
from verifiers.sandbox import the_sandbox  # noqa: E402


@pytest.fixture(scope="session", autouse=True)
def nothing_stays_warm() -> Iterator[None]:
    """This process's jails and warm children end before it tells what it left open; in use they go with the process."""
    yield
    the_sandbox().close()
    for each in list(warm._all):
        each.close()


@pytest.fixture(scope="session")
def bundled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Urls]:
    """The bundled servers, once for all tests, in a folder of their own; no power cut is meant to be survived there."""
    with servers(tmp_path_factory.mktemp("servers")) as urls:
        with psycopg.connect(plain(urls.database_url), autocommit=True) as connection:
            connection.execute("alter system set fsync = off")
            connection.execute("select pg_reload_conf()")
        yield urls


@pytest.fixture(scope="session")
def outside_postgres() -> Iterator[str]:
    """The URL of a PostgreSQL that is not ours."""
    url = os.environ.get("MONKEYS_TEST_POSTGRES_URL")
    if not url:
        pytest.skip("no outside server: MONKEYS_TEST_POSTGRES_URL is not set")
    yield url
    drop_templates(url)


@pytest.fixture
def outside_amqp() -> str:
    """The URL of a RabbitMQ."""
    url = os.environ.get("MONKEYS_TEST_AMQP_URL")
    if not url:
        pytest.skip("no outside server: MONKEYS_TEST_AMQP_URL is not set")
    return url


@pytest.fixture
def place(bundled: Urls, tmp_path: Path) -> Iterator[Place]:
    """A fresh database on the bundled PostgreSQL, and the bundled Redis, emptied."""
    with new_place(bundled.database_url, bundled.broker_url, tmp_path / "home") as made:
        yield made


@pytest.fixture(params=["bundled", "outside"])
def any_server(request: pytest.FixtureRequest, bundled: Urls) -> str:
    """The URL of the bundled PostgreSQL, and that of an outside one of another version."""
    return bundled.database_url if request.param == "bundled" else request.getfixturevalue("outside_postgres")


@pytest.fixture
def any_postgres(any_server: str, bundled: Urls, tmp_path: Path) -> Iterator[Place]:
    """A place on the bundled PostgreSQL, and one on an outside server of another version."""
    with new_place(any_server, bundled.broker_url, tmp_path / "home") as made:
        yield made


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A key for endpoints in the environment."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    settings.cache_clear()
    yield
    settings.cache_clear()


@pytest.fixture
def brittle_is_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """The benchmark whose verifiers can be broken, as one of those that need no code from the tables."""
    monkeypatch.setitem(BENCHMARKS, brittle.BRITTLE.name, brittle.BRITTLE)
