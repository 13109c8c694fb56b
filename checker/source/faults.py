"""Faults of a file's cells: errors, and statements that are no valid Python. Pure."""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from checker.records.capture import Adaptation, CellResult
from checker.records.submission import Companion
from checker.source import absences
from checker.source.definitions import Statement

LONGEST = 200
"""Limit on the characters of an error's message that are shown."""
COLOUR = re.compile(r"\x1b?\[[0-9;]{0,20}m")
_LINE = re.compile(r"Cell\s+In\s*\[\d+\],?\s+line\s+(\d+)|line (\d+)")
_UNKNOWN = re.compile(r"name '(\w+)' is not defined")
_NO_PYTHON = re.compile(
    r"line (\d+)(?: of the cell)? is no valid Python, `(.*)`: (.*); everything else was run", re.DOTALL
)
_GOES_ON = re.compile(r"[\s)\]}#]|(?:else|elif|except|finally)\b|$")
"""The beginning of a line that continues a statement."""
NOTHING_RAN = ("SyntaxError", "IndentationError", "TabError")


@dataclass(frozen=True)
class Fault:
    """A fault in a cell. It stopped the statements from line ``line`` on; if ``last`` is set, only the lines up to it
    were left out. ``name`` and ``message`` are the error's. ``lacks``: the missing file, as a sentence without its full
    stop; else ""."""

    cell: int
    line: int
    name: str
    message: str
    last: int | None = None
    lacks: str = ""

    @property
    def unknown(self) -> str:
        """The name that was not defined; "" for any other error."""
        found = _UNKNOWN.search(self.message[:LONGEST]) if self.name in ("NameError", "UnboundLocalError") else None
        return found.group(1) if found else ""

    def stopped(self, statement: Statement) -> bool:
        """Tell whether a statement of this cell did not run, or did not finish."""
        return statement.last >= self.line and (self.last is None or statement.first <= self.last)


def invalid_statements(cells: Sequence[CellResult], adaptations: Sequence[Adaptation]) -> Iterator[Fault]:
    """Yield the statements that were left out as invalid Python: each is the statement around the reported line, which
    for a module is numbered within the file."""
    sources = {cell.index: cell.source.split("\n") for cell in cells}
    for note in adaptations:
        found = _NO_PYTHON.match(note.what)
        if found is not None:
            number, text, why = found.groups()
            lines = sources.get(note.cell, [])
            at = next((at for at, line in enumerate(lines) if line.strip()[:120] == text), len(lines) - 1)
            first = next((of for of in range(at, -1, -1) if not _GOES_ON.match(lines[of])), 0)
            last = next((of for of in range(at + 1, len(lines)) if not _GOES_ON.match(lines[of])), len(lines))
            yield Fault(note.cell, first + 1, "SyntaxError", f"line {number}, `{text[:80]}`: {why}", last)


def cell_errors(
    cells: Sequence[CellResult], left_out: Collection[int], companions: Sequence[Companion]
) -> Iterator[Fault]:
    """Yield the errors of cells, each with its line within the cell; 0 where the line is not known."""
    for cell in cells:
        error = cell.error
        if error is None or (error.name == "SyntaxError" and cell.index in left_out):
            continue
        found = _LINE.search(COLOUR.sub("", error.traceback[:3_000]))
        line = int((found.group(1) or found.group(2))[:6]) if found and error.name not in NOTHING_RAN else 0
        if line > cell.source.count("\n") + 1:  # a module's errors number lines of the whole file
            line = 0
        yield Fault(cell.index, line, error.name[:100], error.message, lacks=absences.lacks(cell, companions))
