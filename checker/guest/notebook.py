"""Run a notebook or module from top to bottom with nbclient, and say what happens while it happens.

Theory of operation: whatever was handed in is read as a notebook, made sound where it is not, and driven cell by cell
through a kernel of its own, by nbclient. As each cell ends, what it left is cut to its caps and said. Cells go on after
an error. A module becomes a notebook: its ``# %%`` cells, or else its top-level statements
in the paragraphs in which they were written, so that one bad line does not take the whole module with it.
"""

import ast
import itertools
import json
import os
import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellControlSignal, DeadKernelError

from checker import frames
from checker.frames import Array, Frame, Kind
from checker.guest import generation
from checker.guest.kernel import MESSAGE_TYPE
from checker.guest.readiness import PromptClient
from checker.records import (
    CellError,
    CellOutput,
    CellResult,
    ExecuteJob,
    Failure,
    Progress,
    Stage,
    to_plain,
)

MAX_OUTPUT = 200_000
"""Characters of text kept for a cell."""
MAX_OUTPUTS = 200
MAX_PICTURE = 1_000_000
MAX_SAVED = 20_000
"""Characters kept, from their end, of what the file had under a cell."""
MAX_KEPT = 8_000_000
"""Characters of all that is kept of a cell's outputs."""
LONG_PARAGRAPH = 15
"""A paragraph of more statements is cut at each of them."""
KERNEL_START_SECONDS = 300
LAST_WORDS_SECONDS = 60
"""For what a cell has published to arrive after its reply, which large arrays and a busy machine may delay."""
USUAL_MINORS = (0, 4, 5)
"""Colab's, and Jupyter's of the last years."""

Say = Callable[[Frame], None]
Kernel = Callable[[dict[str, Any], Path], AsyncKernelManager]
"""Makes a kernel's manager from its settings and the folder it works in."""


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


def run(job: ExecuteJob, notebook: Any, arrays: Sequence[Array], folder: Path, say: Say, kernel: Kernel) -> None:
    """Execute a notebook in ``folder`` with such a kernel; what is seen goes to ``say``. ``arrays`` are a replay's."""
    cells = [i for i, c in enumerate(notebook.cells, 1) if c.cell_type == "code" and c.source.strip()]
    settings = {
        "cells": cells or [1],
        "caps": to_plain(job.caps),
        "exact": job.exact,
        "tensorflow_1": generation.is_tensorflow_1(sources(notebook)),
        "legacy": os.environ.get("TF_USE_LEGACY_KERAS") == "1",
        "replay": to_plain(job.replay) if job.replay is not None else None,
        "arrays": _put_down(arrays, folder.parent) if arrays else "",
        "csv": job.file,
        "file": "" if job.is_notebook else str(folder / "submission.py"),
    }
    client = Client(notebook, kernel(settings, folder), folder, say)
    try:
        client.execute(cwd=str(folder))
    except DeadKernelError:
        say(frames.message(_kernel_died(client.current)))


def _put_down(arrays: Sequence[Array], folder: Path) -> str:
    """Write a replay's arrays where the kernel takes them from before any code of the student's runs."""
    path = folder / "rows.npz"
    np.savez(path, *arrays)
    return str(path)


def _kernel_died(cell: int) -> Failure:
    return Failure(
        Stage.EXECUTING,
        f"The Python process running the notebook ended in cell {cell}.",
        "Something in this cell ends the whole kernel: exit(), quit(), os._exit(), or a crash of a library.",
        cell=cell,
    )


