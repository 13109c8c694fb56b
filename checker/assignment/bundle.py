"""The bundle: the part of an assignment that students may see, as one zip. It is packed here, and opened here.

Theory of operation: the zip holds an allow-list of files. ``assignment.toml`` is written anew from the record, without
the seeds for grading and without comments. ``scores.json`` keeps only the scores for the seeds of self-checks. The
solution and the examples stay out. Without the seeds nobody can compute the splits. The same folder gives the same
bytes, so you may publish the zip under its hash.

A zip is untrusted until its hash is verified. A download needs a hash, because its rules will run here. Files are read
into memory by the names of an assignment's files, each up to a limit, and written under these names to a folder of our
own: no path from the zip reaches the file system.
"""

import hashlib
import io
import json
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import pooch

from checker.assignment import folders, scores
from checker.assignment.folders import FILE, RULES, SCORES, STARTER
from checker.errors import UsageError
from checker.formats import files
from checker.records.assignment import Assignment
from checker.records.codec import to_json, to_plain
from checker.records.comparison import ReferenceScores
from checker.submissions import uploads

MOST_BYTES = 64 * 2**20
"""Largest size of one file, unpacked."""
LONG_AGO = (1980, 1, 1, 0, 0, 0)


# -- packing ---------------------------------------------------------------------------------------------


def pack(assignment: Assignment) -> bytes:
    """Return the zip for an assignment's students. The same assignment gives the same bytes.

    Raises UsageError if the reference has no scores for self-checks, or outdated ones.
    """
    packed = io.BytesIO()
    with ZipFile(packed, "w", ZIP_DEFLATED) as archive:
        for name, content in sorted(public_files(assignment).items()):
            member = ZipInfo(name, LONG_AGO)
            member.compress_type, member.external_attr = ZIP_DEFLATED, 0o644 << 16
            archive.writestr(member, content)
    return packed.getvalue()


def public_files(assignment: Assignment) -> dict[str, bytes]:
    """Return the content of each file that students may see, by its name."""
    folder = Path(assignment.folder)
    known = current_scores(assignment)
    if not known:
        raise UsageError(
            f"{folder} has no scores that self-checks could compare with.",
            f"Make them: checker reference {folder} --write-scores.",
        )
    chosen = {
        FILE: _as_toml(replace(assignment, seeds=replace(assignment.seeds, grading=(), further=()))).encode(),
        SCORES: to_json(tuple(known), indent=2),
    }
    kept = [folder / name for name in (RULES, STARTER)]
    kept += [path for path in [folder / assignment.data.file] if path.is_file()]
    return chosen | {path.name: path.read_bytes() for path in kept}


def current_scores(assignment: Assignment) -> list[ReferenceScores]:
    """Return the reference's scores that fit the assignment as it is, one record for each data set."""
    pool = assignment.seeds.self_check
    return [known for known in folders.scores(assignment) if known.seeds == pool and scores.fit(known, assignment)]


def _as_toml(assignment: Assignment) -> str:
    content = {key: value for key, value in to_plain(assignment).items() if key != "folder"}
    content["seeds"] = {purpose: seeds for purpose, seeds in content["seeds"].items() if seeds}
    tables = {key: value for key, value in content.items() if isinstance(value, dict)}
    lines = _pairs({key: value for key, value in content.items() if key not in tables})
    for name, table in tables.items():
        lines += ["", f"[{name}]", *_pairs(table)]
    return "\n".join([*lines, ""])


def _pairs(table: Mapping[str, Any]) -> list[str]:
    """Return a table's lines. JSON and TOML write strings, numbers, booleans and lists alike, except for DEL."""
    text = {key: json.dumps(value, ensure_ascii=False) for key, value in table.items() if value is not None}
    return [f"{key} = {value}".replace("\x7f", "\\u007f") for key, value in text.items()]


# -- opening ---------------------------------------------------------------------------------------------


@contextmanager
def opened(named: str) -> Iterator[Path]:
    """Yield the folder of an assignment. ``named`` is a folder, a zip, or the address of a zip with its hash.

    A zip is unpacked into a folder that is removed afterwards. Raises UsageError if the file is not a zip, or has
    another hash.
    """
    place, _, digest = named.partition("#sha256=")
    path = _downloaded(place, digest) if re.match(r"https?://", place) else Path(place)
    if path.is_dir() or not path.exists():
        yield Path(named)
        return
    if digest and hashlib.sha256(path.read_bytes()).hexdigest() != digest.lower():
        raise UsageError(f"{path} is not the assignment that was meant: its sha256 differs.", "Download it again.")
    with tempfile.TemporaryDirectory(prefix="checker-", ignore_cleanup_errors=True) as parent:
        folder = Path(parent) / files.slug(path.stem)
        folder.mkdir()
        _unpack(path, folder)
        yield folder


def _downloaded(address: str, digest: str) -> Path:
    """Download the file at an address into the user's cache, unless it is there already; return its path."""
    if not re.fullmatch("[0-9a-fA-F]{64}", digest):
        raise UsageError(
            f"{address} could be any file, and its rules would be run: its hash is missing.",
            "Name it as your course does, with its hash: https://…/tick4.zip#sha256=….",
        )
    cache = Path(pooch.os_cache("checker")) / "assignments"
    name = f"{digest[:16].lower()}.zip"
    try:
        return Path(pooch.retrieve(address, f"sha256:{digest.lower()}", name, cache))
    except Exception as error:  # pooch passes on any error of its downloader
        raise UsageError(f"{address} could not be downloaded: {str(error)[:200]}") from error


def _unpack(path: Path, folder: Path) -> None:
    """Write an assignment's files from a zip to a folder, under our own names for them."""
    members = {file.parts: file for file in uploads.in_zip(path) if not file.hidden}
    _copy(members, FILE, folder, path)
    for name in (RULES, STARTER, SCORES):
        _copy(members, name, folder, path)
    data = folders.load(folder).data.file
    if (data,) in members:
        _copy(members, data, folder, path)


def _copy(members: Mapping[tuple[str, ...], uploads.File], name: str, folder: Path, path: Path) -> None:
    file = members.get((name,))
    problem = "it is not there" if file is None else file.problem
    if file is not None and file.size > MOST_BYTES:
        problem = f"it has more than {MOST_BYTES // 2**20} MiB"
    if file is None or problem:
        raise UsageError(f"{path} is no assignment: {name}: {problem}.", "Take the zip as your course gives it.")
    files.write(folder / name, file.read(MOST_BYTES))
