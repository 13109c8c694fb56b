"""What was handed in, read as a notebook and made sound where it is not.

Theory of operation: a notebook of any format becomes one of today's, with only what a kernel needs of it. A module
becomes a notebook: its cells as ``# %%`` and the like mark them, or else its top-level statements in the paragraphs in
which they were written, so that one bad line does not take the whole module with it.
"""

import ast
import itertools
import json
import re
from collections import Counter
from collections.abc import Iterable
from typing import Any

import nbformat
from IPython.core.inputtransformer2 import TransformerManager

from checker.guest.adaptation import Note
from checker.guest.content import UnreadableError, decode, require_merged, require_text
from checker.guest.statements import paragraphs
from checker.records import ExecuteJob

__all__ = ["UnreadableError", "read", "read_module", "read_notebook"]

MAX_SAVED = 20_000
"""Characters kept, from their end, of what the file had under a cell."""
LONG_PARAGRAPH = 15
"""A paragraph of more statements is cut at each of them."""
MAX_TRANSFORMED = 20_000
"""Characters of a cell that IPython's transformer is tried on, which takes more than linear time."""
SHORT = 12
"""Characters that may be left of a file that breaks off, behind the place where JSON makes no sense any more."""
BLANK = b" \t\r\n\xef\xbb\xbf"
_MARK = re.compile(r"#\s*(?:%%|In\s?\[[\d ]*\]|<codecell>|COMMAND -{10}|\+\s*$|\+\s+(?:\[|\{|\w+=))")
"""How VS Code, Spyder, jupytext, nbconvert and Databricks mark where a cell begins."""
_COMMA = re.compile(r'("(?:[^"\\]++|\\.)*+(?:"|\\?\Z))|,(?=\s*[]}])', re.DOTALL)


_transformers: Any = TransformerManager  # which has no types


def _ignore(what: str) -> None:
    """Take no note of a repair."""


def rehearse() -> None:
    """Read a notebook, as every job does first."""
    cell = {"cell_type": "code", "metadata": {}, "outputs": [], "source": "%time x = 1"}
    read_notebook(json.dumps({"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": [cell]}).encode())


def read(job: ExecuteJob, content: bytes, note: Note = _ignore) -> Any:
    """Return a submission's bytes as a notebook in today's format; UnreadableError where they are none.

    ``note`` is told every repair.
    """
    return read_notebook(content, note) if job.is_notebook else read_module(content, note)


def sources(notebook: Any) -> str:
    """Return the code of all cells."""
    return "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")


def read_notebook(content: bytes, note: Note = _ignore) -> Any:
    """Return a notebook in today's format; UnreadableError for anything that is not one in Python."""
    require_text(content, "a notebook that Jupyter can open")
    text = decode(content, note)
    if _is_script(text):
        note("the file is a Python module with the ending of a notebook; it was read as a module")
        return _split(text)
    return _sound(_json(text, note), note)


def _sound(whole: Any, note: Note) -> Any:
    """Return what a notebook's JSON holds as a notebook that a kernel can run; UnreadableError where it holds none."""
    try:
        notebook = _of_today(whole, note)
    except UnreadableError:
        raise
    except Exception as error:  # nbformat raises many kinds of errors on broken files
        raise _no_notebook(first_line(error)) from error
    _require_python(notebook, note)
    code = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]
    if len(code) == 1 and _is_plain_python(code[0].source):
        pasted = _split(_unified(code[0].source))
        return pasted if len(pasted.cells) > 1 else notebook
    return notebook


def _no_notebook(
    why: str, help: str = "Open it in Jupyter, save it there and upload the saved .ipynb file."
) -> Exception:
    return UnreadableError(f"The file is not a notebook that Jupyter can open: {why.rstrip('.')}.", help)


def _is_script(text: str) -> bool:
    """Whether text that is no JSON is Python: it imports something."""
    if text.lstrip()[:1] in ("", "{", "["):
        return False
    tree = _parsed(text)
    return tree is not None and any(isinstance(node, ast.Import | ast.ImportFrom) for node in tree.body)


# -- JSON ------------------------------------------------------------------------------------------------


