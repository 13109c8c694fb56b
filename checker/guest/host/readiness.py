"""A kernel's client that notices immediately when the kernel is ready.

Theory of operation: a kernel is ready when it has answered a request, and when its published messages arrive too. A
late subscription would miss those. The kernel publishes when it begins and when it finishes each request. So one
request shows both: its reply, and the published status that the kernel has finished it. jupyter_client waits until
nothing has been published for a fifth of a second, so that no leftover message reaches the first cell. That is
unnecessary: nbclient ignores messages that do not belong to its cell. A connection to a kernel that does not
listen yet is tried every 5 ms, while ZeroMQ's default is 100 ms.
"""

import asyncio
import time
from typing import Any

import zmq
import zmq.asyncio
from jupyter_client.asynchronous.client import AsyncKernelClient

ASK_AGAIN_SECONDS = 1.0
CONNECT_AGAIN_MS = 5


class PromptClient(AsyncKernelClient):
    """Waits no longer for the kernel than necessary."""

    def _context_default(self) -> zmq.asyncio.Context:
        context = super()._context_default()
        context.setsockopt(zmq.RECONNECT_IVL, CONNECT_AGAIN_MS)
        return context

    async def wait_for_ready(self, timeout: float | None = None) -> None:
        """Wait until the kernel has answered a request and its status message has arrived.

        Raises RuntimeError if the kernel has died, or is not ready within ``timeout`` seconds.
        """
        until = float("inf") if timeout is None else time.monotonic() + timeout
        while True:
            asked = self.kernel_info()
            try:
                async with asyncio.timeout(ASK_AGAIN_SECONDS):
                    answer = await _answer(self.get_shell_msg, asked)
                    await _answer(self.get_iopub_msg, asked, execution_state="idle")
            except TimeoutError:
                if not await self.is_alive():
                    raise RuntimeError("The kernel died before it was ready.") from None
                if time.monotonic() > until:
                    raise RuntimeError(f"The kernel was not ready within {timeout} seconds.") from None
            else:
                self._handle_kernel_info_reply(answer)
                return


async def _answer(get: Any, asked: str, **wanted: str) -> Any:
    """Return the first message that belongs to a request and has the wanted content."""
    while True:
        message = await get()
        belongs = message["parent_header"].get("msg_id") == asked
        if belongs and wanted.items() <= message["content"].items():
            return message
