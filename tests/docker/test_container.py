"""What a command in a container may do, and how it ends; nothing of it stays."""

import os
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from threading import Event, Timer

import docker
import pytest

from verifiers.errors import InfrastructureError
from verifiers.patches import PatchLimits, configure
from verifiers.patches.container import Container, Ending, Ran, container
from verifiers.patches.limits import patch_settings

pytestmark = pytest.mark.docker

MB = 1 << 20
SMALL = PatchLimits(seconds=60, memory_bytes=400 * MB, disk_bytes=300 * MB, processes=256, output_bytes=4 * MB)
SECONDS = 40.0
"""Far more than anything needs here that is to end otherwise."""


@pytest.fixture(autouse=True)
def judged_here(docker_host: str) -> Iterator[None]:
    """Judge at the tests' daemon, and leave nothing there."""
    before = patch_settings()
    configure({"DOCKER_HOST": docker_host}, SMALL, None)
    yield
    assert not mine(docker_host)
    configure(before.environ, before.limits, before.images)


@pytest.fixture
def image(flask_images: list[str]) -> str:
    """One with a shell, Python and git."""
    return flask_images[0]


@pytest.fixture
def box(image: str) -> Iterator[Container]:
    with container(image, SMALL) as made:
        yield made


def mine(url: str) -> list[str]:
    """The containers of this process that are there."""
    ours = ["--filter", f"label=monkeys.pid={os.getpid()}"]
    listing = ["docker", "-H", url, "ps", "-a", "--format", "{{.Names}}", *ours]
    return subprocess.run(listing, capture_output=True, text=True, check=True).stdout.split()


def shell(box: Container, script: str, seconds: float = SECONDS, stop: Event | None = None) -> Ran:
    return box.run(["/bin/bash", "-c", script], seconds=seconds, stop=stop or Event())


def python(box: Container, source: str) -> str:
    box.write("/try.py", source.encode())
    ran = box.run(["python3", "/try.py"], seconds=20, stop=Event())
    assert ran.ended is Ending.exited, ran
    return ran.output.decode()


ENDS = {
    "ends well": ("echo fine", Ending.exited, 0),
    "fails": ("exit 3", Ending.exited, 3),
    "kills every process": (
        "kill -9 -1; kill -9 1; kill -SEGV 1; kill -TERM 1; kill -STOP 1; exit 4",
        Ending.exited,
        4,
    ),
    "kills itself": ("kill -9 $$", Ending.exited, 137),
    "replaces what the shell runs": (
        "printf '#!/bin/sh\\nkill -9 1' >/bin/sleep; chmod +x /bin/sleep; exit 5",
        Ending.exited,
        5,
    ),
    "forks without end": (":(){ :|:& };: ; while :; do :; done", Ending.time, None),
    "sleeps": ("sleep 100", Ending.time, None),
    "stops itself": ("kill -STOP $$", Ending.time, None),
    "eats memory": ("python3 -c 'bytearray(900 << 20)'", Ending.memory, None),
    "eats memory and does without": ("python3 -c 'bytearray(900 << 20)' || echo fine", Ending.exited, 0),
    "writes one large file": ("head -c 2000000000 /dev/zero >/large", Ending.exited, 153),
    "writes many files": ("for i in {1..500}; do head -c 2000000 /dev/zero >/f$i; done; sleep 60", Ending.disk, None),
    "writes files without a name": (
        "for i in {1..50}; do exec {f}<>/u; rm /u; head -c 20000000 /dev/zero >&$f; done; sleep 60",
        Ending.disk,
        None,
    ),
    "prints without end": ("yes", Ending.output, None),
    "prints nowhere": ("exec >&- 2>&-; sleep 1; exit 6", Ending.exited, 6),
    "leaves a child that holds its output": ("(setsid sleep 1000 &); exit 7", Ending.exited, 7),
    "leaves a child that prints": ("(setsid sh -c 'while :; do echo x; sleep 0.1; done' &); exit 8", Ending.exited, 8),
}


