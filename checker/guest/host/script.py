"""Runs a module like ``python solution.py``: with its own arguments, file name and event loop, and free to end itself.

Theory of operation: the kernel's command line, event loop and ``exit`` are hidden. A script finds its own name as the
only argument, no running loop, and the ``exit`` that Python's ``site`` makes. ``SystemExit`` ends a script that has
trained a network, even if more code follows. Before that it is an error like any other and the next paragraph is run,
because a script that ends itself early mostly does so because of its arguments or the machine.
"""

import _sitebuiltins
import argparse
import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn, SupportsIndex

from checker.guest.plain.hooks import Hooks
from checker.guest.plain.notes import Note

LAUNCHER = "ipykernel_launcher.py"
NO_ARGUMENTS = "A script is run without arguments, as by `python solution.py`: give each of them a default."


class Arguments(list[str]):
    """A command line whose IndexError explains why it has no more arguments."""

    def __getitem__(self, at: Any) -> Any:
        """Return an argument, or a list of them."""
        try:
            return super().__getitem__(at)
        except IndexError:
            raise IndexError(f"sys.argv has no argument {at}. {NO_ARGUMENTS}") from None

    def pop(self, at: SupportsIndex = -1) -> str:
        """Return an argument and remove it."""
        try:
            return super().pop(at)
        except IndexError:
            raise IndexError(f"sys.argv has no argument {at}. {NO_ARGUMENTS}") from None


def hide_kernel(hooks: Hooks, name: str = LAUNCHER) -> None:
    """Remove the kernel's own command line from ``sys.argv``, and let a parser explain which argument is missing."""
    hooks.replace(sys, "argv", Arguments([name]))

    def error(self: argparse.ArgumentParser, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        sys.exit(f"{message[:1_000]}. {NO_ARGUMENTS}")

    hooks.replace(argparse.ArgumentParser, "error", error)


class Script:
    """Changes to a kernel's shell for a script.

    ``line_of_cell``: the number of the file's lines before the running cell; ``is_last``: no cell follows it;
    ``has_trained``: a network was trained; ``end`` skips all further cells.
    """

    def __init__(
        self,
        shell: Any,
        note: Note,
        line_of_cell: Callable[[], int | None],
        is_last: Callable[[], bool],
        has_trained: Callable[[], bool],
        end: Callable[[], None],
    ) -> None:
        self.shell, self.note, self.line_of_cell = shell, note, line_of_cell
        self.is_last, self.has_trained, self.end = is_last, has_trained, end
        self._show = shell.showtraceback
        self._loop = asyncio.new_event_loop()
        self._kernels_loop: asyncio.AbstractEventLoop | None = None

    def install(self, hooks: Hooks, file: Path) -> None:
        """Set the script's name, and its functions to end itself."""
        hide_kernel(hooks, str(file))
        hooks.replace(self.shell, "showtraceback", self.show)
        end_of_file = "Ctrl-Z plus Return" if os.name == "nt" else "Ctrl-D (i.e. EOF)"
        ways = {name: _sitebuiltins.Quitter(name, end_of_file) for name in ("exit", "quit")}
        self.shell.user_ns.update(ways, __file__=str(file))
        for name in ("execv", "execve", "execvp", "execvpe"):
            if hasattr(os, name):
                hooks.replace(os, name, self._going_on(getattr(os, name), file))

    def _going_on(self, execute: Callable[..., Any], file: Path) -> Callable[..., Any]:
        """Return an ``exec`` that does nothing if a script restarts itself, as for ``PYTHONHASHSEED``."""

        def execute_other(path: Any, arguments: Any, *more: Any) -> Any:
            if str(file) not in map(str, arguments):
                return execute(path, arguments, *more)
            self.note("the script starts itself again to run in another environment; it was run on instead")
            return None

        return execute_other

    def leave_loop(self, info: Any) -> None:
        """Hide the kernel's running loop from ``asyncio.run``, unless the cell itself uses ``await`` in it."""
        if self._kernels_loop is None and not self.shell.should_run_async(
            info.raw_cell, transformed_cell=info.transformed_cell
        ):
            self._kernels_loop = asyncio._get_running_loop()
            asyncio._set_running_loop(None)
            asyncio.set_event_loop(self._loop)

    def go_on(self, result: Any) -> None:
        """Restore the kernel's loop, and skip all further cells if this one ended the script."""
        if self._kernels_loop is not None:
            asyncio._set_running_loop(self._kernels_loop)
            asyncio.set_event_loop(self._kernels_loop)
            self._kernels_loop = None
        ending = result.error_in_exec
        if not isinstance(ending, SystemExit):
            return
        if not _status(ending):
            result.error_in_exec = None
        if self.has_trained():
            if not self.is_last():
                self.note(f"the script ended itself in line {self._line(ending)}; what comes after it was not run")
            self.end()

    def show(self, *args: Any, **kwargs: Any) -> None:
        """Show an error. ``SystemExit`` is shown, with its line, only if its status is a failure or nothing was trained
        yet."""
        ending = sys.exc_info()[1]
        if not isinstance(ending, SystemExit):
            self._show(*args, **kwargs)
            return
        is_early = not self.has_trained() and not self.is_last()
        if not _status(ending) and not is_early:
            return
        after = "; nothing was trained yet, and what comes after it was run all the same" if is_early else ""
        words = f"the script ended itself in line {self._line(ending)} ({_status(ending) or 'exit status 0'}){after}"
        told = SystemExit(words).with_traceback(ending.__traceback__)
        self._show((SystemExit, told, ending.__traceback__), exception_only=True)

    def _line(self, ending: SystemExit) -> int:
        """Return the line of the file in which the script ended itself."""
        trace = ending.__traceback__
        while trace is not None and trace.tb_frame.f_globals is not self.shell.user_ns:
            trace = trace.tb_next
        return (self.line_of_cell() or 0) + (trace.tb_lineno if trace is not None else 1)


def _status(ending: SystemExit) -> str:
    """Return, in words, the failure that a script's exit status means; empty if it means success."""
    code = ending.code
    if code is None or code == 0:
        return ""
    return f"exit status {code}" if isinstance(code, int) else str(code)[:1_200]
