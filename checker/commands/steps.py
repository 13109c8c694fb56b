"""Steps that several commands share: print notes, open the session, end a batch."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NoReturn

import typer

from checker.commands import consoles
from checker.errors import ExitCode, UsageError
from checker.records.settings import RunSettings
from checker.records.submission import Submission
from checker.records.verdicts import Stage, Verdict
from checker.report import terminal
from checker.report.progress import Display
from checker.run import batch, places, remembered, session, store, typed
from checker.run.session import Request, Session
from checker.sandbox.boxes import Boxes

A_MINUTE = 10
"""Largest number of seeds for which the reference is trained in about a minute."""


def warn_of_old_keys(request: Request) -> None:
    """Warn about each key of the assignment that was renamed."""
    for words in session.outdated(request):
        consoles.warn(words)


def completed(request: Request, out: Path) -> Request:
    """Check the typed options; return the request with all others taken from the batch that wrote a folder."""
    typed.require(
        lambda: _require_evidence(out), *typed.of_request(request), lambda: remembered.completed(request, out)
    )
    return remembered.completed(request, out)


def _require_evidence(out: Path) -> None:
    if not store.places(out / batch.EVIDENCE):
        raise UsageError(f"There is no evidence in {out}.", "Name the folder that `checker batch --out` wrote.")


def prepare(request: Request, submitted: Sequence[Submission]) -> RunSettings:
    """Return the settings of a run over these submissions, after printing the notes on them."""
    setup = session.prepare(request, submitted)
    for words in setup.notes:
        consoles.output.print(words, markup=False)
    return setup.settings


def open_session(settings: RunSettings, lend: Callable[[], AbstractContextManager[Boxes]] = places.trusted) -> Session:
    """Open a session, for which ``lend`` lends boxes. If the reference must be trained, print that, and show its
    progress."""
    time = "about a minute" if len(settings.all_seeds) <= A_MINUTE else "some minutes"
    display = Display(consoles.output, 1, {Stage.STARTING: f"Training the reference solution, once: {time}."})
    with display.shown():
        return session.open(settings, display.watch, lambda name, report: None, lend)


def finish(result: batch.Result, out: Path) -> NoReturn:
    """Print the summary of a batch, and exit with the code for what this command checked."""
    terminal.print_summary(consoles.output, result.reports, result.unfinished, str(out), result.in_words)
    for words in result.told:
        consoles.output.print(words, style="yellow", markup=False, soft_wrap=True)
    if any(one.is_usage for one in result.unfinished):
        raise typer.Exit(ExitCode.USAGE)
    if result.unfinished:
        raise typer.Exit(ExitCode.HARNESS_BROKEN)
    passed = all(report.verdict is Verdict.PASS for report in result.reports)
    raise typer.Exit(ExitCode.ALL_PASSED if passed else ExitCode.NOT_ALL_PASSED)
