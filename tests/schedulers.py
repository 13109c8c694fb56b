"""A Dask scheduler and its workers, each a process of its own."""

import os
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

pytest.importorskip("distributed", reason="batches on other machines need the extra `cluster`")

from checker.run import cluster

ROOT = Path(__file__).parent.parent


class Processes:
    """A scheduler and its workers, each a process; all are ended with the test."""

    def __init__(self, stack, allowed_failures):
        self._stack, self.workers = stack, []
        port = free_port()
        self.address = f"tcp://127.0.0.1:{port}"
        command = ["-m", "distributed.cli.dask_scheduler", "--host", self.address, "--no-dashboard"]
        self.scheduler = self._start(command, DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES=str(allowed_failures))
        wait_until_open(port)
        self.client = stack.enter_context(closing(cluster.connect(self.address)))

    def _start(self, arguments, **environment):
        process = subprocess.Popen([sys.executable, *arguments], cwd=ROOT, env=os.environ | environment)
        self._stack.callback(process.wait, 30)
        self._stack.callback(process.kill)
        return process

    def start_worker(self, *arguments):
        """Start one more, and return its process once it is connected."""
        self.workers.append(self._start([*arguments]))
        self.client.wait_for_workers(sum(worker.poll() is None for worker in self.workers), timeout=120)
        return self.workers[-1]

    def wait_until_busy(self, process):
        """Return when a worker has a submission to run."""
        address = next(a for a, pid in self.client.run(os.getpid).items() if pid == process.pid)
        until = time.monotonic() + 60
        while not self.client.processing()[address]:
            assert time.monotonic() < until
            time.sleep(0.05)


def free_port():
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return trial.getsockname()[1]


def wait_until_open(port):
    """Return when somebody listens at a port, which a new Python takes seconds to do."""
    until = time.monotonic() + 60
    while True:
        with socket.socket() as trial:
            if trial.connect_ex(("127.0.0.1", port)) == 0:
                return
        assert time.monotonic() < until
        time.sleep(0.05)


@pytest.fixture
def processes():
    """Return what starts a scheduler that gives up on a task after so many lost workers."""
    with ExitStack() as stack:
        yield lambda allowed_failures: Processes(stack, allowed_failures)
