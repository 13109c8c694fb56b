"""Decides whether submissions were on time, by the deadline and the extensions. Pure.

Lateness is information: no verdict depends on it. The first readable timestamp counts. Timestamps in Moodle's worksheet
and in a zip have no time zone, so the deadline's zone is assumed; a zip's may be the time when the file was saved. The
sentence of each result states these doubts.
"""

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from checker.errors import UsageError
from checker.formats import sheets, timestamps
from checker.formats.text import counted
from checker.records.submission import Platform, Submission, Timeliness, TimeSource

EXAMPLE = "2026-12-02T17:00:00+00:00"
DOUBTS = {
    TimeSource.WORKSHEET: ", which tells no time zone: it is read in that of the deadline",
    TimeSource.ZIP: ", which tell no time zone: it is read in that of the deadline, and may be when the file was saved",
}
_OF_IDENTITY = {
    Platform.MOODLE: TimeSource.WORKSHEET,
    Platform.GRADESCOPE: TimeSource.METADATA,
    Platform.NBGRADER: TimeSource.TIMESTAMP,
}


@dataclass(frozen=True)
class Extension:
    """A row of the file of extensions: the student, and the extended deadline."""

    student: str
    until: datetime


@dataclass(frozen=True)
class Granted:
    """Extended deadlines by the submission's name, and students who have an extension but no submission."""

    until: Mapping[str, datetime]
    unknown: tuple[str, ...] = ()


# -- extensions --------------------------------------------------------------------------------------------


def read(content: bytes, deadline: datetime) -> tuple[Extension, ...]:
    """Return the extensions in a file with columns ``student`` and ``until``.

    Raises UsageError if a column is missing, or, with the row's number, if a row is invalid.
    """
    sheet = sheets.read(content, ("student", "until"))
    if sheet is None:
        raise UsageError("The file of extensions has no columns student and until.", f"A row is: ada,{EXAMPLE}")
    found: dict[str, Extension] = {}
    for at, row in enumerate(sheet.rows, start=2):
        student = row["student"].strip()
        if not student and not row["until"].strip():
            continue
        if not student:
            raise UsageError(f"Row {at} of the extensions names no student.")
        extension = Extension(student, _until(at, row["until"], deadline))
        if found.setdefault(student.casefold(), extension).until != extension.until:
            raise UsageError(f"Row {at} of the extensions: “{student}” has another extension above.", "Keep one.")
    return tuple(found.values())


def _until(at: int, text: str, deadline: datetime) -> datetime:
    until = timestamps.of_iso(text)
    if until is None:
        raise UsageError(f"Row {at} of the extensions: “{text}” is no time.", f"Write it as {EXAMPLE}.")
    if until.tzinfo is None:
        raise UsageError(f"Row {at} of the extensions: “{text}” has no time zone.", f"Write it as {EXAMPLE}.")
    if until < deadline:
        raise UsageError(f"Row {at} of the extensions: “{text}” is before the deadline, {_written(deadline)}.")
    return until


def grant(extensions: Sequence[Extension], known: Mapping[str, Sequence[str]]) -> Granted:
    """Assign each extension to a submission.

    ``known``: by the submission's name, the names of its student; the first is unique. Raises UsageError if a row
    matches several submissions.
    """
    until: dict[str, datetime] = {}
    unknown: list[str] = []
    for extension in extensions:
        names = list(_meant(extension.student.casefold(), known))
        if len(names) > 1:
            ways = " or ".join(known[name][0] for name in names[:5])
            raise UsageError(f"The extension for “{extension.student}” may be for {ways}.", "Write one of these.")
        until |= dict.fromkeys(names, extension.until)
        unknown += [] if names else [extension.student]
    return Granted(until, tuple(unknown))


def _meant(student: str, known: Mapping[str, Sequence[str]]) -> Iterator[str]:
    exactly = [name for name, ways in known.items() if ways[0].casefold() == student]
    yield from exactly or [name for name, ways in known.items() if student in _folded(ways)]


def _folded(ways: Collection[str]) -> set[str]:
    return {way.casefold() for way in ways if way}


# -- on time or late ---------------------------------------------------------------------------------------


def hold_against(submission: Submission, deadline: datetime, until: datetime | None = None) -> Timeliness:
    """Return a submission's timeliness. ``until``: its extended deadline, if any."""
    by, words = (deadline, "deadline") if until is None else (until, "extended deadline")
    source, handed_in = _handed_in(submission, by)
    if handed_in is None:
        mark = submission.identity.is_late
        said = "Late by Canvas's mark, nobody knows by how much" if mark else "Nothing tells whether it was on time"
        sentence = f"{said}; the {words} was {_written(by)}."
        return Timeliness(
            deadline=by,
            is_extended=until is not None,
            source=TimeSource.MARK if mark else TimeSource.NOTHING,
            handed_in=None,
            late_seconds=None,
            sentence=sentence,
        )
    late = max(0, math.ceil((handed_in - by).total_seconds()))
    said = f"Late by {duration(late)}" if late else "On time"
    sentence = (
        f"{said}: handed in {_written(handed_in)}, the {words} was {_written(by)}. "
        f"The time is from {source}{DOUBTS.get(source, '')}."
    )
    return Timeliness(
        deadline=by,
        is_extended=until is not None,
        source=source,
        handed_in=handed_in,
        late_seconds=late,
        sentence=sentence,
    )


def _handed_in(submission: Submission, by: datetime) -> tuple[TimeSource, datetime | None]:
    """Return the source and value of a submission's timestamp, in the deadline's zone; None if there is none."""
    source = _OF_IDENTITY.get(submission.identity.platform, TimeSource.NOTHING)
    text = submission.identity.submitted_at
    if source and text:
        read = timestamps.of_words if source is TimeSource.WORKSHEET else timestamps.of_stamp
        if told := _in_zone(read(text), by):
            return source, told
    return TimeSource.ZIP, _in_zone(timestamps.of_iso(submission.changed), by)


def _in_zone(found: datetime | None, by: datetime) -> datetime | None:
    if found is None:
        return None
    return found.replace(tzinfo=by.tzinfo) if found.tzinfo is None else found.astimezone(by.tzinfo)


def _written(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} {at.tzname()}"


def duration(seconds: int) -> str:
    """Return seconds in words, in the two largest units: "1 day and 3 hours", "20 minutes"."""
    minutes = seconds // 60
    amounts = ((minutes // 1440, "day"), (minutes // 60 % 24, "hour"), (minutes % 60, "minute"))
    said = [counted(count, unit) for count, unit in amounts if count]
    return " and ".join(said[:2]) or "less than a minute"
