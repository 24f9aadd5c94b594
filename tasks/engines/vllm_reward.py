"""Reward models: vLLM's pooling models (sequence classification, and process rewards with a number for every step)."""

import asyncio
import math
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Event
from typing import Any

from tasks.engines.engine import Load
from tasks.engines.reward_models import AGGREGATES, STEP_SEPARATOR
from tasks.engines.vllm_core import Core
from verifiers.errors import UserError


@dataclass(frozen=True)
class Reward:
    """A sample's number, and each step's where the model gives them."""

    score: float
    step_scores: Sequence[float] | None = None


class RewardModel:
    """One reward model in one AsyncLLM.

    The engine arguments `step_token`, `step_separator` and `aggregate` are ours: with a step token (as in Qwen's
    process reward models: `<extra_0>`), it is put behind each step of a sample, and the model's probability of the
    last class there is the step's score.
    """

    name = "vllm"
    sizes = None

    def __init__(self, llm: Load) -> None:
        given = dict(llm.engine_args)
        self._step_token = given.pop("step_token", None)
        self._separator = str(given.pop("step_separator", STEP_SEPARATOR))
        self._aggregate = AGGREGATES[given.pop("aggregate", "min")]
        self._core = Core(Load(llm.name, given, llm.gpus), {"runner": "pooling"})
        self._step_id = self._id_of_step_token(llm.name) if self._step_token is not None else None
        # poolers of process reward models pick the step tokens themselves, by default those of Qwen
        self._picks_steps = self._core.llm.vllm_config.model_config.pooler_config.tok_pooling_type == "STEP"
        self.version = self._core.version
        self.seed: int | None = self._core.seed
        self.gpus = self._core.gpus
        self.dead = self._core.dead
        self.capacity = self._core.capacity

    def _id_of_step_token(self, name: str) -> int:
        tokenizer = self._core.llm.get_tokenizer()
        ids: list[int] = tokenizer.encode(self._step_token, add_special_tokens=False)
        if len(ids) != 1:
            self.close()
            raise UserError(f"The step_token {self._step_token!r} is not one token of {name}.")
        return ids[0]

    def rate(self, prompt: str, texts: Sequence[str], stop: Event) -> list[Reward]:
        """The rewards of one prompt's samples, in order."""
        return self._core.run(lambda: self._rate(prompt, texts), stop)

    async def _rate(self, prompt: str, texts: Sequence[str]) -> list[Reward]:
        return list(await asyncio.gather(*(self._reward(prompt, text) for text in texts)))

    async def _reward(self, prompt: str, text: str) -> Reward:
        from vllm.pooling_params import PoolingParams

        steps = self._step_id is not None
        parameters = PoolingParams(
            task="token_classify" if steps else "classify",
            use_activation=steps,
            step_tag_id=self._step_id if self._picks_steps else None,
        )
        final = None
        async for output in self._core.llm.encode(self._dialogue(prompt, text), parameters, uuid.uuid4().hex):
            final = output
        if final is None:
            raise RuntimeError("vLLM gave no reward")
        data = final.outputs.data.float()
        if not steps:
            return Reward(float(data.reshape(-1)[-1]))
        scores = [float(each[-1]) for each in self._at_steps(data, final.prompt_token_ids)]
        if not scores or any(math.isnan(each) for each in scores):
            raise RuntimeError(f"vLLM gave no score at the {self._step_token!r} of a sample")
        return Reward(self._aggregate(scores), scores)

    def _at_steps(self, data: Any, tokens: Sequence[int]) -> list[Any]:
        """The rows at step tokens."""
        if self._picks_steps:
            return list(data)
        return [row for row, token in zip(data, tokens, strict=True) if token == self._step_id]

    def _dialogue(self, prompt: str, text: str) -> Any:
        """Prompt and sample as the reward model's chat template has them, else one after the other."""
        if self._step_token is not None:
            steps = [each.strip() for each in text.strip().split(self._separator) if each.strip()] or [text]
            text = "".join(each + self._step_token for each in steps)
        tokenizer = self._core.llm.get_tokenizer()
        if not getattr(tokenizer, "chat_template", None):
            return prompt + text
        messages = [{"role": "user", "content": prompt}, {"role": "assistant", "content": text}]
        whole = tokenizer.apply_chat_template(messages, tokenize=False)
        # the template's text has its own beginning-of-text token
        return {"prompt_token_ids": tokenizer.encode(whole, add_special_tokens=False)}

    def close(self) -> None:
        """End the engine's processes; the GPU's memory goes with them."""
        self._core.close()
