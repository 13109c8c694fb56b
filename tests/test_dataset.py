"""The data: from where it is taken, that it is the right one, and that practice data is known as such."""

import hashlib
import os
import runpy
import sys
import threading
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pandas as pd
import pytest

from checker.assignment import dataset
from checker.errors import DatasetError
from checker.records.assignment import DataSource

REAL = os.environ.get(dataset.VARIABLE)
NOWHERE = "http://127.0.0.1:9/housing.csv"

needs_real_data = pytest.mark.skipif(not REAL, reason=f"${dataset.VARIABLE} does not name the real housing.csv")


@pytest.fixture
def small(tmp_path, assignment, monkeypatch):
    """A data source of three rows that is in no cache and has no network, and its file."""
    monkeypatch.delenv(dataset.VARIABLE, raising=False)
    monkeypatch.setattr(dataset.pooch, "os_cache", lambda project: tmp_path / "cache" / project)
    lines = [",".join([*assignment.data.features, assignment.data.target])]
    lines += [
        f"-122.2,37.8,41.0,880.0,{bedrooms},322.0,126.0,8.3,452600.0,{label}"
        for bedrooms, label in (("129.0", "NEAR BAY"), ("", "ISLAND"), ("20.0", "<1H OCEAN"))
    ]
    path = tmp_path / "small.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    source = replace(assignment.data, url=NOWHERE, sha256=hashlib.sha256(path.read_bytes()).hexdigest())
    return source, path


# -- from where ------------------------------------------------------------------------------------------


def test_a_given_file_is_taken(small):
    """The file that was named is read: features in the assignment's order with their gaps, labels as numbers."""
    source, path = small
    found = dataset.load(source, path)
    assert (found.note.name, found.note.practice, found.note.sha256) == ("housing.csv", False, source.sha256)
    assert found.csv == path.read_bytes()
    assert found.labels.dtype == np.int32
    assert found.labels.tolist() == [3, 2, 0]
    assert found.features.shape == (3, 9)
    assert np.isnan(found.features[:, 4]).tolist() == [False, True, False]
    assert found.features[:, 8].tolist() == [452_600.0] * 3


def test_the_environment_names_a_file(small, monkeypatch):
    """A path in the environment is taken where none was given, and a given one goes before it."""
    source, path = small
    monkeypatch.setenv(dataset.VARIABLE, str(path))
    assert len(dataset.load(source).labels) == 3
    monkeypatch.setenv(dataset.VARIABLE, "/nowhere/housing.csv")
    assert len(dataset.load(source, path).labels) == 3
    with pytest.raises(DatasetError, match=r"/nowhere/housing\.csv"):
        dataset.load(source)


@pytest.fixture
def server(tmp_path):
    """A web server on this machine that serves the temporary folder."""

    class Silent(SimpleHTTPRequestHandler):
        def log_message(self, *words):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Silent, directory=str(tmp_path))) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


def test_a_download_is_kept(small, server):
    """The data is downloaded once, and from then on there without a network."""
    source, _ = small
    assert len(dataset.load(replace(source, url=f"{server}/small.csv")).labels) == 3
    assert len(dataset.load(source, download=False).labels) == 3


def test_a_download_of_something_else_is_refused(small, server, tmp_path):
    """A download that is not the file named by its hash is refused, and not kept."""
    source, _ = small
    (tmp_path / "other.csv").write_text("a captive portal", encoding="utf-8")
    with pytest.raises(DatasetError, match="could not be downloaded"):
        dataset.load(replace(source, url=f"{server}/other.csv"))
    with pytest.raises(DatasetError, match="not on this machine"):
        dataset.load(source, download=False)


@pytest.mark.parametrize("download", [True, False])
def test_missing_data_has_three_ways_out(small, download):
    """Without data nothing else is taken for it, and the help names the three ways to provide it."""
    source, _ = small
    with pytest.raises(DatasetError) as caught:
        dataset.load(source, download=download)
    for way in ("--data PATH", dataset.VARIABLE, "network", "--practice-data"):
        assert way in caught.value.help


# -- the right one ---------------------------------------------------------------------------------------


def test_a_changed_file_is_refused(small):
    """A file that differs by one byte from the assignment's is refused."""
    source, path = small
    path.write_bytes(path.read_bytes() + b"\n")
    with pytest.raises(DatasetError, match="is not the file this assignment is about"):
        dataset.load(source, path)


def test_practice_data_is_not_taken_for_the_real_data(assignment):
    """Practice data given as the data is refused."""
    with pytest.raises(DatasetError, match="is not the file this assignment is about"):
        dataset.load(assignment.data, dataset.PRACTICE)


def test_other_columns_are_refused(small):
    """Data without a column that the assignment names is refused, with both lists."""
    source, path = small
    with pytest.raises(DatasetError, match=r"has the columns .*'ocean_proximity'.*, not .*'colour'"):
        dataset.load(replace(source, target="colour"), path)


def test_other_classes_are_refused(small):
    """Data with a class that the assignment does not name is refused."""
    source, path = small
    with pytest.raises(DatasetError, match="other values of ocean_proximity"):
        dataset.load(replace(source, classes=("NEAR BAY", "ISLAND")), path)


# -- practice data ---------------------------------------------------------------------------------------


def test_practice_data_is_marked(practice):
    """Practice data says of itself that it is practice data."""
    assert practice.note.practice
    assert practice.note.name == "practice data"
    assert practice.note.sha256 == hashlib.sha256(dataset.PRACTICE.read_bytes()).hexdigest()


