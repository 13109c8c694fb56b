"""Scripts that train a network again without the checker: what gets into them, and in which form."""

import ast
import inspect
from dataclasses import replace

import numpy as np
import pytest

from checker.errors import EvidenceError
from checker.keras_spec import allow_list
from checker.records.assignment import DatasetNote
from checker.records.comparison import Comparison, SeedScore
from checker.records.evidence import Selection
from checker.records.network import Architecture, KerasObject, Layer, Node, Recipe
from checker.records.tracing import FeatureSource, Tracing
from checker.records.training import Loop
from checker.report import python, scripts

SCORES = {11: 0.9125, 23: 0.8975}
HOSTILE = [
    "ada'''; import os #",
    '"""\nimport os\n"""',
    "a\\",
    "\u202e\u2028{{ 7 * 7 }}{% raw %}",
    "M\udcfcller",
    "a\nb\x00\x1b[2J",
]
NOTE = DatasetNote("practice data", "ab" * 32, True)


def compared(spread: float = 0.01) -> Comparison:
    scores = tuple(SeedScore(seed, score, 0.9, 0.6) for seed, score in SCORES.items())
    return Comparison(
        metric="accuracy",
        scores=scores,
        mean=0.905,
        spread=spread,
        reference_mean=0.9,
        reference_spread=0.01,
        baseline_mean=0.6,
        bar=0.85,
        band=0.01,
        training_mean=None,
        confusion=(),
        recalls=(),
        baseline="guess",
        higher_is_better=True,
    )


@pytest.fixture
def evidence(make):
    """Evidence of a network that was rebuilt and trained for two seeds."""
    runs = tuple(make.run(seed, np.zeros((2, 5), np.float32)) for seed in SCORES)
    return make.evidence(
        models=(make.model(1),),
        selection=Selection(1, "the only one"),
        tracing=Tracing(source=FeatureSource.TRACED, reason="traced"),
        recipe=Recipe(phases=(make.phase(),), development=True),
        runs=runs,
        failures=(),
    )


def assigned(tree: ast.Module, name: str) -> object:
    """Return the value of a constant of the script."""
    values = (node.value for node in tree.body if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name)
    return ast.literal_eval(next(values))


@pytest.mark.parametrize("name", HOSTILE)
def test_what_a_student_wrote_stays_a_literal(evidence, assignment, name):
    """Whatever a submission is called, or says that it ran on, the script is the same but for two constants."""
    plain = ast.parse(scripts.render(evidence, compared(), assignment, NOTE))
    told = replace(
        evidence,
        submission=replace(evidence.submission, name=name),
        environment=replace(evidence.environment, versions={"numpy": name, name: name}),
    )
    tree = ast.parse(scripts.render(told, compared(), assignment, NOTE).encode("utf-8", "replace").decode())
    assert assigned(tree, "SUBMISSION") == name
    assert assigned(tree, "VERSIONS") == {"numpy": name}
    assert len(tree.body) == len(plain.body)
    differing = [a for a, b in zip(tree.body, plain.body, strict=True) if ast.dump(a) != ast.dump(b)]
    assert [ast.unparse(node.targets[0]) for node in differing] == ["SUBMISSION", "VERSIONS"]


@pytest.mark.parametrize(
    "layer",
    [
        Layer("x", "TFSMLayer", {"filepath": "/tmp/evil"}),
        Layer("x", "Dense(5) or exec", {"units": 5}),
        Layer("x", "Dense", {"units": 5, "__import__('os')": 1}),
        Layer("x", "Dense", {"units": 5, "kernel_initializer": {"class_name": "os.system", "config": {}}}),
    ],
    ids=["class", "code-as-class", "code-as-setting", "inner-class"],
)
def test_nothing_outside_the_vocabulary_is_named(layer):
    """A class or a setting that the clean guest would not build comes into no script."""
    record = Architecture((Layer("i", "InputLayer", {"shape": [9]}), layer), (Node("i", ()), Node("x", (0,))), (1,), 5)
    with pytest.raises(EvidenceError):
        scripts.network(record)


