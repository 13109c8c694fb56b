"""The command that packs an assignment's files for students."""

import hashlib
from pathlib import Path
from typing import Annotated

import typer

from checker.assignment import bundle, folders
from checker.commands import consoles
from checker.commands.options import AssignmentFolder
from checker.formats import files


def command(
    folder: AssignmentFolder,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Where the zip goes; default: ID.zip.")] = None,
) -> None:
    """Pack what students need for `checker self-check`: rules, hand-out, the reference's scores, and no solution.

    Example: checker bundle ocean_proximity -o tick4.zip
    """
    folder = folders.locate(folder)
    assignment = folders.load(folder)
    for words in folders.outdated(folder):
        consoles.output.print(words, style="yellow", markup=False, soft_wrap=True)
    path = out or Path(f"{files.slug(assignment.id)}.zip")
    content = bundle.pack(assignment)
    files.write(path, content)
    digest = hashlib.sha256(content).hexdigest()
    check = "  checker self-check my_solution.ipynb --assignment"
    for line in (
        f"Wrote {path}. Students type one of",
        f"{check} {path.name}",
        f"{check} https://…/{path.name}#sha256={digest}",
    ):
        consoles.output.print(line, markup=False, soft_wrap=True)
