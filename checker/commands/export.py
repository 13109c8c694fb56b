"""The command that returns results to the platform that the submissions came from.

It reads and writes files; ``moodle`` and ``awards`` decide on their content.
"""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from checker.commands import consoles
from checker.commands.options import ResultsFolder
from checker.errors import EvidenceError, ExitCode, UsageError
from checker.formats import files, text
from checker.gradebooks import (
    autograders,
    awards,
    decision_log,
    decisions,
    exchange,
    feedback,
    moodle,
    nbgrader,
    worksheets,
)
from checker.gradebooks.decisions import Decided
from checker.gradebooks.feedback import Page
from checker.gradebooks.moodle import Entry, Filled, Outcome, Words
from checker.gradebooks.worksheets import Worksheet
from checker.records.codec import from_json
from checker.records.report import Report, Unfinished
from checker.records.submission import Platform
from checker.report import paths
from checker.report.tables import Results
from checker.run import batch, lock
from checker.run.tables import ALTERED
from checker.submissions import names

MIB = 2**20
AS_BEFORE = "verdicts are those of the last command that has ended, and pages may be newer."
SOON = 0.5
"""Seconds until evidence that a batch is storing has its digest."""
NAME = 60


def command(
    out: ResultsFolder,
    moodle_worksheet: Annotated[
        Path | None, typer.Option(help="The grading worksheet as downloaded from Moodle; it is filled into --to.")
    ] = None,
    moodle_feedback: Annotated[Path | None, typer.Option(help="Where the zip of all pages goes.")] = None,
    nbgrader: Annotated[
        Path | None, typer.Option(help="The grades.csv of `nbgrader export`; it is filled into --to.")
    ] = None,
    gradescope: Annotated[Path | None, typer.Option(help="Where the zip of an autograder for Gradescope goes.")] = None,
    github_classroom: Annotated[
        Path | None, typer.Option(help="The folder for results of a GitHub Classroom runner, one a repository.")
    ] = None,
    to: Annotated[Path | None, typer.Option(help="Where the filled worksheet or table goes.")] = None,
    tick: Annotated[str, typer.Option(help="Grade for a tick; default: the best that there is, else 1.")] = "",
    resubmit: Annotated[str, typer.Option(help="Grade for handing in again; default: the worst.")] = "",
    upload_limit: Annotated[int, typer.Option(min=1, help="MiB that Moodle takes at once.")] = 50,
) -> NoReturn:
    """Take back what demonstrators wrote into decisions.csv, to one platform: fill Moodle's grading worksheet and pack
    pages as feedback, fill nbgrader's table of grades, or write what Gradescope or GitHub Classroom takes.

    A tick and a resubmit give a grade. Absent, a second opinion and no decision leave the grade as it is. Notes, each
    followed by its conditions, go into Moodle's feedback comments, where students read them, and nowhere else.
    Gradescope needs submissions that came as its export: upload the zip under "Configure Autograder" and run it again
    for the filled ones. GitHub Classroom needs a workflow that passes a repository's file on as the output of a runner
    (docs/report-format.md). Exit code 0: everybody's decision has gone back; 1: some have not, and the output says
    which and why. Without a platform you need no export: decisions.csv in the results folder is the result.

    Example: checker export results --moodle-worksheet grades.csv --to new.csv
    """
    if sum(one is not None for one in (moodle_worksheet, nbgrader, gradescope, github_classroom)) != 1:
        options = "--moodle-worksheet, --nbgrader, --gradescope or --github-classroom"
        raise UsageError("To which platform?", f"Say one of {options}.")
    if moodle_feedback is not None and moodle_worksheet is None:
        raise UsageError("--moodle-feedback needs the numbers in --moodle-worksheet.")
    if to is not None and moodle_worksheet is None and nbgrader is None:
        raise UsageError("--to is for what is filled in: --gradescope and --github-classroom say where they write.")
    words = Words(tick, resubmit)
    if user := lock.user_of(out):
        consoles.output.print(f"{out} is in use by {user}: {AS_BEFORE}", style="yellow", markup=False, soft_wrap=True)
    if moodle_worksheet is not None:
        is_complete = _to_moodle(out, moodle_worksheet, to, moodle_feedback, words, upload_limit * MIB)
    elif nbgrader is not None:
        is_complete = _to_nbgrader(out, nbgrader, to, words)
    elif gradescope is not None:
        is_complete = _to_gradescope(out, gradescope, words)
    else:
        assert github_classroom is not None
        is_complete = _to_classroom(out, github_classroom, words)
    raise typer.Exit(ExitCode.ALL_PASSED if is_complete else ExitCode.NOT_ALL_PASSED)


