"""Variants as plain data: what a form may say, what cannot be tried and why, and the presets."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from trained import trained

from checker.records.network import Architecture, KerasObject, Layer, Node
from checker.records.variants import Effect, LayerChange, NewLayer, Scaling, Variant
from checker.scoring import metrics
from checker.whatif import changes, forms, networks, presets, results
from checker.whatif.originals import original_of
from checker.whatif.refusal import RefusedError

FIELDS = [
    "layer.1.units", "layer.2.activation", "layer.2.rate", "layer.9.drop", "add.1.kind", "add.1.after", "add.1.units",
    "add.1.rate", "optimizer", "learning_rate", "batch_size", "epochs", "patience", "without", "scaling", "seed",
]  # fmt: skip
VALUES = ["0", "1", "3", "10000", "1000000000", "-1", "1e9", "0.5", "nan", "inf", "Dense", "Dropout", "relu", "yes",
          "Adam", "SGD", "off", "standard", "longitude", "latitude", "11", "²", "١"]  # fmt: skip
values = st.one_of(st.sampled_from(VALUES), st.text(max_size=12))
some_items = st.lists(st.tuples(st.one_of(st.sampled_from(FIELDS), st.text(max_size=14)), values), max_size=8)
fitting_items = st.lists(st.tuples(st.sampled_from(FIELDS), st.sampled_from(VALUES)), max_size=6)


@pytest.fixture(scope="module")
def original(assignment, make, tmp_path_factory):
    """A network with a hidden layer and dropout, of three scaled columns, that a fake guest has trained."""
    return original_of(*trained(assignment, make, tmp_path_factory.mktemp("in")))


def chain(*layers, inputs=4, parameters=0):
    """A network of these layers in a row behind its inputs."""
    listed = (Layer("input", "InputLayer", {"shape": [inputs]}), *layers)
    nodes = tuple(Node(layer.name, (at - 1,) if at else ()) for at, layer in enumerate(listed))
    return Architecture(listed, nodes, (len(nodes) - 1,), parameters)


def dense(name, units):
    return Layer(name, "Dense", {"units": units, "activation": "relu"})


def tried(action, *given):
    """Return what an action returns and "", or None and why it is refused."""
    try:
        return action(*given), ""
    except RefusedError as refused:
        return None, refused.message


# -- forms -----------------------------------------------------------------------------------------------


@given(some_items)
@settings(max_examples=300, deadline=None)
def test_nonsense_in_a_form_is_only_ever_refused(items):
    """Whatever a form holds, it is a variant or is refused in words; a variant's own fields give it back."""
    variant, refusal = tried(forms.parse, items)
    assert forms.parse(forms.items(variant)) == variant if variant else refusal.endswith(".") and len(refusal) < 400


@given(fitting_items)
@settings(max_examples=200, deadline=None)
def test_a_variant_is_tried_or_refused(original, items):
    """Every variant gives a sound network within the assignment's caps, or is refused in words."""
    changed, refusal = tried(lambda: changes.apply(original, forms.parse(items)))
    if changed is None:
        assert refusal.endswith(".")
        return
    caps = original.settings.assignment.caps
    assert changed.architecture.parameters <= caps.parameters
    assert changed.traced.features.shape[1] == len(changed.traced.tracing.columns) > 0
    networks.require_listed(changed.architecture)


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("layer.1.units", "0", "whole number from 1 to 10,000, not “0”"),
        ("epochs", "1000000000", "whole number from 1 to 5,000"),
        ("batch_size", "many", "not “many”"),
        ("learning_rate", "-0.1", "above 0"),
        ("learning_rate", "nan", "above 0"),
        ("layer.1.activation", "<script>", "The activation is one of"),
        ("optimizer", "LBFGS", "The optimizer is one of"),
        ("units", "3", "no field “units”"),
        ("seed", "eleven", "A seed is a whole number"),
        ("add.1.kind", "Lambda", "The new layer is one of"),
    ],
)
def test_nonsense_is_refused_with_the_field_named(key, value, words):
    """The refusal names the field, what it takes and what was typed."""
    with pytest.raises(RefusedError) as refused:
        forms.parse([(key, value)])
    assert words in refused.value.message


