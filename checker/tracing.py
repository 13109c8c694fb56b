"""What the answer was given, in terms of the data set: which rows, which columns, which labels.

Columns that are no image of the data's (ratios, one-hot codes, components) are kept as features of their row.
The labels of matched rows are always the data set's own; of a regression, whose labels are float64, in the student's
unit (``targets``). Pure: arrays in, records and arrays out. ``matching`` finds the rows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from checker import labels, targets
from checker.frames import Array, reference
from checker.labels import Compared, Known
from checker.matching import MIN_ROWS, Map, Matched, Matcher, are_numbers, sober
from checker.records import (
    Column,
    Development,
    FeatureSource,
    Fit,
    ModelCapture,
    SeenRows,
    TargetScale,
    Tracing,
)

MIN_CLASS_ROWS = 100
BINS = 64


@dataclass(frozen=True)
class Traced:
    """Result of tracing: the record, and where rows were traced their numbers (n,) and features (n, d)."""

    tracing: Tracing
    rows: Array | None = None
    features: Array | None = None


def trace(
    answer: ModelCapture,
    arrays: Mapping[str, Array],
    matcher: Matcher,
    names: Sequence[str],
    classes: Sequence[str] = (),
    kin: Sequence[ModelCapture] = (),
) -> Traced:
    """Trace everything the answer was fed: its last stretch of training, what it watched, what it was tested on.

    ``names`` are the features', and last the target's: numbers to predict are searched among the columns too. ``kin``:
    the same network, built and trained another time; a test of theirs is one of the answer's.
    """
    matched = matcher.match(answer, arrays)
    target = _target_by_shape(answer, arrays, matcher.labels)
    untraced = partial(_untraced, answer.input_width == len(names) - 1, target)
    if not matched.tables:
        return untraced("the student's arrays could not be kept")
    last = answer.fits[-1].training.x
    if last is None or last.sha256 not in matched.rows:
        return untraced("the rows of the training data could not be found")
    known = Known(matcher.labels, matcher.features[:, : len(names) - 1], names[:-1], classes)
    seen = [*_seen(answer, matched), *(look for one in kin for look in _seen(one, matcher.match(one, arrays)))]
    return _record(answer, arrays, matched, known, names, seen)


def _untraced(has_handout_width: bool, target: TargetScale | None, reason: str) -> Traced:
    source = FeatureSource.HANDOUT if has_handout_width else FeatureSource.NOWHERE
    instead = "; the hand-out's standardised columns are used instead" if has_handout_width else ""
    return Traced(Tracing(source, f"In the data set, {reason}{instead}.", target=target))


# -- the record ----------------------------------------------------------------------------------------


def _record(
    answer: ModelCapture,
    arrays: Mapping[str, Array],
    matched: Matched,
    known: Known,
    names: Sequence[str],
    seen: Sequence[SeenRows],
) -> Traced:
    values, rows = _stacked(matched)
    features = values.astype(np.float32)
    trained = matched.rows_of(*(fit.training for fit in answer.fits))
    watched = matched.rows_of(*(fit.validation for fit in answer.fits))
    untraced = sum(int((r < 0).sum()) for r in matched.rows.values())
    reason = f"All {len(rows):,} rows that the answer was fed were found in the data set."
    if untraced:
        reason = f"{len(rows):,} rows that the answer was fed were found in the data set; {untraced:,} were not."
    scale = target_scale(answer, arrays, matched, known.labels)
    compared = _labels_compared(answer, arrays, matched, known, scale)
    tracing = Tracing(
        source=FeatureSource.TRACED,
        reason=reason,
        columns=_columns(values, np.isin(rows, _fitted_on(answer, matched)), known.labels[rows], matched.maps, names),
        training_rows=len(trained),
        development_rows=len(np.setdiff1d(watched, trained)),
        all_rows=len(rows),
        labels_compared=compared.compared,
        labels_differ=compared.differ,
        labels_look=compared.look,
        seen=tuple(seen),
        rows=reference(rows),
        features=reference(features),
        target=scale,
    )
    return Traced(tracing, rows, features)


def _stacked(matched: Matched) -> tuple[Array, Array]:
    """Return the values (n, d) of all rows that were found, each once, and the rows (n,) of the data set they are."""
    stacked = np.concatenate(list(matched.rows.values()))
    values = np.concatenate([matched.tables[digest] for digest in matched.rows])
    rows, first = np.unique(stacked, return_index=True)
    return values[first[rows >= 0]], rows[rows >= 0].astype(np.int32)


def _fitted_on(answer: ModelCapture, matched: Matched) -> Array:
    """Return the rows on which a scaler of the training part would have been fitted."""
    last = answer.fits[-1]
    return matched.rows_of(last.training, last.validation if last.development is Development.SPLIT else None)


def _seen(answer: ModelCapture, matched: Matched) -> list[SeenRows]:
    trained = matched.rows_of(*(fit.training for fit in answer.fits))
    looks = [(use, matched.rows_of(use.fed)) for use in answer.uses]
    return [
        SeenRows(use.cell, use.how, len(rows), int(np.isin(rows, trained).sum()))
        for use, rows in looks
        if len(rows) >= MIN_ROWS
    ]


def carries_label(model: ModelCapture, matched: Matched, matcher: Matcher, names: Sequence[str]) -> bool:
    """Tell whether a single column of a network's inputs, which is none of the data's features, gives the label away.

    ``names`` are the features', and last the target's.
    """
    if not matched.rows:
        return False
    values, rows = _stacked(matched)
    is_training = np.isin(rows, _fitted_on(model, matched))
    columns = _columns(values, is_training, matcher.labels[rows], matched.maps, names)
    return any(column.gives_away(are_numbers(matcher.labels)) and column.source not in names[:-1] for column in columns)


def target_scale(
    model: ModelCapture, arrays: Mapping[str, Array], matched: Matched, labels: Array
) -> TargetScale | None:
    """Return how a regression's targets of the last training come from the data's; None of a classification."""
    pair = labels_fed(model.fits[-1], arrays, matched)
    if pair is None or not are_numbers(labels):
        return None
    y, rows = pair
    theirs = y.reshape(-1)
    if len(theirs) != len(rows):
        return None
    return targets.match(sober(theirs[rows >= 0]), labels[rows[rows >= 0]], labels).scale


def _labels_compared(
    answer: ModelCapture, arrays: Mapping[str, Array], matched: Matched, known: Known, scale: TargetScale | None
) -> Compared:
    """Compare the labels of each stretch of training with the data's; return what differs most."""
    pairs = {(fit.training.x, fit.training.y): labels_fed(fit, arrays, matched) for fit in answer.fits}
    found = [labels.compare(*pair, known, scale) for pair in pairs.values() if pair is not None]
    return max(found, key=lambda one: one.differ / max(one.compared, 1), default=Compared())


