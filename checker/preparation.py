"""How a student's columns come from the data set's, so that every row has inputs; what is fitted anew by seed. Pure.

Theory of operation: a student's inputs are known for the rows that were fed. A held-out split takes any row. So each
column is computed for every row of the data where a formula reproduces what was fed: from a matched column, or from the
usual derived ones (``derived``). Computed values stand even where the student's are off by a little, in which a label
could be hidden. Gaps of the data take the value that the student imputed. A column that no formula reproduces is known
for the fed rows alone. One that a formula reproduces only with the target in it gives the target away.

A scaler belongs to the training. One that was fitted on the training rows has brought two of their figures, as mean and
deviation, to 0 and 1 (``_scalers``). A seed has other training rows, among which there may be an outlier that the
student's scaler has never seen. So the column is shifted and stretched until the figures of the seed's training rows
are 0 and 1 too (``by_seed``), as the student's own code would have done on them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from checker.derived import Derived, Finder, Sources
from checker.frames import Array
from checker.matching import AffineMap, Map
from checker.records import Column, FittedOn, Scaler, ScalerKind

EXACT = 1e-4
"""In units of a figure: how near 0 and 1 the figures of the rows are that a scaler was fitted on."""
CONSTANT = 1e-5
"""In deviations of a column: imputed values that differ by less are one."""
MOST_IN_VAIN = 60
"""Columns that nothing explains, after which no others are asked for."""
MOST_COLUMNS = 64
"""From so many on, quartiles are not looked at."""


@dataclass(frozen=True)
class Data:
    """What inputs may be made from: the data set's columns without the target, and with it, by its name."""

    honest: Sources
    all: Sources
    target: str


@dataclass(frozen=True)
class Prepared:
    """The rows (n,) of the data set whose inputs are known, sorted, and these inputs (n, d), float32, as the student
    scaled them; for each column the formula that gives it, "" for none, whether the target is in it, and what scaled
    it."""

    rows: Array
    features: Array
    formulas: tuple[str, ...]
    have_target: tuple[bool, ...]
    scalers: tuple[Scaler | None, ...]


def prepare(values: Array, rows: Array, maps: Sequence[Map], data: Data, trained: Array, watched: Array) -> Prepared:
    """Return the inputs of every row of the data set that has them.

    ``values`` (n, d) were fed for ``rows`` (n,), each once; ``maps`` say which columns are the data's. ``trained`` and
    ``watched`` are the last training's tables, as they were fed: (t, d) and (w, d). A column that is made from the
    target is known for the rows alone that were fed.
    """
    features, names = data.all.features, data.all.names
    affine = {m.column: m for m in maps if isinstance(m, AffineMap)}
    made = np.full((len(features), values.shape[1]), np.nan)
    known = np.zeros(made.shape, dtype=bool)
    formulas, have_target = [""] * values.shape[1], [False] * values.shape[1]
    filled = features.copy()
    for j, m in affine.items():
        formulas[j], have_target[j] = names[m.source], names[m.source] == data.target
        image = np.full(len(features), np.nan) if have_target[j] else (features[:, m.source] - m.offset) / m.scale
        made[:, j], known[:, j] = _filled(image, values[:, j], rows)
        gaps = np.isnan(filled[:, m.source])
        filled[gaps, m.source] = made[gaps, j] * m.scale + m.offset
    finders = _Finders(data, filled)
    for j in sorted(set(range(values.shape[1])) - set(affine)):
        found, have_target[j] = finders.find(values[:, j], rows)
        image = np.full(len(features), np.nan) if found is None or have_target[j] else found.values
        made[:, j], known[:, j] = _filled(image, values[:, j], rows)
        formulas[j] = found.words if found is not None else ""
    has_inputs = np.flatnonzero(known.all(axis=1)).astype(np.int32)
    inputs = made[has_inputs]
    complete = np.isfinite(made).all(axis=1) & np.isfinite(features).all(axis=1)
    tables = (
        (FittedOn.ALL, inputs),
        (FittedOn.ALL, made[complete]),
        (FittedOn.WATCHED_TOO, np.concatenate([trained, watched]) if len(watched) else watched),
        (FittedOn.TRAINED, trained),
        (FittedOn.ALL, values),
    )
    scalers = _scalers(tables, values.shape[1])
    return Prepared(has_inputs, inputs.astype(np.float32), tuple(formulas), tuple(have_target), scalers)


@dataclass
class _Finders:
    """What finds formulas, without the target and with it; each is made when it is wanted. ``filled`` are the columns
    in whose gaps is what the student imputed. Of one table, so many columns ``in_vain`` are looked at."""

    data: Data
    filled: Array
    in_vain: int = 0

    @cached_property
    def honest(self) -> Finder:
        width = self.data.honest.features.shape[1]
        return Finder(replace(self.data.honest, features=self.filled[:, :width]))

    @cached_property
    def all(self) -> Finder:
        return Finder(replace(self.data.all, features=self.filled))

    def find(self, column: Array, rows: Array) -> tuple[Derived | None, bool]:
        """Return how a column is made, and whether the target is needed for that."""
        if self.in_vain >= MOST_IN_VAIN:
            return None, False
        found = self.honest.find(column, rows)
        if found is not None:
            return found, False
        found = self.all.find(column, rows)
        self.in_vain += found is None
        return found, found is not None


