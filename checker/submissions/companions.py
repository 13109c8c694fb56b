"""Companions: the files handed in beside the checked one, and which of them travel into the box.

The nearest files come first, code before other files, then the smaller ones, so that a folder full of packages or
pictures can't crowd out ``utils.py``. Files that do not travel are listed with the reason.
"""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from checker.errors import HarnessError
from checker.records.submission import Companion
from checker.submissions.naming import SUFFIXES, meant
from checker.submissions.uploads import File, told

MOST = 200
"""Maximum number of files of one upload that travel."""
MAX_BYTES = 32 * 2**20
"""Limit on one file."""
MAX_ALL_BYTES = 64 * 2**20
"""Limit on all files of an upload together, unpacked."""
MOST_LEFT_OUT = 50
"""Maximum number of listed files that do not travel."""
PACKAGES = frozenset({"site-packages", "dist-packages", "node_modules"})
ENVIRONMENT = "pyvenv.cfg"
"""Lies at the top of every virtual environment."""


@dataclass(frozen=True)
class Kept:
    """The files of an upload that may travel, and the others with the reason why not."""

    files: tuple[File, ...]
    left_out: tuple[tuple[File, str], ...]


def keep(files: Sequence[File]) -> Kept:
    """Divide an upload's files into those that may travel and those that are left out."""
    environments = {file.parts[:-1] for file in files if file.name == ENVIRONMENT and len(file.parts) > 1}
    kept, left_out, room = list[File](), list[tuple[File, str]](), MAX_ALL_BYTES
    for file in sorted(files, key=_nearest):
        why = _obstacle(file, environments)
        if not why and len(kept) >= MOST:
            why = f"the upload has more than {MOST} files"
        if not why and file.size > room:
            why = f"the files of the upload have more than {MAX_ALL_BYTES // 2**20} MiB together"
        if why:
            left_out.append((file, why))
        else:
            kept.append(file)
            room -= file.size
    return Kept(tuple(kept), tuple(left_out))


def _nearest(file: File) -> tuple[int, bool, int, str]:
    return len(file.parts), not meant(file.name).lower().endswith(SUFFIXES), file.size, file.name


def _obstacle(file: File, environments: Collection[tuple[str, ...]]) -> str:
    if file.problem:
        return file.problem
    is_installed = any(file.parts[:depth] in environments for depth in range(1, len(file.parts)))
    if is_installed or PACKAGES & set(file.parts[:-1]):
        return "it belongs to installed packages"
    if file.size > MAX_BYTES:
        return f"it has {file.size // 2**20:,} MiB, more than {MAX_BYTES // 2**20}"
    return ""


def companions(kept: Kept, too_many: Collection[File]) -> tuple[tuple[File, Companion], ...]:
    """Return each file of an upload as a companion of the others, those that travel first."""
    described = [
        *(
            (file, _described(file, "the whole zip unpacks to too much" if file in too_many else ""))
            for file in kept.files
        ),
        *((file, _described(file, why)) for file, why in kept.left_out),
    ]
    return tuple(sorted(described, key=lambda pair: (bool(pair[1].left_out), pair[1].name)))


def _described(file: File, left_out: str) -> Companion:
    digest = ""
    if not left_out:
        try:
            digest = hashlib.sha256(file.read(MAX_BYTES)).hexdigest()
        except (HarnessError, OSError) as error:
            why = error.message if isinstance(error, HarnessError) else error.strerror or str(error)
            left_out = f"it could not be read: {why.rstrip('.')}"
    name = told("/".join((*file.parts[:-1], meant(file.name))))
    return Companion(
        name=name, size=file.size, sha256=digest, left_out=told(left_out), path=str(file.place), member=file.member
    )


def listed(found: Sequence[tuple[File, Companion]], chosen: File) -> tuple[tuple[Companion, ...], int]:
    """Return the companions of one file of an upload, and the number of left-out ones that are not listed."""
    beside = [companion for file, companion in found if file != chosen]
    travel = [companion for companion in beside if not companion.left_out]
    stay = beside[len(travel) :]
    return (*travel, *stay[:MOST_LEFT_OUT]), max(0, len(stay) - MOST_LEFT_OUT)
