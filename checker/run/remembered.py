"""The options of the batch that wrote an output folder, stored there so that later commands need none.

Theory of operation: a batch writes its options into ``run.json``. A later command takes options that were not typed
from there. Paths are stored absolute, because the later command may be typed elsewhere.
"""

import contextlib
import os
from dataclasses import dataclass, replace
from pathlib import Path

from checker.assignment import dataset, folders
from checker.errors import EvidenceError, UsageError
from checker.formats import files
from checker.records.codec import SCHEMA_VERSION, from_json, record, to_json
from checker.records.settings import RunSettings
from checker.run.session import Request
from checker.run.typed import raise_any
from checker.submissions import extensions

FILE = "run.json"


@record
@dataclass(frozen=True, kw_only=True)
class Remembered:
    """The options of a batch.

    ``assignment``: its folder, or its name if it comes with the checker. ``data`` and ``extensions``: files; "" if none
    was named. ``practice``: the data is practice data. ``typed``: the words of the command.
    """

    schema: int
    assignment: str
    data: str
    practice: bool
    extensions: str
    typed: tuple[str, ...]


def write(request: Request, settings: RunSettings, out: Path) -> None:
    """Note a batch's options in its output folder."""
    source, folder = settings.assignment.data, Path(settings.assignment.folder)
    data = None if request.practice_data else dataset.local(source, request.data, folder)
    known = Remembered(
        schema=SCHEMA_VERSION,
        assignment=_named(folder),
        data=_absolute(data),
        practice=request.practice_data,
        extensions=_absolute(request.extensions),
        typed=request.typed,
    )
    files.write(out / FILE, to_json(known, indent=2))


def _named(folder: Path) -> str:
    return next((name for name, shipped in folders.shipped().items() if shipped == folder.resolve()), _absolute(folder))


def _absolute(path: Path | None) -> str:
    return "" if path is None else str(path.absolute())


def read(out: Path) -> Remembered | None:
    """Return the options stored in an output folder; None if no batch of this version has written there.

    Raises UsageError, with what to type, if the file is damaged.
    """
    path = out / FILE
    try:
        known = from_json(Remembered, path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (EvidenceError, OSError) as error:
        raise UsageError(
            f"{path} is damaged, so the assignment and the data of the batch are not known: {error}.",
            "Remove that file, and say --assignment and --data.",
        ) from error
    if known.schema != SCHEMA_VERSION:
        raise UsageError(
            f"{path} was written by another version of the checker.",
            "Remove that file, and say --assignment and --data.",
        )
    return known


def is_of(out: Path, settings: RunSettings) -> bool:
    """Tell whether the last batch in an output folder had the same assignment."""
    with contextlib.suppress(UsageError):
        known = read(out)
        return known is not None and known.assignment == _named(Path(settings.assignment.folder))
    return False


def completed(request: Request, out: Path) -> Request:
    """Return a request with the untyped options taken from the batch that wrote an output folder.

    Raises UsageError, with what to type, for a path that is gone.
    """
    known = read(out)
    if known is None:
        return request
    is_data_typed = request.data is not None or request.practice_data
    are_beside = (out / extensions.FILE).is_file()  # these are newer than the batch's, or the batch used them too
    taken = replace(
        request,
        assignment=request.assignment or folders.shipped().get(known.assignment, Path(known.assignment)),
        data=request.data if is_data_typed else _path(known.data),
        practice_data=request.practice_data if is_data_typed else known.practice,
        extensions=request.extensions or (None if are_beside else _path(known.extensions)),
        typed=request.typed or known.typed,
    )
    raise_any(
        [
            UsageError(f"{out} was checked with {words} {path}, which is gone.", f"Say where it is now: {option} PATH.")
            for words, option, path, is_typed in (
                ("the assignment in", "--assignment", taken.assignment, request.assignment is not None),
                ("the data", "--data", taken.data, is_data_typed),
                ("the extensions in", "--extensions", taken.extensions, request.extensions is not None),
            )
            if path is not None and not is_typed and not os.access(path, os.F_OK)
        ]
    )
    return taken


def carried_on(request: Request, out: Path) -> Request:
    """Return a batch's request with the untyped options taken from the previous batch in this folder.

    A batch whose assignment was typed takes nothing over. Practice data is used only on request.
    """
    if request.assignment is not None:
        return request
    return replace(completed(request, out), practice_data=request.practice_data)


def _path(text: str) -> Path | None:
    return Path(text) if text else None
