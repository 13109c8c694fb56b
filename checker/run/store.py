"""Evidence and reports on disk.

::

    OUT/index.html, results.json, results.csv, junit.xml, decisions.csv
    OUT/reports/<slug>.html                  for demonstrators
    OUT/students/<slug>.html                 for students
    OUT/reproduce/<slug>.py, <slug>.npz      trains the network again without the checker, and what that needs
    OUT/digests.json                         what each submission's evidence was when it was stored
    OUT/evidence/<slug>/evidence.json        the record, and the key under which it is valid
    OUT/evidence/<slug>/<sha256>.npz         an array, named by the hash of its npy bytes

A key names everything the evidence depends on (file, assignment, data, seeds, sandbox, versions, the checker's
own code); evidence with another key is gathered anew. A second key leaves out which network is the answer: evidence
under it holds what the file's run has left, so another network is found in it without a run. Everything is written
beside its place and then moved there, so a reader never meets half a file.
"""

import contextlib
import hashlib
import io
import threading
import zipfile
import zlib
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pooch

from checker.errors import EvidenceError
from checker.formats import files
from checker.records.arrays import Array, ArrayRef
from checker.records.codec import from_json, record, to_json
from checker.records.evidence import Evidence
from checker.records.gathered import Gathered
from checker.records.submission import Identity, Submission
from checker.run.keys import Keys
from checker.wire import frames

DIGESTS = "digests.json"
"""The list of what each submission's evidence was when it was stored."""


@record
@dataclass(frozen=True)
class Stored:
    """Evidence on disk, and the key under which it is valid; ``run`` is the key of what the file's run has left, and
    ``circumstances`` the part of it which is the same for all submissions of a run."""

    key: str
    run: str
    circumstances: str
    evidence: Evidence


@record
@dataclass(frozen=True)
class Digests:
    """The SHA-256 of each submission's ``evidence.json``, by the name of its folder. The arrays that it refers to are
    called by their own."""

    evidence: dict[str, str] = field(default_factory=dict)


class Origin(StrEnum):
    """Whether evidence is as it was stored, was changed since, or was put there by somebody else."""

    OURS = "as it was stored"
    CHANGED = "changed"
    UNKNOWN = "not known"


def cache_folder() -> Path:
    """Return the folder of reference evidence that all batches of this user share."""
    return Path(pooch.os_cache("checker")) / "references"


def save(folder: Path, name: str, under: Keys, gathered: Gathered, circumstances: str = "") -> None:
    """Keep evidence and the arrays that it refers to."""
    place = folder / files.slug(name)
    for ref in _all_references(gathered.evidence):
        target = place / f"{ref.sha256}.npz"
        if ref.sha256 in gathered.arrays and not target.exists():
            files.write(target, files.zipped(values=gathered.arrays[ref.sha256]))
    files.write(place / "evidence.json", to_json(Stored(under.all, under.run, circumstances, gathered.evidence)))


_noting = threading.Lock()


def note_digest(folder: Path, name: str) -> None:
    """Note what a submission's evidence is now, beside what is noted of others: whoever changes it, or puts another's
    in its place, is found."""
    with _noting:
        noted = _digests(folder)
        digest = hashlib.sha256((folder / files.slug(name) / "evidence.json").read_bytes()).hexdigest()
        files.write(folder.parent / DIGESTS, to_json(Digests({**noted, files.slug(name): digest})))


def origin(place: Path) -> Origin:
    """Tell whether the evidence in a submission's folder is what was noted of it."""
    with _noting:
        noted = _digests(place.parent).get(place.name)
    if noted is None:
        return Origin.UNKNOWN
    with contextlib.suppress(OSError):
        if hashlib.sha256((place / "evidence.json").read_bytes()).hexdigest() == noted:
            return Origin.OURS
    return Origin.CHANGED


def _digests(folder: Path) -> dict[str, str]:
    """Return what is noted; nothing where that is no list, or not a whole one."""
    try:
        return from_json(Digests, (folder.parent / DIGESTS).read_bytes()).evidence
    except (FileNotFoundError, EvidenceError):
        return {}


def load(folder: Path, name: str, under: Keys) -> Gathered | None:
    """Return the evidence that is valid under these keys, or None; without the arrays of the student's run."""
    place = folder / files.slug(name)
    try:
        stored = _read(place)
        return _gathered(place, stored.evidence) if stored.key == under.all else None
    except (FileNotFoundError, EvidenceError):
        return None


