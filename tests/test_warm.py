"""Warm boxes: jobs run one after the other in the same box, and nothing of one is left for the next."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from checker.errors import HarnessError
from checker.records.assignment import Limits
from checker.records.job import Ending, ExecuteJob
from checker.sandbox import kinds, process
from checker.wire import frames
from checker.wire.collector import Collector
from checker.wire.frames import Frame, Kind

pytestmark = [pytest.mark.tensorflow, pytest.mark.wall]

LIMITS = Limits(seconds=120, memory_mib=2_048, output_mib=16)


@pytest.fixture(scope="module")
def boxes():
    """The boxes of one job slot, kept for all tests of this file."""
    opened = kinds.choose("bubblewrap").open()
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def run(boxes, assignment, practice):
    """Run a module in the students' box; return the execution and the output."""

    def run_module(source, keras="3", limits=LIMITS):
        seen = Collector(lambda progress: None)
        job = ExecuteJob(
            is_notebook=False, keras=keras, reason="", caps=assignment.caps, classes=assignment.data.classes
        )
        beside = [Frame(Kind.BYTES, source.encode()), Frame(Kind.BYTES, practice.csv)]
        return boxes.students.run([frames.job(job), *beside, frames.END], limits, seen.receive), seen

    return run_module


def text_of(seen):
    return "".join(output.content for cell in seen.cells for output in cell.outputs)


def errors_of(seen):
    return [f"{cell.error.name}: {cell.error.message}" for cell in seen.cells if cell.error is not None]


def warm_process(boxes):
    """The process of the students' box that forks for each job."""
    return boxes.students._warm.process.pid


LITTER = r"""
import os, pathlib, subprocess, sys
for place in ("/tmp", "/tmp/home", "/dev/shm"):
    folder = pathlib.Path(place, "left"); folder.mkdir(parents=True, exist_ok=True)
    (folder / "behind.txt").write_text("x"); os.chmod(folder, 0)
os.environ["LEFT_BEHIND"] = "1"
patient = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(99)"
subprocess.Popen([sys.executable, "-c", patient], start_new_session=True)
import keras, sklearn.metrics, numpy
keras.Model.predict = lambda *a, **k: "patched"
sklearn.metrics.accuracy_score = lambda *a, **k: 1.0
numpy.mean = lambda *a, **k: 1.0
print("LITTERED")
"""

LOOK = r"""
import os, pathlib, keras, sklearn.metrics, numpy
places = ("/tmp", "/tmp/home", "/dev/shm")
left = [str(p) for place in places for p in pathlib.Path(place).iterdir() if "left" in p.name]
print("FILES", left, "ENVIRONMENT", os.environ.get("LEFT_BEHIND"))
print("ACCURACY", sklearn.metrics.accuracy_score([0, 1], [0, 0]))
print("MEAN", numpy.mean([0.0, 3.0]), "PREDICT", keras.Model.predict.__name__)
others = [p for p in os.listdir("/proc") if p.isdigit() and "patient" in open(f"/proc/{p}/cmdline").read()]
print("PROCESSES", others)
"""


def test_the_next_job_sees_nothing_of_the_last(run, boxes):
    """In the same box, the next job meets no files, processes, environment or patched modules of the last."""
    run("print('warm up')")
    before = warm_process(boxes)
    execution, seen = run(LITTER)
    assert "LITTERED" in text_of(seen), errors_of(seen)
    assert execution.ending is Ending.FINISHED
    _, seen = run(LOOK)
    assert "FILES [] ENVIRONMENT None\nACCURACY 0.5" in text_of(seen), errors_of(seen)
    assert "MEAN 1.5 PREDICT predict" in text_of(seen)
    assert "PROCESSES []" in text_of(seen)
    assert warm_process(boxes) == before


