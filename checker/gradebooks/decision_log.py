"""The store of decisions, ``decisions.sqlite`` in the results folder, to which desk, batch and export write at once.

Theory of operation: SQLite in write-ahead mode, with a sync of the disk before a call returns. So what a call wrote is
on disk once it returns, and the lock is held only for milliseconds. Entries are never changed: triggers refuse it, also
to other programs. Only ``remove`` deletes any. On a network file system write-ahead mode does not work, because it
needs shared memory; there a rollback journal is used, which is slower.
"""

import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil

from checker.errors import UsageError
from checker.formats import files
from checker.formats.text import counted, one_line, visible
from checker.records.decisions import AnswerEntry, Choice, DecisionEntry, Erased, Help, KeptTrial, Origin, Saved

FILE = "decisions.sqlite"
VERSION = 1
"""SQLite's ``user_version`` of the file; raise it when the tables change."""
LONGEST = 100_000
"""Maximum length of a note, in characters. The longest cell that Python reads from a CSV is 131,072."""
LONGEST_CONDITION, MOST_CONDITIONS = 300, 20
LONGEST_TRIAL = 4_000_000
PATIENCE = 10.0
"""Seconds to wait for another process's lock, which is held for milliseconds."""
REMOTE = frozenset(
    "9p afpfs afs beegfs ceph cifs davfs gfs2 glusterfs gpfs lustre ncpfs nfs nfs4 ocfs2 smb2 smb3 smbfs webdav "
    "fuse.ceph fuse.davfs2 fuse.gcsfuse fuse.glusterfs fuse.rclone fuse.s3fs fuse.sshfs".split()
)
"""File systems whose files other machines may write, too."""

TABLES = {
    "decision": 'student, choice, note, conditions, "by", at, based_on, submission, origin',
    "answer": 'student, question, help, "by", at',
    "trial": 'student, variant, result, "by", at',
}
"""The columns of each table, without its id."""
KINDS = ("decisions", "answers", "trials")
"""What ``Erased`` counts of each table."""


