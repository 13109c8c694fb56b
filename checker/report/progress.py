"""What is seen while a batch runs: a bar for each running submission, or plain lines where no one looks."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from checker.formats import text
from checker.records.job import Progress as Step
from checker.records.report import Report, Unfinished
from checker.records.settings import Watch
from checker.records.submission import Submission
from checker.records.verdicts import Stage

WORDS = {
    Stage.EXECUTING: "executing cell",
    Stage.TRACING: "tracing rows",
    Stage.RETRAINING: "retraining seed",
    Stage.JUDGING: "judging",
}


class Display:
    """Bars on a terminal; elsewhere one line for each submission as it ends."""

    def __init__(self, console: Console, total: int) -> None:
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
    def shown(self) -> Iterator["Display"]:
        with self._bars:
            yield self

    def watch(self, submission: Submission) -> Watch:
        """Return what to call while a submission is on its way; its bar appears with the first call."""

        def step(stage: Stage, at: Step) -> None:
            words = f"{WORDS.get(stage, stage)} {at.at} of {at.of}" if at.at else WORDS.get(stage, str(stage))
            with self._lock:
                if submission.name not in self._tasks:
                    name = text.one_line(submission.name, 30)
                    self._tasks[submission.name] = self._bars.add_task(name, total=at.of, stage=words)
                self._bars.update(self._tasks[submission.name], completed=at.at, total=at.of, stage=words)

        return step

    def end(self, name: str, result: Report | Unfinished) -> None:
        """Take a submission's bar away and count it."""
        with self._lock:
            self._ended += 1
            if name in self._tasks:
                self._bars.remove_task(self._tasks.pop(name))
            self._bars.update(self._all, completed=self._ended, stage=f"{self._ended} of {self._total}")
        if not self._console.is_terminal:
            said = result.verdict if isinstance(result, Report) else "no verdict"
            line = f"[{self._ended}/{self._total}] {text.one_line(name, 60)}: {said}"
            self._console.print(line, markup=False, highlight=False, soft_wrap=True)
