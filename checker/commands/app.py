"""The application, and the one place where errors become messages and exit codes.

Each module beside this one holds a command. A command has other packages do the work and prints what they return; it
decides nothing. Every exception that it lets through ends in ``main``.
"""

import shlex
import signal
import sys
from typing import Annotated, NoReturn

import typer

from checker import __version__
from checker.commands import (
    batch,
    bundle,
    consoles,
    desk,
    doctor,
    erase,
    export,
    judge,
    new,
    reference,
    self_check,
    tensorboard,
    worker,
)
from checker.errors import CheckerError, ExitCode
from checker.formats import text

RESUMED = (["batch"], ["judge"])
"""Commands that take up their work again when they are repeated."""

app = typer.Typer(
    help="Check solutions of a deep-learning practical.\n\n"
    "The checker runs a student's notebook in a sandbox, trains the network again from fixed seeds, compares it with "
    "a reference solution, and writes a report: PASS, REFER or FAIL.\n\n"
    "Example: checker batch submissions --data housing.csv --out results",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        consoles.output.print(f"checker {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Hold the options that come before a command."""


# In the order in which people meet them: demonstrators, students, lecturers, administrators.
app.command("batch", short_help="Check a folder of submissions.")(batch.command)
app.command("judge", short_help="Judge a batch again, after rules were changed.")(judge.command)
app.command("desk", short_help="Open the page of a ticking session.")(desk.command)
app.command("export", short_help="Return decisions to Moodle and other platforms.")(export.command)
app.command("erase", short_help="Remove all that is stored of a student.")(erase.command)
app.command("tensorboard", short_help="Show the trainings of a batch in TensorBoard.")(tensorboard.command)
app.command("self-check", short_help="Check your own solution before you upload it.")(self_check.command)
app.command("new", short_help="Make the folder of a new assignment.")(new.command)
app.command("reference", short_help="Check an assignment with its reference solution.")(reference.command)
app.command("bundle", short_help="Pack what students need for a self-check.")(bundle.command)
app.command("doctor", short_help="Look at this machine: what is missing?")(doctor.command)
app.command("worker", short_help="Run submissions of a batch on another machine.")(worker.command)


def main() -> NoReturn:
    """Run the program. Every failure ends here, with a message and an exit code."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: what was finished is kept
    try:
        app()
    except SystemExit as ending:
        if ending.code == ExitCode.INTERRUPTED:
            _say_interrupted(sys.argv[1:])
        raise
    except CheckerError as error:
        consoles.warn(error.message, style="bold red")
        if error.help:
            consoles.errors.print(text.as_printed(error.help), markup=False, soft_wrap=True)
        sys.exit(int(error.exit_code))
    except Exception:  # noqa: BLE001  # the last resort: a bug of ours becomes a message and an exit code
        consoles.errors.print_exception()
        consoles.errors.print(
            "This is a mistake in the checker, not in any submission. Please report it with the lines above."
        )
        sys.exit(int(ExitCode.HARNESS_BROKEN))
    raise AssertionError("a command always ends with an exit code")


def _say_interrupted(words: list[str]) -> None:
    """Say that a command was interrupted, and how to go on if it takes up its work again."""
    if words[:1] not in RESUMED:
        consoles.errors.print("Interrupted.")
        return
    consoles.errors.print("Interrupted; what was finished is kept. To go on, type:")
    typed = shlex.join(["checker", *words])
    consoles.errors.print(text.visible(typed, len(typed)), markup=False, highlight=False, soft_wrap=True)
