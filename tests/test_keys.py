"""Evidence is valid under keys that hold what it depends on, and nothing else."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

import checker
from checker.judge import blame
from checker.records.settings import RunSettings
from checker.records.verdicts import FailureCause, Verdict
from checker.run import keys
from checker.submissions import choice

PACKAGE = Path(checker.__file__).parent
ABOVE = ("judge", "report", "gradebooks", "commands", "run", "desk")


@pytest.fixture
def copy(tmp_path):
    """A copy of the checker's sources that may be changed."""
    shutil.copytree(PACKAGE, tmp_path / "checker", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path / "checker"


def digests(package):
    """Return the digests of the code that runs a student's file, and of that which gathers all evidence."""
    return tuple(keys.digest(package, keys.modules(package, roots)) for roots in (keys.RUN, keys.GATHERING))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "run_changes", "gathering_changes"),
    [
        ("judge/verdict.py", False, False),
        ("judge/questions/data.py", False, False),
        ("report/html.py", False, False),
        ("gradebooks/moodle.py", False, False),
        ("commands/app.py", False, False),
        ("notebook.py", False, False),
        ("run/batch.py", False, False),
        ("sandbox/trials/bait.py", False, False),
        ("gather/rows/matching.py", False, True),
        ("gather/selection.py", False, True),
        ("gather/retraining.py", False, True),
        ("keras_spec/recipes.py", False, True),
        ("gather/execution.py", True, True),
        ("guest/watch/capture.py", True, True),
        ("guest/train/training.py", True, True),
        ("sandbox/bubblewrap.py", True, True),
        ("wire/frames.py", True, True),
        ("records/capture.py", True, True),
    ],
)
def test_a_changed_byte_outdates_what_depends_on_it(copy, file, run_changes, gathering_changes):
    """Judging, reports, gradebooks and commands are in neither key, row matching in one, the guest in both."""
    before = digests(copy)
    with (copy / file).open("a", encoding="utf-8") as stream:
        stream.write("# changed\n")
    after = digests(copy)
    assert (after[0] != before[0], after[1] != before[1]) == (run_changes, gathering_changes)


@pytest.mark.parametrize("roots", [keys.RUN, keys.GATHERING])
def test_no_key_holds_what_judges_or_reports(roots):
    """Nothing that evidence is gathered by imports a package that comes after gathering."""
    found = keys.modules(PACKAGE, roots)
    assert {"checker.guest.__main__", "checker.wire.frames", "checker.records.codec"} <= found
    assert not [name for name in found if name.split(".")[1:2] and name.split(".")[1] in ABOVE]


def test_the_kind_of_sandbox_is_part_of_both_keys(assignment, practice, tmp_path):
    """Evidence that was gathered without a wall is not taken for walled."""
    (tmp_path / "ada.py").write_text("x = 1")
    (found,) = choice.find(tmp_path)
    settings = RunSettings(assignment=assignment, dataset=practice, seeds=(1, 2))
    walled, bare = (keys.evidence_keys(found, settings, kind) for kind in ("bubblewrap", "none"))
    assert walled.run != bare.run
    assert walled.all != bare.all


def test_seeds_and_splits_run_no_file_again(assignment, practice, tmp_path):
    """Other seeds, splits or limits of the retraining make another whole, and leave what the file's run left."""
    (tmp_path / "ada.py").write_text("x = 1")
    (found,) = choice.find(tmp_path)
    settings = RunSettings(assignment=assignment, dataset=practice, seeds=(1, 2))
    splits = replace(assignment, splits=replace(assignment.splits, test=0.3))
    before = keys.evidence_keys(found, settings, "none")
    for other in (
        replace(settings, seeds=(1, 3)),
        replace(settings, assignment=splits),
        replace(settings, model="net"),
    ):
        after = keys.evidence_keys(found, other, "none")
        assert (after.run, after.all == before.all) == (before.run, False)


def test_every_cause_has_a_verdict_and_none_passes():
    """The table of blame is whole, and no failure leads to PASS."""
    assert set(blame.VERDICTS) == set(FailureCause)
    assert Verdict.PASS not in blame.VERDICTS.values()
