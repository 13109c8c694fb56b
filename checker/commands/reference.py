"""The command that checks an assignment."""

from typing import Annotated

import typer

from checker.assignment import lines
from checker.commands import consoles, steps
from checker.commands.options import AssignmentFolder, DataOption, PracticeOption
from checker.formats import text
from checker.judge import odds
from checker.records.settings import ReferenceResults, RunSettings
from checker.report import notices
from checker.report.progress import Display
from checker.run import bars, first_look, places, references, session
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

    What takes seconds comes first: rules, hand-out, and the bar for the first seed. It also says where traditional
    models lie, how often honest networks will be REFER, and how long a batch will take on this machine.

    Example: checker reference ocean_proximity --practice-data
    """
    for_grading, for_self_check = (
        Request(purpose=purpose, assignment=folder, data=data, practice_data=practice_data)
        for purpose in (Purpose.GRADING, Purpose.SELF_CHECK)
    )
    steps.warn_of_old_keys(for_grading)
    grading, own = session.settings(for_grading), session.settings(for_self_check)
    if not references.is_known(references.reference_submission(grading), grading):
        _look(grading, len(grading.all_seeds) + (len(own.seeds) if write_scores else 0))
    graded = _shown(Purpose.GRADING, grading)
    notices.print_prospects(consoles.output, odds.prospects(graded, grading), grading.assignment)
    _rehearse(grading, graded, students)
    if write_scores:  # the reference is trained for the whole pool of seeds, and that takes minutes
        _write_scores(_shown(Purpose.SELF_CHECK, own), own)


def _look(settings: RunSettings, count: int) -> None:
    """Run the checks that take seconds: rules, hand-out, the reference for its first seed. Warn if the bar is badly
    placed, and print the estimated time for training ``count`` seeds."""
    assignment, say = settings.assignment, consoles.output.print
    found = first_look.require_rules(settings)
    say(f"{text.counted(len(found), 'rule')} can be run.")
    name, display = references.starter_submission(settings).name, Display(consoles.output, 1)
    with display.shown(), places.trusted() as boxes:
        report = first_look.require_work(settings, boxes, display.watch(name))
        if report is not None:
            display.end(name, report)
        watch = display.watch(references.reference_submission(settings).name)
        seen = first_look.reference(settings, boxes, watch)
        if report is None:
            first_look.require_no_answer(settings, seen, boxes, watch)
    write = metrics.find(assignment.bar.metric, assignment.bar.unit).unit.value
    say(
        f"The first seed of the grading, {seen.seed}: reference {write(seen.score)}, "
        f"{assignment.bar.baseline.replace('_', ' ')} {write(seen.baseline)}.",
        soft_wrap=True,
    )
    if problem := bars.problem_of(assignment, seen.score, seen.baseline):
        consoles.warn(
            f"If the other seeds tell the same, this will end with an error: {problem} "
            f"{bars.advice(assignment, seen.score, seen.baseline)} Ctrl-C stops here.",
            soft_wrap=True,
        )
    say(f"Now the reference is trained for {count} seeds: {_lasting(seen.seconds_for(count))}.", soft_wrap=True)


def _lasting(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"about {text.counted(minutes, 'minute')}" if minutes else "less than a minute"


def _shown(purpose: Purpose, settings: RunSettings) -> ReferenceResults:
    """Print the reference's results beside those of traditional models, and return them."""
    reference, bar = steps.open_session(settings).reference, settings.assignment.bar
    metric = metrics.find(bar.metric, bar.unit)
    title = f"With {bars.seeds_in_words(settings)}, on {settings.dataset.note.name}:"
    tolerance = lines.place(settings.assignment, "bar", "tolerance")
    notices.print_reference(consoles.output, title, reference.scores, reference.baselines, metric, bar, tolerance)
    notices.print_field(consoles.output, reference.all_baselines, metric)
    return reference


def _rehearse(settings: RunSettings, reference: ReferenceResults, students: int) -> None:
    """Require that the hand-out alone fails, and print the estimated time of a batch."""
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
