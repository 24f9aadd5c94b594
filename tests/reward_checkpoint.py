"""Makes tiny real reward models with random weights, for the tests of scoring: two Llamas of two layers.

python tests/reward_checkpoint.py FOLDER
"""

import sys
from pathlib import Path


def make_reward_model(folder: Path) -> None:
    """Write a sequence classifier with one label, and pocket-monkey's tokenizer, as transformers would."""
    import torch
    from transformers import AutoTokenizer, LlamaConfig, LlamaForSequenceClassification

    from tasks.engines.pocket_monkey import FOLDER

    tokenizer = AutoTokenizer.from_pretrained(FOLDER)
    torch.manual_seed(1)
    config = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=2,
        num_key_value_heads=2, max_position_embeddings=1024, num_labels=1, pad_token_id=tokenizer.pad_token_id,
        initializer_range=0.5, dtype="float32",
    )  # fmt: skip
    LlamaForSequenceClassification(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def make_process_reward_model(folder: Path) -> None:
    """Write a Qwen2ForProcessRewardModel (two classes for every token), which vLLM alone knows."""
    import torch
    from safetensors.torch import save_file
    from transformers import AutoTokenizer, Qwen2Config, Qwen2Model

    from tasks.engines.pocket_monkey import FOLDER

    tokenizer = AutoTokenizer.from_pretrained(FOLDER)
    torch.manual_seed(2)
    config = Qwen2Config(
        vocab_size=len(tokenizer), hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=2,
        num_key_value_heads=2, max_position_embeddings=1024, num_labels=2, pad_token_id=tokenizer.pad_token_id,
        initializer_range=0.5, dtype="float32", architectures=["Qwen2ForProcessRewardModel"],
    )  # fmt: skip
    weights = {f"model.{name}": each.clone() for name, each in Qwen2Model(config).state_dict().items()}
    for name, (inside, outside) in {"score.0": (64, 64), "score.2": (64, 2)}.items():
        layer = torch.nn.Linear(inside, outside)
        weights |= {f"{name}.weight": layer.weight.detach(), f"{name}.bias": layer.bias.detach()}
    folder.mkdir(parents=True, exist_ok=True)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    config.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))
    make_reward_model(Path(sys.argv[1], "reward"))
    make_process_reward_model(Path(sys.argv[1], "process-reward"))
