"""What a user of the sandbox may rely on."""

import contextlib
import errno
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from verifiers.errors import InfrastructureError
from verifiers.isolation.bwrap import advice
from verifiers.sandbox import MIB, Ended, Level, Limits, Program, Sandbox, TestResult, probe, self_test
from verifiers.sandbox.inside.codec import encode
from verifiers.sandbox.jail import UserLock
from verifiers.sandbox.seccomp import syscall_filter
from verifiers.sandbox.slot import Slot

needs_bwrap = pytest.mark.skipif(shutil.which("bwrap") is None, reason="NO BUBBLEWRAP: the sandbox was not tried")
ADD = Program.python("print(sum(map(int, input().split())))")
LIMITS = Limits(cpu_seconds=2, memory_bytes=256 * MIB)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    sandbox = Sandbox()
    yield sandbox
    sandbox.close()


def run(sandbox: Sandbox, source: str, given: bytes = b"", limits: Limits = LIMITS) -> TestResult:
    return sandbox.run(Program.python(source), [given], limits).results[0]


@needs_bwrap
def test_a_program_reads_its_input_and_writes_its_output(sandbox: Sandbox) -> None:
    outputs = [result.output for result in sandbox.run(ADD, [b"1 2", b"3 4", b"5 6"], LIMITS).results]
    assert outputs == [b"3\n", b"7\n", b"11\n"]


@needs_bwrap
def test_it_says_how_well_the_program_was_kept_apart(sandbox: Sandbox) -> None:
    facts = sandbox.run(ADD, [b"1 2", b"3 4"], LIMITS).facts
    assert facts["isolation"] in ("bwrap", "bwrap-noproc")
    assert facts["limits"] in ("cgroup v1", "cgroup v2", "rlimit")
    assert facts["tests_run"] == 2
    assert facts["peak_bytes"] > MIB


@needs_bwrap
def test_the_tests_stop_when_told(sandbox: Sandbox) -> None:
    assert len(sandbox.run(ADD, [b"1 2"] * 9, LIMITS, lambda _: False).results) == 1


@needs_bwrap
def test_a_program_that_an_exception_interrupted_never_answers_the_next(sandbox: Sandbox) -> None:
    with pytest.raises(ZeroDivisionError):
        sandbox.run(ADD, [b"1 2", b"3 4"], LIMITS, lambda _: bool(1 / 0))
    assert sandbox._slots == {}
    assert sandbox.run(ADD, [b"5 6"], LIMITS).results[0].output == b"11\n"


@needs_bwrap
def test_large_inputs_and_outputs_pass(sandbox: Sandbox) -> None:
    data = b"x" * (9 * MIB) + b"\n"
    result = run(sandbox, "import sys\nsys.stdout.write(sys.stdin.read())", data)
    assert result.finished
    assert result.output == data


@needs_bwrap
def test_output_is_cut_at_its_limit(sandbox: Sandbox) -> None:
    result = run(sandbox, "print('x' * 2000)", limits=Limits(output_bytes=1000))
    assert (result.ended, len(result.output)) == (Ended.output_limit, 1000)


@needs_bwrap
def test_cpu_time_decides_and_waiting_does_not_count(sandbox: Sandbox) -> None:
    slow = run(sandbox, "import time\ntime.sleep(0.6)\nprint(1)", limits=Limits(cpu_seconds=0.3))
    assert slow.finished
    assert slow.cpu_seconds < 0.3
    spinning = run(sandbox, "while True: pass", limits=Limits(cpu_seconds=0.3))
    assert spinning.ended is Ended.cpu_limit
    assert spinning.cpu_seconds >= 0.3


