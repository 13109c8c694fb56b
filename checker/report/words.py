"""Numbers and settings in words, said the same way on the page and in the terminal."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import PurePath

from checker.formats.text import counted
from checker.records.comparison import Comparison, Likeness, Measurement, MissingRows
from checker.records.evidence import OwnResult, RowKind
from checker.records.job import Ending
from checker.records.network import KerasObject, Labels, Phase
from checker.records.report import CauseKind, Claim, Figure, Report
from checker.records.submission import Companion, Identity, Submission
from checker.records.tracing import FeatureSource, FittedOn, Scaler, ScalerKind, TargetScale
from checker.records.training import Loop
from checker.records.verdicts import Importance, Outcome, RuleResult, Verdict
from checker.scoring import metrics
from checker.scoring.metrics import NONE, PERCENT, Metric

MEANING = {
    Verdict.PASS: "The model works; ready for the ticking session",
    Verdict.FAIL: "Not there yet; to be handed in again",
    Verdict.REFER: "Could not be decided by machine; a demonstrator decides",
}

LIKENESS = {
    Likeness.FEW: "They are too few to matter, so they are left out for everyone: reference and traditional models are "
    "scored on the same rows.",
    Likeness.ALIKE: "They are like the others, so they are left out for everyone: reference and traditional models are "
    "scored on the same rows.",
    Likeness.UNLIKE: "They are not like the others: to pass they count as wrong, and to fail they are left out for "
    "everyone, as they are in the table.",
    Likeness.UNKNOWN: "How the reference does on the others alone is not known, so nothing is decided by machine.",
}

MARK = {Outcome.PASSED: "✓", Outcome.FAILED: "✗", Outcome.SKIPPED: NONE, Outcome.ERROR: "!", Outcome.UNKNOWN: "?"}

OUTCOMES = {
    Outcome.PASSED: "passed",
    Outcome.FAILED: "failed",
    Outcome.SKIPPED: "does not apply",
    Outcome.ERROR: "broke",
    Outcome.UNKNOWN: "could not be checked",
}

CAUSES = {
    CauseKind.FILE_CUT: "The file was cut short",
    CauseKind.LABELS: "Other labels",
    CauseKind.LEAK: "The answer is among the inputs",
    CauseKind.CELL_FAILED: "A cell failed that the network's training needs",
    CauseKind.ROWS: "Rows were left out",
    CauseKind.TRAINING_CUT: "Training was cut short",
    CauseKind.LINEAR: "The network is linear",
    CauseKind.UNSCALED: "The inputs are not scaled",
}

ENDINGS = {
    Ending.FINISHED: "normally",
    Ending.CRASHED: "by a crash",
    Ending.TIME: "by the limit on time",
    Ending.WALL_CLOCK: "by the clock, at ten times the limit on time",
    Ending.MEMORY: "by the limit on memory",
    Ending.OUTPUT: "by the limit on output",
    Ending.PROCESSES: "by the limit on processes",
    Ending.NONSENSE: "because what it sent made no sense",
}

LOOPS = {
    Loop.GRAPH: "an epoch is one TensorFlow graph, which gives what Keras's own fit gives, bit for bit",
    Loop.XLA: "a long one, so an epoch is compiled by XLA, which gives what fit gives but for rounding",
    Loop.FIT: "the student's own calls of fit, replayed",
}

SOURCES = {
    FeatureSource.TRACED: "The student's own features.",
    FeatureSource.NOWHERE: "Not traced to the data.",
}

SCALERS = {
    ScalerKind.STANDARD: "standardised",
    ScalerKind.RANGE: "scaled to 0 … 1",
    ScalerKind.SYMMETRIC: "scaled to −1 … 1",
    ScalerKind.ROBUST: "scaled by median and quartiles",
    ScalerKind.MAX_ABS: "scaled by its greatest size",
}

FITTED_ON = {
    FittedOn.TRAINED: "on the training rows; anew for each seed",
    FittedOn.WATCHED_TOO: "on the training and development rows; anew for each seed",
    FittedOn.ALL: "on all rows",
}

LABELS = {Labels.INTEGERS: "as integers", Labels.ONE_HOT: "one-hot", Labels.NUMBERS: "numbers"}

ROW_KINDS = {
    RowKind.TRAINED: "that it was trained on",
    RowKind.WATCHED: "that it watched during training",
    RowKind.TESTED: "that it was tested on",
    RowKind.UNUSED: "that it was never given",
}

FIGURES = {
    Figure.FAILURES: "what stopped it",
    Figure.SCORES: "the scores by seed",
    Figure.FIELD: "the traditional models",
    Figure.CURVES: "the learning curves",
    Figure.CONFUSION: "the confusion matrix",
    Figure.RESIDUALS: "predicted and true values",
    Figure.FEATURES: "where the features come from",
    Figure.CHOICE: "the choice of the model",
}

_URGENCY = {
    (Outcome.FAILED, Importance.REQUIRED): 0,
    (Outcome.ERROR, Importance.REQUIRED): 1,
    (Outcome.ERROR, Importance.ADVISORY): 1,
    (Outcome.UNKNOWN, Importance.REQUIRED): 2,
    (Outcome.FAILED, Importance.ADVISORY): 3,
    (Outcome.UNKNOWN, Importance.ADVISORY): 4,
    (Outcome.SKIPPED, Importance.REQUIRED): 4,
    (Outcome.SKIPPED, Importance.ADVISORY): 4,
    (Outcome.PASSED, Importance.REQUIRED): 5,
    (Outcome.PASSED, Importance.ADVISORY): 5,
}


def scaler(one: Scaler) -> str:
    """Return "standardised on the training rows; anew for each seed"."""
    return f"{SCALERS[one.kind]} {FITTED_ON[one.fitted_on]}"


# -- numbers ---------------------------------------------------------------------------------------------


def percent(fraction: float | None) -> str:
    """Return 0.9132 as "91.3%"."""
    return PERCENT.value(fraction)


def duration(seconds: float) -> str:
    """Return seconds as a person says them: "0.4 s", "48 s", "3 min 20 s"."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def number(value: float | None) -> str:
    """Return a number in four figures, for tables."""
    return NONE if value is None or not math.isfinite(value) else f"{value:.4g}"


