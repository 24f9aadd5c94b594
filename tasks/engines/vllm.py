"""vLLM in this process: one AsyncLLM on an event loop of its own, several batches in flight."""

import asyncio
import json
import logging
import uuid
from pathlib import Path
from threading import Event
from typing import Any

from models.cost import Sizes
from tasks.engines.engine import Account, Completion, Engine, Load, Request
from tasks.engines.vllm_core import Core
from tasks.engines.vllm_request import chat_prompt, parameters, tags_of
from verifiers.benchmarks.benchmark import Sampling
from verifiers.errors import UserError

log = logging.getLogger(__name__)

LONGEST_REQUEST = 128
"""Samples in one request to vLLM: an n of 512 and more has been seen never to finish (vllm#6646)."""


class Vllm:
    """One llm in one AsyncLLM. The engine argument `lora` is ours: the folder of an adapter to sample with."""

    name = "vllm"

    def __init__(self, llm: Load) -> None:
        given = dict(llm.engine_args)
        lora = given.pop("lora", None)
        defaults: dict[str, Any] = {"max_logprobs": 1}
        if lora is not None:
            defaults |= {"enable_lora": True, "max_lora_rank": _lora_rank(Path(lora))}
        self._core = Core(Load(llm.name, given, llm.gpus), defaults)
        self._lora = _lora_request(lora) if lora is not None else None
        self.version = self._core.version
        self.seed: int | None = self._core.seed
        self.gpus = self._core.gpus
        self.dead = self._core.dead
        self.capacity = self._core.capacity
        config = self._core.llm.vllm_config
        self._tags = tags_of(config, self._core.llm.get_tokenizer())
        self.sizes: Sizes | None = _sizes(config.model_config.hf_text_config)

    def sample(self, request: Request, stop: Event, account: Account) -> list[Completion]:
        """A batch, as requests of at most LONGEST_REQUEST samples."""
        return self._core.run(lambda: self._sample(request, account), stop)

    async def _sample(self, request: Request, account: Account) -> list[Completion]:
        prompt, opened = self._prompt(request)
        parts = [
            self._part(request, prompt, opened, offset, min(LONGEST_REQUEST, request.size - offset), account)
            for offset in range(0, request.size, LONGEST_REQUEST)
        ]
        return [completion for part in await asyncio.gather(*parts) for completion in part]

    def _prompt(self, request: Request) -> tuple[Any, str]:
        """What vLLM is given, and the tag with which it opens the thinking, if it does."""
        if not request.sampling.chat:
            return request.prompt, self._tags.opened(request.prompt)
        tokenizer: Any = self._core.llm.get_tokenizer()
        text = chat_prompt(tokenizer, request)
        # the template's text has its own beginning-of-text token
        return {"prompt_token_ids": tokenizer.encode(text, add_special_tokens=False)}, self._tags.opened(text)

    async def _part(
        self, request: Request, prompt: Any, opened: str, offset: int, size: int, account: Account
    ) -> list[Completion]:
        sampling = request.sampling
        seeds = request.seeds[offset : offset + size] if request.seeds else None
        final = await self._final(prompt, sampling, size, seeds[0] if seeds else None)
        if final is None or len(final.outputs) != size:
            raise RuntimeError(f"vLLM gave {len(final.outputs) if final else 0} samples instead of {size}")
        prompt_tokens = len(final.prompt_token_ids or ())
        outputs = sorted(final.outputs, key=lambda each: each.index)
        thought = [self._tags.thinking_tokens(opened + each.text, each.token_ids) for each in outputs]
        account.add(
            prompt_tokens=prompt_tokens,
            cached_prompt_tokens=final.num_cached_tokens,
            completion_tokens=sum(len(each.token_ids) for each in outputs),
            thinking_tokens=sum(each for each in thought if each is not None) if None not in thought else None,
        )
        return [
            Completion(
                # a template that opens the thinking began the sample, which nobody could split without its tag
                text=opened + each.text if sampling.chat else each.text,
                prompt_tokens=prompt_tokens,
                completion_tokens=len(each.token_ids),
                thinking_tokens=thought[place],
                finish_reason=each.finish_reason,
                logprob=each.cumulative_logprob,
                token_logprobs=_token_logprobs(each) if sampling.token_logprobs else None,
                seed=seeds[place] if seeds else None,
            )
            for place, each in enumerate(outputs)
        ]

    async def _final(self, prompt: Any, sampling: Sampling, size: int, seed: int | None) -> Any:
        """vLLM's output for one request, once it is whole."""
        arguments = sampling.chat_template_args
        final = None
        async for output in self._core.llm.generate(
            prompt,
            parameters(sampling, size, seed),
            request_id=uuid.uuid4().hex,
            lora_request=self._lora,
            # by which some parsers know whether a structured answer begins at once, or after the thinking
            reasoning_parser_kwargs={"chat_template_kwargs": arguments} if arguments else None,
        ):
            final = output
        return final

    def close(self) -> None:
        """End the engine's processes; the GPU's memory goes with them."""
        self._core.close()


def _lora_rank(folder: Path) -> int:
    """The adapter's rank, rounded up to one that vLLM takes."""
    try:
        rank = int(json.loads((folder / "adapter_config.json").read_text("utf-8"))["r"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{folder} is not the folder of a LoRA adapter ({error}).") from error
    return next((each for each in (8, 16, 32, 64, 128, 256, 320) if each >= rank), rank)


def _lora_request(folder: str) -> Any:
    from vllm.lora.request import LoRARequest

    return LoRARequest("lora", 1, folder)


def _token_logprobs(output: Any) -> list[float]:
    steps = zip(output.token_ids, output.logprobs or (), strict=True)
    return [step[token].logprob for token, step in steps]


def _sizes(config: Any) -> Sizes | None:
    """Count an llm's parameters from its configuration, without its weights; None where transformers cannot."""
    import torch
    from transformers import AutoModelForCausalLM

    try:
        with torch.device("meta"):
            make: Any = AutoModelForCausalLM.from_config
            model = make(config)
    except Exception as error:  # an architecture of vLLM's own, or one with code of its own
        log.warning("the llm's sizes are not known, so its FLOPs are not: %s", error)
        return None
    parameters = sum(each.numel() for each in model.parameters())
    experts = getattr(config, "num_local_experts", None) or getattr(config, "num_experts", None)
    used = getattr(config, "num_experts_per_tok", None)
    active = parameters
    if experts and used:
        in_experts = sum(each.numel() for name, each in model.named_parameters() if ".experts." in name)
        active = parameters - in_experts + in_experts * used // experts
    heads = config.num_attention_heads
    head_size = getattr(config, "head_dim", None) or config.hidden_size // heads
    return Sizes(parameters, active, config.num_hidden_layers, heads * head_size)


def load(llm: Load) -> Engine:
    """Start vLLM with an llm from a hub name or a folder."""
    return Vllm(llm)
