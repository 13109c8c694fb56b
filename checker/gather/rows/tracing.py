"""Traces the answer's inputs back to the data set: rows, columns and labels.

Every row of the data gets inputs where the student's columns can be computed (``preparation``). The network is
retrained on the rows that the student did not leave out by choice (``sampling``). The labels of matched rows are always
the data set's own; in a regression they are float64, in the student's unit (``targets``). ``matching`` finds the rows.
Pure: arrays in, records and arrays out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

import numpy as np

from checker.gather.rows import labels, preparation, sampling
from checker.gather.rows.labels import LabelComparison, LabelledData
from checker.gather.rows.matches import ColumnMap, MatchedTables
from checker.gather.rows.matching import Matcher
from checker.gather.rows.preparation import ColumnSources
from checker.gather.rows.tables import MIN_ROWS
from checker.gather.rows.values import are_numbers, cleaned
from checker.records.arrays import Array
from checker.records.capture import Fed, Fit, ModelCapture
from checker.records.network import Development
from checker.records.tracing import Column, FeatureSource, SeenRows, TargetScale, Tracing
from checker.scoring import targets
from checker.wire.frames import reference

NOT_FOUND = (
    "The rows of the training data were not found in the data set. Its columns were compared with the data's as they "
    "are, scaled and shifted, and by their ranks; and all together, as sums and products of the data's, in the order "
    "of the file, of the hand-out's split, and of their own pandas index."
)
MIN_CLASS_ROWS = 100
BINS = 64


@dataclass(frozen=True)
class TracedInputs:
    """The result of tracing: the record; and if rows were matched, the rows (n,) that have inputs, these inputs (n, d),
    and the rows to retrain on (m,)."""

    tracing: Tracing
    rows: Array | None = None
    features: Array | None = None
    trainable: Array | None = None

    @property
    def arrays(self) -> dict[str, Array]:
        """All arrays that the record refers to, by hash."""
        known = [array for array in (self.rows, self.features, self.trainable) if array is not None]
        return {reference(array).sha256: array for array in known}


def trace(
    answer: ModelCapture,
    arrays: Mapping[str, Array],
    matcher: Matcher,
    data: ColumnSources,
    names: Sequence[str],
    classes: Sequence[str] = (),
    kin: Sequence[ModelCapture] = (),
) -> TracedInputs:
    """Trace all data that the answer was fed: in its last fit call, as development set, and in tests.

    ``data``: the sources of inputs. ``names`` are the features', and last the target's, because numeric targets
    are matched as a column too. ``kin``: the same network, built and trained another time; its tests count as the
    answer's.
    """
    matched = matcher.match(answer, arrays)
    target = _target_by_shape(answer, arrays, matcher.labels)
    untraced = partial(_untraced, target)
    if not matched.tables:
        note = answer.fits[-1].training.note.rstrip(".")
        return untraced(f"What the network was trained on is not at hand as a table of numbers{note and f': {note}'}.")
    last = answer.fits[-1].training.x
    if last is None or last.sha256 not in matched.rows:
        return untraced(NOT_FOUND)
    known = LabelledData(matcher.labels, matcher.features[:, : len(names) - 1], names[:-1], classes)
    fewest = min(MIN_ROWS, len(matcher.labels) // 10)  # of 150 rows a test part is 30
    looks = ((answer, matched), *((one, matcher.match(one, arrays)) for one in kin))
    seen = [look for pair in looks for look in _seen(*pair, fewest)]
    return _record(answer, arrays, matched, known, data, names, seen)


def _untraced(target: TargetScale | None, reason: str) -> TracedInputs:
    return TracedInputs(Tracing(source=FeatureSource.NOWHERE, reason=reason, target=target))


# -- the record ----------------------------------------------------------------------------------------


def _record(
    answer: ModelCapture,
    arrays: Mapping[str, Array],
    matched: MatchedTables,
    known: LabelledData,
    data: ColumnSources,
    names: Sequence[str],
    seen: Sequence[SeenRows],
) -> TracedInputs:
    values, rows = _stacked(matched)
    last = answer.fits[-1]
    watched_values = _values(matched, last.validation)
    prepared = preparation.prepare(values, rows, matched.maps, data, _values(matched, last.training), watched_values)
    sample = sampling.sample_of(prepared.rows, rows, known.features, known.labels, names, known.classes)
    trained = matched.rows_of(*(fit.training for fit in answer.fits))
    watched = matched.rows_of(*(fit.validation for fit in answer.fits))
    untraced = sum(int((r < 0).sum()) for r in matched.rows.values())
    reason = f"All {len(rows):,} rows that the answer was fed were found in the data set."
    if untraced:
        reason = f"{len(rows):,} rows that the answer was fed were found in the data set; {untraced:,} were not."
    scale = target_scale(answer, arrays, matched, known.labels)
    compared = _labels_compared(answer, arrays, matched, known, scale)
    columns = _columns(values, np.isin(rows, _fitted_on(answer, matched)), known.labels[rows], matched.maps, names)
    made = zip(columns, prepared.formulas, prepared.have_target, prepared.scalers, strict=True)
    tracing = Tracing(
        source=FeatureSource.TRACED,
        reason=reason,
        columns=tuple(
            replace(column, formula=words, has_target=has, scaler=scaler) for column, words, has, scaler in made
        ),
        training_rows=len(trained),
        development_rows=len(np.setdiff1d(watched, trained)),
        all_rows=len(rows),
        labels_compared=compared.compared,
        labels_differ=compared.differ,
        labels_look=compared.look,
        seen=tuple(seen),
        rows=reference(prepared.rows),
        features=reference(prepared.features),
        trainable=reference(sample.rows),
        left_out=sample.left_out,
        left_out_rows=sample.left_out_rows,
        target=scale,
    )
    return TracedInputs(tracing, prepared.rows, prepared.features, sample.rows)


def _values(matched: MatchedTables, fed: Fed | None) -> Array:
    """Return a fed table of a network; one without rows if it was not captured."""
    tables = matched.tables
    if fed is None or fed.x is None or fed.x.sha256 not in tables:
        return next(iter(tables.values()))[:0]
    return tables[fed.x.sha256]


def _stacked(matched: MatchedTables) -> tuple[Array, Array]:
    """Return the values (n, d) of all matched rows, each once, and their rows (n,) of the data set."""
    stacked = np.concatenate(list(matched.rows.values()))
    values = np.concatenate([matched.tables[digest] for digest in matched.rows])
    rows, first = np.unique(stacked, return_index=True)
    return values[first[rows >= 0]], rows[rows >= 0].astype(np.int32)


def _fitted_on(answer: ModelCapture, matched: MatchedTables) -> Array:
    """Return the rows on which a scaler of the training part would have been fitted."""
    last = answer.fits[-1]
    return matched.rows_of(last.training, last.validation if last.development is Development.SPLIT else None)


def _seen(answer: ModelCapture, matched: MatchedTables, fewest: int) -> list[SeenRows]:
    trained = matched.rows_of(*(fit.training for fit in answer.fits))
    looks = [(use, matched.rows_of(use.fed)) for use in answer.uses]
    return [
        SeenRows(use.cell, use.how, len(rows), int(np.isin(rows, trained).sum()))
        for use, rows in looks
        if len(rows) >= fewest
    ]


def carries_label(model: ModelCapture, matched: MatchedTables, matcher: Matcher, names: Sequence[str]) -> bool:
    """Tell whether a single input column, which is none of the data's features, gives the label away.

    ``names`` are the features', and last the target's.
    """
    if not matched.rows:
        return False
    values, rows = _stacked(matched)
    is_training = np.isin(rows, _fitted_on(model, matched))
    sources = _source_names(matched.maps, names)
    others = [j for j in range(values.shape[1]) if sources.get(j) not in names[:-1]]
    columns = (_column(values[:, j], is_training, matcher.labels[rows], sources.get(j, "")) for j in others)
    return any(column.gives_away(are_numbers(matcher.labels)) for column in columns)


def target_scale(
    model: ModelCapture, arrays: Mapping[str, Array], matched: MatchedTables, labels: Array
) -> TargetScale | None:
    """Return how the targets of the last training come from the data's numbers; None for a classification."""
    pair = labels_fed(model.fits[-1], arrays, matched)
    if pair is None or not are_numbers(labels):
        return None
    y, rows = pair
    theirs = y.reshape(-1)
    if len(theirs) != len(rows):
        return None
    return targets.match(cleaned(theirs[rows >= 0]), labels[rows[rows >= 0]], labels).scale