@needs_bwrap
def test_a_program_a_little_above_its_cpu_limit_is_run_again(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    limits = Limits(cpu_seconds=0.5)
    slow = Program.python("import time\nwhile time.process_time() < 0.53: pass\nprint(1)")
    run = sandbox.run(slow, [b"", b""], limits, lambda result: result.finished)
    assert [(result.ended, result.near) for result in run.results] == [(Ended.cpu_limit, True)]
    assert run.facts["near_limit"] == 2
    noise = iter([0.1, 0.6, 0.1, 0.6, 0.6, 0.6])
    real = Slot.result
    monkeypatch.setattr(Slot, "result", lambda slot: _took(real(slot), next(noise)))
    run = sandbox.run(ADD, [b"1 2", b"3 4", b"5 6"], limits)
    assert [result.finished for result in run.results] == [True, True, False]


def _took(result: TestResult, seconds: float) -> TestResult:
    near = seconds > 0.5
    return replace(result, cpu_seconds=seconds, near=near, ended=Ended.cpu_limit if near else Ended.exited)


@needs_bwrap
def test_no_two_tests_share_what_is_random(sandbox: Sandbox) -> None:
    random = Program.python("import sys\nassert 'random' in sys.modules\nimport random\nprint(random.random())")
    first, second = sandbox.run(random, [b"", b""], Limits(), slot="contest").results
    assert first.finished, first.errors
    assert first.output != second.output


@needs_bwrap
def test_a_program_starts_as_the_interpreter_would_start_it(sandbox: Sandbox) -> None:
    source = (
        "import sys\n"
        "assert __name__ == '__main__' and sys.argv == ['main.py']\n"
        "assert sys.modules['__main__'].__dict__ is globals()\n"
        "assert 'random' not in sys.modules and 'ctypes' in sys.modules\n"
        "assert hash('a') == hash('a') and sys.flags.hash_randomization == 0\n"
        "def depth(n): return 0 if n == 0 else 1 + depth(n - 1)\n"
        "print(depth(990))\n"
    )
    result = run(sandbox, source)
    assert (result.output, result.errors) == (b"990\n", b"")


@needs_bwrap
def test_an_error_is_shown_as_the_interpreter_shows_it(sandbox: Sandbox) -> None:
    errors = run(sandbox, "def f():\n    return 1 / 0\nf()").errors.decode().splitlines()
    assert errors[0] == "Traceback (most recent call last):"
    assert errors[-1] == "ZeroDivisionError: division by zero"
    assert all("jail" not in line for line in errors)


@needs_bwrap
def test_recursion_may_use_the_whole_memory_limit(sandbox: Sandbox) -> None:
    source = (
        "import sys\nsys.setrecursionlimit(10 ** 6)\ndef f(n): return 0 if n == 0 else 1 + f(n - 1)\nprint(f(100_000))"
    )
    assert run(sandbox, source, limits=Limits(memory_bytes=1024 * MIB)).output == b"100000\n"


@needs_bwrap
def test_nothing_of_one_program_reaches_the_next(sandbox: Sandbox) -> None:
    run(sandbox, "open('/tmp/seen', 'w').write('1')\nimport os\nif os.fork() == 0:\n    while True: pass")
    source = "import os\nprint(os.listdir('/tmp'), len([p for p in os.listdir('/proc') if p.isdigit()]))"
    assert run(sandbox, source).output == b"['main.py'] 1\n"


@needs_bwrap
def test_a_commands_artifact_comes_back_and_a_link_is_not_followed(sandbox: Sandbox) -> None:
    for script, artifact in (
        ("printf abc > made", b"abc"),
        ("ln -s /etc/shadow made", b""),
        ("mkfifo made", b""),
        ("mkdir made", b""),
    ):
        command = Program("command", argv=("/bin/sh", "-c", script), artifact="made")
        assert sandbox.run(command, [b""], LIMITS).results[0].artifact == artifact


@needs_bwrap
def test_a_dead_slot_is_replaced_and_the_test_is_run_again() -> None:
    sandbox = Sandbox()
    sandbox.run(ADD, [b"1 2"], LIMITS)
    victim = sandbox.slot().jail.process
    killer = threading.Timer(0.5, victim.kill)
    killer.start()
    program = Program.python("import time\ntime.sleep(1.5)\nprint(input())")
    done = sandbox.run(program, [b"a", b"b"], LIMITS)
    killer.join()
    assert [result.output for result in done.results] == [b"a\n", b"b\n"]
    assert done.facts["retries"] == 1
    sandbox.close()


@needs_bwrap
def test_a_slot_that_dies_between_programs_is_replaced_unseen() -> None:
    sandbox = Sandbox()
    sandbox.run(ADD, [b"1 2"], LIMITS)
    victim = sandbox.slot().jail.process
    victim.kill()
    victim.wait()
    assert sandbox.run(ADD, [b"1 2"], LIMITS).results[0].output == b"3\n"
    sandbox.close()


@needs_bwrap
def test_a_bubblewrap_that_vanishes_is_our_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    sandbox = Sandbox()
    sandbox.run(ADD, [b"1 2"], LIMITS)
    sandbox.close()
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(InfrastructureError, match="no bubblewrap"):
        sandbox.run(ADD, [b"1 2"], LIMITS)


@needs_bwrap
def test_a_result_that_is_cut_off_is_our_failure_and_the_test_is_run_again() -> None:
    sandbox = Sandbox()
    sandbox.run(ADD, [b"1 2"], LIMITS)
    slot = sandbox.slot()
    for said in (b"?", b"r" * 7, b"r" * 80):
        real = slot.jail.channel  # left open: its end would end the jail before it is asked
        slot.jail.channel, supervisor = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        supervisor.send(said)
        done = sandbox.run(ADD, [b"1 2"], LIMITS)
        assert (done.results[0].output, done.facts["retries"]) == (b"3\n", 1)
        supervisor.close()
        real.close()
        slot = sandbox.slot()
    sandbox.close()


@needs_bwrap
def test_a_worker_without_descriptors_is_our_failure() -> None:
    sandbox = Sandbox()
    sandbox.run(ADD, [b"1 2"], LIMITS)
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    serve, drive = Program.python("def f(): return 1", serve=True), Program("drive", reuse=False)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, limit[1]))
    try:
        with pytest.raises(InfrastructureError, match="Too many open files"):
            sandbox.converse(serve, LIMITS, drive, LIMITS, encode(("", "assert f() == 1", "f")))
        with pytest.raises(InfrastructureError, match="Too many open files"):
            sandbox.run(ADD, [b"1 2"], LIMITS)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limit)
    assert sandbox.run(ADD, [b"1 2"], LIMITS).results[0].output == b"3\n"
    sandbox.close()


