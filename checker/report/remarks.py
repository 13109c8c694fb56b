"""Remarks beside the figures of a page: what they are of, and what they show at a glance."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from checker.formats.text import counted
from checker.judge import claims
from checker.keras_spec.architectures import output_activation, output_units
from checker.records import comparison
from checker.records.capture import Adaptation
from checker.records.comparison import RARE, Comparison
from checker.records.report import Report, Symptom
from checker.records.tracing import FeatureSource, TargetScale, Tracing
from checker.report.words import GUESSES, number, percent, target_scale
from checker.scoring import metrics, targets
from checker.source import absences

FLAT = 1e-3
"""A loss that changes by less than this share of itself in a whole training is flat."""
SLACK = 0.05
"""By this much a share of some rows may differ from the share of others."""
EXACT, NO_SHIFT = 1e-6, 0.01
"""A shift of targets up to this share of their unit is none; one below this share of the values' spread means
nothing."""
WRONG = (
    (0.1, "almost every prediction"),
    (0.5, "the larger part of the predictions"),
    (1.0, "many a prediction"),
)
"""How much counts as wrong, by the largest share that is right."""
HARDLY = 0.03
"""A network that is better than a guess by no more than this has learnt hardly anything: points, or a share of the
guess's error."""
NEVER_TRAINED = "it was never trained"
AS_IT_IS = "Here a prediction outside the data's range counts as it is."


# -- labels and predictions --------------------------------------------------------------------------------


def has_other_labels(report: Report) -> bool:
    """Tell whether the file's network was trained on other labels than the data's."""
    return report.tracing is not None and report.tracing.has_other_labels


def label(report: Report) -> str:
    """Return the word for what the network is to predict in a row: "label", or "target" in a regression."""
    return "label" if report.classes else "target"


def on_own_labels(report: Report) -> str:
    """Return whose labels the file's own score is by, after a comma; "" if the file's are the data's."""
    if not has_other_labels(report):
        return ""
    claim, said = report.claim, f", by the data's {label(report)}s"
    if claim is None:
        return said
    stated = metrics.find(claim.metric, claim.unit).unit.value(claim.stated)
    return f"{said}; cell {claim.cell} states {stated}, by the file's own {label(report)}s"


def numbered_otherwise(report: Report) -> str:
    """Return a sentence on the two ways in which class numbers count, if the file's own score is too small for the
    labels that agree: these allow for renumbered classes, and the score does not where the numbers are unclear."""
    own, claim, tracing = report.own_result, report.claim, report.tracing
    if own is None or claim is None or tracing is None or not has_other_labels(report) or not report.classes:
        return ""
    shown, agree = own.unseen or next(iter(own.scores), None), 1 - tracing.labels_differ / tracing.labels_compared
    # a row that is right by the file's labels, and whose label is the data's, is right by the data's labels
    if claim.metric != own.metric or shown is None or shown.score > claim.stated + agree - 1 - SLACK:
        return ""
    differ = percent(1 - agree)
    wrong = next(word for limit, word in WRONG if shown.score <= limit)
    return (
        f"Why {percent(shown.score)}, when only {differ} of the labels differ? The file numbers its classes "
        f"differently (in the data's numbers 0 is {report.classes[0]}), so {wrong} counts as wrong. For the {differ}, "
        "each number was first matched to the class that it fits best."
    )


def beside_a_guess(report: Report) -> str:
    """Return a sentence if a network is hardly better than the same answer for every row; "" for a better one."""
    compared = report.comparison
    guess = next((one for one in compared.baselines if one.name in GUESSES), None) if compared else None
    if compared is None or guess is None or (report.classes and not report.class_rows):
        return ""
    better = compared.mean - guess.mean if compared.higher_is_better else (guess.mean - compared.mean) / guess.mean
    if better > HARDLY:
        return ""
    value = metrics.find(compared.metric, compared.unit).unit.value(guess.mean)
    if report.classes:
        rows = dict(zip(report.classes, report.class_rows, strict=False))
        return f"It has learnt hardly anything: always saying {max(rows, key=rows.__getitem__)} reaches {value}."
    return f"It has learnt hardly anything: always predicting the mean gives {value}."


def own_unit(report: Report) -> str:
    """Return the unit of a regression's data in words: "dollars"."""
    return metrics.find("rmse", report.unit).unit.in_words


