"""Cells and notebooks in the form that a kernel takes, and their text."""

from typing import Any

import nbformat

MAX_SAVED = 20_000
"""Characters kept of a cell's saved output, from its end."""
BARE: dict[str, Any] = {"nbformat": 4, "metadata": {}}
TEXTS = ("source", "input", "code", "text")
"""Keys of a cell's text, in today's format and in earlier ones."""


def ignore(what: str) -> None:
    """Discard a note on a repair."""


def sources(notebook: Any) -> str:
    """Return the code of all cells."""
    return "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")


def notebook_of(cells: list[Any], metadata: Any) -> Any:
    return nbformat.NotebookNode(nbformat=4, nbformat_minor=4, metadata=metadata, cells=cells)


def text_of(source: Any) -> str | None:
    """Return a notebook's text, which is a string or a list of lines; None for anything else."""
    if isinstance(source, list) and all(isinstance(line, str) for line in source):
        return "".join(source)
    return source if isinstance(source, str) else None


def first_line(error: Exception) -> str:
    """Return an error's message, shortened to a line."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]


def is_module(notebook: Any) -> bool:
    """Tell whether the file was read as a module, whatever its extension."""
    return bool(notebook.metadata.get("module"))


def code_cell(source: str, lines_before: int) -> Any:
    metadata = nbformat.NotebookNode(tags=[], line=lines_before)
    return nbformat.NotebookNode(cell_type="code", metadata=metadata, source=source, execution_count=None, outputs=[])


def sayable(text: str) -> str:
    """Return text without lone surrogates, which no message can carry."""
    return text.encode("utf-8", "replace").decode()


def saved_text(cell: Any) -> str:
    """Return the text output of a cell when the file was saved; empty if there is none."""
    outputs = cell.get("outputs")
    shown = [output for output in outputs if isinstance(output, dict)] if isinstance(outputs, list) else []
    data = (output.get("data") for output in shown)
    results = (of.get("text/plain") if isinstance(of, dict) else None for of in data)
    texts = (text or result for text, result in zip((output.get("text") for output in shown), results, strict=True))
    return "\n".join(text for text in texts if isinstance(text, str))[-MAX_SAVED:]