def probability(p: float) -> str:
    """Return how likely something is, for a sentence: "of 0.034", "below 0.001"."""
    if 0.001 <= p <= 0.999:
        return f"of {p:.2g}"
    return "below 0.001" if p < 0.5 else "above 0.999"


# -- settings --------------------------------------------------------------------------------------------


def setting(value: object) -> str:
    """Return a setting's value without the noise of 32-bit floats: 0.0010000000474974513 is "0.001"."""
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, str):
        return value
    if isinstance(value, dict) and "class_name" in value:
        inner = value.get("config")
        inside = settings(inner) if isinstance(inner, dict) else ""
        return f"{value['class_name']}({inside})"
    return json.dumps(value, ensure_ascii=False)


def settings(config: Mapping[str, object]) -> str:
    """Return the settings that say something, as "learning_rate 0.001, beta_1 0.9"."""
    said = {key: value for key, value in config.items() if key != "name" and value not in (None, False)}
    return ", ".join(f"{key} {setting(value)}" for key, value in said.items())


def keras_object(thing: KerasObject) -> str:
    """Return a Keras object with its settings: "SGD (learning_rate 0.01)"."""
    inside = settings(thing.config)
    return f"{thing.class_name} ({inside})" if inside else thing.class_name


def phase_rows(phase: Phase, classes: Sequence[str]) -> list[tuple[str, str]]:
    """Return what is to be said of a phase of training, as pairs of name and value."""
    rows = [
        ("Optimizer", keras_object(phase.optimizer)),
        ("Loss", keras_object(phase.loss)),
        ("Epochs", f"{phase.epochs:,}"),
        ("Batch size", f"{phase.batch_size:,}"),
        ("Labels", LABELS[phase.labels]),
    ]
    if phase.steps:
        rows.append(("Steps an epoch", f"{phase.steps:,}, which is not once through the rows"))
    if phase.class_weight:
        weights = (f"{_class_name(key, classes)} {value:.4g}" for key, value in phase.class_weight.items())
        rows.append(("Class weights", ", ".join(weights)))
    if phase.early_stopping:
        rows.append(("Early stopping", settings(phase.early_stopping.config) or "yes"))
    if phase.plateau:
        rows.append(("Slower on a plateau", settings(phase.plateau.config) or "yes"))
    if phase.checkpoint:
        rows.append(("Best epoch taken back", settings(phase.checkpoint.config)))
    if phase.rates:
        rows.append(("Learning rate by epoch", f"from {phase.rates[0]:.4g} to {phase.rates[-1]:.4g}"))
    return rows


