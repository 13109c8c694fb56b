"""From what was typed to the settings of a run and the reference's results.

Theory of operation: a command describes what was typed as a ``Request``. ``prepare`` turns it into run settings, which
are complete from then on: nothing adds to them or replaces them. ``open`` checks the reference under these settings,
or finds its evidence in the cache, and returns both as a ``Session``. Nothing here prints: words for people are
returned as notes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from checker.assignment import dataset, folders
from checker.errors import UsageError
from checker.formats import text
from checker.records.assignment import Assignment
from checker.records.dataset import Dataset
from checker.records.gathered import Gathered
from checker.records.report import Report
from checker.records.settings import ReferenceResults, RunSettings, Watch
from checker.records.submission import Submission
from checker.run import places, references
from checker.submissions import extensions
from checker.submissions.deadlines import Granted


class Purpose(StrEnum):
    """What a run is for. It decides which seeds are trained."""

    GRADING = "grading"
    SELF_CHECK = "self-check"


@dataclass(frozen=True, kw_only=True)
class Request:
    """What was typed.

    ``assignment``: its folder; None means the one in ``./reference``. ``data``: the CSV; None means that it is looked
    for. ``model``: the variable that holds the answer, if a demonstrator says so. ``exact``: students' ``fit`` is left
    as it is. ``extensions``: the file of extensions; None means the one in ``out``. ``out``: the output folder; a run
    without one grants no extensions.
    """

    purpose: Purpose = Purpose.GRADING
    assignment: Path | None = None
    data: Path | None = None
    practice_data: bool = False
    model: str = ""
    exact: bool = False
    extensions: Path | None = None
    out: Path | None = None


@dataclass(frozen=True)
class Setup:
    """Complete settings, and sentences that the command should print."""

    settings: RunSettings
    notes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Session:
    """The settings of a run, and its reference, which has passed its own assignment."""

    settings: RunSettings
    reference_evidence: Gathered
    reference: ReferenceResults


def outdated(request: Request) -> tuple[str, ...]:
    """Return a sentence about each key of the assignment that has another name now.

    Print them before you prepare the run: its author should read them even if something is missing for the run.
    """
    return folders.outdated(Path(folders.find(request.assignment).folder))


def settings(request: Request) -> RunSettings:
    """Return the settings of a run that grants no extensions. Raises what ``prepare`` raises."""
    return prepare(request).settings


def prepare(request: Request, submitted: Sequence[Submission] = ()) -> Setup:
    """Return the settings of a run over these submissions.

    Raises AssignmentError, DatasetError, or UsageError for a request that makes no sense.
    """
    assignment = _assignment(request)
    seeds, further = _seeds(request, assignment)
    data = _data(request, assignment)
    granted = _granted(request, assignment, submitted)
    complete = RunSettings(
        assignment=assignment,
        dataset=data,
        seeds=seeds,
        further=further,
        model=request.model,
        exact=request.exact,
        extensions=granted.until,
    )
    return Setup(
        complete,
        tuple(f"{text.one_line(who)} has an extension and has handed in nothing." for who in granted.unknown),
    )


def _assignment(request: Request) -> Assignment:
    assignment = folders.find(request.assignment)
    # Nobody has handed in a self-check yet, so it is not late.
    return assignment if request.purpose is Purpose.GRADING else replace(assignment, deadline=None)


def _seeds(request: Request, assignment: Assignment) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the seeds that are always trained, and the further ones."""
    if request.purpose is Purpose.SELF_CHECK:
        return assignment.seeds.self_check, ()
    return folders.grading_seeds(assignment), assignment.seeds.further


def _data(request: Request, assignment: Assignment) -> Dataset:
    if request.practice_data and request.data is not None:
        raise UsageError("Say either --data or --practice-data.")
    return dataset.load(assignment.data, request.data, request.practice_data, folder=Path(assignment.folder))


def _granted(request: Request, assignment: Assignment, submitted: Sequence[Submission]) -> Granted:
    if request.out is None:
        return Granted({})
    return extensions.granted(assignment.deadline, request.extensions, request.out, submitted)


def open(settings: RunSettings, watch: Callable[[str], Watch], on_end: Callable[[str, Report], None]) -> Session:
    """Check the reference, unless the cache has its evidence for these settings; return it with the settings.

    ``watch`` returns what to tell of its progress, by name; ``on_end`` is given its report. Raises AssignmentError if
    the reference does not pass its own assignment.
    """
    own = _of_reference(settings)
    submission = references.reference_submission(own)
    with places.trusted() as boxes:
        evidence = references.examine(submission, own, boxes, watch(submission.name))
        results = references.of_reference(evidence, own)
        on_end(submission.name, references.require_sound(evidence, own, results))
    return Session(settings=settings, reference_evidence=evidence, reference=results)


def _of_reference(settings: RunSettings) -> RunSettings:
    """Return the settings that the reference is checked under: those of a run without options about students' files."""
    return RunSettings(
        assignment=settings.assignment, dataset=settings.dataset, seeds=settings.seeds, further=settings.further
    )
