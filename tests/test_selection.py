"""Selection: the answer is the last model trained for the task, and where there is none it is said why."""

import time
from dataclasses import replace

import pytest

from checker.gather import explanation, selection
from checker.records.capture import CellError, CellResult
from checker.records.verdicts import FailureCause, Stage
from checker.source import frameworks

CLASSES, ROWS = 5, 20_640


def select(*models, cells=(), named=""):
    return selection.select(models, cells, CLASSES, ROWS, named)


def explain(*models, cells=()):
    return explanation.why_none(models, cells, CLASSES, ROWS)


def test_the_only_model_is_the_answer(make):
    """One model for the task is the answer, and the reason names its variable and its cell."""
    found = select(make.model(3, make.fit(cell=14), variable="net"))
    assert (found.chosen, found.rejected) == (3, ())
    assert "`net` is the last model" in found.reason
    assert "cell 14" in found.reason


def test_the_model_trained_last_is_the_answer(make):
    """Of several models for the task the one trained last is the answer, and the others know after whom."""
    found = select(make.model(2, variable="best"), make.model(1, variable="model"))
    assert found.chosen == 1
    assert [(r.model, r.variable) for r in found.rejected] == [(2, "`best`")]
    assert found.rejected[0].reason == "it fits the task, but `model` was trained after it"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda make: {"fits": ()}, "it was never trained"),
        (lambda make: {"output_width": 1}, "it has 1 output, not 5"),
        (lambda make: {"output_width": 4}, "it has 4 outputs, not 5"),
        (lambda make: {"fits": (make.fit(rows=1),)}, "it was trained on 1 row only"),
        (lambda make: {"fits": (make.fit(rows=1_031),)}, "it was trained on 1,031 rows only"),
        (lambda make: {"fits": (make.fit(finished=False),)}, "its training did not finish"),
        (
            lambda make: {"fits": (make.fit(rows=100), make.fit(finished=False))},
            "its training did not finish",
        ),
    ],
)
def test_why_a_model_is_not_the_answer(make, change, reason):
    """A model that is untrained, of another width, a toy or unfinished gives way to one before it, and says why."""
    found = select(make.model(1), make.model(2, **change(make)))
    assert found.chosen == 1
    assert [(r.model, r.reason) for r in found.rejected] == [(2, reason)]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda make: {"output_width": None}, id="unknown width"),
        pytest.param(lambda make: {"fits": (make.fit(rows=0),)}, id="unknown rows"),
        pytest.param(lambda make: {"fits": (make.fit(rows=1_032),)}, id="just enough rows"),
        pytest.param(lambda make: {"fits": (make.fit(rows=64), make.fit())}, id="trial first"),
        pytest.param(lambda make: {"fits": (make.fit(), make.fit(finished=False))}, id="finished once"),
        pytest.param(lambda make: {"architecture": None, "unrebuildable": "a Lambda"}, id="own layers"),
    ],
)
def test_what_is_not_held_against_a_model(make, change):
    """Unknown facts about a model, a trial before its training, and custom layers do not rule it out."""
    assert select(make.model(1), make.model(2, **change(make))).chosen == 2


def test_a_model_without_a_variable_goes_by_its_own_name(make):
    """A model that no variable holds is called by the name that Keras gave it."""
    assert "`sequential_1`" in select(make.model(1, variable="")).reason


def test_no_model_is_no_answer(make):
    """If no model fits the task, none is the answer, and each says why."""
    found = select(make.model(1, output_width=1), make.model(2, fits=()))
    assert found.chosen is None
    assert [r.model for r in found.rejected] == [1, 2]
    assert select().chosen is None


def test_a_number_is_predicted_by_one_output(make):
    """In a regression, the answer has one output, and a network with more is not chosen."""
    models = (make.model(1, output_width=1), make.model(2, output_width=5))
    found = selection.select(models, (), 1, ROWS)
    assert found.chosen == 1
    assert "that has 1 output (" in found.reason
    assert [r.reason for r in found.rejected] == ["it has 5 outputs, not 1"]


