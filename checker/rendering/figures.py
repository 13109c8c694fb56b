"""Scores as inline SVG: one submission seed by seed and among traditional models, and a whole cohort on one line."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from checker.metrics import Unit
from checker.records import Comparison, SeedScore, Verdict
from checker.rendering.svg import Scale, along, chart, element, fitting, label, line
from checker.rendering.words import metric

ROW = 26
DOT = 11
LABEL = 16
BINS = 70


# -- one submission, seed by seed --------------------------------------------------------------------------


def seeds_figure(comparison: Comparison) -> Markup:
    """Return the submission, the reference and the baseline for each seed, and the bar across them."""
    shown, unit = comparison.scores, metric(comparison).unit
    values = (value for s in shown for value in (s.score, s.reference, s.baseline))
    scale = _scale(comparison, [*values, comparison.bar, comparison.mean - comparison.spread])
    top, bottom = ROW * 0.8, ROW * (len(shown) + 2.2)
    parts = [
        *_axis(scale, unit, top, bottom),
        *_upright(scale, comparison.bar, f"bar {unit.value(comparison.bar)}", "bar", top, bottom),
        *(mark for row, s in enumerate(shown, start=1) for mark in _seed_row(scale, unit, s, ROW * (row + 0.4))),
        *_mean_row(scale, comparison, ROW * (len(shown) + 1.6)),
    ]
    return chart(bottom + 22, _seeds_in_words(comparison), parts, "seeds")


def _seeds_in_words(comparison: Comparison) -> str:
    unit = metric(comparison).unit
    return (
        f"{metric(comparison).name} over {len(comparison.scores)} seeds: this submission "
        f"{unit.plus_minus(comparison.mean, comparison.spread)}, the reference "
        f"{unit.plus_minus(comparison.reference_mean, comparison.reference_spread)}, "
        f"bar {unit.value(comparison.bar)}, baseline {unit.value(comparison.baseline_mean)}"
    )


def _seed_row(scale: Scale, unit: Unit, score: SeedScore, y: float) -> list[Markup]:
    student, reference = scale.place(score.score), scale.place(score.reference)
    return [
        label(0, y + 4, f"seed {score.seed}", anchor="end", dx=-12),
        line(student, y, reference, y, "between"),
        _baseline(scale.place(score.baseline), y, f"baseline {unit.value(score.baseline)}"),
        _diamond(reference, y, f"reference {unit.value(score.reference)}", "reference"),
        _dot(student, y, f"this submission {unit.value(score.score)}", "student"),
    ]


def _mean_row(scale: Scale, comparison: Comparison, y: float) -> list[Markup]:
    low, high = (scale.place(comparison.mean + sign * comparison.spread) for sign in (-1, 1))
    reference, baseline, unit = comparison.reference_mean, comparison.baseline_mean, metric(comparison).unit
    mean = unit.plus_minus(comparison.mean, comparison.spread)
    return [
        line(0, y - ROW * 0.6, 1, y - ROW * 0.6, "grid"),
        label(0, y + 4, "mean", "strong", anchor="end", dx=-12),
        line(low, y, high, y, "spread"),
        _baseline(scale.place(baseline), y, f"baseline {unit.value(baseline)}"),
        _diamond(scale.place(reference), y, f"reference {unit.value(reference)}", "reference"),
        _dot(scale.place(comparison.mean), y, f"this submission {mean}", "student"),
    ]


# -- among traditional models ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Model:
    """A row of the field: whose mean it is, and how it is marked."""

    name: str
    mean: float
    spread: float
    kind: str


def field_figure(comparison: Comparison) -> Markup:
    """Return the submission, the reference and all traditional models, a row for each, the best on top, and the bar."""
    unit, models = metric(comparison).unit, _field(comparison)
    worst = max(model.mean for model in models if model.kind != "student")
    farthest = math.inf if comparison.higher_is_better else 1.2 * worst
    ends = [model.mean + sign * model.spread for model in models for sign in (-1, 1)]
    scale = fitting([min(end, farthest) for end in ends], room=0.1)
    top, bottom = ROW * 0.8, ROW * (len(models) + 1)
    parts = [
        *_axis(scale, unit, top, bottom),
        *_upright(scale, comparison.bar, f"bar {unit.value(comparison.bar)}", "bar", top, bottom),
        *(mark for row, model in enumerate(models, 1) for mark in _model_row(scale, unit, model, ROW * (row + 0.4))),
    ]
    means = ", ".join(f"{model.name} {unit.value(model.mean)}" for model in models)
    return chart(bottom + 22, f"Mean {metric(comparison).name}, the best first: {means}", parts, "field")


def _field(comparison: Comparison) -> list[Model]:
    """Return all models, the best first."""
    models = [
        Model("this submission", comparison.mean, comparison.spread, "student"),
        Model("reference", comparison.reference_mean, comparison.reference_spread, "reference"),
        *(Model(one.name, one.mean, one.spread, "baseline") for one in comparison.baselines),
    ]
    return sorted(models, key=lambda model: model.mean, reverse=comparison.higher_is_better)


def _model_row(scale: Scale, unit: Unit, model: Model, y: float) -> list[Markup]:
    place, low, high = (scale.place(model.mean + sign * model.spread) for sign in (0, -1, 1))
    draw = {"student": _dot, "reference": _diamond, "baseline": _baseline}[model.kind]
    weight = "strong" if model.kind == "student" else ""
    return [
        label(0, y + 4, model.name, weight, anchor="end", dx=-12),
        line(low, y, high, y, f"spread {model.kind}"),
        draw(place, y, f"{model.name} {unit.plus_minus(model.mean, model.spread)}", model.kind),
        label(1, y + 4, unit.value(model.mean), weight, anchor="start", dx=12),
    ]


# -- a cohort ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Dot:
    """A submission in the cohort's figure."""

    name: str
    href: str
    verdict: Verdict
    comparison: Comparison


