"""The command that packs an assignment's files for students."""

import hashlib
from pathlib import Path
from typing import Annotated

import typer

from checker.assignment import bundle, folders
from checker.commands import consoles, steps
from checker.commands.options import AssignmentFolder, DataOption
from checker.formats import files
from checker.run import references, session
from checker.run.session import Purpose, Request


def command(
    folder: AssignmentFolder,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Where the zip goes; default: ID.zip.")] = None,
    data: DataOption = None,
) -> None:
    """Pack what students need for `checker self-check`: rules, hand-out, the reference's scores, and no solution.

    If scores are missing, or belong to another solution or other settings, the reference is trained first.

    Example: checker bundle ocean_proximity -o tick4.zip
    """
    folder = folders.locate(folder)
    assignment = folders.load(folder)
    for words in folders.outdated(folder):
        consoles.output.print(words, style="yellow", markup=False, soft_wrap=True)
    if all(known.dataset_sha256 != assignment.data.sha256 for known in bundle.current_scores(assignment)):
        _make_scores(folder, data)
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


def _make_scores(folder: Path, data: Path | None) -> None:
    """Train the reference for every seed of the pool, and write its scores into the assignment's folder."""
    settings = session.settings(Request(purpose=Purpose.SELF_CHECK, assignment=folder, data=data))
    consoles.output.print(
        "The scores for self-checks are missing or outdated. "
        f"The reference is trained for {len(settings.seeds)} seeds, once: some minutes.",
        soft_wrap=True,
    )
    path = references.write_scores(steps.open_session(settings).reference, settings)
    consoles.output.print(f"Wrote {path}.", markup=False, soft_wrap=True)
