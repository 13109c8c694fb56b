"""``checker batch`` against the peers' way on the same twelve submissions: nbgrader's ``autograde``.

nbgrader gets each notebook as it was handed in, with two cells more: one that says which variable holds the answer and
how it was trained (what the checker found out by itself), and the graded one, which retrains it with ``model.fit`` for
the same seeds and epochs, on as many rows, with development data where the student watched some, and asserts that the
mean accuracy reaches the same bar. nbgrader runs in an environment of its own; its kernels run on this one's Python.

Rows begin with what they compare. All: the whole command. Without the students' own training: less the time of the
cells in which a student trains, on either side. The harness alone: what one submission more takes, less all of the
student's cells and the clean guest's training; what a batch takes before its first submission (imports, boxes that get
warm) is told beside it. Time to the first verdict: from the command to the first page. A batch with two jobs runs
before nbgrader and after it, as a machine's speed changes within the minutes that nbgrader takes.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import measuring
import nbformat
from measuring import Cost

from checker.assignment import folders
from checker.records.assignment import SplitPlan

VERSION = "0.9.6"
NAMES = (
    "bare-logits",
    "keras-3-only",
    "linear-layers",
    "many-models",
    "no-hidden-layer",
    "overfitted",
    "plain-sequential",
    "residual",
    "softmax-from-logits",
    "tested-on-training-rows",
    "too-little-training",
    "unscaled-inputs",
)
SUBMISSIONS = measuring.ROOT / "submissions"
GRADED = """
import numpy as np, pandas as pd, tensorflow as tf
from sklearn.impute import SimpleImputer
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

_data = pd.read_csv("housing/housing.csv")
_y = _data["ocean_proximity"].map(dict(zip({classes}, range(5)))).to_numpy()
_x = _data.drop(columns="ocean_proximity").to_numpy()
_scores = []
for _seed in {seeds}:
    tf.keras.utils.set_random_seed(_seed)
    _rest, _test = train_test_split(np.arange(len(_y)), test_size={test}, random_state=_seed)
    _train, _dev = _rest, None
    if _watches:
        _train, _dev = train_test_split(_rest, test_size={watched}, random_state=_seed)
    _imputer, _scaler = SimpleImputer(strategy="median"), StandardScaler()
    _fitted = _scaler.fit_transform(_imputer.fit_transform(_x[_train]))
    _watched = (_scaler.transform(_imputer.transform(_x[_dev])), _y[_dev]) if _watches else None
    _copy = tf.keras.models.clone_model(_answer)
    _optimizer = type(_answer.optimizer).from_config(_answer.optimizer.get_config())
    _copy.compile(optimizer=_optimizer, loss=_answer.loss, metrics=["accuracy"])
    _copy.fit(_fitted, _y[_train], epochs=_epochs, batch_size=_batch, validation_data=_watched, verbose=0)
    _called = _copy.predict(_scaler.transform(_imputer.transform(_x[_test])), verbose=0).argmax(axis=1)
    _scores.append(np.mean(_called == _y[_test]))
