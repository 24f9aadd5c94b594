"""The process that compares expressions: one JSON request a line on stdin, one JSON reply a line on stdout.

A reply repeats its request's nonce. The only place where sympy runs. It can hang or eat memory on what an
LLM wrote, so the kernel ends this process when one request has used up its CPU time; it ends by itself when stdin
does.
"""

import json
import resource
import signal
import sys
import time
from collections.abc import Callable
from typing import Any

from verifiers.isolation.pipes import private_pipes


def main(cpu_seconds: float, memory_bytes: int) -> None:
    """Answer requests until stdin ends."""
    requests, replies = private_pipes()
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    from verifiers.answers import buckets, equality

    questions: dict[str, Callable[..., object]] = {
        "math-verify": equality.math_verify_equal,
        "minerva": buckets.minerva_equal,
        "bucket": buckets.bucket,
    }
    for line in requests:
        request, before = json.loads(line), time.process_time()
        signal.setitimer(signal.ITIMER_PROF, cpu_seconds)
        reply = _reply(questions[request["ask"]], request["of"])
        signal.setitimer(signal.ITIMER_PROF, 0)
        reply.update(cpu_seconds=time.process_time() - before, nonce=request["nonce"])
        replies.write(json.dumps(reply).encode() + b"\n")
        replies.flush()


def _reply(question: Callable[..., object], of: list[str]) -> dict[str, Any]:
    try:
        return {"value": question(*of)}
    except MemoryError:
        return {"failed": "memory"}
    except ImportError as error:
        return {"failed": str(error)}
    except Exception:  # sympy raises whatever it likes: what cannot be compared is not equal
        return {"value": None}


if __name__ == "__main__":
    main(float(sys.argv[1]), int(sys.argv[2]))
