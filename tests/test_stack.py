"""The local stack: it starts, mends itself, and leaves nothing behind."""

import json
import os
import re
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

import verifiers.examples
from cli.stack.flower import flower_port
from cli.stack.keeper import Kept, Service
from cli.stack.processes import YIELDING, end_all, kill, members
from cli.stack.servers import make_folders, prepare_postgres, servers, sockets_of
from cli.stack.services import services
from cli.stack.state import Wanted, WantedLlm, flower_url, read_stack, read_wanted, supervised, write_wanted
from models.settings import read_settings
from tasks.workers.grace import KEEPER_SECONDS, OUTSIDE_SECONDS, WORKER_SECONDS
from verifiers.benchmarks.own import own_queue
from verifiers.errors import UserError

AS_NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]


class Stack:
    """A stack of its own, serving a replay file; commands run as a person would run them."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        self.recorded = folder / "recorded.jsonl"
        rows = [("0", 0, "#### 1"), ("0", 1, "#### 2"), ("1", 0, "#### 2"), ("1", 1, "so it is 2")]
        lines = [json.dumps({"problem": key, "sample_index": index, "text": text}) for key, index, text in rows]
        self.recorded.write_text("\n".join(lines) + "\n")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        kept = {name: value for name, value in os.environ.items() if not name.startswith("MONKEYS_")}
        self.environ = kept | PATHS | {"MONKEYS_HOME": str(self.home), "MONKEYS_FLOWER_PORT": str(port)}

    def run(self, *arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "cli", *arguments],
            env=self.environ,
            cwd=cwd,
            capture_output=True,
            text=True,
            timeout=120,
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


def judge_by_ones_own(stack: Stack, folder: Path) -> None:
    """From a folder where nothing is ours: an example of one's own benchmark, enqueued, served, judged, counted."""
    folder.mkdir()
    shutil.copy(Path(verifiers.examples.__file__).parent / "dates.py", folder / "my_bench.py")
    (folder / "data.jsonl").write_text("".join(f'{{"question": "{n}?", "answer": "{n}"}}\n' for n in "12"))
    asked = ("enqueue", "./my_bench.py", "--data", "data.jsonl", "-m", f"replay:{stack.recorded}", "-n", "2")
    made = stack.run(*asked, cwd=folder)
    assert made.stdout == "1\n", made.stderr
    assert made.stderr.startswith("The local stack starts a worker for dates.\n")
    (folder / "my_bench.py").write_text("raise SystemExit")
    watched = stack.run("watch", "1", cwd=folder)
    assert watched.returncode == 0, watched.stderr
    assert "4 of 4 samples, 4 verified, 3 correct (done)" in watched.stderr
    url = read_settings({"MONKEYS_HOME": str(stack.home)}).database_url.replace("+psycopg", "")
    with psycopg.connect(url) as connection:
        curve = connection.execute("select k, coverage from coverage where run_id = 1 order by k").fetchall()
    assert curve == [(1, 0.75), (2, 1.0)]
    assert [name for name in stack.pids() if name.startswith("verify ")] == [own_queue("dates").replace(".", " ", 1)]


def test_up_twice_is_once_serves_ones_own_benchmark_and_down_leaves_no_process(stack: Stack, tmp_path: Path) -> None:
    stack.up()
    before = stack.pids()
    stack.up()
    assert stack.pids() == before
    other = stack.environ | {"MONKEYS_HOME": str(tmp_path / "other")}
    for command in ("status", "logs", "down"):
        told = subprocess.run([sys.executable, "-m", "cli", command], env=other, capture_output=True, text=True).stderr
        assert str(tmp_path / "other") in told.splitlines()[0]
        assert f"One runs in {stack.home}: MONKEYS_HOME={stack.home} monkeys status" in told.splitlines()
    judge_by_ones_own(stack, tmp_path / "mine")
    assert tcp_ports(stack.processes()) == {int(stack.environ["MONKEYS_FLOWER_PORT"])}
    assert sockets_of(stack.home).stat().st_mode & 0o777 == 0o700
    everything = stack.processes()
    assert len(everything) > 6
    assert stack.run("down").returncode == 0
    assert not alive(everything)
    assert stack.run("down").stderr.startswith(f"Nothing was running in {stack.home}.\n")


