"""Files that hook into tests, brought by a patch into a real repository: they are seen, and can be undone."""

from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest

from tests.docker.repositories import Checkout, Edit, appended, both, instances, replaced
from verifiers.errors import InfrastructureError
from verifiers.patches import PatchLimits, configure
from verifiers.patches.container import container
from verifiers.patches.daemon import client
from verifiers.patches.hooks import Hooks
from verifiers.patches.limits import patch_settings
from verifiers.patches.repository import Repository

pytestmark = [pytest.mark.docker, pytest.mark.timeout(900), pytest.mark.usefixtures("judged_by_docker")]
LIMITS = PatchLimits(seconds=60.0, memory_bytes=10**9)
HOOKS = (
    *("src/sitecustomize/__init__.py", "src/usercustomize.pyc", "src/any-1.dist-info/entry_points.txt", "src/a.pth"),
    *("tests/__pycache__/conftest.cpython-311-pytest-7.4.4.pyc", "tests/helper.py", "pytest.ini", "tests/.pytest.ini"),
)
NO_HOOKS = ("src/flask/helper.py", "src/flask/conftests.py", "tests/test_more.py", "docs/pytest.rst")
GIT_SETTINGS = """--- a/.git/config
+++ b/.git/config
@@ -1 +1,2 @@
 [core]
+	fsmonitor = /testbed/it
"""


@pytest.fixture(scope="module")
def flask(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    return Checkout(instances()["pallets__flask-4045"], tmp_path_factory.mktemp("flask"))


@pytest.fixture
def repository(flask: Checkout) -> Iterator[Repository]:
    configure(patch_settings().environ, LIMITS, None)
    with container(flask.row["image"], LIMITS) as box:
        yield Repository(box, LIMITS.seconds, Event())


def made(*paths: str) -> Edit:
    """New files, in new folders where need be."""

    def edit(folder: Path) -> None:
        for path in paths:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text("# nothing\n")

    return edit


def test_what_hooks_into_the_tests_is_told_from_what_does_not_and_undone(
    flask: Checkout, repository: Repository
) -> None:
    settings = both(
        replaced("setup.cfg", "console_scripts =", "pytest11 =\n    it = flask.it\nconsole_scripts ="),
        replaced("tox.ini", "[tox]", "[tox]\nminversion = 2"),
    )
    edits = both(made(*HOOKS, *NO_HOOKS), appended("tests/conftest.py", "# nothing\n"), settings)
    hooks = Hooks(repository)
    assert repository.apply(flask.patch(edits, gold=False).encode()) == ""
    touched, hooking = hooks.changed()
    assert set(hooking) == {*HOOKS, "tests/conftest.py", "setup.cfg"}
    assert set(touched) == {*hooking, "tox.ini"}
    assert hooks.put_back(hooking) == ""
    status = repository.run(["git", "status", "--porcelain", "--untracked-files=all"]).output.decode()
    assert {line[3:] for line in status.splitlines()} == set(NO_HOOKS)


def test_hooks_are_undone_that_are_too_many_for_one_command(flask: Checkout, repository: Repository) -> None:
    long = "/".join(3 * ["x" * 230])
    many = made(*(f"{long}/{number}/conftest.py" for number in range(3_100)))
    hooks = Hooks(repository)
    assert repository.apply(flask.patch(many, gold=False).encode()) == ""
    _, hooking = hooks.changed()
    assert len(hooking) == 3_100
    assert hooks.put_back(hooking) == ""
    assert hooks.changed() == ([], [])


def test_settings_of_git_are_hooks(repository: Repository) -> None:
    hooks = Hooks(repository)
    assert repository.apply(GIT_SETTINGS.encode()) == ""
    assert hooks.changed()[1] == [".git/config"]
    assert hooks.put_back([".git/config"]) == ""
    assert b"fsmonitor" not in repository.run(["cat", ".git/config"]).output


def test_what_cannot_be_held_is_our_failure_only_where_the_container_is_gone(repository: Repository) -> None:
    repository.run(["true"])
    assert repository.held()
    assert not repository.held()  # a daemon refuses to pause what is paused
    client().api.kill(repository.container.id)
    with pytest.raises(InfrastructureError, match="ended"):
        repository.held()
    with pytest.raises(InfrastructureError, match="ended"):
        repository.changed_since({"setup.py": b""})
