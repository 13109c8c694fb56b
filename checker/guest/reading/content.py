"""Decodes a file's bytes, and recognises files that are neither a notebook nor a module.

Theory of operation: a file is decoded by its byte order mark or, for a module, by the encoding that its first lines
declare; else as UTF-8, else as Windows' Western code page. A file of another kind, such as a renamed PDF, is recognised
by its first bytes, and the error gives advice for that kind. Every step takes time linear in the file's size.
"""

import codecs
import re

from checker.guest.plain.notes import Note

MARKS = (
    (codecs.BOM_UTF8, "utf-8", "UTF-8"),
    (codecs.BOM_UTF32_LE, "utf-32", "UTF-32"),
    (codecs.BOM_UTF32_BE, "utf-32", "UTF-32"),
    (codecs.BOM_UTF16_LE, "utf-16", "UTF-16"),
    (codecs.BOM_UTF16_BE, "utf-16", "UTF-16"),
)
"""Byte order marks. UTF-32's come first, because one of them begins with one of UTF-16's."""
WESTERN = "cp1252"
BEGINNING = 1_024
"""Bytes at the start of a file that are searched for its kind."""
NAMED_LINES = 6
"""Maximum number of git's conflict markers that an error names."""
_CODING = re.compile(rb"[ \t\f]*#[^\r\n]{0,200}?coding[:=][ \t]*([-\w.]{1,40})")
_EMPTY_LINE = re.compile(rb"[ \t\f]*(?:#[^\r\n]*)?(?:\r\n?|\n)")
_MARKER = re.compile(r"(?m)^[ \t]*(?:<{7}|\|{7}|={7}|>{7})(?=[ \r\n]|\Z)")

PACKED = "It is an archive or an office document under another name. Unpack it, and hand in the notebook itself."
BEGINNINGS = (
    (b"%PDF-", "a PDF", "A print of a notebook cannot be run. Upload the .ipynb file itself, as Jupyter saved it."),
    (b"PK\x03\x04", "a zip archive or an office document", PACKED),
    (b"\x1f\x8b", "a gzip archive", PACKED),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", PACKED),
    (b"Rar!", "a RAR archive", PACKED),
    (b"\xfd7zXZ\0", "an xz archive", PACKED),
    (b"BZh", "a bzip2 archive", PACKED),
    (b"\xd0\xcf\x11\xe0", "an office document", PACKED),
    (b"{\\rtf", "a rich text document", "A word processor saved it. Upload the .ipynb file as Jupyter saved it."),
    (b"\x89PNG", "a picture", "A picture of a notebook cannot be run. Upload the .ipynb file itself."),
    (b"\xff\xd8\xff", "a picture", "A picture of a notebook cannot be run. Upload the .ipynb file itself."),
    (b"\x89HDF\r\n", "a saved network", "Upload the notebook that trains the network, not the network."),
)
"""First bytes of other kinds of files, the kind, and the advice."""
LINK = (
    "The file holds only a link, or a path, to another file.",
    "Open the link, download the file itself, and upload that.",
)
_LINK = re.compile(
    rb"(?i)(?:\[InternetShortcut\]|\[Desktop Entry\]|https?://\S+\s*\Z|/annex/objects/|(?:[\w.-]+/)+[\w.-]+\.(?:ipynb|py)\s*\Z"
    rb"|<\?xml[^>]*>\s*<!DOCTYPE plist)"
)
"""Shortcuts of Windows, Linux and macOS, a lone URL, and the pointer files of git's symbolic links and git-annex."""


class UnreadableError(Exception):
    """The file is neither a notebook nor Python; args are rationale and help."""


def require_text(content: bytes, kind: str) -> None:
    """Raise UnreadableError if content is empty, or recognised as something other than text of this kind."""
    beginning = content[:BEGINNING]
    if not content.strip(b" \t\r\n\0" + codecs.BOM_UTF8):
        what = "empty" if not content else "blank: nothing but spaces or zeros is in it"
        raise UnreadableError(
            f"The file is not {kind}: it is {what}.",
            "Open your own copy, save it, see that its size is more than 0 bytes, and upload that.",
        )
    start = beginning.lstrip(codecs.BOM_UTF8 + b" \t\r\n")
    for begins, what, help in BEGINNINGS:
        if start.startswith(begins):
            raise UnreadableError(f"The file is not {kind} but {what} with another ending.", help)
    if _LINK.match(start) and len(content) < BEGINNING:
        raise UnreadableError(*LINK)
    if re.match(rb"\d{3}: [A-Z][\w ]+\s*\Z", start):
        answer = start.decode("ascii", "replace").strip()
        raise UnreadableError(
            f"The file is not {kind} but an error that a server answered: {answer!r}.",
            "Download the file again, open it to see that it is whole, and upload that.",
        )
    if re.match(rb"version https://(?:git-lfs|hawser)\.github\.com/spec/", start):
        raise UnreadableError(
            f"The file is not {kind} but a pointer of Git LFS: three lines that say where the file itself is kept.",
            "Run `git lfs pull` in your repository, see that the file has its full size, save it and upload it.",
        )
    if re.match(
        rb"(?is)(?:<\?xml[^>]*>|<!--.*?-->|\s)*+<(?:!doctype\s+html|[a-z]{1,10}[\s>/]|[a-z]{1,10}\Z)", _ascii(beginning)
    ):
        raise UnreadableError(
            f"The file is not {kind} but an HTML page: a browser saved the page about the file, or a print of it.",
            "Download the file itself (GitHub: “Download raw file”, Jupyter: “Download”, Colab: “Download .ipynb”), "
            "save it and upload that.",
        )
    if _is_binary(beginning):
        raise UnreadableError(
            f"The file is not {kind}: it holds binary data, as archives, pictures and saved networks do.",
            "Upload the notebook or the module itself: a text file, as Jupyter or your editor saved it.",
        )


