"""Questions about the data that a network was fed, and about errors before that."""

import math
import re

from checker.judge.comparison import is_implausible
from checker.judge.questions.makers import making
from checker.judge.questions.view import LONGEST_LINE, CodeMatch, Details, View, about, short
from checker.judge.suspicion import SUSPECTED
from checker.keras_spec.architectures import normalises_inputs
from checker.keras_spec.foreign_weights import is_said_in
from checker.records.job import Ending
from checker.records.network import Labels
from checker.records.report import CauseKind, Figure
from checker.records.tracing import Column, FeatureSource
from checker.records.verdicts import Failure, FailureCause, Stage, Verdict
from checker.scoring.metrics import find
from checker.source import absences, frameworks

CLEARLY_LARGER = 3
"""A column this many times larger than another needs another learning rate."""
BY_GRADIENT = frozenset({"SGD", ""})
"""The optimizer whose steps grow with the gradient, and an unknown one; all others fit them to each weight."""
FEW_ROWS = 8_000
"""With fewer training and development rows than this, of 20,640, much of the data is missing."""

LIMITS = {
    Ending.TIME: (
        "takes so long",
        "Counts: epochs × rows / batch size makes the steps; a loop needs a condition that ends it; tries it with one "
        "epoch first.",
    ),
    Ending.MEMORY: (
        "needs so much memory",
        "Names the line that keeps large arrays, and counts: rows × columns × 8 bytes, times the copies that are kept. "
        "Keeps only what is needed of each.",
    ),
    Ending.OUTPUT: (
        "prints so much",
        "Names the line that prints, and how often it runs, counted from the loops. A line for each epoch is enough.",
    ),
    Ending.PROCESSES: (
        "starts processes",
        "Names the line that starts processes, and how many: the product of the loops' lengths, or without end. The "
        "sandbox allows 128 at a time, plus the number of processors. This task needs none.",
    ),
}
"""What the line does at which a limit ended a run, and good answers about it."""
SIZES = {
    "median_house_value": "hundreds of thousands",
    "total_rooms": "thousands",
    "population": "thousands",
    "total_bedrooms": "hundreds",
    "households": "hundreds",
    "longitude": "hundreds",
    "latitude": "tens",
    "housing_median_age": "tens",
}
"""The data's columns of large numbers, the largest first, and their usual size."""
FILLS = {
    r"\bmedian\b": "the median",
    r"\bmean\b|SimpleImputer\(\)": "the mean",
    r"\bmost_frequent\b": "the most frequent value",
}
"""Patterns of code that fills missing values, and what it fills in."""
_WEIGHTS = (".h5", ".hdf5", ".keras", ".ckpt", ".index", ".pb", ".pth", ".pt", ".onnx", ".tflite")
"""Endings of the names of files with weights."""
_OFFERED = re.compile(r", which has [^;]*")
"""The list of packages in the checker's own message on a package that is not installed."""


# -- what went wrong -------------------------------------------------------------------------------------


def a_failure(view: View) -> Details | None:
    """A failure in a cell stopped the run."""
    for failure in view.report.failures:
        if failure.stage is Stage.EXECUTING and failure.cell is not None and not _is_limit(view):
            return about(failure.cell, what=failure.rationale, help=failure.help)
    return None


def a_limit(view: View) -> Details | None:
    """A limit ended the run."""
    failures = [f for f in view.report.failures if f.stage is Stage.EXECUTING]
    if not _is_limit(view) or not failures:
        return None
    cell = failures[0].cell
    does, good = LIMITS.get(view.report.execution.ending, LIMITS[Ending.TIME])
    return about(Figure.FAILURES if cell is None else cell, does=does, good=good)


def _is_limit(view: View) -> bool:
    return view.report.execution.ending not in (Ending.FINISHED, Ending.CRASHED, Ending.NONSENSE)


