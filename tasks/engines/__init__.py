"""The engines: the only files that know how an llm is run, imported when a worker needs one."""

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from models.storable import is_storable
from tasks.engines.engine import Engine, Load
from verifiers.errors import UserError

ENGINES = {"vllm": "tasks.engines.vllm", "openai": "tasks.engines.openai", "replay": "tasks.engines.replay"}
"""Engine -> the module whose `load(Load) -> Engine` starts it."""


def engine_of(llm: str) -> str:
    """The engine that -m asks for: `openai:NAME`, `replay:FILE`, else vLLM."""
    prefix = llm.partition(":")[0]
    return prefix if prefix in ("openai", "replay") else "vllm"


LONGEST = 2_000
"""Characters of an llm's name with its engine arguments as JSON, which together are a key of the table llm."""


LONGEST_PART = 255
"""Bytes of a file's name; a hub name has fewer."""


def full_name(llm: str) -> str:
    """The llm's name as stored: a local file or folder by its absolute path, so that workers elsewhere find it."""
    if not llm.removeprefix("openai:").removeprefix("replay:").strip():
        raise UserError("-m must name an llm: a hub name, a local folder, openai:NAME or replay:FILE.")
    if not llm.isprintable():
        raise UserError("-m takes a name without control characters and broken Unicode.")
    if len(llm) > LONGEST or any(len(part.encode()) > LONGEST_PART for part in llm.split("/")):
        raise UserError(f"-m takes at most {LONGEST:,} characters, and {LONGEST_PART} between two slashes.")
    engine = engine_of(llm)
    if engine == "replay":
        return f"replay:{Path(llm.partition(':')[2]).expanduser().resolve()}"
    if engine == "vllm" and (llm.startswith((".", "/", "~")) or Path(llm, "config.json").is_file()):
        return str(usable_folder(Path(llm).expanduser().resolve(), typed_whole=llm.startswith("/")))
    return llm


TOKENIZERS = ("tokenizer.json", "tokenizer.model", "tokenizer_config.json", "vocab.json", "tekken.json")
"""One of these stands in every folder that an llm can be loaded from."""


def usable_folder(folder: Path, *, typed_whole: bool = False) -> Path:
    """The same folder; UserError where no llm can be loaded from it. One that was given whole may be elsewhere."""
    if typed_whole and not folder.exists():
        return folder
    if not folder.is_dir():
        raise UserError(f"There is no folder {folder}; give a hub name, or the folder of an llm.")
    if not (folder / "config.json").is_file():
        raise UserError(f"{folder} is not the folder of an llm: it has no config.json.")
    if not any((folder / name).is_file() for name in TOKENIZERS):
        raise UserError(f"{folder} has no tokenizer; copy the llm's tokenizer files (tokenizer.json ...) into it.")
    return folder


def check_arguments(llm: str, engine_args: Mapping[str, Any]) -> None:
    """UserError for a name and engine arguments that cannot be right, or that cannot or must not be stored."""
    identity = [llm, dict(engine_args)]
    if not is_storable(identity):
        raise UserError("--engine-arg takes text without NUL and broken Unicode, and nothing nested very deeply.")
    if len(json.dumps(identity)) > LONGEST:
        raise UserError(f"-m and its engine arguments must have at most {LONGEST:,} characters together.")
    for name in ("endpoint", "gpus"):
        if name in engine_args and engine_of(llm) != "openai":
            raise UserError(f"--{name} is for -m openai:NAME.")
    if "endpoint" in engine_args:
        for url in endpoints_of(engine_args):
            check_endpoint(url)
    if "gpus" in engine_args:
        _check_gpus(engine_args["gpus"])
    if "batch" in engine_args and (engine_of(llm) != "openai" or engine_args["batch"] is not True):
        raise UserError("--batch is for -m openai:NAME, and takes no value.")
    if is_batch(engine_args) and "gpus" in engine_args:
        raise UserError("--gpus is for an endpoint of your own that is asked sample by sample, not for --batch.")
    if is_batch(engine_args) and len(endpoints_of(engine_args)) > 1:
        raise UserError("--batch takes one --endpoint: what is submitted lies with one provider.")


MOST_GPUS = 100_000
"""GPUs that one endpoint may be said to have."""


def _check_gpus(gpus: Any) -> None:
    if type(gpus) is not int or not 1 <= gpus <= MOST_GPUS:
        raise UserError(f"--gpus takes how many GPUs serve the endpoint, a whole number from 1, not {gpus!r}.")


ENDPOINT = "https://api.openai.com/v1"


def endpoints_of(engine_args: Mapping[str, Any]) -> list[str]:
    """The servers of an llm: one, or several that serve the same; UserError where it is neither."""
    given = engine_args.get("endpoint", ENDPOINT)
    urls = given if isinstance(given, list) else [given]
    if not urls or not all(isinstance(url, str) for url in urls) or len({url.rstrip("/") for url in urls}) < len(urls):
        raise UserError("--endpoint takes a URL, and another one each time that it is given.")
    return urls


def fields_of(engine_args: Mapping[str, Any]) -> dict[str, Any]:
    """Those of an endpoint's engine arguments that are fields of every request: they do not say where it is served."""
    return {name: value for name, value in engine_args.items() if name not in ("endpoint", "gpus", "batch")}


def check_endpoint(url: str) -> str:
    """The same URL; UserError where it is none, or holds a password, which would be stored with the run."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:  # of brackets or a port that are none
        usable = False
    if not usable:
        raise UserError(f"--endpoint takes a URL such as http://localhost:8000/v1, not {url!r}.")
    if parts.username or parts.password or parts.query:
        raise UserError("--endpoint must hold no key or password; set OPENAI_API_KEY instead.")
    return url


def queue_of(llm: str, engine_args: Mapping[str, Any]) -> str:
    """The Celery queue of an llm: `generate.<slug>-<hash>`, the hash over its name and engine arguments."""
    identity = json.dumps([llm, dict(engine_args)], sort_keys=True)
    slug = re.sub(r"[^a-z0-9]+", "-", llm.rstrip("/").rpartition("/")[2].lower()).strip("-")[:40]
    return f"generate.{slug or 'llm'}-{hashlib.sha256(identity.encode()).hexdigest()[:8]}"


def is_batch(engine_args: Mapping[str, Any]) -> bool:
    """Whether an llm is asked through its provider's batch API: its works are submitted, not sampled."""
    return "batch" in engine_args


def load(llm: str, engine_args: Mapping[str, Any], gpus: Sequence[str] = (), requests: int = 32) -> Engine:
    """Start the engine of an llm; this is where torch is imported, and it takes seconds to minutes."""
    start: Callable[[Load], Engine] = import_module(ENGINES[engine_of(llm)]).load
    return start(Load(llm, engine_args, gpus, requests))
