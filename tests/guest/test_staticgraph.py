"""What the hooks in the student's kernel note of a TensorFlow 1 graph."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import tf_keras
from notes import Notes, X, Y
from tf_keras.src.legacy_tf_layers import core, normalization

from checker.guest.plain import architecture, generation
from checker.guest.plain.hooks import Hooks
from checker.guest.watch.as_trained import Witness
from checker.guest.watch.capture import Capture
from checker.guest.watch.staticgraph import StaticGraphs
from checker.records.network import Architecture, Labels

pytestmark = [
    pytest.mark.tensorflow,
    pytest.mark.filterwarnings("ignore:.*tf.layers.*:UserWarning"),  # what such code uses is deprecated
]


@pytest.fixture
def notes(tf: Any, hooks: Hooks) -> Iterator[Notes]:
    v1 = tf.compat.v1
    legacy = SimpleNamespace(keras=tf_keras, nn=tf.nn, math=tf.math, nest=tf.nest, compat=tf.compat)
    legacy.get_static_value = tf.get_static_value
    notes = Notes()
    capture = Capture(legacy, notes.registry(legacy))
    StaticGraphs(legacy, capture.registry).install(hooks)
    witness = Witness(legacy, capture.registry, 5, notes.hear, capture.inside)

    def end_cell(is_last: bool = False) -> None:
        capture.scan({})
        witness.end_cell(is_last)

    notes.end_cell = end_cell  # type: ignore[attr-defined]
    with v1.Graph().as_default():
        yield notes


class RunSettings:
    """A graph's placeholders, and a loop over batches of 64."""

    def __init__(self, v1: Any, notes: Any) -> None:
        self.v1, self.notes = v1, notes
        self.x, self.y = v1.placeholder("float32", [None, 9]), v1.placeholder("int64", [None])

    def loss(self, logits: Any) -> Any:
        each = self.v1.nn.sparse_softmax_cross_entropy_with_logits(labels=self.y, logits=logits)
        return self.v1.reduce_mean(each)

    def train(self, step: Any, epochs: int = 3, more: Any = None, **feeds: Any) -> Any:
        session = self.v1.Session()
        session.run(self.v1.global_variables_initializer())
        for epoch in range(epochs):
            order = np.random.default_rng(epoch).permutation(640)
            for rows in order.reshape(-1, 64):
                session.run(step, {self.x: X[rows], self.y: Y[rows], **(more or {})})
        self.notes.end_cell()
        return session


@pytest.fixture
def settings(tf: Any, notes: Notes) -> RunSettings:
    return RunSettings(tf.compat.v1, notes)


def dense_layers(v1: Any, x: Any) -> Any:
    h = core.dense(x, 50, activation=v1.nn.relu, kernel_initializer=v1.glorot_uniform_initializer())
    h = core.dropout(h, 0.25, training=True)
    h = core.dense(h, 20, activation=v1.nn.elu)
    return core.dense(h, 5)


def matrices(v1: Any, x: Any) -> Any:
    w1, b1 = v1.get_variable("w1", [9, 50]), v1.Variable(v1.zeros([50]))
    w2, b2 = v1.get_variable("w2", [50, 20]), v1.Variable(v1.zeros([20]))
    w3, b3 = v1.get_variable("w3", [20, 5]), v1.Variable(v1.zeros([5]))
    h = v1.nn.dropout(v1.nn.relu(v1.matmul(x, w1) + b1), rate=0.25)
    h = v1.nn.elu(v1.nn.bias_add(v1.matmul(h, w2), b2))
    return v1.add(v1.matmul(h, w3), b3)


def same_in_keras(tf: Any) -> Architecture:
    layers = tf_keras.layers
    model = tf_keras.Sequential([layers.Input((9,)), layers.Dense(50, "relu"), layers.Dropout(0.25),
                                 layers.Dense(20, "elu"), layers.Dense(5)])  # fmt: skip
    return architecture.describe(model, tf_keras, tf)