def _class_name(key: str, classes: Sequence[str]) -> str:
    return classes[int(key)] if key.isdecimal() and int(key) < len(classes) else key


def target_scale(scale: TargetScale, name: str) -> str:
    """Return how a student's targets come from the data's: "log(median_house_value + 1)", "(price - 2) / 5"."""
    bent = name if scale.shift is None else f"log({name}{f' + {scale.shift:,.0f}' if scale.shift else ''})"
    middle = -scale.offset / scale.factor if scale.factor else 0.0
    if abs(middle) > 1e-6 * abs(1 / scale.factor if scale.factor else 1):
        bent = f"({bent} {'-' if middle > 0 else '+'} {abs(middle):,.6g})"
    if abs(scale.factor - 1) < 1e-6:
        return bent
    return f"{bent} / {1 / scale.factor:,.6g}" if 0 < abs(scale.factor) < 1 else f"{scale.factor:,.6g} * {bent}"


# -- a report --------------------------------------------------------------------------------------------


def file_name(report: Report) -> str:
    """Return the submission's file name without the folders of the machine it was checked on; "" where there was no
    file to check."""
    submission = report.submission
    return "" if submission.failure else PurePath(submission.member or submission.path).name


def size(count: int) -> str:
    """Return a number of bytes for people."""
    if count < 1_000:
        return counted(count, "byte")
    return f"{count / 1e3:,.0f} KB" if count < 1_000_000 else f"{count / 1e6:,.1f} MB"


def left_out(submission: Submission) -> tuple[Companion, ...]:
    """Return the companions that do not lie in the box."""
    return tuple(companion for companion in submission.companions if companion.left_out)


def who(identity: Identity) -> str:
    """Return what is known of who handed in, beside the name, and when; "" where nothing is."""
    parts = [f"{identity.platform} number {identity.number}" if identity.number else str(identity.platform)]
    parts += [identity.email, f"handed in {identity.submitted_at}" if identity.submitted_at else ""]
    return " · ".join(filter(None, (*parts, "late" if identity.is_late else "")))


def by_urgency(rules: Sequence[RuleResult]) -> list[RuleResult]:
    """Return failed required rules first, then those that broke, required ones that could not be checked, failed
    advice, what else was not looked at, and what passed."""
    return sorted(rules, key=lambda rule: _URGENCY[rule.outcome, rule.importance])


def failed(report: Report, importance: Importance) -> list[RuleResult]:
    """Return the rules of this importance that failed."""
    return [r for r in report.rules if r.outcome is Outcome.FAILED and r.importance == importance]


def difference(comparison: Comparison) -> float:
    """Return how far the submission's mean lies above the reference's."""
    return comparison.mean - comparison.reference_mean


def without_inputs(report: Report) -> str:
    """Return which held-out rows the answer was never fed, and how they count; "" where there are none."""
    compared = report.comparison
    if compared is None or compared.missing is None:
        return ""
    missing = compared.missing
    said = [
        f"Of {missing.rows:,} rows that the seeds hold out, {missing.missing:,} have no inputs: the network was never "
        f"fed them. {LIKENESS[missing.likeness]}"
    ]
    if missing.groups:
        said.append(f"Missing are {missing.in_words}.")
    unit = metric(compared).unit
    if missing.strict:
        strict = missing.strict
        said.append(
            f"Counted as wrong they make it {unit.value(strict.mean)}, where the bar is {unit.value(strict.bar)}."
        )
    said.append(_on_missing(report, missing))
    return " ".join(filter(None, said))


