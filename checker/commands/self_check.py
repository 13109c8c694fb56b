"""The command with which students check their own solution."""

from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from checker.assignment import bundle
from checker.commands import consoles, steps
from checker.commands.options import DataOption, ExactOption, PracticeOption
from checker.errors import ExitCode, UsageError
from checker.formats import files
from checker.records.settings import RunSettings
from checker.records.verdicts import Verdict
from checker.report import html, terminal
from checker.report.editions import for_students
from checker.report.progress import Display
from checker.run import check, places, references, session
from checker.run.session import Purpose, Request
from checker.submissions import choice


def command(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Your notebook (.ipynb) or module (.py).")],
    assignment: Annotated[
        str | None,
        typer.Option(help="The zip you were given, or its address followed by #sha256=…, or an assignment's folder."),
    ] = None,
    report: Annotated[Path, typer.Option(help="Where the page goes.")] = Path("checker-report.html"),
    data: DataOption = None,
    practice_data: PracticeOption = False,
    exact: ExactOption = False,
) -> None:
    """Check your own solution before you upload it.

    It runs your file on this machine as any program of yours (there is no sandbox), with other seeds and splits
    than the grading uses. Exit code 0 means that it passes.

    Example: checker self-check my_solution.ipynb --assignment tick4.zip
    """
    if not file.is_file():
        raise UsageError(f"There is no file {file}.")
    with nullcontext() if assignment is None else bundle.opened(assignment) as folder:
        request = Request(
            purpose=Purpose.SELF_CHECK, assignment=folder, data=data, practice_data=practice_data, exact=exact
        )
        steps.warn_of_old_keys(request)
        passes = _check(file, session.settings(request), report)
    raise typer.Exit(ExitCode.ALL_PASSED if passes else ExitCode.NOT_ALL_PASSED)


def _check(file: Path, settings: RunSettings, report: Path) -> bool:
    """Check a student's own file and write its page; tell whether it passes."""
    reference = references.of_scores(settings)
    submission = choice.find(file)[0]
    display = Display(consoles.output, 1)
    with display.shown(), places.trusted() as boxes:
        gathered = check.examine(submission, settings, boxes, display.watch(submission.name))
        judged = check.judge(gathered, settings, reference)
        if check.needs_further(judged, settings):
            gathered = check.train_further(gathered, submission, settings, boxes, display.watch(submission.name))
            judged = check.judge(gathered, settings, reference)
        display.end(submission.name, judged)
    files.write(report, html.render_student_page(judged, is_self_check=True))
    terminal.print_report(consoles.output, for_students(judged), str(report))
    return judged.verdict is Verdict.PASS