def labels_fed(fit: Fit, arrays: Mapping[str, Array], matched: Matched) -> tuple[Array, Array] | None:
    """Return a training's labels as they were fed, and the rows of the data set that they belong to."""
    x, y = fit.training.x, fit.training.y
    if x is None or y is None or x.sha256 not in matched.rows or y.sha256 not in arrays:
        return None
    return arrays[y.sha256], matched.rows[x.sha256]


def _target_by_shape(answer: ModelCapture, arrays: Mapping[str, Array], labels: Array) -> TargetScale | None:
    """Return the scale of a regression's targets whose rows are not known."""
    y = answer.fits[-1].training.y
    if not are_numbers(labels) or y is None or y.sha256 not in arrays:
        return None
    return targets.by_shape(sober(arrays[y.sha256]).reshape(-1), labels)


def _columns(
    values: Array, is_training: Array, labels: Array, maps: Sequence[Map], names: Sequence[str]
) -> tuple[Column, ...]:
    sources = {m.column: names[m.source] for m in maps}
    purity = _share_explained if are_numbers(labels) else _label_purity
    return tuple(
        Column(
            sources.get(j, ""),
            *_summary(values[is_training, j]),
            *_summary(values[:, j]),
            label_purity=purity(values[:, j], labels),
        )
        for j in range(values.shape[1])
    )


def _summary(values: Array) -> tuple[float, float, float, float]:
    """Return mean, deviation, lowest and highest of the finite values."""
    finite = values[np.isfinite(values)]
    if not len(finite):
        return 0.0, 0.0, 0.0, 0.0
    return float(finite.mean()), float(finite.std()), float(finite.min()), float(finite.max())


def _label_purity(values: Array, labels: Array) -> float:
    """Return the best F1 with which this column alone, cut into bins, tells one class from all others."""
    edges, bins = _binned(values)
    classes = int(labels.max()) + 1
    counts = np.bincount(bins * classes + labels, minlength=(len(edges) + 1) * classes).reshape(-1, classes)
    called = counts > counts.sum(axis=1, keepdims=True) / 2
    hits = (counts * called).sum(axis=0)
    claimed = (counts.sum(axis=1, keepdims=True) * called).sum(axis=0)
    total = counts.sum(axis=0)
    f1 = 2 * hits / np.maximum(claimed + total, 1)
    return float(f1[total >= MIN_CLASS_ROWS].max(initial=0.0))


def _share_explained(values: Array, labels: Array) -> float:
    """Return the share of the labels' variance that the means of this column's bins explain."""
    edges, bins = _binned(values)
    rows = np.maximum(np.bincount(bins, minlength=len(edges) + 1), 1)
    means = np.bincount(bins, labels, len(edges) + 1) / rows
    spread = float(np.var(labels))
    return 1 - float(np.mean(np.square(labels - means[bins]))) / spread if spread else 0.0


def _binned(values: Array) -> tuple[Array, Array]:
    """Return the edges of a column's bins, and each row's bin."""
    distinct = np.unique(values)
    edges = distinct if len(distinct) <= BINS else np.nanquantile(values, np.linspace(0, 1, BINS + 1)[1:-1])
    return edges, np.searchsorted(edges, values)
