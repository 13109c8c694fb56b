"""Codes: numbers that stand for the words of a column. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from checker.gather.rows.fitting import StudentColumn
from checker.gather.rows.sources import Sources
from checker.records.arrays import Array

MOST_WORDS = 64


@dataclass(frozen=True)
class _Code:
    """A column of few ``words``: for each row (m,) the position of its word among them; rows without a word have the
    position after the last."""

    name: str
    words: Sequence[str]
    places: Array

    def numbers_for(self, column: StudentColumn, at: Array, is_used: Array) -> Array:
        """Return for each word the number that stands for it at some positions of a student's column; NaN where there
        is none."""
        at = at[is_used]
        values, places = column.values[at], self.places[column.rows[at]]
        order = np.lexsort((values, places))
        starts = np.searchsorted(places[order], np.arange(len(self.words) + 1))
        counts = np.diff(np.append(starts, len(order)))
        middles = values[order][np.minimum(starts + np.maximum(counts - 1, 0) // 2, max(len(order) - 1, 0))]
        numbers = np.where(counts > 0, middles, np.nan)
        numbers[-1] = np.nan
        return numbers

    def words_for(self, numbers: Array, tolerance: float) -> str:
        """Describe the code: the one word that has a number of its own, where there is exactly one."""
        known = np.flatnonzero(np.isfinite(numbers))
        high = known[numbers[known] > np.nanmin(numbers) + tolerance]
        low = known[numbers[known] < np.nanmax(numbers) - tolerance]
        is_two = len(high) + len(low) == len(known)
        for alone in (high, low) if is_two else ():
            if len(alone) == 1:
                return f"{self.name} = {self.words[alone[0]]}"
        return f"a code of {self.name}"


def codes_of(sources: Sources, features: Array) -> Iterator[_Code]:
    """Yield the columns of words, and the columns of few whole numbers."""
    for name, column in sources.words.items():
        words, places = np.unique(column.astype(str), return_inverse=True)
        if 1 < len(words) <= MOST_WORDS:
            yield _Code(name, [str(word) for word in words], places.reshape(-1))
    for name, column in zip(sources.names, features.T, strict=True):
        is_known = np.isfinite(column)
        numbers, places = np.unique(column[is_known], return_inverse=True)
        if 1 < len(numbers) <= MOST_WORDS and np.array_equal(numbers, np.round(numbers)):
            everywhere = np.full(len(column), len(numbers))
            everywhere[is_known] = places.reshape(-1)
            yield _Code(name, [f"{number:.0f}" for number in numbers], everywhere)
