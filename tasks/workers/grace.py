"""How long whoever tells a process to go waits before it kills: longer than what goes on inside, so nothing is cut off.

A worker has WORKER_SECONDS to end its batches, then gives the others back. Its keeper, which is `worker generate` with
vLLM or the stack's supervisor, kills after KEEPER_SECONDS: an engine may need some more to close. Whoever ends a keeper
(Docker, systemd, `monkeys down`) waits OUTSIDE_SECONDS.
"""

WORKER_SECONDS = 10.0
KEEPER_SECONDS = WORKER_SECONDS + 15
OUTSIDE_SECONDS = KEEPER_SECONDS + 15
