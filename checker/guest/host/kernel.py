"""The Jupyter kernel in which a student's notebook runs: a real ipykernel, with the checker's hooks in it.

``checker.guest.host.client`` starts it as ``python -m checker.guest.host.kernel SETTINGS -f CONNECTION_FILE``. In a
warm guest, ``checker.guest.host.forked`` starts it in a fork. Before the first cell everything is imported and every
global random generator is seeded. The hooks' records are sent on the kernel's own IOPub channel as messages of the type
``checker``, in order with the cell's outputs.
"""

import contextlib
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from checker.guest.host.settings import KernelSettings, of_argument
from checker.guest.plain.hooks import Hooks
from checker.records.arrays import Array
from checker.records.capture import Adaptation, AsTrained, ModelCapture
from checker.records.codec import to_json
from checker.records.job import ReplayPlan
from checker.records.training import TrainingRun
from checker.wire.frames import pack, reference

if TYPE_CHECKING:  # at run time these are imported by the functions that need them, after TensorFlow
    from checker.guest.compat.companions import Own
    from checker.guest.watch.as_trained import Witness

MESSAGE_TYPE = "checker"
SEED = 20_201_124
MAX_ADAPTATIONS = 100
PUBLISHING_SECONDS = 1.0
"""Time for the kernel's output thread before ``os._exit`` ends it too."""


def run(settings: KernelSettings) -> None:
    """Run the kernel until it ends; ipykernel reads the remaining command line."""
    import tensorflow as tf
    from ipykernel.kernelapp import IPKernelApp

    from checker.guest.compat import companions
    from checker.guest.host import publishing
    from checker.guest.plain import generation

    if settings.legacy:
        generation.alias_legacy()
    plan = settings.replay
    with Hooks() as hooks:
        publishing.install(hooks)
        own = companions.Own(Path(settings.root), Path.cwd(), settings.csv)
        app: Any = IPKernelApp.instance()
        app.initialize(sys.argv[1:])
        sys.path[:] = [path for path in sys.path if path]  # no student's file is imported before all is set up
        seed = SEED if plan is None else plan.seed
        place = Place(settings.cells, lambda: tf.keras.utils.set_random_seed(seed), settings.lines)
        session = Session(tf, app, settings, hooks, own, place, Channel(app.kernel))
        session.adapt()
        session.watch(plan)
        session.follow_cells()
        companions.let_import(hooks, own, session.importing)
        app.start()


class Session:
    """The checker's additions to a kernel: adaptations to old notebooks, watchers of training, callbacks for each
    cell."""

    def __init__(
        self, tf: Any, app: Any, settings: KernelSettings, hooks: Hooks, own: "Own", place: "Place", channel: "Channel"
    ) -> None:
        from checker.guest.compat.imports import Imports
        from checker.guest.reading.statements import Reader
        from checker.guest.watch.capture import Capture
        from checker.guest.watch.registry import ModelRegistry

        self.tf, self.shell, self.kernel, self.settings = tf, app.shell, app.kernel, settings
        self.hooks, self.own, self.place, self.channel = hooks, own, place, channel
        self.importing = Imports(tf.keras, app.shell.user_ns, self.note, settings.tensorflow_1, own)
        self.reader = Reader(app.shell, self.note, place.lines_before)
        self.registry = ModelRegistry(tf, settings.caps, channel.send, place.cell, own.line)
        self.capture = Capture(tf, self.registry, settings.exact)
        self.witness: Witness | None = None

    def note(self, what: str) -> None:
        """Note an adaptation in the running cell."""
        self.channel.note(self.place.cell(), what)

    def adapt(self) -> None:
        """Let old and unusual notebooks run, and redirect their reads of the data."""
        from checker.guest.compat import adaptation, data_paths, furniture, libraries, places, standins, wrappers
        from checker.guest.compat.former_keras import FormerModules

        settings, hooks, note, shell, keras = self.settings, self.hooks, self.note, self.shell, self.tf.keras
        root, csv = Path(settings.root), Path(settings.csv)
        known = places.install(hooks, Path.cwd(), root, settings.csv, settings.places, note, shell)
        found = data_paths.install(hooks, Path.cwd(), settings.csv, self.tf, self.own.only, note)
        adaptation.install(hooks, self.tf, note, settings.legacy)
        furniture.install(hooks, shell, self.kernel, csv, found, known.mount, note)
        standins.install(hooks, keras, csv.resolve(), found, note)
        standins.keep_tensorflow(hooks, keras, shell, note)
        libraries.tell_written(hooks, shell, note)
        self.importing.install(hooks)
        hooks.append(shell.ast_transformers, self.importing)
        hooks.append(sys.meta_path, FormerModules(keras, note))
        wrappers.install(hooks, keras, note)
        self.reader.install(hooks)

    def watch(self, plan: ReplayPlan | None) -> None:
        """Record the student's trainings; ``plan`` replaces their rows by the checker's."""
        from checker.guest.compat import adaptation
        from checker.guest.watch import executions
        from checker.guest.watch.as_trained import Witness
        from checker.guest.watch.replay import Replay
        from checker.guest.watch.staticgraph import StaticGraphs
        from checker.guest.watch.tape import Tapes

        settings, hooks, tf = self.settings, self.hooks, self.tf
        if plan is not None:
            arrays = _take_arrays(settings.arrays)
            self.capture.replay = Replay(plan, arrays, self.channel.send, self.reader.end)
        self.capture.install(hooks)
        adaptation.accept_former_epochs(hooks, tf.keras, self.note)
        if plan is None:
            send = self.channel.send
            self.witness = Witness(tf, self.registry, settings.outputs, send, self.capture.inside)
        if not settings.exact:
            executions.stop_tuning(hooks, tf)
        StaticGraphs(tf, self.registry).install(hooks)
        if settings.graph:
            tf.compat.v1.disable_eager_execution()
        Tapes(tf, self.capture).install(hooks)

    def follow_cells(self) -> None:
        """Register the callbacks before and after each cell."""
        from checker.guest.host import script
        from checker.guest.host.script import Script

        shell, place, reader = self.shell, self.place, self.reader
        each_cell(shell, "pre_run_cell", place.go_on)
        each_cell(shell, "pre_run_cell", self.channel.remember_parent)
        if self.settings.file:
            trained = self.registry.has_trained
            run_alone = Script(shell, self.note, place.lines_before, lambda: place.is_last, trained, reader.end)
            run_alone.install(self.hooks, Path(self.settings.file))
            each_cell(shell, "pre_run_cell", run_alone.leave_loop)
            each_cell(shell, "post_run_cell", run_alone.go_on)
        else:
            script.hide_kernel(self.hooks)
        each_cell(shell, "post_run_cell", reader.tell)
        salvage = self.importing.salvage
        shell.events.register("post_run_cell", lambda result: None if result.success else salvage(result))
        each_cell(shell, "post_run_cell", lambda result: self.end_cell(place.is_last))
        self.hooks.replace(os, "_exit", _leaving(lambda: self.end_cell(True)))

    def end_cell(self, is_last: bool) -> None:
        """Record a cell's models and their outputs."""
        self.capture.scan(self.shell.user_ns)
        if self.witness is not None:
            self.witness.end_cell(is_last)


