"""What a person asks of an import, what its files add to that, and what makes it the same import again."""

import hashlib
import json
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from models.cost import Sizes
from tasks.engines import check_arguments, full_name
from tasks.runs.described import Described, read_described
from tasks.runs.formats.paper import is_folder_of_yaml
from tasks.runs.request import check_name
from tasks.runs.sources import Source, form_of, llm_of
from verifiers.benchmarks import BENCHMARKS, find_benchmark
from verifiers.benchmarks.benchmark import Benchmark
from verifiers.benchmarks.sources import is_own
from verifiers.errors import UserError
from verifiers.files import STDIN, check_file


@dataclass(frozen=True)
class ImportRequest:
    """What a person asks for; `key_only` makes problems that are not at hand, `sizes` are the llm's, for FLOPs.

    benchmark, llm, thinking (how thoughts are split off its texts, verifiers/thinking.py): what a Parquet file of
    `export` says where they are None.
    """

    source: Source
    benchmark: str | None = None
    llm: str | None = None
    name: str | None = None
    data: Path | None = None
    key_only: bool = False
    sizes: Sizes | None = None
    thinking: str | None = None


@dataclass(frozen=True)
class Asked:
    """A request with all that a file was to say.

    benchmark: the name of its row. found: the benchmark itself; None where its problems are made of their keys alone.
    """

    request: ImportRequest
    benchmark: str
    found: Benchmark | None
    llm: str
    engine_args: Mapping[str, Any] = field(default_factory=dict)
    sampling: Mapping[str, Any] = field(default_factory=dict)
    thinking: str = "none"
    prompts: Mapping[str, str] = field(default_factory=dict)


@contextmanager
def kept(source: Source) -> Iterator[Source]:
    """The source with standard input and pipes as files, since a file is read more than once."""
    with TemporaryDirectory() as folder:
        files = []
        for place, file in enumerate(source.files):
            if file != STDIN and not is_folder_of_yaml(file):
                check_file(file)
            if file == STDIN or file.is_fifo():
                copy = Path(folder, f"{place}-{'stdin' if file == STDIN else file.name}")
                with copy.open("wb") as to, sys.stdin.buffer if file == STDIN else file.open("rb") as given:
                    shutil.copyfileobj(given, to)
                file = copy
            files.append(file)
        yield replace(source, files=files)


def asked_of(request: ImportRequest) -> Asked:
    """The request with what its files say of their run; UserError where that is not enough."""
    files = [file for file in request.source.files if not file.is_dir()]
    said = None if request.source.form is not None else _said(files)
    benchmark = request.benchmark or (_benchmark_said(request, said) if said else None)
    named = request.llm if request.llm is not None or said else llm_of(request.source)
    llm = full_name(named) if named is not None else said.llm if said else None
    if benchmark is None or llm is None:
        lacks = " and ".join(name for name, value in (("--benchmark", benchmark), ("--llm", llm)) if value is None)
        raise UserError(f"{request.source} does not say of which run it is, as an exported Parquet does: give {lacks}.")
    check_name("--name", request.name)
    found = _found(request, benchmark)
    engine_args = said.engine_args if said and request.llm is None else {}
    check_arguments(llm, engine_args)
    thinking = request.thinking or (said.thinking if said else "none")
    return Asked(
        request=request,
        benchmark=found.name if found else benchmark,
        found=found,
        llm=llm,
        engine_args=engine_args,
        sampling=said.sampling if said else {},
        thinking=thinking,
        prompts=said.prompts if said else {},
    )


def _benchmark_said(request: ImportRequest, said: Described) -> str:
    """The benchmark that a file names: one of ours, or a name alone, since what a file says must run no code."""
    name_alone = request.key_only and request.data is None and not is_own(said.benchmark)
    if said.benchmark not in BENCHMARKS and not name_alone:
        raise UserError(
            f"{request.source} is of {said.benchmark!r:.200}, which is none of our benchmarks: give a person's own "
            "with --benchmark FILE.py or module:object, since its code is run."
        )
    return said.benchmark


def _found(request: ImportRequest, name: str) -> Benchmark | None:
    """The benchmark of a name; any name will do where only the keys of its problems are taken."""
    if not is_own(name):
        check_name("--benchmark", name)
        if request.key_only and request.data is None:
            return None
    return find_benchmark(name)


def _said(files: Sequence[Path]) -> Described | None:
    """What the files say of their run, where all say the same."""
    said = [read_described(file) for file in files]
    first = said[0] if said else None
    if any(each != first for each in said):
        raise UserError(f"{files[0]} and the other files do not say the same of their runs; import them apart.")
    return first


def settings_hash(asked: Asked) -> str:
    """Over the files and everything a person chose; it stays what it was, so that a name finds its run."""
    source = asked.request.source
    digests = [_digest(file) for file in source.files]
    form = form_of(source.files[0], source)
    names = source.files if form is not None and form.attempts else digests
    if len(set(names)) < len(names):
        raise UserError(f"{source} hold the same bytes twice; name each file once.")
    digest: Any = digests[0] if len(digests) == 1 else digests
    columns, where = dict(source.columns), list(source.where)
    identity = [asked.benchmark, asked.llm, digest, columns, source.base, where, asked.request.key_only]
    identity += [asked.thinking] if asked.thinking != "none" else []
    identity += [f"--from {source.form}"] if source.form is not None else []
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()


def _digest(file: Path) -> str:
    if file.is_dir():
        inside = [_digest(each) for each in sorted(file.iterdir()) if each.is_file()]
        return hashlib.sha256("".join(inside).encode()).hexdigest()
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
