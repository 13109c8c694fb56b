"""The record of one model: its architecture, its training and its uses.

Theory of operation: each watcher of training (``capture``, ``loops``, ``staticgraph``, ``tape``, ``origins``) reports
to the record by a method with a verb. The fields are private, so every change has a name, and you can find each place
that causes it. The registry sends the record to the host as a ``ModelCapture``.
"""

from collections.abc import Callable, Iterable
from typing import Any, Final, Protocol

from checker.guest.watch import fit_calls
from checker.records.arrays import Array
from checker.records.capture import Fit, ModelCapture, Use
from checker.records.network import Architecture

MAX_USES = 32
"""The newest uses that are kept of a model."""

Describe = Callable[[], Architecture]
Answer = Callable[[Array, bool], Array]
"""Return a model's outputs for rows; the flag is set at the end of the file."""


class OpenLoop(Protocol):
    """A custom loop that still trains a model."""

    def close(self) -> None:
        """Turn the steps taken so far into a finished fit call."""


class OpenUsageLog(Protocol):
    """Rows that a model was only used on, between the steps of a custom loop."""

    def add(self, how: str, x: Any, y: Any = None) -> None:
        """Note a use."""

    def join(self) -> None:
        """Note the pieces that were waiting for more."""


class ModelRecord:
    """Everything recorded about one model. Only the methods below change it.

    ``rank`` counts the models that first appeared in the same cell; ``made_in`` names the line of a companion module.
    """

    def __init__(self, number: int, model: Any, cell: int, made_in: str = "", rank: int = 0) -> None:
        self.id: Final = number
        self.model: Final = model
        self.cell: Final = cell
        self.made_in: Final = made_in
        self.rank: Final = rank
        self._variable = ""
        self._width: int | None = None
        self._fits: list[Fit] = []
        self._uses: list[Use] = []
        self._is_recompiled = True
        self._loop: OpenLoop | None = None
        self._usage_log: OpenUsageLog | None = None
        self._describe: Describe | None = None
        self._answer: Answer | None = None
        self._sent: ModelCapture | None = None
        self._origin = ""
        self._unwatched = ""
        self._file = ""
        self._has_foreign_weights = False

    # -- reading -----------------------------------------------------------------------------------------

    @property
    def variable(self) -> str:
        """The name of the notebook's variable that holds the model."""
        return self._variable

    @property
    def width(self) -> int | None:
        """The number of feature columns that the model was last trained on."""
        return self._width

    @property
    def fits(self) -> tuple[Fit, ...]:
        """The fit calls and custom loops that led to the model's weights."""
        return tuple(self._fits)

    @property
    def uses(self) -> tuple[Use, ...]:
        """The newest uses of the model."""
        return tuple(self._uses)

    @property
    def is_recompiled(self) -> bool:
        """The model was compiled since it was last trained, so its optimizer starts anew."""
        return self._is_recompiled

    @property
    def loop(self) -> OpenLoop | None:
        """The custom loop that trains the model now."""
        return self._loop

    @property
    def usage_log(self) -> OpenUsageLog | None:
        """The log of uses between the steps of custom loops."""
        return self._usage_log

    @property
    def describe(self) -> Describe | None:
        """How to read the architecture, if the model is not a Keras model."""
        return self._describe

    @property
    def answer(self) -> Answer | None:
        """How to ask for outputs, if the model is not a Keras model."""
        return self._answer

    @property
    def sent(self) -> ModelCapture | None:
        """The record that was last sent to the host."""
        return self._sent

    @property
    def origin(self) -> str:
        """Where the weights come from, if not from initialisers; "" if they do."""
        return self._origin

    @property
    def unwatched(self) -> str:
        """Why the origin of the weights could not be checked."""
        return self._unwatched

    @property
    def file(self) -> str:
        """The file that the weights were loaded from, if no network of this run wrote it."""
        return self._file

    @property
    def has_foreign_weights(self) -> bool:
        """Weights were set or loaded since the origin was last checked."""
        return self._has_foreign_weights

    @property
    def steps(self) -> int:
        """The number of training steps in all fit calls."""
        return sum(fit.steps_done for fit in self._fits)

    @property
    def is_trained(self) -> bool:
        """The model was trained, or a custom loop trains it now."""
        return bool(self._fits) or self._loop is not None

    # -- the model itself --------------------------------------------------------------------------------

    def rename(self, variable: str) -> bool:
        """Set the variable's name; return whether it changed."""
        is_new, self._variable = self._variable != variable, variable
        return is_new

    def note_compiled(self) -> None:
        """Note a call of ``compile``: the next training starts with a new optimizer."""
        self._is_recompiled = True

    def note_restored(self, has_optimizer: bool) -> None:
        """Note that the model was read from a file, with its optimizer or without."""
        self._is_recompiled = not has_optimizer

    def note_width(self, width: int | None) -> None:
        """Note the number of feature columns, if there is one."""
        self._width = width or self._width

    def describe_by(self, describe: Describe) -> None:
        """Read the architecture by this function from now on."""
        self._describe = describe

    def answer_by(self, answer: Answer) -> None:
        """Ask for outputs by this function from now on."""
        self._answer = answer

    def note_sent(self, capture: ModelCapture) -> None:
        """Remember the record that was sent to the host."""
        self._sent = capture

    # -- training ----------------------------------------------------------------------------------------

    def begin_fit(self, planned: Fit) -> None:
        """Add a fit call as it was asked for."""
        self._fits.append(planned)

    def end_fit(self, fit: Fit) -> None:
        """Replace the planned fit call by the actual one."""
        self._fits[-1] = fit
        self.finish_training()

    def finish_training(self) -> None:
        """Note that a training ended; join it to the one before if it only continues it."""
        self._is_recompiled = False
        fit_calls.merge_last(self._fits)

    def begin_loop(self, loop: OpenLoop, is_new_optimizer: bool) -> None:
        """Note the custom loop that trains the model from now on."""
        self._loop = loop
        self._is_recompiled = self._is_recompiled or is_new_optimizer

    def note_loop(self, fit: Fit, replaces_last: bool) -> None:
        """Add a custom loop's steps so far as a fit call, or replace the same loop's earlier record."""
        if replaces_last:
            self._fits.pop()
        self._fits.append(fit)

    def leave_loop(self) -> None:
        """Note that no custom loop trains the model any more."""
        self._loop = None

    def start_over(self) -> None:
        """Forget all training: the weights were initialised again."""
        self._loop = None
        self._is_recompiled = True
        self._fits.clear()

    def add_use(self, use: Use) -> None:
        """Add a use, and drop the oldest if there are too many."""
        self._uses = [*self._uses[-MAX_USES + 1 :], use]

    def attach_usage_log(self, log: OpenUsageLog) -> None:
        """Note where the uses between a custom loop's steps are kept."""
        self._usage_log = log

    # -- weights -----------------------------------------------------------------------------------------

    def note_weights_set(self) -> None:
        """Note weights that no training of this run led to."""
        self._has_foreign_weights, self._file = True, ""

    def note_weights_loaded(self, file: str) -> None:
        """Note weights from a file; "" for a file that another model of this run wrote."""
        self._has_foreign_weights, self._file = True, file

    def note_origin(self, origin: str) -> None:
        """Note where the weights come from; "" for initialisers."""
        self._origin, self._has_foreign_weights = origin, False

    def note_unwatched(self, why: str) -> None:
        """Note why the origin of the weights could not be checked."""
        self._origin, self._unwatched, self._has_foreign_weights = "", why, False

    def return_to(self, fits: Iterable[Fit]) -> None:
        """Note that the weights are those to which these fit calls had led."""
        self._fits = list(fits)

    def inherit(self, writer: "ModelRecord") -> None:
        """Take over the training of the model whose weights this one was given."""
        self._fits = list(writer.fits)
        self._origin, self._file, self._width = writer.origin, writer.file, writer.width
