"""Load an assignment's data: from a path, its folder, the environment, the user's cache, or a verified download.

Other data is never used silently: a file with another hash than the assignment's is refused, and practice data is
used on request only.
"""

import hashlib
import os
from pathlib import Path

import pooch

import checker
from checker.errors import DatasetError
from checker.records.assignment import DataSource
from checker.records.dataset import Dataset

VARIABLE = "CHECKER_HOUSING_CSV"
HOUSING = "housing.csv"
PACKAGE = Path(checker.__file__).parent
IN_PACKAGE = PACKAGE / "practice_housing.csv"
IN_PROJECT = PACKAGE.parent / "fixtures" / "practice_housing.csv"
PRACTICE = IN_PACKAGE if IN_PACKAGE.exists() else IN_PROJECT
"""A wheel carries the practice data inside the package; a checkout has it in ``fixtures/``."""


def load(
    source: DataSource,
    given: Path | None = None,
    practice: bool = False,
    download: bool = True,
    folder: Path | None = None,
) -> Dataset:
    """Return an assignment's data; ``folder``: the assignment's folder. It may hold the data.

    Raises DatasetError, with the ways to provide the data, if it cannot be loaded.
    """
    if practice:
        return _practice(source)
    path = local(source, given, folder) or _cached(source, download)
    content = _read(source, path)
    if hashlib.sha256(content).hexdigest() != source.sha256:
        raise DatasetError(
            f"{path} is not the file this assignment is about: its sha256 differs from {source.sha256[:12]}….",
            f"Give the unchanged {source.file}{_or_practice(source, ', or say --practice-data')}.",
        )
    return parse(source, content, source.file, practice=False)


def local(source: DataSource, given: Path | None, folder: Path | None) -> Path | None:
    """Return the file ``given``, or else the one in the assignment's folder or in the environment variable."""
    return given or _beside(source, folder) or _in_environment()


def _practice(source: DataSource) -> Dataset:
    content = _read(source, PRACTICE)
    if source.file != HOUSING:
        raise DatasetError(f"There is practice data for {HOUSING} only; this assignment is about {source.file}.")
    return parse(source, content, "practice data", practice=True)


def _beside(source: DataSource, folder: Path | None) -> Path | None:
    path = folder / source.file if folder is not None else None
    return path if path is not None and path.is_file() else None


def _in_environment() -> Path | None:
    return Path(os.environ[VARIABLE]) if os.environ.get(VARIABLE) else None


def _read(source: DataSource, path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DatasetError(f"The data cannot be read: {path}: {error.strerror}.", _ways(source)) from error


def _ways(source: DataSource) -> str:
    by_hand = f"Download {source.url} in a browser, or connect to the network and try again. " if source.url else ""
    practice = _or_practice(source, " To try things without it, say --practice-data.")
    return f"{by_hand}Give the file with --data PATH, or set {VARIABLE} to its path.{practice}"


def _or_practice(source: DataSource, words: str) -> str:
    return words if source.file == HOUSING else ""


def _cached(source: DataSource, download: bool) -> Path:
    cache = Path(pooch.os_cache("checker"))
    name = f"{source.sha256[:16]}.csv"
    if not (download and source.url) and not (cache / name).exists():
        raise DatasetError(f"The data ({source.file}) is not on this machine.", _ways(source))
    try:
        return Path(pooch.retrieve(source.url, f"sha256:{source.sha256}", fname=name, path=cache, progressbar=False))
    except Exception as error:  # pooch passes on any error of its downloader
        raise DatasetError(f"The data ({source.file}) could not be downloaded: {_why(error)}", _ways(source)) from error


def _why(error: Exception) -> str:
    """Return in words why a download failed. Connection errors name the library's connection pool instead."""
    said = str(error)
    return "this machine has no connection to its address." if "ConnectionPool(" in said else said[:200]


def parse(source: DataSource, content: bytes, name: str, practice: bool) -> Dataset:
    """Parse a CSV's bytes as a data set. Raises DatasetError if a column is missing or has unusable values."""
    from checker.assignment import table  # importing pandas takes a fifth of a second; boxes start before it

    return table.parse(source, content, name, practice)
