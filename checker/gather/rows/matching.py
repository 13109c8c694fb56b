"""Finds the data set's rows in the tables that networks were given, from the numbers themselves.

Theory of operation: standardising, min-max scaling and no scaling at all are affine maps of a column, each with its own
two numbers, and students rarely keep track of row numbers. So a student's column is matched to the data set's column by
the shape of its distribution: an affine map between the quantiles (``affine.guess``). The matched columns give each row
a provisional identity, the nearest row of the data set. With identities the affine maps can be fitted exactly, by least
squares with outliers trimmed, for *every* column (``affine.fit_maps``). Two rounds settle it. A row counts as matched
where exactly one row of the data set agrees in all mapped columns to within ``affine.TOLERANCE`` deviations. Columns
with missing values in the data set take no part in identities.

Where columns are no affine images, ranks may identify rows (``monotone``). Where they are mixtures, the index that came
with them or the order of the rows may identify rows (``mixtures``). Several rows of the data may agree with a table's
row. Their labels tell these apart, or else the index or the order that the other rows keep to (``tiebreaks``). A table
may hold made-up rows too: it is enough if it holds half of a usual training part.

Many networks are given the same tables, so a table is searched once. A guest may send anything. So a sample of a
table's rows decides whether all of them are searched, and everything has a limit. Pure: arrays in, arrays out.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from checker.gather.rows import affine, monotone, rank_matching
from checker.gather.rows.affine import ENOUGH_TO_MATCH, TOLERANCE, AffineMaps
from checker.gather.rows.known_rows import KnownRows
from checker.gather.rows.matches import MatchedTables, RowMatch, are_alike
from checker.gather.rows.mixtures import Mixture, MixtureRows
from checker.gather.rows.monotone import MonotoneImage
from checker.gather.rows.points import CHUNK, only_near, space_of
from checker.gather.rows.tables import MIN_ROWS, SideData, Tables, tables_fed
from checker.gather.rows.tiebreaks import table_labels
from checker.gather.rows.values import evenly_spaced
from checker.records.arrays import Array
from checker.records.capture import ModelCapture

ENOUGH_MATCHED = 0.95
USUAL = 0.64
"""Share of the data set's rows in a training part, as the hand-out splits it."""
HALF = 0.5 * USUAL
"""A table with this share of the data set's rows is accepted; its other rows count as made up."""
SOME_MATCHED = 0.15
"""Minimum share of a sample that must match: half of a training part may be hidden among other rows."""
MOST_OF_IT = 0.5
"""Share of a table that must match by the maps of another table; made-up rows stay unmatched."""
MAX_TABLES = 120
"""Limit on the different tables that are searched for one file."""
MAX_IN_VAIN = 12
"""After this many searches without a match, the other tables of a file are matched only by the maps of earlier ones."""
MAX_VALUES = 6_000_000
"""Limit on the values of one network's tables together; ``MAX_TIMES`` the data set's values if that is more."""
MAX_TIMES = 4
SAMPLE = 2_000
"""This many rows, spread over a table, decide how its columns come from the data set's."""


@dataclass
class _SearchBudget:
    """How much of the search limits one file has used."""

    tables: int = 0
    in_vain: int = 0
    missed: set[tuple[str, int]] = field(default_factory=set)
    searched: set[tuple[str, bool]] = field(default_factory=set)
    """Tables, each with whether it had an index."""


