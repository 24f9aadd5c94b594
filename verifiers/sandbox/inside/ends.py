"""How a test ends, in the numbers that host and jail share."""

EXITED, CPU_LIMIT, WALL_LIMIT, OUTPUT_LIMIT, MEMORY_LIMIT, NOT_COMPILED, NOT_STARTED = range(7)
PATIENCE = 6
"""Times the wall limit, for a test that the host gives no CPU."""