def test_a_string_as_a_setting_is_a_literal():
    """Code as a setting's value is only text."""
    code = python.keras_object(
        KerasObject("Activation", {"activation": "relu'); os.system('x"}), "layers", allow_list.LAYERS
    )
    (keyword,) = ast.parse(code, mode="eval").body.keywords
    assert ast.literal_eval(keyword.value) == "relu'); os.system('x"


@pytest.mark.parametrize(
    ("layer", "nodes", "outputs"),
    [
        (Layer("x", "Dense", {"units": 5}), (Node("i", ()), Node("x", ())), (1,)),
        (Layer("x", "Dense", {"units": 5}), (Node("i", ()), Node("x", (1,))), (1,)),
        (Layer("x", "Dense", {"units": 5}), (Node("i", ()), Node("x", (0,))), ()),
        (Layer("x", "Dense", {"units": 5}), (Node("i", ()), Node("x", (0,))), (7,)),
        (Layer("x", "Normalization", {}), (Node("i", ()), Node("x", ())), (1,)),
    ],
    ids=["unfed", "itself", "no-output", "other-output", "unfed-adapted"],
)
def test_unsound_wiring_gives_no_script(layer, nodes, outputs):
    """A network whose layers are fed with nothing, or that gives what is not there, is refused in words."""
    record = Architecture((Layer("i", "InputLayer", {"shape": [9]}), layer), nodes, outputs, 5)
    with pytest.raises(EvidenceError, match="not sound"):
        scripts.network(record)


@pytest.mark.parametrize("value", [None, True, 7, 0.1, "it's\n", [1, [2.5, None]], {"a": {"b": [1] * 60}}, *HOSTILE])
def test_a_literal_is_read_back_as_it_was(value):
    """Plain data survives the way into Python code and back."""
    assert ast.literal_eval(python.literal(value)) == value


def test_only_what_was_rebuilt_and_compared_has_a_script(evidence, assignment):
    """A replayed network, one without figures, and one without a plain description have none."""
    assert scripts.render(evidence, None, assignment, NOTE) is None
    assert scripts.render(replace(evidence, replayed="its own class"), compared(), assignment, NOTE) is None
    bare = replace(evidence.models[0], architecture=None)
    assert scripts.render(replace(evidence, models=(bare,)), compared(), assignment, NOTE) is None


@pytest.mark.parametrize(("loop", "tolerance"), [(Loop.GRAPH, 0.0), (Loop.XLA, 3 * 2**0.5 * 0.01)])
def test_the_tolerance_is_none_where_the_graph_loop_ran(evidence, assignment, loop, tolerance):
    """After the graph loop figures must be equal; after XLA they may differ by three deviations of a difference."""
    runs = tuple(replace(run, loop=loop) for run in evidence.runs)
    tree = ast.parse(scripts.render(replace(evidence, runs=runs), compared(), assignment, NOTE))
    assert assigned(tree, "TOLERANCE") == pytest.approx(tolerance)
    assert assigned(tree, "CHANCE") == pytest.approx(3 * 2**0.5 * 0.01)
    assert assigned(tree, "REPORT") == SCORES


@pytest.mark.tensorflow
def test_settings_that_are_left_out_are_the_defaults():
    """In both generations of Keras, a setting that a script leaves out has the value that it would have had."""
    import tensorflow as tf
    import tf_keras

    for keras in (tf.keras, tf_keras):
        lists = {"layers": allow_list.LAYERS, "optimizers": allow_list.OPTIMIZERS, "callbacks": allow_list.CALLBACKS}
        for home, allowed in lists.items():
            for name, keys in allowed.items():
                defaults = inspect.signature(getattr(getattr(keras, home), name).__init__).parameters
                for key in set(keys.split()) & set(python._USUAL) & set(defaults):
                    usual, default = python._USUAL[key], defaults[key].default
                    if isinstance(usual, dict):
                        usual = keras.initializers.get(usual["class_name"]).__class__
                        default = keras.initializers.get(default).__class__
                    assert default == usual, (name, key)
