"""The places that students know: Colab's and Kaggle's folders, Google Drive, and folders that are not there.

Theory of operation: ``/content`` and ``/kaggle/working`` are the notebook's own folder, as they are where students
work. Behind the wall they are links, made before the wall was; without one, the paths in the cells' code are rewritten,
and nothing outside the temporary folder is touched. What lies in the notebook's folder, the data with it, also lies
(as links) in every folder of Google Drive that the code names, and in a folder that is gone into and is not there. The
data alone lies in Kaggle's folders of data sets.
"""

import ast
import builtins
import contextlib
import functools
import io
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from IPython.core import interactiveshell

from checker.guest.compat import data_paths
from checker.guest.plain.hooks import Hooks
from checker.guest.plain.notes import Note

CONTENT, KAGGLE = Path("/content"), Path("/kaggle")
LINKS = {CONTENT: Path("/tmp/content"), KAGGLE: Path("/tmp/kaggle")}
"""Where a box's links lead, which lie in a read-only folder."""
DRIVES = ("/content/drive", "/content/gdrive")
MY_DRIVE = ("MyDrive", "My Drive")
DATA_SET = "california-housing-prices"
"""What Kaggle calls the housing data."""
MOST = 50
"""Folders that are made because the code names them."""
MAX_CODE = 2_000_000
WRITING = re.compile("[wax+]")
_QUOTED = re.compile(r"""["']((?:/content|/kaggle|drive|gdrive|\.\./input)/[^"'\n]{0,300})["']""")
_MOUNT = re.compile(r"""\bmount\(\s*["'](/content/[\w ./-]{1,100})["']""")
_OTHER_SYSTEM = re.compile(r"[A-Za-z]:[\\/]|\\\\")


def mentioned(code: str) -> list[str]:
    """Return the paths in Drive and in Kaggle's data sets that strings in code name."""
    code = code[:MAX_CODE]
    mounts = tuple(f"{mount.rstrip('/')}/" for mount in dict.fromkeys((*DRIVES, *_MOUNT.findall(code))))
    quoted = dict.fromkeys(_QUOTED.findall(code))
    paths = [
        text if text.startswith("/") else f"/content/{text}".replace("/content/../", "/kaggle/") for text in quoted
    ]
    return [text for text in paths if text.startswith((*mounts, "/kaggle/input/")) and ".." not in text][:MOST]


class Places:
    """Makes folders of the student's, and what lies in them."""

    def __init__(self, folder: Path, scratch: Path, data: str, note: Note) -> None:
        self.folder, self.scratch, self.data, self.note = folder, scratch, data, note
        self.kaggle = scratch / "kaggle"
        self._made: set[Path] = set()
        self._contents = [entry for entry in sorted(folder.iterdir()) if entry.name not in ("drive", "gdrive")]

    def lay_out(self, named: Sequence[str]) -> None:
        """Make Kaggle's folders, and those that the code names."""
        (self.kaggle / "input").mkdir(parents=True, exist_ok=True)
        _link(self.kaggle / "working", self.folder)
        found = list(dict.fromkeys(self.real(_folder_in(text)) for text in named))
        sets = [path for path in found if path.is_relative_to(self.kaggle / "input") and path != self.kaggle / "input"]
        slug = DATA_SET if self.data == data_paths.HOUSING else Path(self.data).stem
        for path in sets or [self.kaggle / "input" / slug]:
            self._furnish(path, [self.folder / self.data])
        _link(self.folder.parent / "input", self.kaggle / "input")
        for path in found:
            if path not in sets and not path.is_relative_to(self.kaggle):
                self.furnish(path)

    def real(self, path: PurePosixPath) -> Path:
        """Return where a path in Colab or on Kaggle is."""
        if path.is_relative_to(CONTENT):
            return self.folder / _one_drive(path.relative_to(CONTENT))
        if path.is_relative_to(KAGGLE / "working"):
            return self.folder / path.relative_to(KAGGLE / "working")
        return self.kaggle / path.relative_to(KAGGLE)

    def mount(self, place: str) -> None:
        """Be Google Drive, mounted there."""
        path = PurePosixPath(place)
        mounted = self.real(path) if path.is_relative_to(CONTENT) else Path(place)
        with contextlib.suppress(OSError):
            if self.may_write(mounted):
                self.furnish(mounted / MY_DRIVE[0])
                _link(mounted / MY_DRIVE[1], mounted / MY_DRIVE[0])

    def furnish(self, place: Path) -> None:
        """Make a folder that holds what the notebook's own does."""
        self._furnish(place, self._contents)
        drive = next((parent for parent in (place, *place.parents) if parent.name == MY_DRIVE[0]), None)
        if drive is not None:
            _link(drive.with_name(MY_DRIVE[1]), drive)

    def _furnish(self, place: Path, contents: Iterable[Path]) -> None:
        with contextlib.suppress(OSError, ValueError):  # too long a name, or a file in its place
            if not place.exists():
                place.mkdir(parents=True)
                self._made.add(place.resolve())
            for entry in contents:
                if not place.is_relative_to(entry):
                    _link(place / entry.name, entry)

    def may_write(self, place: Path) -> bool:
        """Tell whether a folder may be made there: in the box's own places."""
        own = (self.scratch, Path.home(), Path(tempfile.gettempdir()))
        return any(place.resolve().is_relative_to(one.resolve()) for one in own)

    def goes_into(self, wanted: Any) -> Any:
        """Return the folder that is gone into for one that is not there."""
        text = os.fspath(wanted)
        shown = " ".join(text.replace("`", "'").split())[-120:]
        place = Path(text).absolute()
        if not _OTHER_SYSTEM.match(text) and self.may_write(place):
            self.furnish(place)
        if place.is_dir():
            self.note(f"the folder `{shown}` is not there; it was made, with what was handed in and the data in it")
            return wanted
        self.note(f"the folder `{shown}` is not there; the code went on in the notebook's own folder")
        return str(self.folder)

    def takes_back(self, wanted: Any) -> bool:
        """Tell whether a folder was made only because the code names it, which the code itself now makes."""
        if not isinstance(wanted, str | os.PathLike):
            return False
        name = Path(os.fsdecode(wanted)).name
        if not any(made.name == name for made in self._made):  # nearly always; a path's resolution takes its time
            return False
        try:
            place = Path(os.fsdecode(wanted)).absolute().resolve()
            is_made = place in self._made and place.is_dir()
        except (OSError, ValueError):
            return False
        self._made.discard(place)
        return is_made