def targets_in_words(report: Report) -> str:
    """Return the formula of a regression's targets from the data's values: "`value / 100,000`". Of one that the checker
    fitted, or without a shift of no meaning, it says "about"; "" if there is none."""
    scale = report.tracing.target if report.tracing else None
    if report.tracing is None or scale is None:
        return ""
    rounded = _rounded(scale, _is_fitted(report.tracing), _spread(report, scale))
    return f"{'' if rounded == scale else 'about '}`{target_scale(rounded, 'value')}`"


def _is_fitted(tracing: Tracing) -> bool:
    """Tell whether a scale fits the distribution of targets only, not each row's."""
    return tracing.source is FeatureSource.NOWHERE or tracing.labels_differ > tracing.labels_compared / 2


def _rounded(scale: TargetScale, is_fitted: bool, spread: float) -> TargetScale:
    """Return a scale with two digits if it was fitted, and without a shift that is small beside the spread."""
    if not scale.factor:
        return scale
    size, middle = 1 / scale.factor, -scale.offset / scale.factor
    if abs(middle) <= EXACT * abs(size) and not is_fitted:
        return scale
    middle = 0.0 if abs(middle) < NO_SHIFT * spread else middle
    if is_fitted:
        size, middle = float(f"{size:.2g}"), float(f"{middle:.2g}")
    return replace(scale, factor=1 / size, offset=-middle / size) if is_fitted or not middle else scale


def _spread(report: Report, scale: TargetScale) -> float:
    """Return the deviation of the held-out rows' true values, or of their logarithms; without such rows, the unit of
    the targets."""
    values = np.array([true for true, _ in report.comparison.sample] if report.comparison else ())
    if not len(values):
        return abs(1 / scale.factor) if scale.factor else 0.0
    return float(np.std(values if scale.shift is None else np.log(values + scale.shift)))


def labels_compared(report: Report) -> str:
    """Return a sentence on the training rows whose labels were compared with the data's, if these are fewer than all
    training rows."""
    tracing = report.tracing
    if tracing is None or not 0 < tracing.labels_compared < tracing.training_rows:
        return ""
    which = "of very rare classes" if report.classes else "at the data's highest value"
    return (
        f"The {label(report)}s of {tracing.labels_compared:,} training rows were compared with the data's: rows "
        f"{which}, and rows that were not found, do not count."
    )


def only_prediction(report: Report) -> str:
    """Return a sentence on the one value that a regression's network always predicts: softmax over a single unit is
    one. "" if the network can give others, or the unit of its targets is not known."""
    architecture = report.answer.architecture if report.answer else None
    scale = report.tracing.target if report.tracing else None
    if report.classes or architecture is None or scale is None:
        return ""
    if output_units(architecture) != 1 or output_activation(architecture) != "softmax":
        return ""
    value = metrics.find("rmse", report.unit).unit.value(float(targets.undo(scale, np.ones(1))[0]))
    formula = targets_in_words(report)
    return f"{'So' if formula == '`value`' else f'The targets are {formula}, so'} every prediction is {value}."


def beyond_the_data(report: Report) -> str:
    """Return sentences on predictions beyond the data's values, in a regression. With the error that `evaluate`
    printed, which counts them as they are, if it is larger than the score allows."""
    if report.classes or report.comparison is None or only_prediction(report):
        return ""
    metric = metrics.find(report.comparison.metric, report.unit).name
    own, scale = report.own_result, report.tracing.target if report.tracing else None
    is_twice = own is not None and own.metric == report.comparison.metric and bool(own.scores)
    scores = f"both {metric}s here are" if is_twice else f"the {metric} here is"
    said = f"Before {scores} computed, a prediction outside the data's range is moved to the nearest end of the range."
    printed = claims.error_of_evaluate(report.cells, report.answer) if report.answer else None
    if printed is None or own is None or own.metric != "rmse" or not own.scores:
        return said
    cell, stated = printed
    error = _in_the_datas_unit(stated, scale)
    if error <= max(one.score for one in own.scores):  # a mean absolute error is never above an RMSE
        return said
    value, plain = metrics.find("mae", report.unit).unit.value(error), number(stated)
    which = value if error == stated else f"{plain} (= {value})"
    return f"{said} Keras does not do so: the mean absolute error in cell {cell}, {which}, is therefore larger."


