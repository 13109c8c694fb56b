"""The exchange between the store of decisions and ``decisions.csv``, which people fill in with any program.

Theory of operation: once there is a store, ``exchange`` alone writes the file. The column ``version`` of each row holds
the id of the decision that the row shows. So a row that equals its version is unedited, however old it is. A row that
differs is a decision by hand, if the desk has no later decision. Otherwise it is stale: a spreadsheet has saved old
content. Then the store keeps both decisions, and the desk's counts. Conditions have a column of their own, a line for
each, so that notes need no format. The file is replaced in one step, and only if its content has not changed since it
was read. If no cell changes, the file is left alone.
"""

import os
import re
import tempfile
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from checker.errors import HarnessError, UsageError
from checker.formats import files, sheets
from checker.formats.text import counted, one_line
from checker.gradebooks import decision_log, decisions
from checker.gradebooks.decision_log import DecisionLog
from checker.gradebooks.decisions import Decided, Decision
from checker.records.decisions import Choice, DecisionEntry, Erased, Origin

COLUMNS = (*decisions.COLUMNS, "conditions", "version")
AT_DESK = frozenset({Origin.DESK, Origin.UNDO})
ATTEMPTS = 3
SETTLED = 0.2
"""Seconds since the last change after which a file counts as completely written."""
CHANGING = f"{decisions.FILE} is being changed by another program."
NAMED = 10
"""Maximum number of students that a sentence names."""
_FORMULA = r"(?:[\t\r\n]|\s*[=+\-@\uff1d\uff0b\uff0d\uff20])"
_COMPUTED, _GUARDED = re.compile(rf"'*{_FORMULA}"), re.compile(rf"'+{_FORMULA}")


@dataclass(frozen=True)
class Exchanged:
    """The decisions that count after an exchange, and its findings.

    ``by_hand``: new decisions in the file. ``conflicts``: each student's stale decisions without a later decision.
    ``unwritten``: why the file does not show everything, "" if it does. The store has it, so try again.
    """

    decided: Mapping[str, Decided]
    by_hand: tuple[DecisionEntry, ...] = ()
    conflicts: Mapping[str, tuple[DecisionEntry, ...]] = field(default_factory=dict)
    unwritten: str = ""

    @property
    def lines(self) -> tuple[str, ...]:
        """The findings, as sentences."""
        told = [_in_words(self.by_hand)] if self.by_hand else []
        told += [self._conflict(*one) for student in self.conflicts.values() for one in [(student[-1], len(student))]]
        told += [
            f"{one_line(student)}: {one.problem} ({decisions.FILE})."
            for student, one in self.decided.items()
            if one.problem
        ]
        return (*told, *filter(None, [self.unwritten]))

    def _conflict(self, stale: DecisionEntry, count: int) -> str:
        counts = self.decided.get(stale.student, Decided(None))
        more = f" (and {count - 1} more)" if count > 1 else ""
        return (
            f"{one_line(stale.student)}: {decisions.FILE} said {_said(stale.choice, stale.by)}{more}, written without "
            f"the newer decision of the desk, {_said(counts.decision or Choice.OPEN, counts.by)}. Both are kept. The "
            "desk's counts, until somebody decides again."
        )


def _in_words(by_hand: Sequence[DecisionEntry]) -> str:
    named = ", ".join(f"{one_line(one.student)} ({one.choice})" for one in by_hand[:NAMED])
    more = f" and {len(by_hand) - NAMED} more" if len(by_hand) > NAMED else ""
    return f"{counted(len(by_hand), 'decision')} by hand in {decisions.FILE}: {named}{more}."


def _said(choice: str, by: str) -> str:
    return f"{choice}, by {one_line(by)}" if by else str(choice)


# -- the exchange ------------------------------------------------------------------------------------------


@contextmanager
def opened(out: Path) -> Iterator[DecisionLog]:
    """Open the store of a results folder; copies of the store and the file, if the folder is read-only."""
    if os.access(out, os.W_OK, effective_ids=os.access in os.supports_effective_ids):
        with DecisionLog.open(out) as log:
            yield log
        return
    with tempfile.TemporaryDirectory() as copies:
        decision_log.copy(out, Path(copies))
        if (out / decisions.FILE).is_file():
            (Path(copies) / decisions.FILE).write_bytes(files.content(out / decisions.FILE))
        with DecisionLog.open(Path(copies)) as log:
            yield log