@pytest.mark.parametrize("what", ENDS)
def test_a_command_ends_as_what_it_did(what: str, box: Container) -> None:
    script, ended, code = ENDS[what]
    seconds = 3 if ended is Ending.time else SECONDS
    ran = shell(box, script, seconds)
    assert (ran.ended, ran.exit_code) == (ended, code), ran
    assert ran.seconds < seconds + 5
    assert len(ran.output) <= SMALL.output_bytes


@pytest.mark.slow
@pytest.mark.parametrize("text", ["", "x"])
def test_many_small_files_take_disk_too(text: str, image: str) -> None:
    with container(image, replace(SMALL, disk_bytes=100 * MB)) as box:
        source = f"import os\nos.mkdir('/s')\nfor i in range(30000):\n    open(f'/s/{{i}}', 'w').write({text!r})\n"
        box.write("/try.py", source.encode())
        ran = shell(box, "python3 /try.py; sleep 60", SECONDS)
    assert ran.ended is Ending.disk, ran


def test_memory_that_no_process_holds_ends_as_memory(box: Container) -> None:
    box.write(
        "/try.py",
        b"import ctypes\nlibc = ctypes.CDLL(None)\nlibc.shmat.restype = ctypes.c_void_p\n"
        b"for _ in range(40):\n"
        b"    ctypes.memset(libc.shmat(libc.shmget(0, 32 << 20, 0o1600), None, 0), 1, 32 << 20)\n",
    )
    assert box.run(["python3", "/try.py"], seconds=20, stop=Event()).ended is Ending.memory


def test_there_is_no_network(box: Container) -> None:
    said = python(
        box,
        "import os, socket\nprint(os.listdir('/sys/class/net'))\n"
        "for where in [('1.1.1.1', 53), ('172.17.0.1', 22), ('169.254.169.254', 80)]:\n"
        "    try: socket.create_connection(where, 3); print('CONNECTED', where)\n"
        "    except OSError as error: print(error.strerror)\n"
        "try: print('RESOLVED', socket.getaddrinfo('pypi.org', 443))\nexcept OSError as error: print(error)\n",
    )
    assert "['lo']" in said
    assert said.count("Network is unreachable") == 3
    assert "RESOLVED" not in said


def test_a_network_is_there_where_it_was_asked_for(image: str) -> None:
    with container(image, replace(SMALL, network=True)) as box:
        assert b"eth0" in shell(box, "ls /sys/class/net").output


def test_nothing_of_the_host_is_in_it(box: Container) -> None:
    said = python(
        box,
        "import os\nprint([path for path in ('/var/run/docker.sock', '/run/docker.sock') if os.path.exists(path)])\n"
        "print([line.split()[1] for line in open('/proc/mounts') if line.startswith('/dev/')])\n",
    )
    assert said.splitlines()[0] == "[]"
    assert set(eval(said.splitlines()[1])) <= {"/etc/resolv.conf", "/etc/hostname", "/etc/hosts"}


def test_root_in_it_may_nothing(box: Container) -> None:
    said = python(
        box,
        "import ctypes, os\nlibc = ctypes.CDLL(None, use_errno=True)\n"
        "def tried(name, *arguments):\n"
        "    ctypes.set_errno(0)\n"
        "    print(name, getattr(libc, name)(*arguments), os.strerror(ctypes.get_errno()))\n"
        "tried('mount', b'tmpfs', b'/mnt', b'tmpfs', 0, None)\ntried('chroot', b'/tmp')\n"
        "tried('mknod', b'/disk', 0o60600, 0x800)\ntried('setuid', 65533)\ntried('unshare', 0x10000000)\n"
        "tried('ptrace', 16, 1, None, None)\ntried('sethostname', b'x', 1)\ntried('setpriority', 0, 0, -5)\n"
        "tried('chown', b'/try.py', 1, 1)\ntried('kill', 1, 9)\n"
        "for path in ('/proc/1/mem', '/proc/1/oom_score_adj', '/proc/sys/kernel/core_pattern'):\n"
        "    try: open(path, 'r+b'); print('OPENED', path)\n    except OSError: pass\n"
        "status = dict(line.split(':', 1) for line in open('/proc/self/status'))\n"
        "print({status[name].strip() for name in ('CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb')},\n"
        "      status['NoNewPrivs'].strip(), status['Seccomp'].strip())\n",
    )
    tried, last = said.splitlines()[:-1], said.splitlines()[-1]
    assert len(tried) == 10
    for line in tried:
        assert line.endswith(("-1 Operation not permitted", "-1 Permission denied")), line
    assert last == "{'0000000000000000'} 1 2"


