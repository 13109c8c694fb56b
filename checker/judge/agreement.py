"""Compares the retrained network with the one that the student trained, on the same kinds of rows. Pure.

Theory of operation: a file's report of its training need not be true. So the network as the student trained it is
compared with itself as retrained, each scored by the data set's labels on its own training rows. Scores on rows that
were not trained on are shown too. They are compared only if these rows are many and look randomly drawn, because a
split in file order holds out other rows than a random split. Two results disagree if they lie on different sides of the
bar, differ by more than ``FAR``, and differ by more than ``ERRORS`` standard errors. The standard error has two parts:
that of a difference between one training and the mean of K others, and that of the student's rows.

Loss curves are compared as well, because weights may come from elsewhere while ``fit`` learns nothing. The fall of a
loss's logarithm from its first epoch does not depend on the loss's scale, which sample weights change. Two curves
disagree if one falls more than ``TIMES`` times as far as the other and the lowest losses differ too, because unlucky
starting weights may raise a first epoch.

A demonstrator decides on a disagreement.
"""

import math
import statistics
from collections.abc import Sequence
from operator import itemgetter

from checker.records.capture import Fit, ModelCapture
from checker.records.comparison import Agreement, LossCurves
from checker.records.evidence import OwnResult, OwnScore, RowKind
from checker.records.network import Recipe
from checker.records.tracing import Tracing
from checker.records.training import TrainingRun
from checker.scoring.metrics import METRICS, Metric

FAR, FAR_SHARE = 0.03, 0.05
"""Smallest difference that matters: of an accuracy, and of an error as a share of the larger one."""
ERRORS = 3.0
ENOUGH = 500
"""Smallest number of rows, not trained on, whose scores are compared."""
TIMES = 2.0
"""Largest ratio of the falls of two losses' logarithms."""
CLOSE = math.log(1.5)
"""Falls, or lowest losses, are alike if they differ by less than this, in logarithms."""
LEAST_LOSS = 1e-12
WEIGHTED = "sample weights"
LIKE_STEPS = 1.6
"""Epochs are not compared if one of the student's has this many times the steps of a retrained one."""
MOST_NOTES = 3
NOT_BY_METRIC = "the student's own run is scored by another metric than the bar's"
NOT_TRAINED = "how the network does on the rows that it was trained on is not known"


def of_results(
    own: OwnResult | None, trained: Sequence[float], held_out: Sequence[float], bar: float, key: str
) -> tuple[tuple[Agreement, ...], str]:
    """Return the comparisons with the student's own result, and the reason if there are none, else "".

    ``trained`` and ``held_out`` are the scores of the retrainings by seed, on their own training rows and on their
    held-out rows, by the metric of this ``key``; ``bar`` is the score to reach.
    """
    metric = METRICS[key]
    if own is None or own.trained is None:
        return (), own.note if own is not None and own.note else NOT_TRAINED
    if own.metric != key:
        return (), NOT_BY_METRIC
    found = [_compare(RowKind.TRAINED, own.trained, trained, bar, metric)] if trained else []
    unseen = own.unseen
    if unseen is not None and unseen.is_random and unseen.rows >= ENOUGH and held_out:
        found.append(_compare(RowKind.UNUSED, unseen, held_out, bar, metric))
    return tuple(found), "" if found else NOT_TRAINED


def survived(own: OwnResult | None, fits: Sequence[Fit], bar: float, key: str) -> bool:
    """Tell whether a network whose retraining diverged had learned the task in the notebook.

    It had learned it if its score on its training rows reaches the bar. If this score is unknown, its training loss
    must have fallen and stayed finite.
    """
    if own is not None and own.trained is not None and own.metric == key:
        return _reaches(own.trained.score, bar, METRICS[key])
    losses = _known([loss for fit in fits for loss in fit.history.get("loss", ())])
    return len(losses) > 1 and min(losses) < losses[0]


def _compare(kind: RowKind, own: OwnScore, again: Sequence[float], bar: float, metric: Metric) -> Agreement:
    mean = statistics.fmean(again)
    spread = statistics.stdev(again) if len(again) > 1 else 0.0
    margin = ERRORS * math.sqrt(spread**2 * (1 + 1 / len(again)) + own.deviation**2)
    far = FAR if metric.higher_is_better else FAR_SHARE * max(own.score, mean)
    apart = abs(own.score - mean)
    on_both_sides = _reaches(own.score, bar, metric) != _reaches(mean, bar, metric)
    differs = on_both_sides and apart > far and apart > margin
    return Agreement(kind=kind, rows=own.rows, own=own.score, again=mean, spread=spread, margin=margin, differs=differs)


