"""Colab's, Kaggle's and Drive's folders in the notebook's own, and folders that are gone into and are not there."""

import ast
import os
from pathlib import Path, PurePosixPath
from types import SimpleNamespace

import pytest

from checker.guest.compat import places
from checker.guest.compat.places import Places


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A notebook's folder with the data and a companion in it, and what was noted."""
    folder = tmp_path / "notebooks" / "practical"
    folder.mkdir(parents=True)
    (folder / "housing.csv").write_text("a,b\n")
    (folder / "utils.py").write_text("x = 1\n")
    monkeypatch.chdir(folder)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path / "temp"))
    notes = []
    return SimpleNamespace(folder=folder, places=Places(folder, tmp_path, "housing.csv", notes.append), notes=notes)


def test_strings_name_folders_of_drive_and_kaggle():
    """Only what a student's account has there is named by code: the rest of Colab's folders the code makes itself."""
    code = (
        "a = '/content/drive/MyDrive/ML/housing.csv'\nb = \"drive/My Drive/x\"\nc = '/content/models/m.keras'\n"
        "d = '../input/houses/housing.csv'\ne = '/content/drive/../../etc'\ndrive.mount('/content/mnt')\n"
        "f = '/content/mnt/MyDrive/y'\ng = 'https://a.b/content/drive/x'"
    )
    assert places.mentioned(code) == [
        "/content/drive/MyDrive/ML/housing.csv",
        "/content/drive/My Drive/x",
        "/kaggle/input/houses/housing.csv",
        "/content/mnt/MyDrive/y",
    ]


@pytest.mark.parametrize(
    ("text", "folder"),
    [
        ("/content/drive/MyDrive/ML", "/content/drive/MyDrive/ML"),
        ("/content/drive/MyDrive/ML/m.h5", "/content/drive/MyDrive/ML"),
        ("/content/drive/MyDrive/ML/{name}.csv", "/content/drive/MyDrive/ML"),
        ("/content/drive/MyDrive/ML/*.csv", "/content/drive/MyDrive/ML"),
    ],
)
def test_a_file_a_pattern_and_a_gap_name_the_folder_above(text, folder):
    """A path is a folder where its last part has no ending."""
    assert places._folder_in(text) == PurePosixPath(folder)


def test_drive_holds_what_was_handed_in(own):
    """Every named folder of Drive shows the notebook's own files; both spellings of Drive lead to it."""
    own.places.lay_out(["/content/drive/My Drive/ML stuff/housing.csv"])
    drive = own.folder / "drive"
    for spelling in ("MyDrive", "My Drive"):
        assert (drive / spelling / "ML stuff" / "housing.csv").read_text() == "a,b\n"
        assert (drive / spelling / "ML stuff" / "utils.py").exists()


def test_kaggle_holds_the_data_alone(own, tmp_path):
    """Walking through Kaggle's inputs finds the data, under the name of the data set that the code gives it."""
    own.places.lay_out([])
    assert [str(p.relative_to(tmp_path)) for p in (tmp_path / "kaggle" / "input").rglob("*.csv")] == [
        "kaggle/input/california-housing-prices/housing.csv"
    ]
    assert Path("../input/california-housing-prices/housing.csv").read_text() == "a,b\n"
    Places(own.folder, tmp_path / "other", "housing.csv", print).lay_out(["/kaggle/input/houses/housing.csv"])
    assert os.listdir(tmp_path / "other" / "kaggle" / "input") == ["houses"]


def test_a_folder_that_is_not_there_is_gone_into(own, tmp_path):
    """In the box's own places it is made; anywhere else the notebook's folder stands for it. Both are said."""
    place = own.folder / "drive" / "MyDrive" / "late"
    assert own.places.goes_into(str(place)) == str(place)
    assert (place / "housing.csv").exists()
    for elsewhere in ("/nowhere/ada/ML", "C:\\Users\\ada\\ML"):
        assert own.places.goes_into(elsewhere) == str(own.folder)
    assert not Path("/nowhere").exists()
    assert len(own.notes) == 3


def test_a_folder_that_only_the_code_names_can_still_be_made(own):
    """``os.makedirs`` without ``exist_ok`` succeeds once, as where the student worked, and not twice."""
    own.places.lay_out(["/content/drive/MyDrive/results/r.txt"])
    assert own.places.takes_back("drive/MyDrive/results")
    assert not own.places.takes_back("drive/MyDrive/results")
    assert not own.places.takes_back(7)


def test_without_a_wall_paths_in_strings_are_rewritten(own, tmp_path):
    """Whole parts of paths, in strings and commands, and nothing that only looks like them."""
    rewriting = places.Rewriting({"content": tmp_path / "c", "kaggle": tmp_path / "k"})
    kept = "['https://a.b/content/x', '/contents', 'a/content', '/kaggles']"
    code = f"[*{kept}, '/content', f'/content/{{1}}.csv', 'ls /kaggle/input']"
    made = eval(compile(rewriting.visit(ast.parse(code, mode="eval")), "cell", "eval"))
    c, k = ((tmp_path / name).as_posix() for name in "ck")
    assert made == [*eval(kept), c, f"{c}/1.csv", f"ls {k}/input"]
