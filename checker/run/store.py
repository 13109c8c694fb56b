"""Evidence and reports on disk.

::

    OUT/index.html, results.json, results.csv, junit.xml, decisions.csv
    OUT/index.json                           content of index.html, for the desk
    OUT/reports/<slug>.html                  for demonstrators
    OUT/reports/<slug>.json                  the whole report, for the desk
    OUT/students/<slug>.html                 for students
    OUT/reproduce/<slug>.py, <slug>.npz      script that trains the network without the checker, and its data
    OUT/earlier/<slug>/                      earlier reports (``earlier``)
    OUT/digests.json                         hash of each submission's evidence when it was stored
    OUT/evidence/<slug>/evidence.json        the record, and the key under which it is valid
    OUT/evidence/<slug>/<sha256>.npz         an array, named by the hash of its npy bytes

A key covers everything the evidence depends on (file, assignment, data, seeds, sandbox, versions, the checker's own
code); evidence with another key is gathered anew. A second key covers only the run of the student's file, whatever
network is the answer. Under this key another network can be chosen without a new run. Files are written under a
temporary name and then renamed, so a reader never finds a partial file.
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
"""The list of digests of all evidence, as it was when stored."""
RECORD = "evidence.json"


@record
@dataclass(frozen=True)
class Stored:
    """Evidence on disk, and the ``key`` under which it is valid. ``run`` is the key of the result of the file's run.
    ``circumstances`` is the part of ``key`` that is the same for all submissions of a run."""

    key: str
    run: str
    circumstances: str
    evidence: Evidence


@record
@dataclass(frozen=True)
class Digests:
    """The SHA-256 of each submission's ``evidence.json``, by folder name. Arrays need no entry: their file names are
    their own hashes."""

    evidence: dict[str, str] = field(default_factory=dict)


class Origin(StrEnum):
    """Provenance of evidence: unchanged since it was stored, changed, or without a noted digest."""

    OURS = "as it was stored"
    CHANGED = "changed"
    UNKNOWN = "not known"


def cache_folder() -> Path:
    """Return the folder of reference evidence that all batches of this user share."""
    return Path(pooch.os_cache("checker")) / "references"


def save(folder: Path, name: str, under: Keys, gathered: Gathered, circumstances: str = "") -> None:
    """Store evidence and its arrays."""
    place = folder / files.slug(name)
    for ref in _all_references(gathered.evidence):
        target = place / f"{ref.sha256}.npz"
        if ref.sha256 in gathered.arrays and not target.exists():
            files.write(target, files.zipped(values=gathered.arrays[ref.sha256]))
    files.write(place / RECORD, to_json(Stored(under.all, under.run, circumstances, gathered.evidence)))


_noting = threading.Lock()


def note_digest(folder: Path, name: str) -> None:
    """Add the digest of a submission's present evidence to the list. By this digest ``origin`` detects later changes,
    and copies of another submission's evidence."""
    with _noting:
        noted = _digests(folder)
        digest = hashlib.sha256((folder / files.slug(name) / RECORD).read_bytes()).hexdigest()
        files.write(folder.parent / DIGESTS, to_json(Digests({**noted, files.slug(name): digest})))


def forget(folder: Path, name: str) -> None:
    """Remove a submission's digest from the list."""
    with _noting:
        noted = _digests(folder)
        if noted.pop(files.slug(name), None) is not None:
            files.write(folder.parent / DIGESTS, to_json(Digests(noted)))


def origin(place: Path) -> Origin:
    """Compare the evidence in a submission's folder with its digest in the list."""
    with _noting:
        noted = _digests(place.parent).get(place.name)
    if noted is None:
        return Origin.UNKNOWN
    with contextlib.suppress(OSError):
        if hashlib.sha256((place / RECORD).read_bytes()).hexdigest() == noted:
            return Origin.OURS
    return Origin.CHANGED


def _digests(folder: Path) -> dict[str, str]:
    """Return the digests by folder name; empty if the list is missing or damaged."""
    try:
        return from_json(Digests, (folder.parent / DIGESTS).read_bytes()).evidence
    except (FileNotFoundError, EvidenceError):
        return {}


