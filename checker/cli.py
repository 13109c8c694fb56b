"""The commands, and the one place where errors become words and exit codes."""

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Annotated, NoReturn

import typer
from rich.console import Console

from checker import assignments, batch, check, dataset, doctor, export, sandbox, standard, store, submissions
from checker.course import Course, Standard
from checker.errors import CheckerError, ExitCode, UsageError
from checker.metrics import METRICS
from checker.progress import Display
from checker.records import Assignment, Submission, Verdict, to_json
from checker.rendering import html, notices, terminal, text

app = typer.Typer(
    help="Check solutions of a deep-learning practical: run them in a sandbox, retrain the student's network from "
    "fixed seeds, compare it with a reference solution, and write a report.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
console = Console(highlight=False)
errors = Console(stderr=True, highlight=False)

AssignmentOption = Annotated[
    Path | None,
    typer.Option("--assignment", help="Folder of the assignment; else the one in ./reference, or its default."),
]
DataOption = Annotated[
    Path | None,
    typer.Option("--data", help=f"The housing.csv to use; else ${dataset.VARIABLE}, the cache, or a download."),
]
PracticeOption = Annotated[
    bool, typer.Option("--practice-data", help="Use made-up data of the same shape; not for awarding ticks.")
]
ExactOption = Annotated[
    bool,
    typer.Option("--exact", help="Let students' fit come back to Python after each step: the same digits, slower."),
]


@app.command("batch")
def batch_command(
    path: Annotated[Path, typer.Argument(metavar="SUBMISSIONS", help="A folder, or a zip as Moodle gives it.")],
    assignment: AssignmentOption = None,
    out: Annotated[Path, typer.Option(help="Where reports and evidence go.")] = Path("results"),
    jobs: Annotated[int | None, typer.Option(min=1, help="Side by side; default: what fits this machine.")] = None,
    data: DataOption = None,
    practice_data: PracticeOption = False,
    only: Annotated[list[str] | None, typer.Option(help="Check only this one; may be given again.")] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Run again what is already stored.")] = False,
    model: Annotated[
        str, typer.Option(help="The variable that holds the answer, where the checker takes another model for it.")
    ] = "",
    exact: ExactOption = False,
    wall: Annotated[
        str, typer.Option("--sandbox", help="bubblewrap, or none for files that you trust as your own.")
    ] = "bubblewrap",
    scheduler: Annotated[
        str | None, typer.Option(help="Run them on the workers of this Dask scheduler: its address, or its file.")
    ] = None,
) -> None:
    """Check a folder of submissions and write a report for demonstrators.

    Exit code 0: all pass; 1: some fail or need a demonstrator; 2: wrong usage; 3: the assignment is broken;
    4: the checker is broken.

    Example: checker batch submissions --data housing.csv --out results
    """
    if wall not in sandbox.KINDS:
        raise UsageError(f"--sandbox {wall}: there is {' and '.join(sandbox.KINDS)}.")
    found = assignments.find(assignment)
    chosen = _only(submissions.find(path), only or [])
    if scheduler is not None and wall == "none":
        raise UsageError("Workers run nothing without a sandbox: say either --scheduler or --sandbox none.")
    course = _course(found, found.seeds.grading, data, practice_data, "none" if scheduler else wall)
    if wall == "none":
        errors.print("No sandbox: the files run as you, with your rights, on your machine.", style="bold red")
    with _place(course, scheduler) as (place, fit):
        at_a_time = jobs or fit
        console.print(
            f"{len(chosen)} submissions, {at_a_time} at a time ({fit} fit {place or 'this machine'}), "
            f"on {course.dataset.note.name}."
        )
        held_to = _establish(course)
        display, course = Display(console, len(chosen)), replace(course, model=model, exact=exact)
        with ThreadPoolExecutor(at_a_time) as executor, display.shown():
            result = batch.run(chosen, course, held_to, out, executor, display.watch, display.end, fresh, place)
    _finish(result, out)


@app.command("worker")
def worker_command(
    scheduler: Annotated[str, typer.Argument(metavar="SCHEDULER", help="A Dask scheduler's address, or its file.")],
    boxes: Annotated[int | None, typer.Option(min=1, help="Submissions side by side; default: one a core.")] = None,
) -> None:
    """Run the submissions of batches that go through a Dask scheduler, in warm boxes on this machine.

    It goes on until the scheduler ends or this process is stopped.

    Example: checker worker tcp://127.0.0.1:8786
    """
    cluster = _cluster()
    address = cluster.address_of(scheduler)
    _warn_of(address)
    cluster.work(address, boxes, lambda own: console.print(f"Boxes are warm; {own} waits for submissions."))


@app.command("judge")
def judge_command(
    out: Annotated[Path, typer.Argument(metavar="RESULTS", help="The folder that a batch wrote.")] = Path("results"),
    assignment: AssignmentOption = None,
    data: DataOption = None,
    practice_data: PracticeOption = False,
) -> None:
    """Judge again what a batch has gathered, after rules or tolerance have changed: no submission runs again.

    Exit codes are those of batch.

    Example: checker judge results --data housing.csv
    """
    stored = store.places(out / batch.EVIDENCE)
    if not stored:
        raise UsageError(f"There is no evidence in {out}.", "Name the folder that `checker batch --out` wrote.")
    found = assignments.find(assignment)
    course = _course(found, found.seeds.grading, data, practice_data, "none")
    held_to = _establish(course)
    display = Display(console, len(stored))
    with display.shown():
        result = batch.judge_again(course, held_to, out, display.end)
    _finish(result, out)


@app.command("self-check")
def self_check(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Your notebook (.ipynb) or module (.py).")],
    assignment: AssignmentOption = None,
    report: Annotated[Path, typer.Option(help="Where the page goes.")] = Path("checker-report.html"),
    data: DataOption = None,
    practice_data: PracticeOption = False,
    exact: ExactOption = False,
) -> None:
    """Check your own solution before you upload it.

    It runs your file on this machine as any program of yours (there is no sandbox), with other seeds and splits
    than the grading uses. Exit code 0 means that it passes.

    Example: checker self-check my_solution.ipynb
    """
    if not file.is_file():
        raise UsageError(f"There is no file {file}.")
    found = assignments.find(assignment)
    course = replace(_course(found, found.seeds.self_check, data, practice_data, "none"), exact=exact)
    held_to = standard.of_scores(course)
    submission = submissions.find(file)[0]
    display = Display(console, 1)
    with display.shown(), closing(course.sandbox.open()) as boxes:
        gathered = check.examine(submission, course, boxes, display.watch(submission))
        judged = check.judge(gathered, course, held_to)
        display.end(submission.name, judged)
    store.write(report, html.render_page(judged))
    terminal.print_report(console, judged, str(report))
    raise typer.Exit(ExitCode.ALL_PASSED if judged.verdict is Verdict.PASS else ExitCode.NOT_ALL_PASSED)


@app.command("reference")
def reference_command(
    folder: Annotated[Path, typer.Argument(metavar="ASSIGNMENT", help="Folder of the assignment.")],
    data: DataOption = None,
    practice_data: PracticeOption = False,
    write_scores: Annotated[
        bool, typer.Option("--write-scores", help="Commit the scores that self-checks compare with.")
    ] = False,
) -> None:
    """Check an assignment: its reference must pass its own rules, above its own bar.

    Example: checker reference reference/ocean_proximity --practice-data
    """
    found = assignments.load(folder)
    for purpose, seeds in (("grading", found.seeds.grading), ("self-check", found.seeds.self_check)):
        course = _course(found, seeds, data, practice_data, "none")
        held_to = _establish(course)
        notices.print_standard(console, f"{purpose} seeds, {course.dataset.note.name}", held_to.scores,
                                held_to.baselines, METRICS[found.bar.metric], found.bar)  # fmt: skip
    if write_scores:
        kept = [s for s in assignments.scores(found) if s.dataset_sha256 != course.dataset.note.sha256]
        path = Path(found.folder, assignments.SCORES)
        store.write(path, to_json((*kept, standard.as_scores(held_to, course)), indent=2))
        console.print(f"Wrote {path}.")


@app.command("doctor")
def doctor_command(
    assignment: AssignmentOption = None,
    data: DataOption = None,
    full: Annotated[
        bool, typer.Option("--full", help="Try our own hostile files behind this machine's wall (two minutes).")
    ] = False,
) -> None:
    """Say what is installed here, which sandbox works and why not, and whether the data was found."""
    findings = (*doctor.examine(assignment, data), *(doctor.withstand() if full else ()))
    notices.print_findings(console, findings)
    well = all(finding.is_well for finding in findings)
    raise typer.Exit(ExitCode.ALL_PASSED if well else ExitCode.NOT_ALL_PASSED)


app.command("export")(export.command)


def _finish(result: batch.Result, out: Path) -> NoReturn:
    """Print a batch's summary, and end with the exit code that tells it."""
    terminal.print_summary(console, result.reports, result.unfinished, str(out))
    if result.unfinished:
        raise typer.Exit(ExitCode.HARNESS_BROKEN)
    passed = all(report.verdict is Verdict.PASS for report in result.reports)
    raise typer.Exit(ExitCode.ALL_PASSED if passed else ExitCode.NOT_ALL_PASSED)


def _only(found: tuple[Submission, ...], names: list[str]) -> tuple[Submission, ...]:
    missing = set(names) - {submission.name for submission in found}
    if missing:
        known = ", ".join(text.one_line(s.name, 40) for s in found[:30])
        raise UsageError(f"There is no submission {', '.join(sorted(missing))}.", f"There are: {known}.")
    return tuple(s for s in found if s.name in names) if names else found


def _course(assignment: Assignment, seeds: tuple[int, ...], data: Path | None, practice: bool, wall: str) -> Course:
    if practice and data is not None:
        raise UsageError("Say either --data or --practice-data.")
    return Course(assignment, dataset.load(assignment.data, data, practice), seeds, sandbox.choose(wall))


@contextmanager
def _place(course: Course, scheduler: str | None) -> Iterator[tuple[batch.Place | None, int]]:
    """Yield where submissions run, None for this machine, and how many are best run there at a time."""
    if scheduler is None:
        yield None, batch.jobs_that_fit(course.assignment)
        return
    cluster = _cluster()
    address = cluster.address_of(scheduler)
    _warn_of(address)
    with closing(cluster.connect(address)) as client:
        place = cluster.Cluster(client, course)
        yield place, place.at_a_time


def _cluster() -> ModuleType:
    """Return the module that needs Dask, which nobody else needs."""
    try:
        from checker import cluster
    except ModuleNotFoundError as error:
        raise UsageError(f"{error.name} is not installed.", "Type: pip install 'checker[cluster]'.") from error
    return cluster


def _warn_of(address: str) -> None:
    if _cluster().is_exposed(address):
        words = f"{address} has no TLS: whoever reaches it can run programs on its workers and on this machine."
        errors.print(text.as_printed(words), style="bold red", markup=False)


def _establish(course: Course) -> Standard:
    """Return the standard that the reference sets, after it has passed its own assignment."""
    submission = standard.reference_submission(course)
    display = Display(console, 1)
    with display.shown(), closing(course.sandbox.open()) as boxes:
        gathered = standard.examine(course, boxes, display.watch(submission))
        held_to = standard.of_reference(gathered, course)
        display.end(submission.name, standard.require_sound(gathered, course, held_to))
    return held_to


def main() -> NoReturn:
    """Run the program; every way to fail ends here, in words and an exit code."""
    try:
        app()
    except SystemExit as ending:
        if ending.code == ExitCode.INTERRUPTED:
            errors.print("Interrupted; what was finished is kept.")
        raise
    except CheckerError as error:
        errors.print(text.as_printed(error.message), style="bold red", markup=False)
        if error.help:
            errors.print(text.as_printed(error.help), markup=False)
        sys.exit(int(error.exit_code))
    except Exception:  # noqa: BLE001  # the last net: a mistake of ours becomes words and an exit code
        errors.print_exception()
        errors.print("This is a mistake in the checker, not in any submission. Please report it with the lines above.")
        sys.exit(int(ExitCode.HARNESS_BROKEN))
    raise AssertionError("a command always ends with an exit code")
