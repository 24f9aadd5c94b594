"""pocket-monkey: the bundled checkpoint is small, loads, and reads and writes any text."""

import json
from pathlib import Path

import pytest

from tasks.engines.pocket_monkey import FOLDER
from verifiers.benchmarks.pocket_sums import POCKET_SUMS

tokenizers = pytest.importorskip("tokenizers", reason="tokenizers missing: pocket-monkey's tokenizer is not tested")


@pytest.fixture(scope="module")
def tokenizer():  # type: ignore[no-untyped-def]
    return tokenizers.Tokenizer.from_file(str(FOLDER / "tokenizer.json"))


def test_the_weights_fit_in_eight_megabytes() -> None:
    assert (FOLDER / "model.safetensors").stat().st_size <= 8_000_000


def test_the_checkpoint_is_a_float32_llama_with_room_for_five_shots() -> None:
    config = json.loads((FOLDER / "config.json").read_text())
    assert config["architectures"] == ["LlamaForCausalLM"]
    assert config.get("dtype", config.get("torch_dtype")) == "float32"
    assert config["max_position_embeddings"] == 8192


@pytest.mark.parametrize(
    "text",
    [
        "12 + 5 = 17\n17 * 30 = 510\n#### 510",
        "Question: Zoë paid $3.50 for <<2>> crêpes;\n\tis that \u20ac4?\nAnswer: 猿 🐒",
        "  two  spaces \n\n",
        "",
    ],
)
def test_any_text_comes_back_from_its_tokens(tokenizer, text: str) -> None:  # type: ignore[no-untyped-def]
    assert tokenizer.decode(tokenizer.encode(text).ids) == text


def test_every_problem_comes_back_and_its_answer_fits(tokenizer) -> None:  # type: ignore[no-untyped-def]
    problems = POCKET_SUMS.load(None)
    for problem, prompt in zip(problems, POCKET_SUMS.prompts(problems, None, None), strict=True):
        said = f" {problem.data['answer']}"
        asked_tokens, said_tokens = tokenizer.encode(prompt).ids, tokenizer.encode(said).ids
        assert tokenizer.decode(asked_tokens + said_tokens) == prompt + said
        assert tokenizer.encode(prompt + said).ids == asked_tokens + said_tokens
        assert len(said_tokens) < POCKET_SUMS.sampling.max_tokens


def test_a_number_is_its_digits(tokenizer) -> None:  # type: ignore[no-untyped-def]
    assert tokenizer.encode("4071").tokens == ["4", "0", "7", "1"]


def test_transformers_loads_it_and_it_ends_its_answers() -> None:
    torch = pytest.importorskip("torch", reason="torch missing: pocket-monkey is not run")
    transformers = pytest.importorskip("transformers", reason="transformers missing: pocket-monkey is not run")
    tokenizer = transformers.AutoTokenizer.from_pretrained(FOLDER)
    llm = transformers.AutoModelForCausalLM.from_pretrained(FOLDER)
    problem = POCKET_SUMS.load(None)[:1]
    (prompt,) = POCKET_SUMS.prompts(problem, None, None)
    asked = tokenizer([prompt] * 8, return_tensors="pt")
    torch.manual_seed(0)
    made = llm.generate(**asked, do_sample=True, temperature=1.0, top_k=0, max_new_tokens=160)
    texts = tokenizer.batch_decode(made[:, asked["input_ids"].shape[1] :], skip_special_tokens=True)
    assert sum("\n#### " in text for text in texts) >= 6


def test_the_checkpoint_folder_holds_nothing_else() -> None:
    expected = {"config.json", "generation_config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"}
    assert {file.name for file in Path(FOLDER).iterdir()} == expected
