"""Advice for demonstrators on open verdicts, and the explanation for the student.

Theory of operation: ``all_of`` tries the kinds of open verdicts in the order in which ``judge.verdict`` lists its
reasons. The page shows the first that applies.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from checker.formats.text import counted
from checker.judge import blame, suspicion
from checker.keras_spec.foreign_weights import is_said_in
from checker.records.comparison import Comparison, Likeness
from checker.records.job import Ending
from checker.records.report import CauseKind, Report
from checker.records.verdicts import Failure, FailureCause, Importance, Outcome, Verdict
from checker.report import own_code, sentences
from checker.report.vocabulary import FAILURES
from checker.scoring import metrics, targets
from checker.source import absences, frameworks

TICK = "If so, ask the questions and tick as usual; if not, decide `resubmit`."
EITHER_WAY = "Decide `resubmit` either way: nothing was measured. Also judge which it is:"
HONEST = "the student can say what the code is for"
DELIBERATE = "no purpose that the student can name, or code that hides what it does"
HONEST_PROCESSES = f"their number has an end, and {HONEST}"
DELIBERATE_PROCESSES = f"no end, processes that start others, {DELIBERATE}"
ENDS = "a version that runs to its end"
VERSIONS = {
    Ending.TIME: "a version that needs less time",
    Ending.WALL_CLOCK: "a version that needs less time",
    Ending.MEMORY: "a version that needs less memory",
    Ending.OUTPUT: "a version that prints less",
    Ending.PROCESSES: "the same work one after another",
}
"""What a student whose run measured nothing is asked for, by the limit that ended the run; else ``ENDS``."""
NOTHING = "You need not change anything now."
STOPS = {
    Ending.TIME: (
        "Took too long",
        "is there a loop that never ends, or far more training than the task needs?",
        "End every loop, and train for fewer epochs or with fewer settings.",
    ),
    Ending.MEMORY: (
        "Used too much memory",
        "which array or table there is far larger than the data, or kept many times over?",
        "Keep only what you need of it, and watch that the file stays under {limit}.",
    ),
    Ending.OUTPUT: ("Printed too much", "what is printed so often?", "Print a summary instead."),
    Ending.PROCESSES: (
        "Started too many processes",
        "what starts processes there, and how many?",
        "Do the work one part after another, in one process.",
    ),
}
STOPS[Ending.WALL_CLOCK] = STOPS[Ending.TIME]
"""By the limit that ended a run: its name in words, what to look for, and what the student does about it."""
ALLOWED = {Ending.PROCESSES: " The sandbox allows 128 at a time, plus the number of processors."}
"""By the limit that ended a run: what the sandbox allows, if the reason does not say it."""
_LIMIT = re.compile(r"\b\d[\d.]* [MG]iB\b")
SOURCES_OF_WEIGHTS = (
    "\nKeras, in this file and on training rows only: the file's own result{own} counts. If it reaches the bar{bar}, "
    "ask the questions and tick; else decide `resubmit`."
    "\nAnything else (another library, a file, any development or test row): decide `resubmit`."
)
THEIR_OWN, OWN_LOSS = "own class", "the loss"
"""Words in the reason for a replay: the whole model is of the student's own class; the loss is a function of theirs."""
ASKED = {
    "test_nonlinear_hidden_layer": "is there a non-linear hidden layer?",
    "test_output_is_one_distribution": (
        "{outputs} output units, one for each class, with softmax (or none, if the loss has `from_logits=True`)?"
    ),
    "test_output_is_one_number": "one output unit, which can give any number?",
}
"""Shared rules on the network, by name, as questions for the eye."""
OF_OUTPUT = frozenset({"test_output_is_one_distribution", "test_output_is_one_number"})
"""Those on its output layer."""
_SET_WEIGHTS = re.compile(r"\bset_weights\((\w{1,60})\)")
NAMED = re.compile(r"`(\w+)`")
ENDED = "where the run ended"


DOUBTS = (
    (
        "were not found in the data",
        "Rows not found in the data",
        "do all rows that it gives to `fit` come from the data, each with its own label?",
    ),
    (
        targets.UNKNOWN,
        "Targets not recognised",
        "can the student say how the targets are made, and how a prediction is turned back into the data's unit?",
    ),
)
"""Words in the reason why a network was not retrained, the title for it, and the question to check."""


@dataclass(frozen=True)
class Look:
    """Advice on an open verdict: what a demonstrator looks at, and what the student may be asked to explain. Lines of
    ``demonstrator`` after the first are steps; before these come the numbered questions ``asks``, each to be answered
    with yes or no. ``does``: the student must do something first. ``cell``: the cell concerned; ``about_cell``: a note
    on that cell, "" for none; ``line``: the beginning of a line to mark in it; ``beside``: a further cell to show.
    ``banner``: what a demonstrator does first, in a few words; "" for the verdict's meaning."""

    title: str
    demonstrator: str
    student: str
    does: bool = False
    cell: int | None = None
    about_cell: str = ""
    asks: tuple[str, ...] = ()
    beside: int | None = None
    line: str = ""
    banner: str = ""


