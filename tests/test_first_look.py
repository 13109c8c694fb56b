"""What `checker reference` finds before the long trainings, and that nothing is run twice for it."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fakes import FakeSandbox
from practical import SEEDS, Practical

from checker.assignment import dataset, folders
from checker.errors import AssignmentError
from checker.records.job import RetrainJob
from checker.records.settings import RunSettings
from checker.records.verdicts import Outcome, Verdict
from checker.run import first_look, references

ROWS = 1_000
RULE = '''"""One rule."""

import pytest

@pytest.mark.required(help="")
def test_it(answer):
    """It holds."""
    assert {holds}, "it does not hold"
'''


def unwatched(*step):
    pass


@pytest.fixture(scope="module")
def data(assignment):
    """A small part of the practice data."""
    head, *lines = dataset.PRACTICE.read_bytes().splitlines(keepends=True)
    chosen = [lines[row] for row in np.random.default_rng(0).permutation(len(lines))[:ROWS]]
    return dataset.parse(assignment.data, b"".join([head, *chosen]), "a small part", practice=True)


@pytest.fixture
def settings(root, data, tmp_path, monkeypatch):
    """The settings of a copy of our assignment with one rule, a part of the data, and a cache of its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = Path(shutil.copytree(root / "reference" / "ocean_proximity", tmp_path / "own"))
    (folder / folders.RULES).write_text(RULE.format(holds="True"))
    return RunSettings(assignment=folders.load(folder), dataset=data, seeds=SEEDS, further=(37,))


@pytest.fixture
def sandbox(settings, data, make):
    """Return a sandbox whose guest finds a network in the solution, and in the hand-out if asked to."""
    practical = Practical(data, make)

    def made(is_done=False):
        content = {
            name: Path(settings.assignment.folder, name).read_text() for name in (folders.STARTER, folders.SOLUTION)
        }
        starter = practical.hand_in if is_done else practical.begin
        scripts = {content[folders.STARTER]: starter, content[folders.SOLUTION]: practical.hand_in}
        return FakeSandbox(practical.guest(scripts))

    return made


def jobs_of(sandbox):
    return [job for box in sandbox.boxes for job, _ in box.jobs]


def test_the_first_seed_comes_first_and_nothing_runs_twice(settings, sandbox):
    """The first look trains for one seed; then all seeds are trained without another run of the solution, for a
    self-check as well, and the evidence is that of a run at once."""
    wall = sandbox()
    seen = first_look.reference(settings, wall.open(), unwatched)
    assert seen.seed == SEEDS[0]
    assert [job.seeds for job in jobs_of(wall) if isinstance(job, RetrainJob)] == [SEEDS[:1]]
    submission = references.reference_submission(settings)
    assert not references.is_known(submission, settings)
    gathered = references.examine(submission, settings, wall.open(), unwatched)
    references.examine(submission, replace(settings, seeds=(101, 211), further=()), wall.open(), unwatched)
    assert references.is_known(submission, settings)
    jobs = jobs_of(wall)
    assert [job.seeds for job in jobs if isinstance(job, RetrainJob)] == [SEEDS[:1], SEEDS, (37,), (101, 211)]
    assert len(jobs) == 5
    at_once = references.examine(submission, settings, sandbox().open(), unwatched, fresh=True)
    assert gathered.evidence == at_once.evidence
    scores = references.of_reference(gathered, settings, references.baseline_scores(settings)).scores
    assert seen.score == scores[SEEDS[0]]


def test_a_hand_out_without_work_fails_at_once(settings, sandbox):
    """The hand-out is judged before anything is trained."""
    wall = sandbox()
    report = first_look.require_work(settings, wall.open(), unwatched)
    assert report is not None and report.verdict is Verdict.FAIL
    assert len(jobs_of(wall)) == 1


@pytest.mark.parametrize("holds", [True, False])
def test_a_hand_out_with_an_answer_is_told_before_all_seeds(settings, sandbox, holds):
    """A hand-out whose network reaches the bar is told after the first seed, unless it fails a rule."""
    wall = sandbox(is_done=True)
    assert first_look.require_work(settings, wall.open(), unwatched) is None
    seen = first_look.reference(settings, wall.open(), unwatched)
    if holds:
        with pytest.raises(AssignmentError, match="has a network that reaches the bar without any work"):
            first_look.require_no_answer(settings, seen, wall.open(), unwatched)
    else:
        Path(settings.assignment.folder, folders.RULES).write_text(RULE.format(holds="False"))
        first_look.require_no_answer(settings, seen, wall.open(), unwatched)
    assert {job.seeds for job in jobs_of(wall) if isinstance(job, RetrainJob)} == {SEEDS[:1]}


def test_a_reference_that_fails_its_own_rule_is_told_at_once(settings, sandbox):
    """A rule about the solution fails before the other seeds are trained."""
    Path(settings.assignment.folder, folders.RULES).write_text(RULE.format(holds="False"))
    with pytest.raises(AssignmentError, match="does not pass its own rules: test_it: it does not hold"):
        first_look.reference(settings, sandbox().open(), unwatched)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("import nothing_there\n", "nothing_there"),
        ("", "holds no rules"),
        (RULE.format(holds="True").replace("(answer)", "()").replace("assert True", "assert 1 / 0"), "rules break"),
    ],
)
def test_broken_rules_are_told_before_anything_runs(settings, content, words):
    """A rule file that cannot be imported, holds nothing, or breaks without evidence, is the assignment's fault."""
    Path(settings.assignment.folder, folders.RULES).write_text(content)
    with pytest.raises(AssignmentError, match=words):
        first_look.require_rules(settings)


def test_sound_rules_have_nothing_to_say_yet(settings):
    """Without evidence a rule that needs some is unknown, which is no fault."""
    assert [rule.outcome for rule in first_look.require_rules(settings)] == [Outcome.UNKNOWN]
