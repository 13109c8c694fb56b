"""The command that checks a folder of submissions."""

import difflib
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Annotated

import typer

from checker.assignment import folders
from checker.commands import consoles, schedulers, steps
from checker.commands.options import AssignmentOption, DataOption, ExactOption, ExtensionsOption, PracticeOption
from checker.errors import UsageError
from checker.formats import files, text
from checker.formats.text import counted
from checker.gradebooks import moodle, worksheets
from checker.records.settings import RunSettings
from checker.records.submission import Submission
from checker.report.progress import Display
from checker.run import batch, board, lock, output_folder, places, remembered, store, typed
from checker.run.session import Request
from checker.run.slots import Slots
from checker.sandbox import kinds
from checker.submissions import choice

MOST_NAMES = 30
"""Maximum number of names that an error lists."""


def command(
    path: Annotated[
        Path, typer.Argument(metavar="SUBMISSIONS", help="A folder with one folder or file for each student, or a zip.")
    ],
    assignment: AssignmentOption = None,
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Where results go.")] = Path("results"),
    jobs: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="How many to check at a time. Default: as many as fit this machine."),
    ] = None,
    data: DataOption = None,
    practice_data: PracticeOption = False,
    only: Annotated[
        list[str] | None, typer.Option(metavar="STUDENT", help="Check only this one. Repeat it for several.")
    ] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Run again what has run before.")] = False,
    model: Annotated[
        str,
        typer.Option(metavar="VARIABLE", help="The variable of the network to check, if the checker takes another."),
    ] = "",
    exact: ExactOption = False,
    moodle_worksheet: Annotated[
        Path | None, typer.Option(metavar="CSV", help="Moodle's grading worksheet, for the times of submission.")
    ] = None,
    extended: ExtensionsOption = None,
    wall: Annotated[
        str, typer.Option("--sandbox", metavar="KIND", help="bubblewrap, or none for files that you trust as your own.")
    ] = "bubblewrap",
    advice: Annotated[
        bool,
        typer.Option(
            "--advice", help="Try up to six changes of each network below the bar, and name a direction that helps."
        ),
    ] = False,
    scheduler: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Run on the workers of this Dask scheduler: its address, or its file."),
    ] = None,
) -> None:
    """Check a folder of submissions, and write a report on each for demonstrators.

    Each file runs in a sandbox. What has run before does not run again, so an interrupted batch goes on when you
    repeat the command. The results are pages: open index.html in the output folder. With --only, index and tables still
    hold every submission that was checked before.

    Exit code, about the submissions of this command alone: 0: all pass; 1: some fail, or need a demonstrator; 2: wrong
    usage; 3: the assignment is broken; 4: the checker is broken.

    Example: checker batch submissions --data housing.csv --out results
    """
    request = Request(
        assignment=assignment,
        data=data,
        practice_data=practice_data,
        model=model,
        exact=exact,
        extensions=extended,
        out=out,
        typed=tuple(sys.argv[1:]),
    )
    typed.require(
        lambda: _require_place(wall, scheduler),
        lambda: typed.there(path),
        *typed.of_request(request),
        lambda: typed.readable("worksheet", moodle_worksheet),
        lambda: output_folder.require_ours(out),
        lambda: remembered.carried_on(request, out),
    )
    request = remembered.carried_on(request, out)
    steps.warn_of_old_keys(request)
    submitted = _submitted(path, moodle_worksheet)
    chosen = _only(submitted, only or [])
    if wall == "none":
        consoles.errors.print("No sandbox: the files run as you, with your rights, on your machine.", style="bold red")
    fit, new = places.jobs_that_fit(folders.find(request.assignment)), chosen if fresh else _new(chosen, out)
    with lock.held(out), ExitStack() as stack:
        # The boxes of this machine get ready while the data is read.
        early, slots = min(jobs or fit, len(new)), Slots(max(jobs or 1, fit))
        pool = stack.enter_context(_pool(wall, early, slots)) if scheduler is None else None
        settings = steps.prepare(request, _with_stored(submitted, out))
        place, fit = (pool, fit) if pool else stack.enter_context(_cluster(settings, str(scheduler)))
        _introduce(settings, out, f"{counted(len(chosen), 'submission')}, {jobs or fit} at a time ({fit} fit {place}).")
        remembered.write(request, settings, out)
        with board.announced(settings, out, [one.name for one in chosen]):
            reference = steps.open_session(settings, pool.lend if pool else places.trusted).reference
        display = Display(consoles.output, len(chosen))
        with ThreadPoolExecutor(jobs or fit) as executor, display.shown():
            about = (chosen, settings, reference, out, executor, display.watch, display.end, place)
            result = batch.run(*about, fresh, advice)
    steps.finish(result, out)


