"""Images are pulled from a real registry, once, and those used longest ago make room; a person's own stay."""

import shutil
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.docker.dockerd import Dockerd
from tests.docker.images import of_another_architecture, tiny
from tests.place import wait_until
from verifiers.errors import InfrastructureError
from verifiers.patches import PatchLimits, configure
from verifiers.patches.container import container
from verifiers.patches.images import prepare

pytestmark = pytest.mark.docker

_SIZE = 3_000_000
_CONFIGURATION = """
version: 0.1
storage: {{filesystem: {{rootdirectory: {folder}}}}}
http: {{addr: "127.0.0.1:5000"}}
"""


@pytest.fixture(scope="module")
def registry(own_dockerd: Dockerd) -> Iterator[str]:
    """The address of a registry that holds images tests/1 to tests/4; the daemon has none of them."""
    program = shutil.which("docker-registry")
    if program is None:
        pytest.skip("NO DOCKER registry: install docker-registry")
    configuration = own_dockerd.folder / "registry.yml"
    configuration.write_text(_CONFIGURATION.format(folder=own_dockerd.folder / "registry"))
    process = own_dockerd.beside(program, "serve", str(configuration))
    try:
        for number in range(1, 5):
            image = tiny(own_dockerd.url, f"127.0.0.1:5000/tests/{number}:1", padding=_SIZE * number)
            wait_until(lambda image=image: not _docker(own_dockerd, "push", image).returncode, 20)
            _docker(own_dockerd, "rmi", image)
        yield "127.0.0.1:5000"
    finally:
        process.terminate()
        process.wait()


@pytest.fixture
def notes(own_dockerd: Dockerd, tmp_path: Path) -> Iterator[Path]:
    """A folder of notes, and a budget without end, at a daemon of the tests' own."""
    configure({"DOCKER_HOST": own_dockerd.url}, PatchLimits(), tmp_path / "images")
    yield tmp_path / "images"
    for each in _there(own_dockerd):
        _docker(own_dockerd, "rmi", "-f", each)
    configure({}, PatchLimits(), None)


def test_an_image_is_pulled_where_it_is_missing(registry: str, notes: Path, own_dockerd: Dockerd) -> None:
    image = f"{registry}/tests/1:1"
    assert prepare(image)["RepoTags"] == [image]
    assert [note.read_text() for note in notes.glob("*.image")] == [image + "\n"]
    assert _there(own_dockerd) == {image}


def test_processes_of_a_host_pull_an_image_once(registry: str, notes: Path, own_dockerd: Dockerd) -> None:
    image = f"{registry}/tests/4:1"
    before = _pulls(own_dockerd)
    with ThreadPoolExecutor(4) as threads:
        assert len(list(threads.map(prepare, [image] * 4))) == 4
    assert _pulls(own_dockerd) - before == 1


def test_those_used_longest_ago_make_room_but_for_those_in_use(
    registry: str, notes: Path, own_dockerd: Dockerd
) -> None:
    one, two, three, four = (f"{registry}/tests/{number}:1" for number in range(1, 5))
    mine = tiny(own_dockerd.url, "mine/one:1", padding=50_000_000)
    for image in (one, two, three):
        prepare(image)
        time.sleep(0.05)
    budget = PatchLimits(images_bytes=prepare(one)["Size"] + 1000)
    configure({"DOCKER_HOST": own_dockerd.url}, budget, notes)
    with container(two, budget):
        prepare(four)
    assert _there(own_dockerd) == {mine, two, four}


def test_the_order_is_that_of_use_not_of_pulling(registry: str, notes: Path, own_dockerd: Dockerd) -> None:
    one, two, three = (f"{registry}/tests/{number}:1" for number in range(1, 4))
    sizes = [prepare(image)["Size"] for image in (one, two)]
    time.sleep(0.05)
    prepare(one)
    configure({"DOCKER_HOST": own_dockerd.url}, PatchLimits(images_bytes=sum(sizes)), notes)
    prepare(three)
    assert _there(own_dockerd) == {one, three}


def test_an_image_that_a_person_pulled_stays(registry: str, notes: Path, own_dockerd: Dockerd) -> None:
    theirs, ours = f"{registry}/tests/1:1", f"{registry}/tests/2:1"
    _docker(own_dockerd, "pull", theirs)
    configure({"DOCKER_HOST": own_dockerd.url}, PatchLimits(images_bytes=1), notes)
    prepare(theirs)
    prepare(ours)
    prepare(f"{registry}/tests/3:1")
    assert _there(own_dockerd) == {theirs, f"{registry}/tests/3:1"}


@pytest.mark.parametrize(
    ("image", "says"),
    [
        ("127.0.0.1:5000/tests/none:1", "no registry has it"),
        ("127.0.0.1:5000/tests/1:none", "no registry has it"),
        ("127.0.0.1:5999/tests/1:1", "its registry cannot be reached"),
        ("registry.invalid/tests/1:1", "its registry cannot be reached"),
    ],
)
def test_an_image_that_cannot_be_had_is_named_with_the_reason(
    registry: str, notes: Path, image: str, says: str
) -> None:
    with pytest.raises(InfrastructureError) as refused:
        prepare(image)
    assert str(refused.value).startswith(f"the image {image} could not be pulled: {says}")


def test_a_full_disk_is_said(registry: str, notes: Path, own_dockerd: Dockerd, tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=7m", "tmpfs", str(small)], capture_output=True).returncode:
        pytest.skip("a small disk cannot be mounted here")
    daemon = Dockerd(tmp_path, small)
    try:
        daemon.start()
        configure({"DOCKER_HOST": daemon.url}, PatchLimits(), notes)
        daemon_registry = daemon.beside("docker-registry", "serve", str(own_dockerd.folder / "registry.yml"))
        try:
            with pytest.raises(InfrastructureError, match="the disk of the Docker daemon is full"):
                wait_until(lambda: _pulled_or_refused(f"{registry}/tests/4:1"), 20)
        finally:
            daemon_registry.terminate()
            daemon_registry.wait()
    finally:
        daemon.stop()
        subprocess.run(["umount", "-l", str(small)], check=False)


def _pulled_or_refused(image: str) -> bool:
    """False while the registry does not listen yet."""
    try:
        return bool(prepare(image))
    except InfrastructureError as error:
        if "cannot be reached" in str(error):
            return False
        raise


def test_an_image_of_another_architecture_is_refused(own_dockerd: Dockerd, notes: Path) -> None:
    other = of_another_architecture(own_dockerd.url, "mine/other:1")
    with pytest.raises(InfrastructureError, match=f"^the image mine/other:1 is for {other}, this Docker daemon for "):
        prepare("mine/other:1")


def _docker(daemon: Dockerd, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(["docker", "-H", daemon.url, *arguments], capture_output=True, text=True)


def _there(daemon: Dockerd) -> set[str]:
    """The images of these tests."""
    names = _docker(daemon, "images", "--format", "{{.Repository}}:{{.Tag}}").stdout.split()
    return {name for name in names if name.startswith(("127.0.0.1:5000/", "mine/"))}


def _pulls(daemon: Dockerd) -> int:
    """How many images were pulled until now."""
    listing = ["events", "--since", "0", "--until", f"{time.time():.6f}", "--filter", "event=pull"]
    return len(_docker(daemon, *listing).stdout.splitlines())