def test_an_empty_form_changes_nothing(original):
    """Empty fields, and fields that say what the student has, are the unchanged network."""
    assert forms.parse([("epochs", ""), ("layer.1.units", " "), ("add.1.after", "2")]) == Variant()
    same = [("layer.1.units", "50"), ("layer.2.rate", "0.2"), ("epochs", "20"), ("batch_size", "32"),
            ("learning_rate", "0.001"), ("optimizer", "Adam"), ("patience", "0")]  # fmt: skip
    assert changes.reduced(original, forms.parse(same)) == Variant()
    assert changes.in_words(original, Variant()) == "nothing changed"


# -- layers ----------------------------------------------------------------------------------------------


def test_a_dropped_layer_hands_its_input_on():
    """Without its middle layer a network feeds the last one from the first, and has the weights that remain."""
    graph = networks.Graph(chain(dense("a", 10), dense("b", 20), dense("c", 5), parameters=50 + 220 + 105))
    graph.apply(LayerChange(at=2, drop=True))
    changed = graph.result(10_000)
    assert [layer.name for layer in changed.layers] == ["input", "a", "c"]
    assert changed.parameters == 50 + 55


def test_new_layers_keep_their_order():
    """Two layers that are added at one place stand there in the order in which they were added."""
    graph = networks.Graph(chain(dense("a", 10), dense("b", 5), parameters=105))
    graph.add(NewLayer(after=1, kind="Dropout", rate=0.5), "one")
    graph.add(NewLayer(after=1, kind="Dense", units=7, activation="tanh"), "two")
    changed = graph.result(10_000)
    assert [layer.name for layer in changed.layers] == ["input", "a", "one", "two", "b"]
    assert changed.parameters == 50 + 77 + 40


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (LayerChange(at=3, units=6), "The last layer's units are the task's"),
        (LayerChange(at=3, drop=True), "it stays"),
        (LayerChange(at=4, units=6), "There is no layer 4: the network has 3"),
        (LayerChange(at=2, units=3), "Layer 2 (Dropout) has no units"),
        (LayerChange(at=1, rate=0.5), "Layer 1 (Dense) has no dropout rate"),
        (LayerChange(at=2, activation="relu"), "Layer 2 (Dropout) has no activation"),
        (LayerChange(at=1, units=10_000), "the assignment allows 5,000"),
    ],
)
def test_a_layer_that_does_not_fit_is_refused(change, words):
    """A change that a layer cannot take is refused with the layer's number and kind."""
    graph = networks.Graph(chain(dense("a", 10), Layer("b", "Dropout", {"rate": 0.1}), dense("c", 5), parameters=105))
    _, refusal = tried(lambda: (graph.apply(change), graph.result(5_000)))
    assert words in refusal


def test_joined_layers_keep_one_width():
    """In a residual network, other units on one branch are refused, because the sum would not fit."""
    add = Layer("add", "Add", {})
    network = chain(dense("a", 8), dense("b", 8), dense("out", 5), parameters=200)
    nodes = (*network.nodes[:3], Node("add", (1, 2)), Node("out", (3,)))
    network = replace(network, layers=(*network.layers, add), nodes=nodes, outputs=(4,))
    graph = networks.Graph(network)
    graph.apply(LayerChange(at=2, units=16))
    with pytest.raises(RefusedError, match="joins layers of one width"):
        graph.result(10_000)
    with pytest.raises(RefusedError, match="joins several others, so it stays"):
        networks.Graph(network).apply(LayerChange(at=3, drop=True))


# -- inputs, seeds, early stopping -----------------------------------------------------------------------


def test_a_column_that_is_left_out_leaves_network_and_inputs(original):
    """Without a column, inputs and network are one narrower."""
    changed = changes.apply(original, Variant(without=("longitude",)))
    assert changed.traced.features.shape[1] == 2
    assert changed.architecture.layers[0].config["shape"] == [2]
    assert [column.source for column in changed.traced.tracing.columns] == ["latitude", "median_income"]


def test_unscaled_inputs_are_the_datas_own(original):
    """With scaling off, inputs are the data set's numbers."""
    changed = changes.apply(original, Variant(scaling=Scaling.OFF)).traced
    data = original.settings.dataset.features[changed.rows][:, [0, 1, 7]]
    assert np.array_equal(changed.features, data.astype(np.float32))


@pytest.mark.parametrize(
    ("variant", "words"),
    [
        (Variant(without=("longitude", "latitude", "median_income")), "No input would be left"),
        (Variant(without=("households",)), "households is not among the inputs"),
        (Variant(without=("Robert'); DROP",)), "The data has no column of this name"),
        (Variant(seeds=(12,)), "12 is no seed of this assignment's grading, which are 11, 23"),
        (Variant(batch_size=99_999), "more than the 800 rows"),
    ],
)
def test_what_cannot_be_tried_says_why(original, variant, words):
    """A refusal is a sentence about this network."""
    with pytest.raises(RefusedError) as refused:
        changes.apply(original, variant)
    assert words in refused.value.message


