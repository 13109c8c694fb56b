"""TensorBoard's event files from stored evidence: a run for each seed, of a submission and of the reference.

Theory of operation: an event file is a sequence of records, each a length, an ``Event`` protocol buffer, and checksums.
TensorBoard's own package has these messages and the checksum. Its writer is not used, because it imports TensorFlow;
the host never does. A file is written whole under a fixed name, so that writing it again replaces it. Timestamps are
not clock times: an event's timestamp is the seconds from the run's start, if all epochs take equally long.
"""

import contextlib
import io
import json
import re
import struct
import sys
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from tensorboard.compat.proto.attr_value_pb2 import AttrValue
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.graph_pb2 import GraphDef
from tensorboard.compat.proto.node_def_pb2 import NodeDef
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.compat.proto.versions_pb2 import VersionDef
from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import masked_crc32c
from tensorboard.plugins.histogram import metadata as histograms
from tensorboard.util.tensor_util import make_tensor_proto

from checker.formats import files, text
from checker.judge import runs
from checker.keras_spec import architectures
from checker.keras_spec.watched import DEVELOPMENT
from checker.records.arrays import Array
from checker.records.gathered import Gathered
from checker.records.network import Architecture
from checker.records.settings import RunSettings
from checker.records.training import Histogram, TrainingRun
from checker.scoring.metrics import METRICS

FILE = "events.out.tfevents.0.checker"
VERSION = "brain.Event:2"
WITHOUT_TENSORFLOW = "tensorboard.compat.notf"
"""If this module is there, TensorBoard does not import TensorFlow."""
ROWS = 2_000
"""Maximum number of rows of a regression in an image."""


def write(gathered: Gathered, settings: RunSettings, folder: Path) -> None:
    """Write a run for each seed of some evidence: ``folder/seed-11`` and so on.

    Each run holds loss and accuracy (or error) by epoch, the score on the held-out rows, and an image of predictions
    against true values. It has histograms of the weights before and after training if training was not replayed, and
    the network's graph if the network was read as plain data.
    """
    answer = gathered.evidence.answer
    for run in gathered.evidence.runs:
        predicted = runs.predictions(gathered, run, settings)
        true = runs.true_labels(gathered, run, settings)
        events = [Event(file_version=VERSION), *_history(run), *_weights(run)]
        if answer is not None and answer.architecture is not None:
            events.append(Event(graph_def=graph(answer.architecture).SerializeToString()))
        classes, metric = settings.assignment.data.classes, settings.assignment.bar.metric
        figure = METRICS[metric].measure(predicted, true)
        shown = confusion(predicted, true, classes) if classes else predicted_against_true(predicted, true)
        values = (
            Summary.Value(tag=f"{metric}/held-out", simple_value=figure),
            Summary.Value(tag="held-out/predicted and true", image=shown),
        )
        events += [Event(step=run.epochs, wall_time=run.seconds, summary=Summary(value=[value])) for value in values]
        files.write(folder / f"seed-{run.seed}" / FILE, b"".join(map(_record, events)))


def _record(event: Event) -> bytes:
    """Return an event in TensorBoard's record format: length, checksum, content, checksum."""
    content: bytes = event.SerializeToString()
    length = struct.pack("<Q", len(content))
    return b"".join(
        (length, struct.pack("<I", masked_crc32c(length)), content, struct.pack("<I", masked_crc32c(content)))
    )


def _history(run: TrainingRun) -> Iterator[Event]:
    """Yield the measurements after each epoch, tagged so that training and development are side by side."""
    for name, values in run.history.items():
        part = "development" if name.startswith(DEVELOPMENT) else "training"
        tag = f"{text.one_line(name, 100).removeprefix(DEVELOPMENT)}/{part}"
        for epoch, value in enumerate(values, 1):
            if value is not None:
                summary = Summary(value=[Summary.Value(tag=tag, simple_value=value)])
                yield Event(step=epoch, wall_time=run.seconds * epoch / len(values), summary=summary)


# -- weights ---------------------------------------------------------------------------------------------


def _weights(run: TrainingRun) -> Iterator[Event]:
    """Yield histograms of each variable's finite values before and after training."""
    for variable in run.weights:
        tag = f"weights/{text.one_line(variable.variable, 100)}"
        not_finite = variable.after.not_finite
        words = f"After training {not_finite:,} weights are NaN or infinite, which no bin shows." if not_finite else ""
        for step, seconds, spread in ((0, 0.0, variable.before), (run.epochs, run.seconds, variable.after)):
            if spread.counts:
                summary = Summary(value=[histogram(tag, spread, words)])
                yield Event(step=step, wall_time=seconds, summary=summary)


