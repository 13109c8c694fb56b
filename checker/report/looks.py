"""What a demonstrator looks at where no machine decides, and what the student is told of it.

Theory of operation: ``all_of`` tries the kinds of open verdicts in the order in which ``judge.verdict`` lists its
reasons. The first that applies is what the page says.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from checker.judge import blame, suspicion
from checker.keras_spec.foreign_weights import ELSEWHERE
from checker.records.comparison import Comparison, Likeness
from checker.records.job import Ending
from checker.records.report import CauseKind, Report
from checker.records.verdicts import Failure, FailureCause, Importance, Outcome, Verdict
from checker.report.vocabulary import FAILURES
from checker.source import absences

TICK = "If so, ask the questions and tick as usual."
MEND = (
    "If it is an honest mistake, decide `resubmit` and ask for a version that runs to its end. Nothing was measured, "
    "so there is nothing to tick yet."
)
NOTHING = "You need not change anything now."
STOPS = {
    Ending.TIME: ("Took too long", "is there a loop that never ends, or far more training than the task needs?"),
    Ending.MEMORY: ("Used too much memory", "which array or table there is far larger than the data?"),
    Ending.OUTPUT: ("Printed too much", "what is printed so often?"),
    Ending.PROCESSES: ("Started too many processes", "what starts processes there? The task needs none."),
}
STOPS[Ending.WALL_CLOCK] = STOPS[Ending.TIME]
"""By the limit that ended a run: what that is called, and what to look for."""
NAMED = re.compile(r"`(\w+)`")


@dataclass(frozen=True)
class Look:
    """What a demonstrator looks at where no machine decides, and what the student may be asked to explain. ``does``:
    the student has something to do first. ``cell``: the cell that this is about."""

    title: str
    demonstrator: str
    student: str
    does: bool = False
    cell: int | None = None


def referring(report: Report) -> Failure | None:
    """Return the failure that leaves the verdict open; None if there is none."""
    return next((one for one in report.failures if blame.VERDICTS[one.cause] is Verdict.REFER), None)


def name_of(failure: Failure, ending: Ending) -> str:
    """Return what a failure is called: the missing file, the limit that ended the run, or its cause."""
    if failure.cause is FailureCause.NO_ANSWER and (missing := absences.named_in(failure.rationale)):
        return f"Missing {missing.replace(' `', ': ').rstrip('`')}"
    if failure.cause is FailureCause.CUT_SHORT and ending in STOPS:
        return STOPS[ending][0]
    return "Nothing handed in" if failure.rationale.startswith("Nothing was handed in") else FAILURES[failure.cause]


def all_of(report: Report) -> Iterator[Look]:
    """Yield what there is to look at, the most telling first; always something."""
    failure = referring(report)
    if failure is not None:
        yield _look_at_failure(report, failure)
    if report.cut_short:
        yield _look_at_cut(report)
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
    where, title = _cell(failure.cell), name_of(failure, report.execution.ending)
    ready = f"{failure.help or NOTHING} A demonstrator decides with you."
    match failure.cause:
        case FailureCause.CUT_SHORT:
            return _look_at_stop(report, failure, title)
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
            ready = f"{NOTHING} Be ready to show a demonstrator {where} and to explain it."
        case _:
            look = f"Read {where}, where the first error arose, before anyone runs the file. {MEND}"
    does = bool(failure.help) and failure.cause is not FailureCause.NOT_RETRAINED
    return Look(title, look, ready, does)


def _look_at_stop(report: Report, failure: Failure, title: str) -> Look:
    """Return what to look at where a limit or a crash ended the run."""
    where = _cell(failure.cell)
    ends = "what ends Python there: `exit()`, `quit()`, or a crash in a library?"
    _, ask = STOPS.get(report.execution.ending, (title, ends))
    return Look(
        title,
        f"Read {where} before anyone runs it: {ask} {MEND}",
        f"Look at {where}: {ask} Change that, run the whole file from top to bottom, and show the new version to your "
        "demonstrator, who decides how to go on.",
        does=True,
        cell=failure.cell,
    )


def _doubt_on_training(rationale: str) -> str:
    if "were not found in the data" in rationale:
        return "do all rows that it gives to `fit` come from the data, each with its own label?"
    if "its targets" in rationale:
        return "can the student say how the targets are made, and how a prediction is turned back into the data's unit?"
    if ELSEWHERE in rationale:
        return "does the student know where the first weights come from, and are they the student's own work?"
    return "does it train the network on the data alone, in a way that the student can explain?"


def _look_at_cut(report: Report) -> Look:
    if report.cause is not None and report.cause.kind is CauseKind.FILE_CUT:
        ended = re.search(r"\bcell (\d+)", report.cut_short)
        where = _cell(int(ended[1]) if ended else None)
        return Look(
            "Run ended early",
            f"Read {where}, where the run ended: would what comes after it change the network? If not, ask the "
            "questions and tick as usual.",
            f"Look at {where}, where the run ended. Let the file run from top to bottom, and show the new version to "
            "your demonstrator, who decides how to go on.",
            does=True,
        )
    return Look(
        "Training cut short",
        "Look at the learning curves: does the loss still fall where the checker stopped the training? Look at the "
        f"notebook's own score too: does the whole training reach the bar? {TICK}",
        f"{NOTHING} The checker trains for a limited number of steps, and yours was longer. Be ready to show what the "
        "whole training reaches: a demonstrator decides with you.",
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
    what = "does it train on nothing but the data?"
    if name:
        what = f"does `{name}` only compute with what it is given, without files, labels or weights of its own?"
    if "own class" in report.replayed:
        what = f"does `{name}` predict from the inputs alone, and train on nothing but the rows that it is given?"
    return Look(
        "Own code in the network",
        f"Look at {where}: {what} {TICK}",
        "This is no fault, and you need not change anything now. A demonstrator looks at "
        f"{where} with you: be ready to explain what {f'`{name}`' if name else 'it'} does.",
        cell=cell,
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
