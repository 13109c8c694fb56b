"""The record of a ``tf.GradientTape`` loop that the hooks in the student's kernel make, in both generations of
Keras."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import tf_keras
from notes import Notes, X, Y

from checker.guest.plain import architecture
from checker.guest.plain.hooks import Hooks
from checker.guest.watch.capture import Capture
from checker.guest.watch.tape import Tapes
from checker.records.network import Labels

pytestmark = pytest.mark.tensorflow


class OneGeneration:
    """TensorFlow with one generation of Keras."""

    def __init__(self, tf: Any, keras: Any) -> None:
        self.tf, self.keras = tf, keras
        self.losses = keras.losses

    def __getattr__(self, name: str) -> Any:
        return getattr(self.tf, name)


@pytest.fixture(params=["3", "2"])
def keras(request: pytest.FixtureRequest, tf: Any) -> Any:
    return tf.keras if request.param == "3" else tf_keras


@pytest.fixture
def notes(tf: Any, keras: Any, hooks: Hooks) -> Notes:
    notes = Notes()
    one = OneGeneration(tf, keras)
    capture = Capture(one, notes.registry(one))
    capture.install(hooks)
    Tapes(one, capture).install(hooks)
    notes.end_cell = lambda: capture.scan({})  # type: ignore[attr-defined]
    return notes


def make(keras: Any, built: bool = True) -> Any:
    layers = keras.layers
    stack = [layers.Input((9,))] if built else []
    return keras.Sequential([*stack, layers.Dense(6, activation="relu"), layers.Dense(5, activation="softmax")])


Step = Callable[[Any, Any], Any]


def step_of(tf: Any, keras: Any, model: Any, optimizer: Any = None, loss: Any = None) -> Step:
    optimizer = optimizer or keras.optimizers.Adam(0.01)
    loss = loss or keras.losses.SparseCategoricalCrossentropy()

    def train_step(x: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            value = loss(y, model(x, training=True))
        gradients = tape.gradient(value, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        return value

    return train_step


def train(step: Step, notes: Any, epochs: int = 3) -> None:
    for epoch in range(epochs):
        order = np.random.default_rng(epoch).permutation(640)
        for rows in order.reshape(-1, 64):
            step(X[rows], Y[rows])
    notes.end_cell()


def in_a_function(tf: Any, step: Step) -> Step:
    return tf.function(step, reduce_retracing=True)  # type: ignore[no-any-return]  # TensorFlow has no types


def eager(tf: Any, step: Step) -> Step:
    return step


@pytest.mark.parametrize("way", [eager, in_a_function])
def test_a_loop_is_one_training(tf: Any, keras: Any, notes: Notes, way: Callable[[Any, Step], Step]) -> None:
    """The record has the optimizer, loss, labels, batch size, epochs and rows, each once, eagerly and inside a
    tf.function."""
    model = make(keras)
    train(way(tf, step_of(tf, keras, model)), notes)
    (fit,) = notes.only.fits
    assert fit.unrebuildable == "" and fit.phase is not None and fit.finished
    assert (fit.how, fit.epochs_asked, fit.steps_done, fit.phase.batch_size) == ("GradientTape loop", 3, 30, 64)
    assert fit.phase.optimizer.class_name == "Adam"
    assert fit.phase.optimizer.config["learning_rate"] == pytest.approx(0.01)
    assert fit.phase.loss.class_name == "SparseCategoricalCrossentropy"
    assert fit.phase.labels is Labels.INTEGERS
    assert fit.training.rows == 640
    assert any(a.shape == (640, 9) and {r.tobytes() for r in a} == {r.tobytes() for r in X} for a in notes.arrays)
    assert notes.only.architecture == architecture.describe(model, keras, tf)


@pytest.mark.parametrize("way", [eager, in_a_function])
def test_the_loss_of_each_epoch_is_known(tf: Any, keras: Any, notes: Notes, way: Callable[[Any, Step], Step]) -> None:
    """The minimised loss becomes a history like that of ``fit``, and falls if the network learns."""
    train(way(tf, step_of(tf, keras, make(keras))), notes)
    losses = notes.only.fits[0].history["loss"]
    assert len(losses) == 3
    assert losses[0] is not None and losses[-1] is not None and losses[-1] < 0.98 * losses[0]


def test_a_loss_without_a_gradient_does_not_fall(tf: Any, keras: Any, notes: Notes) -> None:
    """A loss without its gradient teaches nothing, so its history does not fall."""
    model, loss = make(keras), keras.losses.SparseCategoricalCrossentropy()
    optimizer = keras.optimizers.Adam(0.01)

    def step(x: Any, y: Any) -> None:
        with tf.GradientTape() as tape:
            value = loss(y, model(x, training=True))
            held = tf.stop_gradient(value) + 0.0 * value
        optimizer.apply_gradients(
            zip(tape.gradient(held, model.trainable_variables), model.trainable_variables, strict=True)
        )

    train(step, notes)
    (fit,) = notes.only.fits
    assert fit.history["loss"] == pytest.approx([fit.history["loss"][0]] * 3, rel=1e-5)


def test_a_function_may_loop_over_a_data_set_itself(tf: Any, keras: Any, notes: Notes) -> None:
    """A tf.function that gets a data set shows every batch, and so do inner functions."""
    step = tf.function(step_of(tf, keras, make(keras, built=True)))
    batches = tf.data.Dataset.from_tensor_slices((X, Y)).shuffle(640, seed=1).batch(64)

    @tf.function
    def an_epoch(batches: Any) -> None:
        for x, y in batches:
            step(x, y)

    for _ in range(3):
        an_epoch(batches)
    notes.end_cell()  # type: ignore[attr-defined]
    (fit,) = notes.only.fits
    assert fit.phase is not None
    assert (fit.epochs_asked, fit.steps_done, fit.training.rows) == (3, 30, 640)


def test_minimize_with_variables_is_a_step(tf: Any, notes: Notes, keras: Any) -> None:
    """Legacy Keras's ``minimize(loss, var_list)`` gives the record of the same training."""
    if keras is not tf_keras:
        pytest.skip("Keras 3 has no minimize")
    model, loss = make(keras), keras.losses.sparse_categorical_crossentropy
    optimizer = keras.optimizers.SGD(0.1)

    def step(x: Any, y: Any) -> None:
        optimizer.minimize(lambda: tf.reduce_mean(loss(y, model(x))), model.trainable_variables)

    train(step, notes)
    (fit,) = notes.only.fits
    assert fit.unrebuildable == "" and fit.phase is not None
    assert (fit.epochs_asked, fit.training.rows, fit.phase.optimizer.class_name) == (3, 640, "SGD")
    assert fit.phase.loss.class_name == "SparseCategoricalCrossentropy"