@needs_bwrap
def test_a_worker_may_have_any_descriptors_open() -> None:
    null = os.open(os.devnull, os.O_RDONLY)
    taken = [os.dup(null) for _ in range(80)]
    for free in (taken[-1], taken[39], taken[40], taken[41], taken[42]):
        os.close(free)
        sandbox = Sandbox()
        assert sandbox.run(ADD, [b"1 2"], LIMITS).results[0].output == b"3\n"
        sandbox.close()
    for each in (null, *taken):
        with contextlib.suppress(OSError):
            os.close(each)


@needs_bwrap
def test_a_lost_control_group_is_our_failure_and_the_test_is_run_again() -> None:
    sandbox = Sandbox()
    sandbox.run(ADD, [b"1 2"], LIMITS)
    group = sandbox.slot().group
    if group:
        while pids := (group.memory / "cgroup.procs").read_text().split():
            with contextlib.suppress(ProcessLookupError):
                (group.memory.parent / "cgroup.procs").write_text(pids[0])
        group.memory.rmdir()
        done = sandbox.run(ADD, [b"3 4"], Limits(memory_bytes=128 * MIB))
        assert (done.results[0].output, done.facts["retries"]) == (b"7\n", 1)
    sandbox.close()


@needs_bwrap
def test_a_program_that_cannot_be_started_is_our_failure(sandbox: Sandbox) -> None:
    with pytest.raises(InfrastructureError, match="not started"):
        sandbox.run(Program("command", argv=("/nowhere",)), [b""], LIMITS)


def test_where_nothing_isolates_it_refuses_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(InfrastructureError, match=r"no bubblewrap.*apt-get install bubblewrap"):
        Sandbox().run(ADD, [b"1 2"], LIMITS)


@needs_bwrap
def test_a_bubblewrap_that_cannot_make_namespaces_is_refused_with_its_words(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fake = tmp_path / "bwrap"
    fake.write_text("#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1\n")
    fake.chmod(0o755)
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(folder.stat().st_mode | 0o055)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InfrastructureError, match=r"No permissions to create new namespace.*user namespaces"):
        Sandbox().run(ADD, [b"1 2"], LIMITS)


def test_each_reason_has_its_advice() -> None:
    assert "apparmor" in advice("bwrap: loopback: Failed RTM_NEWADDR: Operation not permitted")
    assert "apparmor" in advice("bwrap: setting up uid map: Permission denied")
    assert "Docker" in advice("bwrap: No permissions to create new namespace")
    assert "by hand" in advice("something new")


@needs_bwrap
@pytest.mark.parametrize("level", [Level.bwrap, Level.bwrap_noproc])
def test_a_level_that_works_has_nothing_to_report(level: Level) -> None:
    assert probe(level) == ""
    sandbox = Sandbox(level)
    report = self_test(sandbox)
    assert (report.isolation, report.surprises) == (level, [])
    sandbox.close()


def test_without_isolation_it_runs_only_when_asked_and_says_so() -> None:
    sandbox = Sandbox(Level.unsafe)
    source = "import os\nif os.fork() == 0:\n    os.setsid()\n    while True: pass\nopen('f', 'w').write('1')\nprint(3)"
    done = sandbox.run(Program.python(source), [b"", b""], LIMITS)
    assert [result.output for result in done.results] == [b"3\n", b"3\n"]
    assert done.facts["isolation"] == "unsafe"
    assert self_test(sandbox).surprises == []
    folder = Path(sandbox.slot().jail.folder)
    sandbox.close()
    assert not folder.exists()


