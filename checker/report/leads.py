"""What a page says first: the one cause of the verdict, and what to do about it or, where a person decides, look at.

Theory of operation: a report may hold several reasons, failures and failed rules. The one that explains the others
leads: what stopped the journey, then what was cut short, then the cause that the judge found, then the first reason.
For a REFER, ``_looks`` tries the kinds of open verdicts in the order in which ``judge.verdict`` lists its reasons, and
the first that applies says what to look at.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from checker.judge import blame, causes, suspicion
from checker.keras_spec.foreign_weights import ELSEWHERE
from checker.records.comparison import Comparison, Likeness
from checker.records.report import CauseKind, Report, Symptom
from checker.records.verdicts import Failure, FailureCause, Importance, Outcome, RuleResult, Verdict
from checker.report.vocabulary import CAUSES, FAILURES

DO, TELL, FIRST = "What to do", "Tell the student", "What to do first"
LOOK, EXPECT = "To decide", "What to expect"
TICK = "If so, ask the questions and tick as usual."
NAMED = re.compile(r"`(\w+)`")
LONG = 160
"""Most characters of a reason that is shown in one piece."""

HELP_BY_SYMPTOM = {
    Symptom.DIVERGED: "Use a smaller learning rate, or scale the inputs.",
    Symptom.OVERFITS: "Stop earlier (early stopping), make the network smaller, or add dropout.",
    Symptom.UNDERFITS: "Make the layers larger, train longer, or try another learning rate.",
    Symptom.IMPROVING: "Train for more epochs.",
    Symptom.NEVER_PREDICTED: "Find out why one class is never predicted: are its rows in the training part?",
}
"""What to do about a score below the bar, the most telling symptom first."""
HELP = (
    "Try other layers, another learning rate or more epochs, one change at a time. Keep what helps on the development "
    "set."
)


@dataclass(frozen=True)
class Look:
    """What a demonstrator looks at where no machine decides, and what the student may be asked to explain."""

    title: str
    demonstrator: str
    student: str


@dataclass(frozen=True)
class Lead:
    """What a page says first. ``label`` says what ``advice`` is: something to do, to tell, to look at or to expect.
    ``rule``: the name of the rule whose failure says the same, "" for none."""

    title: str
    sentence: str
    label: str
    advice: str
    explanation: str = ""
    detail: str = ""
    rule: str = ""

    @property
    def shown(self) -> str:
        """The sentence without the title, where it begins with that."""
        rest = self.sentence.removeprefix(f"{self.title}: ")
        return f"{rest[:1].upper()}{rest[1:]}"


def lead_of(report: Report, is_for_students: bool = False) -> Lead:
    """Return what leads a report's page."""
    if report.verdict is Verdict.REFER:
        return _referral(report, is_for_students)
    if report.verdict is Verdict.FAIL:
        lead = _failing(report)
        return replace(lead, label=FIRST) if is_for_students else lead
    reached = "".join(report.reasons[:1])
    if is_for_students:
        return Lead("", reached, EXPECT, "A demonstrator asks you about your data, your network and its training.")
    return Lead("", reached, DO, "Ask the questions below, and tick if the answers are good.")


def other_reasons(report: Report, lead: Lead) -> list[str]:
    """Return the reasons that the lead does not say; failed rules have their own section."""
    found = {rule.finding for rule in report.rules if rule.outcome is Outcome.FAILED}
    return [reason for reason in report.reasons if not reason.startswith(lead.sentence) and reason not in found]


