"""The example submissions: what each must come with, and a handful of them through the real batch.

``tests/examples`` checks all of them (``python3 noxfile.py -s examples``).
"""

import csv
import json
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET

import pytest
from expected import expectations, reports_in, surprises

from checker.records.verdicts import Stage, Verdict

ASSIGNMENTS = {"ocean_proximity": "submissions", "house_value": "reference/house_value/examples"}
KEYS = {"verdict", "rule", "advice", "failure", "words", "adapted", "keras", "why", "choice", "replayed"}
HANDFUL = ("plain-sequential", "no-hidden-layer", "file-not-handed-in", "kernel-dies-first")
"""A PASS, a FAIL by a rule, a FAIL without a network, and a REFER, in a few seconds each."""


# -- what each example comes with ------------------------------------------------------------------------


@pytest.mark.parametrize("assignment", ASSIGNMENTS)
def test_every_example_says_what_is_expected(root, assignment):
    """Each folder of examples has an expected.toml with a verdict and known entries alone."""
    folder = root / ASSIGNMENTS[assignment]
    wanted = expectations(folder)
    assert sorted(wanted) == sorted(path.name for path in folder.iterdir() if path.is_dir())
    for name, entries in wanted.items():
        assert entries["verdict"] in list(Verdict), name
        assert set(entries) <= KEYS, name
        assert entries.get("failure", Stage.SELECTING) in list(Stage), name


@pytest.mark.parametrize("assignment", ASSIGNMENTS)
def test_every_verdict_has_examples(root, assignment):
    """Each verdict is expected of some example."""
    assert {entries["verdict"] for entries in expectations(root / ASSIGNMENTS[assignment]).values()} == set(Verdict)


# -- how a batch is held against it ----------------------------------------------------------------------


def compared(root, out, *verdicts):
    """Return the exit code and the words of tests/expected.py for a batch with these names and verdicts."""
    if verdicts:
        nothing = {"reasons": [], "rules": [], "failures": [], "adaptations": [], "environment": None}
        reports = [{"submission": {"name": name}, "verdict": verdict} | nothing for name, verdict in verdicts]
        (out / "results.json").write_text(json.dumps({"reports": reports}), encoding="utf-8")
    command = [sys.executable, root / "tests" / "expected.py", root / "submissions", out, "verdict"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    return ran.returncode, ran.stdout + ran.stderr


def test_a_comparison_says_what_it_compared(root, tmp_path):
    """A comparison without a surprise counts its examples; one with a surprise, or with nothing to compare, fails and
    says why."""
    code, said = compared(root, tmp_path)
    assert code == 1 and "holds no results.json. First run: checker batch" in said
    code, said = compared(root, tmp_path, ("ada", "PASS"))
    assert code == 1 and "holds a report of none of the examples" in said
    right = [("plain-sequential", "PASS"), ("no-hidden-layer", "FAIL")]
    assert compared(root, tmp_path, *right) == (0, "2 examples compared, all as expected.\n")
    code, said = compared(root, tmp_path, *right, ("fork-bomb", "PASS"))
    assert code == 1 and said.startswith("fork-bomb: PASS []: verdict is not 'REFER'") and said.count("\n") == 1


# -- a handful through the real batch --------------------------------------------------------------------


class Checked:
    """A batch of examples on practice data: how it was run, where it wrote, its exit code, the reports by name."""

    def __init__(self, root, folder, out, *more):
        self.out, self.folder, only = out, folder, [word for name in HANDFUL for word in ("--only", name)]
        arguments = [root / "submissions", "--assignment", folder, "--practice-data", "--out", out, *(more or only)]
        command = [sys.executable, "-m", "checker", "batch", *map(str, arguments)]
        ran = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
        assert (out / "results.json").exists(), ran.stdout + ran.stderr
        self.code, self.reports = ran.returncode, reports_in(out)


@pytest.fixture(scope="module")
def handful(root, tmp_path_factory):
    """A handful of examples on practice data, with lower caps."""
    folder = tmp_path_factory.mktemp("assignment") / "ocean_proximity"
    shutil.copytree(root / "reference" / "ocean_proximity", folder)
    text = (folder / "assignment.toml").read_text(encoding="utf-8")
    caps = {"fit_steps = 20_000": "fit_steps = 5_000", "retrain_steps = 50_000": "retrain_steps = 10_000"}
    for committed, lower in caps.items():
        assert committed in text
        text = text.replace(committed, lower)
    (folder / "assignment.toml").write_text(text, encoding="utf-8")
    return Checked(root, folder, tmp_path_factory.mktemp("handful"))


real = [pytest.mark.examples, pytest.mark.tensorflow, pytest.mark.wall]


class TestHandful:
    """The promises of a real batch, on a handful of examples."""

    pytestmark = real

    def test_each_gets_its_verdict_for_the_right_reason(self, root, handful):
        """Verdict, failing rule, stage and words are those in each example's expected.toml."""
        assert sorted(handful.reports) == sorted(HANDFUL)
        assert surprises(root / "submissions", handful.reports) == []
        assert handful.code == 1

    def test_the_tables_hold_every_submission(self, handful):
        """CSV, JUnit and pages are complete and agree with the JSON."""
        out = handful.out
        rows = list(csv.DictReader((out / "results.csv").read_text(encoding="utf-8").splitlines(keepends=True)))
        assert {row["verdict"] for row in rows} == {"PASS", "FAIL", "REFER"}
        assert len(rows) == len(HANDFUL) == len(list((out / "reports").glob("*.html")))
        assert ET.parse(out / "junit.xml").getroot().findall(".//testsuite")
        assert all(name in (out / "index.html").read_text(encoding="utf-8") for name in HANDFUL)

    def test_a_second_batch_runs_nothing_again(self, root, handful):
        """Stored evidence is judged without a box, and nothing changes."""
        times = {path: path.stat().st_mtime_ns for path in handful.out.glob("evidence/*/evidence.json")}
        again = Checked(root, handful.folder, handful.out)
        assert {path: path.stat().st_mtime_ns for path in handful.out.glob("evidence/*/evidence.json")} == times
        assert again.reports == handful.reports

    def test_a_fresh_run_gives_identical_scores(self, root, handful, tmp_path):
        """Two runs of a submission give the same scores to the last digit, also one at a time."""
        again = Checked(root, handful.folder, tmp_path, "--only", HANDFUL[0], "--jobs", "1", "--fresh")
        assert again.reports[HANDFUL[0]]["comparison"] == handful.reports[HANDFUL[0]]["comparison"]
