"""How a student's input column comes from the data set's columns, so that every row of the data has its value.

Theory of operation: students transform columns, divide one by another, encode words as numbers, or mix columns. The
rows are already matched (``matching``), so a column is explained by *formulas*, the simplest first. Each formula is
fitted on one half of the rows and must reproduce the other half to within ``fitting.TOLERANCE`` deviations
(``StudentColumn.is_given_by``). A few rows may be off, because they were clipped or filled in another way. The computed
values replace the student's own, so anything that was added to a column row by row, as a label could be, is dropped.
A hash of the column's bytes decides which half is fitted, so nobody can prepare a column for it.

A sample of the rows shows cheaply which formulas may fit (``screening``). Pure.
"""

from dataclasses import dataclass

import numpy as np

from checker.gather.rows.codes import MOST_WORDS, codes_of
from checker.gather.rows.fitting import MIN_ROWS, OFF, SAMPLE, TOLERANCE, StudentColumn
from checker.gather.rows.mixtures import NO_SETTINGS, MixtureRows
from checker.gather.rows.piecewise import PIECE, piecewise_image
from checker.gather.rows.powers import POWER_MAPS, best_exponent
from checker.gather.rows.screening import RowSample
from checker.gather.rows.sources import Sources
from checker.gather.rows.terms import all_terms
from checker.gather.rows.values import cleaned, evenly_spaced
from checker.records.arrays import Array

MOST_FITTED = 5_000
"""Limit on the rows to which the weights of a sum are fitted."""


@dataclass(frozen=True)
class DerivedColumn:
    """How a student's column is made, in ``words`` for a report, and its ``values`` (m,) for all rows of the data, on
    the student's own scale; NaN where they cannot be computed."""

    words: str
    values: Array


def find(column: Array, rows: Array, sources: Sources) -> DerivedColumn | None:
    """Return how a student's column (n,) for the data's ``rows`` (n,) comes from the sources; None where it does not.

    For many columns, keep a ``FormulaFinder``.
    """
    return FormulaFinder(sources).find(column, rows)


