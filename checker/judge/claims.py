"""Scores that a notebook's own outputs state about its network, beside the measured score. Pure; they decide nothing.

Theory of operation: outputs are hostile text, so they are read in bounded pieces, line by line, by patterns that run in
linear time. A line is a claim if a number follows the name of a metric: ``Test accuracy: 93.1 %``, ``accuracy 0.92
4128`` in a classification report, ``{'accuracy': 0.93}``. So is the last state of the progress bar of ``evaluate``, and
a bare ``[loss, accuracy]`` that it returned. A wrong claim would accuse a student, while a missed one costs nothing. So
lines about training or development rows, epochs or other models do not count, nor do cells before the answer was
trained, nor numbers that cannot be the metric's. Of the rest, a claim about the test takes precedence over an
unspecific one, and a later claim over an earlier one. Outputs that were saved in the file count before outputs of this
run.

A student's claim comes from one training on one split. So it differs from the mean of several by their spread, and by
more if the split differs. It is *clearly different* only beyond ``SPREADS`` spreads and beyond a floor.
"""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from checker.keras_spec import watched
from checker.records.capture import CellResult, ModelCapture
from checker.records.comparison import Comparison
from checker.records.report import Claim, StudentCell
from checker.records.tracing import TargetScale, Tracing
from checker.scoring.metrics import find

MOST_CELLS = 300
MOST_TEXT = 20_000
"""Limit on the characters of a cell's output that are read, from its end."""
MOST_LINE = 300

SPREADS = 4.0
FLOOR = 0.03
"""Smallest clear difference of an accuracy or R², in its own unit; for errors five times this, as a share of the
measured error.
"""
FARTHEST = 5.0
"""An error within this factor of the measured one is in the same unit."""

NUMBER = r"(?P<number>\d{1,3}(?:,\d{3})+(?:\.\d{1,20})?|\d{1,9}(?:[.,]\d{1,20})?)(?P<percent>\s?%)?(?![\w.]*\w)"
BETWEEN = (
    r"(?:[\s:=~≈*|'\"()$-]|\b(?:score|on|of|the|for|in|a|is|was|test|testing|unseen|held-out|set|data|part|rows|my|final|"
    r"model|network|dollars|USD|approximately|about|around)\b|%){0,30}"
)
NAMES = {
    "accuracy": r"(?:(?:sparse_)?categorical_)?(?:accuracy|acc)",
    "rmse": r"(?:rmse|root[ _-]mean[ _-]squared?[ _-]error)",
    "mae": r"(?:mae|mean[ _-]absolute[ _-]error)",
    "r2": r"(?:r2|r²|r\^2|r-squared)",
}
SQUARED = r"(?:mse|mean[ _-]squared?[ _-]error)"

OTHERS = re.compile(
    r"train|\bbatch|\bdev\b|\bdev[_ ]|develop|valid|\bval\b|\bval_|epoch|fold|cross|\bcv\b|best|baseline|majority|"
    r"dummy|forest|tree|logistic|linear|ridge|lasso|neighbo|\bknn\b|\bsv[cmr]\b|boost|bayes|sklearn|scikit|\bmax|\bmin|"
    r"previous|without|before|expect|target|goal|should|at least",
    re.IGNORECASE,
)
"""Words of lines that are about something other than the answer on test rows."""
TRADITIONAL = re.compile(
    r"\b(?:(?!MLP|Keras)\w*(?:Classifier|Regressor)|LogisticRegression|LinearRegression|SV[CR]|\w+NB)\("
)
TEST = re.compile(r"\btest|unseen|held.?out|\bfinal", re.IGNORECASE)
EPOCH = re.compile(r"^\s*epoch\s+\d+", re.IGNORECASE)
PROGRESS = re.compile(r"^\s*(\d{1,7})/(\d{1,7})\s")
PAIR = re.compile(r"^\[\s*[\d.e+-]{1,30},\s*(?P<number>[01]\.\d{1,20})\s*\]$")
FLOAT = r"\d{1,9}(?:\.\d{1,20})?(?:e[+-]?\d{1,2})?"
LIST = re.compile(rf"^\[({FLOAT}(?:, {FLOAT}){{1,9}})\]$")
"""What `evaluate` returned: the loss and each metric."""
LOSS_FIRST = re.compile(r"loss['\"]?\s*(?:,|and|&|/|\+|\|)\s*(?:test\s*)?$", re.IGNORECASE)
ESCAPE = re.compile(r"\x1b\[[0-9;?]{0,20}[A-Za-z]")