def _labels_compared(
    answer: ModelCapture,
    arrays: Mapping[str, Array],
    matched: MatchedTables,
    known: LabelledData,
    scale: TargetScale | None,
) -> LabelComparison:
    """Compare the labels of each fit call with the data's; return the one with the largest share of differences."""
    pairs = {(fit.training.x, fit.training.y): labels_fed(fit, arrays, matched) for fit in answer.fits}
    found = [labels.compare(*pair, known, scale) for pair in pairs.values() if pair is not None]
    return max(found, key=lambda one: one.differ / max(one.compared, 1), default=LabelComparison())


def labels_fed(fit: Fit, arrays: Mapping[str, Array], matched: MatchedTables) -> tuple[Array, Array] | None:
    """Return a training's labels as they were fed, and their rows of the data set."""
    x, y = fit.training.x, fit.training.y
    if x is None or y is None or x.sha256 not in matched.rows or y.sha256 not in arrays:
        return None
    return arrays[y.sha256], matched.rows[x.sha256]


def _target_by_shape(answer: ModelCapture, arrays: Mapping[str, Array], labels: Array) -> TargetScale | None:
    """Return the scale of a regression's targets from their distribution alone, where the rows are not known."""
    y = answer.fits[-1].training.y
    if not are_numbers(labels) or y is None or y.sha256 not in arrays:
        return None
    return targets.by_shape(cleaned(arrays[y.sha256]).reshape(-1), labels)


