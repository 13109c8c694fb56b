"""A CSV's bytes as a data set, read by pandas."""

import hashlib
import io

import numpy as np
import pandas as pd

from checker.errors import DatasetError
from checker.records.arrays import Array
from checker.records.assignment import DatasetNote, DataSource
from checker.records.dataset import Dataset


def parse(source: DataSource, content: bytes, name: str, practice: bool) -> Dataset:
    """Parse a CSV's bytes as a data set. Raises DatasetError if a column is missing or has unusable values."""
    text = {} if source.is_regression else {source.target: str}  # classes are names, even if they look like numbers
    table = pd.read_csv(io.BytesIO(content), dtype=text)
    wanted = [*source.features, source.target]
    if not set(wanted) <= set(table.columns):
        raise DatasetError(f"{name} has the columns {list(table.columns)}, not {wanted}.")
    find = _numbers if source.is_regression else _classes
    labels = find(source, table, name)
    worded = [column for column in source.features if not pd.api.types.is_numeric_dtype(table[column])]
    if worded:
        raise DatasetError(
            f"{name} has other values than numbers in {', '.join(worded)}, which the assignment calls features.",
            "Take such columns out of data.features. Students may use them all the same.",
        )
    features = table[list(source.features)].to_numpy(dtype=np.float64)
    note = DatasetNote(name, hashlib.sha256(content).hexdigest(), practice)
    words = {
        str(name): table[name].to_numpy(dtype=str) for name in table if not pd.api.types.is_numeric_dtype(table[name])
    }
    return Dataset(note=note, csv=content, features=features, labels=labels, words=words)


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
