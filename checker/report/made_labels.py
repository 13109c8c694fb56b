"""Words about labels that are not the data's, once the line of the file that makes them is known."""

import re

from checker.judge.causes import TOGETHER
from checker.judge.questions.makers import making
from checker.judge.questions.view import CodeMatch, View
from checker.records.report import Report
from checker.records.tracing import REORDERED
from checker.report import remarks

ORDERING = (
    (re.compile(r"[\w.]*\b(?:argsort|sort|sorted|sort_values)(?=\()"), "sorts", "sorted"),
    (re.compile(r"[\w.]*\b(?:shuffle|permutation|permuted)(?=\()"), "shuffles", "shuffled"),
)
"""Calls that reorder a table, with a verb and a participle for what they do."""
MATCHED = ", even after each number was matched to the class that it fits best"


def line_of(report: Report) -> CodeMatch | None:
    """Return the place that makes the labels of the answer's training; None if it was not found."""
    return making(View(report), "labels")


def in_words(report: Report, said: str) -> str:
    """Return a sentence on the labels, without doubt about what the line that makes them leaves no doubt of; with the
    way in which numbers were compared if the file numbers its classes differently."""
    label, line = remarks.label(report), line_of(report)
    ordering = _ordering(report, line)
    if line is not None:
        said = said.replace(f"{label}s seem to be made from", f"{label}s are made from")
    if ordering is not None:
        said = said.replace(f"{label}s seem to be {REORDERED}", f"{label}s are {ordering[2]}, the rows are not")
    if remarks.numbered_otherwise(report):
        said = said.replace(" than in the data.", f" than in the data{MATCHED}.")
    return said


def as_traced(report: Report) -> str:
    """Return the sentence on labels that differ from the data's; "" if the rows were not matched."""
    return in_words(report, report.tracing.labels_in_words(remarks.label(report))) if report.tracing else ""


def help_in_words(report: Report, help: str) -> str:
    """Return what to do about the labels, with the call that reorders them if it is known."""
    label, line = remarks.label(report), line_of(report)
    ordering = _ordering(report, line)
    if line is None or ordering is None:
        return help
    call, does, _ = ordering
    take_out = f"Take out `{call}` in cell {line.cell}: it {does} the {label}s but not the rows."
    return help.replace(TOGETHER.format(label=label), take_out)


def _ordering(report: Report, line: CodeMatch | None) -> tuple[str, str, str] | None:
    """Return the call that reorders the labels in the line that makes them, and what it does; None if none is seen."""
    if line is None or report.tracing is None or report.tracing.labels_look != REORDERED:
        return None
    found = ((call.search(line.code), does, done) for call, does, done in ORDERING)
    return next(((seen[0].lstrip("."), does, done) for seen, does, done in found if seen), None)
