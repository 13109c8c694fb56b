"""The student's cells and their outputs, as safe markup within a page's limit of bytes.

Theory of operation: a page has a limit of bytes, and a notebook can hold any number of cells. So cells are paid for
from a ``Purse``: first the student's own and those that failed, then the hand-out's. A note replaces a part that the
purse cannot pay for.
"""

import base64
import binascii
import re
import struct
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import groupby

from markupsafe import Markup, escape
from pygments.lexers.python import PythonLexer
from pygments.token import (
    Comment,
    Keyword,
    Literal,
    Name,
    Number,
    Operator,
    String,
    _TokenType,
    is_token_subtype,
)

from checker.formats.text import BLOCK, as_printed, counted, visible
from checker.records.capture import CellError, CellOutput, CellResult
from checker.records.report import StudentCell

LONGEST_SOURCE = 20_000
LONGEST_EXCERPT = 4_000
LARGEST_PNG = 400_000
MOST_PIXELS = 16_000_000
MOST_CELLS = 500
MOST_OUTPUTS = 20
CELL_FRAME = 800
"""Bytes of markup around a cell's contents, including the notes that replace its parts."""

PART_FRAME = 40
"""Bytes of markup around an output."""

TOO_HEAVY = Markup('<p class="note">Left out to keep this page small.</p>')

_IMAGE = Markup('<img alt="Picture that cell {} drew" width="{}" height="{}" src="data:image/png;base64,{}">')
_PNG = b"\x89PNG\r\n\x1a\n"
_COLOUR = r"(?:\x1b\[[0-9;]{0,20}m)"
_OWN_FRAME = re.compile(rf"^{_COLOUR}*File {_COLOUR}*/checker/checker/(?:[^\n]{{1,2000}}\n){{1,60}}\n", re.MULTILINE)
"""A frame of the checker's own code in the sandbox, in a traceback of IPython, with the empty line after it."""
_COLOURED = (
    (Comment, "c"),
    (String, "s"),
    (Number, "n"),
    (Name.Function, "f"),
    (Name.Class, "f"),
    (Name.Builtin, "b"),
    (Name.Decorator, "f"),
    (Operator.Word, "k"),
    (Keyword, "k"),
    (Literal, "n"),
)


@dataclass(frozen=True)
class ShownCell:
    """A cell as the page shows it. ``ended``: it ran to its end."""

    index: int
    seconds: float
    source: Markup
    outputs: tuple[Markup, ...]
    error: Markup
    ended: bool


@dataclass(frozen=True)
class Group:
    """Neighbouring cells, all open or all folded."""

    is_open: bool
    cells: tuple[ShownCell, ...]

    @property
    def errors(self) -> int:
        """Number of cells that raised an error."""
        return sum(bool(cell.error) for cell in self.cells)


class Purse:
    """The bytes that are left for cells."""

    def __init__(self, content: int) -> None:
        self._content = content

    def pay(self, text: str, make: Callable[[str], Markup]) -> Markup:
        """Return ``make(text)`` if the purse can pay for it, else a note in its place.

        Markup that is too heavy still costs the length of its text. This limits the work that a notebook can cause.
        """
        if len(text) > self._content:
            return TOO_HEAVY
        markup = make(text)
        if self.can_pay(len(markup.encode()) + PART_FRAME):
            return markup
        self._content -= len(text)
        return TOO_HEAVY

    def can_pay(self, price: int) -> bool:
        """Take the price out and return True, or leave the purse alone and return False."""
        if price > self._content:
            return False
        self._content -= price
        return True


def groups(cells: Sequence[StudentCell], failed: Collection[int | None], weight: int) -> list[Group]:
    """Return the cells in groups, as far as ``weight`` bytes allow; new cells and those in ``failed`` are open."""
    purse = Purse(weight)
    opened = [c.is_new or c.cell.index in failed for c in cells]
    in_turn = sorted(range(len(cells)), key=lambda at: not opened[at])
    shown = {at: _cell(cells[at].cell, purse) for at in in_turn[:MOST_CELLS] if purse.can_pay(CELL_FRAME)}
    runs = groupby(sorted(shown), opened.__getitem__)
    return [Group(is_open, tuple(shown[at] for at in run)) for is_open, run in runs]


