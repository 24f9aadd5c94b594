"""Hostile programs that read standard input and write standard output.

Each is given `1 2` and should print `3`. Where the right outcome is `correct`, the program attacks first and prints the
answer only if the attack did not work.
"""

# ruff: noqa: E501 (one program a line)

from typing import NamedTuple

REFUSED = '''
import ctypes, errno, os, sys
libc = ctypes.CDLL(None, use_errno=True)
def refused(call, *arguments):
    """The call must fail with a refusal."""
    if libc.syscall(call, *arguments) >= 0 or ctypes.get_errno() not in (errno.EPERM, errno.ENOSYS, errno.EACCES):
        print("call", call, "was not refused:", ctypes.get_errno()); sys.exit()
def fails(function, *arguments):
    try:
        function(*arguments)
    except OSError:
        return
    print(function, arguments, "worked"); sys.exit()
'''


class Hostile(NamedTuple):
    name: str
    source: str
    outcomes: str  # the right ones, separated by blanks
    tests: int = 1
    language: str = "python"


def _attack(name: str, source: str) -> Hostile:
    return Hostile(name, REFUSED + source + "\nprint(3)", "correct")


CPP = "#include <iostream>\n#include <cstring>\n#include <vector>\nusing namespace std;\n"

PROGRAMS = [
    # resources
    Hostile("a busy loop", "while True: pass", "time_limit"),
    Hostile("sleeps", "import time\ntime.sleep(1000)", "time_limit"),
    Hostile("reads after the end for ever", "import sys\nwhile True: sys.stdin.readline()", "time_limit"),
    Hostile("reads past the end", "import sys\nx = sys.stdin.read()\nsys.stdin.read()\nprint(sum(map(int, x.split())))", "correct"),
    Hostile("reads the descriptor", "import os\nprint(sum(map(int, os.read(0, 100).split())))", "correct"),
    Hostile(
        "ignores every signal",
        "import signal\nfor n in range(1, 65):\n try: signal.signal(n, signal.SIG_IGN)\n except (OSError, ValueError): pass\n"
        "while True: pass",
        "time_limit",
    ),
    Hostile("stops itself", "import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)\nprint(3)", "time_limit"),
    Hostile("a heap bomb", "a = []\nwhile True: a.append(bytearray(1 << 20))", "memory_limit"),
    Hostile("an absurd allocation", "bytearray(10 ** 13)", "memory_limit"),
    Hostile("many small objects", "a = []\nwhile True: a.append([0] * 1000)", "memory_limit"),
    Hostile("a doubling string", "s = 'x'\nwhile True: s += s", "memory_limit"),
    Hostile(
        "shared memory", "import mmap\nm = mmap.mmap(-1, 1 << 29)\nm.write(b'x' * (1 << 29))\nprint(3)", "memory_limit"
    ),
    Hostile(
        "memory in children",
        "import os, time\na = []\nfor _ in range(8):\n if os.fork() == 0:\n  a.append(bytearray(b'x') * (60 << 20))\n"
        "  time.sleep(9)\n  os._exit(0)\nos.wait()",
        "memory_limit runtime_error time_limit",
    ),
    Hostile("fills /tmp", "f = open('/tmp/f', 'wb')\nwhile True: f.write(bytes(1 << 20)); f.flush()", "runtime_error"),
    Hostile("fills /tmp with names", "n = 0\nwhile True: open('/tmp/%d' % n, 'w'); n += 1", "runtime_error"),
    Hostile("a huge sparse file", "open('/tmp/f', 'wb').truncate(1 << 40)", "runtime_error"),
    Hostile("a memfd", "import os\nos.memfd_create('x')", "runtime_error"),
    Hostile("a fork bomb", "import os\nwhile True: os.fork()", "runtime_error time_limit memory_limit"),
    Hostile(
        "a fork bomb that hides", "import os\nwhile True:\n try: os.fork()\n except OSError: pass", "time_limit memory_limit"
    ),
    Hostile(
        "a thread bomb", "import threading, time\nwhile True: threading.Thread(target=time.sleep, args=(1,)).start()", "runtime_error"
    ),
    Hostile(
        "zombies",
        "import os\nfor _ in range(1000):\n try:\n  if os.fork() == 0: os._exit(0)\n except OSError: pass\nprint(3)",
        "correct",
        tests=2,
    ),
    Hostile(
        "takes every pid and leaves",
        "import os, time\ntry:\n while True:\n  if os.fork() == 0: time.sleep(99)\nexcept OSError: print(3)",
        "correct memory_limit",
        tests=2,
    ),
    Hostile("recursion", "def f(): f()\nf()", "runtime_error"),
    Hostile(
        "boundless recursion", "import sys\nsys.setrecursionlimit(10 ** 9)\ndef f(): f()\nf()", "runtime_error memory_limit time_limit"
    ),
    Hostile(
        "recursion in C",
        "import sys\nsys.setrecursionlimit(10 ** 9)\nx = ()\nfor _ in range(10 ** 6): x = (x,)\nrepr(x)",
        "runtime_error memory_limit time_limit",
    ),
    Hostile("a flood on stdout", "while True: print('x' * 65536)", "output_limit"),
    Hostile("a flood on stderr", "import sys\nwhile True: sys.stderr.write('x' * 65536)", "output_limit"),
    Hostile("one endless line", "import os\nwhile True: os.write(1, b'x' * 65536)", "output_limit"),
    Hostile("a regular expression", "import re\nre.match('(a+)+$', 'a' * 64 + 'b')", "time_limit"),
    Hostile("a huge power", "10 ** 10 ** 9", "time_limit memory_limit"),
    Hostile("nested brackets", "(" * 100_000, "compile_error"),
    Hostile("nested minus signs", "-" * 300_000 + "1", "compile_error"),
    Hostile("nested lambdas", "lambda:" * 100_000 + "1", "compile_error"),
    Hostile("a NUL in the source", "print(3)\0", "compile_error"),
    Hostile("a coding that is none", "# coding: rot13\nprint(3)", "compile_error"),
    Hostile("an alarm", "import signal, time\nsignal.alarm(1)\ntime.sleep(5)", "runtime_error"),
    Hostile("spins in a child", "import os\nif os.fork() == 0:\n while True: pass\nos.wait()", "time_limit"),
    Hostile(
        "spins in threads",
        "import threading\ndef f():\n while True: pass\nfor _ in range(4): threading.Thread(target=f).start()",
        "time_limit",
    ),
    Hostile(
        "another clock",
        "import time, signal, resource\ntime.time = time.monotonic = lambda: 0\nsignal.alarm = print\nwhile True: pass",
        "time_limit",
    ),
    # survivors
    Hostile("a child that holds stdout", "import os, time\nif os.fork() == 0: time.sleep(99)\nprint(3)", "correct"),
    Hostile(
        "a daemon",
        "import os, time\nif os.fork() == 0:\n os.setsid()\n if os.fork() == 0:\n  os.closerange(0, 64)\n  time.sleep(99)\n"
        " os._exit(0)\nos.wait()\nprint(3)",
        "correct",
        tests=2,
    ),
    Hostile("a daemon that spins", "import os\nif os.fork() == 0:\n os.setsid()\n while True: pass\nprint(3)", "correct", tests=2),
    Hostile(
        "a daemon that forks",
        "import os\nprint(3, flush=True)\nif os.fork() == 0:\n while True:\n  try:\n   if os.fork(): os._exit(0)\n  except OSError: pass",
        "correct",
        tests=2,
    ),
    Hostile("kills its parent", "import os\nos.kill(os.getppid(), 9)\nprint(3)", "correct", tests=2),
    Hostile("stops its parent", "import os\nos.kill(1, 19)\nprint(3)", "correct", tests=2),
    Hostile("kills everyone", "import os\ntry: os.kill(-1, 9)\nexcept OSError: pass\nprint(3)", "correct", tests=2),
    Hostile("kills its group", "import os\nprint(3, flush=True)\nos.killpg(0, 9)", "runtime_error"),
    Hostile("kills itself", "import os\nprint(3, flush=True)\nos.kill(os.getpid(), 9)", "runtime_error"),
    Hostile("aborts", "import os\nprint(3, flush=True)\nos.abort()", "runtime_error"),
    Hostile("a segmentation fault after the answer", "import ctypes\nprint(3, flush=True)\nctypes.string_at(0)", "runtime_error"),
    Hostile(
        "leaves a file",
        "import os\nprint(4 if os.listdir('/tmp') != ['main.py'] else 3)\nos.mkdir('/tmp/d')\nopen('/tmp/d/seen', 'w').write('1')",
        "correct",
        tests=3,
    ),
    Hostile("closes /tmp", "import os\nprint(3)\nos.chmod('/tmp', 0)", "correct", tests=3),
    Hostile(
        "keeps a state",
        "import builtins, sys\nprint(4 if hasattr(builtins, 'seen') or 'seen' in sys.modules else 3)\n"
        "builtins.seen = sys.modules['seen'] = 1",
        "correct",
        tests=3,
    ),
    Hostile("a thread that never ends", "import threading\ndef f():\n while True: pass\nprint(3, flush=True)\nthreading.Thread(target=f).start()", "time_limit"),
    Hostile("a daemon thread that never ends", "import threading\ndef f():\n while True: pass\nthreading.Thread(target=f, daemon=True).start()\nprint(3)", "correct", tests=2),
    Hostile("stopped by its child", "import os, time\nprint(3, flush=True)\nif os.fork() == 0: os.kill(os.getppid(), 19); os._exit(0)\ntime.sleep(9)", "time_limit"),
    Hostile("burns in orphans", "import os\nfor _ in range(9):\n if os.fork() == 0:\n  if os.fork() == 0:\n   while True: pass\n  os._exit(0)\n os.wait()\nimport time\ntime.sleep(99)", "time_limit"),
    Hostile("a deep folder", "import os\nfor _ in range(500): os.mkdir('d'); os.chdir('d')\nprint(3)", "correct", tests=2),
    Hostile("a name that lies", "import ctypes\nctypes.CDLL(None).prctl(15, b') S 1 0 0 0 0')\nwhile True: pass", "time_limit"),
    Hostile("an answer when its time is up", "import signal, os\ndef f(*a): print(3, flush=True); os._exit(0)\nfor n in (signal.SIGXCPU, signal.SIGALRM, signal.SIGVTALRM): signal.signal(n, f)\nwhile True: pass", "time_limit"),
    Hostile("ignores its children", "import os, signal\nsignal.signal(signal.SIGCHLD, signal.SIG_IGN)\nwhile True:\n r, w = os.pipe()\n if os.fork() == 0:\n  for _ in range(10 ** 6): pass\n  os._exit(0)\n os.close(w)\n os.read(r, 1)\n os.close(r)", "time_limit"),
    # the first process of the jail
    Hostile("interrupts init", "import os\nos.kill(1, 2)\nprint(3)", "correct", tests=2),
    Hostile("every signal for init", "import os\nfor n in range(1, 65): os.kill(1, n)\nprint(3)", "correct", tests=2),
    Hostile("interrupts everyone", "import os, signal\nsignal.signal(2, signal.SIG_IGN)\ntry: os.kill(-1, 2)\nexcept OSError: pass\nprint(3)", "correct", tests=2),
    Hostile("a guess and an interrupt for init", "import os\nprint(4)\nos.kill(1, 2)", "incorrect"),
    Hostile(
        "a signal from a pipe for init",
        "import fcntl, os\nr, w = os.pipe()\nfor n in (0, 2, 15, 9):\n fcntl.fcntl(r, fcntl.F_SETOWN, 1)\n fcntl.fcntl(r, 10, n)\n"
        " fcntl.fcntl(r, fcntl.F_SETFL, os.O_ASYNC | os.O_NONBLOCK)\n os.write(w, b'x')\n os.read(r, 1)\nprint(3)",
        "correct",
        tests=2,
    ),
    Hostile("its parent's signal", "import ctypes, os\nctypes.CDLL(None).prctl(1, 2)\nif os.fork() == 0: os.kill(os.getppid(), 0); os._exit(0)\nos.wait()\nos.killpg\nprint(3)", "correct"),
    # all of a tree counts
    Hostile(
        "children that nobody waits for",
        "import os, signal, time\nsignal.signal(signal.SIGCHLD, signal.SIG_IGN)\nfor _ in range(12):\n r, w = os.pipe()\n if os.fork() == 0:\n"
        "  while time.process_time() < .15: pass\n  os._exit(0)\n os.close(w)\n os.read(r, 1)\n os.close(r)\nprint(3)",
        "time_limit",
    ),
    Hostile(
        "grandchildren that nobody waits for",
        "import os, time\nfor _ in range(12):\n r, w = os.pipe()\n if os.fork() == 0:\n  if os.fork() == 0:\n   while time.process_time() < .15: pass\n"
        "  os._exit(0)\n os.wait()\n os.close(w)\n os.read(r, 1)\n os.close(r)\nprint(3)",
        "time_limit",
    ),
    Hostile("starves itself", "import os\nfor _ in range(12):\n if os.fork() == 0:\n  while True: pass\nfor _ in range(10 ** 9): pass", "time_limit"),
    # what a judge gives
    Hostile("a thread with much on its stack", "import functools, sys, threading\nsys.setrecursionlimit(10 ** 6)\n@functools.lru_cache(None)\ndef f(n): return n and 1 + f(n - 1)\nt = threading.Thread(target=lambda: print(f(9000) - 8997)); t.start(); t.join()", "correct"),
    Hostile("a thread with a large stack", "import sys, threading\nsys.setrecursionlimit(10 ** 9)\nthreading.stack_size(512 << 20)\ndef f(n): return n and 1 + f(n - 1)\nthreading.Thread(target=lambda: print(f(50000) - 49997)).start()", "correct"),
    Hostile("a stack without a limit", "import resource, sys\nresource.setrlimit(resource.RLIMIT_STACK, (-1, resource.getrlimit(resource.RLIMIT_STACK)[1]))\nsys.setrecursionlimit(10 ** 6)\ndef f(n): return n and 1 + f(n - 1)\nprint(f(50000) - 49997)", "correct"),
    Hostile("a stack of 512 MiB", "import resource\nresource.setrlimit(resource.RLIMIT_STACK, (512 << 20, 512 << 20))\nprint(3)", "correct"),
    Hostile("many threads", "import threading, time\nts = [threading.Thread(target=time.sleep, args=(.01,)) for _ in range(20)]\nfor t in ts: t.start()\nfor t in ts: t.join()\nprint(3)", "correct"),
    Hostile("C++ with eight threads", "#include <bits/stdc++.h>\nusing namespace std;int main(){atomic<int> s{0};vector<thread> t;for(int i=0;i<8;i++)t.emplace_back([&]{s++;});for(auto&x:t)x.join();cout<<s-5;}", "correct", 1, "cpp"),
    Hostile("C++ with a thread of 512 MiB", "#include <bits/stdc++.h>\n#include <pthread.h>\nvoid*f(void*){puts(\"3\");return 0;}int main(){pthread_attr_t a;pthread_attr_init(&a);pthread_attr_setstacksize(&a,512<<20);pthread_t t;if(pthread_create(&t,&a,f,0))return 1;pthread_join(t,0);}", "correct", 1, "cpp"),
    Hostile("C++ with more stack for itself", "#include <bits/stdc++.h>\n#include <sys/resource.h>\nint main(){rlimit l;getrlimit(RLIMIT_STACK,&l);l.rlim_cur=512<<20;if(setrlimit(RLIMIT_STACK,&l))return 1;puts(\"3\");}", "correct", 1, "cpp"),
    Hostile("a lock of processes", "import multiprocessing as m\nl = m.Lock()\ndef f(): l.acquire()\np = m.Process(target=f); p.start(); p.join()\nprint(3 if not l.acquire(False) else 4)", "correct", tests=2),
    Hostile("a pool of processes", "import multiprocessing as m\nwith m.Pool(2) as p: print(sum(p.map(abs, [1, -2])))", "correct", tests=2),
    Hostile("an executor of processes", "from concurrent.futures import ProcessPoolExecutor as E\nwith E(2) as e: print(sum(e.map(abs, [1, -2])))", "correct"),
    Hostile("leaves shared memory", "import os\nprint(3 + len(os.listdir('/dev/shm')))\nopen('/dev/shm/seen', 'w').write('1')", "correct", tests=3),
    Hostile("fills shared memory", "f = open('/dev/shm/f', 'wb')\nwhile True: f.write(bytes(1 << 20)); f.flush()", "runtime_error"),
    Hostile("opens its streams by name", "a, b = map(int, open('/dev/stdin').read().split())\nprint(a + b, file=open('/dev/stdout', 'w'))", "correct", tests=2),
    Hostile("touches devices", "import os\nfor n in ('null', 'zero', 'full', 'urandom', 'tty', 'pts'):\n try: os.utime('/dev/' + n); print(n)\n except OSError: pass\nopen('/dev/null', 'w').write('1')\nprint(3)", "correct"),
    # escapes
    _attack("limits init", "import resource\nfails(resource.prlimit, 1, resource.RLIMIT_CPU, (0, 0))"),
    _attack("slows init", "fails(os.setpriority, os.PRIO_PROCESS, 1, 19)\nfails(os.sched_setaffinity, 1, {0})"),
    _attack("traces init", "for request in (16, 0x4206): refused(101, request, 1, 0, 0)"),
    _attack("reads init's memory", "buffer = ctypes.create_string_buffer(64)\nrefused(310, 1, buffer, 1, buffer, 1, 0)"),
    _attack("opens init", "for name in ('mem', 'maps', 'environ', 'root/etc/shadow', 'fd/3'): fails(open, '/proc/1/' + name)"),
    _attack("writes into memory", "fails(open, '/proc/self/mem', 'r+b')\nfails(open, '/proc/1/mem', 'r+b')"),
    _attack("wants to survive", "fails(open, '/proc/self/oom_score_adj', 'w')\nfails(open, '/proc/1/oom_score_adj', 'w')"),
    _attack(
        "looks for files",
        "for path in ('/etc/shadow', '/etc/passwd', '/root', '/home', '/var', '/work', '/opt', '/sys', '/run', '/boot'):\n"
        "    fails(os.stat, path)",
    ),
    _attack("looks for processes", "assert {int(p) for p in os.listdir('/proc') if p.isdigit()} <= {1, os.getpid()}"),
    _attack(
        "looks at the environment",
        "names = {each for each in os.environ if not each.endswith('_NUM_THREADS')}\n"
        "assert names <= {'PATH', 'LANG', 'TZ', 'HOME', 'PYTHONHASHSEED', 'LC_CTYPE'}\n"
        "text = open('/proc/self/environ').read()\nassert 'TOKEN' not in text and 'KEY' not in text and 'MONKEYS' not in text",
    ),
    _attack(
        "writes everywhere",
        "for folder in ('/', '/usr', '/usr/bin', '/dev', '/jail', '/proc', '/proc/sys/kernel'):\n"
        "    fails(open, folder + '/here', 'w')\nfails(open, '/proc/sys/kernel/core_pattern', 'w')\n"
        "for root, _, files in os.walk('/jail'):\n    for file in files: fails(open, root + '/' + file, 'a')",
    ),
    _attack("a link out", "os.symlink('/etc/shadow', '/tmp/program')\nfails(open, '/tmp/program')"),
    _attack("sockets", "for family in (1, 2, 10, 16, 17, 31, 38, 40): refused(41, family, 3, 0); refused(41, family, 1, 0)"),
    _attack("namespaces", "for flag in (0x10000000, 0x20000, 0x20000000, 0x40000000, 0x8000000): refused(272, flag); refused(56, flag | 17, 0)"),
    _attack("clone3", "refused(435, ctypes.create_string_buffer(88), 88)"),
    _attack("mounts", "refused(165, b'x', b'/tmp', b'tmpfs', 0, None); refused(166, b'/tmp', 2); refused(428, -100, b'/', 1); refused(430, b'tmpfs', 0)"),
    _attack("other roots", "refused(161, b'/tmp'); refused(155, b'/tmp', b'/tmp'); refused(308, 0, 0)"),
    _attack("keys", "refused(248, b'user', b'x', b'y', 1, -3); refused(250, 0, -3, 1)"),
    _attack("the kernel's odd corners", "for call in (321, 298, 425, 323, 175, 313, 246, 320, 153, 167, 168, 163, 304, 303): refused(call, 0, 0, 0, 0)"),
    _attack("clocks and names", "for call in (164, 227, 305, 170, 171): refused(call, 0, 0, 0)"),
    _attack("privileges", "for call in (105, 106, 117, 119, 113, 114, 126): refused(call, 0, 0, 0)\nassert 'CapEff:\\t0000000000000000' in open('/proc/self/status').read()"),
    _attack("other memories", "refused(29, 0, 1 << 30, 0o1600); refused(240, b'q', 0o102, 0o600, 0); refused(64, 0, 1, 0o1600); refused(68, 0, 0o1600)"),
    _attack("pids of others", "refused(434, 1, 0); refused(438, 3, 0, 0); refused(424, 3, 9, 0, 0); refused(312, 1, 1, 0, 0, 0)"),
    _attack("a device", "refused(133, b'/tmp/d', 0o60600, 0x801); refused(259, -100, b'/tmp/d', 0o60600, 0x801)"),
    _attack("a terminal", "fails(open, '/dev/tty', 'w')\nimport fcntl, termios\nfor fd in (0, 1, 2): fails(fcntl.ioctl, fd, termios.TIOCSTI, b'x')"),
    _attack("a setuid program", "import subprocess\nfor name in ('su', 'mount', 'passwd'):\n    if os.path.exists('/usr/bin/' + name):\n        assert subprocess.run(['/usr/bin/' + name, '/'], stdin=subprocess.DEVNULL, capture_output=True).returncode != 0"),
    _attack("other descriptors", "assert set(os.listdir('/proc/self/fd')) == {'0', '1', '2', '3'}\nfor fd in range(3, 64): fails(os.write, fd, b'x')"),
    _attack("a new filter", "assert libc.prctl(22, 2, None) < 0 and libc.prctl(4, 1) < 0 and libc.prctl(8, 1) < 0"),
    _attack("syncs the host", "refused(162); refused(306, 1)"),
    _attack(
        "mounts by the supervisor's addresses",
        "import threading\n"
        "own = next(c for c in object.__subclasses__() if c.__name__ == 'SyscallFilter').take_on.__globals__\n"
        "every = ctypes.create_string_buffer(b'\\xff' * 24, 24)\n"
        "def attack():\n"
        "    refused(165, own['_SOURCE'], b'/tmp', b'tmpfs', 0, None); refused(165, own['_SOURCE'], b'/usr', None, 4096, None)\n"
        "    refused(166, own['_TMP'], 2); refused(166, own['_SHM'], 2)\n"
        "    refused(126, own['_HEADER'], every)\n"
        "    own['_TMP'][:5] = b'/usr\\0'\n    refused(166, own['_TMP'], 2)\n    own['_TMP'][:5] = b'/tmp\\0'\n"
        "    own['_HEADER'][4:8] = b'\\1\\0\\0\\0'\n    refused(126, own['_HEADER'], every)\n    own['_HEADER'][4:8] = bytes(4)\n"
        "attack()\nthread = threading.Thread(target=attack)\nthread.start(); thread.join()\n"
        "if os.fork() == 0:\n    os.setsid(); attack(); os._exit(7)\nassert os.waitstatus_to_exitcode(os.wait()[1]) == 7",
    ),
    _attack(
        "every capability to nobody",
        "import subprocess\nprint(end='', flush=True)\n"
        "look = 'for l in open(\"/proc/self/status\"):\\n if l[:3] == \"Cap\": assert not int(l.split()[1], 16), l'\n"
        "assert subprocess.run(['/usr/bin/python3', '-c', look]).returncode == 0 or not os.path.exists('/proc/self')",
    ),
    Hostile("stops and ends all others", "import os, signal\nfor s in (19, 9):\n try: os.kill(-1, s)\n except OSError: pass\nprint(3)", "correct", tests=3),
    Hostile("a sibling", "import ctypes, os\nif ctypes.CDLL(None).syscall(56, 0x8000 | 17, 0, 0, 0, 0) == 0:\n while True: pass\nprint(3)" , "correct", tests=3),
    Hostile("a child that tells nobody of its end", "import ctypes, os\nif ctypes.CDLL(None).syscall(56, 0, 0, 0, 0, 0) == 0: os._exit(0)\nprint(3)" , "correct", tests=3),
    Hostile("a forking flood that outlives it", "import os, sys\nif os.fork() == 0:\n while True:\n  try:\n   if os.fork(): os._exit(0)\n  except OSError: pass\nprint(3)", "correct", tests=3),
    Hostile("descriptors in flight", "import array, os, socket\nfor n in range(15):\n a, b = socket.socketpair()\n f = os.open(f'/tmp/{n}', 66)\n a.sendmsg([b'x'], [(1, 1, array.array('i', [f, a.fileno(), b.fileno()]))])\nprint(3)", "correct", tests=3),
    Hostile("a signal for init's every move", "import fcntl, os, signal, socket\na, b = socket.socketpair()\nfor s in (1, 2, 9, 15, 19):\n try:\n  fcntl.fcntl(a, fcntl.F_SETOWN, 1); fcntl.fcntl(a, 10, s); fcntl.fcntl(a, fcntl.F_SETFL, os.O_ASYNC)\n  b.send(b'x')\n except OSError: pass\nprint(3)", "correct", tests=3),
    Hostile("waits for the next test", "import os, time\nif os.fork() == 0:\n os.setsid()\n while True:\n  for p in range(2, 40):\n   try: os.kill(p, 9) if p not in (os.getpid(), os.getppid(), 2) else 0\n   except OSError: pass\nprint(3)", "correct", tests=3),
    Hostile("more for itself", "import resource\nresource.setrlimit(resource.RLIMIT_AS, (-1, -1))\nprint(3)", "runtime_error"),
    # the grader
    Hostile("leaves at once", "import os\nos._exit(0)", "incorrect"),
    Hostile("exits in peace", "import sys\nsys.exit(0)", "incorrect"),
    Hostile("the answer and an error", "print(3)\nexit(3)", "runtime_error"),
    Hostile("the answer and an exception at the end", "import atexit\nprint(3)\nraise ValueError", "runtime_error"),
    Hostile("an interrupt", "print(3)\nraise KeyboardInterrupt", "runtime_error"),
    Hostile("an odd exception", "print(3)\nraise GeneratorExit", "runtime_error"),
    Hostile("a message on exit", "print(3)\nraise SystemExit('3')", "runtime_error"),
    Hostile("the word correct", "print('correct')\nprint('passed')\nimport sys\nprint('passed', file=sys.stderr)", "incorrect"),
    Hostile("the answer and no end", "import time\nprint(3, flush=True)\ntime.sleep(99)", "time_limit"),
    Hostile("the answer and too many blanks", "print(3)\nprint(' ' * (2 << 20))", "output_limit"),
    Hostile("the answer twice", "import os\nprint(3)\nif os.fork(): os.wait()", "incorrect"),
    Hostile("another descriptor for stdout", "import os\nos.close(1)\nos.open('/tmp/out', os.O_WRONLY | os.O_CREAT)\nprint(3)", "incorrect", tests=2),
    Hostile("closes every descriptor", "import os\nprint(3)\nos.closerange(0, 1024)", "runtime_error"),
    Hostile("becomes a shell", "import os\nos.execv('/bin/sh', ['sh', '-c', 'read a b; echo $((a + b))'])", "correct", tests=2),
    Hostile("becomes what succeeds", "import os\nprint(3)\nos.execv('/bin/true', ['true'])", "incorrect"),
    Hostile("leaves from a trace", "import os, sys\nsys.settrace(lambda *a: os._exit(0))\ndef f(): print(3)\nf()", "incorrect"),
    Hostile("a profiler at the end", "import sys\ndef f(frame, event, arg):\n for name in ('exit_code', 'status', 'job'): frame.f_locals[name] = 0\nsys.setprofile(f)\nprint(4)", "incorrect"),
    Hostile("will not leave", "import os\nos._exit = lambda code: None\nprint(4, flush=True)", "incorrect runtime_error"),
    Hostile("leaves at exit", "import atexit, os\natexit.register(os._exit, 3)\nprint(3, flush=True)", "runtime_error"),
    Hostile("an error at exit", "import atexit\natexit.register(lambda: 1 / 0)\nprint(3)", "correct"),
    Hostile("leaves in a destructor", "import os\nclass D:\n def __del__(self): os._exit(0)\nd = D()\nsys = None", "incorrect"),
    Hostile("another print", "import builtins, sys\nbuiltins.print = sys.stdout.write = lambda *a: 1\nprint(3)", "incorrect"),
    Hostile("invalid UTF-8", "import os\nos.write(1, b'3\\xff')", "incorrect"),
    Hostile("a NUL", "print('3\\0')", "incorrect"),
    Hostile("nothing but numbers that are none", "print('nan')", "incorrect"),
    Hostile("another spelling", "print('1_0')", "incorrect"),
    Hostile("white space", "print('\\r\\n   3 \\t\\r\\n\\r\\n')", "correct"),
    Hostile("prints at exit", "import atexit\natexit.register(lambda: print(3))", "correct"),
    Hostile("prints from a thread", "import threading, time\nthreading.Thread(target=lambda: (time.sleep(.1), print(3))).start()", "correct"),
    Hostile("a file that nobody closes", "f = open(1, 'w')\nf.write('3')", "correct"),
    Hostile("a file in a list", "a = [open(1, 'w')]\na[0].write('3')", "correct"),
    Hostile("another stdout", "import sys, io, os\nsys.stdout = io.StringIO()\nprint(4)\nos.write(1, b'3')", "correct"),
    Hostile("closes stdout", "import sys\nprint(3)\nsys.stdout.close()", "correct"),
    Hostile("closes the descriptor", "import os\nprint(3)\nos.close(1)", "runtime_error"),
    Hostile(
        "looks for the answer",
        "import gc, sys\nfound = set()\nframe = sys._getframe()\nwhile frame:\n found |= {v for v in frame.f_locals.values() if isinstance(v, (str, bytes))}\n"
        " found |= {v for v in frame.f_globals.values() if isinstance(v, (str, bytes))}\n frame = frame.f_back\n"
        "for o in gc.get_objects():\n if isinstance(o, dict): found |= {v for v in o.values() if isinstance(v, (str, bytes))}\n"
        "found = {v if isinstance(v, str) else v.decode('latin-1') for v in found}\n"
        "print(next((v for v in found if v.strip() == str(1 + 2)), 'nothing'))",
        "incorrect",
    ),
    Hostile(
        "speaks for the supervisor",
        "import sys\nframe = sys._getframe()\nwhile frame:\n for v in list(frame.f_locals.values()):\n"
        "  if hasattr(v, 'channel'):\n   try: v.channel.sendall(b'r' + bytes(80))\n   except OSError: pass\n"
        "   v.isolated = False\n frame = frame.f_back\nprint(4)",
        "incorrect",
        tests=2,
    ),
    Hostile(
        "patches everything",
        "import builtins, sys, os, marshal\nfor m in list(sys.modules.values()):\n for n in ('loads', 'dumps', 'send', 'failure', 'same_tokens'):\n"
        "  if hasattr(m, n): setattr(m, n, lambda *a, **k: True)\nos._exit = lambda *a: None\nprint(4)",
        "incorrect runtime_error",
        tests=2,
    ),
    # C++
    Hostile("C++ that is right", CPP + "int main(){int a,b;cin>>a>>b;cout<<a+b;}", "correct", 2, "cpp"),
    Hostile("C++ without an end to its stack", CPP + "int f(int x){volatile char a[4096];a[0]=x;return f(x+1)+a[0];}int main(){return f(0);}", "runtime_error memory_limit", 1, "cpp"),
    Hostile("C++ that takes it all", CPP + "int main(){vector<char*>v;for(;;){v.push_back(new char[1<<20]);memset(v.back(),1,1<<20);}}", "memory_limit time_limit", 1, "cpp"),
    Hostile("C++ with a huge array", CPP + "char a[2000000000];int main(){memset(a,1,sizeof a);cout<<3;}", "memory_limit runtime_error", 1, "cpp"),
    Hostile("C++ that recurses far, rightly", CPP + "int f(int x){volatile char a[1000];a[0]=1;return x?f(x-1)+a[0]:3;}int main(){cout<<f(60000)-60000;}", "correct", 1, "cpp"),
    Hostile("C++ that includes a secret", '#include "/etc/shadow"\nint main(){}', "compile_error", 1, "cpp"),
    Hostile("C++ that includes a flood", '#include "/dev/zero"\nint main(){}', "compile_error", 1, "cpp"),
    Hostile("C++ that divides by zero", CPP + "int main(){int a,b;cin>>a>>b;cout<<3<<endl;cout<<a/(b-2);}", "runtime_error", 1, "cpp"),
]  # fmt: skip
