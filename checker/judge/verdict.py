"""The verdict and its reasons, from failures, rules and comparison: the table of blame. Pure.

FAIL outweighs REFER, and REFER outweighs PASS. A file or training that was cut short never fails, because its result is
unknown. Faults of the harness never get here.
"""

from collections.abc import Sequence

from checker.formats.text import continued
from checker.judge import blame, causes
from checker.records.comparison import Agreed, Agreement, Comparison, Decider, Likeness, LossCurves, MissingRows
from checker.records.evidence import RowKind
from checker.records.report import Cause, Report
from checker.records.verdicts import Failure, Importance, Outcome, RuleResult, Stage, Verdict
from checker.scoring import metrics
from checker.scoring.metrics import Metric

Reason = tuple[Verdict, str]


def decide(
    failures: Sequence[Failure],
    rules: Sequence[RuleResult],
    comparison: Comparison | None,
    metric: Metric,
    replayed: str = "",
    cut: str = "",
    cause: Cause | None = None,
    suspicion: str = "",
    agreed: Agreed | None = None,
    replay: str = "",
) -> tuple[Verdict, tuple[str, ...]]:
    """Return the verdict, and the sentences that led to it.

    ``replayed``: why the student's own code retrained the network; then there is no PASS, and no FAIL by one seed
    alone. ``replay``: sentences on its number of seeds and its result. ``cut``: a sentence on the early end of the
    student's file or of a training; then there is no FAIL, and it is the first reason unless an earlier error left no
    answer. ``cause``: the cause of other findings; it is the first reason against a PASS. ``suspicion``: a sentence
    that the inputs may give the answer away; then there is no PASS. ``agreed``: the retraining compared with the
    student's own; if they differ, the retrained score decides nothing.
    """
    required = [rule for rule in rules if rule.importance is Importance.REQUIRED]
    found: list[Reason] = [_of_failure(failure) for failure in failures]
    found += [_of_rule(rule, cause) for rule in required if rule.outcome is Outcome.FAILED]
    if comparison is not None:
        said = _of_comparison(comparison, suspicion)
        if agreed is not None and agreed.differs:
            said = _of_agreed(agreed, metric)
        if replayed and len(comparison.scores) == 1 and said[0] is Verdict.FAIL:
            said = Verdict.REFER, f"{said[1]} One seed is not enough for a FAIL."
        if replayed:
            why = replayed.rstrip(".")
            words = f"The checker cannot rebuild the network: {why}. {replay}"
            found.append((Verdict.REFER, words.strip()))
        found.append(said)
    elif not failures:
        found.append((Verdict.REFER, f"The {metric.name} could not be measured."))
    is_explained = bool(failures or replayed)  # then a rule without evidence is a consequence, not a reason
    found += [_of_rule(rule) for rule in required if rule.outcome is not Outcome.FAILED and _counts(rule, is_explained)]
    if cut:
        found = [(Verdict.REFER if reached is Verdict.FAIL else reached, words) for reached, words in found]
    for verdict in (Verdict.FAIL, Verdict.REFER, Verdict.PASS):
        reasons = [words for reached, words in found if reached is verdict and words]
        if reasons:
            if cause is not None and verdict is not Verdict.PASS:
                reasons = _led_by(cause, reasons)
            is_missing = any(failure.stage is Stage.SELECTING for failure in failures)
            first, last = ([cut], reasons) if cut and not is_missing else (reasons, [cut] if cut else [])
            return verdict, tuple(dict.fromkeys([*first, *last]))
    raise AssertionError("a comparison or a failure always gives a reason")


def hangs_on_seeds(
    failures: Sequence[Failure], rules: Sequence[RuleResult], comparison: Comparison | None, replayed: str = ""
) -> bool:
    """Tell whether the verdict is open only because the seeds cannot decide it."""
    required = [_of_rule(rule)[0] for rule in rules if rule.importance is Importance.REQUIRED]
    is_settled = bool(failures or replayed) or any(verdict is not Verdict.PASS for verdict in required)
    return comparison is not None and comparison.is_open and not is_settled


def wants_confirmation(report: Report) -> bool:
    """Tell whether a replay escapes FAIL only because one seed alone does not confirm it."""
    compared = report.comparison
    if compared is None or len(compared.scores) > 1 or report.failures or report.cut_short:
        return False
    required = [_of_rule(rule)[0] for rule in report.rules if rule.importance is Importance.REQUIRED]
    is_settled = Verdict.FAIL in required or (report.agreed is not None and report.agreed.differs)
    return not is_settled and _of_comparison(compared, "")[0] is Verdict.FAIL


def _led_by(cause: Cause, reasons: Sequence[str]) -> list[str]:
    """Put the reasons that contain the cause's sentence first; if none does, put that sentence first."""
    same = [reason for reason in reasons if cause.sentence in reason]
    return [*(same or [cause.sentence]), *reasons]


def _of_failure(failure: Failure) -> Reason:
    return blame.VERDICTS[failure.cause], failure.rationale or f"Something went wrong while {failure.stage}."


def _counts(rule: RuleResult, is_explained: bool) -> bool:
    """Tell whether a rule counts. A rule that could not be checked does not count if something else explains that."""
    return not (is_explained and rule.outcome is Outcome.UNKNOWN)


