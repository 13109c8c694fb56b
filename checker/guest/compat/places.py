"""Folders that students' code expects: those of Colab, Kaggle and Google Drive, and folders that do not exist.

Theory of operation: ``/content`` and ``/kaggle/working`` are the notebook's own folder, as on those services. In the
walled sandbox they are symbolic links, made before the sandbox is closed. Without it the paths in the cells' code are
rewritten, and nothing outside the temporary folder is touched. Every folder of Google Drive that the code names gets
links to the contents of the notebook's folder, including the data. So does a missing folder that the code changes into.
Kaggle's folders of data sets get the data alone.
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
"""Targets of a box's links, which lie in a read-only folder."""
DRIVES = ("/content/drive", "/content/gdrive")
MY_DRIVE = ("MyDrive", "My Drive")
DATA_SET = "california-housing-prices"
"""Kaggle's name for the housing data."""
MOST = 50
"""Maximum number of folders made because the code names them."""
MAX_CODE = 2_000_000
WRITING = re.compile("[wax+]")
_QUOTED = re.compile(r"""["']((?:/content|/kaggle|drive|gdrive|\.\./input)/[^"'\n]{0,300})["']""")
_MOUNT = re.compile(r"""\bmount\(\s*["'](/content/[\w ./-]{1,100})["']""")
_OTHER_SYSTEM = re.compile(r"[A-Za-z]:[\\/]|\\\\")


def mentioned(code: str) -> list[str]:
    """Return the paths in Google Drive and in Kaggle's data sets that string literals in the code name."""
    code = code[:MAX_CODE]
    mounts = tuple(f"{mount.rstrip('/')}/" for mount in dict.fromkeys((*DRIVES, *_MOUNT.findall(code))))
    quoted = dict.fromkeys(_QUOTED.findall(code))
    paths = [
        text if text.startswith("/") else f"/content/{text}".replace("/content/../", "/kaggle/") for text in quoted
    ]
    return [text for text in paths if text.startswith((*mounts, "/kaggle/input/")) and ".." not in text][:MOST]


class Places:
    """Makes the folders that a student's code expects, and their contents."""

    def __init__(self, folder: Path, scratch: Path, data: str, note: Note) -> None:
        self.folder, self.scratch, self.data, self.note = folder, scratch, data, note
        self.kaggle = scratch / "kaggle"
        self._made: set[Path] = set()
        self._contents = [entry for entry in sorted(folder.iterdir()) if entry.name not in ("drive", "gdrive")]

    def lay_out(self, named: Sequence[str]) -> None:
        """Make Kaggle's folders, and the folders that the code names."""
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
        """Return our path for a path on Colab or Kaggle."""
        if path.is_relative_to(CONTENT):
            return self.folder / _one_drive(path.relative_to(CONTENT))
        if path.is_relative_to(KAGGLE / "working"):
            return self.folder / path.relative_to(KAGGLE / "working")
        return self.kaggle / path.relative_to(KAGGLE)

    def mount(self, place: str) -> None:
        """Imitate a Google Drive mounted at this path."""
        path = PurePosixPath(place)
        mounted = self.real(path) if path.is_relative_to(CONTENT) else Path(place)
        with contextlib.suppress(OSError):
            if self.may_write(mounted):
                self.furnish(mounted / MY_DRIVE[0])
                _link(mounted / MY_DRIVE[1], mounted / MY_DRIVE[0])

    def furnish(self, place: Path) -> None:
        """Make a folder with links to the contents of the notebook's own folder."""
        self._furnish(place, self._contents)
        drive = next((parent for parent in (place, *place.parents) if parent.name == MY_DRIVE[0]), None)
        if drive is not None:
            _link(drive.with_name(MY_DRIVE[1]), drive)

    def _furnish(self, place: Path, contents: Iterable[Path]) -> None:
        with contextlib.suppress(OSError, ValueError):  # the name is too long, or a file has it
            if not place.exists():
                place.mkdir(parents=True)
                self._made.add(place.resolve())
            for entry in contents:
                if not place.is_relative_to(entry):
                    _link(place / entry.name, entry)

    def may_write(self, place: Path) -> bool:
        """Tell whether this folder lies in the box's own writable places."""
        own = (self.scratch, Path.home(), Path(tempfile.gettempdir()))
        return any(place.resolve().is_relative_to(one.resolve()) for one in own)

    def goes_into(self, wanted: Any) -> Any:
        """Return the folder to change into instead of a missing one."""
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
        """Tell whether a folder was made only because the code names it; the code's own ``mkdir`` then succeeds,
        once."""
        if not isinstance(wanted, str | os.PathLike):
            return False
        name = Path(os.fsdecode(wanted)).name
        if not any(made.name == name for made in self._made):  # nearly always so; resolving a path is slow
            return False
        try:
            place = Path(os.fsdecode(wanted)).absolute().resolve()
            is_made = place in self._made and place.is_dir()
        except (OSError, ValueError):
            return False
        self._made.discard(place)
        return is_made


