"""Right programs pass whatever kinds of values, objects and calls their tests need; wrong ones fail by the same tests."""

# ruff: noqa: E501 (one program a line)

import json
from pathlib import Path

import pytest

from tests.test_programs import needs_bwrap
from verifiers.benchmarks.humaneval import HUMANEVAL
from verifiers.outcome import Outcome
from verifiers.verifier import Judgement, Problem

CASES = Path(__file__).parents[1].parent / "shared" / "cases" / "programs"
POINT = "class Point:\n    def __init__(self, x, y):\n        self.x, self.y = x, y\n"
SHAPES = "from dataclasses import dataclass\n@dataclass\nclass P:\n    x: int\n    y: int = 0\n    def far(self): return self.x ** 2\n"
NODE = "class Node:\n    def __init__(self, value, next=None):\n        self.value, self.next = value, next\n"
VECTOR = """
class Vector:
    def __init__(self, *xs): self.xs = xs
    def __add__(self, other): return Vector(*(a + b for a, b in zip(self.xs, other.xs)))
    def __mul__(self, k): return Vector(*(k * x for x in self.xs))
    __rmul__ = __mul__
    def __neg__(self): return self * -1
    def __eq__(self, other): return isinstance(other, Vector) and self.xs == other.xs
    def __hash__(self): return hash(self.xs)
    def __len__(self): return len(self.xs)
    def __iter__(self): return iter(self.xs)
    def __getitem__(self, i): return self.xs[i]
    def __contains__(self, x): return x in self.xs
    def __repr__(self): return f"Vector{self.xs}"
    def __lt__(self, other): return self.xs < other.xs
    def __abs__(self): return sum(x * x for x in self.xs) ** 0.5
    def __bool__(self): return any(self.xs)
    def __call__(self, x): return x in self.xs
    def __enter__(self): return self
    def __exit__(self, kind, error, trace): return kind is KeyError
"""


def problem(test: str, prompt: str = "", name: str = "f") -> Problem:
    return Problem("p", {"prompt": prompt + f"def {name}(x):\n", "entry_point": name, "test": test})


def judged(test: str, program: str, prompt: str = "", name: str = "f") -> Judgement:
    found = HUMANEVAL.verifiers[0].check(problem(test, prompt, name), f"```python\n{program}\n```").judgement
    return found


def checks(*lines: str) -> str:
    return "def check(candidate):\n" + "".join(f"    {line}\n" for line in "\n".join(lines).splitlines())


