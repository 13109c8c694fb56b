"""Custom loops: training that a student's code does step by step, gathered into fit calls.

Theory of operation: the modules that see such steps (``capture`` for ``train_on_batch``, ``staticgraph``, ``tape``)
keep one ``CustomLoop`` for each model and optimizer. They call ``step`` before each step and ``feed`` with its batch.
Every row is kept once (``rows``). A loop becomes a ``Fit`` when its cell ends or when the model is trained in another
way. It is sent before that when it reaches the cap in steps, and every ``TELL_EVERY`` steps, so that nothing is lost if
the box is killed in the middle. Rows that are not trained on (development, test) are uses (``usage_log``).
"""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from pydantic import JsonValue

from checker.guest.plain.plaindata import UnrebuildableError, reason
from checker.guest.watch import fit_calls
from checker.guest.watch.fed import Data
from checker.guest.watch.model_record import ModelRecord
from checker.guest.watch.registry import ModelRegistry
from checker.guest.watch.rows import Batches, Rows, RowStore
from checker.guest.watch.usage_log import UsageLog
from checker.records.capture import Fit
from checker.records.network import Development, KerasObject, Phase

TELL_EVERY = 2_000
"""Steps between two records of an unfinished loop."""
MAX_RATES = 100
"""Maximum number of changes of the rate in a piecewise constant schedule."""
MAX_RATIOS = 20
"""Maximum number of steps whose loss is compared."""
SAME = 1e-3
SCALED = frozenset({"SGD"})
"""Optimizers whose step size is proportional to the loss's scale."""

Plan = Callable[[], tuple[KerasObject, KerasObject]]
"""Returns the optimizer, with the learning rate of the last step, and the loss; or raises UnrebuildableError."""


@dataclass
class CustomLoop:
    """The steps that one loop has taken so far.

    ``plan`` returns the optimizer, with the learning rate of the last step, and the loss, or raises UnrebuildableError.
    """

    registry: ModelRegistry
    record: ModelRecord
    how: str
    plan: Plan
    uses: UsageLog | None
    rows: RowStore
    asked: int = 0
    done: int = 0
    sizes: Counter[int] = field(default_factory=Counter)
    rates: list[float] = field(default_factory=list)
    ratios: list[float] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    told: bool = False

    @property
    def is_capped(self) -> bool:
        """The loop may take no more steps."""
        return self.registry.is_capped(self.done)

    @property
    def is_open(self) -> bool:
        """The loop trains its model now; nothing has closed it."""
        return self.record.loop is self

    def step(self) -> bool:
        """Count a step; return False if it is beyond a cap and must do nothing."""
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

    def feed(
        self, x: Any, y: Any, rate: float | None = None, ratio: float | None = None, loss: float = math.nan
    ) -> None:
        """Note the batch of a step that was taken.

        ``rate``: the learning rate, if it may change. ``ratio``: the minimised loss, divided by the mean of the rows'
        losses. ``loss``: the minimised loss, NaN if unknown.
        """
        self.losses.append(loss)
        if self.uses is not None:
            self.uses.join()
        self.sizes[self.rows.add(x, y)] += 1
        if rate is not None:
            self.rates.append(float(rate))
        if ratio is not None and len(self.ratios) < MAX_RATIOS:
            self.ratios.append(float(ratio))

    def close(self) -> None:
        """Turn the steps into a finished fit."""
        self.record.leave_loop()
        if self.asked:
            self.tell(finished=True)
            self.record.finish_training()
            self.registry.publish(self.record)

    def tell(self, finished: bool) -> None:
        """Send the loop's record so far; it replaces an earlier record of this loop."""
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
        except Exception as error:  # noqa: BLE001  # a student's own objects may raise anything
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
            history=fit_calls.history_of_batches(self.losses, done),
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
        """Return the constant ratio of the loss to the mean of the rows' losses."""
        if not self.ratios:
            return 1.0
        low, high = min(self.ratios), max(self.ratios)
        if not np.isfinite(self.ratios).all() or high - low > SAME * abs(high):
            raise UnrebuildableError("the loss is not the mean of the rows' losses alone")
        scale = abs(float(np.mean(self.ratios)))
        return scale if abs(scale - 1) > SAME else 1.0


def begin(uses: UsageLog, how: str, plan: Plan, anew: bool) -> CustomLoop:
    """Begin a loop whose uses of the model are kept in ``uses``; ``anew``: its optimizer has not trained the model
    yet."""
    rows = uses.trained = Rows()
    return _begin(CustomLoop(uses.registry, uses.record, how, plan, uses, rows), anew)


def begin_batches(registry: ModelRegistry, record: ModelRecord, plan: Plan, names: Sequence[str]) -> CustomLoop:
    """Begin a loop of ``train_on_batch``; ``names`` are the names of the model's inputs."""
    return _begin(CustomLoop(registry, record, "train_on_batch", plan, None, Batches(names)), anew=False)


def _begin(loop: CustomLoop, anew: bool) -> CustomLoop:
    """Close the model's open loop, if there is one, and begin this one."""
    record = loop.record
    if record.loop is not None:
        record.loop.close()
    loop.registry.before_weights_change(record, goes_on=not anew)
    record.begin_loop(loop, is_new_optimizer=anew)
    return loop


def schedule(rates: list[float]) -> JsonValue:
    """Return observed learning rates as Keras's piecewise constant schedule."""
    changes = [at for at in range(1, len(rates)) if rates[at] != rates[at - 1]]
    thinned = changes[:: -(-len(changes) // MAX_RATES)]
    values: list[JsonValue] = [rates[0], *(rates[at] for at in thinned)]
    boundaries: list[JsonValue] = [at - 1 for at in thinned]
    return {"class_name": "PiecewiseConstantDecay", "config": {"boundaries": boundaries, "values": values}}
