"""The index of a batch while it runs.

Theory of operation: the index is written at the start, when submissions end or come to another stage, and at the end.
In between, it is written after a number of changes that grows with the batch. So the time for writing the index, per
submission, hardly depends on the size of the batch.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from checker.formats import files
from checker.records.job import Progress
from checker.records.report import Report, UnderWay
from checker.records.settings import RunSettings, Watch
from checker.records.verdicts import Stage
from checker.report.tables import light
from checker.report.vocabulary import STAGES
from checker.run import tables
from checker.run.tables import End, Overview, name_of

STEPS = 20
"""The index is written when the number of changes reaches a twentieth of the number of submissions."""


@contextmanager
def announced(settings: RunSettings, out: Path, waiting: Sequence[str]) -> Iterator[None]:
    """Show in the index that submissions wait while a batch gets ready."""
    board = Board(settings, out, waiting)
    try:
        yield
    except BaseException:
        board.stop()
        raise


class Board:
    """The state of each submission of a folder, as its index shows it. Several threads may report to it."""

    def __init__(self, settings: RunSettings, out: Path, waiting: Sequence[str] = ()) -> None:
        """Show earlier results, and the submissions that this batch will check."""
        self._heading = settings.assignment.title, settings.dataset.note
        self._out = out
        self._results = tables.known(out, settings)
        self._before = frozenset(self._results)
        self._stages = dict.fromkeys(waiting, "")
        self._is_stopped = False
        self.told: tuple[str, ...] = ()
        """Sentences of ``write`` about decisions."""
        self._unseen = 0
        self._lock = threading.Lock()
        self._write_index()

    @property
    def known(self) -> dict[str, End]:
        """The results by the submission's slug."""
        return dict(self._results)

    def __len__(self) -> int:
        """Return the number of submissions with a result."""
        return len(self._results)

    def had(self, name: str) -> bool:
        """Tell whether a submission had a result before this batch."""
        return files.slug(name) in self._before

    def watch(self, name: str, watch: Watch) -> Watch:
        """Show that a submission has started. Return a function that shows its stage and passes it on to ``watch``."""

        def step(stage: Stage, at: Progress) -> None:
            self._enter(name, STAGES.get(stage, stage))
            watch(stage, at)

        self._enter(name, "starting")
        return step

    def _enter(self, name: str, stage: str) -> None:
        with self._lock:
            if name in self._stages and self._stages[name] != stage:
                self._stages[name] = stage
                self._change()

    def end(self, slug: str, result: End) -> End:
        """Show a submission's result, and return it. Nothing is shown after ``stop``: a closed box has no valid
        result."""
        with self._lock:
            if not self._is_stopped:
                self._stages.pop(name_of(result), None)
                self._results[slug] = light(result) if isinstance(result, Report) else result
                self._change()
        return result

    def stop(self) -> None:
        """Take no more changes, and show that submissions that have not ended wait for another command."""
        with self._lock:
            self._is_stopped = True
            self._write_index()

    def write(self) -> None:
        """Write the index and all tables."""
        with self._lock:
            self.told = tables.write(self._overview(), *self._heading, self._out)

    def _change(self) -> None:
        self._unseen += 1
        if not self._is_stopped and self._unseen >= (len(self._results) + len(self._stages)) / STEPS:
            self._write_index()

    def _write_index(self) -> None:
        self._unseen = 0
        tables.write_index(self._overview(), *self._heading, self._out)

    def _overview(self) -> Overview:
        under_way = tuple(UnderWay(name, stage) for name, stage in self._stages.items())
        return Overview(self._results, under_way, self._is_stopped)
