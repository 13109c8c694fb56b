"""How a student's input column comes from the data set's columns, so that every row of the data has its value.

Theory of operation: students bend columns, divide one by another, code words as numbers, mix columns. Rows are known
here (``matching`` found them), so a column is explained by *formulas*, the simplest first, each of which is fitted on
one half of the rows and has to give the other half to within ``TOLERANCE`` deviations (``_Column.is_given_by``). Few
rows may be off, which were clipped or filled in another way. Computed values stand, never the student's own, so what
is added to a column row by row, as a label could be, is left behind. Which rows are the half that is fitted follows
from the column's bytes, so nobody can prepare a column for it.

Most columns of most tables are images of one term, a function of one or two columns: correlations with all terms, over
few rows, say which (``_Sample.terms_like``). They are 1 but for rounding, in at least one of several blocks of rows,
where no row is off. Likewise a weighted sum leaves nothing of a column in a block (``_Sample.mixtures_like``), and a
monotone image rises, or falls, along its source (``_Sample.sources_along``). So a column that comes to nothing costs
little more than its deviation. A monotone image is followed by straight pieces (``_Pieces``), few for its rows. Pure.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import combinations
from typing import Any

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import ndtr, ndtri

from checker.gather.rows.mixtures import NO_SETTINGS, Rows
from checker.gather.rows.monotone import spread
from checker.records.arrays import Array

TOLERANCE = 1e-4
"""In deviations of a student's column."""
ROUNDING = 2.0**-22
"""Of a value: what is computed in single precision may be so far off."""
OFF = 0.001
"""Share of the rows that a formula need not give,"""
NO_BETTER = 0.1
"""and of those that the column's middle does not give: else a rare word would be nothing at all."""
MIN_ROWS = 50
LARGEST = 1e12
SAMPLE = 2_000
"""So many rows, spread over a table, tell which formulas may do."""
BLOCKS, BLOCK = 4, 64
"""So many times so many rows of the sample, of each of which a formula may be seen."""
ALONG = 250
"""So many rows of the sample tell whether a column rises or falls along another."""
MOST_ALONG = 20_000
TURNS = 0.05
"""Of so many rows, the share that may turn back."""
ALIKE = 1e-6
"""Of a column's variance in a block, what a formula may leave over to be looked at: noise of a thousandth does."""
ALIKE_ALREADY = 0.02
"""The same at one of ``POWERS`` that is near to the right one."""
MOST_CANDIDATES = 8
MOST_PAIRED = 16
"""So many columns, the first ones, are paired."""
MOST_WORDS = 64
MOST_FITTED = 5_000
"""Rows to which the weights of a sum are fitted."""
POWERS = np.concatenate([np.arange(-40.0, -4), np.linspace(-4, 4, 33), np.arange(5.0, 41)])
PIECE = 0.3
"""Of the tolerance, how far a straight piece may pass by a value that it was fitted to."""
ROWS_A_PIECE = 4
LOOSE = 0.03
"""Share of the rows that may be off along a piece, where they lie between the values of their neighbours."""
FARTHEST_NORMAL = 5.3
"""``QuantileTransformer`` cuts normal quantiles off at 5.2."""


@dataclass(frozen=True)
class Sources:
    """The data set's columns: ``features`` (m, d), where gaps are NaN, by ``names``; and columns of ``words`` (m,)."""

    names: Sequence[str]
    features: Array
    words: Mapping[str, Array]


@dataclass(frozen=True)
class Derived:
    """How a student's column is made, in ``words`` for a report, and its ``values`` (m,) for all rows of the data, on
    the student's own scale; NaN where they cannot be computed."""

    words: str
    values: Array


def find(column: Array, rows: Array, sources: Sources) -> Derived | None:
    """Return how a student's column (n,) of the data's ``rows`` (n,) comes from the sources; None where it does not.

    Who asks for many columns keeps a ``Finder``.
    """
    return Finder(sources).find(column, rows)


