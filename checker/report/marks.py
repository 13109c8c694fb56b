"""Parts of all figures of scores: a scale, an axis, lines across, and a mark for each kind of model."""

import math
from collections.abc import Iterable, Iterator, Sequence

from markupsafe import Markup

from checker.records.comparison import Comparison
from checker.report.svg import Scale, along, element, fitting, label, line
from checker.scoring.metrics import Unit

LONG = 6
"""Maximum number of characters of an axis's numbers at which six numbers fit on a phone."""
BEYOND = 16
"""Height in pixels of the note on values beyond the scale, below the axis."""
SHAPES = {
    "student": element("circle", r=5),
    "reference": element("path", d="M0-6 6 0 0 6-6 0z"),
    "baseline": element("path", d="M0-7V7"),
}
"""The mark of a submission, of a reference and of a traditional model."""
ARROWS = {-1: element("path", d="M-6 0 4-6V6z"), 1: element("path", d="M6 0-4-6V6z")}
"""The marks at the left and at the right edge, for values beyond the scale."""


def scale_around(comparison: Comparison, values: Sequence[float], room: float = 0.06) -> Scale:
    """Return a scale around the values. Errors are unbounded, so it leaves out any far beyond the baseline's."""
    farthest = math.inf if comparison.higher_is_better else 1.5 * comparison.baseline_mean
    return fitting([min(value, farthest) for value in values], room)


def axis(scale: Scale, unit: Unit, top: float, bottom: float) -> Iterator[Markup]:
    """Yield vertical lines at round numbers, with the numbers below."""
    few = max(len(words) for _, words in unit.ticks((scale.low, scale.high))) > LONG
    for value, words in unit.ticks(scale.ticks(5 if few else 6)):
        x = scale.place(value)
        yield line(x, top, x, bottom, "grid")
        yield label(x, bottom + 17, words)


def upright(scale: Scale, value: float, words: str, name: str, top: float, bottom: float) -> Iterable[Markup]:
    """Return a vertical line across the chart at a value, with words above it on the side that has room."""
    x = scale.place(value)
    anchor, aside = ("end", 2) if x > 0.5 else ("start", -2)
    return line(x, top - 4, x, bottom, f"upright {name}"), label(x, top - 9, words, name, anchor, aside)


def mark(scale: Scale, value: float, y: float, words: str, kind: str) -> Markup:
    """Return the mark of a kind of model, with words on hover; an arrow at the edge for a value beyond the scale."""
    shape = ARROWS[side] if (side := scale.side(value)) else SHAPES[kind]
    place = element("svg", shape, x=along(scale.place(value)), y=f"{y:g}", width=1, height=1, class_="overflowing")
    return element("g", element("title", words), place, class_=f"mark {kind}{' beyond' if side else ''}")


def beside_arrow(scale: Scale, value: float, y: float, unit: Unit) -> Iterator[Markup]:
    """Yield a value that lies beyond the scale, beside its arrow."""
    if side := scale.side(value):
        yield label(scale.place(value), y + 4, unit.value(value), "beyond", "end" if side > 0 else "start", -12 * side)


def beyond(scale: Scale, values: Iterable[float], bottom: float) -> Iterator[Markup]:
    """Yield a note below the axis, at each edge beyond which values lie."""
    sides = {scale.side(value) for value in values}
    if -1 in sides:
        yield label(0, bottom + 17 + BEYOND, "\N{LEFTWARDS ARROW} beyond the scale", anchor="start")
    if 1 in sides:
        yield label(1, bottom + 17 + BEYOND, "beyond the scale \N{RIGHTWARDS ARROW}", anchor="end")
