"""Reading an architecture: layers in words and in order, hidden layers, and the effective output."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from pydantic import JsonValue

from checker.keras_spec.architectures import (
    describe,
    describe_layer,
    hidden_layers,
    holds_weights,
    in_order,
    is_sound,
    linear_in_words,
    nonlinear_hidden_layers,
    normalises_inputs,
    output_activation,
    output_units,
    own_activation,
    own_numbers,
)
from checker.records.network import Architecture, Layer, Node


def layer(class_name: str, **config: JsonValue) -> Layer:
    return Layer(name="", class_name=class_name, config=config)


def dense(units: int, activation: JsonValue = "linear") -> Layer:
    return layer("Dense", units=units, activation=activation)


def chain(*layers: Layer) -> Architecture:
    """Return a Sequential: nine inputs, then these layers one after the other."""
    return graph(*((each, (at,)) for at, each in enumerate(layers)))


def graph(*calls: tuple[Layer, tuple[int, ...]]) -> Architecture:
    """Return a functional model: node 0 is the input of nine, then layers with their inputs."""
    everything = [(layer("InputLayer", shape=[9]), ()), *calls]
    named = [
        Layer(name=f"n{at}", class_name=each.class_name, config=each.config) for at, (each, _) in enumerate(everything)
    ]
    nodes = [Node(layer=named[at].name, inputs=inputs) for at, (_, inputs) in enumerate(everything)]
    return Architecture(layers=tuple(named), nodes=tuple(nodes), outputs=(len(nodes) - 1,), parameters=0)


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (layer("InputLayer", shape=[9]), "Input 9"),
        (layer("InputLayer", shape=[3, 3]), "Input 3 x 3"),
        (layer("InputLayer"), "Input ?"),
        (dense(100, "relu"), "Dense 100, relu"),
        (dense(5), "Dense 5, linear"),
        (layer("Dropout", rate=0.5), "Dropout 0.5"),
        (layer("GaussianNoise", stddev=0.1), "GaussianNoise 0.1"),
        (layer("Activation", activation="tanh"), "Activation tanh"),
        (layer("BatchNormalization"), "BatchNormalization"),
        (layer("LeakyReLU", negative_slope=0.3), "LeakyReLU"),
    ],
)
def test_a_layer_in_words(config: Layer, words: str) -> None:
    """A layer is described by its class and the one or two settings that matter most."""
    assert describe_layer(config) == words


def test_a_network_in_words() -> None:
    """A whole network is described in one line."""
    network = chain(dense(100, "relu"), dense(5, "softmax"))
    assert describe(network) == "Input 9 → Dense 100, relu → Dense 5, softmax"


@pytest.mark.parametrize(
    ("network", "is_regression", "words"),
    [
        (
            chain(dense(5, "softmax")),
            False,
            "The 9 inputs go straight to the 5 outputs, with no hidden layer: that is the same kind of model as "
            "logistic regression.",
        ),
        (
            chain(dense(1)),
            True,
            "The 9 inputs go straight to the one output, with no hidden layer: that is the same kind of model as "
            "linear regression.",
        ),
        (
            chain(dense(50), dense(5, "softmax")),
            False,
            "No hidden layer has an activation, so all layers together can do no more than logistic regression.",
        ),
    ],
)
def test_a_linear_network_in_words(network: Architecture, is_regression: bool, words: str) -> None:
    """A linear network is said to have no hidden layer, or none with an activation."""
    assert linear_in_words(network, is_regression) == words


def test_layers_are_given_in_the_order_of_their_calls() -> None:
    """Layers are in the order of the nodes, not of the list of layers; a shared layer appears once for each call."""
    first, second = Layer("a", "InputLayer"), Layer("b", "Dense", {"units": 9})
    nodes = (Node("a", ()), Node("b", (0,)), Node("b", (1,)))
    network = Architecture(layers=(second, first), nodes=nodes, outputs=(2,), parameters=0)
    assert [each.name for each in in_order(network)] == ["a", "b", "b"]


@pytest.mark.parametrize(
    ("activation", "name"),
    [
        ("relu", "relu"),
        (None, "linear"),
        ("softmax_v2", "softmax"),
        ({"class_name": "function", "config": "softmax_v2"}, "softmax"),
        ({"class_name": "LeakyReLU", "config": {"negative_slope": 0.3}}, "leaky_relu"),
    ],
)
def test_an_activation_has_one_name_however_it_was_written(activation: JsonValue, name: str) -> None:
    """An activation may be a string, None, ``tf.nn.softmax`` or a layer object."""
    assert own_activation(dense(5, activation)) == name


def test_hidden_layers_are_those_before_the_output_layer() -> None:
    """Dropout, normalisation and the output layer are not hidden layers."""
    network = chain(dense(8, "relu"), layer("Dropout", rate=0.5), dense(4), dense(5, "softmax"))
    assert [describe_layer(each) for each in hidden_layers(network)] == ["Dense 8, relu", "Dense 4, linear"]


@pytest.mark.parametrize(
    ("layers", "units"),
    [
        ((dense(5, "softmax"),), []),
        ((dense(50), dense(5, "softmax")), []),
        ((dense(50, "relu"), dense(5, "softmax")), [50]),
        ((dense(50), layer("BatchNormalization"), layer("ReLU"), dense(5)), [50]),
        ((dense(50), layer("Activation", activation="tanh"), dense(20), dense(5)), [50]),
        ((layer("ReLU"), dense(5, "softmax")), []),
        ((dense(5), layer("Softmax")), []),
        ((dense(7), layer("LeakyReLU"), layer("Dropout", rate=0.1), dense(6, "elu"), dense(5)), [7, 6]),
    ],
)
def test_a_hidden_layer_counts_where_an_activation_bends_it(layers: tuple[Layer, ...], units: list[int]) -> None:
    """A hidden layer counts if its own activation or a following layer is non-linear; the output's softmax does not
    count."""
    assert [each.config["units"] for each in nonlinear_hidden_layers(chain(*layers))] == units


def test_a_branch_with_an_activation_counts() -> None:
    """In a wide and deep network, the linear branch does not hide the non-linear one."""
    join = layer("Concatenate")
    network = graph((dense(30, "relu"), (0,)), (join, (0, 1)), (dense(5, "softmax"), (2,)))
    assert [each.config["units"] for each in nonlinear_hidden_layers(network)] == [30]
    assert output_units(network) == 5


def test_maxout_counts_as_non_linear() -> None:
    """The maximum of two linear layers is non-linear."""
    network = graph((dense(30), (0,)), (dense(30), (0,)), (layer("Maximum"), (1, 2)), (dense(5), (3,)))
    assert len(nonlinear_hidden_layers(network)) == 2


@pytest.mark.parametrize(
    ("layers", "activation", "units"),
    [
        ((dense(8, "relu"), dense(5, "softmax")), "softmax", 5),
        ((dense(8, "relu"), dense(5)), "linear", 5),
        ((dense(8, "relu"), dense(5), layer("Softmax")), "softmax", 5),
        ((dense(8, "relu"), dense(5), layer("Activation", activation="softmax")), "softmax", 5),
        ((dense(8, "relu"), dense(5, "softmax"), layer("Activation", activation="linear")), "softmax", 5),
        ((dense(5, "softmax"), layer("Dropout", rate=0.2)), "softmax", 5),
        ((dense(5, "softmax"), layer("BatchNormalization")), "linear", 5),
        ((dense(5, "sigmoid"),), "sigmoid", 5),
        ((layer("Flatten"),), "linear", None),
    ],
)
def test_the_effective_output(layers: tuple[Layer, ...], activation: str, units: int | None) -> None:
    """The effective output activation is found wherever it was written; a normalisation behind it removes it."""
    assert output_activation(chain(*layers)) == activation
    assert output_units(chain(*layers)) == units


def test_an_average_of_distributions_is_a_distribution() -> None:
    """The average of two softmax branches is a softmax; that of a softmax and a sigmoid is not."""
    branches = ((dense(5, "softmax"), (0,)), (dense(5, "softmax"), (0,)))
    assert output_activation(graph(*branches, (layer("Average"), (1, 2)))) == "softmax"
    mixed = ((dense(5, "softmax"), (0,)), (dense(5, "sigmoid"), (0,)))
    assert output_activation(graph(*mixed, (layer("Average"), (1, 2)))) == "linear"


def test_two_outputs_have_no_single_number_of_units() -> None:
    """A network with two heads has no single output layer."""
    network = graph((dense(5, "softmax"), (0,)), (dense(3, "softmax"), (0,)))
    both = Architecture(network.layers, network.nodes, outputs=(1, 2), parameters=0)
    assert output_units(both) is None


@pytest.mark.parametrize(
    ("layers", "inside"),
    [
        ((layer("Normalization"), dense(5, "softmax")), True),
        ((layer("BatchNormalization"), dense(8, "relu"), dense(5)), True),
        ((dense(8, "relu"), layer("BatchNormalization"), dense(5)), False),
        ((dense(8, "relu"), dense(5)), False),
    ],
)
def test_normalisation_inside_the_network(layers: tuple[Layer, ...], inside: bool) -> None:
    """Only a normalisation before the first layer with units scales the inputs."""
    assert normalises_inputs(chain(*layers)) is inside


def test_a_thickly_wired_network_is_read_quickly() -> None:
    """If each layer is fed by all before it, the number of paths doubles each time, but the work does not."""
    calls = [(layer("Add"), tuple(range(at))) for at in range(1, 120)]
    network = graph((dense(9, "relu"), (0,)), *calls[1:], (dense(5, "softmax"), (119,)))
    assert len(nonlinear_hidden_layers(network)) == 1
    assert output_activation(network) == "softmax"


def test_a_network_has_few_numbers_of_its_own() -> None:
    """An honest network has few numbers in its settings: scales of its inputs, a slope, a first bias; a repeated number
    counts once."""
    scaled = [layer("Rescaling", scale=0.1 * at, offset=-0.3 * at) for at in range(2, 9)]
    slopes = [layer("LeakyReLU", negative_slope=0.2) for _ in range(30)]
    bias = {"class_name": "Constant", "config": {"value": 0.1}}
    network = chain(*scaled, *slopes, layer("Dense", units=5, bias_initializer=bias), layer("Dropout", rate=0.37))
    assert own_numbers(network) == 15
    assert not holds_weights(network, inputs=9)


@pytest.mark.parametrize(
    "made",
    [
        lambda at: layer("Rescaling", scale=[0.01 * at, 0.02 * at + 0.001], offset=0.0),
        lambda at: layer("Dense", kernel_initializer={"class_name": "Constant", "config": {"value": at / 7}}),
        lambda at: layer(
            "Embedding", embeddings_initializer={"class_name": "RandomUniform", "config": {"minval": at, "maxval": at}}
        ),
        lambda at: layer("ReLU", threshold=at / 3),
    ],
)
def test_settings_that_hold_weights_are_told(made: Callable[[int], Layer]) -> None:
    """Fifty numbers in scales, constants, ranges or thresholds are reported, because they may be weights."""
    assert holds_weights(chain(*(made(at) for at in range(2, 52))), inputs=9)


@pytest.mark.parametrize(
    ("nodes", "outputs"),
    [
        ((Node("in", ()), Node("out", (0,))), ()),
        ((Node("in", ()), Node("out", (0,))), (2,)),
        ((Node("in", ()), Node("out", (1,))), (1,)),
        ((Node("in", ()), Node("other", (0,))), (1,)),
        ((Node("in", ()), Node("out", ())), (1,)),
    ],
    ids=["no output", "no such output", "fed by itself", "no such layer", "fed nothing"],
)
def test_a_wiring_that_makes_no_sense_is_told(nodes: tuple[Node, ...], outputs: tuple[int, ...]) -> None:
    """A wiring is refused unless nodes call existing layers on earlier nodes, only inputs have no input, and some node
    is an output."""
    layers = (Layer("in", "InputLayer", {"shape": [3]}), Layer("out", "Dense", {"units": 1}))
    sound = Architecture(layers, (Node("in", ()), Node("out", (0,))), outputs=(1,), parameters=0)
    assert is_sound(sound)
    assert not is_sound(replace(sound, nodes=nodes, outputs=outputs))