def test_a_killed_postgres_is_started_again_and_what_a_killed_supervisor_left_is_ended_by_the_next_up(
    stack: Stack,
) -> None:
    stack.up()
    first = stack.pids()["postgres"]
    assert first
    os.kill(first, signal.SIGKILL)
    eventually(lambda: stack.pids()["postgres"] not in (None, first))
    standing = {each["service"]: each for each in json.loads(stack.run("status", "--json").stdout)}
    assert standing["postgres"]["restarts"]
    old = stack.processes()
    os.kill(standing["supervisor"]["pid"], signal.SIGKILL)
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


class Fakes:
    """A keeper, as a process of its own, over services that are lines of Python; each start writes its pid."""

    def __init__(
        self,
        folder: Path,
        services: dict[str, str],
        *,
        still: str = "None",
        open: str = "None",
        pause: float = 30,
        **options: object,
    ) -> None:
        self.folder = folder
        code = f"""
import os
import signal
import sys
from pathlib import Path
from cli.stack import keeper as kept
from cli.stack.keeper import Keeper, Service
kept.STILL_SECONDS, kept.LONGEST_BACKOFF_SECONDS = 0.1, {pause}

def service(name, text):
    start = f"import os, sys, time, subprocess; open({{name!r}}, 'a').write(f'{{{{os.getpid()}}}}\\\\n'); "
    return Service(name, 2, lambda: [sys.executable, "-c", start + text], queue=lambda: name, **{options!r})

keeper = Keeper(lambda: [service(*each) for each in {services!r}.items()], still={still}, open_queues={open})
signal.signal(signal.SIGHUP, keeper.again)
sys.exit(keeper.run())
"""
        self.process = subprocess.Popen([sys.executable, "-c", code], cwd=folder, env={**os.environ, **PATHS})

    def starts(self, name: str) -> list[int]:
        file = self.folder / name
        return [int(line) for line in file.read_text().split()] if file.exists() else []


@pytest.fixture
def fakes(tmp_path: Path) -> Iterator[Callable[..., Fakes]]:
    kept: list[Fakes] = []

    def keep(services: dict[str, str], **options: Any) -> Fakes:
        kept.append(Fakes(tmp_path, services, **options))
        return kept[-1]

    yield keep
    for each in kept:
        end_all([each.process.pid])
        each.process.wait()


