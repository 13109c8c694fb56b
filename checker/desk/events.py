"""Server-sent events: each open page is told what has changed, and then asks for it.

Theory of operation: an event is a name and a student; what a page shows never travels in it. A page that is too slow to
take its events gets one ``all``, which makes it ask for everything anew. Streams are bounded in number, and ended when
the desk closes.
"""

import asyncio
import contextlib
import json
import threading
from collections.abc import AsyncIterator

MOST = 100
"""Most streams at once; a page without one is told nothing, and works."""
ROOM = 50
"""Most events that wait for a page."""
PULSE = 15.0
"""Seconds after which a silent stream is tried, so that a closed page is noticed."""


class Hub:
    """The open streams."""

    def __init__(self) -> None:
        self._queues: set[asyncio.Queue[tuple[str, str] | None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_closed = False
        self._lock = threading.Lock()
        self.number = 0
        """How many events there were. A page that was made before some of them is told at once."""

    def __len__(self) -> int:
        """Return how many streams are open."""
        return len(self._queues)

    @property
    def is_full(self) -> bool:
        """Whether no further stream may be opened."""
        return self._is_closed or len(self._queues) >= MOST

    def publish(self, event: str, slug: str = "") -> None:
        """Tell all pages of a change, from any thread."""
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
        """Yield the events after this number, as a browser reads them; one ``all`` for those that are past."""
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
