"""When a kernel counts as ready."""

import asyncio
import math

import pytest

from checker.guest.host import readiness
from checker.guest.host.readiness import PromptClient

pytestmark = pytest.mark.usefixtures("impatient")


class Kernel(PromptClient):
    """A client whose kernel answers every question, and whose subscription takes effect with one of them.

    ``hears``: the question of which the kernel's word arrives first; ``lives``: whether it is still there.
    """

    def __init__(self, hears=1, lives=True):
        super().__init__()
        self.hears, self.lives, self.asked = hears, lives, 0
        self.answers, self.words = asyncio.Queue(), asyncio.Queue()

    def kernel_info(self):
        self.asked += 1
        question = {"parent_header": {"msg_id": str(self.asked)}}
        self.answers.put_nowait(question | {"content": {"protocol_version": "5.3"}})
        for state in ("busy", "idle") if self.asked >= self.hears else ():
            self.words.put_nowait(question | {"content": {"execution_state": state}})
        return str(self.asked)

    async def get_shell_msg(self):
        return await self.answers.get()

    async def get_iopub_msg(self):
        return await self.words.get()

    async def is_alive(self):
        return self.lives


@pytest.fixture
def impatient(monkeypatch):
    """Ask again soon."""
    monkeypatch.setattr(readiness, "ASK_AGAIN_SECONDS", 0.05)


def ready(kernel, timeout=300):
    asyncio.run(kernel.wait_for_ready(timeout))


def test_one_answer_is_enough():
    """A kernel that answers and is heard is ready at once, and nothing of the question is left to be heard."""
    kernel = Kernel()
    ready(kernel)
    assert kernel.asked == 1
    assert kernel.words.empty() and kernel.answers.empty()


def test_a_kernel_that_is_not_heard_is_asked_again():
    """An answer alone is not enough: what the first cell says would be missed as well."""
    kernel = Kernel(hears=3)
    ready(kernel)
    assert kernel.asked == 3


def test_words_about_other_things_do_not_count():
    """What the kernel published before the question says nothing about it."""
    kernel = Kernel()
    kernel.words.put_nowait({"parent_header": {}, "content": {"execution_state": "starting"}})
    kernel.words.put_nowait({"parent_header": {"msg_id": "before"}, "content": {"execution_state": "idle"}})
    ready(kernel)
    assert kernel.words.empty()


def test_a_dead_kernel_is_told_from_a_slow_one():
    """A kernel that has died is not waited for; one that lives is, as long as was said."""
    with pytest.raises(RuntimeError, match="died"):
        ready(Kernel(hears=math.inf, lives=False))
    with pytest.raises(RuntimeError, match="not ready within"):
        ready(Kernel(hears=math.inf), timeout=0.1)
