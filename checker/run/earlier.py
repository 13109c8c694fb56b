"""Reports on earlier files of students who handed in another file after a decision.

::

    OUT/earlier/<slug>/<number>.json     the report
    OUT/earlier/<slug>/<number>.html     its page for demonstrators

A batch keeps them before it runs the new file. Only the newest few stay. Without the desk's store of decisions nothing
is kept, because only the desk shows them.
"""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from checker.errors import EvidenceError, UsageError
from checker.formats import files
from checker.gradebooks import decision_log, exchange
from checker.records.codec import from_json, to_json
from checker.records.report import Report
from checker.records.submission import Submission
from checker.report import html, paths
from checker.run import tables
from checker.run.tables import End
from checker.submissions import names

FOLDER = "earlier"
MOST = 5
"""Maximum number of earlier reports of a student."""


@dataclass(frozen=True)
class Earlier:
    """An earlier report. ``page``: its page's path relative to the output folder, "" if there is none."""

    number: int
    report: Report
    page: str


def keep(out: Path, known: Mapping[str, End], submissions: Sequence[Submission]) -> tuple[str, ...]:
    """Keep the report of each student with a decision who has handed in another file. Return sentences about decisions.

    ``known``: the present results by slug. Raises UsageError if the store of decisions cannot be read.
    """
    if not decision_log.exists(out):
        return ()
    told: tuple[str, ...] = ()
    with exchange.opened(out) as log:
        with contextlib.suppress(UsageError):  # an invalid table is reported at the end of the batch
            told = exchange.exchange(log, tables.files_of(known.values())).lines
        decided = log.newest()
    for submission in submissions:
        if names.student(submission.name) in decided:
            before = _present(out, submission) or known.get(files.slug(submission.name))
            if isinstance(before, Report) and _is_other(before, submission):
                _set_aside(out, before)
    return told


def _present(out: Path, submission: Submission) -> Report | None:
    """Return the report that a submission's page shows. It may be newer than the tables."""
    with contextlib.suppress(EvidenceError, OSError):
        return from_json(Report, (out / paths.record_of(submission)).read_bytes())
    return None


def _is_other(before: Report, submission: Submission) -> bool:
    """Tell whether a report is on none of the files that may be checked now."""
    return before.submission.sha256 not in {one.sha256 for one in (submission, *submission.others)}


def _set_aside(out: Path, report: Report) -> None:
    already = of(out, report.submission.name)
    if already and already[-1].report.submission.sha256 == report.submission.sha256:
        return  # it was kept by a batch that was killed before it ended
    number = already[-1].number + 1 if already else 1
    place = out / FOLDER / files.slug(report.submission.name)
    page = out / paths.page_of(report.submission)
    if page.is_file():
        files.write(place / f"{number}.html", html.as_earlier(page.read_text(encoding="utf-8")))
    files.write(place / f"{number}.json", to_json(report))
    for one in already[: max(0, len(already) + 1 - MOST)]:
        for ending in ("json", "html"):
            (place / f"{one.number}.{ending}").unlink(missing_ok=True)


def of(out: Path, name: str) -> tuple[Earlier, ...]:
    """Return the reports on earlier files of a student, in order; without those that this version cannot read."""
    slug, found = files.slug(name), []
    for path in (out / FOLDER / slug).glob("*.json"):
        with contextlib.suppress(EvidenceError, OSError, ValueError):
            page = path.with_suffix(".html")
            shown = f"{FOLDER}/{slug}/{page.name}" if page.is_file() else ""
            found.append(Earlier(int(path.stem), from_json(Report, path.read_bytes()), shown))
    return tuple(sorted(found, key=lambda one: one.number))