def excerpt(cells: Sequence[StudentCell], index: int | None, line: str = "") -> Markup:
    """Return the beginning of a cell's source, with the first line that begins with ``line`` marked; "" if the page has
    no such cell."""
    found = next((shown.cell for shown in cells if shown.cell.index == index), None)
    return _marked(visible(found.source, LONGEST_EXCERPT), line.removesuffix("…").rstrip()) if found else Markup("")


def _marked(source: str, line: str) -> Markup:
    lines = source.split("\n")
    is_found = (bool(line) and " ".join(one.replace("`", "").split()).startswith(line) for one in lines)
    at = next((at for at, is_it in enumerate(is_found) if is_it), None)
    if at is None:
        return coloured(source)
    before, here, after = lines[:at], coloured(lines[at]).rstrip("\n"), lines[at + 1 :]
    around = (coloured("\n".join(part)) if part else Markup("") for part in (before, after))
    return Markup("{}<mark>{}</mark>\n{}").format(next(around), here, next(around))


def _cell(cell: CellResult, purse: Purse) -> ShownCell:
    source = purse.pay(visible(cell.source, LONGEST_SOURCE), coloured)
    error = purse.pay(_raised(cell.error), _printed) if cell.error else Markup("")
    return ShownCell(cell.index, cell.seconds, source, tuple(_outputs(cell, purse)), error, cell.ended)


# -- source ------------------------------------------------------------------------------------------------


@lru_cache(maxsize=256)  # both editions of a page show the same cells, and a class has cells in common
def coloured(source: str) -> Markup:
    """Return Python source as markup with a class for each kind of token."""
    pieces = ((_colour(kind), text) for kind, text in PythonLexer(stripnl=False).get_tokens(source))
    merged = ((name, "".join(text for _, text in run)) for name, run in groupby(pieces, lambda p: p[0]))
    return Markup("").join(_span(name, text) for name, text in merged)


def _colour(kind: _TokenType) -> str:
    return next((name for group, name in _COLOURED if is_token_subtype(kind, group)), "")


def _span(name: str, text: str) -> Markup:
    return Markup('<span class="{}">{}</span>').format(name, text) if name else escape(text)


# -- outputs -----------------------------------------------------------------------------------------------


def _outputs(cell: CellResult, purse: Purse) -> Iterator[Markup]:
    """Yield a cell's outputs; stop after the note for the first one that the purse cannot pay for."""
    for output in cell.outputs[:MOST_OUTPUTS]:
        shown = _output(output, cell.index, purse)
        yield shown
        if shown is TOO_HEAVY:
            return
    if len(cell.outputs) > MOST_OUTPUTS:
        more = counted(len(cell.outputs) - MOST_OUTPUTS, "more output")
        yield Markup('<p class="note">… and {}.</p>').format(more)


def _output(output: CellOutput, index: int, purse: Purse) -> Markup:
    if output.kind == "png":
        return purse.pay(output.content, partial(_picture, index=index))
    return purse.pay(as_printed(output.content, BLOCK), _printed)


def _raised(error: CellError) -> str:
    return as_printed(_OWN_FRAME.sub("", error.traceback) or f"{error.name}: {error.message}", BLOCK)


def _printed(text: str) -> Markup:
    return Markup('<pre tabindex="0">{}</pre>').format(text)


def _picture(content: str, index: int) -> Markup:
    """Return an image of the decoded bytes, or a note if they are not a PNG of modest size."""
    size = _png_size(data := _decoded(content))
    if size is None:
        return Markup('<p class="note">An image that is not a PNG of modest size was left out.</p>')
    return _IMAGE.format(index, *size, base64.b64encode(data).decode())


def _decoded(content: str) -> bytes:
    """Return the bytes of base64 text; no bytes if it is malformed or too long."""
    if len(content) > LARGEST_PNG * 1.4:
        return b""
    try:
        return base64.b64decode("".join(content.split()), validate=True)
    except (binascii.Error, ValueError):
        return b""


def _png_size(data: bytes) -> tuple[int, int] | None:
    """Return width and height from the PNG's header; None if the data is not a PNG of modest size."""
    if len(data) > LARGEST_PNG or not data.startswith(_PNG) or data[12:16] != b"IHDR" or len(data) < 24:
        return None
    width, height = struct.unpack(">II", data[16:24])
    return (width, height) if 0 < width * height <= MOST_PIXELS else None