def _in_the_datas_unit(error: float, scale: TargetScale | None) -> float:
    """Return an error of a student's targets in the data's unit; 0 if their scale is not a factor."""
    return error / abs(scale.factor) if scale and scale.shift is None and scale.factor else 0.0


# -- curves and classes ------------------------------------------------------------------------------------


def flat_curves(report: Report) -> str:
    """Return a sentence on training losses that do not change; "" if one does."""
    losses = [[loss for loss in run.history.get("loss", ()) if loss is not None] for run in report.runs]
    is_flat = bool(losses) and all(len(of) > 1 and max(of) - min(of) < FLAT * max(of) for of in losses)
    return "The training loss is the same in every epoch: nothing is learnt." if is_flat else ""


def held_out_rows(compared: Comparison) -> str:
    """Return the number of held-out rows in a confusion matrix in words, by seed if all seeds have as many."""
    rows, seeds = sum(map(sum, compared.confusion)), len(compared.scores)
    each, rest = divmod(rows, seeds)
    return f"{seeds} × {each:,} held-out rows" if seeds > 1 and not rest else counted(rows, "held-out row")


def confusions(report: Report) -> str:
    """Return sentences on the classes that are never predicted, unless an observation says it, and on the class of
    which the largest share is taken for another, apart from rare ones."""
    compared = report.comparison
    if compared is None or not compared.confusion:
        return ""
    return " ".join(filter(None, (_unpredicted(report, compared), _most_confused(report.classes, compared.confusion))))


def _unpredicted(report: Report, compared: Comparison) -> str:
    if any(seen.symptom is Symptom.NEVER_PREDICTED for seen in report.observations):
        return ""
    rows = [sum(counts) for counts in compared.confusion]
    found = [at for at, many in enumerate(rows) if many and not any(counts[at] for counts in compared.confusion)]
    *before, last = [report.classes[at] for at in found] or [""]
    if not found:
        return ""
    said = f"{', '.join(before)} and {last} are never predicted" if before else f"{last} is never predicted"
    of_data = report.class_rows
    if len(of_data) == len(rows) and all(of_data[at] < RARE * sum(of_data) for at in found):
        theirs = sum(of_data[at] for at in found)
        are = "row is" if theirs == 1 else "rows are"
        said += (
            f": only {theirs:,} of the data's {sum(of_data):,} {are} of {'these classes' if before else 'this class'}"
        )
    return f"{said}."


def _most_confused(classes: Sequence[str], confusion: Sequence[Sequence[int]]) -> str:
    share, true, predicted = max(comparison.confusions(confusion), default=(0.0, 0, 0))
    if not share:
        return ""
    taken = f"{percent(share)} of {classes[true]} is taken for {classes[predicted]}"
    return f"The largest confusion of a common class, by share: {taken}."


# -- the file ----------------------------------------------------------------------------------------------


def no_answer(report: Report) -> str:
    """Return the reason why no network is the answer, as a sentence: the last one that was never trained, if there is
    one."""
    idle = [one for one in report.selection.rejected if one.reason == NEVER_TRAINED]
    if idle:
        return f"{idle[-1].variable or 'A network'} (cell {idle[-1].cell}) was never trained."
    reason = report.selection.reason.rstrip(".")
    return f"{reason[:1].upper()}{reason[1:]}."


def has_choice(report: Report) -> bool:
    """Tell whether another network of the file could be the answer: a trained one."""
    return any(one.reason != NEVER_TRAINED for one in report.selection.rejected)


def with_errors(report: Report) -> str:
    """Return the cells of the file that raised errors, as "; errors in cells 2 and 4"; "" if there are none."""
    cells = [str(shown.cell.index) for shown in report.cells if shown.cell.error is not None]
    *before, last = cells or [""]
    if not cells:
        return ""
    listed = f"s {', '.join(before)} and {last}" if before else f" {last}"
    return f"; {'errors' if before else 'an error'} in cell{listed}"


def lacking(report: Report) -> list[Adaptation]:
    """Return the notes on files and modules that cells lack."""
    return [one for one in report.adaptations if absences.is_note(one.what)]


def adapted(report: Report) -> list[Adaptation]:
    """Return what was adapted so that the file runs here."""
    return [one for one in report.adaptations if not absences.is_note(one.what)]
