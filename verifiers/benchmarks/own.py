"""A person's own benchmark, loaded: its code run, its shape checked, its callables guarded, its verifiers versioned.

Whoever loads one runs its code. What a benchmark has to be says verifiers/examples/__init__.py.
"""

import functools
import hashlib
import importlib
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

from verifiers.benchmarks import shape
from verifiers.benchmarks.benchmark import Benchmark, Code
from verifiers.benchmarks.guarded import BrokenBenchmark, guarded, told
from verifiers.benchmarks.sources import file_of, is_ours, read_again, sources_of
from verifiers.errors import InfrastructureError
from verifiers.verifier import Verifier

LOAD_SECONDS, EXTRACT_SECONDS, JUDGE_SECONDS = 60.0, 10.0, 120.0
"""What loading a benchmark, extracting from one text and judging one candidate may take."""

DIGITS = 12
"""Of a code's digest, in the version of its verifiers."""

_loaded: dict[Code, Benchmark] = {}
_imported: set[str] = set()
"""Modules that were imported here for a benchmark: another version of it imports them anew."""

_modules: dict[Code, dict[str, ModuleType]] = {}
"""Those of each code: what its functions import later is of the same version."""


def own_queue(name: str) -> str:
    """The Celery queue of a person's own benchmark: `verify.<slug>-<hash of its name>`."""
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40]
    return f"verify.{slug or 'own'}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def is_own_queue(queue: str) -> bool:
    """Whether a queue is that of somebody's own benchmark."""
    return re.fullmatch(r"verify\..+-[0-9a-f]{8}", queue) is not None


def load_own(code: Code, seconds: float = LOAD_SECONDS) -> Benchmark:
    """The benchmark of this very code, run where this process has not yet; UserError, in one sentence, where it fails.

    A module that is another one by now is refused.
    """
    if code not in _loaded:
        found = guarded(_run, code.origin, _place(code), seconds=seconds)(code)
        _loaded[code] = _whole(code, shape.checked(code.origin, found))
    return _loaded[code]


def _place(code: Code) -> str:
    """What the files of a benchmark begin with, for the line of an error."""
    if code.source is not None:
        return code.origin.removesuffix(f":{code.attribute}")
    return "" if code.folder is None else f"{code.folder}/"


def _run(code: Code) -> Any:
    """The object that a benchmark's code makes."""
    try:
        module = _run_file(code) if code.source is not None else _import(code)
    except ImportError as error:
        several = "; a benchmark of several files is given as module:object from its folder" if code.source else ""
        raise BrokenBenchmark(f"{code.origin} lacks an import: {told(error, _place(code))}{several}.") from error
    if not hasattr(module, code.attribute):
        raise BrokenBenchmark(f"{code.origin} has no {code.attribute}, which would be the Benchmark.")
    return getattr(module, code.attribute)


def _run_file(code: Code) -> ModuleType:
    """Versions of one file live beside each other, so each is a module of its own name."""
    module = ModuleType(f"own_benchmark_{code.digest[:DIGITS]}")
    module.__file__, module.__package__ = _place(code), ""
    sys.modules[module.__name__] = module  # dataclasses look there
    exec(compile(code.source or "", module.__file__, "exec", dont_inherit=True), module.__dict__)
    return module


def _import(code: Code) -> ModuleType:
    """A module, imported anew with all that it imports from its folder or package, at the top or in a function."""
    assert code.module is not None
    if read_again(code).digest != code.digest:
        raise BrokenBenchmark(f"{code.origin} has changed since")
    folder = None if code.folder is None else Path(code.folder)
    names = sources_of(code.module, folder)
    for name, module in list(sys.modules.items()):
        if name in _imported or _is_from(folder, name, module):
            _imported.discard(name)
            del sys.modules[name]
    if folder is not None and (taken := next((name for name in names if _is_taken(name)), None)):
        raise BrokenBenchmark(f"{taken} is the name of another module here; rename that of {code.origin}")
    before = set(sys.modules)  # what others use stays, be it of the very package that is asked for
    with _first_on_path(folder):
        found = importlib.import_module(code.module)
        for name in names:
            with suppress(Exception, SystemExit):  # whatever function imports it meets that again
                importlib.import_module(name)
    new = {name: each for name, each in sys.modules.items() if name not in before}
    _modules[code] = {
        name: each for name, each in new.items() if _is_from(folder, name, each) or _is_within(name, code)
    }
    _imported.update(_modules[code])
    return found


