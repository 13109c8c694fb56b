"""Batches that are killed, and batches that are long: nothing is lost, nothing is left, nothing grows.

``CHECKER_SOAK_SUBMISSIONS``, ``CHECKER_SOAK_KILLS`` and ``CHECKER_SOAK_MANY`` scale these trials down.
"""

import json
import os
import random
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).parent.parent.parent
EXAMPLE = ROOT / "submissions" / "too-little-training" / "practical4.ipynb"
SUBMISSIONS = int(os.environ.get("CHECKER_SOAK_SUBMISSIONS", "12"))
KILLS = int(os.environ.get("CHECKER_SOAK_KILLS", "10"))
MANY = int(os.environ.get("CHECKER_SOAK_MANY", "500"))
GONE_SECONDS = 15
FILLER = "filler"

pytestmark = [pytest.mark.wall, pytest.mark.skipif(os.name == "nt", reason="there is no wall on Windows")]


@pytest.fixture
def place():
    """A folder that a box's own user may walk through, with one for temporary files."""
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        Path(folder).chmod(0o755)
        (Path(folder) / "tmp").mkdir()
        yield Path(folder)


def start(place, out):
    """Start a batch over all that was handed in; what it prints goes to a file."""
    data = [] if os.environ.get("CHECKER_HOUSING_CSV") else ["--practice-data"]
    command = [sys.executable, "-m", "checker", "batch", str(place / "in"), "--out", str(out), "--jobs", "2", *data]
    environment = {**os.environ, "TMPDIR": str(place / "tmp")}
    with (place / "printed").open("ab") as printed:
        return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=printed, stderr=printed)


def results(out):
    """Return everybody's verdict and scores."""
    found = json.loads((out / "results.json").read_bytes())
    assert not found["unfinished"]
    return {report["submission"]["name"]: (report["verdict"], report["comparison"]) for report in found["reports"]}


def hand_in(place, count):
    for number in range(count):
        (place / "in" / f"Student {number:03}").mkdir(parents=True)
        shutil.copy(EXAMPLE, place / "in" / f"Student {number:03}")


# -- killed and taken up again ---------------------------------------------------------------------------


def descendants(batch):
    with suppress(psutil.NoSuchProcess):
        return psutil.Process(batch.pid).children(recursive=True)
    return []


def kill_one(which):
    """Kill one of a batch's processes, that of a box or that of a job, from outside."""

    def kill(batch, out):
        members = descendants(batch)
        if members:
            with suppress(psutil.NoSuchProcess):
                members[0 if which == "box" else -1].kill()

    return kill


def signalled(number):
    return lambda batch, out: batch.send_signal(number)


def fill_up(batch, out):
    """Take all the room that there is left on the disk."""
    with suppress(OSError), (out / FILLER).open("wb", buffering=0) as stream:
        while stream.write(bytes(4_096)):
            pass


WAYS = {
    "kill -9": signalled(signal.SIGKILL),
    "Ctrl-C": signalled(signal.SIGINT),
    "terminated": signalled(signal.SIGTERM),
    "box killed": kill_one("box"),
    "job killed": kill_one("job"),
    "disk full": fill_up,
}


@contextmanager
def a_disk(out, way):
    """Put a small file system under the results that are to fill it; only root may."""
    out.mkdir()
    if way != "disk full":
        yield
        return
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=20m", "none", str(out)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(out)], check=False)


def left(place, out):
    """Return temporary folders, sockets and half-written files that are there still."""
    return [*os.listdir(place / "tmp"), *(str(path) for path in out.rglob(".partial-*"))]


def test_killed_batches_come_to_the_same_results(place):
    """Killed at any moment, in any way, and run again: the same verdicts and scores, and nothing is left behind."""
    hand_in(place, SUBMISSIONS)
    began = time.monotonic()
    assert start(place, place / "undisturbed").wait() in (0, 1)
    seconds = time.monotonic() - began
    wanted, dice = results(place / "undisturbed"), random.Random(4)
    assert len(wanted) == SUBMISSIONS
    assert not left(place, place / "undisturbed")
    ways = [way for way in WAYS if way != "disk full" or os.geteuid() == 0]
    for trial in range(KILLS):
        way, moment = ways[trial % len(ways)], dice.uniform(0.05, 0.95) * seconds
        said = f"trial {trial}: {way} after {moment:.0f} of {seconds:.0f} s"
        print(said, flush=True)
        out = place / f"trial-{trial}"
        with a_disk(out, way):
            disturb(start(place, out), out, way, moment, said)
            assert start(place, out).wait() in (0, 1), said
            assert results(out) == wanted, said
            assert not left(place, out), said


def disturb(batch, out, way, moment, said):
    """Let a batch be disturbed, and see that it ends with all of its processes."""
    with suppress(subprocess.TimeoutExpired):
        batch.wait(moment)
    before = descendants(batch)
    WAYS[way](batch, out)
    assert batch.wait(3_600) is not None
    _, alive = psutil.wait_procs(before, GONE_SECONDS)
    assert not alive, f"{said}: {alive}"
    (out / FILLER).unlink(missing_ok=True)


# -- long ------------------------------------------------------------------------------------------------


def a_note(number):
    """A notebook without a network, as most of a long batch are, so that it is not a matter of days."""
    cell = {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": [], "source": f"print({number})"}
    return json.dumps({"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": [cell]})


def test_a_long_batch_does_not_grow(place):
    """The host's memory and the time for each submission stay the same, however many there are."""
    for number in range(MANY):
        folder = place / "in" / f"Student {number:03}"
        folder.mkdir(parents=True)
        if number % 10 == 0:
            shutil.copy(EXAMPLE, folder)
        else:
            (folder / "tick.ipynb").write_text(a_note(number))
    batch = start(place, place / "out")
    ended, resident = [], []
    while batch.poll() is None:
        with suppress(psutil.Error):
            resident.append(psutil.Process(batch.pid).memory_info().rss / 2**20)
        done = len(re.findall(rb"(?m)^\[\d+/%d\]" % MANY, (place / "printed").read_bytes()))
        ended += [time.monotonic()] * (done - len(ended))
        time.sleep(0.5)
    assert batch.returncode in (0, 1)
    assert len(results(place / "out")) == MANY
    assert not left(place, place / "out")
    running = resident[len(resident) // 4 :]
    early, late = (statistics.median(part) for part in (running[: len(running) // 3], running[-len(running) // 3 :]))
    quarter = len(ended) // 4
    first, last = ended[2 * quarter - 1] - ended[quarter], ended[-1] - ended[-quarter]
    print(f"{MANY} submissions: {early:.0f} MiB, later {late:.0f} MiB, at most {max(resident):.0f} MiB; "
          f"{first / quarter:.2f} s for each, later {last / quarter:.2f} s")  # fmt: skip
    assert late < 1.2 * early + 20
    assert last < 1.4 * first + 10