@needs_bwrap
def test_a_killed_worker_leaves_no_process() -> None:
    source = (
        "import sys, time\n"
        "from verifiers.sandbox import *\n"
        "sandbox = Sandbox()\n"
        "sandbox.run(Program.python(''), [b''], Limits())\n"
        "print(sandbox.slot().jail.process.pid, flush=True)\n"
        "sandbox.run(Program.python('while True: pass'), [b''], Limits(cpu_seconds=60))\n"
    )
    root = Path(__file__).parents[1]
    with subprocess.Popen([sys.executable, "-c", source], cwd=root, stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdout
        jail = int(worker.stdout.readline())
        family = [jail, *_descendants(jail)]
        assert len(family) >= 2
        time.sleep(0.3)
        family += _descendants(jail)
        worker.send_signal(signal.SIGKILL)
    until = time.monotonic() + 20
    while any(_is_running(pid) for pid in family) and time.monotonic() < until:
        time.sleep(0.05)
    assert not [pid for pid in family if _is_running(pid)]


def _descendants(pid: int) -> list[int]:
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []
    return [found for child in map(int, children) for found in (child, *_descendants(child))]


def _is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "Z"
    except OSError:
        return False


@needs_bwrap
def test_a_forked_child_makes_its_own_jail(sandbox: Sandbox) -> None:
    sandbox.run(ADD, [b"1 2"], LIMITS)
    ours = sandbox.slot().jail.process.pid
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        output = sandbox.run(ADD, [b"3 4"], LIMITS).results[0].output
        os.write(write, b"%s %d" % (output.strip(), sandbox.slot().jail.process.pid))
        os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        said = pipe.read().split()
    os.waitpid(pid, 0)
    assert said[0] == b"7"
    assert int(said[1]) != ours
    assert sandbox.run(ADD, [b"1 2"], LIMITS).results[0].output == b"3\n"


@needs_bwrap
@pytest.mark.skipif(os.getuid() != 0, reason="only root drops to another user")
def test_a_root_worker_never_runs_a_program_as_root() -> None:
    sandbox, other = Sandbox(), Sandbox()
    for one in (sandbox, other):
        one.run(ADD, [b"1 2"], LIMITS)
    for one in (sandbox, other):
        uids = _real_uids(_descendants(one.slot().jail.process.pid))
        assert uids
        assert 0 not in uids
    jails = [one.slot().jail.user for one in (sandbox, other)]
    assert jails[0]
    assert jails[1]
    assert jails[0].uid != jails[1].uid
    sandbox.close()
    other.close()


def _real_uids(pids: list[int]) -> set[int]:
    """Of those that still live: the last program's own processes may just be ending."""
    uids = set()
    for pid in pids:
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            lines = Path(f"/proc/{pid}/status").read_text().splitlines()
            uids.add(next(int(line.split()[1]) for line in lines if line.startswith("Uid:")))
    return uids


def test_two_slots_never_share_a_user() -> None:
    locks = [UserLock() for _ in range(5)]
    assert len({lock.uid for lock in locks}) == 5
    for lock in locks:
        lock.close()


def test_the_filter_knows_both_machines() -> None:
    assert syscall_filter("x86_64") != syscall_filter("aarch64")
    assert all(len(syscall_filter(machine)) % 8 == 0 for machine in ("x86_64", "aarch64"))


@needs_bwrap
def test_what_is_not_allowed_is_refused_and_what_is_newer_is_unknown(sandbox: Sandbox) -> None:
    source = (
        "import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\n"
        "for call in (41, 165, 999):\n    libc.syscall(call, 0, 0, 0)\n    print(ctypes.get_errno())\n"
    )
    expected = f"{errno.EPERM}\n{errno.EPERM}\n{errno.ENOSYS}\n".encode()
    if os.uname().machine == "x86_64":
        assert run(sandbox, source).output == expected


@needs_bwrap
def test_a_program_that_kills_itself_while_another_is_killed_for_memory_did_it_itself(sandbox: Sandbox) -> None:
    if run(sandbox, "").finished and not sandbox.slot().group:
        pytest.skip("without groups nobody knows whom the kernel killed")
    other, ended = Sandbox(), threading.Event()
    suicide = Program.python("import os\ninput()\nos.kill(os.getpid(), 9)")
    hog = Program.python("a = []\nwhile True: a.append(bytearray(1 << 20))")

    def hogs() -> None:
        while not ended.is_set():
            other.run(hog, [b""], Limits(memory_bytes=64 * MIB))

    other.run(ADD, [b"1 2"], LIMITS)
    thread = threading.Thread(target=hogs)
    thread.start()
    try:
        results = [sandbox.run(suicide, [b"1\n"], LIMITS) for _ in range(30)]
    finally:
        ended.set()
        thread.join()
        other.close()
    assert {each.results[0].signal for each in results} == {9}
    assert not any("retries" in each.facts for each in results)
