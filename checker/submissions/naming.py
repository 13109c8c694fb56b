"""Assigns files to students by the platforms' naming rules. It looks only at names.

Each rule takes all files of a download and returns each student's upload, or nothing if the names do not follow the
rule. So nobody needs to name the platform. A download that follows no rule is a folder with one sub-folder or one file
for each student.

::

    Moodle      Ada Lovelace_12345_assignsubmission_file/tick.ipynb     (folders on; before 4.1 the folder ends in _)
                Ada Lovelace_12345_assignsubmission_file_tick.ipynb     (folders off)
                Participant_12345_…, Group A_77_…, Default group_assignsubmission_file/…
    Canvas      lovelaceada_LATE_1234_98765_tick.ipynb, anon_Xy3kP_98765_tick.ipynb
    Gradescope  assignment_1_export/submission_77/tick.ipynb, submission_metadata.yml beside the folders
    nbgrader    submitted/ada/tick4/tick.ipynb, timestamp.txt beside the notebook
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from checker.errors import HarnessError
from checker.records.submission import Identity, Platform
from checker.submissions.uploads import File

NOTEBOOKS = (".ipynb",)
SUFFIXES = (*NOTEBOOKS, ".py", ".pyw")
"""Endings of files that may be a solution, after ``meant``."""
METADATA = "submission_metadata.yml"
TIMESTAMP = "timestamp.txt"

_BEHIND = re.compile(
    r"(?i)(?P<meant>.+\.(?:ipynb|pyw?))(?: ?\(\d+\)| ?- ?(?:Copy|Kopie))*(?:\.(?:txt|json|download))?"
    r"(?: ?\(\d+\))?[ .]*",
    re.DOTALL,
)
_MOODLE = re.compile(
    r"(?P<name>[^_/]*)(?:_(?P<number>[0-9]+))?_assignsubmission_[a-z]+(?:_?/|_)(?P<rest>.+)", re.DOTALL
)
_CANVAS_FILE = r"_(?:(?P<attachment>[0-9]{4,})_(?P<rest>.+)|(?P<typed>(?:text|link)\.html))"
_CANVAS = re.compile(r"(?P<name>.*?)(?P<late>_LATE)?_(?P<number>[0-9]+)" + _CANVAS_FILE, re.DOTALL)
_CANVAS_ANONYMOUS = re.compile(r"(?P<name>anon)(?P<late>_LATE)?_(?P<number>[0-9A-Za-z]+)" + _CANVAS_FILE, re.DOTALL)


@dataclass(frozen=True)
class Upload:
    """The files of one student or team, with paths relative to the student's own folder. ``hidden``: ignored files.
    ``beside``: the companions of a single file."""

    name: str
    identity: Identity
    files: tuple[File, ...]
    hidden: tuple[File, ...] = ()
    beside: tuple[File, ...] = ()


def sort_out(files: Sequence[File], zip_name: str = "") -> list[Upload]:
    """Return each student's upload. ``zip_name``: the zip's name without its ending; "" for a folder."""
    inner = _beneath(files)
    for layer in (files, inner):
        for rule in (_gradescope, _nbgrader, _canvas, _moodle):
            if found := rule(layer):
                return found
    folders = {file.parts[0] for file in inner if len(file.parts) > 1}
    is_wrapped = bool(zip_name and inner) and (len(folders) > 1 or files[0].parts[0] == zip_name)
    return _plain(inner if is_wrapped else files)


def meant(name: str) -> str:
    """Return a file's name without the suffixes that browsers, mail programs and copies add after its ending."""
    found = _BEHIND.fullmatch(name)
    return found["meant"] if found else name


def stem(name: str) -> str:
    """Return a file's name without its ending."""
    name = meant(name)
    ending = next((suffix for suffix in SUFFIXES if name.lower().endswith(suffix)), "")
    return name[: len(name) - len(ending)] if ending else name.rpartition(".")[0] or name


def _beneath(files: Sequence[File]) -> list[File]:
    """Return the files without the one folder that holds them all; [] if there is no such folder."""
    is_wrapped = len({file.parts[0] for file in files}) == 1 and all(len(file.parts) > 1 for file in files)
    return [_moved(file, file.parts[1:]) for file in files] if is_wrapped else []


def _moved(file: File, parts: tuple[str, ...]) -> File:
    return replace(file, parts=parts)


def _grouped(owned: Iterable[tuple[Identity, File]]) -> list[Upload]:
    """Gather the files of each identity under its name and number."""
    found: dict[Identity, list[File]] = {}
    for identity, file in owned:
        found.setdefault(identity, []).append(file)
    return [
        Upload(f"{identity.name} {identity.number}".strip(), identity, tuple(files))
        for identity, files in found.items()
    ]


# -- no platform -------------------------------------------------------------------------------------------


def _plain(files: Sequence[File]) -> list[Upload]:
    folders: dict[str, list[File]] = {}
    loose = []
    for file in files:
        if len(file.parts) > 1:
            folders.setdefault(file.parts[0], []).append(_moved(file, file.parts[1:]))
        elif meant(file.name).lower().endswith(SUFFIXES):
            loose.append(Upload(stem(file.name), Identity(), (file,)))
    return [*(Upload(name, Identity(), tuple(inside)) for name, inside in folders.items()), *loose]