def nameless(found: Architecture | None) -> Any:
    """Return layers, wiring and size without names, and of settings those that a graph has."""
    assert found is not None
    numbers = {layer.name: at for at, layer in enumerate(found.layers)}
    kept = ("shape", "units", "activation", "use_bias", "rate", "kernel_initializer", "bias_initializer")
    layers = [(la.class_name, {k: la.config[k] for k in kept if k in la.config}) for la in found.layers]
    return layers, [(numbers[n.layer], n.inputs) for n in found.nodes], found.outputs, found.parameters


@pytest.mark.parametrize("make", [dense_layers, matrices])
def test_a_graph_is_the_network_that_keras_would_make(
    tf: Any, notes: Notes, settings: RunSettings, make: Callable[..., Any]
) -> None:
    """Layers, activations, dropout, biases, initialisers and size are those of the equal Keras model."""
    step = settings.v1.train.AdamOptimizer(0.01).minimize(settings.loss(make(settings.v1, settings.x)))
    settings.train(step)
    assert notes.only.class_name == "TensorFlow 1 graph"
    assert notes.only.unrebuildable == ""
    with tf.init_scope():
        expected = nameless(same_in_keras(tf))
    assert nameless(notes.only.architecture) == expected
    assert (notes.only.input_width, notes.only.output_width) == (9, 5)


def test_placeholders_without_a_shape_hold_the_same_network(tf: Any, notes: Notes, settings: RunSettings) -> None:
    """A network is read with the columns that it was fed if the graph does not know their number."""
    settings.x, settings.y = settings.v1.placeholder("float32"), settings.v1.placeholder("int64")
    step = settings.v1.train.AdamOptimizer(0.01).minimize(settings.loss(matrices(settings.v1, settings.x)))
    settings.train(step)
    assert notes.only.unrebuildable == ""
    with tf.init_scope():
        expected = nameless(same_in_keras(tf))
    assert nameless(notes.only.architecture) == expected
    assert (notes.only.input_width, notes.only.output_width) == (9, 5)
    assert notes.only.fits[0].training.rows == 640


def test_what_could_not_be_read_keeps_its_rows(notes: Notes, settings: RunSettings) -> None:
    """A network with an operation of no layer says so, and the table that it was fed is known without any shape."""
    v1 = settings.v1
    settings.x, settings.y = v1.placeholder("float32"), v1.placeholder("int64")
    hidden = v1.sin(v1.matmul(settings.x, v1.get_variable("w1", [9, 50])))
    settings.train(
        v1.train.AdamOptimizer(0.01).minimize(settings.loss(v1.matmul(hidden, v1.get_variable("w2", [50, 5]))))
    )
    assert "`Sin`" in notes.only.unrebuildable
    assert (notes.only.output_width, notes.only.fits[0].training.rows) == (5, 640)


def scalar_example(v1: Any) -> Any:
    w = v1.Variable(1.0)
    return w**2 - 10.0 * w + 25.0, {}


def vector_example(v1: Any) -> Any:
    inputs, gold, weights = v1.placeholder("float32"), v1.placeholder("float32"), v1.Variable([1.0, 1.0, 1.0])
    return v1.square(v1.reduce_sum(weights * inputs) - gold), {inputs: [2.0, 3.0, 7.0], gold: 20.0}


@pytest.mark.parametrize("make", [scalar_example, vector_example])
def test_an_example_that_is_given_no_table_is_no_network(
    notes: Notes, settings: RunSettings, make: Callable[..., Any]
) -> None:
    """The first steps of a lecture train numbers, in the student's own time, and nobody takes them for the answer."""
    loss, feeds = make(settings.v1)
    step = settings.v1.train.GradientDescentOptimizer(0.001).minimize(loss)
    with settings.v1.Session() as session:
        session.run(settings.v1.global_variables_initializer())
        first = session.run(loss, feeds)
        for _ in range(200):
            session.run(step, feeds)
        assert session.run(loss, feeds) < first
    notes.end_cell()  # type: ignore[attr-defined]
    assert notes == {}


