"""The commands, and the one place where errors become words and exit codes.

Theory of operation: a command finds its assignment, makes ``RunSettings`` of it and of what was asked for, has another
package do the work, and shows what that says. Nothing is decided here. Whatever is raised ends in ``main``.
"""

import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Annotated, NoReturn

import typer
from rich.console import Console

from checker import __version__, sandbox, submissions
from checker.assignment import bundle, dataset, folders
from checker.commands import export, new
from checker.errors import CheckerError, ExitCode, UsageError
from checker.formats import files, text
from checker.gradebooks import moodle, worksheets
from checker.judge import judgement
from checker.records.assignment import Assignment
from checker.records.codec import to_json
from checker.records.gathered import Gathered
from checker.records.settings import ReferenceResults, RunSettings
from checker.records.submission import Submission
from checker.records.verdicts import Verdict
from checker.report import html, notices, terminal
from checker.report.editions import for_students
from checker.report.progress import Display
from checker.run import batch, check, doctor, lock, places, references, store
from checker.run.keys import circumstances
from checker.scoring import metrics
from checker.submissions import extensions

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
    typer.Option(
        "--data",
        help=f"The CSV to use; else the one in the assignment's folder, ${dataset.VARIABLE}, the cache, a download.",
    ),
]
PracticeOption = Annotated[
    bool, typer.Option("--practice-data", help="Use made-up data of the same shape; not for awarding ticks.")
]
ExactOption = Annotated[
    bool,
    typer.Option("--exact", help="Leave students' fit as it is, in Python between steps: the same digits, slower."),
]
ExtensionsOption = Annotated[
    Path | None,
    typer.Option(
        "--extensions", help="CSV with the columns student and until; else extensions.csv in the output folder."
    ),
]


