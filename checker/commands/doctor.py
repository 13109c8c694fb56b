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
        bool, typer.Option("--full", help="Try our own hostile files behind this machine's wall (two minutes).")
    ] = False,
) -> None:
    """Say what is installed here, which sandbox works and why not, and whether the data was found."""
    findings = (*doctor.examine(assignment, data), *(doctor.withstand() if full else ()))
    notices.print_findings(consoles.output, findings)
    well = all(finding.is_well for finding in findings)
    raise typer.Exit(ExitCode.ALL_PASSED if well else ExitCode.NOT_ALL_PASSED)