def an_error(view: View) -> Details | None:
    """One of the student's own cells raises an error, and no question is about its cause."""
    broken = next((cell for cell in view.own if cell.error), None)
    if broken is None or broken.error is None or _missing(view)[0] or other_library(view):
        return None
    message = _OFFERED.sub("", broken.error.message[:LONGEST_LINE])
    said = short(f"{broken.error.name}: {message}", 120)
    return about(broken.index, error=said.rstrip(".…"))


def missing_data(view: View) -> Details | None:
    """The first error is a file of data that was not handed in."""
    failure, kind, name = _missing(view)
    if failure is None or kind != "file" or name.lower().endswith(_WEIGHTS):
        return None
    return about(_at(failure), kind=view.kind, name=short(name), data=view.report.dataset.name)


def missing_part(view: View) -> Details | None:
    """The first error is a module, or a file of weights, that was not handed in."""
    failure, kind, name = _missing(view)
    if failure is None or (kind == "file" and not name.lower().endswith(_WEIGHTS)):
        return None
    verb = "reads" if kind == "file" else "imports"
    return about(_at(failure), kind=view.kind, verb=verb, name=short(name))


def _missing(view: View) -> tuple[Failure | None, str, str]:
    """Return the failure about a missing file or module, with "file" or "module", and its name."""
    for failure in view.report.failures:
        if named := absences.named_in(failure.rationale):
            kind, _, name = named.partition(" ")
            return failure, kind, name.strip("`")
    return None, "", ""


def _at(failure: Failure) -> int | Figure:
    return Figure.FAILURES if failure.cell is None else failure.cell


def other_library(view: View) -> Details | None:
    """The file uses another library in place of Keras."""
    named = (frameworks.named_in(failure.rationale) for failure in view.report.failures)
    library = next(filter(None, named), "")
    if not library:
        return None
    pattern = re.compile(frameworks.PATTERNS[library], re.MULTILINE)
    place = next((cell.index for cell in view.own if pattern.search(cell.source)), Figure.FAILURES)
    return about(place, library=library)


def another_width(view: View) -> Details | None:
    """There is no answer, and a network with another number of outputs was trained for the task."""
    failure = next((f for f in view.report.failures if f.stage is Stage.SELECTING and f.cell is not None), None)
    width = re.search(r"ends in (\d[\d,]* outputs?)", failure.rationale) if failure else None
    if failure is None or width is None:
        return None
    ask, good = _of_width(view.classes, width[1])
    return about(failure.cell, width=width[1], ask=ask, good=good)


def _of_width(classes: int, width: str) -> tuple[str, str]:
    """Return what to ask about a network with this many outputs, and a good answer."""
    if not classes:
        return (
            "How do you get a price in dollars from them, and how far off is it at best",
            "If each stands for a band of prices: the middle of the likeliest, so it may be off by half a band even if "
            "the band is right. One unit without an activation gives the price itself.",
        )
    if width == "1 output":
        return (
            f"What would it have to say for each of {classes} classes, and what would such numbers claim about them",
            "One number for all would say that the classes lie in a row: that a class is near the one with the next "
            "number, and between two others.",
        )
    return (
        "Which class does each stand for, and what does the network say of a house of another class",
        f"The task has {classes}, however rare. A house of a class without an output is always given another class, so "
        "its recall is 0.",
    )


def labels_differ(view: View) -> Details | None:
    """More labels differ from the data's than a slip explains."""
    tracing = view.report.tracing
    if tracing is None or not tracing.has_other_labels:
        return None
    line = making(view, "labels")
    label = "label" if view.classes else "target"
    ask = f"How would you check your {label}s against the data"
    if line is None:  # the page names the line that was found
        ask = f"Where do your {label}s come from, and how would you check them against the data"
    return about(line.cell if line else Figure.FEATURES, ask=ask, good=_of_labels(tracing.labels_look, label))


