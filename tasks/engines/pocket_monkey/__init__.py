"""pocket-monkey: a tiny real Llama, so that a newcomer without a GPU or a hub sees the whole thing work.

train.py made the checkpoint beside this file, on problems drawn apart from the benchmark's.
"""

from pathlib import Path

NAME = "pocket-monkey"
"""What -m calls it."""

FOLDER = Path(__file__).parent / "checkpoint"
"""A checkpoint that transformers and vLLM load: safetensors, configuration, tokenizer."""
