"""Server-sent events: each open page learns what has changed, and then requests it.

Theory of operation: an event is a name and a student; it never carries page content. A page that reads its events too
slowly gets one ``all`` and requests everything anew. The number of streams is limited. They end when the desk closes.
"""

import asyncio
import contextlib
import json
import threading
from collections.abc import AsyncIterator

MOST = 100
"""Maximum number of simultaneous streams. A page without a stream works, but gets no events."""
ROOM = 50
"""Maximum number of events that wait for a page."""
PULSE = 15.0
"""Seconds of silence after which a stream is written to, so that a closed page is noticed."""


class Hub:
    """The open streams."""

    def __init__(self) -> None:
        self._queues: set[asyncio.Queue[tuple[str, str] | None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_closed = False
        self._lock = threading.Lock()
        self.number = 0
        """Number of events so far. A page that was rendered before some of them gets an ``all`` immediately."""

    def __len__(self) -> int:
        """Return the number of open streams."""
        return len(self._queues)

    @property
    def is_full(self) -> bool:
        """Whether no further stream may be opened."""
        return self._is_closed or len(self._queues) >= MOST

    def publish(self, event: str, slug: str = "") -> None:
        """Send all pages an event, from any thread."""
        with self._lock:
            self.number += 1
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(self._put, (event, slug))

    def close(self) -> None:
        """End all streams, from any thread."""
        self._is_closed = True
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._put, None)

    def _put(self, event: tuple[str, str] | None) -> None:
        for queue in self._queues:
            if queue.qsize() < ROOM:
                queue.put_nowait(event)
                continue
            while not queue.empty():
                queue.get_nowait()
            queue.put_nowait(event and ("all", ""))

    async def stream(self, after: int) -> AsyncIterator[bytes]:
        """Yield the events after this number as server-sent events; one ``all`` stands for those already past."""
        self._loop = asyncio.get_running_loop()
        queue: asyncio.Queue[tuple[str, str] | None] = asyncio.Queue(ROOM)
        self._queues.add(queue)
        if self.number > after:
            queue.put_nowait(("all", ""))
        try:
            yield b"retry: 2000\n\n"
            while not self._is_closed:
                try:
                    event = await asyncio.wait_for(queue.get(), PULSE)
                except TimeoutError:
                    yield b": here\n\n"
                    continue
                if event is None:
                    return
                said = json.dumps({"event": event[0], "slug": event[1]})
                yield f"data: {said}\n\n".encode()
        finally:
            self._queues.discard(queue)
