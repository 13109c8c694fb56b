"""Replay: the student's own code builds and trains its network again, on the checker's rows.

Theory of operation: a network with parts of the student's own (a class, a layer, a training step) cannot be rebuilt
from plain data. So the file, or those of its cells that the answer needs, runs again for each seed. In the answer's own
calls of ``fit`` the checker's rows replace the student's, in the student's data format. After the last of these calls
the network predicts the held-out rows, and all later cells are skipped. The student's code runs in the same process and
could forge any result: that is why a replay never leads to PASS.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from checker.guest.watch import fed, fit_calls
from checker.guest.watch.fed import Data
from checker.guest.watch.model_record import ModelRecord
from checker.records.arrays import Array
from checker.records.job import ReplayPlan
from checker.records.network import Development, Labels
from checker.records.training import Loop, TrainingRun
from checker.wire import frames

ROWS_AT_ONCE = 4_096


class Replay:
    """Holds one seed's rows, and passes them to the answer's fits."""

    def __init__(
        self,
        plan: ReplayPlan,
        arrays: tuple[Array, ...],
        send: Callable[[TrainingRun, tuple[Array, ...]], None],
        pass_over_the_rest: Callable[[], None],
    ) -> None:
        self.plan, self.send, self.pass_over_the_rest = plan, send, pass_over_the_rest
        self.x, self.y, self.x_development, self.y_development, self.x_held_out = arrays
        self.fits = 0
        self.epochs = 0
        self.steps = 0

    def concerns(self, record: ModelRecord, data: Data) -> bool:
        """Tell whether a fit is one of those that trained the answer."""
        is_answer = (record.cell, record.rank) == (self.plan.cell, self.plan.rank)
        return is_answer and not 0 < data.fed.rows < self.plan.enough and self.fits < self.plan.fits

    def changed(self, given: Mapping[str, Any], data: Data, development: Development) -> dict[str, Any]:
        """Return the arguments of ``fit`` that differ from the student's."""
        x, y = self.x, self.y
        if development is Development.SPLIT:
            x, y = np.concatenate([x, self.x_development]), np.concatenate([y, self.y_development])
        changed: dict[str, Any] = {"x": _in_shape_of(given["x"], x), "y": self._encode(y)}
        if given.get("y") is None:
            changed |= {"batch_size": data.batch or self.plan.batch_size, "steps_per_epoch": None}
        if development is Development.DATA:
            watched = _in_shape_of(given["x"], self.x_development), self._encode(self.y_development)
            changed |= {"validation_data": watched, "validation_steps": None}
        return changed

    def _encode(self, labels: Array) -> Array:
        is_one_hot = self.plan.labels is Labels.ONE_HOT
        return np.eye(self.plan.outputs, dtype=np.float32)[labels] if is_one_hot else labels

    def after(self, model: Any, given: Mapping[str, Any], history: Any, epochs: int, steps: int) -> None:
        """Count a fit; after the last one, send the network's outputs for the held-out rows."""
        self.fits += 1
        self.epochs, self.steps = self.epochs + epochs, self.steps + steps
        if self.fits < self.plan.fits:
            return
        outputs = model.predict(_in_shape_of(given["x"], self.x_held_out), batch_size=ROWS_AT_ONCE, verbose=0)
        predictions = np.asarray(self._only(outputs), dtype=np.float32)
        asked = int(given.get("epochs") or 1)
        run = TrainingRun(
            seed=self.plan.seed,
            history=fit_calls.history(history),
            epochs=self.epochs,
            steps=self.steps,
            seconds=0.0,
            stopped_early=epochs < asked,
            predictions=frames.reference(predictions),
            loop=Loop.FIT,
        )
        self.send(run, (predictions,))
        self.pass_over_the_rest()

    def _only(self, outputs: Any) -> Any:
        """Of several outputs, return the first with a number for each class, or else the first."""
        several = list(outputs.values()) if isinstance(outputs, dict) else outputs
        if not isinstance(several, list):
            return several
        fitting = [part for part in several if part.shape[-1] == self.plan.outputs]
        return fitting[0] if fitting else several[0]


def _in_shape_of(students: Any, table: Array) -> Any:
    """Return rows of a table in the student's data format: one array of some shape, a list, or a dictionary."""
    if isinstance(students, Mapping):
        parts = _cut(list(students.values()), table)
        return dict(zip(students, parts, strict=True))
    if isinstance(students, tuple | list) and students and hasattr(students[0], "shape"):
        return _cut(list(students), table)
    shape = getattr(students, "shape", None)
    return table.reshape(len(table), *shape[1:]) if shape is not None and len(shape) > 2 else table


def _cut(students: list[Any], table: Array) -> list[Array]:
    shapes = [array.shape[1:] for part in students if (array := fed.as_array(part)) is not None]
    ends = np.cumsum([math.prod(shape) for shape in shapes])
    parts = np.split(table, ends[:-1], axis=1)
    return [part.reshape(len(table), *shape) for part, shape in zip(parts, shapes, strict=True)]