LEGACY = r"""
import tensorflow as tf, keras, tf_keras
from keras.models import Sequential
from tensorflow.keras.layers import Dense
from tensorflow.keras.models import Model
print("LEGACY", Dense is tf_keras.layers.Dense, Sequential is tf_keras.Sequential)
print("NAMES", tf.keras.Model is tf_keras.Model, Model is tf_keras.Model)
w = tf.Variable(1.0)
tf.keras.optimizers.SGD(0.1).minimize(lambda: (w - 3.0) ** 2, [w])
print("STEP", round(float(w), 3))
m = Sequential([Dense(2, input_shape=(3,))]); m.compile("sgd", "mse"); m.fit([[1., 2., 3.]], [[1., 2.]], verbose=0)
"""

MODERN = r"""
import tensorflow as tf, keras
from tensorflow.keras.layers import Dense
print("MODERN", Dense is keras.layers.Dense, keras.__version__[0], isinstance(tf.keras.Sequential(), keras.Model))
"""


def test_either_generation_in_the_same_box(run):
    """One warm process runs legacy Keras under all its names, then Keras 3 again."""
    _, seen = run(LEGACY, keras="2")
    assert "LEGACY True True\nNAMES True True" in text_of(seen), errors_of(seen)
    assert "STEP 1.4" in text_of(seen), errors_of(seen)
    assert [model.unrebuildable for model in seen.models] == [""]
    _, seen = run(MODERN)
    assert "MODERN True 3 True" in text_of(seen), errors_of(seen)


WORK = r"""
import multiprocessing, joblib, matplotlib.pyplot as plt, numpy as np, tensorflow as tf
shown = !echo from the shell
print(shown[0])
print("JOBLIB", joblib.Parallel(n_jobs=2)(joblib.delayed(abs)(-i) for i in range(3)))
with multiprocessing.get_context("fork").Pool(1) as pool:
    print("POOL", pool.map(abs, [-4]))
plt.plot([1, 2]); plt.show()
f = tf.function(lambda x: x * 2, jit_compile=True)
print("XLA", float(f(tf.constant(2.0))))
data = tf.data.Dataset.range(5).map(lambda x: x + 1, num_parallel_calls=2)
print("DATA", sum(int(x) for x in data))
m = tf.keras.Sequential([tf.keras.Input((3,)), tf.keras.layers.Dense(1)]); m.compile("adam", "mse")
print("LOSS", m.fit(np.ones((8, 3)), np.ones(8), verbose=0).history["loss"][0] >= 0)
"""


def test_everything_works_in_a_fork(run):
    """A job can use the shell, joblib, multiprocessing, inline pictures, XLA, tf.data and fit."""
    _, seen = run(WORK)
    text = text_of(seen)
    assert errors_of(seen) == []
    for words in ("from the shell", "JOBLIB [0, 1, 2]", "POOL [4]", "XLA 4.0", "DATA 15", "LOSS True"):
        assert words in text
    assert any(output.kind == "png" for cell in seen.cells for output in cell.outputs)


def test_every_job_draws_the_same_numbers(run):
    """All global generators are seeded before the first cell, whatever the kernel drew during its start."""
    source = """
import random, numpy, keras, tensorflow as tf
print(random.random(), numpy.random.rand(), float(tf.random.uniform([])), keras.layers.Dense(1).kernel_initializer.seed)
"""
    first, second = (text_of(run(source)[1]) for _ in range(2))
    assert first == second != ""


def test_the_warm_process_cannot_be_looked_into(run):
    """A student's code has the warm process's user id, but can open neither its memory nor its descriptors."""
    source = r"""
import ctypes, os
warm = "1"
for name in ("mem", "environ", "maps", "fd"):
    try:
        found = os.listdir(f"/proc/{warm}/fd") if name == "fd" else open(f"/proc/{warm}/{name}", "rb").read(1)
        print("OPENED", name)
    except OSError as error:
        print("REFUSED", name)
print("PTRACE", ctypes.CDLL(None, use_errno=True).ptrace(16, int(warm), 0, 0))
"""
    _, seen = run(source)
    text = text_of(seen)
    assert "OPENED" not in text, text
    assert text.count("REFUSED") == 4
    assert "PTRACE -1" in text


