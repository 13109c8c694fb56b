"""Frames: what is written is read back, and nothing that a guest may write does any harm."""

import hashlib
import io
import pickle
import random
import struct
import threading
from pathlib import Path

import numpy as np
import pytest

from checker.errors import EvidenceError
from checker.records.capture import Environment
from checker.records.job import ExecuteJob, Progress, RetrainJob
from checker.records.verdicts import Failure, FailureCause, Stage
from checker.wire import frames
from checker.wire.frames import END, Frame, Kind


def npy(header: str, data: bytes = b"") -> bytes:
    """Return npy bytes with a header of one's own."""
    text = header.encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + data


def with_shape(shape: str, data: bytes = b"") -> bytes:
    return npy(f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}", data)


# -- on the wire -----------------------------------------------------------------------------------------


def test_frames_arrive_in_order_and_whole():
    """Frames of every kind are read back as they were written, one after the other."""
    sent = [Frame(kind, bytes([number]) * number * 1_000) for number, kind in enumerate(Kind)]
    stream = io.BytesIO()
    for frame in sent:
        frames.write(stream, frame)
    assert stream.tell() == sum(frame.size for frame in sent)
    stream.seek(0)
    assert [frames.read(stream) for _ in sent] == sent
    assert frames.read(stream) is None


def test_a_stream_may_end_anywhere():
    """A stream that ends inside a frame is one that ended, wherever the cut is."""
    stream = io.BytesIO()
    frames.write(stream, frames.message(Progress(1, 2)))
    whole = stream.getvalue()
    assert all(frames.read(io.BytesIO(whole[:cut])) is None for cut in range(len(whole)))


def test_a_trickle_is_enough():
    """A pipe that hands out a few bytes at a time gives the same frame."""

    class Trickle(io.BytesIO):
        def read(self, size=-1):
            return super().read(min(size, 3))

    stream = Trickle()
    frames.write(stream, frames.message(Progress(1, 2)))
    stream.seek(0)
    assert frames.content(frames.read(stream)) == Progress(1, 2)


def test_a_frame_beyond_the_cap_is_refused_unread():
    """A length beyond the cap is refused on sight, before any of the content is read."""
    stream = io.BytesIO(struct.pack(">cI", b"M", 101) + bytes(101))
    with pytest.raises(EvidenceError, match="101 bytes"):
        frames.read(stream, cap=100)
    assert stream.tell() == 5


def test_a_frame_of_an_unknown_kind_is_refused():
    """A kind that is not listed is refused."""
    with pytest.raises(EvidenceError, match="unknown kind"):
        frames.read(io.BytesIO(struct.pack(">cI", b"X", 0)))


# -- records in frames -----------------------------------------------------------------------------------


def test_messages_and_jobs_survive_the_way(make, assignment):
    """Every kind of record that guests and hosts say to each other is read back equal."""
    outputs = np.zeros((3, 5), dtype=np.float32)
    said = [
        Progress(3, 25),
        Environment({"python": "3.11"}, "3", "no idiom of the legacy Keras"),
        make.cell(4, error="no"),
        make.model(),
        make.run(11, outputs),
        Failure(stage=Stage.EXECUTING, cause=FailureCause.CUT_SHORT, rationale="It raised.", help="Mend it.", cell=4),
    ]
    assert [frames.content(frames.message(record)) for record in said] == said
    jobs = [
        ExecuteJob(is_notebook=True, keras="auto", reason="", caps=assignment.caps, classes=assignment.data.classes),
        RetrainJob(
            keras="3",
            architecture=make.architecture(),
            recipe=None,
            classes=assignment.data.classes,
            parameters=1_000,
            seeds=(11,),
        ),
    ]
    assert frames.content(frames.job(jobs[0])) == jobs[0]
    with pytest.raises(EvidenceError, match="RetrainJob: recipe"):
        frames.content(frames.job(jobs[1]))


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"Progress",
        b"Progress ",
        b"Progress {",
        b"Progress []",
        b'Progress {"at": 1}',
        b'Progress {"at": "1", "of": 2}',
        b'Progress {"at": 1, "of": 2, "more": 3}',
        b'Progress {"at": ' + b"[" * 100_000,
        b'Submission {"name": "x", "path": "/etc/passwd", "is_notebook": true, "sha256": ""}',
        b'Popen {"args": "rm"}',
        b"\xff\xfe\x00 {}",
    ],
)
def test_a_malformed_message_is_refused(payload):
    """A message that is cut short, ill-typed, too deep, or of a class that guests do not say is refused."""
    with pytest.raises(EvidenceError):
        frames.content(Frame(Kind.MESSAGE, payload))


def test_a_guest_cannot_say_a_job(assignment):
    """A job in a message frame, or a message in a job frame, is refused."""
    job = frames.job(
        ExecuteJob(is_notebook=True, keras="3", reason="", caps=assignment.caps, classes=assignment.data.classes)
    )
    with pytest.raises(EvidenceError, match="unknown record"):
        frames.content(Frame(Kind.MESSAGE, job.payload))
    with pytest.raises(EvidenceError, match="unknown record"):
        frames.content(Frame(Kind.JOB, frames.message(Progress(1, 2)).payload))


