"""No time is lost between a student's steps: the same digits, and only where nothing forbids it."""

import contextlib
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from notes import Notes, X, Y

from checker.guest.plain.hooks import Hooks
from checker.guest.watch import executions
from checker.guest.watch.capture import Capture
from checker.guest.watch.epochs import Looping
from checker.guest.watch.executions import Pace

pytestmark = pytest.mark.tensorflow

EPOCHS, WORTH_IT = 4, 60
"""An epoch has 20 steps."""
T = X[:, 0] * 3 + X[:, 1] ** 2
ONE_HOT = np.eye(5, dtype=np.float32)[Y]
CLASSES = {0: 1.0, 1: 3.0, 2: 0.5, 3: 2.0, 4: 0.7}


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


def make(keras: Any, *more: Any, kind: Any = None, last: Any = None, **compiling: Any) -> Any:
    keras.utils.set_random_seed(4)
    layers = keras.layers
    last = last or layers.Dense(5, activation="softmax")
    model = (kind or keras.Sequential)([layers.Input((9,)), layers.Dense(8, activation="relu"), *more, last])
    usual = {"optimizer": "adam", "loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"]}
    model.compile(**{**usual, **compiling})
    return model


def trained(tf: Any, keras: Any, model: Any, whole: bool, **more: Any) -> tuple[Any, list[Any]]:
    """Return history and weights after a fit."""
    keras.utils.set_random_seed(5)
    asked = {"x": X, "y": Y, "epochs": EPOCHS, "batch_size": None, "verbose": 0, "shuffle": True, **more}
    with Pace(tf, keras).whole_epochs(model, asked) if whole else contextlib.nullcontext():
        history = model.fit(**asked)
    return history.history, model.get_weights()


def assert_same(one: tuple[Any, list[Any]], other: tuple[Any, list[Any]]) -> None:
    """Two fits' histories and weights are the same to the last bit."""
    assert one[0] == other[0]
    for mine, theirs in zip(one[1], other[1], strict=True):
        np.testing.assert_array_equal(mine, theirs)


def stopping(keras: Any) -> list[Any]:
    """Callbacks that slow the training down and end it after few of thirty epochs."""
    kinds, much = keras.callbacks, 0.2
    stopper = kinds.EarlyStopping("val_loss", min_delta=much, patience=2, restore_best_weights=True)
    return [stopper, kinds.ReduceLROnPlateau(min_delta=much, patience=1)]


def cooling(keras: Any) -> list[Any]:
    return [keras.callbacks.LearningRateScheduler(lambda epoch: 0.01 / (1 + epoch))]


def batches(tf: Any) -> Any:
    return tf.data.Dataset.from_tensor_slices((X, Y)).shuffle(640, seed=3).batch(32)


def students_own(keras: Any) -> Any:
    class Own(keras.Sequential):  # type: ignore[misc, name-defined]  # Keras has no types
        """Whose epoch is one execution, not one loop."""

    return Own


