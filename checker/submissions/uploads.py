"""Lists and reads the files of an upload, a folder or a zip.

A zip is never unpacked: members are listed, and the chosen ones read into memory, so that their paths never reach the
file system. If a member can't or should not be read, its ``problem`` says why in words; the others are still read. The
zip declares each member's unpacked size, and zipfile never returns more than that.
"""

import os
import re
import stat
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from zipfile import ZipFile, ZipInfo

from checker.errors import HarnessError, UsageError

IGNORED = ("__pycache__", "__MACOSX", ".ipynb_checkpoints", ".DS_Store")
"""Files that programs leave beside people's files; they are ignored without a note."""
NOTHING = ".nothing"
"""Name of the entry that stands for a folder without any file. Without the entry the folder would be overlooked."""
MOST_MEMBERS = 100_000
RATIO = 200
"""Maximum compression ratio. A notebook has a ratio of about 10, a repetitive one 50; deflate allows about 1,000."""
HARMLESS = 2**24
"""Unpacked size in bytes up to which any ratio is allowed."""
UTF8 = 0x800
ENCRYPTED = 0x1


@dataclass(frozen=True)
class File:
    """A file of an upload.

    ``parts``: its folders and its name. ``changed``: modification time in seconds, or any number that is greater for
    later files. ``member``: its name in the zip at ``place``, else "". ``problem``: why it can't be read. ``note``:
    another oddity. ``stamp``: its timestamp in the zip, without a zone, as ISO 8601; "" for none. ``hidden``: its name
    begins with a dot, so it is ignored; it may be a folder.
    """

    parts: tuple[str, ...]
    changed: float
    size: int
    place: Path
    member: str = ""
    problem: str = ""
    note: str = ""
    stamp: str = ""
    hidden: bool = False

    @property
    def name(self) -> str:
        """Its name without folders."""
        return self.parts[-1]

    @property
    def stands_for_nothing(self) -> bool:
        """Tell whether this entry is no file, but stands for a folder without any."""
        return self.name == NOTHING and not self.hidden

    def read(self, limit: int) -> bytes:
        """Return its bytes, up to a limit."""
        return read(self.place, self.member, limit)


def told(text: str) -> str:
    """Return text from file names in a form that can be stored as UTF-8, whatever their encoding."""
    return os.fsencode(text).decode("utf-8", "backslashreplace")


def is_hidden(parts: tuple[str, ...]) -> bool:
    """Tell whether a path is a cache, a checkpoint, a left-over of an archive, or begins with a dot anywhere."""
    return any(part.startswith(".") or part in IGNORED for part in parts)


def in_folder(folder: Path) -> list[File]:
    """Return all files under a folder, in order of their paths, without links and the content of hidden folders.

    A folder in it without any file has an entry that stands for nothing.

    Raises UsageError if a folder in it can't be opened, because somebody's work would be left out unnoticed.
    """
    try:
        return sorted(_walk(folder, ()), key=lambda file: file.parts)
    except OSError as error:
        raise UsageError(
            f"{error.filename or folder} cannot be opened: {error.strerror}.", "Make it readable."
        ) from error


def _walk(folder: Path, above: tuple[str, ...]) -> Iterator[File]:
    for entry in folder.iterdir():
        parts = (*above, entry.name)
        if entry.name in IGNORED or entry.is_symlink():
            continue
        if entry.name.startswith("."):
            yield File(parts, 0.0, 0, entry, hidden=True)
        elif entry.is_dir():
            inside = list(_walk(entry, parts))
            yield from inside
            if all(file.hidden for file in inside):
                yield _nothing(parts, entry)
        elif entry.is_file():
            found = entry.stat()
            yield File(parts, found.st_mtime, found.st_size, entry)


def _nothing(folder: tuple[str, ...], place: Path, member: str = "") -> File:
    return File((*folder, NOTHING), 0.0, 0, place, member)


