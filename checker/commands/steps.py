"""What several commands do on the way: find settings, establish the reference, end a batch."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import typer

from checker.assignment import dataset, folders
from checker.commands import consoles
from checker.errors import ExitCode, UsageError
from checker.formats import text
from checker.records.assignment import Assignment
from checker.records.gathered import Gathered
from checker.records.settings import ReferenceResults, RunSettings
from checker.records.submission import Submission
from checker.records.verdicts import Verdict
from checker.report import terminal
from checker.report.progress import Display
from checker.run import batch, places, references
from checker.submissions import extensions


def told(assignment: Assignment) -> Assignment:
    """Return an assignment, after warning about each key that has another name now."""
    for words in folders.outdated(Path(assignment.folder)):
        consoles.warn(words, soft_wrap=True)
    return assignment


def grading(assignment: Assignment, data: Path | None, practice: bool) -> RunSettings:
    """Return settings with the seeds of the grading."""
    chosen = settings(assignment, folders.grading_seeds(assignment), data, practice)
    return replace(chosen, further=assignment.seeds.further)


def settings(assignment: Assignment, seeds: tuple[int, ...], data: Path | None, practice: bool) -> RunSettings:
    """Return settings with the data that was asked for."""
    if practice and data is not None:
        raise UsageError("Say either --data or --practice-data.")
    loaded = dataset.load(assignment.data, data, practice, folder=Path(assignment.folder))
    return RunSettings(assignment=assignment, dataset=loaded, seeds=seeds)


def with_extensions(
    settings: RunSettings, given: Path | None, out: Path, submitted: Sequence[Submission]
) -> RunSettings:
    """Return settings with extensions, after printing who has one and has handed in nothing."""
    settings, absent = extensions.granted(settings, given, out, submitted)
    for student in absent:
        consoles.output.print(f"{text.one_line(student)} has an extension and has handed in nothing.", markup=False)
    return settings


def establish(settings: RunSettings) -> ReferenceResults:
    """Return the reference's results, after it has passed its own assignment."""
    return reference_of(settings)[1]


def reference_of(settings: RunSettings) -> tuple[Gathered, ReferenceResults]:
    """Return the reference's evidence and results, after it has passed its own assignment."""
    submission = references.reference_submission(settings)
    display = Display(consoles.output, 1)
    with display.shown(), places.trusted() as boxes:
        gathered = references.examine(submission, settings, boxes, display.watch(submission))
        reference = references.of_reference(gathered, settings)
        display.end(submission.name, references.require_sound(gathered, settings, reference))
    return gathered, reference


def finish(result: batch.Result, out: Path) -> NoReturn:
    """Print the summary of a batch, and end with the exit code that says how it went."""
    terminal.print_summary(consoles.output, result.reports, result.unfinished, str(out))
    if any(one.is_usage for one in result.unfinished):
        raise typer.Exit(ExitCode.USAGE)
    if result.unfinished:
        raise typer.Exit(ExitCode.HARNESS_BROKEN)
    passed = all(report.verdict is Verdict.PASS for report in result.reports)
    raise typer.Exit(ExitCode.ALL_PASSED if passed else ExitCode.NOT_ALL_PASSED)
