"""Train pocket-monkey from nothing on two CPU cores, in about half an hour, or measure it.

    python -m tasks.engines.pocket_monkey.train [--steps 6500] [--folder FOLDER]
    python -m tasks.engines.pocket_monkey.train --evaluate 200

It learns from problems that `verifiers.benchmarks.pocket_sums` writes with other seeds than the benchmark's, and none
of whose worked steps are the benchmark's. The loss counts the answers only.
"""

import argparse
import math
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from tasks.engines.pocket_monkey import FOLDER
from verifiers.benchmarks.pocket_sums import POCKET_SUMS, Sum, prompt, prompts, training_sums

END = "<|end|>"
BATCH = 32
WARM_UP = 100
PEAK_RATE = 3e-3


def text_of(written: Sum) -> tuple[str, str]:
    """A problem as the llm sees it: what is asked, and what it is to say."""
    return prompt(written.question), f" {written.answer}"


def make_tokenizer() -> PreTrainedTokenizerFast:
    """Bytes, the benchmark's words and single digits: any text round-trips, known words are one token."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=640, special_tokens=[END], initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    texts = ("".join(text_of(written)) for written in islice(training_sums(seed=0), 5_000))
    tokenizer.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token=END, pad_token=END, model_max_length=8192)


def make_llm(tokenizer: PreTrainedTokenizerFast) -> LlamaForCausalLM:
    """A Llama of 0.9 million parameters: a larger one learns less in the time."""
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=128,
            intermediate_size=384,
            num_hidden_layers=4,
            num_attention_heads=4,
            num_key_value_heads=4,
            max_position_embeddings=8192,
            tie_word_embeddings=True,
            bos_token_id=None,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.eos_token_id,
        )
    )


def batches(tokenizer: PreTrainedTokenizerFast, seed: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """(tokens, labels), problems of like length together; labels are -100 on what is asked and on padding."""
    source = training_sums(seed)
    end = tokenizer.eos_token_id
    while True:
        pairs = [text_of(written) for written in islice(source, BATCH * 16)]
        asked = tokenizer([question for question, _ in pairs])["input_ids"]
        said = tokenizer([answer for _, answer in pairs])["input_ids"]
        rows = sorted(zip(asked, said, strict=True), key=lambda row: len(row[0]) + len(row[1]))
        order = torch.randperm(16).tolist()
        for place in order:
            chosen = rows[place * BATCH : (place + 1) * BATCH]
            longest = max(len(question) + len(answer) for question, answer in chosen) + 1
            tokens = torch.full((BATCH, longest), end)
            labels = torch.full((BATCH, longest), -100)
            for row, (question, answer) in enumerate(chosen):
                whole = torch.tensor([*question, *answer, end])
                tokens[row, : len(whole)] = whole
                labels[row, len(question) : len(whole)] = whole[len(question) :]
            yield tokens, labels


def train(folder: Path, steps: int, seed: int = 1) -> None:
    """Train for so many steps, and write the checkpoint every 500."""
    torch.manual_seed(seed)
    tokenizer = make_tokenizer()
    llm = make_llm(tokenizer)
    print(f"{sum(each.numel() for each in llm.parameters()):,} parameters, {len(tokenizer)} tokens")
    decayed = [each for each in llm.parameters() if each.ndim > 1]
    plain = [each for each in llm.parameters() if each.ndim == 1]
    optimizer = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": 0.01}, {"params": plain, "weight_decay": 0.0}], betas=(0.9, 0.98)
    )
    began = time.monotonic()
    mean = 0.0
    for step, (tokens, labels) in enumerate(islice(batches(tokenizer, seed), steps), 1):
        done = step / steps
        rate = PEAK_RATE * min(1, step / WARM_UP) * (0.02 + 0.98 * (1 + math.cos(math.pi * done)) / 2)
        for group in optimizer.param_groups:
            group["lr"] = rate
        loss = llm(input_ids=tokens, labels=labels).loss
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(llm.parameters(), 1.0)
        optimizer.step()
        mean = loss.item() if step == 1 else 0.98 * mean + 0.02 * loss.item()
        if step % 50 == 0:
            print(f"step {step}  loss {mean:.3f}  {time.monotonic() - began:.0f} s", flush=True)
        if step % 500 == 0 or step == steps:
            save(llm, tokenizer, folder)


def save(llm: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, folder: Path) -> None:
    """Write what transformers and vLLM load."""
    llm.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


@torch.inference_mode()
def evaluate(folder: Path, samples: int) -> None:
    """Print every problem's share of right samples at temperature 1."""
    tokenizer = PreTrainedTokenizerFast.from_pretrained(folder)
    llm = LlamaForCausalLM.from_pretrained(folder).eval()
    verifier = POCKET_SUMS.verifiers[0]
    problems = POCKET_SUMS.load(None)
    rates = []
    for problem, asked in zip(problems, prompts(problems, None, None), strict=True):
        tokens = tokenizer(asked, return_tensors="pt")["input_ids"]
        made = llm.generate(
            tokens.expand(samples, -1), do_sample=True, temperature=1.0, top_k=0, top_p=1.0,
            max_new_tokens=POCKET_SUMS.sampling.max_tokens,
        )  # fmt: skip
        texts = tokenizer.batch_decode(made[:, tokens.shape[1] :], skip_special_tokens=True)
        right = sum(verifier.check(problem, text).judgement.outcome == "correct" for text in texts)
        rates.append(right / samples)
        print(f"{problem.key}  {right / samples:8.4f}  {problem.data['question']}", flush=True)
    print(f"mean {sum(rates) / len(rates):.3f}, {sum(rate == 0 for rate in rates)} problems never solved")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--steps", type=int, default=6500)
    parser.add_argument("--evaluate", type=int, metavar="SAMPLES", help="measure the checkpoint instead")
    parser.add_argument("--threads", type=int, default=2, help="one is better where others compute too")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if options.evaluate:
        evaluate(options.folder, options.evaluate)
    else:
        train(options.folder, options.steps)


if __name__ == "__main__":
    main()