@dataclass(frozen=True)
class StatedScore:
    """A score that an output states. ``is_test``: the line says that it is about the test."""

    cell: int
    metric: str
    value: float
    is_test: bool


def claim_of(
    cells: Sequence[StudentCell],
    answer: ModelCapture | None,
    tracing: Tracing | None,
    comparison: Comparison | None,
) -> Claim | None:
    """Return the claim of the student's own outputs about the answer; None if they state nothing, or nothing was
    measured."""
    if answer is None or comparison is None or not answer.fits:
        return None
    own = [shown.cell for shown in cells if shown.is_new and shown.cell.index >= answer.fits[-1].cell]
    own = [cell for cell in own[-MOST_CELLS:] if _may_be_about(cell, answer)]
    scale = tracing.target if tracing else None
    for saved in (True, False):
        found = [statement for cell in own for statement in _statements(cell, saved, answer, comparison)]
        stated = sorted(found, key=lambda statement: statement.is_test)
        claims = [claim for one in stated if (claim := _measured(one, saved, scale, comparison))]
        if claims:
            return claims[-1]
    return None


def error_of_evaluate(cells: Sequence[StudentCell], answer: ModelCapture) -> tuple[int, float] | None:
    """Return the last mean absolute error that `evaluate` of the answer printed in this run, in the unit of its
    targets, after the index of the cell; None if none is printed."""
    fit = answer.fits[-1] if answer.fits else None
    evaluated = {use.cell for use in answer.uses if use.how == "evaluate"}
    if fit is None:
        return None
    names = [name for name in fit.history if not name.startswith(("val_", "lr", "learning_rate"))]
    at = next((at for at, name in enumerate(names) if watched.ABSOLUTE_ERROR.is_meant_by(name)), None)
    found = [
        (shown.cell.index, error)
        for shown in cells[-MOST_CELLS:]
        if shown.cell.index in evaluated and shown.cell.index >= fit.cell
        for output in shown.cell.outputs
        if output.kind == "text"
        for error in _errors_of_evaluate(output.content[-MOST_TEXT:], at, len(names))
    ]
    return found[-1] if found else None


def _errors_of_evaluate(text: str, at: int | None, count: int) -> Iterator[float]:
    """Yield the errors in progress bars and in lists of ``count`` results, where the error's place is ``at``."""
    before = ""
    for line in filter(None, map(_as_shown, text.split("\n"))):
        returned = LIST.match(line.strip())
        results = returned[1].split(", ") if returned else []
        if at is not None and len(results) == count:
            yield float(results[at])
        elif PROGRESS.match(line) and _counts(line, before, True) and (error := _value(line, "mae")) is not None:
            yield error
        before = line


def _may_be_about(cell: CellResult, answer: ModelCapture) -> bool:
    """Tell whether a cell's outputs may be about the answer: the cell uses or names it, or uses nothing else."""
    if any(place == cell.index for place in [*(use.cell for use in answer.uses), *(fit.cell for fit in answer.fits)]):
        return True
    source = cell.source[:MOST_TEXT]
    if answer.variable and re.search(rf"\b{re.escape(answer.variable)}\b", source):
        return True
    return not TRADITIONAL.search(source) and not re.search(r"\.(?:score|predict|evaluate|fit)\s*\(", source)


# -- reading ---------------------------------------------------------------------------------------------


def _statements(cell: CellResult, saved: bool, answer: ModelCapture, comparison: Comparison) -> Iterator[StatedScore]:
    """Yield a cell's stated scores of the measured metrics."""
    texts = [cell.saved] if saved else [output.content for output in cell.outputs if output.kind == "text"]
    metrics = [measure.metric for measure in comparison.measures] or [comparison.metric]
    evaluated = any(use.cell == cell.index and use.how == "evaluate" for use in answer.uses)
    for text in texts:
        yield from _read(text[-MOST_TEXT:], cell.index, metrics, evaluated)


