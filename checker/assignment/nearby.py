"""Finds the assignment from the course and the data beside a student's notebook."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from zipfile import BadZipFile, ZipFile

from checker.assignment.folders import FILE
from checker.errors import UsageError
from checker.records.assignment import DataSource


def assignment(file: Path) -> Path | None:
    """Return the assignment in a file's folder; None if there is none.

    It is a zip, or without a zip a folder, because a browser may have unpacked it. Raises UsageError if there are
    several.
    """
    place = file.absolute().parent
    found = list(_zips(place)) or list(_folders(place))
    if len(found) > 1:
        names = ", ".join(path.name for path in found)
        raise UsageError(
            f"Several assignments lie beside {file.name}: {names}.", f"Name one: --assignment {found[0].name}."
        )
    return found[0] if found else None


def _zips(place: Path) -> Iterator[Path]:
    for path in sorted(place.glob("*.zip")):
        try:
            with ZipFile(path) as archive:
                if FILE in archive.namelist():
                    yield path
        except (OSError, BadZipFile, ValueError, NotImplementedError):
            continue  # not a zip, or an unreadable one: it may be unrelated


def _folders(place: Path) -> Iterator[Path]:
    yield from (path.parent for path in (place / FILE, *sorted(place.glob(f"*/{FILE}"))) if path.is_file())


def data(file: Path, source: DataSource) -> Path | None:
    """Return the assignment's data in a file's folder; None if there is none of that name."""
    path = file.absolute().parent / source.file
    return path if path.is_file() else None


def is_right(path: Path, source: DataSource) -> bool:
    """Tell whether a file is the assignment's data, unchanged."""
    return hashlib.sha256(path.read_bytes()).hexdigest() == source.sha256