# -- arrays ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", sorted(frames.DTYPES))
@pytest.mark.parametrize("shape", [(), (0, 9), (7,), (4, 3), (2, 3, 2, 2)])
def test_an_array_survives_the_way(dtype, shape):
    """An array of every listed dtype is read back with its values, shape and dtype."""
    values = np.arange(np.prod(shape, dtype=int)).reshape(shape).astype(dtype)
    back = frames.unpack(frames.array(values).payload)
    assert (back.dtype, back.shape) == (values.dtype, np.ascontiguousarray(values).shape)
    assert np.array_equal(back.reshape(shape), values)


def test_equal_arrays_have_one_name():
    """The layout in memory does not change an array's name; a value or the dtype does."""
    values = np.arange(12.0).reshape(3, 4)
    name = frames.reference(values)
    assert (name.shape, name.dtype) == ((3, 4), "float64")
    assert name.sha256 == hashlib.sha256(frames.pack(values)).hexdigest()
    assert frames.reference(np.asfortranarray(values)) == name
    assert frames.reference(values + 1).sha256 != name.sha256
    assert frames.reference(values.astype(np.float32)).sha256 != name.sha256


@pytest.mark.parametrize(
    "values",
    [
        np.array([None, {}], dtype=object),
        np.array(["a"]),
        np.array([1j]),
        np.array(["2020-01-01"], dtype="datetime64[D]"),
        np.zeros(2, dtype=[("a", "f4")]),
    ],
    ids=["object", "text", "complex", "date", "fields"],
)
def test_only_plain_numbers_are_carried(values):
    """Arrays of anything but plain numbers are refused on both sides."""
    stream = io.BytesIO()
    np.save(stream, values, allow_pickle=True)
    with pytest.raises(EvidenceError):
        frames.pack(values)
    with pytest.raises(EvidenceError):
        frames.unpack(stream.getvalue())


class Touch:
    """An object whose unpickling makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return (Path.touch, (self.path,))


@pytest.mark.parametrize("kind", ["pickle", "object array"])
def test_nothing_is_ever_unpickled(tmp_path, kind):
    """A pickle, bare or inside npy bytes, is refused and not run."""
    mine = tmp_path / "was-unpickled"
    stream = io.BytesIO()
    if kind == "pickle":
        pickle.dump(Touch(mine), stream)
    else:
        np.save(stream, np.array([Touch(mine)], dtype=object), allow_pickle=True)
    with pytest.raises(EvidenceError):
        frames.unpack(stream.getvalue())
    assert not mine.exists()


def test_five_dimensions_are_too_many():
    """Arrays with more dimensions than any feature table has are refused."""
    with pytest.raises(EvidenceError, match="5 dimensions"):
        frames.unpack(frames.pack(np.zeros((1, 1, 1, 1, 1))))


def an_archive() -> bytes:
    stream = io.BytesIO()
    np.savez(stream, values=np.zeros(3))
    return stream.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\x93NUMPY", id="magic only"),
        pytest.param(frames.pack(np.zeros(100))[:-1], id="cut short"),
        pytest.param(an_archive(), id="archive"),
        pytest.param(b"PK\x03\x04" + bytes(60), id="broken archive"),
        pytest.param(npy("{'descr': ("), id="open bracket"),
        pytest.param(npy("'''"), id="open string"),
        pytest.param(npy("(" * 1_500), id="many brackets"),
        pytest.param(npy("x" * 3_000), id="long header"),
        pytest.param(npy("__import__('os').getcwd()"), id="a call"),
        pytest.param(npy("[]"), id="no dictionary"),
        pytest.param(with_shape("(-3,)"), id="negative"),
        pytest.param(with_shape("(1000000000000,)"), id="terabytes"),
        pytest.param(with_shape("(4611686018427387904, 4)"), id="product overflows"),
        pytest.param(with_shape("(100000000000000000000000,)"), id="number overflows"),
    ],
)
def test_what_is_no_array_is_refused(data):
    """Bytes that are no array give EvidenceError and nothing else, which would end the whole batch."""
    with pytest.raises(EvidenceError):
        frames.unpack(data)


def test_damaged_arrays_are_refused_or_read():
    """Whatever bytes are changed in an array, reading it gives an array or EvidenceError."""
    whole, rng = frames.pack(np.arange(6.0)), random.Random(7)
    surprises = set()
    for _ in range(1_000):
        damaged = bytearray(whole)
        for _ in range(rng.randint(1, 4)):
            damaged[rng.randrange(len(whole))] = rng.randrange(256)
        try:
            assert frames.unpack(bytes(damaged)).dtype.name in frames.DTYPES
        except EvidenceError:
            pass
        except Exception as error:
            surprises.add(repr(error))
    assert not surprises


def test_the_last_frame_is_empty():
    """The frame that says that a guest is done carries nothing."""
    assert Frame(Kind.END, b"") == END


def test_no_two_threads_parse_an_array_and_rules_at_once():
    """An array waits for whoever parses Python source in another thread, as CPython's parser may fail else."""
    data, read = frames.pack(np.arange(3)), []
    reader = threading.Thread(target=lambda: read.append(frames.unpack(data)))
    with frames.ONE_PARSER:
        reader.start()
        reader.join(0.2)
        assert read == []
        assert len(frames.unpack(data)) == 3  # whoever holds it may read arrays
    reader.join()
    assert np.array_equal(read[0], np.arange(3))
