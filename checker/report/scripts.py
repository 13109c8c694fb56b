"""A script that retrains a submission's network in plain Keras, and prints the scores of its report.

The script is made from evidence alone, for networks that were rebuilt from plain data. Anyone who doubts a report can
read it and run it without the checker. All student data in it goes through ``python``.
"""

import math
from typing import Any

from checker.errors import EvidenceError
from checker.keras_spec import allow_list, architectures, watched
from checker.records.assignment import Assignment, DatasetNote
from checker.records.capture import Environment
from checker.records.comparison import Comparison
from checker.records.evidence import Evidence
from checker.records.network import Architecture, KerasObject, Labels, Layer, Phase, Recipe
from checker.records.training import Loop
from checker.report.python import Code, bracketed, environment, keras_object, literal
from checker.scoring.metrics import find

PACKAGES = ("python", "tensorflow", "keras", "tf_keras", "numpy", "pandas", "scikit-learn")
"""Packages whose versions may change scores."""

LABELS = {Labels.INTEGERS: "as_they_are", Labels.ONE_HOT: "one_hot", Labels.NUMBERS: "as_they_are"}
"""The script's name for each form of the labels."""

DEVIATIONS = 3
"""A score may lie this many standard deviations off the report's if rounding differs (``docs/reproduction.md``)."""


def render(evidence: Evidence, compared: Comparison | None, assignment: Assignment, note: DatasetNote) -> str | None:
    """Return the script; None if the network was not rebuilt, or its trainings could not be compared. Raises
    EvidenceError if the network's description is not sound.

    The script reads the network's inputs from the npz file with its name beside it, made by ``retraining.archive``.
    """
    answer, recipe, traced = evidence.answer, evidence.recipe, evidence.tracing
    if compared is None or recipe is None or traced is None or evidence.replayed:
        return None
    if answer is None or answer.architecture is None:
        return None
    metric = find(compared.metric, compared.unit)
    return (
        environment()
        .get_template("reproduce.py.jinja")
        .render(
            name=evidence.submission.name,
            legacy=evidence.environment is not None and evidence.environment.keras == "2",
            versions=_versions(evidence.environment),
            note=note,
            data=assignment.data,
            splits=assignment.splits,
            development=recipe.development,
            columns=[column.source or column.formula for column in traced.columns],
            scale=traced.target if assignment.data.is_regression else None,
            network=network(answer.architecture),
            phases=_phases(recipe, len(assignment.data.classes)),
            counted=watched.metric_of(recipe.phases[0].labels).name,
            one_hot=any(phase.labels is Labels.ONE_HOT for phase in recipe.phases),
            metric=compared.metric,
            figure=metric.name,
            scores={score.seed: score.score for score in compared.scores},
            is_exact=all(run.loop is Loop.GRAPH for run in evidence.runs),
            chance=DEVIATIONS * math.sqrt(2) * compared.spread if len(compared.scores) > 1 else math.inf,
        )
    )


def _versions(environment: Environment | None) -> dict[str, str]:
    told = environment.versions if environment else {}
    return {package: told[package] for package in PACKAGES if package in told}


# -- the network -----------------------------------------------------------------------------------------


def network(architecture: Architecture) -> Code:
    """Return the lines that build a network from its inputs, ``inputs``, and adapt it to the table ``x``.

    Raises EvidenceError if the record is not sound; then the clean guest has not trained the network either.
    """
    layers = {layer.name: layer for layer in architecture.layers}
    calls = [node.layer for node in architecture.nodes]
    if not architectures.is_sound(architecture):
        raise EvidenceError("the network's wiring is not sound")
    lines, tensors, columns = _inputs([layers[name] for name in calls])
    shared: dict[str, str] = {}
    for at, (name, node) in enumerate(zip(calls, architecture.nodes, strict=True)):
        layer = layers[name]
        if at in tensors:
            continue
        made = shared.get(name) or _layer(layer)
        if name not in shared and (calls.count(name) > 1 or layer.class_name == "Normalization"):
            shared[name] = f"layer{at}"
            lines.append(f"layer{at} = {made}")
            made = shared[name]
            if layer.class_name == "Normalization":
                if node.inputs[0] not in columns:
                    raise EvidenceError("a layer is adapted to what is no input")
                lines.append(f"layer{at}.adapt({columns[node.inputs[0]]})")
        fed = [tensors[i] for i in node.inputs]
        tensors[at] = f"h{at}"
        taken = f"[{', '.join(fed)}]" if layer.class_name in allow_list.MERGING else fed[0]
        lines.append(f"h{at} = {made}({taken})")
    return Code("\n".join([*lines, f"return keras.Model(inputs, {tensors[architecture.outputs[0]]})"]))


