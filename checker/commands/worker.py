"""The command that offers this machine's boxes to the batches of a Dask scheduler."""

from typing import Annotated

import typer

from checker.commands import consoles, schedulers


def command(
    scheduler: Annotated[str, typer.Argument(metavar="SCHEDULER", help="A Dask scheduler's address, or its file.")],
    boxes: Annotated[int | None, typer.Option(min=1, help="Submissions side by side; default: one a core.")] = None,
) -> None:
    """Run the submissions of batches that go through a Dask scheduler, in warm boxes on this machine.

    It goes on until the scheduler ends or this process is stopped (Ctrl-C, SIGTERM). What it was running then goes to
    another worker.

    Example: checker worker tcp://127.0.0.1:8786
    """
    cluster, address = schedulers.reach(scheduler)
    cluster.work(address, boxes, consoles.output.print)
