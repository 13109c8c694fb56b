"""A page's lead: the main cause of the verdict, and advice on what to do or, if a person decides, what to look at.

Theory of operation: a report may hold several reasons, failures and failed rules. The one that explains the others
leads. Candidates are tried in this order: a failure that stopped the journey, a file or training that was cut short,
the judge's cause, the first reason. For a REFER, ``looks`` gives the advice.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from checker.formats.text import continued
from checker.judge import blame, causes, diagnosis
from checker.judge.questions.makers import making
from checker.judge.questions.view import View
from checker.records.report import CauseKind, Report, Symptom
from checker.records.verdicts import Failure, FailureCause, Importance, Outcome, RuleResult, Verdict
from checker.report import looks, made_labels, remarks, sentences

DO, TELL, FIRST = "What to do", "Tell the student", "What to do first"
LOOK, EXPECT = "To decide", "What to expect"
THEN = "Decide `resubmit`."
PARTS = ("test_development_set_was_watched", "test_final_test_on_unseen_rows")
"""Advisory rules, by name, on the parts of the data. Without these parts no score can be chosen by, nor believed."""
FEW_EPOCHS = 5
"""Up to this many epochs may be too few, whatever else is wrong."""
FROM_CAUSE = frozenset({CauseKind.CELL_FAILED, CauseKind.ROWS, CauseKind.LINEAR, CauseKind.UNSCALED})
"""Causes of a bad score."""
LINEAR_MODELS = frozenset({"logistic regression", "linear regression"})
"""Traditional models, by name, that are linear."""
LONG = 160
"""Maximum number of characters of a reason that is shown in one piece."""

SPLIT = (
    "Split the data into training, development and test before you scale it. Pass `validation_data=…` to `fit`, and "
    "`evaluate` once, on the test part."
)
"""What to do if there is neither a development part nor a test on unseen rows."""
NEAR = 0.03
"""A linear network whose score differs by less from the linear model's, in points or as a share of its error, is about
as good."""

HELP = (
    "Try other layers, another learning rate or more epochs, one change at a time. Keep what helps on the development "
    "set."
)


@dataclass(frozen=True)
class Lead:
    """A page's lead. ``label`` names the kind of ``advice``: something to do, to tell, to look at or to expect.
    ``then``: the next step after that, "" for none. ``rule``: the name of the rule with the same finding, "" for none.
    ``cell``: the cell to show beside it; ``about_cell``: a note on that cell, "" for none; ``line``: the beginning of a
    line to mark in it, "" for none; ``beside``: a further cell. ``asks``: questions to answer with yes or no before the
    steps. ``banner``: what to do first, in a few words; "" for the verdict's meaning."""

    title: str
    sentence: str
    label: str
    advice: str
    explanation: str = ""
    detail: str = ""
    rule: str = ""
    cell: int | None = None
    about_cell: str = ""
    line: str = ""
    beside: int | None = None
    then: str = ""
    asks: tuple[str, ...] = ()
    banner: str = ""

    @property
    def steps(self) -> list[str]:
        """The advice, a step a line."""
        return self.advice.splitlines()

    @property
    def shown(self) -> str:
        """The sentence without the title, if it begins with the title."""
        rest = self.sentence.removeprefix(f"{self.title}: ")
        return f"{rest[:1].upper()}{rest[1:]}"


def lead_of(report: Report, is_for_students: bool = False) -> Lead:
    """Return the lead of a report's page."""
    if report.verdict is Verdict.REFER:
        return _referral(report, is_for_students)
    if report.verdict is Verdict.FAIL:
        lead = _failing(report)
        lead = replace(lead, explanation=lead.explanation or _unchecked(report))
        if not is_for_students:
            return replace(lead, then=THEN)
        return replace(lead, label=FIRST if _has_more(report, lead) else DO)
    reached = "".join(report.reasons[:1])
    if is_for_students:
        asks = (
            "A PASS is not the tick yet. A demonstrator asks you first about your data, your network and its training."
        )
        return Lead("", reached, EXPECT, asks)
    return Lead("", reached, DO, "Ask the questions below: `tick` if the answers are good, otherwise `resubmit`.")


def other_reasons(report: Report, lead: Lead) -> list[str]:
    """Return the reasons that the lead does not contain; failed rules have their own section. The score of a linear
    network is said beside that of the linear model, if both are alike."""
    found = {rule.finding for rule in report.rules if rule.outcome is Outcome.FAILED}
    if report.cause is not None and sentences.is_by_score(report):
        found.add(report.cause.sentence)
    if report.cause is not None and report.cause.kind is CauseKind.LABELS:  # its advice says the score
        found |= {_on_score(report), report.cause.sentence}
    left = [reason for reason in report.reasons if not reason.startswith(lead.sentence) and reason not in found]
    score = _on_score(report)
    return [_beside_linear(report) or reason if reason == score else reason for reason in left]


