"""Collects a guest's frames as validated records and bounded arrays.

A guest that ran a student's code may send anything. A frame that does not fit the records or the bounds here is a
protocol error: it raises ``EvidenceError``, which ends the box.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from checker.errors import EvidenceError
from checker.keras_spec import architectures
from checker.records.arrays import Array
from checker.records.capture import Adaptation, AsTrained, CellResult, Environment, ModelCapture
from checker.records.job import Progress
from checker.records.training import Epoch, Histogram, TrainingRun
from checker.records.verdicts import Failure
from checker.wire import frames
from checker.wire.frames import Frame, Kind

MAX_MODELS = 1_000
MAX_CELLS = 5_000
MAX_FAILURES = 20
MAX_ADAPTATIONS = 100
MAX_ARRAYS = 3_000
MAX_STEPS = 1_000_000
MAX_MESSAGE_BYTES = 32 * 2**20
MAX_VALUES = 10_000_000
"""Limit on all messages together: a value of three bytes takes eighty in memory."""
MAX_ARRAY_BYTES = 80 * 2**20
MAX_ROWS = 6_000_000
"""Limit on all arrays together, features, labels and indices alike. Later arrays are dropped, because every row that is
fed to a model has to be matched."""

MAX_OUTPUT_BYTES = 32 * 2**20
"""Limit on the newest answers of all networks together, and those whose record has not arrived yet."""
MAX_ANSWERED = 200
"""Limit on a network's tables with answers."""

MAX_QUANTITIES = 8
"""Limit on the values of one epoch."""
MAX_VARIABLES = 200
MAX_BINS = 30
MAX_COUNT = 2**53
"""Limit on the weights in a bin: event files hold counts as float64, which is exact up to here."""
MAX_WEIGHT = float(np.finfo(np.float32).max)


