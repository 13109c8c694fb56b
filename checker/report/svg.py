"""Small inline SVG: elements as safe markup, and scales from numbers to positions.

Theory of operation: a chart has no ``viewBox``. Horizontal positions are percentages of its width, so a chart
fills a wide page or a telephone while its letters and dots keep their size. Colours come from the page's style
sheet through classes, so a chart follows the light or dark theme.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from markupsafe import Markup, escape

from checker.formats.text import one_line


def element(tag: str, *children: Markup | str, **attributes: object) -> Markup:
    """Return an element. Text is escaped; ``class_`` and ``text_anchor`` name class and text-anchor."""
    names = ((name.rstrip("_").replace("_", "-"), value) for name, value in attributes.items())
    spelled = "".join(f' {name}="{escape(value)}"' for name, value in names)
    return Markup(f"<{tag}{spelled}>{join(children)}</{tag}>")  # noqa: S704  # tag and names are ours, all else is escaped


def join(parts: Iterable[Markup | str]) -> Markup:
    """Concatenate parts; plain text among them is made safe."""
    return Markup("").join(p if isinstance(p, Markup) else one_line(p) for p in parts)


def along(fraction: float) -> str:
    """Return a fraction of a chart's width as a percentage."""
    return f"{fraction * 100:.2f}%"


def line(x1: float, y1: float, x2: float, y2: float, class_: str) -> Markup:
    """Return a line; x as fractions of the width, y in pixels."""
    return element("line", x1=along(x1), y1=f"{y1:g}", x2=along(x2), y2=f"{y2:g}", class_=class_)


def label(x: float, y: float, text: str, class_: str = "", anchor: str = "middle", dx: int = 0) -> Markup:
    """Return a text at a position, moved right by ``dx`` pixels."""
    return element("text", text, x=along(x), dx=dx, y=f"{y:g}", text_anchor=anchor, class_=class_)


def chart(height: float, describe: str, parts: Iterable[Markup], class_: str = "", role: str = "img") -> Markup:
    """Return a whole chart, with words for screen readers; a chart with links needs the role "group", not "img"."""
    words = one_line(describe)
    title = element("title", words)
    classes = f"chart {class_}".rstrip()
    return element("svg", title, *parts, class_=classes, role=role, aria_label=words, height=f"{height:g}")


@dataclass(frozen=True)
class Scale:
    """A mapping from numbers between ``low`` and ``high`` to fractions from 0 to 1."""

    low: float
    high: float
    logarithmic: bool = False

    def place(self, value: float) -> float:
        """Return a number's position, from 0 to 1; one beyond the scale is put at its end."""
        low, high, value = (math.log(v) if self.logarithmic else v for v in (self.low, self.high, value))
        return min(1.0, max(0.0, (value - low) / (high - low)))

    def side(self, value: float) -> int:
        """Return the side on which a number lies beyond the scale: -1 or 1; 0 if it is within."""
        return (value > self.high) - (value < self.low)

    def ticks(self, at_most: int = 6) -> list[float]:
        """Return round numbers within the scale."""
        if self.logarithmic:
            return self._powers(at_most)
        step = _round_step((self.high - self.low) / at_most)
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [count * step for count in range(first, last + 1)]

    def _powers(self, at_most: int) -> list[float]:
        first, last = math.ceil(math.log10(self.low)), math.floor(math.log10(self.high))
        if last > first:
            return [10.0**power for power in range(first, last + 1, 1 + (last - first) // at_most)]
        found = [factor * 10.0**power for power in range(first - 1, last + 1) for factor in (1, 2, 5)]
        return [value for value in found if self.low <= value <= self.high]


def fitting(values: Iterable[float], room: float = 0.06) -> Scale:
    """Return a scale around the values, with a little room on both sides."""
    found = [value for value in values if math.isfinite(value)] or [0.0, 1.0]
    low, high = min(found), max(found)
    pad = (high - low) * room or max(abs(high), 1.0) * 0.01
    return Scale(low - pad, high + pad)


def _round_step(rough: float) -> float:
    power = 10.0 ** math.floor(math.log10(rough))
    factors = (1, 2, 2.5, 5, 10) if power > 1 else (1, 2, 5, 10)  # no halves of a small unit
    return next(factor * power for factor in factors if factor * power >= rough * (1 - 1e-9))


def path(points: Iterable[tuple[float, float | None]], class_: str) -> Markup:
    """Return a line through points in a box from 0 to 1000, interrupted at missing values.

    A point between two gaps is drawn as a dot: a line of zero length with round ends.
    """
    drawn, pen_down = [], False
    for (x, y), (_, following) in pairwise([*points, (0.0, None)]):
        if y is None:
            pen_down = False
            continue
        place = f"{x * 1000:.0f} {1000 - y * 1000:.0f}"
        drawn.append(f"{'L' if pen_down else 'M'}{place}")
        if not pen_down and following is None:
            drawn.append("h0")
        pen_down = True
    return element("path", d="".join(drawn), class_=class_)
