"""Diagnosis: the symptoms that histories, confusion and recipe show, and those that they do not."""

import numpy as np
import pytest

from checker.judge.diagnosis import diagnose
from checker.records.comparison import Comparison, SeedScore
from checker.records.network import KerasObject, Recipe
from checker.records.report import Symptom

SEEDS = (11, 23, 37)
CLASSES = ("INLAND", "ISLAND", "NEAR BAY")
ROWS = (6_551, 5, 2_290)
CONFUSION = ((3_900, 0, 30), (2, 1, 0), (50, 0, 1_300))
EPOCHS = np.arange(1, 41)
FALLING = 0.3 + np.exp(-EPOCHS / 4)
"""A loss that has long come to rest after forty epochs."""
RESTING = {"loss": FALLING, "val_loss": FALLING + 0.02}


def a_comparison(mean=0.91, training=0.92, confusion=CONFUSION):
    """A classification with its bar at 88 %."""
    scores = tuple(SeedScore(seed, mean, 0.9, 0.8) for seed in SEEDS)
    return Comparison(
        metric="accuracy",
        scores=scores,
        mean=mean,
        spread=0,
        reference_mean=0.9,
        reference_spread=0,
        baseline_mean=0.8,
        bar=0.88,
        band=0.005,
        training_mean=training,
        confusion=confusion,
        recalls=(),
        baseline="logistic regression",
        higher_is_better=True,
    )


def an_error(mean):
    """A regression with its bar at $60,000."""
    scores = tuple(SeedScore(seed, mean, 50_000, 70_000) for seed in SEEDS)
    return Comparison(
        metric="rmse",
        scores=scores,
        mean=mean,
        spread=0,
        reference_mean=50_000,
        reference_spread=0,
        baseline_mean=70_000,
        bar=60_000,
        band=300,
        training_mean=None,
        confusion=(),
        recalls=(),
        baseline="linear regression",
        higher_is_better=False,
    )


def shown(make, history=RESTING, comparison=None, recipe=None, classes=CLASSES, **more):
    """Return the sentences about trainings that share one history, by symptom."""
    values = {name: tuple(None if v is None else float(v) for v in of) for name, of in history.items()}
    epochs = len(next(iter(history.values()), ()))
    outputs = np.zeros((1, 3), np.float32)
    runs = [make.run(seed, outputs, history=values, epochs=epochs, **more) for seed in SEEDS]
    recipe = recipe or Recipe(phases=(make.phase(epochs=40),), development=True)
    rows = ROWS[: len(classes)]
    return {o.symptom: o.sentence for o in diagnose(runs, comparison or a_comparison(), recipe, classes, rows)}


def test_of_a_sound_training_nothing_is_said(make):
    """There is no symptom if the loss has settled, training and development rows score alike, and every class is
    predicted."""
    assert shown(make) == {}
    assert shown(make, comparison=an_error(55_000), classes=()) == {}


# -- diverged --------------------------------------------------------------------------------------------


def test_a_loss_that_rises_diverges(make):
    """If a loss ends far above its start, the sentence has both values."""
    words = shown(make, {"loss": (1.5, 2.0, 40.0)})[Symptom.DIVERGED]
    assert words.startswith("In 3 of 3 trainings the loss rose, from 1.5 to 40.")
    assert Symptom.DIVERGED not in shown(make, {"loss": (1.5, 1.4, 1.55)})


def test_a_loss_that_is_no_number_diverges(make):
    """The sentence names the first epoch whose loss is not a number."""
    words = shown(make, {"loss": (1.5, 2.0, None)})[Symptom.DIVERGED]
    assert words.startswith("In 3 of 3 trainings the loss became NaN, first in epoch 3.")


# -- underfits -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mean", "training", "underfits"), [(0.8, 0.81, True), (0.8, 0.95, False), (0.9, 0.87, False), (0.8, None, True)]
)
def test_whoever_misses_the_bar_on_training_rows_underfits(make, mean, training, underfits):
    """A training underfits if it misses the bar on its training rows too or, if their score is unknown, if both losses
    are nearly alike."""
    assert (Symptom.UNDERFITS in shown(make, comparison=a_comparison(mean, training))) is underfits


def test_accuracy_on_training_rows_is_named(make):
    """The sentence has the accuracy on training rows and the bar."""
    words = shown(make, comparison=a_comparison(0.8, 0.81))[Symptom.UNDERFITS]
    assert "81.0%, below the bar of 88.0%" in words


def test_errors_are_compared_through_losses(make):
    """A regression's history has another unit, so the losses on training and development rows are compared."""
    apart = {"loss": FALLING, "val_loss": FALLING + 0.2}
    assert "nearly the same: 0.3 on" in shown(make, comparison=an_error(65_000), classes=())[Symptom.UNDERFITS]
    assert Symptom.UNDERFITS not in shown(make, comparison=an_error(55_000), classes=())
    assert Symptom.UNDERFITS not in shown(make, apart, comparison=an_error(65_000), classes=())


# -- overfits --------------------------------------------------------------------------------------------

LEARNT_BY_HEART = {"loss": FALLING, "val_loss": FALLING + 0.005 * np.maximum(EPOCHS - 12, 0)}


def test_a_development_loss_that_rises_overfits(make):
    """The sentence names the epoch of the lowest development loss, and how far the two losses part after it."""
    words = shown(make, LEARNT_BY_HEART)[Symptom.OVERFITS]
    assert words.startswith("From epoch 17 on")
    assert "0.338 after epoch 16, rises to 0.44 by epoch 40" in words