def _filled(image: Array, theirs: Array, rows: Array) -> tuple[Array, Array]:
    """Fill what a formula leaves open with what the student fed there; return all values (m,), and which are known.

    Where all that was fed there is one number, it was imputed, and stands in the other rows too.
    """
    is_open = ~np.isfinite(image)
    imputed = theirs[is_open[rows]]
    values, known = image.copy(), ~is_open
    values[rows[is_open[rows]]] = imputed
    known[rows] = True
    allowed = CONSTANT * float(np.std(image[~is_open])) if not is_open.all() else 0.0
    if len(imputed) and (np.isnan(imputed).all() or np.ptp(imputed) <= allowed) and not is_open.all():
        values[is_open], known[:] = imputed[0], True
    return values, known


# -- scalers ---------------------------------------------------------------------------------------------

Figures = Callable[[Array], tuple[Array, Array]]


def _standard(values: Array) -> tuple[Array, Array]:
    return np.nanmean(values, axis=0), np.nanstd(values, axis=0)


def _range(values: Array) -> tuple[Array, Array]:
    low = np.nanmin(values, axis=0)
    return low, np.nanmax(values, axis=0) - low


def _symmetric(values: Array) -> tuple[Array, Array]:
    low, size = _range(values)
    return low + size / 2, size / 2


def _robust(values: Array) -> tuple[Array, Array]:
    low, middle, high = np.nanpercentile(values, (25, 50, 75), axis=0)
    return middle, high - low


def _max_abs(values: Array) -> tuple[Array, Array]:
    return np.zeros(values.shape[1]), np.nanmax(np.abs(values), axis=0)


FIGURES: Mapping[ScalerKind, Figures] = {
    ScalerKind.STANDARD: _standard,
    ScalerKind.RANGE: _range,
    ScalerKind.SYMMETRIC: _symmetric,
    ScalerKind.ROBUST: _robust,
    ScalerKind.MAX_ABS: _max_abs,
}
"""For each kind, the two figures of each column of a table (n, d) that a scaler brings to 0 and 1."""


def _scalers(tables: Sequence[tuple[FittedOn, Array]], width: int) -> tuple[Scaler | None, ...]:
    """Return what scaled each column: it was fitted on the first table in which most have the figures 0 and 1."""
    kinds = [(on, _kinds(table, width)) for on, table in tables]
    on, found = max(kinds, key=lambda one: sum(kind is not None for kind in one[1]))
    return tuple(None if kind is None else Scaler(kind, on) for kind in found)


def _kinds(table: Array, width: int) -> list[ScalerKind | None]:
    found: list[ScalerKind | None] = [None] * width
    places = np.flatnonzero(np.isfinite(table).any(axis=0)) if len(table) > 1 else np.zeros(0, dtype=int)
    for kind, figures in FIGURES.items():
        if not len(places) or (kind is ScalerKind.ROBUST and width > MOST_COLUMNS):
            continue
        location, spread = figures(table[:, places])
        of_sample = len(table) / (len(table) - 1) if kind is ScalerKind.STANDARD else 1.0
        near = (np.abs(spread - 1) <= EXACT) | (np.abs(spread * np.sqrt(of_sample) - 1) <= EXACT)
        for j in places[(np.abs(location) <= EXACT) & near]:
            found[j] = found[j] or kind
    return found


def by_seed(
    features: Array, rows: Array, columns: Sequence[Column], training: Array, development: Array
) -> tuple[Array, Array]:
    """Return what a seed's inputs are shifted and stretched by: offsets and scales (d,), float64, so that inputs are
    ``(features - offsets) / scales``.

    ``training`` and ``development`` are the seed's rows. Columns whose scaler was fitted on all rows, or is not known,
    stay as they are.
    """
    offsets, scales = np.zeros(len(columns)), np.ones(len(columns))
    likes = {FittedOn.TRAINED: training, FittedOn.WATCHED_TOO: np.concatenate([training, development])}
    for on, like in likes.items():
        values = features[np.isin(rows, like)].astype(np.float64)
        for kind, figures in FIGURES.items():
            places = [j for j, column in enumerate(columns) if column.scaler == Scaler(kind, on)]
            if places and len(values):
                offsets[places], scales[places] = figures(values[:, places])
    is_sound = np.isfinite(offsets) & np.isfinite(scales) & (scales > 0)
    return np.where(is_sound, offsets, 0.0), np.where(is_sound, scales, 1.0)


def scaled(features: Array, offsets: Array, scales: Array) -> Array:
    """Return a seed's inputs (n, d), float32."""
    return np.asarray((features - offsets) / scales, dtype=np.float32)
