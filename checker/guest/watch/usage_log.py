"""The uses of a model between the steps of its training: its predictions and evaluations.

Theory of operation: a custom loop calls the model both to train it and to use it, and only later events show which.
Small sets of rows wait for those that follow, and become one use together.
"""

from typing import Any

from checker.guest.watch import fed
from checker.guest.watch.model_record import ModelRecord
from checker.guest.watch.registry import ModelRegistry
from checker.guest.watch.rows import Rows
from checker.records.capture import Use

MAX_PIECE = 1_024
"""Consecutive sets of at most this many rows are parts of a larger one."""


class UsageLog:
    """Rows that one model was only used on, between the steps of its training."""

    def __init__(self, registry: ModelRegistry, record: ModelRecord) -> None:
        self.registry, self.record = registry, record
        self.trained = Rows()
        self.pieces: dict[str, Rows] = {}
        self.waiting: tuple[Any, Any] = (None, None)
        record.attach_usage_log(self)

    def see(self, x: Any) -> None:
        """Note a call of the model; later events show whether it belongs to training."""
        self.settle()
        self.waiting = (x, None)

    def label(self, y: Any) -> None:
        """Add the labels that belong to the call."""
        self.waiting = (self.waiting[0], y)

    def take(self) -> tuple[Any, Any]:
        """Return the rows of the last call, which belonged to training."""
        rows, self.waiting = self.waiting, (None, None)
        return rows

    def settle(self) -> None:
        """Note the last call as a use, if no training step followed it."""
        x, y = self.take()
        if x is not None:
            self.add("predict" if y is None else "evaluate", x, y)

    def add(self, how: str, x: Any, y: Any = None) -> None:
        """Note a use. Small sets wait for those that follow. Predicting a training batch is no test."""
        table = fed.table(x)
        if table is None or table.ndim != 2:
            return
        is_piece = len(table) <= MAX_PIECE
        if self.trained.holds(table):
            if is_piece and len(table) < len(self.trained.known):
                return
            is_piece = False
        if is_piece:
            self.pieces.setdefault(how, Rows()).add(x, y)
            return
        self.join()
        self._note(how, x, y)

    def join(self) -> None:
        """Note the waiting sets as one use."""
        self.settle()
        for how in list(self.pieces):
            self._note(how, *self.pieces.pop(how).data().arrays)

    def _note(self, how: str, x: Any = None, y: Any = None) -> None:
        rows = Rows()
        rows.add(x, y)
        data = rows.data()
        use = Use(self.registry.cell(), how, data.fed)
        if data.arrays and use not in self.record.uses:
            self.registry.note_use(self.record, use, data)
