"""Judging in several processes: many independent calls of one function.

Theory of operation: a few calls are made in this process, because a new one takes a second to start. Many calls are
distributed over one process for each processor. Each process gets the function once, with the data that all calls
share. Results come in the order of the calls, so they do not depend on the number of processes.
"""

import multiprocessing
import os
import signal
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import Any, TypeVar

from checker.errors import HarnessError

T = TypeVar("T")
R = TypeVar("R")

MANY = 24
"""From this number of calls on, several processes are started."""


@contextmanager
def spread(function: Callable[[T], R], arguments: Sequence[T]) -> Iterator[Iterator[R]]:
    """Yield the function's results in the order of its arguments, as they come. An exception of a call is raised in
    place of its result, and ends all further calls."""
    if len(arguments) < MANY:
        yield map(function, arguments)
        return
    shared = (function, tempfile.gettempdir())
    # Forked processes would inherit locks that other threads hold at that moment.
    with ProcessPoolExecutor(_processors(), multiprocessing.get_context("spawn"), _begin, shared) as pool:
        try:
            yield _told(pool.map(_call, arguments))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _told(results: Iterator[R]) -> Iterator[R]:
    try:
        yield from results
    except BrokenProcessPool as error:
        raise HarnessError("A process that judged submissions was ended.", "Type the same command again.") from error


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


_function: Callable[[Any], Any] = str
"""The function that this process calls, if it is one of several."""


def _begin(function: Callable[[Any], Any], scratch: str) -> None:
    """Begin as a worker process: share the first process's folder of temporary files, and ignore interrupts."""
    global _function
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _function, tempfile.tempdir = function, scratch


def _call(argument: Any) -> Any:
    return _function(argument)
