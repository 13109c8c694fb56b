"""Show the progress of a batch: a line for each submission as it ends and, on a terminal, bars of those that run."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

from checker.records.job import Progress as Step
from checker.records.report import Report, Unfinished
from checker.records.settings import Watch
from checker.records.verdicts import Stage
from checker.report import narrow, terminal
from checker.report.vocabulary import STAGES

COUNTED = {Stage.EXECUTING: "running cell", Stage.RETRAINING: "training seed"}
"""Stages with steps. Cells are reported as they begin, seeds as they end (``records.job.Progress``)."""
A_FEW = 3
"""The time left is shown once at least this many submissions have run."""
NAME = 40
SHORT_NAME = 24


def present_step(stage: Stage, at: Step) -> int:
    """Return the number of the cell or seed that runs; 0 if it is unknown, or the stage has no steps."""
    return min(at.at + (stage is Stage.RETRAINING), at.of) if stage in COUNTED else 0


def stage_in_words(stage: Stage, at: Step) -> str:
    """Return the stage in words, such as "running cell 3 of 12"."""
    step = present_step(stage, at)
    return f"{COUNTED[stage]} {step} of {at.of}" if step else STAGES[stage]


def time_in_words(seconds: float) -> str:
    """Return a rough time, such as "about 40 s", "about 12 min", "about 2.5 h"."""
    if seconds < 55:
        return f"about {max(round(seconds, -1), 10):.0f} s"
    return f"about {seconds / 60:.0f} min" if seconds < 5_400 else f"about {seconds / 3_600:.1f} h"


class Pace:
    """Estimates how long the rest of a batch takes, from the submissions that have run in it.

    Submissions with stored evidence end immediately. They are mostly the first ones, and give no estimate for the rest.
    """

    def __init__(self, total: int, clock: Callable[[], float]) -> None:
        self._left, self._ran, self._clock = total, 0, clock
        self._began: float | None = None

    def begin(self) -> None:
        """Note that a submission runs."""
        self._began = self._clock() if self._began is None else self._began

    def end(self, ran: bool) -> None:
        """Note the end of a submission."""
        self._left -= 1
        self._ran += ran

    def left(self) -> str:
        """Return the time left, in words; "" if it is unknown, or nothing is left."""
        if self._began is None or self._ran < A_FEW or not self._left:
            return ""
        return f"{time_in_words((self._clock() - self._began) * self._left / self._ran)} left"


class Display:
    """A line for each submission as it ends, with bars of those that run below on a terminal. Several threads may
    report to it."""

    def __init__(
        self,
        console: Console,
        total: int,
        first: Mapping[Stage, str] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``total``: number of submissions that will end. ``first``: a sentence to print at the first entry to each
        stage."""
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=14),
            TextColumn("{task.fields[stage]}", markup=False),
            TimeElapsedColumn(),
        )
        self._console = console
        self._bars = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
        self._all: TaskID = self._bars.add_task("all", total=total, stage=f"0 of {total}", visible=total > 1)
        self._tasks: dict[str, TaskID] = {}
        self._ended, self._total = 0, total
        self._first, self._pace = dict(first or {}), Pace(total, clock)
        self._lock = threading.Lock()

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Show the bars until the block ends."""
        with self._bars:
            yield

    def watch(self, name: str) -> Watch:
        """Return a function that moves the bar of the submission of this name. The first call makes the bar appear."""

        def step(stage: Stage, at: Step) -> None:
            with self._lock:
                if words := self._first.pop(stage, ""):
                    self._console.print(words, soft_wrap=True)
                if name not in self._tasks:
                    # Without a total, the bar moves to and fro.
                    self._tasks[name] = self._bars.add_task(self._shown(name, SHORT_NAME), total=None, stage="")
                    self._pace.begin()
                number = present_step(stage, at)
                done, of = max(number - 1, 0), at.of if number else None
                self._bars.update(self._tasks[name], completed=done, total=of, stage=stage_in_words(stage, at))
                self._count()

        return step

    def end(self, name: str, result: Report | Unfinished) -> None:
        """Remove the bar of a submission, count it as ended, and print its verdict."""
        with self._lock:
            self._ended += 1
            self._pace.end(ran=name in self._tasks)
            if name in self._tasks:
                self._bars.remove_task(self._tasks.pop(name))
            self._count()
            self._console.print(self._line(name, result), soft_wrap=True)

    def _count(self) -> None:
        said = (f"{self._ended} of {self._total}", self._pace.left())
        self._bars.update(self._all, completed=self._ended, stage=", ".join(filter(None, said)))

    def _line(self, name: str, result: Report | Unfinished) -> Text:
        """Return the line of a submission that has ended; in a pipe, which has no bars, with the time left."""
        verdict = result.verdict if isinstance(result, Report) else None
        said = terminal.text(self._console, verdict or "no verdict", terminal.COLOUR[verdict] if verdict else "yellow")
        left = "" if self._console.is_terminal else self._pace.left()
        begin = f"[{self._ended}/{self._total}] {self._shown(name, NAME)}: "
        return Text.assemble(begin, said, f" ({left})" if left else "")

    def _shown(self, name: str, width: int) -> str:
        return terminal.text(self._console, narrow.shortened(name, width)).plain
