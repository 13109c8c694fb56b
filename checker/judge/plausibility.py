"""Finds impossible statements of a file's run about its trainings. Pure.

A student's process may lie about what was trained. Some lies contradict each other or the clock: an epoch leaves its
loss in the history that ``fit`` returns, a step takes time, and each network is made in some cell.
"""

import math
from collections.abc import Sequence

from checker.records.capture import CellResult, Fit, ModelCapture
from checker.records.job import MAX_EPOCHS

STEP_SECONDS = 1e-6
"""No optimizer step takes less: this is a tenth of the time that TensorFlow needs to call one operation."""


def doubt(answer: ModelCapture, models: Sequence[ModelCapture], cells: Sequence[CellResult]) -> str:
    """Return an impossible statement about the answer's training, as a sentence; "" if nothing contradicts it.

    ``models`` are all networks of the file, ``cells`` the cells that ran.
    """
    if answer.cell < 1 or any(fit.cell < 1 for fit in answer.fits):
        return "Its network was made or trained in no cell of the file, so what trained it is not known."
    finished = [fit for fit in answer.fits if fit.finished]
    return next(filter(None, map(_of_history, finished)), "") or _of_time(answer, models, cells)


def _of_history(fit: Fit) -> str:
    """``fit`` returns a value for each epoch, including one that a student's callback interrupted."""
    if fit.how != "fit" or not fit.epochs_done:
        return ""
    noted = max(map(len, fit.history.values()), default=0)
    if not noted:
        return f"Its training in cell {fit.cell} left no history, which every call of fit leaves."
    if not 0 <= noted - min(fit.epochs_done, MAX_EPOCHS) <= 1:
        return (
            f"The history of its training in cell {fit.cell} holds {noted:,} epochs, but {fit.epochs_done:,} were run."
        )
    return ""


def _of_time(answer: ModelCapture, models: Sequence[ModelCapture], cells: Sequence[CellResult]) -> str:
    """All steps happened while cells ran. If a cell did not end, its time is unknown, and nothing is said."""
    steps = sum(fit.steps_done for model in models for fit in model.fits)
    seconds = math.fsum(cell.seconds for cell in cells)
    ended = {cell.index for cell in cells}
    if any(fit.cell not in ended for model in models for fit in model.fits) or steps * STEP_SECONDS <= seconds:
        return ""
    return f"It says that {steps:,} steps were trained in cells that ran for {seconds:,.1f} seconds: no computer can."
