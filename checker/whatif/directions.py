"""Finds a change that helps a submission below the bar, and describes it as a direction, not as code.

Theory of operation: the diagnosis of a submission suggests changes, at most six, the cheapest for a student first. Each
is trained for one seed. The first change that reaches that seed's bar is named. If none does, the change with the
largest gain is named, if the gain is larger than the differences to the reference vary from seed to seed. Trained for
one seed, a change is no more than a direction: the student finds the rest.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from checker.formats.text import counted
from checker.judge import comparison
from checker.records.comparison import Comparison, SeedScore
from checker.records.report import CauseKind, Report, Symptom
from checker.records.variants import Direction, Tried, Variant
from checker.records.verdicts import FailureCause
from checker.scoring import metrics
from checker.whatif import presets
from checker.whatif.originals import Original
from checker.whatif.refusal import RefusedError

MOST = 6
MOST_SECONDS = 60.0
"""No further change is tried after this time."""
USUAL = ("scaled", "rate-down", "rate-up", "100-epochs", "add-layer", "double-units")
"""Changes that may help if the diagnosis suggests nothing."""
BY_SYMPTOM = {
    Symptom.DIVERGED: ("scaled", "rate-down"),
    Symptom.UNDERFITS: ("scaled", "rate-up", "rate-down", "100-epochs", "no-dropout", "double-units", "add-layer"),
    Symptom.IMPROVING: ("100-epochs", "rate-up", "scaled"),
    Symptom.OVERFITS: ("5-epochs", "half-dropout", "drop-layer"),
    Symptom.NEVER_PREDICTED: ("scaled", "100-epochs", "rate-up"),
}
BY_CAUSE = {
    CauseKind.UNSCALED: ("scaled", "rate-down"),
    CauseKind.LINEAR: ("bent", "add-layer"),
    CauseKind.TRAINING_CUT: ("scaled", "rate-up"),
}
ELSEWHERE = frozenset({CauseKind.FILE_CUT, CauseKind.LABELS, CauseKind.LEAK, CauseKind.ROWS})
"""Causes that lie in the data or the file: no change of network or training helps."""
ORDER = ("scaled", "bent", "rate-down", "rate-up", "100-epochs", "5-epochs", "no-dropout", "half-dropout", "add-layer",
         "double-units", "drop-layer")  # fmt: skip
"""The cheapest for a student first."""
WORDS = {
    "scaled": "inputs scaled",
    "bent": "activations that are not linear",
    "rate-down": "a smaller learning rate",
    "rate-up": "a larger learning rate",
    "100-epochs": "more epochs",
    "5-epochs": "fewer epochs",
    "no-dropout": "less dropout",
    "half-dropout": "dropout",
    "add-layer": "one more hidden layer",
    "double-units": "more units",
    "drop-layer": "fewer layers",
}
"""Directions, by the key of a preset."""


@dataclass(frozen=True)
class Outcome:
    """A change that was tried: its direction, its result, and whether it reaches the seed's bar."""

    words: str
    tried: Tried
    reaches: bool


def wanted(report: Report) -> bool:
    """Tell whether to look for a direction: the clean guest retrained the network, and its score is below the bar or
    its loss became NaN, not because of the data or the file."""
    if report.replayed or (report.cause is not None and report.cause.kind in ELSEWHERE):
        return False
    if report.comparison is not None:
        return not report.comparison.reaches_bar
    return any(of.cause is FailureCause.DIVERGED for of in report.failures)


def suggested(report: Report, original: Original) -> list[tuple[str, Variant]]:
    """Return at most ``MOST`` changes that a diagnosis suggests and that can be tried, each with its direction in
    words, the cheapest first."""
    keys = dict.fromkeys(BY_CAUSE.get(report.cause.kind, ()) if report.cause else ())
    for observation in report.observations:
        keys |= dict.fromkeys(BY_SYMPTOM.get(observation.symptom, ()))
    if any(of.cause is FailureCause.DIVERGED for of in report.failures):
        keys |= dict.fromkeys(BY_SYMPTOM[Symptom.DIVERGED])
    keys |= dict.fromkeys(USUAL)
    found = [(key, presets.preset(original, key).variant) for key in list(keys)]
    able = [(key, variant) for key, variant in found if variant is not None and _is_that_way(key, original)][:MOST]
    return [(WORDS[key], variant) for key, variant in sorted(able, key=lambda pair: ORDER.index(pair[0]))]


def _is_that_way(key: str, original: Original) -> bool:
    """Tell whether 100 epochs are more, and 5 fewer, than the student's."""
    return {"100-epochs": original.epochs < 100, "5-epochs": original.epochs > 5}.get(key, True)


