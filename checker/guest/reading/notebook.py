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

from checker.guest.plain.notes import Note
from checker.guest.reading.content import LINK, UnreadableError, decode, require_merged, require_text
from checker.guest.reading.statements import can_parse, paragraphs, visible, without_outputs
from checker.records.job import ExecuteJob

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
_MARK = re.compile(r"#\s*(?:%%|In\s?\[[\d *]*\]|<(?:code|markdown|raw)cell>|COMMAND -{10}|\+\s*$|\+\s+(?:\[|\{|\w+=))")
"""How VS Code, Spyder, jupytext, nbconvert and Databricks mark where a cell begins."""
_MARKDOWN = re.compile(
    r"#\s*(?:%%[^\n]*\[(?:markdown|raw)\]|%%+\s*(?:md|markdown|raw)\b|<(?:markdown|raw)cell>|\+\s+\[markdown\])"
)
"""How they mark a cell that is no code."""
_BEGIN = re.compile(r'(?m)^[ \t]*(?=\{\s*"(?:cells|metadata|nbformat|nbformat_minor|worksheets)"\s*:)')
"""Where a notebook begins behind other text: a fence of Markdown, or words."""
_IMPORT = re.compile(r"(?m)^[ \t]*(?:>>> |In ?\[\d+\]: )?(?:import|from)[ \t]+\w")
_FENCE = re.compile(r"(?m)^[ \t]*(?:```|~~~)[^\n`]*$")
_JSON_WORD = re.compile(r"[\d-]|true|false|null|NaN")
_SLIPS = re.compile(
    r"""(?P<string>"(?:[^"\\]++|\\.)*+(?:"|\\?\Z))|(?P<extra>,(?=\s*(?:[]}]|,)))|(?P<missing>(?<=[]}"])(?=\s*["{]))"""
    r"""|(?P<python>\b(?:None|True|False)\b)|(?P<blank>\u00a0)""",
    re.DOTALL,
)
"""What hands, scripts and merges leave in JSON, and the strings in which it is none."""
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
"""What is told of each kind of slip."""
_RIGHT = {"None": "null", "True": "true", "False": "false", "\u00a0": " "}
KERNELS = {"ir": "R", "julia": "Julia", "octave": "Octave", "xcpp": "C++", "ijava": "Java", "scala": "Scala",
           "deno": "TypeScript", "javascript": "JavaScript", "bash": "Bash", "matlab": "Matlab"}  # fmt: skip
"""Languages by the names of their kernels, where nothing else says them."""


MOST_WRAPPERS = 4
_BARE: dict[str, Any] = {"nbformat": 4, "metadata": {}}
TEXTS = ("source", "input", "code", "text")
"""Where cells have their text: today's format, and those before it."""
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
    if not text.lstrip().startswith(("{", "[", '"')):
        if begins := _BEGIN.search(text):
            line = text.count("\n", 0, begins.end()) + 1
            note(f"text before the notebook, which begins in line {line}, was left out")
            text = text[: begins.start()].count("\n") * "\n" + text[begins.start() :]
        elif _IMPORT.search(text):
            require_merged(text, "a notebook that Jupyter can open")
            note("the file is a Python module with the ending of a notebook; it was read as a module")
            return _split(text, note)
        elif not _JSON_WORD.match(text.lstrip()):
            raise UnreadableError(
                "The file is not a notebook that Jupyter can open: it is text without any Python.",
                "Upload the .ipynb file itself, as Jupyter saved it.",
            )
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
        return _notebook(pasted.cells, notebook.metadata) if len(pasted.cells) > 1 else notebook
    return notebook


def _no_notebook(
    why: str, help: str = "Open it in Jupyter, save it there and upload the saved .ipynb file."
) -> Exception:
    return UnreadableError(f"The file is not a notebook that Jupyter can open: {why.rstrip('.')}.", help)