def _of_labels(look: str, label: str) -> str:
    """Return a good answer to how labels with this look are checked against the data; ``label``: the word for one."""
    if look.startswith("made from another column"):
        if label == "target":
            return "A plot of the targets against the data's column shows it: all points must lie on one line."
        return "A cross table of labels and the target's column shows it: each class has to have one label of its own."
    if look.startswith("merged"):
        return "By counting the rows of each label beside those of each class: two classes have one label together."
    rows = f"By printing some rows with their {label}s before and after each step"
    if look:
        return (
            f"{rows}, beside the file: shuffling, sorting, dropping rows or resetting an index must be done to X and Y "
            "together."
        )
    return f"{rows} until `fit`, beside the same rows of the file."


def untraced(view: View) -> Details | None:
    """There is an answer, and its rows were not matched with the data's."""
    tracing = view.report.tracing
    if tracing is None or tracing.source is not FeatureSource.NOWHERE:
        return None
    return about(view.trained, reason=tracing.reason)


def unknown_target(view: View) -> Details | None:
    """The rows of a regression were matched, but the scale of its targets is unknown."""
    tracing = view.report.tracing
    if view.classes or tracing is None or tracing.source is FeatureSource.NOWHERE or tracing.target:
        return None
    return about(view.trained)


def weights_from_elsewhere(view: View) -> Details | None:
    """The answer's training was not recorded, or the run's statements about it are impossible."""
    answer, agreed = view.report.answer, view.report.agreed
    unseen = next(filter(_is_of_weights, view.report.failures), None)
    if unseen is None and not (agreed and agreed.impossible):
        return None
    cell = unseen.cell if unseen and unseen.cell else view.made
    return about(cell, variable=short(answer.variable if answer else "the network"))


def suspicious_inputs(view: View) -> Details | None:
    """The inputs may give the answer away."""
    is_so = any(SUSPECTED in reason for reason in view.report.reasons)
    return about(Figure.FEATURES, what="class" if view.classes else "price") if is_so else None


def _is_of_weights(failure: Failure) -> bool:
    return failure.cause is FailureCause.TRAINED_ELSEWHERE or is_said_in(failure.rationale)


def never_finished(view: View) -> Details | None:
    """There is no answer, but there is a network that no line of the file tries to train."""
    built = view.built
    if built is None or _is_broken_before_training(view):
        return None
    return about(built.cell, variable=short(built.variable.strip("`")))


def _is_broken_before_training(view: View) -> bool:
    """Tell whether the run ended, or an error arose, before a training that the file may hold."""
    broken = {cell.index for cell in view.own if cell.error}
    return bool(view.report.cut_short) or any(failure.cell in broken for failure in view.report.failures)


# -- the data --------------------------------------------------------------------------------------------


def tested_on_trained_rows(view: View) -> Details | None:
    """Every test included rows that had been trained on."""
    seen = view.report.tracing.seen if view.report.tracing else ()
    if not seen or any(rows.trained_on < 0.01 * rows.rows for rows in seen):
        return None
    worst = max(seen, key=lambda rows: rows.trained_on)
    trained_on = "all" if worst.trained_on == worst.rows else f"{worst.trained_on:,}"
    given = (
        f"`{worst.how}` in cell {worst.cell} was given {worst.rows:,} rows, and {trained_on} of them were trained on."
    )
    if view.report.verdict is Verdict.FAIL:  # the page says that it was no test
        return about(
            worst.cell,
            ask="Why does a score on rows that were trained on say little, and why is a development set no test either",
            good="A network may know the rows that it was trained on by heart. On a development set the best number of "
            f"epochs is partly luck. Only rows that played no part in either tell. {given}",
        )
    return about(
        worst.cell,
        ask=f"`{worst.how}` here is given {worst.rows:,} rows, and the network was trained on {trained_on} of them. "
        "What does the result say about houses it has not seen",
        good=f"Little: it may have learnt those rows by heart. {given} Only rows that played no part in training, nor "
        "in choosing, tell.",
    )


