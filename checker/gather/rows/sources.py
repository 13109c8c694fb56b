"""The data set's columns that a student's columns may come from. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from checker.records.arrays import Array


@dataclass(frozen=True)
class Sources:
    """The data set's columns: ``features`` (m, d), where gaps are NaN, by ``names``; and columns of ``words`` (m,)."""

    names: Sequence[str]
    features: Array
    words: Mapping[str, Array]