def _of_rule(rule: RuleResult, cause: Cause | None = None) -> Reason:
    if rule.outcome is Outcome.FAILED:
        is_said = cause is not None and rule.name == causes.SAME.get(cause.kind)
        return Verdict.FAIL, cause.sentence if cause is not None and is_said else rule.finding
    if rule.outcome is Outcome.ERROR:
        return Verdict.REFER, f"The rule “{rule.sentence}” broke and could not be checked."
    if rule.outcome is Outcome.UNKNOWN:
        return Verdict.REFER, f"The rule “{rule.sentence}” could not be checked: {rule.rationale.rstrip('.')}."
    return Verdict.PASS, ""


def _of_agreed(agreed: Agreed, metric: Metric) -> Reason:
    """Return the verdict and its reason for a retraining that differs from the student's own training."""
    if agreed.impossible:
        return Verdict.REFER, agreed.impossible
    if agreed.disagreement is not None:
        return Verdict.REFER, f"{disagreement_in_words(agreed.disagreement, metric)} {agreed.cause}"
    assert agreed.curves is not None
    return Verdict.REFER, f"{curves_in_words(agreed.curves)} {agreed.cause}"


def curves_in_words(curves: LossCurves) -> str:
    """Return a sentence on the fall of the training loss in the student's own run and in the retraining."""
    if curves.epochs == 1:
        return (
            "Trained again, the network is not the file's: in its one epoch the training loss was "
            f"{curves.own_lowest:.3g} in the file, and {curves.again_lowest:.3g} when trained again."
        )
    own, again = (
        f"from {first:.3g} to {lowest:.3g}"
        for first, lowest in ((curves.own_first, curves.own_lowest), (curves.again_first, curves.again_lowest))
    )
    return (
        f"Trained again, the network is not the file's: in {curves.epochs:,} epochs the training loss went "
        f"{own} in the file, and {again} when trained again."
    )


def disagreement_in_words(one: Agreement, metric: Metric) -> str:
    """Return a sentence on the difference of the student's own result and the retraining's."""
    rows = "on its training rows" if one.kind is RowKind.TRAINED else "on rows outside its training"
    again = metric.unit.plus_minus(one.again, one.spread)
    return (
        f"Trained again, the network is not the file's: {rows}, {metric.name} was "
        f"{metric.unit.value(one.own)} in the file and is {again} when trained again."
    )


def _of_comparison(comparison: Comparison, suspicion: str) -> Reason:
    missing = comparison.missing
    if missing is not None and missing.likeness is Likeness.UNKNOWN:
        return Verdict.REFER, _of_unknown(missing)
    verdict, words = _of_known(comparison, suspicion)
    if missing is None or missing.strict is None or suspicion:
        return verdict, words
    if verdict is Verdict.FAIL and not missing.strict.passes:
        return verdict, f"{words} Rows without inputs do not count here."
    metric = metrics.find(comparison.metric, comparison.unit)
    mean, bar = metric.unit.value(missing.strict.mean), f"the bar of {metric.unit.value(missing.strict.bar)}"
    if missing.strict.passes and verdict is Verdict.PASS:
        still = "still reaches" if metric.higher_is_better else "is still below"
        return verdict, f"{words[:-1]}; with rows without inputs counted as wrong, {mean} {still} {bar}."
    side = metric.reaches if missing.strict.reaches_bar else f"is {metric.worse}"
    side = "is too close to" if missing.strict.is_borderline else side
    return Verdict.REFER, (
        f"There are no inputs for {missing.in_words}, and these are not like the others. Without them: "
        f"{continued(words)} With them counted as wrong, {mean} {side} {bar}."
    )


def _of_unknown(missing: MissingRows) -> str:
    return (
        f"There are no inputs for {missing.in_words}. How the reference does on the others is not known here: its "
        "scores were written by an older version, without its outputs by row."
    )


def _of_known(comparison: Comparison, suspicion: str) -> Reason:
    """Return the verdict and its reason from the rows that have inputs."""
    metric = metrics.find(comparison.metric, comparison.unit)
    write = metric.unit.value
    mean, bar = f"{metric.title} {write(comparison.mean)}", f"the bar of {write(comparison.bar)}"
    if comparison.is_borderline:
        seeds, band = len(comparison.scores), metric.unit.size(comparison.band)
        within = f"within ± {band} these {seeds} seeds cannot tell them apart"
        return Verdict.REFER, f"{mean} is too close to {bar}: {within}."
    if suspicion:
        return Verdict.REFER, f"{mean} {metric.reaches} {bar}, but {suspicion[0].lower()}{suspicion[1:]}"
    each = ""
    if comparison.decided_by is Decider.EACH_SEED:
        verb = metric.reaches if comparison.reaches_bar else "misses"
        each = f", and each of the {len(comparison.scores)} seeds {verb} its own"
    if comparison.reaches_bar:
        lower = "" if metric.higher_is_better else " (lower is better)"
        return Verdict.PASS, f"{mean} {metric.reaches} {bar}{lower}{each}."
    if not comparison.beats_baseline:
        return Verdict.FAIL, _of_baseline(comparison, metric)
    return Verdict.FAIL, f"{mean} is {metric.worse} {bar}{each}."


def _of_baseline(comparison: Comparison, metric: Metric) -> str:
    """Return a sentence that a mean is no better than the baseline's, and on the requirement for a PASS."""
    write = metric.unit.value
    own, theirs = write(comparison.mean), write(comparison.baseline_mean)
    side = "no better" if own == theirs else "worse"
    return (
        f"The {metric.name} of {own} is {side} than {comparison.baseline}'s {theirs}; a PASS needs "
        f"{write(comparison.bar)}{'' if metric.higher_is_better else ' or less'}."
    )
