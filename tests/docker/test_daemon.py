"""What happens where the daemon is not there, falls silent or starts anew, and to containers whose worker died."""

import gc
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Timer

import docker
import pytest

from tests.docker.dockerd import Dockerd
from tests.docker.images import tiny
from tests.place import wait_until
from verifiers.errors import JudgeAway
from verifiers.patches import PatchLimits, configure
from verifiers.patches.container import Ending, container, sweep
from verifiers.patches.daemon import client, lacks_docker

pytestmark = [
    pytest.mark.docker,
    # docker's client does not close a socket on which nobody listens
    pytest.mark.filterwarnings("ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning"),
]

LIMITS = PatchLimits(seconds=60)
_JUDGING = """
import sys
from threading import Event
from verifiers.patches import PatchLimits, configure
from verifiers.patches.container import container
url, image, seconds = sys.argv[1:]
limits = PatchLimits(seconds=float(seconds))
configure({"DOCKER_HOST": url}, limits, None)
with container(image, limits) as box:
    print(box.id, flush=True)
    box.run(["/bin/bash", "-c", "while :; do sleep 0.1; done"], seconds=600, stop=Event(), folder="/")
"""


@pytest.fixture
def image(own_dockerd: Dockerd) -> Iterator[str]:
    """A tiny image at a daemon of the tests' own, which is told to this process."""
    configure({"DOCKER_HOST": own_dockerd.url}, LIMITS, None)
    yield tiny(own_dockerd.url, "tests/tiny:1")
    configure({}, PatchLimits(), None)
    gc.collect()


def test_a_daemon_that_answers_lacks_nothing(image: str) -> None:
    assert lacks_docker() == ""


def test_without_a_daemon_the_reason_and_what_helps_are_said(tmp_path: Path) -> None:
    configure({"DOCKER_HOST": f"unix://{tmp_path}/none.sock"}, LIMITS, None)
    assert lacks_docker() == (
        f"The Docker daemon at unix://{tmp_path}/none.sock does not answer (No such file or directory): "
        "start Docker, or set DOCKER_HOST."
    )
    with pytest.raises(JudgeAway), container("any", LIMITS):
        pass
    configure({"DOCKER_HOST": "nonsense://x"}, LIMITS, None)
    assert "set DOCKER_HOST" in lacks_docker()


def test_a_frozen_daemon_is_away_within_seconds_and_nothing_stays(image: str, own_dockerd: Dockerd) -> None:
    Timer(2, own_dockerd.tell, [signal.SIGSTOP]).start()
    Timer(25, own_dockerd.tell, [signal.SIGCONT]).start()
    with container(image, LIMITS) as box:
        began = time.monotonic()
        with pytest.raises(JudgeAway, match="does not answer"):
            box.run(["/bin/bash", "-c", "sleep 100"], seconds=60, stop=Event(), folder="/")
        assert time.monotonic() - began < 20
    wait_until(lambda: not left(own_dockerd), 30)


def test_a_daemon_that_started_anew_has_our_container_gone(image: str, own_dockerd: Dockerd) -> None:
    def anew() -> None:
        own_dockerd.stop()
        own_dockerd.start()

    timer = Timer(1, anew)
    with container(image, LIMITS) as box:
        timer.start()
        try:
            ended = box.run(["/bin/bash", "-c", "sleep 100"], seconds=60, stop=Event(), folder="/").ended
        except JudgeAway:
            ended = Ending.gone
    timer.join()
    assert ended is Ending.gone
    with container(image, LIMITS) as box:
        assert box.run(["/bin/bash", "-c", "exit 3"], seconds=60, stop=Event(), folder="/").exit_code == 3
    assert not left(own_dockerd)


def test_what_a_killed_worker_left_is_swept_before_the_next_judging(image: str, own_dockerd: Dockerd) -> None:
    worker, left_there = _judging(own_dockerd, image, 60)
    with container(image, LIMITS):
        assert left_there in left(own_dockerd), "a container whose worker lives is not to be swept"
    worker.kill()
    worker.wait()
    pid = client().api.inspect_container(left_there)["State"]["Pid"]
    with container(image, LIMITS):
        assert left_there not in left(own_dockerd)
    assert not left(own_dockerd)
    assert not Path(f"/proc/{pid}").exists()


@pytest.mark.slow
def test_what_a_killed_worker_left_ends_by_itself_at_its_time(image: str, own_dockerd: Dockerd) -> None:
    worker, _ = _judging(own_dockerd, image, -895)
    worker.kill()
    worker.wait()
    wait_until(lambda: not left(own_dockerd), 20)


def test_containers_of_others_are_not_swept(image: str, own_dockerd: Dockerd) -> None:
    connection = docker.DockerClient(own_dockerd.url)
    told = {"monkeys": "patch", "monkeys.host": "elsewhere", "monkeys.pid": "1", "monkeys.started": "1"}
    others = [
        connection.api.create_container(image, ["/bin/bash"], labels=labels)["Id"]
        for labels in ({}, {"monkeys": "patch"}, {**told, "monkeys.until": str(int(time.time()) + 600)})
    ]
    late = connection.api.create_container(image, ["/bin/bash"], labels={**told, "monkeys.until": "1000"})["Id"]
    assert sweep() == 1
    there = {each["Id"] for each in connection.api.containers(all=True)}
    assert there == set(others)
    assert late not in there
    for each in others:
        connection.api.remove_container(each)
    connection.close()


def test_a_forked_child_has_a_client_of_its_own(image: str) -> None:
    client().ping()
    child = os.fork()
    if not child:
        os._exit(0 if client().ping() else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert client().ping()


def left(daemon: Dockerd) -> list[str]:
    """The ids of all containers there."""
    listing = ["docker", "-H", daemon.url, "ps", "-aq", "--no-trunc"]
    return subprocess.run(listing, capture_output=True, text=True, check=True).stdout.split()


def _judging(daemon: Dockerd, image: str, seconds: float) -> tuple["subprocess.Popen[str]", str]:
    """A process that judges, and the id of its container."""
    command = [sys.executable, "-c", _JUDGING, daemon.url, image, str(seconds)]
    worker = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert worker.stdout is not None
    with worker.stdout as said:
        return worker, said.readline().strip()
