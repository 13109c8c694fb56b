"""``%load_ext checker`` and ``%check``: a self-check from within a notebook.

Theory of operation: the kernel has the student's variables, and the checker wants a fresh start. So ``%check`` runs the
same ``checker self-check`` as a process of its own, on the file on disk. A kernel cannot save a notebook. JupyterLab
and Notebook 7 have a button for it, and a line of JavaScript presses it. Elsewhere, the student must save first: cells
that were run and are not in the file show that the file is not saved.

The page quotes the student's code and outputs, so it stands in an iframe without scripts, forms, pop-ups and origin.

This module imports nothing else of the checker, so that loading the extension takes no time.
"""

import contextlib
import html
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from IPython.core.error import UsageError
from IPython.display import DisplayHandle, Javascript

import checker

COMMAND = (sys.executable, "-P", "-m", "checker", "self-check")
"""-P: a student's file ``random.py`` or ``numpy.py`` is not taken for the library's."""
OURS = re.compile(r"^\s*%(?:load_ext\s+checker|check)\b.*$", re.MULTILINE)
PRESS_SAVE = """
setTimeout(() => {
  const focused = document.activeElement;
  for (const found of document.querySelectorAll('[data-command="docmanager:save"]'))
    if (found.offsetParent) (found.shadowRoot?.querySelector('button') || found).click();
  focused?.focus();
}, 1000);
"""
SHOWN_SECONDS = 0.5
"""How long the script stands in the notebook: long enough to be started, and gone before it saves."""
SAVE_SECONDS = 4.0
"""Maximum number of seconds to wait for the front end to save."""
PROGRESS = "…"
"""The end of a line of progress."""
REPORT = "checker-report.html"
JUDGED = (0, 1)
"""Exit codes of a self-check that wrote its page."""


def load(shell: Any) -> None:
    """Register ``%check``."""
    magic = _Check(shell)
    shell.events.register("pre_run_cell", magic.note)
    shell.register_magic_function(magic.check, "line", "check")


class _Check:
    """The magic, and the cells that were run so far with their times."""

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        earlier = list(shell.history_manager.input_hist_raw[1:])
        self._run: list[tuple[str, float]] = [(source, time.time()) for source in earlier]

    def note(self, info: Any) -> None:
        """Note a cell that is about to run."""
        self._run.append((str(info.raw_cell), time.time()))

    def check(self, line: str) -> None:
        """Check this notebook before you upload it: save it, run it afresh, and show the report here.

        %check [FILE] [options of `checker self-check`]
        """
        if any(name == "checker.guest" or name.startswith("checker.guest.") for name in sys.modules):
            return  # the checker itself is running this notebook
        words = [word.strip("\"'") for word in shlex.split(line, posix=os.name == "posix")]
        named = words.pop(0) if words and not words[0].startswith("-") else ""
        this = _this_notebook(self._shell)
        notebook = Path(named) if named else this or _only_notebook()
        if not notebook.is_file():
            raise UsageError(f"There is no file {notebook}.")
        shown = DisplayHandle()
        shown.display(_plain(""), raw=True)
        if notebook.suffix == ".ipynb" and (this is None or this.samefile(notebook)):
            _save(notebook, shown)
            _require_saved(notebook, self._run)
        _run_and_show(notebook, words, shown)


# -- the file ------------------------------------------------------------------------------------------------


def _this_notebook(shell: Any) -> Path | None:
    """Return this notebook's path from VS Code or Jupyter; None if neither provides it."""
    for told in (shell.user_ns.get("__vsc_ipynb_file__"), os.environ.get("JPY_SESSION_NAME")):
        if told and str(told).endswith(".ipynb") and Path(told).is_file():
            return Path(told)
    return None


def _only_notebook() -> Path:
    here = sorted(Path.cwd().glob("*.ipynb"))
    if len(here) != 1:
        raise UsageError("Which notebook is this? Type its name: %check my_solution.ipynb")
    return here[0]