# -- in words for the student ----------------------------------------------------------------------------


def test_an_untrained_network_is_explained(make):
    """A network of the right width that was never trained is named, with its cell."""
    failure = explain(make.model(1, fits=(), cell=8, variable="net"))
    assert (failure.stage, failure.cause, failure.cell) == (Stage.SELECTING, FailureCause.NO_ANSWER, 8)
    assert failure.rationale == "The network `net` has 5 outputs but was never trained."
    assert "fit" in failure.help


@pytest.mark.parametrize(("width", "words"), [(1, "1 output;"), (4, "4 outputs;")])
def test_a_wrong_width_is_explained(make, width, words):
    """A trained network that ends in another number of outputs is named, with the number it needs."""
    failure = explain(make.model(1, make.fit(cell=12), output_width=width, variable="net"))
    assert failure.rationale.startswith(f"The network `net` ends in {words} the task has 5 classes.")
    assert ("a rare class is still a class" in failure.rationale) == (width == 4)
    assert failure.cell == 12
    assert "5 units" in failure.help


def test_classes_instead_of_a_number_are_explained(make):
    """In a regression, a network that ends in classes is named, whatever its inputs."""
    bands = make.model(1, make.fit(cell=12), input_width=8, output_width=10, variable="net")
    failure = explanation.why_none([bands], (), 1, ROWS)
    assert failure.rationale == "The network `net` ends in 10 outputs; the task is to predict one number."
    assert "Dense(1)" in failure.help


def test_an_unfinished_training_is_explained(make):
    """A training that ended, and of which no cell shows an error, is named, with its cell."""
    failure = explain(make.model(1, make.fit(cell=12, finished=False), variable="net"))
    assert "the training of `net` in cell 12 ended before its first epoch did" in failure.rationale
    assert failure.cell == 12


def test_the_hand_outs_own_network_explains_nothing(make):
    """The hand-out's regression network, on eight columns and with one output, is not taken for the student's."""
    failure = explain(make.model(1, input_width=8, output_width=1))
    assert failure.rationale.startswith("There is no model for this task")


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import torch\nfrom torch import nn", "PyTorch"),
        ("  from jax import numpy", "JAX"),
        ("import xgboost as xgb", "XGBoost"),
        ("tf.estimator.DNNClassifier([10])", "a TensorFlow estimator"),
        ("RandomForestClassifier(100).fit(X, Y)", "scikit-learn"),
        ("LinearRegression().fit(X, y)", "scikit-learn"),
    ],
)
def test_what_was_found_instead_is_named(make, source, found):
    """A solution with another library is recognised, so that the student reads what is missing."""
    failure = explain(cells=(make.cell(1, "import tensorflow as tf"), make.cell(2, source)))
    assert failure.cause is FailureCause.NO_ANSWER
    assert frameworks.named_in(failure.rationale) == found
    assert "The task asks for Keras." in failure.rationale
    assert failure.help.startswith("Write the network in Keras")


@pytest.mark.parametrize("source", ["x = tf.placeholder(tf.float32)", "x = tf.compat.v1.placeholder(tf.float32)"])
def test_a_graph_that_trains_nothing_is_named(make, source):
    """A TensorFlow 1 graph may be an answer, so the reason says that no network was trained, and what was found."""
    failure = explain(cells=(make.cell(2, source),))
    assert failure.rationale.endswith("What was found instead: a TensorFlow 1 graph.")


def test_a_library_that_is_not_installed_is_no_error_to_look_at(make):
    """The reason says that it is not installed, and the advice does not send the student to the cell that failed."""
    words = "`torch` is not part of the course environment, which has tensorflow"
    error = CellError("ModuleNotFoundError", words, "")
    absent = replace(make.cell(2, "import torch\ntorch.tensor(1)"), error=error)
    failure = explain(cells=(absent,))
    assert failure.rationale == (
        "The network is written in PyTorch. The task asks for Keras, and PyTorch is not installed here, so it could "
        "not run."
    )
    assert failure.help == "Write the network in Keras and train it on the assignment's data."
    other = explain(cells=(make.cell(1, "import torch", error="no such thing"),))
    assert "is not installed" not in other.rationale