class Finder:
    """The sources, ready to be asked for many columns of one table after another."""

    def __init__(self, sources: Sources) -> None:
        self.sources = sources
        self.features = _sober(sources.features)
        self._terms = _terms(sources.names)
        self._codes = list(_codes(sources, self.features))
        self._mixed = Rows(self.features)
        self._sample: tuple[bytes, _Sample] | None = None

    def find(self, column: Array, rows: Array) -> Derived | None:
        """Return how a student's column (n,) of the data's ``rows`` (n,), each once, comes from the sources."""
        values = _sober(column)
        if len(values) < MIN_ROWS or np.isfinite(values).mean() < 1 - OFF:
            return None
        if not np.ptp(values):
            return Derived("constant", np.full(len(self.features), values[0]))
        student_s, sample = _Column(values, rows), self._sample_of(rows)
        if not student_s.deviation:
            return None
        ways = (self._image, self._power, self._code, self._mixture, self._bent)
        with np.errstate(all="ignore"):  # logarithms and reciprocals of what has none
            return next((found for way in ways if (found := way(student_s, sample)) is not None), None)

    def _sample_of(self, rows: Array) -> "_Sample":
        """Return what is seen of some rows; kept, as the columns of a table have them in common."""
        places = spread(len(rows), SAMPLE)
        key = places.tobytes() + rows[places].tobytes()
        if self._sample is None or self._sample[0] != key:
            with np.errstate(all="ignore"):
                self._sample = key, _Sample(places, rows[places], self.features, self._terms, self._mixed)
        return self._sample[1]

    # -- formulas, the simplest first --------------------------------------------------------------------

    def _image(self, column: "_Column", sample: "_Sample") -> Derived | None:
        """Look for an affine image of a column, of a function of it, or of two columns."""
        for number in sample.terms_like(column.values[sample.places]):
            values = column.fitted_to(self._terms[number].of(self.features))
            if values is not None:
                return Derived(self._terms[number].words, values)
        return None

    def _power(self, column: "_Column", sample: "_Sample") -> Derived | None:
        """Look for a power transformation of a column."""
        for source in sample.sources_along(column):
            for name, power in POWER_MAPS.items():
                ours = self.features[:, source]
                exponent = _exponent(column.values[sample.places], ours[sample.rows], power)
                values = None if exponent is None else column.fitted_to(power(ours, exponent))
                if values is not None:
                    return Derived(f"{name}({self.sources.names[source]})", values)
        return None

    def _code(self, column: "_Column", sample: "_Sample") -> Derived | None:
        """Look for a number that stands for each word."""
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
                return Derived(code.words_for(numbers, column.most), values)
        return None

    def _mixture(self, column: "_Column", sample: "_Sample") -> Derived | None:
        """Look for a weighted sum: of columns, of them and their products, or of them divided by their row's length."""
        for kind, some in sample.mixtures_like(column.values[sample.places]):
            is_complete = np.zeros(len(self.features), dtype=bool)
            is_complete[self._mixed.complete] = True
            weights = np.linalg.lstsq(
                self._mixed.terms(kind, NO_SETTINGS, self.features[sample.rows[some]]),
                column.values[sample.places[some]],
            )[0]
            fitted = np.flatnonzero(column.is_fitted & is_complete[column.rows])
            fitted = fitted[spread(len(fitted), MOST_FITTED)]
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
                return Derived(self._sum_in_words(kind, weights, column), values)
        return None

    def _sum_in_words(self, kind: str, weights: Array, column: "_Column") -> str:
        if kind == "products":
            return "a weighted sum of columns and their products"
        used = np.flatnonzero(np.abs(weights[1:]) > PIECE * TOLERANCE * column.deviation)
        names = [self.sources.names[int(j)] for j in used]
        of = f"{len(names)} columns" if len(names) > 3 else " and ".join(names)
        mixed = of if len(names) == 1 else f"a weighted sum of {of}"
        return f"{mixed}, divided by its row's length" if kind == "directions" else mixed

    def _bent(self, column: "_Column", sample: "_Sample") -> Derived | None:
        """Look for a column that rises or falls along another, as it is or as normal quantiles."""
        for source in sample.sources_along(column):
            both = (_followed(column, self.features[:, source], is_normal) for is_normal in (False, True))
            found = [values for values in both if values is not None]
            if found:
                return Derived(f"a monotone image of {self.sources.names[source]}", min(found, key=column.share_off))
        return None