def cohort_figure(dots: Sequence[Dot]) -> Markup:
    """Return every submission's mean score on one line, dots that meet piled up, beside the reference."""
    first, unit = dots[0].comparison, metric(dots[0].comparison).unit
    guides = (first.bar, first.reference_mean, first.baseline_mean)
    bar, reference, baseline = (unit.value(guide) for guide in guides)
    scale = _scale(first, [*(dot.comparison.mean for dot in dots), *guides], room=0.04)
    piled = list(_piled(dots, scale))
    top, height = 4 * LABEL, DOT * (max(level for _, level in piled) + 1) + ROW
    bottom = top + max(height, ROW * 2)
    parts = [
        *_axis(scale, unit, top, bottom),
        *_upright(scale, first.baseline_mean, f"baseline {baseline}", "baseline", top, bottom),
        *_upright(scale, first.bar, f"bar {bar}", "bar", top - LABEL, bottom),
        *_upright(scale, first.reference_mean, f"reference {reference}", "reference", top - 2 * LABEL, bottom),
        *(_linked(dot, scale, bottom - DOT * (level + 0.7)) for dot, level in piled),
    ]
    words = f"Mean {metric(first).name} of {len(dots)} submissions beside the reference's {reference}"
    return chart(bottom + 22, words, parts, "cohort")


def _piled(dots: Sequence[Dot], scale: Scale) -> Iterator[tuple[Dot, int]]:
    """Yield each dot with its height in the pile of those at nearly the same place."""
    piles = [0] * (BINS + 1)
    for dot in sorted(dots, key=lambda d: d.comparison.mean):
        place = round(scale.place(dot.comparison.mean) * BINS)
        yield dot, piles[place]
        piles[place] += 1


def _linked(dot: Dot, scale: Scale, y: float) -> Markup:
    mean = dot.comparison.mean
    x, words = scale.place(mean), f"{dot.name}: {metric(dot.comparison).unit.value(mean)}, {dot.verdict}"
    draw = {Verdict.PASS: _dot, Verdict.FAIL: _cross, Verdict.REFER: _diamond}[dot.verdict]
    return element("a", draw(x, y, words, dot.verdict.lower()), href=dot.href, tabindex=-1)


# -- marks -------------------------------------------------------------------------------------------------


def _scale(comparison: Comparison, values: Sequence[float], room: float = 0.06) -> Scale:
    """Return a scale around the values. An error has no upper end; one far beyond the baseline's lies at the edge."""
    farthest = math.inf if comparison.higher_is_better else 1.5 * comparison.baseline_mean
    return fitting([min(value, farthest) for value in values], room)


def _axis(scale: Scale, unit: Unit, top: float, bottom: float) -> Iterator[Markup]:
    for value, words in unit.ticks(scale.ticks()):
        x = scale.place(value)
        yield line(x, top, x, bottom, "grid")
        yield label(x, bottom + 17, words)


def _upright(scale: Scale, value: float, words: str, name: str, top: float, bottom: float) -> Iterable[Markup]:
    """Return a line across the chart at a value, with words above it on the side where there is room."""
    x = scale.place(value)
    anchor, aside = ("end", 2) if x > 0.5 else ("start", -2)
    return line(x, top - 4, x, bottom, f"upright {name}"), label(x, top - 9, words, name, anchor, aside)


def _placed(x: float, y: float, words: str, class_: str, *shapes: Markup) -> Markup:
    """Return shapes around a point: a viewport of no size that lets them overflow, with words on hover."""
    place = element("svg", *shapes, x=along(x), y=f"{y:g}", width=1, height=1, class_="overflowing")
    return element("g", element("title", words), place, class_=f"mark {class_}")


def _dot(x: float, y: float, words: str, class_: str) -> Markup:
    return _placed(x, y, words, class_, element("circle", r=5))


def _diamond(x: float, y: float, words: str, class_: str) -> Markup:
    return _placed(x, y, words, class_, element("path", d="M0-6 6 0 0 6-6 0z"))


def _cross(x: float, y: float, words: str, class_: str) -> Markup:
    return _placed(x, y, words, class_, element("path", d="M-4-4 4 4M4-4-4 4"))


def _baseline(x: float, y: float, words: str, class_: str = "baseline") -> Markup:
    return _placed(x, y, words, class_, element("path", d="M0-7V7"))
