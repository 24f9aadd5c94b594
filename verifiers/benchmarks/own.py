"""A person's own benchmark, loaded: its code run, its shape checked, its callables guarded, its verifiers versioned.

Whoever loads one runs its code. What a benchmark has to be says verifiers/examples/__init__.py.
"""

import faulthandler
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
from verifiers.benchmarks.sources import digest_of, file_of, is_ours, module_sources
from verifiers.errors import InfrastructureError
from verifiers.isolation.apart import ProcessEnded, apart
from verifiers.verifier import Verifier

LOAD_SECONDS, EXTRACT_SECONDS, JUDGE_SECONDS = 60.0, 10.0, 120.0
"""What loading a benchmark, extracting from one text and judging one candidate may take."""

LONG_SECONDS = 3600.0
"""What `judge_until`, which is for judgements of minutes, and `classes`, which gets all candidates, may take."""

DEAF_SECONDS = 10.0
"""More for loading code that does not hear of its limit; then this process ends, and says where that code stood."""

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
        faulthandler.dump_traceback_later(seconds + DEAF_SECONDS, exit=True, file=sys.__stderr__ or 2)
        try:
            found = guarded(_run, code.origin, _place(code), seconds=seconds)(code)
        finally:
            faulthandler.cancel_dump_traceback_later()
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
    sources = module_sources(code.module, code.folder)
    if digest_of(sources) != code.digest:
        raise BrokenBenchmark(f"{code.origin} has changed since")
    for name in sources:
        if name in _imported or (code.folder is not None and _is_from(code.folder, name)):
            _imported.discard(name)
            sys.modules.pop(name, None)
    if code.folder is not None and (taken := next(filter(_is_taken, sources), None)):
        raise BrokenBenchmark(f"{taken} is the name of another module here; rename that of {code.origin}")
    before = set(sys.modules)
    with _first_on_path(code.folder):
        found = importlib.import_module(code.module)
        for name in sources:
            with suppress(Exception, SystemExit):  # whatever function imports it meets that again
                importlib.import_module(name)
    new = sources.keys() & sys.modules.keys() - before
    _modules[code] = {name: sys.modules[name] for name in new if not is_ours(name)}
    _imported.update(_modules[code])
    return found


def _is_taken(name: str) -> bool:
    """Whether a module of that name is another one, in this process or in whatever Python process."""
    return name in sys.modules or name.partition(".")[0] in sys.stdlib_module_names


def _is_from(folder: str, name: str) -> bool:
    """Whether this process holds a module from a file below a folder."""
    file = getattr(sys.modules.get(name), "__file__", None)
    return file is not None and file_of(Path(folder), name) == Path(file)


@contextmanager
def _first_on_path(folder: str | None) -> Iterator[None]:
    """While a benchmark is imported its folder, if any, comes first; after that last, for what it imports later.

    Nothing is written there, and no compiled file of a source that was changed within a second is taken for it.
    """
    importlib.invalidate_caches()
    if folder is None:
        yield
        return
    writes, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        sys.dont_write_bytecode = writes
        sys.path.remove(folder)
        if folder not in sys.path:
            sys.path.append(folder)


def _whole(code: Code, benchmark: Benchmark) -> Benchmark:
    """The benchmark with its code, its own queue, and every callable guarded."""
    guard = functools.partial(guarded, below=_place(code), modules=_modules.get(code, {}))
    name = benchmark.name

    def call(
        function: Callable[..., Any], what: str, wrong: Callable[..., str], seconds: float, error: type[Exception]
    ) -> Callable[..., Any]:
        if _is_ready(function):  # keeps its own limits, and is right on a busy machine too
            return guard(function, what, wrong=wrong, error=error)
        return _apart(guard(function, what, wrong=wrong, error=error), what, seconds, error)

    def verifier(each: Verifier) -> Verifier:
        of = f"the verifier {each.name} of {name}"
        return replace(
            each,
            version=f"{each.version}+{code.digest[:DIGITS]}",
            queue=own_queue(name),
            extract=call(each.extract, f"extract of {of}", shape.wrong_candidate, EXTRACT_SECONDS, BrokenBenchmark),
            judge=call(each.judge, f"judge of {of}", shape.wrong_judgement, JUDGE_SECONDS, InfrastructureError),
            judge_until=each.judge_until
            and call(
                each.judge_until, f"judge_until of {of}", shape.wrong_judgement, LONG_SECONDS, InfrastructureError
            ),
            classes=each.classes
            and call(each.classes, f"classes of {of}", shape.wrong_classes, LONG_SECONDS, BrokenBenchmark),
            lacks=guard(each.lacks, f"lacks of {of}"),
        )

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
        forms={
            each: guard(form, f"the prompts {each} of {name}", wrong=shape.wrong_prompts)
            for each, form in benchmark.forms.items()
        },
        verifiers=tuple(verifier(each) for each in benchmark.verifiers),
    )


def _apart(call: Callable[..., Any], what: str, seconds: float, error: type[Exception]) -> Callable[..., Any]:
    """A guarded function of a person's, where no loop, crash or exit of it takes this process along."""
    there = apart(call, seconds)

    @functools.wraps(call)
    def ask(*arguments: Any) -> Any:
        try:
            return there(*arguments)
        except ProcessEnded as ended:
            raise error(f"{what}{ended}") from None

    return ask


def _is_ready(function: Callable[..., Any]) -> bool:
    """Whether a function is one of ours, and no person's."""
    while isinstance(function, functools.partial):
        function = function.func
    module = str(getattr(function, "__module__", ""))
    return module.startswith("verifiers.") and not module.startswith("verifiers.examples.")
