"""Training that a student's own loop does step by step, gathered into stretches like those of ``fit``.

Theory of operation: whoever sees such steps (``staticgraph``, ``tape``) keeps one ``CustomLoop`` for each model and
optimizer and calls ``step`` before each step and ``feed`` with its batch. Every row is kept once, in an order
that does not depend on shuffling, so that two passes over the same rows are the same data. A loop becomes a
``Fit`` when its cell ends, when the model is trained in another way, and already when the cap in steps is
reached or some thousands of steps were taken, so that nothing is lost where the box is killed in the middle.
Sets of rows that are only looked at (development, test) become ``Use`` records; small pieces are joined.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from pydantic import JsonValue

from checker.guest.plain.plaindata import UnrebuildableError, reason
from checker.guest.watch import fed, fit_calls
from checker.guest.watch.fed import Data
from checker.guest.watch.model_record import ModelRecord
from checker.guest.watch.registry import ModelRegistry
from checker.records.arrays import Array
from checker.records.capture import Fed, Fit, Use
from checker.records.network import Development, KerasObject, Phase

TELL_EVERY = 2_000
"""Steps after which what is known of a loop is sent, finished or not."""
MAX_PIECE = 1_024
"""Sets of at most so many rows are pieces of a larger one, where they follow upon each other."""
MAX_RATES = 100
"""Different learning rates that a piecewise constant schedule may hold."""
MAX_RATIOS = 20
"""Steps at which the loss is compared."""
SAME = 1e-3
SCALED = frozenset({"SGD"})
"""Optimizers whose steps grow with the loss."""


class Rows:
    """Rows that were fed in batches, each kept once; features as 32-bit numbers."""

    def __init__(self) -> None:
        self.parts: list[tuple[Array, ...]] = []
        self.known: set[bytes] = set()
        self.batches: set[int] = set()
        self.bytes = 0
        self.note = ""

    def add(self, x: Any, y: Any = None) -> None:
        """Keep a batch's rows that are new."""
        data = Data(Fed(rows=0, note="nothing")) if x is None else fed.note(x, y)
        if not data.arrays or data.arrays[0].ndim != 2:
            self.note = self.note or data.fed.note or "the batches are no tables"
            return
        arrays = (_plain(data.arrays[0]), *data.arrays[1:])
        if (digest := hash(arrays[0].tobytes())) in self.batches:
            return
        self.batches.add(digest)
        keys = _keys(arrays[0])
        new = [at for at, key in enumerate(keys) if key not in self.known]
        self.known.update(keys)
        self.bytes += arrays[0][new].nbytes
        if new and self.bytes <= fed.MAX_BYTES:
            self.parts.append(tuple(array[new] for array in arrays))

    def holds(self, table: Array) -> bool:
        """Tell whether all rows of a table are among these."""
        return all(key in self.known for key in _keys(_plain(table)))

    def data(self) -> Data:
        """Return all rows as one table, in an order of their own."""
        kinds = {tuple((array.shape[1:], array.dtype) for array in part) for part in self.parts}
        if len(kinds) != 1:
            return Data(Fed(rows=0, note=self.note or "batches that do not fit together"))
        joined = [np.concatenate(arrays) for arrays in zip(*self.parts, strict=True)]
        _, order = np.unique(joined[0], axis=0, return_index=True)
        return fed.note(joined[0][order], joined[1][order] if len(joined) > 1 else None)


def _plain(table: Array) -> Array:
    return np.ascontiguousarray(table, dtype=np.float32)


def _keys(table: Array) -> list[bytes]:
    return [row.tobytes() for row in table]