def _json(text: str, note: Note) -> Any:
    """Return the first whole value of JSON in text; UnreadableError where there is none."""
    begin = len(text) - len(text.lstrip())
    try:
        try:
            whole, end = json.JSONDecoder().raw_decode(text, begin)
        except json.JSONDecodeError as error:
            whole, end, text = _leniently(text, begin, error, note)
    except json.JSONDecodeError as error:
        require_merged(text, "a notebook that Jupyter can open")
        raise _no_json(text, error) from error
    except (RecursionError, ValueError) as error:  # the second for numbers of thousands of digits
        raise _no_notebook("brackets are nested too deeply, or a number is too long") from error
    if rest := text[end:].strip():
        line = text.count("\n", 0, text.index(rest[:1], end)) + 1
        what = "brackets" if not rest.strip(" \t\n,;]})") else "text"
        note(f"{what} after the end of the notebook, in line {line}, {'was' if what == 'text' else 'were'} left out")
    return whole


def _leniently(text: str, begin: int, error: json.JSONDecodeError, note: Note) -> tuple[Any, int, str]:
    """Return JSON with breaks of lines inside strings, or commas before closing brackets, and where it ends."""
    if error.msg.startswith("Invalid control character"):
        whole, end = json.JSONDecoder(strict=False).raw_decode(text, begin)
        note("line breaks or tabs stood inside strings of the file; they were read as written")
        return whole, end, text
    mended = _COMMA.sub(lambda match: match[0] if match[1] else match[0][1:], text)
    if len(mended) == len(text):
        raise error
    try:
        whole, end = json.JSONDecoder().raw_decode(mended, begin)
    except json.JSONDecodeError:
        raise error from None
    note("commas before closing brackets of the file were left out")
    return whole, end, mended


def _no_json(text: str, error: json.JSONDecodeError) -> Exception:
    left = text[error.pos :].strip()
    if error.msg.startswith("Unterminated string") or (len(left) < SHORT and not text.rstrip().endswith("}")):
        last = text.count("\n", 0, len(text.rstrip())) + 1
        return _no_notebook(
            f"it breaks off in line {last}, before its end; it was saved or uploaded only in part",
            "Compare its size with that of your own copy; save it again, let the upload come to its end, and upload it "
            "whole.",
        )
    return _no_notebook(f"line {error.lineno} is no JSON ({error.msg[:100]})")


# -- repairs ---------------------------------------------------------------------------------------------


def _of_today(whole: Any, note: Note) -> Any:
    """Return JSON's value as a notebook of format 4, with only what a kernel needs of it."""
    if not isinstance(whole, dict):
        raise _no_notebook("it is JSON of another kind")
    cells, sheets, version = whole.get("cells"), whole.get("worksheets"), whole.get("nbformat")
    if not isinstance(cells, list) and not isinstance(sheets, list):
        raise _no_notebook("it has no list of cells")
    found = 1 if version == 1 and cells else 4 if isinstance(cells, list) else 2 if version == 2 else 3
    if version != found:
        note(f"`nbformat`, the number of the notebook's format, is missing or wrong; it was read as {found}")
    metadata = whole.get("metadata")
    if not isinstance(metadata, dict):
        note("the notebook has no metadata; it was read as one in Python")
    elif any(isinstance(of, dict) and "state" not in of for of in _values(metadata.get("widgets"))):
        note(
            "`metadata.widgets` has no `state`, so that GitHub and nbconvert cannot show the notebook; it was left out"
        )
    whole = {**whole, "nbformat": found, "metadata": metadata if isinstance(metadata, dict) else {}}
    if found < 4:
        cells = nbformat.reads(json.dumps(_filled(whole) if found > 1 else whole), as_version=4).cells
    if not isinstance(cells, list) or not all(map(_is_cell, cells)):
        raise _no_notebook("a cell has no kind or no text")
    _note_gaps(cells, note)
    return _notebook([_made_sound(cell) for cell in cells], nbformat.from_dict(_languages(whole["metadata"])))


def _notebook(cells: list[Any], metadata: Any) -> Any:
    return nbformat.NotebookNode(nbformat=4, nbformat_minor=4, metadata=metadata, cells=cells)