def _read(text: str, cell: int, metrics: Sequence[str], evaluated: bool) -> Iterator[StatedScore]:
    before = ""
    for line in filter(None, map(_as_shown, text.split("\n"))):
        counts, before = _counts(line, before, evaluated), line
        if not counts:
            continue
        pair = PAIR.match(line.strip()) if evaluated and "accuracy" in metrics else None
        if pair:
            yield StatedScore(cell, "accuracy", float(pair["number"]), False)
        for metric in metrics:
            if (value := _value(line, metric)) is not None:
                yield StatedScore(cell, metric, value, bool(TEST.search(line)))


def _counts(line: str, before: str, evaluated: bool) -> bool:
    """Tell whether a line may be about the test. A progress bar of ``fit``, which follows a line that counts epochs, is
    not, and neither is an unfinished bar."""
    if bar := PROGRESS.match(line):
        return evaluated and bar[1] == bar[2] and "val_" not in line and not EPOCH.match(before)
    return not OTHERS.search(line)


def _as_shown(line: str) -> str:
    """Return a line as a terminal would show it: the last state of a progress bar, without colours."""
    states = (ESCAPE.sub("", state) for state in reversed(line.replace("\b", "\r").split("\r")))
    return next((state for state in states if state.strip()), "")[:MOST_LINE]


def _value(line: str, metric: str) -> float | None:
    """Return the last value of a metric on a line, as a fraction or in the printed unit."""
    for name, root in ((NAMES[metric], False), (SQUARED, True)):
        if root and metric != "rmse":
            continue
        for found in reversed(list(re.finditer(rf"(?<![\w]){name}(?!\w){BETWEEN}{NUMBER}", line, re.IGNORECASE))):
            value = _number(found["number"])
            if LOSS_FIRST.search(line[: found.start()]) or not math.isfinite(value):
                continue
            if metric != "accuracy":
                is_negative = metric == "r2" and line[found.start("number") - 1] == "-"
                return math.sqrt(value) if root else -value if is_negative else value
            is_percent = bool(found["percent"]) or "%" in found[0] or 1 < value <= 100
            is_plain = bool(found["percent"]) or not found["number"].isdecimal()
            value = value / 100 if is_percent else value
            if is_plain and 0 <= value <= 1:
                return value
    return None


def _number(text: str) -> float:
    """Return the number that 0.93, 0,93, 93.1 or 48,123.5 means."""
    if re.fullmatch(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?", text) and not text.startswith("0,"):
        return float(text.replace(",", ""))
    return float(text.replace(",", "."))


# -- comparing -------------------------------------------------------------------------------------------


def _measured(stated: StatedScore, saved: bool, scale: TargetScale | None, c: Comparison) -> Claim | None:
    """Return a stated score beside the measured one; None if it cannot be of the same metric and unit."""
    measure = next((m for m in c.measures if m.metric == stated.metric), None)
    mean, spread = (measure.mean, measure.spread) if measure else (c.mean, c.spread)
    value = stated.value
    if stated.metric in ("rmse", "mae"):
        value = _in_dollars(value, scale, mean)
        if not mean / FARTHEST <= value <= mean * FARTHEST:
            return None
    floor = FLOOR * 5 * mean if stated.metric in ("rmse", "mae") else FLOOR
    differs = abs(value - mean) > max(SPREADS * spread, floor)
    sentence = _in_words(stated, value, mean, spread, saved, c.unit) if differs else ""
    return Claim(
        cell=stated.cell, metric=stated.metric, stated=value, measured=mean, saved=saved, sentence=sentence, unit=c.unit
    )


def _in_dollars(value: float, scale: TargetScale | None, measured: float) -> float:
    """Return an error in dollars. It may be stated in dollars or in the targets' unit; the reading nearer to the
    measured error counts."""
    readings = [value]
    if scale is not None and scale.shift is None and scale.factor:
        readings.append(value / abs(scale.factor))
    return min(readings, key=lambda reading: abs(math.log(reading / measured)) if reading > 0 else math.inf)


def _in_words(stated: StatedScore, value: float, mean: float, spread: float, saved: bool, unit: str) -> str:
    metric = find(stated.metric, unit)
    article = "an" if metric.name[0] in "aMR" else "a"
    where = f"The output saved under cell {stated.cell} states" if saved else f"Cell {stated.cell} states"
    said = f"{where} {article} {metric.name} of {metric.unit.value(value)}"
    return f"{said}; trained again on other splits it is {metric.unit.plus_minus(mean, spread)}."
