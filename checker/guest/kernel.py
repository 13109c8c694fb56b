"""The Jupyter kernel in which a student's notebook runs: a real ipykernel, with the checker's hooks in it.

Started by ``checker.guest.notebook`` as ``python -m checker.guest.kernel SETTINGS -f CONNECTION_FILE``, or, where the
guest is warm, in a fork by ``checker.guest.forked``. Everything is imported and every global random generator
seeded before the first cell. What the hooks see is sent on the kernel's own IOPub channel as messages of the type
``checker``, in order with the cell's outputs.
"""

import contextlib
import importlib
import json
import random
import sys
from pathlib import Path
from typing import Any

from checker.frames import Array, pack, reference
from checker.records import Caps, ModelCapture, from_json, to_json

MESSAGE_TYPE = "checker"
SEED = 20_201_124


def run(settings: dict[str, Any]) -> None:
    """Run the kernel to its end; the remaining command line is ipykernel's."""
    import tensorflow as tf
    from ipykernel.kernelapp import IPKernelApp

    from checker.guest import course, generation
    from checker.guest.capture import Capture

    if settings["legacy"]:
        generation.alias_legacy()
    random.seed(SEED)
    tf.keras.utils.set_random_seed(SEED)
    course.install(Path.cwd(), tf)
    _keep_tensorboard_from_starting()
    app: Any = IPKernelApp.instance()
    app.initialize(sys.argv[1:])
    channel = Channel(app.kernel)
    cells: list[int] = settings["cells"]

    def cell() -> int:
        count: int = app.shell.execution_count
        return cells[min(count, len(cells)) - 1]

    capture = Capture(tf, from_json(Caps, json.dumps(settings["caps"])), channel.send, cell)
    capture.install()
    app.shell.events.register("pre_run_cell", channel.remember_parent)
    app.shell.events.register("post_run_cell", lambda result: capture.scan(app.shell.user_ns))
    if settings["file"]:
        app.shell.user_ns["__file__"] = settings["file"]
    app.start()


def _keep_tensorboard_from_starting() -> None:
    """Let ``%tensorboard`` say a word instead of waiting a minute for a server that no one can reach."""
    with contextlib.suppress(ImportError):
        notebook: Any = importlib.import_module("tensorboard.notebook")  # the attribute is a stand-in until then
        notebook.start = lambda args: print("TensorBoard is not started while a notebook is checked.")


class Channel:
    """Sends records and arrays to whoever drives the kernel; each array goes once."""

    def __init__(self, kernel: Any) -> None:
        self.kernel = kernel
        self.parent: Any = None
        self.sent: set[str] = set()

    def remember_parent(self, info: Any) -> None:
        """Keep the running cell's message, so that what other threads send belongs to it too."""
        self.parent = self.kernel.get_parent()

    def send(self, record: ModelCapture, arrays: tuple[Array, ...]) -> None:
        new = {ref.sha256: a for a in arrays if (ref := reference(a)).sha256 not in self.sent}
        self.sent |= set(new)
        self.kernel.session.send(
            self.kernel.iopub_socket,
            MESSAGE_TYPE,
            content={"record": to_json(record).decode()},
            parent=self.parent,
            buffers=[pack(a) for a in new.values()],
        )


if __name__ == "__main__":
    run(json.loads(sys.argv.pop(1)))
