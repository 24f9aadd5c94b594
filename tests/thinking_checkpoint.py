"""Makes a tiny real llm that thinks, for the tests: pocket-monkey with tags of its own and a chat template.

python tests/thinking_checkpoint.py FOLDER
"""

import sys
from pathlib import Path

TEMPLATE = """
{%- for message in messages -%}
  {%- if message.role == "system" -%}{{- message.content + "\n\n" -}}{%- else -%}{{- message.content -}}{%- endif -%}
{%- endfor -%}
{%- if enable_thinking is string -%}{{- raise_exception("enable_thinking must be true or false") -}}{%- endif -%}
{%- if add_generation_prompt and (enable_thinking is not defined or enable_thinking) -%}{{- "<think>\n" -}}{%- endif -%}
"""
"""It opens the thinking, unless it is told enable_thinking=false."""


def make_thinking_llm(folder: Path) -> None:
    """Write the llm as transformers would. It ends its thinking as often as it ends a text, and then goes on."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from tasks.engines.pocket_monkey import FOLDER

    tokenizer = AutoTokenizer.from_pretrained(FOLDER)
    tokenizer.add_tokens(["<think>", "</think>"])
    tokenizer.chat_template = TEMPLATE.strip()
    llm = AutoModelForCausalLM.from_pretrained(FOLDER)
    llm.resize_token_embeddings(len(tokenizer), mean_resizing=False)
    with torch.no_grad():
        weights = llm.get_input_embeddings().weight
        for tag, like in {"<think>": "\n", "</think>": tokenizer.eos_token}.items():
            (here,), (there,) = (tokenizer.encode(each, add_special_tokens=False) for each in (tag, like))
            weights[here] = weights[there]
    llm.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))
    make_thinking_llm(Path(sys.argv[1]))
