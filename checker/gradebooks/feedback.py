"""The zip of feedback files that Moodle's importer gives to students.

Moodle splits the first folder's name at underscores. The second piece is the participant's number, and the third and
fourth name a plugin; the first piece is ignored. Moodle leaves out hidden files, and files that equal a submitted file
of the same name. So the page's name holds a hash that a student cannot guess.
"""

import hashlib
import io
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

FOLDER = "Participant_{}_assignsubmission_file"
OVERHEAD = 400
"""Bytes in a zip for each file in addition to its content: names and headers, twice."""


@dataclass(frozen=True)
class Page:
    """A page for the participant with this number; ``about`` is the hash of its subject."""

    number: str
    about: str
    content: bytes

    @property
    def path(self) -> str:
        """The page's path in the zip."""
        told = hashlib.sha256(f"{self.number} {self.about}".encode()).hexdigest()[:12]
        return f"{FOLDER.format(self.number)}/checker-report-{told}.html"


def pack(pages: Sequence[Page], limit: int) -> list[bytes]:
    """Distribute all pages over zips of at most ``limit`` bytes; a larger page gets a zip of its own."""
    zips: list[list[Page]] = [[]]
    room = limit
    for page in pages:
        weight = len(zlib.compress(page.content, 9)) + OVERHEAD
        if weight > room and zips[-1]:
            zips.append([])
            room = limit
        zips[-1].append(page)
        room -= weight
    return [_zip(together) for together in zips if together]


def _zip(pages: Sequence[Page]) -> bytes:
    out = io.BytesIO()
    with ZipFile(out, "w", ZIP_DEFLATED, compresslevel=9) as archive:
        for page in pages:
            info = ZipInfo(page.path)
            info.external_attr = 0o644 << 16
            archive.writestr(info, page.content, ZIP_DEFLATED, 9)
    return out.getvalue()