def _is_binary(beginning: bytes) -> bool:
    """Tell whether there are control characters that no text has, in any of the supported encodings."""
    text = beginning.rstrip(b"\0")
    has_mark = any(text.startswith(mark) for mark, *_ in MARKS)
    return not has_mark and not _unmarked(beginning) and bool(re.search(rb"[\0-\x08\x0e-\x19\x1c-\x1f]", text))


def _ascii(content: bytes) -> bytes:
    """Return the ASCII bytes of content, so that pages in UTF-16 are recognised too."""
    return re.sub(rb"[\0\x80-\xff]", b"", content)


def require_merged(text: str, kind: str) -> None:
    """Raise UnreadableError for text with git's conflict markers."""
    markers = list(_MARKER.finditer(text))
    if {match[0].lstrip()[0] for match in markers} >= set("<=>"):
        lines = [str(text.count("\n", 0, match.start()) + 1) for match in markers[:NAMED_LINES]]
        more = f" and {len(markers) - NAMED_LINES} more" if len(markers) > NAMED_LINES else ""
        raise UnreadableError(
            f"The file is not {kind}: git has left the markers of a conflict in lines {', '.join(lines)}{more}.",
            "Decide between the two versions (<<<<<<< and >>>>>>> enclose them), take the markers out, run it, save it "
            "and upload it again.",
        )


def decode(content: bytes, note: Note, is_module: bool = False) -> str:
    """Return content as text with ``LF`` line endings; note any decoding other than plain UTF-8."""
    text = _decoded(content, note, is_module).lstrip("\ufeff")
    if text.endswith("\0"):
        note("zeros after the end of the file were left out")
    return re.sub(r"\r\n?", "\n", text.rstrip("\0"))


def _decoded(content: bytes, note: Note, is_module: bool) -> str:
    for mark, encoding, name in MARKS:
        if content.startswith(mark) and (text := _try(content[len(mark) :] if name == "UTF-8" else content, encoding)):
            note(f"the file begins with a byte order mark: it was read as {name}")
            return text
    if encoding := _unmarked(content):
        text = _try(content[: len(content) & ~1], encoding)
        if text is not None:
            note("the file is in UTF-16, without a byte order mark; it was read as that")
            return text
    declared = _declared(content) if is_module else ""
    for encoding in filter(None, (declared, "utf-8", WESTERN, "latin-1")):
        text = _try(content, encoding)
        if text is not None:
            if encoding == declared != "utf-8":
                note(f"the file is in the code page {encoding}, as one of its first lines says; it was read as that")
            elif encoding in (WESTERN, "latin-1"):
                note("the file is not in UTF-8; it was read as Windows writes Western text (cp1252)")
            return text
        if encoding == "utf-8" and (text := _mostly_utf8(content)):
            note("a few bytes of the file are no UTF-8, in which the others are; they were read as unknown signs")
            return text
    raise AssertionError("Latin-1 knows every byte")


def _try(content: bytes, encoding: str) -> str | None:
    try:
        return content.decode(encoding)
    except (UnicodeError, ValueError, LookupError):
        return None


def _mostly_utf8(content: bytes) -> str:
    """Return content decoded as UTF-8 if most of its non-ASCII characters are valid; else an empty string."""
    text = content.decode("utf-8", "replace")
    unknown = text.count("\ufffd")
    return text if unknown < sum(sign > "\x7f" for sign in text) - unknown else ""


def _unmarked(content: bytes) -> str:
    """Return the UTF-16 codec whose byte order fits: each of the first letters has a zero byte. Empty if neither
    fits."""
    beginning = content[:64]
    if len(beginning) < 4:
        return ""
    if not any(beginning[0::2]):
        return "utf-16-be" if all(beginning[1::2]) else ""
    return "utf-16-le" if not any(beginning[1::2]) and all(beginning[0::2]) else ""


def _declared(content: bytes) -> str:
    """Return the encoding that a module's first two lines declare (PEP 263), by Python's name; empty if none."""
    found = _CODING.match(content)
    if found is None and (first := _EMPTY_LINE.match(content)):
        found = _CODING.match(content, first.end())
    try:
        codec = codecs.lookup(found[1].decode("ascii")) if found else None
    except (LookupError, UnicodeError, ValueError):
        return ""
    is_plain = codec is not None and codec._is_text_encoding and codec.name not in ("idna", "punycode", "undefined")
    return codec.name if codec is not None and is_plain and "escape" not in codec.name else ""