def test_practice_data_goes_before_the_environment(assignment, practice, monkeypatch):
    """Practice data that was asked for is taken, whatever the environment names."""
    monkeypatch.setenv(dataset.VARIABLE, "/nowhere/housing.csv")
    assert dataset.load(assignment.data, practice=True).note == practice.note


def test_practice_data_has_the_shape_of_the_real_data(practice):
    """It has as many rows and gaps as the real data, and classes of nearly the same shares."""
    assert practice.features.shape == (20_640, 9)
    assert np.isnan(practice.features).sum(axis=0).tolist() == [0, 0, 0, 0, 207, 0, 0, 0, 0]
    real = np.array([9136, 6551, 5, 2290, 2658]) / 20_640
    shares = np.bincount(practice.labels, minlength=5) / 20_640
    assert np.abs(shares - real).max() < 0.01
    assert (practice.labels == 2).sum() == 5


def test_no_two_practice_rows_are_the_same(practice):
    """Every row can be told from every other by its features, without those that have gaps."""
    assert not pd.DataFrame(np.delete(practice.features, 4, axis=1)).duplicated().any()


def test_the_script_still_makes_the_committed_practice_data(root, tmp_path, monkeypatch, capsys):
    """The data beside the script is what the script makes."""
    monkeypatch.setattr(sys, "argv", ["make", str(tmp_path / "again.csv")])
    runpy.run_path(str(root / "fixtures" / "make_practice_data.py"), run_name="__main__")
    assert (tmp_path / "again.csv").read_bytes() == dataset.PRACTICE.read_bytes()
    assert "ISLAND" in capsys.readouterr().out


# -- the real data ---------------------------------------------------------------------------------------


@needs_real_data
def test_the_real_data_is_as_described(assignment):
    """The real file is the one that the assignment names, with the known rows, gaps and classes."""
    found = dataset.load(assignment.data)
    assert not found.note.practice
    assert found.features.shape == (20_640, 9)
    assert np.isnan(found.features).sum(axis=0).tolist() == [0, 0, 0, 0, 207, 0, 0, 0, 0]
    assert np.bincount(found.labels).tolist() == [9136, 6551, 5, 2290, 2658]


@needs_real_data
def test_the_real_data_is_not_practice_data(assignment, practice):
    """No row of the real data is in the practice data."""
    rows = {tuple(row) for row in np.delete(practice.features, 4, axis=1)}
    real = dataset.load(assignment.data).features
    assert not any(tuple(row) in rows for row in np.delete(real, 4, axis=1))


def test_numbers_to_predict_are_read(prices, practice):
    """Of a regression the labels are the target's numbers, of the same rows, and no feature."""
    assert prices.labels.dtype == np.float64
    assert np.array_equal(prices.labels, practice.features[:, 8])
    assert np.array_equal(prices.features, practice.features[:, :8], equal_nan=True)
    assert prices.note == practice.note


def test_a_target_that_is_no_number_is_refused(regression, tmp_path):
    """If the target holds something that is no number, the message names the column."""
    wrong = replace(regression.data, target="ocean_proximity")
    with pytest.raises(DatasetError, match="values of ocean_proximity that are no numbers"):
        dataset.load(wrong, practice=True)


# -- any other data --------------------------------------------------------------------------------------


@pytest.fixture
def flowers(tmp_path, monkeypatch):
    """A data source that lies in its assignment's folder, whose classes are numbers; and the folder."""
    monkeypatch.setattr(dataset.pooch, "os_cache", lambda project: tmp_path / "cache" / project)
    monkeypatch.setenv(dataset.VARIABLE, "/nowhere/housing.csv")
    (tmp_path / "flowers.csv").write_text("length,width,colour,kind\n1.5,2,red,1\n2.5,,blue,10\n", encoding="utf-8")
    digest = hashlib.sha256((tmp_path / "flowers.csv").read_bytes()).hexdigest()
    return DataSource(
        sha256=digest, target="kind", features=("length", "width"), classes=("1", "10"), file="flowers.csv"
    ), tmp_path


def test_data_beside_the_assignment_is_taken(flowers):
    """It goes before the environment, which may name other data; classes that are numbers are found by their names."""
    source, folder = flowers
    found = dataset.load(source, folder=folder)
    assert (found.note.name, found.labels.tolist()) == ("flowers.csv", [0, 1])
    assert found.features[0].tolist() == [1.5, 2.0]


def test_words_are_no_features(flowers):
    """A feature that holds words is refused by name, with what to do."""
    source, folder = flowers
    with pytest.raises(DatasetError, match=r"other values than numbers in colour") as caught:
        dataset.load(replace(source, features=("length", "colour")), folder=folder)
    assert "data.features" in caught.value.help


def test_data_published_nowhere_is_asked_for_by_its_name(flowers, monkeypatch):
    """If the file is not found, no download is tried, and practice data is not offered, because there is none."""
    source, folder = flowers
    monkeypatch.delenv(dataset.VARIABLE)
    with pytest.raises(DatasetError, match=r"The data \(flowers.csv\) is not on this machine") as caught:
        dataset.load(source, folder=folder / "elsewhere")
    assert "practice" not in caught.value.help
    with pytest.raises(DatasetError, match=r"practice data for housing.csv only"):
        dataset.load(source, practice=True)
