"""Boxes on other machines: a batch's submissions on the workers of a Dask scheduler.

Theory of operation: only bytes are sent. A worker gets the data set once (``WorkerData``), and for each submission a
``Task`` as JSON with the files' bytes, without paths or names, except the names of companions in the student's own
folder. It runs the submission in its boxes (``gather``), as a batch does on one machine, and returns a zip of evidence.
For further seeds this zip is sent to a worker again (``train_further``). Only the client stores, judges and renders.

Dask's resources decide which worker may run a task. ``BoxWorker`` offers memory, and boxes under a name that depends on
the versions of the checker and of the packages around it. A task asks for one box and the memory of one submission. So
a worker that has no working wall, has another version or is too small never gets a task. If a worker is lost, Dask
gives its tasks to others. It gives up on a task that has lost more workers than the scheduler's ``allowed-failures``.
If all are gone, the client waits for another for some time (``workers``). A worker's temporary files are in a folder of
its own. The next worker on that machine removes the folder of a killed one (``lock``).

Anyone who can connect to a scheduler can run code on its workers and clients: it must be on loopback or behind TLS.
"""

import asyncio
import contextlib
import io
import logging
import signal
import tempfile
import threading
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import dask
import psutil
from dask.system import CPU_COUNT
from distributed import Client, Event, KilledWorker, Worker, WorkerPlugin, get_client, get_worker
from distributed.client import ClosedClientError
from distributed.worker_memory import parse_memory_limit

from checker.assignment import dataset
from checker.errors import CheckerError, HarnessError, LostError, StoppedError, UsageError
from checker.formats.text import counted
from checker.gather import execution
from checker.records.assignment import Assignment, DatasetNote
from checker.records.codec import from_json, record, to_json
from checker.records.gathered import Gathered
from checker.records.job import Progress
from checker.records.settings import Live, RunSettings, Watch, unwatched
from checker.records.submission import Companion, Submission
from checker.records.training import Epoch
from checker.records.variants import Variant
from checker.records.verdicts import Stage
from checker.run import batch, keys, lock, places, scheduler_addresses, store
from checker.run.workers import LOOK_SECONDS, MEMORY, SCHEDULER_LOST, Workers
from checker.sandbox import kinds
from checker.sandbox.boxes import Sandbox
from checker.submissions import choice
from checker.whatif import changes
from checker.whatif.originals import original_of

EVIDENCE, VARIANT, TOPIC = "evidence", "variant", "topic"
"""The names of the evidence, of a variant, and of the topic for its epochs in the zip that a worker receives."""
CONNECT_SECONDS = 30
START_SECONDS = 600
"""Time for a worker's boxes to warm up, on a slow machine too, and for its scheduler to appear."""
STOP_SECONDS = 0.5
"""Interval between checks that somebody still waits for a training on a worker."""
UNUSED = "This worker ends before it took any submission."
WAITING = 1
"""Tasks for each box that wait on workers, so that no box is idle while the client judges."""

_logger = logging.getLogger("distributed.worker")


@record
@dataclass(frozen=True)
class Task:
    """The request to a worker for one submission's evidence. The submission has neither name nor path here."""

    submission: Submission
    assignment: Assignment
    dataset: DatasetNote
    seeds: tuple[int, ...]
    further: tuple[int, ...]
    model: str
    exact: bool


Work = Callable[[Task, bytes, bytes, places.Pool], bytes]
"""A worker's function for a task: task, content sent with it, the data set's CSV and boxes to packed evidence."""


# -- on a worker -----------------------------------------------------------------------------------------


class WorkerBoxes(WorkerPlugin):
    """The boxes of a worker, which warm up before its first task, and its folder of temporary files."""

    name = "checker-boxes"

    def __init__(self, wall: Sandbox, count: int) -> None:
        self.pool = places.Pool(wall)
        self._count = count
        self._held = contextlib.ExitStack()

    async def setup(self, worker: Worker) -> None:
        self._held.enter_context(lock.scratch())
        # Use threads that live as long as the worker: a box ends with the thread that started it.
        threads, loop = worker.executors["default"], asyncio.get_running_loop()
        await asyncio.gather(*(loop.run_in_executor(threads, self.pool.warm) for _ in range(self._count)))

    def teardown(self, worker: Worker) -> None:
        self.pool.close()
        self._held.close()