def load_run(folder: Path, name: str, under: Keys) -> Gathered | None:
    """Return evidence in which what the file's run has left is valid under these keys, with the arrays of that run, and
    with no others; or None."""
    place = folder / files.slug(name)
    try:
        stored = _read(place)
        if stored.run != under.run:
            return None
        names = {ref.sha256 for ref in stored.evidence.kept}
        return Gathered(
            stored.evidence, {name: _unzipped((place / f"{name}.npz").read_bytes(), name) for name in names}
        )
    except (FileNotFoundError, EvidenceError):
        return None


def places(folder: Path) -> list[Path]:
    """Return the folders in which evidence of a submission lies."""
    return [path.parent for path in sorted(folder.glob("*/evidence.json"))]


def submissions(folder: Path) -> list[Submission]:
    """Return the submissions of which evidence lies in a folder."""
    found = []
    for place in places(folder):
        with contextlib.suppress(FileNotFoundError, EvidenceError):
            found.append(_read(place).evidence.submission)
    return found


def load_at(place: Path, circumstances: str) -> tuple[str, Identity, Gathered | None]:
    """Return the name of the submission whose evidence lies in such a folder, and whose it is; and the evidence where
    it was gathered under these circumstances and is whole."""
    name, identity = place.name, Identity()
    try:
        stored = _read(place)
        name, identity = stored.evidence.submission.name, stored.evidence.submission.identity
        valid = stored.circumstances == circumstances
        return name, identity, _gathered(place, stored.evidence) if valid else None
    except (FileNotFoundError, EvidenceError):
        return name, identity, None


def pack(gathered: Gathered) -> bytes:
    """Return evidence and its arrays as one zip of such files as ``save`` writes; those of the student's run where they
    are at hand."""
    packed = io.BytesIO()
    with ZipFile(packed, "w") as archive:
        archive.writestr("evidence.json", to_json(gathered.evidence))
        missing = {r.sha256 for r in _references(gathered.evidence)} - set(gathered.arrays)
        if missing:
            raise EvidenceError("the evidence refers to an array that is not there")
        for name in {ref.sha256 for ref in _all_references(gathered.evidence)} & set(gathered.arrays):
            archive.writestr(f"{name}.npz", files.zipped(values=gathered.arrays[name]))
    return packed.getvalue()


def unpack(packed: bytes) -> Gathered:
    """Return the evidence in such a zip; EvidenceError where it is not whole."""
    try:
        with ZipFile(io.BytesIO(packed)) as archive:
            content = {name: archive.read(name) for name in archive.namelist()}
        evidence = from_json(Evidence, content["evidence.json"])
        kept = {ref.sha256 for ref in evidence.kept if f"{ref.sha256}.npz" in content}
        names = {ref.sha256 for ref in _references(evidence)} | kept
        arrays = {name: _unzipped(content[f"{name}.npz"], name) for name in names}
    except (zipfile.BadZipFile, zlib.error, KeyError) as error:
        raise EvidenceError("the evidence did not arrive whole") from error
    return Gathered(evidence, arrays)


def _read(place: Path) -> Stored:
    return from_json(Stored, (place / "evidence.json").read_bytes())


def _gathered(place: Path, evidence: Evidence) -> Gathered:
    names = [ref.sha256 for ref in _references(evidence)]
    if not all((place / f"{ref.sha256}.npz").exists() for ref in evidence.kept):
        raise EvidenceError("an array of the student's run is missing")
    return Gathered(evidence, {name: _unzipped((place / f"{name}.npz").read_bytes(), name) for name in names})


def _all_references(evidence: Evidence) -> list[ArrayRef]:
    return [*_references(evidence), *evidence.kept]


def _references(evidence: Evidence) -> list[ArrayRef]:
    """Return what judging needs."""
    refs = [ref for run in evidence.runs for ref in (run.predictions, run.trained) if ref is not None]
    if evidence.tracing is not None:
        found = evidence.tracing
        refs += [ref for ref in (found.rows, found.features, found.trainable) if ref is not None]
    return refs


def _unzipped(content: bytes, name: str) -> Array:
    try:
        with frames.ONE_PARSER, np.load(io.BytesIO(content), allow_pickle=False) as archive:
            values: Array = archive["values"]
    except Exception as error:  # a damaged archive makes zipfile, zlib and numpy raise many kinds of errors
        raise EvidenceError(f"{name}.npz is damaged") from error
    if frames.reference(values).sha256 != name:
        raise EvidenceError(f"{name}.npz does not hold what its name says")
    return values
