"""The result of a variant: its scores beside the original's, their paired difference, and its uncertainty. Pure.

Theory of operation: a changed network is scored by the code that scores submissions, so an unchanged one has the
report's own scores. The difference to the original is paired by seed. Its uncertainty is the judge's: the standard
error of Nadeau and Bengio, and the quantile of Student's t at the assignment's level, shared by both sides, because a
change may help or harm. A smaller difference is noise.
"""

import statistics
from collections.abc import Mapping, Sequence

import numpy as np

from checker.formats.text import counted
from checker.judge import comparison, runs
from checker.records.gathered import Gathered
from checker.records.settings import RunSettings
from checker.records.training import TrainingRun
from checker.records.variants import Effect, Tried, TriedSeed, Variant
from checker.records.verdicts import FailureCause, Stage
from checker.scoring import metrics
from checker.scoring.metrics import Metric
from checker.whatif import changes
from checker.whatif.originals import original_of

BY_CHANCE = frozenset({FailureCause.DIVERGED, FailureCause.DIVERGED_AFTER_LEARNING})
"""Failures of single seeds. The other seeds' scores still count."""


def tried(gathered: Gathered, changed: Gathered, variant: Variant, settings: RunSettings) -> Tried:
    """Return the result of a variant; ``gathered``: evidence of the original, ``changed``: of the variant."""
    applied = changes.apply(original_of(gathered, settings), variant)
    before, after = seed_scores(gathered, settings), seed_scores(changed, settings)
    both = [seed for seed in after if seed in before]
    metric = metrics.find(settings.assignment.bar.metric, settings.assignment.bar.unit)
    gain, band = _gain([after[seed] for seed in both], [before[seed] for seed in both], metric, settings)
    effect = _effect(gain, band)
    if not both:
        effect = Effect.BETTER if after else Effect.WORSE if before else Effect.UNKNOWN
    trained = changed.evidence.runs
    failed = [
        f.rationale for f in changed.evidence.failures if f.stage is Stage.RETRAINING and f.cause not in BY_CHANCE
    ]
    return Tried(
        variant=variant,
        change=applied.words,
        sentence=" ".join([*failed, *diverged(trained), *_compared(after, gain, band, effect, metric)]),
        effect=effect,
        seeds=tuple(
            TriedSeed(
                seed=run.seed,
                score=after.get(run.seed),
                original=before.get(run.seed),
                history=run.history,
                epochs=run.epochs,
            )
            for run in trained
        ),
        parameters=applied.architecture.parameters,
        gain=gain,
        band=band,
        notes=applied.notes,
    )


def seed_scores(gathered: Gathered, settings: RunSettings) -> dict[int, float]:
    """Return the report's scores by grading seed, of the trainings whose outputs are all finite."""
    evidence, bar = gathered.evidence, settings.assignment.bar
    if any(f.stage is Stage.RETRAINING and f.cause not in BY_CHANCE for f in evidence.failures):
        return {}
    metric = metrics.find(bar.metric, bar.unit)
    return {
        run.seed: metric.measure(runs.predictions(gathered, run, settings), runs.true_labels(gathered, run, settings))
        for run in evidence.runs
        if run.seed in settings.seeds and _is_finite(gathered, run)
    }


def _is_finite(gathered: Gathered, run: TrainingRun) -> bool:
    return bool(np.isfinite(gathered.array(run.predictions)).all())


def _gain(
    own: Sequence[float], before: Sequence[float], metric: Metric, settings: RunSettings
) -> tuple[float | None, float | None]:
    """Return the mean paired gain, positive if the variant is better, and its uncertainty."""
    if not own:
        return None, None
    differences = np.subtract(own, before)
    gain = float(differences.mean())
    gain = gain if metric.higher_is_better else -gain
    if len(own) < 2:
        return gain, None
    error = comparison.standard_error(differences, comparison.overlap(settings.assignment.splits))
    return gain, float(error * comparison.quantile(settings.assignment.bar.level / 2, len(own)))


def _effect(gain: float | None, band: float | None) -> Effect:
    if gain is None or band is None:
        return Effect.UNKNOWN
    if abs(gain) <= band:
        return Effect.NOISE
    return Effect.BETTER if gain > 0 else Effect.WORSE


# -- in words ------------------------------------------------------------------------------------------------


def diverged(trained: Sequence[TrainingRun]) -> list[str]:
    """Return a sentence on the trainings whose loss became NaN, with the epoch of each; [] if none did."""
    found = {run.seed: at for run in trained if (at := _first_gap(run.history.get("loss", ())))}
    if not found:
        return []
    when = ", ".join(f"in epoch {at} (seed {seed})" for seed, at in found.items())
    return [f"The loss became NaN in {len(found)} of {counted(len(trained), 'training')}: {when}."]


def _first_gap(values: Sequence[float | None]) -> int:
    """Return the first epoch, from 1, without a finite value; 0 if there is none."""
    return next((at for at, value in enumerate(values, 1) if value is None), 0)


def _compared(
    after: Mapping[int, float], gain: float | None, band: float | None, effect: Effect, metric: Metric
) -> list[str]:
    """Return the scores and their difference in words, always with the difference's uncertainty."""
    if not after:
        return []
    unit = metric.unit
    reached = f"{metric.title} {unit.value(statistics.fmean(after.values()))}"
    if gain is None:
        return [f"{reached}. There is nothing to compare it with: the original has no score."]
    change = gain if metric.higher_is_better else -gain
    better = "" if metric.higher_is_better else " (less is better)"
    if band is None:
        return [f"{reached}: {unit.difference(change)}{unit.points} on one seed, which may be chance{better}."]
    if gain == 0 and band == 0:
        return [f"{reached}, as the original on every seed."]
    size, about = unit.difference(change), unit.size(band)
    if unit.size(change) == about and unit.decimals:
        size, about = f"{size[0]}{unit.size(change, 1)}", unit.size(band, 1)
    return [f"{reached}: {size}{unit.points} ± {about}, {effect.value}{better}."]
