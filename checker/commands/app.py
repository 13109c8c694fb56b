"""The application, and the one place where errors become messages and exit codes.

Each module beside this one holds a command. A command has other packages do the work and prints what they return; it
decides nothing. Every exception that it lets through ends in ``main``.
"""

import sys
from typing import Annotated, NoReturn

import typer

from checker import __version__
from checker.commands import (
    batch,
    bundle,
    consoles,
    doctor,
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

app = typer.Typer(
    help="Check solutions of a deep-learning practical: run them in a sandbox, retrain the student's network from "
    "fixed seeds, compare it with a reference solution, and write a report.",
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


app.command("batch")(batch.command)
app.command("worker")(worker.command)
app.command("judge")(judge.command)
app.command("self-check")(self_check.command)
app.command("reference")(reference.command)
app.command("doctor")(doctor.command)
app.command("bundle")(bundle.command)
app.command("new")(new.command)
app.command("export")(export.command)
app.command("tensorboard")(tensorboard.command)


def main() -> NoReturn:
    """Run the program. Every failure ends here, with a message and an exit code."""
    try:
        app()
    except SystemExit as ending:
        if ending.code == ExitCode.INTERRUPTED:
            consoles.errors.print("Interrupted; what was finished is kept.")
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
