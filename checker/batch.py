"""Check many submissions through any ``concurrent.futures`` executor, and keep what is already known.

Each submission is stored and its page written as soon as it ends. The harness's own failures are tried once
more; what still fails is listed without a verdict and taken up again by the next batch.
"""

import contextlib
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, as_completed
from dataclasses import dataclass
from pathlib import Path

import psutil

from checker import check, store
from checker.check import Course, Standard, Watch
from checker.errors import AssignmentError, HarnessError
from checker.records import Assignment, Report, Submission, Unfinished
from checker.rendering import html, tables
from checker.rendering.html import Entry
from checker.sandbox import Boxes, Sandbox

ATTEMPTS = 2


@dataclass(frozen=True)
class Result:
    """What became of a batch, in the order in which the submissions were given."""

    reports: tuple[Report, ...]
    unfinished: tuple[Unfinished, ...]


class Pool:
    """Boxes that are kept from one submission to the next, as many as are in use at the same time."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._idle: list[Boxes] = []
        self._open: set[Boxes] = set()
        self._lock = threading.Lock()
        self._closed = False

    @contextlib.contextmanager
    def lend(self) -> Iterator[Boxes]:
        """Lend a slot's boxes; they are closed where anything went wrong meanwhile, and kept else."""
        boxes = self._take()
        try:
            yield boxes
        except BaseException:
            self._drop(boxes)
            raise
        if self._closed:
            raise HarnessError("The batch was interrupted.")
        with self._lock:
            self._idle.append(boxes)

    def _take(self) -> Boxes:
        with self._lock:
            if self._closed:
                raise HarnessError("The batch was interrupted.")
            if self._idle:
                return self._idle.pop()
            boxes = self._sandbox.open()
            self._open.add(boxes)
            return boxes

    def _drop(self, boxes: Boxes) -> None:
        with self._lock:
            self._open.discard(boxes)
        boxes.close()

    def close(self) -> None:
        """End whatever runs in any box; no more are lent."""
        with self._lock:
            self._closed = True
            still_open = list(self._open)
        for boxes in still_open:
            boxes.close()


def jobs_that_fit(assignment: Assignment) -> int:
    """Return how many submissions this machine can run side by side: by its cores, and by memory limits."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    limit = max(assignment.execute.memory_mib, assignment.retrain.memory_mib) * 2**20
    return max(1, min(cores, int(psutil.virtual_memory().total // limit)))


def run(
    submissions: Sequence[Submission],
    course: Course,
    standard: Standard,
    out: Path,
    executor: Executor,
    watch: Callable[[Submission], Watch],
    on_end: Callable[[Submission, Report | Unfinished], None],
    fresh: bool = False,
) -> Result:
    """Check all submissions and write their pages, then the index and the tables.

    Raises AssignmentError where a rule cannot be run at all; KeyboardInterrupt ends every box first.
    """
    pool = Pool(course.sandbox)
    ended: dict[str, Report | Unfinished] = {}

    def one(submission: Submission) -> Report | Unfinished:
        return _attempt(submission, course, standard, out, pool, watch(submission), fresh)

    futures = {executor.submit(one, submission): submission for submission in submissions}
    try:
        for future in as_completed(futures):
            ended[futures[future].name] = future.result()
            on_end(futures[future], future.result())
    except BaseException:
        for future in futures:
            future.cancel()
        raise
    finally:
        pool.close()
    in_order = [ended[submission.name] for submission in submissions]
    result = Result(
        tuple(end for end in in_order if isinstance(end, Report)),
        tuple(end for end in in_order if isinstance(end, Unfinished)),
    )
    write_tables(result, course, out)
    return result


def _attempt(
    submission: Submission,
    course: Course,
    standard: Standard,
    out: Path,
    pool: Pool,
    watch: Watch,
    fresh: bool,
) -> Report | Unfinished:
    """Check one submission; a failure of the harness is tried again before it is told."""
    message = ""
    for _ in range(ATTEMPTS):
        try:
            return _check(submission, course, standard, out, pool, watch, fresh)
        except AssignmentError:
            raise
        except Exception as error:  # noqa: BLE001  # whatever breaks here is ours, and stops nobody else's check
            expected = isinstance(error, HarnessError | OSError)
            message = str(error) if expected else f"{type(error).__name__}: {error}"
    return Unfinished(submission.name, message)


def _check(
    submission: Submission,
    course: Course,
    standard: Standard,
    out: Path,
    pool: Pool,
    watch: Watch,
    fresh: bool,
) -> Report:
    under = check.evidence_key(submission, course)
    gathered = None if fresh else store.load(out / "evidence", submission.name, under)
    if gathered is None:
        with pool.lend() as boxes:
            gathered = check.examine(submission, course, boxes, watch)
        store.save(out / "evidence", submission.name, under, gathered)
    report = check.judge(gathered, course, standard)
    store.write(out / page_of(submission), html.render_page(report, index_href="../index.html"))
    return report


def page_of(submission: Submission) -> str:
    """Return a submission's page, relative to the output folder."""
    return f"reports/{store.slug(submission.name)}.html"


def write_tables(result: Result, course: Course, out: Path) -> None:
    """Write the index and the tables for other programs."""
    note = course.dataset.note
    entries = [Entry(report, page_of(report.submission)) for report in result.reports]
    store.write(out / "index.html", html.render_index(course.assignment.title, entries, result.unfinished, note))
    store.write(out / "results.json", tables.results_json(result.reports, result.unfinished, note))
    store.write(out / "results.csv", tables.results_csv(result.reports))
    store.write(out / "junit.xml", tables.junit_xml(result.reports, result.unfinished))