PATHS = {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")])}


def test_one_that_crashes_at_once_keeps_nobody_from_being_started_again(fakes: Callable[..., Fakes]) -> None:
    keeper = fakes({"crashes": "sys.exit(3)", "lives": "time.sleep(600)"})
    eventually(lambda: len(keeper.starts("crashes")) == 5 and keeper.starts("lives"))  # the next one is in 8 s
    os.kill(keeper.starts("lives")[0], signal.SIGKILL)
    eventually(lambda: len(keeper.starts("lives")) == 2)
    assert len(keeper.starts("crashes")) == 5
    keeper.process.terminate()
    assert keeper.process.wait(30) == 0
    assert not alive({*keeper.starts("lives"), *keeper.starts("crashes")})


def test_a_service_that_leaves_unasked_is_started_again_whatever_its_exit_code(fakes: Callable[..., Fakes]) -> None:
    later = "sys.exit(2 if os.path.exists('once') else open('once', 'w').close() or 1)"
    keeper = fakes({"well": "sys.exit(0)", "later": later}, must_start=True)
    eventually(lambda: len(keeper.starts("well")) >= 3 and len(keeper.starts("later")) >= 3)
    keeper.process.terminate()
    assert keeper.process.wait(30) == 0


def test_a_first_start_that_is_a_persons_mistake_ends_all_at_once(fakes: Callable[..., Fakes]) -> None:
    keeper = fakes({"lives": "time.sleep(600)", "mistaken": "time.sleep(1); sys.exit(2)"}, must_start=True)
    assert keeper.process.wait(30) == 2
    assert len(keeper.starts("mistaken")) == 1
    assert not alive(set(keeper.starts("lives")))


def test_one_that_fails_and_whose_queue_is_empty_is_not_started_before_there_are_works_or_a_person_asks(
    fakes: Callable[..., Fakes],
) -> None:
    open_queues = "lambda: {'needed'} | ({'unneeded'} if os.path.exists('works') else set())"
    keeper = fakes({"needed": "sys.exit(3)", "unneeded": "sys.exit(3)"}, open=open_queues, pause=0.5)
    eventually(lambda: len(keeper.starts("needed")) >= 8)
    assert len(keeper.starts("unneeded")) == 4
    os.kill(keeper.process.pid, signal.SIGHUP)
    eventually(lambda: len(keeper.starts("unneeded")) == 8)
    (keeper.folder / "works").touch()
    eventually(lambda: len(keeper.starts("unneeded")) > 8)


def test_workers_give_way_to_servers_and_commands(fakes: Callable[..., Fakes]) -> None:
    nice = "open('nice', 'w').write(str(os.nice(0))); "
    nice += "share = '/proc/self/autogroup'; os.path.exists(share) and open('share', 'w').write(open(share).read()); "
    keeper = fakes({"worker": nice + "open('told', 'w'); time.sleep(600)"}, yields=True)
    eventually(lambda: (keeper.folder / "told").exists())
    assert int((keeper.folder / "nice").read_text()) == min(os.nice(0) + YIELDING, 19)
    share = keeper.folder / "share"
    assert not share.exists() or share.read_text().split()[-1] == str(YIELDING)
    listed = services(read_settings({}), Wanted([WantedLlm("some/Llm")], ["verify.docker"]))
    assert [each.name for each in listed if each.yields] == ["generate some/Llm", "verify", "verify docker"]


def test_who_is_killed_has_no_last_word(tmp_path: Path) -> None:
    told = []
    for signal_ in (signal.SIGKILL, signal.SIGABRT):
        script = f"import os; os.write(2, b'said of something else\\n'); os.kill(os.getpid(), {int(signal_)})"
        kept = Kept(Service(signal_.name, 0, lambda script=script: [sys.executable, "-c", script]), tmp_path)
        kept.step()
        eventually(lambda kept=kept: kept.step() or kept.error)
        told.append(kept.error)
    assert told == ["ended by SIGKILL", "ended by SIGABRT: said of something else"]


def test_what_a_dead_service_leaves_behind_is_killed_with_it(fakes: Callable[..., Fakes]) -> None:
    engine = "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']); "
    keeper = fakes({"worker": engine + "open('engines', 'a').write(f'{child.pid}\\n'); time.sleep(600)"})
    (left,) = eventually(lambda: keeper.starts("engines"))
    os.kill(keeper.starts("worker")[0], signal.SIGKILL)
    eventually(lambda: len(keeper.starts("engines")) == 2)
    assert not alive({left})
    keeper.process.terminate()
    assert keeper.process.wait(30) == 0
    assert not alive(set(keeper.starts("engines")))


def test_a_keeper_waits_for_the_dead_that_it_adopted(fakes: Callable[..., Fakes]) -> None:
    leaves = "[subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']) for _ in range(3)]; "
    keeper = fakes({"worker": leaves + "sys.exit(3)"})
    eventually(lambda: len(keeper.starts("worker")) >= 3)

    def children() -> list[int]:
        return list(
            map(int, Path(f"/proc/{keeper.process.pid}/task/{keeper.process.pid}/children").read_text().split())
        )

    eventually(lambda: len(children()) <= 1)
    keeper.process.terminate()
    assert keeper.process.wait(30) == 0


def test_one_that_stands_still_is_killed_and_started_again(fakes: Callable[..., Fakes]) -> None:
    """Who that is is asked of a function; a look that fails, or names another, tells of nobody."""
    still = "lambda pids: [int(open('still').read())]"
    keeper = fakes({"stands": "time.sleep(600)", "lives": "time.sleep(600)"}, still=still)
    (stands,) = eventually(lambda: keeper.starts("stands"))
    eventually(lambda: keeper.starts("lives"))
    os.kill(stands, signal.SIGSTOP)
    (keeper.folder / "still").write_text(str(stands))
    eventually(lambda: len(keeper.starts("stands")) == 2)
    assert len(keeper.starts("lives")) == 1
    keeper.process.terminate()
    assert keeper.process.wait(30) == 0


def test_told_twice_a_keeper_does_not_wait_for_who_does_not_go(fakes: Callable[..., Fakes]) -> None:
    deaf = "import signal; signal.signal(15, signal.SIG_IGN); open('deaf', 'a').write('1'); time.sleep(600)"
    keeper = fakes({"stays": deaf})
    eventually(lambda: keeper.starts("deaf"))
    keeper.process.terminate()
    time.sleep(1)
    assert keeper.process.poll() is None
    keeper.process.terminate()
    assert keeper.process.wait(15) == 0
    assert not alive(set(keeper.starts("stays")))


def test_a_session_is_still_ours_when_its_leader_is_gone(tmp_path: Path) -> None:
    code = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])"
    leader = subprocess.Popen([sys.executable, "-c", code], start_new_session=True)
    assert leader.wait(30) == 0
    (left,) = members([leader.pid])
    kill([left._replace(start=left.start + 1)])  # another process, which had that pid before
    assert alive({left.pid})
    end_all([leader.pid])
    assert not alive({left.pid})


