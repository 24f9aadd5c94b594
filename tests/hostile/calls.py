"""Hostile functions: each should add two numbers, as `tests` says, and is judged by calls from another jail."""

# ruff: noqa: E501 (one program a line)

from tests.hostile.stdio import Hostile

TESTS = """
def check(candidate):
    assert candidate(1, 2) == 3
    assert candidate(-1, 1) == 0
    assert candidate(helper(2), 2) == 42
    assert [candidate(n, n) for n in range(20)] == [2 * n for n in range(20)]
    assert all(map(lambda n: candidate(n, -n) == 0, range(5, 9)))
"""
PROMPT = 'def helper(x):\n    return x * 20\n\ndef add(a, b):\n    """Add a and b."""\n'

FUNCTIONS = [
    Hostile("adds", "def add(a, b): return a + b", "correct"),
    Hostile("adds floats", "def add(a, b): return float(a + b)", "correct"),
    Hostile("adds and prints", "def add(a, b):\n print('x' * 1000)\n return a + b", "correct"),
    Hostile("adds and leaves a daemon", "import os\nif os.fork() == 0:\n while True: pass\ndef add(a, b): return a + b", "correct"),
    Hostile("equal to everything", "class E:\n def __eq__(self, o): return True\ndef add(a, b): return E()", "incorrect"),
    Hostile("an int equal to everything", "class E(int):\n def __eq__(self, o): return True\n def __index__(self): return 3\ndef add(a, b): return E(3)", "incorrect"),
    Hostile("a float equal to everything", "class E(float):\n def __eq__(self, o): return True\ndef add(a, b): return E(3)", "incorrect"),
    Hostile("a list equal to everything", "class E(list):\n def __eq__(self, o): return True\ndef add(a, b): return E([1])", "incorrect"),
    Hostile("nothing", "def add(a, b): pass", "incorrect"),
    Hostile("a mock", "from unittest.mock import MagicMock\ndef add(a, b): return MagicMock()", "incorrect"),
    Hostile("ends in the function", "import os\ndef add(a, b): os._exit(0)", "runtime_error"),
    Hostile("exits in the function", "def add(a, b): exit(0)", "runtime_error"),
    Hostile("exits on import", "import sys\ndef add(a, b): return 3\nsys.exit(0)", "runtime_error"),
    Hostile("ends on import", "import os\ndef add(a, b): return 3\nos._exit(0)", "runtime_error"),
    Hostile("ends on deletion", "import os\nclass D:\n def __del__(self): os._exit(0)\ndef add(a, b):\n d = D()\n return 3", "runtime_error"),
    Hostile("raises", "def add(a, b): raise ValueError", "runtime_error"),
    Hostile("raises an interrupt", "def add(a, b): raise KeyboardInterrupt", "runtime_error"),
    Hostile("asserts falsely", "def add(a, b): assert False", "runtime_error incorrect"),
    Hostile("is not there", "def plus(a, b): return a + b", "runtime_error"),
    Hostile("is not Python", "def add(a, b) return a + b", "compile_error"),
    Hostile("never ends", "def add(a, b):\n while True: pass", "time_limit"),
    Hostile("never begins", "while True: pass", "time_limit"),
    Hostile("sleeps in the function", "import time\ndef add(a, b): time.sleep(99)", "time_limit"),
    Hostile("takes it all", "def add(a, b):\n x = []\n while True: x.append(bytearray(1 << 20))", "memory_limit"),
    Hostile("floods", "def add(a, b):\n while True: print('x' * 65536)", "output_limit"),
    Hostile("returns too much", "def add(a, b): return [0] * 10 ** 7", "runtime_error memory_limit"),
    Hostile("returns itself", "def add(a, b):\n x = []\n x.append(x)\n return x", "incorrect"),
    Hostile("iterates for ever", "import itertools\ndef add(a, b): return itertools.count()", "incorrect"),
    Hostile("another check", "def check(candidate): pass\ndef helper(x): return 1\ndef add(a, b): return 3\nassert True", "incorrect"),
    Hostile("another assertion", "import builtins\nbuiltins.AssertionError = Exception\nbuiltins.int = None\ndef add(a, b): return 4", "incorrect runtime_error"),
    Hostile("a reply of its own", "import os, struct\nfrom verifiers.sandbox.inside.codec import Parts, encode\nr = encode(Parts(('=', 3, Parts(), '')))\nos.write(4, (struct.pack('=I', len(r)) + r) * 30)\ndef add(a, b): return a + b", "incorrect"),
    Hostile("a reply that is garbage", "import os\nos.write(4, b'\\x08\\0\\0\\0garbage!')\ndef add(a, b): return a + b", "runtime_error"),
    Hostile("a reply without an end", "import os\nos.write(4, b'\\xff\\xff\\xff\\xff')\ndef add(a, b): return a + b", "runtime_error"),
    Hostile("hangs up", "import os\nos.close(3); os.close(4)\ndef add(a, b): return a + b", "runtime_error"),
    Hostile("passes on paper", "import os\nos.write(1, b'passed ')\nos.write(2, b'passed ')\nos._exit(0)", "runtime_error"),
    Hostile("looks for the answers", "import gc, os\ndef add(a, b):\n for o in gc.get_objects():\n  if isinstance(o, dict) and ('check' in o or 'candidate' in o): return a + b\n return -7", "incorrect"),
    Hostile("reads the tests' process", "import os\ndef add(a, b):\n for p in os.listdir('/proc'):\n  if p.isdigit() and int(p) not in (1, os.getpid()): return a + b\n return -7", "incorrect"),
    Hostile("counts and leaves", "import os\nn = 0\ndef add(a, b):\n global n\n n += 1\n if n > 3: os._exit(0)\n return a + b", "runtime_error"),
    Hostile("counts and exits", "n = 0\ndef add(a, b):\n global n\n n += 1\n if n > 3: raise SystemExit(0)\n return a + b", "runtime_error"),
    Hostile("says that it is an int", "class E:\n __class__ = int\n def __eq__(self, o): return True\n def __hash__(self): return 3\n def __index__(self): return 3\ndef add(a, b): return E()", "incorrect"),
    Hostile("a class of classes", "class M(type):\n def __subclasscheck__(c, o): return True\n def __instancecheck__(c, o): return True\n def __eq__(c, o): return True\n def __hash__(c): return 0\nclass E(metaclass=M): pass\ndef add(a, b): return E", "incorrect"),
    Hostile("a value that runs when it is unpacked", "import os\nclass E:\n def __reduce__(self): return os._exit, (0,)\ndef add(a, b): return E()", "incorrect"),
    Hostile("a tuple of its own", "class E(tuple):\n def __eq__(self, o): return True\n def __iter__(self): return iter([3])\ndef add(a, b): return E()", "incorrect"),
    Hostile("raises what ends a loop", "def add(a, b): raise StopIteration", "runtime_error"),
    Hostile("raises what ends a generator", "def add(a, b): raise GeneratorExit", "runtime_error"),
    Hostile("raises an exit", "def add(a, b): raise SystemExit(0)", "runtime_error"),
    Hostile("a range without an end", "def add(a, b): return range(10 ** 18)", "incorrect"),
    Hostile("a reply that never comes", "import os, time\nos.write(4, b'\\xff\\0\\0\\0abc')\ndef add(a, b): time.sleep(99)", "time_limit"),
    Hostile("a flood of replies", "import os\ndef add(a, b):\n while True: os.write(4, bytes(65536))", "runtime_error time_limit"),
    Hostile("another codec", "import sys\npeer = sys.modules['verifiers.sandbox.inside.peer']\nencode = peer.encode\npeer.encode = lambda *v: encode(peer.Parts(('=', 3, peer.Parts(), '')))\ndef add(a, b): return a + b", "incorrect"),
    Hostile("prints the verdict from a thread", "import os, threading\ndef f():\n while True: os.write(1, b'passed ')\nthreading.Thread(target=f, daemon=True).start()\ndef add(a, b): return 4", "incorrect output_limit"),
    Hostile("a daemon that answers", "import os, struct\nfrom verifiers.sandbox.inside.codec import Parts, encode\ndef add(a, b):\n if os.fork() == 0:\n  r = encode(Parts(('=', a + b + 1, Parts(), '')))\n  os.write(4, struct.pack('=I', len(r)) + r)\n  os._exit(0)\n os.wait()\n return a + b", "incorrect"),
    Hostile("trusts its arguments", "def add(a, b):\n import sys\n frame = sys._getframe()\n while frame:\n  if any(v == 42 for v in frame.f_locals.values() if type(v) is int): return a + b\n  frame = frame.f_back\n return 0", "incorrect"),
    Hostile("adds and interrupts init", "import os\nos.kill(1, 2)\ndef add(a, b):\n os.kill(1, 2)\n return a + b", "correct"),
    Hostile("interrupts init and is wrong", "import os\ndef add(a, b):\n os.kill(1, 2)\n return 7", "incorrect"),
    Hostile("ends the tests' loop", "def add(a, b):\n if a > 4 and a + b == 0: raise StopIteration\n return a + b", "runtime_error"),
    Hostile("asks for ever", "from verifiers.sandbox.inside.stand_ins import peer\ndef add(a, b):\n while True:\n  try: peer.ask('call', 0, (1,))\n  except Exception: pass", "runtime_error"),
    Hostile("asks for the tests' names", "from verifiers.sandbox.inside.stand_ins import peer\ndef add(a, b):\n for what in (('names', None, (['check'], [], False)), ('get', 'check', ('__globals__',)), ('get', 'add', ('calls',)), ('get', 0, ('f',)), ('apply', -1, ('dir',))):\n  try: return peer.ask(*what)\n  except Exception: pass\n return a + b + 1", "runtime_error"),
    Hostile("changes what nobody gave", "from verifiers.sandbox.inside.stand_ins import peer\nfrom verifiers.sandbox.inside.codec import Parts\npeer.shared.changes = lambda: Parts([Parts((n, Parts((1,)))) for n in (0, 5, -1)])\ndef add(a, b): return 3", "runtime_error"),
    Hostile("a class of its own numbers", "from verifiers.sandbox.inside import calls\nfrom verifiers.sandbox.inside.codec import Parts\ncalls.describe = lambda v: Parts(('object', 0, None, None, 3))\ndef add(a, b): return object()", "runtime_error"),
    Hostile("a builtin of the tests'", "from verifiers.sandbox.inside import calls\nfrom verifiers.sandbox.inside.codec import Parts\ncalls.describe = lambda v: Parts(('builtin', 'os', '_exit'))\ndef add(a, b): return object()", "runtime_error"),
    Hostile("a class that is no class", "from verifiers.sandbox.inside import calls\nfrom verifiers.sandbox.inside.codec import Parts\ncalls.describe = lambda v: Parts(('class', 7, 'E', 'm', Parts((3,)), Parts(())))\ndef add(a, b): return object()", "runtime_error"),
    Hostile("an exception that is none", "from verifiers.sandbox.inside import calls\nfrom verifiers.sandbox.inside.codec import Parts\ncalls.describe = lambda v: Parts(('exception', 7, None, Parts(()), '', {}))\ndef add(a, b): raise ValueError", "runtime_error"),
    Hostile("raises a skip", "import unittest\ndef add(a, b): raise unittest.SkipTest('so')", "runtime_error"),
    Hostile("raises what has no text", "class E(Exception):\n def __str__(self): raise E\n __repr__ = __str__\ndef add(a, b): raise E(E)", "runtime_error"),
    Hostile("raises what says too much", "def add(a, b): raise ValueError('x' * 10 ** 8)", "runtime_error memory_limit"),
    Hostile("raises what holds itself", "def add(a, b):\n e = ValueError()\n e.args = (e, [e])\n e.__cause__ = e\n raise e", "runtime_error"),
    Hostile("a class that lies of its hash", "class E:\n def __hash__(self): return 3\n def __eq__(self, o): return True\n def __ne__(self, o): return False\ndef add(a, b): return E()", "incorrect"),
    Hostile("a number that computes", "class E(float):\n def __sub__(self, o): return 0.0\n __rsub__ = __add__ = __radd__ = __sub__\n def __eq__(self, o): return True\ndef add(a, b): return E(7)", "incorrect"),
    Hostile("a hundred thousand deep", "def add(a, b):\n x = 3\n for _ in range(10 ** 5): x = [x]\n return x", "runtime_error"),
    Hostile("a tuple that holds itself", "def add(a, b):\n x = []\n t = (x,)\n x.append(t)\n return t", "incorrect runtime_error"),
    Hostile("ten thousand objects", "def add(a, b): return [object() for _ in range(10 ** 4)]", "incorrect"),
    Hostile("a thousand classes", "def add(a, b): return [type('E', (), {})() for _ in range(10 ** 3)]", "incorrect"),
    Hostile("a metaclass that runs", "class M(type):\n def mro(c): return [c, *type.mro(c)[1:]]\n def __getattribute__(c, n): raise ValueError\nclass E(metaclass=M): pass\ndef add(a, b): return E()", "incorrect runtime_error"),
    Hostile("another limit of recursion", "import sys\nsys.setrecursionlimit(60)\ndef add(a, b): return add(a, b)", "runtime_error"),
    Hostile("an answer of the answer", "class E:\n def __getattr__(self, n): return E()\n def __call__(self, *a): return E()\n def __bool__(self): return True\ndef add(a, b): return E()", "incorrect"),
]  # fmt: skip
