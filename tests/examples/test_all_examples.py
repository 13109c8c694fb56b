"""All examples of both assignments through the real batch: real sandbox, kernel and TensorFlow.

``python3 noxfile.py -s examples`` runs this; the results stay in out/examples. The real data is used where it can
be had, else practice data. Where there is no wall the examples run as plain processes, since they are our own.
"""

import csv
import os
import signal
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from expected import expectations, failed_rules, reports_in, surprises

from checker.assignment import dataset, folders
from checker.errors import CheckerError
from checker.sandbox import bubblewrap

pytestmark = [pytest.mark.examples, pytest.mark.tensorflow]

ROOT = Path(__file__).parent.parent.parent
REFERENCE = ROOT / "reference"
EXAMPLES = {"ocean_proximity": ROOT / "submissions", "house_value": REFERENCE / "house_value" / "examples"}


class Batch(NamedTuple):
    """A batch that was run: what was checked and how, where it wrote, its exit code, the reports by name."""

    examples: Path
    arguments: list[str]
    out: Path
    code: int
    reports: dict[str, Any]


@pytest.fixture(scope="module", autouse=True)
def _ends_the_batch_with_itself():
    """Take SIGTERM like Ctrl-C, so that the batch that is running ends, too."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    yield
    signal.signal(signal.SIGTERM, before)


def run_batch(examples, out, arguments):
    """Check examples; what the command says is seen while it runs."""
    command = [sys.executable, "-m", "checker", "batch", str(examples), "--out", str(out), *arguments]
    ran = subprocess.run(command, cwd=ROOT, check=False)
    return Batch(examples, arguments, out, ran.returncode, reports_in(out))


def data_arguments(assignment):
    """Use the real data where it can be had."""
    try:
        dataset.load(folders.find(assignment).data)
    except CheckerError:
        return ["--practice-data"]
    return []


def of_assignment(name):
    """Check all examples of an assignment; what an earlier run has stored is judged again."""
    walls = ["--sandbox", "none"] if bubblewrap.why_not() else []
    arguments = ["--assignment", str(REFERENCE / name), *data_arguments(REFERENCE / name), *walls]
    return run_batch(EXAMPLES[name], ROOT / "out" / "examples" / name, arguments)


@pytest.fixture(scope="session")
def classified():
    return of_assignment("ocean_proximity")


@pytest.fixture(scope="session")
def priced():
    return of_assignment("house_value")


@pytest.fixture(params=["classified", "priced"])
def batch(request):
    """Each assignment's examples in turn."""
    return request.getfixturevalue(request.param)


def test_every_example_gets_its_verdict_for_the_right_reason(batch):
    """Verdict, failing rule, stage and words are those in each example's expected.toml."""
    assert sorted(batch.reports) == sorted(expectations(batch.examples))
    assert surprises(batch.examples, batch.reports) == []
    assert batch.code == 1


def test_every_rule_is_failed_by_an_example(batch):
    """No rule is there that nothing can fail."""
    rules = {rule["name"] for report in batch.reports.values() for rule in report["rules"]}
    failed = set().union(*(failed_rules(r) | failed_rules(r, "advisory") for r in batch.reports.values()))
    assert rules - failed == set()


def test_the_tables_hold_every_submission(batch):
    """CSV, JUnit and pages are complete and agree with the JSON."""
    out, reports = batch.out, batch.reports
    rows = list(csv.DictReader((out / "results.csv").read_text(encoding="utf-8").splitlines(keepends=True)))
    assert {row["verdict"] for row in rows} == {"PASS", "FAIL", "REFER"}
    assert len(rows) == len(reports) == len(list((out / "reports").glob("*.html")))
    assert ET.parse(out / "junit.xml").getroot().findall(".//testsuite")
    assert all(name in (out / "index.html").read_text(encoding="utf-8") for name in reports)


def test_a_second_batch_runs_nothing_again(batch):
    """Stored evidence is judged without a box, and nothing changes."""
    times = {path: path.stat().st_mtime_ns for path in batch.out.glob("evidence/*/evidence.json")}
    again = run_batch(batch.examples, batch.out, batch.arguments)
    assert {path: path.stat().st_mtime_ns for path in batch.out.glob("evidence/*/evidence.json")} == times
    assert again.reports == batch.reports


@pytest.mark.parametrize("name", ["normalization-layer", "old-settings"])
def test_a_script_prints_the_figures_of_the_report(classified, name, tmp_path):
    """Run without the checker, a script gives the figures of two seeds to the last digit, in either generation of
    Keras."""
    is_practice = "--practice-data" in classified.arguments
    data = dataset.load(folders.find(REFERENCE / "ocean_proximity").data, practice=is_practice)
    (tmp_path / "housing.csv").write_bytes(data.csv)
    script = classified.out / "reproduce" / f"{name}.py"
    clean = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    command = [sys.executable, str(script), "housing.csv", "11", "23"]
    ran = subprocess.run(command, cwd=tmp_path, env=clean, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "2 of 2 are the report's to the last digit" in ran.stdout
    assert ran.stderr == ""


def test_looking_perfect_gains_nothing(classified):
    """Patched Keras and scikit-learn, or easy labels of one's own, leave the measured accuracy as it is."""
    for name in ("monkeypatch", "permuted-labels"):
        compared = classified.reports[name]["comparison"]
        assert compared["mean"] < compared["bar"]
    assert classified.reports["permuted-labels"]["tracing"]["labels_differ"] > 1_000


def test_one_solution_in_both_generations_of_keras(classified):
    """Written for Keras 2 and for Keras 3, the same network reaches the same accuracy, within the seeds' spread."""
    old, new = (classified.reports[name] for name in ("keras-2-idioms", "keras-3-idioms"))
    assert (old["environment"]["keras"], new["environment"]["keras"]) == ("2", "3")
    spread = min(report["comparison"]["spread"] for report in (old, new))
    assert abs(old["comparison"]["mean"] - new["comparison"]["mean"]) <= spread


def test_a_tensorflow_1_graph_becomes_the_network_that_keras_would_make(classified):
    """The graph's layers are those of the reference, beside which the page shows them."""
    report = classified.reports["tensorflow-1-plain"]
    mine, theirs = (
        [(layer["class_name"], layer["config"].get("units")) for layer in architecture["layers"]]
        for architecture in (report["answer"]["architecture"], report["reference_architecture"])
    )
    assert mine == theirs == [("InputLayer", None), ("Dense", 100), ("Dense", 50), ("Dense", 5)]


def test_targets_come_back_as_dollars(priced):
    """Hundreds of thousands, standardised values and logarithms end in errors of the same size, in dollars."""
    names = ("plain-california", "csv-with-proximity", "standardised-target", "log-target")
    errors = [priced.reports[name]["comparison"]["mean"] for name in names]
    assert max(errors) < 1.1 * min(errors)
    assert priced.reports["permuted-targets"]["tracing"]["labels_differ"] > 10_000
