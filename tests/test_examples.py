"""The example submissions of both assignments, each through the real batch: real sandbox, kernel and TensorFlow.

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
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from checker.assignment import dataset

pytestmark = [pytest.mark.examples, pytest.mark.tensorflow, pytest.mark.wall]

ROOT = Path(__file__).parent.parent
CLASSIFICATION, REGRESSION = ROOT / "submissions", ROOT / "reference" / "house_value" / "examples"
REAL = os.environ.get(dataset.VARIABLE, "")
SLOW = ("best-of-search", "capped-training", "custom-layer", "custom-train-step", "final-fit-on-everything",
        "functional", "generator", "infinite-loop", "k-folds", "keras-tuner", "label-in-decimals", "lambda-layer",
        "many-models", "memory-hog", "residual", "strong-then-equal", "subclassed-linear", "trained-twice",
        "two-phases")  # fmt: skip
"""Twenty seconds to two minutes each, or true of the real data alone. The demonstration runs them."""
ON_ONE_JOB = ("plain-sequential",)
ON_REAL_DATA = ("plain-sequential", "permuted-labels")
PRICES_ON_REAL_DATA = ("log-target", "permuted-targets")
"""The demonstration runs all of them on the real data where it is there."""


class Batch(NamedTuple):
    """A batch that was run: what was checked and how, where it wrote, its exit code, the reports by name."""

    examples: Path
    arguments: list[str]
    out: Path
    code: int
    reports: dict[str, Any]


def run_batch(examples, out, *arguments):
    command = [sys.executable, "-m", "checker", "batch", str(examples), "--out", str(out), *arguments]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (out / "results.json").exists(), ran.stdout + ran.stderr
    reports = json.loads((out / "results.json").read_bytes())["reports"]
    by_name = {report["submission"]["name"]: report for report in reports}
    return Batch(examples, list(arguments), out, ran.returncode, by_name)


@pytest.fixture(scope="session")
def classified(tmp_path_factory):
    """The classification's examples on practice data, with lower caps; the demonstration has all."""
    folder = tmp_path_factory.mktemp("assignment") / "ocean_proximity"
    shutil.copytree(ROOT / "reference" / "ocean_proximity", folder)
    text = (folder / "assignment.toml").read_text(encoding="utf-8")
    caps = {"fit_steps = 20_000": "fit_steps = 5_000", "retrain_steps = 50_000": "retrain_steps = 10_000"}
    for committed, lower in caps.items():
        assert committed in text
        text = text.replace(committed, lower)
    (folder / "assignment.toml").write_text(text, encoding="utf-8")
    examples, out = tmp_path_factory.mktemp("examples") / "submissions", tmp_path_factory.mktemp("classified")
    shutil.copytree(CLASSIFICATION, examples, ignore=shutil.ignore_patterns(*SLOW))
    return run_batch(examples, out, "--assignment", str(folder), "--practice-data")


@pytest.fixture(scope="session")
def priced(tmp_path_factory):
    """The regression's examples on practice data."""
    out = tmp_path_factory.mktemp("priced")
    return run_batch(REGRESSION, out, "--assignment", str(REGRESSION.parent), "--practice-data")


@pytest.fixture(params=["classified", "priced"])
def batch(request):
    """Each assignment's examples in turn."""
    return request.getfixturevalue(request.param)


def expectations(examples):
    return {
        path.parent.name: tomllib.loads(path.read_text(encoding="utf-8"))
        for path in sorted(examples.glob("*/expected.toml"))
    }


def broken(report, importance="required"):
    return {r["name"] for r in report["rules"] if r["outcome"] == "failed" and r["importance"] == importance}


def surprises(batch):
    """Return a line for each report that is not what its expected.toml says."""
    return [
        f"{name}: {report['verdict']} {report['reasons']}: {what}"
        for name, report in batch.reports.items()
        for what in differences(report, expectations(batch.examples)[name])
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
        "advice": lambda rule: rule in broken(report, "advisory"),
        "failure": lambda stage: stage in stages,
        "words": lambda words: words.lower() in said,
        "adapted": lambda words: all(word in adapted for word in words),
        "keras": lambda generation: keras == generation,
        "why": lambda words: words in why,
        "choice": lambda words: words in report["selection"]["reason"],
        "replayed": lambda replayed: bool(report["replayed"]) == replayed,
    }
    for key, value in wanted.items():
        if not holds[key](value):
            yield f"{key} is not {value!r} ({said[:200]}; {sorted(broken(report))}; {why}; {adapted[:200]})"


def test_every_example_gets_its_verdict_for_the_right_reason(batch):
    """Verdict, failing rule, stage and words are those in each example's expected.toml."""
    assert len(batch.reports) == len(expectations(batch.examples)) >= 14
    assert surprises(batch) == []
    assert batch.code == 1


@pytest.mark.skipif(not REAL, reason=f"{dataset.VARIABLE} is not set")
@pytest.mark.parametrize(
    ("examples", "names", "chosen"),
    [
        (CLASSIFICATION, ON_REAL_DATA, []),
        (REGRESSION, PRICES_ON_REAL_DATA, ["--assignment", str(REGRESSION.parent)]),
    ],
)
def test_verdicts_hold_on_the_real_data(examples, names, chosen, tmp_path):
    """A few examples, on the real data: the same verdicts for the same reasons."""
    only = [word for name in names for word in ("--only", name)]
    batch = run_batch(examples, tmp_path, "--data", REAL, *chosen, *only)
    assert sorted(batch.reports) == sorted(names)
    assert surprises(batch) == []


def test_every_rule_is_failed_by_an_example(batch):
    """No rule is there that nothing can fail."""
    rules = {rule["name"] for report in batch.reports.values() for rule in report["rules"]}
    failed = set().union(*(broken(r) | broken(r, "advisory") for r in batch.reports.values()))
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
    """What is stored is judged from evidence: no box is opened, and nothing changes."""
    times = {path: path.stat().st_mtime_ns for path in batch.out.glob("evidence/*/evidence.json")}
    again = run_batch(batch.examples, batch.out, *batch.arguments)
    assert {path: path.stat().st_mtime_ns for path in batch.out.glob("evidence/*/evidence.json")} == times
    assert again.reports == batch.reports


@pytest.mark.parametrize(("of", "names"), [("classified", ON_ONE_JOB), ("priced", ("standardised-target",))])
def test_a_fresh_run_gives_identical_scores(request, of, names, tmp_path):
    """Two runs of a submission give the same scores to the last digit, also one at a time."""
    batch = request.getfixturevalue(of)
    only = [word for name in names for word in ("--only", name)]
    again = run_batch(batch.examples, tmp_path, *batch.arguments, *only, "--jobs", "1", "--fresh")
    assert sorted(again.reports) == sorted(names)
    for name, report in again.reports.items():
        assert report["comparison"] == batch.reports[name]["comparison"]


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
