"""How many boxes run at a time on this machine, counted over all commands of a user.

Theory of operation: a slot is a file in the user's cache that its holder has locked. The system frees a lock when its
process ends, however that ends, so no slot is ever lost. A batch takes a slot for each submission. A desk keeps one
from one training to the next, because people wait for it; the next one that a batch gives back is the desk's.
"""

import contextlib
import platform
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pooch

from checker.errors import HarnessError
from checker.run import lock

LOOK_SECONDS = 0.05


def folder() -> Path:
    """Return the folder of this machine's slots."""
    return Path(pooch.os_cache("checker")) / f"slots-{platform.node()}"


class Slots:
    """``count`` slots, of which up to ``kept`` stay with this process once it has had them. Its methods are called from
    many threads."""

    def __init__(self, count: int, kept: int = 0, place: Path | None = None) -> None:
        self._count, self._most_kept = count, kept
        self._place = folder() if place is None else place
        self._kept: list[IO[str]] = []
        self._free: list[IO[str]] = []
        self._lock = threading.Lock()
        self._closed = False

    @contextlib.contextmanager
    def taken(self) -> Iterator[None]:
        """Hold a slot; wait for one if none is free. Raises HarnessError if slots cannot be locked, or were closed."""
        slot = self._take()
        while slot is None:
            if self._closed:
                raise HarnessError("The batch was interrupted.")
            time.sleep(LOOK_SECONDS)
            slot = self._take()
        try:
            yield
        finally:
            self._give_back(slot)

    def _take(self) -> IO[str] | None:
        with self._lock:
            if self._free:
                return self._free.pop()
        for number in range(self._count):
            slot = self._opened(number)
            if lock.is_taken(slot):
                return slot
            slot.close()
        return None

    def _opened(self, number: int) -> IO[str]:
        try:
            self._place.mkdir(parents=True, exist_ok=True)
            return (self._place / f"{number}.lock").open("a", encoding="utf-8")
        except OSError as error:
            raise HarnessError(
                f"{self._place} cannot be written to: {error.strerror}.", "Make it writable; it counts the boxes."
            ) from error

    def _give_back(self, slot: IO[str]) -> None:
        with self._lock:
            if slot not in self._kept and len(self._kept) < self._most_kept and not self._closed:
                self._kept.append(slot)
            if slot in self._kept and not self._closed:
                self._free.append(slot)
                return
        slot.close()

    def close(self) -> None:
        """Free what is kept, and wait for no more slots."""
        with self._lock:
            self._closed = True
            free, self._free = self._free, []
        for slot in free:
            slot.close()
