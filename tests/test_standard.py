"""Standard: what traditional models reach on the same splits, and that it is worked out once."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier

from checker import baselines, standard, store
from checker.course import Course, Standard
from checker.dataset import Dataset
from checker.errors import AssignmentError
from checker.records import DatasetNote, Verdict
from checker.store import Gathered

ROWS = 300
SEEDS = (11, 23)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """A cache of this test's own."""
    monkeypatch.setattr(store, "cache_folder", lambda: tmp_path / "references")
    return tmp_path / "references"


def a_course(assignment, seeds=SEEDS, sha256="c0ffee"):
    """A course whose data has a class, or a number, that nine columns tell in a bent way."""
    random = np.random.default_rng(7)
    features = random.normal(size=(ROWS, 9))
    features[::17, 3] = np.nan
    bent = features[:, 0] * features[:, 1]
    quarters = np.digitize(bent, np.quantile(bent, (0.25, 0.5, 0.75))).astype(np.int32)
    labels = quarters if assignment.task == "classification" else 100_000 + 50_000 * bent
    return Course(assignment, Dataset(DatasetNote("made up", sha256, True), b"", features, labels), seeds, None)


@pytest.fixture
def only_guesses(monkeypatch):
    """One traditional model that takes no time."""
    monkeypatch.setattr(baselines, "BASELINES", {"classification": {"majority_class": DummyClassifier}})


@pytest.mark.parametrize("task", ["assignment", "regression"])
def test_every_traditional_model_is_measured_for_every_seed(request, task):
    """Each model of the task has a score for each seed; what bends beats what cannot, and both beat a guess."""
    course = a_course(request.getfixturevalue(task))
    scores = standard.baseline_scores(course).scores
    assert set(scores) == set(baselines.BASELINES[course.assignment.task])
    assert {len(of) for of in scores.values()} == {len(SEEDS)}
    simplest, bending = next(iter(scores)), "gradient_boosting"
    gain = np.mean(scores[bending]) - np.mean(scores[simplest])
    assert gain > 0.2 if course.assignment.task == "classification" else gain < -10_000


def test_further_seeds_have_scores_too(assignment, only_guesses):
    """Where some submissions may be trained for further seeds, traditional models are so for all."""
    scores = standard.baseline_scores(replace(a_course(assignment), further=(37, 41))).scores
    assert {len(of) for of in scores.values()} == {len(SEEDS) + 2}


def test_scores_are_kept(assignment, cache, only_guesses, monkeypatch):
    """What was worked out once is read again, to the last digit, and no model is trained."""
    first = standard.baseline_scores(a_course(assignment))
    monkeypatch.setattr(baselines, "predict", None)
    assert standard.baseline_scores(a_course(assignment)) == first
    assert len(list(cache.iterdir())) == 1


@pytest.mark.parametrize("what", ["data", "seeds", "splits", "features"])
def test_other_circumstances_are_measured_anew(assignment, cache, only_guesses, what):
    """Scores hold for one data set, one way to split it, and its seeds alone."""
    standard.baseline_scores(a_course(assignment))
    fewer = replace(assignment.data, features=assignment.data.features[:-1])
    other = {
        "data": a_course(assignment, sha256="decaf"),
        "seeds": a_course(assignment, seeds=(11, 37)),
        "splits": a_course(replace(assignment, splits=replace(assignment.splits, test=0.3))),
        "features": a_course(replace(assignment, data=fewer)),
    }
    standard.baseline_scores(other[what])
    assert len(list(cache.iterdir())) == 2


def test_a_damaged_cache_is_made_again(assignment, cache, only_guesses):
    """A file that cannot be read is no reason to fail."""
    first = standard.baseline_scores(a_course(assignment))
    (path,) = cache.iterdir()
    path.write_bytes(b"{")
    assert standard.baseline_scores(a_course(assignment)) == first


# -- the hand-out ----------------------------------------------------------------------------------------


def test_the_hand_out_alone_must_fail(assignment, make):
    """Whoever hands in the hand-out as it is fails; an assignment of which that is not so is broken."""
    course, nothing = a_course(assignment), Standard({}, {})
    report = standard.require_work(Gathered(make.evidence(), {}), course, nothing)
    assert report.verdict is Verdict.FAIL
    with pytest.raises(AssignmentError, match="hand-out without any work gets REFER") as caught:
        standard.require_work(Gathered(make.evidence(failures=()), {}), course, nothing)
    assert "starter.ipynb" in caught.value.help


def test_what_a_submission_takes_is_both_guests_time(make):
    """Seconds of the run and of the retraining, where there was one."""
    assert standard.seconds(Gathered(make.evidence(), {})) == 12.5
    assert standard.seconds(Gathered(make.evidence(retraining=make.execution()), {})) == 25.0
