"""Reads from a cell's error which of the student's files is missing, and in which file the cell failed. Pure.

A file is missing where the error names one and no cell writes it. Folders, programs, and files that the cell was about
to write do not count, because nobody could have handed them in.
"""

import re
from collections.abc import Iterator, Sequence

from checker.records.capture import Adaptation, CellError, CellResult
from checker.records.submission import Companion

_MESSAGES = tuple(
    re.compile(pattern)
    for pattern in (
        r"No such file or directory: ['\"](?P<path>[^'\"]+)['\"]",
        r"No file or directory found at (?P<path>\S.*)",
        r"File not found: filepath=(?P<path>.+?)\. Please",
        r"unable to open file: name = '(?P<path>[^']+)', errno = 2",
        r"(?s)[Ff]ile `?'(?P<path>[^']+)'`? not found",
        r"(?P<path>[^\s:;'\"]+\.\w+) not found\.",
        r"(?:^|\}\} |: )(?P<path>[^\s;:]+); No such file or directory",
    )
)
"""How Python, IPython, NumPy, pandas, h5py, Keras and TensorFlow report a missing file."""
_MISSING = frozenset({"FileNotFoundError", "OSError", "IOError", "ValueError", "NotFoundError", "Exception"})
_MODULES = re.compile(r"no `(?P<own>\w+)\.py` was handed in|^No module named '(?P<module>\w+)'")
"""How the checker's stand-in for a module, and Python, report a missing module."""
_BOX = re.compile(r".*[/\\]notebooks[/\\]practical[/\\]")
"""The beginning of a path in a sandbox that leads into the student's own folder."""
_ENDING = re.compile(r"\.[A-Za-z]\w{0,9}$")
_WRITES = re.compile(
    r"""(?:mode\s*=\s*|open\([^)]*,\s*)['"][wax]|\bsavefig\(|\.to_\w+\(|\bsave\w*\(|\bimsave\(|\bdump\("""
)
_STYLE = re.compile(r"\x1b\[[0-9;]*m")
_FRAME = re.compile(r"File \S{0,500}?[/\\]notebooks[/\\]practical[/\\](?P<path>[^\n:]{1,200}\.py):(?P<line>\d+)")
"""How IPython's traceback names a line of a file in the student's own folder."""
_SAID = re.compile(r"(?P<verb>reads|imports) `(?P<name>[^`]+)`, which (?:is not installed here and )?was not handed in")
MAX_NAME = 100
EMPTY_LINE = "was answered with an empty line"
"""Part of the error that the checker's answer to a prompt raises when it is converted to a number."""
_PROMPT = re.compile(r"(?<![\w.])(?:raw_)?input\(|\bgetpass\(")
_OF_ANSWERS = frozenset({"ValueError", "KeyError", "IndexError", "TypeError", "SyntaxError", "EOFError"})


def missing_file(cell: CellResult) -> str:
    """Return the file that a cell failed to find, as the cell names it; "" where its error is about no file."""
    error = cell.error
    if error is None or error.name not in _MISSING:
        return ""
    found = next((match for pattern in _MESSAGES if (match := pattern.search(error.message[:2_000]))), None)
    path = " ".join(found["path"].split()) if found else ""
    return path if _ENDING.search(path) and not _is_writing(error) else ""


def _is_writing(error: CellError) -> bool:
    """Tell whether the student's line that failed was about to write a file."""
    lines = _STYLE.sub("", error.traceback).splitlines()
    own = [line for line in lines if re.match(r"\s*-+>\s*\d+", line)]
    return bool(own) and _WRITES.search(own[0]) is not None


def lacks(cell: CellResult, companions: Sequence[Companion] = ()) -> str:
    """Name a cell's missing file or module: ``cell 3 reads `train.csv`, which was not handed in``; "" for none."""
    said = _lacks(cell, companions)
    return f"cell {cell.index} {said}" if said else ""


def _lacks(cell: CellResult, companions: Sequence[Companion]) -> str:
    error = cell.error
    if error is not None and error.name in ("ModuleNotFoundError", "ImportError"):
        found = _MODULES.search(error.message[:2_000])
        module = (found["own"] or found["module"])[:MAX_NAME] if found else ""
        return f"imports `{module}`, which is not installed here and was not handed in" if module else ""
    path = _BOX.sub("", missing_file(cell))
    return _reads(path, companions) if path else ""


def _reads(path: str, companions: Sequence[Companion]) -> str:
    name = re.split(r"[/\\]", path)[-1]
    same = [one for one in companions if one.name.rpartition("/")[2].lower() == name.lower()]
    shown = (path if len(path) <= MAX_NAME else f"…{path[-MAX_NAME:]}").replace("`", "'")
    left_out = next((one.left_out for one in same if one.left_out), "")
    if left_out:
        return f"reads `{shown}`, which was handed in but left out: {left_out}"
    if same:
        return f"reads `{shown}`, which is not there; `{same[0].name}` was handed in"
    return f"reads `{shown}`, which was not handed in"


def named_in(words: str) -> str:
    """Return the file or module that a sentence from ``lacks`` names as not handed in, "file `train.csv`" or "module
    `utils`"; "" for none."""
    found = _SAID.search(words)
    return f"{'file' if found['verb'] == 'reads' else 'module'} `{found['name']}`" if found else ""


def unanswered(cell: CellResult) -> bool:
    """Tell whether a cell failed for want of an answer to a prompt: it asks for input, or converted an empty answer to
    a number."""
    error = cell.error
    if error is None or error.name not in _OF_ANSWERS:
        return False
    return EMPTY_LINE in error.message or _PROMPT.search(cell.source) is not None


def place(cell: CellResult) -> str:
    """Return where an error arose: ``cell 3``, or ``cell 3 (`model.py`, line 12)`` where a companion raised it."""
    trace = _STYLE.sub("", cell.error.traceback[-20_000:]) if cell.error else ""
    frames = list(_FRAME.finditer(trace))
    inside = f" (`{frames[-1]['path']}`, line {frames[-1]['line'][:9]})" if frames else ""
    return f"cell {cell.index}{inside}"


def notes(cells: Sequence[CellResult], companions: Sequence[Companion]) -> Iterator[Adaptation]:
    """Yield the page's note for each cell that lacks a file or a module."""
    for cell in cells:
        if said := _lacks(cell, companions):
            yield Adaptation(cell.index, f"the cell {said}")


def is_note(words: str) -> bool:
    """Tell whether a note of the page is one of ``notes``."""
    return words.startswith(("the cell reads `", "the cell imports `"))