@dataclass
class CustomLoop:
    """Steps taken so far by one loop.

    ``plan`` gives the optimizer, with the learning rate of the last step, and the loss, or raises
    UnrebuildableError.
    """

    registry: ModelRegistry
    record: ModelRecord
    uses: "UsageLog"
    how: str
    plan: Callable[[], tuple[KerasObject, KerasObject]]
    asked: int = 0
    done: int = 0
    sizes: Counter[int] = field(default_factory=Counter)
    rows: Rows = field(default_factory=Rows)
    rates: list[float] = field(default_factory=list)
    ratios: list[float] = field(default_factory=list)
    told: bool = False

    def __post_init__(self) -> None:
        self.uses.trained = self.rows

    @property
    def is_capped(self) -> bool:
        """No more steps may be taken."""
        return self.registry.is_capped(self.done)

    @property
    def is_open(self) -> bool:
        """It is what trains its model; nothing has closed it."""
        return self.record.loop is self

    def step(self) -> bool:
        """Count a step; False where it is beyond a cap and must do nothing."""
        self.asked += 1
        if self.is_capped:
            if self.asked == self.done + 1:
                self.tell(finished=True)
            return False
        self.done += 1
        self.registry.count_steps(1)
        if self.done % TELL_EVERY == 0:
            self.tell(finished=False)
        return True

    def feed(self, x: Any, y: Any, rate: float | None = None, ratio: float | None = None) -> None:
        """Note the batch of a step that was taken.

        ``rate``: the learning rate, where that may change. ``ratio``: what was minimised, in proportion to the mean of
        the rows' losses.
        """
        self.uses.join()
        self.sizes[len(x) if getattr(x, "shape", ()) else 0] += 1
        self.rows.add(x, y)
        if rate is not None:
            self.rates.append(float(rate))
        if ratio is not None and len(self.ratios) < MAX_RATIOS:
            self.ratios.append(float(ratio))

    def close(self) -> None:
        """Make a finished stretch of the steps."""
        self.record.leave_loop()
        if self.asked:
            self.tell(finished=True)
            self.record.finish_training()
            self.registry.publish(self.record)

    def tell(self, finished: bool) -> None:
        """Send what is known; a record of this loop that was sent before is replaced."""
        data = self.rows.data()
        self.record.note_width(data.width)
        self.record.note_loop(self._fit(data, finished), replaces_last=self.told)
        self.told = True
        self.registry.publish(self.record, data)

    def _fit(self, data: Data, finished: bool) -> Fit:
        mean = sum(size * count for size, count in self.sizes.items()) / max(1, self.sizes.total())
        usual = max(self.sizes, key=self.sizes.__getitem__, default=1)  # the last batch of an epoch is smaller
        size = max(1, usual)
        distinct = max(1, data.fed.rows)
        epochs, done = (max(1, round(steps * mean / distinct)) for steps in (self.asked, self.done))
        phase, unrebuildable = None, ""
        try:
            phase = self._phase(data, epochs, size)
        except Exception as error:  # noqa: BLE001  # objects of the student's making may raise anything
            unrebuildable = reason(error)
        return Fit(
            cell=self.registry.cell(),
            how=self.how,
            phase=phase,
            unrebuildable=unrebuildable[:500],
            epochs_asked=epochs,
            epochs_done=done,
            steps_done=self.done,
            finished=finished,
            training=data.fed,
            development=Development.NONE,
            validation=None,
        )

    def _phase(self, data: Data, epochs: int, size: int) -> Phase:
        optimizer, loss = self.plan()
        if not data.arrays:
            raise UnrebuildableError(f"the rows that it was trained on could not be kept ({data.fed.note})")
        rate, scale = optimizer.config.get("learning_rate"), self._scale()
        if optimizer.class_name not in SCALED:
            scale = 1.0
        if len(set(self.rates)) > 1:
            rate = schedule([value * scale for value in self.rates])
        elif scale != 1.0:
            if not isinstance(rate, float):
                raise UnrebuildableError("the loss is no mean over the batch, and the learning rate follows a schedule")
            rate *= scale
        optimizer = replace(optimizer, config={**optimizer.config, "learning_rate": rate})
        return Phase(
            optimizer=optimizer,
            loss=loss,
            epochs=epochs,
            batch_size=size,
            labels=fit_calls.label_form(data),
            recompiled=self.record.is_recompiled,
        )

    def _scale(self) -> float:
        """Return by what constant the loss differs from the mean of the rows' losses."""
        if not self.ratios:
            return 1.0
        low, high = min(self.ratios), max(self.ratios)
        if not np.isfinite(self.ratios).all() or high - low > SAME * abs(high):
            raise UnrebuildableError("the loss is not the mean of the rows' losses alone")
        scale = abs(float(np.mean(self.ratios)))
        return scale if abs(scale - 1) > SAME else 1.0


def begin(
    record: ModelRecord, uses: "UsageLog", how: str, plan: Callable[[], tuple[KerasObject, KerasObject]], anew: bool
) -> CustomLoop:
    """Begin a loop in the place of one that may be open; ``anew`` where its optimizer has not trained the model yet."""
    if record.loop is not None:
        record.loop.close()
    uses.registry.before_weights_change(record, goes_on=not anew)
    loop = CustomLoop(uses.registry, record, uses, how, plan)
    record.begin_loop(loop, is_new_optimizer=anew)
    return loop


def schedule(rates: list[float]) -> JsonValue:
    """Return observed learning rates as Keras's piecewise constant schedule."""
    changes = [at for at in range(1, len(rates)) if rates[at] != rates[at - 1]]
    thinned = changes[:: -(-len(changes) // MAX_RATES)]
    values: list[JsonValue] = [rates[0], *(rates[at] for at in thinned)]
    boundaries: list[JsonValue] = [at - 1 for at in thinned]
    return {"class_name": "PiecewiseConstantDecay", "config": {"boundaries": boundaries, "values": values}}


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
