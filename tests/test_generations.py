"""Errors that only the generation of Keras explains."""

import time

import pytest

from checker.gather import generations
from checker.records.capture import Adaptation


@pytest.mark.parametrize(
    ("keras", "message"),
    [
        ("3", "'SGD' object has no attribute 'minimize'"),
        ("3", "Argument `learning_rate` should be float, or an instance of LearningRateSchedule"),
        ("3", "Argument(s) not recognized: {'lr': 0.01}"),
        ("3", "`tf.layers.dense` is not available with Keras 3."),
        ("3", "'Dense' object is not iterable"),
        ("3", "adapt() expects an iterable that yields arrays or tensors"),
        (
            "3",
            "EarlyStopping callback received monitor=val_acc, but Keras isn't able to automatically determine whether",
        ),
        ("3", "tuple arity mismatch; expected: 2, got: 3"),
        ("3", "module 'keras.losses' has no attribute 'mse'"),
        ("2", "module 'tf_keras.api._v2.keras' has no attribute 'ops'"),
        ("2", "cannot import name 'ops' from 'tf_keras'"),
        ("2", "('Keyword argument not understood:', 'negative_slope')"),
    ],
)
def test_such_an_error_asks_for_the_other_generation(make, keras, message):
    """What one generation refuses and the other runs is recognised, with its cell, and only for that generation."""
    cells = (make.cell(1), make.cell(4, error=message))
    assert generations.explained_by(keras, cells, ()).startswith("cell 4 failed with")
    assert generations.explained_by(generations.other(keras), cells, ()) == ""


def test_an_ordinary_mistake_asks_for_nothing(make):
    """Errors that any generation would raise are no reason to run again."""
    cells = (make.cell(1, error="name 'X_train' is not defined"), make.cell(2, error="Dimensions must be equal"))
    assert [generations.explained_by(keras, cells, ()) for keras in "23"] == ["", ""]


def test_an_import_that_was_stood_in_for_counts_too():
    """A failed import is no error of its cell any more, yet it may be the generation's."""
    said = Adaptation(2, "`keras.ops` could not be imported: ImportError: cannot import name 'ops' from 'tf_keras'")
    assert generations.explained_by("2", (), (said,)).startswith("cell 2 failed")


def test_no_message_keeps_the_checker_busy(make):
    """A message made to keep patterns searching is looked through in a moment."""
    started = time.process_time()
    generations.explained_by("3", [make.cell(1, error="has no attribute" * 20_000)], [])
    assert time.process_time() - started < 2


def test_a_run_without_an_answer_deserves_the_other_generation(make):
    """Where Keras is used and a cell failed, whatever it said, nobody is blamed before the other one was tried."""
    from dataclasses import replace

    network = replace(make.cell(1), source="from tensorflow import keras")
    failed = make.cell(2, error="something that nobody foresaw")
    assert "cell 2 failed with" in generations.may_explain((network, failed))
    assert generations.may_explain((network, make.cell(2))) == ""
    assert generations.may_explain((replace(make.cell(1), source="import torch"), failed)) == ""
