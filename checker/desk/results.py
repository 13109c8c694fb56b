"""The results of a batch, while another batch may be writing: the index, read at each change, and single reports."""

import threading
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from checker.errors import EvidenceError, UsageError
from checker.formats import alphabet
from checker.records.codec import SCHEMA_VERSION, from_json
from checker.records.report import Report
from checker.records.roster import Roster, Row
from checker.run import tables


@dataclass(frozen=True)
class Class:
    """The index, and how to find a row in it. ``problem``: why this index is not the newest, "" if it is."""

    roster: Roster
    problem: str = ""

    @cached_property
    def by_slug(self) -> dict[str, Row]:
        """The rows by the name of their files (slug)."""
        return {row.slug: row for row in self.roster.rows}

    @cached_property
    def by_student(self) -> dict[str, Row]:
        """The rows by the student's name in the table of decisions."""
        return {row.student: row for row in self.roster.rows}

    @cached_property
    def searched(self) -> dict[str, str]:
        """The text to search, by slug: the submission's name and the student's details, without accents and
        capitals."""
        return {row.slug: folded(f"{row.name} {row.who}") for row in self.roster.rows}

    @cached_property
    def verdicts(self) -> Counter[str]:
        """The number of students with each verdict; "none" counts those without one."""
        return Counter(str(row.verdict or "none") for row in self.roster.rows)

    @cached_property
    def rules(self) -> dict[str, int]:
        """The number of students who failed each rule, the most often failed first."""
        failed = Counter(rule for row in self.roster.rows for rule in (*row.required, *row.advised))
        return dict(failed.most_common())


def folded(words: str) -> str:
    """Return words without accents and capitals."""
    return alphabet.place(words)[0]


class Results:
    """A results folder."""

    def __init__(self, folder: Path) -> None:
        """Read the index. Raises UsageError, with what to do, if there is none that can be read."""
        self.folder = folder
        self._lock = threading.Lock()
        self._stamp = self._stamped()
        self._class = Class(self._read())

    def now(self) -> Class:
        """Return the newest index that can be read."""
        return self._class

    def look(self) -> bool:
        """Read the index again if it has changed; tell whether it has changed."""
        with self._lock:
            stamp = self._stamped()
            if stamp == self._stamp:
                return False
            self._stamp = stamp
            try:
                self._class = Class(self._read())
            except UsageError as error:
                self._class = Class(self._class.roster, error.message)
            return True

    def report(self, slug: str) -> Report:
        """Return a student's whole report. Raises UsageError if it cannot be read."""
        path = self.folder / "reports" / f"{slug}.json"
        try:
            report = from_json(Report, path.read_bytes())
        except FileNotFoundError as error:
            raise UsageError("The report of this submission is not in the folder.", _AGAIN) from error
        except (EvidenceError, OSError) as error:
            raise UsageError(f"The report of this submission cannot be read: {error}.", _AGAIN) from error
        if report.schema != SCHEMA_VERSION:
            raise UsageError("The report of this submission is of another version of the checker.", _AGAIN)
        return report

    def _stamped(self) -> tuple[int, int, int] | None:
        try:
            found = (self.folder / tables.ROSTER).stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino

    def _read(self) -> Roster:
        path = self.folder / tables.ROSTER
        try:
            roster = from_json(Roster, path.read_bytes())
        except (FileNotFoundError, NotADirectoryError) as error:
            raise _missing(self.folder) from error
        except (EvidenceError, OSError) as error:
            raise UsageError(f"{path} cannot be read: {error}.", f"Type: checker judge {self.folder}") from error
        if roster.schema != SCHEMA_VERSION:
            raise UsageError(
                f"{path} was written by another version of the checker.", f"Type: checker judge {self.folder}"
            )
        return roster


_AGAIN = "Type `checker judge` with the folder of results; decisions stay as they are."


def _missing(folder: Path) -> UsageError:
    if not folder.exists():
        return UsageError(f"{folder} does not exist.", "Name the folder that `checker batch` wrote with --out.")
    if (folder / tables.RESULTS).exists():
        return UsageError(
            f"The results in {folder} are of an earlier version of the checker.", f"Type: checker judge {folder}"
        )
    return UsageError(
        f"There are no results in {folder}.", "Name the folder that `checker batch` wrote, or run that first."
    )
