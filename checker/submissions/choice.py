"""Finds submissions, and chooses the file of each that is checked.

A student may hand in several candidates. Notebooks come before modules, then the newest file, then the first by name.
The next ones are tried if the first holds no answer, and the report names the others. An upload without a runnable file
is a submission too, with the reason: it fails if there is no notebook, and is referred if a file can't be read, which
may not be the student's fault.
"""

import hashlib
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from checker.errors import HarnessError, UsageError
from checker.records.capture import WHOLE_FILE, Adaptation
from checker.records.submission import Companion, Identity, Platform, Submission
from checker.records.verdicts import Failure, FailureCause, Stage
from checker.submissions import companions, uploads
from checker.submissions.beside import beside
from checker.submissions.naming import NOTEBOOKS, SUFFIXES, TIMESTAMP, Upload, meant, sort_out, stem
from checker.submissions.uploads import File, told

MAX_BYTES = 64 * 2**20
MAX_TOTAL_BYTES = 4 * 2**30
"""Limit on all chosen members of a zip together, unpacked."""
DOWNLOAD = timedelta(hours=1)
"""Maximum time that a platform takes to write a zip."""
MOST_TRIED = 3
"""Maximum number of files of one upload that are tried for an answer."""
NAMED = 10
"""Maximum number of files that a sentence names."""


def find(path: Path) -> tuple[Submission, ...]:
    """Return all submissions under a path, sorted by name.

    Raises UsageError if there is none.
    """
    if path.is_dir():
        found = _sorted_out(uploads.in_folder(path))
    elif path.is_file() and path.suffix.lower() == ".zip":
        found = _sorted_out(uploads.in_zip(path), path.stem)
    elif path.is_file():
        found = [_single(path)]
    else:
        raise UsageError(f"There is nothing at {path}.")
    platforms = {upload.identity.platform for upload in found}
    if platforms <= {Platform.NONE} and not any(map(_candidates, found)):
        zips = sorted(path.glob("*.zip")) if path.is_dir() else []
        words = f"There is no notebook (.ipynb) or module (.py) in {path}."
        raise UsageError(words, f"Name the zip itself: {zips[0]}." if zips else "")
    chosen = [(upload, _choose(upload)) for upload in found]
    too_many = _beyond_total([file for _, files in chosen for file in files if file.member])
    tell = _tell_apart_in_time(found)
    kept = [companions.keep(_all_of(upload) if of else []) for upload, of in chosen]
    too_many_beside = _beyond_total([file for of in kept for file in of.files if file.member])
    submitted = [
        _with_others(upload, of, path, too_many, tell, companions.companions(beside, too_many_beside))
        for (upload, of), beside in zip(chosen, kept, strict=True)
    ]
    return tuple(sorted(_told_apart(submitted), key=lambda submission: submission.name))


def read(submission: Submission) -> bytes:
    """Return the bytes of a submission's file, at most ``MAX_BYTES``: a guest can't open a truncated notebook."""
    return uploads.read(Path(submission.path), submission.member, MAX_BYTES)


def read_companion(companion: Companion) -> bytes:
    """Return the bytes of a companion that travels."""
    return uploads.read(Path(companion.path), companion.member, companions.MAX_BYTES)


def misnamed(submission: Submission) -> tuple[Adaptation, ...]:
    """Return an adaptation that names the extra text after the file's ending; () if there is none."""
    name = (submission.member or submission.path).replace("\\", "/").rpartition("/")[2]
    solution = meant(name)
    added = name[len(solution) :].strip()
    if not added:
        return ()
    kind = "notebook" if submission.is_notebook else "module"
    return (
        Adaptation(
            WHOLE_FILE, told(f"the file's name ends in {added[:50]}; it was read as the {kind} {solution[:200]}")
        ),
    )


