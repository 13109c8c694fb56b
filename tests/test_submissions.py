"""Finding submissions on disk."""

import os

import pytest

from checker import submissions
from checker.errors import UsageError


def put(folder, *names, content="x = 1"):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)


def test_folders_and_loose_files_are_submissions(tmp_path):
    """A sub-folder is one student, and so is a loose file; other files are nobody."""
    put(tmp_path, "ada/work.ipynb", "bob/deep/er/work.py", "carol.py", "notes.txt", "dan/readme.md")
    found = submissions.find(tmp_path)
    assert [(s.name, s.is_notebook) for s in found] == [("ada", True), ("bob", False), ("carol", False)]


def test_a_single_file_is_one_submission(tmp_path):
    """A path to a file is a batch of one."""
    put(tmp_path, "ada.ipynb")
    (found,) = submissions.find(tmp_path / "ada.ipynb")
    assert found.name == "ada"


def test_of_several_files_the_rule_chooses_and_says_so(tmp_path):
    """A notebook goes before a module, a newer before an older; the report names what was left aside."""
    put(tmp_path, "ada/old.ipynb", "ada/new.ipynb", "ada/newest.py")
    for age, name in enumerate(("old.ipynb", "new.ipynb", "newest.py")):
        os.utime(tmp_path / "ada" / name, (1_000 + age, 1_000 + age))
    (found,) = submissions.find(tmp_path)
    assert found.path.endswith("new.ipynb")
    assert "old.ipynb" in found.note
    assert "newest.py" in found.note


def test_left_overs_of_other_programs_are_ignored(tmp_path):
    """Checkpoints, __MACOSX, hidden files and symbolic links are no submissions."""
    put(tmp_path, "ada/work.ipynb", "ada/.ipynb_checkpoints/work.ipynb", "__MACOSX/ada.ipynb", ".hidden.py")
    (tmp_path / "link.py").symlink_to("/etc/passwd")
    (tmp_path / "eve").mkdir()
    (tmp_path / "eve" / "work.ipynb").symlink_to(tmp_path / "ada" / "work.ipynb")
    (found,) = submissions.find(tmp_path)
    assert (found.name, found.note) == ("ada", "")


def test_names_are_distinct(tmp_path):
    """A folder and files of the same name are different students."""
    put(tmp_path, "ada/work.ipynb", "ada.ipynb", "ada.py")
    names = [s.name for s in submissions.find(tmp_path)]
    assert len(set(names)) == 3


def test_the_hash_is_of_the_content(tmp_path):
    """Changed content is a changed submission, a changed name is not."""
    put(tmp_path, "a.py", "b.py")
    put(tmp_path, "c.py", content="x = 2")
    a, b, c = submissions.find(tmp_path)
    assert a.sha256 == b.sha256 != c.sha256


@pytest.mark.parametrize("name", ["nowhere", "empty"])
def test_nothing_is_a_usage_error(tmp_path, name):
    """A path that is not there, or holds no submission, is told at once."""
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match=r"no"):
        submissions.find(tmp_path / name)
