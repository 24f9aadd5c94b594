"""`make set-up`: everything that the program needs, below its own folder; no root, nothing elsewhere.

.venv is its Python environment, with what judged programs may import in .venv/packages; .monkeys/deb holds libraries
that the system lacks; ./monkeys calls it. Run by the system's Python, so with the standard library alone. It may be
ended at any moment: what was done stays, and the next time goes on.
"""

import ctypes
import hashlib
import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Generator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
LOGS = ROOT / ".monkeys" / "set-up"

UNUSED = ("torchvision", "torchaudio", "torchcodec")
"""What vLLM pulls in of these does not match a torch for CPUs, and text models do without."""

DOWNLOAD_GB = 1.0
DISK_GB = 5.2

CALLER = """#!/bin/sh
# Made by set-up: monkeys of this folder, from any other, and by links to this file.
folder=$(dirname -- "$(readlink -f -- "$0")")
[ -x "$folder/.venv/bin/python" ] || { echo "There is no $folder/.venv: run \\`make set-up\\` there." >&2; exit 1; }
exec "$folder/.venv/bin/python" -P -c 'import sys; del sys.argv[0]; from cli import main; main()' "$0" "$@"
"""

Commands = Generator[list[str], int, None]
"""Yields command lines one after the other, and is sent how each ended."""


class CannotSetUp(Exception):
    """Why, and what helps, in one sentence."""


class Lane:
    """One line of work beside others: its commands, and the log that they write."""

    def __init__(self, name: str, commands: Commands) -> None:
        self.name = name
        self.log = log_of(name)
        self.log.write_bytes(b"")
        self.began = time.monotonic()
        self._commands = commands
        self._child: subprocess.Popen[bytes] | None = None
        self.done = False

    def step(self) -> None:
        """Look once: start the first command, or the next where one ended."""
        code = self._child.poll() if self._child else None
        if not self.done and (self._child is None or code is not None):
            self._go_on(code)

    def _go_on(self, code: int | None) -> None:
        try:
            command = next(self._commands) if code is None else self._commands.send(code)
        except StopIteration:
            self._child, self.done = None, True
            return
        with self.log.open("ab") as log:
            self._child = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=ROOT, env=_environment(),
                start_new_session=True, preexec_fn=die_with_set_up,
            )  # fmt: skip

    def kill(self) -> None:
        """End it at once with all that it started."""
        if self._child is not None and self._child.poll() is None:
            os.killpg(self._child.pid, signal.SIGKILL)
            self._child.wait()

    @property
    def doing(self) -> str:
        """What the log last said, in a few words."""
        lines = re.findall(r"^ *((?:Collecting|Downloading|Installing|Building|Get:\d+).*)", self._said(), re.MULTILINE)
        said = re.sub(r"https?://\S*/|, .*", "", lines[-1]) if lines else "begins"
        return said if len(said) < 50 else said[:49] + "…"

    @property
    def downloaded(self) -> float:
        """Bytes that pip says it downloaded."""
        found = re.findall(r"^ *Downloading .*\(([\d.]+) (bytes|kB|MB|GB)\)", self._said(), re.MULTILINE)
        return sum(float(number) * {"bytes": 1.0, "kB": 1e3, "MB": 1e6, "GB": 1e9}[unit] for number, unit in found)

    def _said(self) -> str:
        return self.log.read_text("utf-8", errors="replace")


def main(torch: str, index: str) -> None:
    """Set up what is not set up, with this torch, which the second index has; one sentence where that fails."""
    lanes: list[Lane] = []
    try:
        set_up(lanes, torch, index)
    except CannotSetUp as error:
        say(f"Set-up ends: {error}")
        sys.exit(1)
    except KeyboardInterrupt:
        say("Set-up ends where it is; run it again to go on.")
        sys.exit(130)
    except OSError as error:
        say(f"Set-up ends: {error.filename or ROOT} cannot be used ({error.strerror}).")
        sys.exit(1)
    finally:
        for lane in lanes:
            lane.kill()