def install(hooks: Hooks, folder: Path, root: Path, data: str, named: Sequence[str], note: Note, shell: Any) -> Places:
    """Make the folders that students' code expects; ``root`` is the student's own folder, two levels below the
    job's."""
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
    """Make ``chdir``, ``mkdir`` and writing files work as they did on the student's machine."""
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

    go.__module__ = make.__module__ = os.__name__  # pickle looks a function up in its module
    hooks.replace(os, "chdir", go)
    hooks.replace(os, "mkdir", make)
    shell: Any = interactiveshell  # the ``open`` of cells calls its ``io_open``
    openers = [
        (owner, name, getattr(owner, name)) for owner, name in ((builtins, "open"), (io, "open"), (shell, "io_open"))
    ]
    for owner, name, original in openers:
        hooks.replace(owner, name, _writing(original, places))


def _writing(original: Any, places: Places) -> Any:
    """Return an ``open`` that first makes a missing folder of Drive when a file in it is opened for writing."""

    @functools.wraps(original)
    def opened(file: Any, *args: Any, **kwargs: Any) -> Any:
        mode = str(args[0] if args else kwargs.get("mode", "r"))
        if WRITING.search(mode) and isinstance(file, str | os.PathLike):
            with contextlib.suppress(OSError, ValueError):  # opening the path reports the error
                folder = Path(os.fsdecode(file)).absolute().parent
                if "drive" in folder.parts and not folder.exists() and places.may_write(folder):
                    places.furnish(folder)
        return original(file, *args, **kwargs)

    return opened


class Rewriting(ast.NodeTransformer):
    """Replaces Colab and Kaggle paths in a cell's strings and commands by our folders for them."""

    def __init__(self, places: dict[str, Path]) -> None:
        self.places = places
        self._path = re.compile(rf"(?<![\w./~-])/({'|'.join(places)})(?![\w.-])")

    def visit_Constant(self, node: ast.Constant) -> ast.Constant:
        if isinstance(node.value, str) and "/" in node.value:
            node.value = self._path.sub(lambda match: self.places[match[1]].as_posix(), node.value)
        return node


def _folder_in(text: str) -> PurePosixPath:
    """Return the folder that a path names, up to its first placeholder or wildcard."""
    whole = re.split(r"[{*?\[%]", text)[0]
    path = PurePosixPath(whole if whole == text else whole.rpartition("/")[0])
    return path.parent if path.suffix else path


def _one_drive(path: PurePosixPath) -> PurePosixPath:
    return PurePosixPath(*(MY_DRIVE[0] if part == MY_DRIVE[1] else part for part in path.parts))


def _is_link(path: Path) -> bool:
    """Tell whether this path is a box's link, not a real folder of this machine."""
    try:
        return path.readlink() == LINKS[path]
    except OSError:
        return False


def _link(place: Path, target: Path) -> None:
    """Make a symbolic link to a file or folder. If links are unsupported, copy a file instead."""
    if os.path.lexists(place):
        return
    try:
        place.symlink_to(target, target_is_directory=target.is_dir())
    except OSError:
        if target.is_file():
            shutil.copyfile(target, place)
