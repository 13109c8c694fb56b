"""Whole batches, run again and again: the same accuracies to the last digit."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


def comparisons(out, *arguments):
    data = [] if os.environ.get("CHECKER_HOUSING_CSV") else ["--practice-data"]
    command = [sys.executable, "-m", "checker", "batch", "submissions", "--out", str(out), *data, *arguments]
    subprocess.run(command, cwd=ROOT, check=False)
    reports = json.loads((out / "results.json").read_bytes())["reports"]
    return {report["submission"]["name"]: (report["verdict"], report["comparison"]) for report in reports}


@pytest.mark.wall
def test_fresh_batches_are_identical_whatever_runs_beside(tmp_path):
    """Every example has the same verdict and scores, run twice, with one job and with two."""
    first = comparisons(tmp_path / "a", "--jobs", "2", "--fresh")
    assert len(first) >= 14
    assert comparisons(tmp_path / "b", "--jobs", "1", "--fresh") == first
