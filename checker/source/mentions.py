"""Finds the files that a student's code names: modules that it imports, and file names that it contains. Pure.

Code is searched as text and never parsed, so magics and errors in it do not matter. A name that is put together at run
time is not found.
"""

import json
import re
from collections.abc import Collection, Iterable
from typing import Any

MAX_CODE = 2_000_000
"""Characters of a file that are searched."""
_IMPORTS = re.compile(r"\b(?:import|from)\b[^\n#(]{0,1000}(?:\([^)]{0,4000})?")
_RUNS = re.compile(r"%(?:run|load)\b[^\n]{0,1000}")
_WORD = re.compile(r"\w+")
PACKAGE = "__init__"
CODE = (".py", ".ipynb")


def code_of(content: bytes) -> str:
    """Return the code in a module's or a notebook's bytes; for other content, its text."""
    text = content[:MAX_CODE].decode("utf-8", "replace")
    if not text.lstrip().startswith("{"):
        return text
    try:
        cells: Any = json.loads(content).get("cells")
        return "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")[:MAX_CODE]
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return text


def imported(code: str) -> frozenset[str]:
    """Return all words in statements that import or run modules."""
    lines = [match[0] for pattern in (_IMPORTS, _RUNS) for match in pattern.finditer(code)]
    return frozenset(_WORD.findall("\n".join(lines)))


def names_file(code: str, words: Collection[str], parts: tuple[str, ...]) -> bool:
    """Tell whether code, which imports ``words``, names the file at a path."""
    *folders, name = parts
    stem, _, ending = name.rpartition(".")
    if ending == "py":
        wanted = folders[-1] if stem == PACKAGE and folders else stem
        if wanted in words:
            return True
    return re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w-])", code) is not None


def names_folder(code: str, name: str) -> bool:
    """Tell whether code names a folder."""
    return re.search(rf"\b{re.escape(name)}\b", code) is not None


def reached(code: str, files: Iterable[tuple[str, bytes]]) -> str:
    """Return code together with the code of the files, as pairs of path and content, that it imports or runs."""
    waiting = [(tuple(path.split("/")), content) for path, content in files if path.lower().endswith(CODE)]
    found = [code]
    at = 0
    while at < len(found):
        words = imported(found[at])
        wanted = [file for file in waiting if _is_used(found[at], words, file[0])]
        waiting = [file for file in waiting if file not in wanted]
        found += [code_of(content) for _, content in wanted]
        at += 1
    return "\n".join(found)


def _is_used(code: str, words: Collection[str], parts: tuple[str, ...]) -> bool:
    return names_file(code, words, parts) if parts[-1].lower().endswith(".py") else parts[-1] in code
