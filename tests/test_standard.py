"""Standard: what traditional models reach on the same splits, and that it is worked out once."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier

from checker.errors import AssignmentError
from checker.records.assignment import DatasetNote
from checker.records.codec import to_json
from checker.records.dataset import Dataset
from checker.records.gathered import Gathered
from checker.records.settings import ReferenceResults, RunSettings
from checker.records.verdicts import Verdict
from checker.run import baselines, references, store
from checker.scoring import outputs
from checker.scoring.held_out import held_out_rows
from checker.scoring.metrics import METRICS

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
    return RunSettings(
        assignment=assignment,
        dataset=Dataset(note=DatasetNote("made up", sha256, True), csv=b"", features=features, labels=labels),
        seeds=seeds,
    )


@pytest.fixture
def only_guesses(monkeypatch):
    """One traditional model that takes no time."""
    monkeypatch.setattr(baselines, "BASELINES", {"classification": {"majority_class": DummyClassifier}})


@pytest.mark.parametrize("task", ["assignment", "regression"])
def test_every_traditional_model_is_measured_for_every_seed(request, task):
    """Each model of the task has a score for each seed; what bends beats what cannot, and both beat a guess."""
    settings = a_course(request.getfixturevalue(task))
    scores = references.baseline_scores(settings).scores
    assert set(scores) == set(baselines.BASELINES[settings.assignment.task])
    assert {len(of) for of in scores.values()} == {len(SEEDS)}
    simplest, bending = next(iter(scores)), "gradient_boosting"
    gain = np.mean(scores[bending]) - np.mean(scores[simplest])
    assert gain > 0.2 if settings.assignment.task == "classification" else gain < -10_000


def test_further_seeds_have_scores_too(assignment, only_guesses):
    """Where some submissions may be trained for further seeds, traditional models are so for all."""
    scores = references.baseline_scores(replace(a_course(assignment), further=(37, 41))).scores
    assert {len(of) for of in scores.values()} == {len(SEEDS) + 2}


def test_one_model_alone_can_be_measured(assignment, cache, only_guesses):
    """For a pool of many seeds the model that decides is enough; it has the scores that it has among all."""
    every = references.baseline_scores(a_course(assignment)).scores
    alone = references.baseline_scores(a_course(assignment), "majority_class").scores
    assert alone == {"majority_class": every["majority_class"]}


def test_scores_are_kept(assignment, cache, only_guesses, monkeypatch):
    """What was worked out once is read again, to the last digit, and no model is trained."""
    first = references.baseline_scores(a_course(assignment))
    monkeypatch.setattr(baselines, "predict", None)
    assert references.baseline_scores(a_course(assignment)) == first
    assert len(list(cache.iterdir())) == 1


@pytest.mark.parametrize("what", ["data", "seeds", "splits", "features"])
def test_other_circumstances_are_measured_anew(assignment, cache, only_guesses, what):
    """Scores hold for one data set, one way to split it, and its seeds alone."""
    references.baseline_scores(a_course(assignment))
    fewer = replace(assignment.data, features=assignment.data.features[:-1])
    other = {
        "data": a_course(assignment, sha256="decaf"),
        "seeds": a_course(assignment, seeds=(11, 37)),
        "splits": a_course(replace(assignment, splits=replace(assignment.splits, test=0.3))),
        "features": a_course(replace(assignment, data=fewer)),
    }
    references.baseline_scores(other[what])
    assert len(list(cache.iterdir())) == 2


def test_a_damaged_cache_is_made_again(assignment, cache, only_guesses):
    """A file that cannot be read is no reason to fail."""
    first = references.baseline_scores(a_course(assignment))
    (path,) = cache.iterdir()
    path.write_bytes(b"{")
    assert references.baseline_scores(a_course(assignment)) == first


@pytest.mark.parametrize("damage", ["no class of any", "", None])
def test_a_cache_with_damaged_outputs_is_made_again(assignment, cache, only_guesses, damage):
    """Outputs by row that cannot be read, and those of too few seeds, are no reason to fail either."""
    first = references.baseline_scores(a_course(assignment))
    (path,) = cache.iterdir()
    kept = json.loads(path.read_bytes())
    of = kept["outputs"]["majority_class"]
    kept["outputs"]["majority_class"] = of[:1] if damage is None else [damage, *of[1:]]
    path.write_text(json.dumps(kept))
    assert references.baseline_scores(a_course(assignment)) == first


# -- outputs by row --------------------------------------------------------------------------------------


@pytest.fixture
def committed(assignment, root, tmp_path):
    """A course whose assignment has scores with outputs by row, and what they were written from."""
    folder = shutil.copytree(root / "reference" / "ocean_proximity", tmp_path / "ocean")
    settings = replace(a_course(assignment), assignment=replace(assignment, folder=str(folder)))
    random = np.random.default_rng(1)
    given = {seed: random.integers(0, 4, ROWS // 5, dtype=np.uint8) for seed in SEEDS}
    name = assignment.bar.baseline
    same = dict.fromkeys(SEEDS, 0.5)
    known = ReferenceResults(
        scores=same,
        baselines=same,
        architecture=None,
        recipe=None,
        all_baselines={name: same},
        outputs=given,
        baseline_outputs={name: {seed: 3 - given[seed] for seed in SEEDS}},
    )
    scores = references.as_scores(known, settings)
    (folder / "scores.json").write_bytes(to_json((scores,), indent=2))
    return settings, known, scores


def test_committed_outputs_come_back(committed):
    """A self-check knows what the reference and the baseline that decides gave for each held-out row."""
    settings, known, scores = committed
    found = references.of_scores(settings)
    assert (found.scores, found.baselines, found.all_baselines) == (known.scores, known.baselines, {})
    for seed in SEEDS:
        assert (found.outputs[seed] == known.outputs[seed]).all()
        assert (found.baseline_outputs["logistic_regression"][seed] == 3 - known.outputs[seed]).all()
    assert references.as_scores(found, settings) == scores


def test_scores_of_an_older_version_have_no_outputs(committed):
    """They load as before, and nothing is known by row."""
    settings, known, _ = committed
    path = Path(settings.assignment.folder, "scores.json")
    (old,) = json.loads(path.read_bytes())
    del old["outputs"], old["baseline_outputs"]
    path.write_text(json.dumps([old]))
    found = references.of_scores(settings)
    assert (found.scores, found.outputs, found.baseline_outputs) == (known.scores, {}, {})


def test_damaged_outputs_are_the_assignments_fault(committed):
    """It is said in which file they are."""
    settings, _, scores = committed
    broken = replace(scores, outputs=("!", *scores.outputs[1:]))
    Path(settings.assignment.folder, "scores.json").write_bytes(to_json((broken,)))
    with pytest.raises(AssignmentError, match=r"scores\.json: outputs by row are damaged"):
        references.of_scores(settings)


@pytest.mark.parametrize("task", ["assignment", "regression"])
def test_outputs_of_traditional_models_have_their_scores(request, task):
    """The stored result of each row gives the measured score."""
    settings = a_course(request.getfixturevalue(task))
    known, metric = references.baseline_scores(settings), METRICS[settings.assignment.bar.metric]
    classes = len(settings.assignment.data.classes)
    for name, texts in known.outputs.items():
        for text, seed, score in zip(texts, SEEDS, known.scores[name], strict=True):
            rows = held_out_rows(seed, settings)
            given = outputs.as_predictions(outputs.unpacked(text, classes, len(rows)), classes)
            assert metric.measure(given, settings.dataset.labels[rows]) == pytest.approx(score, rel=1e-6)


# -- the hand-out ----------------------------------------------------------------------------------------


def test_the_hand_out_alone_must_fail(assignment, make):
    """The unchanged hand-out fails. An assignment in which it does not is broken."""
    settings, nothing = a_course(assignment), ReferenceResults(scores={}, baselines={})
    report = references.require_work(Gathered(make.evidence(), {}), settings, nothing)
    assert report.verdict is Verdict.FAIL
    with pytest.raises(AssignmentError, match="hand-out without any work gets REFER") as caught:
        references.require_work(Gathered(make.evidence(failures=()), {}), settings, nothing)
    assert "starter.ipynb" in caught.value.help


def test_what_a_submission_takes_is_both_guests_time(make):
    """Seconds of the run and of the retraining, where there was one."""
    assert references.seconds(Gathered(make.evidence(), {})) == 12.5
    assert references.seconds(Gathered(make.evidence(retraining=make.execution()), {})) == 25.0