# -- Moodle ------------------------------------------------------------------------------------------------


def _moodle(files: Sequence[File]) -> list[Upload]:
    """In Moodle's paths the student's name ends at the first underscore. Other files have no platform."""
    matches = [(file, _MOODLE.fullmatch("/".join(file.parts))) for file in files]
    found = _grouped((_participant(match), _own(file, match["rest"])) for file, match in matches if match)
    others = [file for file, match in matches if not match]
    return [*found, *_plain(others)] if found else []


def _participant(match: re.Match[str]) -> Identity:
    return Identity(platform=Platform.MOODLE, number=match["number"] or "", name=match["name"])


def _own(file: File, rest: str) -> File:
    return _moved(file, tuple(part for part in rest.split("/") if part))


# -- Canvas ------------------------------------------------------------------------------------------------


def _canvas(files: Sequence[File]) -> list[Upload]:
    """Canvas writes no folders, and numbers attachments uniquely, in order of time.

    Names chosen by people, such as ``tick_4_1_ada.py``, look similar but have other numbers.
    """
    files = [file for file in files if not file.stands_for_nothing]
    matches = [_CANVAS.fullmatch(file.name) or _CANVAS_ANONYMOUS.fullmatch(file.name) for file in files]
    if any(len(file.parts) > 1 for file in files):
        return []
    owned = [(_of_canvas(match), _attached(file, match)) for file, match in zip(files, matches, strict=True) if match]
    attachments = [match["attachment"] for match in matches if match and match["attachment"]]
    is_theirs = len(owned) == len(files) and len(set(attachments)) == len(attachments)
    return _grouped(owned) if is_theirs else []


def _of_canvas(match: re.Match[str]) -> Identity:
    return Identity(platform=Platform.CANVAS, number=match["number"], name=match["name"], is_late=bool(match["late"]))


def _attached(file: File, match: re.Match[str]) -> File:
    order = float(match["attachment"][:20]) if match["attachment"] else 0.0
    return replace(file, parts=(match["rest"] or match["typed"],), changed=order)


# -- Gradescope --------------------------------------------------------------------------------------------


def _gradescope(files: Sequence[File]) -> list[Upload]:
    listing = next((file for file in files if file.parts == (METADATA,) and not file.problem), None)
    if listing is None:
        return []
    known = _submitters(_text(listing, 2**24))
    inside = [file for file in files if len(file.parts) > 1]
    return _grouped(
        (
            known.get(file.parts[0]) or Identity(platform=Platform.GRADESCOPE, number=file.parts[0]),
            _moved(file, file.parts[1:]),
        )
        for file in inside
    )


def _submitters(text: str) -> dict[str, Identity]:
    """Read each submission's students and time from the metadata; the outputs of programs are indented more deeply."""
    found: dict[str, Identity] = {}
    folder, section = "", ""
    for line in text.splitlines():
        if top := re.fullmatch(r"(\S.*?):\s*", line):
            folder, section = top[1].strip("'\""), ""
            found[folder] = Identity(platform=Platform.GRADESCOPE, number=folder.rpartition("_")[2])
        elif key := re.fullmatch(r"  :(\w+):(.*)", line):
            section = key[1]
            if section == "created_at" and folder:
                found[folder] = replace(found[folder], submitted_at=_scalar(key[2]))
        elif section == "submitters" and folder and (entry := re.fullmatch(r"  (?:- |  )+:(name|email): (.*)", line)):
            found[folder] = _with_submitter(found[folder], entry[1], _scalar(entry[2]))
    return found


def _with_submitter(identity: Identity, key: str, value: str) -> Identity:
    if key == "name":
        return replace(identity, name=", ".join(filter(None, (identity.name, value))))
    return replace(identity, email=", ".join(filter(None, (identity.email, value))))


def _scalar(text: str) -> str:
    return text.strip().strip("'\"")[:200]


# -- nbgrader ----------------------------------------------------------------------------------------------


def _nbgrader(files: Sequence[File]) -> list[Upload]:
    """A course's folder, or its folder ``submitted``; if it holds several assignments, each is a submission."""
    handed_in = [_moved(f, f.parts[1:]) for f in files if f.parts[0] == "submitted" and len(f.parts) > 3]
    if not handed_in and any(f.parts[2:] == (TIMESTAMP,) for f in files):
        handed_in = [file for file in files if len(file.parts) > 2]
    times = {f.parts[:2]: _time(f) for f in handed_in if f.parts[2:] == (TIMESTAMP,) and not f.problem}
    has_several = len({file.parts[1] for file in handed_in}) > 1
    found = []
    for student, assignment in dict.fromkeys(file.parts[:2] for file in handed_in):
        place = (student, assignment)
        inside = tuple(_moved(file, file.parts[2:]) for file in handed_in if file.parts[:2] == place)
        identity = Identity(
            platform=Platform.NBGRADER, number=student, submitted_at=times.get(place, ""), assignment=assignment
        )
        found.append(Upload(f"{student} {assignment}" if has_several else student, identity, inside))
    return found


def _time(file: File) -> str:
    return " ".join(_text(file, 100).split())


def _text(file: File, limit: int) -> str:
    """Return the text of a platform's file beside submissions; "" if it can't be read, so that the check goes on."""
    try:
        return file.read(limit).decode("utf-8", "replace")
    except HarnessError:
        return ""