def referring(report: Report) -> Failure | None:
    """Return the failure that leaves the verdict open; None if there is none."""
    return next((one for one in report.failures if blame.VERDICTS[one.cause] is Verdict.REFER), None)


def name_of(failure: Failure, ending: Ending) -> str:
    """Return a title for a failure: the missing, strange or unexpected thing, the limit that ended the run, or the
    cause."""
    if is_said_in(failure.rationale):
        return "Weights of unknown source"
    if failure.cause is FailureCause.NOT_RETRAINED:
        return next((title for words, title, _ in DOUBTS if words in failure.rationale), FAILURES[failure.cause])
    if failure.cause is FailureCause.NO_ANSWER and (library := frameworks.named_in(failure.rationale)):
        return f"{library[:1].upper()}{library[1:]} instead of Keras"
    if failure.cause is FailureCause.NO_ANSWER and (missing := absences.named_in(failure.rationale)):
        return f"Missing {missing.replace(' `', ': ').rstrip('`')}"
    if failure.cause is FailureCause.CUT_SHORT and ending in STOPS:
        return STOPS[ending][0]
    return "Nothing handed in" if failure.rationale.startswith("Nothing was handed in") else FAILURES[failure.cause]


def all_of(report: Report) -> Iterator[Look]:
    """Yield the looks that apply, the most telling first; always at least one."""
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
        f"Let the student run the file in front of you. Does it train a network that does well? {TICK}",
        "A demonstrator runs the file with you.",
    )


def _look_at_failure(report: Report, failure: Failure) -> Look:
    cell, where, title = failure.cell, _cell(failure.cell), name_of(failure, report.execution.ending)
    line = ""
    ready = f"{failure.help or NOTHING} A demonstrator decides with you."
    match failure.cause:
        case FailureCause.CUT_SHORT:
            return _look_at_stop(report, failure, title)
        case FailureCause.UNREADABLE_UPLOAD:
            look = (
                "Open the upload by hand. If you cannot, decide `resubmit` and ask for it again; else check the file "
                "inside it alone."
            )
        case FailureCause.WAITS_FOR_INPUT:
            look = f"Let the student run {where} in front of you and type the input. Does the rest then run? {TICK}"
        case FailureCause.TRAINED_ELSEWHERE:
            look = (
                f"Look at {where}, and ask for the code that trained the network. Let the student run it: does it give "
                f"this network? {TICK}"
            )
        case FailureCause.RETRAINING_ENDED:
            look = (
                "Look at the file's own training: does it end on the student's machine, with a score above the bar? "
                f"{TICK}"
            )
            cell = _trained_cell(report)
        case FailureCause.DIVERGED_AFTER_LEARNING:
            look = (
                "Look at the learning rate and the scaling: let the student train again with another seed. Does the "
                f"loss stay a number? {TICK}"
            )
            cell = _trained_cell(report)
        case FailureCause.NOT_RETRAINED:
            if is_said_in(failure.rationale):
                return _look_at_weights(report, failure, title)
            at, cell, line = _place(report, failure)
            look = f"Look at {at}: {_doubt_on_training(failure.rationale)} {TICK}"
            ready = (
                f"This need not be a fault. {NOTHING} Be ready to show a demonstrator {_cell(cell)} and to explain it."
            )
        case _:
            look = f"Read {where}, where the first error arose; do not run the file. {_mend(report.execution.ending)}"
    does = bool(failure.help) and failure.cause is not FailureCause.NOT_RETRAINED
    return Look(title, look, ready, does, cell, line=line)


def _look_at_weights(report: Report, failure: Failure, title: str) -> Look:
    """Return the look for a network whose weights come from elsewhere than its training."""
    at, cell, line = _place(report, failure)
    before = _made_before(report, at, cell)
    sources = SOURCES_OF_WEIGHTS.format(own=_of_own(report), bar=_of_bar(report))
    return Look(
        title,
        f"Start at {at}, and go up: what made {_weights(at)}, and on which rows?{_look_for(before)}{sources}",
        "The weights must come from training your own Keras network in this file, on the training rows only. If yours "
        f"do, change nothing: show a demonstrator {at} and explain it. If they come from anything else (another "
        "library, a file, a training on development or test rows), take that line out, train with `fit` from random "
        "weights until the loss settles, and hand it in again. A usual learning rate is 0.001.",
        cell=cell,
        beside=max(before, default=None),
        line=line,
        banner=f"Find what made the weights: {_cell(cell)}",
    )


