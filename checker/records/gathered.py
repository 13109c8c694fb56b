"""Evidence together with its arrays."""

from collections.abc import Mapping
from dataclasses import dataclass

from checker.errors import EvidenceError
from checker.records.arrays import Array, ArrayRef
from checker.records.evidence import Evidence


@dataclass(frozen=True)
class Gathered:
    """Evidence, and its arrays by hash."""

    evidence: Evidence
    arrays: Mapping[str, Array]

    def array(self, ref: ArrayRef) -> Array:
        """Return the array of a reference; EvidenceError if it is missing."""
        if ref.sha256 not in self.arrays:
            raise EvidenceError("the evidence refers to an array that is not there")
        return self.arrays[ref.sha256]