def each_cell(shell: Any, event: str, callback: Callable[[Any], None]) -> None:
    """Register a callback for each cell of the notebook, but not for the code that a cell's magic, such as
    ``%%capture``, runs."""

    def call(of: Any) -> None:
        info = getattr(of, "info", of)  # an event passes the cell or its result
        if info is None or info.store_history:
            callback(of)

    shell.events.register(event, call)


def _take_arrays(path: str) -> tuple[Array, ...]:
    """Return the arrays in a file, and remove the file before any of the student's code runs."""
    with np.load(path, allow_pickle=False) as file:
        arrays = tuple(file[f"arr_{number}"] for number in range(len(file.files)))
    Path(path).unlink()
    return arrays


def _leaving(before: Callable[[], None]) -> Callable[[int], None]:
    """Return an ``os._exit`` that calls ``before`` first, in this process and not in forks of it."""
    leave, process = os._exit, os.getpid()

    def leave_after(status: int) -> None:
        if os.getpid() == process:
            with contextlib.suppress(Exception):  # the process must end in any case
                before()
                sys.stdout.flush()
                time.sleep(PUBLISHING_SECONDS)
        leave(status)

    return leave_after


class Place:
    """The running cell; ``cells`` are the numbers of those with code, ``lines`` the number of a module's lines before
    each.

    ``before_the_first`` seeds the random generators before the first cell: a starting kernel draws a varying number of
    random numbers itself.
    """

    def __init__(self, cells: Sequence[int], before_the_first: Callable[[], None], lines: Sequence[int] = ()) -> None:
        self.cells, self.before_the_first, self.lines = cells, before_the_first, lines
        self.begun = 0

    def go_on(self, info: Any) -> None:
        """Count the next cell."""
        if not self.begun:
            self.before_the_first()
        self.begun += 1

    @property
    def is_last(self) -> bool:
        """No cell comes after the running one."""
        return self.begun >= len(self.cells)

    def cell(self) -> int:
        """Return the number of the running cell among all cells of the notebook, from 1."""
        return self.cells[self._at()]

    def lines_before(self) -> int | None:
        """Return the number of a module's lines before the running cell; None in a notebook."""
        return self.lines[self._at()] if self.lines else None

    def _at(self) -> int:
        return min(max(self.begun, 1), len(self.cells)) - 1


class Channel:
    """Sends records and arrays to the client of the kernel; each array and each adaptation is sent once."""

    def __init__(self, kernel: Any) -> None:
        self.kernel = kernel
        self.parent: Any = None
        self.sent: set[str] = set()
        self.said: set[str] = set()

    def remember_parent(self, info: Any) -> None:
        """Keep the running cell's message, so that messages from other threads belong to it too."""
        self.parent = self.kernel.get_parent()

    def note(self, cell: int, what: str) -> None:
        """Send a note on an adaptation, once."""
        if what not in self.said and len(self.said) < MAX_ADAPTATIONS:
            self.said.add(what)
            self.send(Adaptation(cell, what[:500]), ())

    def send(self, record: ModelCapture | Adaptation | AsTrained | TrainingRun, arrays: tuple[Array, ...]) -> None:
        """Send a record and the arrays it refers to. Outputs of networks (AsTrained) are sent every time: only the
        newest are kept."""
        new = {ref.sha256: a for a in arrays if (ref := reference(a)).sha256 not in self.sent}
        if not isinstance(record, AsTrained):
            self.sent |= set(new)
        self.kernel.session.send(
            self.kernel.iopub_socket,
            MESSAGE_TYPE,
            content={"kind": type(record).__name__, "record": to_json(record).decode()},
            parent=self.parent,
            buffers=[pack(a) for a in new.values()],
        )


if __name__ == "__main__":
    run(of_argument(sys.argv.pop(1)))
