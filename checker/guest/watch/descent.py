"""How networks came by their weights: which training had led to weights that a network is given once more.

Theory of operation: weights are known by their hash, before a network is first trained, at the end of every epoch of
``fit``, and after every stretch of training. Who sets or loads weights that were seen so, of this network or another,
goes back to that point, and what was trained since has left nothing behind but the optimizer's state.
"""

from dataclasses import dataclass

from checker.guest.watch import fit_calls
from checker.records.capture import Fit
from checker.records.network import KerasObject

MAX_ORIGINS = 50_000
"""States that are remembered at most; the oldest are forgotten first."""


@dataclass(frozen=True)
class Origin:
    """Stretches of training, of the last of which only ``epochs`` count; 0 where all do. ``best``: the
    ``ModelCheckpoint`` to which that was the best epoch."""

    fits: tuple[Fit, ...]
    epochs: int = 0
    best: KerasObject | None = None

    def training(self) -> list[Fit]:
        """Return the stretches that led here."""
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
        """Remember what led to these weights; what did so last counts."""
        if not weights:
            return
        self._by_weights.pop(weights, None)
        self._by_weights[weights] = origin
        if len(self._by_weights) > MAX_ORIGINS:
            del self._by_weights[next(iter(self._by_weights))]

    def of(self, weights: bytes) -> Origin | None:
        """Return what led to these weights, where they were seen before."""
        return self._by_weights.get(weights)
