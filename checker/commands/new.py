"""The command that makes a new assignment."""

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from checker.assignment import folders
from checker.assignment.dataset import HOUSING, PRACTICE
from checker.assignment.scaffold import columns, folder
from checker.commands import consoles
from checker.errors import UsageError
from checker.formats.text import as_printed
from checker.scoring.metrics import GUESSES

HOUSING_TARGETS = {"classification": "ocean_proximity", "regression": "median_house_value"}


def command(
    path: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="Where the assignment goes; its name is the folder's.")
    ],
    task: Annotated[str, typer.Option(help="classification or regression.")],
    csv: Annotated[
        Path | None, typer.Option(help="The data, with a line of column names; else the housing data.")
    ] = None,
    target: Annotated[str, typer.Option(help="The column to predict.")] = "",
    title: Annotated[str, typer.Option(help="What reports call the assignment.")] = "",
) -> None:
    """Make the folder of a new assignment: settings, hand-out, solution, rules, and an example that fails each rule.

    \b
    Example:
    checker new flowers --task classification --csv flowers.csv --target species
    """
    if task not in GUESSES:
        raise UsageError(f"--task {task}: there is {' and '.join(GUESSES)}.")
    if path.exists() and any(path.iterdir()) if path.is_dir() else path.exists():
        raise UsageError(f"{path} is there already.", "Choose another name, or take it away first.")
    if csv is not None and not target:
        raise UsageError("Which column is to be predicted?", "Say --target COLUMN.")
    name = HOUSING if csv is None else csv.name
    described = columns.describe(_bytes(csv or PRACTICE), name, task, target or HOUSING_TARGETS[task])
    folder.write(path, described, title or path.name.replace("_", " "), is_housing=csv is None)
    made = folders.load(path)
    consoles.output.print(
        f"{path}: {described.rows:,} rows, {len(made.data.features)} features of {name}.", markup=False
    )
    for note in described.notes:
        consoles.output.print(Text(f"  {as_printed(note)}"), soft_wrap=True)
    if described.warning:
        consoles.warn(described.warning, soft_wrap=True)
    data = " --practice-data" if csv is None else ""
    consoles.output.print(
        f"Edit what is there, and look whether it holds: checker reference {path}{data}", markup=False, soft_wrap=True
    )


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.") from error
