"""Which rows a student left out by choice, and which only because a split set them aside. Pure.

Theory of operation: a student who never feeds the test part to the network has not decided against its rows; a student
who drops outliers, capped prices or a class has. A retraining includes the first kind of rows and excludes the second.
Rows were left out by choice where a random draw would hardly ever have left out just these: all rows of a class, all
rows beyond some value of a column (``_beyond``), or rows whose classes and columns are distributed differently from
those of the fed rows (``are_alike``). A split in file order is no choice either, although its parts differ.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy

from checker.records.arrays import Array
from checker.records.dataset import tenths

ENOUGH = 0.4
"""A network that was fed a smaller share of all rows is retrained on the fed rows only."""
RARE = 1e-4
"""Rows are left out by choice if a random draw would be this unlikely."""


@dataclass(frozen=True)
class TrainingRows:
    """The rows (n,) of the data set that a network is retrained on, sorted; which rows were left out by choice, in
    words, "" for none; and how many."""

    rows: Array
    left_out: str = ""
    left_out_rows: int = 0


def sample_of(
    known: Array, fed: Array, features: Array, labels: Array, names: Sequence[str], classes: Sequence[str]
) -> TrainingRows:
    """Return which of the ``known`` rows, whose inputs can be computed, belong to a student's training.

    ``fed``: the rows that the student used. ``features`` (m, d) and ``labels`` (m,) are the data set's, ``names`` the
    columns' and last the target's; ``classes`` is empty for a regression.
    """
    count = len(labels)
    is_fed, is_known = np.isin(np.arange(count), fed), np.isin(np.arange(count), known)
    unfed = is_known & ~is_fed
    kept = np.flatnonzero(is_known & is_fed)
    if not unfed.any():
        return TrainingRows(kept)
    share = float(unfed.sum() / is_known.sum())
    columns = features if classes else np.column_stack([features, labels])
    is_left_out, words = np.zeros(count, dtype=bool), []
    for number, name in enumerate(classes):
        of_class = labels == number
        missing = int((unfed & of_class).sum())
        if missing and not (is_fed & of_class).any():
            is_left_out |= unfed & of_class
            words.append(f"all {missing:,} {name} rows")
    cut, more = _beyond(is_fed & is_known, unfed & ~is_left_out, columns, share, names)
    is_left_out |= cut
    words += more
    others = unfed & ~is_left_out
    if others.any() and not (_is_block(is_fed, others) or are_alike(is_fed & is_known, others, columns, labels)):
        words.append(f"{int(others.sum()):,} rows that are unlike the others")
        is_left_out |= others
    if len(fed) >= ENOUGH * count:
        kept = np.flatnonzero(is_known & (is_fed | ~is_left_out))
    return TrainingRows(kept, "; ".join(words), int(is_left_out.sum()))


def _beyond(is_fed: Array, unfed: Array, columns: Array, share: float, names: Sequence[str]) -> tuple[Array, list[str]]:
    """Return which rows lie beyond every fed value of a column, where these are too many for chance; and a description
    of each group."""
    cut, words = np.zeros(len(is_fed), dtype=bool), []
    for values, name in zip(columns.T, names, strict=False):
        known = values[is_fed & np.isfinite(values)]
        if not len(known):
            continue
        low, high = known.min(), known.max()
        for is_beyond, side, end in ((values > high, "above", high), (values < low, "below", low)):
            missing = unfed & is_beyond
            if missing.any() and share ** int(missing.sum()) < RARE:
                cut |= missing
                words.append(f"{int(missing.sum()):,} rows with {name} {side} {end:,.6g}")
    return cut, words


def _is_block(is_fed: Array, unfed: Array) -> bool:
    """Tell whether the unfed rows are one block at the start or the end of the file."""
    first, last = np.flatnonzero(unfed)[[0, -1]]
    return not is_fed[first : last + 1].any() and not (is_fed[:first].any() and is_fed[last:].any())


def are_alike(some: Array, others: Array, columns: Array, labels: Array) -> bool:
    """Tell whether two sets of rows have the same classes, or targets, and columns, as parts of a random split do."""
    strata = labels if labels.dtype.kind != "f" else tenths(labels)
    counts = np.array([np.bincount(strata[part], minlength=int(strata.max()) + 1) for part in (some, others)])
    counts = counts[:, counts.sum(axis=0) > 0]
    if counts.shape[1] > 1 and scipy.stats.chi2_contingency(counts).pvalue < RARE:
        return False
    pairs = ((values[some & np.isfinite(values)], values[others & np.isfinite(values)]) for values in columns.T)
    return all(scipy.stats.ks_2samp(*pair, method="asymp").pvalue >= RARE for pair in pairs if all(map(len, pair)))
