"""The example submissions, each through the real batch: real sandbox, real kernel, real TensorFlow.

All on practice data, some on the real data where ``CHECKER_HOUSING_CSV`` is set.
"""

import csv
import json
import os
import shutil
import subprocess
import sys
import tomllib
import xml.etree.ElementTree as ET

import pytest

from checker import dataset

pytestmark = [pytest.mark.examples, pytest.mark.tensorflow, pytest.mark.wall]

REAL = os.environ.get(dataset.VARIABLE, "")
ON_REAL_DATA = ("plain-sequential", "keras-2-idioms", "no-hidden-layer", "label-leak", "permuted-labels")
"""The demonstration runs all of them on the real data where it is there."""


def run_batch(root, out, *arguments):
    command = [sys.executable, "-m", "checker", "batch", str(root / "submissions"), "--out", str(out), *arguments]
    ran = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert (out / "results.json").exists(), ran.stdout + ran.stderr
    reports = json.loads((out / "results.json").read_bytes())["reports"]
    return ran.returncode, {report["submission"]["name"]: report for report in reports}


@pytest.fixture(scope="session")
def impatient(root, tmp_path_factory):
    """The assignment with a wall clock of two minutes, for the sake of the example that never ends."""
    folder = tmp_path_factory.mktemp("assignment") / "ocean_proximity"
    shutil.copytree(root / "reference" / "ocean_proximity", folder)
    text = (folder / "assignment.toml").read_text(encoding="utf-8")
    assert "wall_seconds = 360.0" in text
    (folder / "assignment.toml").write_text(text.replace("wall_seconds = 360.0", "wall_seconds = 120.0"))
    return ["--assignment", str(folder), "--practice-data"]


@pytest.fixture(scope="session")
def batch(root, impatient, tmp_path_factory):
    """All examples on practice data: the output folder, the exit code, the reports by name."""
    out = tmp_path_factory.mktemp("practice")
    return out, *run_batch(root, out, *impatient)


def expectations(root):
    return {
        path.parent.name: tomllib.loads(path.read_text(encoding="utf-8"))
        for path in sorted((root / "submissions").glob("*/expected.toml"))
    }


def broken(report, importance="required"):
    return {r["name"] for r in report["rules"] if r["outcome"] == "failed" and r["importance"] == importance}


def surprises(reports, root):
    """Return a line for each report that is not what its expected.toml says."""
    return [
        f"{name}: {report['verdict']} {report['reasons']}: {what}"
        for name, report in reports.items()
        for what in differences(report, expectations(root)[name])
    ]


def differences(report, wanted):
    """Yield what an expected.toml says and the report does not."""
    stages = {failure["stage"] for failure in report["failures"]}
    said = " ".join(report["reasons"] + [n for r in report["rules"] for n in r["notes"]]).lower()
    adapted = " ".join(adaptation["what"] for adaptation in report["adaptations"])
    keras, why = (report["environment"] or {}).get("keras"), (report["environment"] or {}).get("reason", "")
    holds = {
        "verdict": lambda verdict: report["verdict"] == verdict,
        "rule": lambda rule: rule in broken(report),
        "failure": lambda stage: stage in stages,
        "words": lambda words: words.lower() in said,
        "adapted": lambda words: all(word in adapted for word in words),
        "keras": lambda generation: keras == generation,
        "why": lambda words: words in why,
        "choice": lambda words: words in report["selection"]["reason"],
        "replayed": lambda replayed: bool(report["replayed"]) == replayed,
        "advisory": lambda rule: rule in broken(report, "advisory"),
    }
    for key, value in wanted.items():
        if not holds[key](value):
            yield f"{key} is not {value!r} ({said[:200]}; {sorted(broken(report))}; {why}; {adapted[:200]})"


def test_every_example_gets_its_verdict_for_the_right_reason(batch, root):
    """Verdict, failing rule, stage and words are those in each example's expected.toml."""
    _, code, reports = batch
    assert len(reports) == len(expectations(root)) >= 14
    assert surprises(reports, root) == []
    assert code == 1


@pytest.mark.skipif(not REAL, reason=f"{dataset.VARIABLE} is not set")
def test_verdicts_hold_on_the_real_data(root, tmp_path):
    """A few examples, on the real data: the same verdicts for the same reasons."""
    only = [word for name in ON_REAL_DATA for word in ("--only", name)]
    _, reports = run_batch(root, tmp_path, "--data", REAL, *only)
    assert sorted(reports) == sorted(ON_REAL_DATA)
    assert surprises(reports, root) == []


def test_every_rule_is_failed_by_an_example(batch):
    """No rule is there that nothing can fail."""
    _, _, reports = batch
    rules = {rule["name"] for report in reports.values() for rule in report["rules"]}
    failed = set().union(*(broken(r) | broken(r, "advisory") for r in reports.values()))
    assert rules - failed == set()


def test_the_tables_hold_every_submission(batch):
    """CSV, JUnit and pages are complete and agree with the JSON."""
    out, _, reports = batch
    rows = list(csv.DictReader((out / "results.csv").read_text(encoding="utf-8").splitlines(keepends=True)))
    assert {row["verdict"] for row in rows} == {"PASS", "FAIL", "REFER"}
    assert len(rows) == len(reports) == len(list((out / "reports").glob("*.html")))
    assert ET.parse(out / "junit.xml").getroot().findall(".//testsuite")
    assert all(name in (out / "index.html").read_text(encoding="utf-8") for name in reports)


def test_a_second_batch_runs_nothing_again(batch, root, impatient):
    """What is stored is judged from evidence: no box is opened, and nothing changes."""
    out, _, reports = batch
    times = {path: path.stat().st_mtime_ns for path in out.glob("evidence/*/evidence.json")}
    _, again = run_batch(root, out, *impatient)
    assert {path: path.stat().st_mtime_ns for path in out.glob("evidence/*/evidence.json")} == times
    assert again == reports


def test_a_fresh_run_gives_identical_accuracies(batch, root, impatient, tmp_path):
    """Two runs of a submission give the same accuracies to the last digit, also one at a time."""
    _, _, reports = batch
    only = ("--only", "plain-sequential", "--only", "functional")
    _, again = run_batch(root, tmp_path, *impatient, *only, "--jobs", "1", "--fresh")
    assert len(again) == 2
    for name, report in again.items():
        assert report["comparison"] == reports[name]["comparison"]


def test_looking_perfect_gains_nothing(batch):
    """Patched Keras and scikit-learn, or easy labels of one's own, leave the measured accuracy as it is."""
    _, _, reports = batch
    for name in ("monkeypatch", "permuted-labels"):
        compared = reports[name]["comparison"]
        assert compared["mean"] < compared["bar"]
    assert reports["permuted-labels"]["tracing"]["labels_differ"] > 1_000
