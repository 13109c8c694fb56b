"""A cohort in figures: the distribution of its scores, and the rules it failed.

Theory of operation: each submission is a block on its verdict's lane, and blocks of similar scores form a pile. All
lanes share one axis with the bar and the reference; traditional models stand below it. Blocks become flatter as the
tallest pile grows, so five hundred submissions need no more height than fifty. Lanes and names, not colour alone, tell
verdicts apart. Blocks link to pages. The table has the same links in order, so blocks are hidden from keyboards and
screen readers, which get the figure in words.
"""

import statistics
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from markupsafe import Markup

from checker.formats.text import counted
from checker.records.comparison import Baseline, Comparison
from checker.records.report import Report
from checker.records.verdicts import Importance, Outcome, Verdict
from checker.report.bars import Scored, usual
from checker.report.marks import axis, mark, scale_around
from checker.report.sentences import failed, metric
from checker.report.svg import Scale, along, chart, element, label, line
from checker.report.words import GUESSES, model_name
from checker.scoring.metrics import Unit

LABEL = 16
ROW = 20
BLOCK = 11
HIGHEST = 140
"""Height of the tallest pile in pixels; less if it holds only a few blocks."""
BINS = 64
ON_A_PHONE, LEFT, RIGHT, LETTER = 250, 78, 18, 6.7
"""Pixels on a phone: the width of the figure's scale, the room on its left and on its right, and a letter's width."""

LANES = (Verdict.PASS, Verdict.REFER, Verdict.FAIL)
ORDER = (Verdict.REFER, Verdict.FAIL, Verdict.PASS)
"""The index's order: submissions for a demonstrator to decide come first."""


# -- scores ------------------------------------------------------------------------------------------------


def cohort_figure(scored: Sequence[Scored], counts: Mapping[Verdict, int]) -> Markup:
    """Return a figure of all mean scores, with a lane for each verdict, above the traditional models. ``counts``: the
    number of submissions with each verdict, also of those without a score.

    The worst tenth may lie beyond the axis. These are drawn as arrows, piled up and counted at its edge.
    """
    first, scale = usual(one.comparison for one in scored), _scale(scored)
    unit = metric(first).unit
    piles = {verdict: _piled([one for one in scored if one.verdict is verdict], scale) for verdict in LANES}
    flat = min(BLOCK, HIGHEST / max(len(pile) for lane in piles.values() for pile in lane.values()))
    top = bottom = 5.0 * LABEL
    lanes: list[Markup] = []
    for verdict, lane in piles.items():
        if lane:
            is_of_more = sum(map(len, lane.values())) < counts[verdict]  # its name takes two lines
            bottom += LABEL * (1.5 if is_of_more else 1) + flat * max(max(map(len, lane.values())), LABEL / flat)
            lanes += _lane(verdict, counts[verdict], lane, scale, unit, flat, bottom)
    below = bottom + 1.5 * ROW  # lines end above the names of the models, so that they cross none
    beside = [one for one in first.baselines if one.name != first.baseline]  # that one is a guide
    rows = ((below + ROW * row, one) for row, one in enumerate(beside, 1))
    models = [part for y, one in rows for part in _model(one, scale, unit, y)]
    guided = [*axis(scale, unit, top, bottom), *_guides(first, scale, top, bottom)]
    drawn = element("g", *guided, *lanes, *models, aria_hidden="true")
    height = below + ROW * (len(beside) + 0.5)
    return chart(height, _in_words(scored), [drawn], "cohort", role="group")


