"""Where the housing data comes from, and what the practice data is like."""

import io
import os

import numpy as np
import pandas as pd
import pytest

from checker import dataset
from checker.errors import DatasetError

REAL_COUNTS = np.array([9136, 6551, 5, 2290, 2658])
needs_real = pytest.mark.skipif(not os.environ.get(dataset.VARIABLE), reason=f"{dataset.VARIABLE} is not set")


def test_practice_data_is_shaped_like_the_real_one(practice):
    """20,640 rows, 207 unknown bedroom counts, class shares within a point of the real ones, all rows distinct."""
    table = pd.read_csv(io.BytesIO(practice.csv))
    assert table.shape == (20_640, 10)
    assert table.isna().sum().to_dict() == {c: 207 * (c == "total_bedrooms") for c in table.columns}
    shares = np.bincount(practice.labels) / 20_640
    assert np.abs(shares - REAL_COUNTS / 20_640).max() < 0.01
    assert not table.drop(columns=["ocean_proximity", "total_bedrooms"]).duplicated().any()


def test_practice_data_is_marked(practice):
    """Every report can tell that it was made with practice data."""
    assert practice.note.practice


def test_the_script_still_makes_the_committed_practice_data(root, tmp_path):
    """The data beside the script is what the script makes."""
    import runpy
    import sys

    kept = sys.argv
    sys.argv = ["make", str(tmp_path / "again.csv")]
    try:
        runpy.run_path(str(root / "fixtures" / "make_practice_data.py"), run_name="__main__")
    finally:
        sys.argv = kept
    assert (tmp_path / "again.csv").read_bytes() == dataset.PRACTICE.read_bytes()


def test_another_file_is_refused(assignment, tmp_path):
    """A file that is not the assignment's data is never used instead."""
    path = tmp_path / "housing.csv"
    path.write_bytes(dataset.PRACTICE.read_bytes())
    with pytest.raises(DatasetError, match="not the file this assignment is about"):
        dataset.load(assignment.data, path)


def test_missing_data_is_told_with_the_ways_to_give_it(assignment, tmp_path, monkeypatch):
    """Where nothing is found the message names --data, the variable, the download, and practice data."""
    monkeypatch.delenv(dataset.VARIABLE, raising=False)
    monkeypatch.setattr("pooch.os_cache", lambda name: tmp_path)
    with pytest.raises(DatasetError) as caught:
        dataset.load(assignment.data, download=False)
    for way in ("--data", dataset.VARIABLE, "downloaded", "--practice-data"):
        assert way in caught.value.help


def test_the_variable_names_the_file(assignment, tmp_path, monkeypatch):
    """$CHECKER_HOUSING_CSV is looked at before cache and download."""
    monkeypatch.setenv(dataset.VARIABLE, str(tmp_path / "not-there.csv"))
    with pytest.raises(DatasetError, match="not-there"):
        dataset.load(assignment.data)


@needs_real
def test_the_real_data_is_the_one_the_assignment_names(assignment):
    """The real file has the published class counts."""
    real = dataset.load(assignment.data)
    assert np.bincount(real.labels).tolist() == REAL_COUNTS.tolist()
    assert not real.note.practice