def test_data_in_the_graph_itself_is_a_table(notes: Notes, settings: RunSettings) -> None:
    """A constant table that a hand-written update multiplies is what is trained on, and one column comes out."""
    v1 = settings.v1
    table, theta = v1.constant(X), v1.Variable(v1.zeros([9, 1]))
    error = v1.matmul(table, theta) - v1.constant(Y[:, None].astype("float32"))
    step = v1.assign(theta, theta - 0.01 / len(X) * v1.matmul(v1.transpose(table), error))
    with v1.Session() as session:
        session.run(v1.global_variables_initializer())
        session.run(step)
    notes.end_cell()  # type: ignore[attr-defined]
    assert (notes.only.input_width, notes.only.output_width, notes.only.fits[0].training.rows) == (9, 1, 640)


def test_a_loop_of_runs_is_one_training(notes: Notes, settings: RunSettings) -> None:
    """Optimizer, loss, labels, batch size, epochs and the rows, each once."""
    step = settings.v1.train.AdamOptimizer(0.01, beta1=0.8).minimize(
        settings.loss(dense_layers(settings.v1, settings.x))
    )
    settings.train(step)
    (fit,) = notes.only.fits
    assert fit.unrebuildable == "" and fit.phase is not None and fit.finished
    assert (fit.how, fit.epochs_asked, fit.steps_done, fit.phase.batch_size) == ("Session.run loop", 3, 30, 64)
    assert fit.phase.optimizer.config == {"learning_rate": 0.01, "beta_1": 0.8, "beta_2": 0.999, "epsilon": 1e-8}
    assert (fit.phase.loss.class_name, fit.phase.loss.config) == (
        "SparseCategoricalCrossentropy",
        {"from_logits": True},
    )
    assert fit.phase.labels is Labels.INTEGERS
    assert fit.training.rows == 640
    assert any(a.shape == (640, 9) and {r.tobytes() for r in a} == {r.tobytes() for r in X} for a in notes.arrays)


def test_values_that_are_fed_are_noted(notes: Notes, settings: RunSettings) -> None:
    """A learning rate and a rate of dropout in placeholders are those that were fed while it was trained."""
    v1 = settings.v1
    keep, rate, training = v1.placeholder("float32"), v1.placeholder("float32"), v1.placeholder("bool")
    h = v1.nn.dropout(core.dense(settings.x, 8, activation="tanh"), rate=1 - keep)
    h = normalization.batch_normalization(h, training=training)
    step = v1.train.GradientDescentOptimizer(rate).minimize(settings.loss(core.dense(h, 5)))
    settings.train(step, more={keep: 0.7, rate: 0.5, training: True})
    record = notes.only
    assert record.architecture is not None and record.fits[0].phase is not None
    assert [la.class_name for la in record.architecture.layers[1:]] == [
        "Dense",
        "Dropout",
        "BatchNormalization",
        "Dense",
    ]
    assert record.architecture.layers[2].config["rate"] == pytest.approx(0.3)
    assert record.fits[0].phase.optimizer.config["learning_rate"] == 0.5


def test_a_learning_rate_that_decays_becomes_a_schedule(notes: Notes, settings: RunSettings) -> None:
    """Observed rates are a piecewise constant schedule of Keras's."""
    v1 = settings.v1
    steps = v1.train.get_or_create_global_step()
    rate = v1.train.exponential_decay(0.1, steps, 10, 0.5, staircase=True)
    optimizer = v1.train.MomentumOptimizer(rate, 0.9)
    settings.train(optimizer.minimize(settings.loss(core.dense(settings.x, 5)), global_step=steps))
    phase = notes.only.fits[0].phase
    assert phase is not None
    assert phase.optimizer.class_name == "SGD" and phase.optimizer.config["momentum"] == 0.9
    schedule: Any = phase.optimizer.config["learning_rate"]
    assert schedule["config"]["values"] == pytest.approx([0.1, 0.05, 0.025])
    assert schedule["config"]["boundaries"] == [9, 19]


