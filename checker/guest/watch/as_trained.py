"""Notes the outputs of each network as the student trained it, to compare the retrained network with.

Theory of operation: every table of inputs that any network of the file is given is kept once (``Tables``). Each trained
network whose weights have changed predicts the tables of its width: at the end of a cell, at the end of the file, and
before its weights change. Its outputs are sent as class numbers, one byte a row, or as values. Only the newest outputs
of a network count. They have a budget of their own, so that they push nothing else out.

A network is called directly, in inference mode, and not through ``predict``: nothing is traced, and no random state
moves. Only networks of Keras's own layers are called, because others would run the student's code once more than the
student asked for. Without eager execution even a call adds to the graph, whose counter seeds later operations. There a
network predicts at the end of the file, or earlier if the student has already called its ``predict``.
"""

import math
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from checker.guest.plain import weights
from checker.guest.watch.model_record import ModelRecord
from checker.guest.watch.registry import ModelRegistry, NotNowError
from checker.records.arrays import Array
from checker.records.capture import NO_CLASS, AsTrained, TableOutputs
from checker.scoring import outputs
from checker.wire.frames import reference

MAX_OUTPUT_BYTES = 16 * 2**20
"""Size limit of the newest outputs of all networks together."""
CHUNK = 8_192
"""Rows in one call of a network."""
STEPS = 2_000
"""Steps between two records of outputs in a continuing training, as in a loop of ``fit(epochs=1)``."""

Send = Callable[[AsTrained, tuple[Array, ...]], None]


@dataclass
class Answers:
    """A network's last recorded outputs: the number of steps taken, the hash of its weights, and the outputs by
    table."""

    steps: int = 0
    weights: bytes = b""
    by_table: dict[str, Array] = field(default_factory=dict)
    note: str = ""

    @property
    def bytes(self) -> int:
        """Size of the outputs."""
        return sum(array.nbytes for array in self.by_table.values())


class Witness:
    """Asks networks for their outputs. ``outputs``: the number of outputs that the task needs. ``inside``: a context in
    which hooks ignore calls, as they ignore calls by Keras itself."""

    def __init__(
        self,
        tf: Any,
        registry: ModelRegistry,
        outputs: int,
        send: Send,
        inside: Callable[[], AbstractContextManager[Any]],
    ) -> None:
        self.tf, self.registry, self.outputs, self.send, self.inside = tf, registry, outputs, send, inside
        self.answers: dict[int, Answers] = {}
        registry.watch_changes_by(self)

    def end_cell(self, is_last: bool) -> None:
        """Note the networks that were trained, or all if there are new tables; at the file's end each once more."""
        for record in self.registry.records:
            self._note(record, is_last, self.registry.is_changed(record) or is_last)
        self.registry.note_looked_at(*self.registry.records)

    def before_change(self, record: ModelRecord, goes_on: bool = False) -> None:
        """Note a network before its weights change; if its training ``goes_on``, only every ``STEPS`` steps."""
        before = self.answers.get(record.id)
        too_soon = goes_on and record.steps < (before.steps if before else 0) + STEPS
        if too_soon or not self.registry.is_changed(record):
            return
        self._note(record, False, True)
        self.registry.note_looked_at(record)

    def _note(self, record: ModelRecord, is_last: bool, may_differ: bool) -> None:
        sent = record.sent
        if sent is None or not sent.fits or sent.output_width not in (None, self.outputs):
            return
        before = self.answers.get(record.id, Answers())
        if sent.architecture is None and record.answer is None:
            self._tell(record, before, Answers(note=f"{sent.unrebuildable}, so only its own code could say"))
            return
        tables = self.registry.tables.of_width(record.width or sent.input_width)
        if not tables or (not may_differ and tables.keys() <= before.by_table.keys()):
            return
        state = self._hash(record) if may_differ else before.weights
        kept = before.by_table if state and state == before.weights else {}
        missing = [digest for digest in tables if digest not in kept]
        if not missing:
            return
        try:
            made = {digest: self._answer(record, tables[digest], is_last) for digest in missing}
        except NotNowError:
            return
        except Exception as error:  # noqa: BLE001  # a student's own objects may raise anything
            words = f"{type(error).__name__}: {str(error)[:200]}"
            self._tell(record, before, Answers(note=f"it could not be asked ({words})"))
            return
        self._tell(record, before, Answers(record.steps, state, {**kept, **made}))

    def _tell(self, record: ModelRecord, before: Answers, now: Answers) -> None:
        """Send a network's outputs, if they are new and within the budget."""
        others = sum(of.bytes for number, of in self.answers.items() if number != record.id)
        if others + now.bytes > MAX_OUTPUT_BYTES:
            now = Answers(note="the file holds so many networks and rows that its answers were not kept")
        self.answers[record.id] = now
        if now.note and now.note == before.note:
            return
        outputs = tuple(TableOutputs(table, reference(array)) for table, array in now.by_table.items())
        note = now.note[:500]
        self.send(AsTrained(record.id, self.registry.cell(), outputs, note), tuple(now.by_table.values()))

    def _hash(self, record: ModelRecord) -> bytes:
        """Return a hash of a network's weights; "" if a session holds them, which only training changes."""
        if record.answer is not None:
            return b""
        return weights.digest(record.model, self.tf)

    def _answer(self, record: ModelRecord, table: Array, is_last: bool) -> Array:
        """Return class numbers (n,), or values (n,)."""
        ask, given = record.answer, list[Array]()
        with self.inside():
            for at in range(0, len(table), CHUNK):
                rows = table[at : at + CHUNK]
                part = self._call(record.model, rows, is_last) if ask is None else ask(rows, is_last)
                given.append(np.asarray(part).reshape(len(rows), -1))
        answers = np.concatenate(given)
        if answers.shape[1] != self.outputs or self.outputs > NO_CLASS:
            raise ValueError(f"{answers.shape[1]} outputs for a row")
        return outputs.said(answers)

    def _call(self, model: Any, rows: Array, is_last: bool) -> Any:
        x = _as_inputs(model, rows.astype(np.float32) if rows.dtype == np.float64 else rows)
        if self.tf.executing_eagerly():
            return model(x, training=False)
        if not is_last and getattr(model, "predict_function", None) is None:
            raise NotNowError
        return model.predict_on_batch(x)


def _as_inputs(model: Any, rows: Array) -> Any:
    """Return a table's rows as the inputs of a model, which may have several, of more axes than one."""
    inputs = list(model.inputs or ())
    if len(inputs) <= 1:
        shape = tuple(inputs[0].shape)[1:] if inputs else ()
        return rows.reshape(len(rows), *shape) if len(shape) > 1 and None not in shape else rows
    parts = list(_parts(inputs, rows))
    given = getattr(model, "input", None)
    if not isinstance(given, dict):
        return parts
    names = {
        id(tensor): name for name, tensor in given.items()
    }  # Keras sorts inputs by name, and a dictionary does not
    return {names[id(tensor)]: part for tensor, part in zip(inputs, parts, strict=True)}


def _parts(inputs: list[Any], rows: Array) -> Iterator[Array]:
    start = 0
    for tensor in inputs:
        shape = tuple(tensor.shape)[1:]
        width = math.prod(shape)
        yield rows[:, start : start + width].reshape(len(rows), *shape)
        start += width
