"""A regression's rows as dots in inline SVG: predicted against true values, and residuals."""

from collections.abc import Iterator, Sequence

from markupsafe import Markup

from checker.formats.text import counted
from checker.report.svg import Scale, chart, element, fitting, label, line
from checker.scoring.metrics import Unit

HEIGHT = 280
TICKS = 5

Pairs = Sequence[tuple[float, float]]


def predicted_against_true(sample: Pairs, unit: Unit) -> tuple[str, Markup]:
    """Return the heading and the chart of (true, predicted) pairs, with the line on which both are equal."""
    scale = fitting([value for pair in sample for value in pair], room=0.03)
    words = f"Predicted against true values of {counted(len(sample), 'row')}"
    diagonal = "M0 1000 1000 0"
    return "Predicted against true values", _chart(sample, scale, scale, unit, diagonal, words)


def residuals(sample: Pairs, unit: Unit) -> tuple[str, Markup]:
    """Return the heading and the chart of (true, predicted - true) pairs, with the line of no residual."""
    left = [(true, predicted - true) for true, predicted in sample]
    furthest = max(abs(residual) for _, residual in left) or 1.0
    wide, high = fitting([true for true, _ in left], room=0.03), Scale(-1.05 * furthest, 1.05 * furthest)
    words = f"Residuals of {counted(len(sample), 'row')} against their true values"
    return "Predicted minus true, by true value", _chart(left, wide, high, unit, "M0 500 1000 500", words)


def has_stray(sample: Pairs) -> bool:
    """Tell whether predictions were moved to an edge of the data: several are the same extreme."""
    predicted = [value for _, value in sample]
    return any(predicted.count(edge) > 1 and len(set(predicted)) > 1 for edge in (min(predicted), max(predicted)))


def _chart(points: Pairs, wide: Scale, high: Scale, unit: Unit, ideal: str, words: str) -> Markup:
    """Return dots on two axes in a unit; ``ideal`` is the line, in thousandths, on which dots should lie."""
    dots = "".join(f"M{wide.place(x) * 1000:.0f} {1000 - high.place(y) * 1000:.0f}h0" for x, y in points)
    paths = element("path", d=dots), element("path", d=ideal, class_="ideal")
    box = element("svg", *paths, viewBox="0 0 1000 1000", preserveAspectRatio="none", width="100%", height=HEIGHT)
    return chart(HEIGHT + 24, words, [*_grid(wide, high, unit), box], "scatter")


def _grid(wide: Scale, high: Scale, unit: Unit) -> Iterator[Markup]:
    for value, name in unit.ticks(wide.ticks(TICKS)):
        x = wide.place(value)
        yield line(x, 0, x, HEIGHT, "grid")
        yield label(x, HEIGHT + 18, name)
    for value, name in unit.ticks(high.ticks(TICKS)):
        y = HEIGHT * (1 - high.place(value))
        yield line(0, y, 1, y, "grid")
        yield label(0, y + 4, name, anchor="end", dx=-8)
