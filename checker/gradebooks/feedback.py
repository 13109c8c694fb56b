"""The zip of feedback files that Moodle's importer hands out to students.

Moodle cuts the first folder's name at underscores: the second piece is the participant's number, the third and fourth
name a plugin; who the first piece names does not matter. It leaves out hidden files, and a file that is the same as one
that the student has submitted under the same name; so the page's name holds a hash that a student cannot know.
"""

import hashlib
import io
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

FOLDER = "Participant_{}_assignsubmission_file"
OVERHEAD = 400
"""Bytes of a zip for each file beside its content: names and headers, twice."""


@dataclass(frozen=True)
class Page:
    """A page for the participant with a number; ``about`` is the hash of what it is about."""

    number: str
    about: str
    content: bytes

    @property
    def path(self) -> str:
        """The page's path in the zip."""
        told = hashlib.sha256(f"{self.number} {self.about}".encode()).hexdigest()[:12]
        return f"{FOLDER.format(self.number)}/checker-report-{told}.html"


def pack(pages: Sequence[Page], limit: int) -> list[bytes]:
    """Return zips that hold all pages between them, none with more bytes than the limit unless a single page has."""
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
