"""Sentences about a report that the page and the terminal share."""

import re
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import PurePath

from checker.formats.text import counted
from checker.judge import causes
from checker.judge.agreement import FAR, FAR_SHARE
from checker.keras_spec import watched
from checker.keras_spec.foreign_weights import is_said_in
from checker.records.comparison import Agreed, Comparison, Measurement, MissingRows
from checker.records.evidence import OwnResult, RowKind, own_result_of
from checker.records.report import CauseKind, Claim, Question, Report, Topic
from checker.records.submission import Companion, Identity, Submission
from checker.records.verdicts import HAND_OUT, FailureCause, Importance, Outcome, RuleResult, Verdict
from checker.report import choices, own_code, remarks
from checker.report.vocabulary import AGAIN, BEFORE, CAUSES, LIKENESS, MEANING, ROW_KINDS, STOPPED, YOURS
from checker.report.words import number, percent
from checker.scoring import metrics
from checker.scoring.metrics import NONE, Metric

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

ONLY_OWN_CODE = ", so only its own code could say"
"""The end of a note of the guest on a network that only the student's own code can build."""
_NAMED = re.compile(r"`(\w{1,100})`")

_HOLLOW = {
    CauseKind.LABELS: "The file trained its network on other {labels} than the data's; training again takes the "
    "data's. Both are tested on the data's. So the score in the file does not say how well its network learns; the "
    "score of training again says how well it learns the data's {labels}.",
    CauseKind.LEAK: "The network can read the answer from its inputs. So a good score does not show that it has "
    "learned anything.",
}
"""Why a score and its curves mean nothing, by the cause of the verdict."""
VOID = "void"
"""A score that does not count: the network can read the answer from its inputs."""
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


def advice(report: Report, said: Collection[str] = ()) -> list[RuleResult]:
    """Return the advice that is not followed, without the rules ``said``, by name, at the beginning of the page."""
    wanted, advisory = {Outcome.FAILED, Outcome.ERROR}, Importance.ADVISORY
    is_all_own = all(shown.is_new for shown in report.cells)
    return [
        replace(r, detail="") if is_all_own and r.detail == HAND_OUT else r
        for r in report.rules
        if r.importance is advisory and r.outcome in wanted and r.name not in said
    ]


def unchecked(report: Report) -> list[RuleResult]:
    """Return the rules without a result that no failure explains, neither shown above nor met. Weights from elsewhere
    explain none: they leave other rules with a result."""
    if report.failures and not has_strange_weights(report):
        return []
    open_outcomes = {Outcome.SKIPPED, Outcome.UNKNOWN}
    required = Importance.REQUIRED
    return [
        rule
        for rule in report.rules
        if rule.outcome in open_outcomes
        and (report.replayed or report.failures or rule.importance is not required or rule.outcome is Outcome.SKIPPED)
    ]


def passed(report: Report) -> list[RuleResult]:
    """Return the rules that are met, the required ones first."""
    met = [rule for rule in report.rules if rule.outcome is Outcome.PASSED]
    return sorted(met, key=lambda rule: rule.importance is not Importance.REQUIRED)


def rules_in_words(report: Report) -> str:
    """Return the numbers of rules by result: "1 required missed (above), 2 missed as advice, 10 met, 1 not checked"."""
    missed, advised = (len(failed(report, of)) for of in (Importance.REQUIRED, Importance.ADVISORY))
    shown = unchecked(report)
    silent = [rule for rule in report.rules if rule.outcome in {Outcome.SKIPPED, Outcome.UNKNOWN}]
    unknown = len(shown or silent)
    why = " (no network could be checked)" if unknown and not shown and report.answer is None else ""
    said = [
        f"{missed} required missed (above)" if missed else "",
        f"{advised} missed as advice" if advised else "",
        f"{len(passed(report))} met",
    ]
    return ", ".join(filter(None, (*said, f"{unknown} not checked{why}" if unknown else "")))


def failed(report: Report, importance: Importance) -> list[RuleResult]:
    """Return the rules of this importance that failed."""
    return [r for r in report.rules if r.outcome is Outcome.FAILED and r.importance == importance]


