"""Places: a student's file runs behind a wall unless a person asked for none."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import checker
from checker.errors import SandboxMissingError
from checker.records.settings import ReferenceResults, RunSettings
from checker.run import batch, places
from checker.sandbox import bubblewrap, kinds
from checker.submissions import choice

LOOKS = """
import os
print("It can read the host's files." if os.path.exists({bait!r}) else "It cannot read the host's files.")
"""


@pytest.fixture
def check_one(tmp_path, assignment, practice):
    """Run a batch of one file that looks for a file of the host, by code that names no sandbox; return its report."""

    def run():
        bait = tmp_path / "home" / "bait"
        bait.parent.mkdir()
        bait.write_text("secret")
        (tmp_path / "ada.py").write_text(LOOKS.format(bait=str(bait)))
        settings = RunSettings(assignment=assignment, dataset=practice, seeds=(11, 23))
        chosen, nothing = choice.find(tmp_path / "ada.py"), ReferenceResults(scores={}, baselines={})
        with ThreadPoolExecutor(1) as executor:
            watch, place = (lambda name: lambda stage, step: None), places.Pool()
            result = batch.run(chosen, settings, nothing, tmp_path / "out", executor, watch, lambda *end: None, place)
        (report,) = result.reports
        return report

    return run


@pytest.mark.tensorflow
@pytest.mark.wall
def test_code_that_names_no_sandbox_gets_the_wall(check_one):
    """A batch run by code that says nothing of a sandbox puts a student's file behind the wall."""
    report = check_one()
    assert report.execution.sandbox == "bubblewrap"
    said = [output.content for cell in report.cells for output in cell.cell.outputs]
    assert said == ["It cannot read the host's files.\n"]


def test_without_a_wall_such_code_runs_nothing(check_one, monkeypatch, tmp_path):
    """Where this machine has no wall, the same batch raises SandboxMissingError before the file has run anywhere."""
    monkeypatch.setattr(bubblewrap, "why_not", lambda: "the command bwrap is not installed.")
    with pytest.raises(SandboxMissingError, match="bwrap is not installed"):
        check_one()
    assert not (tmp_path / "out").exists()


def test_a_place_tells_its_kind_of_sandbox():
    """A pool has the kind of the sandbox that it was given; the boxes of a cluster's workers always have a wall."""
    assert places.Pool(bubblewrap.Bubblewrap()).kind == "bubblewrap"
    assert places.Pool(kinds.choose("none")).kind == "none"
    cluster = pytest.importorskip("checker.run.cluster", reason="needs the extra `cluster`")
    assert cluster.Cluster.kind == "bubblewrap"


def test_boxes_that_got_ready_are_lent_first(fake_sandbox):
    """A pool starts the boxes for students' files of so many slots, lends these before it opens others, and closes them
    all."""
    sandbox = fake_sandbox(None)
    pool = places.Pool(sandbox)
    pool.open_early(2)
    assert [box.is_getting_ready for box in sandbox.boxes] == [True, True]
    with pool.lend(), pool.lend():
        assert len(sandbox.boxes) == 2
        with pool.lend():
            assert len(sandbox.boxes) == 3
    pool.close()
    assert all(box.closed.is_set() for box in sandbox.boxes)


def test_bare_boxes_are_chosen_in_one_place():
    """No code but ``places.trusted`` chooses boxes without a wall by itself."""
    folder = Path(checker.__file__).parent
    bare = {p.relative_to(folder).as_posix() for p in folder.rglob("*.py") if 'choose("none")' in p.read_text("utf-8")}
    plain = {p.relative_to(folder).as_posix() for p in folder.rglob("*.py") if "PlainProcess()" in p.read_text("utf-8")}
    assert (bare, plain) == ({"run/places.py"}, {"sandbox/kinds.py"})
