"""A kernel's client that knows at once when the kernel is ready.

Theory of operation: a kernel is ready when it has answered a question, and when what it publishes arrives, too, which
a subscription that takes effect late would miss. To every question the kernel publishes when it turns to it and when
it is done. So one question shows both: its answer has come, and word that the kernel is done with it. jupyter_client
waits until nothing more is published for a fifth of a second, so as to leave nothing for the first cell to meet;
nbclient passes over all that does not belong to its cell, so nothing needs to be swept up. And a kernel that is not
there yet is looked for every few milliseconds, where ZeroMQ's own measure is a tenth of a second.
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
    """Waits for the kernel no longer than it takes."""

    def _context_default(self) -> zmq.asyncio.Context:
        context = super()._context_default()
        context.setsockopt(zmq.RECONNECT_IVL, CONNECT_AGAIN_MS)
        return context

    async def wait_for_ready(self, timeout: float | None = None) -> None:
        """Wait until the kernel has answered a question and its word of that has arrived.

        Raises RuntimeError where it has died, or has not done so within ``timeout`` seconds.
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
    """Return the first message that belongs to a question and says what is wanted."""
    while True:
        message = await get()
        belongs = message["parent_header"].get("msg_id") == asked
        if belongs and wanted.items() <= message["content"].items():
            return message
