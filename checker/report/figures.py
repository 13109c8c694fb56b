"""Scores of one submission as inline SVG: seed by seed, and among traditional models."""

import math
from dataclasses import dataclass

from markupsafe import Markup

from checker.records.comparison import Comparison, SeedScore
from checker.report.marks import axis, diamond, dot, scale_around, tick, upright
from checker.report.sentences import metric
from checker.report.svg import Scale, chart, fitting, label, line
from checker.scoring.metrics import Unit

ROW = 26


# -- one submission, seed by seed --------------------------------------------------------------------------


def seeds_figure(comparison: Comparison) -> Markup:
    """Return a figure of the submission, the reference and the baseline for each seed, with the bar across."""
    shown, unit = comparison.scores, metric(comparison).unit
    values = (value for s in shown for value in (s.score, s.reference, s.baseline))
    scale = scale_around(comparison, [*values, comparison.bar, comparison.mean - comparison.spread])
    top, bottom = ROW * 0.8, ROW * (len(shown) + 2.2)
    parts = [
        *axis(scale, unit, top, bottom),
        *upright(scale, comparison.bar, f"bar {unit.value(comparison.bar)}", "bar", top, bottom),
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
        tick(scale.place(score.baseline), y, f"baseline {unit.value(score.baseline)}"),
        diamond(reference, y, f"reference {unit.value(score.reference)}", "reference"),
        dot(student, y, f"this submission {unit.value(score.score)}", "student"),
    ]


def _mean_row(scale: Scale, comparison: Comparison, y: float) -> list[Markup]:
    low, high = (scale.place(comparison.mean + sign * comparison.spread) for sign in (-1, 1))
    reference, baseline, unit = comparison.reference_mean, comparison.baseline_mean, metric(comparison).unit
    mean = unit.plus_minus(comparison.mean, comparison.spread)
    return [
        line(0, y - ROW * 0.6, 1, y - ROW * 0.6, "grid"),
        label(0, y + 4, "mean", "strong", anchor="end", dx=-12),
        line(low, y, high, y, "spread"),
        tick(scale.place(baseline), y, f"baseline {unit.value(baseline)}"),
        diamond(scale.place(reference), y, f"reference {unit.value(reference)}", "reference"),
        dot(scale.place(comparison.mean), y, f"this submission {mean}", "student"),
    ]


# -- among traditional models ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Model:
    """A row of the field: a model, its mean, and its mark."""

    name: str
    mean: float
    spread: float
    kind: str


def field_figure(comparison: Comparison) -> Markup:
    """Return a figure of the submission, the reference and traditional models, a row each, best first, and the bar."""
    unit, models = metric(comparison).unit, _field(comparison)
    worst = max(model.mean for model in models if model.kind != "student")
    farthest = math.inf if comparison.higher_is_better else 1.2 * worst
    ends = [model.mean + sign * model.spread for model in models for sign in (-1, 1)]
    scale = fitting([min(end, farthest) for end in ends], room=0.1)
    top, bottom = ROW * 0.8, ROW * (len(models) + 1)
    parts = [
        *axis(scale, unit, top, bottom),
        *upright(scale, comparison.bar, f"bar {unit.value(comparison.bar)}", "bar", top, bottom),
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
    draw = {"student": dot, "reference": diamond, "baseline": tick}[model.kind]
    weight = "strong" if model.kind == "student" else ""
    return [
        label(0, y + 4, model.name, weight, anchor="end", dx=-12),
        line(low, y, high, y, f"spread {model.kind}"),
        draw(place, y, f"{model.name} {unit.plus_minus(model.mean, model.spread)}", model.kind),
        label(1, y + 4, unit.value(model.mean), weight, anchor="start", dx=12),
    ]
