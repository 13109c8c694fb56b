"""Records: JSON out and in again, strictly."""

import json
import math
from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest

from checker.errors import EvidenceError
from checker.records.assignment import Assignment
from checker.records.capture import CellResult, Fit, ModelCapture
from checker.records.codec import from_json, to_json, to_plain
from checker.records.evidence import Evidence
from checker.records.job import Progress
from checker.records.network import Layer
from checker.records.submission import Submission
from checker.records.training import Histogram, TrainingRun, Weights


def test_records_survive_json(make, assignment):
    """A record with every kind of field is read back equal, with its enums, tuples and nested records."""
    model = make.model(1, make.fit(history={"loss": (0.9, None)}), make.fit(cell=8))
    evidence = make.evidence(models=(model,), cells=(make.cell(1, error="no"),))
    assert from_json(Evidence, to_json(evidence)) == evidence
    assert from_json(Assignment, to_json(assignment)) == assignment
    assert from_json(Evidence, to_json(evidence, indent=2).decode()) == evidence


def test_a_run_is_read_with_and_without_weights(make):
    """Histograms of weights survive JSON; evidence from before there were any is read as if training was replayed."""
    run = make.run(11, np.zeros((2, 5)))
    spread = Histogram(-0.1, 0.2, (3, 0, 4), 1)
    described = replace(run, weights=(Weights("1_Dense/kernel", spread, Histogram(0.0, 0.0, (), 8)),))
    assert from_json(TrainingRun, to_json(described)) == described
    older = {key: value for key, value in to_plain(run).items() if key != "weights"}
    assert from_json(TrainingRun, json.dumps(older)) == run


def test_names_from_every_script_survive_json(make):
    """Letters of any script, and control characters, are read back as they were."""
    submission = make.submission("Zoë Ñandú 李雷 \x1b[31m \u202e 🐈")
    assert from_json(Submission, to_json(submission)) == submission


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_what_is_not_a_number_becomes_null(make, number):
    """NaN and infinities are written as null, and read back as None."""
    fit = make.fit(history={"loss": (0.5, number)})
    assert json.loads(to_json(fit))["history"] == {"loss": [0.5, None]}
    assert from_json(Fit, to_json(fit)).history == {"loss": (0.5, None)}


@pytest.mark.parametrize(
    ("cls", "text", "words"),
    [
        (Progress, '{"at": 1, "of": 2, "colour": 3}', "colour: "),
        (Progress, '{"at": 1}', "of: "),
        (Progress, '{"at": "1", "of": 2}', "at: "),
        (Progress, '{"at": 1.5, "of": 2}', "at: "),
        (Progress, '{"at": true, "of": 2}', "at: "),
        (Progress, '{"at": null, "of": 2}', "at: "),
        (Progress, "[1, 2]", "top level: "),
        (Progress, "{", "top level: "),
        (Layer, '{"name": 5, "class_name": "Dense"}', "name: "),
        (Layer, '{"name": "a", "class_name": "b", "config": {"x": NaN}, "y": 1}', "y: "),
    ],
)
def test_whatever_does_not_fit_is_refused(cls, text, words):
    """An unknown key, a missing key or a value of another type is refused, and the message names the key."""
    with pytest.raises(EvidenceError, match=f"^not a {cls.__name__}: {words}"):
        from_json(cls, text)


def test_a_mistake_deep_inside_is_named_by_its_way(make):
    """The message names the way to a wrong value in nested records."""
    plain = to_plain(make.model(1, make.fit(), make.fit()))
    plain["fits"][1]["phase"]["labels"] = "letters"
    with pytest.raises(EvidenceError, match=r"fits\.1\.phase\.labels: .*integers.*one-hot"):
        from_json(ModelCapture, json.dumps(plain))


def test_plain_values_are_json(make):
    """A record as plain values is what its JSON says."""
    assert to_plain(make.cell(3)) == json.loads(to_json(make.cell(3)))
    assert to_plain(make.fit())["development"] == "none"


def test_records_do_not_change(make):
    """A record cannot be changed, only replaced."""
    cell: CellResult = make.cell(1)
    with pytest.raises(FrozenInstanceError):
        cell.index = 2
    assert replace(cell, index=2).index == 2


def test_the_answer_is_the_chosen_model(make):
    """Evidence knows its answer by the selection, and None where nothing was chosen."""
    models = (make.model(4), make.model(7))
    evidence = make.evidence(models=models)
    assert evidence.answer is None
    assert replace(evidence, selection=replace(evidence.selection, chosen=7)).answer == models[1]
