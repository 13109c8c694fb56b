"""A network drawn as a stack of boxes, from its input at the top to its output at the bottom."""

import math

from markupsafe import Markup

from checker.keras_spec.architectures import describe, describe_layer, in_order
from checker.records.network import Architecture, Layer, Node
from checker.report.svg import along, chart, element, label, line

BOX = 30
GAP = 12
MOST_BOXES = 40
LONGEST = 44


def network(architecture: Architecture, name: str) -> Markup:
    """Return the drawing; the filled part of each box shows its layer's width on a logarithmic scale."""
    layers, shown = in_order(architecture), architecture.nodes[:MOST_BOXES]
    widest = max((_units(layer) for layer in layers), default=1)
    boxes = (
        part
        for at, (layer, node) in enumerate(zip(layers, shown, strict=False))
        for part in _box(at, layer, node, widest)
    )
    parts = [*boxes, *_rest(len(architecture.nodes) - len(shown), len(shown))]
    rows = min(len(architecture.nodes), MOST_BOXES + 1)
    return chart(rows * (BOX + GAP) - GAP + 2, f"{name}: {describe(architecture)}", parts, "network")


def _box(at: int, layer: Layer, node: Node, widest: int) -> list[Markup]:
    y, units = at * (BOX + GAP) + 1, _units(layer)
    parts = [element("rect", x="0.5%", y=y, width="99%", height=BOX, rx=6, class_="box")]
    if units:
        width = 0.12 + 0.87 * math.log1p(units) / math.log1p(widest)
        parts.append(_filling(y, width))
    if at:
        parts.insert(0, line(0.5, y - GAP, 0.5, y, "wire"))
    return [*parts, label(0.5, y + BOX / 2 + 4.5, _words(at, layer, node))]


def _filling(y: int, width: float) -> Markup:
    return element("rect", x=along(0.5 - width / 2), y=y, width=along(width), height=BOX, rx=6, class_="filling")


def _words(at: int, layer: Layer, node: Node) -> str:
    """Return the layer in words, with its inputs if these are not just the layer above."""
    words = describe_layer(layer)
    if at and node.inputs != (at - 1,):
        words = f"{at + 1}: {words} ← {' + '.join(str(earlier + 1) for earlier in node.inputs)}"
    return words if len(words) <= LONGEST else f"{words[: LONGEST - 1]}…"


def _rest(left_out: int, shown: int) -> list[Markup]:
    return [label(0.5, shown * (BOX + GAP) + 20, f"… and {left_out} more layers")] if left_out else []


def _units(layer: Layer) -> int:
    """Return a layer's width: its units, or the width of the input; 0 if it has no width of its own."""
    units, shape = layer.config.get("units"), layer.config.get("shape")
    if isinstance(shape, list) and shape:
        units = shape[-1]
    return max(units, 0) if isinstance(units, int) else 0