def test_a_comparison_beside_an_own_network_is_no_other_library(make):
    """A model of scikit-learn does not stand in place of Keras where the file makes a network too."""
    idle = make.model(1, fits=(), output_width=3)
    failure = explain(idle, cells=(make.cell(2, "LogisticRegression().fit(X, Y)"),))
    assert frameworks.named_in(failure.rationale) == ""


def test_words_in_comments_are_no_library(make):
    """The name of a library in a sentence is not taken for its use."""
    assert "instead" not in explain(cells=(make.cell(1, "# I would import torch here"),)).rationale


def test_the_first_cell_that_failed_is_named(make):
    """Where nothing was trained the first cell that raised is named as the place to look."""
    cells = (make.cell(1), make.cell(4, error="no such file"), make.cell(6, error="not defined"))
    assert "cell 4" in explain(cells=cells).help
    assert "cell" not in explain(cells=(make.cell(1),)).help


# -- the right model, by somebody's word -----------------------------------------------------------------


def test_a_student_may_mark_the_answer(make):
    """A comment in the cell where a model was trained makes it the answer, whatever is trained later."""
    mine, later = make.model(1, make.fit(cell=4), cell=3, variable="net"), make.model(2, make.fit(cell=9), cell=8)
    for source in ("# checker: answer\nnet.fit(x, y)", "net.fit(x, y)  #Checker:  Answer"):
        found = select(mine, later, cells=(make.cell(4, source), make.cell(9)))
        assert found.chosen == 1
        assert "cell 4 marks `net` as the answer" in found.reason
        assert found.rejected[0].reason == "another one is said to be the answer"


def test_a_mark_may_name_a_variable(make):
    """A variable after the mark is the answer, wherever it was trained."""
    models = make.model(1, make.fit(cell=4), variable="net"), make.model(2, make.fit(cell=9), variable="other")
    assert select(*models, cells=(make.cell(12, "# checker: answer = net"),)).chosen == 1


def test_words_after_a_mark_that_name_no_network_are_only_words(make):
    """A sentence after the mark names the cell's network."""
    models = make.model(1, make.fit(cell=4), variable="net"), make.model(2, make.fit(cell=9), variable="other")
    assert select(*models, cells=(make.cell(4, "# checker: answer is this network\nnet.fit(x, y)"),)).chosen == 1


def test_a_tag_marks_the_answer_too(make):
    """A cell tag says the same as a comment."""
    models = make.model(1, make.fit(cell=4), variable="net"), make.model(2, make.fit(cell=9))
    cell = replace(make.cell(4, "net.fit(x, y)"), tags=("checker: answer",))
    assert select(*models, cells=(cell,)).chosen == 1


def test_a_demonstrators_word_counts_most(make):
    """The variable that is named from outside wins over a student's mark."""
    models = make.model(1, make.fit(cell=4), variable="net"), make.model(2, make.fit(cell=9), variable="other")
    found = select(*models, cells=(make.cell(4, "# checker: answer"),), named="other")
    assert (found.chosen, "`other` is the variable" in found.reason) == (2, True)


def test_a_marked_model_that_does_not_fit_is_explained(make):
    """If the marked model has the wrong width, no other is chosen, and the failure is about it."""
    wrong = make.model(1, make.fit(cell=4), output_width=4, variable="net")
    cells = (make.cell(4, "# checker: answer"),)
    assert select(wrong, make.model(2), cells=cells).chosen is None
    assert "`net` ends in 4 outputs" in explain(wrong, make.model(2), cells=cells).rationale