@pytest.mark.parametrize("history", [RESTING, {"loss": FALLING}, {"loss": FALLING[::-1], "val_loss": FALLING[::-1]}])
def test_what_does_not_part_does_not_overfit(make, history):
    """A development loss that stays level, is missing, or rises together with the training loss shows no
    overfitting."""
    assert Symptom.OVERFITS not in shown(make, history)


def test_weights_of_the_best_epoch_do_not_overfit(make):
    """If early stopping restores the best weights, later epochs do not count."""
    stopping = KerasObject("EarlyStopping", {"restore_best_weights": True})
    recipe = Recipe(phases=(make.phase(epochs=40, early_stopping=stopping),), development=True)
    assert Symptom.OVERFITS not in shown(make, LEARNT_BY_HEART, recipe=recipe)


# -- still improving -------------------------------------------------------------------------------------


def test_a_loss_that_still_falls_improves(make):
    """The sentence says how far the loss fell over the last fifth of the epochs."""
    history = {name: values[:10] for name, values in RESTING.items()}
    words = shown(make, history)[Symptom.IMPROVING]
    assert "the loss on development rows fell from" in words
    assert "over the last 2 epochs of 10" in words


def test_without_a_development_set_the_training_loss_is_watched(make):
    """Without a development set, the sentence says that it is about the training loss."""
    assert "on training rows" in shown(make, {"loss": (1.0, 0.6)})[Symptom.IMPROVING]
    assert "in the last epoch of 2" in shown(make, {"loss": (1.0, 0.6)})[Symptom.IMPROVING]


@pytest.mark.parametrize("history", [RESTING, {"loss": (1.0,)}, {"loss": ()}, {}, LEARNT_BY_HEART])
def test_what_rests_does_not_improve(make, history):
    """A level loss, a single epoch, an empty history and a rising loss are not improving."""
    assert Symptom.IMPROVING not in shown(make, history)


def test_one_seed_that_jumped_does_not_improve(make):
    """A loss that jumps in one seed, and comes back in the last epoch, moves the mean; the other seeds decide."""
    jumped, level = (0.55, 0.49, 0.66, 0.37), (0.60, 0.44, 0.41, 0.40)
    outputs = np.zeros((1, 3), np.float32)
    runs = [
        make.run(seed, outputs, history={"loss": of}, epochs=4)
        for seed, of in zip(SEEDS, (jumped, level, level), strict=True)
    ]
    recipe = Recipe(phases=(make.phase(epochs=4),), development=False)
    seen = diagnose(runs, an_error(55_000), recipe, (), ())
    assert Symptom.IMPROVING not in {one.symptom for one in seen}


def test_who_stopped_early_does_not_improve(make):
    """A training that early stopping ended is not called improving."""
    history = {name: values[:10] for name, values in RESTING.items()}
    assert Symptom.IMPROVING not in shown(make, history, stopped_early=True)


def test_losses_of_different_kinds_are_not_compared(make):
    """Two phases with different losses give one history whose values cannot be compared."""
    other = make.phase(loss=KerasObject("MeanSquaredError"))
    recipe = Recipe(phases=(make.phase(), other), development=True)
    assert shown(make, {"loss": (0.1, 0.1, 5.0, 4.0)}, recipe=recipe) == {}


# -- classes ---------------------------------------------------------------------------------------------


def test_a_class_that_is_never_predicted_is_named(make):
    """The sentence has the class and its number of rows in the data, which are a reason only if they are few."""
    never = ((3_900, 0, 30), (2, 0, 1), (50, 0, 1_300))
    words = shown(make, comparison=a_comparison(confusion=never))[Symptom.NEVER_PREDICTED]
    assert words == ("ISLAND is never predicted: only 5 of the data's 8,846 rows are of this class.")
    often = shown(make, comparison=a_comparison(confusion=((0, 3_900, 30), (0, 2, 1), (0, 50, 1_300))))
    assert ", although " in often[Symptom.NEVER_PREDICTED]


def test_a_class_that_was_never_held_out_is_not_missed(make):
    """A class without tested rows is not called unpredicted."""
    absent = ((3_900, 0, 30), (0, 0, 0), (50, 0, 1_300))
    assert Symptom.NEVER_PREDICTED not in shown(make, comparison=a_comparison(confusion=absent))


# -- early stopping --------------------------------------------------------------------------------------


def test_early_stopping_is_told_with_its_epochs(make):
    """The sentence says how many trainings early stopping ended, and after how many of the requested epochs."""
    assert shown(make, stopped_early=True)[Symptom.STOPPED_EARLY] == (
        "Early stopping ended 3 of 3 trainings, after 40 of 40 epochs."
    )
    assert Symptom.STOPPED_EARLY not in shown(make)


def test_early_stopping_at_different_epochs(make):
    """If seeds stopped at different epochs, the sentence has the first and the last, and does not count seeds that ran
    to the end."""
    outputs = np.zeros((1, 3), np.float32)
    ends = ((11, 8, True), (23, 15, True), (37, 40, False))
    runs = [make.run(seed, outputs, epochs=epochs, stopped_early=early) for seed, epochs, early in ends]
    (said,) = diagnose(runs, a_comparison(), Recipe(phases=(make.phase(epochs=40),), development=True), CLASSES, ROWS)
    assert said.sentence == "Early stopping ended 2 of 3 trainings, after 8 to 15 of 40 epochs."
