"""What the page, the index, the terminal text and the tables promise to those who read them."""

import base64
import csv
import io
import json
import math
import re
import struct
import xml.etree.ElementTree as ElementTree
import zlib
from dataclasses import replace
from html.parser import HTMLParser
from itertools import count

import pytest
from rich.console import Console

from checker.records import (
    SCHEMA_VERSION,
    Architecture,
    ArrayRef,
    CellError,
    CellOutput,
    CellResult,
    Column,
    Comparison,
    DatasetNote,
    Development,
    Ending,
    Environment,
    Execution,
    Failure,
    FeatureSource,
    Fed,
    Fit,
    Importance,
    KerasObject,
    Labels,
    Layer,
    ModelCapture,
    Node,
    Outcome,
    Phase,
    Recipe,
    Rejected,
    Report,
    RuleResult,
    SeedScore,
    SeenRows,
    Selection,
    Stage,
    StudentCell,
    Submission,
    Tracing,
    TrainingRun,
    Unfinished,
    Verdict,
    from_json,
)

CLASSES = ("<1H OCEAN", "INLAND", "ISLAND", "NEAR BAY", "NEAR OCEAN")
DATA = DatasetNote("California housing, 20,640 rows", "ab" * 32, practice=False)
HOSTILE = (
    "<script>alert(1)</script></style></title><img src=x onerror=alert(1)>{{7*7}}{% raw %}"
    "\x1b[31mred\x1b[0m\x1b]0;title\x07\x9b2J \u202egnirts\u202c\u2066 \udc80\x00\x08[bold]rich[/bold]\" ' onload='x"
)


# -- reports to render -----------------------------------------------------------------------------------


