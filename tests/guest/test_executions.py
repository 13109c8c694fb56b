"""No time is lost between a student's steps: the same digits, and only where nothing forbids it."""

import contextlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from notes import X, Y

from checker.guest.plain.hooks import Hooks
from checker.guest.watch import executions

pytestmark = pytest.mark.tensorflow

EPOCHS, WORTH_IT = 4, 60
"""An epoch has 20 steps."""


@pytest.fixture(autouse=True)
def soon_worth_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executions, "WORTH_IT", WORTH_IT)


@pytest.fixture(params=["3", "2"])
def keras(request: pytest.FixtureRequest, tf: Any) -> Any:
    if request.param == "3":
        return tf.keras
    import tf_keras

    return tf_keras


class Ear:
    """Counts how often Python hears of a step."""

    def __init__(self) -> None:
        self.heard = 0


@pytest.fixture
def ear(keras: Any, monkeypatch: pytest.MonkeyPatch) -> Ear:
    home, ear = keras.callbacks.CallbackList, Ear()
    original = home.on_train_batch_end

    def listen(callbacks: Any, batch: Any, logs: Any = None) -> Any:
        ear.heard += 1
        return original(callbacks, batch, logs)

    monkeypatch.setattr(home, "on_train_batch_end", listen)
    return ear


def make(keras: Any, *more: Any, kind: Any = None, **compiling: Any) -> Any:
    keras.utils.set_random_seed(4)
    layers = keras.layers
    stack = [layers.Input((9,)), layers.Dense(8, activation="relu"), *more, layers.Dense(5, activation="softmax")]
    model = (kind or keras.Sequential)(stack)
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"], **compiling)
    return model


def trained(tf: Any, keras: Any, model: Any, whole: bool, **more: Any) -> tuple[Any, list[Any]]:
    """Return history and weights after a fit."""
    keras.utils.set_random_seed(5)
    asked = {"x": X, "y": Y, "epochs": EPOCHS, "batch_size": None, "verbose": 0, **more}
    with executions.whole_epochs(tf, keras, model, asked) if whole else contextlib.nullcontext():
        history = model.fit(**asked)
    return history.history, model.get_weights()


def assert_same(one: tuple[Any, list[Any]], other: tuple[Any, list[Any]]) -> None:
    """Two fits' histories and weights are the same to the last bit."""
    assert one[0] == other[0]
    for mine, theirs in zip(one[1], other[1], strict=True):
        np.testing.assert_array_equal(mine, theirs)


def stopping(keras: Any) -> list[Any]:
    kinds = keras.callbacks
    return [kinds.EarlyStopping("val_loss", patience=2, restore_best_weights=True), kinds.ReduceLROnPlateau(patience=1)]


def cooling(keras: Any) -> list[Any]:
    return [keras.callbacks.LearningRateScheduler(lambda epoch: 0.01 / (1 + epoch))]


def batches(tf: Any) -> Any:
    return tf.data.Dataset.from_tensor_slices((X, Y)).shuffle(640, seed=3).batch(32)


ALLOWED: dict[str, Callable[[Any, Any], dict[str, Any]]] = {
    "an odd last batch": lambda tf, keras: {"batch_size": 30},
    "early stopping": lambda tf, keras: {"validation_split": 0.2, "epochs": 30, "callbacks": stopping(keras)},
    "class weights and a schedule": lambda tf, keras: {
        "class_weight": {0: 1.0, 1: 3.0, 2: 1.0, 3: 2.0, 4: 1.0},
        "callbacks": cooling(keras),
    },
    "a data set": lambda tf, keras: {
        "x": batches(tf),
        "y": None,
        "shuffle": False,
        "validation_data": batches(tf),
    },
}


@pytest.mark.parametrize(
    ("keras", "name"),
    [*(("3", name) for name in ALLOWED), ("2", "early stopping"), ("2", "a data set")],
    indirect=["keras"],
)
def test_the_digits_stay(tf: Any, keras: Any, ear: Ear, name: str, hooks: Hooks) -> None:
    """With whole epochs, or with data sets untuned, history and weights are those of single steps to the last bit, rows
    shuffled anew in each epoch; of whole epochs Python hears once."""
    norm = keras.layers.BatchNormalization
    step_by_step = trained(tf, keras, make(keras, norm()), whole=False, **ALLOWED[name](tf, keras))
    every_step, ear.heard = ear.heard, 0
    whole = trained(tf, keras, make(keras, norm()), whole=True, **ALLOWED[name](tf, keras))
    assert ear.heard == len(whole[0]["loss"]) < every_step
    assert_same(whole, step_by_step)
    executions.stop_tuning(hooks, tf)
    untuned = trained(tf, keras, make(keras, norm()), whole=False, **ALLOWED[name](tf, keras))
    assert_same(untuned, step_by_step)