# -- JSON ------------------------------------------------------------------------------------------------


def _json(text: str, note: Note) -> Any:
    """Return the first whole value of JSON in text; UnreadableError where there is none."""
    begin = len(text) - len(text.lstrip())
    try:
        try:
            whole, end = json.JSONDecoder().raw_decode(text, begin)
        except json.JSONDecodeError:
            whole, end, text = _leniently(text, begin, note)
    except json.JSONDecodeError as error:
        raise _no_json(error) from error
    except (RecursionError, ValueError) as error:  # the second for numbers of thousands of digits
        raise _no_notebook("brackets are nested too deeply, or a number is too long") from error
    if rest := text[end:].strip():
        line = text.count("\n", 0, text.index(rest[:1], end)) + 1
        what = "brackets" if not rest.strip(" \t\n,;]})") else "text"
        note(f"{what} after the end of the notebook, in line {line}, {'was' if what == 'text' else 'were'} left out")
    return whole


def _leniently(text: str, begin: int, note: Note) -> tuple[Any, int, str]:
    """Return JSON in spite of slips of which only one meaning is possible, and where it ends."""
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
        return _no_notebook(
            f"it breaks off in line {last}, before its end; it was saved or uploaded only in part",
            "Compare its size with that of your own copy; save it again, let the upload come to its end, and upload it "
            "whole.",
        )
    return _no_notebook(f"line {error.lineno} is no JSON ({error.msg[:100]})")


# -- repairs ---------------------------------------------------------------------------------------------


def _of_today(whole: Any, note: Note) -> Any:
    """Return JSON's value as a notebook of format 4, with only what a kernel needs of it."""
    whole = _unwrapped(whole, note)
    if not isinstance(whole, dict):
        raise _no_notebook("it is JSON of another kind")
    cells, sheets, version = whole.get("cells"), whole.get("worksheets"), whole.get("nbformat")
    if not cells and isinstance(sheets, list):
        parts = [sheet.get("cells") for sheet in sheets if isinstance(sheet, dict)]
        cells = [cell for part in parts if isinstance(part, list) for cell in part]
        found = 2 if version == 2 else 3
    elif isinstance(cells, list):
        found = 1 if version == 1 else 4
    else:
        raise _no_json_notebook(whole)
    if version != found:
        note(f"`nbformat`, the number of the notebook's format, is missing or wrong; it was read as {found}")
    metadata = whole.get("metadata")
    if not isinstance(metadata, dict):
        note("the notebook has no metadata; it was read as one in Python")
    elif any(isinstance(of, dict) and "state" not in of for of in _values(metadata.get("widgets"))):
        note(
            "`metadata.widgets` has no `state`, so that GitHub and nbconvert cannot show the notebook; it was left out"
        )
    kept = _whole_cells(cells, note)
    if found == 4:
        _note_gaps(kept, note)
    said = metadata if isinstance(metadata, dict) else {}
    return _notebook([_made_sound(cell) for cell in kept], nbformat.from_dict(_languages(said)))


def _unwrapped(whole: Any, note: Note) -> Any:
    """Return the notebook in what programs put around one, or around which they leave one out."""
    for _ in range(MOST_WRAPPERS):
        inner, what = _inside(whole)
        if inner is None:
            return whole
        note(f"{what}; it was read as a notebook")
        whole = inner
    return whole


def _inside(whole: Any) -> tuple[Any, str]:
    """Return what stands in one wrapper, and which that is; None where there is no wrapper."""
    match whole:
        case str() if whole.lstrip()[:1] in ("{", "["):
            return _json(whole, _ignore), "the notebook stands inside a string of JSON"
        case [{"cells": _}]:
            return whole[0], "the notebook stands inside a list"
        case [{"cell_type": _}, *_]:
            return {**_BARE, "cells": whole}, "the file has a list of cells and nothing around it"
        case {"cells": dict() as cells}:
            return {**whole, "cells": list(cells.values())}, "the cells of the file are no list"
        case {"cells": _} | {"worksheets": _}:
            return None, ""
        case {"cell_type": _}:
            return {**_BARE, "cells": [whole]}, "the file has one cell and nothing around it"
        case {"content": dict() | str() as content}:
            return content, "the notebook stands inside an answer of Jupyter's server"
    return None, ""