RIGHT = {
    # changes of arguments
    "a list in place": ("def f(x): x.append(4)", "x = [1]; candidate(x); assert x == [1, 4]"),
    "a list within a list": ("def f(x): x[0].reverse()", "y = [1, 2]; candidate([y]); assert y == [2, 1]"),
    "a dict in place": ("def f(x): x.pop('a'); x['c'] = [1]", "x = {'a': 1}; candidate(x); assert x == {'c': [1]}"),
    "a set in place": ("def f(x): x.discard(1)", "x = {1, 2}; candidate(x); assert x == {2}"),
    "a matrix in place": ("def f(x):\n for r in x: r[:] = [0] * len(r)", "m = [[1, 2], [3]]; candidate(m); assert m == [[0, 0], [0]]"),
    "a bytearray in place": ("def f(x): x[0] = 66", "b = bytearray(b'A'); candidate(b); assert b == b'B'"),
    "a deque in place": ("def f(x): x.rotate(1)", "from collections import deque\nd = deque([1, 2, 3], 3); candidate(d); assert list(d) == [3, 1, 2]"),
    "a change before it raises": ("def f(x): x.append(1); raise KeyError", "x = []\ntry: candidate(x)\nexcept KeyError: pass\nassert x == [1]"),
    "the argument itself": ("def f(x): return x", "for x in ([1], (1, 2), {'a': 1}, {3}): assert candidate(x) is x"),
    "a part of the argument": ("def f(x): return x[0]", "y = [1]; assert candidate([y]) is y"),
    "a copy of the argument": ("def f(x): return list(x)", "x = [1]; y = candidate(x); assert y == x and y is not x"),
    "one argument twice": ("def f(a, b): a.append(1); return b", "x = []; assert candidate(x, x) == [1] and x == [1]"),
    "a row twice": ("def f(x): x[0][0] = 1", "r = [0]; m = [r, r]; candidate(m); assert m == [[1], [1]] and m[0] is m[1]"),
    # functions
    "a function in": ("def f(g, xs): return [g(x) for x in xs]", "assert candidate(lambda y: y * 2, [1, 2]) == [2, 4]"),
    "a builtin in": ("def f(g): return g is len and g([1, 2])", "assert candidate(len) == 2"),
    "a method in": ("def f(g): g(1); g(2)", "seen = []; candidate(seen.append); assert seen == [1, 2]"),
    "a function that raises in": ("def f(g):\n try: g()\n except ValueError as e: return str(e)", "def g(): raise ValueError('no')\nassert candidate(g) == 'no'"),
    "an exception through": ("def f(g): return g()", "class Own(Exception): pass\ndef g(): raise Own('x')\ntry: candidate(g); assert False\nexcept Own as e: assert str(e) == 'x'"),
    "a mock in": ("def f(g): g(3, k=4)", "from unittest.mock import Mock\nm = Mock(); candidate(m); m.assert_called_once_with(3, k=4)"),
    "a recursion through both": ("def f(g):\n memo = {}\n def call(n):\n  if n not in memo: memo[n] = g(n)\n  return memo[n]\n return call", "fib = candidate(lambda n: n if n < 2 else fib(n - 1) + fib(n - 2)); assert fib(60) == 1548008755920"),
    "a change by a function in": ("def f(g):\n x = [1]\n g(x)\n return x", "assert candidate(lambda x: x.append(2)) == [1, 2]"),
    "a closure out": ("def f(n):\n def g(m, k=0): return n + m + k\n return g", "assert candidate(1)(2) == 3 and candidate(1)(2, k=3) == 6 and callable(candidate(1))"),
    "a counter out": ("def f():\n n = 0\n def g():\n  nonlocal n\n  n += 1\n  return n\n return g", "g = candidate(); h = candidate(); assert [g(), g(), h()] == [1, 2, 1]"),
    "a decorator": ("import functools\ndef f(g):\n @functools.wraps(g)\n def h(*a):\n  h.calls += 1\n  return g(*a) + 1\n h.calls = 0\n return h", "@candidate\ndef one(): return 1\nassert one() == 2 and one.calls == 1 and one.__name__ == 'one'"),
    "functions composed": ("def f(*gs):\n def h(x):\n  for g in gs: x = g(x)\n  return x\n return h", "assert candidate(str, lambda s: s + '!', len)(12) == 3"),
    "a cached function": ("import functools\n@functools.lru_cache\ndef f(n): return n", "candidate(1); candidate(1); assert candidate.cache_info().hits == 1"),
    # objects
    "an object's attributes": (POINT + "def f(x): return Point(x, [1])", "p = candidate(2); assert p.x == 2 and p.y == [1]; p.x = 5; assert p.x == 5 and not hasattr(p, 'z')"),
    "a dataclass": (SHAPES + "def f(x): return P(x)", "p = candidate(3); assert (p.x, p.y, p.far()) == (3, 0, 9) and repr(p) == 'P(x=3, y=0)' and p == candidate(3) and p != candidate(4)"),
    "a named tuple": ("from typing import NamedTuple\nclass P(NamedTuple):\n x: int\n y: int\n def s(self): return self.x + self.y\ndef f(x): return P(x, 1)", "p = candidate(2); assert p.x == 2 and p == (2, 1) and p.s() == 3 and p._asdict() == {'x': 2, 'y': 1}; a, b = p; assert isinstance(p, tuple)"),
    "an enum": ("from enum import Enum\nclass C(Enum):\n A = 1\n B = 2\ndef f(x): return C(x)", "assert candidate(1) is C.A and candidate(2) == C.B and candidate(1).name == 'A' and candidate(1).value == 1 and [c.name for c in C] == ['A', 'B'] and len(C) == 2 and C['A'] is C.A"),
    "an IntEnum": ("from enum import IntEnum\nclass C(IntEnum):\n A = 1\ndef f(x): return C(x)", "assert candidate(1) == 1 and candidate(1) is C.A and candidate(1) + 1 == 2"),
    "a stack that is a list": ("class S(list):\n def push(self, x): self.append(x)\ndef f(): return S()", "s = candidate(); s.push(1); s.append(2); assert s == [1, 2] and len(s) == 2 and isinstance(s, list) and s.pop() == 2 and [1] == s"),
    "operators": (VECTOR + "f = Vector", "v = Vector(1, 2); w = Vector(3, 4); assert v + w == Vector(4, 6) and v * 3 == Vector(3, 6) == 3 * v and -v == Vector(-1, -2) and v != w and v < w and abs(w) == 5.0"),
    "special methods": (VECTOR + "f = Vector", "v = Vector(1, 2); assert len(v) == 2 and list(v) == [1, 2] and v[1] == 2 and 2 in v and 3 not in v and str(v) == 'Vector(1, 2)' and v(2) and not Vector(0) and hash(v) == hash(Vector(1, 2)) and len({v, Vector(1, 2)}) == 1"),
    "a with": (VECTOR + "f = Vector", "with Vector(1) as v: assert v[0] == 1\nwith Vector(1): raise KeyError"),
    "inheritance": ("class A:\n kind = 'a'\n def who(self): return self.kind\nclass B(A):\n kind = 'b'\ndef f(): return B()", "b = candidate(); assert isinstance(b, A) and isinstance(b, B) and issubclass(B, A) and b.who() == 'b' and B.kind == 'b' and type(b) is B and type(b).__name__ == 'B'"),
    "properties and static methods": ("class T:\n def __init__(self, c): self._c = c\n @property\n def f(self): return self._c * 2\n @f.setter\n def f(self, v):\n  if v < 0: raise ValueError('low')\n  self._c = v / 2\n @staticmethod\n def s(x): return x + 1\n @classmethod\n def make(cls): return cls(3)\nf = T", "t = T(2); assert t.f == 4; t.f = 10; assert t._c == 5 and T.s(1) == 2 and T.make().f == 6\ntry: t.f = -1; assert False\nexcept ValueError as e: assert str(e) == 'low'"),
    "what an object was given": ("class A:\n def __init__(self, xs): self.xs = xs\n def add(self, x): self.xs.append(x)\n def all(self): return list(self.xs)\nf = A", "xs = [1]; a = A(xs); a.add(2); assert xs == [1, 2]; xs.append(3); assert a.all() == [1, 2, 3]; a.xs.append(4); assert a.all() == [1, 2, 3, 4]"),
    "a fluent object": ("class B:\n def __init__(self): self.xs = []\n def add(self, x): self.xs.append(x); return self\ndef f(): return B()", "b = candidate(); assert b.add(1) is b and b.add(2).add(3).xs == [1, 2, 3]"),
    "a deep copy": (POINT + "def f(x): return Point(x, [1])", "import copy\np = candidate(1); q = copy.deepcopy(p); q.x = 2; assert p.x == 1 and q.x == 2"),
    "another function and a constant": ("LIMIT = 7\ndef helper(x): return x + LIMIT\ndef f(x): return helper(x)", "assert helper(1) == candidate(1) == 1 + LIMIT"),
    "a tests' object in": ("def f(x):\n x.n += 1\n return x.double(), len(x), [*x], x[0]", "class T:\n  n = 1\n  def double(self): return 2 * self.n\n  def __len__(self): return 5\n  def __iter__(self): return iter([1])\n  def __getitem__(self, i): return i\nt = T(); assert candidate(t) == (4, 5, [1], 0) and t.n == 2"),
    "a file in": ("def f(x): x.write(x.read().upper())", "import io\ns = io.StringIO('ab'); candidate(s); assert s.getvalue() == 'abAB'"),
    # exceptions
    "a message and its arguments": ("def f(x): raise ValueError('bad', x)", "try: candidate(3); assert False\nexcept ValueError as e: assert e.args == ('bad', 3)"),
    "an exception of its own": ("class E(ValueError):\n def __init__(self, code):\n  super().__init__(f'code {code}')\n  self.code = code\n def twice(self): return 2 * self.code\ndef f(x): raise E(x)", "try: candidate(3); assert False\nexcept E as e: assert str(e) == 'code 3' and e.code == 3 and e.twice() == 6\ntry: candidate(4); assert False\nexcept ValueError as e: assert type(e).__name__ == 'E'"),
    "an exception with a text of its own": ("class E(Exception):\n def __str__(self): return 'so'\ndef f(): raise E(1)", "try: candidate()\nexcept Exception as e: assert str(e) == 'so' and isinstance(e, E)"),
    "an exception of a module": ("import json\ndef f(x): return json.loads(x)", "import json\ntry: candidate('{'); assert False\nexcept json.JSONDecodeError as e: assert 'Expecting' in str(e)"),
    "an exit": ("import sys\ndef f(x): sys.exit(x)", "try: candidate(3); assert False\nexcept SystemExit as e: assert e.code == 3"),
    "a key error": ("def f(x): return {}[x]", "try: candidate('k'); assert False\nexcept LookupError as e: assert e.args[0] == 'k' and str(e) == \"'k'\""),
    "a system error": ("def f(x): open(x)", "try: candidate('/none'); assert False\nexcept FileNotFoundError as e: assert e.errno == 2"),
    # values
    "Decimal": ("from decimal import Decimal\ndef f(x): return [Decimal(x), x]", "from decimal import Decimal\nassert candidate(Decimal('0.10')) == [Decimal('0.10')] * 2 and type(candidate('1')[0]) is Decimal"),
    "Fraction": ("from fractions import Fraction\ndef f(x): return Fraction(1, 3) + x", "from fractions import Fraction\nassert candidate(Fraction(1, 3)) == Fraction(2, 3)"),
    "times": ("from datetime import *\ndef f(x): return x + timedelta(days=1), x.date(), x.time(), x - x", "from datetime import date, datetime, time, timedelta, timezone\nx = datetime(2020, 2, 28, 1, tzinfo=timezone.utc); assert candidate(x) == (datetime(2020, 2, 29, 1, tzinfo=timezone.utc), date(2020, 2, 28), time(1), timedelta(0))"),
    "collections": ("from collections import *\ndef f(x): return Counter(x), deque(x, 2), OrderedDict.fromkeys(x), defaultdict(list, {1: [x]})", "from collections import Counter, defaultdict, deque\nc, d, o, e = candidate('aab'); assert c == Counter('aab') and c.most_common(1) == [('a', 2)] and d == deque('ab') and d.maxlen == 2 and list(o) == ['a', 'b'] and e[2] == [] and e[1] == ['aab'] and type(e) is defaultdict"),
    "a defaultdict of a function": ("from collections import defaultdict\ndef f(): return defaultdict(lambda: 7, a=1)", "d = candidate(); assert d == {'a': 1} and d['b'] == 7"),
    "bytes and arrays": ("import array, uuid\ndef f(x): return bytes(x), bytearray(x), array.array('i', x), uuid.UUID(int=1), slice(1), ..., 1j", "import array, uuid\nassert candidate([1, 2]) == (b'\\1\\2', bytearray(b'\\1\\2'), array.array('i', [1, 2]), uuid.UUID(int=1), slice(1), ..., 1j)"),
    "views of a dict": ("def f(x): return x.keys(), x.values(), x.items()", "k, v, i = candidate({'a': 1}); assert k == {'a'} and list(v) == [1] and i == {('a', 1)} and sorted(k) == ['a']"),
    "depth": ("def f(n):\n x = None\n for i in range(n): x = [x]\n return x", "x = candidate(1500); n = 0\nwhile x: x = x[0]; n += 1\nassert n == 1500\ny = None\nfor i in range(3000): y = [y]\nassert candidate(3000) == y"),
    "a list that holds itself": ("def f(x): x.append(x); return x", "x = [1]; y = candidate(x); assert y is x and y[1] is y"),
    "many values": ("def f(n): return list(range(n)), 'a' * n, {str(i): i for i in range(n)}", "a, b, c = candidate(20000); assert len(a) == len(b) == len(c) == 20000 and c['9'] == 9"),
    "a huge number": ("def f(n): return 3 ** n", "assert candidate(20000) == 3 ** 20000"),
    # iterators and coroutines
    "a generator": ("def f():\n n = 0\n while True:\n  n += 1\n  yield n", "from itertools import islice\nimport types\ng = candidate(); assert list(islice(g, 3)) == [1, 2, 3] and next(g) == 4 and isinstance(g, types.GeneratorType); g.close()"),
    "a generator that is sent to": ("def f():\n x = 0\n while True:\n  try: x = yield x * 2\n  except ValueError: x = 7\n  if x is None: return", "g = candidate(); assert next(g) == 0 and g.send(4) == 8 and g.throw(ValueError) == 14\ntry: next(g); assert False\nexcept StopIteration: pass"),
    "a lazy generator": ("log = []\ndef f(xs):\n for x in xs:\n  log.append(x)\n  yield x\ndef seen(): return log", "g = candidate([1, 2, 3]); assert seen() == []; next(g); assert seen() == [1]"),
    "iterators": ("def f(xs): return map(str, xs), zip(xs, xs), (x for x in xs), reversed(xs), iter(xs), enumerate(xs)", "assert [list(each) for each in candidate([1, 2])] == [['1', '2'], [(1, 1), (2, 2)], [1, 2], [2, 1], [1, 2], [(0, 1), (1, 2)]]"),
    "an iterator of its own": ("class I:\n def __init__(self, n): self.n = n\n def __iter__(self): return self\n def __next__(self):\n  if not self.n: raise StopIteration\n  self.n -= 1\n  return self.n\ndef f(n): return I(n)", "assert list(candidate(3)) == [2, 1, 0] and max(candidate(3)) == 2 and dict(zip('ab', candidate(2))) == {'a': 1, 'b': 0}"),
    "an iterator in": ("def f(it): return next(it), list(it)", "def g():\n  yield 1\n  yield 2\n  yield 3\nassert candidate(g()) == (1, [2, 3]) and candidate(iter([1, 2])) == (1, [2]) and candidate(map(abs, [-1])) == (1, [])"),
    "a coroutine": ("import asyncio\nasync def f(x):\n await asyncio.sleep(0.001)\n if x < 0: raise ValueError('neg')\n return x + 1", "import asyncio\nasync def go(): return await asyncio.gather(candidate(1), candidate(2))\nassert asyncio.run(go()) == [2, 3] and asyncio.run(candidate(3)) == 4\ntry: asyncio.run(candidate(-1)); assert False\nexcept ValueError as e: assert str(e) == 'neg'"),
    "a coroutine function in": ("async def f(g): return await g(2) + 1", "import asyncio\nasync def g(x): return 2 * x\nassert asyncio.run(candidate(g)) == 5"),
    "an asynchronous generator": ("async def f(n):\n for i in range(n): yield i", "import asyncio\nasync def go(): return [x async for x in candidate(3)]\nassert asyncio.run(go()) == [0, 1, 2]"),
    "an asynchronous with": ("class A:\n async def __aenter__(self): return 1\n async def __aexit__(self, *_): pass\ndef f(): return A()", "import asyncio\nasync def go():\n  async with candidate() as x: return x\nassert asyncio.run(go()) == 1"),
    # printing
    "a print": ("def f(x): print('a', x, sep='-')", "import io, sys\nold = sys.stdout; sys.stdout = io.StringIO(); candidate(1); text = sys.stdout.getvalue(); sys.stdout = old; assert text == 'a-1\\n'"),
    "prints in their order": ("def f(g):\n print(1)\n g()\n print(3)", "import io, contextlib\nwith contextlib.redirect_stdout(io.StringIO()) as b: candidate(lambda: print(2))\nassert b.getvalue().split() == ['1', '2', '3']"),
    "writes below print": ("import os, sys\nw = sys.stdout.write\ndef f():\n w('a')\n sys.stdout.flush()\n os.write(1, b'b')", "import io, contextlib\nwith contextlib.redirect_stdout(io.StringIO()) as b: candidate()\nassert b.getvalue() == 'ab'"),
    "no print": ("print('on import')\ndef f(): return 1", "import io, contextlib\nwith contextlib.redirect_stdout(io.StringIO()) as b: candidate()\nassert b.getvalue() == ''"),
    # what was lost on the way
    'decorator args': ('import functools\ndef f(n):\n def deco(g):\n  @functools.wraps(g)\n  def w(*a, **k): return [g(*a, **k) for _ in range(n)]\n  return w\n return deco', "@candidate(3)\ndef hi(x, y=1): 'doc'; return x + y\nassert hi(1, y=4) == [5] * 3 and hi.__name__ == 'hi' and hi.__doc__ == 'doc'"),
    'contextmanager': ("from contextlib import contextmanager\n@contextmanager\ndef f(log):\n log.append('in')\n try: yield 5\n except KeyError: log.append('key')\n finally: log.append('out')", "log = []\nwith candidate(log) as x: assert x == 5\nassert log == ['in', 'out']\nwith candidate(log): raise KeyError\nassert log == ['in', 'out', 'in', 'key', 'out']"),
    'raise from': ("def f(x):\n try: {}[x]\n except KeyError as e: raise ValueError('v') from e", 'try: candidate(1); assert 0\nexcept ValueError as e: assert isinstance(e.__cause__, KeyError)'),
    'notes': ("def f():\n e = ValueError('x'); e.add_note('n'); raise e", "try: candidate()\nexcept ValueError as e: assert e.__notes__ == ['n']"),
    'zoneinfo': ('from zoneinfo import ZoneInfo\nfrom datetime import datetime\ndef f(z): return datetime(2020, 7, 1, 12, tzinfo=ZoneInfo(z))', "from datetime import datetime, timezone\nr = candidate('UTC'); assert r == datetime(2020, 7, 1, 12, tzinfo=timezone.utc) and r.utcoffset().total_seconds() == 0"),
    'tzinfo own': ("from datetime import *\nclass Z(tzinfo):\n def utcoffset(s, d): return timedelta(hours=1)\n def dst(s, d): return timedelta(0)\n def tzname(s, d): return 'Z'\ndef f(): return datetime(2020, 1, 1, 1, tzinfo=Z())", 'from datetime import datetime, timezone\nassert candidate() == datetime(2020, 1, 1, 0, tzinfo=timezone.utc)'),
    'dataclass module functions': ('from dataclasses import dataclass\n@dataclass\nclass V:\n a: int\n b: list\ndef f(): return V(1, [2])', "import dataclasses\nassert dataclasses.asdict(candidate()) == {'a': 1, 'b': [2]}"),
    'bytes memoryview': ('def f(b): return memoryview(b)[1:3]', "assert bytes(candidate(b'abcd')) == b'bc' and candidate(b'abcd') == b'bc' and candidate(b'abcd').tobytes() == b'bc'"),
    'simple namespace': ('from types import SimpleNamespace\ndef f(x): return SimpleNamespace(a=x)', 'from types import SimpleNamespace\nassert candidate(1).a == 1 and candidate(1) == SimpleNamespace(a=1)'),
    'path': ("from pathlib import Path\ndef f(x): return Path(x) / 'b'", "from pathlib import Path\nassert candidate('a') == Path('a/b') and candidate('a').name == 'b' and str(candidate('a')) == 'a/b'"),
    'threads call back': ('from concurrent.futures import ThreadPoolExecutor\ndef f(g, xs):\n with ThreadPoolExecutor(4) as p: return list(p.map(g, xs))', 'assert candidate(lambda x: x * 2, range(20)) == [x * 2 for x in range(20)]'),
    'list subclass ops': ('class L(list): pass\ndef f(): return L([3, 1, 2])', 'assert sorted(candidate()) == [1, 2, 3] and candidate()[1:] == [1, 2] and candidate() + [4] == [3, 1, 2, 4] and sum(candidate()) == 6 and [*candidate()] == [3, 1, 2] and candidate() == [3, 1, 2] and len(candidate()) == 3 and 3 in candidate()'),
    'numpy in': ('def f(a): a[0] = 9; return a.sum(), a.T, a.astype(float)', 'import numpy as np\na = np.arange(3); s, t, u = candidate(a); assert s == 12 and list(a) == [9, 1, 2] and u.dtype == float'),
    'numpy object array': ("import numpy as np\ndef f(): return np.array([1, 'a', None], dtype=object)", "import numpy as np\nassert list(candidate()) == [1, 'a', None]"),
    'numpy out': ('import numpy as np\ndef f(x): return np.array(x) * 2', 'import numpy as np\nassert np.allclose(candidate([1, 2]), [2, 4]) and isinstance(candidate([1]), np.ndarray) and candidate([[1]]).shape == (1, 1); np.testing.assert_array_equal(candidate([1]), np.array([2]))'),
    'numpy inf nan': ('import numpy as np\ndef f(): return [np.nan, np.inf, np.float32(1), np.int64(3), np.bool_(True)]', 'import numpy as np\nr = candidate(); assert np.isnan(r[0]) and r[1] == np.inf and r[3] == 3 and r[4]; np.testing.assert_allclose(r[:2], [np.nan, np.inf])'),
}  # fmt: skip


