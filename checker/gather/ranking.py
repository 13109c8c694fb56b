"""Ranks networks by the student's own run: which are clearly worse than the best, and which are folds or twins. Pure.

Theory of operation: a student who tries five networks and tests the third means the third, wherever it stands in the
file. So networks are compared on rows that neither was trained on. A network is *clearly worse* if its score is worse
by ``MARGIN`` (in a regression, by ``SHARE`` of the error) and a paired test rejects equality at level ``LEVEL``. The
test is McNemar's exact test on the rows that one has right and the other wrong (McNemar, Psychometrika 12, 1947), or
Student's t-test on the differences of squared errors. If no such rows exist, as after a final training on all rows, the
networks are compared on rows that both were trained on: a network that fits them at least as well is not worse.

Of networks that are nearly as good, a tested one comes before an untested one: students test the network that they
mean. If only the training history of a network is known, the history counts only if it is far better or worse.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy

from checker.gather.own_results import Own, score
from checker.gather.rows.tables import MIN_ROWS
from checker.keras_spec import kin, watched
from checker.records.arrays import Array
from checker.records.capture import ModelCapture
from checker.scoring.metrics import METRICS, Metric, find

MARGIN = 0.02
"""Absolute difference in score that makes a network clearly worse."""
SHARE = 0.05
"""Relative difference in error that makes a network clearly worse."""
LEVEL = 0.01
FAR = 0.05
"""Difference in score that makes a training history, which no test can check, far better."""
ENOUGH = 500
"""If at least this many rows are outside every network's training, only these rows rank the networks."""
FOLDS = 3
"""At least this many networks of one kind, each trained on rows that the others were not, are folds."""
APART = 0.01
"""Minimum share of a fold's training rows that another fold was not trained on."""


@dataclass(frozen=True)
class PairedTest:
    """Two networks' scores on the same rows, and whether the first is clearly worse."""

    rows: int
    first: float
    second: float
    were_trained_on: bool
    is_clear: bool


def compare(first: Own, second: Own, metric: str) -> PairedTest | None:
    """Compare two networks on rows that neither was trained on, else on rows that both were; None if there are none."""
    common, were_trained_on = first.unseen & second.unseen, False
    if not common.any():
        common, were_trained_on = first.trained & second.trained, True
    if not common.any():
        return None
    ours, theirs = first.losses[common], second.losses[common]
    scores = score(ours, metric), score(theirs, metric)
    is_clear = _is_worse(*scores, METRICS[metric]) and _p_value(ours, theirs, metric) < LEVEL
    return PairedTest(int(common.sum()), *scores, were_trained_on, is_clear)


def _is_worse(one: float, other: float, metric: Metric) -> bool:
    return other - one >= MARGIN if metric.higher_is_better else one >= (1 + SHARE) * other


def _p_value(ours: Array, theirs: Array, metric: str) -> float:
    """Return the p-value of the difference between two networks' losses (n,), by a two-sided paired test."""
    differences = ours - theirs
    if METRICS[metric].higher_is_better:
        worse, better = int((differences > 0).sum()), int((differences < 0).sum())
        tail = float(scipy.special.bdtr(min(worse, better), worse + better, 0.5)) if worse + better else 1.0
        return min(1.0, 2 * tail)
    count, spread = len(differences), float(differences.std(ddof=1)) if len(differences) > 1 else 0.0
    if count < MIN_ROWS or not spread:
        return 1.0
    t = float(differences.mean()) / (spread / math.sqrt(count))
    return float(2 * scipy.special.stdtr(count - 1, -abs(t)))


def best_of(owns: Sequence[Own], metric: str) -> Own | None:
    """Return the network with the best score on rows that it was not trained on, the last of equals; None if no network
    has a score.

    If at least ``ENOUGH`` rows are outside every network's training, only these count. If no network has a score on
    rows that it was not trained on, return the one that fits its own training rows best.
    """
    with_unseen = [own for own in owns if own.unseen.any()]
    rated = with_unseen or [own for own in owns if own.trained.any()]
    if not rated:
        return None
    shared = np.logical_and.reduce([own.unseen for own in with_unseen]) if with_unseen else np.zeros(0, dtype=bool)

    def rank(own: Own) -> float:
        rows = shared if shared.sum() >= ENOUGH else own.unseen if with_unseen else own.trained
        value = score(own.losses[rows], metric)
        return value if METRICS[metric].higher_is_better else -value

    return max(reversed(rated), key=rank)


