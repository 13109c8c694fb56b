"""Whether a bar can be met, and which line of the assignment's file to change if not."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from checker.assignment import folders, lines
from checker.errors import AssignmentError
from checker.records.settings import RunSettings
from checker.run import bars


@pytest.fixture
def own(root, tmp_path, monkeypatch):
    """Our assignment in a folder of the present one, to be changed."""
    monkeypatch.chdir(tmp_path)
    return folders.load(Path(shutil.copytree(root / "reference" / "ocean_proximity", "flowers")))


def line_of(assignment, text):
    written = Path(assignment.folder, folders.FILE).read_text(encoding="utf-8").splitlines()
    (number,) = (at for at, line in enumerate(written, start=1) if line.startswith(text))
    return f"flowers/assignment.toml, line {number} ("


def test_a_setting_is_found_under_its_heading(own):
    """The line of a setting is told with what stands there; a key of the same name under another heading is another."""
    tolerance = lines.place(own, "bar", "tolerance")
    assert tolerance == f"{line_of(own, 'tolerance = ')}tolerance = {own.bar.tolerance})"
    written = Path(own.folder, folders.FILE).read_text(encoding="utf-8").splitlines()
    for section in folders.LIMITED:
        (number,) = (at for at, line in enumerate(written, start=1) if line.strip() == f"[{section}]")
        told = int(lines.place(own, section, "memory_mib").split("line ")[1].split(" ")[0])
        assert number < told < number + 12


def test_a_setting_that_is_not_written_is_named(own, tmp_path, monkeypatch):
    """Without a line of its own the key is named; a file elsewhere has its whole path."""
    assert lines.place(own, "bar", "colour") == "flowers/assignment.toml (bar.colour)"
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert lines.place(own, "bar", "tolerance").startswith(f"{own.folder}/assignment.toml, line ")


def test_a_bar_between_reference_and_baseline_is_sound(own):
    """Nothing is said of a bar that lies above the baseline."""
    bars.require(RunSettings(assignment=own, dataset=None, seeds=own.seeds.grading), 0.91, 0.8)
    assert bars.problem_of(own, 0.91, 0.8) == ""


def test_a_bar_below_the_baseline_names_the_line_of_the_tolerance(own):
    """Where only the bar lies below the baseline, the tolerance is what to change."""
    own = replace(own, bar=replace(own.bar, share=None))
    with pytest.raises(AssignmentError) as told:
        bars.require(RunSettings(assignment=own, dataset=None, seeds=own.seeds.grading, further=(9,)), 0.91, 0.9)
    assert "with the seeds of the grading (seeds.grading and seeds.further), the bar (" in told.value.message
    assert "does not lie above the baseline (logistic regression: 90.0%)" in told.value.message
    assert f"or the tolerance smaller: {line_of(own, 'tolerance = ')}" in told.value.help
    assert f'Or say "majority_class", if a network need not outdo more than that: {line_of(own, "baseline = ")}' in (
        told.value.help
    )


def test_a_reference_below_the_baseline_is_no_matter_of_tolerance(own):
    """Where already the reference is no better than the baseline, the tolerance is not named."""
    with pytest.raises(AssignmentError) as told:
        bars.require(RunSettings(assignment=own, dataset=None, seeds=own.seeds.self_check), 0.9, 0.9)
    assert "with the seeds of self-checks (seeds.self_check), the reference's accuracy (90.0%)" in told.value.message
    assert "tolerance" not in told.value.help
    guess = replace(own, bar=replace(own.bar, baseline="majority_class"))
    assert bars.advice(guess, 0.3, 0.4) == "Make the reference better."


def test_an_error_must_lie_below(regression):
    """Of a regression the bar must lie below the baseline's error."""
    assert bars.problem_of(regression, 53_000, 70_000) == ""
    assert "does not lie below that of the baseline (linear regression: $50,000)" in bars.problem_of(
        regression, 53_000, 50_000
    )