def _sorted_out(found: list[File], zip_name: str = "") -> list[Upload]:
    """Return each student's upload, with the hidden files below a folder that holds only this student's files."""
    seen = [file for file in found if not file.hidden]
    uploads = sort_out(seen, zip_name)
    owners: dict[tuple[str, ...], set[int]] = {}
    whose = {(file.place, file.member): at for at, upload in enumerate(uploads) for file in upload.files}
    for file in seen:
        if (owner := whose.get((file.place, file.member))) is not None:
            for depth in range(1, len(file.parts)):
                owners.setdefault(file.parts[:depth], set()).add(owner)
    hidden: dict[int, list[File]] = {}
    for file in found:
        above = [file.parts[:depth] for depth in range(len(file.parts) - 1, 0, -1)] if file.hidden else []
        nearest = next((owners[folder] for folder in above if folder in owners), set())
        if len(nearest) == 1:
            hidden.setdefault(min(nearest), []).append(file)
    return [replace(upload, hidden=tuple(hidden.get(at, ()))) for at, upload in enumerate(uploads)]


def _single(path: Path) -> Upload:
    found = path.stat()
    file = File((path.name,), found.st_mtime, found.st_size, path)
    return Upload(stem(path.name), Identity(), (file,), beside=tuple(beside(path)))


def _all_of(upload: Upload) -> list[File]:
    """Return all files of an upload that are the student's; [] if there is only one."""
    found = [file for file in upload.files if not _is_hidden(file) and not _is_nbgraders(file, upload)]
    return [*found, *upload.beside] if len(found) + len(upload.beside) > 1 else []


def _is_nbgraders(file: File, upload: Upload) -> bool:
    return upload.identity.platform is Platform.NBGRADER and file.parts == (TIMESTAMP,)


def _is_hidden(file: File) -> bool:
    return uploads.is_hidden(file.parts)


def _candidates(upload: Upload) -> list[File]:
    """Return the files that may be the solution, the likeliest first and unreadable ones last."""
    found = [file for file in upload.files if meant(file.name).lower().endswith(SUFFIXES) and not _is_hidden(file)]
    return sorted(found, key=lambda f: (bool(f.problem), not _is_notebook(f), -f.changed, f.name))


def _is_notebook(file: File) -> bool:
    return meant(file.name).lower().endswith(NOTEBOOKS)


def _choose(upload: Upload) -> list[File]:
    """Return the files to try, in order."""
    return [file for file in _candidates(upload) if not file.problem][:MOST_TRIED]


def _beyond_total(members: list[File]) -> set[File]:
    """Return the largest members, which must be left out to keep the others within ``MAX_TOTAL_BYTES``."""
    total, kept = 0, set()
    for file in sorted(members, key=lambda file: file.size):
        total += min(file.size, MAX_BYTES)
        kept |= {file} if total <= MAX_TOTAL_BYTES else set()
    return set(members) - kept


def _tell_apart_in_time(uploads: list[Upload]) -> bool:
    """Tell whether a zip's timestamps are informative. Moodle and Canvas give all files the time of the download."""
    stamps = [datetime.fromisoformat(file.stamp) for upload in uploads for file in upload.files if file.stamp]
    return bool(stamps) and max(stamps) - min(stamps) > DOWNLOAD


def _with_others(
    upload: Upload,
    files: list[File],
    path: Path,
    too_many: set[File],
    tell: bool,
    beside: tuple[tuple[File, Companion], ...],
) -> Submission:
    """Return the submission of an upload's first file, with those of its other readable files as ``others``."""
    first = _submission(upload, files[0] if files else None, path, bool(files) and files[0] in too_many, tell, beside)
    others = [_submission(upload, file, path, file in too_many, tell, beside) for file in files[1:]]
    return replace(first, others=tuple(other for other in others if first.failure is None and other.failure is None))


