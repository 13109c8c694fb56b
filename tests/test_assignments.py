"""Assignments: ours loads, and every mistake in one is named by its file, its key and what was expected."""

import shutil
import tomllib
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from checker.assignment import folders
from checker.errors import AssignmentError, UsageError
from checker.records.codec import to_json
from checker.records.comparison import ReferenceScores


@pytest.fixture
def folder(tmp_path, root) -> Path:
    """A copy of our assignment, to be broken."""
    return Path(shutil.copytree(root / "reference" / "ocean_proximity", tmp_path / "copy"))


def change(folder: Path, old: str, new: str) -> None:
    """Replace some text of the assignment's file, which must be there."""
    path = folder / folders.FILE
    text = path.read_text(encoding="utf-8")
    assert text.count(old) >= 1
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_our_assignment_loads(assignment, root):
    """The committed assignment is read whole, and knows its folder."""
    assert assignment.id == "ocean_proximity"
    assert assignment.data.classes == ("<1H OCEAN", "INLAND", "ISLAND", "NEAR BAY", "NEAR OCEAN")
    assert len(assignment.data.features) == 9
    assert len(assignment.seeds.grading) == 5
    assert not set(assignment.seeds.grading) & set(assignment.seeds.self_check)
    assert assignment.data.sha256 == "8a3727f4cf54ac1a327f69b1d5b4db54c5834ea81c6e4efc0d163300022a685e"
    assert Path(assignment.folder) == root / "reference" / "ocean_proximity"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        # a key that is not one
        ('keras = "auto"', 'keras = "auto"\ncolour = 1', r"colour: is not a key of an assignment"),
        ("[bar]", "[bar]\ncolour = 1", r"bar\.colour: is not a key of an assignment"),
        ('keras = "auto"', 'keras = "auto"\nfolder = "/etc"', r"folder: is not a key of an assignment"),
        # a key that is not there
        ('title = "', 'titel = "', r"title: is missing"),
        ('metric = "accuracy"', "", r"bar\.metric: is missing"),
        # another type
        ("fit_steps = ", 'fit_steps = "many" # ', r"caps\.fit_steps: Input should be a valid integer"),
        ("fit_steps = ", "fit_steps = 2.5 # ", r"caps\.fit_steps: Input should be a valid integer"),
        ("grading = [", "grading = [1.5, 2] # ", r"seeds\.grading\.0: Input should be a valid integer"),
        ("tolerance = ", "tolerance = 'some' # ", r"bar\.tolerance: Input should be a valid number"),
        ('url = "', 'url = 7 # "', r"data\.url: Input should be a valid string"),
        (
            'keras = "auto"',
            'keras = "auto"\ndeadline = 2026-11-30T17:00:00',
            r"deadline: expected a time with its zone",
        ),
        ('keras = "auto"', 'keras = "auto"\ndeadline = 2026-11-30', r"deadline: expected a time with its zone"),
        ('keras = "auto"', 'keras = "auto"\ndeadline = "soon"', r"deadline: expected a time with its zone"),
        ('keras = "auto"', 'keras = "auto"\ndeadline = 5', r"deadline: expected a time with its zone"),
        # the right type, and no sense
        ('keras = "auto"', 'keras = "4"', r"keras: expected auto, 3 or 2"),
        ('task = "classification"', 'task = "ranking"', r"task: expected classification or regression"),
        ('task = "classification"', 'task = "regression"', r"data\.classes: expected none for a regression"),
        ('task = "classification"', 'task = "regression"', r"bar\.metric: expected rmse or mae or r2"),
        ('metric = "accuracy"', 'metric = "f1"', r"bar\.metric: expected accuracy"),
        ('metric = "accuracy"', 'metric = "rmse"', r"bar\.metric: expected accuracy"),
        ('metric = "accuracy"', 'metric = "accuracy"\nunit = "some"', r"bar\.unit: expected the smallest amount"),
        ('file = "', 'file = "../', r"data\.file: expected a plain name that ends in \.csv"),
        ('file = "housing.csv"', 'file = "assignment.toml"', r"data\.file: expected a plain name that ends in \.csv"),
        ('baseline = "', 'share = 1.5\nbaseline = "', r"bar\.share: expected a number above 0 and below 1"),
        ("level = ", "level = 0.5 # ", r"bar\.level: expected a number above 0 and below 0\.5"),
        ("level = ", "level = 0.0 # ", r"bar\.level: expected a number above 0 and below 0\.5"),
        ('baseline = "', 'baseline = "no_', r"bar\.baseline: expected logistic_regression"),
        ("tolerance = ", "tolerance = 1.5 # ", r"bar\.tolerance: expected a number from 0 to 1"),
        ("tolerance = ", "tolerance = nan # ", r"bar\.tolerance: Input should be a finite number"),
        ("test = ", "test = 0.0 # ", r"splits: expected fractions above 0"),
        ("test = ", "test = 0.9 # ", r"splits: expected fractions above 0"),
        ("grading = [", "grading = [11] # ", r"seeds\.grading: expected at least two"),
        ("grading = [", "grading = [11, 11] # ", r"seeds\.grading: expected at least two"),
        ("grading = [", "grading = [11, 11, 23] # ", r"seeds\.grading: "),
        ("grading = [", "grading = [-1, 11] # ", r"seeds\.grading: "),
        ("further = [", "further = [67, 67] # ", r"seeds\.further: expected none but others"),
        ("further = [", "further = [11, 67] # ", r"seeds\.further: expected none but others"),
        ("further = [", "further = [201] # ", r"seeds\.self_check: .* that grading does not use"),
        ("self_check = [", "self_check = [] # ", r"seeds\.self_check: expected at least two"),
        ("self_check = [", "self_check = [101] # ", r"seeds\.self_check: expected at least two"),
        ("self_check = [", "self_check = [11, 101] # ", r"seeds\.self_check: .* that grading does not use"),
        ("self_check = [", "self_check = [101, 101] # ", r"seeds\.self_check: "),
        ("self_check = [", "drawn = 1\nself_check = [", r"seeds\.drawn: expected at least two"),
        ("classes = [", 'classes = ["INLAND"] # ', r"data\.classes: expected at least two"),
        ("classes = [", 'classes = ["INLAND", "INLAND"] # ', r"data\.classes: "),
        ('"longitude",', '"ocean_proximity",', r"data\.features: "),
        ('"longitude",', '"latitude",', r"data\.features: "),
        ("off = [", 'off = ["test_a", "test_a"] # ', r"rules: expected each name in one list, once"),
        ("fit_steps = ", "fit_steps = 0 # ", r"caps\.fit_steps: "),
        ("notebook_steps = ", "notebook_steps = -1 # ", r"caps\.notebook_steps: "),
        ("retrain_steps = ", "retrain_steps = 0 # ", r"caps\.retrain_steps: "),
        ("parameters = ", "parameters = 0 # ", r"caps\.parameters: "),
        ("seconds = 720", "seconds = -1.0 # ", r"execute\.seconds: expected more than 0"),
        ("seconds = 720", "wall_seconds = 360.0\nseconds = 720", r"execute: wall_seconds and seconds are one key"),
        ("seconds = 1_800", "wall_seconds = 900.0\nseconds = 1_800", r"retrain: wall_seconds and seconds are one key"),
        ("seconds = 720", "other_seconds = 720", r"execute\.seconds: is missing"),
        ("memory_mib = ", "memory_mib = 0 # ", r"execute\.memory_mib: "),
        ("output_mib = ", "output_mib = 0 # ", r"execute\.output_mib: "),
    ],
)
def test_a_mistake_is_named(folder, old, new, words):
    """A key that is unknown, missing, of another type or senseless is refused; the message says where and why."""
    change(folder, old, new)
    with pytest.raises(AssignmentError, match=words) as caught:
        folders.load(folder)
    assert str(folder / folders.FILE) in caught.value.message


