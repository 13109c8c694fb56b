"""Moodle's offline grading worksheet: read what is in it, and fill in grades without changing another byte.

Moodle finds a row by the number at the end of its first column and nothing else, takes the headings in the language of
whoever uploads, and refuses the whole sheet where a row has more or fewer cells than the headings. So the file is never
parsed and written anew: each cell is known by its place in the text, and only the cells of grades are replaced.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from checker.errors import UsageError

SEPARATORS = ",;\t:"
HEADINGS = {
    "identifier": "Identifier|ID|Identificador|Identifiant",
    "name": "Full name|Vollständiger Name|Nombre completo|Nom complet",
    "group": "Group|Gruppe|Grupo|Groupe",
    "grade": "Grade|Bewertung|Calificación|Note",
    "maximum": "Maximum grade|Bestwertung|Calificación máxima|Note maximale",
    "scale": "Scale|Skala|Escala|Barème",
    "changeable": "Grade can be changed|Bewertung kann geändert werden|La calificación puede ser cambiada"
    "|La note peut être modifiée",
    "graded": "Last modified (grade)|Zuletzt geändert (Bewertung)|Última modificación (calificación)"
    "|Dernière modification (note)",
}
"""What Moodle's headings are in English, German, Spanish and French."""
NEEDED = ("identifier", "grade", "graded")
"""Without these Moodle refuses a worksheet."""
NO = ("no", "nein", "non")


@dataclass(frozen=True)
class Cell:
    """A cell's value, and where it stands in the text, quotes included."""

    value: str
    start: int
    end: int


@dataclass(frozen=True)
class Row:
    """A student's row. ``maximum``: points, or None; ``scale``: the words to choose from, worst first."""

    line: int
    label: str
    number: str
    name: str
    group: str
    grade: str
    maximum: float | None
    scale: tuple[str, ...]
    is_locked: bool


@dataclass(frozen=True)
class Worksheet:
    """A worksheet as it was downloaded. ``cells``: of the column of grades, by line."""

    text: str
    encoding: str
    rows: tuple[Row, ...]
    cells: Mapping[int, Cell]
    has_names: bool
    has_groups: bool


def read(content: bytes) -> Worksheet:
    """Return what a downloaded worksheet holds.

    Raises UsageError where it is none, or where Moodle would refuse it.
    """
    text, encoding = _decoded(content)
    start = 1 if text.startswith("\ufeff") else 0
    for separator in SEPARATORS:
        columns = _headings(text, start, separator)
        if all(key in columns for key in NEEDED):
            lines = list(_lines(text, start, separator))
            _require_whole(lines)
            rows = tuple(_row(at, line, columns) for at, line in enumerate(lines[1:], start=2))
            cells = {at: line[columns["grade"]] for at, line in enumerate(lines[1:], start=2)}
            return Worksheet(text, encoding, rows, cells, "name" in columns, "group" in columns)
    raise UsageError(
        "This is no grading worksheet of Moodle's in English, German, Spanish or French.",
        "Download it again with one of these as your language in Moodle, and upload it in the same language.",
    )


def fill(sheet: Worksheet, grades: Mapping[int, str]) -> bytes:
    """Return the worksheet's bytes with these grades, by line; all else is as it was.

    Raises UsageError where a grade cannot be written in the worksheet's encoding.
    """
    parts, done = [], 0
    for line, grade in sorted(grades.items()):
        cell = sheet.cells[line]
        parts += [sheet.text[done : cell.start], _quoted(grade)]
        done = cell.end
    try:
        return "".join([*parts, sheet.text[done:]]).encode(sheet.encoding, "surrogatepass")
    except UnicodeEncodeError as error:
        words = f"A grade has letters that the worksheet's encoding ({sheet.encoding}) does not know."
        raise UsageError(words, "Choose other words for it, or download the worksheet again.") from error


def number(text: str) -> float | None:
    """Return a number as Moodle writes it in any language, or None."""
    plain = text.strip().replace(",", ".")
    return float(plain) if re.fullmatch(r"-?\d+(\.\d+)?", plain, re.ASCII) else None


def clean(name: str) -> str:
    """Return a name as Moodle's file names have it (``clean_filename``), without regard to case."""
    kept = "".join(c for c in unicodedata.normalize("NFC", name) if c.isprintable() and c not in "&<>\"`|':\\/")
    return " ".join(kept.replace("_", " ").split()).casefold()


# -- reading -----------------------------------------------------------------------------------------------


def _decoded(content: bytes) -> tuple[str, str]:
    """Return text and encoding; what is not UTF-8 is taken as Latin 1, which gives every byte back as it was."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        if len(content) % 2:
            raise UsageError("The worksheet ends in the middle of a character.", "Download it again.")
        kind = "utf-16-le" if content[:1] == b"\xff" else "utf-16-be"
        return content.decode(kind, "surrogatepass"), kind
    try:
        return content.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        return content.decode("latin-1"), "latin-1"


def _lines(text: str, start: int, separator: str) -> Iterator[list[Cell]]:
    """Cut a text into lines of cells; lines without any text are left out."""
    cell = re.compile(rf'(?P<cell>"(?:[^"]|"")*"|(?!")[^{separator}\r\n]*)(?P<end>{separator}|\r?\n|\r|\Z)')
    at, line = start, list[Cell]()
    while at < len(text) or line:
        match = cell.match(text, at)
        if match is None:
            raise UsageError("The worksheet has a cell with a quotation mark in its middle.", "Download it again.")
        line.append(Cell(_value(match["cell"]), match.start(), match.end("cell")))
        at = match.end()
        if match["end"] != separator:
            if line[0].value or len(line) > 1:
                yield line
            line = []


def _value(raw: str) -> str:
    return raw[1:-1].replace('""', '"') if raw.startswith('"') and len(raw) > 1 else raw


def _headings(text: str, start: int, separator: str) -> dict[str, int]:
    """Return where each known column stands, if this is the separator."""
    try:
        line = next(_lines(text, start, separator), [])
    except UsageError:
        return {}
    known = {word.casefold(): key for key, words in HEADINGS.items() for word in words.split("|")}
    found: dict[str, int] = {}
    for at, cell in enumerate(line):
        key = known.get(cell.value.strip().casefold())
        if key is not None:
            found.setdefault(key, at)
    return found


def _require_whole(lines: Sequence[Sequence[Cell]]) -> None:
    for at, line in enumerate(lines, start=1):
        if len(line) != len(lines[0]):
            words = f"Row {at} of the worksheet has {len(line)} cells, and the headings are {len(lines[0])}."
            raise UsageError(words, "Moodle would refuse all of it: download it again.")


def _row(at: int, line: Sequence[Cell], columns: Mapping[str, int]) -> Row:
    values = {key: line[column].value for key, column in columns.items()}
    label = values["identifier"].strip()
    last = re.search(r"[0-9]+\Z", label)
    return Row(
        line=at,
        label=label,
        number=last[0] if last else "",
        name=values.get("name", "").strip(),
        group=values.get("group", "").strip(),
        grade=values["grade"].strip(),
        maximum=number(values.get("maximum", "")),
        scale=_items(values.get("scale", "")),
        is_locked=values.get("changeable", "").strip().casefold() in NO,
    )


def _items(scale: str) -> tuple[str, ...]:
    """Return a scale's words: Moodle writes one a line, and some versions put spaces for the ends of lines."""
    return tuple(item.strip() for item in re.split(r"[\r\n]+|\s{2,}", scale.strip()) if item.strip())


def _quoted(grade: str) -> str:
    return grade if number(grade) is not None and "," not in grade else '"' + grade.replace('"', '""') + '"'