def find(
    report: Report,
    original: Original,
    train: Callable[[Variant], Tried],
    clock: Callable[[], float],
) -> Direction | None:
    """Try the changes that a report's diagnosis suggests, on one seed; None if there is nothing to try."""
    seed, began, outcomes = original.settings.seeds[0], clock(), list[Outcome]()
    changes = suggested(report, original)
    for words, variant in changes:
        if clock() - began > MOST_SECONDS:
            break
        try:
            tried = train(replace(variant, seeds=(seed,)))
        except RefusedError:  # for example, only the guest finds that the caps are exceeded
            continue
        outcomes.append(Outcome(words, tried, _reaches(tried, report, original)))
    return direction(outcomes, len(changes), report, original, clock() - began) if outcomes else None


def _score(tried: Tried) -> float | None:
    return tried.seeds[0].score if tried.seeds else None


def _reaches(tried: Tried, report: Report, original: Original) -> bool:
    """Tell whether a change reaches the bar of its seed, and is better than the baseline there."""
    score, compared = _score(tried), report.comparison
    found = next((of for of in compared.scores if of.seed == tried.seeds[0].seed), None) if compared else None
    return score is not None and found is not None and _is_at_bar(score, found, original)


def _is_at_bar(score: float, of: SeedScore, original: Original) -> bool:
    bar = original.settings.assignment.bar
    metric = metrics.find(bar.metric, bar.unit)
    at = metric.bar(bar, of.reference, of.baseline)
    return not metric.is_better(at, score) and metric.is_better(score, of.baseline)


def direction(
    outcomes: Sequence[Outcome], suggested: int, report: Report, original: Original, seconds: float
) -> Direction:
    """Return the direction that these outcomes show. ``suggested``: number of changes to try."""
    chosen = next((one for one in outcomes if one.reaches), None) or _largest(outcomes, report, original)
    left = f"; {suggested - len(outcomes)} more were not tried, for lack of time" if suggested > len(outcomes) else ""
    cost = f"{counted(len(outcomes), 'training')} of one seed, {seconds:.0f} s{left}."
    told = tuple(f"{_told(one)}: {_gain(one, original)}" for one in outcomes)
    if chosen is None:
        listed = ", ".join(one.words for one in outcomes)
        return Direction(sentence=f"none of these helps clearly: {listed}.", helps=False, tried=told, cost=cost)
    bar = original.settings.assignment.bar
    end = f", which {metrics.find(bar.metric, bar.unit).reaches} the bar there" if chosen.reaches else ""
    sentence = f"{chosen.words}: {_gain(chosen, original)}{end}."
    return Direction(sentence=sentence, helps=True, tried=told, cost=cost)


def _told(one: Outcome) -> str:
    words, change = one.words.capitalize(), one.tried.change
    return words if change == one.words else f"{words} ({change})"


def _gain(one: Outcome, original: Original) -> str:
    bar = original.settings.assignment.bar
    metric = metrics.find(bar.metric, bar.unit)
    score, gain = _score(one.tried), one.tried.gain
    if score is None:
        return one.tried.sentence.rstrip(".") or "it learned nothing"
    if gain is None:
        return f"{metric.unit.value(score)} on one seed, where the original's loss became NaN"
    change = gain if metric.higher_is_better else -gain
    better = "" if metric.higher_is_better else " (less is better)"
    return f"{metric.unit.difference(change)}{metric.unit.points} on one seed{better}"


def _largest(outcomes: Sequence[Outcome], report: Report, original: Original) -> Outcome | None:
    """Return the change with the largest gain, if that is more than chance; None if there is none."""
    known = [one for one in outcomes if _score(one.tried) is not None]
    from_nothing = [one for one in known if one.tried.gain is None]
    if from_nothing:
        return from_nothing[0]
    best = max(known, key=lambda one: one.tried.gain or 0.0, default=None)
    if best is None or report.comparison is None:
        return None
    return best if (best.tried.gain or 0.0) > _chance(report.comparison, original) else None


def _chance(compared: Comparison, original: Original) -> float:
    """Return the uncertainty of a single seed's gain, from the spread of the differences to the reference."""
    differences = [of.score - of.reference for of in compared.scores]
    if len(differences) < 2:
        return original.settings.assignment.bar.tolerance
    alone = math.sqrt(1 + comparison.overlap(original.settings.assignment.splits)) * float(np.std(differences, ddof=1))
    return alone * comparison.quantile(original.settings.assignment.bar.level / 2, len(differences))