def test_a_loss_written_by_hand_is_recognised(tf: Any, notes: Notes, settings: RunSettings) -> None:
    """One-hot labels times the logarithm of a softmax, summed over the batch: the rate is larger by its size."""
    v1 = settings.v1
    w = v1.Variable(v1.random_normal([9, 5], stddev=0.1))
    outputs = v1.nn.softmax(v1.matmul(settings.x, w))
    loss = -v1.reduce_sum(v1.one_hot(settings.y, 5) * v1.log(outputs))
    settings.train(v1.train.GradientDescentOptimizer(0.001).minimize(loss))
    record, phase = notes.only, notes.only.fits[0].phase
    assert phase is not None and record.architecture is not None
    assert phase.loss.class_name == "CategoricalCrossentropy" and phase.loss.config == {"from_logits": False}
    assert phase.labels is Labels.ONE_HOT
    assert phase.optimizer.config["learning_rate"] == pytest.approx(0.064)
    config = record.architecture.layers[1].config
    assert (config["activation"], config["use_bias"]) == ("softmax", False)
    initial: Any = config["kernel_initializer"]
    assert (initial["class_name"], round(initial["config"]["stddev"], 4)) == ("RandomNormal", 0.1)


def test_a_networks_answers_are_those_of_its_session(notes: Notes, settings: RunSettings, tf: Any) -> None:
    """At the end of a cell the outputs for all rows are noted, with the feeds of the last run."""
    logits = core.dense(core.dense(settings.x, 16, tf.nn.relu), 5)
    step = tf.compat.v1.train.AdamOptimizer(0.01).minimize(settings.loss(logits))
    session = settings.train(step)
    given = session.run(logits, {settings.x: X}).argmax(axis=1)
    (record,) = notes.as_trained.values()
    assert [notes.given[of.outputs.sha256].tolist() for of in record.outputs] == [_sorted(given)]


def test_a_session_that_is_closed_in_its_cell_is_asked_before(notes: Notes, settings: RunSettings, tf: Any) -> None:
    """A session in a with block has ended when its cell does, so what it gives is noted at its end."""
    v1 = tf.compat.v1
    logits = core.dense(core.dense(settings.x, 16, tf.nn.relu), 5)
    step = v1.train.AdamOptimizer(0.01).minimize(settings.loss(logits))
    with v1.Session() as session:
        session.run(v1.global_variables_initializer())
        for at in range(0, 640, 64):
            session.run(step, {settings.x: X[at : at + 64], settings.y: Y[at : at + 64]})
        given = session.run(logits, {settings.x: X}).argmax(axis=1)
    notes.end_cell()  # type: ignore[attr-defined]
    (record,) = notes.as_trained.values()
    assert _sorted(given) in [notes.given[of.outputs.sha256].tolist() for of in record.outputs]


def test_a_network_with_dropout_is_asked_when_nothing_comes_after(notes: Notes, settings: RunSettings, tf: Any) -> None:
    """Its graph draws numbers even where none is dropped, so it answers at the end of the file, with no dropout."""
    v1 = tf.compat.v1
    keep = v1.placeholder("float32", [])
    first, last = (v1.Variable(v1.random_normal(shape, stddev=0.3)) for shape in ((9, 16), (16, 5)))
    logits = v1.matmul(v1.nn.dropout(v1.nn.relu(v1.matmul(settings.x, first)), keep_prob=keep), last)
    step = v1.train.AdamOptimizer(0.01).minimize(settings.loss(logits))
    session = settings.train(step, more={keep: 0.5})
    given = session.run(logits, {settings.x: X, keep: 1.0}).argmax(axis=1)
    assert notes.as_trained == {}
    notes.end_cell(is_last=True)  # type: ignore[attr-defined]
    (record,) = notes.as_trained.values()
    assert _sorted(given) in [notes.given[of.outputs.sha256].tolist() for of in record.outputs]


def _sorted(given: Any) -> list[int]:
    """What was given for X, in the order in which a loop's rows are kept."""
    _, order = np.unique(X, axis=0, return_index=True)
    return [int(number) for number in given[order]]


def test_steps_beyond_the_cap_do_nothing(notes: Notes, settings: RunSettings) -> None:
    """Of 200 steps 100 are done; the others are counted, and give the last result again."""
    v1 = settings.v1
    count = v1.Variable(0)
    step = v1.train.AdamOptimizer().minimize(settings.loss(core.dense(settings.x, 5)), global_step=count)
    session = settings.train([step, count], epochs=20)
    (fit,) = notes.only.fits
    assert (fit.epochs_asked, fit.epochs_done, fit.steps_done) == (20, 10, 100)
    assert session.run(count) == 100


