"""Companions: what of an upload lies beside the checked file, from folders, zips and Dask; and of a file alone."""

import hashlib
import io
import os
from contextlib import closing
from dataclasses import replace
from zipfile import ZipFile

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from checker.records.assignment import Limits
from checker.records.job import ExecuteJob
from checker.records.settings import RunSettings
from checker.run import cluster
from checker.run.keys import evidence_keys
from checker.sandbox import kinds
from checker.source import mentions
from checker.submissions import beside, choice, companions
from checker.wire import frames
from checker.wire.collector import Collector
from checker.wire.frames import Frame, Kind


def put(folder, **files):
    """Make files of one age; ``__`` in a name is a folder's end."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        os.utime(path, (1_700_000_000, 1_700_000_000))


def names(submission):
    """The companions that travel."""
    return [companion.name for companion in submission.beside]


FILES = {
    "src/tick.ipynb": "{}",
    "utils.py": "x = 1",
    "src/data/own.csv": "a,b",
    "src/helpers.py.txt": "y = 2",
    "src/draft.ipynb": "[]",
    ".git/config": "x",
    "__MACOSX/utils.py": "x",
    "src/.ipynb_checkpoints/tick-checkpoint.ipynb": "x",
}
TRAVEL = ["src/data/own.csv", "src/helpers.py", "src/tick.ipynb", "utils.py"]


@pytest.mark.parametrize("prefix", ["ada/", "Ada Lovelace_12_assignsubmission_file/"])
@pytest.mark.parametrize("is_zip", [False, True])
def test_a_folder_and_a_zip_give_the_same_companions(tmp_path, prefix, is_zip):
    """All of a student's folder travels but what programs left there, wherever it was downloaded from."""
    place = tmp_path / "in.zip" if is_zip else tmp_path / "in"
    if is_zip:
        with ZipFile(place, "w") as archive:
            for name, content in FILES.items():
                archive.writestr(f"{prefix}{name}", content)
    else:
        put(place, **{f"{prefix}{name}": content for name, content in FILES.items()})
    (found,) = choice.find(place)
    assert found.folder == "src"
    assert names(found) == [name for name in TRAVEL if name != "src/tick.ipynb"] or names(found) == sorted(
        {*TRAVEL, "src/draft.ipynb"} - {"src/draft.ipynb"}
    )
    for companion in found.beside:
        assert hashlib.sha256(choice.read_companion(companion)).hexdigest() == companion.sha256
    (other,) = [one for one in found.others if one.is_notebook]
    assert ("src/tick.ipynb" in names(other)) != ("src/tick.ipynb" in names(found))


def test_loose_files_of_several_students_are_nobodys_companions(tmp_path):
    """Files side by side in the course's own folder are each a student's."""
    put(tmp_path, **{"ada.ipynb": "{}", "grace.ipynb": "{}", "housing.csv": "a"})
    assert [names(found) for found in choice.find(tmp_path)] == [[], []]


def test_links_are_no_companions(tmp_path):
    """A link in a student's folder leads nowhere."""
    put(tmp_path, **{"ada/tick.ipynb": "{}", "ada/utils.py": "x", "secret.txt": "s"})
    os.symlink(tmp_path / "secret.txt", tmp_path / "ada" / "link.txt")
    os.symlink(tmp_path, tmp_path / "ada" / "folder")
    found = next(one for one in choice.find(tmp_path) if one.name == "ada")
    assert names(found) == ["utils.py"]


def test_caps_leave_out_the_far_and_the_large_with_a_reason(tmp_path, monkeypatch):
    """Code that lies near comes first; what does not travel is listed with the reason, and beyond that counted."""
    monkeypatch.setattr(companions, "MOST", 4)
    monkeypatch.setattr(companions, "MAX_BYTES", 100)
    monkeypatch.setattr(companions, "MOST_LEFT_OUT", 3)
    pictures = {f"ada/pics/{number}.png": "x" for number in range(9)}
    put(tmp_path, **{"ada/tick.ipynb": "{}", "ada/utils.py": "x" * 50, "ada/big.bin": "x" * 101, **pictures})
    (found,) = choice.find(tmp_path)
    assert names(found) == ["pics/0.png", "pics/1.png", "utils.py"]
    left = [(one.name, one.left_out) for one in found.companions if one.left_out]
    assert left[0] == ("big.bin", "it has 0 MiB, more than 0")
    assert left[1] == ("pics/2.png", "the upload has more than 4 files")
    assert (len(left), found.unlisted) == (3, 5)


def test_all_bytes_together_are_capped(tmp_path, monkeypatch):
    """Of files that are each small enough, the ones that still fit travel."""
    monkeypatch.setattr(companions, "MAX_ALL_BYTES", 100)
    put(tmp_path, **{"ada/tick.ipynb": "{}", "ada/a.csv": "x" * 60, "ada/b.csv": "x" * 61})
    (found,) = choice.find(tmp_path)
    assert names(found) == ["a.csv"]


