"""What is known of each of a notebook's models, and how many steps it has trained; every change is sent.

Theory of operation: whoever sees training (``capture``, ``staticgraph``, ``tape``) asks for what is ``Known`` of a
model, changes that, and has it told: the whole record is sent again, arrays first. If the kernel is killed a second
later, everything up to here has left the box. A model that is known is kept alive, so that an ``id`` stays its own.
"""

import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from checker.guest.plain import architecture, weights
from checker.guest.plain.plaindata import reason
from checker.guest.watch.descent import Descent, Origin
from checker.guest.watch.fed import Data
from checker.records.arrays import Array
from checker.records.assignment import Caps
from checker.records.capture import Fit, ModelCapture, Use
from checker.records.network import Architecture

MAX_FITS = 64
MAX_USES = 32
MIN_TABLE_ROWS = 50
MAX_TABLE_ROWS = 100_000
MAX_TABLE_BYTES = 128 * 2**20


class Steps(Protocol):
    """Training step by step that is still going on."""

    def close(self) -> None:
        """Make a finished stretch of it."""


class Sights(Protocol):
    """Rows that a model was only used on, between such steps."""

    def add(self, how: str, x: Any, y: Any = None) -> None:
        """Note a use."""

    def join(self) -> None:
        """Note what still waited for more."""


@dataclass
class Known:
    """A model that was seen, with what happened to it so far.

    ``origin``: where its weights come from, as in its record; ``unwatched``: why that was not looked at. ``file``: the
    one that its weights were loaded from, where no network of this run has written it. ``was_given``: weights, since
    anybody looked.
    """

    id: int
    model: Any
    cell: int
    made_in: str = ""
    rank: int = 0
    variable: str = ""
    width: int | None = None
    fits: list[Fit] = field(default_factory=list)
    uses: list[Use] = field(default_factory=list)
    recompiled: bool = True
    batches: list[Data] = field(default_factory=list)
    batch_steps: int = 0
    batch_losses: list[float] = field(default_factory=list)
    loop: Steps | None = None
    looks: Sights | None = None
    describe: Callable[[], Architecture] | None = None
    give: Callable[[Array, bool], Array] | None = None
    record: ModelCapture | None = None
    origin: str = ""
    unwatched: str = ""
    file: str = ""
    was_given: bool = False


class NotNowError(Exception):
    """A network cannot be asked for outputs without a trace now; at the end of the file it can."""


class Watcher(Protocol):
    """Whoever must look at a network before its weights change."""

    def before_change(self, known: Known, goes_on: bool = False) -> None:
        """Look now."""


class Source(Protocol):
    """Whoever looks where a network's weights come from."""

    def look(self, known: Known) -> None:
        """Look now, before it is trained."""


class Tables:
    """Tables of inputs (n, width) that networks were given, each once, by width and hash, up to so many rows a width.

    Few rows are no table, and what comes after the budget is spent is left out.
    """

    def __init__(self) -> None:
        self._by_width: dict[int, dict[str, Array]] = {}
        self._bytes = 0

    def keep(self, data: Data) -> None:
        """Keep a table of inputs, where there is one."""
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


class Ledger:
    """What is known of all models. ``send`` takes a record and the arrays it refers to; ``cell`` tells which one is
    running, ``line`` which line of a companion's a frame of the stack is in; ``steps`` are all that the notebook has
    trained, to be held against its cap. ``descent`` is how weights came about, ``tables`` are all that any model was
    given, and ``changed`` the models whose weights have changed since the ``witness`` looked."""

    def __init__(
        self,
        tf: Any,
        caps: Caps,
        send: Callable[[ModelCapture, tuple[Array, ...]], None],
        cell: Callable[[], int],
        line: Callable[[Any], str] = lambda frame: "",
    ) -> None:
        self.tf, self.caps, self.send, self.cell, self.line = tf, caps, send, cell, line
        self.steps = 0
        self.known: dict[int, Known] = {}
        self.seen_in: Counter[int] = Counter()
        self.tables = Tables()
        self.descent = Descent()
        self.changed: set[int] = set()
        self.witness: Watcher | None = None
        self.origins: Source | None = None

    def is_capped(self, done: int) -> bool:
        """Tell whether a training that has taken so many steps, or else the notebook, may take no more."""
        return done >= self.caps.fit_steps or self.steps >= self.caps.notebook_steps

    def know(self, model: Any) -> Known:
        """Return what is known of a model."""
        if id(model) not in self.known:
            cell, made_in = self.cell(), self.line(sys._getframe(1))
            self.known[id(model)] = Known(len(self.known) + 1, model, cell, made_in, self.seen_in[cell])
            self.seen_in[cell] += 1
        return self.known[id(model)]

    def has_trained(self) -> bool:
        """Tell whether any network was trained."""
        return any(known.fits or known.batch_steps or known.loop for known in self.known.values())

    def about_to_train(self, known: Known, goes_on: bool = False) -> None:
        """Let it be looked at where a model's weights come from before it is trained for the first time."""
        self.look_at_origin(known)
        self.about_to_change(known, goes_on)

    def look_at_origin(self, known: Known) -> None:
        """Have it noted where the weights of a model come from that was never trained."""
        if self.origins is not None and not known.fits:
            self.origins.look(known)
            known.was_given = False

    def about_to_change(self, known: Known, goes_on: bool = False) -> None:
        """Let the witness look at a model before its weights change, and remember that they do."""
        if self.witness is not None:
            self.witness.before_change(known, goes_on)
        if not known.fits and known.give is None and known.loop is None and not known.batches:
            self.descent.note(weights.digest(known.model, self.tf), Origin(()))
        self.changed.add(known.id)

    def note_use(self, known: Known, use: Use, data: Data) -> None:
        """Add a use of a model, with the data it was used on."""
        known.uses = [*known.uses[-MAX_USES + 1 :], use]
        self.tell(known, data)

    def tell(self, known: Known, *data: Data | None) -> None:
        """Send what is known of a model, with the arrays of the data it was just given."""
        shape, unrebuildable = self._architecture(known)
        if len(known.fits) > MAX_FITS:
            shape, unrebuildable = None, f"it was trained in more than {MAX_FITS} separate stretches"
        for of in data:
            if of is not None:
                self.tables.keep(of)
        known.record = record = ModelCapture(
            id=known.id,
            name=str(known.model.name)[:200],
            variable=known.variable[:200],
            class_name=type(known.model).__name__[:200],
            cell=known.cell,
            input_width=_width(known.model, "input_shape") or known.width,
            output_width=_width(known.model, "output_shape") if outputs(known.model) == 1 else None,
            parameters=_parameters(known.model),
            architecture=shape,
            unrebuildable=unrebuildable[:500],
            fits=tuple(known.fits[:MAX_FITS]),
            uses=tuple(known.uses),
            origin=known.origin[:500],
            made_in=known.made_in[:200],
            rank=known.rank,
        )
        self.send(record, tuple(a for d in data if d is not None for a in d.sent))

    def _architecture(self, known: Known) -> tuple[Architecture | None, str]:
        try:
            if known.describe is not None:
                return known.describe(), ""
            return architecture.describe(known.model, self.tf.keras, self.tf), ""
        except Exception as error:  # noqa: BLE001  # objects of the student's making may raise anything
            return None, reason(error)


def outputs(model: Any) -> int:
    """Return how many outputs a model has, as far as it says."""
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
