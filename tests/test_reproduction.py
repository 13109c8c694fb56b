"""Files of a batch for repeating a training: scripts, which are run here, and TensorBoard's files.

``examples/test_all_examples.py`` runs scripts of the classification, in either generation of Keras.
"""

import os
import shutil
import subprocess
import sys

import pytest

from checker.assignment import dataset

pytestmark = [pytest.mark.tensorflow, pytest.mark.wall, pytest.mark.slow(seconds=30)]

NAME, SEEDS = "log-target", [11, 23, 67]
"""An example of the regression. It is too near to the bar for the two seeds of the grading to decide."""
LOWER = {
    "grading = [11, 23, 37, 41, 59]": "grading = [11, 23]",
    "further = [67, 71, 83, 97, 103]": "further = [67]",
    "retrain_steps = 50_000": "retrain_steps = 1_000",
}


@pytest.fixture(scope="module")
def out(root, tmp_path_factory):
    """The results of an example, checked with two seeds, one further and few epochs."""
    folder = tmp_path_factory.mktemp("assignment") / "house_value"
    shutil.copytree(root / "reference" / "house_value", folder)
    text = (folder / "assignment.toml").read_text(encoding="utf-8")
    for committed, lower in LOWER.items():
        assert committed in text
        text = text.replace(committed, lower)
    (folder / "assignment.toml").write_text(text, encoding="utf-8")
    out, examples = tmp_path_factory.mktemp("results"), root / "reference" / "house_value" / "examples"
    ran = checker("batch", examples, "--out", out, "--assignment", folder, "--practice-data", "--only", NAME)
    assert ran.returncode in (0, 1), ran.stdout + ran.stderr
    return out


def checker(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "checker", *map(str, arguments)], capture_output=True, text=True, check=False
    )


def test_a_script_prints_the_figures_of_the_report(out, tmp_path):
    """Run without the checker, the script gives every seed's figures to the last digit."""
    clean = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    command = [sys.executable, str(out / "reproduce" / f"{NAME}.py"), str(dataset.PRACTICE)]
    ran = subprocess.run(command, cwd=tmp_path, env=clean, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert f"{len(SEEDS)} of {len(SEEDS)} are the report's to the last digit" in ran.stdout
    assert ran.stderr == ""


def test_a_changed_figure_is_told(out, tmp_path):
    """A report whose figure is another than the network's is contradicted, with exit code 1."""
    script = (out / "reproduce" / f"{NAME}.py").read_text(encoding="utf-8")
    assert "    return score(outputs" in script
    (tmp_path / "forged.py").write_text(script.replace("return score(outputs", "return 0.99 * score(outputs"))
    shutil.copy(out / "reproduce" / f"{NAME}.npz", tmp_path / "forged.npz")
    command = [sys.executable, str(tmp_path / "forged.py"), str(dataset.PRACTICE), "11"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 1
    assert "NOT as it must be" in ran.stdout


def test_stored_trainings_become_event_files(out):
    """The command writes a run for each of the student's seeds, and the reference's for the same, and reads evidence
    alone. The folder remembers assignment and data."""
    ran = checker("tensorboard", out, "--only", NAME, "--no-show")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    found = sorted(str(path.parent.relative_to(out / "tensorboard")) for path in out.rglob("events.out.*"))
    assert found == [f"{NAME}/{who}/seed-{seed}" for who in ("reference", "student") for seed in SEEDS]
    assert checker("tensorboard", out, "--only", "nobody", "--no-show").returncode == 2