def test_a_deadline_has_a_time_zone(folder, assignment):
    """A deadline is a moment, in whatever zone it is written; an assignment may be without one."""
    change(folder, 'keras = "auto"', 'keras = "auto"\ndeadline = 2026-11-30T18:00:00+01:00')
    assert folders.load(folder).deadline == datetime(2026, 11, 30, 17, tzinfo=UTC)
    assert assignment.deadline is None


def test_an_old_limit_is_read_and_said(folder, assignment):
    """The key `wall_seconds` of older assignments is the limit on time, and their author is told its new name."""
    change(folder, "seconds = 720.0", "wall_seconds = 360.0")
    assert folders.load(folder).execute == replace(assignment.execute, seconds=360.0)
    assert folders.load(folder).retrain == assignment.retrain
    (said,) = folders.outdated(folder)
    assert "execute.wall_seconds is read as execute.seconds" in said
    assert folders.outdated(Path(assignment.folder)) == ()


def test_all_mistakes_are_named_at_once(folder):
    """Two mistakes are told together, so that nobody mends them one run at a time."""
    change(folder, "fit_steps = ", 'fit_steps = "many" # ')
    change(folder, 'metric = "accuracy"', "")
    with pytest.raises(AssignmentError, match=r"bar\.metric: .*caps\.fit_steps: "):
        folders.load(folder)


@pytest.mark.parametrize("content", [b"id = ", b"[data\n", b"id = 1\nid = 2\n", b'id = "\xff"\n'])
def test_what_is_no_toml_is_named(folder, content):
    """A file that is no TOML is refused by its name."""
    (folder / folders.FILE).write_bytes(content)
    with pytest.raises(AssignmentError, match=r"assignment\.toml: not TOML: "):
        folders.load(folder)


@pytest.mark.parametrize("name", [folders.STARTER, folders.RULES])
def test_a_missing_file_is_named(folder, name):
    """An assignment without its hand-out or its rules is refused by that file's name."""
    (folder / name).unlink()
    with pytest.raises(AssignmentError, match=f"the file {name} is missing"):
        folders.load(folder)


def test_no_solution_need_be_there(folder):
    """Students have the assignment without its solution."""
    (folder / folders.SOLUTION).unlink()
    assert folders.load(folder).id == "ocean_proximity"