def test_a_worker_of_the_stack_has_the_supervisor_as_its_keeper(tmp_path: Path) -> None:
    own = read_settings({"MONKEYS_HOME": str(tmp_path)})
    wanted = Wanted([WantedLlm("some/Llm", ("dtype=half",))], ["verify.mine-0123abcd", "verify.docker"])
    served = {each.name: each for each in services(own, wanted)}
    assert served["verify docker"].command()[4:] == ["worker", "verify", "-Q", "verify.docker"]
    assert served["verify mine-0123abcd"].command()[4:9] == [
        "worker", "verify", "-Q", "verify.mine-0123abcd", "--own-benchmarks"
    ]  # fmt: skip
    generate = served["generate some/Llm dtype=half"]
    assert generate.command()[4:] == [
        "worker",
        "generate",
        "-m",
        "some/Llm",
        "--engine-arg",
        "dtype=half",
        "--kept",
    ]


def test_whoever_ends_a_process_waits_longer_than_it_does_itself() -> None:
    compose = (Path(__file__).parents[1] / "compose.yaml").read_text("utf-8")
    of_verify, of_patches, of_generate = map(float, re.findall(r"stop_grace_period: (\d+)s", compose))
    assert WORKER_SECONDS < KEEPER_SECONDS <= of_verify <= of_patches
    assert KEEPER_SECONDS < OUTSIDE_SECONDS <= of_generate


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


def test_where_flowers_usual_port_is_taken_the_stack_has_the_next_free_one_and_says_so(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        first = taken.getsockname()[1]
        taken.listen()
        port = flower_port(None, first)
    assert first < port < first + 100
    wanted = Wanted([], [], port)
    write_wanted(tmp_path, wanted)
    assert flower_url(tmp_path) == f"http://127.0.0.1:{port}"
    assert read_wanted(tmp_path).and_also(Wanted([], ["verify.docker"])).flower_port == port
    own = read_settings({"MONKEYS_HOME": str(tmp_path)})
    (flower,) = [each for each in services(own, wanted) if each.name == "flower"]
    flower.prepare()
    assert flower.command()[-2:] == ["--port", str(port)]
    with socket.socket() as another:  # a stack that was brought up at the same moment
        another.bind(("127.0.0.1", port))
        another.listen()
        flower.prepare()
        moved = read_wanted(tmp_path).flower_port
        assert moved != port
    assert flower.command()[-2:] == ["--port", str(moved)]


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