def introduced(report: Report, lead: Lead, reason: str) -> str:
    """Return a reason that stands alone below the lead as a sentence that says how both are connected."""
    if reason == _beside_linear(report):
        return reason
    is_linear = report.cause is not None and report.cause.kind is CauseKind.LINEAR  # no reason to be below such a model
    explains = lead.rule in causes.SPOILING or (report.cause is not None and report.cause.kind in FROM_CAUSE)
    is_result = explains and not is_linear and not report.failures and reason == _on_score(report)
    return f"{'As a result, ' if is_result else 'Also: '}{continued(reason)}"


def other_failures(report: Report, lead: Lead) -> list[Failure]:
    """Return the failures that the lead is not about."""
    return [one for one in report.failures if not one.rationale or not one.rationale.startswith(lead.sentence)]


def advice_on_parts(report: Report, lead: Lead) -> list[RuleResult]:
    """Return the advice on the parts of the data that a FAIL's student must know before handing in again; not the rule
    that the lead is about."""
    if report.verdict is not Verdict.FAIL:
        return []
    return [
        rule for rule in sentences.failed(report, Importance.ADVISORY) if rule.name in PARTS and rule.name != lead.rule
    ]


def other_failed_rules(report: Report, lead: Lead) -> list[RuleResult]:
    """Return the required rules that failed or broke, and those that lack evidence without an explanation above; not
    the rule that the lead is about."""
    is_explained = bool(report.failures or report.replayed)
    wanted = {Outcome.FAILED, Outcome.ERROR} | (set() if is_explained else {Outcome.UNKNOWN})
    required = [rule for rule in report.rules if rule.importance is Importance.REQUIRED and rule.name != lead.rule]
    in_turn = sorted(required, key=lambda rule: rule.outcome is not Outcome.FAILED)
    return [rule for rule in in_turn if rule.outcome in wanted]


def on_parts(rules: Sequence[RuleResult], report: Report) -> list[tuple[str, str]]:
    """Return advice on the parts of the data, each with its explanation. Both pieces are one, since the split that the
    one asks for makes the rows that the other names."""
    if len(rules) < len(PARTS):
        return [(f"{sentences.untitled(rule)} {rule.help}", rule.detail) for rule in rules]
    found, tracing = " ".join(map(sentences.untitled, rules)), report.tracing
    if tracing and tracing.seen and not (report.recipe and report.recipe.development):
        trained = tracing.training_rows
        if all(one.rows == one.trained_on == trained for one in tracing.seen):
            found = f"The same {trained:,} rows were trained on and tested on."
    return [(f"{found} {SPLIT}", "\n".join(rule.detail for rule in rules if rule.detail))]


# -- FAIL ------------------------------------------------------------------------------------------------


def _failing(report: Report) -> Lead:
    failure = next((one for one in report.failures if blame.VERDICTS[one.cause] is Verdict.FAIL), None)
    if failure is not None:
        title = looks.name_of(failure, report.execution.ending)
        # beside the name of another file, "your file" is not clear
        help = failure.help.replace("your file", "your notebook" if report.submission.is_notebook else "your module")
        return Lead(title, failure.rationale, TELL, help, detail=failure.detail, cell=failure.cell)
    failed = [r for r in report.rules if r.outcome is Outcome.FAILED and r.importance is Importance.REQUIRED]
    if report.cause is not None:
        kind, help, rule = report.cause.kind, report.cause.help, causes.SAME.get(report.cause.kind, "")
        same = next((one for one in failed if one.name == rule), None)
        if same is not None and kind is not CauseKind.LABELS:  # about labels the cause has more details than the rule
            help = same.help or help
        why, _, rest = same.detail.partition("\n") if same else ("", "", "")
        why = " ".join(filter(None, (_made_by(report, kind), why)))
        if kind in FROM_CAUSE:
            help = _and_epochs(report, help)
        if sentences.is_by_score(report) and (score := _on_score(report)):
            likely = f"Likely cause: {continued(report.cause.sentence)}"
            why = " ".join(filter(None, (remarks.beside_a_guess(report), likely)))
            return Lead(sentences.missed_bar(report, kind), score, TELL, help, why, rest, rule)
        said = report.cause.sentence
        if kind is CauseKind.LABELS:
            said, help = made_labels.in_words(report, said), made_labels.help_in_words(report, help)
        return Lead(sentences.cause_name(report, kind), said, TELL, help, why, rest, rule)
    if failed:
        first = failed[0]
        why, _, rest = first.detail.partition("\n")
        if first.name in causes.SPOILING:
            why = " ".join(filter(None, (remarks.only_prediction(report), why)))
        help = _and_epochs(report, first.help) if first.name in causes.SPOILING else first.help
        return Lead(first.short_name, first.finding, TELL, help, why, rest, first.name)
    seen = {observation.symptom: observation.sentence for observation in report.observations}
    symptom = causes.most_telling(report.observations)
    architecture = report.answer.architecture if report.answer else None
    help = causes.help_against(symptom, architecture) if symptom else HELP
    rule = next((name for name, tendency in causes.TENDENCIES.items() if tendency is symptom), "")
    is_error = report.comparison is not None and not report.comparison.higher_is_better
    title, why = "Error too large" if is_error else "Score too low", seen[symptom] if symptom else ""
    return Lead(title, "".join(report.reasons[:1]), TELL, help, why, rule=rule)


