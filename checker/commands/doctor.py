"""The command that examines this machine."""

from typing import Annotated

import typer

from checker.commands import consoles
from checker.commands.options import AssignmentOption, DataOption
from checker.errors import ExitCode
from checker.report import notices
from checker.run import doctor


def command(
    assignment: AssignmentOption = None,
    data: DataOption = None,
    full: Annotated[
        bool, typer.Option("--full", help="Also run the checker's own hostile files in the sandbox (two minutes).")
    ] = False,
) -> None:
    """Look at this machine: what is installed, whether the sandbox works, and whether the data is there.

    Exit code 0: all is well; 1: something is missing, and the output says how to get it.

    Example: checker doctor --full
    """
    findings = (*doctor.examine(assignment, data), *(doctor.withstand() if full else ()))
    notices.print_findings(consoles.output, findings)
    well = all(finding.is_well for finding in findings)
    raise typer.Exit(ExitCode.ALL_PASSED if well else ExitCode.NOT_ALL_PASSED)
