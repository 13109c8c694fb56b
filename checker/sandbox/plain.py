"""A guest as a plain child process: no isolation, only limits on time, memory, output and processes, and a clean-up.

For a student's own code on the student's own machine, on Linux, macOS and Windows.
"""

import contextlib
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from subprocess import PIPE, TimeoutExpired

import psutil

import checker
from checker.records.assignment import Limits
from checker.records.job import Execution
from checker.sandbox import process
from checker.sandbox.boxes import Boxes
from checker.sandbox.process import Guest, Streams
from checker.wire.frames import Frame

PACKAGE_PARENT = Path(checker.__file__).parent.parent
KEPT = ("PATH", "LANG", "LC_ALL", "SYSTEMROOT", "SYSTEMDRIVE", "COMSPEC", "WINDIR", "NUMBER_OF_PROCESSORS")


class PlainProcess:
    """Opens boxes that consist of a temporary folder."""

    name = "none"

    def open(self) -> Boxes:
        return Boxes(PlainBox(), PlainBox())


class PlainBox:
    """Starts a new Python for each job."""

    def __init__(self) -> None:
        self._guest: Guest | None = None
        self._closed = False

    def run(self, job: Sequence[Frame], limits: Limits, receive: Callable[[Frame], None]) -> Execution:
        with tempfile.TemporaryDirectory(prefix="checker-", ignore_cleanup_errors=True) as folder:
            command = [sys.executable, "-m", "checker.guest"]
            started = process.start(command, _environment(folder), Path(folder), stdin=PIPE, stdout=PIPE)
            guest = self._guest = Guest(started, limits)
            if self._closed:
                guest.end()
            assert started.stdin and started.stdout and started.stderr
            streams = Streams(started.stdin, started.stdout, started.stderr)

            def let_end(finished: bool) -> int:
                for _ in process.turns(started, process.GRACE_SECONDS if finished else 1.0):
                    with contextlib.suppress(TimeoutExpired):
                        started.wait(process.WATCH_SECONDS)
                        break
                guest.end()
                _end_left_behind(folder)
                return started.wait()

            return process.supervise(guest, streams, job, receive, let_end, PlainProcess.name)

    def warm(self) -> None:
        """Do nothing: no process is kept between jobs."""

    def get_ready(self) -> None:
        """Do nothing: no process is kept between jobs."""

    def cancel(self) -> None:
        if self._guest is not None:
            self._guest.end()

    def renew(self) -> None:
        """Do nothing: every job has a new process and folder."""

    def close(self) -> None:
        self._closed = True
        if self._guest is not None:
            self._guest.end()


def _end_left_behind(folder: str) -> None:
    """Kill processes whose parent ended before them: their environment still names the folder."""
    for left in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if left.environ().get("TMPDIR") == folder:
                left.kill()


def _environment(folder: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    places = dict.fromkeys(("HOME", "USERPROFILE", "TMPDIR", "TEMP", "TMP", "APPDATA", "LOCALAPPDATA"), folder)
    # Byte code is written: uv compiles nothing when it installs, and TensorFlow then takes three times as long.
    return kept | places | {"PYTHONPATH": str(PACKAGE_PARENT), "PYTHONUTF8": "1"}
