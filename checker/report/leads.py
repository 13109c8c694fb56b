"""A page's lead: the main cause of the verdict, and advice on what to do or, if a person decides, what to look at.

Theory of operation: a report may hold several reasons, failures and failed rules. The one that explains the others
leads. Candidates are tried in this order: a failure that stopped the journey, a file or training that was cut short,
the judge's cause, the first reason. For a REFER, ``looks`` gives the advice.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from checker.formats.text import continued
from checker.judge import blame, causes
from checker.judge.questions.makers import Table, making
from checker.judge.questions.view import View
from checker.records.report import CauseKind, Report, Symptom
from checker.records.verdicts import Failure, Importance, Outcome, RuleResult, Verdict
from checker.report import looks, remarks, sentences

DO, TELL, FIRST = "What to do", "Tell the student", "What to do first"
LOOK, EXPECT = "To decide", "What to expect"
THEN = "Decide `resubmit`."
PARTS = ("test_development_set_was_watched", "test_final_test_on_unseen_rows")
"""Advisory rules, by name, on the parts of the data. Without these parts no score can be chosen by, nor believed."""
MADE: Mapping[CauseKind, Table] = {CauseKind.LABELS: "labels", CauseKind.LEAK: "inputs"}
"""What a line of the file makes wrong, by the cause of the verdict."""
LONG = 160
"""Maximum number of characters of a reason that is shown in one piece."""

HELP_BY_SYMPTOM = {
    Symptom.DIVERGED: "Use a smaller learning rate, or scale the inputs.",
    Symptom.OVERFITS: "Stop earlier (early stopping), make the network smaller, or add dropout.",
    Symptom.UNDERFITS: "Make the layers larger, train longer, or try another learning rate.",
    Symptom.IMPROVING: "Train for more epochs.",
    Symptom.NEVER_PREDICTED: "Find out why one class is never predicted: are its rows in the training part?",
}
"""Advice about a score below the bar, by symptom, the most telling first."""
HELP = (
    "Try other layers, another learning rate or more epochs, one change at a time. Keep what helps on the development "
    "set."
)


@dataclass(frozen=True)
class Lead:
    """A page's lead. ``label`` names the kind of ``advice``: something to do, to tell, to look at or to expect.
    ``then``: the next step after that, "" for none. ``rule``: the name of the rule with the same finding, "" for none.
    ``cell``: the cell to show beside it; ``about_cell``: a note on that cell, "" for none; ``beside``: a further cell.
    ``asks``: questions to answer with yes or no before the steps."""

    title: str
    sentence: str
    label: str
    advice: str
    explanation: str = ""
    detail: str = ""
    rule: str = ""
    cell: int | None = None
    about_cell: str = ""
    beside: int | None = None
    then: str = ""
    asks: tuple[str, ...] = ()

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
        if is_for_students:
            return replace(lead, label=FIRST)
        return replace(lead, then=THEN)
    reached = "".join(report.reasons[:1])
    if is_for_students:
        asks = (
            "A PASS is not the tick yet. A demonstrator asks you first about your data, your network and its training."
        )
        return Lead("", reached, EXPECT, asks)
    return Lead("", reached, DO, "Ask the questions below, and tick if the answers are good.")


def other_reasons(report: Report, lead: Lead) -> list[str]:
    """Return the reasons that the lead does not contain; failed rules have their own section."""
    found = {rule.finding for rule in report.rules if rule.outcome is Outcome.FAILED}
    if report.cause is not None and sentences.is_by_score(report):
        found.add(report.cause.sentence)
    return [reason for reason in report.reasons if not reason.startswith(lead.sentence) and reason not in found]


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


# -- FAIL ------------------------------------------------------------------------------------------------


def _failing(report: Report) -> Lead:
    failure = next((one for one in report.failures if blame.VERDICTS[one.cause] is Verdict.FAIL), None)
    if failure is not None:
        title = looks.name_of(failure, report.execution.ending)
        return Lead(title, failure.rationale, TELL, failure.help, detail=failure.detail, cell=failure.cell)
    failed = [r for r in report.rules if r.outcome is Outcome.FAILED and r.importance is Importance.REQUIRED]
    if report.cause is not None:
        kind, help, rule = report.cause.kind, report.cause.help, causes.SAME.get(report.cause.kind, "")
        same = next((one for one in failed if one.name == rule), None)
        if same is not None and kind is not CauseKind.LABELS:  # about labels the cause has more details than the rule
            help = same.help or help
        why, _, rest = same.detail.partition("\n") if same else ("", "", "")
        why = " ".join(filter(None, (_made_by(report, kind), why)))
        if sentences.is_by_score(report) and (score := _on_score(report)):
            likely = f"Likely cause: {continued(report.cause.sentence)}"
            return Lead(sentences.missed_bar(report, kind), score, TELL, help, likely, rest, rule)
        return Lead(sentences.cause_name(report, kind), report.cause.sentence, TELL, help, why, rest, rule)
    if failed:
        first = failed[0]
        why, _, rest = first.detail.partition("\n")
        if first.name in causes.SPOILING:
            why = " ".join(filter(None, (remarks.only_prediction(report), why)))
        return Lead(first.short_name, first.finding, TELL, first.help, why, rest, first.name)
    seen = {observation.symptom: observation.sentence for observation in report.observations}
    symptom = next((symptom for symptom in HELP_BY_SYMPTOM if symptom in seen), None)
    help = HELP_BY_SYMPTOM[symptom] if symptom else HELP
    rule = next((name for name, tendency in causes.TENDENCIES.items() if tendency is symptom), "")
    is_error = report.comparison is not None and not report.comparison.higher_is_better
    title, why = "Error too large" if is_error else "Score too low", seen[symptom] if symptom else ""
    return Lead(title, "".join(report.reasons[:1]), TELL, help, why, rule=rule)


def _made_by(report: Report, kind: CauseKind) -> str:
    """Return a sentence on the line that makes the labels or inputs that are the cause; "" for another cause, or if the
    line was not found."""
    line = making(View(report), MADE[kind]) if kind in MADE else None
    if line is None:
        return ""
    made = f"{remarks.label(report)}s" if kind is CauseKind.LABELS else MADE[kind]
    return f"`{line.code.replace('`', '')}` in cell {line.cell} makes these {made}."


def _on_score(report: Report) -> str:
    """Return the reason that is about the score: neither the cause nor a finding of a rule; "" if there is none."""
    others = {rule.finding for rule in report.rules} | {report.cause.sentence if report.cause else ""}
    return next((reason for reason in report.reasons if reason not in others), "")


# -- REFER -----------------------------------------------------------------------------------------------


def _referral(report: Report, is_for_students: bool) -> Lead:
    look, failure = next(looks.all_of(report)), looks.referring(report)
    sentence, explanation = _parted("".join(report.reasons[:1]).removesuffix(" A demonstrator decides."))
    label, advice = (FIRST if look.does else EXPECT, look.student) if is_for_students else (LOOK, look.demonstrator)
    detail = failure.detail if failure else ""
    lead = Lead(look.title, sentence, label, advice, explanation, detail, cell=look.cell, about_cell=look.about_cell)
    return replace(lead, beside=look.beside, asks=() if is_for_students else look.asks)


def _parted(reason: str) -> tuple[str, str]:
    """Return a reason's first sentence and the rest, if it is long."""
    first, end, rest = reason.partition(". ")
    return (f"{first}.", rest) if end and len(reason) > LONG else (reason, "")