def _values(of: Any) -> Iterable[Any]:
    return of.values() if isinstance(of, dict) else ()


def _languages(metadata: dict[str, Any]) -> dict[str, Any]:
    return {key: metadata[key] for key in ("kernelspec", "language_info") if key in metadata}


def _filled(whole: dict[str, Any]) -> dict[str, Any]:
    """Return a notebook of an old format with what its converter cannot do without."""
    gaps = {"outputs": [], "metadata": {}, "language": "python", "collapsed": False}
    sheets = [
        {**sheet, "cells": [{**gaps, **cell} if cell.get("cell_type") == "code" else cell for cell in sheet["cells"]]}
        for sheet in whole["worksheets"]
    ]
    return {"nbformat_minor": 0, **whole, "worksheets": sheets}


def _note_gaps(cells: list[Any], note: Note) -> None:
    """Tell what cells lack that the format asks for, and which stand twice."""
    for key in ("metadata", "outputs"):
        owing = [(at, cell) for at, cell in enumerate(cells, 1) if key == "metadata" or cell["cell_type"] == "code"]
        gaps = [at for at, cell in owing if cell.get(key) is None]
        if gaps:
            note(f"{len(gaps)} of {len(cells)} cells have no `{key}`, cell {gaps[0]} first; they were run without")
    ids = Counter(cell["id"] for cell in cells if isinstance(cell.get("id"), str))
    twice = [name for name, times in ids.items() if times > 1]
    if twice:
        note(f"{len(twice)} `id`s of cells stand more than once ({sayable(twice[0][:40])!r} first); ids were left out")


def _is_cell(cell: Any) -> bool:
    return isinstance(cell, dict) and isinstance(cell.get("cell_type"), str) and _text(cell.get("source")) is not None


def _text(source: Any) -> str | None:
    """Return what a notebook keeps as text or as a list of lines; None for anything else."""
    if isinstance(source, list) and all(isinstance(line, str) for line in source):
        return "".join(source)
    return source if isinstance(source, str) else None


def _made_sound(cell: Any) -> Any:
    """Return a cell with its code, its tags, and the text of its outputs."""
    said, outputs = cell.get("metadata"), cell.get("outputs")
    tags = said.get("tags") if isinstance(said, dict) else None
    kept = [tag for tag in tags if isinstance(tag, str)] if isinstance(tags, list) else []
    source = sayable(_text(cell["source"]) or "")
    made = nbformat.NotebookNode(cell_type=cell["cell_type"], metadata=nbformat.NotebookNode(tags=kept), source=source)
    if made.cell_type == "code":
        made.execution_count = None
        made.outputs = [_shown(of) for of in outputs if isinstance(of, dict)] if isinstance(outputs, list) else []
    return made


def _shown(output: Any) -> Any:
    data = output.get("data")
    plain = _text(data.get("text/plain")) if isinstance(data, dict) else None
    return nbformat.NotebookNode(text=_text(output.get("text")), data={"text/plain": plain})


def _require_python(notebook: Any, note: Note) -> None:
    """Raise UnreadableError for a notebook that says it is in another language, and whose cells are no Python."""
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
    """Return the languages that the kernel's name and the notebook's last run tell, in that order."""
    places = ((metadata.get("kernelspec"), "language"), (metadata.get("language_info"), "name"))
    return [str(place[key]).lower() for place, key in places if isinstance(place, dict) and place.get(key)]


def _is_python(sources: list[str]) -> bool:
    """Whether most cells parse as Python. ``x <- 1`` of R's does, as a comparison that nobody writes."""
    trees = [tree for tree in map(_parsed, sources) if tree is not None and not any(map(_is_arrow, tree.body))]
    return 2 * len(trees) > len(sources)


def _is_arrow(statement: ast.stmt) -> bool:
    match statement:
        case ast.Expr(ast.Compare(ops=[ast.Lt()], comparators=[ast.UnaryOp(op=ast.USub())])):
            return True
    return False


def _is_plain_python(source: str) -> bool:
    try:
        ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # the last two for thousands of brackets
        return False
    return True