def _is_taken(name: str) -> bool:
    """Whether a module of that name is another one, in this process or in whatever Python process."""
    return name in sys.modules or name.partition(".")[0] in sys.stdlib_module_names


def _is_from(folder: Path | None, name: str, module: ModuleType) -> bool:
    """Whether a module was loaded from a folder, and is none of ours."""
    file = getattr(module, "__file__", None)
    if folder is None or file is None or is_ours(name) or not file.startswith(str(folder)):
        return False
    return file_of(folder, name) == Path(file)


def _is_within(name: str, code: Code) -> bool:
    """Whether a module is of the installed package of a benchmark, unless that is ours."""
    top = name.partition(".")[0]
    return code.folder is None and not is_ours(name) and top == (code.module or "").partition(".")[0]


@contextmanager
def _first_on_path(folder: Path | None) -> Iterator[None]:
    """While a benchmark is imported its folder, if any, comes first; after that last, for what it imports later.

    Nothing is written there, and no compiled file of a source that was changed within a second is taken for it.
    """
    importlib.invalidate_caches()
    if folder is None:
        yield
        return
    writes, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.dont_write_bytecode = writes
        sys.path.remove(str(folder))
        if str(folder) not in sys.path:
            sys.path.append(str(folder))


def _whole(code: Code, benchmark: Benchmark) -> Benchmark:
    """The benchmark with its code, its own queue, and every callable guarded."""
    guard = functools.partial(guarded, below=_place(code), modules=_modules.get(code, {}))
    name = benchmark.name

    def verifier(each: Verifier) -> Verifier:
        of = f"the verifier {each.name} of {name}"
        return replace(
            each,
            version=f"{each.version}+{code.digest[:DIGITS]}",
            queue=own_queue(name),
            extract=guard(
                each.extract, f"extract of {of}", seconds=_seconds(each.extract, EXTRACT_SECONDS),
                wrong=shape.wrong_candidate,
            ),
            judge=guard(
                each.judge, f"judge of {of}", seconds=_seconds(each.judge, JUDGE_SECONDS),
                wrong=shape.wrong_judgement, error=InfrastructureError,
            ),
            classes=each.classes and guard(each.classes, f"classes of {of}", wrong=shape.wrong_classes),
            lacks=guard(each.lacks, f"lacks of {of}"),
        )  # fmt: skip

    subsets: Mapping[str, Callable[..., Any]] = benchmark.subsets
    return replace(
        benchmark,
        code=code,
        load=guard(benchmark.load, f"load of {name}", wrong=shape.wrong_problems),
        prompts=benchmark.prompts and guard(benchmark.prompts, f"prompts of {name}", wrong=shape.wrong_prompts),
        subsets={
            each: guard(choose, f"the subset {each} of {name}", wrong=shape.wrong_places)
            for each, choose in subsets.items()
        },
        verifiers=tuple(verifier(each) for each in benchmark.verifiers),
    )


def _seconds(function: Callable[..., Any], seconds: float) -> float | None:
    """The time limit of a person's own function; a ready one keeps its own, and is right on a busy machine too."""
    while isinstance(function, functools.partial):
        function = function.func
    module = str(getattr(function, "__module__", ""))
    return None if module.startswith("verifiers.") and not module.startswith("verifiers.examples.") else seconds