def other_failures(report: Report, lead: Lead) -> list[Failure]:
    """Return the failures that the lead is not about."""
    return [one for one in report.failures if not one.rationale or not one.rationale.startswith(lead.sentence)]


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
        return Lead(FAILURES[failure.cause], failure.rationale, TELL, failure.help, detail=failure.detail)
    failed = [r for r in report.rules if r.outcome is Outcome.FAILED and r.importance is Importance.REQUIRED]
    if report.cause is not None:
        kind, help, rule = report.cause.kind, report.cause.help, causes.SAME.get(report.cause.kind, "")
        same = next((one for one in failed if one.name == rule), None)
        if same is not None and kind is not CauseKind.LABELS:  # of labels the cause knows more than the rule
            help = same.help or help
        why, _, rest = same.detail.partition("\n") if same else ("", "", "")
        return Lead(CAUSES[kind], report.cause.sentence, TELL, help, why, rest, rule)
    if failed:
        first = failed[0]
        why, _, rest = first.detail.partition("\n")
        return Lead(first.short_name, first.finding, TELL, first.help, why, rest, first.name)
    seen = {observation.symptom: observation.sentence for observation in report.observations}
    symptom = next((symptom for symptom in HELP_BY_SYMPTOM if symptom in seen), None)
    help = HELP_BY_SYMPTOM[symptom] if symptom else HELP
    rule = next((name for name, tendency in causes.TENDENCIES.items() if tendency is symptom), "")
    return Lead("Score too low", "".join(report.reasons[:1]), TELL, help, seen[symptom] if symptom else "", rule=rule)


# -- REFER -----------------------------------------------------------------------------------------------


def _referral(report: Report, is_for_students: bool) -> Lead:
    look, failure = next(_looks(report)), _referring(report)
    sentence, explanation = _parted("".join(report.reasons[:1]).removesuffix(" A demonstrator decides."))
    label, advice = (EXPECT, look.student) if is_for_students else (LOOK, look.demonstrator)
    return Lead(look.title, sentence, label, advice, explanation, failure.detail if failure else "")


def _parted(reason: str) -> tuple[str, str]:
    """Return a reason's first sentence and the rest, if it is long."""
    first, end, rest = reason.partition(". ")
    return (f"{first}.", rest) if end and len(reason) > LONG else (reason, "")


def _referring(report: Report) -> Failure | None:
    return next((one for one in report.failures if blame.VERDICTS[one.cause] is Verdict.REFER), None)


def _looks(report: Report) -> Iterator[Look]:
    """Yield what there is to look at, the most telling first; always something."""
    failure = _referring(report)
    if failure is not None:
        yield _look_at_failure(report, failure)
    if report.cut_short:
        yield _look_at_cut()
    compared = report.comparison
    if compared is not None and report.agreed is not None and report.agreed.differs and not report.replayed:
        yield _look_at_difference(report)
    if compared is not None and not report.replayed:
        yield from _look_at_score(report, compared)
    if report.replayed:
        yield _look_at_replay(report)
    yield from _look_at_rules(report)
    yield Look(
        "Nothing was measured",
        f"Let the student run the file in front of you. {TICK}",
        "A demonstrator runs the file with you.",
    )


def _look_at_failure(report: Report, failure: Failure) -> Look:
    where, title = _cell(failure.cell), FAILURES[failure.cause]
    ready = f"A demonstrator decides. {failure.help}".strip()
    match failure.cause:
        case FailureCause.UNREADABLE_UPLOAD:
            look = "Open the upload by hand. If you cannot, ask for it again; else check the file inside it alone."
        case FailureCause.WAITS_FOR_INPUT:
            look = f"Let the student run {where} in front of you and type the input. Does the rest then run? {TICK}"
        case FailureCause.TRAINED_ELSEWHERE:
            look = (
                f"Look at {where}, and ask for the code that trained the network. Let the student run it: does it give "
                f"this network? {TICK}"
            )
        case FailureCause.RETRAINING_ENDED:
            look = (
                "Look at the notebook's own training: does it end on the student's machine, with a score above the "
                f"bar? {TICK}"
            )
        case FailureCause.DIVERGED_AFTER_LEARNING:
            look = (
                "Look at the learning rate and the scaling: let the student train again with another seed. Does the "
                f"loss stay a number? {TICK}"
            )
        case FailureCause.NOT_RETRAINED:
            look = f"Look at {where}: {_doubt_on_training(failure.rationale)} {TICK}"
        case _:
            look = (
                f"Read {where}, where the run ended, before anybody runs it: why does it take so much? If it is an "
                "honest slip, ask for a version that runs to its end. Tick nothing that was not measured."
            )
    return Look(title, look, ready)


def _doubt_on_training(rationale: str) -> str:
    if "were not found in the data" in rationale:
        return "do all rows that it gives to `fit` come from the data, each with its own label?"
    if "its targets" in rationale:
        return "can the student say how the targets are made, and how a prediction is turned back into the data's unit?"
    if ELSEWHERE in rationale:
        return "do the weights that the training starts from come from the student's own work?"
    return "does it train the network on the data alone, in a way that the student can explain?"


