"""What the execute guest says of a student's file: cells, models, calls of ``fit``."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from checker.records.arrays import ArrayRef
from checker.records.codec import record
from checker.records.network import Architecture, Development, Phase

NO_CLASS = 255
"""The class number of a row for which a network's outputs are no numbers."""


@record
@dataclass(frozen=True)
class Environment:
    """Versions of what ran in the guest, and which Keras generation was used and why."""

    versions: Mapping[str, str]
    keras: str
    reason: str


@record
@dataclass(frozen=True)
class CellOutput:
    """What a cell showed: ``text``, or a ``png`` as base64. Hostile text; HTML is never kept."""

    kind: str
    content: str


@record
@dataclass(frozen=True)
class CellError:
    name: str
    message: str
    traceback: str


@record
@dataclass(frozen=True, kw_only=True)
class CellResult:
    """A code cell after it ran. ``index`` counts all cells from 1, as a reader of the notebook would.

    ``saved``: the end of the text that the file had under the cell when it was handed in.
    """

    index: int
    source: str
    outputs: tuple[CellOutput, ...]
    error: CellError | None
    seconds: float
    tags: tuple[str, ...] = ()
    saved: str = ""


WHOLE_FILE = 0
"""The cell of what concerns no cell alone."""


@record
@dataclass(frozen=True)
class Adaptation:
    """A small help, without a change of meaning, that let a cell run here; or what it had to do without."""

    cell: int
    what: str


@record
@dataclass(frozen=True, kw_only=True)
class Fed:
    """Data a model was given: rows, and references to the arrays or a word on why they could not be kept.

    ``index`` (n,): the numbers that pandas calls the rows by, which claim where in the file they stand.
    """

    rows: int
    x: ArrayRef | None = None
    y: ArrayRef | None = None
    note: str = ""
    index: ArrayRef | None = None


@record
@dataclass(frozen=True, kw_only=True)
class Fit:
    """A stretch of the student's own training, as asked for and as done under the caps."""

    cell: int
    how: str
    phase: Phase | None
    unrebuildable: str
    epochs_asked: int
    epochs_done: int
    steps_done: int
    finished: bool
    training: Fed
    development: Development
    validation: Fed | None
    history: Mapping[str, tuple[float | None, ...]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    calls: int = 1


@record
@dataclass(frozen=True)
class Use:
    """A model being evaluated or used to predict."""

    cell: int
    how: str
    fed: Fed


@record
@dataclass(frozen=True, kw_only=True)
class ModelCapture:
    """A Keras model the student made. ``architecture`` is None where ``unrebuildable`` says why. ``rank``: how many
    models were first seen before it in its cell.

    ``origin``: where its weights come from, where that is neither its initialisers nor training that was seen; else "".
    ``made_in``: the companion and line that made it, as ``model.py, line 12``; "" where a cell itself did.
    """

    id: int
    name: str
    variable: str
    class_name: str
    cell: int
    input_width: int | None
    output_width: int | None
    parameters: int
    architecture: Architecture | None
    unrebuildable: str
    fits: tuple[Fit, ...] = ()
    uses: tuple[Use, ...] = ()
    origin: str = ""
    made_in: str = ""
    rank: int = 0


@record
@dataclass(frozen=True)
class TableOutputs:
    """What a network gave for a table of inputs, named by its hash: class numbers (n,), uint8, or values (n,), float32.

    The class number is ``NO_CLASS`` where an output is no number.
    """

    table: str
    outputs: ArrayRef


@record
@dataclass(frozen=True)
class AsTrained:
    """What a network gave in inference mode, as the student had trained it, for each table of its width.

    It was computed in the student's process, so it is a claim. ``cell``: after which cell. ``note``: why there are no
    outputs.
    """

    model: int
    cell: int
    outputs: tuple[TableOutputs, ...] = ()
    note: str = ""