class FormulaFinder:
    """The sources, prepared for the search of many columns of one table after another."""

    def __init__(self, sources: Sources) -> None:
        self.sources = sources
        self.features = cleaned(sources.features)
        self._terms = all_terms(sources.names)
        self._codes = list(codes_of(sources, self.features))
        self._mixed = MixtureRows(self.features)
        self._sample: tuple[bytes, RowSample] | None = None

    def find(self, column: Array, rows: Array) -> DerivedColumn | None:
        """Return how a student's column (n,) comes from the sources; ``rows`` (n,) are its rows of the data, each
        once."""
        values = cleaned(column)
        if len(values) < MIN_ROWS or np.isfinite(values).mean() < 1 - OFF:
            return None
        if not np.ptp(values):
            return DerivedColumn("constant", np.full(len(self.features), values[0]))
        student_s, sample = StudentColumn(values, rows), self._sample_of(rows)
        if not student_s.deviation:
            return None
        ways = (self._image, self._power, self._code, self._mixture, self._monotone)
        with np.errstate(all="ignore"):  # logarithms and reciprocals may not exist
            return next((found for way in ways if (found := way(student_s, sample)) is not None), None)

    def _sample_of(self, rows: Array) -> "RowSample":
        """Return the sample of some rows; it is kept, because the columns of a table share their rows."""
        places = evenly_spaced(len(rows), SAMPLE)
        key = places.tobytes() + rows[places].tobytes()
        if self._sample is None or self._sample[0] != key:
            with np.errstate(all="ignore"):
                self._sample = key, RowSample(places, rows[places], self.features, self._terms, self._mixed)
        return self._sample[1]

    # -- formulas, the simplest first --------------------------------------------------------------------

    def _image(self, column: "StudentColumn", sample: "RowSample") -> DerivedColumn | None:
        """Look for an affine image of a column, of a function of it, or of two columns."""
        for number in sample.terms_like(column.values[sample.places]):
            values = column.fitted_to(self._terms[number].of(self.features))
            if values is not None:
                return DerivedColumn(self._terms[number].words, values)
        return None

    def _power(self, column: "StudentColumn", sample: "RowSample") -> DerivedColumn | None:
        """Look for a power transformation of a column."""
        for source in sample.sources_along(column):
            for name, power in POWER_MAPS.items():
                ours = self.features[:, source]
                exponent = best_exponent(column.values[sample.places], ours[sample.rows], power)
                values = None if exponent is None else column.fitted_to(power(ours, exponent))
                if values is not None:
                    return DerivedColumn(f"{name}({self.sources.names[source]})", values)
        return None

    def _code(self, column: "StudentColumn", sample: "RowSample") -> DerivedColumn | None:
        """Look for a number for each word of a column."""
        some = sample.places[: 4 * MOST_WORDS]
        if len(np.unique(column.values[some])) > MOST_WORDS:
            return None
        for code in self._codes:
            numbers = code.numbers_for(column, sample.places, np.ones(len(sample.places), dtype=bool))
            off = ~(np.abs(numbers[code.places[sample.rows]] - column.values[sample.places]) <= column.most)
            if off.mean() > 10 * OFF:
                continue
            fitted = code.numbers_for(column, np.arange(len(column.values)), column.is_fitted)
            everywhere = code.numbers_for(column, np.arange(len(column.values)), np.isfinite(column.values))
            numbers = np.where(np.isfinite(fitted), fitted, everywhere)
            values = numbers[code.places]
            if column.is_given_by(values) or (
                code.name in self.sources.words and column.is_whole(everywhere[code.places])
            ):
                return DerivedColumn(code.words_for(numbers, column.most), values)
        return None

    def _mixture(self, column: "StudentColumn", sample: "RowSample") -> DerivedColumn | None:
        """Look for a weighted sum of columns, of columns and their products, or of columns divided by their row's
        length."""
        for kind, some in sample.mixtures_like(column.values[sample.places]):
            is_complete = np.zeros(len(self.features), dtype=bool)
            is_complete[self._mixed.complete] = True
            weights = np.linalg.lstsq(
                self._mixed.terms(kind, NO_SETTINGS, self.features[sample.rows[some]]),
                column.values[sample.places[some]],
            )[0]
            fitted = np.flatnonzero(column.is_fitted & is_complete[column.rows])
            fitted = fitted[evenly_spaced(len(fitted), MOST_FITTED)]
            terms, theirs = (
                self._mixed.terms(kind, NO_SETTINGS, self.features[column.rows[fitted]]),
                column.values[fitted],
            )
            if not np.median(np.abs(terms @ weights - theirs)) <= column.most:
                continue
            for within in (20, 2):
                near = np.abs(terms @ weights - theirs) <= within * column.tolerance[fitted]
                if near.sum() < 2 * terms.shape[1]:
                    break
                weights = np.linalg.lstsq(terms[near], theirs[near])[0]
            values = np.full(len(self.features), np.nan)
            values[is_complete] = self._mixed.terms(kind, NO_SETTINGS, self.features[self._mixed.complete]) @ weights
            if column.is_given_by(values):
                return DerivedColumn(self._sum_in_words(kind, weights, column), values)
        return None

    def _sum_in_words(self, kind: str, weights: Array, column: "StudentColumn") -> str:
        if kind == "products":
            return "a weighted sum of columns and their products"
        used = np.flatnonzero(np.abs(weights[1:]) > PIECE * TOLERANCE * column.deviation)
        names = [self.sources.names[int(j)] for j in used]
        of = f"{len(names)} columns" if len(names) > 3 else " and ".join(names)
        mixed = of if len(names) == 1 else f"a weighted sum of {of}"
        return f"{mixed}, divided by its row's length" if kind == "directions" else mixed

    def _monotone(self, column: "StudentColumn", sample: "RowSample") -> DerivedColumn | None:
        """Look for a column that rises or falls along another, either as it is or as normal quantiles."""
        for source in sample.sources_along(column):
            both = (piecewise_image(column, self.features[:, source], is_normal) for is_normal in (False, True))
            found = [values for values in both if values is not None]
            if found:
                return DerivedColumn(
                    f"a monotone image of {self.sources.names[source]}", min(found, key=column.share_off)
                )
        return None
