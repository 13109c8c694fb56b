"""Learning curves as inline SVG: loss and accuracy or error, on training and development data, for every seed; and
those of a changed network over the original's."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from checker.formats.text import counted
from checker.keras_spec import watched
from checker.keras_spec.watched import Quantity
from checker.records.training import TrainingRun
from checker.report.svg import Scale, chart, element, fitting, label, line, path
from checker.report.words import number, percent
from checker.scoring.metrics import PERCENT

HEIGHT = 180
MOST_POINTS = 150
LOGARITHMIC_FROM = 30.0
"""A loss that falls by more than this factor is drawn on a logarithmic scale."""

Series = Sequence[float | None]
History = Mapping[str, Series]


@dataclass(frozen=True)
class Measure:
    """How to draw a quantity of a training; ``say`` formats a tick or value."""

    heading: str
    quantity: Quantity
    fit: Callable[[Sequence[float]], Scale]
    ticks: Callable[[Scale], list[tuple[float, str]]]
    say: Callable[[float | None], str]


@dataclass(frozen=True)
class Curves:
    """Charts, each with its heading. ``has_development``: a chart has a curve of development rows."""

    charts: tuple[tuple[str, Markup], ...]
    has_development: bool


def curves(runs: Sequence[TrainingRun]) -> Curves:
    """Return a chart of the loss and one of accuracy or error, if they have values of more than one epoch."""
    drawn, has_development = [], False
    for measure in MEASURES:
        training, development = (
            [series for run in runs if (series := measure.quantity.series(run.history, is_development))]
            for is_development in (False, True)
        )
        if any(len(series) > 1 and any(value is not None for value in series) for series in training):
            drawn.append(_chart(measure, training, development))
            has_development = has_development or bool(development)
    return Curves(tuple(drawn), has_development)


def compared(
    original: Sequence[History], changed: Sequence[History], epochs: int, is_running: bool = False
) -> list[tuple[str, Markup]]:
    """Return a chart of the loss and one of accuracy or error, each with its heading: the mean and the band of a
    changed network's histories over the original's. Development rows are drawn, if there are any.

    ``epochs``: number of epochs of the changed network's training. ``is_running``: whether the last of its histories
    may still grow; the mean is then that of the others, if there are any.
    """
    drawn = []
    for measure in MEASURES:
        both = [
            [[series for of in histories if (series := measure.quantity.series(of, is_development))]
             for histories in (original, changed)]
            for is_development in (True, False)
        ]  # fmt: skip
        before, after = next((pair for pair in both if pair[0] or pair[1]), ([], []))
        if any(value is not None for series in (*before, *after) for value in series):
            drawn.append(_over(measure, before, after, epochs, is_running))
    return drawn


def _over(
    measure: Measure, before: list[Series], after: list[Series], epochs: int, is_running: bool
) -> tuple[str, Markup]:
    width = max([epochs, *(len(series) for series in (*before, *after))])
    scale = measure.fit([value for series in (*before, *after) for value in series if value is not None])
    whole = after[:-1] if is_running and len(after) > 1 else after
    lines = [*_banded(before, before, scale, width, "before"), *_banded(after, whole, scale, width, "after")]
    box = element("svg", *lines, viewBox="0 0 1000 1000", preserveAspectRatio="none", width="100%", height=HEIGHT)
    ends = [
        f"{name} ends at {measure.say(_mean(of)[-1])}" for name, of in (("original", before), ("changed", whole)) if of
    ]
    words = f"{measure.heading} over {counted(width, 'epoch')}: {', '.join(ends)}"
    drawn = chart(HEIGHT + 24, words, [*_grid(scale, measure.ticks(scale), width), box], "curves")
    return _heading(measure, scale), drawn


def _heading(measure: Measure, scale: Scale) -> str:
    return f"{measure.heading} by epoch{' (log scale)' if scale.logarithmic else ''}"


def _banded(histories: list[Series], whole: list[Series], scale: Scale, epochs: int, class_: str) -> Iterator[Markup]:
    """Yield the band of all seeds, and the mean of those that are whole."""
    if not histories:
        return
    if len(histories) > 1:
        yield _band(histories, scale, epochs, f"{class_} band")
    yield path(_points(_mean(whole), scale, epochs), f"{class_} mean")


def _band(histories: list[Series], scale: Scale, epochs: int, class_: str) -> Markup:
    """Return the area between the lowest and the highest value by epoch, over the seeds that reached it."""
    at = [
        [value for series in histories if epoch < len(series) and (value := series[epoch]) is not None]
        for epoch in range(max(len(series) for series in histories))
    ]
    sides = [_points([pick(values) if values else None for values in at], scale, epochs) for pick in (min, max)]
    edge = [*sides[0], *reversed(sides[1])]
    places = [f"{x * 1000:.0f} {1000 - y * 1000:.0f}" for x, y in edge if y is not None]
    return element("path", d=f"M{'L'.join(places)}Z" if places else "", class_=class_)


def _chart(measure: Measure, training: list[Series], development: list[Series]) -> tuple[str, Markup]:
    both = training + development
    epochs = max(len(series) for series in both)
    scale = measure.fit([value for series in both for value in series if value is not None])
    lines = [
        *_bundle(training, scale, epochs, "training"),
        *_bundle(development, scale, epochs, "development"),
    ]
    box = element("svg", *lines, viewBox="0 0 1000 1000", preserveAspectRatio="none", width="100%", height=HEIGHT)
    ends = (f"{name} ends at {measure.say(end)}" for name, end in _ends(training, development))
    words = f"{measure.heading} over {counted(epochs, 'epoch')}: {', '.join(ends)}"
    drawn = chart(HEIGHT + 24, words, [*_grid(scale, measure.ticks(scale), epochs), box], "curves")
    return _heading(measure, scale), drawn


def _bundle(histories: list[Series], scale: Scale, epochs: int, class_: str) -> Iterator[Markup]:
    for history in histories if len(histories) > 1 else ():
        yield path(_points(history, scale, epochs), f"{class_} faint")
    if histories:
        yield path(_points(_mean(histories), scale, epochs), f"{class_} mean")


def _points(history: Series, scale: Scale, epochs: int) -> list[tuple[float, float | None]]:
    chosen = np.unique(np.linspace(0, len(history) - 1, min(len(history), MOST_POINTS)).round().astype(int))
    places = ((at / max(epochs - 1, 1), history[at]) for at in chosen.tolist())
    return [(x, None if value is None else scale.place(value)) for x, value in places]


def _mean(histories: list[Series]) -> Series:
    """Return the mean over the seeds by epoch, up to the last epoch that all seeds reached."""
    reached = min(len(history) for history in histories)
    rows = [[np.nan if v is None else v for v in history[:reached]] for history in histories]
    return [float(mean) if np.isfinite(mean) else None for mean in np.mean(np.array(rows, float), axis=0)]


def _ends(training: list[Series], development: list[Series]) -> Iterator[tuple[str, float | None]]:
    for name, histories in (("training", training), ("development", development)):
        if histories:
            yield name, _mean(histories)[-1]


def _grid(scale: Scale, ticks: list[tuple[float, str]], epochs: int) -> Iterator[Markup]:
    for value, words in ticks:
        y = HEIGHT * (1 - scale.place(value))
        yield line(0, y, 1, y, "grid")
        yield label(0, y + 4, words, anchor="end", dx=-8)
    last = max(epochs - 1, 1)
    for epoch in _epochs_named(epochs):
        yield label((epoch - 1) / last, HEIGHT + 18, f"{epoch}")


def _epochs_named(epochs: int) -> list[int]:
    """Return the epochs to label: the first, the last, and round ones between that are not too close to either."""
    between = {round(tick) for tick in Scale(1, max(epochs, 2)).ticks(5)}
    return sorted({e for e in between if 0.08 * epochs < e < 0.92 * epochs} | {1, epochs})


def _loss_scale(values: Sequence[float]) -> Scale:
    if min(values) > 0 and max(values) > LOGARITHMIC_FROM * min(values):
        return Scale(min(values) / 1.2, max(values) * 1.2, logarithmic=True)
    return fitting(values)


def _plain_ticks(scale: Scale) -> list[tuple[float, str]]:
    return [(value, f"{value:g}") for value in scale.ticks()]


MEASURES = (
    Measure("Loss", watched.LOSS, _loss_scale, _plain_ticks, number),
    Measure("Accuracy", watched.ACCURACY, fitting, lambda scale: PERCENT.ticks(scale.ticks()), percent),
    Measure("Mean absolute error", watched.ABSOLUTE_ERROR, _loss_scale, _plain_ticks, number),
)
