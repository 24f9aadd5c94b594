"""vLLM's AsyncLLM on an event loop of its own: how it starts, is watched and ends. Sampling and scoring use it."""

import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import TimeoutError as NotYet
from threading import Event
from typing import Any, TypeVar

from models.settings import settings
from tasks.engines.engine import EngineDead, Interrupted, Load, RequestRefused
from tasks.engines.gpus import check_gpus, first_gpus, replicas_of, take_gpus, tensor_parallel
from tasks.engines.loop import Loop
from tasks.engines.pocket_monkey import FOLDER, NAME
from tasks.engines.reasons import in_a_line, printed_so_far
from tasks.engines.seeds import new_seed
from verifiers.errors import UserError

log = logging.getLogger(__name__)

T = TypeVar("T")

ENVIRONMENT = {
    "VLLM_WORKER_MULTIPROC_METHOD": "spawn",
    "VLLM_LOGGING_LEVEL": "WARNING",
    "VLLM_NO_USAGE_STATS": "1",
    "VLLM_CPU_KVCACHE_SPACE": "1",
    "TOKENIZERS_PARALLELISM": "false",
}
"""What vLLM reads from the environment when it is imported; a person's own settings stand."""

WATCH_SECONDS = 1.0
"""How often the engine is looked at."""


ENDED = "vLLM's engine process ended (out of memory, or killed)"


class Core:
    """One AsyncLLM. `dead` is set once it cannot go on, and `why` says why."""

    def __init__(self, llm: Load, defaults: Mapping[str, Any]) -> None:
        for variable, value in ENVIRONMENT.items():
            os.environ.setdefault(variable, value)
        if " " in sys.prefix:  # torch calls compilers by command lines that do not bear a blank in its folder's name
            os.environ.setdefault("TORCHDYNAMO_DISABLE", "1")
        import torch

        check_gpus(llm.gpus, torch.cuda.device_count())
        import vllm
        from vllm.platforms import current_platform

        self.on_cpu = bool(current_platform.is_cpu())
        used = () if self.on_cpu else llm.gpus or first_gpus(llm.engine_args, os.environ.get("CUDA_VISIBLE_DEVICES"))
        self._gpu_locks = take_gpus(used, shared="gpu_memory_utilization" in llm.engine_args)
        self.version = str(vllm.__version__)
        self.seed = new_seed()
        self.dead = Event()
        self.why = ""
        self._closed = Event()
        self._asked = threading.Lock()
        self._in_flight = 0
        self._heard = 0.0
        self._loop = Loop("vllm")
        self.llm = self._start(llm, self._arguments(llm, defaults))
        self._listen()
        config = self.llm.vllm_config
        replicas = replicas_of(config.parallel_config)
        self.gpus = 0 if self.on_cpu else replicas * int(config.parallel_config.world_size)
        # twice what it can run: batches end raggedly, and what waits inside the engine fills the gaps
        self.capacity = 2 * replicas * int(config.scheduler_config.max_num_seqs)
        threading.Thread(target=self._watch, name="vllm-watch", daemon=True).start()

    def _arguments(self, llm: Load, defaults: Mapping[str, Any]) -> dict[str, Any]:
        if "seed" in llm.engine_args:
            raise UserError("--engine-arg seed would give every worker the same samples; use --seeded on the run.")
        arguments: dict[str, Any] = {"disable_log_stats": True, "enable_prefix_caching": True}
        if llm.name == NAME:
            arguments |= {"dtype": "float32"}
        if self.on_cpu:
            # no compiler is needed, and a seeded request dies where its prefill is split over two steps
            arguments |= {"enforce_eager": True, "enable_chunked_prefill": False}
        if llm.gpus:
            arguments |= tensor_parallel(llm.engine_args, len(llm.gpus))
        return arguments | dict(defaults) | dict(llm.engine_args)

    def _start(self, llm: Load, arguments: dict[str, Any]) -> Any:
        from vllm.engine.arg_utils import AsyncEngineArgs
        from vllm.usage.usage_lib import UsageContext
        from vllm.v1.engine.async_llm import AsyncLLM

        model = str(FOLDER) if llm.name == NAME else llm.name
        try:
            engine_args = AsyncEngineArgs(model=model, seed=self.seed, **arguments)
        except TypeError as error:
            raise UserError(f"vLLM does not take these engine arguments ({error}).") from error

        async def start() -> Any:
            # sizes as offline: on an H100 1,024 samples at a time, where an embedded engine would get 128
            return AsyncLLM.from_engine_args(engine_args, usage_context=UsageContext.LLM_CLASS)

        since = printed_so_far()
        try:
            return self._loop.begin(start()).result()
        except Exception as error:  # a dozen kinds: no such llm, not enough memory, a wrong argument
            log.exception("vLLM did not start")
            raise UserError(f"vLLM could not load {llm.name}: {in_a_line(error, since)}.") from error

    def run(self, work: Callable[[], Coroutine[Any, Any, T]], stop: Event) -> T:
        """Run work on the engine's loop; Interrupted soon after `stop` is set, EngineDead when the engine is."""
        with self._asked:
            if self._in_flight == 0:
                self._heard = time.monotonic()
            self._in_flight += 1
        try:
            return self._run(work, stop)
        finally:
            with self._asked:
                self._in_flight -= 1

    def _run(self, work: Callable[[], Coroutine[Any, Any, T]], stop: Event) -> T:
        from vllm.exceptions import VLLMClientError
        from vllm.v1.engine.exceptions import EngineDeadError

        future = self._loop.begin(work())
        while True:
            try:
                return future.result(timeout=0.2)
            except NotYet:
                if future.done():
                    raise
                if stop.is_set() or self.dead.is_set():
                    future.cancel()  # which aborts the requests
                    raise (EngineDead(self.why) if self.dead.is_set() else Interrupted()) from None
            except EngineDeadError as error:
                self._die(ENDED)
                raise EngineDead(self.why) from error
            except (ValueError, VLLMClientError) as error:
                raise RequestRefused(" ".join(str(error).split())) from error

    def _listen(self) -> None:
        """Note when the engine process last sent tokens: requests bring nothing before their last sample is whole."""
        processor = self.llm.output_processor
        process = processor.process_outputs

        def noted(*given: Any, **named: Any) -> Any:
            self._heard = time.monotonic()
            return process(*given, **named)

        processor.process_outputs = noted

    def _watch(self) -> None:
        """Requests to an engine process that was killed or hangs wait for ever: notice, and give them up."""
        patience = settings().engine_seconds
        while not self._closed.wait(WATCH_SECONDS) and not self.dead.is_set():
            if self.llm.errored:
                self._die(ENDED)
            elif self._in_flight and time.monotonic() - self._heard > patience:
                self._die(f"vLLM's engine process hangs: it gave no token for {patience:g} s")

    def _die(self, why: str) -> None:
        if not self.dead.is_set() and not self._closed.is_set():
            self.why = why
            log.error("%s", why)
            self.dead.set()

    def close(self) -> None:
        """End the engine's processes; the GPU's memory goes with them."""
        self._closed.set()
        self.llm.shutdown()
        self._loop.close()
        for each in self._gpu_locks:
            each.close()