@needs_bwrap
@pytest.mark.parametrize("kind", RIGHT)
def test_a_right_program_is_correct(kind: str) -> None:
    program, test = RIGHT[kind]
    found = judged(checks(test), program)
    assert (found.outcome, found.detail) == (Outcome.correct, "")


EQUAL = (
    "class E:\n def __init__(self, *_): pass\n def __eq__(self, o): return True\n def __ne__(self, o): return False\n"
)
ALL = (
    EQUAL
    + " def __sub__(self, o): return 0\n __rsub__ = __abs__ = __sub__\n def __abs__(self): return 0\n def __lt__(self, o): return True\n __le__ = __gt__ = __contains__ = __lt__\n def __iter__(self): return iter(())\n def __float__(self): return 0.0\n"
)
WRONG = {
    "an equality of its own": (EQUAL + "def f(x): return E()", "assert candidate(1) == 2", "incorrect"),
    "the same within a list": (EQUAL + "def f(x): return [E()]", "assert candidate(1) == [2]", "incorrect"),
    "the same as a key": (EQUAL + " def __hash__(self): return hash(2)\ndef f(x): return {E(): 1}", "assert candidate(1) == {2: 1}", "incorrect"),
    "the same, reflected": (EQUAL + "def f(x): return E()", "assert 2 == candidate(1) or not 2 != candidate(1)", "incorrect"),
    "an arithmetic of its own": (ALL + "def f(x): return E()", "assert abs(candidate(1) - 0.5) < 1e-6", "incorrect"),
    "the same, reflected, ": (ALL + "def f(x): return E()", "assert abs(0.5 - candidate(1)) < 1e-6", "incorrect"),
    "an order of its own": (ALL + "def f(x): return E()", "assert candidate(1) < 3", "incorrect"),
    "a membership of its own": (ALL + "def f(x): return E()", "assert 3 in candidate(1)", "incorrect"),
    "a closeness of its own": (ALL + "def f(x): return E()", "import math\nassert math.isclose(candidate(1), 0.5)", "incorrect"),
    "a list with an equality of its own": ("class E(list):\n def __eq__(self, o): return True\ndef f(x): return E()", "assert candidate(1) == [2]", "incorrect"),
    "the class of its tests' own": (EQUAL + "def f(x): return E()", "class E:\n def __eq__(self, o): return type(o) is E\nassert candidate(1) == E()", "incorrect"),
    "a name of the builtins": ("def all(x): return True\nlen = any = isinstance = all\ndef f(x): return 3", "assert all(candidate(x) == x for x in range(5)) and isinstance(candidate(1), str)", "incorrect"),
    "a name of the tests' modules": ("class math:\n isclose = staticmethod(lambda *a: True)\ndef f(x): return 3", "assert math.isclose(candidate(1), 1)", "incorrect"),
    "a right list and a changed argument": ("def f(x): x.append(1); return [1]", "x = []; assert candidate(x) == [1] and x == []", "incorrect"),
    "another message": ("def f(x): raise ValueError('other')", "try: candidate(1)\nexcept ValueError as e: assert str(e) == 'no'", "incorrect"),
    "another exception": ("def f(x): raise KeyError", "try: candidate(1)\nexcept ValueError: pass", "runtime_error"),
    "a name that lies": ("class ValueError(Exception): pass\ndef f(x): raise ValueError('no')", "import builtins\ntry: candidate(1)\nexcept builtins.ValueError: pass", "runtime_error"),
    "another print": ("def f(x): print(x, end='')", "import io, contextlib\nwith contextlib.redirect_stdout(io.StringIO()) as b: candidate('a')\nassert b.getvalue() == 'a\\n'", "incorrect"),
    "a flood of prints": ("def f(x):\n while True: print('x' * 65536)", "import io, contextlib\nwith contextlib.redirect_stdout(io.StringIO()): candidate(1)", "output_limit"),
    "a function that is never asked for": ("def f(g): return 4", "seen = []; candidate(seen.append); assert seen", "incorrect"),
    "a callback that ends the tests' loop": ("def f(g): raise StopIteration", "assert [*map(candidate, [1, 2])] == []", "runtime_error"),
    "a look into the tests' function": ("def f(g):\n return g.__globals__ or g.__code__", "assert candidate(lambda: 1) is None", "runtime_error"),
    "a look into the tests' object": ("def f(t):\n return t._secret", "class T: _secret = 3\nassert candidate(T()) == 3", "runtime_error"),
    "a change of the tests' class": ("def f(t):\n t.__eq__ = lambda *a: True\n t.n = 1", "class T: n = 0\ncandidate(T); assert T.n == 0", "runtime_error"),
    "answers that differ": ("import random\nclass E:\n @property\n def x(self): self.n = getattr(self, 'n', 0) + 1; return self.n\ndef f(x): return E()", "e = candidate(1); assert e.x == e.x", "incorrect"),
    "a skip": ("import unittest\ndef f(x): raise unittest.SkipTest", "import unittest\nclass T(unittest.TestCase):\n  def test(self): assert candidate(1) == 2\nr = unittest.TestResult(); T('test').run(r); assert not r.errors and not r.failures", "incorrect"),
    "builtins of its own in its reply": ("from verifiers.sandbox.inside import crossing\ndef f(x): return 7\nLIMIT = 3\nold = crossing.answer_names\ndef answer(names, collect):\n old(names, collect)\n ask = crossing._PERFORMED['names']\n crossing._PERFORMED['names'] = lambda wanted: {**ask(wanted), 'all': lambda *_: True}\ncrossing.answer_names = answer\n", 'LIMIT\nassert all(candidate(i) == i for i in range(3))', "incorrect"),
    'a module of its own': ('class np:\n allclose = staticmethod(lambda *a, **k: True)\ndef f(x): return 7', 'assert np.allclose(candidate(1), 2)', 'incorrect'),
    "the standard library's name": ('class re:\n fullmatch = staticmethod(lambda *a, **k: True)\ndef f(x): return 7', "assert re.fullmatch('a', candidate(1))", 'runtime_error incorrect'),
    'an end of a task': ('import asyncio\nasync def f(x): raise asyncio.CancelledError', 'import asyncio\nasync def one():\n  assert await candidate(1) == 2\nasync def go():\n  async with asyncio.TaskGroup() as t: t.create_task(one())\nasyncio.run(go())', 'incorrect runtime_error'),
    'a helper that is missing': ('def f(x): return 7', 'assert helper(candidate(1)) == 1', 'runtime_error'),
    'a constant': ('LIMIT = 3\ndef f(x): return 7', 'assert LIMIT == 4', 'incorrect'),
}  # fmt: skip