def exchange(log: DecisionLog, students: Mapping[str, str]) -> Exchanged:
    """Take people's entries in ``decisions.csv`` into the store, and write the decisions that count now into the file.

    ``students``: each student of these results, with the SHA-256 of the submitted file, "" for none. Raises UsageError
    if the file is not a table of decisions; then it stays as it is.
    """
    path, unwritten = log.path.with_name(decisions.FILE), CHANGING
    by_hand, problems = list[DecisionEntry](), dict[str, Decided]()
    try:
        for _ in range(ATTEMPTS):
            table = _Table.of(_settled(path), students)
            problems = {row.student: Decided(None, problem=row.problem) for row in table.rows if row.problem}
            if (taken := _take(table, log, students)) is not None:
                by_hand += taken
                unwritten = _show(table, log, students)
            if not unwritten:
                break
    except OSError as error:
        unwritten = f"{path} could not be read: {error.strerror}."
    return Exchanged({**decided(log), **problems}, tuple(by_hand), log.conflicts(), unwritten)


def decided(log: DecisionLog) -> dict[str, Decided]:
    """Return the decision that counts for each student."""
    return {
        student: Decided(
            None if one.choice is Choice.OPEN else Decision(one.choice), one.note, one.by, conditions=one.conditions
        )
        for student, one in log.newest().items()
    }


def _settled(path: Path) -> bytes:
    """Return the content of a file that no program is writing at this moment; b"" if there is none."""
    try:
        age = time.time() - path.stat().st_mtime
        if 0 <= age < SETTLED:
            time.sleep(SETTLED - age)
        return path.read_bytes()
    except FileNotFoundError:
        return b""


def _take(table: "_Table", log: DecisionLog, students: Mapping[str, str]) -> list[DecisionEntry] | None:
    """Add the decisions of the file that the store lacks; return those that count. None if the file has changed since
    it was read, because a row may have been erased."""
    newest = log.newest()
    changed = (row for row in table.rows if not row.problem and not row.shows(newest.get(row.student)))
    new = [row for row in changed if _origin(row, log.history(row.student))]
    if not new:
        return []
    with log.writing():
        if not _is_as_read(table, log):
            return None
        taken = [_add(row, log, students.get(row.student, "")) for row in new]
    return [entry for entry in taken if entry is not None and entry.origin is Origin.HAND]


def _add(row: "_Row", log: DecisionLog, sha256: str) -> DecisionEntry | None:
    """Add a row's decision, unless another exchange or an equal row above has added it already."""
    history = log.history(row.student)
    origin = _origin(row, history)
    if origin is None:
        return None
    content = row.over(_entry(history, row.version))
    return log.decide(row.student, *content, row.version, sha256, origin).entry


def _entry(history: Sequence[DecisionEntry], id: int) -> DecisionEntry | None:
    return next((one for one in history if one.id == id), None)


def _origin(row: "_Row", history: Sequence[DecisionEntry]) -> Origin | None:
    """Return the origin under which a row enters a student's history; None if it has nothing new."""
    counting = [one for one in history if one.origin is not Origin.STALE]
    shown, is_known = _entry(history, row.version), row.version == 0 or _entry(history, row.version) is not None
    if row.shows(counting[-1] if counting else None) or (is_known and row.shows(shown)):
        return None
    since = [one for one in history if one.id > row.version or not is_known]
    if not any(one.origin in AT_DESK for one in since):  # newer decisions came from this table, which is still open
        return Origin.HAND
    is_kept = any(row.shows(one) for one in since if one.origin not in AT_DESK and one.based_on == row.version)
    return None if is_kept else Origin.STALE


def _is_as_read(table: "_Table", log: DecisionLog) -> bool:
    path = log.path.with_name(decisions.FILE)
    return (path.read_bytes() if path.exists() else b"") == table.content


