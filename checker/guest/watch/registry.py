"""The registry of a notebook's models, and of the training steps that all of them have taken.

Theory of operation: each watcher of training (``capture``, ``staticgraph``, ``tape``) asks for a model's record,
changes it by its methods, and has it published: the whole record is sent again, arrays first. If the kernel is killed a
second later, everything up to here has left the box. The registry keeps each model alive, so that an ``id`` stays
unique.
"""

import sys
from collections import Counter
from collections.abc import Callable
from typing import Any, Protocol

from checker.guest.plain import architecture, weights
from checker.guest.plain.plaindata import reason
from checker.guest.watch.descent import Descent, Origin
from checker.guest.watch.fed import Data
from checker.guest.watch.model_record import ModelRecord
from checker.records.arrays import Array
from checker.records.assignment import Caps
from checker.records.capture import ModelCapture, Use
from checker.records.network import Architecture

MAX_FITS = 64
MIN_TABLE_ROWS = 50
MAX_TABLE_ROWS = 100_000
MAX_TABLE_BYTES = 128 * 2**20

Send = Callable[[ModelCapture, tuple[Array, ...]], None]


class NotNowError(Exception):
    """A network's outputs cannot be computed now without side effects; at the end of the file they can."""


class ChangeWatcher(Protocol):
    """Looks at a network before its weights change."""

    def before_change(self, record: ModelRecord, goes_on: bool = False) -> None:
        """Look now."""


class OriginChecker(Protocol):
    """Checks where a network's weights come from."""

    def look(self, record: ModelRecord) -> None:
        """Check now, before the network is trained."""


class Tables:
    """Input tables (n, width) of all networks, each kept once, by width and hash.

    Inputs of fewer than ``MIN_TABLE_ROWS`` rows are left out, and so are those beyond the caps.
    """

    def __init__(self) -> None:
        self._by_width: dict[int, dict[str, Array]] = {}
        self._bytes = 0

    def keep(self, data: Data) -> None:
        """Keep the table of inputs, if there is one."""
        ref = data.fed.x
        if ref is None or len(ref.shape) != 2 or ref.shape[0] < MIN_TABLE_ROWS:
            return
        table, tables = data.arrays[0], self._by_width.setdefault(ref.shape[1], {})
        rows = sum(map(len, tables.values())) + len(table)
        if ref.sha256 not in tables and rows <= MAX_TABLE_ROWS and self._bytes + table.nbytes <= MAX_TABLE_BYTES:
            self._bytes += table.nbytes
            tables[ref.sha256] = table

    def of_width(self, width: int | None) -> dict[str, Array]:
        """Return the tables of a width by hash."""
        return self._by_width.get(width, {}) if width is not None else {}