def test_development_and_test_rows_are_uses(notes: Notes, settings: RunSettings) -> None:
    """Runs without a step are uses of the rows that they were fed; looks at a training batch are none."""
    v1 = settings.v1
    logits = core.dense(settings.x, 5)
    loss = settings.loss(logits)
    session = settings.train(v1.train.AdamOptimizer().minimize(loss))
    unseen = X + 1
    session.run(loss, {settings.x: X[:64], settings.y: Y[:64]})
    session.run(loss, {settings.x: unseen[:300], settings.y: Y[:300]})
    session.run(loss, {settings.x: unseen[300:], settings.y: Y[300:]})
    v1.argmax(logits, 1).eval({settings.x: X}, session)
    notes.end_cell()  # type: ignore[attr-defined]
    uses = notes.only.uses
    assert [(use.how, use.fed.rows) for use in uses] == [("evaluate", 640), ("predict", 640)]
    trained = notes.only.fits[0].training.x
    assert trained == uses[1].fed.x != uses[0].fed.x


def test_training_from_the_start_again_forgets_what_was_before(notes: Notes, settings: RunSettings) -> None:
    """Running the initialiser and then training again is a training of its own, in the same network."""
    step = settings.v1.train.AdamOptimizer().minimize(settings.loss(core.dense(settings.x, 5)))
    settings.train(step, epochs=2)
    settings.train(step, epochs=3)
    assert [fit.epochs_asked for fit in notes.only.fits] == [3]
    session = settings.v1.Session()
    session.run(settings.v1.global_variables_initializer())
    notes.end_cell()  # type: ignore[attr-defined]
    assert notes.only.fits != ()


def convolution(v1: Any, x: Any) -> Any:
    kernel = v1.get_variable("k", [3, 1, 4])
    h = v1.nn.conv1d(v1.expand_dims(x, 2), kernel, 1, "SAME")
    return core.dense(v1.reshape(h, [-1, 36]), 5)


def skip(v1: Any, x: Any) -> Any:
    h = core.dense(x, 9)
    return core.dense(h + core.dense(h, 9), 5)


@pytest.mark.parametrize(("make", "words"), [(convolution, "Reshape"), (skip, "AddV2")])
def test_what_is_no_dense_chain_is_named(
    notes: Notes, settings: RunSettings, make: Callable[..., Any], words: str
) -> None:
    """Such a network is trained as the student wants; its record says what stands in the way."""
    step = settings.v1.train.AdamOptimizer().minimize(settings.loss(make(settings.v1, settings.x)))
    settings.train(step)
    record = notes.only
    assert record.architecture is None
    assert words in record.unrebuildable
    assert record.fits[0].training.rows == 640


def test_a_loss_with_something_added_is_not_rebuilt(notes: Notes, settings: RunSettings) -> None:
    """Weight decay in the loss is no mean of cross-entropies."""
    v1 = settings.v1
    w = v1.get_variable("w", [9, 5])
    loss = settings.loss(v1.matmul(settings.x, w)) + 0.1 * v1.nn.l2_loss(w)
    settings.train(v1.train.AdamOptimizer().minimize(loss))
    assert "mean of the rows' losses alone" in notes.only.fits[0].unrebuildable


def test_updates_by_hand_are_noted_as_training(notes: Notes, settings: RunSettings) -> None:
    """Assigning weights a step down the gradient is training that a demonstrator looks at."""
    v1 = settings.v1
    w = v1.get_variable("w", [9, 5])
    (gradient,) = v1.gradients(settings.loss(v1.matmul(settings.x, w)), [w])
    settings.train(v1.assign_sub(w, 0.1 * gradient))
    (fit,) = notes.only.fits
    assert "assignments" in fit.unrebuildable
    assert notes.only.architecture is not None
    assert replace(fit, phase=None) == fit


