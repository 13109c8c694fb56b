"""Reads an uploaded notebook or module, and repairs it.

Theory of operation: ``content`` decodes the bytes. ``lenient_json`` reads JSON in spite of slips, ``formats`` converts
a notebook of any format to today's, ``languages`` refuses languages other than Python, and ``modules`` cuts a module
into cells. A file with the wrong extension is read by its content.
"""

import json
import re
from typing import Any

import nbformat

from checker.guest.plain.notes import Note
from checker.guest.reading.cells import first_line, ignore, notebook_of
from checker.guest.reading.content import UnreadableError, decode, require_merged, require_text
from checker.guest.reading.formats import of_today
from checker.guest.reading.languages import is_plain_python, require_python
from checker.guest.reading.lenient_json import no_notebook, read_json
from checker.guest.reading.modules import split, unified
from checker.records.job import ExecuteJob

__all__ = ["UnreadableError", "read", "read_module", "read_notebook"]

BLANK = b" \t\r\n\xef\xbb\xbf"
_BEGIN = re.compile(r'(?m)^[ \t]*(?=\{\s*"(?:cells|metadata|nbformat|nbformat_minor|worksheets)"\s*:)')
"""The start of a notebook after other text, such as a Markdown fence."""
_IMPORT = re.compile(r"(?m)^[ \t]*(?:>>> |In ?\[\d+\]: )?(?:import|from)[ \t]+\w")
_JSON_WORD = re.compile(r"[\d-]|true|false|null|NaN")


def rehearse() -> None:
    """Read a notebook, as every job does first, and make an output, for which nbformat compiles its schema."""
    nbformat.v4.new_output("stream")
    cell = {"cell_type": "code", "metadata": {}, "outputs": [], "source": "%time x = 1"}
    read_notebook(json.dumps({"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": [cell]}).encode())


def read(job: ExecuteJob, content: bytes, note: Note = ignore) -> Any:
    """Return a submission's bytes as a notebook in today's format. Raises UnreadableError if they are neither a
    notebook nor a module.

    ``note`` is called with a sentence for each repair.
    """
    return read_notebook(content, note) if job.is_notebook else read_module(content, note)


def read_notebook(content: bytes, note: Note = ignore) -> Any:
    """Return a notebook in today's format. Raises UnreadableError for anything but a Python notebook."""
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
            return split(text, note)
        elif not _JSON_WORD.match(text.lstrip()):
            raise UnreadableError(
                "The file is not a notebook that Jupyter can open: it is text without any Python.",
                "Upload the .ipynb file itself, as Jupyter saved it.",
            )
    return _sound(read_json(text, note), note)


def _sound(whole: Any, note: Note) -> Any:
    """Return parsed JSON as a notebook that a kernel can run. Raises UnreadableError if it is no notebook."""
    try:
        notebook = of_today(whole, note)
    except UnreadableError:
        raise
    except Exception as error:  # nbformat raises many kinds of errors on broken files
        raise no_notebook(first_line(error)) from error
    require_python(notebook, note)
    code = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]
    if len(code) == 1 and is_plain_python(code[0].source):
        pasted = split(unified(code[0].source))
        return notebook_of(pasted.cells, notebook.metadata) if len(pasted.cells) > 1 else notebook
    return notebook


def read_module(content: bytes, note: Note = ignore) -> Any:
    """Return a Python module as a notebook of its cells."""
    if content.strip(BLANK):
        require_text(content, "a Python module")
    text = decode(content, note, is_module=True)
    if text.lstrip().startswith("{") and '"cells"' in text:
        note("the file is a notebook with the ending of a module; it was read as a notebook")
        return _sound(read_json(text, note), note)
    if not is_plain_python(text):
        require_merged(text, "a Python module that can be run")
    return split(text, note)
