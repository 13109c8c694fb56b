"""A box with a warm process, which is kept from one job to the next.

Theory of operation: the warm process (``checker.guest.host.warm``) has a socket as its standard input. The host sends
it a job as three descriptors, the guest's ends of three new pipes, so that no data of one job can wait in them for the
next. When the job has ended and the box is empty again, the warm process sends the exit code. The box is ended if a job
does not finish by itself, or if the warm process sends anything else or nothing in time. The next job gets a new box.
"""

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import psutil

from checker.errors import HarnessError
from checker.records.assignment import Limits
from checker.records.job import Execution
from checker.sandbox import process
from checker.sandbox.process import Guest, Streams
from checker.wire.frames import Frame

EMPTY_ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
START_SECONDS = 180.0
CLEANING_SECONDS = 20.0
"""Both limits are on a box's own time (``process.turns``), so that boxes start on a busy machine too."""
END_SECONDS = 60.0
"""By the clock: a killed process needs a processor to end, and may wait for one on a busy machine."""

Wrap = Callable[[Sequence[str], str], list[str]]


class WarmBox:
    """Runs jobs in a warm process, and starts a new one if the last is not fit for another job."""

    def __init__(self, code: str, sandbox: str, wrap: Wrap) -> None:
        self._code, self._sandbox, self._wrap = code, sandbox, wrap
        self._lock, self._starting = threading.Lock(), threading.Lock()
        self._warm: Warm | None = None
        self._early: threading.Thread | None = None
        self._closed = False
        self._is_running, self._is_cancelled = False, False

    def run(self, job: Sequence[Frame], limits: Limits, receive: Callable[[Frame], None]) -> Execution:
        warm = self._ready()
        streams = warm.take_job()
        guest = Guest(warm.process, limits, warm.used)

        self._is_running, self._is_cancelled = True, False

        def let_end(finished: bool) -> int | None:
            self._is_running = False
            exit_code = warm.await_word(CLEANING_SECONDS) if finished or self._is_cancelled else None
            if exit_code is None:
                warm.end()
                self._warm = None
            return exit_code

        return process.supervise(guest, streams, job, receive, let_end, self._sandbox)

    def cancel(self) -> None:
        warm = self._warm
        if self._is_running and warm is not None:
            self._is_cancelled = True
            warm.end_job()

    def get_ready(self) -> None:
        if self._warm is None:
            self._early = threading.Thread(target=self._get_ready_early, daemon=True)
            self._early.start()

    def _get_ready_early(self) -> None:
        with contextlib.suppress(HarnessError):  # ``run`` tries again and reports the error
            self._ready().ended.wait()  # the kernel ends the box with its starting thread

    def _ready(self) -> "Warm":
        """Return a warm process that waits for a job; HarnessError if none can be started."""
        with self._starting:
            return self._waiting()

    def _waiting(self) -> "Warm":
        warm = self._warm
        if warm is not None and warm.is_waiting():
            return warm
        if warm is not None:
            warm.end()
        with tempfile.TemporaryDirectory(prefix="checker-box-") as staging:
            with self._lock:
                if self._closed:
                    raise HarnessError("The box is closed.")
                warm = self._warm = Warm(self._wrap([sys.executable, "-P", "-m", "checker.guest", self._code], staging))
            if warm.await_word(START_SECONDS) is None:
                warm.end()
                raise HarnessError(f"A box did not get ready: {warm.last_words()}", "Run `checker doctor`.")
        return warm

    def warm(self) -> None:
        self._ready()

    def renew(self) -> None:
        with self._lock:
            if self._warm is not None:
                self._warm.end()
                self._warm = None

    def close(self) -> None:
        with self._lock:
            self._closed = True
            if self._warm is not None:
                self._warm.end()
        if self._early is not None:
            self._early.join()


class Warm:
    """The host's side of a warm process."""

    def __init__(self, command: Sequence[str]) -> None:
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self.process = process.start(
                command, EMPTY_ENVIRONMENT, Path("/"), stdin=theirs.fileno(), stdout=subprocess.DEVNULL
            )
        self._tail = bytearray()
        self._reader = threading.Thread(target=process.keep_tail, args=(self.process.stderr, self._tail), daemon=True)
        self._reader.start()
        self.used = process.NOTHING
        self._standing: frozenset[int] = frozenset()
        self.ended = threading.Event()

    def is_waiting(self) -> bool:
        """Tell whether it is alive and has sent nothing unasked."""
        try:
            self._control.setblocking(False)
            self._control.recv(1)
        except BlockingIOError:
            return self.process.poll() is None
        except OSError:
            return False
        return False

    def await_word(self, seconds: float) -> int | None:
        """Return the exit code that it sends when it waits for a job; None for anything else, or after ``seconds`` of
        its own time."""
        for _ in process.turns(self.process, seconds):
            try:
                self._control.settimeout(process.WATCH_SECONDS)
                word = int(self._control.recv(16))
            except TimeoutError:
                continue
            except (OSError, ValueError):
                return None
            tree = process.tree_of(self.process)
            self.used, self._standing = process.usage(tree, self.used), frozenset(member.pid for member in tree)
            return word
        return None

    def take_job(self) -> Streams:
        """Send new pipes as a job's standard streams; return the host's ends. HarnessError if the process is gone."""
        (job_out, job_in), (said_out, said_in), (noise_out, noise_in) = os.pipe(), os.pipe(), os.pipe()
        streams = Streams(os.fdopen(job_in, "wb"), os.fdopen(said_out, "rb"), os.fdopen(noise_out, "rb"))
        theirs = [job_out, said_in, noise_in]
        try:
            socket.send_fds(self._control, [b"job"], theirs)
        except OSError as error:
            for stream in (streams.job, streams.said, streams.noise):
                stream.close()
            raise HarnessError(f"A box was gone before its job: {error}") from error
        finally:
            for descriptor in theirs:
                os.close(descriptor)
        return streams

    def end_job(self) -> None:
        """Kill the processes that were not there before the job; the warm process then reports that it waits again."""
        for member in reversed(process.tree_of(self.process)):
            if member.pid not in self._standing:
                with contextlib.suppress(psutil.NoSuchProcess):
                    member.kill()

    def end(self) -> None:
        """Kill all processes of the box, and wait until they have ended. May be called twice."""
        tree = process.tree_of(self.process)
        process.kill_tree(self.process)
        with contextlib.suppress(OSError):
            self._control.shutdown(socket.SHUT_RDWR)  # wakes a thread in ``await_word``
        self._control.close()
        process.await_end(tree, END_SECONDS)
        self.process.wait()
        self.ended.set()

    def last_words(self) -> str:
        """Return the end of its standard error."""
        self._reader.join(1.0)
        return process.as_text(self._tail).strip()[-600:] or "it said nothing"