def test_one_hot_labels_and_logits_are_told(notes: Notes, settings: RunSettings) -> None:
    """TensorFlow's loss of one-hot rows is Keras's, from logits; predictions of the same logits are uses."""
    v1 = settings.v1
    logits = core.dense(settings.x, 5)
    each = v1.nn.softmax_cross_entropy_with_logits_v2(labels=v1.one_hot(settings.y, 5), logits=logits)
    session = settings.train(v1.train.AdamOptimizer().minimize(v1.reduce_mean(each)))
    session.run(v1.nn.softmax(logits), {settings.x: X + 1})
    notes.end_cell()  # type: ignore[attr-defined]
    phase = notes.only.fits[0].phase
    assert phase is not None
    assert (phase.loss.class_name, phase.labels) == ("CategoricalCrossentropy", Labels.ONE_HOT)
    assert [(use.how, use.fed.rows) for use in notes.only.uses] == [("predict", 640)]


@pytest.mark.parametrize(
    ("code", "keras"),
    [
        ("import tensorflow.compat.v1 as tf", "2"),
        ("from tensorflow.compat import v1", "2"),
        ("x = tf.compat.v1.placeholder(tf.float32)", "2"),
        ("tf.compat.v1.disable_eager_execution()", "2"),
        ("tf.compat.v1.logging.set_verbosity(tf.compat.v1.logging.ERROR)", "3"),
        ("optimizer = tf.train.AdamOptimizer(0.01)", "2"),
        ("K.set_session(session)", "2"),
    ],
)
def test_graphs_run_under_the_legacy_generation(code: str, keras: str) -> None:
    """Whatever makes a graph asks for legacy Keras; a remark to the log does not."""
    assert generation.choose(code)[0] == keras


@pytest.mark.parametrize(
    ("code", "keras"),
    [
        ("opt.minimize(loss, var_list=[w])", "2"),
        ("opt.minimize(loss, model.trainable_variables)", "2"),
        ("optim.minimize(loss, x0, method='BFGS')", "3"),
        ("skopt.gp_minimize(loss, space)", "3"),
        ("model = Sequential(Dense(5))", "2"),
        ("model = tf.keras.Sequential(layers=tf.keras.layers.Dense(5))", "2"),
        ("model = Sequential([Dense(5)])", "3"),
        ("normalizer.adapt(X_train['median_income'])", "2"),
        ("normalizer.adapt(X[['a', 'b']])", "2"),
        ("normalizer.adapt(X[:1000])", "3"),
        ("layer = tf.keras.layers.DenseFeatures(columns)", "2"),
        ("model.compile(loss=keras.losses.mse)", "2"),
        ("model.compile(loss=keras.losses.mean_squared_error)", "3"),
        ("from tensorflow.python.keras.models import Sequential", "2"),
        ("from tensorflow.contrib import keras", "2"),
        ("from keras.wrappers.scikit_learn import KerasRegressor", "2"),
        ("!pip install tensorflow==2.15", "2"),
        ("!pip install -q 'tensorflow-cpu==2.9.*'", "2"),
        ("!pip install tensorflow<2.16", "2"),
        ("!pip install tensorflow==2.18.0", "3"),
        ("!pip install tensorflow==2.16.1", "3"),
        ("os.environ['TF_USE_LEGACY_KERAS'] = '1'", "2"),
        ("import tf_keras as keras", "2"),
    ],
)
def test_idioms_tell_the_generation(code: str, keras: str) -> None:
    """What only legacy Keras runs asks for it; what looks alike and is another library's, or runs in both, does not."""
    assert generation.choose(code)[0] == keras


def test_a_file_of_tensorflow_1_is_known_by_its_names() -> None:
    """Names that only version 1 had, without a word of compatibility, mean that version."""
    assert generation.is_tensorflow_1("x = tf.placeholder(tf.float32)")
    assert generation.is_tensorflow_1("model.compile(tf.train.AdamOptimizer(0.01))")
    assert not generation.is_tensorflow_1("import tensorflow.compat.v1 as tf\nx = tf.placeholder(tf.float32)")


def test_placeholders_by_version_2s_names_need_a_graph() -> None:
    """Where nothing else ends eager execution, and no graph is made, it has to be ended."""
    alone = "x = tf.compat.v1.placeholder(tf.float32)"
    assert generation.is_graph_by_itself(alone)
    assert not generation.is_graph_by_itself(f"tf.compat.v1.disable_eager_execution()\n{alone}")
    assert not generation.is_graph_by_itself(f"with tf.Graph().as_default():\n    {alone}")
