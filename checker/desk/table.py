"""Keep ``decisions.csv`` and the store of decisions together while the desk is open."""

import time
from collections.abc import Callable

from checker.desk.results import Results
from checker.errors import UsageError
from checker.gradebooks import decisions, exchange
from checker.gradebooks.decision_log import DecisionLog

PAUSE = 5.0
"""Minimum number of seconds between two exchanges, so that many marks cost one exchange."""


class Table:
    """The table of decisions beside the results. One thread watches it. ``told``: the sentences about it for people."""

    def __init__(self, results: Results, log: DecisionLog, now: Callable[[], float] = time.monotonic) -> None:
        self.told: tuple[str, ...] = ()
        self._results, self._log, self._now = results, log, now
        self._shown: tuple[object, ...] | None = None
        self._next = 0.0

    def look(self, newest: int) -> bool:
        """Exchange decisions if the table or the store (whose ``newest`` decision this is) has changed, or if the last
        exchange could not write. Tell whether the pages must show something new."""
        if self._now() < self._next or self._shown == (newest, self._stamp()):
            return False
        self._next = self._now() + PAUSE
        before, stamp = self.told, self._stamp()
        students = {row.student: row.sha256 for row in self._results.now().roster.rows}
        try:
            done = exchange.exchange(self._log, students)
        except UsageError as error:
            self.told, self._shown = (f"{error.message} {error.help}",), (newest, stamp)
            return self.told != before
        self.told = done.lines
        self._shown = None if done.unwritten else (newest, self._stamp())
        return bool(done.by_hand) or self.told != before

    def _stamp(self) -> tuple[int, int] | None:
        """Return a stamp that changes with the file."""
        try:
            found = (self._results.folder / decisions.FILE).stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size
