"""Where a network's weights come from when its training begins: from its initialisers, or from elsewhere.

The generation of Keras is chosen before TensorFlow is imported, so the cases of ``origin_cases.py`` run in a process of
their own for each; legacy Keras and Keras 3 are both tried.
"""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import origin_cases
import pytest

from checker.gather import explanation
from checker.guest.plain import architecture, plaindata
from checker.guest.plain.plaindata import UnrebuildableError
from checker.keras_spec.allow_list import INITIALIZERS
from checker.keras_spec.foreign_weights import ELSEWHERE
from checker.records.network import KerasObject
from checker.records.verdicts import FailureCause, Stage

HERE = Path(__file__).parent


@pytest.fixture(scope="module", params=["3", "2"])
def said(request: pytest.FixtureRequest) -> dict[str, str]:
    """What each case came to, in a generation of Keras."""
    path = os.pathsep.join(map(str, (HERE, HERE.parent.parent)))
    environment = {**os.environ, "TF_USE_LEGACY_KERAS": "1" if request.param == "2" else "0", "PYTHONPATH": path}
    ran = subprocess.run(
        [sys.executable, HERE / "origin_cases.py"], env=environment, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr[-3_000:]
    lines = (tuple(line.split("\t")) for line in ran.stdout.splitlines() if "\t" in line)
    return dict(lines)


@pytest.mark.tensorflow
def test_weights_of_initialisers_raise_no_alarm(said: dict[str, str]) -> None:
    """Whatever layers, initialisers and ways to build a network there are, weights that nobody set are fresh."""
    fresh = [case.__name__ for case in origin_cases.FRESH]
    assert {name: said[name] for name in fresh} == dict.fromkeys(fresh, "")


@pytest.mark.tensorflow
def test_weights_from_elsewhere_are_noticed(said: dict[str, str]) -> None:
    """Weights that were set, assigned, loaded or given as an array come from elsewhere, by the layer's name."""
    elsewhere = [case.__name__ for case in origin_cases.ELSEWHERE]
    assert [name for name in elsewhere if ELSEWHERE not in said[name]] == []
    assert [name for name in elsewhere if "layer `named" not in said[name]] == []
    assert "`strange" in said["loaded_from_an_unknown_file"]


@pytest.mark.tensorflow
def test_weights_of_another_network_of_the_file_are_its(said: dict[str, str]) -> None:
    """If a network takes the weights of another network of the file, its name is told."""
    transferred = [case.__name__ for case in origin_cases.TRANSFERRED]
    wrong = {name: said[name] for name in transferred if "another network of this file, `teacher`" not in said[name]}
    assert wrong == {}


def test_a_constant_has_one_number() -> None:
    """An initialiser that holds an array is described without it, and is never built."""
    assert plaindata._number(0.5) == plaindata._number([0.5]) == 0.5
    assert plaindata._number([[1.0, 2.0]]) is None
    written = {"class_name": "__numpy__", "config": {"value": [1.0, 2.0], "dtype": "float64"}}
    assert plaindata._number(written) is None
    for value in (None, [0.1, 0.2], [[1.0]], "1"):
        with pytest.raises(UnrebuildableError, match=ELSEWHERE):
            plaindata.build(KerasObject("Constant", {"value": value}), INITIALIZERS, None, None)


def test_a_network_that_was_only_loaded_is_referred(make: SimpleNamespace) -> None:
    """A network for the task whose training nobody saw is not said to be untrained: a demonstrator looks."""
    loaded = make.model(origin=f"layer `dense` already held weights from the file `w.h5`, and {ELSEWHERE}")
    object.__setattr__(loaded, "fits", ())
    failure = explanation.why_none([loaded], [], 5, 20_640)
    assert (failure.stage, failure.cause) == (Stage.SELECTING, FailureCause.TRAINED_ELSEWHERE)
    assert (
        f"was not seen: layer `dense` already held weights from the file `w.h5`, and {ELSEWHERE}." in failure.rationale
    )
    assert "never trained" not in failure.rationale


@pytest.mark.tensorflow
def test_a_rescaling_behind_other_layers_holds_no_array(tf: Any) -> None:
    """A rescaling may have a number for each column of the inputs; behind other layers an array would be weights."""
    layers, numbers = tf.keras.layers, [0.5] * 9
    honest = tf.keras.Sequential([layers.Input((9,)), layers.Rescaling(numbers, numbers), layers.Dense(5)])
    rebuilt = architecture.rebuild(architecture.describe(honest, tf.keras, tf), tf.keras)
    assert rebuilt.output_shape == (None, 5)
    hidden = tf.keras.Sequential([layers.Input((9,)), layers.Dense(9), layers.Rescaling(numbers), layers.Dense(5)])
    with pytest.raises(UnrebuildableError, match=ELSEWHERE):
        architecture.rebuild(architecture.describe(hidden, tf.keras, tf), tf.keras)