def test_a_name_that_no_model_has_changes_nothing(make):
    """If the assignment's variable was not used, the last fitting model is the answer."""
    assert select(make.model(1), named="answer").chosen == 1


@pytest.mark.parametrize(
    "source", ["\n" * 200_000, " " * 200_000, "# checker: answer" + " " * 200_000 + ")", "#" * 200_000]
)
def test_no_source_keeps_the_checker_busy(make, source):
    """Code made to keep patterns searching is looked through in a moment."""
    started = time.process_time()
    select(make.model(1), cells=(make.cell(1, source),))
    explain(cells=(make.cell(1, source),))
    assert time.process_time() - started < 2


# -- as trained ------------------------------------------------------------------------------------------


def test_the_last_that_others_did_not_outdo_is_the_answer(make):
    """Of several networks those that did clearly worse in the student's run give way, and say to whom."""
    models = [make.model(n, variable=f"net{n}") for n in (1, 2, 3)]
    found = selection.select(models, (), CLASSES, ROWS, outdone={3: "it did clearly worse than `net1`"})
    assert found.chosen == 2
    assert found.reason.startswith("Of 3 models for the task, `net2` is the last that no other outdoes, as trained")
    assert {r.model: r.reason for r in found.rejected} == {
        1: "it fits the task, but `net2` was trained after it",
        3: "it did clearly worse than `net1`",
    }


def test_the_last_of_folds_says_for_how_many_it_stands(make):
    """The reason of a network that stands for folds says so."""
    models = [make.model(1), make.model(2)]
    found = selection.select(models, (), CLASSES, ROWS, outdone={1: "it is one of 3 folds"}, folds={2: 3})
    assert "it stands for 3 folds, which are not ranked against each other (trained in" in found.reason


def test_a_named_network_is_the_answer_however_it_did(make):
    """A person's choice outweighs the networks' results."""
    models = [make.model(1, variable="net1"), make.model(2, variable="net2")]
    found = selection.select(models, (), CLASSES, ROWS, "net2", {2: "it did clearly worse than `net1`"})
    assert found.chosen == 2


def test_of_several_networks_in_a_marked_cell_the_outdone_give_way(make):
    """A student who marks the cell of a search means the network that came out of it."""
    models = [make.model(n, make.fit(cell=4), variable="") for n in (1, 2)]
    cells = (make.cell(4, "# checker: answer"),)
    assert selection.select(models, cells, CLASSES, ROWS, outdone={2: "it did worse"}).chosen == 1


def test_an_unknown_name_is_told_with_those_there_are(make):
    """A demonstrator's name that no model has is answered with the names there are; no name, and a known one, with
    nothing."""
    models = [make.model(1, variable="net"), make.model(2, variable="")]
    assert selection.unknown_name(models, "") == selection.unknown_name(models, "net") == ""
    assert selection.unknown_name(models, "nets") == (
        "No model of this file is called `nets`. There is `net` (cell 6) and `sequential_2` (cell 6)."
    )
    assert "There is none at all" in selection.unknown_name([], "nets")


def test_a_prompt_that_nobody_answers_is_for_a_demonstrator(make):
    """If a cell could not continue with an empty input and there is no answer, the prompt is named, and what to do."""
    words = "input('epochs: ') was answered with an empty line, which is no number"
    asking = CellResult(
        index=4, source="n = int(input('epochs: '))", outputs=(), error=CellError("ValueError", words, ""), seconds=0.1
    )
    told = explain(make.model(1, fits=()), cells=(asking,))
    assert (told.cause, told.cell) == (FailureCause.WAITS_FOR_INPUT, 4)
    assert "cell 4 asks for input" in told.rationale
    assert "or a default behind it" in told.help
    shadowed = replace(asking, source="input = X.values\nprint(model.input(3))", error=CellError("ValueError", "x", ""))
    assert explain(make.model(1, fits=()), cells=(shadowed,)).cause is FailureCause.NO_ANSWER
