"""Files of a batch for repeating a training: scripts, which are run here, and TensorBoard's files."""

import os
import shutil
import subprocess
import sys

import pytest

from checker.assignment import dataset

pytestmark = [pytest.mark.tensorflow, pytest.mark.wall]

# The last one is too near to the bar for the two seeds of the grading to decide.
CHOSEN = {
    "ocean_proximity": ("submissions", ["normalization-layer", "old-settings"], [11, 23]),
    "house_value": ("reference/house_value/examples", ["log-target"], [11, 23, 67]),
}
LOWER = {
    "grading = [11, 23, 37, 41, 59]": "grading = [11, 23]",
    "further = [67, 71, 83, 97, 103]": "further = [67]",
    "retrain_steps = 50_000": "retrain_steps = 3_000",
}


@pytest.fixture(scope="module", params=list(CHOSEN))
def results(request, root, tmp_path_factory):
    """Some examples of each assignment, checked with two seeds, one further and few epochs."""
    folder = tmp_path_factory.mktemp("assignment") / request.param
    shutil.copytree(root / "reference" / request.param, folder)
    text = (folder / "assignment.toml").read_text(encoding="utf-8")
    for committed, lower in LOWER.items():
        assert committed in text
        text = text.replace(committed, lower)
    (folder / "assignment.toml").write_text(text, encoding="utf-8")
    examples, names, seeds = CHOSEN[request.param]
    out = tmp_path_factory.mktemp("results")
    only = [word for name in names for word in ("--only", name)]
    ran = checker("batch", root / examples, "--out", out, "--assignment", folder, "--practice-data", *only)
    assert ran.returncode in (0, 1), ran.stdout + ran.stderr
    return out, folder, names, seeds


def checker(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "checker", *map(str, arguments)], capture_output=True, text=True, check=False
    )


def test_a_script_prints_the_figures_of_the_report(results, tmp_path):
    """Run without the checker, scripts give every seed's figures to the last digit, in either generation of Keras."""
    out, _, names, seeds = results
    clean = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    for name in names:
        command = [sys.executable, str(out / "reproduce" / f"{name}.py"), str(dataset.PRACTICE)]
        ran = subprocess.run(command, cwd=tmp_path, env=clean, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stdout + ran.stderr
        assert f"{len(seeds)} of {len(seeds)} are the report's to the last digit" in ran.stdout
        assert ran.stderr == ""


@pytest.mark.parametrize("results", ["ocean_proximity"], indirect=True)
def test_a_changed_figure_is_told(results, tmp_path):
    """A report whose figure is another than the network's is contradicted, with exit code 1."""
    out, _, names, _ = results
    script = (out / "reproduce" / f"{names[0]}.py").read_text(encoding="utf-8")
    assert "    return score(outputs" in script
    (tmp_path / "forged.py").write_text(script.replace("return score(outputs", "return 0.99 * score(outputs"))
    shutil.copy(out / "reproduce" / f"{names[0]}.npz", tmp_path / "forged.npz")
    command = [sys.executable, str(tmp_path / "forged.py"), str(dataset.PRACTICE), "11"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 1
    assert "NOT as it must be" in ran.stdout


@pytest.mark.parametrize("results", ["house_value"], indirect=True)
def test_stored_trainings_become_event_files(results):
    """The command writes a run for each of the student's seeds, and the reference's for the same, and reads evidence
    alone. The folder remembers assignment and data."""
    out, _, names, seeds = results
    ran = checker("tensorboard", out, "--only", names[0], "--no-show")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    found = sorted(str(path.parent.relative_to(out / "tensorboard")) for path in out.rglob("events.out.*"))
    assert found == [f"{names[0]}/{who}/seed-{seed}" for who in ("reference", "student") for seed in seeds]
    assert checker("tensorboard", out, "--only", "nobody", "--no-show").returncode == 2
