"""The protocol between host and guest: framed, size-capped JSON, raw bytes and arrays over a byte stream.

Theory of operation: a frame is one kind byte, a four-byte big-endian length, and that many bytes. The host writes a job
(one ``JOB`` frame, then its bytes and arrays, then ``END``) to the guest's standard input. The guest answers on its
standard output with ``MESSAGE`` frames (a class name and the record as JSON) and ``ARRAY`` frames, and closes with
``END``. ``OUTPUTS`` frames are arrays too: networks' answers, which have a budget of their own. An array is npy bytes,
read with ``allow_pickle=False`` and only in the dtypes listed here. Its name is the sha256 of its bytes, computed by
the reader.

A guest runs a student's code, so the reader trusts nothing: a length beyond the cap, an unknown kind or class, or
malformed content raises ``EvidenceError``.
"""

import hashlib
import io
import struct
import threading
from dataclasses import dataclass
from enum import Enum
from typing import Any, BinaryIO, get_args

import numpy as np
from numpy.typing import NDArray

from checker.errors import EvidenceError
from checker.records.arrays import ArrayRef
from checker.records.codec import from_json, prepare, to_json
from checker.records.job import ExecuteJob, RetrainJob
from checker.records.training import Message

Array = NDArray[Any]

MAX_FRAME_BYTES = 256 * 2**20
DTYPES = frozenset({"float32", "float64", "int32", "int64", "uint8", "bool"})
MAX_DIMENSIONS = 4

_HEADER = struct.Struct(">cI")
_CLASSES = {cls.__name__: cls for cls in (*get_args(Message), ExecuteJob, RetrainJob)}


ONE_PARSER = threading.RLock()
"""Lock for parsing Python source, which an array's header is: up to 3.11, CPython's parser sometimes raises SystemError
if two threads parse at the same time (https://github.com/python/cpython/issues/106905)."""


class Kind(Enum):
    JOB = b"J"
    MESSAGE = b"M"
    ARRAY = b"A"
    OUTPUTS = b"O"
    BYTES = b"B"
    END = b"E"


@dataclass(frozen=True)
class Frame:
    kind: Kind
    payload: bytes

    @property
    def size(self) -> int:
        """Bytes on the wire."""
        return _HEADER.size + len(self.payload)


END = Frame(Kind.END, b"")


def write(stream: BinaryIO, frame: Frame) -> None:
    """Write one frame and flush, so that it arrives even if the writer dies next."""
    stream.write(_HEADER.pack(frame.kind.value, len(frame.payload)) + frame.payload)
    stream.flush()


def read(stream: BinaryIO, cap: int = MAX_FRAME_BYTES) -> Frame | None:
    """Read one frame; None at the end of the stream, also if it ends inside a frame. EvidenceError for a frame that is
    too long or of an unknown kind."""
    header = _read_exactly(stream, _HEADER.size)
    if header is None:
        return None
    kind, length = _HEADER.unpack(header)
    if length > cap:
        raise EvidenceError(f"a frame of {length:,} bytes is larger than the {cap:,} allowed")
    try:
        known = Kind(kind)
    except ValueError:
        raise EvidenceError(f"unknown kind of frame {kind!r}") from None
    payload = _read_exactly(stream, length)
    return None if payload is None else Frame(known, payload)


def _read_exactly(stream: BinaryIO, length: int) -> bytes | None:
    parts: list[bytes] = []
    while length:
        part = stream.read(min(length, 2**20))
        if not part:
            return None
        parts.append(part)
        length -= len(part)
    return b"".join(parts)


def rehearse() -> None:
    """Build the JSON adapters of all records now, and not at the first record of each class."""
    for kind in _CLASSES.values():
        prepare(kind)


def job(content: ExecuteJob | RetrainJob) -> Frame:
    """Frame a job."""
    return Frame(Kind.JOB, _tagged(content))


def message(content: Message) -> Frame:
    """Frame one of the records that guests may send."""
    return Frame(Kind.MESSAGE, _tagged(content))


def _tagged(content: object) -> bytes:
    return type(content).__name__.encode() + b" " + to_json(content)


def content(frame: Frame) -> Any:
    """Return the record in a ``JOB`` or ``MESSAGE`` frame; EvidenceError if it is invalid."""
    tag, _, body = frame.payload.partition(b" ")
    cls = _CLASSES.get(tag.decode("ascii", "replace"))
    if cls is None or (frame.kind is Kind.JOB) != (cls in (ExecuteJob, RetrainJob)):
        raise EvidenceError(f"unknown record {tag[:40]!r}")
    return from_json(cls, body)


def array(values: Array) -> Frame:
    """Frame an array."""
    return Frame(Kind.ARRAY, pack(values))


def pack(values: Array) -> bytes:
    """Return an array as npy bytes, equal for equal arrays; EvidenceError if its dtype is not in ``DTYPES``."""
    if values.dtype.name not in DTYPES:
        raise EvidenceError(f"arrays of {values.dtype} are not carried")
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.ascontiguousarray(values), allow_pickle=False)
    return buffer.getvalue()


def unpack(data: bytes) -> Array:
    """Return the array in npy bytes; EvidenceError for any other content."""
    try:
        with ONE_PARSER:
            values = np.load(io.BytesIO(data), allow_pickle=False, max_header_size=2_000)
    except Exception as error:  # NumPy passes on any error of Python's parser from the header
        raise EvidenceError(f"not an array: {str(error)[:100]}") from error
    if not isinstance(values, np.ndarray):
        raise EvidenceError("not an array: an archive")
    if values.dtype.name not in DTYPES or values.ndim > MAX_DIMENSIONS:
        raise EvidenceError(f"arrays of {values.dtype} with {values.ndim} dimensions are not carried")
    return values


def reference(values: Array) -> ArrayRef:
    """Return the reference that records use for an array."""
    digest = hashlib.sha256(pack(values)).hexdigest()
    return ArrayRef(digest, tuple(int(n) for n in values.shape), values.dtype.name)
