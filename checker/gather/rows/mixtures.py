"""Finds the rows of a table with mixtures of the data's columns: the rows of its index, of the file in order, or of the
hand-out's split.

Theory of operation: principal components, whitening and products leave no column that is one of the data's. Nor do
directions of rows, or components of columns after power transformations, whose few settings are fitted first. Such a
table often still has a pandas index, which claims rows (``claims``). Without an index, most students leave rows in
place, or split them as the hand-out does, so a table may hold the file's rows in order, or a part of that split
(``candidates``). Either is accepted only if the table's columns *follow* from those rows: a least-squares fit on half
of a sample must give the other half, of other rows, to within ``TOLERANCE`` deviations (``follow``). The fit gives
every row of the data its image, by which the rows of other tables are matched. Pure.
"""

import math
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations_with_replacement

import numpy as np

from checker.records.arrays import Array

TOLERANCE = 1e-4
"""Maximum error of a value, in deviations of a table's column."""
SEED = 42
SHARES = (0.2, 0.25)
"""Share of the rows in the test part, in the hand-out's split and by scikit-learn's default."""
FOLLOWING = 0.95
"""Share of the checked rows that must follow from the data's; the fit did not use them."""
ENOUGH = 2
"""This many columns must follow, or all of them."""
MOST_COLUMNS = 12
MOST_PRODUCTS = 200
KINDS = ("sums", "products", "directions", "scaled directions", "powers")
NO_SETTINGS = np.zeros((0, 0))
ENOUGH_FOR_POWERS = 2_000
FARTHEST_POWER = 20.0
MOST_GAPPED = 20_000
ROUNDS = 8
"""Newton steps to fill a gap or to fit powers."""
CHUNK = 20_000


@dataclass(frozen=True)
class Mixture:
    """The table's ``columns`` (c,) are ``weights`` (t, c) times terms of the data's rows; ``deviations`` (c,).
    ``settings`` (s, d) belong to terms that have any."""

    terms: str
    settings: Array
    columns: Array
    weights: Array
    deviations: Array


