"""A Docker daemon for the tests of this folder: the one that the environment names, else one of their own."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docker import images
from tests.docker.dockerd import Dockerd
from verifiers.patches import PatchLimits, configure
from verifiers.patches.limits import patch_settings


@pytest.fixture(scope="session")
def docker_work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for what takes long to make; it stays where MONKEYS_TEST_DOCKER_HOME names one."""
    kept = os.environ.get("MONKEYS_TEST_DOCKER_HOME")
    folder = Path(kept) if kept else tmp_path_factory.mktemp("docker-work")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def docker_host(tmp_path_factory: pytest.TempPathFactory, docker_work: Path) -> Iterator[str]:
    """The address of a daemon; skips, loudly, where there is none and none can be started."""
    url = os.environ.get("MONKEYS_TEST_DOCKER_HOST")
    if url:
        yield url
        return
    daemon = Dockerd(tmp_path_factory.mktemp("dockerd"), docker_work / "data")
    try:
        daemon.start()
        yield daemon.url
    finally:
        daemon.stop()
        if "MONKEYS_TEST_DOCKER_HOME" not in os.environ:
            shutil.rmtree(docker_work, ignore_errors=True)


@pytest.fixture(scope="session")
def flask_images(docker_host: str, docker_work: Path) -> list[str]:
    """The images of the shared instances, by the names that their rows have."""
    return images.flask(docker_host, docker_work)


@pytest.fixture(scope="module")
def judged_by_docker(docker_host: str, flask_images: list[str]) -> Iterator[None]:
    """Patches to the shared instances are judged by the daemon of the tests."""
    before = patch_settings()
    configure({"DOCKER_HOST": docker_host}, PatchLimits(), None)
    yield
    configure(before.environ, before.limits, before.images)


@pytest.fixture(scope="session")
def own_dockerd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dockerd]:
    """A daemon that a test may fill, freeze and restart."""
    folder = tmp_path_factory.mktemp("own-dockerd")
    daemon = Dockerd(folder, folder / "data")
    try:
        daemon.start()
        yield daemon
    finally:
        daemon.stop()
        shutil.rmtree(folder, ignore_errors=True)
