"""Submissions: the file, the student, and the time."""

from dataclasses import dataclass
from enum import StrEnum

from pydantic import AwareDatetime

from checker.records.codec import record
from checker.records.verdicts import Failure


class Platform(StrEnum):
    """The platform that an upload was downloaded from, recognised by its names."""

    NONE = ""
    MOODLE = "Moodle"
    CANVAS = "Canvas"
    GRADESCOPE = "Gradescope"
    NBGRADER = "nbgrader"


@record
@dataclass(frozen=True, kw_only=True)
class Identity:
    """The student or team of a submission, as far as the upload says; "" for unknown fields. All is hostile text.

    ``number``: the platform's identifier: Moodle's participant (for a team its group), Canvas's user, Gradescope's
    submission, nbgrader's student. ``submitted_at``: the platform's timestamp, verbatim. ``assignment``: its name in
    nbgrader.
    """

    platform: Platform = Platform.NONE
    number: str = ""
    name: str = ""
    email: str = ""
    submitted_at: str = ""
    is_late: bool = False
    assignment: str = ""


@record
@dataclass(frozen=True, kw_only=True)
class Companion:
    """A file that was handed in beside the checked one. ``name``: its path in the student's own folder, with slashes:
    hostile text. ``left_out``: why it does not lie in the box; then ``sha256`` is "". ``path`` and ``member``: as in a
    submission; both are "" in stored evidence."""

    name: str
    size: int
    sha256: str = ""
    left_out: str = ""
    path: str = ""
    member: str = ""


@record
@dataclass(frozen=True, kw_only=True)
class Submission:
    """One student's file. ``name``: the name of the student's folder or file: hostile text.

    ``others``: the student's next files, which are tried if this one holds no answer.

    ``member``: the file's name in the zip at ``path``; "" if ``path`` is the file itself. ``failure``: why there is
    nothing to run; then ``sha256`` is "". ``changed``: the file's timestamp in the zip, in an unknown zone; "" if it is
    uninformative. ``folder``: the file's folder inside the student's own folder, with slashes. ``companions``: the
    other files of the student's own folder; ``unlisted`` more are left out.
    """

    name: str
    path: str
    is_notebook: bool
    sha256: str
    note: str = ""
    member: str = ""
    identity: Identity = Identity()
    failure: Failure | None = None
    changed: str = ""
    others: tuple["Submission", ...] = ()
    folder: str = ""
    companions: tuple[Companion, ...] = ()
    unlisted: int = 0

    @property
    def beside(self) -> tuple[Companion, ...]:
        """The companions that lie in the box."""
        return tuple(companion for companion in self.companions if not companion.left_out)


class TimeSource(StrEnum):
    """The source of a submission's timestamp."""

    NOTHING = ""
    WORKSHEET = "Moodle's worksheet"
    TIMESTAMP = "timestamp.txt"
    METADATA = "Gradescope's metadata"
    MARK = "Canvas's mark"
    ZIP = "the zip's own times"


@record
@dataclass(frozen=True, kw_only=True)
class Timeliness:
    """Whether a submission was on time; no verdict depends on it.

    ``late_seconds``: 0 for on time, None if unknown. ``sentence``: the result in words.
    """

    deadline: AwareDatetime
    is_extended: bool
    source: TimeSource
    handed_in: AwareDatetime | None
    late_seconds: int | None
    sentence: str
