"""Limits the boxes that run at a time on this machine, over all commands of a user.

Theory of operation: a slot is a file in the user's cache that its holder has locked. The system frees a lock when its
process ends, however that ends, so no slot is ever lost. A batch takes a slot for each submission. An open desk holds a
lock, too. While it does, batches leave the first slot to desks, because people wait for a desk's trainings. If a batch
holds the first slot when a desk opens, it gives it up once its submission has ended. With only one slot, nothing is
left to desks.
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
DESK = "desk"


def folder() -> Path:
    """Return the folder of this machine's slots."""
    return Path(pooch.os_cache("checker")) / f"slots-{platform.node()}"


class Slots:
    """``count`` slots, of a batch or of a desk. Its methods are called from many threads."""

    def __init__(self, count: int, is_desk: bool = False, place: Path | None = None) -> None:
        self._count, self._is_desk = count, is_desk
        self._place = folder() if place is None else place
        self._open_desk: IO[str] | None = None
        self._lock = threading.Lock()
        self._closed = False
        if is_desk:
            self._tell_of_desk()

    @contextlib.contextmanager
    def taken(self) -> Iterator[None]:
        """Hold a slot; wait for one if none is free. Raises HarnessError if slots cannot be locked, or were closed."""
        slot = self.take()
        while slot is None:
            if self._closed:
                raise HarnessError("The batch was interrupted.")
            time.sleep(LOOK_SECONDS)
            slot = self.take()
        with slot:
            yield

    def take(self) -> IO[str] | None:
        """Return a slot's open file; None if no slot is free. Closing the file frees the slot."""
        if self._is_desk:
            self._tell_of_desk()
        numbers = range(self._count) if self._is_desk else range(self._count - 1, self._first(), -1)
        return next((slot for number in numbers if (slot := self._locked(str(number))) is not None), None)

    def _first(self) -> int:
        """Return the slot that this batch leaves to a desk; -1 for none."""
        if self._count == 1:
            return -1
        free = self._locked(DESK)
        if free is None:
            return 0
        free.close()
        return -1

    def _tell_of_desk(self) -> None:
        """Hold the lock that marks an open desk, unless another desk holds it."""
        with self._lock:
            if self._open_desk is None and not self._closed:
                self._open_desk = self._locked(DESK)

    def _locked(self, name: str) -> IO[str] | None:
        try:
            self._place.mkdir(parents=True, exist_ok=True)
            found = (self._place / f"{name}.lock").open("a", encoding="utf-8")
        except OSError as error:
            raise HarnessError(
                f"{self._place} cannot be written to: {error.strerror}.", "Make it writable; it counts the boxes."
            ) from error
        if lock.is_taken(found):
            return found
        found.close()
        return None

    def close(self) -> None:
        """Stop waiting for slots. If this is a desk's, release the lock that marks it as open."""
        with self._lock:
            self._closed = True
            if self._open_desk is not None:
                self._open_desk.close()
                self._open_desk = None
