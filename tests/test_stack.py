"""The local stack: it starts, mends itself, and leaves nothing behind."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from cli.stack.processes import end_all, members
from cli.stack.servers import make_folders, prepare_postgres, servers, sockets_of
from cli.stack.services import read_stack, supervised
from verifiers.errors import UserError

AS_NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]


class Stack:
    """A stack of its own, serving a replay file; commands run as a person would run them."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        self.recorded = folder / "recorded.jsonl"
        self.recorded.write_text('{"problem": "0", "sample_index": 0, "text": "#### 1"}\n')
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        kept = {name: value for name, value in os.environ.items() if not name.startswith("MONKEYS_")}
        self.environ = kept | {"MONKEYS_HOME": str(self.home), "MONKEYS_FLOWER_PORT": str(port)}

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "cli", *arguments], env=self.environ, capture_output=True, text=True, timeout=120
        )

    def up(self) -> None:
        done = self.run("up", "-m", f"replay:{self.recorded}")
        assert done.returncode == 0, done.stderr

    def pids(self) -> dict[str, int | None]:
        return {each["service"]: each["pid"] for each in json.loads(self.run("status", "--json").stdout)}

    def processes(self) -> set[int]:
        stack = read_stack(self.home)
        assert stack is not None
        roots = [each.pid for each in [stack.supervisor, *stack.services] if each.pid]
        return {each.pid for each in members(roots)}


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    made = Stack(tmp_path)
    yield made
    made.run("down")


def eventually(fact: Callable[[], Any]) -> Any:
    """Wait until it holds."""
    deadline = time.monotonic() + 60
    while not (found := fact()):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return found


def alive(pids: set[int]) -> set[int]:
    return {each.pid for each in members(pids)} & pids


def tcp_ports(pids: set[int]) -> set[int]:
    """The TCP ports that these processes listen on."""
    inodes = set()
    for pid in pids:
        for each in Path(f"/proc/{pid}/fd").iterdir():
            target = os.readlink(each) if each.is_symlink() else ""
            inodes.add(target.removeprefix("socket:[").removesuffix("]"))
    rows = [line.split() for name in ("tcp", "tcp6") for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]]
    return {int(row[1].rpartition(":")[2], 16) for row in rows if row[3] == "0A" and row[9] in inodes}


def test_up_twice_is_once_and_down_leaves_no_process(stack: Stack) -> None:
    stack.up()
    before = stack.pids()
    stack.up()
    assert stack.pids() == before
    assert tcp_ports(stack.processes()) == {int(stack.environ["MONKEYS_FLOWER_PORT"])}
    assert sockets_of(stack.home).stat().st_mode & 0o777 == 0o700
    everything = stack.processes()
    assert len(everything) > 6
    assert stack.run("down").returncode == 0
    assert not alive(everything)
    assert stack.run("down").stderr == "Nothing was running.\n"


def test_a_killed_postgres_is_started_again_and_keeps_its_rows(stack: Stack) -> None:
    stack.up()
    first = stack.pids()["postgres"]
    assert first
    os.kill(first, signal.SIGKILL)
    eventually(lambda: stack.pids()["postgres"] not in (None, first))
    assert next(each for each in json.loads(stack.run("status", "--json").stdout) if each["service"] == "postgres")[
        "restarts"
    ]


def test_what_a_killed_supervisor_left_is_ended_by_the_next_up(stack: Stack) -> None:
    stack.up()
    old = stack.processes()
    supervisor = stack.pids()["supervisor"]
    assert supervisor
    os.kill(supervisor, signal.SIGKILL)
    eventually(lambda: not supervised(stack.home))
    stack.up()
    assert not alive(old)


def test_a_stack_starts_again_after_power_loss(tmp_path: Path) -> None:
    home = tmp_path / "home"
    code = "import sys, pathlib, time; from cli.stack.servers import servers\n"
    code += "with servers(pathlib.Path(sys.argv[1])): print('up', flush=True); time.sleep(600)"
    victim = subprocess.Popen([sys.executable, "-c", code, str(home)], stdout=subprocess.PIPE, start_new_session=True)
    assert victim.stdout is not None
    with victim.stdout:
        assert victim.stdout.readline() == b"up\n"
        end_all([victim.pid])
    victim.wait()
    lock = home / "postgres" / "postmaster.pid"
    assert lock.exists()
    rest = lock.read_text().split("\n", 1)[1]
    lock.write_text(f"{os.getpid()}\n{rest}")  # after a boot the pid is somebody else's
    with servers(home) as urls, psycopg.connect(urls.database_url.replace("+psycopg", "")) as connection:
        assert connection.execute("select 1").fetchone() == (1,)


def test_a_service_that_keeps_failing_is_shown_with_its_log(stack: Stack) -> None:
    done = stack.run("up", "-m", f"replay:{stack.home}/missing.jsonl")
    assert done.returncode == 1
    assert "keeps failing" in done.stderr
    assert "missing.jsonl" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_database_of_another_major_version_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "PG_VERSION").write_text("15\n")
    with pytest.raises(UserError, match=r"PostgreSQL 15's and this monkeys brings 18; move"):
        prepare_postgres(tmp_path)


def test_a_taken_flower_port_is_one_sentence(stack: Stack) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", int(stack.environ["MONKEYS_FLOWER_PORT"])))
        taken.listen()
        done = stack.run("up")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "MONKEYS_FLOWER_PORT" in done.stderr


def test_a_long_path_gets_a_short_folder_of_sockets(tmp_path: Path) -> None:
    home = tmp_path / ("long" * 30)
    with servers(home) as urls:
        assert len(urls.broker_url) < 100
        assert sockets_of(home).stat().st_mode & 0o777 == 0o700
    shutil.rmtree(sockets_of(home))


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
def test_an_ordinary_user_has_a_stack_too() -> None:
    if subprocess.run([*AS_NOBODY, sys.executable, "-c", "import cli"], capture_output=True, cwd="/").returncode:
        pytest.skip("another user cannot enter this environment")
    made = subprocess.run([*AS_NOBODY, "mktemp", "-d"], capture_output=True, text=True, check=True).stdout.strip()
    code = "import sys, pathlib; from cli.stack.servers import servers\n"
    code += "with servers(pathlib.Path(sys.argv[1])) as urls: print(urls.database_url)"
    try:
        done = subprocess.run(
            [*AS_NOBODY, sys.executable, "-c", code, f"{made}/home"], capture_output=True, text=True, cwd="/"
        )
        assert done.returncode == 0, done.stderr
        assert f"{made}/home/sockets" in done.stdout
    finally:
        shutil.rmtree(made)


def test_the_state_folder_is_made_for_its_owner_alone_and_parents_stay(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    make_folders(tmp_path / "home")
    assert (tmp_path / "home").stat().st_mode & 0o777 == 0o700
    assert tmp_path.stat().st_mode & 0o777 == 0o755
