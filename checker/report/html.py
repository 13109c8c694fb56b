"""A report as a page, and a cohort as an index of pages: self-contained HTML that loads nothing."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from checker.formats import alphabet
from checker.formats.text import one_line
from checker.records.assignment import DatasetNote
from checker.records.decisions import Choice
from checker.records.report import Report, UnderWay, Unfinished
from checker.report import choices, cohort
from checker.report.bars import Scored, own_bars, usual_bar
from checker.report.brief import in_brief
from checker.report.cells import Group, excerpt, groups
from checker.report.curves import curves
from checker.report.drawing import network
from checker.report.editions import for_students
from checker.report.figures import field_figure, seeds_figure
from checker.report.leads import (
    advice_on_parts,
    introduced,
    lead_of,
    on_parts,
    other_failed_rules,
    other_failures,
    other_reasons,
)
from checker.report.scatter import predicted_against_true, residuals
from checker.report.sentences import VOID, advice, metric, score_note
from checker.report.templating import NAME, environment, relative
from checker.scoring.metrics import METRICS

T = TypeVar("T")

LINKS = ("<!-- neighbours -->", "<!-- end of neighbours -->")
DECISION = ("<!-- decision -->", "<!-- end of decision -->")
"""Marks around the links to a page's neighbours, and around the decision. Both are known only when all pages are
written. Text from students cannot hold these marks, because it is escaped."""
OTHERS = re.compile(r'<a href="\./\.\./students/[^\n]*\n|<p class="script">[^\n]*\n')
"""Lines of a page with links to the student's edition and to the retraining script."""
HEAVIEST = 1_500_000
"""Maximum number of bytes of a report's page; the student's cells get the bytes that the rest of the page leaves."""


@dataclass(frozen=True)
class Entry:
    """A report in the index. ``href``: its page's path relative to the index, not quoted. ``decision``: the
    demonstrator's entry in the table of decisions, "" for none yet."""

    report: Report
    href: str
    decision: str = ""

    @property
    def is_decided(self) -> bool:
        """Whether the decision is a tick or a resubmission; absence and second opinion decide nothing."""
        return self.decision in (Choice.TICK, Choice.RESUBMIT)


@dataclass(frozen=True)
class Neighbours:
    """A page's place in the index, counted from 1, and the paths of the pages before and after it, relative to the page
    and not quoted; "" for none. ``decision``: the demonstrator's decision; ``choices``: the decisions to choose from;
    ``rows``: the same as rows of the table of decisions."""

    place: int
    of: int
    previous: str = ""
    next: str = ""
    decision: str = ""
    rows: str = ""
    choices: tuple[str, ...] = ()


# -- one report --------------------------------------------------------------------------------------------


def render_page(report: Report, index_href: str = "", student_href: str = "", script_href: str = "") -> str:
    """Return a report's page for demonstrators, without links to its neighbours for now. The paths of the index, of the
    student's edition and of the retraining script are relative to the page and not quoted; "" for none."""
    links = {"index_href": index_href, "student_href": student_href, "script_href": script_href}
    return _render(report, links | {"is_for_students": False, "is_self_check": False})


def render_student_page(report: Report, is_self_check: bool = False) -> str:
    """Return a report's page for the student who submitted it, without links or confidential data. A self-check's page
    explains its verdict."""
    links = {"index_href": "", "student_href": "", "script_href": ""}
    return _render(for_students(report), links | {"is_for_students": True, "is_self_check": is_self_check})


def with_neighbours(page: str, neighbours: Neighbours) -> str:
    """Return a page for demonstrators with new links to its neighbours and a new decision."""
    for marks, name in ((LINKS, "neighbours"), (DECISION, "decision")):
        page = _between(page, marks, environment().get_template(f"report/{name}.html").render(neighbours=neighbours))
    return page


def _between(page: str, marks: tuple[str, str], content: str) -> str:
    """Return a page with this content between two marks, if it has the marks."""
    before, start, rest = page.partition(marks[0])
    _, end, after = rest.partition(marks[1])
    return f"{before}{start}{content}{end}{after}" if end else page


def as_earlier(page: str) -> str:
    """Turn a page for demonstrators into one on an earlier file, two folders below the index: it has a note about that,
    and no links to pages on the newer file."""
    page, note = OTHERS.sub("", page), '<p class="banner" role="note">On an earlier file of this submission.</p>'
    page = _between(_between(page, LINKS, ""), DECISION, "").replace('href="./../', 'href="./../../')
    return page.replace("</a>\n", f"</a>\n{note}\n", 1)  # below the link that skips to the content


def _render(report: Report, edition: dict[str, Any]) -> str:
    template = environment().get_template("report.html")
    rest = around_cells(report, edition)
    weight = HEAVIEST - len(template.render(rest, groups=[]).encode())
    return template.render(rest, groups=cells_of(report, weight))


def cells_of(report: Report, weight: int) -> list[Group]:
    """Return the student's cells for a page, as far as ``weight`` bytes allow."""
    return groups(report.cells, {failure.cell for failure in report.failures}, weight)