def _place(report: Report, failure: Failure) -> tuple[str, int | None, str]:
    """Return the place that raises a doubt about a training, in words, with its cell and its line: the place that sets
    weights or makes targets, or else the cell that trains the network, where the line is ""."""
    found = None
    if is_said_in(failure.rationale):
        found = own_code.found(report, own_code.SETS_WEIGHTS)
    elif targets.UNKNOWN in failure.rationale:
        found = own_code.making_targets(report, failure.cell)
    if found is None:
        return _cell(failure.cell), failure.cell, ""
    cell, line = found
    return f"`{line}` in cell {cell}", cell, line


def _look_at_stop(report: Report, failure: Failure, title: str) -> Look:
    """Return the look for a run that a limit or a crash ended."""
    where = _cell(failure.cell)
    ends = "what ends Python there: `exit()`, `quit()`, or a crash in a library?"
    ending = report.execution.ending
    _, ask, do = STOPS.get(ending, (title, ends, "Change that."))
    limit = _LIMIT.search(failure.rationale)
    do = do.format(limit=limit[0] if limit else "the limit")
    return Look(
        title,
        f"Read {where}, and do not run it: {ask}{ALLOWED.get(ending, '')} {_mend(ending)}",
        f"Look at {where}: {ask} {do} Run the whole file from top to bottom before you hand it in. A demonstrator may "
        "ask what that code is for.",
        does=True,
        cell=failure.cell,
        about_cell=ENDED,
    )


def _mend(ending: Ending) -> str:
    """Return the decision about a run that measured nothing, and how to judge it, a case a line."""
    is_of_processes = ending is Ending.PROCESSES
    honest, deliberate = (HONEST_PROCESSES, DELIBERATE_PROCESSES) if is_of_processes else (HONEST, DELIBERATE)
    return (
        f"{EITHER_WAY}\nPerhaps honest ({honest}): ask for {VERSIONS.get(ending, ENDS)}."
        f"\nPerhaps deliberate ({deliberate}): tell the lecturer."
    )


def _of_own(report: Report) -> str:
    """Return the file's own score in brackets, to follow its name; "" if there is none."""
    own = sentences.own_shown(report)
    return f" ({own[0]})" if own else ""


def _of_bar(report: Report) -> str:
    """Return the usual bar's value, to follow the word "bar"; "" if it is unknown."""
    if report.bar_on_all_rows is None:
        return ""
    return f" of {metrics.find(report.metric, report.unit).unit.value(report.bar_on_all_rows)}"


def _weights(at: str) -> str:
    """Return the variable that the line of a place sets as weights, or else words for them."""
    named = _SET_WEIGHTS.search(at)
    return f"`{named[1]}`" if named else "these weights"


def _made_before(report: Report, at: str, cell: int | None) -> dict[int, list[str]]:
    """Return the names of earlier cells that the variable set as weights comes from, by the cell that makes them."""
    named = _SET_WEIGHTS.search(at)
    return own_code.made_before(report, cell, named[1]) if named and cell is not None else {}


def _look_for(before: Mapping[int, Sequence[str]]) -> str:
    """Return a sentence on the cells that make names; "" for none."""
    places = [f"cell {cell} for {', '.join(f'`{name}`' for name in names)}" for cell, names in before.items()]
    return f" Look at {', and at '.join(places)}." if places else ""


def _doubt_on_training(rationale: str) -> str:
    doubt = "does it train the network on the data alone, in a way that the student can explain?"
    return next((doubt for words, _, doubt in DOUBTS if words in rationale), doubt)