def test_early_stopping_needs_watched_rows(original):
    """Early stopping is refused where the training watches no development rows, and taken where it does."""
    stopped = changes.apply(original, Variant(patience=3)).recipe.phases[0].early_stopping
    assert stopped.config["patience"] == 3 and stopped.config["restore_best_weights"] is True
    blind = replace(original, recipe=replace(original.recipe, development=False))
    with pytest.raises(RefusedError, match="watches no development rows"):
        changes.apply(blind, Variant(patience=3))


def test_epochs_beyond_the_cap_are_cut_and_told(original):
    """More epochs than the assignment's cap on steps allows are cut as in a submission, and a note says to how many."""
    changed = changes.apply(original, Variant(epochs=5_000))
    assert changed.recipe.phases[0].epochs == 2_000  # of 25 steps each
    assert changed.notes == ("The assignment's cap on steps cuts the training to 2,000 epochs.",)


def test_another_optimizer_has_its_own_learning_rate(original):
    """A changed optimizer starts with the learning rate that Keras gives it, unless another is named."""
    phase = changes.apply(original, Variant(optimizer="SGD")).recipe.phases[0]
    assert phase.optimizer == KerasObject("SGD", {"learning_rate": 0.01})


# -- presets ---------------------------------------------------------------------------------------------


def test_presets_are_variants_or_reasons(original):
    """Each preset of a small network is the change that its name says, or a reason in words."""
    found = {preset.key: preset for preset in presets.presets(original)}
    said = {key: changes.in_words(original, of.variant) if of.variant else of.reason for key, of in found.items()}
    assert said == {
        "drop-layer": "without layer 1 (Dense 50, relu); without layer 2 (Dropout 0.2)",
        "add-layer": "Dense 50, relu added behind layer 2",
        "double-units": "layer 1: 100 units instead of 50",
        "no-dropout": "without layer 2 (Dropout 0.2)",
        "half-dropout": "layer 2: rate 0.5 instead of 0.2",
        "rate-up": "learning rate 0.01 instead of 0.001",
        "rate-down": "learning rate 0.0001 instead of 0.001",
        "5-epochs": "5 epochs instead of 20",
        "100-epochs": "100 epochs instead of 20",
        "unscaled": "inputs not scaled",
        "scaled": "The inputs are scaled already.",
        "without-column": f"without {found['without-column'].variant.without[0]}",
        "linear": "layer 1: linear instead of relu",
        "bent": "This network is not linear.",
    }


def test_ten_times_a_rate_of_32_bits_is_what_a_person_types(original):
    """Ten times Keras's 0.0010000000474974513 is 0.01, which rounds to other 32 bits than ten times the noise."""
    phase = original.recipe.phases[0]
    noisy = replace(phase, optimizer=KerasObject("Adam", {"learning_rate": 0.0010000000474974513}))
    taken = presets.ten_times(replace(original, recipe=replace(original.recipe, phases=(noisy,))))
    assert taken == Variant(learning_rate=0.01)


# -- what came of it ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("metric", "gain", "band", "effect", "sentence"),
    [
        ("accuracy", 0.004, 0.006, Effect.NOISE, "Accuracy 91.0%: +0.4 points ± 0.6, noise."),
        ("accuracy", -0.022, 0.009, Effect.WORSE, "Accuracy 91.0%: −2.2 points ± 0.9, worse."),
        ("accuracy", 0.004, 0.0041, Effect.NOISE, "Accuracy 91.0%: +0.40 points ± 0.41, noise."),
        ("accuracy", 0.004, None, Effect.UNKNOWN, "Accuracy 91.0%: +0.4 points on one seed, which may be chance."),
        ("rmse", 812.0, 300.0, Effect.BETTER, "RMSE $61,204: −$812 ± $300, better (less is better)."),
    ],
)
def test_a_difference_is_never_a_bare_number(metric, gain, band, effect, sentence):
    """A difference stands with its uncertainty and what that means; a regression's is in the data's unit, and says
    which way is better."""
    after = {11: 61_204.0 if metric == "rmse" else 0.91}
    assert results._compared(after, gain, band, effect, metrics.find(metric, "$1")) == [sentence]
    assert results._effect(gain, band) is effect