def _show(table: "_Table", log: DecisionLog, students: Mapping[str, str]) -> str:
    """Write the table with the decisions that count now; return why that failed, "" if it did not.

    The store is locked during this, so that no exchange overwrites a newer table with an older one.
    """
    last = log.last()
    after = table.showing(log.newest(), students)
    with log.writing():
        if not _is_as_read(table, log):
            return CHANGING
        if log.last() != last:  # somebody decided in the meantime
            after = table.showing(log.newest(), students)
        return "" if after == table.content else _replace(log.path.with_name(decisions.FILE), after)


def _replace(path: Path, content: bytes) -> str:
    """Replace the file; return why that failed, "" if it did not."""
    try:
        files.write(path, content)
    except HarnessError as error:
        if isinstance(error.__cause__, PermissionError):
            return f"{path} could not be replaced: close the program that has it open, or make {path.parent} writable."
        return f"{path} could not be replaced. {error.message}"
    return ""


def erase(out: Path, student: str) -> Erased:
    """Remove a student's rows from ``decisions.csv`` and all entries from the store, both or none.

    Raises UsageError if the file cannot be replaced or is not a table of decisions.
    """
    if not decision_log.exists(out):
        _erase_rows(out / decisions.FILE, student)
        return Erased()
    with DecisionLog.open(out) as log:
        with log.writing():
            removed = log.remove(student)
            _erase_rows(out / decisions.FILE, student)
        log.compact()
    return removed


def _erase_rows(path: Path, student: str) -> None:
    if path.is_file():
        table = _Table.of(files.content(path), ())
        if any(row.student == student for row in table.rows) and (why := _replace(path, table.without(student))):
            raise UsageError(why, "Then do the same again.")


# -- the file ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Row:
    """A row that names a student, at a line of the table. ``says``: the text of each existing column, in the form of
    ``_cells``. ``is_windows``: the file was saved in an encoding that lacks most characters."""

    line: int
    student: str
    version: int
    says: Mapping[str, str]
    problem: str
    is_windows: bool

    def shows(self, entry: DecisionEntry | None) -> bool:
        """Tell whether the row shows an entry; without an entry, whether it is empty."""
        return not self._other(entry)

    def over(self, entry: DecisionEntry | None) -> tuple[Choice, str, tuple[str, ...], str]:
        """Return choice, note, conditions and name: the row's where it differs from the entry, else the entry's."""
        cells = _cells(entry) | self._other(entry)
        note, conditions, by = (_unguarded(cells[column]) for column in ("note", "conditions", "by"))
        return Choice(cells["decision"] or Choice.OPEN), note, tuple(conditions.splitlines()), by

    def _other(self, entry: DecisionEntry | None) -> dict[str, str]:
        """Return the columns in which the row differs from an entry."""
        shown = _cells(entry)
        return {column: said for column, said in self.says.items() if said not in self._forms(shown[column])}

    def _forms(self, shown: str) -> tuple[str, ...]:
        return (shown, shown.encode("cp1252", "replace").decode("cp1252")) if self.is_windows else (shown,)