def test_installed_packages_stay_behind(tmp_path):
    """A virtual environment that was handed in does not travel, and keeps nothing else from it."""
    environment = {"ada/venv/pyvenv.cfg": "x", "ada/venv/lib/m.py": "x", "ada/lib/site-packages/n.py": "x"}
    put(tmp_path, **{"ada/tick.ipynb": "{}", "ada/lib/own.py": "x", **environment})
    (found,) = choice.find(tmp_path)
    assert names(found) == ["lib/own.py"]
    assert {one.left_out for one in found.companions if one.left_out} == {"it belongs to installed packages"}


@pytest.mark.parametrize("name", ["../utils.py", "/etc/utils.py", "C:\\utils.py", "a/../../utils.py"])
def test_a_name_that_leads_out_of_a_zip_is_left_out(tmp_path, name):
    """Such a member is listed with the reason, and never read."""
    with ZipFile(tmp_path / "in.zip", "w") as archive:
        archive.writestr("ada/tick.ipynb", "{}")
        archive.writestr(f"ada/{name}" if name.startswith(("..", "a")) else name, "x")
    found = next(one for one in choice.find(tmp_path / "in.zip") if one.failure is None)
    assert names(found) == []
    assert all("leads out" in one.left_out for one in found.companions)


def test_the_key_depends_on_companions_and_where_the_file_lies(tmp_path, assignment, practice):
    """A companion's name or bytes, or another folder of the file, make other evidence; what is left out does not."""
    put(tmp_path, **{"ada/tick.ipynb": "{}", "ada/utils.py": "x = 1"})
    (found,) = choice.find(tmp_path)
    settings = RunSettings(assignment=assignment, dataset=practice, seeds=(1,))
    (beside,) = found.companions
    changed = [
        replace(found, companions=()),
        replace(found, companions=(replace(beside, name="utils2.py"),)),
        replace(found, companions=(replace(beside, sha256="0"),)),
        replace(found, folder="src"),
    ]
    keys = {evidence_keys(one, settings, "none").run for one in (found, *changed)}
    assert len(keys) == 5
    left_out = replace(beside, name="big.bin", sha256="", left_out="it is large")
    assert evidence_keys(replace(found, companions=(beside, left_out)), settings, "none") == evidence_keys(
        found, settings, "none"
    )


def test_companions_travel_over_bytes(tmp_path):
    """A worker is sent each companion's bytes once, by their hash, and lays them out for all files that are tried."""
    put(tmp_path, **{"ada/a.ipynb": "{}", "ada/b.ipynb": "[]", "ada/utils.py": "x", "ada/same.py": "x"})
    (found,) = choice.find(tmp_path)
    nameless, content = cluster._nameless(found), cluster._sent(found)
    assert str(tmp_path) not in repr(nameless)
    with ZipFile(io.BytesIO(content)) as archive:
        assert len(archive.namelist()) == len(set(archive.namelist()))
    with cluster._laid_out(nameless, content) as (arrived, _):
        for here, there in zip((found, *found.others), (arrived, *arrived.others), strict=True):
            assert names(there) == names(here)
            assert [choice.read_companion(c) for c in there.beside] == [choice.read_companion(c) for c in here.beside]


# -- a file alone ----------------------------------------------------------------------------------------


def test_of_a_file_alone_only_what_it_names_lies_beside_it(tmp_path):
    """Modules that it imports, files whose names stand in it, and what these name; nothing else of the folder."""
    code = "from src.model import (\n    build)\nimport utils as u\npd.read_csv('own.csv')\n%run other.ipynb\n"
    notebook = nbformat.writes(new_notebook(cells=[new_code_cell(code)]))
    other = nbformat.writes(new_notebook(cells=[new_code_cell("open('deep.txt')")]))
    here = {"tick.ipynb": notebook, "utils.py": "import more", "more.py": "", "own.csv": "a", "other.ipynb": other}
    put(tmp_path, **here, **{"deep.txt": "d", "src/__init__.py": "", "src/model.py": "", "src/unused.py": ""})
    put(tmp_path, **{"taxes.pdf": "x", "letters/love.txt": "x", "other.py": "x", "photo.png": "x"})
    (found,) = choice.find(tmp_path / "tick.ipynb")
    wanted = ["deep.txt", "more.py", "other.ipynb", "own.csv", "src/__init__.py", "src/model.py", "utils.py"]
    assert [name for name in names(found) if name != "other.py"] == wanted
    assert (found.name, found.note, found.others) == ("tick", "", ())