print("mean accuracy", np.mean(_scores))
assert np.mean(_scores) >= {bar}
"""


@dataclass(frozen=True)
class Graded:
    """What one way came to: its cost, the seconds of students' own training, who reaches the bar, and the seconds to
    the first verdict, where they are known."""

    cost: Cost
    training: float
    reaches: dict[str, bool]
    first: float = 0.0


def by_checker(folder: Path, names: Sequence[str], out: Path, data: list[str], jobs: int) -> tuple[Graded, list[Any]]:
    """Run a batch of these submissions of a folder; return what it came to, and its reports."""
    shutil.rmtree(out, ignore_errors=True)
    only = [word for name in names for word in ("--only", name)]
    command = [sys.executable, "-m", "checker", "batch", str(folder), "--out", str(out), "--jobs", str(jobs)]
    began = time.time()
    cost = measuring.cost_of_command([*command, "--fresh", *data, *only], (0, 1), cwd=measuring.ROOT)
    reports = json.loads((out / "results.json").read_bytes())["reports"]
    training = sum(cell["seconds"] for name in names for cell in _cells(out, name) if ".fit(" in cell["source"])
    reaches = {r["submission"]["name"]: r["comparison"]["mean"] >= r["comparison"]["bar"] for r in reports}
    first = min(page.stat().st_mtime for page in (out / "students").glob("*.html")) - began
    return Graded(cost, training, reaches, first), reports


def _cells(out: Path, name: str) -> list[Any]:
    evidence = json.loads((out / "evidence" / name / "evidence.json").read_bytes())["evidence"]
    return list(evidence["cells"])


def own_seconds(out: Path, graded: Graded, reports: list[Any]) -> float:
    """Return what a batch took beside the students' own code and the clean guest's training."""
    students = sum(cell["seconds"] for report in reports for cell in _cells(out, report["submission"]["name"]))
    retraining = sum(run["seconds"] for report in reports for run in report["runs"])
    return graded.cost.wall - students - retraining


class Course:
    """A nbgrader course with one assignment, to which all have handed in."""

    def __init__(self, place: Path, folder: Path, csv: bytes, plan: SplitPlan, reports: list[Any]) -> None:
        self.place = place
        self.names = [report["submission"]["name"] for report in reports]
        self.kernels = place / "jupyter"
        spec = {
            "argv": [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
            "display_name": "project",
            "language": "python",
        }
        self._write(self.kernels / "kernels" / "project" / "kernel.json", json.dumps(spec).encode())
        config = "c = get_config()\nc.CourseDirectory.course_id = 'bench'\nc.ExecutePreprocessor.timeout = 3600\n"
        self._write(place / "nbgrader_config.py", config.encode())
        self._write(place / "source" / "tick" / "housing" / "housing.csv", csv)
        classes = reports[0]["classes"]
        seeds, bar = [run["seed"] for run in reports[0]["runs"]], reports[0]["comparison"]["bar"]
        shares = {"test": plan.test, "watched": plan.development / (1 - plan.test)}
        self.graded = _graded_cell(GRADED.format(classes=classes, seeds=seeds, bar=bar, **shares))
        empty = nbformat.v4.new_notebook(cells=[self.graded], metadata=_metadata())
        self._write(place / "source" / "tick" / "answer.ipynb", nbformat.writes(empty).encode())
        for report in reports:
            self._hand_in(report, folder, csv)

    def _write(self, path: Path, content: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    def _hand_in(self, report: Any, folder: Path, csv: bytes) -> None:
        name = report["submission"]["name"]
        (file,) = (folder / name).glob("*.ipynb")
        notebook = nbformat.read(file, as_version=4)
        (phase,) = report["recipe"]["phases"][-1:]
        how = f"{phase['epochs']}, {phase['batch_size']}, {report['recipe']['development']}"
        answer = f"_answer, _epochs, _batch, _watches = {report['answer']['variable']}, {how}"
        notebook.cells += [nbformat.v4.new_code_cell(answer), self.graded]
        notebook.metadata = _metadata()
        folder = self.place / "submitted" / name / "tick"
        self._write(folder / "answer.ipynb", nbformat.writes(notebook).encode())
        self._write(folder / "housing" / "housing.csv", csv)

    def grade(self, python: Path) -> Graded:
        """Let nbgrader grade everything."""
        programs = f"{python.parent}{os.pathsep}{os.environ['PATH']}"  # nbgrader calls others by name
        environment = measuring.quiet_environment() | {"JUPYTER_PATH": str(self.kernels), "PATH": programs}
        nbgrader = [str(python), "-m", "nbgrader"]
        release = [*nbgrader, "generate_assignment", "tick", "--create", "--force"]
        subprocess.run(release, cwd=self.place, env=environment, check=True, capture_output=True)
        cost = measuring.cost_of_command([*nbgrader, "autograde", "tick"], cwd=self.place, env=environment)
        training, reaches = 0.0, {}
        for name in self.names:
            done = nbformat.read(self.place / "autograded" / name / "tick" / "answer.ipynb", as_version=4)
            *own, graded = [cell for cell in done.cells if cell.cell_type == "code"]
            training += sum(_cell_seconds(cell) for cell in own if ".fit(" in cell.source)
            reaches[name] = not any(output.output_type == "error" for output in graded.outputs)
        return Graded(cost, training, reaches)


def _metadata() -> dict[str, Any]:
    return {"kernelspec": {"name": "project", "display_name": "project", "language": "python"}}


def _graded_cell(source: str) -> Any:
    cell = nbformat.v4.new_code_cell(source)
    cell.metadata["nbgrader"] = {
        "grade": True,
        "grade_id": "retrain",
        "locked": True,
        "points": 1,
        "schema_version": 3,
        "solution": False,
        "task": False,
        "cell_type": "code",
    }
    return cell


def _cell_seconds(cell: Any) -> float:
    times = cell.metadata.get("execution", {})
    began, ended = (times.get(key) for key in ("iopub.execute_input", "shell.execute_reply"))
    if not (began and ended):
        return 0.0
    return (datetime.fromisoformat(ended) - datetime.fromisoformat(began)).total_seconds()


def nbgrader_python() -> Path:
    """Return the Python of nbgrader's own environment, made where it is not there yet."""
    place = measuring.ROOT / ".nox" / "nbgrader"
    python = place / ("Scripts" if os.name == "nt" else "bin") / "python"
    if not (place / "made").exists():
        venv.create(place, with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", f"nbgrader=={VERSION}"], check=True)
        (place / "made").touch()
    return python


def less(graded: Graded, jobs: int = 1) -> Cost:
    """Return the cost without the students' own training, of which ``jobs`` went on side by side."""
    whole = graded.cost
    return Cost(whole.wall - graded.training / jobs, whole.cpu - graded.training, whole.peak_mib)


def measure(title: str, folder: Path, names: Sequence[str]) -> None:
    """Measure both ways on these submissions of a folder, and publish what they came to."""
    data = measuring.data_arguments()
    assignment = folders.find(None, measuring.ROOT / "reference")
    csv = measuring.load_data(assignment.data).csv
    python = nbgrader_python()
    with tempfile.TemporaryDirectory() as place:
        out = Path(place, "results")
        by_checker(folder, names[:1], out, data, 1)  # the reference's evidence is made
        alone = own_seconds(out, *by_checker(folder, names[:1], out, data, 1))
        one, reports = by_checker(folder, names, out, data, 1)
        own = (own_seconds(out, one, reports) - alone) / (len(names) - 1)
        before, _ = by_checker(folder, names, out, data, 2)
        peer = Course(Path(place, "course"), folder, csv, assignment.splits, reports).grade(python)
        after, _ = by_checker(folder, names, out, data, 2)
    figures = []
    for jobs, ours in ((1, [one]), (2, [before, after])):
        slow, fast = "nbgrader autograde", f"checker batch --jobs {jobs}"
        whole = [{slow: peer.cost, fast: run.cost} for run in ours]
        rest = [{slow: less(peer), fast: less(run, jobs)} for run in ours]
        figures.append(measuring.against(f"all, {len(names)} submissions", slow, fast, whole))
        figures.append(measuring.against("without the students' own training", slow, fast, rest))
    measuring.publish(title, figures)
    print(f"The harness alone: {own:.2f} s a submission, and {alone - own:.1f} s before the first.")
    print(f"Time to the first verdict, two jobs: {before.first:.1f} s and {after.first:.1f} s.")
    differing = sorted(name for name in names if len({w.reaches[name] for w in (one, before, after, peer)}) > 1)
    print(
        f"Reach the bar: {sum(one.reaches.values())} of {len(names)}; the two ways differ about {differing or 'none'}"
    )


def main() -> None:
    measure("A batch against nbgrader", SUBMISSIONS, NAMES)


if __name__ == "__main__":
    main()
