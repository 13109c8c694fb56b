"""Which rows of the data set the tables hold that networks were given, found from the numbers themselves.

Theory of operation: standardising, min-max scaling and no scaling at all are affine maps of a column, each with its own
two numbers, and students rarely keep track of row numbers. So a student's column is matched to the data set's column by
the shape of its distribution: an affine map between the quantiles (``affine.guess``). The matched columns give each row
a provisional identity, the nearest row of the data set. With identities the affine maps can be fitted exactly, by least
squares with outliers trimmed, for *every* column (``affine.fit_maps``). Two rounds settle it. A row counts as matched
where exactly one row of the data set agrees in all mapped columns to within ``affine.TOLERANCE`` deviations. Columns
with missing values in the data set take no part in identities.

Where columns are no affine images, ranks may tell (``monotone``). Where they are mixtures, the index that came with
them or the order of the rows may tell (``mixtures``). Several rows of the data may agree with a table's row. Their
labels tell these apart, or else the index or the order that the other rows keep to (``tiebreaks``). Of a training
table, matches for half the rows are enough: then the other rows were made up.

Many networks are given the same tables, so a table is searched once. A guest may send what it likes. So a sample of a
table's rows decides whether all of them are searched, and everything has a limit. Pure: arrays in, arrays out.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from checker.gather.rows import affine, monotone, rank_matching
from checker.gather.rows.affine import ENOUGH_TO_MATCH, TOLERANCE, Maps
from checker.gather.rows.matches import Found, Matched, are_alike
from checker.gather.rows.mixtures import Mixture, Rows
from checker.gather.rows.monotone import Image
from checker.gather.rows.points import CHUNK, AffinePoints, only_near, space_of
from checker.gather.rows.tables import MIN_ROWS, Beside, Tables, tables_fed
from checker.gather.rows.tiebreaks import table_labels
from checker.gather.rows.values import are_numbers, spread
from checker.records.arrays import Array
from checker.records.capture import ModelCapture

ENOUGH_MATCHED = 0.95
USUAL = 0.64
"""Share of the data set's rows in a training part, as the hand-out splits it."""
HALF = 0.5 * USUAL
"""Of so large a share of the data set's rows, found in one table, its other rows are made up."""
SOME_MATCHED = 0.15
"""Share of a sample that is found where half of a training part is hidden among other rows."""
MOST_OF_IT = 0.5
"""Share of a table that is found by what is known of another; made-up rows are left out."""
MAX_TABLES = 120
"""Different tables that are searched for one file."""
MAX_IN_VAIN = 12
"""So many searches in vain, and the rest of a file's tables are found by what is known of others, or not at all."""
MAX_VALUES = 6_000_000
"""Of one network's tables together, or so many times the data set's:"""
MAX_TIMES = 4
SAMPLE = 2_000
"""So many rows, spread over a table, tell how its columns come from the data set's."""


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
        self._points = AffinePoints(self.features, labels, self.complete, self.deviations)
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
        fed = tables_fed(model, arrays)
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
            and are_alike(found, matched.first, self.deviations)
        }

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
            lambda: self._settled(table, beside, affine.guess(table, self.features)),
            lambda: self._settled(table, beside, affine.in_order(tables.sampled(), self.features)),
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
                rows = self._points.nearest(sample, maps)
                maps = affine.fit_maps(sample, rows, self.features, self.deviations)
            if not any(self.complete[m.source] for m in maps):
                break
            share = float((self._points.only_near(sample, maps) >= 0).mean())
            if share > most:
                best, most = maps, share
            if share >= ENOUGH_MATCHED:
                break
        if not best or not self._may_do(self._points.only_near(sample, best), len(table)):
            return None
        rows = self._points.only_near(table, best)
        found = Found(self._told_apart(table, beside, rows, best), best)
        return self._enough(found, MOST_OF_IT if are_exact else ENOUGH_MATCHED)

    def _told_apart(self, table: Array, beside: Beside, rows: Array, maps: Maps) -> Array:
        """Find rows that several of the data's agree with by their labels, then by the index or the order that the
        others keep to."""
        found, left = np.array(rows), np.flatnonzero(rows < 0)
        labels = table_labels(beside.y, rows, self.labels) if len(left) else None
        if labels is not None:
            found[left] = self._points.only_near(table[left], maps, labels.of(left))
            left = np.flatnonzero(found < 0)
        order = self._order_of(found, beside.index) if len(left) else None
        if order is not None:
            sources = np.array([m.source for m in self._points.used(maps)])
            images = self.features[np.ix_(order[left], sources)] / self.deviations[sources]
            off = np.abs(self._points.wanted(table[left], maps) - images)
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
            found = np.flatnonzero(rows >= 0)
            maps = maps if few else rank_matching.fit(table[some], found, rows[found], self.features)
            places, rows = used[found], rows[found]
        return self._enough(Found(self._monotone_rows(table, beside, maps), maps)) if maps else None

    def _monotone_rows(self, table: Array, beside: Beside, maps: monotone.Maps) -> Array:
        image = self._image(maps)
        rows = image.rows_of(table)
        left = np.flatnonzero(rows < 0)
        labels = table_labels(beside.y, rows, self.labels) if len(left) else None
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
        rows = only_near(space_of(self.orders.images(mixture)), table[:, mixture.columns] / mixture.deviations)
        return np.where(rows >= 0, self.orders.complete[rows], -1)

    def _by_head(self, table: Array, beside: Beside) -> Found | None:
        """Read a long table by its first rows: what is made up mostly stands behind what is not."""
        head = math.ceil(self._half())
        if len(table) < 2 * head:
            return None
        found = self._settled(table[:head], Beside(), affine.guess(table[:head], self.features)) or self._by_ranks(
            table[:head], Beside()
        )
        return None if found is None else self._read_like(table, beside, found)


def _is_whole(found: Found | None) -> bool:
    """Tell whether nearly all of a table's rows were found."""
    return found is not None and found.count >= ENOUGH_MATCHED * len(found.rows)
