"""The options and arguments that several commands have in common."""

from pathlib import Path
from typing import Annotated

import typer

from checker.assignment import dataset

AssignmentOption = Annotated[
    Path | None,
    typer.Option("--assignment", help="Folder of the assignment; else the one in ./reference, or its default."),
]
AssignmentFolder = Annotated[Path, typer.Argument(metavar="ASSIGNMENT", help="Folder of the assignment.")]
DataOption = Annotated[
    Path | None,
    typer.Option(
        "--data",
        help=f"The CSV to use; else the one in the assignment's folder, ${dataset.VARIABLE}, the cache, a download.",
    ),
]
PracticeOption = Annotated[
    bool, typer.Option("--practice-data", help="Use made-up data of the same shape; not for awarding ticks.")
]
ExactOption = Annotated[
    bool,
    typer.Option("--exact", help="Leave students' fit as it is, in Python between steps: the same digits, slower."),
]
ExtensionsOption = Annotated[
    Path | None,
    typer.Option(
        "--extensions", help="CSV with the columns student and until; else extensions.csv in the output folder."
    ),
]
ResultsFolder = Annotated[Path, typer.Argument(metavar="RESULTS", help="The folder that a batch wrote.")]