def _to_moodle(out: Path, given: Path, to: Path | None, feedback_to: Path | None, words: Words, limit: int) -> bool:
    if to is None and feedback_to is None:
        raise UsageError("There is nothing to write.", "Say --to FILE, --moodle-feedback FILE, or both.")
    _require_other(given, to)
    sheet = worksheets.read(files.content(given))
    found = _entries(out)
    doubt = f"is {given} the worksheet of this assignment?"
    is_complete = True
    if to is not None:
        filled = moodle.fill(sheet, found, _decided(out, found), words)
        is_complete = _finish(filled, to, doubt)
    if feedback_to is not None:
        made = _pages(sheet, found, out)
        places = _write_feedback(made, feedback_to, limit)
        told = f"{text.counted(len(made), 'page')}: {', '.join(map(str, places))}"
        consoles.output.print(told if made else f"No page is anybody's here: {doubt}", markup=False, soft_wrap=True)
        is_complete = is_complete and bool(made)
    return is_complete


def _to_nbgrader(out: Path, given: Path, to: Path | None, words: Words) -> bool:
    if to is None:
        raise UsageError("There is nothing to write.", "Say --to FILE.")
    _require_other(given, to)
    grades = nbgrader.read(files.content(given))
    found = _entries(out)
    filled = awards.fill(grades, found, _decided(out, found), words)
    return _finish(filled, to, f"is {given} the table of this assignment?")


def _to_gradescope(out: Path, to: Path, words: Words) -> bool:
    found = _entries(out)
    made = awards.award(found, _decided(out, found), Platform.GRADESCOPE, words)
    results = {one.entry.identity.number: one.result for one in made.awards}
    content = autograders.gradescope(results) if results else b""
    return _finish(Filled(content, made.lines, ()), to, "none of these is from Gradescope.")


def _to_classroom(out: Path, folder: Path, words: Words) -> bool:
    found = _entries(out)
    made = awards.award(found, _decided(out, found), Platform.NONE, words)
    for one in made.awards:
        files.write(folder / f"{files.slug(one.entry.name)}.txt", autograders.classroom(one.result))
    filled = Filled(b"", made.lines, ())
    _print(filled)
    if made.awards:
        said = f"Wrote {text.counted(len(made.awards), 'file')} into {folder}."
        consoles.output.print(said, markup=False, soft_wrap=True)
    else:
        _print_nothing(filled, "none of these is a repository's.")
    return filled.is_complete and bool(made.awards)


def _require_other(given: Path, to: Path | None) -> None:
    if to is not None and to.resolve() == given.resolve():
        raise UsageError("The filled file would overwrite the downloaded one.", "Choose another --to.")


def _entries(out: Path) -> list[Entry]:
    results = _as_left(_results(out), out)
    if results.dataset.practice:
        consoles.output.print(
            "These results were made with practice data: not for awarding ticks.", style="bold yellow"
        )
    return moodle.entries(results)


def _as_left(results: Results, out: Path) -> Results:
    """Return results without the verdicts whose evidence was changed since the batch; print these submissions."""
    altered = [report.submission for report in results.reports if batch.is_altered(out, report.submission.name)]
    if altered and lock.user_of(out):  # a batch may have stored the evidence, but not its digest yet
        time.sleep(SOON)
        altered = [one for one in altered if batch.is_altered(out, one.name)]
    for one in altered:
        consoles.output.print(text.one_line(f"{one.name}: {ALTERED}"), style="yellow", markup=False, soft_wrap=True)
    return replace(
        results,
        reports=tuple(report for report in results.reports if report.submission not in altered),
        unfinished=(*results.unfinished, *(Unfinished(one.name, ALTERED, one.identity) for one in altered)),
    )


def _results(out: Path) -> Results:
    path = out / "results.json"
    if not path.is_file():
        raise UsageError(f"There are no results in {out}.", "Name the folder that `checker batch --out` wrote.")
    try:
        return from_json(Results, path.read_bytes())
    except EvidenceError as error:
        raise UsageError(f"{path}: {error.message}.", "Run `checker batch` or `checker judge` again.") from error


