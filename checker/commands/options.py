"""The options and arguments that several commands have in common."""

from pathlib import Path
from typing import Annotated

import typer

from checker.assignment import dataset

_PRACTICE = "Take made-up data of the same shape, to try things. Not for awarding ticks."

AssignmentOption = Annotated[
    Path | None,
    typer.Option(
        "--assignment",
        metavar="NAME",
        help="The assignment: its folder, or the name of one that comes with the checker (ocean_proximity, "
        "house_value). Default: the one in ./reference, else ocean_proximity.",
    ),
]
AssignmentFolder = Annotated[
    Path,
    typer.Argument(metavar="ASSIGNMENT", help="Its folder, or the name of one that comes with the checker."),
]
DataOption = Annotated[
    Path | None,
    typer.Option(
        "--data",
        metavar="CSV",
        help="The data. Default: the file in the assignment's folder, else the one that "
        f"${dataset.VARIABLE} names, else a download, which is kept.",
    ),
]
PracticeOption = Annotated[bool, typer.Option("--practice-data", help=_PRACTICE)]
ExactOption = Annotated[
    bool,
    typer.Option("--exact", help="Leave Keras's fit as it is in students' files: the same digits, slower."),
]
ExtensionsOption = Annotated[
    Path | None,
    typer.Option(
        "--extensions",
        metavar="CSV",
        help="Extended deadlines, with the columns student and until. Default: extensions.csv in the output folder, "
        "if it is there.",
    ),
]
ResultsFolder = Annotated[Path, typer.Argument(metavar="RESULTS", help="The folder that a batch wrote.")]

# A results folder remembers these, so they are typed only to change them.
OtherAssignment = Annotated[
    Path | None,
    typer.Option("--assignment", metavar="NAME", help="Another assignment than the batch had: its folder or name."),
]
OtherData = Annotated[
    Path | None, typer.Option("--data", metavar="CSV", help="The data, if it is no longer where the batch found it.")
]
OtherPractice = Annotated[bool, typer.Option("--practice-data", help=_PRACTICE)]
OtherExtensions = Annotated[
    Path | None,
    typer.Option(
        "--extensions",
        metavar="CSV",
        help="Other extended deadlines than the batch had, with the columns student and until.",
    ),
]
