"""Keras models as plain data and back, in both generations."""

from typing import Any

import numpy as np
import pytest

from checker.guest.plain import architecture, plaindata
from checker.guest.plain.plaindata import UnrebuildableError
from checker.keras_spec import allow_list
from checker.records.codec import from_json, to_json
from checker.records.network import Architecture, KerasObject, Layer, Node

pytestmark = pytest.mark.tensorflow


@pytest.fixture(params=["3", "2"])
def keras(request: pytest.FixtureRequest, tf: Any) -> Any:
    if request.param == "3":
        return tf.keras
    import tf_keras

    return tf_keras


def sequential(keras: Any, tf: Any) -> Any:
    layers = keras.layers
    return keras.Sequential(
        [
            layers.Input((9,)),
            layers.Dense(8, activation=tf.nn.relu, kernel_initializer="he_normal"),
            layers.LeakyReLU(),
            layers.BatchNormalization(),
            layers.Dropout(0.5),
            layers.Dense(5, activation=tf.nn.softmax),
        ]
    )


def wide_and_deep(keras: Any, tf: Any) -> Any:
    layers = keras.layers
    inputs = layers.Input((9,))
    hidden = layers.Dense(6, activation="elu")(inputs)
    nested = keras.Sequential([layers.Dense(4, activation="relu"), layers.Dense(3)])
    joined = layers.Concatenate()([inputs, nested(hidden)])
    return keras.Model(inputs, layers.Activation("softmax")(layers.Dense(5)(joined)))


def shared_layer(keras: Any, tf: Any) -> Any:
    layers = keras.layers
    inputs = layers.Input((9,))
    again = layers.Dense(9, activation="tanh")
    return keras.Model(inputs, layers.Dense(5)(layers.Add()([again(inputs), again(again(inputs))])))


@pytest.mark.parametrize("make", [sequential, wide_and_deep, shared_layer])
def test_a_model_survives_the_way_through_plain_data(tf: Any, keras: Any, make: Any) -> None:
    """A rebuilt model with the original's weights gives the original's outputs."""
    model = make(keras, tf)
    record = architecture.describe(model, keras, tf)
    again = architecture.rebuild(from_json(Architecture, to_json(record)), keras)
    x = tf.random.stateless_normal((4, 9), (1, 2))
    theirs = {tuple(w.shape): [] for w in model.weights}
    for weight in model.weights:
        theirs[tuple(weight.shape)].append(weight.numpy())
    for weight in again.weights:
        weight.assign(theirs[tuple(weight.shape)].pop(0))
    assert again.count_params() == model.count_params() == record.parameters
    assert tf.reduce_all(model(x) == again(x))


def own_layer(keras: Any) -> Any:
    class Mine(keras.layers.Layer):
        def call(self, x: Any) -> Any:
            return x

    return keras.Sequential([keras.layers.Input((9,)), Mine(), keras.layers.Dense(5)])


def own_model(keras: Any) -> Any:
    class Net(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.out = keras.layers.Dense(5)

        def call(self, x: Any) -> Any:
            return self.out(x)

    return Net()


def own_activation(keras: Any) -> Any:
    def bent(x: Any) -> Any:
        return x * 2

    return keras.Sequential([keras.layers.Input((9,)), keras.layers.Dense(5, activation=bent)])


def lambda_layer(keras: Any) -> Any:
    return keras.Sequential([keras.layers.Input((9,)), keras.layers.Lambda(lambda x: x), keras.layers.Dense(5)])


def never_built(keras: Any) -> Any:
    return keras.Sequential([keras.layers.Dense(5)])


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (own_layer, "`Mine`"),
        (own_model, "`Net`"),
        (own_activation, "`bent`"),
        (lambda_layer, "`Lambda`"),
        (never_built, "never given data"),
    ],
)
def test_the_students_own_code_is_never_plain_data(tf: Any, keras: Any, make: Any, words: str) -> None:
    """Whatever would need the student's code to be rebuilt is refused, by name."""
    with pytest.raises(UnrebuildableError, match=words):
        architecture.describe(make(keras), keras, tf)


@pytest.mark.parametrize(
    "layer",
    [
        Layer("x", "Lambda", {"function": "print"}),
        Layer("x", "TFSMLayer", {"filepath": "/etc"}),
        Layer("x", "Dense", {"units": 5, "build": "print"}),
        Layer("x", "Dense", {"units": 5, "activation": "os.system"}),
        Layer("x", "Dense", {"units": 5, "kernel_initializer": {"class_name": "Lambda", "config": {}}}),
        Layer("x", "__class__", {}),
    ],
)
def test_a_forged_record_is_refused(tf: Any, layer: Layer) -> None:
    """Only listed classes with listed settings are ever called."""
    forged = Architecture(
        (Layer("in", "InputLayer", {"shape": [9]}), layer), (Node("in", ()), Node("x", (0,))), (1,), 1
    )
    with pytest.raises(UnrebuildableError):
        architecture.rebuild(forged, tf.keras)


def test_wiring_that_points_nowhere_is_refused(tf: Any) -> None:
    """A node may only take earlier nodes' outputs."""
    layers = (Layer("in", "InputLayer", {"shape": [9]}), Layer("x", "Dense", {"units": 5}))
    with pytest.raises(UnrebuildableError):
        architecture.rebuild(Architecture(layers, (Node("in", ()), Node("x", (7,))), (1,), 1), tf.keras)