def set_up(lanes: list[Lane], torch: str, index: str) -> None:
    """Do what is due, all of it beside each other; `lanes` gets what runs."""
    writable()
    marks = {
        "python": (VENV / ".set-up", f"{key('pyproject.toml', 'cli/stack/set_up.py')} {torch}"),
        "programs": (VENV / "packages" / ".set-up", key("verifiers/programs/install.py")),
        "system": (ROOT / ".monkeys" / "deb" / ".set-up", key("cli/stack/unpack.py")),
    }
    works = environment_works()
    if todo := [name for name, (mark, wanted) in marks.items() if not is_marked(mark, wanted)]:
        began = time.monotonic()
        LOGS.mkdir(parents=True, exist_ok=True, mode=0o700)
        enough_disk(works)
        if not works:
            make_environment()
        commands = {"python": lambda: everything(torch, index), "programs": packages, "system": unpack}
        lanes += [Lane(name, commands[name]()) for name in todo]
        follow(lanes)
        for name in todo:
            marks[name][0].write_text(marks[name][1])
        got = sum(lane.downloaded for lane in lanes) / 1e9
        say(f"Set up in {clock(began)}; {got:.1f} GB were downloaded. What pip said is in {LOGS}.")
    write_caller()


def everything(torch: str, index: str) -> Commands:
    """Torch for CPUs from where it is to be had, then vLLM and all else."""
    remove_halves()
    tried = []
    for place in ([], ["--index-url", index]):
        if not (yield pip("install", torch, *place)):
            break
        tried.append(f"{place[1] if place else 'pip as it is set up here'}: {cause('python')}")
    else:
        raise CannotSetUp(f"{torch} cannot be had, by {'; nor by '.join(tried)}. The log is {log_of('python')}.")
    if (yield pip("install", "-e", ".[cpu,dev,swebench]")):
        raise CannotSetUp(f"vLLM and the rest cannot be installed: {cause('python')}. The log is {log_of('python')}.")
    point_here()
    yield pip("uninstall", "--yes", *UNUSED)


def packages() -> Commands:
    """What judged programs may import, made for the Python that the sandbox runs, which need not be that of .venv."""
    if (yield [str(PYTHON), "-m", "verifiers.programs.install"]):
        raise CannotSetUp(f"What programs may import is not installed: {cause('programs')}. See {log_of('programs')}.")


def unpack() -> Commands:
    """Libraries and bubblewrap, where the system has none."""
    if (yield [sys.executable, "-I", str(ROOT / "cli" / "stack" / "unpack.py")]):
        raise CannotSetUp(f"{cause('system')}. The log is {log_of('system')}.")


def writable() -> None:
    """CannotSetUp where this folder is not to be written."""
    try:
        (ROOT / ".monkeys").mkdir(exist_ok=True, mode=0o700)
        probe = ROOT / f".probe-{os.getpid()}"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        raise CannotSetUp(f"{ROOT} cannot be written ({error.strerror}); clone it to where you may write.") from error


def enough_disk(works: bool) -> None:
    """Say what comes; CannotSetUp where the disk is too small for it."""
    if works:
        say("Bringing .venv up to date.")
        return
    free = shutil.disk_usage(ROOT).free / 1e9
    say(f"Setting up below {ROOT}: {DOWNLOAD_GB} GB to download, {DISK_GB} GB on disk ({free:.0f} GB are free).")
    if free < DISK_GB + 0.5:
        raise CannotSetUp(f"{ROOT} has {free:.1f} GB free and {DISK_GB + 0.5:.1f} are needed; free some space.")


def environment_works() -> bool:
    """Whether .venv is of this folder, and its Python and pip are there; says so where it is not."""
    if not VENV.exists():
        return False
    ask = "import pip, sys; print(sys.version_info >= (3, 11))"
    try:
        told = subprocess.run([PYTHON, "-I", "-c", ask], capture_output=True, text=True, check=False).stdout
        here = str(VENV / "bin") in (VENV / "bin" / "pip").read_text(errors="replace")[:500]
    except OSError:
        told, here = "", True
    if told.strip() == "True" and here:
        return True
    why = "its Python does not run, or has no pip" if not told else "it was made for an older Python"
    say(f".venv is made anew: {why if here else 'it was made in another folder'}.")
    return False


def make_environment() -> None:
    """A fresh .venv."""
    if importlib.util.find_spec("ensurepip") is None or importlib.util.find_spec("venv") is None:
        raise CannotSetUp(f"{sys.executable} has no venv: install python3-venv (Debian, Ubuntu).")
    shutil.rmtree(VENV, ignore_errors=True)
    made = subprocess.run([sys.executable, "-m", "venv", VENV], capture_output=True, text=True, check=False)
    if made.returncode:
        said = (made.stderr.strip() or made.stdout.strip() or "no reason given").splitlines()[-1]
        raise CannotSetUp(f"{sys.executable} -m venv fails ({said}); install python3-venv (Debian, Ubuntu).")


