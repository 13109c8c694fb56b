"""Notebook features around a network that must not decide a verdict: magics, Colab, prompts, TensorBoard."""

import contextlib
import importlib
import itertools
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from checker.guest.compat.absent import made_module
from checker.guest.plain.hooks import Hooks
from checker.guest.plain.notes import Note

MOST_PROMPTS = 50
"""Prompts beyond this raise EOFError, which ends a loop that asks until it gets an answer."""


def install(
    hooks: Hooks,
    shell: Any,
    kernel: Any,
    csv: Path,
    found: Callable[[Any], Any],
    mount: Callable[[str], None],
    note: Note,
) -> None:
    """Let the shell continue when a magic, an extension, a Colab module or an answer to a prompt is missing."""
    _pass_over_magics(hooks, shell, note)
    _keep_tensorboard_from_starting(hooks)
    _be_colab(hooks, csv.resolve(), found, mount)
    _answer_prompts(hooks, shell, kernel, note)


class Unanswered(str):
    """The empty line that answers a prompt; converting it to a number raises ValueError, which names the prompt."""

    __slots__ = ("prompt",)
    prompt: str

    def __int__(self) -> int:
        raise ValueError(self._words())

    def __float__(self) -> float:
        raise ValueError(self._words())

    def _words(self) -> str:
        return (
            f"{self.prompt} was answered with an empty line, which is no number, for nobody types while a notebook is "
            "checked. Write the number into the code, or a default: input(...) or 20"
        )


def _answer_prompts(hooks: Hooks, shell: Any, kernel: Any, note: Note) -> None:
    """Answer every prompt with an empty line, like pressing Enter, so that defaults apply. If the cell then fails, note
    that this is the likely reason."""
    asked: list[str] = []
    count = itertools.count(1)

    def ask(prompt: Any = "", *args: Any, **kwargs: Any) -> str:
        shown = f"input({str(prompt)[:80]!r})"
        asked.append(shown)
        if next(count) > MOST_PROMPTS:
            raise EOFError(f"nobody answers {shown} while a notebook is checked")
        print(prompt)
        note(f"`{shown.replace('`', chr(39))}` was answered with an empty line, as Enter does")
        answer = Unanswered("")
        answer.prompt = shown
        return answer

    def tell(result: Any) -> None:
        if asked and not result.success:
            note(
                f"the cell failed after `{asked[-1].replace('`', chr(39))}` was answered with an empty line: write the "
                "value into the code, or a default"
            )
        asked.clear()

    hooks.replace(kernel, "raw_input", ask)
    hooks.replace(kernel, "getpass", ask)
    shell.events.register("post_run_cell", tell)


def _pass_over_magics(hooks: Hooks, shell: Any, note: Note) -> None:
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

    hooks.replace(shell, "run_line_magic", run_line_magic)
    hooks.replace(shell, "run_cell_magic", run_cell_magic)
    hooks.replace(shell.extension_manager, "load_extension", load_extension)


def _keep_tensorboard_from_starting(hooks: Hooks) -> None:
    """Let ``%tensorboard`` print a sentence instead of waiting a minute for a server that nobody can reach."""
    with contextlib.suppress(ImportError):
        notebook: Any = importlib.import_module("tensorboard.notebook")  # a lazy attribute until imported
        words = "TensorBoard is not started while a notebook is checked."
        hooks.replace(notebook, "start", lambda args: print(words))


class Uploaded(dict[str, bytes]):
    """The result of an upload: the data under its own name; any other name is looked up like a file that is read."""

    def __init__(self, csv: Path, found: Callable[[Any], Any]) -> None:
        super().__init__({csv.name: csv.read_bytes()})
        self.found = found

    def __missing__(self, name: Any) -> bytes:
        path = self.found(re.sub(r" \(\d+\)(?=\.\w+$)", "", str(name)))  # browsers number a file's second copy
        if not isinstance(path, str) or not Path(path).is_file():
            raise KeyError(name)
        return Path(path).read_bytes()


def _be_colab(hooks: Hooks, csv: Path, found: Callable[[Any], Any], mount: Callable[[str], None]) -> None:
    """Stand in for ``google.colab``: the drive contains the submission, an upload returns the course's data."""

    def mounted(mountpoint: str = "/content/drive", *args: Any, **kwargs: Any) -> None:
        mount(str(mountpoint))
        print(f"Mounted at {mountpoint}")

    def upload(*args: Any, **kwargs: Any) -> dict[str, bytes]:
        if not Path(csv.name).exists():
            Path(csv.name).write_bytes(csv.read_bytes())
        return Uploaded(csv, found)

    def ignore(*args: Any, **kwargs: Any) -> None:
        return None

    def nothing(*args: Any, **kwargs: Any) -> str:
        return ""

    parts: dict[str, dict[str, Any]] = {
        "drive": {"mount": mounted, "flush_and_unmount": ignore},
        "files": {"upload": upload, "upload_file": ignore, "download": ignore, "view": ignore},
        "output": {"clear": ignore, "eval_js": ignore, "enable_custom_widget_manager": ignore},
        "patches": {"cv2_imshow": ignore},
        "auth": {"authenticate_user": ignore},
        "userdata": {"get": nothing},
        "data_table": {"enable_dataframe_formatter": ignore, "disable_dataframe_formatter": ignore},
        "runtime": {"unassign": ignore},
    }
    made = {name: made_module(hooks, f"google.colab.{name}", **contents) for name, contents in parts.items()}
    colab = made_module(hooks, "google.colab", **made)
    with contextlib.suppress(ImportError):
        hooks.replace(importlib.import_module("google"), "colab", colab)  # a namespace shared with other packages
