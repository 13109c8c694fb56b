"""Networks' own results: their scores in the student's run, by the data set's labels. Pure.

Theory of operation: in the student's run each network predicts for every table of its width that was fed to any
network. Tables are matched with the data set, so each prediction belongs to a row, and the data set's label shows
whether it is right. The score is a claim, because the student's process made the predictions: it never makes a
submission pass. Reports show it beside the retrained result, and ``ranking`` uses it to choose the answer.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from checker.gather.rows.matches import MatchedTables
from checker.gather.rows.tables import MIN_ROWS
from checker.gather.rows.values import are_numbers
from checker.records.arrays import Array
from checker.records.capture import NO_CLASS, AsTrained, ModelCapture
from checker.records.evidence import OwnResult, OwnScore, RowKind
from checker.records.tracing import TargetScale
from checker.scoring import targets
from checker.scoring.metrics import METRICS

TASK_METRICS = {"classification": "accuracy", "regression": "rmse"}
"""The metric that ranks a task's networks, whatever the bar's metric."""

KINDS = tuple(RowKind)
UNKNOWN = len(KINDS)
"""The kind, as a number, of rows about which nothing is known."""
NO_UNIT = "its targets come from the data's numbers in no way that the checker knows"
DIVERGED = "its loss became NaN there, too"


@dataclass(frozen=True)
class Own:
    """A network's own result for each row of the data set: the row's kind (n,) and its loss (n,).

    A loss is 1 for a wrong class and 0 for the right one, or a squared error; NaN if it is unknown.
    """

    model: ModelCapture
    kinds: Array
    losses: Array

    @property
    def was_trained_on(self) -> Array:
        """Mask (n,) of the rows that it was trained on."""
        return np.asarray(self.kinds == KINDS.index(RowKind.TRAINED))

    @property
    def trained(self) -> Array:
        """Mask (n,) of the training rows with a known loss."""
        return np.asarray(self.was_trained_on & np.isfinite(self.losses))

    @property
    def unseen(self) -> Array:
        """Mask (n,) of the rows that it was certainly not trained on and that have a known loss."""
        return np.asarray(~self.was_trained_on & (self.kinds != UNKNOWN) & np.isfinite(self.losses))

    @property
    def was_tested(self) -> bool:
        """Tell whether it was tested on enough rows that were neither trained on nor watched."""
        return int((self.kinds == KINDS.index(RowKind.TESTED)).sum()) >= MIN_ROWS


# -- a network's own result ------------------------------------------------------------------------------


def own_of(
    model: ModelCapture,
    answered: AsTrained | None,
    answers: Mapping[str, Array],
    matched: MatchedTables,
    others: Mapping[str, Array],
    labels: Array,
    names: Mapping[int, int],
    scale: TargetScale | None,
) -> Own:
    """Return a network's own result, by the data set's labels (n,).

    ``others``: rows of tables, by hash, that were fed to other networks only. ``names``: the data set's class of each
    of the student's class numbers. ``scale``: how a regression's targets are computed from the data's.
    """
    kinds = _kinds(model, matched, others, len(labels))
    losses = np.full(len(labels), np.nan)
    by_table = {of.table: of.outputs.sha256 for of in answered.outputs} if answered else {}
    for table, rows in (*others.items(), *reversed(list(matched.rows.items()))):  # its own tables override the others
        given = answers.get(by_table.get(table, ""))
        if given is not None and len(given) == len(rows):
            found = rows >= 0
            losses[rows[found]] = _losses(given[found], labels[rows[found]], labels, names, scale)
    return Own(model, kinds, losses)


def _kinds(model: ModelCapture, matched: MatchedTables, others: Mapping[str, Array], count: int) -> Array:
    """Return each row's kind (n,) for a network; a training row counts as that, whatever else it was used for.

    If a training table was not matched, any other row may belong to it, so all other rows are ``UNKNOWN``.
    """
    kinds = np.full(count, UNKNOWN, dtype=np.uint8)
    for rows in others.values():
        kinds[rows[rows >= 0]] = KINDS.index(RowKind.UNUSED)
    for kind, fed in (
        (RowKind.TESTED, [use.fed for use in model.uses]),
        (RowKind.WATCHED, [fit.validation for fit in model.fits]),
        (RowKind.TRAINED, [fit.training for fit in model.fits]),
    ):
        kinds[matched.rows_of(*fed)] = KINDS.index(kind)
    trained = {fit.training.x.sha256 for fit in model.fits if fit.training.x is not None}
    if not trained <= matched.rows.keys():
        kinds[kinds != KINDS.index(RowKind.TRAINED)] = UNKNOWN
    return kinds


def _losses(given: Array, true: Array, labels: Array, names: Mapping[int, int], scale: TargetScale | None) -> Array:
    if not are_numbers(labels):
        classes = np.full(NO_CLASS + 1, -1, dtype=np.int64)
        for theirs, ours in names.items():
            classes[theirs] = ours
        return np.asarray(classes[given.astype(np.uint8)] != true, dtype=np.float64)
    if scale is None or not scale.factor:
        return np.full(len(true), np.nan)
    with np.errstate(over="ignore", invalid="ignore"):
        values = np.clip(targets.undo(scale, given), labels.min(), labels.max())
        return np.asarray(np.square(values - true))


def class_names(fed: tuple[Array, Array] | None, labels: Array, classes: int) -> dict[int, int]:
    """Return the data set's class for each of the student's class numbers: the most frequent one in its rows.

    ``fed``: the training labels (n,) or (n, classes), and their rows in the data set. If these are unknown, or if two
    numbers would stand for one class, each number stands for itself.
    """
    same = {number: number for number in range(classes)}
    if fed is None or len(fed[0]) != len(fed[1]):
        return same
    y, rows = fed
    theirs = y.argmax(axis=1) if y.ndim == 2 and y.shape[1] > 1 else y.reshape(-1)
    known = (rows >= 0) & np.isfinite(theirs.astype(np.float64))
    theirs, true = theirs[known], labels[rows[known]]
    numbers = [number for number in range(min(classes, NO_CLASS)) if (theirs == number).any()]
    stand_for = {number: int(np.bincount(true[theirs == number]).argmax()) for number in numbers}
    return stand_for if len(set(stand_for.values())) == len(stand_for) > 0 else same


def _why_unknown(own: Own) -> str:
    """Return why a network that made predictions has no score."""
    losses = own.model.fits[-1].history.get("loss") if own.model.fits else None
    if losses and (losses[-1] is None or not math.isfinite(losses[-1])):
        return DIVERGED
    return NO_UNIT if own.was_trained_on.any() else "the rows that it was given were not found in the data set"


def result_of(own: Own, answered: AsTrained | None, metric: str) -> OwnResult:
    """Return a network's own result as scores for reports."""
    cell = answered.cell if answered else own.model.fits[-1].cell
    result = OwnResult(model=own.model.id, cell=cell, metric=metric)
    if answered is None or answered.note:
        why = answered.note if answered else "its answers did not arrive"
        return replace(result, note=why)
    scores = [_score(own, (kind,), metric) for kind in KINDS]
    known = tuple(score for score in scores if score is not None)
    if not known:
        return replace(result, note=_why_unknown(own))
    untouched = _score(own, (RowKind.TESTED, RowKind.UNUSED), metric)
    if untouched is None or untouched.rows < MIN_ROWS:
        untouched = _score(own, (RowKind.WATCHED, RowKind.TESTED, RowKind.UNUSED), metric)
    return replace(result, scores=known, unseen=untouched)


def _score(own: Own, kinds: tuple[RowKind, ...], metric: str) -> OwnScore | None:
    is_one = np.isin(own.kinds, [KINDS.index(kind) for kind in kinds]) & np.isfinite(own.losses)
    present = tuple(kind for kind in kinds if (own.kinds[is_one] == KINDS.index(kind)).any())
    if not is_one.any():
        return None
    losses = own.losses[is_one]
    return OwnScore(
        kinds=present, rows=len(losses), score=score(losses, metric), deviation=_standard_error(losses, metric)
    )


def _standard_error(losses: Array, metric: str) -> float:
    """Return the standard error, over rows, of the score of losses (n,).

    For the root of a mean it uses the delta method, which agrees with a bootstrap if there are many rows.
    """
    error = float(np.std(losses)) / math.sqrt(len(losses))
    return error if METRICS[metric].higher_is_better else error / max(2 * score(losses, metric), 1e-12)


def score(losses: Array, metric: str) -> float:
    """Return the accuracy, or the root mean squared error, of losses (n,)."""
    mean = float(np.mean(losses))
    return 1 - mean if METRICS[metric].higher_is_better else math.sqrt(mean)
