"""Runs a notebook from top to bottom with nbclient, and reports each event as it happens.

Theory of operation: nbclient drives a notebook cell by cell through a kernel of its own, and continues after an error.
Pieces of a stream are joined. When a cell ends, its outputs are cut to their caps and sent. Messages from the checker's
hooks in the kernel are passed on immediately, in order with the cells' outputs.
"""

import os
import sys
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellControlSignal, DeadKernelError

from checker.guest.compat import companions, places
from checker.guest.host import streams
from checker.guest.host.kernel import MESSAGE_TYPE
from checker.guest.host.readiness import PromptClient
from checker.guest.host.settings import KernelSettings, as_argument
from checker.guest.plain import generation
from checker.guest.reading.cells import first_line, is_module, saved_text, sayable, sources
from checker.records.arrays import Array
from checker.records.capture import CellError, CellOutput, CellResult
from checker.records.job import ExecuteJob, Progress
from checker.records.verdicts import Failure, FailureCause, Stage
from checker.wire import frames
from checker.wire.frames import Frame, Kind

MODULE = "submission.py"
"""File name of a module where it runs; its ``__file__`` points there."""
MAX_SOURCE = 200_000
"""Characters kept of a cell's source, and of a traceback."""
MAX_PRINTED = 5_000_000
"""Characters that a cell may print; most of a long training's are states of a progress bar."""
MAX_PIECES = 10_000
"""Maximum number of messages with output that are read from a cell."""
MAX_OUTPUTS = 200
MAX_ERROR = 2_000
"""Characters of an error's message."""
MAX_PICTURE = 1_000_000
MAX_KEPT = 8_000_000
"""Characters kept of all outputs of a cell."""
KERNEL_START_SECONDS = 86_400
"""Wall-clock time, so long that a busy machine never runs into it. A dead kernel is noticed immediately; a kernel that
never becomes ready reaches the job's own limit."""
LAST_WORDS_SECONDS = 600
"""Time for a cell's messages to arrive after its reply; large arrays and a busy machine delay them. Later ones are
lost."""

Say = Callable[[Frame], None]
Kernel = Callable[[KernelSettings, Path], AsyncKernelManager]
"""Makes a kernel's manager from its settings and the folder it works in."""


def run(job: ExecuteJob, notebook: Any, arrays: Sequence[Array], root: Path, say: Say, kernel: Kernel) -> None:
    """Execute a notebook in this kernel, in its place in the student's own folder ``root``. All results go to ``say``.
    ``arrays`` are those of a replay."""
    folder = companions.place(root, job.folder)
    if job.replay is not None and job.replay.cells:
        _leave_out(notebook, frozenset(job.replay.cells))
    cells = [i for i, c in enumerate(notebook.cells, 1) if c.cell_type == "code" and c.source.strip()]
    legacy = os.environ.get("TF_USE_LEGACY_KERAS") == "1"
    code = sources(notebook)
    settings = KernelSettings(
        cells=tuple(cells) or (1,),
        lines=tuple(notebook.cells[cell - 1].metadata.line for cell in cells) if is_module(notebook) else (),
        caps=job.caps,
        outputs=len(job.classes) or 1,
        exact=job.exact,
        legacy=legacy,
        tensorflow_1=legacy and generation.is_tensorflow_1(code),
        graph=legacy and generation.is_graph_by_itself(code),
        replay=job.replay,
        arrays=_put_down(arrays, root.parent) if arrays else "",
        csv=job.file,
        places=tuple(places.mentioned(code)),
        root=str(root),
        file=str(folder / MODULE) if is_module(notebook) else "",
    )
    client = Client(notebook, kernel(settings, folder), folder, say)
    try:
        client.execute(cwd=str(folder))
    except DeadKernelError:
        say(frames.message(_kernel_died(client.current)))


def _leave_out(notebook: Any, needed: Collection[int]) -> None:
    """Empty the cells of a notebook that a replay does not need."""
    for index, cell in enumerate(notebook.cells, 1):
        if index not in needed:
            cell.source = ""


def _put_down(arrays: Sequence[Array], folder: Path) -> str:
    """Write a replay's arrays to a file, which the kernel reads before any of the student's code runs; return its
    path."""
    path = folder / "rows.npz"
    np.savez(path, *arrays)
    return str(path)


def _kernel_died(cell: int) -> Failure:
    return Failure(
        stage=Stage.EXECUTING,
        cause=FailureCause.CUT_SHORT,
        rationale=f"The Python process running the notebook ended in cell {cell}.",
        help="Something in this cell ends the whole kernel: exit(), quit(), os._exit(), or a crash of a library.",
        cell=cell,
    )