@pytest.mark.parametrize(
    "source",
    [
        "import os, signal\nos.kill(1, signal.SIGKILL)\nos.kill(1, signal.SIGSTOP)\nprint('still here')",
        "import os\nopen('/tmp/big', 'wb').write(b'x' * 300_000_000)\nprint('written')",
        "import subprocess, sys\n[subprocess.Popen(['sleep', '99']) for _ in range(50)]\nprint('started')",
    ],
    ids=["kills the first process", "fills the disk", "leaves processes"],
)
def test_a_bad_neighbour_leaves_the_next_job_unharmed(run, source):
    """The next job runs, whatever a job did to its box."""
    run(source)
    execution, seen = run("print('the next job')")
    assert execution.ending is Ending.FINISHED
    assert "the next job" in text_of(seen)


def test_a_job_that_reaches_a_limit_costs_its_box(run, boxes):
    """After a limit the box is closed. A job that arrives while the next box gets ready ahead of need waits for that
    box, and starts no other."""
    run("print('warm up')")
    before = warm_process(boxes)
    execution, _ = run("import time\ntime.sleep(99)", limits=Limits(3, 2_048, 16))
    assert execution.ending is Ending.TIME
    assert boxes.students._warm is None
    boxes.students.get_ready()
    while boxes.students._warm is None:
        time.sleep(0.01)
    early = warm_process(boxes)
    _, seen = run("print('again')")
    assert "again" in text_of(seen)
    assert warm_process(boxes) == early != before


def test_what_is_measured_is_the_jobs_own(run):
    """A small job has little processor time and memory, whatever the warm process and earlier jobs have used."""
    run("x = sum(i * i for i in range(10_000_000))")
    execution, _ = run("print('small')")
    assert execution.cpu_seconds < 4
    assert execution.peak_memory_mib < 600


def test_a_late_and_short_need_of_memory_is_seen(run):
    """The peak memory includes memory that a job uses for a second, long after its start."""
    execution, _ = run("import time\ntime.sleep(3)\nlarge = b'x' * 700_000_000\ntime.sleep(1.2)\ndel large")
    assert execution.ending is Ending.FINISHED
    assert 667 < execution.peak_memory_mib < 667 + 600


def test_the_clean_process_holds_nothing_that_no_training_needs(boxes):
    """The clean guest does not load libraries for tables, pictures and other models."""
    boxes.ours.warm()
    members = process.tree_of(boxes.ours._warm.process)
    mapped = "".join(Path(f"/proc/{member.pid}/maps").read_text() for member in members)
    assert "/tensorflow/" in mapped
    assert not [name for name in ("sklearn", "matplotlib", "pandas", "scipy", "h5py") if f"/{name}/" in mapped]


def test_a_box_that_is_closed_while_it_gets_ready_leaves_nothing():
    """A box can be closed at any moment while it gets ready, and accepts no job afterwards."""
    opened = kinds.choose("bubblewrap").open()
    opened.ours.get_ready()
    while opened.ours._warm is None:
        time.sleep(0.01)
    members = process.tree_of(opened.ours._warm.process)
    opened.close()
    assert members
    assert all(map(process.has_ended, members))
    with pytest.raises(HarnessError, match="closed"):
        opened.ours.run([frames.END], LIMITS, lambda frame: None)


def test_a_box_ends_with_the_checker(tmp_path):
    """If the checker is killed with -9, no process of a box is left."""
    source = """
import sys, time
from checker.sandbox import kinds
boxes = kinds.choose("bubblewrap").open()
warm = boxes.students._ready()
print(warm.process.pid, flush=True)
time.sleep(99)
"""
    child = subprocess.Popen(
        [sys.executable, "-c", source], stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parent.parent
    )
    box = psutil.Process(int(child.stdout.readline()))
    members = [box, *box.children(recursive=True)]
    assert len(members) > 1
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    child.stdout.close()
    process.await_end(members, 10)
    assert all(map(process.has_ended, members))


def test_a_box_that_is_renewed_is_closed(run, boxes):
    """A fresh box is one in which nothing of the old one runs. This test is the last one, so nothing waits for it."""
    run("print('warm up')")
    members = process.tree_of(boxes.students._warm.process)
    boxes.students.renew()
    assert boxes.students._warm is None
    assert members
    assert all(map(process.has_ended, members))
