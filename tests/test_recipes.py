"""Recipes: from a student's stretches of training to what the clean guest does."""

from dataclasses import replace

import numpy as np
import pytest

from checker.keras_spec import recipes
from checker.records.assignment import Caps
from checker.records.network import Development, KerasObject, Labels, Recipe

CAPS = Caps(fit_steps=20_000, notebook_steps=80_000, retrain_steps=100_000, parameters=1_000_000)
ENOUGH, ROWS = 1_032, 16_512  # 516 batches of 32


def recipe_of(model, steps=100_000):
    return recipes.recipe_of(model, replace(CAPS, retrain_steps=steps), ENOUGH, ROWS)


def test_one_stretch_is_one_phase(make):
    """A plain fit becomes one phase as it was asked for."""
    recipe, obstacle = recipe_of(make.model())
    assert obstacle == ""
    assert recipe.phases == (make.phase(),)
    assert (recipe.development, recipe.capped_epochs, recipe.notes) == (False, 0, ())


def test_stretches_follow_each_other(make):
    """Several fits become phases in their order, recompiled where the student compiled again."""
    first, second = make.phase(epochs=3), make.phase(epochs=4, recompiled=False)
    recipe, _ = recipe_of(make.model(1, make.fit(phase=first), make.fit(phase=second)))
    assert recipe.phases == (first, second)


def test_an_epoch_over_copies_of_rows_keeps_its_steps(make):
    """If a table holds its rows many times, an epoch keeps its number of steps, on each row once; a few copies
    change nothing."""
    fit, caps = make.fit(rows=160_000), replace(CAPS, retrain_steps=1_000_000)
    recipe, _ = recipes.recipe_of(make.model(1, fit), caps, ENOUGH, ROWS, 16_000)
    assert recipe.phases[0].steps == 160_000 // fit.phase.batch_size
    assert "10.0 times" in recipe.notes[0]
    for distinct in (0, 120_000):
        recipe, _ = recipes.recipe_of(make.model(1, fit), caps, ENOUGH, ROWS, distinct)
        assert (recipe.phases, recipe.notes) == ((fit.phase,), ())


def test_trials_are_left_out(make):
    """A fit on fewer rows than a training needs is no phase; one on an unknown number of rows is."""
    trial, unknown = make.phase(epochs=1), make.phase(epochs=2)
    fits = (make.fit(rows=64, phase=trial), make.fit(rows=0, phase=unknown), make.fit())
    recipe, _ = recipe_of(make.model(1, *fits))
    assert [phase.epochs for phase in recipe.phases] == [2, 20]


def test_the_first_phase_starts_compiled(make):
    """If the trial with the compilation was left out, the first remaining phase compiles."""
    fits = (make.fit(rows=64), make.fit(phase=make.phase(recompiled=False)))
    recipe, _ = recipe_of(make.model(1, *fits))
    assert [phase.recompiled for phase in recipe.phases] == [True]


def test_a_trial_that_is_no_recipe_is_no_obstacle(make):
    """A trial that cannot be rebuilt does not matter; a training that cannot is the obstacle, in its words."""
    unclear = {"phase": None, "unrebuildable": "a loss of its own"}
    assert recipe_of(make.model(1, make.fit(rows=64, **unclear), make.fit()))[1] == ""
    assert recipe_of(make.model(1, make.fit(), make.fit(**unclear))) == (None, "a loss of its own")


def test_only_trials_are_no_training(make):
    """A model that saw nothing but trials has no recipe."""
    assert recipe_of(make.model(1, make.fit(rows=64))) == (None, "it was never trained")


@pytest.mark.parametrize("how", [Development.SPLIT, Development.DATA])
def test_a_development_set_in_any_stretch_counts(make, how):
    """A development set that was watched in one stretch counts."""
    recipe, _ = recipe_of(make.model(1, make.fit(), make.fit(development=how), make.fit()))
    assert recipe.development


def test_a_development_set_in_a_trial_does_not_count(make):
    """A development set that only a trial watched is none."""
    trial = make.fit(rows=64, development=Development.DATA)
    assert not recipe_of(make.model(1, trial, make.fit()))[0].development


def test_a_development_set_may_be_watched_by_hand(make):
    """Testing on two different sets besides the training data counts as watching one of them."""
    train, first, second = (np.full((2_000, 9), value) for value in (0.0, 1.0, 2.0))
    fit = make.fit(training=make.fed(train))

    def watched(*tables):
        uses = tuple(make.use("evaluate", make.fed(table)) for table in tables)
        return recipe_of(make.model(1, fit, uses=uses))[0].development

    assert watched(first, second)
    assert not watched(first)
    assert not watched(first, first.copy())
    assert not watched(train, first)


