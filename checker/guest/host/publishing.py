"""The kernel's publishing: no message is dropped, and forked processes print through a socket in the file system.

Theory of operation: one thread of the kernel publishes all messages. By default ZeroMQ drops messages once a thousand
wait for a slow reader. Records of a network's training data, or the message that a cell is done, would be lost. Here
the thread waits for the reader instead; a cell that prints line by line then waits for the thread.

ipykernel sends the output of forked processes to one of the kernel's TCP ports. The walled sandbox has no network, so
no such socket can be made, and ZeroMQ would end the kernel.
"""

import os
import sys
import tempfile
from typing import Any

import zmq
from ipykernel import kernelapp
from ipykernel.iostream import IOPubThread
from zmq.eventloop.zmqstream import ZMQStream

from checker.guest.plain.hooks import Hooks


class PatientThread(IOPubThread):
    """ipykernel's output thread, which waits where ZeroMQ would drop messages."""

    def __init__(self, socket: zmq.Socket[Any], *arguments: Any, **options: Any) -> None:
        socket.setsockopt(zmq.XPUB_NODROP, True)
        super().__init__(socket, *arguments, **options)  # type: ignore[no-untyped-call]  # ipykernel's has no types


class FilePipedThread(PatientThread):
    """The same, with a socket in the file system for forked processes."""

    def _setup_pipe_in(self) -> None:
        self._pipe_uuid = os.urandom(16)  # identifies messages of forked processes
        self._pipe_place = f"ipc://{tempfile.mkdtemp(prefix='o')}/o"
        pipe_in = self.socket.context.socket(zmq.PULL)
        pipe_in.linger = 0
        pipe_in.bind(self._pipe_place)
        self._pipe_in = ZMQStream(pipe_in, self.io_loop)
        self._pipe_in.on_recv(self._handle_pipe_msg)

    def _setup_pipe_out(self) -> tuple[Any, Any]:
        context = zmq.Context()  # a fork cannot use its parent's context
        pipe_out = context.socket(zmq.PUSH)
        pipe_out.linger = 3_000
        pipe_out.connect(self._pipe_place)
        return context, pipe_out


def install(hooks: Hooks) -> None:
    """Make kernels that are started from now on use these threads."""
    here = FilePipedThread if sys.platform.startswith("linux") else PatientThread
    hooks.replace(kernelapp, "IOPubThread", here)  # ipykernel makes its thread by this name
