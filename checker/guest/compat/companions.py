"""A notebook's companion files in a box: the student's own folder as uploaded, with the course's data in it.

Theory of operation: the data is laid out first, and no uploaded file replaces it. Python modules in the folder belong
to the student: their imports are handled like those of a cell. The name of such a module cannot shadow anything that
the checker needs, because the checker has imported all of that already.
"""

import importlib
import re
import sys
from collections.abc import Iterable, Iterator
from importlib.machinery import FileFinder, SourceFileLoader
from pathlib import Path, PurePosixPath
from typing import Any

from checker.guest.compat import data_paths
from checker.guest.plain.hooks import Hooks

MAX_NAMED = 120
"""Maximum length, in characters, of a file name in a note."""
OURS = "checker"


def place(root: Path, folder: str) -> Path:
    """Return the path below ``root`` of one of the student's folders."""
    return root.joinpath(*_parts(folder))


def _parts(name: str) -> tuple[str, ...]:
    return tuple(part for part in PurePosixPath(name).parts if part not in ("/", "..") and "\0" not in part)


def lay_out(root: Path, files: Iterable[tuple[str, bytes]], data: str, csv: bytes) -> Iterator[str]:
    """Write a student's files below ``root``, which already contains the data set; yield remarks for the report."""
    for name, content in files:
        target, shown = place(root, name), f"`{named(name)}`"
        if data_paths.is_data(target.name, data):
            if (where := difference(csv, content)) and target.name.lower() == data.lower():
                yield f"{shown}, handed in, is not the course's data: {where}; the course's data was read"
            content = csv
            if target.name.lower() != data.lower():
                continue
        try:
            if not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)
            elif content is not csv:
                yield f"{shown}, handed in, was left out: the course's files lie in its place"
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or str(error)
            yield f"{shown}, handed in, could not be put beside the file: {str(why)[:200]}"


def named(name: str) -> str:
    """Return a file's name in a form that fits in a sentence: no backticks, shortened."""
    shown = " ".join(name.replace("`", "'").split())
    return shown if len(shown) <= MAX_NAMED else f"…{shown[-MAX_NAMED:]}"


def difference(csv: bytes, other: bytes) -> str:
    """Return a sentence on where a CSV first differs from the course's; empty if both have the same lines."""
    ours, theirs = (content.removeprefix(b"\xef\xbb\xbf").splitlines() for content in (csv, other))
    ours, theirs = ([line.rstrip() for line in lines] for lines in (ours, theirs))
    while theirs and not theirs[-1]:
        theirs.pop()
    while ours and not ours[-1]:
        ours.pop()
    if ours == theirs:
        return ""
    at = next((at for at, pair in enumerate(zip(ours, theirs, strict=False)) if pair[0] != pair[1]), None)
    first = min(len(ours), len(theirs)) if at is None else at
    counted = f", and it has {len(theirs):,} lines, not {len(ours):,}" if len(theirs) != len(ours) else ""
    return f"it differs first in line {first + 1:,}{counted}"


# -- in the kernel ---------------------------------------------------------------------------------------


class Own:
    """The files that a student uploaded, as they were before the first cell."""

    def __init__(self, root: Path, folder: Path, data: str) -> None:
        self.root, self.folder = root.resolve(), folder.resolve()
        self._files: dict[str, list[Path]] = {}
        for path in sorted(self.root.rglob("*")):
            if path.is_file() and not data_paths.is_data(path.name, data):
                self._files.setdefault(path.name.lower(), []).append(path)

    def only(self, name: str) -> Path | None:
        """Return the only file of this name; None if there is none or several."""
        found = self._files.get(name.lower(), [])
        return found[0] if len(found) == 1 else None

    def module(self, name: str) -> Path | None:
        """Return the module or package of this name in the student's folder."""
        paths = (self.folder / f"{name}.py", self.folder / name / "__init__.py")
        return next((path for path in paths if path.is_file()), None)

    def elsewhere(self, name: str) -> Path | None:
        """Return the only module of this name in another folder, or the ``__init__`` of the only package."""
        packages = [p for p in self._files.get("__init__.py", []) if p.parent.name == name]
        found = [*(p for p in self._files.get(f"{name.lower()}.py", []) if p.stem == name), *packages]
        return found[0] if len(found) == 1 else None

    def shown(self, path: Path) -> str:
        """Return a file's path relative to the student's own folder."""
        return named(path.relative_to(self.root).as_posix())

    def line(self, frame: Any) -> str:
        """Return the student's file and line that made a call; empty if the call came from a cell."""
        root = str(self.root)
        while frame is not None:
            path = frame.f_code.co_filename
            if path.startswith(root) and path.endswith(".py"):
                return f"{self.shown(Path(path))}, line {frame.f_lineno}"
            if re.search(r"ipykernel_\d+[/\\]|<ipython-input", path):
                return ""
            frame = frame.f_back
        return ""


def let_import(hooks: Hooks, own: Own, importing: Any) -> None:
    """Let students import their own modules, with the imports in them handled like those of cells.

    A student's module with the name of this package takes that name: we need no further module of ours.
    """
    if own.module(OURS) is not None:
        sys.modules.pop(OURS, None)
    hooks.insert(sys.path_hooks, 0, _finder(own, importing))
    sys.path_importer_cache.clear()
    sys.path[:0] = [str(own.folder), ""]
    interactiveshell: Any = importlib.import_module("IPython.core.interactiveshell")
    hooks.replace(interactiveshell, "compile", _compiling(own, importing))  # which `%run` compiles modules with


def _compiling(own: Own, importing: Any) -> Any:
    """Return a ``compile`` that wraps the imports in the student's own files."""

    def compiling(source: Any, filename: Any, *more: Any, **options: Any) -> Any:
        is_theirs = isinstance(source, bytes) and Path(str(filename)).resolve().is_relative_to(own.root)
        return compile(importing.of_module(source, filename) if is_theirs else source, filename, *more, **options)

    return compiling


def _finder(own: Own, importing: Any) -> Any:
    class Loader(SourceFileLoader):
        def get_code(self, fullname: str) -> Any:
            path = self.get_filename(fullname)
            return compile(importing.of_module(self.get_data(path), path), path, "exec", dont_inherit=True)

    def hook(path: str) -> Any:
        place = Path(path or ".").resolve()
        if not place.is_relative_to(own.root) or not place.is_dir():
            raise ImportError(path)
        return FileFinder(str(place), (Loader, [".py"]))

    return hook