ALLOWED: dict[str, Callable[[Any, Any], dict[str, Any]]] = {
    "early stopping": lambda tf, keras: {"validation_split": 0.2, "epochs": 30, "callbacks": stopping(keras)},
    "an odd last batch, class weights and a schedule": lambda tf, keras: {
        "batch_size": 30,
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
    norm, kind = keras.layers.BatchNormalization, students_own(keras)
    step_by_step = trained(tf, keras, make(keras, norm(), kind=kind), whole=False, **ALLOWED[name](tf, keras))
    every_step, ear.heard = ear.heard, 0
    whole = trained(tf, keras, make(keras, norm(), kind=kind), whole=True, **ALLOWED[name](tf, keras))
    assert ear.heard == len(whole[0]["loss"]) < every_step
    assert name != "early stopping" or len(whole[0]["loss"]) < 30
    assert_same(whole, step_by_step)
    executions.stop_tuning(hooks, tf)
    untuned = trained(tf, keras, make(keras, norm(), kind=kind), whole=False, **ALLOWED[name](tf, keras))
    assert_same(untuned, step_by_step)


def looking_in(keras: Any) -> Any:
    class LookingIn(keras.callbacks.Callback):  # type: ignore[misc, name-defined]  # Keras has no types
        """Uses the network after each epoch, and has its training step traced anew."""

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            logs["seen"] = float(self.model.predict(X[:50], verbose=0).sum())
            logs["tested"], _ = self.model.evaluate(X[:70], Y[:70], verbose=0)
            self.model.make_train_function(force=True)

    return LookingIn()


def cooling_off(keras: Any) -> Any:
    cooler = keras.optimizers.schedules.ExponentialDecay(0.05, 30, 0.5)
    return keras.optimizers.SGD(cooler, momentum=0.9, nesterov=True, clipnorm=1.0)


def kept_small(keras: Any) -> Any:
    return keras.layers.Dense(8, kernel_regularizer="l2", activity_regularizer="l1", kernel_constraint="max_norm")


def measured(keras: Any) -> list[Any]:
    kinds = keras.metrics
    return ["accuracy", kinds.AUC(name="auc"), kinds.Recall(name="recall"), kinds.TopKCategoricalAccuracy(2)]


LOOPED: dict[str, Callable[[Any], tuple[list[Any], dict[str, Any], dict[str, Any]]]] = {
    "weights of classes, and fewer rows in the last batch": lambda keras: (
        [],
        {},
        {"class_weight": CLASSES, "batch_size": 30, "validation_split": 0.2},
    ),
    "normalisation": lambda keras: (
        [keras.layers.BatchNormalization(), keras.layers.LayerNormalization()],
        {"optimizer": "rmsprop"},
        {"validation_split": 0.25, "validation_batch_size": 50},
    ),
    "a penalty and a constraint": lambda keras: ([kept_small(keras)], {}, {"validation_split": 0.2, "epochs": 5}),
    "rows in their order, and a schedule": lambda keras: (
        [],
        {"optimizer": cooling_off(keras)},
        {"shuffle": False, "batch_size": 27},
    ),
    "regression, and weights of rows": lambda keras: (
        [],
        {"loss": "mse", "metrics": ["mae", "mape"], "weighted_metrics": ["mse"], "last": keras.layers.Dense(1)},
        {"y": T, "sample_weight": 1 + np.abs(X[:, 0]), "validation_data": (X[:99], T[:99], 1 + np.abs(X[:99, 1]))},
    ),
    "one-hot labels": lambda keras: (
        [],
        {"loss": "categorical_crossentropy", "metrics": measured(keras)},
        {"y": ONE_HOT, "class_weight": CLASSES, "validation_split": 0.2},
    ),
    "callbacks of Keras's own": lambda keras: (
        [],
        {},
        {"epochs": 30, "validation_split": 0.2, "callbacks": [*stopping(keras), *cooling(keras)]},
    ),
    "a callback of the student's own, and a later first epoch": lambda keras: (
        [],
        {},
        {"callbacks": [looking_in(keras)], "initial_epoch": 3, "epochs": 6},
    ),
    "two steps in all": lambda keras: ([], {}, {"x": X[:50], "y": Y[:50], "epochs": 1}),
    "one batch, not full": lambda keras: ([], {}, {"x": X[:20], "y": Y[:20], "validation_split": 0.2}),
    "one batch, in order": lambda keras: ([], {}, {"batch_size": len(X), "shuffle": False}),
}


@pytest.mark.parametrize("name", [*LOOPED, "dropout"])
def test_an_epoch_is_one_loop_with_the_same_digits(tf: Any, keras: Any, ear: Ear, name: str) -> None:
    """After two fits history, weights, the optimizer's state, evaluations and the next random numbers are those of
    single steps to the last bit; the second fit uses the first one's loops, and evaluations use them too."""
    if name == "dropout" and keras is not tf.keras:
        pytest.skip("legacy Keras's random numbers depend on how often a step was traced")

    def train(pace: Pace | None) -> list[Any]:
        keras.utils.set_random_seed(4)  # layers draw the seeds of their initialisers when they are made
        more, compiling, asking = LOOPED[name](keras) if name in LOOPED else ([dropout(keras)], {}, {"batch_size": 30})
        model, found = make(keras, *more, **compiling), list[Any]()
        keras.utils.set_random_seed(5)
        for _ in range(2):
            asked = {"x": X, "y": Y, "epochs": EPOCHS, "batch_size": None, "verbose": 0, "shuffle": True, **asking}
            with pace.whole_epochs(model, asked) if pace else contextlib.nullcontext():
                assert isinstance(model.train_function, Looping) == (pace is not None)
                found += [model.fit(**asked).history]
        state = model.optimizer.variables() if callable(model.optimizer.variables) else model.optimizer.variables
        found += [[np.asarray(value).tolist() for value in (*model.get_weights(), *state)]]
        for size in (None, 50):
            asked = {"x": asked["x"], "y": asked["y"], "sample_weight": asked.get("sample_weight"), "batch_size": size}
            with pace.whole_pass(model, asked) if pace else contextlib.nullcontext():
                assert isinstance(model.test_function, Looping) == (pace is not None)
                found += [model.evaluate(**asked, verbose=0)]
        drawn = random.random(), np.random.random(), float(tf.random.uniform(()))
        return [*found, model.evaluate(asked["x"], asked["y"], verbose=0), drawn]

    step_by_step = train(None)
    ear.heard = 0
    looped = train(Pace(tf, keras))
    assert ear.heard == sum(len(history["loss"]) for history in looped[:2])
    assert looped == step_by_step


def test_a_network_compiled_anew_gets_loops_of_its_own(tf: Any, keras: Any) -> None:
    """Its next fit follows the new compilation; an evaluation before that is Keras's own."""
    pace, model = Pace(tf, keras), make(keras)
    given = {"x": X, "y": Y, "epochs": 1, "batch_size": 32, "shuffle": True, "verbose": 0}

    def train() -> Any:
        with pace.whole_epochs(model, given):
            model.fit(**given)
            return model.train_function

    def is_evaluated_in_a_loop() -> bool:
        with pace.whole_pass(model, {"x": X, "y": Y, "batch_size": None}):
            return isinstance(model.test_function, Looping)

    assert not is_evaluated_in_a_loop()
    first = train()
    assert train() is first
    assert is_evaluated_in_a_loop()
    model.compile(keras.optimizers.SGD(0.0), "sparse_categorical_crossentropy")
    assert not is_evaluated_in_a_loop()
    before = model.get_weights()
    assert train() is not first
    assert all(map(np.array_equal, before, model.get_weights()))


def test_the_hooks_of_a_kernel_do_not_stand_in_its_way(tf: Any) -> None:
    """With all methods of a model wrapped, a fit is looped, and its steps are counted as ever; so is an evaluation. Not
    so with ``--exact``."""
    functions, kinds = [], tf.keras.callbacks
    spy = kinds.LambdaCallback(on_epoch_end=lambda epoch, logs: functions.append(model.train_function))
    other = kinds.LambdaCallback(on_test_end=lambda logs: functions.append(model.test_function))
    for exact in (False, True):
        with Hooks() as installed:
            notes = Notes()
            Capture(tf, notes.registry(tf), exact).install(installed)
            model = make(tf.keras)
            model.fit(X, Y, epochs=EPOCHS, verbose=0, validation_split=0.2, callbacks=[spy])
            model.evaluate(X, Y, verbose=0, callbacks=[other])
        (fit,) = notes.only.fits
        assert (fit.epochs_done, fit.steps_done) == (EPOCHS, 16 * EPOCHS)
        assert all(isinstance(function, Looping) != exact for function in functions[-EPOCHS - 1 :])


def swish(keras: Any) -> dict[str, Any]:
    return {"last": keras.layers.Dense(5, activation="swish")}


def own_loss(keras: Any) -> dict[str, Any]:
    def halved(wanted: Any, given: Any) -> Any:
        return keras.losses.sparse_categorical_crossentropy(wanted, given) / 2

    return {"loss": halved}


def own_metric(keras: Any) -> dict[str, Any]:
    def nothing(wanted: Any, given: Any) -> Any:
        return 0.0 * given[:, 0]

    return {"metrics": [nothing]}


def own_activation(keras: Any) -> dict[str, Any]:
    return {"last": keras.layers.Dense(5, activation=lambda values: values / 2)}


OUTSIDE = {
    "a class of its own": lambda keras: {"kind": students_own(keras)},
    "a loss of its own": own_loss,
    "a metric of its own": own_metric,
    "an activation of its own": own_activation,
    "a compiler of its own": lambda keras: {"jit_compile": True},
}


@pytest.mark.parametrize("name", OUTSIDE)
def test_code_of_the_students_own_is_in_no_loop(tf: Any, keras: Any, name: str) -> None:
    """Such a network is trained as ever."""
    model = make(keras, **OUTSIDE[name](keras))
    asked = {"x": X, "y": Y, "epochs": EPOCHS, "batch_size": 32, "shuffle": True}
    with Pace(tf, keras).whole_epochs(model, asked):
        assert not isinstance(model.train_function, Looping)


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
    kind = students_own(keras)
    step_by_step = trained(tf, keras, make(keras, dropout(keras), kind=kind), whole=False)
    every_step, ear.heard = ear.heard, 0
    whole = trained(tf, keras, make(keras, dropout(keras), kind=kind), whole=True)
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
    "too short to be worth it": lambda keras: ({"kind": students_own(keras)}, {"epochs": 2}),
    "an activation that is fused outside of loops": lambda keras: (swish(keras), {}),
    "a generator": lambda keras: ({}, {"x": ((X[:32], Y[:32]) for _ in range(100)), "y": None, "epochs": 1}),
}


@pytest.mark.parametrize("name", FORBIDDEN)
def test_what_happens_at_each_step_forbids_it(tf: Any, keras: Any, name: str) -> None:
    """The number of steps in an execution stays the student's own, and so does the function that trains."""
    making, asking = FORBIDDEN[name](keras)
    model = make(keras, **making)
    before = int(model.steps_per_execution), model.train_function
    asked = {"x": X, "y": Y, "epochs": EPOCHS, "batch_size": 32, "shuffle": True, **asking}
    with Pace(tf, keras).whole_epochs(model, asked):
        assert (int(model.steps_per_execution), model.train_function) == before


@pytest.mark.parametrize("is_looped", [True, False])
def test_the_model_is_left_as_it_was(tf: Any, keras: Any, is_looped: bool) -> None:
    """Also after a fit that raised; what was traced for its other uses is not lost."""
    model = make(keras, kind=None if is_looped else students_own(keras))
    model.predict(X[:10], verbose=0)
    before = model.predict_function, set(vars(model))
    asked = {"x": X, "y": Y, "epochs": EPOCHS, "batch_size": 32, "shuffle": True}

    def fail() -> None:
        with Pace(tf, keras).whole_epochs(model, asked):
            assert isinstance(model.train_function, Looping) == is_looped
            assert int(model.steps_per_execution) == (1 if is_looped else 20)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert int(model.steps_per_execution) == 1
    assert model.train_function is None
    assert (model.predict_function, set(vars(model))) == before
