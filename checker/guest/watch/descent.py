"""The training history of weights: which training led to weights that are set again.

Theory of operation: weights are identified by their hash, taken before a network's first training, at the end of every
epoch of ``fit``, and after every stretch of training. Setting or loading such weights, of this network or another, goes
back to that point. Any later training then leaves nothing behind but the optimizer's state.
"""

from dataclasses import dataclass

from checker.guest.watch import fit_calls
from checker.records.capture import Fit
from checker.records.network import KerasObject

MAX_ORIGINS = 50_000
"""Maximum number of states remembered; the oldest are dropped first."""


@dataclass(frozen=True)
class Origin:
    """Stretches of training. Only ``epochs`` of the last one count; 0 means all. ``best``: the ``ModelCheckpoint`` for
    which that epoch was the best."""

    fits: tuple[Fit, ...]
    epochs: int = 0
    best: KerasObject | None = None

    def training(self) -> list[Fit]:
        """Return the stretches that led to these weights."""
        if not self.epochs:
            return list(self.fits)
        fits = [*self.fits[:-1], fit_calls.back_at(self.fits[-1], self.epochs, self.best)]
        fit_calls.merge_last(fits)
        return fits


class Descent:
    """Origins by the hash of the weights."""

    def __init__(self) -> None:
        self._by_weights: dict[bytes, Origin] = {}

    def note(self, weights: bytes, origin: Origin) -> None:
        """Remember the origin of weights; a later origin replaces an earlier one."""
        if not weights:
            return
        self._by_weights.pop(weights, None)
        self._by_weights[weights] = origin
        if len(self._by_weights) > MAX_ORIGINS:
            del self._by_weights[next(iter(self._by_weights))]

    def of(self, weights: bytes) -> Origin | None:
        """Return the origin of these weights; None if they are new."""
        return self._by_weights.get(weights)
