"""A busy machine changes nothing: the same verdict, and the same digits."""

from contextlib import closing
from dataclasses import replace

import pytest
from busyness import busy_loops

from checker.records.job import Ending
from checker.records.settings import ReferenceResults, RunSettings
from checker.records.verdicts import Verdict
from checker.run import check
from checker.sandbox import kinds
from checker.submissions import choice

SEEDS = (11, 23)
EPOCHS = 8
"""Enough for the example to pass here."""
MORE = 3.0
"""How many times its own time alone a job may take beside others: less than what it then takes by the clock."""


@pytest.mark.tensorflow
@pytest.mark.wall
def test_busy_loops_beside_it_change_no_digit_of_a_submission(root, assignment, practice, tmp_path):
    """Beside loops in sessions of their own, with which its boxes also start, an honest file ends within a limit that
    the clock would have broken, with the same outputs and the same report."""
    (example,) = (root / "submissions" / "plain-module").glob("*.py")
    shorter = example.read_text(encoding="utf-8").replace("epochs=45", f"epochs={EPOCHS}")
    (tmp_path / "ada.py").write_text(shorter, encoding="utf-8")
    submission, wall = choice.find(tmp_path / "ada.py")[0], kinds.choose("bubblewrap")
    reference = ReferenceResults(scores=dict.fromkeys(SEEDS, 0.8), baselines=dict.fromkeys(SEEDS, 0.6))

    def examined(assignment):
        settings = RunSettings(assignment=assignment, dataset=practice, seeds=SEEDS)
        with closing(wall.open()) as boxes:
            gathered = check.examine(submission, settings, boxes, lambda stage, progress: None)
        return gathered.evidence, check.judge(gathered, settings, reference)

    alone, report_alone = examined(assignment)
    limited = replace(
        assignment,
        execute=replace(assignment.execute, seconds=MORE * alone.execution.counted_seconds),
        retrain=replace(assignment.retrain, seconds=MORE * alone.retraining.counted_seconds),
    )
    with busy_loops():
        beside, report_beside = examined(limited)
    assert report_alone.verdict is Verdict.PASS, report_alone.reasons
    assert [beside.execution.ending, beside.retraining.ending] == [Ending.FINISHED, Ending.FINISHED]
    assert list(map(digits, beside.runs)) == list(map(digits, alone.runs))
    assert report_beside.comparison == report_alone.comparison
    assert (report_beside.verdict, report_beside.reasons) == (report_alone.verdict, report_alone.reasons)


def digits(run):
    """All of a training but how long it took."""
    return replace(run, seconds=0.0)
