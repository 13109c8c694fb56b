"""The command that takes results back to where the submissions came from. It reads and writes files; ``returns`` says
what goes into them."""

import os
from collections import Counter
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console

from checker import batch, decisions, feedback, lock, returns, store, worksheets
from checker.decisions import Decided
from checker.errors import EvidenceError, ExitCode, UsageError
from checker.feedback import Page
from checker.records import Report, from_json
from checker.rendering import html, text
from checker.rendering.tables import Results
from checker.returns import Entry, Filled, Outcome, Words
from checker.worksheets import Worksheet

MIB = 2**20
console = Console(highlight=False)


def command(
    out: Annotated[Path, typer.Argument(metavar="RESULTS", help="The folder that a batch wrote.")],
    moodle_worksheet: Annotated[Path, typer.Option(help="The grading worksheet as downloaded from Moodle.")],
    to: Annotated[Path | None, typer.Option(help="Where the filled worksheet goes.")] = None,
    moodle_feedback: Annotated[Path | None, typer.Option(help="Where the zip of all pages goes.")] = None,
    tick: Annotated[str, typer.Option(help="Grade for a tick; default: the best that there is.")] = "",
    resubmit: Annotated[str, typer.Option(help="Grade for handing in again; default: the worst.")] = "",
    upload_limit: Annotated[int, typer.Option(min=1, help="MiB that Moodle takes at once.")] = 50,
) -> NoReturn:
    """Fill Moodle's grading worksheet with what demonstrators wrote into decisions.csv, and pack pages as feedback.

    A row without a decision stays as it was. Exit code 0: everybody's decision is in the worksheet; 1: some are not,
    and the output says which and why.

    Example: checker export results --moodle-worksheet grades.csv --to filled.csv
    """
    if to is None and moodle_feedback is None:
        raise UsageError("There is nothing to write.", "Say --to FILE, --moodle-feedback FILE, or both.")
    if to is not None and to.resolve() == moodle_worksheet.resolve():
        raise UsageError("The filled worksheet would overwrite the downloaded one.", "Choose another --to.")
    sheet = worksheets.read(_bytes(moodle_worksheet))
    # Who may only read the results cannot hold them.
    with lock.held(out) if os.access(out, os.W_OK) else nullcontext():
        is_complete = _export(sheet, out, to, moodle_feedback, Words(tick, resubmit), upload_limit * MIB)
    raise typer.Exit(ExitCode.ALL_PASSED if is_complete else ExitCode.NOT_ALL_PASSED)


def _export(
    sheet: Worksheet, out: Path, to: Path | None, moodle_feedback: Path | None, words: Words, limit: int
) -> bool:
    """Write what was asked for, and return whether everybody's decision is in the worksheet."""
    results = _results(out)
    found = returns.entries(results)
    if results.dataset.practice:
        console.print("These results were made with practice data: not for awarding ticks.", style="bold yellow")
    is_complete = True
    if to is not None:
        filled = returns.fill(sheet, found, _decided(out), words)
        store.write(to, filled.content)
        _print(filled, to)
        is_complete = filled.is_complete
    if moodle_feedback is not None:
        made = _pages(sheet, found, out)
        places = _write_feedback(made, moodle_feedback, limit)
        console.print(f"{len(made)} pages: {', '.join(map(str, places)) or 'no file'}", markup=False)
    return is_complete


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.") from error


def _results(out: Path) -> Results:
    path = out / "results.json"
    if not path.is_file():
        raise UsageError(f"There are no results in {out}.", "Name the folder that `checker batch --out` wrote.")
    try:
        return from_json(Results, path.read_bytes())
    except EvidenceError as error:
        raise UsageError(f"{path}: {error.message}.", "Run `checker batch` or `checker judge` again.") from error


def _decided(out: Path) -> dict[str, Decided]:
    path = out / decisions.FILE
    if not path.is_file():
        raise UsageError(f"There is no {decisions.FILE} in {out}.", "`checker batch` and `checker judge` write it.")
    return decisions.read(path.read_bytes())


def _print(filled: Filled, to: Path) -> None:
    """Say of every row and submission what became of it; who has handed in nothing is only counted."""
    for line in filled.lines:
        if line.outcome is not Outcome.ABSENT:
            words = text.one_line(f"{line.who}: {line.outcome}: {line.words}")
            console.print(words, markup=False, soft_wrap=True)
    counts = Counter(line.outcome for line in filled.lines)
    console.print(", ".join(f"{counts[outcome]} {outcome}" for outcome in Outcome if counts[outcome]), style="bold")
    for warning in filled.warnings:
        console.print(warning, style="yellow")
    console.print(f"Wrote {to}.", markup=False)


# -- feedback ----------------------------------------------------------------------------------------------


def _pages(sheet: Worksheet, found: Sequence[Entry], out: Path) -> list[Page]:
    """Return each submission's page for every participant whose row in the worksheet is matched with it."""
    matched = returns.match(sheet, found)
    made = []
    for row in sheet.rows:
        entry = matched.get(row.line)
        if isinstance(entry, Entry) and entry.report is not None and row.number:
            made.append(Page(row.number, entry.report.submission.sha256, _page(out, entry.report)))
    return made


def _page(out: Path, report: Report) -> bytes:
    path = out / batch.page_of(report.submission)
    return html.by_itself(_bytes(path).decode("utf-8")).encode()


def _write_feedback(made: Sequence[Page], path: Path, limit: int) -> list[Path]:
    """Write pages into one zip, or into several, numbered, where one would be larger than the limit."""
    zips = feedback.pack(made, limit)
    numbered = [path.with_name(f"{path.stem}-{at}{path.suffix}") for at in range(1, len(zips) + 1)]
    places = numbered if len(zips) > 1 else [path][: len(zips)]
    for place, content in zip(places, zips, strict=True):
        store.write(place, content)
    return places
