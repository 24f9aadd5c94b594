"""How the samples of a run are cut into batches."""

from collections.abc import Iterator, Sequence


def batches_of(
    problem_ids: Sequence[int], first: int, n: int, size: int, *, depth_first: bool
) -> Iterator[tuple[int, int, int]]:
    """(problem, first index, size) over indices first..n-1; breadth first, so that early curves mean something."""
    starts = range(first, n, size)
    if depth_first:
        yield from ((problem, start, min(size, n - start)) for problem in problem_ids for start in starts)
    else:
        yield from ((problem, start, min(size, n - start)) for start in starts for problem in problem_ids)