class DecisionLog:
    """The open store. Threads may share it."""

    def __init__(self, path: Path, connection: sqlite3.Connection, note: str) -> None:
        """Take a connection to a store that is ready for use."""
        self.path = path
        self.note = note
        """A sentence on the file system, "" if there is nothing to say."""
        self._connection = connection
        self._lock = threading.RLock()

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Open the store in a folder of results; make it if there is none.

        Raises UsageError, which says what to do, if that fails.
        """
        path = folder / FILE
        remote = _remote(folder)
        with _told(path, "opened"):
            connection = sqlite3.connect(path, timeout=PATIENCE, isolation_level=None, check_same_thread=False)
            try:
                _require_version(connection, path)
                is_wal = _journal(connection, "delete" if remote else "wal") == "wal"
                _prepare(connection)
            except BaseException:
                connection.close()
                raise
        return cls(path, connection, "" if is_wal else _on_journal(path, remote))

    def close(self) -> None:
        """Close the store."""
        with self._lock:
            self._connection.close()

    def __enter__(self) -> Self:
        """Return the open store."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()

    # -- decisions -----------------------------------------------------------------------------------------

    def decide(
        self,
        student: str,
        choice: Choice,
        note: str,
        conditions: Sequence[str],
        by: str,
        based_on: int,
        submission: str = "",
        origin: Origin = Origin.DESK,
    ) -> Saved:
        """Add a decision. When this returns, it is on disk.

        A repeated call (the page did not get the answer) adds nothing and returns the same entry. Raises UsageError,
        with nothing saved, if a text is too long or the store cannot be written.
        """
        values = (
            student,
            choice,
            cleaned_note(note),
            cleaned_conditions(conditions),
            one_line(by),
            based_on,
            submission,
            origin,
        )
        with self.writing():
            known = self.history(student)
            newest = known[-1] if known else None
            if newest is not None and _content(newest) == values:
                return Saved(entry=newest, unseen=tuple(one for one in known[:-1] if one.id > based_on))
            student, choice, note, conditions, by, based_on, submission, origin = values
            row = (student, choice, note, json.dumps(conditions), by, _now(), based_on, submission, origin)
            entry = self._decisions("id = ?", self._add("decision", row))[0]
        return Saved(entry=entry, unseen=tuple(one for one in known if one.id > based_on))

    def newest(self) -> dict[str, DecisionEntry]:
        """Return the decision that counts for each student: the newest, without stale ones."""
        counting = "SELECT max(id) FROM decision WHERE origin != ? GROUP BY student"
        return {one.student: one for one in self._decisions(f"id IN ({counting})", Origin.STALE)}

    def conflicts(self) -> dict[str, tuple[DecisionEntry, ...]]:
        """Return the stale decisions of each student since which nobody has decided again."""
        newer = "SELECT 1 FROM decision AS other WHERE other.student = decision.student AND other.id > decision.id"
        found: dict[str, tuple[DecisionEntry, ...]] = {}
        for one in self._decisions(f"origin = ? AND NOT EXISTS ({newer} AND other.origin != ?)", *[Origin.STALE] * 2):
            found[one.student] = (*found.get(one.student, ()), one)
        return found

    def history(self, student: str) -> tuple[DecisionEntry, ...]:
        """Return all decisions on a student, in order."""
        return self._decisions("student = ?", student)

    def since(self, id: int) -> tuple[DecisionEntry, ...]:
        """Return all decisions after this one, in order."""
        return self._decisions("id > ?", id)

    def last(self) -> int:
        """Return the id of the newest decision, 0 if there is none."""
        return int(self._rows("SELECT coalesce(max(id), 0) FROM decision")[0][0])

    def conditions_used(self, most: int) -> tuple[str, ...]:
        """Return conditions that were used before, those used most first."""
        query = """SELECT value FROM decision, json_each(decision.conditions)
            GROUP BY value ORDER BY count(DISTINCT student) DESC, max(decision.id) DESC LIMIT ?"""
        return tuple(str(value) for (value,) in self._rows(query, most))

    def _decisions(self, where: str, *values: object) -> tuple[DecisionEntry, ...]:
        return tuple(
            DecisionEntry(
                id=id,
                student=student,
                choice=Choice(choice),
                note=note,
                conditions=tuple(json.loads(conditions)),
                by=by,
                at=at,
                based_on=based_on,
                submission=submission,
                origin=Origin(origin),
            )
            for id, student, choice, note, conditions, by, at, based_on, submission, origin in self._rows(
                f"SELECT id, {TABLES['decision']} FROM decision WHERE {where} ORDER BY id",  # noqa: S608  # our words
                *values,
            )
        )

    # -- answers and trials --------------------------------------------------------------------------------

    def answer(self, student: str, question: str, help: Help | None, by: str) -> AnswerEntry:
        """Add how a student answered a question."""
        row = (student, visible(question), help, one_line(by), _now())
        with self.writing():
            id = self._add("answer", row)
        return AnswerEntry(id=id, student=student, question=row[1], help=help, by=row[3], at=row[4])

    def answers(self, student: str) -> dict[str, AnswerEntry]:
        """Return the newest mark of each question."""
        rows = self._rows('SELECT id, question, help, "by", at FROM answer WHERE student = ? ORDER BY id', student)
        return {
            question: AnswerEntry(
                id=id, student=student, question=question, help=None if help is None else Help(help), by=by, at=at
            )
            for id, question, help, by, at in rows
        }

    def keep_trial(self, student: str, variant: str, result: str, by: str) -> KeptTrial:
        """Add a what-if and its result."""
        if len(variant) + len(result) > LONGEST_TRIAL:
            raise UsageError("This trial is too large to keep.", "Keep it with fewer epochs.")
        row = (student, variant, result, one_line(by), _now())
        with self.writing():
            id = self._add("trial", row)
        return KeptTrial(id=id, student=student, variant=variant, result=result, by=row[3], at=row[4])

    def kept_trials(self, student: str) -> tuple[KeptTrial, ...]:
        """Return what was kept for a student, in order."""
        rows = self._rows('SELECT id, variant, result, "by", at FROM trial WHERE student = ? ORDER BY id', student)
        return tuple(
            KeptTrial(id=id, student=student, variant=variant, result=result, by=by, at=at)
            for id, variant, result, by, at in rows
        )

    def counts(self) -> dict[str, Erased]:
        """Return how many entries each student has."""
        tables = (self._rows(f"SELECT student, count(*) FROM {table} GROUP BY student") for table in TABLES)  # noqa: S608
        found = [dict(rows) for rows in tables]
        return {
            student: Erased(**{kind: of.get(student, 0) for kind, of in zip(KINDS, found, strict=True)})
            for student in {student for of in found for student in of}
        }

    # -- erasing -------------------------------------------------------------------------------------------

    def erase(self, student: str) -> Erased:
        """Remove every entry of a student, also from the parts of the file that are free."""
        removed = self.remove(student)
        self.compact()
        return removed

    def remove(self, student: str) -> Erased:
        """Remove every entry of a student. Until ``compact`` the file's write-ahead log still holds them."""
        counts = {}
        with self.writing():
            self._connection.execute("PRAGMA secure_delete = ON")
            for kind, table in zip(KINDS, TABLES, strict=True):
                self._connection.execute(f"DROP TRIGGER no_delete_{table}")
                cursor = self._connection.execute(f"DELETE FROM {table} WHERE student = ?", (student,))  # noqa: S608
                counts[kind] = cursor.rowcount
                self._connection.execute(_refusal(table, "DELETE"))
        return Erased(**counts)

    def compact(self) -> None:
        """Write the file anew, without what was removed, and empty its write-ahead log.

        Raises UsageError if another process reads the old one.
        """
        with self._lock, _told(self.path, "emptied of what was removed"):
            self._connection.execute("VACUUM")
            ((busy, *_),) = self._rows("PRAGMA wal_checkpoint(TRUNCATE)")
        if busy:
            raise UsageError(
                f"The entries are removed from {self.path}, but {self.path.name}-wal still holds them, because another "
                "process reads it.",
                "Do the same again.",
            )

    # -- the database --------------------------------------------------------------------------------------

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the store's lock; what is added meanwhile is on disk when this ends, all or nothing.

        It may be entered again by the thread that holds it.
        """
        with self._lock, _told(self.path, "written"):
            if self._connection.in_transaction:
                yield
                return
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:  # SQLite itself has rolled back after some errors
                    self._connection.execute("ROLLBACK")
                raise

    def _add(self, table: str, row: Sequence[object]) -> int:
        marks = ", ".join("?" * len(row))
        query = f"INSERT INTO {table} ({TABLES[table]}) VALUES ({marks})"  # noqa: S608  # our own words
        id = self._connection.execute(query, row).lastrowid
        assert id is not None
        return id

    def _rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        with self._lock, _told(self.path, "read"), closing(self._connection.execute(query, values)) as cursor:
            return cursor.fetchall()


# -- opening ---------------------------------------------------------------------------------------------


def exists(folder: Path) -> bool:
    """Tell whether a folder of results has a store of decisions."""
    return (folder / FILE).is_file()


def copy(folder: Path, to: Path) -> None:
    """Copy the store of a folder that cannot be written to into another folder.

    Raises UsageError if it cannot be read.
    """
    path = folder / FILE
    with _told(path, "read"):
        try:
            address = f"{path.absolute().as_uri()}?mode=ro"
            with (
                closing(sqlite3.connect(address, uri=True, timeout=PATIENCE)) as source,
                closing(sqlite3.connect(to / FILE)) as target,
            ):
                source.backup(target)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY):
                raise
            # Nobody has it open, else there would be an index of its write-ahead log: the files are at rest.
            for ending in ("", "-wal", "-journal"):
                if (left := path.with_name(f"{FILE}{ending}")).exists():
                    (to / left.name).write_bytes(files.content(left))


def _journal(connection: sqlite3.Connection, mode: str) -> str:
    """Switch to a kind of journal; return the kind that the file system lets SQLite have."""
    try:
        ((found,),) = connection.execute(f"PRAGMA journal_mode = {mode}").fetchall()
    except sqlite3.OperationalError as error:
        if mode != "wal" or error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_PROTOCOL):
            raise
        return _journal(connection, "delete")
    return str(found)


def _require_version(connection: sqlite3.Connection, path: Path) -> None:
    """Raise UsageError if there is a store of another version, or another program's database."""
    version, is_new = _version(connection)
    if not is_new and version != VERSION:
        raise UsageError(
            f"{path} was written by another version of the checker (format {version}; this one has {VERSION}).",
            "Use that version, or move the file away: decisions.csv has each student's decision, and a new store "
            "begins with these.",
        )


