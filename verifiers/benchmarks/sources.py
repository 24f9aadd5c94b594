"""The source of a person's own benchmark, as `Code`: one file whole, or a digest of a module and what it imports."""

import ast
import hashlib
import importlib.util
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from verifiers.benchmarks.benchmark import Code
from verifiers.errors import UserError

ATTRIBUTE = "benchmark"
"""What a file's benchmark is called unless a person says otherwise."""

OURS = frozenset({"cli", "migrations", "models", "tasks", "verifiers"})
"""Packages of monkeys: whatever lies in the folder that a person stands in, these names are ours."""

LONGEST_SOURCE = 1 << 20
"""Bytes of a file, which travels whole in the database."""


def is_own(name: str) -> bool:
    """Whether a name is that of a person's own: a path, or a module with a colon."""
    return ":" in name or "/" in name or name.endswith(".py")


def read_code(name: str) -> Code:
    """The code of FILE.py, FILE.py:attribute or module:attribute, as it is now; UserError where there is none.

    A module is looked for in the folder that the person stands in, then in the environment. Nothing is run.
    """
    if "\0" in name:
        raise UserError(f"The name of a benchmark holds no NUL, as {name!r} does.")
    place, colon, attribute = name.rpartition(":")
    if not colon or "/" in attribute:
        place, attribute = name, ATTRIBUTE
    if not attribute.isidentifier():
        raise UserError(f"{name} names no attribute of a module: FILE.py:NAME and module:NAME do.")
    if "/" in place or place.endswith(".py"):
        return _of_file(Path(place).expanduser().resolve(), attribute)
    if not all(part.isidentifier() for part in place.split(".")):
        raise UserError(f"{place!r} is neither a module's name nor a file that ends in .py.")
    folder = Path.cwd().resolve()
    if not is_ours(place) and file_of(folder, place) is not None:
        return _of_module(place, attribute, folder)
    return _of_module(place, attribute, None)


def _of_file(file: Path, attribute: str) -> Code:
    if file.is_dir():
        raise UserError(f"{file} is a folder; one's own benchmark is a Python file, or module:object from its folder.")
    if not file.is_file():
        raise UserError(f"There is no file {file}.")
    raw = file.read_bytes()
    if len(raw) > LONGEST_SOURCE:
        raise UserError(f"{file} has {len(raw):,} bytes; a benchmark has at most {LONGEST_SOURCE:,}, its data apart.")
    try:
        source = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(f"{file} is not UTF-8 text ({error.reason} at byte {error.start}).") from error
    if "\0" in source:
        raise UserError(f"{file} holds NUL, which no Python file does.")
    origin = str(file) if attribute == ATTRIBUTE else f"{file}:{attribute}"
    return Code(origin, attribute, hashlib.sha256(source.encode()).hexdigest(), source=source)


def _of_module(module: str, attribute: str, folder: Path | None) -> Code:
    where = None if folder is None else str(folder)
    sources = module_sources(module, where)
    origin = f"{module}:{attribute}" + (f" in {folder}" if folder else "")
    return Code(origin, attribute, digest_of(sources), module=module, folder=where)


def module_sources(module: str, folder: str | None) -> dict[str, bytes]:
    """Name -> source, as they are now, of a module and what it imports from its folder or its installed package."""
    if folder is not None:
        sources = gather(module, Path(folder), lambda name: not is_ours(name))
    else:
        within = module.partition(".")[0]
        sources = gather(module, _installed(module), lambda name: name.partition(".")[0] == within)
    if not sources:
        raise UserError(f"There is no Python source of a module {module} in {folder or 'the environment'}.")
    return sources


def is_ours(module: str) -> bool:
    """Whether a module is of a package of monkeys."""
    return module.partition(".")[0] in OURS


def _installed(module: str) -> Path:
    """The folder that an installed module's top-level package lies in."""
    top = module.partition(".")[0]
    if top in sys.stdlib_module_names:
        raise UserError(f"{module} is a module of Python itself, which holds no benchmark.")
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        spec = None
    if spec is None:
        raise UserError(f"There is no module {module}, neither in {Path.cwd()} nor among what is installed here.")
    if spec.submodule_search_locations:
        return Path(next(iter(spec.submodule_search_locations))).parent
    return Path(spec.origin or "").parent


def gather(module: str, root: Path, mine: Callable[[str], bool]) -> dict[str, bytes]:
    """Name -> source of a module below `root` and of all that it imports from there, wherever the import stands.

    Found by reading, not by running: what a process had loaded before plays no part.
    """
    found: dict[str, bytes] = {}
    waiting = [module]
    while waiting:
        name = waiting.pop()
        file = file_of(root, name) if mine(name) and name not in found else None
        if file is None:
            continue
        found[name] = file.read_bytes()
        package = name if file.name == "__init__.py" else name.rpartition(".")[0]
        for imported in [name, *_imports(found[name], package)]:
            parts = imported.split(".")
            waiting += [".".join(parts[: end + 1]) for end in range(len(parts))]
    return found


def file_of(root: Path, name: str) -> Path | None:
    """The file of a module below a folder; None of one that is not there, or is a folder without a file of its own."""
    base = root.joinpath(*name.split("."))
    return next((file for file in (base / "__init__.py", base.with_suffix(".py")) if file.is_file()), None)


def _imports(source: bytes, package: str) -> Iterator[str]:
    """Names of the modules that a source may import; `from x import y` may mean a module x.y."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return  # whoever runs it is told
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")
            above = above[: len(above) - node.level + 1] if node.level else []
            base = ".".join([*above, *filter(None, [node.module])])
            yield from (f"{base}.{alias.name}" if base else alias.name for alias in node.names if alias.name != "*")
            yield from filter(None, [base])


def digest_of(sources: dict[str, bytes]) -> str:
    """Hex SHA-256 over modules by name: the same wherever they lie."""
    whole = hashlib.sha256()
    for name, source in sorted(sources.items()):
        whole.update(f"{name} {len(source)}\n".encode())
        whole.update(source)
    return whole.hexdigest()