def test_a_folder_without_an_assignment_is_wrong_usage(tmp_path):
    """A folder that holds no assignment was named by mistake."""
    with pytest.raises(UsageError, match=r"There is no assignment in .*assignment\.toml"):
        folders.load(tmp_path)


# -- which assignment ------------------------------------------------------------------------------------


def test_the_only_assignment_is_found(folder):
    """A single assignment need not be named."""
    assert folders.find(None, folder.parent) == folders.load(folder)
    assert folders.find(folder, Path("nowhere")) == folders.load(folder)


def test_among_several_the_default_is_found(folder):
    """Of several assignments the one that says it is the default is taken; of two that say so, neither."""
    other = Path(shutil.copytree(folder, folder.parent / "other"))
    change(other, "default = true", "default = false")
    assert folders.find(None, folder.parent) == folders.load(folder)
    change(other, "default = false", "default = true")
    with pytest.raises(UsageError, match="Which assignment"):
        folders.find(None, folder.parent)


def test_the_classification_is_the_default(root, assignment):
    """Of the assignments that are committed, the one with the tick is taken where none is named."""
    assert folders.find(None, root / "reference") == assignment


def test_among_several_one_must_be_named(folder):
    """If there are several, the message lists them and says how to choose."""
    shutil.copytree(folder, folder.parent / "other")
    with pytest.raises(UsageError) as caught:
        folders.find(None, folder.parent)
    assert "--assignment" in caught.value.help
    assert "copy" in caught.value.help
    assert "other" in caught.value.help


def test_what_comes_with_the_checker_is_found_by_name(root, assignment, tmp_path, monkeypatch):
    """From any folder an assignment that comes with the checker is found by its name, and without a name the default
    among them; a folder of one's own comes before a name."""
    monkeypatch.chdir(tmp_path)
    assert folders.find(None) == assignment
    assert folders.find(Path("house_value")) == folders.load(root / "reference" / "house_value")
    (tmp_path / "house_value").mkdir()
    assert folders.find(Path("house_value")).folder == str(root / "reference" / "house_value")
    shutil.copytree(root / "reference" / "house_value", tmp_path / "house_value", dirs_exist_ok=True)
    assert folders.find(Path("house_value")).folder == str(tmp_path / "house_value")


def test_a_wheel_carries_both_assignments(root):
    """Every file of the committed assignments, without their examples, goes into the wheel, where it is looked for."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    included = project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    where = folders.IN_PACKAGE.relative_to(root)
    files = [path.relative_to(root / "reference") for path in root.glob("reference/*/*") if path.is_file()]
    assert {f"reference/{path.as_posix()}": (where / path).as_posix() for path in files}.items() <= included.items()
    assert len(files) == 10


def test_an_unknown_name_lists_what_there_is(tmp_path, monkeypatch):
    """A name that is neither a folder's nor that of an assignment that comes with the checker lists the latter."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="There is no assignment in flowers") as caught:
        folders.find(Path("flowers"))
    assert "house_value, ocean_proximity." in caught.value.help


def test_seeds_that_everybody_knows(folder):
    """The seeds of an assignment that comes with the checker are public, those of a copy until they are changed."""
    assert folders.has_public_seeds(folders.load(folder))
    change(folder, "grading = [11, 23, 37, 41, 59]", "grading = [12, 23, 37, 41, 59]")
    assert not folders.has_public_seeds(folders.load(folder))


# -- beside the assignment -------------------------------------------------------------------------------


def test_committed_scores_are_read(folder):
    """Scores committed with an assignment are read back, and none committed are none."""
    (folder / folders.SCORES).unlink(missing_ok=True)
    loaded = folders.load(folder)
    assert folders.scores(loaded) == ()
    scores = (ReferenceScores(dataset_sha256="ab" * 32, seeds=(101, 211), scores=(0.91, 0.92), baselines=(0.8, 0.81)),)
    (folder / folders.SCORES).write_bytes(to_json(scores))
    assert folders.scores(loaded) == scores


@pytest.mark.parametrize("content", ["", "{}", '[{"seeds": [1]}]'])
def test_broken_scores_are_the_assignments_fault(folder, content):
    """A scores file that cannot be read breaks the assignment, not the checker."""
    (folder / folders.SCORES).write_text(content, encoding="utf-8")
    with pytest.raises(AssignmentError, match=r"scores\.json"):
        folders.scores(folders.load(folder))


def test_the_hand_out_gives_its_code(assignment):
    """The sources of the hand-out's code cells are known, as text, and its prose is not among them."""
    sources = folders.starter_sources(assignment)
    assert any("read_csv" in source for source in sources)
    assert all(isinstance(source, str) for source in sources)
    assert not any(source.startswith("# Practical") for source in sources)


@pytest.mark.parametrize("content", ["", "{}", "[]"])
def test_a_broken_hand_out_is_the_assignments_fault(folder, content):
    """A hand-out that is no notebook breaks the assignment, not the checker."""
    (folder / folders.STARTER).write_text(content, encoding="utf-8")
    with pytest.raises(AssignmentError, match=r"starter\.ipynb"):
        folders.starter_sources(folders.load(folder))