class Matcher:
    """Finds the known rows in the tables of one file."""

    def __init__(self, known: KnownRows) -> None:
        self.features, self.labels = known.features, known.labels
        self._known, self._points = known, known.points
        self._found: dict[str, RowMatch | None] = {}
        self._spent = _SearchBudget()
        self._last_image: tuple[monotone.MonotoneMaps, MonotoneImage] | None = None

    @cached_property
    def orders(self) -> MixtureRows:
        """The orders in which the data set's rows may stand."""
        return MixtureRows(self.features)

    def match(self, model: ModelCapture, arrays: Mapping[str, Array]) -> MatchedTables:
        """Match every table that a network was fed: in training, as development set, and in later use.

        The training table alone may not show how its columns come from the data's; then another table may.
        """
        fed = tables_fed(model, arrays)
        tables = Tables({d: arrays[d] for d in fed}, max(MAX_VALUES, MAX_TIMES * self.features.size))
        first: RowMatch | None = None
        for digest in tables:
            found = self._find(digest, tables, fed[digest], first)
            first = first or found
        if first is not None:
            for digest in tables:
                self._find(digest, tables, fed[digest], first)
        known = {digest: self._found[digest] for digest in tables}
        rows = {digest: found.rows for digest, found in known.items() if found is not None}
        first = next((found for found in known.values() if found is not None), None)
        return MatchedTables(tables, rows, first.maps if first else (), first)

    def others(self, matched: MatchedTables) -> Mapping[str, Array]:
        """Return the rows of tables that other networks were fed, where they are prepared in the same way as this
        one's."""
        return {
            digest: found.rows
            for digest, found in self._found.items()
            if found is not None
            and digest not in matched.rows
            and matched.first is not None
            and are_alike(found, matched.first, self._known.deviations)
        }

    # -- one table ---------------------------------------------------------------------------------------

    def _find(self, digest: str, tables: Tables, beside: SideData, like: RowMatch | None) -> RowMatch | None:
        """Return the match of a table; None where too few rows match. ``like``: the match of another of the model's
        tables."""
        found = self._found.get(digest)
        if found is not None:
            return found
        if like is not None and (digest, id(like)) not in self._spent.missed:
            found = self._by_maps_of(tables[digest], beside, like)
            if found is None:
                self._spent.missed.add((digest, id(like)))
        may_search = self._spent.tables < MAX_TABLES and self._spent.in_vain < MAX_IN_VAIN
        was_searched = not self._spent.searched.isdisjoint({(digest, True), (digest, beside.index is not None)})
        if not was_searched and may_search and not _is_complete(found) and tables.rows(digest) >= MIN_ROWS:
            self._spent.tables += 1
            self._spent.searched.add((digest, beside.index is not None))
            more = self._search(tables[digest], beside, tables)
            self._spent.in_vain += more is None
            found = more if found is None or (more is not None and more.count > found.count) else found
        self._found[digest] = found
        return found

    def _by_maps_of(self, table: Array, beside: SideData, like: RowMatch) -> RowMatch | None:
        """Match a table by the maps of another table."""
        if like.affine:
            return self._by_affine_maps(table, beside, like.affine, are_exact=True)
        some = evenly_spaced(len(table), SAMPLE)
        if like.monotone:
            if not self._may_match(self._monotone_rows(table[some], SideData(), like.monotone), len(table)):
                return None
            return self._accepted(
                RowMatch(self._monotone_rows(table, beside, like.monotone), like.monotone), MOST_OF_IT
            )
        if like.mixture is None or not self._may_match(self._mixed_rows(table[some], like.mixture), len(table)):
            return None
        rows = self._mixed_rows(table, like.mixture)
        order = self._order_of(rows, beside.index)
        if order is not None:
            held = self.orders.held(table, order, like.mixture)
            rows = np.where(held >= 0, held, rows)
        return self._accepted(RowMatch(rows, (), like.mixture), MOST_OF_IT)

    def _search(self, table: Array, beside: SideData, tables: Tables) -> RowMatch | None:
        """Try every way to match a table's rows; take the first that matches nearly all rows, else the one that matches
        most."""
        ways: tuple[Callable[[], RowMatch | None], ...] = (
            lambda: self._by_affine_maps(table, beside, affine.guess(table, self._known.shapes)),
            lambda: self._by_affine_maps(table, beside, affine.in_order(tables.sampled(), self._known.shapes)),
            lambda: self._by_ranks(table, beside),
            lambda: self._by_order(table, beside),
            lambda: self._by_head(table, beside),
        )
        best: RowMatch | None = None
        for way in ways:
            found = way()
            if found is not None and (best is None or found.count > best.count):
                best = found
            if _is_complete(best):
                break
        return best

    def _accepted(self, found: RowMatch, share: float = ENOUGH_MATCHED) -> RowMatch | None:
        """Return the match if it covers nearly all of a table, or half of a training part; else None."""
        rows = found.rows
        if (rows >= 0).mean() >= share or len(np.unique(rows[rows >= 0])) >= self._enough_rows():
            return found
        return None

    def _enough_rows(self) -> float:
        return max(MIN_ROWS, HALF * len(self.features))

    def _may_match(self, rows: Array, count: int) -> bool:
        """Tell from the matched rows of a sample whether enough of the whole table may match."""
        share = float((rows >= 0).mean())
        return share >= SOME_MATCHED and (share >= 0.5 or share * count >= 0.9 * self._enough_rows())

    # -- affine maps -------------------------------------------------------------------------------------

    def _by_affine_maps(
        self, table: Array, beside: SideData, maps: AffineMaps, are_exact: bool = False
    ) -> RowMatch | None:
        """Fit maps to a sample of a table, then match all rows by them."""
        some = evenly_spaced(len(table), SAMPLE)
        sample, most = table[some], -1.0
        best: AffineMaps = ()
        for attempt in range(3 if maps else 0):
            if attempt or not are_exact:
                rows = self._points.nearest(sample, maps)
                maps = affine.fit_maps(sample, rows, self.features, self._known.deviations)
            if not any(self._known.complete[m.source] for m in maps):
                break
            share = float((self._points.only_near(sample, maps) >= 0).mean())
            if share > most:
                best, most = maps, share
            if share >= ENOUGH_MATCHED:
                break
        if not best or not self._may_match(self._points.only_near(sample, best), len(table)):
            return None
        rows = self._points.only_near(table, best)
        found = RowMatch(self._break_ties(table, beside, rows, best), best)
        return self._accepted(found, MOST_OF_IT if are_exact else ENOUGH_MATCHED)

    def _break_ties(self, table: Array, beside: SideData, rows: Array, maps: AffineMaps) -> Array:
        """Match rows that several of the data's rows agree with: by their labels, then by the index or order that the
        other rows keep to."""
        found, left = np.array(rows), np.flatnonzero(rows < 0)
        labels = table_labels(beside.y, rows, self.labels) if len(left) else None
        if labels is not None:
            found[left] = self._points.only_near(table[left], maps, labels.of(left))
            left = np.flatnonzero(found < 0)
        order = self._order_of(found, beside.index) if len(left) else None
        if order is not None:
            sources = np.array([m.source for m in self._points.used(maps)])
            images = self.features[np.ix_(order[left], sources)] / self._known.deviations[sources]
            off = np.abs(self._points.wanted(table[left], maps) - images)
            found[left] = np.where((off <= TOLERANCE).all(axis=1), order[left], -1)
        return found

    def _order_of(self, rows: Array, index: Array | None) -> Array | None:
        """Return the order that the matched rows keep to: of an index, of the file, or of the hand-out's split."""
        known = rows >= 0
        if known.sum() < MIN_ROWS:
            return None
        orders = self.orders.may_be(len(rows), index)
        return next((order for order in orders if (order[known] == rows[known]).mean() >= ENOUGH_MATCHED), None)

    # -- monotone maps and mixtures ----------------------------------------------------------------------

    def _by_ranks(self, table: Array, beside: SideData) -> RowMatch | None:
        """Match a table's rows by its ranks."""
        some = evenly_spaced(len(table), max(CHUNK, 2 * len(self.features)))
        places, rows = rank_matching.guess(table[some], self.features, self._known.complete)
        maps: monotone.MonotoneMaps = ()
        for few in (True, False):
            maps = rank_matching.fit(table[some], places, rows, self.features)
            used = evenly_spaced(len(some), SAMPLE) if few else np.arange(len(some))
            rows = self._image(maps).rows_of(table[some[used]])
            if not self._may_match(rows, len(table)):
                return None
            found = np.flatnonzero(rows >= 0)
            maps = maps if few else rank_matching.fit(table[some], found, rows[found], self.features)
            places, rows = used[found], rows[found]
        return self._accepted(RowMatch(self._monotone_rows(table, beside, maps), maps)) if maps else None

    def _monotone_rows(self, table: Array, beside: SideData, maps: monotone.MonotoneMaps) -> Array:
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

    def _image(self, maps: monotone.MonotoneMaps) -> MonotoneImage:
        """Return the data set under the maps; the last image is kept."""
        if self._last_image is None or self._last_image[0] is not maps:
            self._last_image = maps, MonotoneImage(maps, self.features, self._known.complete)
        return self._last_image[1]

    def _by_order(self, table: Array, beside: SideData) -> RowMatch | None:
        """Match a table's rows by their index or order, where the table's columns follow from those rows."""
        found = self.orders.follow(table, evenly_spaced(len(table), ENOUGH_TO_MATCH), beside.index)
        return None if found is None else self._accepted(RowMatch(found[0].astype(np.int64), (), found[1]))

    def _mixed_rows(self, table: Array, mixture: Mixture) -> Array:
        """Return the rows of the data that give the table's rows under a mixture."""
        rows = only_near(space_of(self.orders.images(mixture)), table[:, mixture.columns] / mixture.deviations)
        return np.where(rows >= 0, self.orders.complete[rows], -1)

    def _by_head(self, table: Array, beside: SideData) -> RowMatch | None:
        """Match a long table by its first rows, because made-up rows usually follow the real ones."""
        head = math.ceil(self._enough_rows())
        if len(table) < 2 * head:
            return None
        found = self._by_affine_maps(
            table[:head], SideData(), affine.guess(table[:head], self._known.shapes)
        ) or self._by_ranks(table[:head], SideData())
        return None if found is None else self._by_maps_of(table, beside, found)


def _is_complete(found: RowMatch | None) -> bool:
    """Tell whether nearly all of a table's rows matched."""
    return found is not None and found.count >= ENOUGH_MATCHED * len(found.rows)
