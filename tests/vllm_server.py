"""A real `vllm serve`, for the tests of endpoints."""

import os
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cli.stack.processes import end_group
from tests.place import wait_until


@contextmanager
def vllm_server(folder: Path, name: str, key: str, *options: str) -> Iterator[str]:
    """Serve the llm of a folder under a name, for those who have the key; the URL up to /v1, once it answers."""
    port = _free_port()
    served = subprocess.Popen(
        [
            sys.executable, "-m", "vllm.entrypoints.openai.api_server", "--model", str(folder), "--served-model-name",
            name, "--dtype", "float32", "--enforce-eager", "--host", "127.0.0.1", "--port", str(port), "--api-key", key,
            *options,
        ],
        env={**os.environ, "VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_LOGGING_LEVEL": "WARNING"},
        start_new_session=True,
    )  # fmt: skip
    try:
        wait_until(lambda: served.poll() is not None or _healthy(port), 900)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        end_group(served, "TERM", grace=30)


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


def _healthy(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