def kinds_left_out(view: View) -> Details | None:
    """The page leads with rows of some kinds that the training left out by choice."""
    if view.leading != CauseKind.ROWS:
        return None
    line = view.find(r"\w+\[.*\.isin\s*\(|\.query\s*\(|\]\s*([<>]=?|[!=]=)|\[\s*\w+\.\w+\s*([<>]=?|[!=]=)")
    what = "class" if view.classes else "price"
    dropped = f"`{line.code.replace('`', '')}` in cell {line.cell} seems to leave them out. " if line else ""
    return about(line.cell if line else Figure.FEATURES, what=what, line=dropped)


def left_out(view: View) -> Details | None:
    """Some held-out rows have no inputs, and are unlike the others."""
    missing = view.report.comparison.missing if view.report.comparison else None
    if missing is None or missing.is_left_out:
        return None
    return about(Figure.SCORES, what=missing.in_words)


def leak(view: View) -> Details | None:
    """A column gives the target away."""
    for number, column in enumerate(_columns(view), start=1):
        if column.gives_away(not view.classes):
            line = making(view, "inputs")
            which = "" if line else f"Which line puts column {number} among your inputs? "
            ask, good = _of_leak(view, number)
            return about(line.cell if line else Figure.FEATURES, ask=f"{which}{ask}", good=good)
    return None


def _of_leak(view: View, number: int) -> tuple[str, str]:
    """Return what to ask about a column that gives the target away, and a good answer; of an implausible score, which
    the page explains by the column, what it would be without."""
    c = view.report.comparison
    if c is None or not is_implausible(c):
        return (
            f"Would you have column {number} of your inputs for a new house, and how would you have found it",
            "No: the column is what the network is to predict, or made from it, so nothing is left to learn. A list of "
            "the columns of X shows it, or each column's plot against the target.",
        )
    usual = find(c.metric, c.unit).unit.value(c.baseline_mean)
    return (
        f"What {view.metric.name} would you expect without column {number}, and why",
        f"About {usual}, as {c.baseline} has, or better: only columns that a new house has are left to learn from. "
        f"Column {number} is what the network is to predict, or made from it.",
    )


def few_rows(view: View) -> Details | None:
    """The answer was trained on a small part of the data."""
    tracing = view.report.tracing
    if tracing is None or not 0 < tracing.training_rows + tracing.development_rows < FEW_ROWS:
        return None
    return about(view.trained, rows=tracing.training_rows, rare=_rare(view))


def _rare(view: View) -> str:
    return "; and rare classes would have rows" if view.classes else ""


def scaled_before_splitting(view: View) -> Details | None:
    """Columns are standardised exactly over all rows, but not over the training rows."""
    peeked = [c for c in _columns(view) if _is_standard(c.all_mean, c.all_deviation)]
    peeked = [c for c in peeked if not _is_standard(c.train_mean, c.train_deviation)]
    place = view.find(r"\b(StandardScaler|fit_transform|\.std\()")
    return about(place.cell if place else Figure.FEATURES, columns=len(peeked)) if peeked else None


def unscaled(view: View) -> Details | None:
    """Columns of large numbers reach the network unscaled."""
    if view.architecture is None or normalises_inputs(view.architecture) or len(_columns(view)) < 2:
        return None
    by_size = sorted(_columns(view), key=_size)
    large, small = by_size[-1], next((c for c in by_size if c.source and c.train_deviation > 0), None)
    if abs(large.train_mean) <= 10 and large.train_deviation <= 10:
        return None
    column, other, times = short(large.source) or "your largest column", "a column near 1", _size(large)
    beside = other
    if small is not None and _size(large) > CLEARLY_LARGER * _size(small):
        other, times = short(small.source), _size(large) / _size(small)
        beside = f"{other} ({_spread(small)})"
    optimizer = view.phase.optimizer.class_name if view.phase else ""
    good = _of_rate(optimizer, f"{column} ({_spread(large)})", beside, int(float(f"{times:.0e}")))
    return about(Figure.FEATURES, column=column, other=other, good=good)


