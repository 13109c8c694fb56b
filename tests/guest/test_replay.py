"""The checker's rows in the student's own calls of ``fit``."""

import functools
import inspect

import numpy as np
import pytest

from checker.guest.watch.capture import Capture
from checker.guest.watch.registry import ModelRegistry
from checker.guest.watch.replay import Replay
from checker.records.assignment import Caps
from checker.records.job import ReplayPlan
from checker.records.network import Labels

pytestmark = pytest.mark.tensorflow

RANDOM = np.random.default_rng(2)
ROWS = [RANDOM.normal(size=(n, 9)).astype("float32") for n in (300, 60, 80)]
LABELS = [RANDOM.integers(0, 5, n).astype("int32") for n in (300, 60)]
STUDENTS_X, STUDENTS_Y = RANDOM.normal(size=(200, 9)), np.arange(200) % 5


@pytest.fixture
def replayed(tf, hooks):
    """Install the hooks with a plan; return what is sent, and what each fit was really given."""
    given, sent, ended = [], [], []
    owner = next(kind for kind in tf.keras.Model.__mro__ if "fit" in vars(kind))
    fit = owner.fit

    def spying(self, *args, **kwargs):
        found = inspect.signature(fit).bind(self, *args, **kwargs).arguments
        given.append((found["x"], found["y"], found.get("validation_data")))
        return fit(self, *args, **kwargs)

    functools.update_wrapper(spying, fit)
    hooks.replace(owner, "fit", spying)

    def install(**more):
        plan = ReplayPlan(**{"cell": 1, "rank": 0, "fits": 1, "enough": 100, "seed": 7, "outputs": 5,
                             "labels": Labels.INTEGERS, "batch_size": 32, **more})  # fmt: skip
        capture = Capture(tf, ModelRegistry(tf, Caps(100, 150, 1_000, 10_000), lambda *said: None, lambda: 1))
        arrays = (ROWS[0], LABELS[0], ROWS[1], LABELS[1], ROWS[2])
        capture.replay = Replay(plan, arrays, lambda run, made: sent.append((run, made)), lambda: ended.append(True))
        capture.install(hooks)
        return given, sent, ended

    return install


def own_model(tf, inputs=1):
    class Own(tf.keras.Model):
        def __init__(self):
            super().__init__()
            self.hidden, self.last = tf.keras.layers.Dense(8, "relu"), tf.keras.layers.Dense(5, "softmax")

        def call(self, x):
            return self.last(self.hidden(tf.concat(x, -1) if inputs > 1 else x))

    model = Own()
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def test_the_answers_fit_gets_the_checkers_rows(tf, replayed):
    """Training and development rows are the checker's; predictions for the held-out rows are sent."""
    given, sent, ended = replayed()
    own_model(tf).fit(STUDENTS_X, STUDENTS_Y, epochs=2, verbose=0, validation_data=(STUDENTS_X[:50], STUDENTS_Y[:50]))
    x, y, watched = given[0]
    assert np.array_equal(x, ROWS[0])
    assert np.array_equal(y, LABELS[0])
    assert np.array_equal(watched[0], ROWS[1])
    run, (predictions,) = sent[0]
    assert (run.seed, run.epochs, len(run.history["val_loss"]), predictions.shape) == (7, 2, 2, (80, 5))
    assert ended == [True]


def test_a_validation_split_is_cut_from_what_is_not_held_out(tf, replayed):
    """If the student's ``fit`` cuts off a validation part, it cuts from training and development rows together."""
    given, _, _ = replayed()
    own_model(tf).fit(STUDENTS_X, STUDENTS_Y, verbose=0, validation_split=0.2)
    assert np.array_equal(given[0][0], np.concatenate(ROWS[:2]))


def test_several_inputs_and_one_hot_labels_keep_their_shapes(tf, replayed):
    """A list of inputs stays a list, cut as the student's was; labels are one-hot where the student's were."""
    given, sent, _ = replayed(labels=Labels.ONE_HOT)
    model = own_model(tf, inputs=2)
    model.compile("adam", "categorical_crossentropy")
    model.fit([STUDENTS_X[:, :4], STUDENTS_X[:, 4:]], np.eye(5)[STUDENTS_Y], verbose=0)
    (first, second), y, _ = given[0]
    assert (first.shape, second.shape, y.shape) == ((300, 4), (300, 5), (300, 5))
    assert np.array_equal(np.concatenate([first, second], axis=1), ROWS[0])
    assert len(sent) == 1


def test_a_data_set_becomes_arrays_in_its_batches(tf, replayed):
    """Batches from tf.data are the checker's rows in batches of the same size."""
    given, sent, _ = replayed()
    data = tf.data.Dataset.from_tensor_slices((STUDENTS_X.astype("float32"), STUDENTS_Y)).batch(50)
    own_model(tf).fit(data, verbose=0)
    assert np.array_equal(given[0][0], ROWS[0])
    assert sent[0][0].steps == 6


def test_other_fits_stay_the_students_own(tf, replayed):
    """Toy fits, other models, and anything after the last planned fit are left alone."""
    given, sent, _ = replayed(rank=1)
    own_model(tf).fit(STUDENTS_X, STUDENTS_Y, verbose=0)
    answer = own_model(tf)
    answer.fit(STUDENTS_X[:20], STUDENTS_Y[:20], verbose=0)
    answer.fit(STUDENTS_X, STUDENTS_Y, verbose=0)
    answer.fit(STUDENTS_X, STUDENTS_Y, verbose=0)
    assert [len(x) for x, _, _ in given] == [200, 20, 300, 200]
    assert len(sent) == 1
