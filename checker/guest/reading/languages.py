"""The language that a notebook is written in."""

import ast
import re
from typing import Any

from IPython.core.inputtransformer2 import TransformerManager

from checker.guest.plain.notes import Note
from checker.guest.reading.cells import (
    sayable,
)
from checker.guest.reading.content import UnreadableError

MAX_TRANSFORMED = 20_000
"""Size limit, in characters, for IPython's transformer, whose time grows faster than linearly."""
KERNELS = {"ir": "R", "julia": "Julia", "octave": "Octave", "xcpp": "C++", "ijava": "Java", "scala": "Scala",
           "deno": "TypeScript", "javascript": "JavaScript", "bash": "Bash", "matlab": "Matlab"}  # fmt: skip
"""Languages by kernel name, for notebooks that do not name their language otherwise."""
transformers: Any = TransformerManager  # IPython's class has no types


def require_python(notebook: Any, note: Note) -> None:
    """Raise UnreadableError for a notebook that declares another language and whose cells are not Python."""
    said = _named_languages(notebook.metadata)
    other = next((name for name in said if not name.startswith(("python", "ipython"))), "")
    if not other:
        return
    if not _is_python([cell.source for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]):
        if said[0] != other:
            return
        raise UnreadableError(
            f"The notebook is written in {sayable(other[:40])}, not in Python.", "Solve it in Python with Keras."
        )
    note(f"the notebook says that it is in {sayable(other[:40])}, but its cells are Python; it was run as Python")


def _named_languages(metadata: Any) -> list[str]:
    """Return the languages that the kernel's metadata and the last run's name, in that order."""
    places = ((metadata.get("kernelspec"), "language"), (metadata.get("language_info"), "name"))
    said = [str(place[key]).lower() for place, key in places if isinstance(place, dict) and place.get(key)]
    kernel = metadata.get("kernelspec")
    name = str(kernel.get("name")).lower() if isinstance(kernel, dict) else ""
    return said or [language.lower() for start, language in KERNELS.items() if re.match(rf"{start}(?![a-z])", name)]


def _is_python(sources: list[str]) -> bool:
    """Whether most cells parse as Python. R's ``x <- 1`` does parse, as a comparison that nobody writes, so it is
    excluded."""
    trees = [tree for tree in map(_parsed, sources) if tree is not None and not any(map(_is_arrow, tree.body))]
    return 2 * len(trees) > len(sources)


def _is_arrow(statement: ast.stmt) -> bool:
    match statement:
        case ast.Expr(ast.Compare(ops=[ast.Lt()], comparators=[ast.UnaryOp(op=ast.USub())])):
            return True
    return False


def is_plain_python(source: str) -> bool:
    try:
        ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # the last two for thousands of brackets
        return False
    return True


def _parsed(source: str) -> ast.Module | None:
    """Return the syntax tree of code, or of IPython's translation of it; None if neither parses."""
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # the last two for thousands of brackets
        pass
    if len(source) > MAX_TRANSFORMED:
        return None
    try:
        return ast.parse(str(transformers().transform_cell(source)))
    except Exception:  # noqa: BLE001  # the transformer raises many kinds of errors on invalid code
        return None
