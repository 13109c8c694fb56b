"""The example submissions, each through the real batch: real sandbox, real kernel, real TensorFlow.

On practice data always, on the real data where ``CHECKER_HOUSING_CSV`` is set.
"""

import csv
import json
import os
import subprocess
import sys
import tomllib
import xml.etree.ElementTree as ET

import pytest

from checker import dataset

pytestmark = [pytest.mark.examples, pytest.mark.tensorflow, pytest.mark.wall]

REAL = os.environ.get(dataset.VARIABLE, "")
KINDS = {"practice": ["--practice-data"], "real": ["--data", REAL]}
needs_real = pytest.mark.skipif(not REAL, reason=f"{dataset.VARIABLE} is not set")


def run_batch(root, out, *arguments):
    command = [sys.executable, "-m", "checker", "batch", str(root / "submissions"), "--out", str(out), *arguments]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)


@pytest.fixture(scope="session", params=["practice", pytest.param("real", marks=needs_real)])
def batch(request, root, tmp_path_factory):
    """A whole batch: its folder, the finished process, the reports by name, the arguments for its data."""
    out = tmp_path_factory.mktemp(request.param)
    ran = run_batch(root, out, *KINDS[request.param])
    assert (out / "results.json").exists(), ran.stdout + ran.stderr
    reports = {r["submission"]["name"]: r for r in json.loads((out / "results.json").read_bytes())["reports"]}
    return out, ran, reports, KINDS[request.param]


def expectations(root):
    return {
        path.parent.name: tomllib.loads(path.read_text(encoding="utf-8"))
        for path in sorted((root / "submissions").glob("*/expected.toml"))
    }


def broken(report, importance="required"):
    return {r["name"] for r in report["rules"] if r["outcome"] == "failed" and r["importance"] == importance}


def test_every_example_gets_its_verdict_for_the_right_reason(batch, root):
    """Verdict, failing rule, stage and words are those in each example's expected.toml."""
    _, ran, reports, _ = batch
    wrong = []
    expected = expectations(root)
    assert len(expected) >= 14
    for name, wanted in expected.items():
        report = reports[name]
        stages = {failure["stage"] for failure in report["failures"]}
        said = " ".join(report["reasons"] + [n for r in report["rules"] for n in r["notes"]]).lower()
        holds = (
            report["verdict"] == wanted["verdict"]
            and wanted.get("rule") in {None, *broken(report)}
            and wanted.get("failure") in {None, *stages}
            and wanted.get("words", "") in said
        )
        if not holds:
            wrong.append(f"{name}: {report['verdict']} {broken(report)} {stages} {said[:200]}; wanted {wanted}")
    assert not wrong, "\n".join(wrong)
    assert ran.returncode == 1


def test_every_rule_is_failed_by_an_example(batch):
    """No rule is there that nothing can fail."""
    _, _, reports, _ = batch
    rules = {rule["name"] for report in reports.values() for rule in report["rules"]}
    failed = set().union(*(broken(r) | broken(r, "advisory") for r in reports.values()))
    assert rules - failed == set()


def test_the_tables_hold_every_submission(batch):
    """CSV, JUnit and pages are complete and agree with the JSON."""
    out, _, reports, _ = batch
    rows = list(csv.DictReader((out / "results.csv").open(encoding="utf-8")))
    assert {row["verdict"] for row in rows} == {"PASS", "FAIL", "REFER"}
    assert len(rows) == len(reports) == len(list((out / "reports").glob("*.html")))
    assert ET.parse(out / "junit.xml").getroot().findall(".//testsuite")
    assert all(name in (out / "index.html").read_text(encoding="utf-8") for name in reports)


def test_a_second_batch_runs_nothing_again(batch, root):
    """What is stored is judged from evidence: no box is opened, and nothing changes."""
    out, _, reports, data = batch
    times = {path: path.stat().st_mtime_ns for path in out.glob("evidence/*/evidence.json")}
    run_batch(root, out, *data)
    assert {path: path.stat().st_mtime_ns for path in out.glob("evidence/*/evidence.json")} == times
    again = {r["submission"]["name"]: r for r in json.loads((out / "results.json").read_bytes())["reports"]}
    assert again == reports


def test_a_fresh_run_gives_identical_accuracies(batch, root, tmp_path):
    """Two runs of a submission give the same accuracies to the last digit, also one at a time."""
    _, _, reports, data = batch
    run_batch(root, tmp_path, *data, "--only", "plain-sequential", "--only", "functional", "--jobs", "1", "--fresh")
    again = json.loads((tmp_path / "results.json").read_bytes())["reports"]
    assert len(again) == 2
    for report in again:
        assert report["comparison"] == reports[report["submission"]["name"]]["comparison"]


def test_looking_perfect_gains_nothing(batch):
    """Patched Keras and scikit-learn, or easy labels of one's own, leave the measured accuracy as it is."""
    _, _, reports, _ = batch
    for name in ("monkeypatch", "permuted-labels"):
        compared = reports[name]["comparison"]
        assert compared["mean"] < compared["bar"]
    assert reports["permuted-labels"]["tracing"]["labels_differ"] > 1_000
