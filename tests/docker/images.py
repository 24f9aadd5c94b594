"""Images made from nothing: tiny ones of this host's shell, and those of the real instances under their own names."""

import io
import re
import shutil
import subprocess
import sys
import tarfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import docker
import pytest

from tests.shared_data import shared, shared_rows

_TINY_COMMANDS = ("bash", "cat", "head", "sleep", "ls")
_CONDA = "conda() { :; }\nexport PATH=/opt/testbed/bin:$PATH\n"
"""All that the eval scripts want of conda."""
_INSTALL = """
python3 -m venv /opt/testbed
/opt/testbed/bin/pip -q install --no-index --find-links /wheels -r /requirements.txt wheel
cd /testbed; /opt/testbed/bin/pip -q install --no-index --no-build-isolation --no-deps -e .
rm -rf /wheels /requirements.txt
"""


def tiny(url: str, image: str, padding: int = 0) -> str:
    """Import an image with a shell and a few commands, and so many bytes more that are its own; its name."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for path in sorted({path for name in _TINY_COMMANDS for path in _with_libraries(name)}):
            tar.add(Path(path).resolve(), arcname=path.lstrip("/"))
        own = tarfile.TarInfo("padding")
        own.size = padding
        tar.addfile(own, io.BytesIO(image.encode().ljust(padding, b"\0")[:padding]))
    subprocess.run(
        ["docker", "-H", url, "import", "-", image], input=packed.getvalue(), check=True, capture_output=True
    )
    return image


def of_another_architecture(url: str, image: str) -> str:
    """Have a tiny image say that it is for other processors; for which."""
    packed = subprocess.run(["docker", "-H", url, "save", tiny(url, image)], check=True, capture_output=True).stdout
    ours, other = ("amd64", "arm64") if b'"architecture":"amd64"' in packed else ("arm64", "amd64")
    changed = packed.replace(f'"architecture":"{ours}"'.encode(), f'"architecture":"{other}"'.encode())
    subprocess.run(["docker", "-H", url, "load"], input=changed, check=True, capture_output=True)
    return other


def _with_libraries(name: str) -> list[str]:
    path = shutil.which(name) or name
    needed = subprocess.run(["ldd", path], capture_output=True, text=True, check=True).stdout
    return [f"/bin/{name}" if path.endswith(f"/bin/{name}") else path, *re.findall(r"(/\S+) \(0x", needed)]


def flask(url: str, work: Path) -> list[str]:
    """The images of the shared instances, made where the daemon lacks them (a minute or two); skips without means."""
    rows = shared_rows("swebench_lite/flask/rows.jsonl")
    client = docker.DockerClient(url)
    try:
        there = {tag for each in client.images.list() for tag in each.tags}
    finally:
        client.close()
    missing = [row for row in rows if row["image"] not in there]
    if missing:
        base = _base(work)
        with ThreadPoolExecutor() as threads:
            list(threads.map(lambda row: _build(url, row["instance_id"], row["image"], base), missing))
    return [row["image"] for row in rows]


def _build(url: str, instance: str, image: str, base: Path) -> None:
    tree = shared(f"swebench_lite/flask/{instance}.tar.gz")
    requirements = shared(f"swebench_lite/flask/{instance}.requirements.txt")
    root = base.with_name(instance)
    shutil.rmtree(root, ignore_errors=True)
    _run("cp", "-a", str(base), str(root))
    for folder in ("testbed", "opt/miniconda3/bin", "wheels"):
        (root / folder).mkdir(parents=True)
    _run("tar", "-C", str(root / "testbed"), "-xzf", str(tree))
    (root / "opt/miniconda3/bin/activate").write_text(_CONDA)
    pip = (sys.executable, "-m", "pip", "download", "-q", "-d", str(root / "wheels"))
    _run(*pip, "-r", str(requirements), "wheel")
    shutil.copy(requirements, root / "requirements.txt")
    _run("env", "-u", "PIP_FIND_LINKS", "chroot", str(root), "/bin/bash", "-ec", _INSTALL)
    with subprocess.Popen(["tar", "-C", str(root), "-c", "."], stdout=subprocess.PIPE) as packed:
        subprocess.run(
            ["docker", "-H", url, "import", "-", image], stdin=packed.stdout, check=True, capture_output=True
        )
    shutil.rmtree(root)


def _base(work: Path) -> Path:
    """A Debian with Python and git."""
    base = work / "base"
    if shutil.which("debootstrap") is None:
        pytest.skip("NO DOCKER images: install debootstrap")
    if not base.exists():
        made = work / "base.part"
        shutil.rmtree(made, ignore_errors=True)
        packages = "python3,python3-venv,git,patch,ca-certificates"
        _run("debootstrap", "--variant=minbase", f"--include={packages}", "bookworm", str(made))
        made.rename(base)
    return base


def _run(*command: str) -> None:
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert done.returncode == 0, f"{command[0]} failed: {done.stdout[-2000:]}"
