"""Removes everything that an output folder holds of one submission, on its author's request.

Theory of operation: first everything to remove is listed, so that a person can confirm it. Then decisions are removed,
then files. Last, the tables are written anew without the submission, so an interrupted removal can be repeated.
"""

import difflib
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from checker.errors import HarnessError, UsageError
from checker.formats import files
from checker.formats.text import counted, one_line
from checker.gradebooks import decision_log, decisions, exchange
from checker.gradebooks.decision_log import DecisionLog
from checker.records.decisions import Erased
from checker.report.tables import Results
from checker.run import answers, batch, earlier, remembered, store, tables
from checker.run.tables import End, Overview, name_of
from checker.submissions import extensions, names

FOLDERS = (batch.EVIDENCE, earlier.FOLDER, "tensorboard")
FILES = ("reports/{}.html", "reports/{}.json", "students/{}.html", "reproduce/{}.py", "reproduce/{}.npz")
MOST_NAMES = 5


@dataclass(frozen=True)
class Person:
    """The stored data of a submission. ``student``: its name in tables of decisions. ``uploaded``: the path of the
    checked file, "" if unknown. ``has_choice``: somebody made one of its networks the answer."""

    name: str
    student: str
    paths: tuple[Path, ...]
    entries: Erased
    has_row: bool
    has_choice: bool
    uploaded: str

    @property
    def lines(self) -> tuple[str, ...]:
        """The items stored, a line for each."""
        shown = [f"{path}{_contents(path)}" for path in self.paths]
        counts = (
            (self.entries.decisions, "decision"),
            (self.entries.answers, "answer"),
            (self.entries.trials, "what-if"),
        )
        kept = [counted(count, word) for count, word in counts if count]
        shown += [f"{', '.join(kept)} in {decision_log.FILE}"] if kept else []
        shown += [f"the row in {decisions.FILE}"] if self.has_row else []
        shown += [f"the choice of its answer in {answers.FILE}"] if self.has_choice else []
        return (*shown, "the rows in results.json, results.csv, junit.xml and the index")


def _contents(path: Path) -> str:
    return f" ({counted(sum(one.is_file() for one in path.rglob('*')), 'file')})" if path.is_dir() else ""


def find(out: Path, asked: str) -> Person:
    """Return the stored data of a submission, by its exact name or its name in tables of decisions.

    Raises UsageError if there is none of this name, or if the tables cannot be read.
    """
    results = _results(out)
    ends: list[End] = [*results.reports, *results.unfinished]
    known = {*map(name_of, ends), *(one.name for one in store.submissions(out / batch.EVIDENCE))}
    with_decisions = _with_decisions(out)
    found = [name for name in known if name == asked] or [name for name in known if names.student(name) == asked]
    if not found and asked in with_decisions:
        found = [asked]
    if not found:
        raise UsageError(
            f"There is no submission {one_line(asked)} in {out}.", _alike(asked, {*known, *with_decisions})
        )
    student = names.student(found[0])
    if sharing := sorted(name for name in known if names.student(name) == student and name != found[0]):
        raise UsageError(
            f"{one_line(found[0])} and {one_line(sharing[0])} have the same name in {decisions.FILE}, {student}.",
            "Remove their files and rows yourself.",
        )
    uploaded = next((one.submission.path for one in results.reports if one.submission.name == found[0]), "")
    entries, has_row = with_decisions.get(student, (Erased(), False))
    has_choice = files.slug(found[0]) in answers.choices(out)
    return Person(found[0], student, _paths(out, found[0]), entries, has_row, has_choice, uploaded)


def _results(out: Path) -> Results:
    if not (out / tables.RESULTS).is_file():
        raise UsageError(f"There are no results in {out}.", "Name the folder that `checker batch --out` wrote.")
    if (results := tables.stored(out)) is None:
        raise UsageError(
            f"{out / tables.RESULTS} cannot be read: it is damaged, or of another version of the checker.",
            f"Type: checker judge {out}",
        )
    return results


def _with_decisions(out: Path) -> dict[str, tuple[Erased, bool]]:
    """Return each student's number of entries in the store, and whether the table has a row for them."""
    counts = {}
    if decision_log.exists(out):
        with DecisionLog.open(out) as log:
            counts = log.counts()
    path = out / decisions.FILE
    rows = decisions.read(files.content(path)) if path.is_file() else {}
    return {student: (counts.get(student, Erased()), student in rows) for student in {*counts, *rows}}


def _alike(asked: str, known: Iterable[str]) -> str:
    alike = difflib.get_close_matches(asked, sorted(known), MOST_NAMES)
    shown = ", ".join(one_line(name, 60) for name in alike)
    return f"Did you mean {shown}?" if alike else "Names are exact: capitals and accents count."


def _paths(out: Path, name: str) -> tuple[Path, ...]:
    slug = files.slug(name)
    places = [*(out / folder / slug for folder in FOLDERS), *(out / one.format(slug) for one in FILES)]
    return tuple(path for path in places if path.exists() or path.is_symlink())


def erase(out: Path, person: Person) -> None:
    """Remove everything that ``find`` returned. The caller holds the folder's lock.

    Raises UsageError or HarnessError, with what to do, if something cannot be removed.
    """
    exchange.erase(out, person.student)
    files.clear(out)
    for path in person.paths:
        _remove(path)
    store.forget(out / batch.EVIDENCE, person.name)
    if person.has_choice:
        answers.store_choice(out, files.slug(person.name), None)
    results = _results(out)
    ends: list[End] = [*results.reports, *results.unfinished]
    left = {files.slug(name_of(end)): end for end in ends if name_of(end) != person.name}
    title = next((report.title for report in results.reports), "Submissions")
    tables.write(Overview(left), title, results.dataset, out)


def _remove(path: Path) -> None:
    try:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise HarnessError(
            f"{error.filename or path} could not be removed: {error.strerror}.",
            "Close programs that have it open, and do the same again.",
        ) from error


def not_reached(out: Path, person: Person) -> tuple[str, ...]:
    """Return the places that may still hold something of the person, a line for each."""
    told = [f"the uploaded file: {one_line(person.uploaded)}" if person.uploaded else "the uploaded file"]
    for name in (extensions.FILE, remembered.FILE):
        path = out / name
        if path.is_file() and any(word in path.read_text("utf-8", "replace") for word in {person.name, person.student}):
            told.append(f"{path}, which holds the name")
    return (
        *told,
        f"worksheets and zips that `checker export` wrote, and a {decisions.FILE} that is open in a spreadsheet",
        "copies and backups of this folder",
    )
