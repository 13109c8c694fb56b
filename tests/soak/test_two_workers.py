"""Twenty-four submissions on two workers, one killed half-way and started again: one machine's results, each once."""

import json
import os
import shutil
import subprocess
import sys
import threading

import pytest
import schedulers
from schedulers import ROOT

processes = schedulers.processes

COUNT = 24
TOO_LONG = "infinite-loop"
KILLED_AFTER = 90.0


def run_batch(folder, out, *arguments):
    """Check a folder; return verdict and comparison by name, and the names in the order in which they were told."""
    data = [] if os.environ.get("CHECKER_HOUSING_CSV") else ["--practice-data"]
    command = [sys.executable, "-m", "checker", "batch", str(folder), "--out", str(out), *data, *arguments]
    said = subprocess.run(command, cwd=ROOT, check=False, stdout=subprocess.PIPE, text=True).stdout
    reports = json.loads((out / "results.json").read_bytes())["reports"]
    told = [line.partition("] ")[2].partition(":")[0] for line in said.splitlines() if f"/{COUNT}] " in line]
    return {report["submission"]["name"]: (report["verdict"], report["comparison"]) for report in reports}, told


@pytest.mark.wall
def test_a_batch_on_two_workers_is_the_batch_on_one_machine(processes, tmp_path):
    """Verdicts and scores are the same to the last digit though a worker was killed and another took its place, and no
    submission ends twice."""
    examples = [path for path in sorted((ROOT / "submissions").iterdir()) if path.is_dir() and path.name != TOO_LONG]
    for path in examples[:COUNT]:
        shutil.copytree(path, tmp_path / "in" / path.name)
    at_home, _ = run_batch(tmp_path / "in", tmp_path / "home", "--jobs", "2")
    ours = processes(allowed_failures=3)
    words = ("-m", "checker", "worker", ours.address, "--boxes", "1")
    lost, _ = (ours.start_worker(*words) for _ in range(2))
    again = []

    def kill_and_start_again():
        lost.kill()
        lost.wait()
        again.append(ours.start_worker(*words))

    killing = threading.Timer(KILLED_AFTER, kill_and_start_again)
    killing.start()
    away, told = run_batch(tmp_path / "in", tmp_path / "away", "--scheduler", ours.address)
    killing.join()
    assert lost.wait(10) < 0
    assert [worker.poll() for worker in again] == [None]
    assert away == at_home
    assert sorted(told) == sorted(at_home) and len(told) == COUNT
