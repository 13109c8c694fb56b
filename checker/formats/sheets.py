"""CSV files from other programs: read as a table with headings, or as cells with their positions in the text.

With the positions, some cells can be replaced without changing any other byte. A spreadsheet may have saved the file
with another separator or in another encoding; both are detected automatically.
"""

import csv
import io
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from checker.errors import UsageError
from checker.formats.text import one_line

SEPARATORS = ",;\t"
_FORMULA = frozenset("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
"""First characters that make a spreadsheet read a cell as a formula; the last four are full-width forms."""


@dataclass(frozen=True)
class Sheet:
    """A table. Each row maps headings, case-folded, to cells. ``cells``: all lines as they are, the headings first."""

    text: str
    separator: str
    rows: tuple[dict[str, str], ...]
    columns: tuple[str, ...]
    cells: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Cell:
    """A cell's value, and its start and end in the text, quotes included."""

    value: str
    start: int
    end: int


def guarded(text: str) -> str:
    """Return a cell's text on one line, with an apostrophe before it if a spreadsheet would compute it as a formula."""
    guard = "'" if text[:1] in _FORMULA or text.lstrip()[:1] in _FORMULA else ""
    return guard + one_line(text)


def read(content: bytes, needed: Collection[str]) -> Sheet | None:
    """Return a file's table; None if it lacks a needed column or has an unterminated quoted cell."""
    text = _decoded(content)
    for separator in SEPARATORS:
        found = _parsed(text, separator)
        columns = tuple(cell.strip().casefold() for cell in found[0]) if found else ()
        if set(needed) <= set(columns):
            rows = [dict(zip(columns, [*line, *[""] * len(columns)], strict=False)) for line in found[1:]]
            return Sheet(text, separator, tuple(rows), columns, tuple(map(tuple, found)))
    return None


def _parsed(text: str, separator: str) -> list[list[str]]:
    """Return the cells of each line that is not empty; [] if a quotation mark has no partner, because appended rows
    would become part of that cell."""
    try:
        return [line for line in csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True) if line]
    except csv.Error:
        return []


def _decoded(content: bytes) -> str:
    """Return the text without a byte order mark. A file that is not UTF-8 comes from a spreadsheet on Windows."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")


def lines(rows: Iterable[Sequence[str]], separator: str) -> str:
    """Return rows as text."""
    return "".join(f"{line(row, separator)}\n" for row in rows)


def line(row: Sequence[str], separator: str) -> str:
    """Return a row as text, without an end of the line. Cells with any kind of line break are quoted."""
    out = io.StringIO()
    csv.writer(out, delimiter=separator, lineterminator="\r\n").writerow(row)
    return out.getvalue()[:-2]


# -- cell by cell ------------------------------------------------------------------------------------------


def kept(content: bytes) -> tuple[str, str]:
    """Return text and encoding. Content in neither UTF-8 nor UTF-16 is decoded as Latin 1, which preserves every byte.

    Raises UsageError if UTF-16 content has an odd number of bytes.
    """
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        if len(content) % 2:
            raise UsageError("The file ends in the middle of a character.", "Download it again.")
        kind = "utf-16-le" if content[:1] == b"\xff" else "utf-16-be"
        return content.decode(kind, "surrogatepass"), kind
    try:
        return content.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        return content.decode("latin-1"), "latin-1"


def cells(text: str, separator: str) -> Iterator[list[Cell]]:
    """Split a text into lines of cells. Empty lines are left out.

    Raises UsageError if a cell has a quotation mark in its middle.
    """
    cell = re.compile(rf'(?P<cell>"(?:[^"]|"")*"|(?!")[^{separator}\r\n]*)(?P<end>{separator}|\r?\n|\r|\Z)')
    at, line = 1 if text.startswith("\ufeff") else 0, list[Cell]()
    while at < len(text) or line:
        match = cell.match(text, at)
        if match is None:
            raise UsageError("The file has a cell with a quotation mark in its middle.", "Download it again.")
        line.append(Cell(_value(match["cell"]), match.start(), match.end("cell")))
        at = match.end()
        if match["end"] != separator:
            if line[0].value or len(line) > 1:
                yield line
            line = []


def _value(raw: str) -> str:
    return raw[1:-1].replace('""', '"') if raw.startswith('"') and len(raw) > 1 else raw


def replaced(text: str, new: Iterable[tuple[Cell, str]]) -> str:
    """Return the text with these cells replaced; all else is unchanged. ``new`` is in order of position."""
    parts, done = [], 0
    for cell, value in new:
        parts += [text[done : cell.start], value]
        done = cell.end
    return "".join([*parts, text[done:]])


def number(text: str) -> float | None:
    """Parse a number with a decimal point or comma; None if it is not one."""
    plain = text.strip().replace(",", ".")
    return float(plain) if re.fullmatch(r"-?\d+(\.\d+)?", plain, re.ASCII) else None
