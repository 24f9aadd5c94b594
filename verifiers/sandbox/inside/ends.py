"""How a test ends, in the numbers that are stored."""

EXITED, CPU_LIMIT, WALL_LIMIT, OUTPUT_LIMIT, MEMORY_LIMIT, NOT_COMPILED, NOT_STARTED = range(7)
