"""`python -m verifiers.programs.install`: what programs import and include, made ready where it is looked for."""

import os
import subprocess
import sys
from pathlib import Path

from verifiers.programs.compilers import HEADERS, compile_flags
from verifiers.programs.lacks import find_compiler
from verifiers.sandbox.jail import PACKAGES, find_python, version_of
from verifiers.sandbox.packages import DEFAULT

NAMES = ("networkx", "numba", "numpy", "scipy", "sortedcontainers", "sympy")
PRECOMPILED = ("gnu++17", "gnu++20")
"""Standards whose headers take longest to read, and most programs are compiled by."""


def install_packages() -> None:
    """Put the newest wheels for the sandbox's Python there, compiled by it; CalledProcessError where pip fails."""
    python = find_python().path
    version = ".".join(map(str, version_of(python)))
    pip = [sys.executable, "-m", "pip", "-qq", "--disable-pip-version-check", "install", "--no-warn-conflicts"]
    pip += ["--only-binary=:all:", "--no-compile", "--upgrade", "--python-version", version, "--target", str(DEFAULT)]
    subprocess.run([*pip, *NAMES], check=True)
    subprocess.run([python, "-m", "compileall", "-q", "-j", "0", str(DEFAULT)], check=True)


def precompile_headers() -> None:
    """Put all of C++'s library beside them as precompiled headers, which a compiler other than g++ does without."""
    compiler = find_compiler()
    if not compiler:
        return
    header = DEFAULT / Path(HEADERS).relative_to(PACKAGES) / "bits" / "stdc++.h"
    folder = header.with_name("stdc++.h.gch")
    folder.mkdir(parents=True, exist_ok=True)
    header.write_text("#include_next <bits/stdc++.h>\n")
    for standard in PRECOMPILED:
        command = [compiler, *compile_flags(standard), "-x", "c++-header", str(header), "-o", str(folder / standard)]
        subprocess.run(command, check=True)


if __name__ == "__main__":
    os.umask(0o022)  # jails run as another user than root
    install_packages()
    precompile_headers()