def test_a_cross_entropy_of_tensorflows_is_one_of_logits(tf: Any, keras: Any, notes: Notes) -> None:
    """A loss of ``tf.nn`` that is summed over the batch takes logits, and multiplies the rate of plain descent by the
    batch size."""
    model = keras.Sequential([keras.layers.Input((9,)), keras.layers.Dense(5)])

    def loss(y: Any, outputs: Any) -> Any:
        return tf.reduce_sum(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=outputs))

    train(step_of(tf, keras, model, keras.optimizers.SGD(0.001), loss), notes)
    phase = notes.only.fits[0].phase
    assert phase is not None
    assert phase.loss.config == {"from_logits": True}
    assert phase.optimizer.config["learning_rate"] == pytest.approx(0.064)


@pytest.mark.parametrize("way", [eager, in_a_function])
def test_steps_beyond_the_cap_are_left_out(tf: Any, keras: Any, notes: Notes, way: Any) -> None:
    """Of 200 steps 100 are run; the others are only counted."""
    optimizer = keras.optimizers.Adam()
    train(way(tf, step_of(tf, keras, make(keras), optimizer)), notes, epochs=20)
    (fit,) = notes.only.fits
    assert (fit.epochs_asked, fit.epochs_done, fit.steps_done) == (20, 10, 100)
    assert int(optimizer.iterations) == 100