def untitled(rule: RuleResult) -> str:
    """Return a rule's finding without the title before its colon, where a page has a title of its own."""
    _, colon, rest = rule.finding.partition(": ")
    return f"{rest[:1].upper()}{rest[1:]}" if colon else rule.finding


def is_by_score(report: Report) -> bool:
    """Tell whether a FAIL is by the score and its cause only explains the score: no required rule says the cause."""
    if report.verdict is not Verdict.FAIL or report.cause is None or report.comparison is None:
        return False
    says = {rule.name for rule in failed(report, Importance.REQUIRED)}
    return report.comparison.standing.fails and causes.SAME.get(report.cause.kind) not in says


def cause_name(report: Report, kind: CauseKind) -> str:
    """Return the name of a cause of the verdict."""
    return CAUSES[kind].format(Labels=f"{remarks.label(report).capitalize()}s")


def missed_bar(report: Report, kind: CauseKind) -> str:
    """Return the name of a FAIL by the score, with its likely cause."""
    return f"Misses the bar; probable cause: {_continued_name(report, kind)}"


def missed_bar_briefly(report: Report, kind: CauseKind) -> str:
    """Return the same for the index, which has little room."""
    return f"Misses the bar: {_continued_name(report, kind)}?"


def _continued_name(report: Report, kind: CauseKind) -> str:
    name = cause_name(report, kind)
    return f"{name[0].lower()}{name[1:]}"


def difference(comparison: Comparison) -> float:
    """Return the submission's mean minus the reference's."""
    return comparison.mean - comparison.reference_mean


def side_of_the_bar(compared: Comparison) -> str:
    """Return a sentence on the side of the bar that a mean clearly lies on, with the figures."""
    measured, value = metric(compared), metric(compared).unit.value
    is_worse = measured.is_better(compared.bar, compared.mean)
    needed = f"{value(compared.bar)} or {'more' if measured.higher_is_better else 'less'}"
    return (
        f"Clearly {'worse' if is_worse else 'better'} than the bar: {value(compared.mean)}, and a PASS needs {needed}."
    )