def _reaches(score: float, bar: float, metric: Metric) -> bool:
    return score == bar or metric.is_better(score, bar)


def of_curves(fits: Sequence[Fit], runs: Sequence[TrainingRun]) -> LossCurves | None:
    """Compare the training loss in the student's own ``fits`` with that of the retrainings by seed.

    None if a loss is unknown, or if epochs have different lengths. A single epoch counts only if the loss stayed far
    higher in the notebook, and not if its rows had weights, which scale the loss.
    """
    own = [loss for fit in fits for loss in fit.history.get("loss", ())]
    again = [run.history.get("loss", ()) for run in runs]
    epochs = min(map(len, (own, *again)), default=0)
    curves = [_known(of[:epochs]) for of in (own, *again)]
    if not epochs or not again or not all(curves) or not _epochs_alike(fits, runs):
        return None
    if epochs == 1 and (max(map(len, (own, *again))) > 1 or any(WEIGHTED in note for f in fits for note in f.notes)):
        return None
    first, lowest = ([_logarithm(at(of)) for of in curves] for at in (itemgetter(0), min))
    falls = [begin - end for begin, end in zip(first, lowest, strict=True)]
    fallen = statistics.fmean(falls[1:])
    spread = statistics.stdev(falls[1:]) if len(runs) > 1 else 0.0
    begun, ended = statistics.fmean(first[1:]), statistics.fmean(lowest[1:])
    apart = abs(falls[0] - fallen)
    margin = max(CLOSE, ERRORS * spread * math.sqrt(1 + 1 / len(runs)))
    is_farther = max(falls[0], fallen) > TIMES * min(falls[0], fallen)
    differs = is_farther and apart > margin and abs(lowest[0] - ended) > CLOSE
    if epochs == 1:
        margin = max(math.log(TIMES), ERRORS * (statistics.stdev(lowest[1:]) if len(runs) > 1 else 0.0))
        differs = lowest[0] - ended > margin
    return LossCurves(
        epochs=epochs,
        own_first=curves[0][0],
        own_lowest=min(curves[0]),
        again_first=math.exp(begun),
        again_lowest=math.exp(ended),
        differs=differs,
    )


def _known(losses: Sequence[float | None]) -> list[float]:
    """Return the losses; [] if one is not a number above or at 0."""
    known = [loss for loss in losses if loss is not None and 0 <= loss < math.inf]
    return known if len(known) == len(losses) else []


def _logarithm(loss: float) -> float:
    return math.log(max(loss, LEAST_LOSS))


def _epochs_alike(fits: Sequence[Fit], runs: Sequence[TrainingRun]) -> bool:
    own = sum(fit.steps_done for fit in fits) / max(1, sum(fit.epochs_done for fit in fits))
    again = sum(run.steps for run in runs) / max(1, sum(run.epochs for run in runs))
    return own < LIKE_STEPS * again and again < LIKE_STEPS * own


def likely_cause(answer: ModelCapture, recipe: Recipe | None, tracing: Tracing | None, is_worse: bool) -> str:
    """Return the most likely cause of a disagreement, as a sentence.

    ``is_worse``: the network was worse as the student had trained it.
    """
    if tracing is not None and tracing.has_other_labels:
        return "Likely cause: the file trained it on other labels than the data's."
    notes = recipe.notes if recipe is not None else ()
    if notes:
        said = "; ".join(note.rstrip(".") for note in notes[:MOST_NOTES])
        return f"Likely cause: {said}."
    made_up = tracing is not None and any(not column.formula for column in tracing.columns)
    if is_worse:
        asked, done = (sum(of) for of in zip(*((f.epochs_asked, f.epochs_done) for f in answer.fits), strict=True))
        if done < asked:
            return f"Likely cause: {done:,} of {asked:,} epochs asked for were run."
        return "Likely cause: its training in the file did not do what its calls of `fit` say."
    if made_up:
        return "Likely cause: some inputs tell more about the rows that were fed than about others."
    return "Likely cause: calls of `fit` alone did not make its weights, or it is the best of several tries."