# -- a student's column ----------------------------------------------------------------------------------


class _Column:
    """A student's ``values`` (n,) of the data's ``rows`` (n,), not all the same."""

    def __init__(self, values: Array, rows: Array) -> None:
        self.values = values
        self.rows = rows
        known = values[np.isfinite(values)]
        # A few values far away are no measure of the others.
        tail = int(OFF * len(known))
        ordered = np.partition(known, (tail, len(known) - 1 - tail))
        self.deviation = float(np.std(np.clip(known, ordered[tail], ordered[-1 - tail])) or np.std(known))
        self.most = TOLERANCE * self.deviation

    @cached_property
    def tolerance(self) -> Array:
        """How far each value (n,) may be off."""
        return np.asarray(np.maximum(self.most, ROUNDING * np.abs(np.nan_to_num(self.values))))

    @cached_property
    def is_fitted(self) -> Array:
        """Which rows (n,) formulas are fitted to; the others check them."""
        seed = int.from_bytes(hashlib.sha256(self.values.tobytes()).digest()[:8], "big")
        half = np.random.default_rng(seed).permutation(len(self.values)) % 2 == 0
        return np.asarray(half & np.isfinite(self.values))

    def runs_along(self, ours: Array) -> bool:
        """Tell whether this column only rises or only falls along a source (m,), but for a few rows: of many rows,
        little noise is seen that of a sample is not."""
        some = spread(len(self.rows), MOST_ALONG)
        source, values = ours[self.rows[some]], self.values[some]
        order = np.argsort(source)[: np.isfinite(source).sum()]
        steps = np.diff(values[order])
        return bool(min((steps > self.most).sum(), (steps < -self.most).sum()) <= TURNS * len(steps))

    def fitted_to(self, term: Array) -> Array | None:
        """Return the affine image of a term (m,) that gives this column; None where none does."""
        ours = term[self.rows]
        known = self.is_fitted & np.isfinite(ours)
        if known.sum() < MIN_ROWS / 2:
            return None
        ours, theirs, tolerance = ours[known], self.values[known], self.tolerance[known]
        scale, offset = _middle_line(ours, theirs)
        for within in (20, 2):
            near = np.abs(ours * scale + offset - theirs) <= within * tolerance
            if near.sum() < 3 or not np.ptp(ours[near]):
                return None
            scale, offset = _line(ours[near], theirs[near])
        values = np.where(np.isfinite(term), term * scale + offset, np.nan)
        return values if self.is_given_by(values) else None

    def is_whole(self, values: Array) -> bool:
        """Tell whether values of all rows of the data (m,) are this column's in every row: of a word that a handful of
        rows has, half of them may be none."""
        return bool((np.abs(values[self.rows] - self.values) <= self.tolerance).all())

    def is_given_by(self, values: Array, low: Array | None = None, high: Array | None = None) -> bool:
        """Tell whether values of all rows of the data (m,) give the rows of this column that none was fitted to.

        Of a few rows it is enough to lie between ``low`` and ``high`` (m,).
        """
        known, is_off = self._off(values)
        if len(known) < max(MIN_ROWS / 2, (~self.is_fitted).sum() / 2):
            return False
        theirs, tolerance, rows = self.values[known], self.tolerance[known], self.rows[known]
        if low is not None and high is not None:
            is_within = (low[rows] - tolerance <= theirs) & (theirs <= high[rows] + tolerance)
            if (is_off & is_within).mean() > LOOSE:
                return False
            is_off &= ~is_within
        far = (np.abs(theirs - np.nanmedian(theirs)) > tolerance).sum()
        return bool(far and is_off.sum() <= min(OFF * len(known), NO_BETTER * far))

    def share_off(self, values: Array) -> float:
        """Return the share of the rows that none was fitted to which values of all rows of the data do not give."""
        return float(self._off(values)[1].mean())

    def _off(self, values: Array) -> tuple[Array, Array]:
        made = values[self.rows]
        known = np.flatnonzero(~self.is_fitted & np.isfinite(made))
        return known, ~(np.abs(made[known] - self.values[known]) <= self.tolerance[known])


