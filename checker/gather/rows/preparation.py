"""How a student's columns come from the data set's, so that every row has inputs; and scalers fitted anew for each
seed. Pure.

Theory of operation: a student's inputs are known for the rows that were fed, but a held-out split takes any row. So
each column is computed for every row of the data where a formula reproduces the fed values: from a matched column, or
by one of the usual formulas (``formulas``). Computed values replace the student's even where these are off by a little:
a label could be hidden in the difference. Gaps of the data take the value that the student imputed. A column that no
formula reproduces is known only for the fed rows. A column that a formula reproduces only with the target in it gives
the target away.

A scaler belongs to the training. A scaler fitted on the training rows has brought two statistics of them, such as mean
and deviation, to 0 and 1 (``_scalers``). A seed has other training rows, among which may be an outlier that the
student's scaler never saw. So the column is shifted and stretched until the statistics of the seed's training rows are
0 and 1 too (``by_seed``), as the student's own code would have done.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from checker.gather.rows.affine import AffineMap
from checker.gather.rows.formulas import DerivedColumn, FormulaFinder
from checker.gather.rows.matches import ColumnMap
from checker.gather.rows.sources import Sources
from checker.records.arrays import Array
from checker.records.tracing import Column, FittedOn, Scaler, ScalerKind

EXACT = 1e-4
"""Maximum distance from 0 and 1 of the statistics of the rows that a scaler was fitted on."""
CONSTANT = 1e-5
"""In deviations of a column: imputed values that differ by less count as one value."""
MOST_IN_VAIN = 60
"""After this many unexplained columns, no other column is searched."""
MOST_COLUMNS = 64
"""In tables with more columns than this, quartiles are not computed."""


@dataclass(frozen=True)
class ColumnSources:
    """The sources of inputs: the data set's columns without the target and with it, and the target's name."""

    honest: Sources
    all: Sources
    target: str


@dataclass(frozen=True)
class PreparedInputs:
    """The rows (n,) of the data set that have inputs, sorted, and these inputs (n, d), float32, as the student scaled
    them; for each column its formula, "" for none, whether the formula uses the target, and its scaler."""

    rows: Array
    features: Array
    formulas: tuple[str, ...]
    have_target: tuple[bool, ...]
    scalers: tuple[Scaler | None, ...]


def prepare(
    values: Array, rows: Array, maps: Sequence[ColumnMap], data: ColumnSources, trained: Array, watched: Array
) -> PreparedInputs:
    """Return the inputs of every row of the data set that has them.

    ``values`` (n, d) were fed for ``rows`` (n,), each once; ``maps`` show which columns are the data's. ``trained`` and
    ``watched`` are the last training's tables as they were fed: (t, d) and (w, d). A column that is made from the
    target is known only for the fed rows.
    """
    made = _made(values, rows, maps, data)
    has_inputs = np.flatnonzero(np.logical_and.reduce([column.known for column in made])).astype(np.int32)
    everywhere = np.column_stack([column.values for column in made])
    complete = np.isfinite(everywhere).all(axis=1) & np.isfinite(data.all.features).all(axis=1)
    inputs = everywhere[has_inputs]
    tables = (
        (FittedOn.ALL, inputs),
        (FittedOn.ALL, everywhere[complete]),
        (FittedOn.WATCHED_TOO, np.concatenate([trained, watched]) if len(watched) else watched),
        (FittedOn.TRAINED, trained),
        (FittedOn.ALL, values),
    )
    return PreparedInputs(
        has_inputs,
        inputs.astype(np.float32),
        tuple(column.formula for column in made),
        tuple(column.has_target for column in made),
        _scalers(tables, len(made)),
    )


# -- inputs for every row --------------------------------------------------------------------------------


@dataclass(frozen=True)
class _PreparedColumn:
    """A column for all rows of the data (m,), and for which rows it is known (m,)."""

    values: Array
    known: Array
    formula: str
    has_target: bool


def _made(values: Array, rows: Array, maps: Sequence[ColumnMap], data: ColumnSources) -> list[_PreparedColumn]:
    """Compute each of a student's columns. The data's own come first, because others may be made from their filled
    gaps."""
    features, names = data.all.features, data.all.names
    nothing, filled = np.full(len(features), np.nan), features.copy()
    made: dict[int, _PreparedColumn] = {}
    for m in (m for m in maps if isinstance(m, AffineMap)):
        name = names[m.source]
        image = nothing if name == data.target else (features[:, m.source] - m.offset) / m.scale
        column = _PreparedColumn(*_filled(image, values[:, m.column], rows), name, name == data.target)
        gaps = np.isnan(filled[:, m.source])
        filled[gaps, m.source] = column.values[gaps] * m.scale + m.offset
        made[m.column] = column
    finders = _FormulaFinders(data, filled)
    for j in sorted(set(range(values.shape[1])) - set(made)):
        found, has_target = finders.find(values[:, j], rows)
        image = nothing if found is None or has_target else found.values
        made[j] = _PreparedColumn(
            *_filled(image, values[:, j], rows), found.words if found is not None else "", has_target
        )
    return [made[j] for j in range(values.shape[1])]


@dataclass
class _FormulaFinders:
    """The searches for formulas without the target and with it, each built on first use. ``filled`` are the columns
    with the student's imputed values in their gaps; ``in_vain`` counts this table's unexplained columns."""

    data: ColumnSources
    filled: Array
    in_vain: int = 0

    @cached_property
    def honest(self) -> FormulaFinder:
        width = self.data.honest.features.shape[1]
        return FormulaFinder(replace(self.data.honest, features=self.filled[:, :width]))

    @cached_property
    def all(self) -> FormulaFinder:
        return FormulaFinder(replace(self.data.all, features=self.filled))

    def find(self, column: Array, rows: Array) -> tuple[DerivedColumn | None, bool]:
        """Return how a column is made, and whether that needs the target."""
        if self.in_vain >= MOST_IN_VAIN:
            return None, False
        found = self.honest.find(column, rows)
        if found is not None:
            return found, False
        found = self.all.find(column, rows)
        self.in_vain += found is None
        return found, found is not None


def _filled(image: Array, theirs: Array, rows: Array) -> tuple[Array, Array]:
    """Fill the rows that a formula leaves open with the student's fed values; return all values (m,), and which are
    known.

    If all fed values there are one number, it was imputed and fills the other open rows too.
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
"""For each kind of scaler, the two statistics of each column of a table (n, d) that it brings to 0 and 1."""


