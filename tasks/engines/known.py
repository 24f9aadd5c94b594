"""What can be said of an llm before an engine loads it: by its name, its folder, and the vLLM that is here.

No engine is imported for it, and all of it takes a few hundredths of a second. What rests on files that workers
elsewhere may have is a mistake on the local stack, whose workers run here, and else a note.
"""

import difflib
import json
import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from models.settings import settings
from tasks.engines import engine_of, usable_folder
from tasks.engines.installed import engine_arguments, knows_architecture, vllm_folder
from tasks.engines.pocket_monkey import FOLDER, NAME
from verifiers.benchmarks.benchmark import Sampling
from verifiers.errors import UserError

HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+")

WEIGHTS = ("*.safetensors", "*.bin", "*.pt", "*.gguf")

OURS = {"lora"}
"""Engine arguments that are not vLLM's own."""


def check_known(
    llm: str,
    engine_args: Mapping[str, Any],
    sampling: Sampling | None = None,
    others: Collection[str] = (),
    *,
    here: bool = False,
) -> list[str]:
    """Notes for a person; UserError for what no worker could load or sample.

    llm: by its full name. `others` are names of further llms, for whoever mistyped one. `here`: whether this machine is
    the one that loads it, as it is on the local stack.
    """
    if engine_of(llm) != "vllm":
        return []
    lacks = [*_of_vllm(engine_args), *_of_lora(engine_args)]
    folder = _folder(llm, engine_args, others, lacks)
    config = _read(folder / "config.json") if folder is not None else {}
    if folder is not None and "hf_overrides" not in engine_args:
        lacks += _of_architecture(llm, config)
    if lacks and (here or (settings().own_database and settings().own_broker)):
        raise UserError(lacks[0])
    notes = lacks + _of_sampling(llm, engine_args, sampling, folder, config)
    if folder is None and not lacks and settings().own_broker:
        notes.append(
            f"{llm} is not in the hub's cache here: its worker fetches it, or says that the hub has none such."
        )
    if settings().own_broker and vllm_folder() is None:
        notes.append("vLLM is not installed here, so no worker of this machine loads it: pip install 'monkeys[gpu]'.")
    return notes


def _of_vllm(engine_args: Mapping[str, Any]) -> list[str]:
    """Engine arguments that the vLLM here does not have."""
    known = engine_arguments()
    unknown = sorted(engine_args.keys() - known - OURS) if known else []
    return [f"vLLM has no engine argument {name!r}{_near(name, known, 'leave it out')}" for name in unknown]


def _of_lora(engine_args: Mapping[str, Any]) -> list[str]:
    if "lora" not in engine_args:
        return []
    folder = Path(str(engine_args["lora"]))
    if not folder.is_absolute():
        raise UserError("--engine-arg lora takes the whole path of an adapter's folder: workers start elsewhere.")
    if not folder.exists():
        return [f"There is no folder {folder} of a LoRA adapter here."]
    if not (folder / "adapter_config.json").is_file():
        raise UserError(f"{folder} is not the folder of a LoRA adapter: it has no adapter_config.json.")
    return []


def _folder(llm: str, engine_args: Mapping[str, Any], others: Collection[str], lacks: list[str]) -> Path | None:
    """Where an llm lies on this machine; None where it does not, which is said in `lacks` where it should."""
    if llm == NAME:
        return FOLDER
    if llm.startswith("/"):
        folder = Path(llm)
        if folder.is_dir():
            _check_weights(usable_folder(folder), engine_args)
            return folder
        lacks.append(f"There is no folder {folder}; give a hub name, or the folder of an llm.")
        return None
    cached = _cached(llm, engine_args.get("revision"))
    if cached is None and not HUB_NAME.fullmatch(llm):
        near = _near(llm, {NAME, *others}, "the bundled one is pocket-monkey")
        raise UserError(f"-m {llm!r} is no folder here and no hub name, which is ORG/NAME{near}")
    if cached is None and _offline():
        lacks.append(f"The hub's cache here does not hold {llm}, and HF_HUB_OFFLINE is set.")
    return cached