class Client(NotebookClient):
    """nbclient with the checker's kernel, caps on output, and a report on each cell when it begins and when it ends."""

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
        self._room = self._pieces = 0

    def _on_start(self, cell: Any, cell_index: int) -> None:
        self.current, self._started = cell_index + 1, time.perf_counter()
        self._room, self._pieces = MAX_PRINTED, MAX_PIECES
        self.say(frames.message(Progress(cell_index + 1, len(self.nb.cells))))
        self.say(frames.message(begun(cell, cell_index + 1)))

    def _on_end(self, cell: Any, cell_index: int, execute_reply: Any) -> None:
        seconds = time.perf_counter() - self._started
        result = cell_result(cell, cell_index + 1, seconds)
        self.say(frames.message(replace(result, saved=self._saved[cell_index])))

    def process_message(self, msg: Any, cell: Any, cell_index: int) -> Any:
        """Pass the hooks' messages on, and limit the outputs."""
        if msg["msg_type"] == MESSAGE_TYPE:
            kind, record = (str(msg["content"].get(key)) for key in ("kind", "record"))
            frame = Kind.OUTPUTS if kind == "AsTrained" else Kind.ARRAY
            for buffer in msg.get("buffers", ()):
                self.say(Frame(frame, bytes(buffer)))
            if kind in ("ModelCapture", "Adaptation", "AsTrained", "TrainingRun"):
                self.say(Frame(Kind.MESSAGE, f"{kind} {record}".encode()))
            return None
        if msg["msg_type"] in ("stream", "display_data", "execute_result"):
            if self._room <= 0 or self._pieces <= 0 or len(cell.outputs) >= MAX_OUTPUTS:
                return None
            self._room -= len(str(msg["content"].get("text") or ""))
            self._pieces -= 1
        try:
            return super().process_message(msg, cell, cell_index)
        except CellControlSignal:
            raise
        except Exception as error:  # noqa: BLE001  # a student's malformed message must not end the run
            print(f"ignored a message from the kernel: {first_line(error)}", file=sys.stderr)
            return None

    def output(self, outs: list[Any], msg: Any, display_id: Any, cell_index: int) -> Any:
        """Add an output to a cell's, and join the pieces of a stream."""
        added = super().output(outs, msg, display_id, cell_index)
        streams.join_last(outs)
        return added


def started_kernel(settings: KernelSettings, folder: Path) -> AsyncKernelManager:
    """Return the manager of a kernel in a Python process of its own, which imports nothing from its working folder
    before it is ready."""
    command = [
        sys.executable,
        "-P",
        "-m",
        "checker.guest.host.kernel",
        as_argument(settings),
        "-f",
        "{connection_file}",
    ]
    manager = AsyncKernelManager()
    manager._kernel_spec = KernelSpec(argv=command, language="python", display_name="checker")
    return manager


def begun(cell: Any, index: int) -> CellResult:
    """Return the record of a cell that begins, without outputs: the cell may still hold those saved in the file."""
    tags = tuple(str(tag)[:100] for tag in list(cell.get("metadata", {}).get("tags", []))[:20])
    source = sayable(str(cell.source)[:MAX_SOURCE])
    return CellResult(
        index=index,
        source=source,
        outputs=(),
        error=None,
        seconds=0.0,
        tags=tuple(map(sayable, tags)),
        ended=False,
    )


def cell_result(cell: Any, index: int, seconds: float) -> CellResult:
    """Return an executed cell as a record: text, pictures, and the error if there was one."""
    kept: list[CellOutput] = []
    error = None
    for output in cell.outputs:
        if output.output_type == "error":
            trace = "\n".join(map(str, output.traceback))[-MAX_SOURCE:]
            error = CellError(sayable(str(output.ename)[:200]), sayable(_ends(str(output.evalue))), sayable(trace))
        elif output.output_type == "stream":
            kept.append(CellOutput("text", _cut(str(output.text))))
        else:
            kept.extend(_displayed(output.get("data", {})))
    outputs = tuple(_affordable(kept))
    return replace(begun(cell, index), outputs=outputs, error=error, seconds=round(seconds, 3), ended=True)


def _ends(message: str) -> str:
    """Return a message, or the start and the end of a long one: TensorFlow puts the reason at the end."""
    return message if len(message) <= MAX_ERROR else f"{message[: MAX_ERROR // 2]}\n…\n{message[-MAX_ERROR // 2 :]}"


def _affordable(outputs: Sequence[CellOutput]) -> Iterator[CellOutput]:
    """Yield outputs until the next one would make the message too large."""
    room = MAX_KEPT
    for output in outputs:
        room -= len(output.content)
        if room < 0:
            return
        yield output


def _displayed(data: Any) -> list[CellOutput]:
    picture = data.get("image/png")
    if isinstance(picture, str) and len(picture) <= MAX_PICTURE:
        return [CellOutput("png", sayable(picture.replace("\n", "")))]
    text = data.get("text/plain")
    return [CellOutput("text", _cut(text))] if isinstance(text, str) else []


def _cut(text: str) -> str:
    return sayable(streams.trimmed(text))
