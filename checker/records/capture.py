"""The execute guest's records of a student's file: cells, models, calls of ``fit``."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from checker.records.arrays import ArrayRef
from checker.records.codec import record
from checker.records.network import Architecture, Development, Phase

NO_CLASS = 255
"""The class number of a row with an output that is not a number."""


@record
@dataclass(frozen=True)
class Environment:
    """Versions of the guest's packages, and the Keras generation with the reason for it."""

    versions: Mapping[str, str]
    keras: str
    reason: str


@record
@dataclass(frozen=True)
class CellOutput:
    """An output of a cell: ``text``, or a ``png`` as base64. Hostile text; HTML is never kept."""

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

    ``saved``: the end of the cell's text output as saved in the submitted file. ``ended``: it ran to its end; a cell
    that only began has no outputs and no time.
    """

    index: int
    source: str
    outputs: tuple[CellOutput, ...]
    error: CellError | None
    seconds: float
    tags: tuple[str, ...] = ()
    saved: str = ""
    ended: bool = True


WHOLE_FILE = 0
"""The cell number of adaptations that concern the whole file."""


@record
@dataclass(frozen=True)
class Adaptation:
    """A small change that let a cell run here without a change of meaning; or a feature that was missing."""

    cell: int
    what: str


@record
@dataclass(frozen=True, kw_only=True)
class Fed:
    """Data that was fed to a model: its number of rows, and its arrays or a ``note`` on why they were not kept.

    ``index`` (n,): the rows' numeric pandas index, a claim about their places in the file.
    """

    rows: int
    x: ArrayRef | None = None
    y: ArrayRef | None = None
    note: str = ""
    index: ArrayRef | None = None


@record
@dataclass(frozen=True, kw_only=True)
class Fit:
    """A stretch of the student's own training, as requested and as done under the caps."""

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
    """An evaluation of a model or a prediction with it."""

    cell: int
    how: str
    fed: Fed


@record
@dataclass(frozen=True, kw_only=True)
class ModelCapture:
    """A Keras model in the student's file. ``architecture`` is None if ``unrebuildable`` says why. ``rank``: how many
    models were noticed before it in its cell.

    ``origin``: where its weights come from, if neither from its initialisers nor from recorded training; else "".
    ``made_in``: the companion and line that made it, as ``model.py, line 12``; "" if a cell itself made it.
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
    """A network's answers for a table of inputs (a hash): class numbers (n,), uint8, or values (n,), float32.

    The class number is ``NO_CLASS`` if an output is not a number.
    """

    table: str
    outputs: ArrayRef


@record
@dataclass(frozen=True)
class AsTrained:
    """A network's answers in inference mode, as the student had trained it, for each table of its width.

    They were computed in the student's process, so they are a claim. ``cell``: the cell after which they were computed.
    ``note``: why there are no outputs.
    """

    model: int
    cell: int
    outputs: tuple[TableOutputs, ...] = ()
    note: str = ""