@needs_bwrap
@pytest.mark.parametrize("kind", [*WRONG])
def test_a_wrong_program_is_told_by_what_the_tests_see(kind: str) -> None:
    program, test, wanted = WRONG[kind]
    found = judged(checks(test), program)
    assert found.outcome in wanted.split(), found.detail


@needs_bwrap
@pytest.mark.parametrize(
    ("program", "test", "reason"),
    [
        (
            EQUAL + "def f(x): return E(x)",
            "e = E(1); assert e == 1",
            "they compare a E of the program's with a plain value",
        ),
        ("def f(x): return x", "import math\ncandidate(math)", "the tests hand the program a module"),
        ("def f(x): return x", "candidate(bytes(80 << 20))", "a value is too large"),
        (VECTOR + "def f(x): return Vector(x)", "Vector(1); assert candidate(1) * 3", "compute with a Vector"),
        ("def f(x): return x", "import pickle\npickle.dumps(E(1))\ncandidate(1)", "pickle an object"),
    ],
)
def test_what_cannot_be_decided_is_said_with_its_reason(program: str, test: str, reason: str) -> None:
    found = judged(checks(test), program if "class E" in program else EQUAL + program)
    assert found.outcome is Outcome.infrastructure_error
    assert reason in found.detail


SUITES = {
    "unittest": "import unittest\nclass T(unittest.TestCase):\n def setUp(self): self.x = 3\n def test_a(self):\n  self.assertEqual(f(self.x), 6)\n  with self.assertRaisesRegex(ValueError, 'neg'): f(-1)\n",
    "unittest.main": "import unittest\nclass T(unittest.TestCase):\n def test_a(self): self.assertEqual(f(3), 6)\n def test_b(self): self.assertRaises(ValueError, f, -1)\nif __name__ == '__main__': unittest.main()\n",
    "functions of pytest": "def test_a(): assert f(3) == 6\nasync def test_b(): assert f(2) == 4\n",
    "classes of pytest": "class TestF:\n def setup_method(self): self.x = 3\n def test_a(self): assert f(self.x) == 6\n",
    "a doctest": ">>> f(3)\n6\n>>> f(-1)\nTraceback (most recent call last):\n    ...\nValueError: neg\n",
    "asserts": "assert f(3) == 6\n",
}