def _look_at_cut() -> Look:
    return Look(
        "Cut short",
        f"Look at the learning curves and at the score in the notebook: would the whole training reach the bar? {TICK}",
        "A demonstrator decides. A run or a training that ends within the limits is judged as a whole.",
    )


def _look_at_difference(report: Report) -> Look:
    assert report.agreed is not None
    said = report.agreed.cause
    named = NAMED.search(said) or re.search(r"callback (\w+)", said)
    what = "does anything but its calls of `fit` change the weights, the loss or the rows?"
    if "sample weights" in said:
        what = "which rows do the sample weights favour, and why?"
    elif "callback" in said and named:
        what = f"what does the callback `{named[1]}` change?"
    elif report.agreed.impossible:
        what = "what was trained, and when? The notebook's own record contradicts itself."
    again = "Let the student train once more in front of you. Is the score the same as on this page?"
    return Look(
        "Not repeatable",
        f"Look at {_trained_in(report)}: {what} {again} {TICK}",
        f"A demonstrator looks at {_trained_in(report)} with you. Be ready to train once more and to explain the "
        "difference.",
    )


def _look_at_score(report: Report, compared: Comparison) -> Iterator[Look]:
    missing = compared.missing
    if missing is not None and missing.likeness is Likeness.UNKNOWN:
        yield Look(
            "Rows without inputs",
            "The reference's scores are too old to compare: run `checker reference`, then `checker judge`.",
            "A demonstrator decides.",
        )
    if missing is not None and missing.strict is not None and not compared.is_borderline:
        yield Look(
            "Rows without inputs",
            f"Look for the line that drops these rows. Does the student have a good reason for it? {TICK}",
            "A demonstrator asks why some rows got no inputs. Be ready to show the line that drops them.",
        )
    if any(suspicion.SUSPECTED in reason for reason in report.reasons):
        yield Look(
            "Suspicious inputs",
            "Look at the lines that make these inputs: is each computed from the row alone, without its class or "
            f"target? {TICK}",
            "A demonstrator asks how your inputs are made. Be ready to show the lines.",
        )
    if compared.is_borderline:
        yield Look(
            "Too close to the bar",
            "The score cannot decide, so the answers do: tick if the student can explain the network and its training.",
            "Your score is too close to the bar to decide. A demonstrator decides by your answers.",
        )


def _look_at_replay(report: Report) -> Look:
    name = next(iter(NAMED.findall(report.replayed)), "")
    cell = _cell_with(report, name) if name else None
    where = f"cell {cell}" if cell is not None else _trained_in(report)
    what = f"does `{name}` only compute?" if name else "does it train on nothing but the data?"
    return Look(
        "Trained by its own code",
        f"Look at {where}: {what} {TICK}",
        f"A demonstrator looks at {where} with you. Be ready to explain it.",
    )


def _look_at_rules(report: Report) -> Iterator[Look]:
    for rule in report.rules:
        if rule.importance is Importance.REQUIRED and rule.outcome is Outcome.ERROR:
            yield Look(
                "A rule broke",
                f"The rule has a mistake: tell the lecturer. Check by eye: {rule.sentence} {TICK}",
                "A rule has a mistake that is not yours. A demonstrator checks it by eye.",
            )
        if rule.importance is Importance.REQUIRED and rule.outcome is Outcome.UNKNOWN:
            yield Look(
                "A rule was not checked",
                f"Check by eye: {rule.sentence} {TICK}",
                f"A demonstrator checks with you: {rule.sentence}",
            )


def _cell(index: int | None) -> str:
    return "the file" if index is None else f"cell {index}"


def _trained_in(report: Report) -> str:
    answer = report.answer
    return _cell(answer.fits[-1].cell if answer and answer.fits else None)


def _cell_with(report: Report, name: str) -> int | None:
    """Return the cell that defines a name, or else the first that mentions it."""
    definition, mention = re.compile(rf"\b(?:class|def)\s+{name}\b"), re.compile(rf"\b{name}\b")
    for pattern in (definition, mention):
        for shown in report.cells:
            if shown.is_new and pattern.search(shown.cell.source):
                return shown.cell.index
    return None
