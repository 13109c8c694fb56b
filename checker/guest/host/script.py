"""A module runs as ``python solution.py`` runs it: its own arguments, file and event loop, and it may end itself.

Theory of operation: the kernel's command line, its loop and its ``exit`` are the kernel's affair. A script finds its
own name as the only argument, no loop that runs already, and ``exit`` as Python's ``site`` makes it. ``SystemExit``
ends a script whose networks were trained, whatever would come after it. Before that it is an error as any other: the
next paragraph is run, because what ends a script early is mostly its arguments or the machine.
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
    """A command line that says why it has no more arguments."""

    def __getitem__(self, at: Any) -> Any:
        """Return an argument, or a list of them."""
        try:
            return super().__getitem__(at)
        except IndexError:
            raise IndexError(f"sys.argv has no argument {at}. {NO_ARGUMENTS}") from None

    def pop(self, at: SupportsIndex = -1) -> str:
        """Return an argument and take it away."""
        try:
            return super().pop(at)
        except IndexError:
            raise IndexError(f"sys.argv has no argument {at}. {NO_ARGUMENTS}") from None


def hide_kernel(hooks: Hooks, name: str = LAUNCHER) -> None:
    """Take the kernel's own command line from ``sys.argv``, and say in words which argument a parser misses."""
    hooks.replace(sys, "argv", Arguments([name]))

    def error(self: argparse.ArgumentParser, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        sys.exit(f"{message[:1_000]}. {NO_ARGUMENTS}")

    hooks.replace(argparse.ArgumentParser, "error", error)


class Script:
    """What a kernel's shell does otherwise for a script.

    ``line_of_cell``: how many lines of the file stand before the running cell; ``is_last``: no cell comes after it;
    ``has_trained``: a network was trained; ``end`` runs no further cell.
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
        """Give the script its name, and its ways to end."""
        hide_kernel(hooks, str(file))
        hooks.replace(self.shell, "showtraceback", self.show)
        end_of_file = "Ctrl-Z plus Return" if os.name == "nt" else "Ctrl-D (i.e. EOF)"
        ways = {name: _sitebuiltins.Quitter(name, end_of_file) for name in ("exit", "quit")}
        self.shell.user_ns.update(ways, __file__=str(file))
        for name in ("execv", "execve", "execvp", "execvpe"):
            if hasattr(os, name):
                hooks.replace(os, name, self._going_on(getattr(os, name), file))

    def _going_on(self, execute: Callable[..., Any], file: Path) -> Callable[..., Any]:
        """Return a call of ``exec`` that goes on where a script starts itself again, as for ``PYTHONHASHSEED``."""

        def execute_other(path: Any, arguments: Any, *more: Any) -> Any:
            if str(file) not in map(str, arguments):
                return execute(path, arguments, *more)
            self.note("the script starts itself again to run in another environment; it was run on instead")
            return None

        return execute_other

    def leave_loop(self, info: Any) -> None:
        """Let ``asyncio.run`` find no loop that runs, unless the cell itself awaits something in the kernel's."""
        if self._kernels_loop is None and not self.shell.should_run_async(
            info.raw_cell, transformed_cell=info.transformed_cell
        ):
            self._kernels_loop = asyncio._get_running_loop()
            asyncio._set_running_loop(None)
            asyncio.set_event_loop(self._loop)

    def go_on(self, result: Any) -> None:
        """Put the kernel's loop back, and run no further cell where this one ended the script."""
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
        """Show an error; that a script ends itself is none where all went well, and else is told with its line."""
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
        """Return the line of the file that the script was in when it ended itself."""
        trace = ending.__traceback__
        while trace is not None and trace.tb_frame.f_globals is not self.shell.user_ns:
            trace = trace.tb_next
        return (self.line_of_cell() or 0) + (trace.tb_lineno if trace is not None else 1)


def _status(ending: SystemExit) -> str:
    """Return, in words, how a script said that it failed; "" where it did not."""
    code = ending.code
    if code is None or code == 0:
        return ""
    return f"exit status {code}" if isinstance(code, int) else str(code)[:1_200]