def _on_missing(report: Report, missing: MissingRows) -> str:
    theirs = (missing.reference_missing, missing.reference_known)
    if None in theirs:
        return ""
    write = percent if report.classes else metrics.find("rmse", report.unit).unit.value
    what = (
        "gets {} of them right, and {} of the others." if report.classes else "has an RMSE of {} on them, and {} else."
    )
    return f"The reference {what.format(*map(write, theirs))}"


def own_of(report: Report, model: int) -> OwnResult | None:
    """Return how a network of the file did as the student had trained it."""
    return next((own for own in report.own_results if own.model == model), None)


def own_score(own: OwnResult | None, unit: str) -> str:
    """Return a network's score on rows that it was not trained on, for a table: "92.4% on 4,128 rows"."""
    shown = own.unseen if own else None
    return f"{_own_metric(own, unit).unit.value(shown.score)} on {shown.rows:,} rows" if own and shown else NONE


def own_scores(own: OwnResult, unit: str) -> list[tuple[str, str, str]]:
    """Return a network's scores in the student's run: on which rows, how many, and the score."""
    write = _own_metric(own, unit).unit.value
    return [(f"Rows {ROW_KINDS[of.kinds[0]]}", f"{of.rows:,}", write(of.score)) for of in own.scores]


def as_trained(report: Report) -> str:
    """Return how the answer did as the student had trained it, beside what it does trained again; "" where there is no
    answer."""
    own = report.own_result
    if own is None:
        return ""
    if not own.scores:
        return f"How it did as trained in the notebook is not known: {own.note.rstrip('.')}."
    metric = _own_metric(own, report.unit)
    shown = own.unseen or own.scores[0]
    seen = RowKind.WATCHED in shown.kinds or RowKind.TRAINED in shown.kinds
    rows = ROW_KINDS[shown.kinds[0]] if seen else "that it had not seen"
    said = f"As trained in the notebook: {metric.unit.value(shown.score)} on {shown.rows:,} rows {rows}"
    again = own_again(report)
    return f"{said}; trained again: {metric.unit.plus_minus(again.mean, again.spread)}." if again else f"{said}."


def agreement(report: Report) -> str:
    """Return whether what was trained again does on like rows as the student's own run did; "" where there is no
    score."""
    if report.agreed is None or report.comparison is None:
        return ""
    agreed, unit = report.agreed, metric(report).unit
    if agreed.impossible:
        return agreed.impossible
    parts = [
        f"on rows that it was {'' if one.kind is RowKind.TRAINED else 'not '}trained on {unit.value(one.own)} in the "
        f"notebook and {unit.plus_minus(one.again, one.spread)} trained again"
        for one in agreed.compared
    ]
    curves = agreed.curves
    if curves is not None and curves.differs:
        parts.append(
            f"a training loss from {curves.own_first:.3g} to {curves.own_lowest:.3g} in the notebook and from "
            f"{curves.again_first:.3g} to {curves.again_lowest:.3g} trained again"
        )
    if not parts:
        return f"Not compared with the notebook's own run: {agreed.note.rstrip('.')}."
    judged = "not in keeping with each other" if agreed.differs else "in keeping with each other"
    return f"Like with like, {'; '.join(parts)}: {judged}."


def own_again(report: Report) -> Measurement | None:
    """Return what the answer reaches trained again, by the metric of its own result; None where it was not."""
    own, measures = report.own_result, report.comparison.measures if report.comparison else ()
    return next((of for of in measures if own and of.metric == own.metric), None)


def _own_metric(own: OwnResult, unit: str) -> Metric:
    return metrics.find(own.metric, unit)


def metric(of: Report | Comparison | Measurement | Claim | OwnResult) -> Metric:
    """Return the metric by which something is measured."""
    return metrics.find(of.metric, "$1" if isinstance(of, OwnResult) else of.unit)
