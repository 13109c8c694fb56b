"""The housing data: from a given path, the environment, the user's cache, or a checked download.

Never silently something else: a file that is not the one the assignment names is refused, and practice data
is used on request only.
"""

import hashlib
import io
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pooch

from checker.errors import DatasetError
from checker.frames import Array
from checker.records import DatasetNote, DataSource

VARIABLE = "CHECKER_HOUSING_CSV"
IN_PACKAGE = Path(__file__).parent / "practice_housing.csv"
IN_PROJECT = Path(__file__).parent.parent / "fixtures" / "practice_housing.csv"
PRACTICE = IN_PACKAGE if IN_PACKAGE.exists() else IN_PROJECT
"""A wheel carries the practice data inside the package; a checkout has it in ``fixtures/``."""


@dataclass(frozen=True)
class Dataset:
    """The data set: its bytes, its feature columns as float64 (n, d), its labels (n,).

    Labels are class numbers, int32, or the numbers to predict, float64.
    """

    note: DatasetNote
    csv: bytes
    features: Array
    labels: Array

    @property
    def strata(self) -> Array:
        """The groups (n,) that every split shares out alike: the classes, or tenths of the rows by the numbers."""
        if self.labels.dtype.kind != "f":
            return self.labels
        return np.searchsorted(np.quantile(self.labels, np.linspace(0.1, 0.9, 9)), self.labels)


def load(source: DataSource, given: Path | None = None, practice: bool = False, download: bool = True) -> Dataset:
    """Return the data an assignment is about.

    Raises DatasetError, with the ways to provide the data, where it cannot be had.
    """
    if practice:
        return parse(source, _read(PRACTICE), "practice data", practice=True)
    named = given or (Path(os.environ[VARIABLE]) if os.environ.get(VARIABLE) else None)
    path = named or _cached(source, download)
    content = _read(path)
    if hashlib.sha256(content).hexdigest() != source.sha256:
        raise DatasetError(
            f"{path} is not the file this assignment is about: its sha256 differs from {source.sha256[:12]}….",
            "Give the unchanged housing.csv, or say --practice-data.",
        )
    return parse(source, content, "housing.csv", practice=False)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DatasetError(f"The data cannot be read: {path}: {error.strerror}.", _three_ways()) from error


def _three_ways() -> str:
    return (
        f"Give the file with --data PATH, or set {VARIABLE} to its path, or connect to the network once so that it "
        "can be downloaded. To try things without it, say --practice-data."
    )


def _cached(source: DataSource, download: bool) -> Path:
    cache = Path(pooch.os_cache("checker"))
    name = f"{source.sha256[:16]}.csv"
    if not download and not (cache / name).exists():
        raise DatasetError("The housing data is not on this machine.", _three_ways())
    try:
        return Path(pooch.retrieve(source.url, f"sha256:{source.sha256}", fname=name, path=cache, progressbar=False))
    except Exception as error:  # pooch passes on whatever its downloader raised
        raise DatasetError(f"The housing data could not be downloaded: {str(error)[:200]}", _three_ways()) from error


def parse(source: DataSource, content: bytes, name: str, practice: bool) -> Dataset:
    """Return the data set in a CSV's bytes; DatasetError where it lacks a column or holds values of no use."""
    table = pd.read_csv(io.BytesIO(content))
    wanted = [*source.features, source.target]
    if not set(wanted) <= set(table.columns):
        raise DatasetError(f"{name} has the columns {list(table.columns)}, not {wanted}.")
    find = _numbers if source.is_regression else _classes
    labels = find(source, table, name)
    features = table[list(source.features)].to_numpy(dtype=np.float64)
    note = DatasetNote(name, hashlib.sha256(content).hexdigest(), practice)
    return Dataset(note, content, features, labels)


def _classes(source: DataSource, table: pd.DataFrame, name: str) -> Array:
    numbers = {name: number for number, name in enumerate(source.classes)}
    labels = table[source.target].map(numbers).fillna(-1).to_numpy()
    if (labels < 0).any():
        raise DatasetError(f"{name} has other values of {source.target} than {list(source.classes)}.")
    return np.asarray(labels, dtype=np.int32)


def _numbers(source: DataSource, table: pd.DataFrame, name: str) -> Array:
    labels = pd.to_numeric(table[source.target], errors="coerce").to_numpy(dtype=np.float64)
    if not np.isfinite(labels).all():
        raise DatasetError(f"{name} has values of {source.target} that are no numbers.")
    return labels