def _scalers(tables: Sequence[tuple[FittedOn, Array]], width: int) -> tuple[Scaler | None, ...]:
    """Return the scaler of each column. It was fitted on the table with the greatest number of columns that have the
    statistics 0 and 1; of equals, the first."""
    best: tuple[Scaler | None, ...] = (None,) * width
    for on, table in tables:
        found = tuple(None if kind is None else Scaler(kind, on) for kind in _kinds(table, width))
        best = max(best, found, key=lambda one: sum(scaler is not None for scaler in one))
        if None not in best:
            break
    return best


def _kinds(table: Array, width: int) -> list[ScalerKind | None]:
    found: list[ScalerKind | None] = [None] * width
    places = np.flatnonzero(np.isfinite(table).any(axis=0)) if len(table) > 1 else np.zeros(0, dtype=int)
    for kind, figures in FIGURES.items():
        if not len(places) or (kind is ScalerKind.ROBUST and width > MOST_COLUMNS):
            continue
        location, spread = figures(table[:, places])
        of_sample = len(table) / (len(table) - 1) if kind is ScalerKind.STANDARD else 1.0
        near = (np.abs(spread - 1) <= EXACT) | (np.abs(spread * np.sqrt(of_sample) - 1) <= EXACT)
        is_it = (np.abs(location) <= EXACT) & near
        for j in places[is_it]:
            found[j] = kind
        places = places[~is_it]
    return found


def by_seed(
    features: Array, rows: Array, columns: Sequence[Column], training: Array, development: Array
) -> tuple[Array, Array]:
    """Return the offsets and scales (d,), float64, of a seed's inputs, which are ``(features - offsets) / scales``.

    ``training`` and ``development`` are the seed's rows. Columns stay as they are if their scaler was fitted on all
    rows, or is not known.
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
