"""Reading an assignment's TOML, and saying what is wrong with it."""

import shutil
from pathlib import Path

import pytest

from checker import assignments
from checker.errors import AssignmentError, UsageError


@pytest.fixture
def folder(root: Path, tmp_path: Path) -> Path:
    """A copy of our own assignment, to break."""
    return Path(shutil.copytree(root / "reference" / "ocean_proximity", tmp_path / "practical"))


def change(folder: Path, old: str, new: str) -> None:
    path = folder / "assignment.toml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_our_assignment_loads(assignment):
    """The committed assignment has five classes, nine features and five grading seeds."""
    assert (len(assignment.data.classes), len(assignment.data.features)) == (5, 9)
    assert len(assignment.seeds.grading) == 5
    assert not set(assignment.seeds.grading) & set(assignment.seeds.self_check)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("tolerance = 0.035", 'tolerance = "much"', "bar.tolerance"),
        ("tolerance = 0.035", "tolerance = 0.035\ntolerence = 1.0", "bar.tolerence: is not a key"),
        ("tolerance = 0.035\n", "", "bar.tolerance: is missing"),
        ("tolerance = 0.035", "tolerance = 3.5", "bar.tolerance: expected a number from 0 to 1"),
        ('keras = "auto"', 'keras = "4"', "keras: expected auto, 3 or 2"),
        ("self_check = [101, 211, 307]", "self_check = [11]", "seeds.self_check: expected seeds that grading"),
        ("[splits]", "[splits", "not TOML"),
    ],
)
def test_a_mistake_is_named_with_file_and_key(folder, old, new, words):
    """Unknown, missing, mistyped and senseless values are told with the file, the key and what was expected."""
    change(folder, old, new)
    with pytest.raises(AssignmentError, match=r"assignment\.toml") as caught:
        assignments.load(folder)
    assert words in str(caught.value)


def test_a_missing_file_is_named(folder):
    """An assignment without its rules does not load."""
    (folder / "test_rules.py").unlink()
    with pytest.raises(AssignmentError, match=r"test_rules\.py is missing"):
        assignments.load(folder)


def test_the_only_assignment_is_found_and_two_are_asked_about(folder):
    """Without --assignment the only one is taken; of several none is guessed."""
    assert assignments.find(None, folder.parent).id == "ocean_proximity"
    shutil.copytree(folder, folder.parent / "second")
    with pytest.raises(UsageError, match="Which assignment"):
        assignments.find(None, folder.parent)