def _of_rate(optimizer: str, large: str, small: str, times: int) -> str:
    """Return a good answer to why no learning rate suits the weights of two columns, one ``times`` as large as the
    other."""
    if optimizer in BY_GRADIENT:
        return (
            f"A weight's gradient grows with its input: the gradients by the weights of {large} are about {times:,} "
            f"times as large as those of {small}. With SGD a rate small enough for the one leaves the other's weights "
            "where they are."
        )
    return (
        f"{short(optimizer)} gives all weights steps of about the same size, but a step in the weight of {large} moves "
        f"the output about {times:,} times as far as one in the weight of {small}. Small enough for the one is far too "
        "small for the other. (Plain SGD is worse: its steps follow the gradients, which differ as much too.)"
    )


def _spread(column: Column) -> str:
    return f"mean {_number(column.train_mean)}, deviation {_number(column.train_deviation)}"


def _size(column: Column) -> float:
    return math.hypot(column.train_mean, column.train_deviation)


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def scaled(view: View) -> Details | None:
    """Columns are standardised over the training rows."""
    columns = [c for c in _columns(view) if c.source and _is_standard(c.train_mean, c.train_deviation)]
    if view.architecture is None or not columns or view.is_constant:
        return None
    names = {c.source for c in columns}
    large = next((name for name in SIZES if name in names), "")
    return about(Figure.FEATURES, column=large, size=SIZES[large]) if large else None


def normalised_inside(view: View) -> Details | None:
    """The network scales its inputs itself."""
    if view.architecture is None or not normalises_inputs(view.architecture):
        return None
    layer = next((layer for layer in view.layers if layer.class_name in ("Normalization", "Rescaling")), None)
    return about(view.made, layer=f"a {layer.class_name} layer") if layer else None


def missing_values(view: View) -> Details | None:
    """The student's own code fills missing values."""
    match = view.find(r"\b(SimpleImputer|KNNImputer|IterativeImputer|fillna)\s*\(")
    if match is None:
        return None
    filled = next((words for code, words in FILLS.items() if re.search(code, match.call)), "a value for each gap")
    return about(match.cell, code=match.call, filled=filled)


def dropped_rows(view: View) -> Details | None:
    """The student's own code drops rows with missing values."""
    return _quoted(view.find(r"\bdropna\s*\("))


def parts(view: View) -> Details | None:
    """The rows of the training part and the development part were matched."""
    tracing = view.report.tracing
    if tracing is None or not (tracing.training_rows and tracing.development_rows):
        return None
    place = view.find(r"\btrain_test_split\s*\(")
    where = place.cell if place else Figure.FEATURES
    return about(where, training=tracing.training_rows, development=tracing.development_rows)


def numbers_of_classes(view: View) -> Details | None:
    """Labels are class numbers."""
    if view.classes < 3 or view.phase is None or view.phase.labels is not Labels.INTEGERS:
        return None
    one, two = (short(name) for name in view.report.classes[:2])
    return about(view.trained, last=view.classes - 1, one=one, two=two)


def one_hot(view: View) -> Details | None:
    """Labels are one-hot."""
    if view.classes < 2 or view.phase is None or view.phase.labels is not Labels.ONE_HOT:
        return None
    place = view.find(r"\b(to_categorical|get_dummies|one_hot|OneHotEncoder|LabelBinarizer)\s*\(")
    where = place.cell if place else view.trained
    return about(where, label=short(view.report.classes[1]), classes=view.classes)


def _quoted(match: CodeMatch | None) -> Details | None:
    return about(match.cell, code=match.code) if match else None


def _columns(view: View) -> tuple[Column, ...]:
    tracing = view.report.tracing
    return tracing.columns if tracing and tracing.source is FeatureSource.TRACED else ()


def _is_standard(mean: float, deviation: float) -> bool:
    return abs(mean) < 1e-4 and abs(deviation - 1) < 1e-4