def _version(connection: sqlite3.Connection) -> tuple[int, bool]:
    """Return the version of the file, and whether it is empty."""
    ((version,),) = connection.execute("PRAGMA user_version").fetchall()
    ((tables,),) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchall()
    return int(version), not version and not tables


def _prepare(connection: sqlite3.Connection) -> None:
    """Make the tables of a new store; look whether an existing one is whole."""
    connection.execute("PRAGMA synchronous = FULL")
    if _version(connection)[1]:
        connection.execute("BEGIN IMMEDIATE")
        if _version(connection)[1]:  # else another process was faster
            _make_tables(connection)
        connection.execute("COMMIT")
    if (found := connection.execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
        raise sqlite3.DatabaseError(found)


def _make_tables(connection: sqlite3.Connection) -> None:
    for table, columns in TABLES.items():
        connection.execute(f"CREATE TABLE {table} (id INTEGER PRIMARY KEY AUTOINCREMENT, {columns})")
        connection.execute(f"CREATE INDEX {table}_by_student ON {table} (student)")
        for change in ("UPDATE", "DELETE"):
            connection.execute(_refusal(table, change))
    connection.execute(f"PRAGMA user_version = {VERSION}")


def _refusal(table: str, change: str) -> str:
    """Return the statement for a trigger that refuses to change or delete rows."""
    said = f"entries of {table} are only ever added"
    name = f"no_{change.lower()}_{table}"
    return f"CREATE TRIGGER {name} BEFORE {change} ON {table} BEGIN SELECT RAISE(ABORT, '{said}'); END"


def _remote(folder: Path) -> str:
    """Return the kind of a folder's file system if it is one of a network; else ""."""
    place, best, kind = folder.resolve(), 0, ""
    for mount in psutil.disk_partitions(all=True):
        if place.is_relative_to(mount.mountpoint) and len(mount.mountpoint) >= best:  # the last of equals lies on top
            best, kind = len(mount.mountpoint), "remote" if "remote" in mount.opts.split(",") else mount.fstype.lower()
    return kind if kind in REMOTE | {"remote"} else ""


def _on_journal(path: Path, remote: str) -> str:
    where = f"a network file system ({remote})" if remote else "a file system without shared memory"
    return (
        f"{path.name} lies on {where}, so it uses a rollback journal: a decision takes longer to save, and the file "
        "must not be used from two machines at once."
    )


# -- words -----------------------------------------------------------------------------------------------


@contextmanager
def _told(path: Path, doing: str) -> Iterator[None]:
    """Raise an error of SQLite as a UsageError that says what to do."""
    try:
        yield
    except sqlite3.Error as error:
        if (reason := _reason(error, path)) is None:
            raise
        raise UsageError(f"{path} could not be {doing}: {reason[0]}.", reason[1]) from error


def _reason(error: sqlite3.Error, path: Path) -> tuple[str, str] | None:
    """Return what happened, and what to do; None if it is a mistake of ours."""
    kept = "What was saved before stays, and nothing of this was saved."
    match getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF:
        case sqlite3.SQLITE_FULL:
            return "no room is left on the disk", f"{kept} Make room, and save again."
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM | sqlite3.SQLITE_CANTOPEN:
            return "the file or its folder cannot be written to", f"{kept} Make {path.parent} writable."
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED | sqlite3.SQLITE_PROTOCOL:
            return "another process does not let go of it", f"{kept} Try again; end a program that has it open."
        case sqlite3.SQLITE_IOERR:
            return f"the disk fails ({error})", f"{kept} Look at the disk and the room on it, and save again."
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            return (
                f"it is damaged ({error})",
                f"Keep it, and move it away with {path.name}-wal, if there is one: decisions.csv has each student's "
                "decision, and a new store begins with these.",
            )
    return None


def _content(entry: DecisionEntry) -> tuple[object, ...]:
    known = (entry.student, entry.choice, entry.note, entry.conditions, entry.by, entry.based_on)
    return (*known, entry.submission, entry.origin)


def cleaned_note(note: str) -> str:
    """Return a note as it is kept: with characters that show, and plain ends of lines. Raises UsageError if it is too
    long."""
    if len(note) > LONGEST:
        raise UsageError(
            f"The note has {counted(len(note), 'character')}, and at most {LONGEST:,} are kept.", "Make it shorter."
        )
    return visible(note.replace("\r\n", "\n").replace("\r", "\n"), LONGEST).strip()


def cleaned_conditions(conditions: Iterable[str]) -> tuple[str, ...]:
    """Return conditions as they are kept: each on one line, none twice. Raises UsageError if they are too many or too
    long."""
    found = tuple(dict.fromkeys(line for one in conditions if (line := one_line(one, LONGEST_CONDITION + 1))))
    if len(found) > MOST_CONDITIONS or any(len(one) > LONGEST_CONDITION for one in found):
        raise UsageError(
            f"A decision has at most {MOST_CONDITIONS} conditions of {LONGEST_CONDITION} characters each.",
            "Put more into the note.",
        )
    return found


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