def _submission(
    upload: Upload,
    chosen: File | None,
    path: Path,
    is_too_much: bool,
    tell: bool,
    beside: tuple[tuple[File, Companion], ...],
) -> Submission:
    who = _told_of(upload.identity)
    empty = Submission(
        name=told(upload.name),
        path=str(path),
        is_notebook=False,
        sha256="",
        note=told(_of_hidden(upload)),
        identity=who,
    )
    if chosen is None:
        return replace(empty, failure=_nothing_to_run(upload))
    if is_too_much:
        words = f"the zip unpacks to more than {MAX_TOTAL_BYTES // 2**30} GiB, and this file is among the largest"
        return replace(empty, failure=_unreadable(chosen, words))
    try:
        digest = _fingerprint(chosen)
    except (HarnessError, OSError) as error:
        why = error.message if isinstance(error, HarnessError) else error.strerror or str(error)
        return replace(empty, failure=_unreadable(chosen, why))
    listed, unlisted = companions.listed(beside, chosen)
    return replace(
        empty,
        path=str(chosen.place),
        is_notebook=_is_notebook(chosen),
        sha256=digest,
        note=_note(upload, chosen),
        member=chosen.member,
        changed=chosen.stamp if tell else "",
        folder=told("/".join(chosen.parts[:-1])),
        companions=listed,
        unlisted=unlisted,
    )


def _told_of(who: Identity) -> Identity:
    return replace(who, name=told(who.name), number=told(who.number), assignment=told(who.assignment))


def _fingerprint(file: File) -> str:
    """Return a file's sha256; for a member of a zip, that of its first ``MAX_BYTES`` bytes."""
    if file.member:
        return hashlib.sha256(file.read(MAX_BYTES)).hexdigest()
    with file.place.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _note(upload: Upload, chosen: File) -> str:
    """Return sentences on the chosen file's oddities and on the other files."""
    said = []
    if chosen.size > MAX_BYTES:
        said.append(f"The file has {chosen.size // 2**20} MiB, too many: clear its outputs and save it again.")
    if chosen.note:
        said.append(f"{chosen.name}: {chosen.note}.")
    others = [file for file in _candidates(upload) if file != chosen]
    if others:
        names = ", ".join(f"{f.name} ({f.problem})" if f.problem else f.name for f in others[:NAMED])
        said.append(f"{chosen.name} was checked (notebooks first, then the file changed last), not {names}.")
    if upload.hidden:
        said.append(_of_hidden(upload))
    return told(" ".join(said))


def _of_hidden(upload: Upload) -> str:
    """Return a sentence that names the hidden files, which are ignored; "" if there are none."""
    if not upload.hidden:
        return ""
    names = ", ".join(file.name for file in upload.hidden[:NAMED])
    more = f" and {len(upload.hidden) - NAMED} more" if len(upload.hidden) > NAMED else ""
    return f"Not looked at, because the name begins with a dot: {names}{more}."


def _nothing_to_run(upload: Upload) -> Failure:
    unreadable = _candidates(upload)
    if unreadable:
        return _unreadable(unreadable[0], unreadable[0].problem)
    shown = [file.name for file in upload.files if not _is_hidden(file)]
    more = f" and {len(shown) - NAMED} more" if len(shown) > NAMED else ""
    words = f"The upload holds no notebook (.ipynb) or module (.py), only {', '.join(shown[:NAMED])}{more}."
    return Failure(
        stage=Stage.READING,
        cause=FailureCause.NOTHING_TO_RUN,
        rationale=told(words if shown else "Nothing was handed in: the upload holds no file."),
        help="Hand in the notebook itself: not a PDF or a print of it, not an archive, not a link.",
    )


def _unreadable(file: File, why: str) -> Failure:
    return Failure(
        stage=Stage.READING,
        cause=FailureCause.UNREADABLE_UPLOAD,
        rationale=told(f"{file.name} could not be read: {why.rstrip('.')}."),
        help="Look at the upload; where the file is whole there, put it into a folder by itself and check that.",
    )


def _told_apart(found: list[Submission]) -> list[Submission]:
    """Return the submissions with unique names; a loose file keeps its ending if its stem is taken."""
    names: set[str] = set()
    told = []
    for submission in sorted(found, key=lambda s: stem(_file_name(s)) == s.name):  # folders keep their names
        name = submission.name if submission.name not in names else _file_name(submission) or submission.name
        while name in names:
            name += "'"
        names.add(name)
        told.append(replace(submission, name=name))
    return told


def _file_name(submission: Submission) -> str:
    return Path(submission.member or submission.path).name if submission.sha256 else ""