class WorkerData(WorkerPlugin):
    """A data set's bytes. The scheduler sends them once to each worker, including workers that connect later."""

    idempotent = True

    def __init__(self, csv: bytes, sha256: str) -> None:
        self.csv, self.name = csv, _name_of_data(sha256)


def _name_of_data(sha256: str) -> str:
    return f"checker-data-{sha256}"


class BoxWorker(Worker):
    """A Dask worker with one box for each thread. It offers the boxes and its memory as resources.

    Raises SandboxMissingError if this machine has no wall. ``dask worker --worker-class`` accepts it, too.
    """

    def __init__(
        self, *address: Any, nthreads: int | None = None, memory_limit: str | float = "auto", **more: Any
    ) -> None:
        wall, count = kinds.choose("bubblewrap"), nthreads or CPU_COUNT
        memory = parse_memory_limit(memory_limit, count, logger=_logger) or psutil.virtual_memory().total
        offer = {boxes_of(wall.name): count, MEMORY: memory // 2**20}
        more |= {"nthreads": count, "memory_limit": memory_limit, "resources": offer}
        super().__init__(*address, plugins=(WorkerBoxes(wall, count),), **more)


def boxes_of(kind: str) -> str:
    """Return the name of the Dask resource for boxes of a kind that run this version of the checker."""
    return f"{kind}-{keys.key(keys.VARIANTS, kind)[:12]}"


def gather(task: bytes, content: bytes) -> bytes:
    """Examine a submission in a box of the calling Dask worker; ``content`` holds its files."""
    return _on_worker(examine, task, content)


def answer_again(task: bytes, content: bytes) -> bytes:
    """Find the answer again in a submission's evidence, in a box of the calling Dask worker."""
    return _on_worker(find_again, task, content)


def train_further(task: bytes, content: bytes) -> bytes:
    """Train a submission's answer for the further seeds, in a box of the calling Dask worker."""
    return _on_worker(extend, task, content)


def train_variant(task: bytes, content: bytes) -> bytes:
    """Train a changed network in a box of the calling Dask worker."""
    return _on_worker(try_variant, task, content)


def _on_worker(work: Work, task: bytes, content: bytes) -> bytes:
    """Do a task's work. Every error becomes a RuntimeError with a message, so that no object of ours is pickled."""
    worker = get_worker()
    try:
        asked = from_json(Task, task)
        boxes, data = worker.plugins[WorkerBoxes.name], worker.plugins[_name_of_data(asked.dataset.sha256)]
        assert isinstance(boxes, WorkerBoxes) and isinstance(data, WorkerData)
        return work(asked, content, data.csv, boxes.pool)
    except (CheckerError, OSError) as error:
        said = str(error)
    except Exception as error:  # noqa: BLE001  # the client must be able to read any error
        said = f"{type(error).__name__}: {error}"
    raise RuntimeError(f"On {worker.address}: {said}")


def examine(task: Task, content: bytes, csv: bytes, pool: places.Pool) -> bytes:
    """Return a submission's packed evidence.

    Raises HarnessError if the data is not the data set that the task names.
    """
    settings = _settings(task, csv)
    with _laid_out(task.submission, content) as (submission, _):
        return store.pack(pool.gather(submission, settings, unwatched))


def find_again(task: Task, content: bytes, csv: bytes, pool: places.Pool) -> bytes:
    """Find the answer again; return the packed evidence. ``content``: the submission's files and evidence."""
    settings = _settings(task, csv)
    with _laid_out(task.submission, content) as (submission, packed):
        gathered = batch.as_handed_in(store.unpack(packed), submission)
        return store.pack(pool.answer_again(gathered, submission, settings, unwatched))


def try_variant(task: Task, content: bytes, csv: bytes, pool: places.Pool) -> bytes:
    """Train a changed network; return its packed evidence. ``content``: evidence, the variant and a topic.

    Each epoch is an event of the topic. The training ends once the Dask event of the same name is set.
    """
    settings = _settings(task, csv)
    with ZipFile(io.BytesIO(content)) as archive:
        gathered, topic = store.unpack(archive.read(EVIDENCE)), archive.read(TOPIC).decode()
        variant = from_json(Variant, archive.read(VARIANT))
    worker, stopped = get_worker(), Event(topic, client=get_client())
    unwanted, done = threading.Event(), threading.Event()
    live = Live(lambda epoch: worker.log_event(topic, to_json(epoch)), lambda: not unwanted.is_set())

    def watch() -> None:
        while not done.wait(STOP_SECONDS):
            if stopped.is_set():
                unwanted.set()

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        return store.pack(pool.train_variant(gathered, variant, settings, live))
    finally:
        done.set()
        watcher.join()


@contextlib.contextmanager
def _laid_out(submission: Submission, content: bytes) -> Iterator[tuple[Submission, bytes]]:
    """Unpack a submission's files into a temporary folder; yield the submission there and its packed evidence, if
    any."""
    with tempfile.TemporaryDirectory(prefix="checker-") as folder, ZipFile(io.BytesIO(content)) as archive:
        files = []
        for number, file in enumerate(execution.files_of(submission)):
            path = Path(folder, f"submission-{number}.{'ipynb' if file.is_notebook else 'py'}")
            path.write_bytes(archive.read(str(number)))
            files.append(replace(file, path=str(path), others=(), companions=_put_down(file, Path(folder), archive)))
        packed = archive.read(EVIDENCE) if EVIDENCE in archive.namelist() else b""
        yield replace(files[0], others=tuple(files[1:])), packed


def _put_down(file: Submission, folder: Path, archive: ZipFile) -> tuple[Companion, ...]:
    """Write the companions of a file, each under the hash of its content; return them with their paths."""
    for companion in file.beside:
        path = folder / companion.sha256
        if not path.exists():
            path.write_bytes(archive.read(companion.sha256))
    return tuple(replace(companion, path=str(folder / companion.sha256)) for companion in file.beside)


def _sent(submission: Submission, packed: bytes | None = None) -> bytes:
    """Return a submission's files, and its packed evidence if there is any, as one zip."""
    content = io.BytesIO()
    with ZipFile(content, "w") as archive:
        for number, file in enumerate(execution.files_of(submission)):
            archive.writestr(str(number), choice.read(file))
        for companion in {of.sha256: of for file in execution.files_of(submission) for of in file.beside}.values():
            archive.writestr(companion.sha256, choice.read_companion(companion))
        if packed is not None:
            archive.writestr(EVIDENCE, packed)
    return content.getvalue()


def extend(task: Task, content: bytes, csv: bytes, pool: places.Pool) -> bytes:
    """Train for the further seeds; return the packed evidence. ``content``: the submission's files and evidence."""
    settings = _settings(task, csv)
    with _laid_out(task.submission, content) as (submission, packed):
        gathered = batch.as_handed_in(store.unpack(packed), submission)
        return store.pack(pool.train_further(gathered, submission, settings, unwatched))


def _settings(task: Task, csv: bytes) -> RunSettings:
    data = dataset.parse(task.assignment.data, csv, task.dataset.name, task.dataset.practice)
    if data.note != task.dataset:
        raise HarnessError("The data has arrived as other data.")
    return RunSettings(
        assignment=task.assignment,
        dataset=data,
        seeds=task.seeds,
        further=task.further,
        model=task.model,
        exact=task.exact,
    )


def work(address: str, boxes: int | None, say: Callable[[str], None]) -> None:
    """Offer boxes of this machine to a scheduler's batches, until the scheduler ends or this process gets SIGTERM or
    SIGINT; ``say`` prints messages for a person.

    On these signals the worker returns its tasks to the scheduler; they do not count as lost.
    """

    async def serve() -> None:
        more: dict[str, Any] = {
            "host": None if scheduler_addresses.is_remote(address) else "127.0.0.1",
            "dashboard_address": "127.0.0.1:0",
        }
        starting = asyncio.current_task()
        warm: BoxWorker | None = None
        closing: list[asyncio.Future[None]] = []  # keeps the task alive

        def stop() -> None:
            if warm is not None:
                say("This worker ends. What it was running goes back to the scheduler, for another worker.")
                closing.append(asyncio.ensure_future(warm.close_gracefully()))
            elif starting is not None:
                _logger.disabled = True  # Dask would log the end of its start as an error
                starting.cancel()

        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop)
        async with BoxWorker(address, nthreads=boxes, death_timeout=START_SECONDS, **more) as worker:
            warm = worker
            say(f"Boxes are warm; {worker.address} waits for submissions.")
            await worker.finished()

    scheduler_addresses.require_certificate(address)
    try:
        asyncio.run(serve())
    except asyncio.CancelledError:
        say(UNUSED)
    except (OSError, TimeoutError) as error:
        raise scheduler_addresses.none_at(address) from error
    except RuntimeError as error:  # Dask's error for a worker that did not start; its cause is the reason
        if isinstance(error.__cause__, CheckerError):
            raise error.__cause__ from None
        raise HarnessError(f"The worker did not start: {error.__cause__ or error}") from error


