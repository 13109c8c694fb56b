"""Show the progress of a self-check: one bar on a terminal, a line for each step elsewhere."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from checker.records.job import Progress as Step
from checker.records.verdicts import Stage

START = "Starting TensorFlow (10 seconds or more)"
WORDS = {
    Stage.EXECUTING: "Running your file: cell {} of {}",
    Stage.TRACING: "Looking for your rows in the data",
    Stage.RETRAINING: "Training your network again, on other rows: {} of {}",
}


class OwnProgress:
    """The progress of one submission, in words for the student who made it."""

    def __init__(self, console: Console) -> None:
        self._console = console
        columns = (TextColumn("{task.description}", markup=False), BarColumn(bar_width=20), TimeElapsedColumn())
        self._bar = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
        self._task = self._bar.add_task(START, total=None)
        self._said = ""

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Show the progress until the block ends."""
        with self._bar:
            self._say(START)
            yield

    def watch(self, stage: Stage, at: Step) -> None:
        """Show a stage and its progress."""
        words = WORDS.get(stage, str(stage)).format(at.at, at.of)
        self._bar.update(self._task, description=words, completed=at.at, total=at.of)
        self._say(words)

    def _say(self, words: str) -> None:
        if not self._console.is_terminal and words != self._said:
            self._console.print(f"{words} …", markup=False, soft_wrap=True)
        self._said = words