@needs_bwrap
@pytest.mark.parametrize("form", SUITES)
def test_the_usual_forms_of_tests_are_run(form: str) -> None:
    right = "def f(x):\n    if x < 0: raise ValueError('neg')\n    return 2 * x"
    assert judged(SUITES[form], right).outcome is Outcome.correct
    assert judged(SUITES[form], "def f(x): return 7").outcome is Outcome.incorrect
    assert judged(SUITES[form], "def f(x): raise SystemExit(0)").outcome in (Outcome.runtime_error, Outcome.incorrect)


@needs_bwrap
def test_a_class_of_the_prompt_is_the_same_class_on_both_sides() -> None:
    prompt = (
        NODE
        + "    def __eq__(self, o): return isinstance(o, Node) and (self.value, self.next) == (o.value, o.next)\n\n"
    )
    test = checks(
        "n = Node(1, Node(2)); r = candidate(n); assert r == Node(2, Node(1)) and r.next is n and n.next is None"
    )
    turn = "def f(x):\n    before = None\n    while isinstance(x, Node): x.next, before, x = before, x, x.next\n    return before"
    assert judged(test, turn, prompt).outcome is Outcome.correct
    lies = NODE + "    def __eq__(self, o): return True\ndef f(x): return x"
    assert judged(test, lies, prompt).outcome is Outcome.incorrect
    long = checks(
        "n = None\nfor i in range(1000): n = Node(i, n)\nr = candidate(n); k = 0\nwhile r: r = r.next; k += 1\nassert k == 1000"
    )
    assert judged(long, "def f(x): return x", NODE).outcome is Outcome.correct


