"""What was handed in, by whom and when."""

from dataclasses import dataclass
from enum import StrEnum

from pydantic import AwareDatetime

from checker.records.codec import record
from checker.records.verdicts import Failure


class Platform(StrEnum):
    """What an upload was downloaded from, as its names tell."""

    NONE = ""
    MOODLE = "Moodle"
    CANVAS = "Canvas"
    GRADESCOPE = "Gradescope"
    NBGRADER = "nbgrader"


@record
@dataclass(frozen=True, kw_only=True)
class Identity:
    """Who handed a submission in, as far as the upload tells; "" where it does not. All of it is hostile text.

    ``number``: how the platform knows them: Moodle's participant number (of a team its group's), Canvas's user,
    Gradescope's submission, nbgrader's student. ``submitted_at`` is as the platform wrote it. ``assignment``: what
    nbgrader calls it.
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
    """A file that was handed in beside the one that is checked. ``name``: its path in the student's own folder, with
    slashes: hostile text. ``left_out``: why it does not lie in the box; then ``sha256`` is "". ``path`` and ``member``
    are those of a submission; where it is stored, both are ""."""

    name: str
    size: int
    sha256: str = ""
    left_out: str = ""
    path: str = ""
    member: str = ""


@record
@dataclass(frozen=True, kw_only=True)
class Submission:
    """One student's file. ``name`` is as the student's folder or file is called: hostile text.

    ``others``: the student's next files, which are tried where this one holds no answer.

    ``member``: the file's name in the zip at ``path``; "" where the file lies there itself. ``failure``: why there is
    nothing to run, and then ``sha256`` is "". ``changed``: the file's own time in the zip, by a clock in no known zone;
    "" where it tells nothing. ``folder``: where in the student's own folder the file lies, with slashes; ``companions``
    lie in that folder too, and ``unlisted`` more of them, which are left out.
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
    """What tells when something was handed in."""

    NOTHING = ""
    WORKSHEET = "Moodle's worksheet"
    TIMESTAMP = "timestamp.txt"
    METADATA = "Gradescope's metadata"
    MARK = "Canvas's mark"
    ZIP = "the zip's own times"


@record
@dataclass(frozen=True, kw_only=True)
class Timeliness:
    """Whether a submission was on time, which no verdict depends on.

    ``late_seconds``: 0 for on time, None where it is not known; ``sentence`` says it all in words.
    """

    deadline: AwareDatetime
    is_extended: bool
    source: TimeSource
    handed_in: AwareDatetime | None
    late_seconds: int | None
    sentence: str