class Collector:
    """Receives one guest's frames, in order, and keeps the newest record of each cell and model.

    ``has_started``: the guest reached the first cell or seed; an earlier end is not the student's fault. ``at``: the
    last cell or seed that it reached. ``begun``: the cell that began and has not ended. ``on_epoch`` is called with
    each epoch that a live training sends.
    """

    def __init__(
        self, on_progress: Callable[[Progress], None], on_epoch: Callable[[Epoch], None] = lambda epoch: None
    ) -> None:
        self.environment: Environment | None = None
        self.has_started = False
        self.at = 0
        self.begun: CellResult | None = None
        self.failures: list[Failure] = []
        self.runs: list[TrainingRun] = []
        self.adaptations: list[Adaptation] = []
        self.arrays: dict[str, Array] = {}
        self._cells: dict[int, CellResult] = {}
        self._models: dict[int, ModelCapture] = {}
        self._on_progress, self._on_epoch = on_progress, on_epoch
        self._values = 0
        self._rows = 0
        self._as_trained: dict[int, AsTrained] = {}
        self._answers: dict[str, Array] = {}

    def receive(self, frame: Frame) -> None:
        """Process one frame; EvidenceError for a protocol error."""
        if frame.kind is Kind.ARRAY:
            self._keep(frame.payload)
        elif frame.kind is Kind.OUTPUTS:
            self._keep_answers(frame.payload)
        elif frame.kind is Kind.MESSAGE:
            self._values += sum(frame.payload.count(mark) for mark in (b",", b"[", b"{"))
            if len(frame.payload) > MAX_MESSAGE_BYTES or self._values > MAX_VALUES:
                raise EvidenceError("more words than any notebook has")
            self._take(frames.content(frame))
        else:
            raise EvidenceError(f"a guest does not send frames of the kind {frame.kind.name}")
        if (
            max(len(self._models), len(self._as_trained)) > MAX_MODELS
            or len(self._cells) > MAX_CELLS
            or len(self.arrays) > MAX_ARRAYS
        ):
            raise EvidenceError("more models, cells or arrays than any notebook has")

    def _keep(self, payload: bytes) -> None:
        if len(payload) > MAX_ARRAY_BYTES:
            raise EvidenceError(f"an array of {len(payload):,} bytes is larger than any that is sent")
        values = frames.unpack(payload)
        digest = frames.reference(values).sha256
        rows = 0 if digest in self.arrays else values.shape[0] if values.ndim else 1
        if self._rows + rows <= MAX_ROWS:
            self._rows += rows
            self.arrays[digest] = values

    def _keep_answers(self, payload: bytes) -> None:
        """Keep a network's answers until its record names them; drop them if they exceed the budget."""
        if sum(values.nbytes for values in self._answers.values()) + len(payload) > MAX_OUTPUT_BYTES:
            return
        values = frames.unpack(payload)
        if values.ndim != 1 or values.dtype.name not in ("uint8", "float32"):
            raise EvidenceError("answers of a network that are neither class numbers nor values")
        self._answers[frames.reference(values).sha256] = values

    def _note_answers(self, message: AsTrained) -> None:
        """Replace a network's former answers by its newest ones."""
        if len(message.outputs) > MAX_ANSWERED:
            raise EvidenceError("answers for more tables than any notebook has")
        if any(of.outputs.sha256 not in self._answers for of in message.outputs):
            message = replace(message, outputs=(), note="its answers were too large to be kept")
        self._as_trained[message.model] = message
        named = {of.outputs.sha256 for newest in self._as_trained.values() for of in newest.outputs}
        self._answers = {digest: values for digest, values in self._answers.items() if digest in named}

    def _take(self, message: object) -> None:
        match message:
            case Progress():
                if not 0 <= message.at <= message.of <= MAX_STEPS:
                    raise EvidenceError(f"step {str(message.at)[:20]} of {str(message.of)[:20]} makes no sense")
                self.has_started, self.at = True, message.at
                self._on_progress(message)
            case Epoch():
                if not 1 <= message.at <= MAX_STEPS or len(message.values) > MAX_QUANTITIES:
                    raise EvidenceError("an epoch that no training has")
                self._on_epoch(message)
            case Environment():
                self.environment = message
            case CellResult(ended=False):
                self.begun = message
            case CellResult():
                self.begun = None
                self._cells[message.index] = message
            case ModelCapture():
                before = self._models.get(message.id)
                if before is not None and before.fits != message.fits:
                    del self._models[message.id]
                self._models[message.id] = _sound(message)
            case AsTrained():
                self._note_answers(message)
            case Adaptation():
                if len(self.adaptations) < MAX_ADAPTATIONS:
                    self.adaptations.append(message)
            case TrainingRun():
                parts = [part for variable in message.weights for part in (variable.before, variable.after)]
                if len(message.weights) > MAX_VARIABLES or not all(map(_is_histogram, parts)):
                    raise EvidenceError("weights that no network has")
                self.runs.append(message)
            case Failure():
                if len(self.failures) < MAX_FAILURES:
                    self.failures.append(message)

    @property
    def as_trained(self) -> tuple[AsTrained, ...]:
        """Records of each network's answers, as the student had trained it."""
        return tuple(self._as_trained.values())

    @property
    def answers(self) -> Mapping[str, Array]:
        """The arrays of these answers, by hash."""
        return self._answers

    @property
    def cells(self) -> tuple[CellResult, ...]:
        """Code cells in the notebook's order."""
        return tuple(self._cells[index] for index in sorted(self._cells))

    @property
    def models(self) -> tuple[ModelCapture, ...]:
        """Models in the order of their last training."""
        return tuple(self._models.values())


def _sound(model: ModelCapture) -> ModelCapture:
    """Return a model, without its architecture if that is not a valid graph."""
    if model.architecture is None or architectures.is_sound(model.architecture):
        return model
    return replace(model, architecture=None, unrebuildable="its description makes no sense")


def _is_histogram(claimed: Histogram) -> bool:
    counts = (*claimed.counts, claimed.not_finite)
    return (
        len(claimed.counts) <= MAX_BINS
        and all(0 <= count <= MAX_COUNT for count in counts)
        and -MAX_WEIGHT <= claimed.low <= claimed.high <= MAX_WEIGHT
    )