def test_optimizers_losses_and_callbacks_come_back_as_they_were(tf: Any, keras: Any) -> None:
    """Settings survive, schedules included."""
    schedule = keras.optimizers.schedules.PiecewiseConstantDecay([10, 20], [0.1, 0.01, 0.001])
    record = plaindata.describe(keras.optimizers.SGD(schedule, momentum=0.5), allow_list.OPTIMIZERS)
    again = plaindata.build(record, allow_list.OPTIMIZERS, keras.optimizers, keras)
    assert again.get_config()["momentum"] == 0.5
    assert again.get_config()["learning_rate"]["config"]["values"] == [0.1, 0.01, 0.001]
    loss = plaindata.loss_object(keras.losses.CategoricalCrossentropy(from_logits=True))
    assert loss == KerasObject("CategoricalCrossentropy", {"from_logits": True, "label_smoothing": 0.0})
    assert plaindata.loss_object("mse") == plaindata.loss_object(keras.losses.MeanSquaredError())


def test_a_loss_of_the_students_own_is_refused(tf: Any) -> None:
    """A function that is not Keras's own is not looked up by its name."""

    def mean_squared_error(y: Any, p: Any) -> Any:
        return 0.0

    with pytest.raises(UnrebuildableError, match="student's own function"):
        plaindata.loss_object(mean_squared_error)


def test_a_network_with_several_inputs_takes_one_table(tf: Any) -> None:
    """Rebuilt, it takes all its inputs as one table, cut in the order of its inputs, and computes the same."""
    layers = tf.keras.layers
    inputs = [layers.Input((4,)), layers.Input((5, 1)), layers.Input((1,))]
    codes = layers.Flatten()(layers.Embedding(10, 3)(inputs[2]))
    joined = layers.concatenate([inputs[0], layers.Flatten()(inputs[1]), codes])
    model = tf.keras.Model(inputs, layers.Dense(5, "softmax")(joined))
    again = architecture.rebuild(architecture.describe(model, tf.keras, tf), tf.keras)
    again.set_weights(model.get_weights())
    x = np.random.default_rng(1).integers(0, 10, (7, 10)).astype("float32")
    parts = [x[:, :4], x[:, 4:9, None], x[:, 9:]]
    np.testing.assert_allclose(again(x), model(parts), rtol=1e-6)


def test_operators_on_symbolic_tensors_are_layers(tf: Any) -> None:
    """``x + y`` and ``x * y`` between layers are an Add and a Multiply; a number added is nobody's layer."""
    layers = tf.keras.layers
    x = layers.Input((4,))
    y = layers.Dense(4)(x)
    model = tf.keras.Model(x, layers.Dense(2)((x + y) * y))
    found = architecture.describe(model, tf.keras, tf)
    assert [layer.class_name for layer in found.layers] == ["InputLayer", "Dense", "Add", "Multiply", "Dense"]
    with pytest.raises(UnrebuildableError):
        architecture.describe(tf.keras.Model(x, layers.Dense(2)(x + 1.0)), tf.keras, tf)


def test_normalisation_adapts_to_its_own_columns(tf: Any) -> None:
    """A Normalization layer on one of several inputs sees that input's columns of the training rows only."""
    layers = tf.keras.layers
    inputs = [layers.Input((2,)), layers.Input((3,))]
    model = tf.keras.Model(inputs, layers.Dense(1)(layers.concatenate([inputs[0], layers.Normalization()(inputs[1])])))
    x = np.random.default_rng(1).normal(5.0, 2.0, (500, 5)).astype("float32")
    again = architecture.rebuild(architecture.describe(model, tf.keras, tf), tf.keras, x)
    (layer,) = [layer for layer in again.layers if type(layer).__name__ == "Normalization"]
    np.testing.assert_allclose(np.ravel(layer.mean), x[:, 2:].mean(axis=0), rtol=1e-4)


def test_an_adapted_layer_that_comes_first_tells_the_width(tf: Any) -> None:
    """Legacy Keras forgets the width of a table that a layer was adapted to; the layer does not."""
    import tf_keras

    first = tf_keras.layers.Normalization()
    first.adapt(np.random.default_rng(1).normal(size=(50, 9)).astype("float32"))
    model = tf_keras.Sequential([first, tf_keras.layers.Dense(5)])
    model(np.zeros((2, 9), "float32"))
    found = architecture.describe(model, tf_keras, tf)
    assert found.layers[0].config == {"shape": [9]}


@pytest.mark.filterwarnings("ignore:.*feature_column.*")
def test_feature_columns_of_numbers_are_a_table(tf: Any) -> None:
    """``DenseFeatures`` that only puts columns of numbers together adds nothing to a table of them."""
    import tf_keras

    rows = {name: np.zeros((4, 1), "float32") for name in "abc"}
    columns = [tf.feature_column.numeric_column(name) for name in rows]
    model = tf_keras.Sequential([tf_keras.layers.DenseFeatures(columns), tf_keras.layers.Dense(5)])
    model(rows)
    found = architecture.describe(model, tf_keras, tf)
    assert [layer.class_name for layer in found.layers] == ["InputLayer", "Dense"]
    assert found.layers[0].config == {"shape": [3]}
    buckets = tf.feature_column.bucketized_column(columns[0], [1.0])
    model = tf_keras.Sequential([tf_keras.layers.DenseFeatures([buckets]), tf_keras.layers.Dense(5)])
    model(rows)
    with pytest.raises(UnrebuildableError, match="feature columns"):
        architecture.describe(model, tf_keras, tf)
