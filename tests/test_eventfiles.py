"""TensorBoard's event files, read back by TensorBoard's own reader."""

import json
import os
import re
import signal
import subprocess
import sys
from dataclasses import replace
from urllib.request import urlopen

import numpy as np
import pytest

from checker.records.evidence import Selection
from checker.records.gathered import Gathered
from checker.records.network import Recipe
from checker.records.settings import RunSettings
from checker.records.training import Histogram, Weights
from checker.report import eventfiles
from checker.scoring.held_out import held_out_split

SEEDS = (11, 23)
HISTORY = {"loss": (0.9, None, 0.5), "accuracy": (0.4, 0.5, 0.7), "val_loss": (1.0, 0.8, 0.6)}

WEIGHTS = (
    Weights("1_Dense/kernel", Histogram(-0.5, 0.5, (3, 4, 3)), Histogram(-1.0, 2.0, (2, 8, 0))),
    Weights("1_Dense/bias", Histogram(0.0, 0.0, (0, 5)), Histogram(1.0, 2.0, (2, 1), 2)),
    Weights("2_\u202eDense\n/bias", Histogram(0.0, 0.0, (5,)), Histogram(0.0, 0.0, (), 5)),
)


@pytest.fixture
def settings(assignment, practice, fake_sandbox):
    return RunSettings(assignment=assignment, dataset=practice, seeds=SEEDS)


@pytest.fixture
def gathered(settings, make):
    """Evidence of a network that calls every held-out row by its first class."""
    held_out = {seed: held_out_split(seed, True, None, settings).held_out for seed in SEEDS}
    outputs = {seed: np.eye(5, dtype=np.float32)[np.zeros(len(rows), int)] for seed, rows in held_out.items()}
    runs = tuple(make.run(seed, of, history=HISTORY, epochs=3, weights=WEIGHTS) for seed, of in outputs.items())
    evidence = make.evidence(
        models=(make.model(1),),
        selection=Selection(1, ""),
        recipe=Recipe(phases=(make.phase(),), development=True),
        runs=runs,
        failures=(),
    )
    return Gathered(evidence, {run.predictions.sha256: outputs[run.seed] for run in runs})


def read(folder):
    """Return what TensorBoard finds in a run."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    found = EventAccumulator(str(folder), {"images": 0, "scalars": 0, "tensors": 0})
    found.Reload()
    return found


@pytest.mark.tensorflow
def test_tensorboard_reads_what_was_written(settings, gathered, practice, tmp_path):
    """Each seed of student and reference is a run with scalars, the confusion matrix and the network's graph."""
    folder = eventfiles.write_beside({"Ada": gathered}, gathered, settings, tmp_path)
    eventfiles.write_beside({"Ada": gathered}, gathered, settings, tmp_path)  # again: it replaces
    runs = sorted(str(path.parent.relative_to(folder)) for path in folder.rglob("events.*"))
    assert runs == ["reference/seed-11", "reference/seed-23", "student/seed-11", "student/seed-23"]
    found = read(folder / "student" / "seed-11")
    tags = found.Tags()
    assert sorted(tags["scalars"]) == ["accuracy/held-out", "accuracy/training", "loss/development", "loss/training"]
    losses = [(event.step, round(event.value, 6)) for event in found.Scalars("loss/training")]
    assert losses == [(1, 0.9), (3, 0.5)]
    (held_out,) = found.Scalars("accuracy/held-out")
    rows = held_out_split(11, True, None, settings).held_out
    assert held_out.value == pytest.approx(float(np.mean(practice.labels[rows] == 0)))
    (image,) = found.Images("held-out/predicted and true")
    assert image.encoded_image_string.startswith(b"\x89PNG") and (image.width, image.height) == (500, 500)
    nodes = found.Graph().node
    assert [(node.op, list(node.input)) for node in nodes] == [
        ("InputLayer", []),
        ("Dense", ["0_Input_9"]),
        ("Dense", ["1_Dense_50_relu"]),
    ]
    assert nodes[1].attr["units"].s == b"50"


