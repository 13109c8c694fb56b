"""Which rows of the data set the tables hold that networks were given, found from the numbers themselves.

Theory of operation: standardising, min-max scaling and no scaling at all are affine maps of a column, each
with its own two numbers, and students rarely keep track of row numbers. So a student's column is matched to
the data set's column by the shape of its distribution (``_guess``: an affine map between the quantiles), the
matched columns give each row a provisional identity (nearest row of the data set), and with identities the
affine maps can be fitted exactly, by least squares with outliers trimmed, for *every* column (``_fit_maps``).
Two rounds settle it. A row counts as matched where exactly one row of the data set agrees in all mapped columns
to within ``TOLERANCE`` deviations. Columns with missing values in the data set take no part in identities.

Where columns are no affine images, ranks may tell (``monotone``), and where they are mixtures, the index that came with
them or the order of the rows (``orders``). Rows that several of the data's agree with are told apart by their labels,
and by the index or the order that the others keep to. Of a training table the half is enough: its other rows were made
up.

Many networks are given the same tables, so a table is searched once. A guest may send what it likes, so a sample of a
table's rows tells whether all of them are looked at, and there is a most of everything. Pure: arrays in, arrays out.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.spatial import cKDTree

from checker.gather.rows import monotone, rank_matching
from checker.gather.rows.mixtures import Mixture, Rows
from checker.gather.rows.monotone import Image, MonotoneMap
from checker.gather.rows.tiebreaks import Labels
from checker.gather.rows.values import sober, spread
from checker.records.arrays import Array
from checker.records.capture import Fed, ModelCapture
from checker.scoring import targets

TOLERANCE = 1e-4
ENOUGH_MATCHED = 0.95
USUAL = 0.64
"""Share of the data set's rows in a training part, as the hand-out splits it."""
HALF = 0.5 * USUAL
"""Of so large a share of the data set's rows, found in one table, its other rows are made up."""
SOME_MATCHED = 0.15
"""Share of a sample that is found where half of a training part is hidden among other rows."""
MOST_OF_IT = 0.5
"""Share of a table that is found by what is known of another; made-up rows are left out."""
MIN_ROWS = 50
MAX_COLUMNS = 500
MAX_TABLES = 120
"""Different tables that are searched for one file."""
MAX_IN_VAIN = 12
"""So many searches in vain, and the rest of a file's tables are found by what is known of others, or not at all."""
MAX_FED = 2_000
"""Tables of one network that are looked at, the training's first."""
MAX_VALUES = 6_000_000
"""Of one network's tables together, or so many times the data set's:"""
MAX_TIMES = 4
MAX_TREES = 8
SAMPLE = 2_000
"""So many rows, spread over a table, tell how its columns come from the data set's."""
CHUNK = 50_000
QUANTILES = np.linspace(0.02, 0.98, 97)
SIMILAR_SHAPE = 0.05
"""In quartile ranges. Of fewer than 400 rows, shapes are less alike by chance."""
ENOUGH_TO_MATCH = 1_000
"""So many rows, spread over a table, tell which of its columns is which of the data set's."""
ENOUGH_FOR_SHAPE = 100_000
MANY_COLUMNS = 64
"""From so many on, columns are fitted only where a few rows say that it may come to something."""
MAX_FAILED = 600
"""So many pairs of columns that do not fit, and no more are tried."""
ALIKE = 0.05
"""In deviations of the data: two preparations that differ by less are one, as of a scaler fitted anew for each fold."""
AGREEING = 0.9
"""Share of the rows whose labels are the data's, so that labels tell other rows apart."""
MOST_CLASSES = 1_000


@dataclass(frozen=True)
class AffineMap:
    """Student's column ``column`` = (data set's column ``source`` - offset) / scale."""

    column: int
    source: int
    scale: float
    offset: float


Maps = tuple[AffineMap, ...]
Map = AffineMap | MonotoneMap