# -- on the client ---------------------------------------------------------------------------------------


class Cluster:
    """The boxes of all workers of a scheduler, as a ``Place``."""

    kind = "bubblewrap"  # a worker without it offers no boxes

    def __init__(self, client: Client, settings: RunSettings, say: Callable[[str], None]) -> None:
        kind, memory = boxes_of(self.kind), places.memory_of_one(settings.assignment)
        self._client = client
        self._workers = Workers(client, kind, memory, say)
        self._executor = client.get_executor(resources={kind: 1, MEMORY: memory}, pure=False)
        self._offered = self._workers.boxes()
        self.boxes = sum(self._offered)
        if not self.boxes:
            address = self._workers.address
            raise UsageError(
                f"None of the {self._workers.known()} workers of {address} has a box for this batch.",
                f"Type on each machine: checker worker {address}. It must have the same version of "
                f"the checker and of TensorFlow as this one, and {memory:,} MiB for each box.",
            )
        client.register_plugin(WorkerData(settings.dataset.csv, settings.dataset.note.sha256))

    def __str__(self) -> str:
        boxes, workers = counted(self.boxes, "box", "boxes"), counted(len(self._offered), "worker")
        return f"{boxes} of {workers} of {self._workers.address}"

    @property
    def at_a_time(self) -> int:
        """Number of submissions to send at a time: one for each box, and one that waits for it."""
        return self.boxes * (1 + WAITING)

    def gather(self, submission: Submission, settings: RunSettings, watch: Watch) -> Gathered:
        """Run a submission on some worker, or on another one if that is lost.

        Raises LostError if too many workers were lost with it or all have been gone for too long, and HarnessError for
        other failures of the harness.
        """
        watch(Stage.EXECUTING, Progress(0, 1))  # a worker reports nothing more until it is done
        packed = self._ask(gather, _nameless(submission), _sent(submission), settings)
        return batch.as_handed_in(store.unpack(packed), submission)

    def answer_again(self, gathered: Gathered, submission: Submission, settings: RunSettings, watch: Watch) -> Gathered:
        """Find the answer again on some worker; raises the errors of ``gather``."""
        nameless = _nameless(submission)
        content = _sent(submission, store.pack(batch.as_handed_in(gathered, nameless)))
        packed = self._ask(answer_again, nameless, content, settings)
        return batch.as_handed_in(store.unpack(packed), submission)

    def train_further(
        self, gathered: Gathered, submission: Submission, settings: RunSettings, watch: Watch
    ) -> Gathered:
        """Train a submission for the further seeds on some worker; raises the errors of ``gather``."""
        nameless = _nameless(submission)
        content = _sent(submission, store.pack(batch.as_handed_in(gathered, nameless)))
        packed = self._ask(train_further, nameless, content, settings)
        return batch.as_handed_in(store.unpack(packed), submission)

    def get_ready(self) -> None:
        """Do nothing: workers' boxes are warm."""

    def train_variant(self, gathered: Gathered, variant: Variant, settings: RunSettings, live: Live) -> Gathered:
        """Train a changed network on some worker; raises the errors of ``gather`` and of ``Place.train_variant``."""
        changes.apply(original_of(gathered, settings), variant)
        nameless = replace(_nameless(gathered.evidence.submission), companions=(), others=())
        topic, content = f"checker-{uuid.uuid4().hex}", io.BytesIO()
        with ZipFile(content, "w") as archive:
            archive.writestr(
                EVIDENCE, store.pack(replace(gathered, evidence=replace(gathered.evidence, submission=nameless)))
            )
            archive.writestr(VARIANT, to_json(variant))
            archive.writestr(TOPIC, topic)
        self._client.subscribe_topic(topic, lambda event: live.tell(from_json(Epoch, event[1])))
        try:
            packed = self._ask(train_variant, nameless, content.getvalue(), settings, (live, topic))
        finally:
            self._client.unsubscribe_topic(topic)
        return batch.as_handed_in(store.unpack(packed), gathered.evidence.submission)

    def _ask(
        self,
        work: Callable[[bytes, bytes], bytes],
        submission: Submission,
        content: bytes,
        settings: RunSettings,
        watched: tuple[Live, str] | None = None,
    ) -> bytes:
        assignment = replace(settings.assignment, folder="")
        seeds = (settings.seeds, settings.further)
        task = Task(submission, assignment, settings.dataset.note, *seeds, settings.model, settings.exact)
        try:
            self._workers.require()
            return self._result(self._executor.submit(work, to_json(task), content), watched)
        except KilledWorker as lost:
            raise LostError(f"{lost.allowed_failures + 1} workers were lost while it was theirs to run.") from lost
        except CancelledError as error:
            raise HarnessError(SCHEDULER_LOST) from error
        except RuntimeError as error:
            raise HarnessError(str(error)) from error

    def _result(self, future: Future[bytes], watched: tuple[Live, str] | None = None) -> bytes:
        """Wait for a task's result. Raises LostError if no worker is left for the task, StoppedError if nobody waits
        for the result any more."""
        while True:
            try:
                return future.result(STOP_SECONDS if watched else LOOK_SECONDS)
            except TimeoutError:
                if future.done():
                    raise
                self._workers.require()
            if watched is not None and not watched[0].is_wanted():
                Event(watched[1], client=self._client).set()
                future.cancel()
                raise StoppedError("The training was stopped, because nobody waits for it any more.")

    def close(self) -> None:
        """Cancel waiting tasks. A task that is running ends at its limits at the latest; its result is dropped."""
        with contextlib.suppress(ClosedClientError):  # the scheduler has ended, and all tasks with it
            self._executor.shutdown(wait=False)


def _nameless(submission: Submission) -> Submission:
    """Return a submission's record for a worker. It keeps the names of its companions in the student's own folder."""
    first, *others = (
        Submission(
            name="",
            path="",
            is_notebook=file.is_notebook,
            sha256=file.sha256,
            folder=file.folder,
            companions=tuple(replace(companion, path="", member="") for companion in file.beside),
        )
        for file in execution.files_of(submission)
    )
    return replace(first, others=tuple(others))


def connect(address: str) -> Client:
    """Return a client of a scheduler.

    Raises UsageError if there is no scheduler, or if it needs a certificate and none is set.
    """
    scheduler_addresses.require_certificate(address)
    dask.config.set({"distributed.admin.large-graph-warning-threshold": "1GB"})  # a notebook may be large
    try:
        return Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        raise scheduler_addresses.none_at(address) from error
