"""A Python module as a notebook of cells.

Theory of operation: ``# %%`` and similar marks begin a cell. A module without marks is cut at the blank lines between
its top-level statements, so that one bad line does not take the whole module with it.
"""

import ast
import itertools
import re
from collections.abc import Iterable
from typing import Any

import nbformat

from checker.guest.plain.notes import Note
from checker.guest.reading.cells import (
    code_cell,
    ignore,
    notebook_of,
    sayable,
)
from checker.guest.reading.languages import transformers
from checker.guest.reading.statements import can_parse, paragraphs, visible, without_outputs

LONG_PARAGRAPH = 15
"""A paragraph of more statements than this is cut before each statement."""
_MARK = re.compile(r"#\s*(?:%%|In\s?\[[\d *]*\]|<(?:code|markdown|raw)cell>|COMMAND -{10}|\+\s*$|\+\s+(?:\[|\{|\w+=))")
"""Cell marks of VS Code, Spyder, jupytext, nbconvert and Databricks."""
_MARKDOWN = re.compile(
    r"#\s*(?:%%[^\n]*\[(?:markdown|raw)\]|%%+\s*(?:md|markdown|raw)\b|<(?:markdown|raw)cell>|\+\s+\[markdown\])"
)
"""Their marks of cells without code."""
_FENCE = re.compile(r"(?m)^[ \t]*(?:```|~~~)[^\n`]*$")


def split(text: str, note: Note = ignore) -> Any:
    """Return a module's text as a notebook; each cell keeps the number of lines before it."""
    if not can_parse(text):
        text = _without_wrapping(text, note)
    lines = text.split("\n")
    cuts = sorted({0, *_cuts(visible(text), lines)})
    cells = []
    for first, end in itertools.pairwise([*cuts, len(lines)]):
        begin = first + bool(_MARK.match(lines[first]))
        begin = next((at for at in range(begin, end) if lines[at].strip()), end)
        source = "\n".join(lines[begin:end]).rstrip("\n")
        if source.strip() and not (_MARKDOWN.match(lines[first]) and not can_parse(source)):
            cells.append(code_cell(sayable(source), begin))
    return notebook_of(cells, nbformat.NotebookNode(module=True))


def _without_wrapping(text: str, note: Note) -> str:
    """Return code without the text outside Markdown fences and without prompts; line numbers do not change."""
    lines = text.split("\n")
    fences = [at for at, line in enumerate(lines) if _FENCE.match(line)]
    if fences:
        pairs = itertools.zip_longest(fences[::2], fences[1::2], fillvalue=len(lines))
        inside = {at for begin, end in pairs for at in range(begin + 1, end)}
        text = "\n".join(line if at in inside else "" for at, line in enumerate(lines))
        note("the code between fences of Markdown was run; what stands around them was left out")
    session = without_outputs(text)
    if session != text:
        note("a session was pasted with its prompts; what stands between them are outputs, which were left out")
    return session


def _cuts(text: str, lines: list[str]) -> Iterable[int]:
    """Return the first lines, from 0, of a module's cells: cell marks, or else the starts of paragraphs."""
    marks = [at for at, line in enumerate(lines) if _MARK.match(line)]
    try:
        body = ast.parse(text).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # the last two for thousands of brackets
        magics = [at for at, line in enumerate(lines) if line.startswith("%%")]
        return [*marks, *magics] if marks else paragraphs(text, lambda line: str(transformers().transform_cell(line)))
    inside = {at for node in body for at in range(_begin(node) - 1, node.end_lineno or 0)} if marks else set()
    return [at for at in marks if at not in inside] or _paragraph_cuts(body, lines)


def _begin(statement: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(statement, "decorator_list", [])
    return min([statement.lineno, *(decorator.lineno for decorator in decorators)])


def unified(text: str) -> str:
    """Return text with ``LF`` line endings, as Python's parser counts lines."""
    return re.sub(r"\r\n?", "\n", text)


def _paragraph_cuts(statements: list[ast.stmt], lines: list[str]) -> list[int]:
    """Return the lines at which a module is cut: blank lines between its statements, or else each statement."""
    cuts = [0]
    for before, after in itertools.pairwise(statements):
        blank = [n for n in range(before.end_lineno or 0, _begin(after) - 1) if not lines[n].strip()]
        if blank:
            cuts.append(blank[0])
    if len(cuts) == 1 and len(statements) > LONG_PARAGRAPH:
        cuts = [0, *(statement.lineno - 1 for statement in statements[1:] if not hasattr(statement, "decorator_list"))]
    return cuts