@pytest.mark.tensorflow
def test_histograms_are_read_back_by_tensorboards_plugin(settings, gathered, tmp_path):
    """Each variable has a histogram at step 0 and one at the last epoch, in the form of TensorBoard's plugin; what is
    not finite is told in words, and a variable of which nothing is finite has no second one."""
    from tensorboard.util.tensor_util import make_ndarray

    eventfiles.write(gathered, settings, tmp_path)
    found = read(tmp_path / "seed-11")
    kernel, bias, broken = "weights/1_Dense/kernel", "weights/1_Dense/bias", "weights/2_\ufffdDense /bias"
    assert sorted(found.PluginTagToContent("histograms")) == sorted([kernel, bias, broken])
    bins = {
        tag: [(e.step, make_ndarray(e.tensor_proto).tolist()) for e in found.Tensors(tag)] for tag in (kernel, bias)
    }
    assert bins[kernel] == [
        (
            0,
            [
                [-0.5, pytest.approx(-1 / 6), 3],
                [pytest.approx(-1 / 6), pytest.approx(1 / 6), 4],
                [pytest.approx(1 / 6), 0.5, 3],
            ],
        ),
        (3, [[-1, 0, 2], [0, 1, 8], [1, 2, 0]]),
    ]
    assert bins[bias] == [(0, [[0, 0, 0], [0, 0, 5]]), (3, [[1, 1.5, 2], [1.5, 2, 1]])]
    assert [event.step for event in found.Tensors(broken)] == [0]
    words = [found.SummaryMetadata(tag).summary_description for tag in (kernel, bias, broken)]
    said = "After training {} weights are NaN or infinite, which no bin shows."
    assert words == ["", said.format(2), said.format(5)]


def test_only_the_references_runs_for_the_same_seeds_are_beside(settings, gathered, tmp_path):
    """Of a reference that is trained for further seeds too, whoever was not trained for these sees none."""
    first = gathered.evidence.runs[:1]
    ada = replace(gathered, evidence=replace(gathered.evidence, runs=first))
    folder = eventfiles.write_beside({"Ada": ada}, gathered, settings, tmp_path)
    runs = sorted(str(path.parent.relative_to(folder)) for path in folder.rglob("events.*"))
    assert runs == ["reference/seed-11", "student/seed-11"]


@pytest.mark.slow
def test_several_submissions_are_shown_from_the_folder_above(settings, gathered, tmp_path):
    """Of several submissions all are in one view, each under its own name."""
    assert eventfiles.write_beside({"ada": gathered, "bob": gathered}, gathered, settings, tmp_path) == tmp_path
    assert len(list(tmp_path.glob("*/*/seed-11/events.*"))) == 4


def test_values_of_a_regression_are_drawn(prices):
    """Of numbers to predict the picture shows predictions over true values."""
    image = eventfiles.predicted_against_true(prices.labels * 0.9, prices.labels)
    assert image.encoded_image_string.startswith(b"\x89PNG")


@pytest.mark.slow
def test_the_host_imports_no_tensorflow():
    """Neither the commands nor the writer of event files load TensorFlow or Keras into the host."""
    code = (
        "import sys, checker.report.eventfiles as e; from checker.commands import app;"
        "commands = [app.imported(name) for name in app.COMMANDS];"
        "e.Event(file_version=e.VERSION).SerializeToString(); e.masked_crc32c(b'x');"
        "print([m for m in sys.modules if m.split('.')[0] in ('tensorflow', 'keras', 'tf_keras')])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


@pytest.mark.slow
def test_a_batch_starts_without_what_it_needs_later():
    """What takes long to import is imported when it is used, so boxes can start before."""
    late = ("pandas", "sklearn", "scipy.optimize", "scipy.stats", "scipy.special", "matplotlib", "distributed")
    code = f"import sys, checker.commands.batch; print([name for name in {late} if name in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="needs signals")
def test_tensorboard_prints_its_address_alone(settings, gathered, tmp_path):
    """TensorBoard shows the runs, and prints no notices beside its address; an interruption ends it."""
    eventfiles.write(gathered, settings, tmp_path / "student")
    code = "import pathlib, sys; from checker.report import eventfiles; eventfiles.show(pathlib.Path(sys.argv[1]))"
    command = [sys.executable, "-c", code, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as server:
        said = server.stdout.readline()
        address = re.fullmatch(r"TensorBoard \S+ at (http://localhost:\d+/) \(Press CTRL\+C to quit\)\n", said)
        with urlopen(f"{address[1]}data/runs") as answer:
            assert json.load(answer) == [f"student/seed-{run.seed}" for run in gathered.evidence.runs]
        server.send_signal(signal.SIGINT)
        assert server.stdout.read() == ""
    assert server.returncode == 0