@dataclass(frozen=True)
class Found:
    """The rows (n,) of the data set that a table holds, -1 where none or several agree; and what leads to them: affine
    maps of columns, monotone ones, or, where no column is one of the data's, a mixture."""

    rows: Array
    maps: tuple[Map, ...] = ()
    mixture: Mixture | None = None

    @cached_property
    def affine(self) -> Maps:
        """The maps, where all are affine."""
        return tuple(m for m in self.maps if isinstance(m, AffineMap))

    @cached_property
    def monotone(self) -> monotone.Maps:
        """The maps, where all are monotone."""
        return tuple(m for m in self.maps if isinstance(m, MonotoneMap))

    @property
    def count(self) -> int:
        """How many rows were found."""
        return int((self.rows >= 0).sum())


@dataclass(frozen=True)
class Beside:
    """What came with a table: labels (n,) or (n, classes), and the index (n,) that pandas had, which is a claim."""

    y: Array | None = None
    index: Array | None = None

    def joined(self, other: "Beside") -> "Beside":
        """Return this, and of what is missing the other's."""
        return Beside(other.y if self.y is None else self.y, other.index if self.index is None else self.index)


class Tables(Mapping[str, Array]):
    """Feature tables of one width by hash, as float64 where they are asked for; as many as may be looked at."""

    def __init__(self, arrays: Mapping[str, Array], most_values: int) -> None:
        self._arrays: dict[str, Array] = {}
        width, left = 0, most_values
        for digest, values in arrays.items():
            if _is_table(values) and (not width or values.shape[1] == width) and values.size <= left:
                width, left = values.shape[1], left - values.size
                self._arrays[digest] = values

    def __getitem__(self, digest: str) -> Array:
        return sober(self._arrays[digest])

    def __iter__(self) -> Iterator[str]:
        return iter(self._arrays)

    def __len__(self) -> int:
        return len(self._arrays)

    def rows(self, digest: str) -> int:
        """Return how many rows a table has."""
        return len(self._arrays[digest])

    def sampled(self) -> Array:
        """Return rows of all tables together, spread evenly where they are many."""
        every = max(1, sum(map(len, self._arrays.values())) // ENOUGH_FOR_SHAPE)
        return np.concatenate([sober(values[::every]) for values in self._arrays.values()])


@dataclass(frozen=True)
class Matched:
    """A network's tables by hash, the last training data first; for those whose rows were found, their rows in the data
    set, -1 where none or several agree; and how the columns of the first of them come from the data set's."""

    tables: Mapping[str, Array]
    rows: Mapping[str, Array]
    maps: tuple[Map, ...] = ()
    first: Found | None = None

    def rows_of(self, *fed: Fed | None) -> Array:
        """Return the rows of the data set that some data hold, each once, sorted."""
        parts = [self.rows[f.x.sha256] for f in fed if f is not None and f.x is not None and f.x.sha256 in self.rows]
        rows = np.unique(np.concatenate(parts)) if parts else np.zeros(0, dtype=np.int64)
        return rows[rows >= 0]


@dataclass(frozen=True)
class _Space:
    """Rows of the data set as points to be searched: points that fall together are one, of which the ``first`` row is
    kept, and whether it ``is_one``."""

    tree: cKDTree
    first: Array
    is_one: Array


@dataclass
class _Spent:
    """What has been searched of one file's tables."""

    tables: int = 0
    in_vain: int = 0
    missed: set[tuple[str, int]] = field(default_factory=set)
    searched: set[tuple[str, bool]] = field(default_factory=set)
    """Tables, and whether there was an index."""


class Matcher:
    """The data set, ready to be searched: features (n, d), and labels (n,), which are searched too where they are
    numbers."""

    def __init__(self, features: Array, labels: Array) -> None:
        self.labels = labels
        self.features = np.column_stack([features, labels]) if are_numbers(labels) else features
        self.complete: Array = np.asarray(~np.isnan(self.features).any(axis=0))
        self.deviations = np.nanstd(self.features, axis=0)
        self._spaces: dict[tuple[int, ...], _Space] = {}
        self._found: dict[str, Found | None] = {}
        self._spent = _Spent()
        self._last_image: tuple[monotone.Maps, Image] | None = None

    @cached_property
    def orders(self) -> Rows:
        """The orders in which the data set's rows may stand."""
        return Rows(self.features)

    def match(self, model: ModelCapture, arrays: Mapping[str, Array]) -> Matched:
        """Match everything that a network was given: what it was trained on, watched, and was used on.

        Where the training table alone does not tell how its columns come from the data's, another table may.
        """
        fed = _fed(model, arrays)
        tables = Tables({d: arrays[d] for d in fed}, max(MAX_VALUES, MAX_TIMES * self.features.size))
        first: Found | None = None
        for digest in tables:
            found = self._find(digest, tables, fed[digest], first)
            first = first or found
        if first is not None:
            for digest in tables:
                self._find(digest, tables, fed[digest], first)
        known = {digest: self._found[digest] for digest in tables}
        rows = {digest: found.rows for digest, found in known.items() if found is not None}
        first = next((found for found in known.values() if found is not None), None)
        return Matched(tables, rows, first.maps if first else (), first)

    def others(self, matched: Matched) -> Mapping[str, Array]:
        """Return the rows of tables that other networks were given, prepared as this one's are."""
        return {
            digest: found.rows
            for digest, found in self._found.items()
            if found is not None
            and digest not in matched.rows
            and matched.first is not None
            and self._are_alike(found, matched.first)
        }

    def _are_alike(self, one: Found, other: Found) -> bool:
        """Tell whether two tables' columns come from the data set in nearly the same way."""
        if one.mixture is not None or other.mixture is not None:
            return one.mixture is not None and other.mixture is not None and _mix_alike(one.mixture, other.mixture)
        if [(m.column, m.source) for m in one.maps] != [(m.column, m.source) for m in other.maps]:
            return False
        if len(one.affine) == len(one.maps) and len(other.affine) == len(other.maps):
            return all(
                abs(a.scale - b.scale) + abs(a.offset - b.offset) <= ALIKE * self.deviations[a.source]
                for a, b in zip(one.affine, other.affine, strict=True)
            )
        if len(one.monotone) == len(one.maps) and len(other.monotone) == len(other.maps):
            return all(_bend_alike(a, b) for a, b in zip(one.monotone, other.monotone, strict=True))
        return False

    # -- one table ---------------------------------------------------------------------------------------

    def _find(self, digest: str, tables: Tables, beside: Beside, like: Found | None) -> Found | None:
        """Return what is found of a table; None where too few rows are. ``like``: what was, of the model's others."""
        found = self._found.get(digest)
        if found is not None:
            return found
        if like is not None and (digest, id(like)) not in self._spent.missed:
            found = self._read_like(tables[digest], beside, like)
            if found is None:
                self._spent.missed.add((digest, id(like)))
        may_search = self._spent.tables < MAX_TABLES and self._spent.in_vain < MAX_IN_VAIN
        was_searched = not self._spent.searched.isdisjoint({(digest, True), (digest, beside.index is not None)})
        if not was_searched and may_search and not _is_whole(found) and tables.rows(digest) >= MIN_ROWS:
            self._spent.tables += 1
            self._spent.searched.add((digest, beside.index is not None))
            more = self._search(tables[digest], beside, tables)
            self._spent.in_vain += more is None
            found = more if found is None or (more is not None and more.count > found.count) else found
        self._found[digest] = found
        return found

    def _read_like(self, table: Array, beside: Beside, like: Found) -> Found | None:
        """Read a table by the maps that are known of another."""
        if like.affine:
            return self._settled(table, beside, like.affine, are_exact=True)
        some = spread(len(table), SAMPLE)
        if like.monotone:
            if not self._may_do(self._monotone_rows(table[some], Beside(), like.monotone), len(table)):
                return None
            return self._enough(Found(self._monotone_rows(table, beside, like.monotone), like.monotone), MOST_OF_IT)
        if like.mixture is None or not self._may_do(self._mixed_rows(table[some], like.mixture), len(table)):
            return None
        rows = self._mixed_rows(table, like.mixture)
        order = self._order_of(rows, beside.index)
        if order is not None:
            held = self.orders.held(table, order, like.mixture)
            rows = np.where(held >= 0, held, rows)
        return self._enough(Found(rows, (), like.mixture), MOST_OF_IT)

    def _search(self, table: Array, beside: Beside, tables: Tables) -> Found | None:
        """Look for a table's rows in every way; what finds nearly all of them is believed at once, else what finds
        most."""
        ways: tuple[Callable[[], Found | None], ...] = (
            lambda: self._settled(table, beside, _guess(table, self.features)),
            lambda: self._settled(table, beside, _in_order(tables.sampled(), self.features)),
            lambda: self._by_ranks(table, beside),
            lambda: self._by_order(table, beside),
            lambda: self._by_head(table, beside),
        )
        best: Found | None = None
        for way in ways:
            found = way()
            if found is not None and (best is None or found.count > best.count):
                best = found
            if _is_whole(best):
                break
        return best

    def _enough(self, found: Found, share: float = ENOUGH_MATCHED) -> Found | None:
        """Return what was found where it is nearly all of a table, or half of a training part."""
        rows = found.rows
        if (rows >= 0).mean() >= share or len(np.unique(rows[rows >= 0])) >= self._half():
            return found
        return None

    def _half(self) -> float:
        return max(MIN_ROWS, HALF * len(self.features))

    def _may_do(self, rows: Array, count: int) -> bool:
        """Tell from the rows that are found of a sample whether enough of a whole table's may be."""
        share = float((rows >= 0).mean())
        return share >= SOME_MATCHED and (share >= 0.5 or share * count >= 0.9 * self._half())

    # -- affine maps -------------------------------------------------------------------------------------

    def _settled(self, table: Array, beside: Beside, maps: Maps, are_exact: bool = False) -> Found | None:
        """Fit maps to a sample of a table, and find all rows by them."""
        some = spread(len(table), SAMPLE)
        sample, most = table[some], -1.0
        best: Maps = ()
        for attempt in range(3 if maps else 0):
            if attempt or not are_exact:
                rows = self._nearest(sample, maps)
                maps = _fit_maps(sample, rows, self.features, self.deviations)
            if not any(self.complete[m.source] for m in maps):
                break
            share = float((self._only_near(sample, maps) >= 0).mean())
            if share > most:
                best, most = maps, share
            if share >= ENOUGH_MATCHED:
                break
        if not best or not self._may_do(self._only_near(sample, best), len(table)):
            return None
        rows = self._only_near(table, best)
        found = Found(self._told_apart(table, beside, rows, best), best)
        return self._enough(found, MOST_OF_IT if are_exact else ENOUGH_MATCHED)

    def _nearest(self, table: Array, maps: Maps) -> Array:
        """Return each row's nearest row of the data set, however far."""
        space = self._space(maps)
        return np.asarray(space.first[space.tree.query(np.nan_to_num(self._wanted(table, maps)))[1]])

    def _only_near(self, table: Array, maps: Maps, labels: Labels | None = None) -> Array:
        """Return each row's row of the data set that agrees with it, in its label too where that is given; -1 where
        none or several do."""
        space = self._space(maps, with_label=labels is not None)
        wanted = self._wanted(table, maps)
        if labels is not None:
            wanted = np.column_stack([wanted, self._label_points(labels.theirs)])
        return _only_near(space, wanted)

    def _told_apart(self, table: Array, beside: Beside, rows: Array, maps: Maps) -> Array:
        """Find rows that several of the data's agree with by their labels, then by the index or the order that the
        others keep to."""
        found, left = np.array(rows), np.flatnonzero(rows < 0)
        labels = self._labels(beside.y, rows) if len(left) else None
        if labels is not None:
            found[left] = self._only_near(table[left], maps, labels.of(left))
            left = np.flatnonzero(found < 0)
        order = self._order_of(found, beside.index) if len(left) else None
        if order is not None:
            sources = np.array([m.source for m in self._used(maps)])
            images = self.features[np.ix_(order[left], sources)] / self.deviations[sources]
            off = np.abs(self._wanted(table[left], maps) - images)
            found[left] = np.where((off <= TOLERANCE).all(axis=1), order[left], -1)
        return found

    def _order_of(self, rows: Array, index: Array | None) -> Array | None:
        """Return the order, of an index, the file or the hand-out's split, that rows keep to as far as they are
        known."""
        known = rows >= 0
        if known.sum() < MIN_ROWS:
            return None
        orders = self.orders.may_be(len(rows), index)
        return next((order for order in orders if (order[known] == rows[known]).mean() >= ENOUGH_MATCHED), None)

    def _labels(self, y: Array | None, rows: Array) -> Labels | None:
        """Return a table's labels in the data's terms, where those of the rows that were found are the data's."""
        if y is None:
            return None
        theirs = y.argmax(axis=1) if y.ndim == 2 and y.shape[1] > 1 else y.reshape(-1)
        if len(theirs) != len(rows) or theirs.dtype.kind not in "iufb":
            return None
        theirs = sober(theirs)
        known = (rows >= 0) & np.isfinite(theirs)
        if known.sum() < MIN_ROWS:
            return None
        if are_numbers(self.labels):
            match = targets.match(theirs[known], self.labels[rows[known]], self.labels)
            if match.scale is None or match.differ > (1 - AGREEING) * known.sum() or not match.scale.factor:
                return None
            return Labels(targets.undo(match.scale, theirs), self.labels, TOLERANCE * float(np.std(self.labels)))
        values, index = np.unique(theirs[known], return_inverse=True)
        if len(values) > MOST_CLASSES:
            return None
        classes = int(self.labels.max()) + 1
        places = index * classes + self.labels[rows[known]]
        counts = np.bincount(places, minlength=len(values) * classes).reshape(-1, classes)
        if counts.max(axis=1).sum() < AGREEING * known.sum():
            return None
        place = np.minimum(np.searchsorted(values, theirs), len(values) - 1)
        return Labels(np.where(values[place] == theirs, counts.argmax(axis=1)[place], -1.0), self.labels, 0.25)

    def _label_points(self, labels: Array) -> Array:
        """Return labels as a coordinate, in which different ones lie far apart."""
        return labels / float(np.std(self.labels)) if are_numbers(self.labels) else labels.astype(np.float64)

    def _space(self, maps: Maps, with_label: bool = False) -> _Space:
        """Return the data set as points: the sources of maps, and the label where it is wanted."""
        sources = [m.source for m in self._used(maps)]
        key = (*sources, -1) if with_label else tuple(sources)
        if key not in self._spaces:
            points = np.nan_to_num(self.features[:, sources]) / self.deviations[sources]
            if with_label:
                points = np.column_stack([points, self._label_points(self.labels)])
            while len(self._spaces) >= MAX_TREES:
                del self._spaces[next(iter(self._spaces))]
            self._spaces[key] = _space_of(points)
        return self._spaces[key]

    def _wanted(self, table: Array, maps: Maps) -> Array:
        """Return a table's rows as points among the data set's; a row with an unknown number is NaN."""
        used = self._used(maps)
        wanted = np.column_stack([table[:, m.column] * m.scale + m.offset for m in used])
        wanted /= self.deviations[[m.source for m in used]]
        return np.where(np.isfinite(wanted).all(axis=1, keepdims=True), wanted, np.nan)

    def _used(self, maps: Maps) -> list[AffineMap]:
        """Return a map of each of the data's columns that tells rows."""
        by_source = {m.source: m for m in reversed(maps)}
        one_each = [m for m in maps if by_source[m.source] is m]
        return [m for m in one_each if self.complete[m.source]] or one_each

    # -- monotone maps and mixtures ----------------------------------------------------------------------

    def _by_ranks(self, table: Array, beside: Beside) -> Found | None:
        """Find a table's rows by its ranks."""
        some = spread(len(table), max(CHUNK, 2 * len(self.features)))
        places, rows = rank_matching.guess(table[some], self.features, self.complete)
        maps: monotone.Maps = ()
        for few in (True, False):
            maps = rank_matching.fit(table[some], places, rows, self.features)
            used = spread(len(some), SAMPLE) if few else np.arange(len(some))
            rows = self._image(maps).rows_of(table[some[used]])
            if not self._may_do(rows, len(table)):
                return None
            maps = (
                maps
                if few
                else rank_matching.fit(table[some], np.flatnonzero(rows >= 0), rows[rows >= 0], self.features)
            )
            places, rows = used[rows >= 0], rows[rows >= 0]
        return self._enough(Found(self._monotone_rows(table, beside, maps), maps)) if maps else None

    def _monotone_rows(self, table: Array, beside: Beside, maps: monotone.Maps) -> Array:
        image = self._image(maps)
        rows = image.rows_of(table)
        left = np.flatnonzero(rows < 0)
        labels = self._labels(beside.y, rows) if len(left) else None
        if labels is not None:
            rows[left] = image.rows_of(table[left], labels.of(left))
            left = np.flatnonzero(rows < 0)
        order = self._order_of(rows, beside.index) if len(left) and beside.index is not None else None
        if order is not None:
            rows[left] = np.where(image.may_be(table[left], order[left]), order[left], -1)
        return rows

    def _image(self, maps: monotone.Maps) -> Image:
        """Return the data set as maps show it; the last one is kept."""
        if self._last_image is None or self._last_image[0] is not maps:
            self._last_image = maps, Image(maps, self.features, self.complete)
        return self._last_image[1]

    def _by_order(self, table: Array, beside: Beside) -> Found | None:
        """Find a table's rows by their index or their order, where what they hold follows from it."""
        found = self.orders.follow(table, spread(len(table), ENOUGH_TO_MATCH), beside.index)
        return None if found is None else self._enough(Found(found[0].astype(np.int64), (), found[1]))

    def _mixed_rows(self, table: Array, mixture: Mixture) -> Array:
        """Return the rows whose mixtures a table's rows are."""
        rows = _only_near(_space_of(self.orders.images(mixture)), table[:, mixture.columns] / mixture.deviations)
        return np.where(rows >= 0, self.orders.complete[rows], -1)

    def _by_head(self, table: Array, beside: Beside) -> Found | None:
        """Read a long table by its first rows: what is made up mostly stands behind what is not."""
        head = math.ceil(self._half())
        if len(table) < 2 * head:
            return None
        found = self._settled(table[:head], Beside(), _guess(table[:head], self.features)) or self._by_ranks(
            table[:head], Beside()
        )
        return None if found is None else self._read_like(table, beside, found)


def _is_whole(found: Found | None) -> bool:
    """Tell whether nearly all of a table's rows were found."""
    return found is not None and found.count >= ENOUGH_MATCHED * len(found.rows)


def _space_of(points: Array) -> _Space:
    points, first, counts = np.unique(points, axis=0, return_index=True, return_counts=True)
    return _Space(cKDTree(points), first, counts == 1)


def _only_near(space: _Space, wanted: Array) -> Array:
    """Return the row of the one point near each wanted one; -1 where none or several are."""
    found = np.full(len(wanted), -1, dtype=np.int64)
    known = np.flatnonzero(np.isfinite(wanted).all(axis=1))
    for part in np.array_split(known, max(1, len(known) // CHUNK)):
        found_there = space.tree.query(wanted[part], k=2, distance_upper_bound=2.1 * TOLERANCE)
        distances, points = np.asarray(found_there[0]), np.asarray(found_there[1])
        nearest = np.minimum(points[:, 0], space.tree.n - 1)
        is_it = (distances[:, 0] < TOLERANCE) & (distances[:, 1] > 2 * TOLERANCE) & space.is_one[nearest]
        found[part] = np.where(is_it, space.first[nearest], -1)
    return found


def _mix_alike(one: Mixture, other: Mixture) -> bool:
    """Tell whether two mixtures are nearly the same."""
    if one.terms != other.terms or not np.array_equal(one.columns, other.columns):
        return False
    return bool((np.abs(one.weights - other.weights) <= ALIKE * one.deviations).all())


def _bend_alike(one: MonotoneMap, other: MonotoneMap) -> bool:
    """Tell whether two maps of one column give nearly the same."""
    values = np.quantile(one.values, QUANTILES)
    apart = np.abs(np.interp(values, one.values, one.images) - np.interp(values, other.values, other.images))
    return bool(np.median(apart) <= ALIKE * float(np.std(one.images)))


def are_numbers(labels: Array) -> bool:
    """Tell the numbers of a regression from the class numbers of a classification."""
    return labels.dtype.kind == "f"


def _fed(model: ModelCapture, arrays: Mapping[str, Array]) -> dict[str, Beside]:
    """Return what a network was given, the last training data first, each once; with what came with it."""
    fed = [fit.training for fit in reversed(model.fits)]
    fed += [fit.validation for fit in reversed(model.fits) if fit.validation is not None]
    fed += [use.fed for use in model.uses]
    given: dict[str, Beside] = {}
    for one in fed:
        x = None if one.x is None else arrays.get(one.x.sha256)
        if one.x is not None and x is not None and (one.x.sha256 in given or len(given) < MAX_FED):
            y, index = (None if ref is None else arrays.get(ref.sha256) for ref in (one.y, one.index))
            beside = Beside(y, index if index is not None and _is_index(index, x) else None)
            given[one.x.sha256] = given.get(one.x.sha256, Beside()).joined(beside)
    return given


def _is_index(index: Array, table: Array) -> bool:
    return index.dtype.kind == "i" and index.shape == table.shape[:1]


def _is_table(values: Array) -> bool:
    return values.ndim == 2 and len(values) > 0 and 0 < values.shape[1] <= MAX_COLUMNS


def _guess(table: Array, features: Array) -> Maps:
    """Match columns by the shapes of their distributions; only clear matches are returned where they suffice.

    All that is not similar counts alike, so that no derived column takes the place of a real match.
    """
    similar = max(SIMILAR_SHAPE, 1 / math.sqrt(len(table)))
    table = table[:: max(1, len(table) // ENOUGH_FOR_SHAPE)]
    theirs, ours = ([_quantiles(column) for column in values.T] for values in (table, features))
    fits = [[_quantile_map(j, k, a, b) for k, b in enumerate(ours)] for j, a in enumerate(theirs)]
    misfit = np.array([[fit[1] for fit in row] for row in fits])
    matched = [
        (fits[j][k][0], misfit[j, k] < np.partition(misfit[j], 1)[1] / 2)
        for j, k in zip(*linear_sum_assignment(np.minimum(misfit, similar)), strict=True)
        if misfit[j, k] < similar
    ]
    clear = tuple(m for m, is_clear in matched if is_clear)
    return clear if len(clear) >= 3 else tuple(m for m, _ in matched)


def _in_order(table: Array, features: Array) -> Maps:
    """Match columns by their places, as most students leave them where they are: in few rows all bells look alike."""
    places = range(min(table.shape[1], features.shape[1]))
    theirs, ours = ([_quantiles(values[:, j]) for j in places] for values in (table, features))
    fits = [_quantile_map(j, j, theirs[j], ours[j]) for j in places]
    return tuple(found for found, misfit in fits if misfit < 1)


def _quantiles(column: Array) -> Array:
    known = column[np.isfinite(column)]
    return np.quantile(known, QUANTILES) if len(known) else np.full(len(QUANTILES), np.nan)


def _quantile_map(column: int, source: int, theirs: Array, ours: Array) -> tuple[AffineMap, float]:
    """Return the best increasing map between two columns' quantiles, and its misfit in quartile ranges."""
    deviation, range_ = float(np.std(theirs)), float(ours[72] - ours[24])
    if not np.isfinite(theirs).all() or deviation < 1e-12 or range_ <= 0:
        return AffineMap(column, source, 0.0, 0.0), 1e6
    scale = float(np.mean((theirs - theirs.mean()) * (ours - ours.mean()))) / deviation**2
    offset = float(ours.mean() - scale * theirs.mean())
    residual = float(np.sqrt(np.mean((theirs * scale + offset - ours) ** 2))) / range_
    return AffineMap(column, source, scale, offset), residual if scale > 0 else 1e6


def _fit_maps(table: Array, rows: Array, features: Array, deviations: Array) -> Maps:
    """Return the exact affine maps between columns, given rows' provisional identities.

    Which two columns belong together is seen from some of the rows; how, from all of them. Most students leave columns
    where they are, so that is where a column is looked for first.
    """
    maps, failed = [], 0
    places = list(range(features.shape[1]))
    some = slice(None, None, max(1, len(table) // ENOUGH_TO_MATCH))
    ours, theirs = features[rows], table
    may_fit = _may_fit(theirs[some], ours[some], deviations)
    for column in range(table.shape[1]):
        for source in places[column:] + places[:column]:
            if not may_fit[column, source] or failed >= MAX_FAILED:
                continue
            failed += 1
            if _trimmed_fit(theirs[some, column], ours[some, source])[2] < TOLERANCE * deviations[source]:
                failed -= 1
                scale, offset, misfit = _trimmed_fit(theirs[:, column], ours[:, source])
                if misfit < TOLERANCE * deviations[source]:
                    maps.append(AffineMap(column, source, scale, offset))
                    break
    return tuple(maps)


def _may_fit(theirs: Array, ours: Array, deviations: Array) -> Array:
    """Tell which of many columns (k, d) a line through the middle of a few pairs of rows comes near to."""
    may = np.ones((theirs.shape[1], ours.shape[1]), dtype=bool)
    if theirs.shape[1] < MANY_COLUMNS:
        return may
    half = len(theirs) // 2
    with np.errstate(all="ignore"):
        steps = theirs[half : 2 * half] - theirs[:half]
        for source in range(ours.shape[1]):
            y = np.where(np.isfinite(ours[:, source]), ours[:, source], np.nanmean(ours[:, source]))[:, None]
            scale = np.median((y[half : 2 * half] - y[:half]) / steps, axis=0)
            off = y - scale * theirs
            misfit = np.median(np.abs(off - np.median(off, axis=0)), axis=0)
            may[:, source] = ~(misfit > 10 * TOLERANCE * deviations[source])
    return may


def _trimmed_fit(theirs: Array, ours: Array) -> tuple[float, float, float]:
    """Fit ``ours = scale * theirs + offset`` by least squares, leaving out rows that do not fit; return the
    median misfit too."""
    kept = np.isfinite(theirs) & np.isfinite(ours)
    scale, offset, middle = 0.0, 0.0, np.inf
    for _ in range(8):
        if kept.sum() < 10 or np.ptp(theirs[kept]) < 1e-12:
            return 0.0, 0.0, np.inf
        x, y = theirs[kept], ours[kept]
        scale = float(np.cov(x, y)[0, 1] / np.var(x, ddof=1))
        offset = float(y.mean() - scale * x.mean())
        misfit = np.abs(theirs * scale + offset - ours)
        middle = float(np.nanmedian(misfit))
        before, kept = kept, misfit <= max(2 * middle, 1e-9 * (1 + abs(offset)))
        if np.array_equal(before, kept):
            break
    return scale, offset, middle
