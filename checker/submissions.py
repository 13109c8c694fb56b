"""Find submissions on disk and fingerprint them. Nothing of theirs is imported, run or even parsed here.

A folder holds one sub-folder for each student, or loose files, or both; a single file is one submission.
Where a student's folder holds several candidates the rule is: a notebook before a module, then the one changed
last, then the first by name; the report names the others.
"""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from checker.errors import UsageError
from checker.records import Submission

SUFFIXES = (".ipynb", ".py")
MAX_BYTES = 64 * 2**20
IGNORED = ("__pycache__", "__MACOSX", ".ipynb_checkpoints")


def find(path: Path) -> tuple[Submission, ...]:
    """Return all submissions under a path, sorted by name.

    Raises UsageError where there is none.
    """
    if path.is_file():
        found = [_submission(path.stem, [path])] if path.suffix.lower() in SUFFIXES else []
    elif path.is_dir():
        found = list(_in_folder(path))
    else:
        raise UsageError(f"There is nothing at {path}.")
    if not found:
        raise UsageError(f"There is no notebook (.ipynb) or module (.py) in {path}.")
    return tuple(sorted(_told_apart(found), key=lambda submission: submission.name))


def _told_apart(found: list[Submission]) -> list[Submission]:
    """Give each submission a name of its own; a loose file's whole name where its name without ending is taken."""
    names: set[str] = set()
    told = []
    for submission in sorted(found, key=lambda s: Path(s.path).stem == s.name):  # folders keep their names
        name = submission.name if submission.name not in names else Path(submission.path).name
        while name in names:
            name += "'"
        names.add(name)
        told.append(replace(submission, name=name))
    return told


def read(submission: Submission) -> bytes:
    """Return the bytes of a submission's file; of one that is too large the beginning, which no guest can open."""
    with Path(submission.path).open("rb") as stream:
        return stream.read(MAX_BYTES)


def _in_folder(folder: Path) -> Iterator[Submission]:
    for entry in sorted(folder.iterdir()):
        if entry.name.startswith(".") or entry.name in IGNORED or entry.is_symlink():
            continue
        if entry.is_dir():
            candidates = [path for path in sorted(entry.rglob("*")) if _is_candidate(path, entry)]
            if candidates:
                yield _submission(entry.name, candidates)
        elif _is_candidate(entry, folder):
            yield _submission(entry.stem, [entry])


def _is_candidate(path: Path, folder: Path) -> bool:
    parts = path.relative_to(folder).parts
    hidden = any(part.startswith(".") or part in IGNORED for part in parts)
    links = any(Path(folder, *parts[: n + 1]).is_symlink() for n in range(len(parts)))
    return path.suffix.lower() in SUFFIXES and not hidden and not links and path.is_file()


def _submission(name: str, candidates: list[Path]) -> Submission:
    ranked = sorted(candidates, key=lambda p: (p.suffix.lower() != ".ipynb", -p.stat().st_mtime_ns, p.name))
    chosen, others = ranked[0], ranked[1:]
    size = chosen.stat().st_size
    note = (
        "" if size <= MAX_BYTES else f"The file has {size // 2**20} MiB, too many: clear its outputs and save it again."
    )
    if others:
        names = ", ".join(path.name for path in others[:10])
        note += f"{chosen.name} was checked (notebooks first, then the file changed last), not {names}."
    with chosen.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    told = os.fsencode(name).decode("utf-8", "backslashreplace")  # a name that is not UTF-8 could not be stored
    return Submission(told, str(chosen), chosen.suffix.lower() == ".ipynb", digest, note)
