"""The witness records the predictions of networks as the student trained them, and does not change the student's
run."""

from typing import Any

import numpy as np
import pytest
from notes import Notes, X, Y

from checker.guest.plain.hooks import Hooks
from checker.guest.watch.as_trained import MAX_OUTPUT_BYTES, Witness
from checker.guest.watch.capture import Capture
from checker.guest.watch.registry import ModelRegistry
from checker.records.assignment import Caps
from checker.wire.frames import reference

pytestmark = pytest.mark.tensorflow

TEST = np.random.default_rng(2).normal(size=(200, 9)).astype("float32")


class Heard(Notes):
    """Notes that return a network's predictions for a table."""

    def of(self, model: int, table: Any) -> Any:
        """Return the network's newest predictions for a table."""
        wanted = reference(table).sha256
        return next(self.given[of.outputs.sha256] for of in self.as_trained[model].outputs if of.table == wanted)


class Bench:
    """A notebook with its capture, its witness, and the records that were sent."""

    def __init__(self, tf: Any, hooks: Hooks, outputs: int = 5) -> None:
        self.heard = Heard()
        registry = ModelRegistry(tf, Caps(10_000, 20_000, 1_000, 100_000), self.heard.send, lambda: 3)
        self.capture = Capture(tf, registry)
        self.capture.install(hooks)
        self.witness = Witness(tf, registry, outputs, self.heard.hear, self.capture.inside)

    def end_cell(self, is_last: bool = False) -> None:
        self.capture.scan({})
        self.witness.end_cell(is_last)


@pytest.fixture
def bench(tf: Any, hooks: Hooks) -> Bench:
    return Bench(tf, hooks)


def make(tf: Any, hidden: int = 6, outputs: int = 5) -> Any:
    layers = tf.keras.layers
    last = layers.Dense(outputs, activation="softmax" if outputs > 1 else None)
    model = tf.keras.Sequential([layers.Input((9,)), layers.Dense(hidden, "relu"), layers.Dropout(0.5), last])
    model.compile("adam", "sparse_categorical_crossentropy" if outputs > 1 else "mse")
    return model


def test_a_trained_network_answers_for_every_table_of_its_width(tf: Any, bench: Bench) -> None:
    """After a cell, a network's predictions equal those of ``predict``, for its own tables and those of other
    networks."""
    model, other = make(tf), make(tf)
    model.fit(X[:400], Y[:400], validation_data=(X[400:], Y[400:]), verbose=0)
    other.predict(TEST, verbose=0)
    bench.end_cell()
    for table in (X[:400], X[400:], TEST):
        classes = bench.heard.of(1, table)
        assert classes.dtype == np.uint8
        assert np.array_equal(classes, model.predict(table, verbose=0).argmax(axis=1))
    assert list(bench.heard.as_trained) == [1], "the other was never trained"


def test_values_of_a_regression_are_kept(tf: Any, hooks: Hooks) -> None:
    """The predictions of a network with one output are its values."""
    bench = Bench(tf, hooks, outputs=1)
    model = make(tf, outputs=1)
    model.fit(X, X[:, 0], verbose=0)
    bench.end_cell()
    assert np.allclose(bench.heard.of(1, X), model.predict(X, verbose=0)[:, 0], atol=1e-6)


def test_no_random_state_of_the_students_moves(tf: Any, bench: Bench) -> None:
    """Random draws of every kind and a later training with dropout are the same with the witness and without it."""

    def run(ends_cells: bool) -> list[Any]:
        tf.keras.utils.set_random_seed(5)
        model = make(tf)
        for _ in range(3):
            model.fit(X, Y, batch_size=64, verbose=0)
            if ends_cells:
                bench.end_cell()
        drawn = [np.random.rand(), float(tf.random.uniform(())), *make(tf).get_weights()]
        if ends_cells:
            bench.end_cell(is_last=True)
        return [*model.get_weights(), *drawn]

    assert all(np.array_equal(a, b) for a, b in zip(run(True), run(False), strict=True))


def test_only_news_is_sent(tf: Any, bench: Bench) -> None:
    """Cells that change nothing send nothing; new weights replace all predictions, and a new table adds one."""
    model = make(tf)
    model.fit(X, Y, verbose=0)
    bench.end_cell()
    bench.end_cell()
    bench.end_cell(is_last=True)
    assert bench.heard.said == 1
    model.evaluate(TEST, np.zeros(200), verbose=0)
    bench.end_cell()
    assert (bench.heard.said, len(bench.heard.as_trained[1].outputs)) == (2, 2)
    model.set_weights([np.zeros_like(values) for values in model.get_weights()])
    bench.end_cell()
    assert bench.heard.said == 3
    assert set(bench.heard.of(1, X)) == {0}


def test_weights_that_are_assigned_count_at_the_end_of_the_file(tf: Any, bench: Bench) -> None:
    """A network's last predictions are those of its final weights, also if these were changed unnoticed."""
    model = make(tf)
    model.fit(X, Y, verbose=0)
    bench.end_cell()
    for variable in model.weights:
        variable.assign(variable * 0)
    bench.end_cell(is_last=True)
    assert set(bench.heard.of(1, X)) == {0}


