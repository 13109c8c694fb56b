"""Read what a guest left: frames in, validated records and bounded arrays out.

A guest that ran a student's code may say anything. What does not fit the records or the bounds here raises
``EvidenceError``, which ends the box.
"""

from collections.abc import Callable

from checker import frames
from checker.errors import EvidenceError
from checker.frames import Array, Frame, Kind
from checker.records import (
    Adaptation,
    CellResult,
    Environment,
    Failure,
    ModelCapture,
    Progress,
    TrainingRun,
    Verdict,
)

MAX_MODELS = 1_000
MAX_CELLS = 5_000
MAX_FAILURES = 20
MAX_ADAPTATIONS = 100
MAX_ARRAYS = 2_000
MAX_STEPS = 1_000_000


class Collector:
    """Receives one guest's frames, in order, and keeps the newest word on everything.

    ``has_started``: the guest came as far as the first cell or seed; what ends it before is not the student's fault.
    """

    def __init__(self, on_progress: Callable[[Progress], None]) -> None:
        self.environment: Environment | None = None
        self.has_started = False
        self.failures: list[Failure] = []
        self.runs: list[TrainingRun] = []
        self.adaptations: list[Adaptation] = []
        self.arrays: dict[str, Array] = {}
        self._cells: dict[int, CellResult] = {}
        self._models: dict[int, ModelCapture] = {}
        self._on_progress = on_progress

    def receive(self, frame: Frame) -> None:
        """Take one frame; EvidenceError where it does not belong."""
        if frame.kind is Kind.ARRAY:
            values = frames.unpack(frame.payload)
            self.arrays[frames.reference(values).sha256] = values
        elif frame.kind is Kind.MESSAGE:
            self._take(frames.content(frame))
        else:
            raise EvidenceError(f"a guest does not send frames of the kind {frame.kind.name}")
        if len(self._models) > MAX_MODELS or len(self._cells) > MAX_CELLS or len(self.arrays) > MAX_ARRAYS:
            raise EvidenceError("more models, cells or arrays than any notebook has")

    def _take(self, message: object) -> None:
        match message:
            case Progress():
                if not 0 <= message.at <= message.of <= MAX_STEPS:
                    raise EvidenceError(f"step {str(message.at)[:20]} of {str(message.of)[:20]} makes no sense")
                self.has_started = True
                self._on_progress(message)
            case Environment():
                self.environment = message
            case CellResult():
                self._cells[message.index] = message
            case ModelCapture():
                before = self._models.get(message.id)
                if before is not None and before.fits != message.fits:
                    del self._models[message.id]
                self._models[message.id] = message
            case Adaptation():
                if len(self.adaptations) < MAX_ADAPTATIONS:
                    self.adaptations.append(message)
            case TrainingRun():
                self.runs.append(message)
            case Failure():
                if message.verdict is Verdict.PASS:
                    raise EvidenceError("a failure does not lead to PASS")
                if len(self.failures) < MAX_FAILURES:
                    self.failures.append(message)

    @property
    def cells(self) -> tuple[CellResult, ...]:
        """Code cells in the notebook's order."""
        return tuple(self._cells[index] for index in sorted(self._cells))

    @property
    def models(self) -> tuple[ModelCapture, ...]:
        """Models in the order in which they were last trained."""
        return tuple(self._models.values())
