"""The view of a report for the rules of questions, and the details that they fill into a question. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from statistics import fmean

from checker.keras_spec.architectures import hidden_layers, in_order, output_activation, output_units
from checker.keras_spec.foreign_weights import is_said_in
from checker.records.capture import CellResult
from checker.records.evidence import Rejected
from checker.records.network import Architecture, Layer, Phase
from checker.records.report import Figure, Report
from checker.records.verdicts import Importance, Outcome, Verdict
from checker.scoring.metrics import Metric, Unit, find

LONGEST = 60
"""Limit on the characters of a student's text in a question."""
LONGEST_LINE = 1_000
NEVER_TRAINED = "it was never trained"
"""The reason why a network that no line trains is not the answer."""


@dataclass(frozen=True)
class Details:
    """The values for a template's braces, and the cell or the figure that the question is about."""

    values: Mapping[str, str]
    cell: int | None
    figure: Figure | None


def about(place: int | Figure | None, **values: object) -> Details:
    """Return a question's details, at a cell or a figure; numbers get a comma for each thousand."""
    words = {name: f"{value:,}" if isinstance(value, int) else str(value) for name, value in values.items()}
    figure = place if isinstance(place, Figure) else None
    return Details(words, None if isinstance(place, Figure) else place, figure)


@dataclass(frozen=True)
class CodeMatch:
    """A match of a pattern in a student's own code: its cell and its line, either the whole line or the part from the
    pattern on. ``call``: the part from the pattern to the bracket that closes its call."""

    cell: int
    code: str
    call: str = ""


@dataclass(frozen=True)
class View:
    """A report, and the properties that many rules need."""

    report: Report

    @cached_property
    def own(self) -> tuple[CellResult, ...]:
        """The student's own cells."""
        return tuple(shown.cell for shown in self.report.cells if shown.is_new)

    @cached_property
    def architecture(self) -> Architecture | None:
        """The architecture of the answer, if it could be read."""
        return self.report.answer.architecture if self.report.answer else None

    @cached_property
    def layers(self) -> tuple[Layer, ...]:
        """The answer's layers in order."""
        return in_order(self.architecture) if self.architecture else ()

    @cached_property
    def hidden(self) -> tuple[Layer, ...]:
        """The answer's hidden layers."""
        return hidden_layers(self.architecture) if self.architecture else ()

    @cached_property
    def phases(self) -> tuple[Phase, ...]:
        """The phases in which the answer was trained."""
        return self.report.recipe.phases if self.report.recipe else ()

    @property
    def phase(self) -> Phase | None:
        """The last phase."""
        return self.phases[-1] if self.phases else None

    @property
    def made(self) -> int | Figure:
        """The cell in which the answer was made."""
        return self.report.answer.cell if self.report.answer else Figure.CHOICE

    @property
    def trained(self) -> int | Figure:
        """The cell in which the answer was trained last."""
        answer = self.report.answer
        return answer.fits[-1].cell if answer and answer.fits else Figure.CHOICE

    @property
    def rows(self) -> int:
        """Number of the answer's training rows in the notebook."""
        answer = self.report.answer
        return answer.fits[-1].training.rows if answer and answer.fits else 0

    @property
    def kind(self) -> str:
        """The word for the submission's own file."""
        return "notebook" if self.report.submission.is_notebook else "module"

    @property
    def classes(self) -> int:
        """Number of classes; 0 for a regression."""
        return len(self.report.classes)

    @property
    def built(self) -> Rejected | None:
        """The last network of the student's own cells that was never trained, if there is no answer."""
        own = {cell.index for cell in self.own}
        idle = [one for one in self.report.selection.rejected if one.reason == NEVER_TRAINED and one.cell in own]
        return idle[-1] if idle and self.report.answer is None else None

    @property
    def leading(self) -> str:
        """The kind of the cause, or else the name of the failed rule, that a FAIL's page begins with; "" for others."""
        if self.report.verdict is not Verdict.FAIL or self.report.failures:
            return ""
        failed = (r for r in self.report.rules if r.outcome is Outcome.FAILED and r.importance is Importance.REQUIRED)
        return self.report.cause.kind if self.report.cause else next((rule.name for rule in failed), "")

    @property
    def has_other_labels(self) -> bool:
        """Whether the answer was trained on other labels than the data's."""
        return self.report.tracing is not None and self.report.tracing.has_other_labels

    @property
    def has_foreign_weights(self) -> bool:
        """Whether the answer held weights of unknown source before its training."""
        is_from_elsewhere = self.report.answer is not None and bool(self.report.answer.origin)
        return is_from_elsewhere or any(is_said_in(failure.rationale) for failure in self.report.failures)

    @property
    def is_constant(self) -> bool:
        """Whether the output is the same for all inputs, whatever the weights: a softmax over a single unit."""
        network = self.architecture
        return network is not None and output_activation(network) == "softmax" and output_units(network) == 1

    @property
    def metric(self) -> Metric:
        """The task's metric."""
        return find(self.report.metric, self.report.unit)

    @property
    def unit(self) -> Unit:
        """The unit of the task's metric."""
        return self.metric.unit

    def losses(self, name: str) -> list[float]:
        """Return the mean over the seeds of a loss after each epoch, up to the last epoch that all seeds have."""
        series = [run.history.get(name, ()) for run in self.report.runs]
        epochs = [[value for value in of if value is not None] for of in zip(*series, strict=False)]
        return [fmean(of) for of in epochs if len(of) == len(series)] if series else []

    def find(self, pattern: str) -> CodeMatch | None:
        """Return the last place in the student's own code that matches a pattern; comments do not count."""
        for cell in reversed(self.own):
            for line in cell.source.split("\n"):
                code = line.partition("#")[0].strip()[:LONGEST_LINE]
                if found := re.search(pattern, code):
                    line = code if len(code) <= LONGEST else code[found.start() :]
                    return CodeMatch(cell.index, short(line), short(_call(code[found.start() :])))
        return None


def as_written(unit: Unit, number: float) -> float:
    """Return a number as a page writes it, so that figures that are computed from it agree with the page."""
    return round(number * unit.factor, unit.decimals) / unit.factor


def _call(code: str) -> str:
    """Return code up to the bracket that closes the first one; all of it if none does."""
    depth = 0
    for at, sign in enumerate(code):
        depth += {"(": 1, ")": -1}.get(sign, 0)
        if sign == ")" and not depth:
            return code[: at + 1]
    return code


def short(text: str, most: int = LONGEST) -> str:
    """Return a student's text on one line, cut between words to the length that a question can hold."""
    line = " ".join(text[: 2 * most].split())
    if len(line) <= most and len(text) <= 2 * most:
        return line
    words, space, _ = line[:most].rpartition(" ")
    return f"{words} …" if space and len(words) > most // 2 else f"{line[: most - 1]}…"
