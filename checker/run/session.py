"""Turn a command's options into the settings of a run and the reference's results.

Theory of operation: a command passes its options as a ``Request``. ``prepare`` turns it into complete run settings.
These do not change afterwards. ``open`` checks the reference under these settings, or takes its evidence from the
cache, and returns both as a ``Session``. Nothing here prints: sentences for people are returned as notes.
"""

import math
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from checker.assignment import dataset, folders
from checker.errors import HarnessError, UsageError
from checker.formats import text
from checker.records.assignment import Assignment
from checker.records.dataset import Dataset
from checker.records.gathered import Gathered
from checker.records.job import Progress
from checker.records.report import Report
from checker.records.settings import ReferenceResults, RunSettings, Watch
from checker.records.submission import Submission
from checker.records.verdicts import Stage
from checker.run import places, references
from checker.sandbox.boxes import Boxes
from checker.submissions import extensions
from checker.submissions.deadlines import Granted


class Purpose(StrEnum):
    """Purpose of a run. It decides which seeds are trained."""

    GRADING = "grading"
    SELF_CHECK = "self-check"


@dataclass(frozen=True, kw_only=True)
class Request:
    """Options of a command.

    ``assignment``: its folder or name; None means the default of ``folders.find``. ``data``: the CSV; None means a
    search in the usual locations. ``model``: the variable that holds the answer, if a demonstrator names it.
    ``exact``: run students' ``fit`` unchanged. ``extensions``: the file of extensions; None means the one in ``out``.
    ``out``: the output folder; a run without one grants no extensions. ``typed``: the words of the command.
    """

    purpose: Purpose = Purpose.GRADING
    assignment: Path | None = None
    data: Path | None = None
    practice_data: bool = False
    model: str = ""
    exact: bool = False
    extensions: Path | None = None
    out: Path | None = None
    typed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Setup:
    """Complete settings, and notes for the command to print."""

    settings: RunSettings
    notes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Session:
    """The settings of a run, and its reference. The reference has passed its own assignment."""

    settings: RunSettings
    reference_evidence: Gathered
    reference: ReferenceResults


def outdated(request: Request) -> tuple[str, ...]:
    """Return a sentence about each key of the assignment that has a new name.

    Print the sentences before you prepare the run: the author should read them even if the run cannot start.
    """
    return folders.outdated(Path(folders.find(request.assignment).folder))


def settings(request: Request) -> RunSettings:
    """Return the settings of a run that grants no extensions. Raises the errors of ``prepare``."""
    return prepare(request).settings


def prepare(request: Request, submitted: Sequence[Submission] = ()) -> Setup:
    """Return the settings of a run over these submissions.

    Raises AssignmentError, DatasetError, or UsageError for contradictory options.
    """
    assignment = _assignment(request)
    seeds, further, drawn = _seeds(request, assignment)
    data = _data(request, assignment)
    granted = _granted(request, assignment, submitted)
    complete = RunSettings(
        assignment=assignment,
        dataset=data,
        seeds=seeds,
        further=further,
        drawn=drawn,
        model=request.model,
        exact=request.exact,
        extensions=granted.until,
        typed=request.typed,
    )
    return Setup(
        complete,
        tuple(f"{text.one_line(who)} has an extension and has handed in nothing." for who in granted.unknown),
    )


def _assignment(request: Request) -> Assignment:
    assignment = folders.find(request.assignment)
    # Nobody has handed in a self-check yet, so it is not late.
    return assignment if request.purpose is Purpose.GRADING else replace(assignment, deadline=None)


def _seeds(request: Request, assignment: Assignment) -> tuple[tuple[int, ...], tuple[int, ...], int]:
    """Return the seeds for every submission, the further seeds, and the number that a self-check draws."""
    if request.purpose is Purpose.SELF_CHECK:
        return assignment.seeds.self_check, (), assignment.seeds.drawn
    return folders.grading_seeds(assignment), assignment.seeds.further, 0


def require_one_source(request: Request) -> None:
    """Raise UsageError if the request names two sources of data."""
    if request.practice_data and request.data is not None:
        raise UsageError("Say either --data or --practice-data.")


def _data(request: Request, assignment: Assignment) -> Dataset:
    require_one_source(request)
    return dataset.load(assignment.data, request.data, request.practice_data, folder=Path(assignment.folder))


def _granted(request: Request, assignment: Assignment, submitted: Sequence[Submission]) -> Granted:
    if request.out is None:
        return Granted({})
    return extensions.granted(assignment.deadline, request.extensions, request.out, submitted)


def open(
    settings: RunSettings,
    watch: Callable[[str], Watch],
    on_end: Callable[[str, Report], None],
    lend: Callable[[], AbstractContextManager[Boxes]] = places.trusted,
) -> Session:
    """Check the reference, unless the cache has its evidence for these settings; return it with the settings.

    The traditional models are trained in this process at the same time. ``watch`` returns the progress callback for a
    name. ``on_end`` is called with the name and the report. ``lend`` lends the boxes in which the reference runs.
    Raises AssignmentError if the reference does not pass its own assignment.
    """
    own = _of_reference(settings)
    submission, only = references.reference_submission(own), ""
    if settings.drawn:
        only = own.assignment.bar.baseline  # a self-check compares with no other
    ends = threading.Event()
    with ThreadPoolExecutor(1) as beside:
        models = beside.submit(references.baseline_scores, own, _until(ends, watch("traditional models")), only)
        try:
            with lend() as boxes:
                evidence = references.examine(submission, own, boxes, watch(submission.name))
            references.require_trained(evidence, own)
            results = references.of_reference(evidence, own, models.result())
        finally:
            ends.set()
    on_end(submission.name, references.require_sound(evidence, own, results))
    return Session(settings=settings, reference_evidence=evidence, reference=results)


def _until(ends: threading.Event, watch: Watch) -> Watch:
    """Return a watch that raises an exception in the reporting thread once ``ends`` is set."""

    def step(stage: Stage, at: Progress) -> None:
        if ends.is_set():
            raise HarnessError("The traditional models are not needed any more.")
        watch(stage, at)

    return step


def _of_reference(settings: RunSettings) -> RunSettings:
    """Return the settings for checking the reference: those of the run, without options about students' files.

    The reference is trained for a self-check's whole pool of seeds, so its time limit grows with the pool.
    """
    assignment, times = settings.assignment, math.ceil(len(settings.seeds) / settings.drawn) if settings.drawn else 1
    limits = replace(assignment.retrain, seconds=assignment.retrain.seconds * times)
    return RunSettings(
        assignment=replace(assignment, retrain=limits),
        dataset=settings.dataset,
        seeds=settings.seeds,
        further=settings.further,
    )
