"""A seed for every sample, where a run is seeded: no two samples of a problem ever share a random stream."""

import hashlib
import secrets


def new_seed() -> int:
    """A fresh random seed of 31 bits, which every engine takes."""
    return secrets.randbits(31)


def seeds_of(root: int, problem_id: int, first_index: int, size: int) -> list[int]:
    """The seeds of consecutive samples: base(run's root, problem) + index.

    Consecutive, since vLLM gives child i of a request seed + i; the base is 62 random bits, so that the ranges of two
    runs over one problem meet with a chance of about n / 2^61.
    """
    digest = hashlib.sha256(f"{root}:{problem_id}".encode()).digest()
    base = int.from_bytes(digest[:8], "big") >> 2
    return [base + index for index in range(first_index, first_index + size)]