def test_a_data_set_of_the_students_own_is_read_untuned_and_alike(tf: Any, hooks: Hooks) -> None:
    """Its elements come in the same order, another one in each pass, and only the tuning is switched off."""

    def passes() -> tuple[list[list[int]], list[Any]]:
        tf.random.set_seed(1)
        rows = tf.data.Dataset.range(50).map(lambda i: i + 1, num_parallel_calls=tf.data.AUTOTUNE).shuffle(50)
        read = [iter(rows.prefetch(tf.data.AUTOTUNE)) for _ in range(2)]
        return [[int(row) for row in one] for one in read], [one._dataset.options().autotune.enabled for one in read]

    tuned, _ = passes()
    executions.stop_tuning(hooks, tf)
    untuned, switches = passes()
    assert (untuned, switches) == (tuned, [False, False])
    assert untuned[0] != untuned[1]

    @tf.function
    def total() -> Any:
        sum_ = tf.constant(0, tf.int64)
        for row in tf.data.Dataset.range(5):
            sum_ += row
        return sum_

    assert int(total()) == 10


def test_functions_traced_before_and_after_are_not_mixed_up(tf: Any, keras: Any) -> None:
    """Evaluations before, within and after a fit, and a prediction, see the whole of their rows."""
    model, watched = make(keras), (X[:100], Y[:100])
    model.evaluate(*watched, verbose=0)
    history, _ = trained(tf, keras, model, whole=True, validation_data=watched)
    loss, accuracy = model.evaluate(*watched, verbose=0)
    assert (history["val_loss"][-1], history["val_accuracy"][-1]) == (loss, accuracy)
    assert np.mean(model.predict(watched[0], verbose=0).argmax(axis=1) == watched[1]) == pytest.approx(accuracy)


def dropout(keras: Any) -> Any:
    keras.utils.set_random_seed(3)  # a layer draws the seed of its numbers when it is made
    return keras.layers.Dropout(0.3)


def test_dropout_is_drawn_alike(tf: Any, ear: Ear, keras: Any) -> None:
    """Dropout of Keras 3 draws the same numbers in one execution; that of legacy Keras is left as it is."""
    step_by_step = trained(tf, keras, make(keras, dropout(keras)), whole=False)
    every_step, ear.heard = ear.heard, 0
    whole = trained(tf, keras, make(keras, dropout(keras)), whole=True)
    assert ear.heard == (EPOCHS if keras is tf.keras else every_step)
    assert whole[0] == step_by_step[0]


def own_step(keras: Any) -> Any:
    class Own(keras.Sequential):  # type: ignore[misc, name-defined]  # Keras has no types
        def train_step(self, data: Any) -> Any:
            return super().train_step(data)

    return Own


def at_each_step(keras: Any) -> list[Any]:
    return [keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: None)]


FORBIDDEN: dict[str, Callable[[Any], tuple[dict[str, Any], dict[str, Any]]]] = {
    "a callback at each step": lambda keras: ({}, {"callbacks": at_each_step(keras)}),
    "saving every ten steps": lambda keras: (
        {},
        {"callbacks": [keras.callbacks.ModelCheckpoint("x.weights.h5", save_weights_only=True, save_freq=10_000)]},
    ),
    "a training step of its own": lambda keras: ({"kind": own_step(keras)}, {}),
    "eager training": lambda keras: ({"run_eagerly": True}, {}),
    "steps of the student's choice": lambda keras: ({"steps_per_execution": 2}, {}),
    "too short to be worth it": lambda keras: ({}, {"epochs": 2}),
    "a generator": lambda keras: ({}, {"x": ((X[:32], Y[:32]) for _ in range(100)), "y": None, "epochs": 1}),
}


@pytest.mark.parametrize("name", FORBIDDEN)
def test_what_happens_at_each_step_forbids_it(tf: Any, keras: Any, name: str) -> None:
    """The number of steps in an execution stays the student's own."""
    making, asking = FORBIDDEN[name](keras)
    model = make(keras, **making)
    before = model.steps_per_execution
    asked = {"x": X, "y": Y, "epochs": EPOCHS, "batch_size": 32, **asking}
    with executions.whole_epochs(tf, keras, model, asked):
        assert int(model.steps_per_execution) == int(before)


def test_the_model_is_left_as_it_was(tf: Any, keras: Any) -> None:
    """Also after a fit that raised."""
    model = make(keras)
    asked = {"x": X, "y": Y, "epochs": EPOCHS, "batch_size": 32}

    def fail() -> None:
        with executions.whole_epochs(tf, keras, model, asked):
            assert int(model.steps_per_execution) == 20
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert int(model.steps_per_execution) == 1
    assert model.train_function is None