def read_notebook(content: bytes) -> Any:
    """Return a notebook in today's format; UnreadableError for anything that is not one in Python."""
    try:
        text = content.decode("utf-8-sig")
        notebook = nbformat.reads(text, as_version=4)
    except Exception as error:  # nbformat raises many kinds of errors on broken files
        raise UnreadableError(
            f"The file is not a notebook that Jupyter can open: {_first_line(error)}",
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
        cell["source"] = _sayable(cell["source"])


def _is_cell(cell: Any) -> bool:
    return isinstance(cell, dict) and all(isinstance(cell.get(key), str) for key in ("cell_type", "source"))


def _language(metadata: Any) -> str:
    """Return the language as the kernel's name or else the notebook's last run tells it; Python where neither does."""
    places = ((metadata.get("kernelspec"), "language"), (metadata.get("language_info"), "name"))
    said = [place[key] for place, key in places if isinstance(place, dict) and place.get(key)]
    return str(said[0]).lower() if said else "python"


def _first_line(error: Exception) -> str:
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


class Client(NotebookClient):
    """nbclient, with the checker's kernel, caps on output, and a word on every cell as it ends."""

    def __init__(self, notebook: Any, manager: AsyncKernelManager, folder: Path, say: Say) -> None:
        manager.client_factory = PromptClient
        super().__init__(
            notebook,
            km=manager,
            allow_errors=True,
            timeout=None,
            startup_timeout=KERNEL_START_SECONDS,
            iopub_timeout=LAST_WORDS_SECONDS,
            on_cell_execute=self._on_start,
            on_cell_executed=self._on_end,
            resources={"metadata": {"path": str(folder)}},
        )
        self.say = say
        self.current = 0
        self._saved = [saved_text(cell) for cell in notebook.cells]
        self._started = 0.0
        self._room = 0

    def _on_start(self, cell: Any, cell_index: int) -> None:
        self.current, self._started, self._room = cell_index + 1, time.perf_counter(), MAX_OUTPUT
        self.say(frames.message(Progress(cell_index + 1, len(self.nb.cells))))

    def _on_end(self, cell: Any, cell_index: int, execute_reply: Any) -> None:
        seconds = time.perf_counter() - self._started
        result = cell_result(cell, cell_index + 1, seconds)
        self.say(frames.message(replace(result, saved=self._saved[cell_index])))

    def process_message(self, msg: Any, cell: Any, cell_index: int) -> Any:
        """Pass the hooks' messages on, and keep outputs within bounds."""
        if msg["msg_type"] == MESSAGE_TYPE:
            for buffer in msg.get("buffers", ()):
                self.say(Frame(Kind.ARRAY, bytes(buffer)))
            kind, record = (str(msg["content"].get(key)) for key in ("kind", "record"))
            if kind in ("ModelCapture", "Adaptation", "TrainingRun"):
                self.say(Frame(Kind.MESSAGE, f"{kind} {record}".encode()))
            return None
        if msg["msg_type"] in ("stream", "display_data", "execute_result"):
            if self._room <= 0 or len(cell.outputs) >= MAX_OUTPUTS:
                return None
            self._room -= len(str(msg["content"].get("text") or ""))
        try:
            return super().process_message(msg, cell, cell_index)
        except CellControlSignal:
            raise
        except Exception as error:  # noqa: BLE001  # a malformed message of the student's making ends no run
            print(f"ignored a message from the kernel: {_first_line(error)}", file=sys.stderr)
            return None


def started_kernel(settings: dict[str, Any], folder: Path) -> AsyncKernelManager:
    """Return the manager of a kernel that is a Python process of its own."""
    command = [sys.executable, "-m", "checker.guest.kernel", json.dumps(settings), "-f", "{connection_file}"]
    manager = AsyncKernelManager()
    manager._kernel_spec = KernelSpec(argv=command, language="python", display_name="checker")
    return manager


def cell_result(cell: Any, index: int, seconds: float) -> CellResult:
    """Return an executed cell as a record: text, pictures, and the error if there was one."""
    kept: list[CellOutput] = []
    error = None
    for output in cell.outputs:
        if output.output_type == "error":
            trace = "\n".join(map(str, output.traceback))[-MAX_OUTPUT:]
            error = CellError(_sayable(str(output.ename)[:200]), _sayable(str(output.evalue)[:2_000]), _sayable(trace))
        elif output.output_type == "stream":
            kept.append(CellOutput("text", _cut(str(output.text))))
        else:
            kept.extend(_displayed(output.get("data", {})))
    tags = tuple(str(tag)[:100] for tag in list(cell.get("metadata", {}).get("tags", []))[:20])
    source = _sayable(str(cell.source)[:MAX_OUTPUT])
    return CellResult(index, source, tuple(_affordable(kept)), error, round(seconds, 3), tuple(map(_sayable, tags)))


def _affordable(outputs: Sequence[CellOutput]) -> Iterator[CellOutput]:
    """Yield outputs up to the first with which they would be too much for one message."""
    room = MAX_KEPT
    for output in outputs:
        room -= len(output.content)
        if room < 0:
            return
        yield output


def _sayable(text: str) -> str:
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


def _displayed(data: Any) -> list[CellOutput]:
    picture = data.get("image/png")
    if isinstance(picture, str) and len(picture) <= MAX_PICTURE:
        return [CellOutput("png", _sayable(picture.replace("\n", "")))]
    text = data.get("text/plain")
    return [CellOutput("text", _cut(text))] if isinstance(text, str) else []


def _cut(text: str) -> str:
    cut = text if len(text) <= MAX_OUTPUT else text[:MAX_OUTPUT] + "\n[the rest of this output was cut]"
    return _sayable(cut)