def _scale(scored: Sequence[Scored]) -> Scale:
    """Return the figure's scale; it leaves out the worst tenth if these lie far from the others."""
    first = usual(one.comparison for one in scored)
    means = sorted((one.comparison.mean for one in scored), reverse=not first.higher_is_better)
    kept, guides = means[len(means) // 10 :], (first.bar, first.reference_mean, first.baseline_mean)
    return scale_around(first, [*kept, *guides], room=0.04)


def explained(scored: Sequence[Scored]) -> str:
    """Return sentences on the lines that a PASS must get past, and on the submissions that are drawn as arrows, since
    they lie beyond the scale; "" for no scores."""
    if not scored:
        return ""
    first, scale = usual(one.comparison for one in scored), _scale(scored)
    sides = [scale.side(one.comparison.mean) for one in scored]
    said = [f"A PASS must reach the bar, and do better than {model_name(first.baseline)}."]
    for side, arrow in ((-1, "◀"), (1, "▶")):
        if count := sides.count(side):
            said.append(f"{counted(count, 'submission')} {'lies' if count == 1 else 'lie'} beyond the scale ({arrow}).")
    return " ".join(said)


def has_guess(compared: Comparison) -> bool:
    """Tell whether a simple guess, such as always the mean, is among the traditional models."""
    return any(one.name in GUESSES for one in compared.baselines)


def without_score(reports: Sequence[Report], scored: Sequence[Scored]) -> str:
    """Return sentences on the submissions that have no score and so no block, by verdict."""
    counts, drawn = Counter(report.verdict for report in reports), Counter(one.verdict for one in scored)
    what = metric(reports[0]).name if reports else ""
    said = []
    for verdict in LANES:
        left = counts[verdict] - drawn[verdict]
        has = "has" if left == 1 else "have"
        if left and drawn[verdict]:
            others = "the other one" if left == 1 else f"the other {left}"
            said.append(f"{verdict}, {drawn[verdict]} of {counts[verdict]}: {others} {has} no {what}.")
        elif left:
            said.append(f"{counted(left, 'submission')} ({verdict}) {has} no {what}.")
    return " ".join(said)


def _piled(scored: Iterable[Scored], scale: Scale) -> dict[int, list[Scored]]:
    piles: dict[int, list[Scored]] = {}
    for one in sorted(scored, key=lambda one: one.comparison.mean):
        place = min(BINS - 1, int(scale.place(one.comparison.mean) * BINS))
        piles.setdefault(place, []).append(one)
    return piles


def _lane(
    verdict: Verdict, count: int, piles: dict[int, list[Scored]], scale: Scale, unit: Unit, flat: float, bottom: float
) -> Iterator[Markup]:
    """Yield a verdict's count and name beside the lane, its blocks, and the line they stand on."""
    drawn = sum(map(len, piles.values()))
    names = [f"{drawn} {verdict}"] if drawn == count else [verdict, f"{drawn} of {count}"]
    for row, name in enumerate(names):
        yield label(0, bottom - 2 - LABEL * row, name, f"lane {verdict.lower()}", "end", -10)
    for place, pile in piles.items():
        for level, one in enumerate(pile, start=1):
            yield _block(one, unit, place, bottom - flat * level, flat, scale.side(one.comparison.mean))
    yield line(0, bottom, 1, bottom, "ground")


def _block(one: Scored, unit: Unit, place: int, y: float, flat: float, side: int) -> Markup:
    """Return a submission's block, or an arrow for one on a ``side`` beyond the scale."""
    seeds = " (1 seed)" if len(one.comparison.scores) == 1 else ""
    said = [f"{one.name}: {unit.value(one.comparison.mean)}{seeds}", one.verdict, one.note]
    words = element("title", ", ".join(filter(None, said)))
    where = {"x": along((place + 0.06) / BINS), "width": along(0.88 / BINS)}
    where |= {"y": f"{y:.4g}", "height": f"{flat * 0.88:.3g}"}
    if side:  # as wide on a phone, where a block is narrower
        high = flat * 0.88
        arrow = element("path", d=f"M{-10 * side} 0 0 {high / 2:.3g} {-10 * side} {high:.3g}z")
        edge = {"x": along(side > 0), "y": where["y"], "width": 1, "height": 1}
        shape = element("svg", words, arrow, class_="overflowing", **edge)
    else:
        shape = element("rect", words, **where)
    return element("a", shape, href=one.href, tabindex=-1, class_="void" if one.note else one.verdict.lower())


def _guides(first: Comparison, scale: Scale, top: float, bottom: float) -> Iterator[Markup]:
    """Yield lines at the deciding traditional model, bar and reference, each with its name beside its upper end.

    If a line's name would cross other lines, the line is longer, so that the name stands above their ends.
    """
    unit = metric(first).unit
    names = {"baseline": model_name(first.baseline), "bar": "bar", "reference": "reference"}
    values = {"baseline": first.baseline_mean, "bar": first.bar, "reference": first.reference_mean}
    guides = sorted((scale.place(value), f"{names[kind]} {unit.value(value)}", kind) for kind, value in values.items())
    count = on_the_right([(x, len(words)) for x, words, _ in guides])
    for level, (x, words, kind) in enumerate([*guides[count:], *reversed(guides[:count])]):
        y = top - 9 - level * LABEL
        anchor, aside = ("start", 4) if (x, words, kind) in guides[:count] else ("end", -4)
        yield line(x, y - 10, x, bottom, f"upright {kind}")
        yield label(x, y, words, kind, anchor, aside)


def on_the_right(lines: Sequence[tuple[float, int]]) -> int:
    """Return the number of lines, from the left, with names on their right side: none or all if there is room, else
    those before the widest gap. ``lines``: the place of each, and the length of its name."""
    places = [place for place, _ in lines]
    if all(place * ON_A_PHONE + LEFT >= LETTER * length for place, length in lines):
        return 0
    if all((1 - place) * ON_A_PHONE + RIGHT >= LETTER * length for place, length in lines):
        return len(places)
    gaps = [after - before for before, after in pairwise(places)]
    return gaps.index(max(gaps)) + 1


def _model(model: Baseline, scale: Scale, unit: Unit, y: float) -> tuple[Markup, Markup]:
    """Return a traditional model's mark, which is an arrow if beyond the scale, and its name on the side with room."""
    x, words = scale.place(model.mean), f"{model_name(model.name)} {unit.value(model.mean)}"
    full = f"{words}, beyond the scale" if scale.side(model.mean) else words
    needed = LETTER * len(words) + 10
    fits = {"end": x * ON_A_PHONE + LEFT >= needed, "start": (1 - x) * ON_A_PHONE + RIGHT >= needed}
    anchor, other = ("end", "start") if x > 0.5 else ("start", "end")
    anchor = other if fits[other] and not fits[anchor] else anchor
    aside = -10 if anchor == "end" else 10
    return mark(scale, model.mean, y, full, "baseline"), label(x, y + 4, words, "", anchor, aside)


def _in_words(scored: Sequence[Scored]) -> str:
    first = usual(one.comparison for one in scored)
    measured = metric(first)
    value, middle = measured.unit.value, statistics.median
    counted_in = [one for one in scored if not one.note]
    lanes = ((verdict, [one.comparison.mean for one in counted_in if one.verdict is verdict]) for verdict in LANES)
    spread = "; ".join(
        f"{verdict} {len(means)}, from {value(min(means))} to {value(max(means))}, median {value(middle(means))}"
        for verdict, means in lanes
        if means
    )
    noted = Counter(one.note for one in scored if one.note)
    spread = "; ".join(filter(None, (spread, *(f"{count} {note}" for note, count in sorted(noted.items())))))
    beside = {"bar": first.bar, "reference": first.reference_mean, model_name(first.baseline): first.baseline_mean}
    beside |= {model_name(one.name): one.mean for one in first.baselines}
    others = ", ".join(f"{name} {value(mean)}" for name, mean in beside.items())
    return f"Mean {measured.name} of {counted(len(scored), 'submission')}: {spread}. Beside them: {others}"


# -- rules -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Stumble:
    """A failed rule by its short name: the number of submissions that failed it, and of those it was ``checked`` on."""

    name: str
    importance: Importance
    count: int
    checked: int


def stumbles(reports: Iterable[Report]) -> list[Stumble]:
    """Return the failed rules, required ones first, and of each kind the most often failed first; of equally many, the
    one with the largest share."""
    listed = list(reports)
    checked = Counter(rule for report in listed for rule in _of_outcome(report, Outcome.FAILED, Outcome.PASSED))
    counts = Counter(rule for report in listed for rule in _failed(report)).most_common()
    found = [Stumble(*rule, count, checked[rule]) for rule, count in counts]
    return sorted(found, key=lambda one: (one.importance is Importance.ADVISORY, -one.count, one.checked))


def without_a_rule(reports: Iterable[Report]) -> int:
    """Return the number of submissions that got a FAIL and failed no required rule."""
    return sum(report.verdict is Verdict.FAIL and not failed(report, Importance.REQUIRED) for report in reports)


def stumbled(report: Report, over: Sequence[Stumble]) -> list[int]:
    """Return the indices in ``over`` of the rules that a submission failed."""
    missed = _failed(report)
    return [at for at, one in enumerate(over) if (one.name, one.importance) in missed]


def _failed(report: Report) -> dict[tuple[str, Importance], None]:
    """Return the failed rules as an ordered set, in the report's order."""
    return _of_outcome(report, Outcome.FAILED)


def _of_outcome(report: Report, *outcomes: Outcome) -> dict[tuple[str, Importance], None]:
    found = (rule for rule in report.rules if rule.outcome in outcomes)
    return dict.fromkeys((rule.short_name, rule.importance) for rule in found)