def in_zip(path: Path) -> list[File]:
    """Return all files in a zip, in order of their paths; if two have the same path, only the later one.

    A folder in it without any file has an entry that stands for nothing.

    Raises UsageError if the zip is malformed or truncated, or has more than ``MOST_MEMBERS`` members.
    """
    try:
        with ZipFile(path) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, UnicodeDecodeError, NotImplementedError, OSError, ValueError) as error:
        words = f"{path} cannot be read as a zip: {error}."
        raise UsageError(words, "Download it again; or unpack it, and name the folder.") from error
    if len(members) > MOST_MEMBERS:
        raise UsageError(f"{path} holds {len(members):,} files, too many.", "Unpack it, and name the folder.")
    found: dict[tuple[str, ...], File] = {}
    folders: set[tuple[str, ...]] = set()
    for info in members:
        file = _member(path, info)
        if not file.parts:
            continue
        if is_hidden(file.parts):
            first = next(at for at, part in enumerate(file.parts) if is_hidden((part,)))
            folders.add(file.parts[:first])
            if not any(part in IGNORED for part in file.parts):
                parts = file.parts[: first + 1]
                found.setdefault(parts, File(parts, 0.0, 0, path, file.member, hidden=True))
        elif file.member.endswith("/"):
            folders.add(file.parts)
        else:
            found[file.parts] = replace(file, note="it is in the zip twice") if file.parts in found else file
    nothings = [_nothing(folder, path, "/".join((*folder, ""))) for folder in _without_files(folders, found.values())]
    return sorted((*found.values(), *nothings), key=lambda file: file.parts)


def _without_files(folders: set[tuple[str, ...]], found: Iterable[File]) -> set[tuple[str, ...]]:
    """Return the innermost of the folders under which there is no file, except hidden ones."""
    above = {file.parts[:depth] for file in found if not file.hidden for depth in range(len(file.parts))}
    empty = folders - above - {()}
    return empty - {folder[:depth] for folder in empty for depth in range(len(folder))}


def _member(path: Path, info: ZipInfo) -> File:
    name = _name(info).replace("\\", "/")
    parts = tuple(part for part in name.split("/") if part not in ("", ".", ".."))
    year, month, day, hour, minute, second = info.date_time
    changed = (
        (((year * 12 + month) * 31 + day) * 24 + hour) * 60 + minute
    ) * 60 + second  # increases with time, but is not in seconds
    return File(parts, changed, info.file_size, path, info.filename, _problem(name, info), stamp=_stamp(info))


def _stamp(info: ZipInfo) -> str:
    """Return a member's timestamp; "" for an invalid date or one in 1980, which programs write for none."""
    try:
        found = datetime(*info.date_time)
    except ValueError:
        return ""
    return found.isoformat() if found.year > 1980 else ""


def _name(info: ZipInfo) -> str:
    """Return a member's name. Without the UTF-8 flag zipfile decodes it as cp437, as the format says, but many
    programs write UTF-8 without the flag. Other text is hardly ever valid UTF-8."""
    if info.flag_bits & UTF8:
        return info.orig_filename
    try:
        return info.orig_filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return info.orig_filename


def _problem(name: str, info: ZipInfo) -> str:
    if name.startswith("/") or ".." in name.split("/") or re.match(r"[A-Za-z]:", name) or "\0" in name:
        return "its path leads out of the zip"
    if stat.S_ISLNK(info.external_attr >> 16):
        return "it is a link"
    if info.flag_bits & ENCRYPTED:
        return "it is encrypted"
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return "it is packed in a way that is not read here"
    if info.file_size > max(HARMLESS, RATIO * info.compress_size):
        return f"it would unpack to {info.file_size // 2**20} MiB from {info.compress_size // 2**10} KiB"
    return ""


def read(place: Path, member: str, limit: int) -> bytes:
    """Return a file's bytes up to a limit.

    Raises HarnessError if it can't be read from its zip.
    """
    if not member:
        with place.open("rb") as stream:
            return stream.read(limit)
    try:
        with ZipFile(place) as archive, archive.open(member) as packed:
            return packed.read(limit)
    except (zipfile.BadZipFile, zlib.error, EOFError, KeyError, NotImplementedError, OSError, RuntimeError) as error:
        words = f"{member} cannot be read from {place.name}: {error}."
        raise HarnessError(words, "Download the zip again.") from error
