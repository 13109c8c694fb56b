"""Changes of a network's inputs: columns left out, scaling off or on. Pure.

Theory of operation: the evidence holds a student's inputs after scaling. If a column is an affine image of a column of
the data, its unscaled values are the data's own; a gap that the student filled is computed back, to six digits. The
size of a computed column before scaling is unknown, so switching its scaling off is refused. With scaling on, the
column stays as it is and a scaler is fitted to it on the training rows of each seed, as for a student's own scaler.
"""

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from checker.gather.rows.affine import TOLERANCE
from checker.gather.rows.tracing import TracedInputs
from checker.records.arrays import Array
from checker.records.settings import RunSettings
from checker.records.tracing import Column, FittedOn, Scaler, ScalerKind
from checker.records.variants import Scaling, Variant
from checker.whatif.refusal import RefusedError
from checker.wire.frames import reference

STANDARD = Scaler(ScalerKind.STANDARD, FittedOn.TRAINED)
NEAR = 1e-5
"""Largest distance of the scale from 1, and of the offset from 0 in deviations, in a column that was not scaled."""


def kept(traced: TracedInputs, without: Sequence[str], settings: RunSettings) -> tuple[bool, ...]:
    """Return for each input whether it stays when columns of the data are left out."""
    known = settings.assignment.data.features
    for name in without:
        if name not in known:
            raise RefusedError(f"The data has no column of this name; it has {', '.join(known)}.")
    columns = traced.tracing.columns
    if without and any(not column.source and not column.formula for column in columns):
        raise RefusedError("How some inputs come from the data is not known, so nobody can say which hold the column.")
    left = tuple(not any(_holds(column, name) for name in without) for column in columns)
    if not any(left):
        raise RefusedError("No input would be left.")
    for name in without:
        if not any(_holds(column, name) for column in columns):
            raise RefusedError(f"{name} is not among the inputs of this network.")
    return left


def _holds(column: Column, name: str) -> bool:
    return column.source == name or bool(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", column.formula))


def changed(traced: TracedInputs, variant: Variant, settings: RunSettings) -> TracedInputs:
    """Return the changed inputs of every row."""
    if not variant.without and variant.scaling is None:
        return traced
    assert traced.features is not None
    left = np.array(kept(traced, variant.without, settings))
    columns, features = traced.tracing.columns, traced.features
    if variant.scaling is Scaling.OFF:
        found = [_unscaled(traced, at, settings) for at in range(len(columns))]
        features = np.column_stack([features[:, at] if one is None else one for at, one in enumerate(found)])
        columns = tuple(
            column if one is None else replace(column, scaler=None) for column, one in zip(columns, found, strict=True)
        )
    elif variant.scaling is Scaling.STANDARD:
        columns = tuple(
            replace(column, scaler=STANDARD) if _has_size(features[:, at]) else column
            for at, column in enumerate(columns)
        )
    features = np.ascontiguousarray(features[:, left], dtype=np.float32)
    some = tuple(column for column, is_left in zip(columns, left, strict=True) if is_left)
    tracing = replace(traced.tracing, columns=some, features=reference(features))
    return replace(traced, tracing=tracing, features=features)


def scaled_columns(traced: TracedInputs, settings: RunSettings) -> int:
    """Return the number of inputs that are scaled columns of the data."""
    return sum(_is_scaled(traced, at, settings) for at in range(len(traced.tracing.columns)))


def is_standard(traced: TracedInputs) -> bool:
    """Tell whether all inputs with a size are scaled to mean 0 and deviation 1 already."""
    assert traced.features is not None
    return all(
        column.scaler is not None and column.scaler.kind is ScalerKind.STANDARD
        for at, column in enumerate(traced.tracing.columns)
        if _has_size(traced.features[:, at])
    )


def _has_size(values: Array) -> bool:
    """Tell whether a column has more than two values."""
    return len(np.unique(values)) > 2


def _is_scaled(traced: TracedInputs, at: int, settings: RunSettings) -> bool:
    fitted = _fitted(traced, at, settings)
    if fitted is None:
        return traced.tracing.columns[at].scaler is not None
    scale, offset, deviation = fitted
    return abs(scale - 1) > NEAR or abs(offset) > NEAR * deviation


def _unscaled(traced: TracedInputs, at: int, settings: RunSettings) -> Array | None:
    """Return an input's values before it was scaled; None if it was not."""
    if not _is_scaled(traced, at, settings):
        return None
    column, fitted = traced.tracing.columns[at], _fitted(traced, at, settings)
    if fitted is None:
        what = column.formula or "an input"
        raise RefusedError(f"How large {what} was before it was scaled is not known.")
    assert traced.features is not None
    scale, offset, _ = fitted
    raw = _of_data(traced, column, settings)
    back = traced.features[:, at].astype(np.float64) * scale + offset
    gaps = ~np.isfinite(raw)
    raw[gaps] = [float(f"{value:.6g}") for value in back[gaps]]
    return raw.astype(np.float32)


def _of_data(traced: TracedInputs, column: Column, settings: RunSettings) -> Array:
    place = settings.assignment.data.features.index(column.source)
    return np.array(settings.dataset.features[traced.rows, place], dtype=np.float64)


def _fitted(traced: TracedInputs, at: int, settings: RunSettings) -> tuple[float, float, float] | None:
    """Return scale and offset of the map from an input to its column of the data, and that column's deviation; None if
    the input is no affine image of a column."""
    column = traced.tracing.columns[at]
    if column.source not in settings.assignment.data.features or traced.features is None:
        return None
    ours = _of_data(traced, column, settings)
    theirs = traced.features[:, at].astype(np.float64)
    known = np.isfinite(ours) & np.isfinite(theirs)
    x, y = theirs[known], ours[known]
    deviation = float(y.std()) if len(y) else 0.0
    if len(x) < 2 or not x.std() or not deviation:
        return None
    scale = float(np.cov(x, y)[0, 1] / np.var(x, ddof=1))
    offset = float(y.mean() - scale * x.mean())
    misfit = float(np.median(np.abs(x * scale + offset - y)))
    return (scale, offset, deviation) if misfit < TOLERANCE * deviation else None