def _decided(out: Path, found: Sequence[Entry]) -> Mapping[str, Decided]:
    """Return the decision that counts for each student. If the desk has a store, exchange decisions with it first."""
    if decision_log.exists(out):
        students = {names.student(one.name): one.report.submission.sha256 if one.report else "" for one in found}
        with exchange.opened(out) as log:
            exchanged = exchange.exchange(log, students)
        for words in exchanged.lines:
            consoles.output.print(words, style="yellow", markup=False, soft_wrap=True)
        return exchanged.decided
    path = out / decisions.FILE
    if not path.is_file():
        raise UsageError(f"There is no {decisions.FILE} in {out}.", "`checker batch` and `checker judge` write it.")
    return decisions.read(path.read_bytes())


def _finish(filled: Filled, to: Path, doubt: str) -> bool:
    """Print the outcome of each row, and write the filled file if anything matched; return whether everything was
    filled in. ``doubt``: a possible reason why nothing matched."""
    _print(filled)
    if not (filled.has_match and filled.content):
        _print_nothing(filled, doubt)
        return False
    files.write(to, filled.content)
    consoles.output.print(f"Wrote {to}.", markup=False, soft_wrap=True)
    return filled.is_complete


def _print_nothing(filled: Filled, doubt: str) -> None:
    """Print that nothing was written, and why."""
    why = "Nobody has decided" if filled.has_match else "Nothing matched"
    said = f"{why}, so nothing was written{'.' if filled.has_match else f': {doubt}'}"
    consoles.output.print(said, style="bold yellow", markup=False, soft_wrap=True)


def _print(filled: Filled) -> None:
    """Print the outcome of every row and submission. All students without a submission share one line."""
    for line in filled.lines:
        if line.outcome is not Outcome.ABSENT:
            against = f" ({line.against})" if line.against else ""
            words = text.one_line(f"{line.who}: {line.outcome}: {line.words}{against}")
            consoles.output.print(words, markup=False, soft_wrap=True)
    absent = [text.one_line(line.who, NAME) for line in filled.lines if line.outcome is Outcome.ABSENT]
    if absent:
        consoles.output.print(f"{Outcome.ABSENT.capitalize()}: {', '.join(absent)}", markup=False, soft_wrap=True)
    counts = Counter(line.outcome for line in filled.lines)
    consoles.output.print(
        ", ".join(f"{counts[outcome]} {outcome}" for outcome in Outcome if counts[outcome]), style="bold"
    )
    waiting = Counter(line.waits for line in filled.lines if line.waits)
    if waiting:
        told = ", ".join(f"{count} {words}" for words, count in waiting.items())
        consoles.output.print(f"{told}: no grade goes back.", style="bold yellow")
    differ = Counter(line.against for line in filled.lines if line.against)
    if differ:
        consoles.output.print(", ".join(f"{count} {words}" for words, count in differ.items()), style="bold yellow")
    for warning in filled.warnings:
        consoles.output.print(warning, style="yellow", soft_wrap=True)


# -- feedback ----------------------------------------------------------------------------------------------


def _pages(sheet: Worksheet, found: Sequence[Entry], out: Path) -> list[Page]:
    """Return, for each participant whose row matches a submission, the page of that submission."""
    matched = moodle.match(sheet, found)
    made = []
    for row in sheet.rows:
        entry = matched.get(row.line)
        if isinstance(entry, Entry) and entry.report is not None and row.number:
            made.append(Page(row.number, entry.report.submission.sha256, _page(out, entry.report)))
    return made


def _page(out: Path, report: Report) -> bytes:
    """Return the student's edition of a report. The other edition holds questions and the reference."""
    return files.content(out / paths.student_page_of(report.submission))


def _write_feedback(made: Sequence[Page], path: Path, limit: int) -> list[Path]:
    """Write pages into one zip, or into several numbered ones if one would be larger than the limit."""
    zips = feedback.pack(made, limit)
    numbered = [path.with_name(f"{path.stem}-{at}{path.suffix}") for at in range(1, len(zips) + 1)]
    places = numbered if len(zips) > 1 else [path][: len(zips)]
    for place, content in zip(places, zips, strict=True):
        files.write(place, content)
    return places