def _no_json_notebook(whole: dict[str, Any]) -> Exception:
    """Return the error of JSON without cells: what else it is, where that can be told."""
    if any(isinstance(whole.get(key), str) for key in ("url", "doc_id", "resource_key")):
        return UnreadableError(*LINK)
    if isinstance(whole.get("message"), str):
        return UnreadableError(
            f"The file is not a notebook but what a server answered: {sayable(whole['message'][:100])!r}.",
            "Download the notebook again, open it to see that it is whole, and upload that.",
        )
    return _no_notebook("it has no list of cells")


def _whole_cells(cells: list[Any], note: Note) -> list[dict[str, Any]]:
    """Return cells that have a kind and a text: what they lack is found or left empty, and told."""
    kept: list[dict[str, Any]] = []
    odd: dict[str, list[int]] = {}
    for at, cell in enumerate(cells, 1):
        if not isinstance(cell, dict):
            odd.setdefault("are none, but other values, and were left out", []).append(at)
            continue
        kind, text = cell.get("cell_type"), next((cell[key] for key in TEXTS if cell.get(key) is not None), None)
        if not isinstance(kind, str):
            kind = "code" if can_parse(_text(text) or "") else "markdown"
            odd.setdefault("have no `cell_type`; they were read as code where they are Python", []).append(at)
        if _text(text) is None:
            lines = text if isinstance(text, list) else []
            text = "".join(line for line in lines if isinstance(line, str))
            odd.setdefault("have no text, or text of another kind, in place of which they were left empty", []).append(
                at
            )
        elif isinstance(text, list) and len(text) > 1 and not any(line.endswith("\n") for line in text[:-1]):
            text = "\n".join(text)
            odd.setdefault("have lines without an end; each was read as a line", []).append(at)
        kept.append({**cell, "cell_type": kind.lower(), "source": text})
    if cells and not any(_text(cell["source"]) for cell in kept) and odd:
        raise _no_notebook("its cells have no kind or no text")
    for what, places in odd.items():
        note(f"{len(places)} of {len(cells)} cells {what}; cell {places[0]} first")
    return kept


def _notebook(cells: list[Any], metadata: Any) -> Any:
    return nbformat.NotebookNode(nbformat=4, nbformat_minor=4, metadata=metadata, cells=cells)


def _values(of: Any) -> Iterable[Any]:
    return of.values() if isinstance(of, dict) else ()


def _languages(metadata: dict[str, Any]) -> dict[str, Any]:
    return {key: metadata[key] for key in ("kernelspec", "language_info") if key in metadata}


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
    said = [str(place[key]).lower() for place, key in places if isinstance(place, dict) and place.get(key)]
    kernel = metadata.get("kernelspec")
    name = str(kernel.get("name")).lower() if isinstance(kernel, dict) else ""
    return said or [language.lower() for start, language in KERNELS.items() if re.match(rf"{start}(?![a-z])", name)]


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
    return _split(text, note)


def _split(text: str, note: Note = _ignore) -> Any:
    """Return a module's text as a notebook; each cell knows how many lines stand before it."""
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
            cells.append(_code_cell(sayable(source), begin))
    return _notebook(cells, nbformat.NotebookNode(module=True))


def is_module(notebook: Any) -> bool:
    """Tell whether what was read was a module, whatever its ending says."""
    return bool(notebook.metadata.get("module"))


def _without_wrapping(text: str, note: Note) -> str:
    """Return code without the words around fences of Markdown, and without prompts; lines stay where they are."""
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