def _check_weights(folder: Path, engine_args: Mapping[str, Any]) -> None:
    if "load_format" not in engine_args and not any(next(folder.glob(each), None) for each in WEIGHTS):
        raise UserError(f"{folder} has no weights; copy the llm's files (*.safetensors) into it.")


def _near(name: str, known: Collection[str], otherwise: str) -> str:
    near = difflib.get_close_matches(name, known, 1)
    return f"; did you mean {near[0]}?" if near else f"; {otherwise}."


def _read(file: Path) -> dict[str, Any]:
    """A JSON object from a file; UserError where it is none. A file that is not there is an empty one."""
    try:
        found = json.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"{file} cannot be read ({error}).") from error
    if not isinstance(found, dict):
        raise UserError(f"{file} holds no JSON object.")
    return found


def _cached(llm: str, revision: Any) -> Path | None:
    """The folder of an llm of the hub in its cache here, which may lack files."""
    from huggingface_hub import constants

    cache = Path(constants.HF_HUB_CACHE, "models--" + llm.replace("/", "--"))
    wanted = str(revision or "main")
    named = cache / "refs" / wanted
    try:
        commit = named.read_text("utf-8").strip() if named.is_file() else wanted
        folder = cache / "snapshots" / commit
        return folder if (folder / "config.json").is_file() else None
    except (OSError, ValueError):
        return None


def _offline() -> bool:
    from huggingface_hub import constants

    return bool(constants.HF_HUB_OFFLINE)


def _of_architecture(llm: str, config: Mapping[str, Any]) -> list[str]:
    """That the vLLM here has none of an llm's architectures; code of the llm's own may bring one."""
    names = config.get("architectures")
    if not isinstance(names, list) or not names or "auto_map" in config:
        return []
    if any(knows_architecture(str(name)) for name in names):
        return []
    return [f"vLLM has no architecture {', '.join(map(str, names))}, which {llm} is of."]


def _of_sampling(
    llm: str, engine_args: Mapping[str, Any], sampling: Sampling | None, folder: Path | None, config: Mapping[str, Any]
) -> list[str]:
    """Notes of a length that an llm cannot have; UserError where it was to have more, or has no chat template."""
    text = config.get("text_config")
    longest = _tokens((text if isinstance(text, dict) else config).get("max_position_embeddings"))
    wanted = _tokens(engine_args.get("max_model_len"))
    if longest and wanted and wanted > longest and not _stretched(config, engine_args):
        raise UserError(f"--engine-arg max_model_len={wanted} is more than the {longest:,} tokens that {llm} can have.")
    if sampling is None:
        return []
    if sampling.chat and folder is not None and not _has_template(folder, engine_args):
        raise UserError(f"{llm} has no chat template; leave out --chat.")
    room = wanted or longest
    if room and sampling.max_tokens > room:
        ends = f"{llm}'s {room:,} tokens, its prompt's among them"
        return [f"Samples end at {ends}, before --max-tokens {sampling.max_tokens:,}."]
    return []


def _tokens(value: Any) -> int | None:
    """A number of tokens; None of what is none, and of -1, with which vLLM finds its own."""
    return value if type(value) is int and value > 0 else None


def _stretched(config: Mapping[str, Any], engine_args: Mapping[str, Any]) -> bool:
    """Whether positions are scaled, so that there may be more of them than the configuration's number."""
    parts = [config, config.get("text_config") or {}]
    ropes = [part.get(name) or {} for part in parts for name in ("rope_scaling", "rope_parameters")]
    scaled = any(rope.get("rope_type", rope.get("type", "default")) != "default" for rope in ropes)
    return scaled or "hf_overrides" in engine_args


def _has_template(folder: Path, engine_args: Mapping[str, Any]) -> bool:
    """Whether an llm has a chat template, or may have one that is not seen here."""
    if {"tokenizer", "tokenizer_mode"} & engine_args.keys() or (folder / "tekken.json").is_file():
        return True
    files = ("chat_template.jinja", "chat_template.json", "additional_chat_templates")
    if any((folder / name).exists() for name in files):
        return True
    tokenizer = folder / "tokenizer_config.json"
    return bool(_read(tokenizer).get("chat_template")) or (folder != FOLDER and not tokenizer.is_file())
