"""A worker with a fake sandbox, as a process: ``python tests/fake_worker.py ADDRESS``.

With the word ``slowly`` behind the address, its boxes take long to get ready. It is a module of its own, because a
process that imported a test module would import scikit-learn with it.
"""

import os
import signal
import sys
import time

from fakes import FakeSandbox

from checker.records.capture import Environment
from checker.records.job import Progress
from checker.run import cluster
from checker.sandbox import kinds
from checker.wire import frames


class FakeWall(FakeSandbox):
    """A fake sandbox that workers use as theirs."""

    name = "bubblewrap"


def deadly(job, beside):
    """A guest that kills the worker's process, or takes its time, or has no model."""
    script = beside[0].payload
    if script == b"kill":
        os.kill(os.getpid(), signal.SIGKILL)
    yield frames.message(Environment({}, "3", ""))
    yield frames.message(Progress(1, 1))
    time.sleep(5 if script == b"slow" else 0)


def warm_up_slowly(pool):
    """Stand in for boxes that take long to get ready."""
    print("warming", flush=True)
    time.sleep(5)


if __name__ == "__main__":
    kinds.choose = lambda kind: FakeWall(deadly)
    if "slowly" in sys.argv:
        cluster.places.Pool.warm = warm_up_slowly
    cluster.work(sys.argv[1], 1, print)
