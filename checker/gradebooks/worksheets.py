"""Moodle's offline grading worksheet: parse it, and fill in grades and comments without changing another byte.

Moodle identifies a row only by the number at the end of its first column. It expects the headings in the language of
the user who uploads, and rejects the whole sheet if a row has more or fewer cells than the headings. So the file is
never written anew: only cells of grades and comments are replaced, by their positions in the text. Comments are HTML.
"""

import html
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from checker.errors import UsageError
from checker.formats import sheets
from checker.formats.sheets import Cell, number
from checker.formats.text import visible

SEPARATORS = ",;\t:"
LANGUAGES = "English, German, Spanish, French, Italian, Dutch, Brazilian Portuguese or Russian"
HEADINGS = {
    "identifier": "Identifier|ID|Identificador|Identifiant|Identificativo|Identificatie|Идентификатор",
    "name": "Full name|Vollständiger Name|Nombre completo|Nom complet|Nome|Volledige naam|Nome completo|Полное имя",
    "group": "Group|Gruppe|Grupo|Groupe|Gruppo|Groep|Группы",
    "grade": "Grade|Bewertung|Calificación|Note|Valutazione|Cijfer|Nota|Оценка",
    "maximum": "Maximum grade|Bestwertung|Calificación máxima|Note maximale|Valutazione massima|Maximaal cijfer"
    "|Nota máxima|Максимальная оценка",
    "scale": "Scale|Skala|Escala|Barème|Scala|Schaal|Шкала",
    "changeable": "Grade can be changed|Bewertung kann geändert werden|La calificación puede ser cambiada"
    "|La note peut être modifiée|La valutazione può essere cambiata|Het cijfer kan gewijzigd worden"
    "|Nota pode ser alterada|Оценка может быть изменена",
    "submitted": "Last modified (submission)|Zuletzt geändert (Abgabe)|Última modificación (entrega)"
    "|Última modificación (envío)|Dernière modification (travail remis)|Ultima modifica (consegna)"
    "|Laatst gewijzigd (inzending)|Última modificação (envio)|Последнее изменение (ответ)",
    "graded": "Last modified (grade)|Zuletzt geändert (Bewertung)|Última modificación (calificación)"
    "|Dernière modification (note)|Ultima modifica (valutazione)|Laatst gewijzigd (beoordeling)"
    "|Última modificação (nota)|Последнее изменение (оценка)",
    "comment": "Feedback comments|Feedback als Kommentar|Comentarios de retroalimentación|Feedback par commentaires"
    "|Commenti|Feedback|Comentários de feedback|Отзыв в виде комментария",
}
"""Moodle's headings in these languages, from its language packs."""
NEEDED = ("identifier", "grade", "graded")
"""Moodle rejects a worksheet without these columns."""
NO = ("no", "nein", "non", "nee", "não", "нет")


@dataclass(frozen=True)
class Row:
    """A student's row. ``maximum``: points, or None. ``scale``: the words to choose from, worst first. ``submitted``:
    the timestamp as Moodle writes it in the user's language, "" if nothing was submitted. ``comment``: the present
    feedback comment, as HTML.
    """

    line: int
    label: str
    number: str
    name: str
    group: str
    grade: str
    maximum: float | None
    scale: tuple[str, ...]
    is_locked: bool
    submitted: str = ""
    comment: str = ""


@dataclass(frozen=True)
class Worksheet:
    """A worksheet as downloaded. ``cells``: the cells of the grade column, by line; ``comments``: those of the column
    of feedback comments, none if the assignment has no such feedback."""

    text: str
    encoding: str
    rows: tuple[Row, ...]
    cells: Mapping[int, Cell]
    comments: Mapping[int, Cell]
    has_names: bool
    has_groups: bool


def read(content: bytes) -> Worksheet:
    """Parse a downloaded worksheet.

    Raises UsageError if it is not a worksheet, or if Moodle would reject it.
    """
    text, encoding = sheets.kept(content)
    for separator in SEPARATORS:
        columns = _headings(text, separator)
        if all(key in columns for key in NEEDED):
            lines = list(sheets.cells(text, separator))
            _require_whole(lines)
            rows = tuple(_row(at, line, columns) for at, line in enumerate(lines[1:], start=2))
            cells, comments = (_column(lines, columns.get(key)) for key in ("grade", "comment"))
            return Worksheet(text, encoding, rows, cells, comments, "name" in columns, "group" in columns)
    raise UsageError(
        f"This is no grading worksheet of Moodle's in {LANGUAGES}.",
        "Download it again with one of these as your language in Moodle, and upload it in the same language.",
    )


def fill(sheet: Worksheet, grades: Mapping[int, str], comments: Mapping[int, str]) -> bytes:
    """Return the worksheet's bytes with these grades and comments, by line; all else is unchanged.

    Raises UsageError if a grade cannot be encoded in the worksheet's encoding.
    """
    new = [(sheet.cells[line], _quoted(grade)) for line, grade in grades.items()]
    new += [(sheet.comments[line], f'"{comment}"') for line, comment in comments.items()]
    new.sort(key=lambda pair: pair[0].start)
    try:
        return sheets.replaced(sheet.text, new).encode(sheet.encoding, "surrogatepass")
    except UnicodeEncodeError as error:
        words = f"A grade cannot be written in the worksheet's encoding, {sheet.encoding}: {error.object[error.start]}."
        raise UsageError(words, "Download the worksheet as UTF-8.") from error


def as_comment(note: str, sheet: Worksheet) -> str:
    """Return a note as Moodle stores a comment: inert HTML with the note's text.

    No character acts in HTML, none ends the cell for PHP's reader of CSV (quotation marks, backslashes), none at the
    beginning makes a spreadsheet compute, and all can be written in the worksheet's encoding.
    """
    shown = visible(note.strip(), len(note) + 1)
    safe = html.escape(shown).replace("\\", "&#92;").replace("\n", "<br>")
    if safe and not (safe[0].isalnum() or safe[0] == "&"):
        safe = f"&#{ord(safe[0])};{safe[1:]}"
    return safe.encode(sheet.encoding, "xmlcharrefreplace").decode(sheet.encoding)


def clean(name: str) -> str:
    """Normalise a name as Moodle does for file names (``clean_filename``), and fold its case."""
    kept = "".join(c for c in unicodedata.normalize("NFC", name) if c.isprintable() and c not in "&<>\"`|':\\/")
    return " ".join(kept.replace("_", " ").split()).casefold()


# -- reading -----------------------------------------------------------------------------------------------


def _headings(text: str, separator: str) -> dict[str, int]:
    """Return the index of each recognised column, if this is the separator."""
    try:
        line = next(sheets.cells(text, separator), [])
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


def _column(lines: Sequence[Sequence[Cell]], column: int | None) -> dict[int, Cell]:
    return {at: line[column] for at, line in enumerate(lines[1:], start=2)} if column is not None else {}


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
        submitted=values.get("submitted", "").strip().strip("-"),
        comment=values.get("comment", ""),
    )


def _items(scale: str) -> tuple[str, ...]:
    """Return a scale's words. Moodle writes one per line; some versions write spaces instead of line ends."""
    return tuple(item.strip() for item in re.split(r"[\r\n]+|\s{2,}", scale.strip()) if item.strip())


def _quoted(grade: str) -> str:
    return grade if number(grade) is not None and "," not in grade else '"' + grade.replace('"', '""') + '"'
