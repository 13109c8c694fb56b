"""The command that judges stored evidence again."""

from pathlib import Path

from checker.commands import consoles, steps
from checker.commands.options import OtherAssignment, OtherData, OtherExtensions, OtherPractice, ResultsFolder
from checker.report.progress import Display
from checker.run import batch, lock, store
from checker.run.session import Request


def command(
    out: ResultsFolder = Path("results"),
    assignment: OtherAssignment = None,
    data: OtherData = None,
    practice_data: OtherPractice = False,
    extended: OtherExtensions = None,
) -> None:
    """Judge the submissions of a batch again, after you changed rules, tolerance or deadlines.

    No submission runs again. The folder remembers the assignment and the data of the batch. Exit codes are those of
    batch.

    Example: checker judge results
    """
    request = Request(assignment=assignment, data=data, practice_data=practice_data, extensions=extended, out=out)
    request = steps.completed(request, out)
    steps.warn_of_old_keys(request)
    settings = steps.prepare(request, store.submissions(out / batch.EVIDENCE))
    with lock.held(out):
        reference = steps.open_session(settings).reference
        display = Display(consoles.output, len(store.places(out / batch.EVIDENCE)))
        with display.shown():
            result = batch.judge_again(settings, reference, out, display.end)
    steps.finish(result, out)
