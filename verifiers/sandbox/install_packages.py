"""`python -m verifiers.sandbox.install_packages`: what programs may import, installed where it is looked for."""

import subprocess
import sys

from verifiers.sandbox.jail import find_python, version_of
from verifiers.sandbox.packages import DEFAULT

NAMES = ("networkx", "numpy", "scipy", "sortedcontainers", "sympy")


def install() -> None:
    """Put the newest wheels for the sandbox's Python there, compiled by it; CalledProcessError where pip fails."""
    python = find_python().path
    version = ".".join(map(str, version_of(python)))
    pip = [sys.executable, "-m", "pip", "-qq", "--disable-pip-version-check", "install", "--no-warn-conflicts"]
    pip += ["--only-binary=:all:", "--no-compile", "--upgrade", "--python-version", version, "--target", str(DEFAULT)]
    subprocess.run([*pip, *NAMES], check=True)
    subprocess.run([python, "-m", "compileall", "-q", "-j", "0", str(DEFAULT)], check=True)


if __name__ == "__main__":
    install()
