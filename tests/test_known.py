"""What is said of an llm before an engine loads it."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from models.settings import settings
from tasks.engines import installed
from tasks.engines.known import check_known
from tasks.engines.pocket_monkey import FOLDER
from tests.place import Place
from verifiers.benchmarks.benchmark import Sampling
from verifiers.errors import UserError

RAW = Sampling(temperature=1.0, max_tokens=100)
CHAT = Sampling(temperature=1.0, max_tokens=100, chat=True)

Change = Callable[[Path], object]


def configured(**values: Any) -> Change:
    def change(folder: Path) -> None:
        config = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps(config | values))

    return change


def without(name: str) -> Change:
    return lambda folder: (folder / name).unlink()


def without_tokenizer(folder: Path) -> None:
    for file in folder.glob("tokenizer*"):
        file.unlink()


@pytest.fixture
def llm(tmp_path: Path) -> Path:
    """The folder of an llm that loads."""
    return Path(shutil.copytree(FOLDER, tmp_path / "llm"))


@pytest.fixture
def local(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """The settings of a local stack."""
    for name in ("MONKEYS_DATABASE_URL", "MONKEYS_BROKER_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MONKEYS_HOME", str(tmp_path / "home"))
    settings.cache_clear()
    yield
    settings.cache_clear()


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Settings by which workers may be anywhere."""
    monkeypatch.setenv("MONKEYS_DATABASE_URL", "postgresql://db/monkeys")
    monkeypatch.setenv("MONKEYS_BROKER_URL", "amqp://rabbit//")
    settings.cache_clear()
    yield
    settings.cache_clear()


WRONG: list[tuple[Change, dict[str, Any], Sampling, str]] = [
    (without("config.json"), {}, RAW, "it has no config.json"),
    (lambda folder: (folder / "config.json").write_text("{"), {}, RAW, "config.json cannot be read"),
    (lambda folder: (folder / "config.json").write_text("[]"), {}, RAW, "holds no JSON object"),
    (lambda folder: (folder / "config.json").write_bytes(b"\xff"), {}, RAW, "config.json cannot be read"),
    (without_tokenizer, {}, RAW, "has no tokenizer"),
    (without("model.safetensors"), {}, RAW, "has no weights"),
    (configured(), {}, CHAT, "has no chat template; leave out --chat"),
    (configured(), {"max_model_len": 8193}, RAW, "is more than the 8,192 tokens"),
    (configured(), {"lora": "adapter"}, RAW, "takes the whole path"),
    (configured(), {"lora": "/tmp"}, RAW, "has no adapter_config.json"),
]


@pytest.mark.parametrize(("change", "engine_args", "sampling", "said"), WRONG, ids=[row[3] for row in WRONG])
def test_what_no_worker_could_load_is_refused(
    elsewhere: None, llm: Path, change: Change, engine_args: dict[str, Any], sampling: Sampling, said: str
) -> None:
    change(llm)
    with pytest.raises(UserError, match=said.replace("(", r"\(")):
        check_known(str(llm), engine_args, sampling)


HERE: list[tuple[Change, dict[str, Any], str]] = [
    (configured(architectures=["NoSuchForCausalLM"]), {}, "no architecture NoSuchForCausalLM"),
    (configured(), {"max_modellen": 9}, "no engine argument 'max_modellen'; did you mean max_model_len?"),
    (configured(), {"lora": "/no/such/adapter"}, "no folder /no/such/adapter"),
    (shutil.rmtree, {}, "There is no folder"),
]


@pytest.mark.parametrize(("change", "engine_args", "said"), HERE, ids=[row[2] for row in HERE])
def test_what_this_machine_lacks_is_refused_on_the_local_stack(
    local: None, llm: Path, change: Change, engine_args: dict[str, Any], said: str
) -> None:
    change(llm)
    with pytest.raises(UserError) as refused:
        check_known(str(llm), engine_args, RAW)
    assert said in str(refused.value)


@pytest.mark.parametrize(("change", "engine_args", "said"), HERE, ids=[row[2] for row in HERE])
def test_what_workers_elsewhere_may_have_is_a_note(
    elsewhere: None, llm: Path, change: Change, engine_args: dict[str, Any], said: str
) -> None:
    change(llm)
    (note,) = check_known(str(llm), engine_args, RAW)
    assert said in note
    with pytest.raises(UserError):  # by the worker that is to load it
        check_known(str(llm), engine_args, here=True)


