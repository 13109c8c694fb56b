"""What was handed in, read as a notebook and made sound where it is not.

Theory of operation: a notebook of any format becomes one of today's, with only what a kernel needs of it. A module
becomes a notebook: its ``# %%`` cells, or else its top-level statements in the paragraphs in which they were written,
so that one bad line does not take the whole module with it.
"""

import ast
import itertools
import re
from typing import Any

import nbformat

from checker.records import ExecuteJob

MAX_SAVED = 20_000
"""Characters kept, from their end, of what the file had under a cell."""
LONG_PARAGRAPH = 15
"""A paragraph of more statements is cut at each of them."""
USUAL_MINORS = (0, 4, 5)
"""Colab's, and Jupyter's of the last years."""


class UnreadableError(Exception):
    """The file is no notebook and no Python; args are rationale and help."""


def rehearse() -> None:
    """Make the validators of the formats in which notebooks usually come: nbformat compiles one for each."""
    for minor in USUAL_MINORS:
        nbformat.validate(nbformat.NotebookNode(nbformat=4, nbformat_minor=minor, metadata={}, cells=[]))


def read(job: ExecuteJob, content: bytes) -> Any:
    """Return a submission's bytes as a notebook in today's format; UnreadableError where they are none."""
    return read_notebook(content) if job.is_notebook else read_module(content)


def sources(notebook: Any) -> str:
    """Return the code of all cells."""
    return "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")


def read_notebook(content: bytes) -> Any:
    """Return a notebook in today's format; UnreadableError for anything that is not one in Python."""
    try:
        text = content.decode("utf-8-sig")
        notebook = nbformat.reads(text, as_version=4)
    except Exception as error:  # nbformat raises many kinds of errors on broken files
        raise UnreadableError(
            f"The file is not a notebook that Jupyter can open: {first_line(error)}",
            "Open it in Jupyter, save it there and upload the saved .ipynb file.",
        ) from error
    _make_sound(notebook)
    language = _language(notebook.metadata)
    if not language.startswith(("python", "ipython")):
        raise UnreadableError(
            f"The notebook is written in {language[:40]}, not in Python.", "Solve it in Python with Keras."
        )
    code = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]
    if len(code) == 1 and len(_paragraphs(code[0].source)) > 1:
        return read_module(code[0].source.encode())  # a module that was pasted into a notebook
    return notebook


def _make_sound(notebook: Any) -> None:
    """Take away what no kernel needs and what may be of any kind; UnreadableError where cells are none."""
    metadata, cells = notebook.get("metadata"), notebook.get("cells")
    if not isinstance(metadata, dict) or not isinstance(cells, list) or not all(map(_is_cell, cells)):
        raise UnreadableError(
            "The file is not a notebook that Jupyter can open: a cell has no kind or no text.",
            "Open it in Jupyter, save it there and upload the saved .ipynb file.",
        )
    for cell in cells:
        said = cell.get("metadata")
        tags = said.get("tags") if isinstance(said, dict) else None
        kept = [tag for tag in tags if isinstance(tag, str)] if isinstance(tags, list) else []
        cell["metadata"] = nbformat.NotebookNode(tags=kept)
        cell["source"] = sayable(cell["source"])


def _is_cell(cell: Any) -> bool:
    return isinstance(cell, dict) and all(isinstance(cell.get(key), str) for key in ("cell_type", "source"))


def _language(metadata: Any) -> str:
    """Return the language as the kernel's name or else the notebook's last run tells it; Python where neither does."""
    places = ((metadata.get("kernelspec"), "language"), (metadata.get("language_info"), "name"))
    said = [place[key] for place, key in places if isinstance(place, dict) and place.get(key)]
    return str(said[0]).lower() if said else "python"


def first_line(error: Exception) -> str:
    """Return what an error says, shortened to a line."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]


def read_module(content: bytes) -> Any:
    """Return a Python module as a notebook of its cells."""
    try:
        text = _unified(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise UnreadableError(
            "The file is not Python text in UTF-8.", "Save it as UTF-8 and upload it again."
        ) from error
    sources = re.split(r"(?m)^# ?%%.*\n?", text) if re.search(r"(?m)^# ?%%", text) else _paragraphs(text)
    cells = [nbformat.v4.new_code_cell(source.strip("\n")) for source in sources if source.strip()]
    return nbformat.v4.new_notebook(cells=cells)


def _unified(text: str) -> str:
    """Return text with the same end for every line, as Python's parser counts them."""
    return re.sub(r"\r\n?", "\n", text)


def _paragraphs(text: str) -> list[str]:
    """Split a module at the blank lines between its top-level statements; where it has none, at every statement."""
    try:
        statements = ast.parse(text).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # the last two for thousands of brackets
        return [text]
    lines = _unified(text).split("\n")
    cuts = [0]
    for before, after in itertools.pairwise(statements):
        first = min([after.lineno, *(d.lineno for d in getattr(after, "decorator_list", []))])
        blank = [n for n in range(before.end_lineno or 0, first - 1) if not lines[n].strip()]
        if blank:
            cuts.append(blank[0])
    if len(cuts) == 1 and len(statements) > LONG_PARAGRAPH:
        cuts = [0, *(statement.lineno - 1 for statement in statements[1:] if not hasattr(statement, "decorator_list"))]
    return ["\n".join(lines[a:b]) for a, b in zip(cuts, [*cuts[1:], len(lines)], strict=True)]


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
