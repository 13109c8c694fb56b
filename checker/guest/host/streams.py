"""Joins what a cell prints into one text.

Theory of operation: a kernel sends a slow cell's prints in many pieces, and a progress bar is hundreds of them. Pieces
of one stream that follow one another are one output. A line that was written over, as a progress bar writes over itself
after a carriage return, is left out, so that a long training takes no room from what is printed at its end.
"""

import re
from typing import Any

_OVERWRITTEN = re.compile(r"[^\n]*\r(?=[^\r\n])")
"""Earlier states of a line. A carriage return at the end of a piece may still be one half of a line's end."""


def join_last(outputs: list[Any]) -> None:
    """Join a cell's last output to the one before it, if both are pieces of one stream."""
    if len(outputs) < 2 or not _is_continued(*outputs[-2:]):
        return
    piece = outputs.pop()
    outputs[-1]["text"] = joined(str(outputs[-1]["text"]), str(piece["text"]))


def joined(text: str, piece: str) -> str:
    """Return a stream's text with a further piece, without states of its last line that the piece writes over."""
    before, end, last = text.rpartition("\n")
    return f"{before}{end}{_OVERWRITTEN.sub('', last + piece)}"


def _is_continued(before: Any, output: Any) -> bool:
    return bool(before.output_type == output.output_type == "stream" and before.name == output.name)
