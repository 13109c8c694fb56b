"""Arrays, and references to them in records."""

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from checker.records.codec import record

Array = NDArray[Any]


@record
@dataclass(frozen=True)
class ArrayRef:
    """An array that travels beside the record: sha256 of its npy bytes, shape and dtype."""

    sha256: str
    shape: tuple[int, ...]
    dtype: str
