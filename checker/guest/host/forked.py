"""The student's kernel as a fork of a guest that has already imported everything.

Theory of operation: the fork is made before nbclient starts anything, in a process with one thread. It closes every
descriptor but the standard streams, so that no student's code can write to the host in the guest's name, and waits for
its command line. jupyter_client sees it as a process started in the usual way.
"""

import contextlib
import json
import os
import signal
import sys
import tempfile
from pathlib import Path
from typing import Any

from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning.local_provisioner import LocalProvisioner

from checker.guest.host import kernel, warm
from checker.guest.host.settings import KernelSettings


class ForkedKernel:
    """The part of ``subprocess.Popen``'s interface that jupyter_client uses."""

    stdin = stdout = stderr = None

    def __init__(self, settings: KernelSettings, folder: Path) -> None:
        waiting, self._arguments = os.pipe()
        self.returncode: int | None = None
        self.pid = os.fork()
        if self.pid == 0:
            warm.run_to_end(lambda: _be_kernel(settings, folder, waiting))
        os.close(waiting)

    def start(self, arguments: list[str]) -> None:
        """Send the waiting kernel its command line, which names the connection file."""
        with os.fdopen(self._arguments, "w") as pipe:
            json.dump(arguments, pipe)

    def poll(self) -> int | None:
        return self._wait(os.WNOHANG)

    def wait(self) -> int | None:
        return self._wait(0)

    def _wait(self, how: int) -> int | None:
        if self.returncode is None:
            ended, status = os.waitpid(self.pid, how)
            if ended:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)


class ForkedProvisioner(LocalProvisioner):
    """Starts the waiting kernel instead of a command."""

    process: Any
    waiting: ForkedKernel

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> Any:
        self.process = self.waiting
        self.pid = self.pgid = self.waiting.pid
        self.waiting.start(cmd)
        return self.connection_info


def manager(settings: KernelSettings, folder: Path) -> AsyncKernelManager:
    """Fork a kernel; return the manager that will start it, with sockets in the file system."""
    spec = KernelSpec(argv=["-f", "{connection_file}"], language="python", display_name="checker")
    made = AsyncKernelManager(transport="ipc", ip=f"{tempfile.mkdtemp(prefix='k')}/k")
    made._kernel_spec = spec
    made.provisioner = ForkedProvisioner(kernel_spec=spec, parent=made)
    made.provisioner.waiting = ForkedKernel(settings, folder)
    return made


def _be_kernel(settings: KernelSettings, folder: Path, waiting: int) -> None:
    os.setsid()
    with os.fdopen(os.dup(waiting)) as pipe:
        _let_go(keep=pipe.fileno())
        warm.set_dumpable(True)
        arguments = pipe.read()
    if arguments:
        os.chdir(folder)
        sys.argv = [str(kernel.__file__), *json.loads(arguments), f"--IPKernelApp.parent_handle={os.getppid()}"]
        kernel.run(settings)


def _let_go(keep: int) -> None:
    """Redirect every descriptor but the standard streams and ``keep`` to /dev/null, so that none is closed twice."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in [int(entry.name) for entry in Path("/proc/self/fd").iterdir()]:
        if descriptor > 2 and descriptor not in (keep, nothing):
            with contextlib.suppress(OSError):  # the folder's own descriptor is closed by now
                os.fstat(descriptor)
                os.dup2(nothing, descriptor)