FINE: list[tuple[Change, dict[str, Any], Sampling]] = [
    (configured(), {"dtype": "half", "max_model_len": 8192, "revision": "main"}, RAW),
    (configured(rope_scaling={"rope_type": "yarn", "factor": 4}), {"max_model_len": 32768}, RAW),
    (configured(architectures=["Their"], auto_map={"AutoModel": "their.Model"}), {"trust_remote_code": True}, RAW),
    (configured(architectures=["Their"]), {"hf_overrides": {"architectures": ["LlamaForCausalLM"]}}, RAW),
    (configured(architectures=["T5ForConditionalGeneration"]), {}, RAW),
    (without("model.safetensors"), {"load_format": "dummy"}, RAW),
    (lambda folder: (folder / "chat_template.jinja").write_text("{{ messages }}"), {}, CHAT),
    (configured(), {"tokenizer": "org/another"}, CHAT),
]


@pytest.mark.parametrize(("change", "engine_args", "sampling"), FINE)
def test_what_may_load_is_not_refused(
    local: None, llm: Path, change: Change, engine_args: dict[str, Any], sampling: Sampling
) -> None:
    change(llm)
    assert check_known(str(llm), engine_args, sampling) == []


def test_a_name_that_is_neither_a_folder_nor_of_the_hub_is_refused_with_the_nearest(local: None) -> None:
    with pytest.raises(UserError, match=r"did you mean pocket-monkey\?"):
        check_known("pocket-monky", {})
    with pytest.raises(UserError, match=r"did you mean my/llama\?"):
        check_known("my-llama", {}, others=["my/llama"])
    with pytest.raises(UserError, match="the bundled one is pocket-monkey"):
        check_known("zzz", {})
    for name in ("pocket-monkey", "openai:zzz", "replay:zzz"):
        assert check_known(name, {}) == []
    (note,) = check_known("org/name", {})
    assert note.startswith("org/name is not in the hub's cache here")


def test_samples_that_end_before_their_max_tokens_are_a_note(local: None) -> None:
    (note,) = check_known("pocket-monkey", {"max_model_len": 512}, Sampling(temperature=1.0, max_tokens=1_000))
    assert "end at pocket-monkey's 512 tokens" in note


def test_an_llm_in_the_hubs_cache_is_looked_at_as_a_folder_is(
    local: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    cached = tmp_path / "models--org--llm"
    folder = Path(shutil.copytree(FOLDER, cached / "snapshots" / "0a1b"))
    (cached / "refs").mkdir()
    (cached / "refs" / "main").write_text("0a1b")
    configured(architectures=["NoSuchForCausalLM"])(folder)
    for engine_args in ({}, {"revision": "0a1b"}):
        with pytest.raises(UserError, match="NoSuchForCausalLM"):
            check_known("org/llm", engine_args)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(UserError, match="does not hold org/llm"):
        check_known("org/llm", {"revision": "other"})


def test_nothing_is_said_by_a_vllm_that_is_not_here(local: None, llm: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installed, "find_spec", lambda _: None)
    for each in (installed.vllm_folder, installed.engine_arguments, installed._architectures):
        each.cache_clear()
    configured(architectures=["NoSuchForCausalLM"])(llm)
    try:
        (note,) = check_known(str(llm), {"max_modellen": 9})
    finally:
        for each in (installed.vllm_folder, installed.engine_arguments, installed._architectures):
            each.cache_clear()
    assert "vLLM is not installed here" in note


def test_no_engine_is_imported_to_know_an_llm(local: None, llm: Path) -> None:
    code = f"""
import sys
from tasks.engines.known import check_known
check_known({str(llm)!r}, {{"dtype": "half"}})
assert not {{"torch", "vllm", "transformers"}} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_an_llm_that_is_none_leaves_no_run_unless_a_person_insists(place: Place, llm: Path) -> None:
    (llm / "model.safetensors").unlink()
    options = ("enqueue", "pocket-sums", "-n", "1", "--limit", "1", "-m", str(llm))
    assert "has no weights" in place.refused(*options)
    assert place.one("select count(*) from run") == 0
    place.ok(*options, "--no-probe")


def test_a_stack_does_not_start_for_an_llm_that_is_none(place: Place) -> None:
    for name, said in (("pocket-monky", "did you mean pocket-monkey?"), ("openai:x", "OPENAI_API_KEY is not set")):
        assert said in place.refused("up", "-m", name)
        assert not (settings().home / "supervisor.log").exists()
