"""Outputs by row, of a network or another model: one small number each, and their text form for a JSON file. Pure.

In a classification this is the number of the class (uint8), in a regression the value (float32). The text is zlib and
base64 of the array's bytes, least significant byte first.
"""

import base64
import binascii
import zlib

import numpy as np

from checker.errors import EvidenceError
from checker.records.arrays import Array
from checker.records.capture import NO_CLASS

CLASSES, VALUES = np.dtype("uint8"), np.dtype("<f4")


def by_row(predictions: Array) -> Array:
    """Return predictions, class scores (n, classes) or values (n,), as outputs by row (n,)."""
    if predictions.ndim == 2:
        return np.asarray(predictions.argmax(axis=1), dtype=CLASSES)
    return np.asarray(predictions, dtype=VALUES)


def said(outputs: Array) -> Array:
    """Return a network's outputs (n, k) by row (n,): a class, ``NO_CLASS`` if an output is not finite, or the value of
    a single output."""
    table = outputs.reshape(len(outputs), -1)
    if table.shape[1] == 1:
        return np.asarray(table[:, 0], dtype=VALUES)
    known = np.isfinite(table).all(axis=1)
    return np.where(known, table.argmax(axis=1), NO_CLASS).astype(CLASSES)


def as_predictions(outputs: Array, classes: int) -> Array:
    """Return outputs by row (n,) as a metric takes them: class scores (n, classes), or values (n,) if ``classes`` is
    0."""
    return np.eye(classes)[outputs] if classes else outputs.astype(np.float64)


def packed(outputs: Array) -> str:
    """Return outputs by row (n,) as text."""
    return base64.b64encode(zlib.compress(outputs.tobytes(), 9)).decode("ascii")


def unpacked(text: str, classes: int, rows: int) -> Array:
    """Return the outputs by row (rows,) in a text; EvidenceError if it holds anything else."""
    kind = CLASSES if classes else VALUES
    size, reader = rows * kind.itemsize, zlib.decompressobj()
    try:
        content = reader.decompress(base64.b64decode(text, validate=True), size + 1)
    except (binascii.Error, ValueError, zlib.error) as error:
        raise EvidenceError("outputs by row are damaged") from error
    if len(content) != size:
        raise EvidenceError(f"outputs by row are not those of {rows:,} rows")
    found: Array = np.frombuffer(content, dtype=kind)
    if not (np.all(found < classes) if classes else np.all(np.isfinite(found))):
        raise EvidenceError("outputs by row are no classes of the assignment" if classes else "outputs are no numbers")
    return found
