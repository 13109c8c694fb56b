"""The command with which students check their own solution."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from checker.assignment import bundle, folders, nearby
from checker.commands import consoles, steps
from checker.commands.options import DataOption, ExactOption, PracticeOption
from checker.errors import DatasetError, ExitCode, UsageError
from checker.formats import files, text
from checker.records.assignment import Assignment
from checker.records.settings import RunSettings
from checker.records.verdicts import Verdict
from checker.report import html, terminal
from checker.report.editions import for_students
from checker.report.own_progress import OwnProgress
from checker.run import check, places, references, session
from checker.run.session import Purpose, Request
from checker.submissions import choice

PUT_THE_ZIP = "Put the zip that your course gave you beside your notebook, or name it: --assignment PATH."


def command(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Your notebook (.ipynb) or module (.py).")],
    assignment: Annotated[
        str | None,
        typer.Option(
            help="The zip you were given, or its address followed by #sha256=…, or an assignment's folder; else the "
            "zip beside FILE."
        ),
    ] = None,
    report: Annotated[Path, typer.Option(help="Where the page goes.")] = Path("checker-report.html"),
    data: DataOption = None,
    practice_data: PracticeOption = False,
    exact: ExactOption = False,
) -> None:
    """Check your own solution before you upload it.

    It runs your file on this machine as any program of yours (there is no sandbox), with other seeds and splits
    than the grading uses. Exit code 0 means that it passes.

    The assignment's zip and its data are found beside your file.

    Example: checker self-check my_solution.ipynb
    """
    if not file.is_file():
        raise UsageError(f"There is no file {file}.")
    with _opened(assignment, file) as folder:
        found = folders.find(folder)
        own = None if data or practice_data else _data_beside(file, found)
        request = Request(
            purpose=Purpose.SELF_CHECK, assignment=folder, data=data or own, practice_data=practice_data, exact=exact
        )
        steps.warn_of_old_keys(request)
        passes = _check(file, _settings(request, found), report)
    raise typer.Exit(ExitCode.ALL_PASSED if passes else ExitCode.NOT_ALL_PASSED)


@contextmanager
def _opened(named: str | None, file: Path) -> Iterator[Path | None]:
    """Yield the folder of the assignment: the named one, or else the one beside the file; None for the default."""
    beside = nearby.assignment(file) if named is None else None
    if named is None and beside is None:
        _require_usual(file)
        yield None
        return
    with bundle.opened(named or str(beside)) as folder:
        _say(f"Assignment: {folders.load(folder).title} ({beside.name}, beside your file)." if beside else "")
        yield folder


def _require_usual(file: Path) -> None:
    """Raise UsageError unless the current folder is a course's own: no student is checked by an arbitrary
    assignment."""
    if not folders.HERE.is_dir():
        names = ", ".join(folders.shipped())
        raise UsageError(
            f"Which assignment? None lies beside {file.name}.",
            f"{PUT_THE_ZIP} You can also name an assignment that comes with the checker: {names}.",
        )


def _data_beside(file: Path, assignment: Assignment) -> Path | None:
    """Return the data beside the file, if it is the assignment's; print its name."""
    path = nearby.data(file, assignment.data)
    if path is None:
        return None
    if nearby.is_right(path, assignment.data):
        _say(f"Data: {path.name}, beside your file.")
        return path
    consoles.warn(f"{path.name} beside your file is not used: it is not the course's, or was changed.", soft_wrap=True)
    return None


def _settings(request: Request, assignment: Assignment) -> RunSettings:
    """Return the settings. Raises DatasetError, with advice for the student, if the data is not found."""
    try:
        return session.settings(request)
    except DatasetError as error:
        if request.data or request.practice_data:
            raise
        source = assignment.data
        way = f"Download {source.url} in a browser" if source.url else f"Take {source.file} as your course gives it"
        raise DatasetError(error.message, f"{way}, put it beside your notebook, and try again.") from error


def _say(words: str) -> None:
    if words:
        consoles.output.print(text.as_printed(words), markup=False, soft_wrap=True)


def _check(file: Path, settings: RunSettings, report: Path) -> bool:
    """Check a student's own file and write its page; tell whether it passes."""
    reference = references.of_scores(settings)
    submission, progress = choice.find(file)[0], OwnProgress(consoles.output)
    with progress.shown(), places.trusted() as boxes:
        gathered = check.examine(submission, settings, boxes, progress.watch)
        settings = replace(settings, seeds=gathered.evidence.seeds, drawn=0)  # they were drawn for this answer
        judged = check.judge(gathered, settings, reference)
        if check.needs_further(judged, settings):
            gathered = check.train_further(gathered, submission, settings, boxes, progress.watch)
            judged = check.judge(gathered, settings, reference)
    files.write(report, html.render_student_page(judged, is_self_check=True))
    terminal.print_report(consoles.output, for_students(judged), str(report))
    return judged.verdict is Verdict.PASS
