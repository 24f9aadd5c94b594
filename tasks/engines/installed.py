"""What the vLLM that is installed here takes, read from its files: to import it takes half a minute."""

import ast
from collections.abc import Iterator
from functools import cache
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path


@cache
def vllm_folder() -> Path | None:
    """Where vLLM is installed; None where it is not."""
    found = find_spec("vllm")
    return Path(found.submodule_search_locations[0]) if found and found.submodule_search_locations else None


@cache
def engine_arguments() -> frozenset[str]:
    """The names of vLLM's engine arguments; none where it cannot be read."""
    classes = [each for each in _statements("engine/arg_utils.py") if isinstance(each, ast.ClassDef)]
    return frozenset(
        field.target.id
        for each in classes
        if each.name in ("EngineArgs", "AsyncEngineArgs")
        for field in each.body
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
    )


def knows_architecture(name: str) -> bool:
    """Whether vLLM has an architecture, or may have it from transformers or a plugin; True where it cannot be known."""
    known = _architectures()
    plugins = entry_points(group="vllm.general_plugins")
    if not known or name in known or any(not each.value.startswith("vllm.") for each in plugins):
        return True
    transformers = find_spec("transformers")
    if transformers is None or not transformers.submodule_search_locations:
        return True
    names = Path(transformers.submodule_search_locations[0], "models/auto/modeling_auto.py")
    return not names.is_file() or f'"{name}"' in names.read_text("utf-8")


@cache
def _architectures() -> frozenset[str]:
    """The keys of the tables in vLLM's registry, less those that it no longer has."""
    tables = {
        each.targets[0].id: each.value
        for each in _statements("model_executor/models/registry.py")
        if isinstance(each, ast.Assign) and isinstance(each.targets[0], ast.Name) and isinstance(each.value, ast.Dict)
    }
    return frozenset(
        key.value
        for name, table in tables.items()
        if name.endswith("_MODELS") and "PREVIOUSLY" not in name
        for key in table.keys
        if isinstance(key, ast.Constant) and isinstance(key.value, str)
    )


def _statements(file: str) -> Iterator[ast.stmt]:
    folder = vllm_folder()
    try:
        yield from ast.parse((folder / file).read_text("utf-8")).body if folder else ()
    except (OSError, ValueError, SyntaxError):  # of another version, with its files elsewhere
        return
