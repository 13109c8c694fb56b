"""A report as a page, and a cohort as an index of pages: self-contained HTML that loads nothing."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from checker.metrics import METRICS
from checker.records import DatasetNote, Importance, Report, Unfinished, Verdict
from checker.rendering.cells import groups
from checker.rendering.curves import curves
from checker.rendering.drawing import network
from checker.rendering.figures import Dot, cohort_figure, field_figure, seeds_figure
from checker.rendering.scatter import predicted_against_true, residuals
from checker.rendering.templating import NAME, environment, relative
from checker.rendering.text import one_line
from checker.rendering.words import failed, metric

T = TypeVar("T")

HEAVIEST = 1_500_000
"""Bytes of a report's page; the student's cells get what the rest of the page leaves of them."""
_TO_INDEX = re.compile(r'(?<=<header class="top">\n)<a href="[^"]*">[^<]*</a>\n')


@dataclass(frozen=True)
class Entry:
    """A report in the index. ``href``: its page's path as seen from the index, not quoted."""

    report: Report
    href: str


# -- one report --------------------------------------------------------------------------------------------


def render_page(report: Report, index_href: str = "") -> str:
    """Return a report's page; ``index_href`` is the index's path as seen from it, not quoted, or "" for none."""
    template = environment().get_template("report.html")
    rest = _around_cells(report, index_href)
    weight = HEAVIEST - len(template.render(rest, groups=[]).encode())
    blamed = {failure.cell for failure in report.failures}
    return template.render(rest, groups=groups(report.cells, blamed, weight))


def by_itself(page: str) -> str:
    """Return a report's page without its link to the index, for whoever gets the page alone."""
    return _TO_INDEX.sub("", page, count=1)


def _around_cells(report: Report, index_href: str) -> dict[str, Any]:
    sample, unit = report.comparison.sample if report.comparison else (), metric(report).unit
    return {
        "report": report,
        "metric": metric(report),
        "dataset": report.dataset,
        "index_href": index_href,
        "seeds": seeds_figure(report.comparison) if report.comparison else None,
        "field": field_figure(report.comparison) if report.comparison and report.comparison.baselines else None,
        "scatter": (predicted_against_true(sample, unit), residuals(sample, unit)) if sample else (),
        "curves": curves(report.runs),
        "networks": _networks(report),
        "recipes": _beside(report.recipe, report.reference_recipe),
        "cell_indices": {shown.cell.index for shown in report.cells},
    }


def _networks(report: Report) -> list[dict[str, Any]]:
    own = report.answer.architecture if report.answer else None
    return [
        {"name": name, "drawing": network(architecture, name), "parameters": architecture.parameters}
        for name, architecture in _beside(own, report.reference_architecture)
    ]


def _beside(own: T | None, reference: T | None) -> list[tuple[str, T]]:
    """Return the submission's and the reference's, with their names; the reference's never alone.

    Whoever has not come to a network of their own is not shown the solution.
    """
    pair = (("This submission", own), ("Reference", reference)) if own else ()
    return [(name, thing) for name, thing in pair if thing]


# -- many reports ------------------------------------------------------------------------------------------


def render_index(title: str, entries: Sequence[Entry], unfinished: Sequence[Unfinished], dataset: DatasetNote) -> str:
    """Return the index of many reports' pages."""
    dots = [dot for entry in entries if (dot := _dot(entry))]
    reports = [entry.report for entry in entries]
    template = environment().get_template("index.html")
    return template.render(
        title=title,
        metric=metric(reports[0]) if reports else METRICS["accuracy"],
        entries=entries,
        unfinished=unfinished,
        dataset=dataset,
        counts=[(verdict, sum(report.verdict is verdict for report in reports)) for verdict in Verdict],
        cohort=cohort_figure(dots) if dots else None,
        stumbles=_stumbles(reports),
    )


def _dot(entry: Entry) -> Dot | None:
    report = entry.report
    if not report.comparison:
        return None
    name = one_line(report.submission.name, NAME)
    return Dot(name, relative(entry.href), report.verdict, report.comparison)


def _stumbles(reports: Iterable[Report]) -> list[tuple[str, Importance, int]]:
    """Return the rules that failed most often, with how often they did."""
    found = (rule for report in reports for importance in Importance for rule in failed(report, importance))
    counts = Counter((rule.sentence, rule.importance) for rule in found)
    return [(sentence, importance, count) for (sentence, importance), count in counts.most_common(8)]