def test_a_network_answers_before_other_weights_are_loaded(tf: Any, bench: Bench) -> None:
    """The predictions before ``set_weights`` in the same cell are sent, whatever happens later."""
    model = make(tf)
    model.fit(X, Y, verbose=0)
    gave = model.predict(X, verbose=0).argmax(axis=1)
    model.set_weights(model.get_weights())
    assert np.array_equal(bench.heard.of(1, X), gave)


def test_a_loop_of_single_epochs_is_looked_at_now_and_then(tf: Any, bench: Bench) -> None:
    """A loop of single epochs is not interrupted for predictions after each epoch."""
    model = make(tf)
    for _ in range(20):
        model.fit(X, Y, verbose=0)
    assert bench.heard.said == 0
    bench.end_cell()
    assert bench.heard.said == 1


def test_a_network_of_the_students_own_class_is_not_asked(tf: Any, bench: Bench) -> None:
    """A network of the student's own class gives no predictions, so its code runs only as often as the student asked,
    and the note says so."""
    calls = []

    class Own(tf.keras.Model):  # type: ignore[misc]  # Keras has no types
        def __init__(self) -> None:
            super().__init__()
            self.last = tf.keras.layers.Dense(5, activation="softmax")

        def call(self, x: Any) -> Any:
            calls.append(1)
            return self.last(x)

    model = Own()
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(X, Y, verbose=0)
    before = len(calls)
    bench.end_cell(is_last=True)
    assert len(calls) == before
    record = bench.heard.as_trained[1]
    assert (record.outputs, "the student's own class `Own`" in record.note) == ((), True)


def test_several_inputs_are_given_apart(tf: Any, bench: Bench) -> None:
    """A network with two inputs gets the two parts of its table."""
    layers = tf.keras.layers
    one, two = layers.Input((4,)), layers.Input((5,))
    outputs = layers.Dense(5, "softmax")(layers.Concatenate()([one, layers.Dense(3, "relu")(two)]))
    model = tf.keras.Model([one, two], outputs)
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit([X[:, :4], X[:, 4:]], Y, verbose=0)
    bench.end_cell()
    assert np.array_equal(bench.heard.of(1, X), model.predict([X[:, :4], X[:, 4:]], verbose=0).argmax(axis=1))


def test_inputs_by_name_are_given_by_name(tf: Any, bench: Bench) -> None:
    """A network with named inputs gets them by name, whatever the order in which they were fed."""
    layers = tf.keras.layers
    inputs = {name: layers.Input((1,), name=name) for name in "cab"}
    outputs = layers.Dense(5, "softmax")(layers.Concatenate()(list(inputs.values())))
    model = tf.keras.Model(inputs, outputs)
    model.compile(tf.keras.optimizers.Adam(0.1), "sparse_categorical_crossentropy")
    given = {name: X[:, [column]] for column, name in enumerate("cab")}
    model.fit(given, Y, verbose=0)
    bench.end_cell()
    table = np.hstack([given[tensor.name] for tensor in model.inputs])
    assert np.array_equal(bench.heard.of(1, table), model.predict(given, verbose=0).argmax(axis=1))


def test_inputs_of_more_axes_get_their_shape_back(tf: Any, bench: Bench) -> None:
    """A network over rows of shape (9, 1) gets its table in that shape."""
    layers = tf.keras.layers
    convolution = [layers.Conv1D(4, 3, activation="relu"), layers.Flatten(), layers.Dense(5, activation="softmax")]
    model = tf.keras.Sequential([layers.Input((9, 1)), *convolution])
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(X[:, :, None], Y, verbose=0)
    bench.end_cell()
    assert np.array_equal(bench.heard.of(1, X), model.predict(X[:, :, None], verbose=0).argmax(axis=1))


def test_answers_have_a_budget_of_their_own(tf: Any, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """If predictions are too large, that network's note says so, and those of other networks stay."""
    monkeypatch.setattr("checker.guest.watch.as_trained.MAX_OUTPUT_BYTES", 1_000)
    assert MAX_OUTPUT_BYTES > 20 * 100_000, "twenty networks, each with all the rows that a width may have"
    for _ in range(2):
        make(tf).fit(X, Y, verbose=0)
        bench.end_cell()
    first, second = bench.heard.as_trained.values()
    assert (len(first.outputs), first.note) == (1, "")
    assert (second.outputs, "not kept" in second.note) == ((), True)


def test_outputs_that_are_no_numbers_name_no_class(tf: Any, bench: Bench) -> None:
    """A network whose outputs are NaN predicts 255, which is not a class."""
    model = make(tf)
    model.fit(X, Y, verbose=0)
    model.set_weights([np.full_like(values, np.nan) for values in model.get_weights()])
    bench.end_cell()
    assert set(bench.heard.of(1, X)) == {255}
