"""Places in a student's own cells for a demonstrator to look at, found by patterns in their lines."""

import re
from collections.abc import Sequence

from checker.judge.questions.view import short
from checker.records.report import Report
from checker.source.provenance import Provenance

SETS_WEIGHTS = (
    re.compile(r"\.(?:set|load)_weights\s*\("),
    re.compile(r"\bload_model\s*\("),
    re.compile(r"_initializer\s*=|\.assign\s*\(|\bweights\s*="),
)
"""Patterns of code that sets a network's weights without training, the most telling first."""
DROPS_GAPS = re.compile(r"\bdropna\s*\(")
DROPS_ROWS = (DROPS_GAPS, re.compile(r"\.query\s*\(|\[[^\]]*[<>=]=?[^\]]*\]"))
MAKES_COLUMNS = (
    re.compile(r"\b(?:hstack|column_stack|concatenate|concat|get_dummies)\s*\(|\bc_\["),
    re.compile(r"\w\]\s*=[^=]"),
)
_FIT = re.compile(r"\.fit\s*\(\s*(?:x\s*=\s*)?\w{1,100}\s*,\s*(?:y\s*=\s*)?(?P<targets>\w{1,100})\b")
LONGEST_SOURCE, LONGEST_CODE, LONGEST_LINE = 100_000, 1_000, 60
"""Maximum numbers of characters of a cell and of a line that are searched, and of a line that is shown."""
MOST_NAMES, MOST_PLACES = 4, 2
"""Maximum numbers of names from one cell and of cells that are listed."""


def found(report: Report, patterns: Sequence[re.Pattern[str]], until: int | None = None) -> tuple[int, str] | None:
    """Return the last match of the first of these patterns that matches anywhere in the student's own cells up to the
    cell ``until``: the cell, and the line without comments and backticks. None if no pattern matches."""
    cells = [shown.cell for shown in report.cells if shown.is_new and (until is None or shown.cell.index <= until)]
    for pattern in patterns:
        for cell in reversed(cells):
            for line in cell.source[:LONGEST_SOURCE].split("\n"):
                code = line[:LONGEST_CODE].partition("#")[0].replace("`", "").strip()
                if pattern.search(code):
                    return cell.index, short(code, LONGEST_LINE)
    return None


def making_targets(report: Report, trained_in: int | None) -> tuple[int, str] | None:
    """Return the last cell, up to the one that trains, that assigns the second argument of ``fit``, and the line; None
    if there is none."""
    trains = next((shown.cell for shown in report.cells if shown.cell.index == trained_in), None)
    call = _FIT.search(trains.source[:LONGEST_SOURCE]) if trains else None
    makes = re.compile(rf"^[^=(]*\b{call['targets']}\b[^=(]*=[^=]") if call else None
    return found(report, (makes,), trained_in) if makes else None


def cell_of(report: Report, patterns: Sequence[re.Pattern[str]]) -> int | None:
    """Return the cell of ``found``."""
    place = found(report, patterns)
    return place[0] if place else None


def made_before(report: Report, cell: int, name: str) -> dict[int, list[str]]:
    """Return what a variable of a cell is made from in earlier cells: names, by the last such cell that makes each."""
    source = Provenance([shown.cell for shown in report.cells])
    wanted, here = {name}, set[str]()
    for index, statement in reversed(source.statements):
        made = statement.makes | (statement.changes - source.imported)
        if index == cell and made & wanted:
            wanted |= statement.needs
            here |= statement.makes
    found: dict[int, list[str]] = {}
    for one in sorted(wanted - here - source.imported - source.later.keys()):
        cells = [source.statements[at][0] for at in source.made_at.get(one, ())]
        earlier = [index for index in cells if index < cell]
        if earlier and one.isidentifier() and len(one) <= LONGEST_LINE:
            found.setdefault(max(earlier), []).append(one)
    return {index: found[index][:MOST_NAMES] for index in sorted(found)[-MOST_PLACES:]}


def is_defined(report: Report, name: str) -> bool:
    """Tell whether one of the student's own cells defines a class or a function of this name."""
    definition = re.compile(rf"\b(?:class|def)\s+{name}\b")
    return any(shown.is_new and definition.search(shown.cell.source) for shown in report.cells)


def defining(report: Report, name: str) -> int | None:
    """Return the cell that defines a name, or else the first that mentions it."""
    definition, mention = re.compile(rf"\b(?:class|def)\s+{name}\b"), re.compile(rf"\b{name}\b")
    for pattern in (definition, mention):
        for shown in report.cells:
            if shown.is_new and pattern.search(shown.cell.source):
                return shown.cell.index
    return None