def _save(notebook: Path, shown: DisplayHandle) -> None:
    """Press the front end's button for saving, if it has one, and wait until the file is written.

    The script is not in the saved notebook, because it would run again whenever the notebook is opened.
    """
    if "JPY_SESSION_NAME" not in os.environ:
        return
    before, end = notebook.stat().st_mtime_ns, time.monotonic() + SAVE_SECONDS
    shown.update(Javascript(PRESS_SAVE))
    time.sleep(SHOWN_SECONDS)
    shown.update(_plain(""), raw=True)
    while notebook.stat().st_mtime_ns == before and time.monotonic() < end:
        time.sleep(0.1)


def _require_saved(notebook: Path, run: list[tuple[str, float]]) -> None:
    """Raise UsageError if a cell was run after the file was written, and is not in it."""
    written = notebook.stat().st_mtime
    saved = {_squeezed(source) for source in _sources(notebook)}
    missing = [at for source, at in run if at > written and _squeezed(source) not in {"", *saved}]
    if missing:
        at = time.strftime("%H:%M:%S", time.localtime(missing[-1]))
        raise UsageError(
            f"Save your notebook first (Ctrl+S; on a Mac Cmd+S), then run %check again. "
            f"What you ran at {at} is not in {notebook.name} yet."
        )


def _sources(notebook: Path) -> Iterator[str]:
    with contextlib.suppress(ValueError, LookupError, TypeError, AttributeError):  # the check itself reports the error
        for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
            yield "".join(cell["source"])


def _squeezed(source: str) -> str:
    """Return a cell's source without our own magics and without white space."""
    return "".join(OURS.sub("", source).split())


# -- the check -----------------------------------------------------------------------------------------------


def _run_and_show(notebook: Path, options: list[str], shown: DisplayHandle) -> None:
    """Run the self-check with its progress in the cell, then show its page."""
    report = notebook.absolute().parent / REPORT
    command = [*COMMAND, str(notebook), *options, "--report", str(report)]
    beside = os.pathsep.join([str(Path(checker.__file__).parent.parent), os.environ.get("PYTHONPATH", "")])
    environment = os.environ | {"PYTHONPATH": beside.strip(os.pathsep), "PYTHONUTF8": "1", "COLUMNS": "100"}
    environment.pop("FORCE_COLOR", None)  # a kernel sets it; the check would take its pipe for a terminal
    notes: list[str] = []  # lines before any progress: the assignment and the data in use
    rest: list[str] | None = None
    shown.update(_plain("Starting …"), raw=True)
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True,
        encoding="utf-8", errors="replace", env=environment,
    ) as process:  # fmt: skip
        try:
            assert process.stdout is not None
            for line in process.stdout:
                if line.rstrip().endswith(PROGRESS):
                    shown.update(_plain("".join([*notes, line]).rstrip()), raw=True)
                    rest = rest or []
                else:
                    (notes if rest is None else rest).append(line)
        except BaseException:
            process.send_signal(signal.SIGINT if os.name == "posix" else signal.SIGTERM)
            raise
    is_judged = process.returncode in JUDGED
    shown.update(_page(report, "".join(notes)) if is_judged else _plain(""), raw=True)
    if not is_judged:
        print("".join([*notes, *(rest or [])]), end="")


def _plain(words: str) -> dict[str, str]:
    return {"text/plain": words}


def _page(report: Path, notes: str) -> dict[str, str]:
    """Return the notes, and the page in an iframe without permissions. The page needs a base address: without one its
    internal links would lead to Jupyter."""
    page = report.read_text(encoding="utf-8").replace("<head>", '<head><base href="about:srcdoc">', 1)
    source = html.escape(page)
    style = "width: 100%; height: 42em; border: 1px solid #8888; border-radius: 4px"
    frame = f'<iframe title="Report of the self-check" sandbox="" style="{style}" srcdoc="{source}"></iframe>'
    above = f"<pre>{html.escape(notes)}</pre>" if notes else ""
    return {"text/html": above + frame, "text/plain": f"The report is in {report.name}."}