def _has_more(report: Report, lead: Lead) -> bool:
    """Tell whether a FAIL's page has more to do than its one advice."""
    others = (other_failures(report, lead), other_failed_rules(report, lead), advice_on_parts(report, lead))
    return any(others) or len(lead.steps) > 1


def _unchecked(report: Report) -> str:
    """Return a sentence on the rest of a file in which a failed cell left no network; "" for any other."""
    failure = next((one for one in report.failures if one.cause is FailureCause.NO_ANSWER), None)
    if failure is None or failure.cell is None or report.answer is not None:
        return ""
    return f"Nothing that depends on cell {failure.cell} could be checked."


def _and_epochs(report: Report, help: str) -> str:
    """Return advice, and what to look at next if the training was short or its loss still fell at the end."""
    epochs = max((run.epochs for run in report.runs), default=0)
    if not epochs or any(run.stopped_early for run in report.runs):
        return help
    if epochs > FEW_EPOCHS and not _still_falls(report):
        return help
    few = f"{epochs} epochs" if epochs > 1 else "one epoch"
    return f"{help} Then look whether the loss still falls at the last epoch: {few} may be too few."


def _still_falls(report: Report) -> bool:
    """Tell whether the trainings were still improving when they ended, also where the cause silences that."""
    if report.comparison is None or report.recipe is None:
        return False
    seen = diagnosis.diagnose(report.runs, report.comparison, report.recipe, report.classes, report.class_rows)
    return any(one.symptom is Symptom.IMPROVING for one in seen)


def _made_by(report: Report, kind: CauseKind) -> str:
    """Return a sentence on the line that makes the labels or inputs that are the cause; "" for another cause, or if the
    line was not found."""
    if kind is CauseKind.LABELS:
        line, made = made_labels.line_of(report), f"{remarks.label(report)}s"
    else:
        line, made = making(View(report), "inputs") if kind is CauseKind.LEAK else None, "inputs"
    return f"`{line.code.replace('`', '')}` in cell {line.cell} makes these {made}." if line else ""


def _on_score(report: Report) -> str:
    """Return the reason that is about the score: neither the cause nor a finding of a rule; "" if there is none."""
    others = {rule.finding for rule in report.rules} | {report.cause.sentence if report.cause else ""}
    return next((reason for reason in report.reasons if reason not in others), "")


def _beside_linear(report: Report) -> str:
    """Return a sentence on the score of a linear network that is about that of the linear model; "" for another."""
    compared = report.comparison
    if compared is None or report.cause is None or report.cause.kind is not CauseKind.LINEAR:
        return ""
    margin = NEAR if compared.higher_is_better else NEAR * compared.baseline_mean
    if compared.baseline not in LINEAR_MODELS or abs(compared.mean - compared.baseline_mean) > margin:
        return ""
    measured = sentences.metric(compared)
    own, theirs, bar = map(measured.unit.value, (compared.mean, compared.baseline_mean, compared.bar))
    return (
        f"The {measured.name}, {own}, is close to {compared.baseline}'s {theirs}, as expected of a linear model; "
        f"a PASS needs {bar}{'' if measured.higher_is_better else ' or less'}."
    )


# -- REFER -----------------------------------------------------------------------------------------------


def _referral(report: Report, is_for_students: bool) -> Lead:
    look, failure = next(looks.all_of(report)), looks.referring(report)
    sentence, explanation = _parted("".join(report.reasons[:1]).removesuffix(" A demonstrator decides."))
    label, advice = (FIRST if look.does else EXPECT, look.student) if is_for_students else (LOOK, look.demonstrator)
    detail = failure.detail if failure else ""
    lead = Lead(look.title, sentence, label, advice, explanation, detail, cell=look.cell, about_cell=look.about_cell)
    lead = replace(lead, beside=look.beside, line=look.line)
    return lead if is_for_students else replace(lead, asks=look.asks, banner=look.banner)


def _parted(reason: str) -> tuple[str, str]:
    """Return a reason's first sentence and the rest, if it is long."""
    first, end, rest = reason.partition(". ")
    return (f"{first}.", rest) if end and len(reason) > LONG else (reason, "")