def png(width: int = 4, height: int = 3) -> str:
    """Return a grey picture as base64."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = (b"\0" + bytes(width)) * height
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    data = b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return base64.b64encode(data).decode()


def a_network(*units: int) -> Architecture:
    """Return a chain of dense layers on nine inputs."""
    dense = [
        Layer(f"dense_{at}", "Dense", {"units": n, "activation": "softmax" if n == 5 else "relu"})
        for at, n in enumerate(units)
    ]
    layers = (Layer("input", "InputLayer", {"shape": [9]}), *dense)
    nodes = tuple(Node(layer.name, (at - 1,) if at else ()) for at, layer in enumerate(layers))
    return Architecture(layers, nodes, (len(layers) - 1,), 6_000)


def a_phase(optimizer: str = "Adam", epochs: int = 20, **more: object) -> Phase:
    settings = KerasObject(optimizer, {"learning_rate": 0.0010000000474974513, "name": optimizer.lower()})
    loss = KerasObject("SparseCategoricalCrossentropy", {"from_logits": False})
    return replace(Phase(settings, loss, epochs, 32, Labels.INTEGERS), **more)


def a_run(seed: int, epochs: int = 20) -> TrainingRun:
    falling = [1.2 * math.exp(-at / 6) + 0.25 + 0.01 * math.sin(at * seed) for at in range(epochs)]
    history = {
        "loss": tuple(falling),
        "accuracy": tuple(0.96 - 0.35 * value for value in falling),
        "val_loss": tuple(value + 0.03 for value in falling),
        "val_accuracy": (*(0.95 - 0.35 * value for value in falling[:-1]), None),
    }
    return TrainingRun(seed, history, epochs, epochs * 413, 3.2, False, ArrayRef("0" * 64, (4128, 5), "float32"))


def a_comparison(mean: float = 0.913) -> Comparison:
    seeds = (11, 23, 37, 41, 59)
    noise = (-0.004, 0.002, 0.005, -0.001, -0.002)
    scores = tuple(SeedScore(s, mean + n, 0.919 + n / 2, 0.807 - n / 9) for s, n in zip(seeds, noise, strict=True))
    confusion = ((8700, 240, 0, 120, 80), (300, 6200, 0, 10, 40), (2, 0, 18, 0, 5), (130, 9, 0, 2100, 12), (90, 30, 3, 8, 2500))
    recalls = (0.952, 0.947, 0.72, 0.933, None)
    return Comparison("accuracy", scores, mean, 0.0036, 0.919, 0.0018, 0.807, 0.889, 0.0021, 0.934, confusion, recalls)


def a_cell(index: int, source: str, *outputs: CellOutput, error: CellError | None = None) -> CellResult:
    return CellResult(index, source, outputs, error, 0.3)


def an_answer(architecture: Architecture | None = None) -> ModelCapture:
    fed = Fed(13_209)
    fit = Fit(
        14, "fit", a_phase(), "", 200, 58, 23_954, True, fed, Development.DATA, Fed(3_303),
        {"loss": (0.9, 0.21), "val_accuracy": (0.7, 0.921)}, ("Epochs were capped.",),
    )  # fmt: skip
    return ModelCapture(3, "sequential_2", "model", "Sequential", 13, 9, 5, 6_305, architecture or a_network(100, 50, 5), "", (fit,))


def a_pass(name: str = "Ada Lovelace", mean: float = 0.913) -> Report:
    """Return a report in which everything went well, with something in every field."""
    rules = (
        RuleResult("test_scaled", "The inputs are scaled with numbers from the training part only", Importance.REQUIRED, Outcome.PASSED),
        RuleResult("test_watched", "A development set is watched during training", Importance.ADVISORY, Outcome.FAILED,
                   "No validation_data or validation_split was given to fit.",
                   "Pass validation_data=(X_dev, Y_dev) to fit and look at val_loss.", "", ("cell 14: fit(X, Y, epochs=200)",)),
        RuleResult("test_relu", "Hidden layers bend their outputs", Importance.REQUIRED, Outcome.PASSED),
        RuleResult("test_tensorboard", "TensorBoard was used", Importance.ADVISORY, Outcome.SKIPPED, "Optional."),
    )  # fmt: skip
    columns = tuple(
        Column(source, 0.0, 1.0, -3.1, 5.2, 0.01, 1.02, -3.4, 6.1, 0.41)
        for source in ("longitude", "latitude", "housing_median_age", "total_rooms")
    )
    cells = (
        StudentCell(a_cell(1, "import tensorflow as tf"), False),
        StudentCell(a_cell(2, "opt.minimize(loss, [x])", error=CellError("AttributeError", "no minimize", "\x1b[0;31mAttributeError\x1b[0m: no minimize")), False),
        StudentCell(a_cell(13, "model = Sequential([\n    Dense(100, activation='relu'),  # wide\n    Dense(5, activation='softmax'),\n])"), True),
        StudentCell(a_cell(14, "def train(model):\n    return model.fit(X_train, Y_train, epochs=200)\n\nhistory = train(model)",
                           CellOutput("text", "Epoch 1/200\n  1/413\r 413/413\x1b[32m ━━━━\x1b[0m loss: 0.9"), CellOutput("png", png(320, 120))), True),
    )  # fmt: skip
    recipe = Recipe((a_phase(epochs=58), a_phase("SGD", 30, class_weight={"2": 5.0})), True, 142, ("Early stopping was kept.",))
    return Report(
        schema=SCHEMA_VERSION,
        submission=Submission(name, f"/home/ta/{name}_123_assignsubmission_file/tick4.ipynb", True, "c0ffee" * 10),
        assignment="ocean_proximity",
        title="Practical 4: ocean proximity",
        classes=CLASSES,
        verdict=Verdict.PASS,
        reasons=("The mean accuracy of 91.3% reaches the bar of 88.9%.", "All required rules hold."),
        failures=(),
        rules=rules,
        comparison=a_comparison(mean),
        selection=Selection(3, "It is the last model with 9 inputs and 5 outputs that was fitted on the assignment's data.",
                            (Rejected(1, "xor", 4, "It has 2 inputs; the assignment has 9."), Rejected(2, "model", 9, "It was never fitted."))),
        tracing=Tracing(FeatureSource.TRACED, "Every column is an affine image of one of the data's.", columns, 13_209, 3_303, 20_640, 12,
                        (SeenRows(15, "evaluate", 4_128, 0),)),
        recipe=recipe,
        answer=an_answer(),
        reference_architecture=a_network(64, 32, 5),
        reference_recipe=Recipe((a_phase(),), True),
        runs=tuple(a_run(seed) for seed in (11, 23, 37)),
        cells=cells,
        environment=Environment({"python": "3.11.4", "tensorflow": "2.21.0", "tf_keras": "2.21.0"}, "legacy", "The notebook uses opt.minimize."),
        execution=Execution(Ending.FINISHED, 0, 48.2, 61.0, 912.4, "WARNING: oneDNN", "bubblewrap"),
        retraining=Execution(Ending.FINISHED, 0, 31.0, 30.4, 700.0, "", "bubblewrap"),
        dataset=DATA,
        reproduce=f"checker check '{name}/tick4.ipynb' --assignment ocean_proximity",
    )  # fmt: skip


def a_fail(name: str = "Charles Babbage") -> Report:
    """Return a report of a submission that came to no model, so that nothing was trained."""
    failure = Failure(
        Stage.EXECUTING, "The cell that makes the model raised an error.", "Spell it learning_rate, not lr.",
        "ValueError: Argument(s) not recognized: {'lr': 0.01}", 2,
    )  # fmt: skip
    rule = RuleResult("test_model", "There is a model for the task", Importance.REQUIRED, Outcome.FAILED, "None was found.", "Fit one.", "assert None")
    return replace(
        a_pass(name), verdict=Verdict.FAIL, reasons=("No model for this task was found.",), failures=(failure,), rules=(rule,),
        comparison=None, selection=Selection(None, "No model has 9 inputs and 5 outputs."), tracing=None, recipe=None, answer=None,
        runs=(), retraining=None, environment=None,
    )  # fmt: skip


def a_referral(name: str = "Grace Hopper") -> Report:
    broken = RuleResult("test_odd", "The rows are the data's", Importance.REQUIRED, Outcome.ERROR, "The rule broke.", "", "KeyError: 'x'")
    return replace(
        a_pass(name, 0.889), verdict=Verdict.REFER, reasons=("Too close to the bar to tell.",), rules=(broken,), comparison=a_comparison(0.8885)
    )  # fmt: skip


def poisoned(value: object) -> object:
    """Return a record with hostile text in every field of text."""
    if type(value) is str:
        return value + HOSTILE
    if isinstance(value, tuple):
        return tuple(poisoned(item) for item in value)
    if isinstance(value, dict):
        return {key + HOSTILE: poisoned(item) for key, item in value.items()}
    if hasattr(value, "__dataclass_fields__"):
        return replace(value, **{name: poisoned(getattr(value, name)) for name in value.__dataclass_fields__})
    return value
