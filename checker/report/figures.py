"""Scores of a submission as inline SVG: seed by seed, and among traditional models."""

import math
from dataclasses import dataclass

from markupsafe import Markup

from checker.formats.text import counted
from checker.records.comparison import Comparison, SeedScore
from checker.report.marks import BEYOND, axis, beside_arrow, beyond, mark, scale_around, upright
from checker.report.sentences import metric, with_spread
from checker.report.svg import Scale, chart, fitting, label, line
from checker.report.words import model_name

ROW = 26
MARK = 0.03
"""The width of a submission's mark, as a share of a narrow chart's."""


# -- one submission, seed by seed --------------------------------------------------------------------------


def seeds_figure(comparison: Comparison) -> Markup:
    """Return a figure of the submission, the reference and the baseline for each seed and for the mean of several, with
    the bar across. A score far beyond the baseline's is an arrow at the edge, with its value."""
    shown, unit = comparison.scores, metric(comparison).unit
    values, scale = _seed_values(comparison), _seed_scale(comparison)
    has_mean = len(shown) > 1
    top, bottom = ROW * 0.8, ROW * (len(shown) + (2.2 if has_mean else 1))
    parts = [
        *axis(scale, unit, top, bottom),
        *upright(scale, comparison.bar, f"bar {unit.value(comparison.bar)}", "bar", top, bottom),
        *(part for row, s in enumerate(shown, 1) for part in _seed_row(scale, comparison, s, ROW * (row + 0.4))),
        *(_mean_row(scale, comparison, ROW * (len(shown) + 1.6)) if has_mean else ()),
        *beyond(scale, values, bottom),
    ]
    height = bottom + 22 + (BEYOND if any(map(scale.side, values)) else 0)
    return chart(height, _seeds_in_words(comparison), parts, "seeds")


def shows_spread(comparison: Comparison) -> bool:
    """Tell whether the spread over the seeds is within the scale, and wide enough to be seen beside the mean's mark."""
    scale = _seed_scale(comparison)
    low, high = (scale.place(comparison.mean + sign * comparison.spread) for sign in (-1, 1))
    return len(comparison.scores) > 1 and high - low > MARK


def is_beyond(comparison: Comparison) -> bool:
    """Tell whether all of the submission's scores lie beyond the scale, where each is drawn as an arrow."""
    scale = _seed_scale(comparison)
    return all(scale.side(value) for value in (comparison.mean, *(s.score for s in comparison.scores)))


def _seed_values(comparison: Comparison) -> list[float]:
    return [value for s in comparison.scores for value in (s.score, s.reference, s.baseline)]


def _seed_scale(comparison: Comparison) -> Scale:
    return scale_around(comparison, [*_seed_values(comparison), comparison.bar, comparison.mean - comparison.spread])


def _seeds_in_words(comparison: Comparison) -> str:
    unit = metric(comparison).unit
    own = with_spread(comparison, comparison.mean, comparison.spread)
    reference = with_spread(comparison, comparison.reference_mean, comparison.reference_spread)
    return (
        f"{metric(comparison).name} over {counted(len(comparison.scores), 'seed')}: this submission {own}, "
        f"the reference {reference}, bar {unit.value(comparison.bar)}, {comparison.baseline} "
        f"{unit.value(comparison.baseline_mean)}"
    )


def _seed_row(scale: Scale, comparison: Comparison, score: SeedScore, y: float) -> list[Markup]:
    unit = metric(comparison).unit
    return [
        label(0, y + 4, f"seed {score.seed}", anchor="end", dx=-12),
        line(scale.place(score.score), y, scale.place(score.reference), y, "between"),
        mark(scale, score.baseline, y, f"{comparison.baseline} {unit.value(score.baseline)}", "baseline"),
        mark(scale, score.reference, y, f"reference {unit.value(score.reference)}", "reference"),
        mark(scale, score.score, y, f"this submission {unit.value(score.score)}", "student"),
        *beside_arrow(scale, score.score, y, unit),
    ]


def _mean_row(scale: Scale, comparison: Comparison, y: float) -> list[Markup]:
    low, high = (scale.place(comparison.mean + sign * comparison.spread) for sign in (-1, 1))
    reference, baseline, unit = comparison.reference_mean, comparison.baseline_mean, metric(comparison).unit
    mean = unit.plus_minus(comparison.mean, comparison.spread)
    return [
        line(0, y - ROW * 0.6, 1, y - ROW * 0.6, "grid"),
        label(0, y + 4, "mean", "strong", anchor="end", dx=-12),
        line(low, y, high, y, "spread"),
        mark(scale, baseline, y, f"{comparison.baseline} {unit.value(baseline)}", "baseline"),
        mark(scale, reference, y, f"reference {unit.value(reference)}", "reference"),
        mark(scale, comparison.mean, y, f"this submission {mean}", "student"),
        *beside_arrow(scale, comparison.mean, y, unit),
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
        *(part for row, one in enumerate(models, 1) for part in _model_row(scale, comparison, one, ROW * (row + 0.4))),
        *beyond(scale, [model.mean for model in models], bottom),
    ]
    means = ", ".join(f"{model.name} {unit.value(model.mean)}" for model in models)
    height = bottom + 22 + (BEYOND if any(scale.side(model.mean) for model in models) else 0)
    return chart(height, f"Mean {metric(comparison).name}, the best first: {means}", parts, "field")


def _field(comparison: Comparison) -> list[Model]:
    """Return all models, the best first."""
    models = [
        Model("this submission", comparison.mean, comparison.spread, "student"),
        Model("reference", comparison.reference_mean, comparison.reference_spread, "reference"),
        *(Model(model_name(one.name), one.mean, one.spread, "baseline") for one in comparison.baselines),
    ]
    return sorted(models, key=lambda model: model.mean, reverse=comparison.higher_is_better)


def _model_row(scale: Scale, comparison: Comparison, model: Model, y: float) -> list[Markup]:
    said = f"{model.name} {with_spread(comparison, model.mean, model.spread)}"
    low, high = (scale.place(model.mean + sign * model.spread) for sign in (-1, 1))
    weight = "strong" if model.kind == "student" else ""
    return [
        label(0, y + 4, model.name, weight, anchor="end", dx=-12),
        line(low, y, high, y, f"spread {model.kind}"),
        mark(scale, model.mean, y, said, model.kind),
        label(1, y + 4, metric(comparison).unit.value(model.mean), weight, anchor="start", dx=12),
    ]
