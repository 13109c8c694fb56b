"""Joins the pieces of a cell's printed output.

Theory of operation: a kernel sends a slow cell's prints in many pieces, and a progress bar is hundreds of them. Pieces
of one stream that follow one another are one output. Lines that were overwritten after a carriage return, as by a
progress bar, are left out, so that a long training leaves room for the text after it. A long text keeps its start and
its end. A hostile cell may send many pieces, so joining one takes no longer than copying the kept text.
"""

from typing import Any

LONGEST = 200_000
"""Characters kept of an output."""
CUT = "\n[the middle of this output was cut]\n"


def join_last(outputs: list[Any]) -> None:
    """Join a cell's last output to the one before it, if both are pieces of one stream."""
    if len(outputs) < 2 or not _is_continued(*outputs[-2:]):
        return
    piece = outputs.pop()
    outputs[-1]["text"] = joined(str(outputs[-1]["text"]), str(piece["text"]))


def joined(text: str, piece: str) -> str:
    """Return a stream's text with a further piece, without states of its last line that the piece writes over."""
    before, end, last = text.rpartition("\n")
    last += piece
    if "\r" in last:
        last = "\n".join(map(_last_state, last.split("\n")))
    whole = f"{before}{end}{last}"
    return trimmed(whole) if len(whole) > 2 * LONGEST else whole


def trimmed(text: str) -> str:
    """Return a text, or the start and the end of a long one."""
    half = LONGEST // 2
    return text if len(text) <= LONGEST else f"{text[:half]}{CUT}{text[-half:]}"


def _last_state(line: str) -> str:
    """Return a line after its last carriage return. Those at its end are kept: the next piece may begin with ``LF``."""
    written = line.rstrip("\r")
    return written.rpartition("\r")[2] + line[len(written) :]


def _is_continued(before: Any, output: Any) -> bool:
    return bool(before.output_type == output.output_type == "stream" and before.name == output.name)
