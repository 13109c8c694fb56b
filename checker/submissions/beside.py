"""Finds the companions of a single file: only files that its code names, never a whole folder.

A student's own file may lie in a home folder, among downloads, or on a desktop. So a file is taken only if the code
contains its name or imports it as a module, or if a file taken before does. A folder is searched only if the code names
it.
"""

import contextlib
from pathlib import Path

from checker.source import mentions
from checker.submissions.uploads import IGNORED, File

MOST_ENTRIES = 2_000
"""A folder with more entries is ignored: it can't be the folder of one piece of work."""
MOST_FOLDERS = 50
DEEPEST = 4


def beside(path: Path) -> list[File]:
    """Return the files in a file's folder that its code names; links are not followed."""
    code = mentions.code_of(_beginning(path))
    found: dict[tuple[str, ...], File] = {}
    while True:
        words = mentions.imported(code)
        new = [
            file
            for file in _listed(path.parent, code)
            if file.place.name != path.name and file.parts not in found and mentions.names_file(code, words, file.parts)
        ]
        if not new:
            return list(found.values())
        found |= {file.parts: file for file in new}
        code += "".join("\n" + mentions.code_of(_beginning(f.place)) for f in new if f.name.endswith(mentions.CODE))
        code = code[: 4 * mentions.MAX_CODE]


def _listed(folder: Path, code: str) -> list[File]:
    """Return the files of a folder, and of folders in it that code names."""
    found: list[File] = []
    waiting: list[tuple[Path, tuple[str, ...]]] = [(folder, ())]
    for number in range(MOST_FOLDERS):
        if number >= len(waiting):
            break
        place, above = waiting[number]
        with contextlib.suppress(OSError):  # a folder that can't be listed counts as empty
            entries = sorted(place.iterdir())
            for entry in entries if len(entries) <= MOST_ENTRIES else ():
                parts = (*above, entry.name)
                if entry.name.startswith(".") or entry.name in IGNORED or entry.is_symlink():
                    continue
                if entry.is_dir():
                    if len(parts) < DEEPEST and mentions.names_folder(code, entry.name):
                        waiting.append((entry, parts))
                elif entry.is_file():
                    of = entry.stat()
                    found.append(File(parts, of.st_mtime, of.st_size, entry))
    return found


def _beginning(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(8 * mentions.MAX_CODE)
    except OSError:
        return b""
