"""The students that people are looking at. It locks nothing. An entry expires soon after its page falls silent."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from checker.desk.people import Session

GONE = 20.0
"""Seconds without a signal after which a page counts as closed. Pages send a signal every eight seconds."""


@dataclass(frozen=True)
class _Look:
    slug: str
    name: str
    at: float


class Presence:
    """The student that each browser was last at."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._looks: dict[str, _Look] = {}

    def look(self, session: Session, slug: str) -> set[str]:
        """Note that somebody looks at a student. Return the students whose viewers change by that."""
        with self._lock:
            before = self._looks.get(session.id)
            self._looks[session.id] = _Look(slug, session.name, self._now())
            return set() if before and before.slug == slug else {slug} | ({before.slug} if before else set())

    def leave(self, session: Session, slug: str) -> bool:
        """Note that a page was closed; tell whether the viewers change."""
        with self._lock:
            if (look := self._looks.get(session.id)) is None or look.slug != slug:
                return False
            del self._looks[session.id]
            return True

    def sweep(self) -> set[str]:
        """Forget pages that have fallen silent; return their students."""
        with self._lock:
            silent = {id: look for id, look in self._looks.items() if look.at < self._now() - GONE}
            for id in silent:
                del self._looks[id]
            return {look.slug for look in silent.values()}

    def others(self, session: Session) -> dict[str, tuple[str, ...]]:
        """Return the names of the people who look at each student, without this browser."""
        found: dict[str, list[str]] = {}
        with self._lock:
            for id, look in self._looks.items():
                if id != session.id and look.at >= self._now() - GONE:
                    found.setdefault(look.slug, []).append(look.name)
        return {slug: tuple(sorted(set(names))) for slug, names in found.items()}
