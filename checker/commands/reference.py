"""The command that checks an assignment."""

from typing import Annotated

import typer

from checker.commands import consoles, steps
from checker.commands.options import AssignmentFolder, DataOption, PracticeOption
from checker.records.settings import ReferenceResults, RunSettings
from checker.report import notices
from checker.report.progress import Display
from checker.run import places, references, session
from checker.run.session import Purpose, Request
from checker.scoring import metrics


def command(
    folder: AssignmentFolder,
    data: DataOption = None,
    practice_data: PracticeOption = False,
    write_scores: Annotated[
        bool, typer.Option("--write-scores", help="Commit the scores that self-checks compare with.")
    ] = False,
    students: Annotated[int, typer.Option(min=1, help="For how many the costs are reckoned.")] = 100,
) -> None:
    """Check an assignment: its reference must pass its own rules, above its own bar, and its hand-out must fail.

    It also says where traditional models lie, and how long a batch will take on this machine.

    Example: checker reference reference/ocean_proximity --practice-data
    """
    for_grading, for_self_check = (
        Request(purpose=purpose, assignment=folder, data=data, practice_data=practice_data)
        for purpose in (Purpose.GRADING, Purpose.SELF_CHECK)
    )
    steps.warn_of_old_keys(for_grading)
    grading, own = session.settings(for_grading), session.settings(for_self_check)
    graded = _shown(Purpose.GRADING, grading)
    _rehearse(grading, graded, students)
    if write_scores:  # it is trained for the whole pool of seeds, which takes minutes
        _write_scores(_shown(Purpose.SELF_CHECK, own), own)


def _shown(purpose: Purpose, settings: RunSettings) -> ReferenceResults:
    """Print the reference's results beside those of traditional models, and return them."""
    reference, bar = steps.open_session(settings).reference, settings.assignment.bar
    title, metric = f"{purpose} seeds, {settings.dataset.note.name}", metrics.find(bar.metric, bar.unit)
    notices.print_reference(consoles.output, title, reference.scores, reference.baselines, metric, bar)
    notices.print_field(consoles.output, reference.all_baselines, metric)
    return reference


def _rehearse(settings: RunSettings, reference: ReferenceResults, students: int) -> None:
    """Require that the hand-out alone fails, and print what a batch will cost."""
    starter, solution = references.starter_submission(settings), references.reference_submission(settings)
    display = Display(consoles.output, 1)
    with display.shown(), places.trusted() as boxes:
        gathered = references.examine(starter, settings, boxes, display.watch(starter.name))
        display.end(starter.name, references.require_work(gathered, settings, reference))
        each = references.seconds(references.examine(solution, settings, boxes, display.watch(solution.name)))
    notices.print_cost(consoles.output, each, students, places.jobs_that_fit(settings.assignment))


def _write_scores(reference: ReferenceResults, settings: RunSettings) -> None:
    """Write the scores on this data set into the assignment's folder."""
    consoles.output.print(f"Wrote {references.write_scores(reference, settings)}.", soft_wrap=True)