def around_cells(report: Report, edition: dict[str, Any]) -> dict[str, Any]:
    """Return the template variables of a report's sections, apart from the cells. ``edition``: further names,
    ``is_for_students`` among them."""
    lead = lead_of(report, edition["is_for_students"])
    rest = _figures(report) | edition
    reasons = other_reasons(report, lead)
    rest |= {"lead": lead, "reasons": reasons, "alone": introduced(report, lead, *reasons) if len(reasons) == 1 else ""}
    parts = advice_on_parts(report, lead)
    rest |= {"parts": on_parts(parts, report), "advised": advice(report, {lead.rule, *(rule.name for rule in parts)})}
    rest |= {"stopped": other_failures(report, lead), "others": other_failed_rules(report, lead)}
    sources = [(cell, excerpt(report.cells, cell, line)) for cell, line in ((lead.cell, lead.line), (lead.beside, ""))]
    return rest | {"sources": [(cell, source) for cell, source in sources if source]}


def _figures(report: Report) -> dict[str, Any]:
    sample, unit = report.comparison.sample if report.comparison else (), metric(report).unit
    return {
        "report": report,
        "metric": metric(report),
        "dataset": report.dataset,
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
    """Return the submission's and the reference's object, with their names; never the reference's alone.

    A student without a network does not see the solution.
    """
    pair = (("This submission", own), ("Reference", reference)) if own else ()
    return [(name, thing) for name, thing in pair if thing]


# -- many reports ------------------------------------------------------------------------------------------


def in_order(entries: Iterable[Entry]) -> list[Entry]:
    """Return entries in the index's order: REFER, FAIL, PASS; in each the undecided first; then by name."""
    return sorted(entries, key=lambda entry: (*_urgency(entry), alphabet.place(entry.report.submission.name)))


def _urgency(entry: Entry) -> tuple[int, bool]:
    return cohort.ORDER.index(entry.report.verdict), entry.is_decided


def neighbours(entries: Sequence[Entry], base: str) -> list[Neighbours]:
    """Return the neighbours of each entry's page. ``base``: the path from a page to the index's folder."""
    hrefs = ["", *(f"{base}{entry.href}" for entry in entries), ""]
    return [
        Neighbours(
            at,
            len(entries),
            hrefs[at - 1],
            hrefs[at + 1],
            entry.decision,
            choices.rows(entry.report),
            choices.choices(entry.report),
        )
        for at, entry in enumerate(entries, start=1)
    ]


def render_index(
    title: str,
    entries: Sequence[Entry],
    unfinished: Sequence[Unfinished],
    dataset: DatasetNote,
    under_way: Sequence[UnderWay] = (),
    is_stopped: bool = False,
) -> str:
    """Return the index of all reports' pages as one text."""
    return "".join(index_pieces(title, entries, unfinished, dataset, under_way, is_stopped))


def index_pieces(
    title: str,
    entries: Sequence[Entry],
    unfinished: Sequence[Unfinished],
    dataset: DatasetNote,
    under_way: Sequence[UnderWay],
    is_stopped: bool,
) -> Iterator[str]:
    """Yield the index of all reports' pages in pieces. It reloads itself while submissions are under way; if the
    command ``is_stopped``, they wait for another one."""
    ordered = in_order(entries)
    reports = [entry.report for entry in ordered]
    scored = [one for entry in ordered if (one := _scored(entry))]
    over = cohort.stumbles(reports)
    return (
        environment()
        .get_template("index.html")
        .generate(
            title=title,
            metric=metric(reports[0]) if reports else METRICS["accuracy"],
            entries=[(entry, in_brief(entry.report), cohort.stumbled(entry.report, over)) for entry in ordered],
            unfinished=unfinished,
            running=[one for one in under_way if one.stage and not is_stopped],
            waiting=[one for one in under_way if not one.stage or is_stopped],
            is_live=bool(under_way) and not is_stopped,
            dataset=dataset,
            counts=[(verdict, sum(report.verdict is verdict for report in reports)) for verdict in cohort.ORDER],
            words=Counter(entry.decision for entry in ordered if entry.decision),
            decided=sum(entry.is_decided for entry in ordered),
            figure=cohort.cohort_figure(scored, Counter(report.verdict for report in reports)) if scored else None,
            own_bars=own_bars(scored),
            usual=usual_bar(scored),
            guesses=any(cohort.has_guess(one.comparison) for one in scored),
            notes=sorted({one.note for one in scored if one.note}),
            void=VOID,
            explained=cohort.explained(scored),
            without_score=cohort.without_score(reports, scored),
            stumbles=over,
            unlike=next((one for one in over if one.checked < len(reports)), None),
            without_rule=cohort.without_a_rule(reports),
        )
    )


def _scored(entry: Entry) -> Scored | None:
    report = entry.report
    if not report.comparison:
        return None
    name = one_line(report.submission.name, NAME)
    return Scored(name, relative(entry.href), report.verdict, report.comparison, score_note(report))
