"""The uses of a model between the steps of its training: what it predicted, and what it was evaluated on.

Theory of operation: a custom loop calls the model to train it and to look at it, and only what follows a call tells
which. Small sets of rows wait for those that follow, and become one use together.
"""

from typing import Any

from checker.guest.watch import fed
from checker.guest.watch.model_record import ModelRecord
from checker.guest.watch.registry import ModelRegistry
from checker.guest.watch.rows import Rows
from checker.records.capture import Use

MAX_PIECE = 1_024
"""Sets of at most so many rows are pieces of a larger one, if they follow upon each other."""


class UsageLog:
    """Rows that one model was only used on, between the steps of its training."""

    def __init__(self, registry: ModelRegistry, record: ModelRecord) -> None:
        self.registry, self.record = registry, record
        self.trained = Rows()
        self.pieces: dict[str, Rows] = {}
        self.waiting: tuple[Any, Any] = (None, None)
        record.attach_usage_log(self)

    def see(self, x: Any) -> None:
        """Note that the model was called; whether to train it, only what follows can tell."""
        self.settle()
        self.waiting = (x, None)

    def label(self, y: Any) -> None:
        """Add the labels that go with the call."""
        self.waiting = (self.waiting[0], y)

    def take(self) -> tuple[Any, Any]:
        """Return the rows of the last call, which was made to train the model."""
        rows, self.waiting = self.waiting, (None, None)
        return rows

    def settle(self) -> None:
        """Note a call that nothing followed as a use."""
        x, y = self.take()
        if x is not None:
            self.add("predict" if y is None else "evaluate", x, y)

    def add(self, how: str, x: Any, y: Any = None) -> None:
        """Note a use. Pieces wait for those that follow; a look at a batch that is trained on is no test."""
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
        """Note the pieces that waited as one set."""
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