class ModelRegistry:
    """The records of all models, and their shared state.

    ``send`` takes a record and the arrays it refers to; ``cell`` returns the running cell, ``line`` the line of a
    companion module that a stack frame is in. ``descent`` knows which training led to which weights, ``tables`` holds
    the inputs that any model was given.
    """

    def __init__(
        self, tf: Any, caps: Caps, send: Send, cell: Callable[[], int], line: Callable[[Any], str] = lambda frame: ""
    ) -> None:
        self.tf, self.caps, self.cell = tf, caps, cell
        self.tables = Tables()
        self.descent = Descent()
        self._send, self._line = send, line
        self._steps = 0
        self._records: dict[int, ModelRecord] = {}
        self._in_cell: Counter[int] = Counter()
        self._changed: set[int] = set()
        self._watcher: ChangeWatcher | None = None
        self._origins: OriginChecker | None = None

    # -- models ------------------------------------------------------------------------------------------

    def record_of(self, model: Any) -> ModelRecord:
        """Return a model's record, and begin one if the model is new."""
        if id(model) not in self._records:
            cell, made_in = self.cell(), self._line(sys._getframe(1))
            self._records[id(model)] = ModelRecord(len(self._records) + 1, model, cell, made_in, self._in_cell[cell])
            self._in_cell[cell] += 1
        return self._records[id(model)]

    @property
    def records(self) -> list[ModelRecord]:
        """The records of all models, in the order in which they were first seen."""
        return list(self._records.values())

    def has_trained(self) -> bool:
        """Tell whether any network was trained."""
        return any(record.is_trained for record in self.records)

    # -- steps -------------------------------------------------------------------------------------------

    def count_steps(self, taken: int) -> None:
        """Count training steps against the notebook's cap."""
        self._steps += taken

    def is_capped(self, done: int) -> bool:
        """Tell whether a training that has taken ``done`` steps, or the whole notebook, may take no more."""
        return done >= self.caps.fit_steps or self._steps >= self.caps.notebook_steps

    # -- weights -----------------------------------------------------------------------------------------

    def watch_changes_by(self, watcher: ChangeWatcher) -> None:
        """Let this watcher look at each network before its weights change."""
        self._watcher = watcher

    def check_origins_by(self, origins: OriginChecker) -> None:
        """Let this checker find out where weights come from."""
        self._origins = origins

    def before_training(self, record: ModelRecord, goes_on: bool = False) -> None:
        """Check the origin of a model's weights before its first training, and let the watcher look before each."""
        self.check_origin(record)
        self.before_weights_change(record, goes_on)

    def check_origin(self, record: ModelRecord) -> None:
        """Note where the weights of a model come from, if it was never trained."""
        if self._origins is not None and not record.fits:
            self._origins.look(record)

    def before_weights_change(self, record: ModelRecord, goes_on: bool = False) -> None:
        """Let the watcher look at a model before its weights change, and note the change."""
        self.look_at(record, goes_on)
        if not record.is_trained and record.answer is None:
            self.descent.note(weights.digest(record.model, self.tf), Origin(()))
        self.note_changed(record)

    def look_at(self, record: ModelRecord, goes_on: bool = False) -> None:
        """Let the watcher look at a model now."""
        if self._watcher is not None:
            self._watcher.before_change(record, goes_on)

    def note_changed(self, record: ModelRecord) -> None:
        """Note that a model's weights differ from when they were last looked at."""
        self._changed.add(record.id)

    def is_changed(self, record: ModelRecord) -> bool:
        """Tell whether a model's weights have changed since they were last looked at."""
        return record.id in self._changed

    def note_looked_at(self, *records: ModelRecord) -> None:
        """Note that these models were looked at."""
        self._changed -= {record.id for record in records}

    # -- reports to the host -----------------------------------------------------------------------------

    def note_use(self, record: ModelRecord, use: Use, data: Data) -> None:
        """Add a use of a model, with the data it was used on."""
        record.add_use(use)
        self.publish(record, data)

    def publish(self, record: ModelRecord, *data: Data | None) -> None:
        """Send a model's record, with the arrays of the data it was just given."""
        shape, unrebuildable = self._architecture(record)
        if len(record.fits) > MAX_FITS:
            shape, unrebuildable = None, f"it was trained in more than {MAX_FITS} separate stretches"
        given = [of for of in data if of is not None]
        for of in given:
            self.tables.keep(of)
        capture = ModelCapture(
            id=record.id,
            name=str(record.model.name)[:200],
            variable=record.variable[:200],
            class_name=type(record.model).__name__[:200],
            cell=record.cell,
            input_width=_width(record.model, "input_shape") or record.width,
            output_width=_width(record.model, "output_shape") if outputs(record.model) == 1 else None,
            parameters=_parameters(record.model),
            architecture=shape,
            unrebuildable=unrebuildable[:500],
            fits=record.fits[:MAX_FITS],
            uses=record.uses,
            origin=record.origin[:500],
            made_in=record.made_in[:200],
            rank=record.rank,
        )
        record.note_sent(capture)
        self._send(capture, tuple(array for of in given for array in of.sent))

    def _architecture(self, record: ModelRecord) -> tuple[Architecture | None, str]:
        try:
            if record.describe is not None:
                return record.describe(), ""
            return architecture.describe(record.model, self.tf.keras, self.tf), ""
        except Exception as error:  # noqa: BLE001  # a student's own objects may raise anything
            return None, reason(error)


def outputs(model: Any) -> int:
    """Return how many outputs a model has; 1 if it does not define them."""
    try:
        return len(model.outputs or ()) or 1
    except Exception:  # noqa: BLE001  # Keras raises different errors for models without symbolic outputs
        return 1


def _parameters(model: Any) -> int:
    try:
        return int(model.count_params())
    except Exception:  # noqa: BLE001  # Keras raises different errors for models that are not built
        return 0


def _width(model: Any, attribute: str) -> int | None:
    """Return the size of a model's last input or output axis, where it is known."""
    try:
        shape = getattr(model, attribute)
    except Exception:  # noqa: BLE001  # Keras raises different errors for models without shapes
        return None
    shapes = list(shape.values()) if isinstance(shape, dict) else shape if isinstance(shape, list) else [shape]
    widths = [size for one in shapes if isinstance(one, tuple) for size in one[-1:]]
    known = [size for size in widths if isinstance(size, int)]
    return sum(known) if known and len(known) == len(shapes) else None