def test_a_huge_folder_is_not_looked_into(tmp_path, monkeypatch):
    """A file among thousands is alone."""
    monkeypatch.setattr(beside, "MOST_ENTRIES", 3)
    put(tmp_path, **{"tick.py": "import utils", "utils.py": "x", "a": "x", "b": "x"})
    (found,) = choice.find(tmp_path / "tick.py")
    assert found.companions == ()


def test_code_that_is_imported_is_reached_and_no_draft():
    """The code of a module that is imported in turn counts; that of one which nothing names does not."""
    files = [("a.py", b"import b  # one"), ("b.py", b"two = 2"), ("draft.py", b"three = 3"), ("a.csv", b"four")]
    code = mentions.reached("from a import x", files)
    assert "one" in code and "two" in code and "three" not in code and "four" not in code


# -- in a box --------------------------------------------------------------------------------------------

NOTEBOOK = """
import sys; sys.path.append('..')
import numpy, numbers
from utils import VALUE, DRAWS
from checker import mine
from inspect import build
import pandas as pd
%run other.ipynb
%run script.py
print(VALUE, mine(), build(), from_other, from_script, numpy.float32(2).item())
print(len(pd.read_csv('housing.csv')), open('/home/ada/note.txt').read(), len(pd.read_csv('x/housing_old.csv')))
open('gone/train.csv')
"""


@pytest.mark.tensorflow
def test_companions_are_imported_run_and_read(assignment, practice):
    """Modules of whatever name, other notebooks, files by a path from elsewhere; the data stays the course's, and the
    checker's own imports its own."""
    other = nbformat.writes(new_notebook(cells=[new_code_cell("from_other = 'other'")]))
    beside = {
        "utils.py": b"import missingno as m\nfrom nosuchthing import z\nVALUE = 41\nDRAWS = m.matrix()",
        "work/checker.py": b"def mine(): return 'mine'",
        "work/inspect.py": b"def build(): return 'built'",
        "work/numpy.py": b"raise SystemExit('shadowed')",
        "work/tensorflow.py": b"raise SystemExit('shadowed')",
        "work/other.ipynb": other.encode(),
        "work/script.py": b"import missingno\nfrom_script = 'script'",
        "work/note.txt": b"noted",
        "work/housing.csv": b"a,b\n1,2\n",
        "../../out.txt": b"x",
    }
    seen = Collector(lambda progress: None)
    job = ExecuteJob(
        is_notebook=True,
        keras="3",
        reason="",
        caps=assignment.caps,
        classes=assignment.data.classes,
        folder="work",
        companions=tuple(beside),
    )
    cells = [new_code_cell(NOTEBOOK.strip())]
    content = [nbformat.writes(new_notebook(cells=cells)).encode(), practice.csv, *beside.values()]
    said = [frames.job(job), *(Frame(Kind.BYTES, of) for of in content), frames.END]
    with closing(kinds.choose("none").open()) as boxes:
        boxes.students.run(said, Limits(seconds=120, memory_mib=2_048, output_mib=16), seen.receive)
    (cell,) = seen.cells
    assert "".join(output.content for output in cell.outputs) == (
        f"41 mine built other script 2.0\n{len(practice.labels)} noted {len(practice.labels)}\n"
    )
    assert cell.error is not None and cell.error.name == "FileNotFoundError"
    notes = " ".join(adaptation.what for adaptation in seen.adaptations)
    for words in (
        "`work/housing.csv`, handed in, is not the course's data: it differs first in line 1, and it has 2 lines",
        "`/home/ada/note.txt` is not there; `note.txt`, which was handed in, was read",
        "`x/housing_old.csv` was not handed in; the course's housing.csv was read in its place",
        "`work/numpy.py` has the name of an installed module",
        "`build` was imported from `inspect.py`, which was handed in",
        "no `nosuchthing.py` was handed in",
    ):
        assert words in notes


@pytest.mark.tensorflow
def test_a_module_finds_itself(assignment, practice):
    """``Path(__file__)`` is a file in the folder where the companions are, and holds the module."""
    source = b"from pathlib import Path\nplace = Path(__file__)\n"
    source += b"print(len(place.read_bytes()), (place.parent / 'a.txt').read_text())"
    seen = Collector(lambda progress: None)
    job = ExecuteJob(
        is_notebook=False,
        keras="3",
        reason="",
        caps=assignment.caps,
        classes=assignment.data.classes,
        companions=("a.txt",),
    )
    said = [frames.job(job), *(Frame(Kind.BYTES, of) for of in (source, practice.csv, b"beside")), frames.END]
    with closing(kinds.choose("none").open()) as boxes:
        boxes.students.run(said, Limits(seconds=120, memory_mib=2_048, output_mib=16), seen.receive)
    assert "".join(of.content for cell in seen.cells for of in cell.outputs) == f"{len(source)} beside\n"
