"""The index of what pandas holds travels with the arrays that a model was given, in both generations of Keras."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import tf_keras
from notes import Notes, X, Y

from checker.guest.plain.hooks import Hooks
from checker.guest.watch import fed
from checker.guest.watch.capture import Capture
from checker.records.arrays import Array
from checker.records.capture import Fed
from checker.wire import frames

pytestmark = pytest.mark.tensorflow

NUMBERS = np.random.default_rng(7).permutation(20_640)[: len(X)]
"""Names for a part of the file's rows after a split."""
FRAME, LABELS = pd.DataFrame(X, NUMBERS), pd.Series(Y, NUMBERS)


@pytest.fixture(params=["3", "2"])
def keras(request: pytest.FixtureRequest, tf: Any) -> Any:
    return tf.keras if request.param == "3" else tf_keras


@pytest.fixture
def notes(tf: Any, keras: Any, hooks: Hooks) -> Notes:
    one = SimpleNamespace(keras=keras, **{n: getattr(tf, n) for n in ("nn", "math", "nest", "data", "function")})
    notes = Notes()
    capture = Capture(one, notes.registry(one), exact=True)
    capture.install(hooks)
    notes.scan = capture.scan  # type: ignore[attr-defined]
    return notes


def make(keras: Any, loss: str = "sparse_categorical_crossentropy") -> Any:
    layers = keras.layers
    model = keras.Sequential([layers.Input((9,)), layers.Dense(6, "relu"), layers.Dense(5, "softmax")])
    model.compile("adam", loss)
    return model


def index_in(notes: Notes, given: Fed | None) -> Array | None:
    """Return the index that the record names, as it arrived."""
    assert given is not None
    if given.index is None:
        return None
    arrived = {frames.reference(array).sha256: array for array in notes.arrays}
    return arrived[given.index.sha256]


GIVEN = {
    "a frame and labels": (FRAME, LABELS),
    "a frame alone has it": (FRAME, Y),
    "scaled features": (X, LABELS),
    "scaled features, one-hot labels": (X, pd.get_dummies(LABELS).astype("float32")),
    "features in a new frame": (pd.DataFrame(X), LABELS),
    "labels in a frame": (X, LABELS.to_frame()),
    "bare features, bare labels": (FRAME.to_numpy(), LABELS.to_numpy()),
}


@pytest.mark.parametrize("how", GIVEN)
def test_an_index_travels_with_a_training_and_a_test(keras: Any, notes: Notes, how: str) -> None:
    """The features' index, or else the labels', arrives beside them; what has none has none."""
    x, y = GIVEN[how]
    model = make(keras, "categorical_crossentropy" if "one-hot" in how else "sparse_categorical_crossentropy")
    model.fit(x, y, verbose=0, validation_data=(x[:100], y[:100]))
    model.evaluate(x[100:300], y[100:300], verbose=0)
    (fit,), (use,) = notes.only.fits, notes.only.uses
    for given, rows in ((fit.training, slice(None)), (fit.validation, slice(100)), (use.fed, slice(100, 300))):
        index = index_in(notes, given)
        if "bare labels" in how:
            assert index is None
        else:
            assert index is not None
            assert index.dtype == np.int64
            assert np.array_equal(index, NUMBERS[rows])


def test_a_prediction_has_the_features_index(keras: Any, notes: Notes) -> None:
    """Without labels, the features alone decide."""
    make(keras).predict(FRAME, verbose=0)
    assert np.array_equal(index_in(notes, notes.only.uses[0].fed), NUMBERS)


def test_a_validation_split_splits_the_index(keras: Any, notes: Notes) -> None:
    """The last rows are watched, under their own numbers."""
    make(keras).fit(X, LABELS, verbose=0, validation_split=0.25)
    (fit,) = notes.only.fits
    assert np.array_equal(index_in(notes, fit.training), NUMBERS[:480])
    assert np.array_equal(index_in(notes, fit.validation), NUMBERS[480:])


def test_batches_have_one_index_together(keras: Any, notes: Notes) -> None:
    """Batches of a loop are joined with their index, each row once."""
    model = make(keras)
    for at in [*range(0, 640, 32), 0, 32]:
        model.train_on_batch(FRAME[at : at + 32], LABELS[at : at + 32])
    notes.scan({})  # type: ignore[attr-defined]
    (fit,) = notes.only.fits
    assert fit.training.rows == 640
    assert np.array_equal(index_in(notes, fit.training), NUMBERS)


class Hostile:
    """What raises whatever it is asked for."""

    @property
    def index(self) -> Any:
        raise RuntimeError("no")


NO_INDEX = {
    "words": pd.DataFrame(X, [f"row {i}" for i in range(640)]),
    "times": pd.DataFrame(X, pd.date_range("2026-01-01", periods=640)),
    "fractions": pd.DataFrame(X, np.arange(640) + 0.5),
    "two levels": pd.DataFrame(X, pd.MultiIndex.from_product([range(64), range(10)])),
    "a list": [1, 2, 3],
    "text": "rows",
    "what raises": Hostile(),
}


@pytest.mark.parametrize("what", NO_INDEX)
def test_what_are_no_numbers_of_rows_is_no_index(what: str) -> None:
    """Names, times and fractions number no rows."""
    assert fed.index_of(NO_INDEX[what]) is None


def test_an_index_that_counts_the_rows_is_not_sent() -> None:
    """A new table's 0, 1, 2 … tells no more than the rows' order, nor does a slice of it."""
    frame = pd.DataFrame(X)
    assert fed.note(frame, Y).fed.index is None
    assert fed.note(frame[100:], Y[100:]).fed.index is None


def test_an_index_of_other_rows_is_not_taken() -> None:
    """An index that has another length than the features is none of theirs."""
    assert fed.note(X, LABELS[:100]).index is None
    assert fed.note([FRAME, FRAME], Y).index is not None


def test_few_rows_send_no_index() -> None:
    """Single rows, as a loop of predictions has, are no tables, and double no message."""
    assert fed.note(FRAME[:10], None).fed.index is None
    assert len(fed.note(FRAME[:10], None).sent) == 1
