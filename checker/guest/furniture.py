"""What stands around a network in a notebook and may not decide a verdict: magics, Colab, prompts, TensorBoard."""

import contextlib
import importlib
from pathlib import Path
from typing import Any

from checker.guest import imports
from checker.guest.adaptation import Note


def install(shell: Any, kernel: Any, csv: Path, note: Note) -> None:
    """Make the shell go on where a magic, an extension, Colab's modules or an answer to a prompt is missing."""
    _pass_over_magics(shell, note)
    _keep_tensorboard_from_starting()
    _be_colab(csv.resolve())

    def ask(prompt: str = "", *args: Any, **kwargs: Any) -> str:
        raise EOFError(f"nobody answers the prompt {str(prompt)[:80]!r} while a notebook is checked")

    kernel.raw_input = kernel.getpass = ask


def _pass_over_magics(shell: Any, note: Note) -> None:
    run_line, run_cell, load = shell.run_line_magic, shell.run_cell_magic, shell.extension_manager.load_extension

    def run_line_magic(name: str, line: str, _stack_depth: int = 1) -> Any:
        if shell.find_line_magic(name) is None:
            note(f"the magic `%{name[:40]}` is not there and was passed over")
            return None
        return run_line(name, line, _stack_depth=_stack_depth + 1)

    def run_cell_magic(name: str, line: str, cell: str) -> Any:
        if shell.find_cell_magic(name) is None:
            note(f"the magic `%%{name[:40]}` is not there and its cell was passed over")
            return None
        return run_cell(name, line, cell)

    def load_extension(name: str) -> Any:
        try:
            return load(name)
        except ImportError:
            note(f"the extension `{name[:60]}` is not there and was passed over")
            return None

    shell.run_line_magic, shell.run_cell_magic = run_line_magic, run_cell_magic
    shell.extension_manager.load_extension = load_extension


def _keep_tensorboard_from_starting() -> None:
    """Let ``%tensorboard`` say a word instead of waiting a minute for a server that no one can reach."""
    with contextlib.suppress(ImportError):
        notebook: Any = importlib.import_module("tensorboard.notebook")  # the attribute is a stand-in until then
        notebook.start = lambda args: print("TensorBoard is not started while a notebook is checked.")


def _be_colab(csv: Path) -> None:
    """Stand in for ``google.colab``: the drive is there already, an upload brings the course's data."""

    def mount(place: str = "/content/drive", **kwargs: Any) -> None:
        print(f"{place} is not mounted while a notebook is checked; the data set is found all the same.")

    def upload() -> dict[str, bytes]:
        return {csv.name: csv.read_bytes()}

    def ignore(*args: Any, **kwargs: Any) -> None:
        return None

    drive = imports.made_module("google.colab.drive", mount=mount, flush_and_unmount=ignore)
    files = imports.made_module("google.colab.files", upload=upload, download=ignore, view=ignore)
    output = imports.made_module("google.colab.output", clear=ignore)
    patches = imports.made_module("google.colab.patches", cv2_imshow=ignore)
    colab = imports.made_module("google.colab", drive=drive, files=files, output=output, patches=patches)
    with contextlib.suppress(ImportError):
        importlib.import_module("google").colab = colab  # type: ignore[attr-defined]  # a namespace of other packages