def load(folder: Path, name: str, under: Keys) -> Gathered | None:
    """Return the evidence, without the arrays of the student's run; None if none is valid under these keys."""
    place = folder / files.slug(name)
    try:
        stored = _read(place)
        return _gathered(place, stored.evidence) if stored.key == under.all else None
    except (FileNotFoundError, EvidenceError):
        return None


def load_run(folder: Path, name: str, under: Keys) -> Gathered | None:
    """Return evidence whose part from the file's run is valid under these keys, with only the arrays of that run; None
    if there is none."""
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


def load_kept(place: Path, circumstances: str) -> tuple[str, Gathered]:
    """Return the run's key of the evidence in ``place``, and the evidence with only the arrays of the student's run.

    Raises EvidenceError if it is damaged or was gathered under other circumstances.
    """
    stored = _read(place)
    if stored.circumstances != circumstances:
        raise EvidenceError("the evidence was gathered under other circumstances")
    names = {ref.sha256 for ref in stored.evidence.kept}
    arrays = {name: _unzipped((place / f"{name}.npz").read_bytes(), name) for name in names}
    return stored.run, Gathered(stored.evidence, arrays)


def holds(place: Path) -> bool:
    """Tell whether there is evidence in a submission's folder."""
    return (place / RECORD).is_file()


def places(folder: Path) -> list[Path]:
    """Return the folders that hold a submission's evidence."""
    return [path.parent for path in sorted(folder.glob(f"*/{RECORD}"))]


def submissions(folder: Path) -> list[Submission]:
    """Return the submissions whose evidence is in a folder."""
    found = []
    for place in places(folder):
        with contextlib.suppress(FileNotFoundError, EvidenceError):
            found.append(_read(place).evidence.submission)
    return found


def load_at(place: Path, circumstances: str) -> tuple[str, Identity, Gathered | None]:
    """Return the name and identity of the submission whose evidence is in ``place``, and the evidence. The evidence is
    None if it was gathered under other circumstances or is damaged."""
    name, identity = place.name, Identity()
    try:
        stored = _read(place)
        name, identity = stored.evidence.submission.name, stored.evidence.submission.identity
        valid = stored.circumstances == circumstances
        return name, identity, _gathered(place, stored.evidence) if valid else None
    except (FileNotFoundError, EvidenceError):
        return name, identity, None


def pack(gathered: Gathered) -> bytes:
    """Return evidence and its arrays as one zip. Arrays of the student's run are included if they are loaded.

    Raises EvidenceError if an array that judging needs is missing.
    """
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
    """Return the evidence in a zip from ``pack``. Raises EvidenceError if it is damaged."""
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
    return from_json(Stored, (place / RECORD).read_bytes())


def _gathered(place: Path, evidence: Evidence) -> Gathered:
    names = [ref.sha256 for ref in _references(evidence)]
    if not all((place / f"{ref.sha256}.npz").exists() for ref in evidence.kept):
        raise EvidenceError("an array of the student's run is missing")
    return Gathered(evidence, {name: _unzipped((place / f"{name}.npz").read_bytes(), name) for name in names})


def _all_references(evidence: Evidence) -> list[ArrayRef]:
    return [*_references(evidence), *evidence.kept]


def _references(evidence: Evidence) -> list[ArrayRef]:
    """Return references to the arrays that judging needs."""
    refs = [ref for run in evidence.runs for ref in (run.predictions, run.trained) if ref is not None]
    if evidence.tracing is not None:
        found = evidence.tracing
        refs += [ref for ref in (found.rows, found.features, found.trainable) if ref is not None]
    return refs


def _unzipped(content: bytes, name: str) -> Array:
    try:
        with frames.ONE_PARSER, np.load(io.BytesIO(content), allow_pickle=False) as archive:
            values: Array = archive["values"]
    except Exception as error:  # for a damaged archive zipfile, zlib and numpy raise many kinds of errors
        raise EvidenceError(f"{name}.npz is damaged") from error
    if frames.reference(values).sha256 != name:
        raise EvidenceError(f"{name}.npz does not hold what its name says")
    return values