@pytest.mark.parametrize(
    ("asked", "steps", "kept", "capped"),
    [
        ([20], 100_000, [20], 0),
        ([200], 51_600, [100], 100),
        ([200], 51_599, [99], 101),
        ([60, 60], 51_600, [60, 40], 20),
        ([200, 60], 51_600, [100, 1], 159),
        ([60, 60], 100, [1, 1], 118),
    ],
)
def test_epochs_are_cut_to_the_cap(make, asked, steps, kept, capped):
    """All phases together stay within the steps, cut from the last on; each keeps an epoch, and cuts are counted."""
    fits = [make.fit(phase=make.phase(epochs=epochs)) for epochs in asked]
    recipe, _ = recipe_of(make.model(1, *fits), steps)
    assert [phase.epochs for phase in recipe.phases] == kept
    assert recipe.capped_epochs == capped


def test_the_cap_counts_steps_not_epochs(make):
    """Large batches take fewer steps, so that more epochs fit."""
    phases = [make.phase(epochs=200, batch_size=size) for size in (32, 512, 20_000)]
    capped = [recipe_of(make.model(1, make.fit(phase=phase)), 5_160)[0].capped_epochs for phase in phases]
    assert capped == [190, 44, 0]


@pytest.mark.parametrize("strange", [{"epochs": 0}, {"epochs": -5}])
def test_a_fit_of_no_epochs_was_not_cut(make, strange):
    """A training of zero epochs was not cut short by the cap."""
    assert recipe_of(make.model(1, make.fit(phase=make.phase(**strange))))[0].capped_epochs == 0


@pytest.mark.parametrize("size", [0, -32])
def test_a_senseless_batch_size_breaks_nothing(make, size):
    """A batch size that no fit can have had is counted as one row at a time."""
    recipe, _ = recipe_of(make.model(1, make.fit(phase=make.phase(batch_size=size))), 33_024)
    assert recipe.phases[0].epochs == 2


def test_notes_are_kept_once(make):
    """What was remarked on several stretches is said once, in order."""
    fits = (make.fit(notes=("b", "a")), make.fit(notes=("a", "c")))
    assert recipe_of(make.model(1, *fits))[0].notes == ("b", "a", "c")


def test_a_regression_has_numbers_as_labels(make):
    """Whatever a regression's targets looked like, they are numbers, and have no weights of classes."""
    phases = (make.phase(class_weight={"0": 2.0}), make.phase(labels=Labels.ONE_HOT))
    found = recipes.of_numbers(Recipe(phases=phases, development=True, capped_epochs=3))
    assert [(p.labels, p.class_weight) for p in found.phases] == [(Labels.NUMBERS, {})] * 2
    assert (found.development, found.capped_epochs) == (True, 3)


# -- what the cap cut ------------------------------------------------------------------------------------


def cut(make, phases, *ends):
    """Return how many epochs count as cut, of a recipe that was capped by a hundred, after trainings that ended so."""
    runs = [make.run(11, np.zeros((1, 5), np.float32), epochs=epochs, stopped_early=early) for epochs, early in ends]
    return recipes.carried_out(Recipe(phases=tuple(phases), development=True, capped_epochs=100), runs).capped_epochs


def test_the_cap_cuts_only_what_would_have_gone_on(make):
    """Where early stopping, or a loss that is no number, ended all trainings before the cap, nothing was cut."""
    phase = make.phase(epochs=40)
    assert cut(make, [phase], (40, False), (40, False)) == 100
    assert cut(make, [phase], (12, True), (40, False)) == 100
    assert cut(make, [phase], (12, True), (40, True)) == 0
    assert cut(make, [phase], (3, False), (12, True)) == 0
    assert cut(make, [phase]) == 100


def test_of_several_phases_only_the_last_tells(make):
    """Early stopping of an earlier phase says nothing of a later one, which the cap may have cut."""
    stopping = make.phase(epochs=40, early_stopping=KerasObject("EarlyStopping"))
    assert cut(make, [make.phase(epochs=40), stopping], (60, True)) == 0
    assert cut(make, [stopping, make.phase(epochs=1)], (13, True)) == 100


@pytest.mark.parametrize(
    ("done", "steps", "capped"), [(20, 20_000, False), (9, 20_000, True), (9, 4_000, False), (9, 60_000, True)]
)
def test_a_student_s_own_training_is_capped_by_steps(make, assignment, done, steps, capped):
    """A stretch was cut by the cap where it stopped before its epochs, and at so many steps."""
    answer = make.model(1, make.fit(epochs_done=done, steps_done=steps))
    assert recipes.is_capped(answer, [answer], assignment.caps) is capped


def test_the_cap_on_a_whole_notebook_counts_all_networks(make, assignment):
    """What other networks took is part of what the answer had no more."""
    answer, other = make.model(1, make.fit(epochs_done=2, steps_done=800)), make.model(2, make.fit(steps_done=59_500))
    assert recipes.is_capped(answer, [answer, other], assignment.caps)
