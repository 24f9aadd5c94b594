"""What runs inside a jail, compiled once a process by the Python that will run it.

A supervisor that has compiled its own modules keeps 1.2 MB of what that needed, and each fork of it copies the page
tables of that.
"""

import marshal
import subprocess
from functools import cache
from pathlib import Path

from verifiers.errors import Unavailable

_INSIDE = Path(__file__).with_name("inside")
PACKAGE = Path("verifiers", "sandbox", "inside")
_SECONDS = 60
_COMPILE = """
import marshal, sys
from importlib._bootstrap_external import _code_to_timestamp_pyc as file_of
names, texts = marshal.load(sys.stdin.buffer)
codes = [compile(text, name, "exec", dont_inherit=True) for name, text in zip(names, texts)]
sys.stdout.buffer.write(marshal.dumps([bytes(file_of(code)) for code in codes], 2))
"""


@cache
def byte_code(python: str) -> dict[str, bytes]:
    """Name of a file in the package -> its content, for this interpreter; Unavailable where it does not run."""
    sources = sorted(_INSIDE.glob("*.py"))
    names = [str("/jail" / PACKAGE / source.name) for source in sources]
    given = marshal.dumps((names, [source.read_bytes() for source in sources]), 2)
    command = [python, "-I", "-S", "-B", "-c", _COMPILE]
    try:
        said = subprocess.run(command, input=given, capture_output=True, timeout=_SECONDS, check=True).stdout
    except (OSError, subprocess.SubprocessError) as error:
        raise Unavailable(f"{python} does not compile the sandbox's own modules: {error}") from error
    return {source.stem + ".pyc": code for source, code in zip(sources, marshal.loads(said), strict=True)}
