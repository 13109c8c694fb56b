"""Sentences about a report that the page and the terminal share."""

from collections.abc import Sequence
from pathlib import PurePath

from checker.formats import sheets
from checker.formats.text import counted
from checker.keras_spec import watched
from checker.keras_spec.foreign_weights import is_said_in
from checker.records.comparison import Comparison, Measurement, MissingRows
from checker.records.evidence import OwnResult, RowKind, own_result_of
from checker.records.report import CauseKind, Claim, Question, Report, Symptom, Topic
from checker.records.submission import Companion, Identity, Submission
from checker.records.verdicts import FailureCause, Importance, Outcome, RuleResult, Verdict
from checker.report.vocabulary import LIKENESS, MEANING, ROW_KINDS, STOPPED, YOURS
from checker.report.words import number, percent, target_scale
from checker.scoring import metrics
from checker.scoring.metrics import NONE, Metric
from checker.submissions import names

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

_HOLLOW = {
    CauseKind.LABELS: "The network was trained on other labels than the data's, and is tested on the data's. So its "
    "score does not say how well it learns.",
    CauseKind.LEAK: "The network can read the answer from its inputs. So a good score does not show that it has "
    "learned anything.",
}
"""Why a score and its curves mean nothing, by the cause of the verdict."""
NOT_KNOWN = "whether the weights have seen these rows is not known"


def file_name(report: Report) -> str:
    """Return the submission's file name without the checking machine's folders; "" if there was no file to check."""
    submission = report.submission
    return "" if submission.failure else PurePath(submission.member or submission.path).name


def left_out(submission: Submission) -> tuple[Companion, ...]:
    """Return the companions that were not put into the sandbox."""
    return tuple(companion for companion in submission.companions if companion.left_out)


def identity_words(identity: Identity) -> str:
    """Return the student's number and address, the submission time, and whether it was late; "" if none is known."""
    parts = [f"{identity.platform} number {identity.number}" if identity.number else str(identity.platform)]
    parts += [identity.email, f"handed in {identity.submitted_at}" if identity.submitted_at else ""]
    return " · ".join(filter(None, (*parts, "late" if identity.is_late else "")))


def by_urgency(rules: Sequence[RuleResult]) -> list[RuleResult]:
    """Return rules in order: failed required rules, then rules that broke, required rules that could not be checked,
    failed advice, other rules without a result, and passed rules."""
    return sorted(rules, key=lambda rule: _URGENCY[rule.outcome, rule.importance])


def advice(report: Report, said: str = "") -> list[RuleResult]:
    """Return the advice that is not followed, without the rule ``said``, which the page's lead says already."""
    wanted = {Outcome.FAILED, Outcome.ERROR}
    return [r for r in report.rules if r.importance is Importance.ADVISORY and r.outcome in wanted and r.name != said]


def unchecked(report: Report) -> list[RuleResult]:
    """Return the rules without a result that no failure explains, neither shown above nor met."""
    if report.failures:
        return []
    open_outcomes = {Outcome.SKIPPED, Outcome.UNKNOWN}
    required = Importance.REQUIRED
    return [
        rule
        for rule in report.rules
        if rule.outcome in open_outcomes
        and (report.replayed or rule.importance is not required or rule.outcome is Outcome.SKIPPED)
    ]


def passed(report: Report) -> list[RuleResult]:
    """Return the rules that are met, the required ones first."""
    met = [rule for rule in report.rules if rule.outcome is Outcome.PASSED]
    return sorted(met, key=lambda rule: rule.importance is not Importance.REQUIRED)


def failed(report: Report, importance: Importance) -> list[RuleResult]:
    """Return the rules of this importance that failed."""
    return [r for r in report.rules if r.outcome is Outcome.FAILED and r.importance == importance]


def difference(comparison: Comparison) -> float:
    """Return how far the submission's mean lies above the reference's."""
    return comparison.mean - comparison.reference_mean


