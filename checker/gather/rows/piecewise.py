"""Monotone images of a column as straight pieces, few compared with its rows. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy

from checker.gather.rows.fitting import SAMPLE, StudentColumn
from checker.gather.rows.values import evenly_spaced
from checker.records.arrays import Array

PIECE = 0.3
"""Maximum distance of a straight piece from a value that it was fitted to, as a share of the tolerance."""
ROWS_A_PIECE = 4
FARTHEST_NORMAL = 5.3
"""``QuantileTransformer`` cuts normal quantiles off at 5.2."""


def piecewise_image(column: StudentColumn, ours: Array, is_normal: bool) -> Array | None:
    """Return the values (m,) of a column that straight pieces along a source (m,) give; None where they do not fit.

    ``is_normal``: the pieces give quantiles from 0 to 1, and the column holds the normal ones.
    """
    theirs = column.values
    if is_normal and not np.nanmax(np.abs(theirs)) <= FARTHEST_NORMAL:
        return None
    at_ends = np.isin(ours[column.rows], [np.nanmin(ours[column.rows]), np.nanmax(ours[column.rows])])
    fitted = np.flatnonzero((column.is_fitted | at_ends) & np.isfinite(theirs) & np.isfinite(ours[column.rows]))
    images, tolerance = theirs[fitted], PIECE * column.tolerance[fitted]
    if is_normal:
        images, tolerance = scipy.special.ndtr(images), tolerance * np.exp(-(images**2) / 2) / np.sqrt(2 * np.pi)
    some = evenly_spaced(len(fitted), SAMPLE)
    if len(_Pieces.along(ours[column.rows[fitted[some]]], images[some], tolerance[some]).first) > len(some) / 2:
        return None
    pieces = _Pieces.along(ours[column.rows[fitted]], images, tolerance)
    if len(pieces.first) > len(fitted) / ROWS_A_PIECE:
        return None
    values, low, high = pieces.at(ours)
    if is_normal:
        most = float(np.nanmax(np.abs(theirs)))
        normal = [scipy.special.ndtri(np.clip(one, 0, 1)) for one in (values, low, high)]
        values, low, high = (np.clip(one, -most, most) for one in normal)
    return values if column.is_given_by(values, low, high) else None


@dataclass(frozen=True)
class _Pieces:
    """Straight pieces (p,), each from a ``first`` to a ``last`` value of the data, with image ``start`` at its first
    value, a ``slope``, and whether it is flat; the ``values`` (v,) that the pieces follow, and their ``images``."""

    first: Array
    last: Array
    start: Array
    slope: Array
    is_flat: Array
    values: Array
    images: Array

    @classmethod
    def along(cls, ours: Array, theirs: Array, tolerance: Array) -> "_Pieces":
        """Fit pieces to a student's values (n,) along the data's, to within a tolerance of each."""
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
        """Return the images of the data's values (m,), and the two neighbouring images between which they may lie."""
        place = np.clip(np.searchsorted(self.first, ours, "right") - 1, 0, len(self.first) - 1)
        after = np.minimum(place + 1, len(self.first) - 1)
        end = self.start + self.slope * (self.last - self.first)
        below, above = end[place], self.start[after]
        here = self.start[place] + self.slope[place] * (ours - self.first[place])
        there = self.start[after] + self.slope[after] * (ours - self.first[after])
        gap = self.first[after] - self.last[place]
        share = (ours - self.last[place]) / np.where(gap > 0, gap, 1.0)
        # Two lines that meet in the gap are followed to that point; between two flat lines the map jumps.
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
    """Return where straight pieces begin. Each goes on while one line through its first point is near all others."""
    starts = [0]
    value, image, low, high = values[0], images[0], -np.inf, np.inf
    for place in range(1, len(values)):
        step, rise, most = values[place] - value, images[place] - image, tolerance[place]
        low, high = max(low, (rise - most) / step), min(high, (rise + most) / step)
        if low > high:
            starts.append(place)
            value, image, low, high = values[place], images[place], -np.inf, np.inf
    return starts