def why_not(owns: Sequence[Own], trusted: Sequence[int], metric: str, unit: str) -> dict[int, str]:
    """Return, by id, why networks give way to others; ``owns`` are in the order of training.

    ``trusted``: ids among which the best is chosen, if any of them has a score. ``unit``: the unit of errors.
    """
    reasons = _folds(owns)
    rated = [own for own in owns if own.model.id not in reasons]
    best = best_of([own for own in rated if own.model.id in trusted], metric) or best_of(rated, metric)
    for own in rated if best is not None else ():
        found = None if own is best or best is None else compare(own, best, metric)
        if best is not None and found is not None and found.is_clear:
            reasons[own.model.id] = _in_words(found, best, find(metric, unit))
    reasons |= _by_their_word([own for own in rated if own.model.id not in reasons], metric)
    return reasons | _untested([own for own in rated if own.model.id not in reasons])


def _untested(equals: Sequence[Own]) -> dict[int, str]:
    """Return, by id, why untested networks give way to tested ones that are nearly as good.

    This covers only networks that could have been tested: students test the network that they mean.
    """
    tested = [own for own in equals if own.was_tested]
    if not tested:
        return {}
    words = f"it was not tested on rows of its own, as {_name(tested[-1].model)} was, and did not clearly better"
    return {own.model.id: words for own in equals if not own.was_tested and own.unseen.any()}


def _by_their_word(equals: Sequence[Own], metric: str) -> dict[int, str]:
    """Return, by id, why networks give way to one whose training history states a far better score.

    This covers pairs in which one network has no score of ours: models of the student's own class make no predictions
    for the checker, and some rows are not matched.
    """
    if not METRICS[metric].higher_is_better:
        return {}
    stated = {own.model.id: _stated(own, metric) for own in equals}
    known = {number: value for number, value in stated.items() if value is not None}
    if not known:
        return {}
    best = next(own for own in reversed(equals) if known.get(own.model.id) == max(known.values()))
    write = METRICS[metric].unit.value
    return {
        own.model.id: f"by the training's own word {_name(best.model)} did far better: "
        f"{write(known[best.model.id])} against {write(known[own.model.id])}"
        for own in equals
        if own.model.id in known
        and not (own.unseen.any() and best.unseen.any())
        and known[best.model.id] - known[own.model.id] >= FAR
    }


def _stated(own: Own, metric: str) -> float | None:
    """Return a network's score on rows that it was not trained on, or else its last accuracy on the development set by
    its training history."""
    if own.unseen.any():
        return score(own.losses[own.unseen], metric)
    values = watched.ACCURACY.series(own.model.fits[-1].history, development=True)
    return values[-1] if values else None


def _name(model: ModelCapture) -> str:
    return f"`{model.variable or model.name}`"


def _in_words(found: PairedTest, best: Own, metric: Metric) -> str:
    name = _name(best.model)
    write = metric.unit.value
    rows = "that both were trained on" if found.were_trained_on else "that neither was trained on"
    return (
        f"as trained, it did clearly worse than {name}: {write(found.first)} against {write(found.second)} on "
        f"{found.rows:,} rows {rows}"
    )


# -- folds and twins -----------------------------------------------------------------------------------------------


def folds_of(owns: Sequence[Own]) -> list[list[Own]]:
    """Return groups of networks of one kind in which each was trained on rows that the others were not."""
    groups: list[list[Own]] = []
    for own in owns:
        group = next((g for g in groups if kin.is_of_kind(own.model, g[0].model) and _are_apart(own, g)), None)
        if group is None:
            groups.append([own])
        else:
            group.append(own)
    return [group for group in groups if len(group) >= FOLDS]


def _folds(owns: Sequence[Own]) -> dict[int, str]:
    reasons: dict[int, str] = {}
    for group in folds_of(owns):
        last = group[-1].model
        words = f"it is one of {len(group)} folds, of which the last, {_name(last)}, stands for all"
        reasons |= {own.model.id: words for own in group[:-1]}
    return reasons


def _are_apart(own: Own, group: Sequence[Own]) -> bool:
    for other in group:
        one, two = own.was_trained_on, other.was_trained_on
        if min((one & ~two).sum(), (two & ~one).sum()) <= APART * max(one.sum(), two.sum(), 1):
            return False
    return True
