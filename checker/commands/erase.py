"""The command that removes all stored data of one student."""

import sys
from typing import Annotated

import typer

from checker.commands import consoles
from checker.commands.options import ResultsFolder
from checker.errors import UsageError
from checker.formats import text
from checker.run import erasing, lock


def command(
    out: ResultsFolder,
    student: Annotated[str, typer.Argument(metavar="STUDENT", help="The submission's exact name.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Remove all that RESULTS holds of one student: evidence, pages, scripts, decisions, rows of tables.

    It says first what it will remove and asks, and at the end what it cannot reach.

    Example: checker erase results ada
    """
    with lock.held(out):
        person = erasing.find(out, student)
        _print(f"All of {text.one_line(person.name)} in {out} will be removed:", person.lines)
        if not yes:
            _ask()
        erasing.erase(out, person)
    _print("All of this is removed. Not reached:", erasing.not_reached(out, person))


def _print(heading: str, lines: tuple[str, ...]) -> None:
    consoles.output.print(heading, markup=False, soft_wrap=True)
    for line in lines:
        consoles.output.print(f"  {line}", markup=False, soft_wrap=True)


def _ask() -> None:
    if not sys.stdin.isatty():
        raise UsageError("Nobody is there to be asked, so nothing was removed.", "Add --yes.")
    if not typer.confirm("Remove it?"):
        raise UsageError("Nothing was removed.")
