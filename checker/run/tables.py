"""Write the files that show all submissions of a results folder: the index, the tables, and the links between pages.

They hold every submission that is stored in the folder, not only those of the last command. A submission that this
command did not reach keeps its result in ``results.json``.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from checker.errors import EvidenceError, UsageError
from checker.formats import alphabet, files
from checker.gradebooks import decision_log, decisions, exchange
from checker.gradebooks.decisions import Decided
from checker.records.assignment import DatasetNote
from checker.records.codec import from_json
from checker.records.report import Report, UnderWay, Unfinished
from checker.records.settings import RunSettings
from checker.report import html, paths, rosters, tables
from checker.report.html import Entry
from checker.report.tables import Results
from checker.submissions import names

RESULTS = "results.json"
ROSTER = "index.json"
ALTERED = (
    "Its evidence is not as a batch left it here: it was changed or copied since. Run `checker batch` on the "
    "submission again."
)
OUTDATED = (
    "Its evidence is damaged, or was gathered on other data, with other seeds, caps or limits, or by another version "
    "of the checker: run `checker batch` on the submission again."
)


End = Report | Unfinished
"""A submission's result: judged, or not."""


@dataclass(frozen=True)
class Overview:
    """Results by the submission's slug, and the submissions that wait or run. ``is_stopped``: the command was
    interrupted, so they wait for another one."""

    results: Mapping[str, End]
    under_way: tuple[UnderWay, ...] = ()
    is_stopped: bool = False

    @property
    def reports(self) -> list[Report]:
        """The reports, sorted by name."""
        return [end for end in self._sorted() if isinstance(end, Report)]

    @property
    def unfinished(self) -> list[Unfinished]:
        """The submissions without a verdict, sorted by name."""
        return [end for end in self._sorted() if isinstance(end, Unfinished)]

    def _sorted(self) -> list[End]:
        return sorted(self.results.values(), key=lambda end: alphabet.place(name_of(end)))


def name_of(end: End) -> str:
    """Return the name of a result's submission."""
    return end.submission.name if isinstance(end, Report) else end.submission


def known(out: Path, settings: RunSettings) -> dict[str, End]:
    """Return the results of earlier commands by slug: reports whose page is still there, and submissions without a
    verdict.

    Reports on other data or of another assignment lose their verdict: they cannot stand in the same tables.
    """
    results = stored(out)
    if results is None:
        return {}
    unfinished = [one for one in results.unfinished if one.message not in (ALTERED, OUTDATED)]  # found anew, if true
    reports = [report for report in results.reports if (out / paths.page_of(report.submission)).is_file()]
    ends = [*unfinished, *(report if _fits(report, settings) else _outdated(report) for report in reports)]
    return {files.slug(name_of(end)): end for end in ends}


def _outdated(report: Report) -> Unfinished:
    return Unfinished(report.submission.name, OUTDATED, report.submission.identity)


def stored(out: Path) -> Results | None:
    """Return the content of the table of results; None if there is none that this version can read."""
    path = out / RESULTS
    try:
        return from_json(Results, path.read_bytes()) if path.is_file() else None
    except EvidenceError:
        return None


def _fits(report: Report, settings: RunSettings) -> bool:
    assignment = settings.assignment
    ours = (assignment.id, assignment.bar.metric, settings.dataset.note.sha256)
    return (report.assignment, report.metric, report.dataset.sha256) == ours


def write(overview: Overview, title: str, note: DatasetNote, out: Path) -> tuple[str, ...]:
    """Write the index, the tables for other programs, the links between pages, and the table of decisions for
    demonstrators to fill in. Return sentences about decisions.

    Raises UsageError, after all else is written, if the existing table of decisions is no longer valid.
    """
    reports, unfinished = overview.reports, overview.unfinished
    write_index(overview, title, note, out)
    files.write(out / RESULTS, tables.results_pieces(reports, unfinished, note))
    files.write(out / "results.csv", tables.results_csv(reports))
    files.write(out / "junit.xml", tables.junit_xml(reports, unfinished))
    _link(html.in_order(_entries(overview, out)), out)
    return bring_decisions_together(out, overview.results.values())


def bring_decisions_together(out: Path, ends: Iterable[End]) -> tuple[str, ...]:
    """Give each student a row in the table of decisions. If the desk has a store of decisions, exchange decisions with
    it, and return sentences about them.

    Raises UsageError if the existing table or the store is not valid.
    """
    students = files_of(ends)
    if decision_log.exists(out):
        with exchange.opened(out) as log:
            return exchange.exchange(log, students).lines
    _extend_decisions(out / decisions.FILE, tuple(students))
    return ()


def files_of(ends: Iterable[End]) -> dict[str, str]:
    """Return the hash of each student's file, "" if there is no result or no file, sorted by the names in the table of
    decisions."""
    hashes = ((name_of(end), end.submission.sha256 if isinstance(end, Report) else "") for end in ends)
    return dict(sorted((names.student(name), sha256) for name, sha256 in hashes))


def write_index(overview: Overview, title: str, note: DatasetNote, out: Path) -> None:
    """Write the index, as a page and for other programs. ``title``: the assignment's."""
    page = html.index_pieces(
        title, _entries(overview, out), overview.unfinished, note, overview.under_way, overview.is_stopped
    )
    files.write(out / "index.html", page)
    ends = overview.results.values()
    files.write(out / ROSTER, rosters.roster_json(title, ends, note, overview.under_way, overview.is_stopped))


def _entries(overview: Overview, out: Path) -> list[Entry]:
    decided = _decided(out)
    found = [(report, decided.get(names.student(report.submission.name))) for report in overview.reports]
    return [Entry(report, paths.page_of(report.submission), str((one and one.decision) or "")) for report, one in found]


def _decided(out: Path) -> dict[str, Decided]:
    """Return each student's decision; no decisions if the table is invalid. ``write`` reports that at the end."""
    path = out / decisions.FILE
    try:
        if decision_log.exists(out):
            with exchange.opened(out) as log:
                return exchange.decided(log)
        return decisions.read(path.read_bytes()) if path.is_file() else {}
    except UsageError:
        return {}


def _link(entries: Sequence[Entry], out: Path) -> None:
    """Link each page to its neighbours in the index. Pages that already have these links stay unchanged."""
    for entry, neighbours in zip(entries, html.neighbours(entries, "../"), strict=True):
        path = out / entry.href
        before = path.read_text(encoding="utf-8")
        if (after := html.with_neighbours(before, neighbours)) != before:
            files.write(path, after)


def _extend_decisions(path: Path, students: Sequence[str]) -> None:
    """Give each student a row to fill in; existing rows stay unchanged."""
    before = path.read_bytes() if path.exists() else b""
    if (after := decisions.extended(before, students)) != before:
        files.write(path, after)
