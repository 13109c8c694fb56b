"""The workers of a Dask scheduler that have boxes for a batch: their number, and the wait if there are none."""

import threading
import time
from collections.abc import Callable
from typing import Any

from distributed import Client

from checker.errors import HarnessError, LostError

MEMORY = "memory"
"""The Dask resource for a worker's memory, in MiB."""
LOOK_SECONDS = 5.0
"""Interval between checks of the workers."""
WAIT_SECONDS = 600.0
"""Time that a batch waits for a worker after the last one has gone: boxes warm up, a queue starts another job."""
SCHEDULER_LOST = "The batch was interrupted, or its scheduler was lost."


class Workers:
    """The workers whose boxes, of this ``kind`` and with this much ``memory`` in MiB, a batch can use. ``say`` prints
    that all have gone, or that one has come. Its methods are called from many threads."""

    def __init__(self, client: Client, kind: str, memory: int, say: Callable[[str], None]) -> None:
        self._client, self._kind, self._memory, self._say = client, kind, memory, say
        self._lock = threading.Lock()
        self._looked = time.monotonic()
        self._gone_since: float | None = None

    @property
    def address(self) -> str:
        """The scheduler's address."""
        return str(self._client.scheduler.address) if self._client.scheduler else ""

    def known(self) -> int:
        """Return the number of the scheduler's workers, with boxes for the batch or without."""
        return len(self._workers())

    def boxes(self) -> list[int]:
        """Return the number of boxes of each worker that the batch can use at a time, for workers with any."""
        offers = [worker["resources"] for worker in self._workers().values() if self._kind in worker["resources"]]
        fit = [min(int(offer[self._kind]), int(offer[MEMORY] // self._memory)) for offer in offers]
        return [count for count in fit if count]

    def require(self) -> None:
        """Check the workers, unless the last check was less than ``LOOK_SECONDS`` ago.

        Raises LostError if there has been none for too long, HarnessError if the scheduler is lost.
        """
        with self._lock:
            now = time.monotonic()
            if now - self._looked >= LOOK_SECONDS:
                self._looked = now
                self._note(bool(self.boxes()), now)
            if self._gone_since is not None and now - self._gone_since >= WAIT_SECONDS:
                raise LostError(f"All workers had gone, and none came within {_minutes()}.")

    def _workers(self) -> dict[str, Any]:
        known = self._client.scheduler_info(n_workers=-1)
        if "workers" not in known:  # the client has given up its scheduler
            raise HarnessError(SCHEDULER_LOST)
        return dict(known["workers"])

    def _note(self, are_there: bool, now: float) -> None:
        if are_there and self._gone_since is not None:
            self._gone_since = None
            self._say(f"There is a worker at {self.address} again.")
        elif not are_there and self._gone_since is None:
            self._gone_since = now
            self._say(
                f"All workers of {self.address} have gone. The batch waits {_minutes()} for another. On a machine for "
                f"that, type: checker worker {self.address}"
            )


def _minutes() -> str:
    return f"{WAIT_SECONDS / 60:.0f} minutes"
