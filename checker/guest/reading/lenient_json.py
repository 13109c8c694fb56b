"""A notebook's JSON, read in spite of slips that can have only one meaning."""

import json
import re
from typing import Any

from checker.guest.plain.notes import Note
from checker.guest.reading.content import UnreadableError, require_merged

SHORT = 12
"""Maximum number of characters after the first error in a truncated file."""
_SLIPS = re.compile(
    r"""(?P<string>"(?:[^"\\]++|\\.)*+(?:"|\\?\Z))|(?P<extra>,(?=\s*(?:[]}]|,)))|(?P<missing>(?<=[]}"])(?=\s*["{]))"""
    r"""|(?P<python>\b(?:None|True|False)\b)|(?P<blank>\u00a0)""",
    re.DOTALL,
)
"""Slips that hand edits, scripts and merges leave in JSON, and whole strings, so that those are not taken for slips."""
_ESCAPE = re.compile(r'\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})|(\\)')
_CONTROL = re.compile(r"[\0-\x1f]")
SLIPS = {
    "extra": "commas before closing brackets of the file were left out",
    "missing": "commas were missing between values of the file; they were put in",
    "python": "the file has Python's words for JSON's `null`, `true` or `false`; they were read as those",
    "blank": "blanks of the file are none of JSON's; they were read as blanks",
    "escape": "backslashes stood alone inside strings of the file; they were read as written",
    "control": "line breaks or tabs stood inside strings of the file; they were read as written",
}
"""The note for each kind of slip."""
_RIGHT = {"None": "null", "True": "true", "False": "false", "\u00a0": " "}


def no_notebook(
    why: str, help: str = "Open it in Jupyter, save it there and upload the saved .ipynb file."
) -> Exception:
    return UnreadableError(f"The file is not a notebook that Jupyter can open: {why.rstrip('.')}.", help)


def read_json(text: str, note: Note) -> Any:
    """Return the first whole JSON value in text. Raises UnreadableError if there is none."""
    begin = len(text) - len(text.lstrip())
    try:
        try:
            whole, end = json.JSONDecoder().raw_decode(text, begin)
        except json.JSONDecodeError:
            whole, end, text = _leniently(text, begin, note)
    except json.JSONDecodeError as error:
        raise _no_json(error) from error
    except (RecursionError, ValueError) as error:  # the second for numbers of thousands of digits
        raise no_notebook("brackets are nested too deeply, or a number is too long") from error
    if rest := text[end:].strip():
        line = text.count("\n", 0, text.index(rest[:1], end)) + 1
        what = "brackets" if not rest.strip(" \t\n,;]})") else "text"
        note(f"{what} after the end of the notebook, in line {line}, {'was' if what == 'text' else 'were'} left out")
    return whole


def _leniently(text: str, begin: int, note: Note) -> tuple[Any, int, str]:
    """Return JSON in spite of slips that can have only one meaning, and the position of its end."""
    require_merged(text, "a notebook that Jupyter can open")
    made: dict[str, int] = {}

    def mend(match: re.Match[str]) -> str:
        kind, right = match.lastgroup or "", _RIGHT.get(match[0], "")
        right = "," if kind == "missing" else right
        if kind == "string":
            right = _ESCAPE.sub(lambda escape: "\\\\" if escape[1] else escape[0], match[0])
            kind = "escape" if right != match[0] else "control" if _CONTROL.search(right) else ""
        if kind:
            made.setdefault(kind, match.start())
        return right

    mended = _SLIPS.sub(mend, text)
    whole, end = json.JSONDecoder(strict=False).raw_decode(mended, begin)
    for kind, at in made.items():
        note(f"{SLIPS[kind]}, first in line {text.count(chr(10), 0, at) + 1}")
    return whole, end, mended


def _no_json(error: json.JSONDecodeError) -> Exception:
    text = error.doc
    left = text[error.pos :].strip()
    if error.msg.startswith("Unterminated string") or not left or (len(left) < SHORT and left[-1] != "}"):
        last = text.count("\n", 0, len(text.rstrip())) + 1
        return no_notebook(
            f"it breaks off in line {last}, before its end; it was saved or uploaded only in part",
            "Compare its size with that of your own copy; save it again, let the upload come to its end, and upload it "
            "whole.",
        )
    return no_notebook(f"line {error.lineno} is no JSON ({error.msg[:100]})")
