"""A busy machine changes nothing: the same verdict, and the same digits; and a job's own time is told from others'.

These tests keep every processor busy, so they run last, when nothing else does.
"""

import subprocess
import sys
import time
from contextlib import closing
from dataclasses import replace

import pytest
from busyness import busy_loops

from checker.records.job import Ending
from checker.records.settings import ReferenceResults, RunSettings
from checker.records.verdicts import Verdict
from checker.run import check
from checker.sandbox import kinds, owntime, process
from checker.sandbox.owntime import Counter
from checker.submissions import choice

pytestmark = pytest.mark.busy

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


# -- a job's own time ------------------------------------------------------------------------------------

SECONDS = 2.0


def measured(source, seconds=SECONDS):
    """Return the counter of a Python process that runs for a while, and the duration."""
    command = [sys.executable, "-c", source]
    with subprocess.Popen(command, start_new_session=True, stdout=subprocess.PIPE) as started:
        started.stdout.readline()
        begun = owntime.read(process.tree_of(started))
        counter, last = Counter(begun), begun
        while last.at - begun.at < seconds:
            time.sleep(0.2)
            last = owntime.read(process.tree_of(started))
            counter.add(last)
        process.kill_tree(started)
    return counter, last.at - begun.at


@pytest.mark.slow
@pytest.mark.parametrize("knows_threads", [True, False])
def test_who_sleeps_is_counted_by_the_clock(monkeypatch, knows_threads):
    """A sleeping process's time counts by the clock, also beside busy loops."""
    monkeypatch.setattr(owntime, "HAS_THREADS", knows_threads and owntime.HAS_THREADS)
    with busy_loops():
        counter, elapsed = measured("import time; print(flush=True); time.sleep(600)")
    assert counter.counted == pytest.approx(elapsed, rel=0.5)
    assert counter.used < 0.5 * elapsed


@pytest.mark.slow
@pytest.mark.skipif(not owntime.HAS_THREADS, reason="other systems do not tell how long a process waits")
@pytest.mark.parametrize("others", ["", "os.fork()", "threading.Thread(target=compute).start()"])
def test_who_computes_is_counted_by_processors(others):
    """Beside busy loops, a computing process has only the processor time that it gets."""
    source = f"import os, threading\ndef compute():\n    while True: pass\nprint(flush=True)\n{others}\ncompute()"
    with busy_loops():
        counter, elapsed = measured(source)
    assert counter.counted == pytest.approx(counter.used, abs=0.5)
    assert counter.counted > 0
    assert elapsed >= SECONDS