def _middle_line(ours: Array, theirs: Array) -> tuple[float, float]:
    """Return a line that few rows far off do not turn: that of the best of some blocks of rows."""
    blocks = _blocks(len(ours))
    lines = [_line(ours[block], theirs[block]) for block in blocks]
    some = spread(len(ours), SAMPLE)
    off = [np.median(np.abs(ours[some] * scale + offset - theirs[some])) for scale, offset in lines]
    return lines[int(np.argmin(np.nan_to_num(off, nan=np.inf)))]


def _line(ours: Array, theirs: Array) -> tuple[float, float]:
    middle, away = ours.mean(), ours - ours.mean()
    scale = float(away @ theirs / (away @ away))
    return scale, float(theirs.mean() - scale * middle)


def _blocks(count: int) -> list[Array]:
    """Return a few blocks of places among so many, that have none in common."""
    every = max(BLOCKS, count // BLOCK)
    return [np.arange(start, count, every)[:BLOCK] for start in range(BLOCKS)]


# -- a sample of a table's rows --------------------------------------------------------------------------


class _Sample:
    """What is known of the data's ``rows`` (s,) at some ``places`` (s,) of a table."""

    def __init__(self, places: Array, rows: Array, features: Array, terms: "Sequence[_Term]", mixed: Rows) -> None:
        self.places, self.rows = places, rows
        self._blocks = _blocks(len(rows))
        self._seen = [_standard(np.column_stack([t.of(features[rows[b]]) for t in terms])) for b in self._blocks]
        self._along = spread(len(rows), ALONG)
        ours = features[rows[self._along]]
        self._orders = [np.argsort(one, kind="stable")[: np.isfinite(one).sum()] for one in ours.T]
        self._features = features
        self._mixed = mixed

    def terms_like(self, theirs: Array) -> list[int]:
        """Return the terms of which a student's values (s,) may be affine images, the simplest first."""
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

    def sources_along(self, column: "_Column") -> list[int]:
        """Return the sources along which a student's column rises or falls, but for a few rows."""
        values, found = column.values[self.places[self._along]], []
        for source, order in enumerate(self._orders):
            steps = np.diff(values[order])
            up, down = int((steps > column.most).sum()), int((steps < -column.most).sum())
            if up + down and min(up, down) <= 0.1 * (up + down):
                found.append((min(up, down) / (up + down), source))
        return [source for _, source in sorted(found)[:3] if column.runs_along(self._features[:, source])]

    @cached_property
    def _bases(self) -> list[tuple[str, list[tuple[Array, Array]]]]:
        """For each kind of mixture, some blocks of rows of the sample, and what spans their terms."""
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
        """Return the kinds of weighted sums that a student's values (s,) may be, and places where they are."""
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
    """Return terms (b, t), of mean 0 and length 1 over the rows where they are known, else 0; and where they are."""
    known = np.isfinite(terms)
    count = np.maximum(known.sum(axis=0), 1)
    filled = np.where(known, terms, 0.0)
    away = np.where(known, filled - filled.sum(axis=0) / count, 0.0)
    length = np.sqrt((away**2).sum(axis=0))
    return np.where(np.isfinite(length) & (length > 0), away / length, 0.0), known.astype(np.float64)


# -- terms -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Term:
    """A function ``of`` the data's columns (k, d), which gives (k,)."""

    words: str
    of: Callable[[Array], Array]


FUNCTIONS: Mapping[str, Callable[[Array], Array]] = {
    "{}": np.asarray,
    "log({})": np.log,
    "log1p({})": np.log1p,
    "sqrt({})": np.sqrt,
    "cbrt({})": np.cbrt,
    "{} squared": np.square,
    "1 / {}": np.reciprocal,
    "exp({})": np.exp,
}
OF_TWO: Mapping[str, Callable[[Array, Array], Array]] = {
    "{} / {}": lambda a, b: a / b,
    "{1} / {0}": lambda a, b: b / a,
    "{} * {}": lambda a, b: a * b,
    "{} - {}": lambda a, b: a - b,
    "{} + {}": lambda a, b: a + b,
    "log({} / {})": lambda a, b: np.log(a / b),
    "log1p({} / {})": lambda a, b: np.log1p(a / b),
    "log1p({1} / {0})": lambda a, b: np.log1p(b / a),
}


def _terms(names: Sequence[str]) -> list[_Term]:
    """Return all terms, the simplest first."""
    of_one = [
        _Term(words.format(name), partial(_of_one, function, j))
        for words, function in FUNCTIONS.items()
        for j, name in enumerate(names)
    ]
    of_two = [
        _Term(words.format(names[j], names[k]), partial(_of_two, function, j, k))
        for words, function in OF_TWO.items()
        for j, k in combinations(range(min(len(names), MOST_PAIRED)), 2)
    ]
    return of_one + of_two


def _of_one(function: Callable[[Array], Array], j: int, features: Array) -> Array:
    return _finite(function(features[:, j]))


def _of_two(function: Callable[[Array, Array], Array], j: int, k: int, features: Array) -> Array:
    return _finite(function(features[:, j], features[:, k]))


def _finite(values: Array) -> Array:
    return np.where(np.isfinite(values), values, np.nan)


def _sober(values: Array) -> Array:
    """Return float64; what is no number, or larger than any that the data set could give, is NaN."""
    values = values.astype(np.float64)
    with np.errstate(invalid="ignore"):
        return np.where(np.abs(values) < LARGEST, values, np.nan)


# -- powers ----------------------------------------------------------------------------------------------


Power = Callable[[Array, Any], Array]
"""A family of maps: of values, with an exponent, or several of them that are broadcast."""


def _yeo_johnson(values: Array, exponent: Any) -> Array:
    rises = _power(np.log1p(np.maximum(values, 0)), exponent)
    falls = _power(np.log1p(np.maximum(-values, 0)), 2 - exponent)
    return _finite(rises - falls)


def _box_cox(values: Array, exponent: Any) -> Array:
    return _finite(_power(np.log(np.where(values > 0, values, np.nan)), exponent))


def _power(logarithms: Array, exponent: Any) -> Array:
    is_zero = np.abs(exponent) < 1e-12
    exponent = np.where(is_zero, 1.0, exponent)
    return np.asarray(np.where(is_zero, logarithms, np.expm1(exponent * logarithms) / exponent))


POWER_MAPS: Mapping[str, Power] = {"Yeo-Johnson": _yeo_johnson, "Box-Cox": _box_cox}


def _exponent(theirs: Array, ours: Array, power: Power) -> float | None:
    """Return the exponent with which an affine image of a power of the data's values (s,) is nearest to a student's."""
    known = np.isfinite(theirs) & np.isfinite(ours)
    theirs, ours = theirs[known], ours[known]
    if len(theirs) < MIN_ROWS:
        return None
    for block in _blocks(len(ours)):
        left = _left(theirs[block], power(ours[block, None], POWERS))
        place = int(np.argmin(left))
        if left[place] > ALIKE_ALREADY:
            continue
        bounds = POWERS[max(place - 1, 0)], POWERS[min(place + 1, len(POWERS) - 1)]
        share, exponent = _nearest(theirs[block], ours[block], power, bounds)
        if share < ALIKE:
            made = power(ours, exponent)
            scale, offset = _middle_line(made, theirs)
            near = np.abs(made * scale + offset - theirs) <= 1e-2 * np.std(theirs)
            return _nearest(theirs[near], ours[near], power, (exponent - 0.05, exponent + 0.05))[1]
    return None


def _nearest(theirs: Array, ours: Array, power: Power, bounds: tuple[float, float]) -> tuple[float, float]:
    """Return how much an affine image leaves over at the best exponent within bounds, and this."""
    found = minimize_scalar(
        lambda exponent: _left(theirs, power(ours[:, None], exponent))[0],
        bounds=bounds,
        method="bounded",
        options={"xatol": 1e-9},
    )
    return float(found.fun), float(found.x)


def _left(theirs: Array, made: Array) -> Array:
    """Return the share of a student's variance that affine images of what was made (s, k) leave over: (k,)."""
    one, other = theirs - theirs.mean(), made - made.mean(axis=0)
    other = other / np.sqrt((other**2).sum(axis=0))
    share = ((one[:, None] - other * (one @ other)) ** 2).sum(axis=0) / (one @ one)
    return np.where(np.isfinite(share), share, 1.0)


# -- words -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Code:
    """A column of few ``words``: the place (m,) of each row's word among them, and last, of rows without one."""

    name: str
    words: Sequence[str]
    places: Array

    def numbers_for(self, column: _Column, at: Array, is_used: Array) -> Array:
        """Return the number that stands for each word at some places of a student's column; NaN for none."""
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
        """Say which word it is that has a number of its own, where it is one."""
        known = np.flatnonzero(np.isfinite(numbers))
        high = known[numbers[known] > np.nanmin(numbers) + tolerance]
        low = known[numbers[known] < np.nanmax(numbers) - tolerance]
        is_two = len(high) + len(low) == len(known)
        for alone in (high, low) if is_two else ():
            if len(alone) == 1:
                return f"{self.name} = {self.words[alone[0]]}"
        return f"a code of {self.name}"


def _codes(sources: Sources, features: Array) -> Iterator[_Code]:
    """Return the columns of words, and those of few whole numbers."""
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


# -- straight pieces -------------------------------------------------------------------------------------


def _followed(column: _Column, ours: Array, is_normal: bool) -> Array | None:
    """Return the values (m,) of a column that straight pieces along a source (m,) give; None where these do not do.

    ``is_normal``: they give quantiles, from 0 to 1, of which the column has the normal ones.
    """
    theirs = column.values
    if is_normal and not np.nanmax(np.abs(theirs)) <= FARTHEST_NORMAL:
        return None
    at_ends = np.isin(ours[column.rows], [np.nanmin(ours[column.rows]), np.nanmax(ours[column.rows])])
    fitted = np.flatnonzero((column.is_fitted | at_ends) & np.isfinite(theirs) & np.isfinite(ours[column.rows]))
    images, tolerance = theirs[fitted], PIECE * column.tolerance[fitted]
    if is_normal:
        images, tolerance = ndtr(images), tolerance * np.exp(-(images**2) / 2) / np.sqrt(2 * np.pi)
    some = spread(len(fitted), SAMPLE)
    if len(_Pieces.along(ours[column.rows[fitted[some]]], images[some], tolerance[some]).first) > len(some) / 2:
        return None
    pieces = _Pieces.along(ours[column.rows[fitted]], images, tolerance)
    if len(pieces.first) > len(fitted) / ROWS_A_PIECE:
        return None
    values, low, high = pieces.at(ours)
    if is_normal:
        most = float(np.nanmax(np.abs(theirs)))
        values, low, high = (np.clip(ndtri(np.clip(one, 0, 1)), -most, most) for one in (values, low, high))
    return values if column.is_given_by(values, low, high) else None


@dataclass(frozen=True)
class _Pieces:
    """Straight pieces (p,), each from a ``first`` to a ``last`` value of the data, which has the image ``start`` at its
    first and rises by ``slope``, and whether it is flat; the ``values`` (v,) that they follow, and their ``images``."""

    first: Array
    last: Array
    start: Array
    slope: Array
    is_flat: Array
    values: Array
    images: Array

    @classmethod
    def along(cls, ours: Array, theirs: Array, tolerance: Array) -> "_Pieces":
        """Follow a student's values (n,) along the data's, to within a tolerance of each."""
        order = np.lexsort((theirs, ours))
        ours, theirs, tolerance = ours[order], theirs[order], tolerance[order]
        starts = np.flatnonzero(np.append(True, ours[1:] != ours[:-1]))
        counts = np.diff(np.append(starts, len(ours)))
        middle = starts + (counts - 1) // 2
        values, images, tolerance = ours[starts], theirs[middle], tolerance[middle]
        if len(values) >= 5:  # along a monotone map, each is the median of its neighbours and itself
            padded = np.pad(images, 2, mode="edge")
            medians = np.median(np.lib.stride_tricks.sliding_window_view(padded, 5), axis=1)
            kept = np.abs(images - medians) <= tolerance
            kept[[0, 1, -2, -1]] = True
            values, images, tolerance, counts = values[kept], images[kept], tolerance[kept], counts[kept]
        pieces = np.array(_cut(values.tolist(), images.tolist(), tolerance.tolist()))
        ends = np.append(pieces[1:], len(values)) - 1
        size = ends - pieces + 1
        first, last = values[pieces], values[ends]
        away = values - np.repeat(first, size)
        mean, image = np.add.reduceat(away, pieces) / size, np.add.reduceat(images, pieces) / size
        from_mean = away - np.repeat(mean, size)
        square = np.add.reduceat(from_mean**2, pieces)
        slope = np.where(square > 0, np.add.reduceat(from_mean * images, pieces) / np.maximum(square, 1e-300), 0.0)
        rows = np.add.reduceat(counts, pieces)
        is_flat = (np.abs(slope * (last - first)) <= tolerance[pieces]) & (rows > 1)
        return cls(first, last, image - slope * mean, slope, is_flat, values, images)

    def at(self, ours: Array) -> tuple[Array, Array, Array]:
        """Return the images of the data's values (m,), and between which of their neighbours' images they may lie."""
        place = np.clip(np.searchsorted(self.first, ours, "right") - 1, 0, len(self.first) - 1)
        after = np.minimum(place + 1, len(self.first) - 1)
        end = self.start + self.slope * (self.last - self.first)
        below, above = end[place], self.start[after]
        here = self.start[place] + self.slope[place] * (ours - self.first[place])
        there = self.start[after] + self.slope[after] * (ours - self.first[after])
        gap = self.first[after] - self.last[place]
        share = (ours - self.last[place]) / np.where(gap > 0, gap, 1.0)
        # Where the two lines meet in between, they are followed to there; where both are flat, the map jumps.
        meeting = (above - below - self.slope[after] * gap) / (self.slope[place] - self.slope[after])
        do_meet = (meeting >= 0) & (meeting <= gap)
        do_jump = self.is_flat[place] & self.is_flat[after]
        between = np.where(do_jump, np.where(share < 0.5, below, above), below + (above - below) * share)
        between = np.where(do_meet, np.where(ours - self.last[place] < meeting, here, there), between)
        is_between = (ours > self.last[place]) & (ours < self.first[after])
        values = np.where(is_between, between, here)
        before = self.images[np.maximum(np.searchsorted(self.values, ours, "left") - 1, 0)]
        behind = self.images[np.minimum(np.searchsorted(self.values, ours, "right"), len(self.images) - 1)]
        is_outside = (ours < self.first[0]) & ~self.is_flat[0] | (ours > self.last[-1]) & ~self.is_flat[-1]
        values = np.where(ours < self.first[0], self.start[0], np.where(ours > self.last[-1], end[-1], values))
        values = np.where(is_outside | np.isnan(ours), np.nan, values)
        return values, np.minimum(before, behind), np.maximum(before, behind)


def _cut(values: Sequence[float], images: Sequence[float], tolerance: Sequence[float]) -> list[int]:
    """Return where straight pieces begin, each as long as a line through its first point passes all others."""
    starts = [0]
    value, image, low, high = values[0], images[0], -np.inf, np.inf
    for place in range(1, len(values)):
        step, rise, most = values[place] - value, images[place] - image, tolerance[place]
        low, high = max(low, (rise - most) / step), min(high, (rise + most) / step)
        if low > high:
            starts.append(place)
            value, image, low, high = values[place], images[place], -np.inf, np.inf
    return starts