def _require_place(wall: str, scheduler: str | None) -> None:
    if wall not in kinds.KINDS:
        raise UsageError(f"--sandbox {wall}: there is {' and '.join(kinds.KINDS)}.")
    if scheduler is not None and wall == "none":
        raise UsageError("Workers run nothing without a sandbox: say either --scheduler or --sandbox none.")


def _introduce(settings: RunSettings, out: Path, amount: str) -> None:
    """Print the subject of the batch, and once that seeds are public."""
    assignment = settings.assignment
    consoles.output.print(f"{assignment.title}, on {settings.dataset.note.name}.", markup=False)
    consoles.output.print(amount, markup=False)
    if folders.has_public_seeds(assignment) and not remembered.is_of(out, settings):
        consoles.warn(
            f"The seeds for grading {assignment.id} are public, because they come with the checker: students can find "
            f"out which rows are held out. For your own, copy {assignment.folder}, change the numbers of seeds.grading "
            f"and seeds.further in {folders.FILE} there, and say --assignment COPY."
        )


def _submitted(path: Path, worksheet: Path | None) -> tuple[Submission, ...]:
    """Return all submissions in a folder or zip, with the times from Moodle's worksheet."""
    submitted = choice.find(path)
    if worksheet is None:
        return submitted
    submitted = moodle.with_times(submitted, worksheets.read(files.content(worksheet)))
    if not any(one.identity.submitted_at for one in submitted):
        consoles.warn("The worksheet tells nobody's time: is it the one of this assignment?")
    return submitted


def _with_stored(submitted: tuple[Submission, ...], out: Path) -> tuple[Submission, ...]:
    """Return the submissions and those stored by earlier batches: these are judged again, with their extensions."""
    names = {submission.name for submission in submitted}
    return (*submitted, *(one for one in store.submissions(out / batch.EVIDENCE) if one.name not in names))


def _only(submitted: tuple[Submission, ...], names: list[str]) -> tuple[Submission, ...]:
    """Return the submissions with these names; all of them if there are no names."""
    missing = set(names) - {submission.name for submission in submitted}
    if missing:
        known = [submission.name for submission in submitted]
        alike = [name for wrong in sorted(missing) for name in difflib.get_close_matches(wrong, known)]
        words = f"Did you mean {_listed(alike)}?" if alike else f"There are: {_listed(known)}."
        raise UsageError(f"There is no submission {', '.join(sorted(missing))}.", words)
    return tuple(s for s in submitted if s.name in names) if names else submitted


def _listed(names: Sequence[str]) -> str:
    more = f", and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return ", ".join(text.one_line(name, 40) for name in names[:MOST_NAMES]) + more


def _new(chosen: Sequence[Submission], out: Path) -> list[Submission]:
    """Return the runnable submissions without stored evidence."""
    known = {place.name for place in store.places(out / batch.EVIDENCE)}
    return [one for one in chosen if one.failure is None and files.slug(one.name) not in known]


@contextmanager
def _pool(wall: str, early: int, slots: Slots) -> Iterator[places.Pool]:
    """Yield boxes on this machine; start ``early`` of them immediately."""
    with closing(places.Pool(kinds.choose(wall), slots)) as pool:
        pool.open_early(early)
        yield pool


@contextmanager
def _cluster(settings: RunSettings, scheduler: str) -> Iterator[tuple[places.Place, int]]:
    """Yield the workers of a scheduler as a place, and the best number of submissions to run there at a time."""
    cluster, address = schedulers.reach(scheduler)
    with closing(cluster.connect(address)) as client:
        place = cluster.Cluster(client, settings, consoles.warn)
        yield place, place.at_a_time