class MixtureRows:
    """The data set's rows, of which tables may be mixtures: ``features`` (n, d), with NaN for gaps."""

    def __init__(self, features: Array) -> None:
        self.complete = np.flatnonzero(np.isfinite(features).all(axis=1))
        self.count = len(features)
        self._features = features
        known = features[self.complete]
        self._means = known.mean(axis=0) if len(known) else np.zeros(features.shape[1])
        self._deviations = np.maximum(known.std(axis=0), 1e-12) if len(known) else np.ones(features.shape[1])
        self._products = list(combinations_with_replacement(range(features.shape[1]), 2))[:MOST_PRODUCTS]

    def terms(self, kind: str, settings: Array, values: Array) -> Array:
        """Return the terms (n, t) of rows with values (n, d) that a table's columns may be sums of."""
        standard = (values - self._means) / self._deviations
        parts = [np.ones((len(values), 1)), standard]
        if kind == "products":
            parts.append(np.column_stack([standard[:, i] * standard[:, j] for i, j in self._products]))
        if kind == "directions":
            parts = [parts[0], _directions(values)]
        if kind == "scaled directions":
            parts = [parts[0], _directions(settings[0] * standard[:, : settings.shape[1]] + settings[1])]
        if kind == "powers":
            parts = [parts[0], (_bent(values, settings[0], settings[3]) - settings[1]) / settings[2]]
        return np.hstack(parts)

    def _settings(self, kind: str, theirs: Array, values: Array) -> Array | None:
        """Return the settings of terms under which a table's rows (n, w) may follow from the data's (n, d)."""
        if kind == "scaled directions":
            return _scales(theirs, (values - self._means) / self._deviations)
        return _powers(theirs, values, self._usual_powers) if kind == "powers" else NO_SETTINGS

    @cached_property
    def _usual_powers(self) -> Array:
        """The powers that make the data's columns most nearly normal."""
        from scipy.stats import yeojohnson_normmax  # takes a second to import and is rarely needed

        known = self._features[self.complete[:: len(self.complete) // ENOUGH_FOR_POWERS + 1]]
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            return np.array([float(yeojohnson_normmax(column)) for column in known.T])

    def images(self, mixture: Mixture) -> Array:
        """Return the mixture of every complete row (n, c), in deviations."""
        parts = np.array_split(self.complete, max(1, len(self.complete) // CHUNK))
        return np.concatenate([self._image(mixture, self._features[part]) for part in parts])

    def _image(self, mixture: Mixture, values: Array) -> Array:
        return np.asarray(self.terms(mixture.terms, mixture.settings, values) @ mixture.weights / mixture.deviations)

    def claims(self, index: Array) -> Iterator[Array]:
        """Yield the rows that an index (n,) may mean, -1 where it means none: the file's rows, or those without gaps if
        the index was reset after rows were dropped. The index may hold any numbers."""
        for base in self._bases:
            is_row = (index >= 0) & (index < len(base))
            yield np.where(is_row, base[np.where(is_row, index, 0)], -1)

    @property
    def _bases(self) -> list[Array]:
        """All rows of the file, and the file's rows without gaps."""
        rows = np.arange(self.count)
        return [rows] if len(self.complete) in (0, self.count) else [rows, self.complete]

    def candidates(self, count: int) -> Iterator[Array]:
        """Yield the rows that a table with ``count`` rows may hold: the whole file, its rows without gaps, or a part of
        a split; then the first and last rows of each, as ``fit`` sets a part aside as development set."""
        parts = self._bases
        for base in self._bases:
            for share in SHARES:
                rest, test = _split(base, share)
                parts += [*_split(rest, share), test, rest]
        for part in parts:
            if len(part) == count:
                yield part
        for part in parts:
            if count < len(part) <= 10 * count:
                yield part[:count]
                yield part[-count:]

    def follow(self, table: Array, places: Array, index: Array | None) -> tuple[Array, Mixture] | None:
        """Return the rows that a table holds, -1 where a row does not follow, and the mixture; None where neither the
        index nor an order explains it.

        ``places``: positions of the sampled rows.
        """
        for kind in KINDS:
            for rows in self.may_be(len(table), index):
                mixture = self._mixture(table, rows, places, kind)
                if mixture is not None:
                    return self.held(table, rows, mixture), mixture
        return None

    def may_be(self, count: int, index: Array | None) -> Iterator[Array]:
        """Yield the rows that a table of ``count`` rows may hold, those of its index first."""
        if index is not None:
            yield from self.claims(index)
        yield from self.candidates(count)

    def _mixture(self, table: Array, rows: Array, places: Array, kind: str) -> Mixture | None:
        values = table[places]
        known = np.flatnonzero(np.isin(rows[places], self.complete) & np.isfinite(values).all(axis=1))
        once = np.sort(np.unique(rows[places[known]], return_index=True)[1])  # a repeated row would predict itself
        known = known[once]
        values, ours = values[known], self._features[rows[places[known]]]
        fitted, checked = slice(None, None, 2), slice(1, None, 2)
        settings = self._settings(kind, values[fitted], ours[fitted])
        if settings is None:
            return None
        terms = self.terms(kind, settings, ours)
        deviations = values.std(axis=0) if len(values) else np.zeros(values.shape[1])
        if len(values) < 3 * terms.shape[1] or not np.isfinite(terms).all():
            return None
        weights = np.linalg.lstsq(terms[fitted], values[fitted], rcond=None)[0]
        off = np.abs(terms[checked] @ weights - values[checked])
        follows = ((off <= TOLERANCE * deviations).mean(axis=0) >= FOLLOWING) & (deviations > 1e-9)
        if follows.sum() < min(ENOUGH, table.shape[1]):
            return None
        columns = np.flatnonzero(follows)[:MOST_COLUMNS]
        return Mixture(kind, settings, columns, weights[:, columns], deviations[columns])

    def held(self, table: Array, rows: Array, mixture: Mixture) -> Array:
        """Return the rows of an order or a claim that a table keeps to. A row with gaps is kept where some values in
        its gaps would give the table's values."""
        wanted = table[:, mixture.columns] / mixture.deviations
        found = np.full(len(rows), -1, dtype=np.int64)
        is_complete = np.isin(rows, self.complete)
        whole, gapped = np.flatnonzero(is_complete), np.flatnonzero(~is_complete & (rows >= 0))[:MOST_GAPPED]
        for places, image in ((whole, self._image), (gapped, None)):
            for part in np.array_split(places, len(places) // CHUNK + 1):
                values = self._features[rows[part]]
                made = image(mixture, values) if image else self._filled(mixture, values, wanted[part])
                follows = (np.abs(made - wanted[part]) <= 10 * TOLERANCE).all(axis=1)
                found[part[follows]] = rows[part[follows]]
        return found

    def _filled(self, mixture: Mixture, values: Array, wanted: Array) -> Array:
        """Return the mixture of rows (n, d) whose gaps are filled so that the mixture comes near to ``wanted`` (n, c);
        NaN where a row has too many gaps to decide. Uses Newton's method, from the columns' means."""
        gaps = np.isnan(values)
        columns = np.flatnonzero(gaps.any(axis=0))
        is_told = gaps.sum(axis=1) < wanted.shape[1]
        filled = np.where(gaps, self._means, values)
        steps = np.diag(self._deviations)[columns]
        with np.errstate(all="ignore"):  # where no solution is near, Newton may diverge
            for _ in range(ROUNDS if 0 < len(columns) < MOST_COLUMNS else 0):
                off = wanted - self._image(mixture, filled)
                rises = [self._image(mixture, filled + step) - self._image(mixture, filled - step) for step in steps]
                slopes = np.stack(rises, axis=2) / 2 * gaps[:, None, columns]
                off, slopes = (np.nan_to_num(part, posinf=0.0, neginf=0.0) for part in (off, slopes))
                filled[:, columns] += (np.linalg.pinv(slopes) @ off[:, :, None])[:, :, 0] * self._deviations[columns]
            return np.where(is_told[:, None], self._image(mixture, filled), np.nan)


def _directions(values: Array) -> Array:
    return np.asarray(values / np.maximum(np.linalg.norm(values, axis=1, keepdims=True), 1e-12))


def _scales(theirs: Array, standard: Array) -> Array | None:
    """Return scales and offsets (2, w) of the data's standardised columns, under which their directions may be a
    table's rows (n, w). The ratio of each column to the first must equal the table's: this is linear in the
    unknowns."""
    width = theirs.shape[1]
    if not 2 <= width <= standard.shape[1] or len(theirs) < MOST_COLUMNS:
        return None
    first, found = theirs[:, 0], []
    for j in range(1, width):
        terms = np.column_stack([first * standard[:, j], first, -theirs[:, j]])
        found.append(np.linalg.lstsq(terms, theirs[:, j] * standard[:, 0], rcond=None)[0])
    scales, offsets, shift = np.array(found).T
    return np.array([[1.0, *scales], [float(np.median(shift)), *offsets]])


def _powers(theirs: Array, values: Array, start: Array) -> Array | None:
    """Return the powers, means, deviations and one-sign flags (4, d) of the data's columns of which a table's rows (n,
    w) may be sums. Newton's method starts from the usual powers and fits slopes along them beside the columns."""
    powers, step = start, 1e-4
    have_one_sign = np.asarray((values >= 0).all(axis=0) | (values < 0).all(axis=0))
    theirs = theirs / np.maximum(theirs.std(axis=0), 1e-12) if len(theirs) else theirs
    if len(theirs) < 3 * len(start):
        return None
    with np.errstate(all="ignore"):
        for _ in range(ROUNDS):
            bent = _bent(values, powers, have_one_sign)
            means, deviations = _spread(bent)
            after, before = (_bent(values, powers + change, have_one_sign) for change in (step, -step))
            slopes = (after - before) / (2 * step * deviations)
            terms = np.column_stack([np.ones(len(bent)), (bent - means) / deviations, slopes - slopes.mean(axis=0)])
            if not np.isfinite(terms).all():
                return None
            fitted = np.linalg.lstsq(terms, theirs, rcond=None)[0]
            weights, along = fitted[1 : len(start) + 1], fitted[len(start) + 1 :]
            change = (weights * along).sum(axis=1) / np.maximum((weights**2).sum(axis=1), 1e-12)
            powers = np.clip(powers + np.clip(change, -0.5, 0.5), -FARTHEST_POWER, FARTHEST_POWER)
        return np.array([powers, *_spread(_bent(values, powers, have_one_sign)), have_one_sign])


def _spread(bent: Array) -> tuple[Array, Array]:
    """Return columns' means and deviations; a deviation within rounding becomes infinite."""
    means, deviations = bent.mean(axis=0), bent.std(axis=0)
    return means, np.where(deviations > 1e-12 * np.abs(means), deviations, np.inf)


def _bent(values: Array, powers: Array, have_one_sign: Array) -> Array:
    """Return Yeo and Johnson's power transform of columns, up to a constant. For high powers of columns of one sign the
    constant is left out, because beside it rounding would leave nothing."""
    bent = []
    for sign, power in ((1, powers), (-1, 2 - powers)):
        power = np.where(np.abs(power) < 1e-8, 1e-8, power)
        grown = power * np.log1p(np.maximum(sign * values, 0))
        bent.append(sign * np.where((have_one_sign > 0) & (np.abs(power) > 1), np.exp(grown), np.expm1(grown)) / power)
    return np.asarray(np.where(values >= 0, *bent))


def _split(rows: Array, share: float) -> tuple[Array, Array]:
    """Return scikit-learn's ``train_test_split`` of rows: training and test."""
    order = rows[np.random.RandomState(SEED).permutation(len(rows))]
    test = math.ceil(share * len(rows))
    return order[test:], order[:test]