def _inputs(calls: list[Layer]) -> tuple[list[str], dict[int, str], dict[int, str]]:
    """Return the lines that make the inputs and, by node, the name of each input and its columns of the table."""
    shapes = {at: _shape(layer) for at, layer in enumerate(calls) if layer.class_name == "InputLayer"}
    widths = [math.prod(shape) for shape in shapes.values()]
    lines = [f"inputs = keras.Input(({sum(widths)},))"]
    tensors: dict[int, str] = {}
    columns: dict[int, str] = {}
    for k, (at, shape) in enumerate(shapes.items()):
        cut = f"[:, {sum(widths[:k])}:{sum(widths[: k + 1])}]" if len(shapes) > 1 else ""
        tensors[at], columns[at] = f"inputs{cut}", f"x{cut}"
        if len(shape) > 1:
            tensors[at] = f"keras.layers.Reshape({literal(shape)})({tensors[at]})"
            columns[at] += f".reshape(-1, {', '.join(map(str, shape))})"
        if len(shapes) > 1 or len(shape) > 1:
            lines.append(f"h{at} = {tensors[at]}")
            tensors[at] = f"h{at}"
    return lines, tensors, columns


def _shape(layer: Layer) -> list[int]:
    shape = layer.config.get("shape")
    sizes = [size for size in shape if isinstance(size, int)] if isinstance(shape, list) else []
    if not sizes or sizes != shape:
        raise EvidenceError("the network's inputs have no sound shape")
    return sizes


def _layer(layer: Layer) -> Code:
    settings = {key: value for key, value in layer.config.items() if key != "trainable"}
    made = keras_object(KerasObject(layer.class_name, settings), "layers", allow_list.LAYERS)
    if layer.config.get("trainable", True) is not False:
        return made
    return Code(f"frozen({made})")


# -- its training ----------------------------------------------------------------------------------------


def _phases(recipe: Recipe, classes: int) -> list[dict[str, Any]]:
    """Return the template's values for each phase."""
    phases: list[dict[str, Any]] = []
    for phase in recipe.phases:
        compiled = phase.recompiled or not phases
        rate = phase.optimizer.config.get("learning_rate")
        phases.append(
            {
                "compiled": compiled,
                "optimizer": keras_object(phase.optimizer, "optimizers", allow_list.OPTIMIZERS),
                "loss": keras_object(phase.loss, "losses", allow_list.LOSSES),
                "first_rate": rate if not compiled and isinstance(rate, int | float) else None,
                "epochs": phase.epochs,
                "batch_size": phase.batch_size,
                "steps": phase.steps,
                "labels": Code(LABELS[phase.labels]),
                "weights": _weights(phase, classes),
                "best": _best(phase) if phase.checkpoint else None,
                "callbacks": _callbacks(phase),
            }
        )
    return phases


def _weights(phase: Phase, classes: int) -> Code:
    weights = [phase.class_weight.get(str(label), 1.0) for label in range(classes)]
    return literal(weights) if phase.class_weight else Code("")


def _callbacks(phase: Phase) -> Code:
    made = [_watcher(one, phase.labels) for one in (phase.early_stopping, phase.plateau) if one is not None]
    if phase.rates:
        last = len(phase.rates) - 1
        rates = f"lambda epoch: {literal(phase.rates)}[min(epoch, {last})]"
        made.insert(0, Code(f"keras.callbacks.LearningRateScheduler({rates})"))
    if phase.checkpoint:
        made.append(Code("best"))
    return bracketed("[", [*made], "]") if made else Code("")


def _best(phase: Phase) -> Code:
    """Return the callback that restores the best epoch's weights, as the student did from a checkpoint file."""
    assert phase.checkpoint is not None
    config = {**phase.checkpoint.config, "patience": phase.epochs, "restore_best_weights": True}
    return _watcher(KerasObject("EarlyStopping", config), phase.labels)


def _watcher(wanted: KerasObject, labels: Labels) -> Code:
    """Return the student's callback as the clean guest builds it."""
    settings = watched.as_measured_here(wanted.config, watched.metric_of(labels))
    return keras_object(KerasObject(wanted.class_name, settings), "callbacks", allow_list.CALLBACKS)