def install(hooks: Hooks, folder: Path, root: Path, data: str, named: Sequence[str], note: Note, shell: Any) -> Places:
    """Make the places that students know; ``root`` is their own folder, two folders below the job's."""
    places = Places(folder.resolve(), root.resolve().parent.parent, data, note)
    places.lay_out(named)
    if all(map(_is_link, LINKS)):
        _link(LINKS[CONTENT], places.folder)
        _link(LINKS[KAGGLE], places.kaggle)
    else:
        hooks.append(shell.ast_transformers, Rewriting({"content": places.folder, "kaggle": places.kaggle}))
    _follow(hooks, places)
    return places


def _follow(hooks: Hooks, places: Places) -> None:
    """Go into folders, make them and write into them as where the student worked."""
    chdir, mkdir = os.chdir, os.mkdir

    @functools.wraps(chdir)
    def go(path: Any) -> None:
        try:
            chdir(path)
        except (FileNotFoundError, NotADirectoryError):
            if not isinstance(path, str | os.PathLike) or not os.fspath(path):
                raise
            chdir(places.goes_into(os.fsdecode(path)))

    @functools.wraps(mkdir)
    def make(path: Any, *args: Any, **kwargs: Any) -> None:
        if not places.takes_back(path):
            mkdir(path, *args, **kwargs)

    go.__module__ = make.__module__ = os.__name__  # which holds them; pickle looks for a function there
    hooks.replace(os, "chdir", go)
    hooks.replace(os, "mkdir", make)
    shell: Any = interactiveshell  # what cells know as ``open`` goes through its ``io_open``
    openers = [
        (owner, name, getattr(owner, name)) for owner, name in ((builtins, "open"), (io, "open"), (shell, "io_open"))
    ]
    for owner, name, original in openers:
        hooks.replace(owner, name, _writing(original, places))


def _writing(original: Any, places: Places) -> Any:
    """Return an ``open`` that writes into folders of Drive which only the student's account has."""

    @functools.wraps(original)
    def opened(file: Any, *args: Any, **kwargs: Any) -> Any:
        mode = str(args[0] if args else kwargs.get("mode", "r"))
        if WRITING.search(mode) and isinstance(file, str | os.PathLike):
            with contextlib.suppress(OSError, ValueError):  # what is wrong with the path, opening it tells
                folder = Path(os.fsdecode(file)).absolute().parent
                if "drive" in folder.parts and not folder.exists() and places.may_write(folder):
                    places.furnish(folder)
        return original(file, *args, **kwargs)

    return opened


class Rewriting(ast.NodeTransformer):
    """Turns paths in Colab and on Kaggle, in a cell's strings and commands, into the folders that stand for them."""

    def __init__(self, places: dict[str, Path]) -> None:
        self.places = places
        self._path = re.compile(rf"(?<![\w./~-])/({'|'.join(places)})(?![\w.-])")

    def visit_Constant(self, node: ast.Constant) -> ast.Constant:
        if isinstance(node.value, str) and "/" in node.value:
            node.value = self._path.sub(lambda match: self.places[match[1]].as_posix(), node.value)
        return node


def _folder_in(text: str) -> PurePosixPath:
    """Return the folder that a path names, up to where it is filled in or a pattern."""
    whole = re.split(r"[{*?\[%]", text)[0]
    path = PurePosixPath(whole if whole == text else whole.rpartition("/")[0])
    return path.parent if path.suffix else path


def _one_drive(path: PurePosixPath) -> PurePosixPath:
    return PurePosixPath(*(MY_DRIVE[0] if part == MY_DRIVE[1] else part for part in path.parts))


def _is_link(path: Path) -> bool:
    """Tell whether this is the link of a box, and not a folder of this machine's."""
    try:
        return path.readlink() == LINKS[path]
    except OSError:
        return False


def _link(place: Path, target: Path) -> None:
    """Let a place lead to a file or folder; where there are no links, a file's copy lies there."""
    if os.path.lexists(place):
        return
    try:
        place.symlink_to(target, target_is_directory=target.is_dir())
    except OSError:
        if target.is_file():
            shutil.copyfile(target, place)
