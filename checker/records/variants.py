"""Variants of a student's network, and the results of training them."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from checker.records.codec import record


class Scaling(StrEnum):
    """How a variant scales its inputs: not at all, or to mean 0 and deviation 1 on the training rows."""

    OFF = "off"
    STANDARD = "standard"


@record
@dataclass(frozen=True, kw_only=True)
class LayerChange:
    """A change of the student's layer number ``at``, which counts the layers after the input from 1. Settings that are
    None stay unchanged; with ``drop`` the layer is left out."""

    at: int
    units: int | None = None
    activation: str | None = None
    rate: float | None = None
    drop: bool = False


@record
@dataclass(frozen=True, kw_only=True)
class NewLayer:
    """A new layer behind the student's layer number ``after``; 0 stands for the input."""

    after: int
    kind: str
    units: int | None = None
    activation: str | None = None
    rate: float | None = None


@record
@dataclass(frozen=True, kw_only=True)
class Variant:
    """Changes of a student's network, its training and its inputs; fields that are None, "" or () change nothing.

    ``patience``: of early stopping, in epochs; 0 for none. ``without``: columns of the data that are left out.
    ``seeds``: those of the assignment's grading seeds that are trained; () for all.
    """

    layers: tuple[LayerChange, ...] = ()
    added: tuple[NewLayer, ...] = ()
    optimizer: str = ""
    learning_rate: float | None = None
    batch_size: int | None = None
    epochs: int | None = None
    patience: int | None = None
    without: tuple[str, ...] = ()
    scaling: Scaling | None = None
    seeds: tuple[int, ...] = ()


class Effect(StrEnum):
    """A variant's effect on the score, beyond chance. ``UNKNOWN``: undetermined, such as for a single seed."""

    BETTER = "better"
    WORSE = "worse"
    NOISE = "noise"
    UNKNOWN = "not known"


@record
@dataclass(frozen=True, kw_only=True)
class TriedSeed:
    """A seed's training of a variant: its score and the original's, None if there is none, and its history."""

    seed: int
    score: float | None
    original: float | None
    history: Mapping[str, tuple[float | None, ...]]
    epochs: int


@record
@dataclass(frozen=True, kw_only=True)
class Tried:
    """A variant that was trained. ``change`` describes the changes, ``sentence`` the result.

    ``gain``: the mean paired difference to the original, positive if the variant is better; None if there is none.
    ``band``: the uncertainty of the gain; None if unknown. ``parameters``: number of weights of the changed network.
    ``notes``: further remarks for the reader.
    """

    variant: Variant
    change: str
    sentence: str
    effect: Effect
    seeds: tuple[TriedSeed, ...]
    parameters: int
    gain: float | None = None
    band: float | None = None
    notes: tuple[str, ...] = ()


@record
@dataclass(frozen=True, kw_only=True)
class Direction:
    """The first change tried that reaches the bar, or else the one with the largest gain; as a direction, not as code.

    ``helps``: whether any change helps. ``tried``: each change with its result. ``cost``: of all trainings, in words.
    """

    sentence: str
    helps: bool
    tried: tuple[str, ...]
    cost: str