def remove_halves() -> None:
    """Have pip forget what it was killed at: it writes INSTALLER last, and takes what lacks it for installed."""
    for site in VENV.glob("lib/python*/site-packages"):
        halves = [each for each in site.glob("*.dist-info") if not (each / "INSTALLER").exists()]
        for each in [*halves, *site.glob("~*")]:
            shutil.rmtree(each, ignore_errors=True)


def point_here() -> None:
    """Have .venv find our packages by a relative path: Python reads it in the locale's encoding, which under LC_ALL=C
    has no umlaut.
    """
    for file in VENV.glob("lib/python*/site-packages/_editable_impl_monkeys.pth"):
        file.write_text(os.path.relpath(ROOT, file.parent) + "\n")


def pip(*arguments: str) -> list[str]:
    """A command line of .venv's pip. Byte code is left to the first import: most modules are never imported."""
    compiled = ["--no-compile"] if arguments[0] == "install" else []
    return [str(PYTHON), "-m", "pip", "--disable-pip-version-check", "--no-input", arguments[0], *compiled,
            *arguments[1:]]  # fmt: skip


def cause(name: str) -> str:
    """Why the last command of a lane failed, in its own words: pip calls it a missing version when nobody answers."""
    lines = [line.strip() for line in log_of(name).read_text("utf-8", errors="replace").splitlines() if line.strip()]
    errors = [line for line in lines if re.match(r"(ERROR|error|E|W|dpkg.*error):", line)]
    broken = [line for line in lines if "connection broken by" in line]
    if broken and "No matching distribution" in "".join(errors[-1:]):
        errors = [broken[-1].rpartition("connection broken by ")[2]]
    said = (errors or lines or ["it said nothing"])[-1]
    return re.sub(r"^(ERROR|error|E|W): ", "", said)[:300].rstrip(".")


def follow(lanes: list[Lane]) -> None:
    """Until all are done, say what goes on: in one line on a terminal, else every fifteen seconds."""
    terminal = sys.stderr.isatty()
    began = said = time.monotonic()
    free = shutil.disk_usage(ROOT).free
    told: set[str] = set()
    while len(told) < len(lanes):
        for lane in lanes:
            lane.step()
            if lane.done and lane.name not in told:
                told.add(lane.name)
                say(f"  {clock(began)}  {lane.name} is done")
        going = "; ".join(f"{lane.name}: {lane.doing}" for lane in lanes if not lane.done)
        if going and time.monotonic() - said > (0.5 if terminal else 15):
            said = time.monotonic()
            written = max(0, free - shutil.disk_usage(ROOT).free) / 1e9
            say(f"  {clock(began)}  {written:.1f} GB written; {going}", over=terminal)
        time.sleep(0.1)


def say(text: str, *, over: bool = False) -> None:
    """A line for the person; the next one is written over it where `over`."""
    terminal = sys.stderr.isatty()
    width = shutil.get_terminal_size().columns - 1
    sys.stderr.write(("\r\x1b[K" if terminal else "") + (text[:width] if over else f"{text}\n"))
    sys.stderr.flush()


def write_caller() -> None:
    """./monkeys, which calls .venv's."""
    caller = ROOT / "monkeys"
    if not caller.exists() or caller.read_text() != CALLER:
        caller.write_text(CALLER)
        caller.chmod(0o755)


def key(*files: str) -> str:
    """What a mark holds: made in this folder, of these files as they are."""
    return hashlib.sha256(os.fsencode(ROOT) + b"".join((ROOT / each).read_bytes() for each in files)).hexdigest()


def is_marked(mark: Path, wanted: str) -> bool:
    """Whether a step was done to its end."""
    return mark.exists() and mark.read_text() == wanted


def die_with_set_up() -> None:
    """In a child before exec: be killed when its parent is, however that ends."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0)


def log_of(name: str) -> Path:
    """The file that a lane's commands write to."""
    return LOGS / f"{name}.log"


def clock(began: float) -> str:
    """Minutes and seconds since then."""
    return "{}:{:02}".format(*divmod(round(time.monotonic() - began), 60))


def _environment() -> dict[str, str]:
    """Ours, less what would have pip install elsewhere."""
    elsewhere = {"PIP_USER", "PIP_TARGET", "PIP_PREFIX", "PYTHONPATH", "PYTHONHOME"}
    return {name: value for name, value in os.environ.items() if name not in elsewhere}


if __name__ == "__main__":
    main(*sys.argv[1:])
