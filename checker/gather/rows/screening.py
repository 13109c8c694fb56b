"""Finds the formulas that may give a student's column, from a sample of its rows. Pure.

Theory of operation: most columns of most tables are affine images of one term, a function of one or two columns.
Correlations with all terms over a few rows show which (``RowSample.terms_like``). Several blocks of rows are tried; in
a block in which no row is off, the correlation is 1 but for rounding. Likewise, a weighted sum leaves no residual in
such a block (``RowSample.mixtures_like``), and a monotone image rises, or falls, along its source
(``RowSample.sources_along``). So a column without any formula costs little more than its standard deviation.
"""

from collections.abc import Iterator, Sequence
from functools import cached_property

import numpy as np

from checker.gather.rows.fitting import BLOCK, BLOCKS, MIN_ROWS, StudentColumn, blocks_of
from checker.gather.rows.mixtures import NO_SETTINGS, MixtureRows
from checker.gather.rows.terms import Term
from checker.gather.rows.values import evenly_spaced
from checker.records.arrays import Array

ALONG = 250
"""This many rows of the sample decide whether a column rises or falls along another."""
ALIKE = 1e-6
"""Share of a column's variance in a block that a formula may leave over and still be tried; noise of a thousandth
passes.
"""
MOST_CANDIDATES = 8


class RowSample:
    """Values of the data's ``rows`` (s,) at some ``places`` (s,) of a table, prepared for comparison with columns."""

    def __init__(
        self, places: Array, rows: Array, features: Array, terms: "Sequence[Term]", mixed: MixtureRows
    ) -> None:
        self.places, self.rows = places, rows
        self._blocks = blocks_of(len(rows))
        self._seen = [_standard(np.column_stack([t.of(features[rows[b]]) for t in terms])) for b in self._blocks]
        self._along = evenly_spaced(len(rows), ALONG)
        ours = features[rows[self._along]]
        self._orders = [np.argsort(one, kind="stable")[: np.isfinite(one).sum()] for one in ours.T]
        self._features = features
        self._mixed = mixed

    def terms_like(self, theirs: Array) -> list[int]:
        """Return the terms whose affine image a student's values (s,) may be, the simplest first."""
        left = np.ones(self._seen[0][0].shape[1])
        for block, (standard, known) in zip(self._blocks, self._seen, strict=True):
            values = theirs[block] - theirs[block].mean()
            if np.isfinite(values).all():
                count = known.sum(axis=0)
                spread_ = values**2 @ known - (values @ known) ** 2 / np.maximum(count, 1)
                explained = (values @ standard) ** 2
                enough = (spread_ > 1e-12 * (values @ values)) & (count >= 0.75 * len(block))
                left = np.minimum(left, np.where(enough, 1 - explained / spread_, 1.0))
        return [int(number) for number in np.flatnonzero(left < ALIKE)[:MOST_CANDIDATES]]

    def sources_along(self, column: "StudentColumn") -> list[int]:
        """Return the sources along which a student's column rises or falls, except in a few rows."""
        values, found = column.values[self.places[self._along]], []
        for source, order in enumerate(self._orders):
            steps = np.diff(values[order])
            up, down = int((steps > column.most).sum()), int((steps < -column.most).sum())
            if up + down and min(up, down) <= 0.1 * (up + down):
                found.append((min(up, down) / (up + down), source))
        return [source for _, source in sorted(found)[:3] if column.runs_along(self._features[:, source])]

    @cached_property
    def _bases(self) -> list[tuple[str, list[tuple[Array, Array]]]]:
        """For each kind of mixture, some blocks of rows of the sample, and an orthonormal basis of their terms."""
        complete = np.flatnonzero(np.isin(self.rows, self._mixed.complete))
        bases = []
        for kind in ("sums", "products", "directions") if len(complete) >= MIN_ROWS else ():
            terms = self._mixed.terms(kind, NO_SETTINGS, self._features[self.rows[complete]])
            size = max(BLOCK, 3 * terms.shape[1])
            count = min(BLOCKS, len(complete) // size)
            blocks = [np.arange(start, len(complete), len(complete) // size)[:size] for start in range(count)]
            bases.append((kind, [(complete[block], np.linalg.qr(terms[block])[0]) for block in blocks]))
        return bases

    def mixtures_like(self, theirs: Array) -> Iterator[tuple[str, Array]]:
        """Yield the kinds of weighted sum that a student's values (s,) may be, each with a block that shows it."""
        for kind, blocks in self._bases:
            best, left = None, ALIKE
            for block, basis in blocks:
                values = theirs[block] - theirs[block].mean()
                rest = values - basis @ (basis.T @ values)
                share = float(rest @ rest / (values @ values))
                if share < left:
                    best, left = block, share
            if best is not None:
                yield kind, best


def _standard(terms: Array) -> tuple[Array, Array]:
    """Return terms (b, t) with mean 0 and length 1 over their finite rows, 0 elsewhere; and which rows are finite."""
    known = np.isfinite(terms)
    count = np.maximum(known.sum(axis=0), 1)
    filled = np.where(known, terms, 0.0)
    away = np.where(known, filled - filled.sum(axis=0) / count, 0.0)
    length = np.sqrt((away**2).sum(axis=0))
    return np.where(np.isfinite(length) & (length > 0), away / length, 0.0), known.astype(np.float64)