def histogram(tag: str, spread: Histogram, words: str = "") -> Any:
    """Return a histogram in TensorBoard's format: each bin's left edge, right edge and count."""
    edges = np.linspace(spread.low, spread.high, len(spread.counts) + 1)
    bins = np.column_stack([edges[:-1], edges[1:], spread.counts])
    kind = histograms.create_summary_metadata(display_name=None, description=words)
    return Summary.Value(tag=tag, metadata=kind, tensor=make_tensor_proto(bins))


# -- the network -----------------------------------------------------------------------------------------


def graph(architecture: Architecture) -> GraphDef:
    """Return a network as a graph for TensorBoard: a node for each call of a layer, with its settings."""
    names: list[str] = []
    made = GraphDef(versions=VersionDef(producer=22))
    for layer, node in zip(architectures.in_order(architecture), architecture.nodes, strict=True):
        words = re.sub(r"[^A-Za-z0-9.]+", "_", architectures.describe_layer(layer))[:80]
        names.append(f"{len(names)}_{words}")
        settings = {key: AttrValue(s=json.dumps(value).encode()) for key, value in layer.config.items()}
        inputs = [names[earlier] for earlier in node.inputs]
        made.node.append(NodeDef(name=names[-1], op=layer.class_name, input=inputs, attr=settings))
    return made


# -- pictures --------------------------------------------------------------------------------------------


def confusion(outputs: Array, labels: Array, classes: Sequence[str]) -> Any:
    """Return an image of the confusion matrix, with counts of rows."""
    counts = np.zeros((len(classes), len(classes)), dtype=np.int64)
    np.add.at(counts, (labels, outputs.argmax(axis=1)), 1)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    figure = Figure(figsize=(5, 5), layout="constrained")
    axes = figure.add_subplot(xlabel="called", ylabel="class")
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    axes.set_xticks(range(len(classes)), classes, rotation=45, ha="right")
    axes.set_yticks(range(len(classes)), classes)
    for (row, column), count in np.ndenumerate(counts):
        colour = "white" if shares[row, column] > 0.5 else "black"
        axes.text(column, row, f"{count:,}", ha="center", va="center", color=colour)
    return _image(figure)


def predicted_against_true(values: Array, true: Array) -> Any:
    """Return an image of a regression's predictions against the true values."""
    rows = np.unique(np.linspace(0, len(true) - 1, min(len(true), ROWS)).round().astype(int))
    figure = Figure(figsize=(5, 5), layout="constrained")
    axes = figure.add_subplot(xlabel="true", ylabel="predicted")
    axes.plot(true[rows], values[rows], ".", markersize=2)
    axes.axline((0, 0), slope=1, color="black", linewidth=0.8)
    return _image(figure)


def _image(figure: Figure) -> Any:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    width, height = (round(size * figure.dpi) for size in figure.get_size_inches())
    return Summary.Image(height=height, width=width, colorspace=4, encoded_image_string=buffer.getvalue())


# -- side by side ----------------------------------------------------------------------------------------


def write_beside(found: Mapping[str, Gathered], reference: Gathered, settings: RunSettings, folder: Path) -> Path:
    """Write each submission's runs, and beside them the reference's runs for the same seeds:
    ``folder/<slug>/student/seed-11``, ``folder/<slug>/reference/seed-11``. Return the folder for TensorBoard to
    show."""
    for name, gathered in found.items():
        beside = _only_seeds(reference, {run.seed for run in gathered.evidence.runs})
        for who, evidence in (("student", gathered), ("reference", beside)):
            write(evidence, settings, folder / files.slug(name) / who)
    return folder / files.slug(next(iter(found))) if len(found) == 1 else folder


def _only_seeds(gathered: Gathered, seeds: Set[int]) -> Gathered:
    runs = tuple(run for run in gathered.evidence.runs if run.seed in seeds)
    return replace(gathered, evidence=replace(gathered.evidence, runs=runs))


def show(folder: Path) -> None:
    """Run TensorBoard, which prints its address, until somebody interrupts it.

    It runs without TensorFlow, because importing that takes seconds and prints notices that no setting silences.
    """
    sys.modules[WITHOUT_TENSORFLOW] = ModuleType(WITHOUT_TENSORFLOW)
    from tensorboard import default, program

    server = program.TensorBoard(plugins=default.get_plugins())
    # With "auto" it prints advice about its loader, and without a host about other hosts.
    server.configure(["tensorboard", "--logdir", str(folder), "--host", "localhost", "--load_fast", "false"])
    with contextlib.suppress(KeyboardInterrupt):
        server.main()
