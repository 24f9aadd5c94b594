"""Shares out an engine's busy time among the batches in flight, and holds new ones back when it is full."""

import threading
import time
from collections.abc import Callable
from threading import Event


class Meter:
    """GPU-seconds by attempt: at every moment the engine's GPUs are shared by samples in flight.

    The shares of all attempts add up to (time with anything in flight) x GPUs.
    """

    def __init__(self, gpus: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._gpus = gpus
        self._clock = clock
        self._changed = threading.Condition()
        self._sizes: dict[int, int] = {}
        self._seconds: dict[int, float] = {}
        self._at = clock()
        self.admission = threading.Lock()
        """Held from waiting for room until a batch is in flight, so that two threads cannot take the same room."""

    def wait_for_room(self, capacity: int, leaving: Event) -> bool:
        """Wait until fewer than `capacity` samples are in flight; False when the process is leaving instead."""
        with self._changed:
            while not leaving.is_set():
                if sum(self._sizes.values()) < capacity:
                    return True
                self._changed.wait(0.5)
        return False

    def begin(self, attempt_id: int, size: int) -> None:
        """A batch of `size` samples is in flight."""
        with self._changed:
            self._settle()
            self._sizes[attempt_id] = size
            self._seconds[attempt_id] = 0.0

    def share(self, attempt_id: int) -> float:
        """GPU-seconds of a batch in flight so far."""
        with self._changed:
            self._settle()
            return self._seconds[attempt_id]

    def end(self, attempt_id: int) -> None:
        """A batch is no longer in flight."""
        with self._changed:
            self._settle()
            del self._sizes[attempt_id], self._seconds[attempt_id]
            self._changed.notify_all()

    def _settle(self) -> None:
        now = self._clock()
        total = sum(self._sizes.values())
        for attempt_id, size in self._sizes.items():
            self._seconds[attempt_id] += (now - self._at) * self._gpus * size / total
        self._at = now
