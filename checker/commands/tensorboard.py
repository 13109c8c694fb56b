"""The command that shows the trainings of a batch in TensorBoard."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from checker.commands import consoles, steps
from checker.commands.options import OtherAssignment, OtherData, OtherPractice, ResultsFolder
from checker.errors import UsageError
from checker.formats.text import counted
from checker.judge.runs import is_measured
from checker.records.gathered import Gathered
from checker.records.settings import RunSettings
from checker.run import batch, session, store
from checker.run.keys import circumstances
from checker.run.session import Request


def command(
    out: ResultsFolder = Path("results"),
    only: Annotated[
        list[str] | None, typer.Option(metavar="STUDENT", help="Show only this one. Repeat it for several.")
    ] = None,
    assignment: OtherAssignment = None,
    data: OtherData = None,
    practice_data: OtherPractice = False,
    show: Annotated[bool, typer.Option("--show/--no-show", help="Start TensorBoard, or only write the files.")] = True,
) -> None:
    """Show the trainings of a batch in TensorBoard, beside those of the reference solution.

    The files go into the folder tensorboard in RESULTS. The folder remembers the assignment and the data of the batch.

    Example: checker tensorboard results --only ada
    """
    from checker.report import eventfiles  # its protocol buffers load slowly, and other commands do not need them

    request = Request(assignment=assignment, data=data, practice_data=practice_data)
    request = steps.completed(request, out)
    steps.warn_of_old_keys(request)
    settings = session.settings(request)
    chosen = _trained(out, only or [], settings)
    reference = steps.open_session(settings).reference_evidence
    folder = eventfiles.write_beside(chosen, reference, settings, out / "tensorboard")
    consoles.output.print(f"Event files of {counted(len(chosen), 'submission')} are in {folder}.", markup=False)
    if show:
        eventfiles.show(folder)


def _trained(out: Path, names: Sequence[str], settings: RunSettings) -> dict[str, Gathered]:
    """Return the evidence of retrained submissions, by name; all of them if there are no names."""
    loaded = [store.load_at(place, circumstances(settings)) for place in store.places(out / batch.EVIDENCE)]
    chosen = {name: gathered for name, _, gathered in loaded if not names or name in names}
    if missing := set(names) - set(chosen):
        raise UsageError(f"There is no evidence of {', '.join(sorted(missing))} in {out}.")
    trained = {name: of for name, of in chosen.items() if of is not None and is_measured(of.evidence)}
    if not trained:
        raise UsageError(
            f"In {out} there is no evidence of a training that was gathered on this data by this version.",
            "Name the folder, the assignment and the data of `checker batch`, or run it again.",
        )
    return trained
