"""What evidence says of a training that was cut short."""

import numpy as np
import pytest

from checker.judge.training import cut_short, recipe_of
from checker.records.evidence import Selection
from checker.records.network import Recipe
from checker.records.tracing import FeatureSource, Tracing


@pytest.fixture
def capped(make):
    """Evidence of a training that the cap ended after twenty of a hundred and twenty epochs."""
    answer = make.model(1, make.fit(epochs_done=20, epochs_asked=120, steps_done=20_000))
    recipe = Recipe(phases=(make.phase(epochs=20),), development=True, capped_epochs=100)

    def made(**more):
        return make.evidence(models=(answer,), selection=Selection(1, "the last"), recipe=recipe, failures=(), **more)

    return made


def ended(make, epochs, early, evidence):
    """Return the recipe of evidence whose training ended in this way."""
    runs = (make.run(11, np.zeros((1, 5), np.float32), epochs=epochs, stopped_early=early),)
    return recipe_of(evidence, runs, 20_640)


def test_a_capped_training_is_told_with_its_epochs(make, capped, assignment):
    """The sentence says how many epochs were asked for, and how many of them were not run."""
    said = cut_short(capped(), ended(make, 20, False, capped()), assignment.caps)
    assert said == "Training was cut short by the cap: 100 of 120 epochs asked for were not run."


def test_who_stopped_early_was_not_cut(make, capped, assignment):
    """If early stopping ended a training before the cap, neither the sentence nor the recipe says that it was cut."""
    recipe = ended(make, 12, True, capped())
    assert cut_short(capped(), recipe, assignment.caps) == ""
    assert recipe.capped_epochs == 0


def test_what_ended_the_file_comes_first(make, capped, assignment):
    """If both the file and the training were cut short, the sentence is about the file."""
    evidence = capped(cut_short="It used more memory than allowed and was stopped after cell 3.")
    assert cut_short(evidence, ended(make, 20, False, evidence), assignment.caps) == evidence.cut_short


def test_a_replay_is_cut_where_the_student_s_run_was(make, capped, assignment):
    """A replay takes the steps of the student's own code, so it was cut only if a cap ended that code's run."""
    assert "cut short by the cap" in cut_short(capped(replayed="a layer"), None, assignment.caps)


def test_nothing_cut_is_no_sentence(make, assignment):
    """A file and a training that ran to their ends give no sentence."""
    assert cut_short(make.evidence(), None, assignment.caps) == ""


@pytest.mark.parametrize(
    ("development", "validation", "itself"), [(0, 13_209, True), (3_302, 3_302, False), (0, None, False)]
)
def test_a_development_set_of_training_rows_is_told(make, development, validation, itself):
    """The recipe says so if all watched rows were trained on; without any watched rows it does not."""
    table = np.zeros((validation or 1, 9), np.float32)
    answer = make.model(1, make.fit(validation=make.fed(table) if validation else None))
    tracing = Tracing(source=FeatureSource.TRACED, reason="found", development_rows=development)
    evidence = make.evidence(
        models=(answer,),
        selection=Selection(1, "the last"),
        recipe=Recipe(phases=(make.phase(),), development=True),
        tracing=tracing,
    )
    assert recipe_of(evidence, (), 20_640).watched_itself is itself


def test_a_set_that_a_last_stretch_took_in_was_a_development_set(make):
    """A development set still counts as one after a final training on all rows."""
    watched = make.fit(validation=make.fed(np.zeros((100, 9), np.float32)))
    answer = make.model(1, watched, make.fit())
    tracing = Tracing(source=FeatureSource.TRACED, reason="found", development_rows=0)
    evidence = make.evidence(
        models=(answer,),
        selection=Selection(1, "the last"),
        recipe=Recipe(phases=(make.phase(),), development=True),
        tracing=tracing,
    )
    assert not recipe_of(evidence, (), 20_640).watched_itself