def test_a_setuid_program_gains_nothing(box: Container) -> None:
    ran = shell(box, "cp /bin/cat /cat; chmod 6755 /cat; /cat /proc/self/status | grep -E 'CapEff|NoNewPrivs'")
    assert ran.output.split() == [b"CapEff:", b"0000000000000000", b"NoNewPrivs:", b"1"]


def test_orphans_are_taken_in(box: Container) -> None:
    said = shell(box, "for i in {1..100}; do (sleep 0.1 &); done; sleep 2; grep -l 'State:.Z' /proc/[0-9]*/status")
    assert said.output == b""


def test_it_can_be_told_to_stop(box: Container) -> None:
    stop = Event()
    Timer(1, stop.set).start()
    ran = shell(box, "sleep 50", 30, stop)
    assert ran.ended is Ending.stopped
    assert ran.seconds < 3


def test_a_container_that_somebody_killed_is_gone(box: Container, docker_host: str) -> None:
    client = docker.DockerClient(docker_host)
    Timer(1, lambda: client.api.kill(box.id)).start()
    assert shell(box, "sleep 50", 30).ended is Ending.gone
    assert shell(box, "true").ended is Ending.gone
    client.close()


@pytest.mark.parametrize(
    "script",
    [
        "rm -f /bin/bash",
        "rm -rf /testbed",
        "for i in {1..300}; do (setsid sleep 1000 &); done 2>/dev/null",
    ],
)
def test_a_later_command_that_cannot_be_started_is_no_failure_of_ours(script: str, box: Container) -> None:
    shell(box, script, 3)
    ran = shell(box, "true", 3)
    assert ran.ended in (Ending.exited, Ending.time)
    assert ran.exit_code != 0 or "300" in script


def test_a_first_command_that_cannot_be_started_is_our_failure(box: Container) -> None:
    with pytest.raises(InfrastructureError, match="could be started"):
        box.run(["/not-there"], seconds=5, stop=Event())


def test_files_go_in_and_only_regular_ones_come_out(box: Container) -> None:
    box.write("/tmp/in", b"\0some bytes\n")
    assert box.read("/tmp/in", 100) == b"\0some bytes\n"
    assert box.read("/tmp/in", 5) is None
    shell(
        box, "ln -s /etc/shadow /link; mkfifo /pipe; truncate -s 200M /sparse; truncate -s 1000 /holes; ln -s / /self"
    )
    for path in ("/nothing", "/tmp", "/link", "/pipe", "/sparse", "/dev/zero", "/proc/1/environ", "relative"):
        assert box.read(path, 4 * MB) is None, path
    assert box.read("/holes", 4 * MB) == bytes(1000)
    assert box.read("/self/self/tmp/in", 100) == b"\0some bytes\n"


def test_what_is_held_goes_no_further_and_can_be_read(box: Container) -> None:
    shell(box, "(setsid sh -c 'while :; do echo x >>/ticks; done' >/dev/null 2>&1 &); sleep 0.5")
    box.hold()
    first = box.read("/ticks", 100 * MB)
    assert first
    assert box.read("/ticks", 100 * MB) == first


def test_its_processors_time_is_known(box: Container) -> None:
    python(box, "import time\nwhile time.process_time() < 1.5: pass")
    assert 1.5 < box.cpu_seconds() < 4


def test_output_comes_whole_and_in_order(box: Container) -> None:
    ran = shell(box, "for i in {1..100000}; do echo $i; done")
    assert ran.output.split() == [b"%d" % i for i in range(1, 100_001)]