def _print_version(wanted: bool) -> None:
    if wanted:
        console.print(f"checker {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Hold the options that come before a command."""


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
    moodle_worksheet: Annotated[
        Path | None, typer.Option(help="Moodle's grading worksheet, which tells when each was handed in.")
    ] = None,
    extended: ExtensionsOption = None,
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
    found = _told(folders.find(assignment))
    if scheduler is not None and wall == "none":
        raise UsageError("Workers run nothing without a sandbox: say either --scheduler or --sandbox none.")
    submitted = submissions.find(path)
    if moodle_worksheet is not None:
        submitted = moodle.with_times(submitted, worksheets.read(files.content(moodle_worksheet)))
        if not any(one.identity.submitted_at for one in submitted):
            errors.print("The worksheet tells nobody's time: is it the one of this assignment?", style="yellow")
    chosen = _only(submitted, only or [])
    settings = _grading(found, data, practice_data)
    settings = _with_extensions(settings, extended, out, submitted)
    if wall == "none":
        errors.print("No sandbox: the files run as you, with your rights, on your machine.", style="bold red")
    with lock.held(out), _place(settings, scheduler, wall) as (place, fit):
        at_a_time = jobs or fit
        console.print(
            f"{len(chosen)} submissions, {at_a_time} at a time ({fit} fit {place}), on {settings.dataset.note.name}."
        )
        reference = _establish(settings)
        display, settings = Display(console, len(chosen)), replace(settings, model=model, exact=exact)
        with ThreadPoolExecutor(at_a_time) as executor, display.shown():
            result = batch.run(chosen, settings, reference, out, executor, display.watch, display.end, place, fresh)
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
    cluster, address = _reach(scheduler)
    cluster.work(address, boxes, lambda own: console.print(f"Boxes are warm; {own} waits for submissions."))


@app.command("judge")
def judge_command(
    out: Annotated[Path, typer.Argument(metavar="RESULTS", help="The folder that a batch wrote.")] = Path("results"),
    assignment: AssignmentOption = None,
    data: DataOption = None,
    practice_data: PracticeOption = False,
    extended: ExtensionsOption = None,
) -> None:
    """Judge again what a batch has gathered, after rules or tolerance have changed: no submission runs again.

    Exit codes are those of batch.

    Example: checker judge results --data housing.csv
    """
    stored = store.places(out / batch.EVIDENCE)
    if not stored:
        raise UsageError(f"There is no evidence in {out}.", "Name the folder that `checker batch --out` wrote.")
    found = _told(folders.find(assignment))
    settings = _grading(found, data, practice_data)
    settings = _with_extensions(settings, extended, out, store.submissions(out / batch.EVIDENCE))
    with lock.held(out):
        reference = _establish(settings)
        display = Display(console, len(stored))
        with display.shown():
            result = batch.judge_again(settings, reference, out, display.end)
    _finish(result, out)


@app.command("self-check")
def self_check(
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
        passes = _self_check(file, _told(folders.find(folder)), report, data, practice_data, exact)
    raise typer.Exit(ExitCode.ALL_PASSED if passes else ExitCode.NOT_ALL_PASSED)


def _self_check(
    file: Path, found: Assignment, report: Path, data: Path | None, practice_data: bool, exact: bool
) -> bool:
    """Check a student's own file and write its page; tell whether it passes."""
    found = replace(found, deadline=None)
    settings = replace(_settings(found, found.seeds.self_check, data, practice_data), exact=exact)
    reference = references.of_scores(settings)
    submission = submissions.find(file)[0]
    display = Display(console, 1)
    with display.shown(), closing(sandbox.choose("none").open()) as boxes:
        gathered = check.examine(submission, settings, boxes, display.watch(submission))
        judged = check.judge(gathered, settings, reference)
        if check.needs_further(judged, settings):
            gathered = check.train_further(gathered, submission, settings, boxes, display.watch(submission))
            judged = check.judge(gathered, settings, reference)
        display.end(submission.name, judged)
    files.write(report, html.render_student_page(judged))
    terminal.print_report(console, for_students(judged), str(report))
    return judged.verdict is Verdict.PASS


@app.command("reference")
def reference_command(
    folder: Annotated[Path, typer.Argument(metavar="ASSIGNMENT", help="Folder of the assignment.")],
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
    found = _told(folders.load(folder))
    grading, own = _grading(found, data, practice_data), _settings(found, found.seeds.self_check, data, practice_data)
    graded, reference = _show_reference("grading", grading), _show_reference("self-check", own)
    _rehearse(grading, graded, students)
    if write_scores:
        kept = [s for s in folders.scores(found) if s.dataset_sha256 != own.dataset.note.sha256]
        path = Path(found.folder, folders.SCORES)
        files.write(path, to_json((*kept, references.as_scores(reference, own)), indent=2))
        console.print(f"Wrote {path}.", soft_wrap=True)


def _show_reference(purpose: str, settings: RunSettings) -> ReferenceResults:
    """Return the reference's results, printed beside what traditional models reach."""
    reference, bar = _establish(settings), settings.assignment.bar
    title, metric = f"{purpose} seeds, {settings.dataset.note.name}", metrics.find(bar.metric, bar.unit)
    notices.print_reference(console, title, reference.scores, reference.baselines, metric, bar)
    notices.print_field(console, reference.all_baselines, metric)
    return reference


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


app.command("bundle")(bundle.command)
app.command("new")(new.command)
app.command("export")(export.command)


@app.command("tensorboard")
def tensorboard_command(
    out: Annotated[Path, typer.Argument(metavar="RESULTS", help="The folder that a batch wrote.")] = Path("results"),
    only: Annotated[list[str] | None, typer.Option(help="Show only this one; may be given again.")] = None,
    assignment: AssignmentOption = None,
    data: DataOption = None,
    practice_data: PracticeOption = False,
    show: Annotated[bool, typer.Option("--show/--no-show", help="Start TensorBoard on what is written.")] = True,
) -> None:
    """Write the trainings of a batch as TensorBoard's event files, the reference's beside them, and show them.

    Example: checker tensorboard results --only ada --data housing.csv
    """
    from checker.report import eventfiles  # its protocol buffers take a while, which no other command should wait for

    found = _told(folders.find(assignment))
    settings = _grading(found, data, practice_data)
    chosen = _trained(out, only or [], settings)
    folder = eventfiles.write_beside(chosen, _reference_of(settings)[0], settings, out / "tensorboard")
    console.print(f"Event files of {len(chosen)} submissions are in {folder}.", markup=False)
    if show:
        eventfiles.show(folder)


def _trained(out: Path, names: list[str], settings: RunSettings) -> dict[str, Gathered]:
    """Return the evidence of submissions that were trained again, by name; all of them where no names are given."""
    loaded = [store.load_at(place, circumstances(settings)) for place in store.places(out / batch.EVIDENCE)]
    chosen = {name: gathered for name, _, gathered in loaded if not names or name in names}
    if missing := set(names) - set(chosen):
        raise UsageError(f"There is no evidence of {', '.join(sorted(missing))} in {out}.")
    trained = {name: of for name, of in chosen.items() if of is not None and judgement.is_measured(of.evidence)}
    if not trained:
        raise UsageError(
            f"In {out} there is no evidence of a training that was gathered on this data by this version.",
            "Name the folder, the assignment and the data of `checker batch`, or run it again.",
        )
    return trained


def _rehearse(settings: RunSettings, reference: ReferenceResults, students: int) -> None:
    """Require that the hand-out alone fails, and print what a batch will cost."""
    starter, solution = references.starter_submission(settings), references.reference_submission(settings)
    display = Display(console, 1)
    with display.shown(), closing(sandbox.choose("none").open()) as boxes:
        gathered = references.examine(starter, settings, boxes, display.watch(starter))
        display.end(starter.name, references.require_work(gathered, settings, reference))
        each = references.seconds(references.examine(solution, settings, boxes, display.watch(solution)))
    notices.print_cost(console, each, students, places.jobs_that_fit(settings.assignment))


def _finish(result: batch.Result, out: Path) -> NoReturn:
    """Print a batch's summary, and end with the exit code that tells it."""
    terminal.print_summary(console, result.reports, result.unfinished, str(out))
    if any(one.is_usage for one in result.unfinished):
        raise typer.Exit(ExitCode.USAGE)
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


def _told(found: Assignment) -> Assignment:
    """Return an assignment, after its author was told which of its keys are called otherwise now."""
    for words in folders.outdated(Path(found.folder)):
        errors.print(text.as_printed(words), style="yellow", markup=False, soft_wrap=True)
    return found


def _grading(assignment: Assignment, data: Path | None, practice: bool) -> RunSettings:
    settings = _settings(assignment, folders.grading_seeds(assignment), data, practice)
    return replace(settings, further=assignment.seeds.further)


def _settings(assignment: Assignment, seeds: tuple[int, ...], data: Path | None, practice: bool) -> RunSettings:
    """Return settings with the data that was asked for."""
    if practice and data is not None:
        raise UsageError("Say either --data or --practice-data.")
    found = dataset.load(assignment.data, data, practice, folder=Path(assignment.folder))
    return RunSettings(assignment=assignment, dataset=found, seeds=seeds)


def _with_extensions(
    settings: RunSettings, given: Path | None, out: Path, submitted: Sequence[Submission]
) -> RunSettings:
    settings, absent = extensions.granted(settings, given, out, submitted)
    for student in absent:
        console.print(f"{text.one_line(student)} has an extension and has handed in nothing.", markup=False)
    return settings


@contextmanager
def _place(settings: RunSettings, scheduler: str | None, wall: str) -> Iterator[tuple[places.Place, int]]:
    """Yield where submissions run, and how many are best run there at a time."""
    if scheduler is None:
        yield places.Pool(sandbox.choose(wall)), places.jobs_that_fit(settings.assignment)
        return
    cluster, address = _reach(scheduler)
    with closing(cluster.connect(address)) as client:
        place = cluster.Cluster(client, settings)
        yield place, place.at_a_time


def _reach(scheduler: str) -> tuple[ModuleType, str]:
    """Return the module that needs Dask, which nobody else needs, and a scheduler's address; say so where others may
    reach that too."""
    try:
        from checker.run import cluster
    except ModuleNotFoundError as error:
        raise UsageError(f"{error.name} is not installed.", "Type: pip install 'checker[cluster]'.") from error
    address = cluster.address_of(scheduler)
    if cluster.is_exposed(address):
        words = f"{address} has no TLS: whoever reaches it can run programs on its workers and on this machine."
        errors.print(text.as_printed(words), style="bold red", markup=False)
    return cluster, address


def _establish(settings: RunSettings) -> ReferenceResults:
    """Return the reference's results, after it has passed its own assignment."""
    return _reference_of(settings)[1]


def _reference_of(settings: RunSettings) -> tuple[Gathered, ReferenceResults]:
    """Return the reference's evidence and results, after it has passed its own assignment."""
    submission = references.reference_submission(settings)
    display = Display(console, 1)
    with display.shown(), closing(sandbox.choose("none").open()) as boxes:
        gathered = references.examine(submission, settings, boxes, display.watch(submission))
        reference = references.of_reference(gathered, settings)
        display.end(submission.name, references.require_sound(gathered, settings, reference))
    return gathered, reference


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
