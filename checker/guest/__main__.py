"""The guest: reads one job from standard input, writes its results to standard output, and ends.

At the start the two standard streams are reserved for frames, and all prints go to standard error, of which the host
keeps only the tail. ``python -m checker.guest`` does one job, cold; ``python -m checker.guest students`` (or ``ours``)
is the warm process of a box, which does each job in a fork.
"""

import contextlib
import os
import platform
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, BinaryIO

from checker.guest.host.settings import KernelSettings
from checker.guest.plain import generation
from checker.records.capture import WHOLE_FILE, Adaptation, Environment
from checker.records.job import ExecuteJob, Progress, RetrainJob
from checker.records.verdicts import Failure, FailureCause, Stage
from checker.source import mentions
from checker.wire import frames
from checker.wire.frames import Frame, Kind

PACKAGES = ["tensorflow", "keras", "tf_keras", "numpy", "pandas", "scikit-learn", "nbclient", "ipykernel"]


Say = Callable[[Frame], None]


def main(warm: bool = False) -> None:
    """Do one job. ``warm``: this process is a fork of one that has imported everything."""
    incoming, outgoing = _take_streams()
    job = frames.content(_expect(incoming, Kind.JOB))
    rest = list(_until_end(incoming))

    def say(frame: Frame) -> None:
        frames.write(outgoing, frame)

    if isinstance(job, ExecuteJob):
        execute(job, rest, say, warm)
    else:
        retrain(job, rest, say, warm)
    say(frames.END)


def rehearse(code: str) -> None:
    """Fill the caches that every job of a kind needs: for reading and writing records, and for reading notebooks."""
    frames.rehearse()
    if code == "students":
        from checker.guest.reading import notebook

        notebook.rehearse()


def _take_streams() -> tuple[BinaryIO, BinaryIO]:
    incoming = os.fdopen(os.dup(0), "rb")
    outgoing = os.fdopen(os.dup(1), "wb")
    if os.name == "nt":
        import msvcrt

        msvcrt.setmode(incoming.fileno(), os.O_BINARY)  # type: ignore[attr-defined,unused-ignore]  # Windows only
        msvcrt.setmode(outgoing.fileno(), os.O_BINARY)  # type: ignore[attr-defined,unused-ignore]  # Windows only
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    return incoming, outgoing


def _expect(stream: BinaryIO, kind: Kind) -> Frame:
    frame = frames.read(stream)
    if frame is None or frame.kind is not kind:
        raise SystemExit(f"expected a {kind.name} frame")
    return frame


def _until_end(stream: BinaryIO) -> Iterator[Frame]:
    while (frame := frames.read(stream)) is not None and frame.kind is not Kind.END:
        yield frame


def execute(job: ExecuteJob, rest: list[Frame], say: Say, warm: bool) -> None:
    """Run a student's file. ``rest``: the file's bytes, the data set's, those of companions, and a replay's arrays."""
    from checker.guest.compat import companions, data_paths
    from checker.guest.host import client
    from checker.guest.reading import cells, notebook

    content, csv, *others = (frame.payload for frame in rest)
    beside = list(zip(job.companions, others, strict=False))
    arrays = [frames.unpack(payload) for payload in others[len(beside) :]]
    repairs: list[str] = []
    try:
        submission = notebook.read(job, content, repairs.append)
    except notebook.UnreadableError as error:
        rationale, help = error.args
        say(
            frames.message(
                Failure(stage=Stage.READING, cause=FailureCause.UNREADABLE_FILE, rationale=rationale, help=help)
            )
        )
        return
    keras, reason = (job.keras, job.reason) if job.keras != "auto" else generation.choose(_code(submission, beside))
    _choose(keras, warm)
    say(frames.message(Environment(_versions(), keras, reason)))
    for what in dict.fromkeys(repairs):
        say(frames.message(Adaptation(WHOLE_FILE, what)))
    with tempfile.TemporaryDirectory(prefix="checker-", ignore_cleanup_errors=True) as place:
        root = Path(place) / "notebooks" / "practical"
        folder = companions.place(root, job.folder)
        folder.mkdir(parents=True)
        data_paths.lay_out(folder, job.file, csv)
        for what in companions.lay_out(root, beside, job.file, csv):
            say(frames.message(Adaptation(WHOLE_FILE, what)))
        own = folder / client.MODULE
        if cells.is_module(submission) and not own.exists():
            own.write_bytes(content)
        kernel = _forked_kernel if warm else client.started_kernel
        client.run(job, submission, arrays, root, say, kernel)


def _code(submission: Any, beside: Sequence[tuple[str, bytes]]) -> str:
    """Return a submission's code, with that of the companions which it imports or runs."""
    from checker.guest.reading import cells

    return mentions.reached(cells.sources(submission), beside)


def _forked_kernel(settings: KernelSettings, folder: Path) -> Any:
    from checker.guest.host import forked

    return forked.manager(settings, folder)


def retrain(job: RetrainJob, rest: list[Frame], say: Say, warm: bool) -> None:
    """Rebuild and train a model from plain data. ``rest``: five arrays for each seed."""
    _choose(job.keras, warm)
    import tensorflow as tf

    from checker.guest.plain.plaindata import UnrebuildableError
    from checker.guest.train import training

    arrays = [frames.unpack(frame.payload) for frame in rest]
    data = {seed: training.SeedData(*arrays[5 * k : 5 * k + 5]) for k, seed in enumerate(job.seeds)}
    try:
        tell = (lambda epoch: say(frames.message(epoch))) if job.live else None
        for at, (run, *predicted) in enumerate(training.train(job, data, tf, tf.keras, tell), 1):
            for array in predicted:
                say(frames.array(array))
            say(frames.message(run))
            say(frames.message(Progress(at, len(job.seeds))))
    except UnrebuildableError as reason:
        words = f"The network cannot be rebuilt: {reason}."
        failure = Failure(stage=Stage.RETRAINING, cause=FailureCause.NOT_RETRAINED, rationale=words, help="")
        say(frames.message(failure))


def _choose(keras: str, warm: bool) -> None:
    """Choose the Keras generation: before TensorFlow is imported, or afterwards in a warm guest."""
    _set_environment(keras)
    if warm and keras == "2":
        from checker.guest.host.warm import turn_to_legacy

        turn_to_legacy()


def _set_environment(keras: str) -> None:
    """Choose the Keras generation, and one thread for each kind of work, so that sums do not depend on the machine's
    load.

    ``!pip install`` fails immediately, because pip has no index to wait for.
    """
    os.environ.update(
        TF_USE_LEGACY_KERAS="1" if keras == "2" else "0",
        TF_NUM_INTRAOP_THREADS="1",
        TF_NUM_INTEROP_THREADS="1",
        OMP_NUM_THREADS="1",
        OPENBLAS_NUM_THREADS="1",
        TF_CPP_MIN_LOG_LEVEL="3",
        CUDA_VISIBLE_DEVICES="-1",
        KERAS_BACKEND="tensorflow",
        MPLBACKEND="module://matplotlib_inline.backend_inline",  # matplotlib reads it when Keras imports it
        PIP_NO_INDEX="1",
        PIP_DISABLE_PIP_VERSION_CHECK="1",
    )


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        with contextlib.suppress(PackageNotFoundError):
            found[package] = version(package)
    return found


if __name__ == "__main__":
    if len(sys.argv) > 1:
        from checker.guest.host import warm

        _set_environment("3")
        warm.serve(sys.argv[1], lambda: rehearse(sys.argv[1]), lambda: main(warm=True))
    main()
