"""A new assignment of any CSV, the whole way: six minutes for each task."""

import json
import os
import subprocess
import sys
import tomllib

import drafts
import pytest

made, run = drafts.made, drafts.run


@pytest.mark.tensorflow
@pytest.mark.wall
@pytest.mark.examples
def test_from_a_csv_to_reports(made, tmp_path, root):
    """A new assignment is sound as it is made: the reference passes, the hand-out fails, and behind the wall each
    example fails the rule that it is there for."""
    folder, _ = made
    environment = os.environ | {"PYTHONPATH": str(root), "XDG_CACHE_HOME": str(tmp_path / "cache"), "COLUMNS": "200"}

    def checker(*words):
        command = [sys.executable, "-m", "checker", *map(str, words)]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, cwd=tmp_path)

    rehearsed = checker("reference", folder, "--write-scores", "--students", "150")
    assert rehearsed.returncode == 0, rehearsed.stdout + rehearsed.stderr
    assert "150 students about" in rehearsed.stdout
    assert checker("bundle", folder, "-o", "tick.zip").returncode == 0
    own = checker("self-check", folder / "solution.ipynb", "--assignment", "tick.zip")
    assert own.returncode == 0, own.stdout + own.stderr
    batch = checker("batch", folder / "examples", "--assignment", folder, "--out", "results")
    assert batch.returncode == 1, batch.stdout + batch.stderr
    reports = json.loads((tmp_path / "results" / "results.json").read_bytes())["reports"]
    assert len(reports) == 10
    for report in reports:
        name = report["submission"]["name"]
        expected = tomllib.loads((folder / "examples" / name / "expected.toml").read_text("utf-8"))
        failed = {rule["name"] for rule in report["rules"] if rule["outcome"] == "failed"}
        assert expected["rule"] in failed, (name, failed, report["reasons"], report["tracing"])
        assert report["verdict"] == expected.get("verdict", report["verdict"]), name
        assert "$" not in json.dumps(report["reasons"])
