"""The application, and the one place where errors become messages and exit codes.

Each module beside this one holds a command. A command has other packages do the work and prints what they return; it
decides nothing. Every exception that it lets through ends in ``main``. Only the command that was typed is imported.
"""

import shlex
import signal
import sys
from importlib import import_module
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from checker import __version__
from checker.commands import consoles
from checker.errors import CheckerError, ExitCode
from checker.formats import text

RESUMED = (["batch"], ["judge"])
"""Commands that take up their work again when they are repeated."""

COMMANDS = {
    "batch": "Check a folder of submissions.",
    "judge": "Judge a batch again, after rules were changed.",
    "desk": "Open the page of a ticking session.",
    "export": "Return decisions to Moodle and other platforms.",
    "erase": "Remove all that is stored of a student.",
    "tensorboard": "Show the trainings of a batch in TensorBoard.",
    "self-check": "Check your own solution before you upload it.",
    "new": "Make the folder of a new assignment.",
    "reference": "Check an assignment with its reference solution.",
    "bundle": "Pack what students need for a self-check.",
    "doctor": "Look at this machine: what is missing?",
    "worker": "Run submissions of a batch on another machine.",
}
"""Each command, with its words in the list of commands. The order is by readers: demonstrators, students, lecturers,
administrators."""

PLAIN: dict[str, Any] = {"add_completion": False, "rich_markup_mode": None, "pretty_exceptions_enable": False}


def imported(name: str) -> Any:
    """Import a command's module; return the command as Typer runs it."""
    alone = typer.Typer(**PLAIN)
    alone.command(name)(import_module(f"checker.commands.{name.replace('-', '_')}").command)
    return typer.main.get_command(alone)


class Commands(TyperGroup):
    """The commands. The one that was typed is imported."""

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[Any, Any, list[str]]:
        name, command, rest = super().resolve_command(ctx, args)
        return name, imported(name) if name else command, rest


app = typer.Typer(
    cls=Commands,
    help="Check solutions of a deep-learning practical.\n\n"
    "The checker runs a student's notebook in a sandbox, trains the network again from fixed seeds, compares it with "
    "a reference solution, and writes a report: PASS, REFER or FAIL.\n\n"
    "Example: checker batch submissions --data housing.csv --out results",
    no_args_is_help=True,
    **PLAIN,
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


def _named() -> None:
    """Stand in the list of commands for one that is not imported."""


for _name, _words in COMMANDS.items():
    app.command(_name, short_help=_words)(_named)


def main() -> NoReturn:
    """Run the program. Every failure ends here, with a message and an exit code."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # like Ctrl-C: finished results are kept
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
    """Print that a command was interrupted, and how to go on if it takes up its work again."""
    if words[:1] not in RESUMED:
        consoles.errors.print("Interrupted.")
        return
    consoles.errors.print("Interrupted; what was finished is kept. To go on, type:")
    typed = shlex.join(["checker", *words])
    consoles.errors.print(text.visible(typed, len(typed)), markup=False, highlight=False, soft_wrap=True)