def without_inputs(report: Report) -> str:
    """Return a sentence on held-out rows that the answer was never fed, and on how they count; "" if there are none."""
    compared = report.comparison
    if compared is None or compared.missing is None:
        return ""
    missing = compared.missing
    cell = own_code.cell_of(report, (own_code.DROPS_GAPS,))
    why = f" (cell {cell} drops rows with missing values)" if cell is not None else ""
    said = [
        f"Of {missing.rows:,} distinct held-out rows, {missing.missing:,} have no inputs: the network was never given "
        f"them{why}. {LIKENESS[missing.likeness]}"
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
        return " ".join(filter(None, (stated(report), _not_recomputed(report, own))))
    metric = _own_metric(own, report.unit)
    shown = own.unseen or own.scores[0]
    seen = RowKind.WATCHED in shown.kinds or RowKind.TRAINED in shown.kinds
    rows = counted(shown.rows, "row")
    unseen = f"({NOT_KNOWN})" if has_strange_weights(report) else "that it had not seen"
    rows = f"the {rows} {ROW_KINDS[shown.kinds[0]]}" if seen else f"{rows} {unseen}"
    said = f"As trained in the file: {metric.unit.value(shown.score)} on {rows}"
    again = own_again(report)
    return f"{said}; trained again: {metric.unit.plus_minus(again.mean, again.spread)}." if again else f"{said}."


def stated(report: Report) -> str:
    """Return the score that a cell states, beside the retraining's; "" if none is stated, or if a sentence of its own
    is on it."""
    claim, compared = report.claim, report.comparison
    if claim is None or claim.sentence:
        return ""
    unit = metric(claim).unit
    name = "" if compared is not None and compared.metric == claim.metric else f"{metric(claim).name} "
    said, again = unit.value(claim.stated), unit.value(claim.measured)
    if compared is None:
        return f"Cell {claim.cell} states {name}{said}."
    what = "the mean" if len(compared.scores) > 1 else "it"
    return f"Cell {claim.cell} states {name}{said}; trained again {what} is {'also ' if said == again else ''}{again}."


def _not_recomputed(report: Report, own: OwnResult) -> str:
    """Return why the score that the network had in the file is not measured, as a sentence."""
    name = next(iter(_NAMED.findall(own.note)), "")
    because = f": {own.note.rstrip('.').removesuffix(ONLY_OWN_CODE)}"
    if name and own_code.is_defined(report, name):
        because = f", because `{name}` is the file's own code"
    return f"The checker cannot recompute the file's own score{because}."


def meaning(report: Report, is_for_students: bool, is_self_check: bool = False) -> str:
    """Return the verdict's meaning, for a demonstrator or for the student; nothing was handed in for a self-check."""
    if any(failure.cause is FailureCause.NOTHING_TO_RUN for failure in report.failures):
        return "Not there yet: there is nothing to check"
    cut = choices.stopped(report)
    if is_for_students:
        said = STOPPED if cut is not None else YOURS[report.verdict]
        return said.replace(AGAIN, BEFORE) if is_self_check else said
    if cut is None:
        return MEANING[report.verdict]
    return f"Read {'the file' if cut.cell is None else f'cell {cut.cell}'}, then decide resubmit: nothing was measured"


def hollow(report: Report) -> str:
    """Return why the score and its curves mean nothing; "" if they are meaningful."""
    said = _HOLLOW.get(report.cause.kind, "").format(labels=f"{remarks.label(report)}s") if report.cause else ""
    return " ".join(filter(None, (said, said and remarks.numbered_otherwise(report))))


def in_place_of_score(report: Report) -> str:
    """Return what a score that decides nothing is, to follow the metric's name and a colon."""
    compared = report.comparison
    if report.cause is not None and report.cause.kind is CauseKind.LABELS and compared is not None:
        return f"with the data's {remarks.label(report)}s, {metric(compared).unit.value(compared.mean)}"
    return f"{VOID}, the answer is in the inputs"


def score_note(report: Report) -> str:
    """Return why a score does not count as it stands, for a list; "" if it does, or if there is none."""
    if report.comparison is None or not hollow(report):
        return ""
    return VOID if says_nothing(report) else f"with the data's {remarks.label(report)}s"


def says_nothing(report: Report) -> bool:
    """Tell whether the network could read the answer from its inputs, so that no score says anything about it."""
    return report.cause is not None and report.cause.kind is CauseKind.LEAK


def own_shown(report: Report) -> tuple[str, str] | None:
    """Return the answer's score in the student's own run, and a description of it; None if there is no score.

    The score is the host's, or else the one that the outputs state, or else the last one that ``fit`` recorded.
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
        return measured.unit.value(shown.score), f"{on}{remarks.on_own_labels(report)}"
    if claim is not None:
        return metric(claim).unit.value(claim.stated), f"{metric(claim).name}, as cell {claim.cell} states"
    return _noted(report)


def has_strange_weights(report: Report) -> bool:
    """Tell whether weights of the answer come from elsewhere than its training. Then the rows behind them are
    unknown."""
    is_elsewhere = report.answer is not None and bool(report.answer.origin)
    is_impossible = report.agreed is not None and bool(report.agreed.impossible)
    return is_elsewhere or is_impossible or any(is_said_in(failure.rationale) for failure in report.failures)


def beside_the_bar(report: Report) -> str:
    """Return why the file's own score cannot be compared with the bar, for a network that was not retrained."""
    if has_strange_weights(report):
        known = (
            "This figure counts only if a demonstrator finds that the weights come from Keras, in this file and on "
            "training rows only."
        )
        bar = report.bar_on_all_rows
        return known if bar is None else f"{known} It must then reach the bar of {metric(report).unit.value(bar)}."
    if not report.classes and (report.tracing is None or report.tracing.target is None):
        return "Its targets are in a unit of their own, so this figure cannot be compared with the bar."
    return "The bar is for networks that the checker trained again, so this figure cannot be compared with it."


def _noted(report: Report) -> tuple[str, str] | None:
    """Return the metric that Keras recorded after the last epoch of the answer's last training, on development rows or
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
    """Return sentences on the subject of the learning curves, and on the end of their means."""
    parts = [loss_in_words(report), remarks.flat_curves(report)]
    if len({run.epochs for run in report.runs}) > 1:
        parts.append("A bold line ends where the first of the trainings stopped.")
    return " ".join(filter(None, parts))


def loss_in_words(report: Report) -> str:
    """Return the loss that a network is trained with, and a regression's unit, as sentences."""
    losses = dict.fromkeys(phase.loss.class_name for phase in report.recipe.phases) if report.recipe else {}
    scale = report.tracing.target if report.tracing else None
    loss = " and then ".join(f"`{name}`" for name in losses)
    if not loss:
        return ""
    if scale is None or report.classes:
        return f"The loss is {loss}."
    return f"The loss is {loss}. {_scale_of_curves(report, remarks.targets_in_words(report))}"


def topic(question: Question, report: Report) -> str:
    """Return a question's topic: "the reason" if it is about the reason of a REFER. That is asked first."""
    is_reason = report.verdict is Verdict.REFER and question == next(iter(report.questions), None)
    return "the reason" if is_reason and question.topic is Topic.TROUBLE else question.topic


def _scale_of_curves(report: Report, formula: str) -> str:
    """Return a sentence on the unit of a regression's curves; ``formula``: that of the targets."""
    has_error = any(watched.ABSOLUTE_ERROR.series(run.history, False) for run in report.runs)
    charts = "Both charts are" if has_error else "The chart is"
    own = remarks.own_unit(report)
    where = f"in {own}" if formula == "`value`" else f"in scaled units, {formula}, not in {own}"
    return f"{charts} {where}." if remarks.only_prediction(report) else f"{charts} {where}. {remarks.AS_IT_IS}"


def agreement(report: Report) -> str:
    """Return a sentence on the agreement of the retraining with the student's run; "" without a score."""
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
    if not parts and report.own_result is not None and not report.own_result.scores:
        return ""  # ``as_trained`` says why
    if not parts:
        return f"Not compared with the file's own run: {agreed.note.rstrip('.')}."
    return f"The file and the training again {_agree(report, agreed)}: {'; '.join(parts)}."


def _agree(report: Report, agreed: Agreed) -> str:
    """Return whether the file's own results and the retraining's agree, as a verb."""
    if remarks.has_other_labels(report):
        return f"learnt different {remarks.label(report)}s, so they need not agree"
    if agreed.differs:
        return "do not agree"
    least = {True: FAR, False: FAR_SHARE}[metric(report).higher_is_better]
    apart = [
        one
        for one in agreed.compared
        if abs(one.own - one.again) > (least if metric(report).higher_is_better else least * max(one.own, one.again))
    ]
    if any(abs(one.own - one.again) > one.margin for one in apart):
        return "differ, on the same side of the bar"
    return "do not differ by more than chance allows" if apart else "agree"


def own_again(report: Report) -> Measurement | None:
    """Return the retrained answer's score by the metric of its own result; None if there is none."""
    own, measures = report.own_result, report.comparison.measures if report.comparison else ()
    return next((of for of in measures if own and of.metric == own.metric), None)


def _own_metric(own: OwnResult, unit: str) -> Metric:
    return metrics.find(own.metric, unit)


def with_spread(compared: Comparison, mean: float, spread: float) -> str:
    """Return a mean over a comparison's seeds with its spread, or the score of a single seed, which has no spread."""
    unit = metric(compared).unit
    return unit.plus_minus(mean, spread) if len(compared.scores) > 1 else unit.value(mean)


def metric(of: Report | Comparison | Measurement | Claim | OwnResult) -> Metric:
    """Return the metric of a report, a comparison, or one result."""
    return metrics.find(of.metric, "$1" if isinstance(of, OwnResult) else of.unit)
