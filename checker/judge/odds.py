"""How often honest networks pass, fail or are referred, by an assignment's own seeds and held-out rows. Pure.

Theory of operation: the reference's trainings for two seeds are two equally good networks. On the rows that both hold
out their errors differ by chance, from row to row and from training to training. The two sources of chance, scaled to
the number of held-out rows, give the spread of an honest network's differences to the reference. They give rather more
than that, because the two were trained on different rows as well. Differences are drawn with this spread, and judged as
the checker judges. Seeds are correlated as the corrected test assumes (``comparison``).
"""

import itertools
import math
import statistics
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from checker.judge import comparison
from checker.judge.comparison import SECOND_LOOK, overlap, p_value, standard_error, unanimity
from checker.records.arrays import Array
from checker.records.settings import ReferenceResults, RunSettings
from checker.scoring import metrics
from checker.scoring.held_out import held_out_rows

DRAWS = 20_000


@dataclass(frozen=True)
class Odds:
    """How often networks pass, are referred and fail, as fractions."""

    passed: float
    referred: float
    failed: float


@dataclass(frozen=True)
class Prospects:
    """The odds of verdicts on honest networks.

    ``held_out``: number of rows that a seed holds out. ``spread``: standard deviation of an honest network's score for
    a seed from the reference's. ``as_good`` and ``half_way``: the odds of networks as good as the reference, and of
    those half way from it to the bar.
    """

    held_out: int
    spread: float
    as_good: Odds
    half_way: Odds


def prospects(reference: ReferenceResults, settings: RunSettings) -> Prospects:
    """Return the odds of verdicts on honest networks."""
    bar = settings.assignment.bar
    mean, base = (statistics.fmean(of.values()) for of in (reference.scores, reference.baselines))
    margin = abs(metrics.find(bar.metric, bar.unit).bar(bar, mean, base) - mean)
    rows = {seed: held_out_rows(seed, settings) for seed in settings.all_seeds}
    spread = _spread(reference, rows, settings)
    return Prospects(
        held_out=len(rows[settings.seeds[0]]),
        spread=spread,
        as_good=_odds(margin, spread, settings),
        half_way=_odds(margin / 2, spread, settings),
    )


def _spread(reference: ReferenceResults, rows: Mapping[int, Array], settings: RunSettings) -> float:
    """Return the standard deviation of the difference between two equally good networks' scores for a seed."""
    errors, metric = _errors(reference, rows, settings), settings.assignment.bar.metric
    gaps = [gap[np.isfinite(gap)] for gap in (one - other for one, other in itertools.combinations(errors, 2))]
    told = [(float(gap.mean()) ** 2, float(gap.var(ddof=1)), len(gap)) for gap in gaps if len(gap) > 1]
    if not told:
        return 0.0
    of_a_row = statistics.fmean(variance for _, variance, _ in told)
    of_a_training = max(0.0, statistics.fmean(square - variance / shared for square, variance, shared in told))
    held_out = statistics.fmean(map(len, rows.values()))
    slope = _slope(metric, float(np.nanmean(errors)), settings.dataset.labels)
    return math.sqrt(of_a_row / held_out + of_a_training) * slope


def _errors(reference: ReferenceResults, rows: Mapping[int, Array], settings: RunSettings) -> Array:
    """Return the reference's error for each seed and row (seeds, n); the metric depends on the mean of these errors.
    nan for rows that a seed does not hold out."""
    labels = settings.dataset.labels
    errors = np.full((len(rows), len(labels)), np.nan)
    for at, (seed, held_out) in enumerate(rows.items()):
        errors[at, held_out] = comparison.row_errors(reference.outputs[seed], labels[held_out])
    return np.sqrt(errors) if settings.assignment.bar.metric == "mae" else errors


def _slope(metric: str, error: float, labels: Array) -> float:
    """Return the slope of a score over the mean error of rows."""
    if metric == "rmse":
        return 0.5 / math.sqrt(error) if error else 0.0
    return 1 / float(np.var(labels)) if metric == "r2" else 1.0


def _odds(margin: float, spread: float, settings: RunSettings) -> Odds:
    """Return the verdicts on networks that lie ``margin`` off the bar, on its good side."""
    share, seeds, further = overlap(settings.assignment.splits), len(settings.seeds), len(settings.further)
    common = share / (1 + share)
    random = np.random.default_rng(0)
    shared, own = random.normal(size=(DRAWS, 1)), random.normal(size=(DRAWS, seeds + further))
    ahead = margin + spread * (np.sqrt(common) * shared + np.sqrt(1 - common) * own)
    passed, failed = decided(ahead, seeds, further, share, settings.assignment.bar.level)
    return Odds(float(passed.mean()), float((~passed & ~failed).mean()), float(failed.mean()))


def decided(
    ahead: Array, seeds: int, further: int, share: float, level: float, each_counts: bool = True
) -> tuple[Array, Array]:
    """Return which networks pass and which fail. ``ahead`` (networks, seeds): the scores' distances from the bar,
    positive on its good side. The first seeds decide if they can, else these and the further ones together: by their
    mean or, if ``each_counts``, because all lie on one side. ``share``: ratio of held-out to training rows."""
    passed = failed = np.zeros(len(ahead), dtype=bool)
    looks = ((seeds, level), (seeds + further, SECOND_LOOK * level)) if further else ((seeds, level),)
    for count, held_to in looks:
        seen = ahead[:, :count]
        p, is_open = p_value(seen.mean(axis=1), standard_error(seen, share), count), ~passed & ~failed
        above, below = p <= held_to, p >= 1 - held_to
        if each_counts and count > seeds:
            agreed = unanimity(seen, share) <= held_to
            above, below = above | agreed & (seen[:, 0] >= 0), below | agreed & (seen[:, 0] < 0)
        passed, failed = passed | is_open & above, failed | is_open & below
    return passed, failed
