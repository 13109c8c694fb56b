"""Show the progress of a batch: a bar for each running submission on a terminal, plain lines elsewhere."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from checker.formats import text
from checker.records.job import Progress as Step
from checker.records.report import Report, Unfinished
from checker.records.settings import Watch
from checker.records.verdicts import Stage

WORDS = {
    Stage.EXECUTING: "executing cell",
    Stage.TRACING: "tracing rows",
    Stage.RETRAINING: "retraining seed",
    Stage.JUDGING: "judging",
}


class Display:
    """Bars on a terminal; elsewhere one line for each submission as it ends. Several threads may report to it."""

    def __init__(self, console: Console, total: int) -> None:
        """``total``: how many submissions will end."""
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[stage]}", markup=False),
            TimeElapsedColumn(),
        )
        self._console = console
        self._bars = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
        self._all: TaskID = self._bars.add_task("all submissions", total=total, stage=f"0 of {total}")
        self._tasks: dict[str, TaskID] = {}
        self._ended, self._total = 0, total
        self._lock = threading.Lock()

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Show the bars until the block ends."""
        with self._bars:
            yield

    def watch(self, name: str) -> Watch:
        """Return a function that moves the bar of the submission of this name. The first call makes the bar appear."""

        def step(stage: Stage, at: Step) -> None:
            words = f"{WORDS.get(stage, stage)} {at.at} of {at.of}" if at.at else WORDS.get(stage, str(stage))
            with self._lock:
                if name not in self._tasks:
                    self._tasks[name] = self._bars.add_task(text.one_line(name, 30), total=at.of, stage=words)
                self._bars.update(self._tasks[name], completed=at.at, total=at.of, stage=words)

        return step

    def end(self, name: str, result: Report | Unfinished) -> None:
        """Remove the bar of a submission and count it as ended."""
        with self._lock:
            self._ended += 1
            if name in self._tasks:
                self._bars.remove_task(self._tasks.pop(name))
            self._bars.update(self._all, completed=self._ended, stage=f"{self._ended} of {self._total}")
        if not self._console.is_terminal:
            said = result.verdict if isinstance(result, Report) else "no verdict"
            line = f"[{self._ended}/{self._total}] {text.one_line(name, 60)}: {said}"
            self._console.print(line, markup=False, highlight=False, soft_wrap=True)
