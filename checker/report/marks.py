"""Parts of all figures of scores: a scale, an axis, lines across, and a mark for each kind of model."""

import math
from collections.abc import Iterable, Iterator, Sequence

from markupsafe import Markup

from checker.records.comparison import Comparison
from checker.report.svg import Scale, along, element, fitting, label, line
from checker.scoring.metrics import Unit


def scale_around(comparison: Comparison, values: Sequence[float], room: float = 0.06) -> Scale:
    """Return a scale around the values. Errors are unbounded, so one far beyond the baseline's is put at the edge."""
    farthest = math.inf if comparison.higher_is_better else 1.5 * comparison.baseline_mean
    return fitting([min(value, farthest) for value in values], room)


def axis(scale: Scale, unit: Unit, top: float, bottom: float) -> Iterator[Markup]:
    """Yield vertical lines at round numbers, with the numbers below."""
    for value, words in unit.ticks(scale.ticks()):
        x = scale.place(value)
        yield line(x, top, x, bottom, "grid")
        yield label(x, bottom + 17, words)


def upright(scale: Scale, value: float, words: str, name: str, top: float, bottom: float) -> Iterable[Markup]:
    """Return a vertical line across the chart at a value, with words above it on the side that has room."""
    x = scale.place(value)
    anchor, aside = ("end", 2) if x > 0.5 else ("start", -2)
    return line(x, top - 4, x, bottom, f"upright {name}"), label(x, top - 9, words, name, anchor, aside)


def _placed(x: float, y: float, words: str, class_: str, *shapes: Markup) -> Markup:
    """Return shapes around a point, with words on hover. The shapes overflow a viewport of one pixel."""
    place = element("svg", *shapes, x=along(x), y=f"{y:g}", width=1, height=1, class_="overflowing")
    return element("g", element("title", words), place, class_=f"mark {class_}")


def dot(x: float, y: float, words: str, class_: str) -> Markup:
    """Return the mark of a submission."""
    return _placed(x, y, words, class_, element("circle", r=5))


def diamond(x: float, y: float, words: str, class_: str) -> Markup:
    """Return the mark of a reference."""
    return _placed(x, y, words, class_, element("path", d="M0-6 6 0 0 6-6 0z"))


def tick(x: float, y: float, words: str, class_: str = "baseline") -> Markup:
    """Return the mark of a traditional model."""
    return _placed(x, y, words, class_, element("path", d="M0-7V7"))