def _parsed(source: str) -> ast.Module | None:
    """Return code as Python parses it, else as IPython turns it into Python; None where neither does."""
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # the last two for thousands of brackets
        pass
    if len(source) > MAX_TRANSFORMED:
        return None
    try:
        return ast.parse(str(_transformers().transform_cell(source)))
    except Exception:  # noqa: BLE001  # the transformer raises many kinds of errors on what is no Python
        return None


def first_line(error: Exception) -> str:
    """Return what an error says, shortened to a line."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]


def read_module(content: bytes, note: Note = _ignore) -> Any:
    """Return a Python module as a notebook of its cells."""
    if content.strip(BLANK):
        require_text(content, "a Python module")
    text = decode(content, note, is_module=True)
    if text.lstrip().startswith("{") and '"cells"' in text:
        note("the file is a notebook with the ending of a module; it was read as a notebook")
        return _sound(_json(text, note), note)
    if not _is_plain_python(text):
        require_merged(text, "a Python module that can be run")
    return _split(text)


def _split(text: str) -> Any:
    """Return a module's text as a notebook; each cell knows how many lines stand before it."""
    lines = text.split("\n")
    cuts = sorted({0, *_cuts(text, lines)})
    cells = []
    for first, end in itertools.pairwise([*cuts, len(lines)]):
        begin = first + bool(_MARK.match(lines[first]))
        begin = next((at for at in range(begin, end) if lines[at].strip()), end)
        source = "\n".join(lines[begin:end]).rstrip("\n")
        if source.strip():
            cells.append(_code_cell(sayable(source), begin))
    return _notebook(cells, nbformat.NotebookNode())


def _code_cell(source: str, lines_before: int) -> Any:
    metadata = nbformat.NotebookNode(tags=[], line=lines_before)
    return nbformat.NotebookNode(cell_type="code", metadata=metadata, source=source, execution_count=None, outputs=[])


def _cuts(text: str, lines: list[str]) -> Iterable[int]:
    """Return the lines, from 0, in which a module's cells begin: marks of cells, or else paragraphs."""
    marks = [at for at, line in enumerate(lines) if _MARK.match(line)]
    try:
        body = ast.parse(text).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # the last two for thousands of brackets
        magics = [at for at, line in enumerate(lines) if line.startswith("%%")]
        return [*marks, *magics] if marks else paragraphs(text, lambda line: str(_transformers().transform_cell(line)))
    inside = {at for node in body for at in range(_begin(node) - 1, node.end_lineno or 0)} if marks else set()
    return [at for at in marks if at not in inside] or _paragraph_cuts(body, lines)


def _begin(statement: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(statement, "decorator_list", [])
    return min([statement.lineno, *(decorator.lineno for decorator in decorators)])


def _unified(text: str) -> str:
    """Return text with the same end for every line, as Python's parser counts them."""
    return re.sub(r"\r\n?", "\n", text)


def _paragraph_cuts(statements: list[ast.stmt], lines: list[str]) -> list[int]:
    """Return the lines at which a module is cut: blank ones between its statements, or else every statement's."""
    cuts = [0]
    for before, after in itertools.pairwise(statements):
        blank = [n for n in range(before.end_lineno or 0, _begin(after) - 1) if not lines[n].strip()]
        if blank:
            cuts.append(blank[0])
    if len(cuts) == 1 and len(statements) > LONG_PARAGRAPH:
        cuts = [0, *(statement.lineno - 1 for statement in statements[1:] if not hasattr(statement, "decorator_list"))]
    return cuts


def sayable(text: str) -> str:
    """Return text without halves of characters, which no message can carry."""
    return text.encode("utf-8", "replace").decode()


def saved_text(cell: Any) -> str:
    """Return the text that a cell showed when the file was saved; "" where there is none."""
    outputs = cell.get("outputs")
    shown = [output for output in outputs if isinstance(output, dict)] if isinstance(outputs, list) else []
    data = (output.get("data") for output in shown)
    results = (of.get("text/plain") if isinstance(of, dict) else None for of in data)
    texts = (text or result for text, result in zip((output.get("text") for output in shown), results, strict=True))
    return "\n".join(text for text in texts if isinstance(text, str))[-MAX_SAVED:]