def _columns(
    values: Array, is_training: Array, labels: Array, maps: Sequence[ColumnMap], names: Sequence[str]
) -> tuple[Column, ...]:
    sources = _source_names(maps, names)
    return tuple(_column(values[:, j], is_training, labels, sources.get(j, "")) for j in range(values.shape[1]))


def _source_names(maps: Sequence[ColumnMap], names: Sequence[str]) -> dict[int, str]:
    return {m.column: names[m.source] for m in maps}


def _column(values: Array, is_training: Array, labels: Array, source: str) -> Column:
    trained, whole = _summary(values[is_training]), _summary(values)
    purity = _share_explained if are_numbers(labels) else _label_purity
    return Column(
        source=source,
        train_mean=trained.mean,
        train_deviation=trained.deviation,
        train_low=trained.low,
        train_high=trained.high,
        all_mean=whole.mean,
        all_deviation=whole.deviation,
        all_low=whole.low,
        all_high=whole.high,
        label_purity=purity(values, labels),
    )


class _Summary(NamedTuple):
    """Mean, deviation, lowest and highest of a column's finite values."""

    mean: float
    deviation: float
    low: float
    high: float


def _summary(values: Array) -> _Summary:
    finite = values[np.isfinite(values)]
    if not len(finite):
        return _Summary(0.0, 0.0, 0.0, 0.0)
    return _Summary(float(finite.mean()), float(finite.std()), float(finite.min()), float(finite.max()))


def _label_purity(values: Array, labels: Array) -> float:
    """Return the best F1 score with which this column alone, cut into bins, tells one class from all others."""
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
