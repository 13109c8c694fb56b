"""Where students find the data: under its own name wherever they look for it, and the housing data under many."""

from pathlib import Path

import pytest

from checker.guest.compat import data_paths


@pytest.mark.parametrize(
    "wanted",
    [
        "flowers.csv",
        "Flowers.CSV",
        Path("data/flowers.csv"),
        "C:\\Users\\ada\\flowers.csv",
        "/content/drive/MyDrive/flowers.csv",
        "https://example.org/flowers.csv?raw=true",
    ],
)
def test_a_file_is_found_by_its_name(tmp_path, monkeypatch, wanted):
    """A path or address that ends in the data's name leads to the copy."""
    monkeypatch.chdir(tmp_path)
    assert data_paths._find(tmp_path / "box" / "flowers.csv", wanted) == str(tmp_path / "box" / "flowers.csv")


@pytest.mark.parametrize("wanted", ["sunflowers.csv", "housing.csv", "flowers.csv.gz", 3, None, b"flowers.csv"])
def test_other_files_are_left_alone(tmp_path, monkeypatch, wanted):
    """What has another name, or none, is what it was."""
    monkeypatch.chdir(tmp_path)
    assert data_paths._find(tmp_path / "box" / "flowers.csv", wanted) == wanted


def test_what_is_there_is_left_alone(tmp_path):
    """A file of that name that the student has written is read itself."""
    own = tmp_path / "flowers.csv"
    own.write_text("a,b\n")
    assert data_paths._find(tmp_path / "box" / "flowers.csv", own) == own


@pytest.mark.parametrize(("name", "folders"), [("flowers.csv", 2), ("housing.csv", 6)])
def test_the_data_lies_where_hand_outs_have_it(tmp_path, name, folders):
    """Beside the notebook, in data/, and of the housing data where its hand-outs ever had it."""
    folder = tmp_path / "notebooks" / "practical"
    folder.mkdir(parents=True)
    data_paths.lay_out(folder, name, b"a,b\n")
    found = sorted(tmp_path.rglob("*.csv"))
    assert len(found) == folders
    assert {path.read_bytes() for path in found} == {b"a,b\n"}
    assert (folder / "housing.tgz").exists() == (name == "housing.csv")