@pytest.mark.parametrize("way", [eager, in_a_function])
def test_development_and_test_rows_are_uses(tf: Any, keras: Any, notes: Notes, way: Any) -> None:
    """Calls without a step are uses, also in batches; a second call on a training batch is not."""
    model, unseen = make(keras), X + 1
    look = way(tf, lambda x, y: keras.losses.SparseCategoricalCrossentropy()(y, model(x, training=False)))
    train(step_of(tf, keras, model), notes, epochs=1)
    model(X[:64])
    for at in range(0, 640, 64):
        look(unseen[at : at + 64], Y[at : at + 64])
    notes.end_cell()  # type: ignore[attr-defined]
    assert [(use.how, use.fed.rows) for use in notes.only.uses] == [("evaluate", 640)]


def test_testing_on_training_rows_is_no_development_set(tf: Any, keras: Any, notes: Notes) -> None:
    """Keras's own methods on the loop's rows, in any order, are recorded with the rows of the training."""
    model = make(keras)
    train(step_of(tf, keras, model), notes, epochs=1)
    model.predict(X, verbose=0)
    model.predict(X[::-1], verbose=0)
    (use,) = notes.only.uses
    assert use.fed.x == notes.only.fits[0].training.x


def own_loss(tf: Any, y: Any, outputs: Any) -> Any:
    return -tf.reduce_mean(tf.math.log(tf.gather(outputs, y, batch_dims=1)))


def with_penalty(tf: Any, y: Any, outputs: Any) -> Any:
    loss = tf.reduce_mean(tf.keras.losses.sparse_categorical_crossentropy(y, outputs))
    return loss + 0.1 * tf.reduce_sum(outputs**4)


@pytest.mark.parametrize(("loss", "words"), [(own_loss, "none of Keras's own"), (with_penalty, "rows' losses alone")])
def test_a_loss_that_cannot_be_told_is_said(tf: Any, keras: Any, notes: Notes, loss: Any, words: str) -> None:
    """A training with an unknown loss is recorded with its rows and the reason why it cannot be rebuilt."""
    if keras is not tf.keras:
        pytest.skip("one generation is enough")
    train(step_of(tf, keras, make(keras), loss=lambda y, outputs: loss(tf, y, outputs)), notes)
    (fit,) = notes.only.fits
    assert fit.phase is None and words in fit.unrebuildable
    assert fit.training.rows == 640


def test_clipped_gradients_are_said(tf: Any, keras: Any, notes: Notes) -> None:
    """If gradients are changed by hand, the record says so: the step is not the optimizer's own."""
    model, optimizer = make(keras), keras.optimizers.Adam()

    def step(x: Any, y: Any) -> None:
        with tf.GradientTape() as tape:
            value = keras.losses.SparseCategoricalCrossentropy()(y, model(x))
        gradients = [tf.clip_by_norm(g, 1.0) for g in tape.gradient(value, model.trainable_variables)]
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))

    train(step, notes, epochs=1)
    assert "gradients are changed" in notes.only.fits[0].unrebuildable


def test_what_keras_does_inside_fit_is_not_noted_twice(tf: Any, keras: Any, notes: Notes) -> None:
    """A call of ``fit`` is one training, and a prediction one use."""
    model = make(keras)
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(X, Y, verbose=0, validation_data=(X + 1, Y))
    model.predict(X + 1, verbose=0)
    model.predict_on_batch(X[:64])
    notes.end_cell()  # type: ignore[attr-defined]
    assert [fit.how for fit in notes.only.fits] == ["fit"]
    assert [use.how for use in notes.only.uses] == ["predict"]