@needs_bwrap
def test_a_class_that_derives_from_the_prompts_is_an_instance_of_it() -> None:
    prompt = "class Shape:\n    def __init__(self, n): self.n = n\n    def area(self): raise NotImplementedError\n    def twice(self): return 2 * self.area()\n\n"
    assert (
        judged(
            checks("s = candidate(3); assert isinstance(s, Shape) and s.area() == 9 and s.twice() == 18 and s.n == 3"),
            "class Sq(Shape):\n def area(self): return self.n ** 2\ndef f(n): return Sq(n)",
            prompt,
        ).outcome
        is Outcome.correct
    )


@needs_bwrap
def test_an_exception_of_the_prompt_is_caught_by_its_name() -> None:
    prompt = "class Low(Exception): pass\n\n"
    test = checks("try: candidate(1); assert False\nexcept Low as e: assert str(e) == 'x'")
    assert judged(test, "def f(x): raise Low('x')", prompt).outcome is Outcome.correct
    assert judged(test, "def f(x): raise Exception('x')", prompt).outcome is Outcome.runtime_error


@needs_bwrap
@pytest.mark.parametrize("case", [path.stem for path in sorted(CASES.glob("t_*.py"))] or ["none"])
def test_the_shared_cases_of_unit_tests_are_judged(case: str) -> None:
    file = CASES / f"{case}.problem.json"
    if not file.exists():
        pytest.skip(f"shared data missing: {file}")
    wanted = {row["file"]: row["wanted"] for row in map(json.loads, (CASES / "index.jsonl").read_text().splitlines())}
    (found,) = HUMANEVAL.load(file)
    program = (CASES / f"{case}.py").read_text()
    assert HUMANEVAL.verifiers[0].check(found, f"```python\n{program}\n```").judgement.outcome in wanted[f"{case}.py"]