def without_inputs(report: Report) -> str:
    """Return a sentence on held-out rows that the answer was never fed, and how they count; "" if there are none."""
    compared = report.comparison
    if compared is None or compared.missing is None:
        return ""
    missing = compared.missing
    said = [
        f"Of {missing.rows:,} held-out rows, {missing.missing:,} have no inputs: the network was never given them. "
        f"{LIKENESS[missing.likeness]}"
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
    """Return the result of one of the file's networks as the student trained it; None if there is none."""
    return own_result_of(model, report.own_results)


def own_score(own: OwnResult | None, unit: str) -> str:
    """Return a network's score on rows that it was not trained on, for a table: "92.4% on 4,128 rows"."""
    shown = own.unseen if own else None
    return f"{_own_metric(own, unit).unit.value(shown.score)} on {shown.rows:,} rows" if own and shown else NONE


def own_scores(own: OwnResult, unit: str) -> list[tuple[str, str, str]]:
    """Return a network's scores in the student's run, each with the kind of rows and their number."""
    write = _own_metric(own, unit).unit.value
    return [(f"Rows {ROW_KINDS[of.kinds[0]]}", f"{of.rows:,}", write(of.score)) for of in own.scores]


def as_trained(report: Report) -> str:
    """Return the answer's score as the student trained it, beside its retrained score; "" if there is no answer."""
    own = report.own_result
    if own is None:
        return ""
    if not own.scores:
        return f"Its own score in the file is not known: {own.note.rstrip('.')}."
    metric = _own_metric(own, report.unit)
    shown = own.unseen or own.scores[0]
    seen = RowKind.WATCHED in shown.kinds or RowKind.TRAINED in shown.kinds
    rows = counted(shown.rows, "row")
    unseen = f"({NOT_KNOWN})" if has_strange_weights(report) else "that it had not seen"
    rows = f"the {rows} {ROW_KINDS[shown.kinds[0]]}" if seen else f"{rows} {unseen}"
    said = f"As trained in the file: {metric.unit.value(shown.score)} on {rows}"
    again = own_again(report)
    return f"{said}; trained again: {metric.unit.plus_minus(again.mean, again.spread)}." if again else f"{said}."


def meaning(report: Report, is_for_students: bool) -> str:
    """Return what the verdict means, to a demonstrator or to the student."""
    if any(failure.cause is FailureCause.NOTHING_TO_RUN for failure in report.failures):
        return "Not there yet: there is nothing to check"
    if report.answer is None and any(failure.cause is FailureCause.CUT_SHORT for failure in report.failures):
        return STOPPED[is_for_students]
    return (YOURS if is_for_students else MEANING)[report.verdict]


def hollow(report: Report) -> str:
    """Return why the score and its curves mean nothing; "" if they do mean something."""
    return _HOLLOW.get(report.cause.kind, "") if report.cause else ""


def own_shown(report: Report) -> tuple[str, str] | None:
    """Return the answer's score in the student's own run, and what it is; None if nothing tells it.

    That is the host's score of it, or else what the outputs state, or else what ``fit`` noted last.
    """
    own, claim = report.own_result, report.claim
    if own is not None and own.scores:
        shown, measured = own.unseen or own.scores[0], _own_metric(own, report.unit)
        rows = counted(shown.rows, "row")
        if own.unseen and has_strange_weights(report):
            on = f"{measured.name} on {rows}, as the file computes it; {NOT_KNOWN}"
        elif own.unseen:
            on = f"{measured.name} on {rows} outside its training"
        else:
            on = f"{measured.name} on the {rows} {ROW_KINDS[shown.kinds[0]]}"
        return measured.unit.value(shown.score), on
    if claim is not None:
        return metric(claim).unit.value(claim.stated), f"{metric(claim).name}, as cell {claim.cell} states"
    return _noted(report)


def has_strange_weights(report: Report) -> bool:
    """Tell whether weights of the answer come from somewhere else than its training, so that nobody knows which rows
    they have seen."""
    is_elsewhere = report.answer is not None and bool(report.answer.origin)
    is_impossible = report.agreed is not None and bool(report.agreed.impossible)
    return is_elsewhere or is_impossible or any(is_said_in(failure.rationale) for failure in report.failures)


def beside_the_bar(report: Report) -> str:
    """Return why the file's own score cannot be compared with the bar where the network was not trained again."""
    if has_strange_weights(report):
        return "The bar is for networks whose training is known, so this figure cannot be compared with it."
    if not report.classes and (report.tracing is None or report.tracing.target is None):
        return "Its targets are in a unit of their own, so this figure cannot be compared with the bar."
    return "The bar is for networks that the checker trained again, so this figure cannot be compared with it."


def _noted(report: Report) -> tuple[str, str] | None:
    """Return what Keras noted after the last epoch of the answer's last training: its metric on development rows, or
    else on training rows."""
    fits = report.answer.fits if report.answer else ()
    quantity = watched.ACCURACY if report.classes else watched.ABSOLUTE_ERROR
    what = "accuracy" if report.classes else "mean absolute error of its own targets"
    for rows in ("development", "training"):
        series = quantity.series(fits[-1].history, rows == "development") if fits else ()
        if series and series[-1] is not None:
            value = percent(series[-1]) if report.classes else number(series[-1])
            return value, f"{what} on {rows} rows, by Keras in cell {fits[-1].cell}"
    return None


def curves_in_words(report: Report) -> str:
    """Return what the learning curves are of, and where their means end, as sentences."""
    parts = [loss_in_words(report)]
    if len({run.epochs for run in report.runs}) > 1:
        parts.append("A bold line ends where the first of the trainings stopped.")
    return " ".join(filter(None, parts))


def loss_in_words(report: Report) -> str:
    """Return which loss a network is trained with, and a regression's unit, as sentences."""
    losses = dict.fromkeys(phase.loss.class_name for phase in report.recipe.phases) if report.recipe else {}
    scale = report.tracing.target if report.tracing else None
    loss = " and then ".join(f"`{name}`" for name in losses)
    if not loss:
        return ""
    if scale is None or report.classes:
        return f"The loss is {loss}."
    return f"The loss is {loss}. {_scale_of_curves(report, target_scale(scale, 'value'))}"


def topic(question: Question, report: Report) -> str:
    """Return what a question is about: "the reason" where it is about that of a REFER, which is asked first."""
    is_reason = report.verdict is Verdict.REFER and question == next(iter(report.questions), None)
    return "the reason" if is_reason and question.topic is Topic.TROUBLE else question.topic


def _scale_of_curves(report: Report, formula: str) -> str:
    """Say in which unit a regression's curves are drawn; ``formula``: that of the targets."""
    has_error = any(watched.ABSOLUTE_ERROR.series(run.history, False) for run in report.runs)
    charts = "Both charts are" if has_error else "The chart is"
    unit = metrics.find("rmse", report.unit).unit
    own = "dollars" if unit.prefix == "$" else unit.suffix.strip() or "the data's unit"
    return f"{charts} in {own}." if formula == "value" else f"{charts} in scaled units, `{formula}`, not in {own}."


def unpredicted(report: Report) -> str:
    """Return a sentence on the classes that are never predicted; "" if there are none, or an observation says it."""
    confusion = report.comparison.confusion if report.comparison else ()
    if any(seen.symptom is Symptom.NEVER_PREDICTED for seen in report.observations):
        return ""
    found = (
        [
            name
            for label, name in enumerate(report.classes)
            if sum(confusion[label]) and not any(row[label] for row in confusion)
        ]
        if confusion
        else []
    )
    *before, last = found or [""]
    listed = f"{', '.join(before)} and {last}" if before else last
    return f"{listed} {'are' if before else 'is'} never predicted." if found else ""


def decision_rows(report: Report) -> str:
    """Return the rows of the table of decisions that decide on a submission, one for each decision."""
    student = names.student(report.submission.name)
    return sheets.lines([(student, decision, "", "") for decision in ("tick", "resubmit")], ",")


def agreement(report: Report) -> str:
    """Say whether the retrained network agrees with the student's run on the same kinds of rows; "" without a score."""
    if report.agreed is None or report.comparison is None:
        return ""
    agreed, unit = report.agreed, metric(report).unit
    if agreed.impossible:
        return agreed.impossible
    parts = [
        f"on {'its training rows' if one.kind is RowKind.TRAINED else 'rows outside its training'} "
        f"{unit.value(one.own)} in the file and {unit.plus_minus(one.again, one.spread)} trained again"
        for one in agreed.compared
    ]
    curves = agreed.curves
    if curves is not None and curves.differs:
        parts.append(
            f"a training loss from {curves.own_first:.3g} to {curves.own_lowest:.3g} in the file and from "
            f"{curves.again_first:.3g} to {curves.again_lowest:.3g} trained again"
        )
    if not parts:
        return f"Not compared with the file's own run: {agreed.note.rstrip('.')}."
    judged = "do not agree" if agreed.differs else "agree"
    return f"The file and the training again {judged}: {'; '.join(parts)}."


def own_again(report: Report) -> Measurement | None:
    """Return the retrained answer's score by the metric of its own result; None if there is none."""
    own, measures = report.own_result, report.comparison.measures if report.comparison else ()
    return next((of for of in measures if own and of.metric == own.metric), None)


def _own_metric(own: OwnResult, unit: str) -> Metric:
    return metrics.find(own.metric, unit)


def metric(of: Report | Comparison | Measurement | Claim | OwnResult) -> Metric:
    """Return the metric of a report, a comparison, or one result."""
    return metrics.find(of.metric, "$1" if isinstance(of, OwnResult) else of.unit)