@dataclass(frozen=True)
class _Table:
    """The file, or a new one, and its rows. ``lines``: the file's lines. ``heading``: the heading that it needs.
    ``places``: the index of each column in a line."""

    content: bytes
    lines: tuple[tuple[str, ...], ...]
    heading: tuple[str, ...]
    rows: tuple[_Row, ...]
    places: Mapping[str, int]
    separator: str
    ending: str

    @classmethod
    def of(cls, content: bytes, students: Collection[str]) -> "_Table":
        """Read the file. Raises UsageError if it is not a table of decisions."""
        if not content.strip(b"\xef\xbb\xbf \r\n"):
            return cls(content, ((),), COLUMNS, (), {column: at for at, column in enumerate(COLUMNS)}, ",", "\n")
        sheet, is_windows = decisions.sheet(content), _is_windows(content)
        width = max(map(len, sheet.cells))
        missing = [column for column in COLUMNS if column not in sheet.columns]
        columns = [*sheet.columns, *[""] * (width - len(sheet.columns)), *missing]
        padded = (*sheet.cells[0], *[""] * (width - len(sheet.cells[0])), *missing)
        names = {name.encode("cp1252", "replace").decode("cp1252"): name for name in students} if is_windows else {}
        rows = _agreeing(
            _row(at, names.get(row["student"], row["student"]), row, is_windows)
            for at, row in enumerate(sheet.rows, 1)
            if row["student"]
        )
        return cls(
            content,
            sheet.cells,
            padded if missing else sheet.cells[0],
            rows,
            {column: at for at, column in enumerate(columns)},
            sheet.separator,
            "\r\n" if "\r\n" in sheet.text else "\n",
        )

    def showing(self, newest: Mapping[str, DecisionEntry], students: Iterable[str]) -> bytes:
        """Return the file with a row for each student's newest decision. Rows with a problem stay unchanged."""
        lines = [list(self.heading), *map(list, self.lines[1:])]
        for row in self.rows:
            if not row.problem:
                self._fill(lines[row.line], row.student, row.says, newest.get(row.student))
        there = {row.student for row in self.rows}
        for student in dict.fromkeys([*students, *newest]):
            if student not in there:
                lines.append([])
                self._fill(lines[-1], student, {}, newest.get(student))
        if tuple(map(tuple, lines)) == self.lines:
            return self.content
        return self._as_file(lines)

    def without(self, student: str) -> bytes:
        """Return the file without the rows of a student."""
        gone = {row.line for row in self.rows if row.student == student}
        return self._as_file(line for at, line in enumerate(self.lines) if at not in gone)

    def _as_file(self, lines: Iterable[Sequence[str]]) -> bytes:
        return ("\ufeff" + "".join(sheets.line(line, self.separator) + self.ending for line in lines)).encode()

    def _fill(self, line: list[str], student: str, says: Mapping[str, str], entry: DecisionEntry | None) -> None:
        cells = {column: cell for column, cell in _cells(entry).items() if cell != says.get(column, "")}
        for column, cell in {"student": student, **cells, "version": str(entry.id) if entry else ""}.items():
            at = self.places[column]
            line.extend([""] * (at + 1 - len(line)))
            line[at] = cell


def _row(at: int, student: str, row: Mapping[str, str], is_windows: bool) -> _Row:
    """Read a row. One that cannot be understood has a problem."""
    word, problem = row["decision"].strip().casefold(), ""
    version = re.fullmatch(r"(\d{1,15})(?:[.,]0*)?", row.get("version", "").strip(), re.ASCII)
    says = {"decision": word}
    try:
        says |= {column: _cleaned(column, row[column]) for column in ("note", "conditions", "by") if column in row}
    except UsageError as error:
        problem = error.message
    if word and word not in tuple(Decision):
        problem = decisions.unknown(row["decision"])
    return _Row(at, student, int(version[1]) if version else 0, says, problem, is_windows)


def _agreeing(rows: Iterable[_Row]) -> tuple[_Row, ...]:
    """Return the rows; contradictory rows of one student get this as their problem."""
    found: dict[str, list[_Row]] = {}
    for row in rows:
        found.setdefault(row.student, []).append(row)
    return tuple(
        replace(one, problem=decisions.CONTRADICTION) if any(one.says != other.says for other in same) else one
        for same in found.values()
        for one in same
    )


def _is_windows(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return True
    return False


# -- cells -------------------------------------------------------------------------------------------------


def _cells(entry: DecisionEntry | None) -> dict[str, str]:
    """Return the cells that show an entry; empty ones if there is none."""
    if entry is None:
        return {"decision": "", "note": "", "conditions": "", "by": ""}
    return {
        "decision": "" if entry.choice is Choice.OPEN else entry.choice,
        "note": _guarded(entry.note),
        "conditions": _guarded("\n".join(entry.conditions)),
        "by": _guarded(entry.by),
    }


def _cleaned(column: str, cell: str) -> str:
    """Return a cell in the form of ``_cells``. Raises UsageError if it is too long."""
    if not cell:
        return ""
    said = _unguarded(cell)
    if column == "conditions":
        return _guarded("\n".join(decision_log.cleaned_conditions(said.splitlines())))
    return _guarded(decision_log.cleaned_note(said) if column == "note" else one_line(said))


def _guarded(cell: str) -> str:
    """Return a cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if _COMPUTED.match(cell) else cell


def _unguarded(cell: str) -> str:
    """Return the text of a cell that ``_guarded`` made."""
    return cell[1:] if _GUARDED.match(cell) else cell