def _look_at_cut(report: Report) -> Look:
    if report.cause is not None and report.cause.kind is CauseKind.FILE_CUT:
        ended = re.search(r"\bcell (\d+)", report.cut_short)
        cell = int(ended[1]) if ended else None
        return Look(
            "Run ended early",
            f"Read {_cell(cell)}, {ENDED}: does the network stay the same whatever comes after it? {TICK}",
            f"Look at {_cell(cell)}, {ENDED}. Let the file run from top to bottom. Hand it in again only if a "
            "demonstrator asks you to.",
            does=True,
            cell=cell,
            about_cell=ENDED,
        )
    return Look(
        "Training cut short",
        "Look at the learning curves: does the loss still fall where the checker stopped the training? Look at the "
        f"file's own score too: does the whole training reach the bar? {TICK}",
        f"{NOTHING} The checker trains for a limited number of steps, and yours was longer. Be ready to show what the "
        "whole training reaches: a demonstrator decides with you.",
        cell=_trained_cell(report),
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
        what = "what was trained, and when? The file's own record contradicts itself."
    again = "Let the student train once more in front of you. Is the score the same as on this page?"
    return Look(
        "Not repeatable",
        f"Look at {_trained_in(report)}: {what} {again} {TICK}",
        f"A demonstrator looks at {_trained_in(report)} with you. Be ready to train once more and to explain the "
        "difference.",
        cell=_trained_cell(report),
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
        cell = own_code.cell_of(report, own_code.DROPS_ROWS)
        yield Look(
            "Rows without inputs",
            f"Look for the line that drops these rows{_perhaps(cell)}. Does the student have a good reason for it? "
            f"{TICK}",
            "A demonstrator asks why some rows got no inputs. Be ready to show the line that drops them.",
            cell=cell,
        )
    if any(suspicion.SUSPECTED in reason for reason in report.reasons):
        cell = own_code.cell_of(report, own_code.MAKES_COLUMNS)
        yield Look(
            "Suspicious inputs",
            f"Look at the lines that make these inputs{_perhaps(cell)}: is each computed from the row alone, without "
            f"its class or target? {TICK}",
            "A demonstrator asks how your inputs are made. Be ready to show the lines.",
            cell=cell,
        )
    if compared.is_borderline:
        yield Look(
            "Too close to the bar",
            "The score cannot decide, so the answers do: tick if the student can explain the network and its training; "
            "if not, decide `resubmit`.",
            "Your score is too close to the bar to decide. A demonstrator decides by your answers.",
        )


def _look_at_replay(report: Report) -> Look:
    name = next(iter(NAMED.findall(report.replayed)), "")
    cell = own_code.defining(report, name) if name else None
    cell = _trained_cell(report) if cell is None else cell
    asked = _unchecked(report, cell)
    made = report.answer.cell if report.answer and asked and report.answer.cell != cell else None
    where = _cells(cell, made)
    asks = (f"{_begun(_cell(cell))}: {_asked_of_code(report.replayed, name)}", *asked)
    yes, no = ("All yes", "Any no") if asked else ("Yes", "No")
    return Look(
        "Own code in the network",
        f"Look at {where}, and answer yes or no."
        f"\n{yes}: ask the questions below and tick as usual."
        f"\n{no}: decide `resubmit`.",
        "This is no fault, and you need not change anything now. A demonstrator looks at "
        f"{where} with you: be ready to explain what {f'`{name}`' if name else 'it'} does.",
        cell=cell,
        asks=asks,
        beside=made,
        banner=f"Read {where}: {counted(len(asks), 'yes/no question')}",
    )


def _asked_of_code(replayed: str, name: str) -> str:
    """Return the question about the student's own code, by the reason for its replay."""
    if not name:
        return "does it train on nothing but the data (no other file, no ready-made weights)?"
    part = f"the `{name}` layer" if name == "Lambda" else f"`{name}`"
    if THEIR_OWN in replayed:
        return (
            f"does `{name}` predict from its inputs alone, and train only on the rows that it is given (no file, no "
            "other labels, no ready-made weights)?"
        )
    if replayed.startswith(OWN_LOSS):
        return (
            f"does `{name}` compute only from the labels and the outputs that it is given (no file, no ready-made "
            "weights)?"
        )
    return (
        f"does {part} compute only from its input and from weights trained in this file (no file, no labels, no "
        "ready-made weights)?"
    )


def _unchecked(report: Report, cell: int | None) -> tuple[str, ...]:
    """Return the required rules that own code, defined in this cell, left unchecked, as questions with their cells."""
    made = report.answer.cell if report.answer else None
    needed = (rule for rule in report.rules if rule.importance is Importance.REQUIRED)
    asked = []
    for rule in (rule for rule in needed if rule.outcome is Outcome.UNKNOWN):
        is_of_layers_made = rule.name in OF_OUTPUT and THEIR_OWN not in report.replayed
        where = _begun(_cells(made) if made is not None and is_of_layers_made else _cells(cell, made))
        about = f"is it so? {rule.sentence}"
        if rule.name in ASKED:
            about = ASKED[rule.name].format(outputs=len(report.classes))
        asked.append(f"{where}: {about} The checker could not check this.")
    return tuple(asked)


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


def _cells(*indices: int | None) -> str:
    """Return the names of cells, each once."""
    return " and ".join(_cell(one) for one in dict.fromkeys(indices) if one is not None) or _cell(None)


def _begun(words: str) -> str:
    """Return words as the beginning of a sentence."""
    return f"{words[:1].upper()}{words[1:]}"


def _perhaps(cell: int | None) -> str:
    return "" if cell is None else f", perhaps in cell {cell}"


def _trained_in(report: Report) -> str:
    return _cell(_trained_cell(report))


def _trained_cell(report: Report) -> int | None:
    answer = report.answer
    return answer.fits[-1].cell if answer and answer.fits else None
