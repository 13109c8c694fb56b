"""Batches: from files to reports through a fake guest, with everything in between as it is in real ones."""

import csv
import json
import os
import re
import shlex
import shutil
import signal
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest
from practical import COLUMNS, SEEDS, Practical
from sklearn.neighbors import KNeighborsRegressor

from checker.assignment import folders
from checker.errors import AssignmentError, HarnessError, UsageError
from checker.gradebooks import conditions
from checker.gradebooks.conditions import State
from checker.gradebooks.decision_log import DecisionLog
from checker.judge import comparison
from checker.records.assignment import DatasetNote
from checker.records.capture import AsTrained, TableOutputs
from checker.records.codec import to_json
from checker.records.dataset import Dataset
from checker.records.decisions import Choice
from checker.records.job import Ending, ExecuteJob, Progress, RetrainJob
from checker.records.network import Labels
from checker.records.report import Report, Unfinished
from checker.records.settings import ReferenceResults, RunSettings
from checker.records.submission import Identity, Platform
from checker.records.tracing import FeatureSource
from checker.records.verdicts import Failure, FailureCause, Outcome, Stage, Verdict
from checker.report import changes, paths
from checker.report.html import DECISION
from checker.report.tables import light
from checker.run import batch, check, earlier, keys, lock, places, processes, reproduction, tables
from checker.run.board import Board
from checker.run.tables import name_of
from checker.sandbox import kinds
from checker.submissions import choice
from checker.wire import frames
from checker.wire.frames import Frame, Kind

ROWS = 1_000
PASS, FAIL, REFER = Verdict

RULES = '''
import pytest

@pytest.mark.required(help="Add one.")
def test_hidden_layer(architecture):
    """The network has a hidden layer."""
    assert len(architecture.layers) > 2, "It has none."
'''


@pytest.fixture(scope="module")
def data(practice):
    """A small part of the practice data."""
    rows = np.random.default_rng(0).permutation(len(practice.labels))[:ROWS]
    note = DatasetNote("a small part", "ab" * 32, True)
    return Dataset(
        note=note, csv=b"longitude,latitude\n", features=practice.features[rows], labels=practice.labels[rows]
    )


@pytest.fixture(scope="module")
def practical(data, make):
    return Practical(data, make)


@pytest.fixture(scope="module")
def small_assignment(root, tmp_path_factory):
    """Our assignment with a single rule of its own."""
    folder = tmp_path_factory.mktemp("reference") / "small"
    shutil.copytree(root / "reference" / "ocean_proximity", folder)
    (folder / folders.RULES).write_text(RULES)
    return folders.load(folder)


@dataclass
class Bench:
    """A batch before it runs: its settings and folders, and what the test saw of it."""

    settings: RunSettings
    folder: Path
    out: Path
    reference: ReferenceResults
    sandbox: object

    def hand_in(self, *names, content=None):
        """Put files into the folder, each with a script's name as its content."""
        for name in names:
            (self.folder / f"{name}.ipynb").write_text(content or name)

    def run(self, jobs=1, on_end=lambda name, end: None, fresh=False, submitted=None):
        submitted = choice.find(self.folder) if submitted is None else submitted
        with ThreadPoolExecutor(jobs) as executor:
            return batch.run(
                submitted,
                self.settings,
                self.reference,
                self.out,
                executor,
                self.watch,
                on_end,
                places.Pool(self.sandbox),
                fresh,
            )

    def watch(self, name):
        return lambda stage, step: None

    def report(self):
        """Run a batch of one, and return its report."""
        (report,) = self.run().reports
        return report

    @property
    def boxes(self):
        return self.sandbox.boxes

    def stored(self):
        """Return the names under which evidence lies on disk."""
        return sorted(path.parent.name for path in self.out.glob("evidence/*/evidence.json"))


@pytest.fixture
def bench(small_assignment, data, fake_sandbox, practical, tmp_path):
    """Return a bench for submissions that follow scripts; ``good`` is one that meets every demand."""

    def set_up(is_good=True, **scripts):
        known = {"good": practical.hand_in, **scripts}
        settings = RunSettings(assignment=small_assignment, dataset=data, seeds=SEEDS)
        reference = ReferenceResults(scores=dict.fromkeys(SEEDS, 0.6), baselines=dict.fromkeys(SEEDS, 0.5))
        (tmp_path / "in").mkdir()
        return Bench(
            settings, tmp_path / "in", tmp_path / "out", reference, fake_sandbox(practical.guest(known, is_good))
        )

    return set_up


# -- a whole batch ---------------------------------------------------------------------------------------


def test_a_good_submission_passes(bench):
    """A submission goes through both guests, is traced, judged, stored, and shown."""
    b = bench()
    b.hand_in("ada", content="good")
    report = b.report()
    assert (report.verdict, report.failures) == (PASS, ())
    assert report.selection.chosen == 1
    assert report.tracing.source is FeatureSource.TRACED
    assert (report.tracing.training_rows, report.tracing.development_rows) == (600, 200)
    assert [run.seed for run in report.runs] == list(SEEDS)
    assert report.comparison.mean > 0.6
    assert [rule.outcome for rule in report.rules] == [Outcome.PASSED]
    assert [cell.cell.index for cell in report.cells] == [1, 2]
    assert b.stored() == ["ada"]
    assert (b.out / "reports" / "ada.html").stat().st_size > 5_000
    assert 'href="./../reproduce/ada.py"' in (b.out / "reports" / "ada.html").read_text()
    compile((b.out / "reproduce" / "ada.py").read_text(), "ada.py", "exec")
    with np.load(b.out / "reproduce" / "ada.npz", allow_pickle=False) as stored:
        assert (stored["rows"].shape, stored["features"].shape) == ((ROWS,), (ROWS, len(COLUMNS)))
    results = json.loads((b.out / "results.json").read_bytes())
    assert [r["verdict"] for r in results["reports"]] == ["PASS"]
    for name in ("index.html", "results.csv", "junit.xml"):
        assert "ada" in (b.out / name).read_text()


def test_both_guests_get_one_box_and_only_what_they_need(bench, data):
    """The execute guest gets the file and the data. The retrain guest gets no label of a held-out row."""
    b = bench()
    b.hand_in("ada", content="good")
    b.report()
    (box,) = b.boxes
    assert box.closed.is_set()
    (execute, first), (retrain, second) = box.jobs
    assert isinstance(execute, ExecuteJob) and isinstance(retrain, RetrainJob)
    assert [frame.payload for frame in first] == [b"good", data.csv]
    arrays = [frames.unpack(frame.payload) for frame in second]
    assert len(arrays) == 5 * len(SEEDS)
    for at in range(len(SEEDS)):
        x, y, x_watched, y_watched, held_out = arrays[5 * at : 5 * at + 5]
        assert (len(x), len(x_watched)) == (len(y), len(y_watched))
        assert len(x) + len(x_watched) + len(held_out) == ROWS
        rows = {row.tobytes() for row in np.concatenate([x, x_watched])}
        assert not any(row.tobytes() in rows for row in held_out)


def test_a_network_that_learns_nothing_fails(bench):
    """A network that is no better than the baseline after retraining fails, and its accuracy is shown."""
    b = bench(is_good=False)
    b.hand_in("ada", content="good")
    report = b.report()
    assert report.verdict is FAIL
    assert report.comparison.mean < 0.5
    assert "worse than logistic regression" in report.reasons[0]


FURTHER = (37, 41, 59, 67, 71, 83)


@pytest.fixture(scope="module")
def own_scores(small_assignment, data, fake_sandbox, practical, tmp_path_factory):
    """The good submission's score for each seed, the mean over all, and the job that trained its further seeds."""
    place = tmp_path_factory.mktemp("own")
    (place / "ada.ipynb").write_text("good")
    settings = RunSettings(assignment=small_assignment, dataset=data, seeds=(*SEEDS, *FURTHER))
    pool = places.Pool(fake_sandbox(practical.guest({"good": practical.hand_in})))
    reference = ReferenceResults(
        scores=dict.fromkeys(settings.seeds, 0.0), baselines=dict.fromkeys(settings.seeds, 0.0)
    )
    with ThreadPoolExecutor(1) as executor:
        result = batch.run(
            choice.find(place),
            settings,
            reference,
            place / "out",
            executor,
            lambda one: lambda *step: None,
            print,
            pool,
        )
    return {score.seed: score.score for score in result.reports[0].comparison.scores}


@pytest.fixture
def close(bench, own_scores):
    """Return a bench in which the first seeds leave the verdict open and the further seeds decide. The reference is
    worse on them by the given amount."""

    def set_up(worse=0.05, guest=None):
        b = bench()
        tolerance = b.settings.assignment.bar.tolerance
        reference = {seed: own_scores[seed] + tolerance + (-0.001 if seed == SEEDS[0] else 0.001) for seed in SEEDS}
        reference |= {seed: own_scores[seed] + tolerance - worse for seed in FURTHER}
        b.reference = ReferenceResults(scores=reference, baselines=dict.fromkeys(reference, 0.1))
        b.settings = replace(b.settings, further=FURTHER)
        if guest is not None:
            b.sandbox.guest = guest(b.sandbox.guest)
        b.hand_in("ada", content="good")
        return b

    return set_up


def retrained(b):
    """Return the seeds of each job for the retrain guest."""
    return [job.seeds for box in b.boxes for job, _ in box.jobs if isinstance(job, RetrainJob)]


@pytest.mark.parametrize(("worse", "verdict"), [(0.05, PASS), (-0.05, FAIL)])
def test_further_seeds_decide_where_the_first_cannot(close, worse, verdict):
    """A network too close to the bar is trained for further seeds. All seeds together decide, and the page says so."""
    b = close(worse)
    report = b.report()
    assert retrained(b) == [SEEDS, FURTHER]
    assert (report.verdict, report.comparison.further, len(report.comparison.scores)) == (verdict, 6, 8)
    assert [run.seed for run in report.runs] == [*SEEDS, *FURTHER]
    assert report.retraining and report.further
    page = (b.out / "reports" / "ada.html").read_text()
    assert "The last 6 seeds were added because the others could not decide" in page
    assert b.report() == report
    assert batch.judge_again(b.settings, b.reference, b.out, lambda name, end: None).reports == (light(report),)
    assert len(retrained(b)) == 2


def test_what_further_seeds_cannot_decide_is_referred(close):
    """A network that stays too close to the bar is REFER, and no seed is trained a third time."""
    b = close(worse=0.0)
    report = b.report()
    assert (report.verdict, report.comparison.further) == (REFER, 6)
    assert "these 8 seeds cannot tell them apart" in report.reasons[0]
    assert b.report() == report
    assert len(retrained(b)) == 2


def test_further_seeds_do_not_count_where_the_first_decide(close, own_scores):
    """After a change of the reference results, the first seeds decide alone if they can, whatever was trained
    before."""
    b = close()
    b.report()
    b.reference = replace(b.reference, scores=own_scores)
    (report,) = batch.judge_again(b.settings, b.reference, b.out, lambda name, end: None).reports
    assert (report.verdict, report.comparison.further, len(report.runs)) == (PASS, 0, 2)


def test_whoever_fails_a_rule_is_trained_no_further(close):
    """No further seed is trained if something else decides the verdict."""
    b = close()
    (Path(b.settings.assignment.folder) / folders.RULES).write_text(RULES.replace("> 2", "> 99"))
    try:
        assert b.report().verdict is FAIL
    finally:
        (Path(b.settings.assignment.folder) / folders.RULES).write_text(RULES)
    assert retrained(b) == [SEEDS]


@pytest.mark.parametrize("ending", [Ending.TIME, Ending.MEMORY])
def test_further_seeds_that_do_not_end_take_nothing_away(close, ending):
    """If the guest for further seeds reaches a limit, the first seeds' results stay, and the page says how it ended.
    The job is not tried again."""

    def guest(usual):
        def run(job, beside):
            if isinstance(job, RetrainJob) and job.seeds == FURTHER:
                yield ending
            else:
                yield from usual(job, beside)

        return run

    b = close(guest=guest)
    report = b.report()
    assert (report.verdict, report.comparison.further, report.failures) == (REFER, 0, ())
    assert report.further.ending is ending
    assert b.report() == report
    assert retrained(b) == [SEEDS, FURTHER]


def test_results_come_in_the_order_given(bench, practical):
    """Results are in the order of the submissions, however long each takes."""
    last_has_ended = threading.Event()

    def slow():
        assert last_has_ended.wait(20)
        yield from practical.begin()

    b = bench(slow=slow, fast=practical.begin)
    b.hand_in("a", content="slow")
    b.hand_in("b", "c", content="fast")
    ended = []

    def on_end(name, end):
        ended.append(name)
        if "c" in ended:
            last_has_ended.set()

    result = b.run(jobs=2, on_end=on_end)
    assert ended == ["b", "c", "a"]
    assert [report.submission.name for report in result.reports] == ["a", "b", "c"]


def test_submissions_of_one_name_are_all_checked(bench, practical):
    """A folder and files of the same name get separate results, evidence and pages."""
    b = bench(none=practical.begin)
    b.hand_in("a", content="good")
    (b.folder / "a").mkdir()
    (b.folder / "a" / "tick.ipynb").write_text("none")
    (b.folder / "a.py").write_text("none")
    result = b.run()
    assert sorted(report.verdict for report in result.reports) == [FAIL, FAIL, PASS]
    assert len(b.stored()) == 3
    for edition in ("reports", "students"):
        assert len(list(b.out.glob(f"{edition}/*.html"))) == 3


def test_progress_is_told_by_stage(bench, monkeypatch):
    """A watcher is told each stage of a submission, with its steps."""
    seen = []
    monkeypatch.setattr(Bench, "watch", lambda b, name: lambda stage, step: seen.append((stage, step)))
    b = bench()
    b.hand_in("ada", content="good")
    b.run()
    stages = [stage for stage, _ in seen]
    assert stages == [Stage.STARTING, Stage.EXECUTING, Stage.TRACING, *[Stage.RETRAINING] * 3]
    assert [step for _, step in seen[-3:]] == [Progress(0, 2), Progress(1, 2), Progress(2, 2)]


def test_further_seeds_are_counted_on(close, monkeypatch):
    """A watcher sees the further seeds counted on from the first ones."""
    seen = []
    monkeypatch.setattr(Bench, "watch", lambda b, name: lambda stage, step: seen.append((stage, step)))
    close(0.5).run()
    assert [step for stage, step in seen if stage is Stage.RETRAINING][-7:] == [Progress(n, 8) for n in range(2, 9)]


# -- what is already known -------------------------------------------------------------------------------


def test_what_is_known_is_not_run_again(bench):
    """A second batch opens no box and gives the same report. With --fresh it opens one."""
    b = bench()
    b.hand_in("ada", content="good")
    first = b.report()
    assert len(b.boxes) == 1
    assert b.report() == first
    assert len(b.boxes) == 1
    b.run(fresh=True)
    assert len(b.boxes) == 2


def test_a_changed_file_is_run_again(bench, practical):
    """Only a submission whose file has changed runs again."""
    b = bench(none=practical.begin)
    b.hand_in("ada", "grace", content="good")
    b.run()
    b.hand_in("ada", content="none")
    assert [report.verdict for report in b.run().reports] == [FAIL, PASS]
    assert sum(isinstance(job, ExecuteJob) for box in b.boxes for job, _ in box.jobs) == 3


@pytest.mark.parametrize(
    ("change", "runs_again"),
    [
        (lambda a: {"bar": replace(a.bar, tolerance=0.5)}, False),
        (lambda a: {"title": "Another"}, False),
        (lambda a: {"caps": replace(a.caps, fit_steps=5)}, True),
        (lambda a: {"splits": replace(a.splits, test=0.3)}, True),
        (lambda a: {"execute": replace(a.execute, seconds=5.0)}, True),
    ],
)
def test_only_what_the_run_depends_on_runs_again(bench, change, runs_again):
    """A changed bar or title is judged from stored evidence. Changed limits, caps or splits need a new run."""
    b = bench()
    b.hand_in("ada", content="good")
    b.run()
    assignment = b.settings.assignment
    b.settings = replace(b.settings, assignment=replace(assignment, **change(assignment)))
    b.run()
    assert len(b.boxes) == (2 if runs_again else 1)


def test_changed_rules_are_judged_again_without_the_submissions(bench):
    """Judging again needs stored evidence only: a stricter bar turns PASS into FAIL, and no box is opened."""
    b = bench()
    b.hand_in("ada", "grace", content="good")
    b.run()
    shutil.rmtree(b.folder)
    (b.out / "index.html").unlink()
    b.reference = replace(b.reference, scores=dict.fromkeys(SEEDS, 1.5))
    told = []
    result = batch.judge_again(b.settings, b.reference, b.out, lambda name, end: told.append((name, end.verdict)))
    assert told == [("ada", FAIL), ("grace", FAIL)]
    assert [report.verdict for report in result.reports] == [FAIL, FAIL]
    assert len(b.boxes) == 1
    assert "FAIL" in (b.out / "reports" / "ada.html").read_text()
    assert "grace" in (b.out / "index.html").read_text()


@pytest.mark.slow
def test_many_are_judged_in_several_processes_to_the_same_bytes(bench, monkeypatch):
    """Which process judges does not show: pages, tables and results are the same."""
    b = bench()
    b.hand_in("ada", "grace", content="good")
    b.run()
    written = []
    for many in (processes.MANY, 1):
        monkeypatch.setattr(processes, "MANY", many)
        result = batch.judge_again(b.settings, b.reference, b.out, lambda name, end: None)
        assert [report.submission.name for report in result.reports] == ["ada", "grace"]
        written.append({path: path.read_bytes() for path in b.out.rglob("*") if path.is_file()})
    assert written[0] == written[1]


def test_evidence_gathered_otherwise_is_not_judged(bench):
    """Damaged evidence, or evidence gathered under other caps, gives no verdict. The message says what to do."""
    b = bench()
    b.hand_in("ada", "grace", content="good")
    b.run()
    (b.out / "evidence" / "grace" / "evidence.json").write_text("{")
    first = batch.judge_again(b.settings, b.reference, b.out, lambda name, end: None)
    assert [report.submission.name for report in first.reports] == ["ada"]
    assert [end.submission for end in first.unfinished] == ["grace"]
    assignment = replace(b.settings.assignment, caps=replace(b.settings.assignment.caps, fit_steps=5))
    other = batch.judge_again(replace(b.settings, assignment=assignment), b.reference, b.out, lambda name, end: None)
    assert not other.reports
    assert all("checker batch" in end.message for end in other.unfinished)


def edited(b):
    """Change the evidence so that it says that all inputs come from the data."""
    path = b.out / "evidence" / "grace" / "evidence.json"
    path.write_bytes(path.read_bytes().replace(b'"labels_differ":0', b'"labels_differ":1'))


def copied(b):
    """Replace a submission's evidence with that of another."""
    shutil.rmtree(b.out / "evidence" / "grace")
    shutil.copytree(b.out / "evidence" / "ada", b.out / "evidence" / "grace")


def added(b):
    """Copy another's evidence for a student who handed in nothing."""
    shutil.move(b.out / "evidence" / "grace", b.out / "evidence" / "hazel")


def unlisted(b):
    """Remove a submission's digest from the list."""
    path = b.out / "digests.json"
    listed = json.loads(path.read_bytes())
    del listed["evidence"]["grace"]
    path.write_text(json.dumps(listed))


@pytest.mark.parametrize(
    ("tamper", "name"), [(edited, "grace"), (copied, "grace"), (added, "hazel"), (unlisted, "grace")]
)
def test_evidence_that_is_not_as_the_batch_left_it_gives_no_verdict(bench, tamper, name):
    """Evidence that was edited, copied or added is detected when it is judged again; the evidence of others is
    judged. A batch gathers it again."""
    b = bench()
    b.hand_in("ada", "grace", content="good")
    b.run()
    before = (b.out / "evidence" / "grace" / "evidence.json").read_bytes()
    tamper(b)
    assert tamper is unlisted or not batch.is_altered(b.out, "ada")
    result = batch.judge_again(b.settings, b.reference, b.out, lambda name, end: None)
    assert [report.submission.name for report in result.reports] == ["ada"]
    assert result.unfinished == (Unfinished(name, batch.ALTERED),)
    assert batch.is_altered(b.out, name)
    jobs = len(b.boxes[0].jobs)
    assert [report.verdict for report in b.run().reports] == [PASS, PASS]
    assert sum(len(box.jobs) for box in b.boxes) == jobs + 2
    assert (b.out / "evidence" / "grace" / "evidence.json").read_bytes() == before
    assert not batch.is_altered(b.out, "grace")


def test_a_batch_of_some_keeps_what_is_known_of_others(bench):
    """The list of digests grows with each submission, also with several at a time, and loses none."""
    b = bench()
    b.hand_in("ada", "grace", "hazel", content="good")
    found = choice.find(b.folder)
    for chosen in (found[:1], found[1:]):
        b.run(jobs=2, submitted=chosen)
    result = batch.judge_again(b.settings, b.reference, b.out, lambda name, end: None)
    assert (len(result.reports), result.unfinished) == (3, ())


@pytest.mark.slow
def test_a_list_that_is_damaged_costs_a_run(bench):
    """If the list of digests is damaged, no stored evidence is judged, and a batch writes the list again."""
    b = bench()
    b.hand_in("ada", content="good")
    b.run()
    (b.out / "digests.json").write_text("{" * 99_999)
    assert batch.judge_again(b.settings, b.reference, b.out, lambda name, end: None).unfinished
    assert b.report().verdict is PASS
    assert not batch.judge_again(b.settings, b.reference, b.out, lambda name, end: None).unfinished


def test_evidence_that_trips_the_checker_stops_nobody_elses_judgement(bench, monkeypatch):
    """A submission on which judging fails is listed as unfinished, and the others are judged."""
    b = bench()
    b.hand_in("ada", "grace", content="good")
    b.run()
    judge = batch.check.judge

    def broken(gathered, settings, reference):
        if gathered.evidence.submission.name == "ada":
            raise IndexError("a mistake")
        return judge(gathered, settings, reference)

    monkeypatch.setattr(batch.check, "judge", broken)
    result = batch.judge_again(b.settings, b.reference, b.out, lambda name, end: None)
    assert [report.submission.name for report in result.reports] == ["grace"]
    assert result.unfinished == (Unfinished("ada", "IndexError: a mistake"),)


def test_damaged_evidence_is_gathered_again(bench):
    """Evidence that is damaged on disk is gathered again."""
    b = bench()
    b.hand_in("ada", content="good")
    b.run()
    for path in b.out.glob("evidence/ada/*.npz"):
        path.write_bytes(b"")
    assert b.report().verdict is PASS
    assert len(b.boxes) == 2


# -- what index and tables hold --------------------------------------------------------------------------


def tables_of(b):
    """Return the names in each table, in its order."""
    results = json.loads((b.out / "results.json").read_bytes())
    return {
        "results.json": [one["submission"]["name"] for one in results["reports"]],
        "results.csv": [row["submission"] for row in csv.DictReader((b.out / "results.csv").read_text().splitlines())],
        "junit.xml": re.findall('<testsuite name="([^"]+)"', (b.out / "junit.xml").read_text()),
    }


def index_of(b):
    """Return the names in the rows of the index, in its order."""
    rows = re.findall(r'<th scope="row".*', (b.out / "index.html").read_text())
    return [re.search("<bdi>(.*?)</bdi>", row)[1] for row in rows if "reports/" in row]


def everywhere(b, names):
    """Whether exactly these names stand in every table and in the index."""
    return set(map(tuple, tables_of(b).values())) == {tuple(names)} and sorted(index_of(b)) == sorted(names)


def nobody(name, end):
    """Ignore the end of a submission."""


@pytest.fixture
def course(bench, practical):
    """A finished batch of three: two PASS, and one without a network."""
    b = bench(none=practical.begin)
    b.hand_in("ada", "linus", content="good")
    b.hand_in("grace", content="none")
    b.run()
    return b


def test_partial_runs_lose_nobody(course):
    """After two batches of one submission each, every table and the index hold all three in one order. Decisions
    stay. The result counts the one and states the total."""
    place = course.out / "decisions.csv"
    place.write_bytes(place.read_bytes().replace(b"grace,,,", b"grace,resubmit,no network,Tina"))
    decided, boxes = place.read_bytes(), len(course.boxes)
    for name in ("grace", "ada"):
        result = course.run(submitted=choice.find(course.folder / f"{name}.ipynb"), fresh=True)
        assert [report.submission.name for report in result.reports] == [name]
        assert result.in_words == "1 checked again, 3 in the index."
        assert everywhere(course, ["ada", "grace", "linus"])
        assert place.read_bytes() == decided
    assert index_of(course) == ["grace", "ada", "linus"]
    assert "1 of 3 decided" in (course.out / "index.html").read_text()
    assert len(course.boxes) == boxes + 2
    assert course.run().in_words == ""


def test_another_upload_joins_what_is_stored(course, tmp_path):
    """A batch of other submissions into the same folder keeps all that are there, also those in no upload any more."""
    other = tmp_path / "other"
    other.mkdir()
    (other / "Barbara.ipynb").write_text("good")
    result = course.run(submitted=choice.find(other))
    assert result.in_words == "1 checked, 4 in the index."
    assert everywhere(course, ["ada", "Barbara", "grace", "linus"])


def test_the_others_are_judged_by_the_present_rules(course):
    """A partial batch after a change of the reference results leaves no verdict based on the former ones."""
    course.reference = replace(course.reference, scores=dict.fromkeys(SEEDS, 1.5))
    result = course.run(submitted=choice.find(course.folder / "ada.ipynb"))
    assert [report.verdict for report in result.reports] == [FAIL]
    results = json.loads((course.out / "results.json").read_bytes())
    assert [one["verdict"] for one in results["reports"]] == ["FAIL"] * 3


def test_outdated_evidence_of_others_does_no_harm(course):
    """Evidence of other submissions that was gathered under other limits is listed without a verdict; the batch is
    not about them."""
    assignment = course.settings.assignment
    course.settings = replace(
        course.settings, assignment=replace(assignment, caps=replace(assignment.caps, fit_steps=5))
    )
    result = course.run(submitted=choice.find(course.folder / "ada.ipynb"))
    assert (len(result.reports), result.unfinished, result.in_index) == (1, (), 3)
    assert index_of(course) == ["ada"]
    results = json.loads((course.out / "results.json").read_bytes())
    assert [one["submission"] for one in results["unfinished"]] == ["grace", "linus"]
    assert "Without a verdict: 2" in (course.out / "index.html").read_text()
    course.run()
    assert everywhere(course, ["ada", "grace", "linus"])


def test_a_result_without_evidence_stays_while_its_page_does(course):
    """Results stay if their evidence is deleted to save space. A submission whose page is deleted as well is left
    out."""
    shutil.rmtree(course.out / "evidence" / "linus")
    course.run(submitted=choice.find(course.folder / "ada.ipynb"))
    assert everywhere(course, ["ada", "grace", "linus"])
    batch.judge_again(course.settings, course.reference, course.out, nobody)
    assert everywhere(course, ["ada", "grace", "linus"])
    (course.out / "reports" / "linus.html").unlink()
    course.run(submitted=choice.find(course.folder / "ada.ipynb"))
    assert everywhere(course, ["ada", "grace"])


def test_results_on_other_data_do_not_mix(course, data):
    """After a batch on practice data, results on other data have no verdict in the same folder."""
    shutil.rmtree(course.out / "evidence" / "linus")
    course.settings = replace(course.settings, dataset=replace(data, note=DatasetNote("another", "cd" * 32, False)))
    course.run(submitted=choice.find(course.folder / "ada.ipynb"))
    results = json.loads((course.out / "results.json").read_bytes())
    assert tables_of(course)["results.json"] == index_of(course) == ["ada"]
    assert [one["submission"] for one in results["unfinished"]] == ["grace", "linus"]


def test_pages_lead_from_one_to_the_next(course):
    """Pages link to one another in the index's order, which a decision changes with the next batch. Students' pages
    have no links."""

    def links(name):
        page = (course.out / "reports" / name).read_text()
        return re.findall(r'<a rel="(\w+)" href="./../reports/(\w+).html">', page)

    assert links("grace.html") == [("next", "ada")]
    assert links("ada.html") == [("prev", "grace"), ("next", "linus")]
    place = course.out / "decisions.csv"
    place.write_bytes(place.read_bytes().replace(b"ada,,,", b"ada,tick,,"))
    batch.judge_again(course.settings, course.reference, course.out, nobody)
    assert index_of(course) == ["grace", "linus", "ada"]
    assert links("ada.html") == [("prev", "linus")]
    assert 'rel="prev"' not in (course.out / "students" / "ada.html").read_text()


def test_the_index_lives(bench, practical, monkeypatch):
    """The index shows from the start which submissions wait, at which stage each is, and which have ended."""
    seen = []

    def watch(b, name):
        def step(stage, at):
            text = (b.out / "index.html").read_text()
            seen.append((name, stage, index_of(b), re.findall("Under way: [^<]*", text)))

        seen.append((name, None, index_of(b), re.findall("Under way: [^<]*", (b.out / "index.html").read_text())))
        return step

    monkeypatch.setattr(Bench, "watch", watch)
    b = bench(none=practical.begin)
    b.hand_in("ada", "grace", content="none")
    b.run()
    assert seen == [
        ("ada", None, [], ["Under way: 0 running, 2 waiting"]),
        ("ada", Stage.STARTING, [], ["Under way: 1 running, 1 waiting"]),
        ("ada", Stage.EXECUTING, [], ["Under way: 1 running, 1 waiting"]),
        ("ada", Stage.TRACING, [], ["Under way: 1 running, 1 waiting"]),
        ("grace", None, ["ada"], ["Under way: 0 running, 1 waiting"]),
        ("grace", Stage.STARTING, ["ada"], ["Under way: 1 running, 0 waiting"]),
        ("grace", Stage.EXECUTING, ["ada"], ["Under way: 1 running, 0 waiting"]),
        ("grace", Stage.TRACING, ["ada"], ["Under way: 1 running, 0 waiting"]),
    ]
    assert "Under way" not in (b.out / "index.html").read_text()


def test_a_large_index_is_not_written_at_every_change(course):
    """With eighty submissions, the index is written at every fourth change and shows all changes until then."""
    waiting = [f"student {number}" for number in range(77)]
    board, shown = Board(course.settings, course.out, waiting), []
    for name in waiting[:8]:
        board.end(name, Unfinished(name, "no disk"))
        shown += re.findall("77 waiting|Without a verdict: .|$", (course.out / "index.html").read_text())[:1]
    assert shown == ["77 waiting"] * 3 + ["Without a verdict: 4"] * 4 + ["Without a verdict: 8"]


# -- which network is the answer -------------------------------------------------------------------------


@pytest.fixture
def two_networks(practical, data):
    """Return the messages of a notebook with two networks: the first is good, the last is poor as trained."""

    def say():
        good = practical.model(variable="good")
        poor = replace(practical.model(variable="poor"), id=2)
        yield from practical.hand_in(good)
        yield frames.message(poor)
        parts = {frames.reference(x): data.labels[at] for x, at in practical.places()}
        for model, is_right in ((good, True), (poor, False)):
            given = {
                table: (labels if is_right else 1 - labels % 2).astype(np.uint8) for table, labels in parts.items()
            }
            yield from (Frame(Kind.OUTPUTS, frames.pack(classes)) for classes in given.values())
            outputs = tuple(TableOutputs(t.sha256, frames.reference(classes)) for t, classes in given.items())
            yield frames.message(AsTrained(model.id, 2, outputs))

    return say


def test_the_network_that_did_clearly_worse_as_trained_is_not_the_answer(bench, two_networks):
    """The last of two networks is not the answer if it did clearly worse in the student's run. The page shows both."""
    b = bench(two=two_networks)
    b.hand_in("ada", content="two")
    report = b.report()
    assert report.answer.variable == "good"
    (poor,) = report.selection.rejected
    assert poor.reason.startswith("as trained, it did clearly worse than `good`: ")
    assert "100.0% on 400 rows that neither was trained on" in poor.reason
    assert (report.own_result.unseen.rows, report.own_result.unseen.score) == (200, 1.0)
    assert report.own_result.trained.rows == 600
    assert len(report.own_results) == 2


def test_a_network_that_is_given_the_label_is_not_the_answer_beside_an_honest_one(bench, practical, data):
    """A later experiment with the class among its inputs is not the answer; a network without it is."""
    classes = np.eye(5, dtype=np.float32)[data.labels]
    leaky = [np.hstack([x, classes[at]]) for x, at in practical.places()]

    def say():
        yield from practical.hand_in(practical.model(variable="honest"))
        yield from map(frames.array, leaky)
        fit = practical.make.fit(training=practical.make.fed(leaky[0], practical.y))
        uses = (practical.make.use("evaluate", practical.make.fed(leaky[2])),)
        yield frames.message(practical.make.model(2, fit, variable="leaky", input_width=8, uses=uses))

    b = bench(say=say)
    b.hand_in("ada", content="say")
    report = b.report()
    assert report.answer.variable == "honest"
    assert [r.reason for r in report.selection.rejected] == ["an input gives the target away, and others do without"]


def test_another_network_is_made_the_answer_without_a_run(bench, two_networks):
    """A demonstrator can make any network of the file the answer. It is trained, and the file does not run again."""
    b = bench(two=two_networks)
    b.hand_in("ada", content="two")
    b.run()
    b.settings = replace(b.settings, model="poor")
    report = b.report()
    assert (report.answer.variable, report.verdict) == ("poor", PASS)
    assert "`poor` is the variable" in report.selection.reason
    assert [type(job).__name__ for job, _ in b.boxes[-1].jobs] == ["RetrainJob"]
    assert [type(job).__name__ for box in b.boxes for job, _ in box.jobs].count("ExecuteJob") == 1
    assert b.report() == report, "and stored"


def test_an_index_is_kept_for_another_answer(bench, practical, make, data):
    """Rows found only by the pandas index are found again, without a run, when another network becomes the answer."""
    order = np.random.default_rng(1).permutation(ROWS)
    scaled = np.concatenate([x for x, _ in practical.places()])
    x, tested = np.split((scaled @ np.linalg.svd(scaled)[2].T).astype(np.float32)[order], [600])
    y = data.labels[order[:600]].astype(np.int64)

    def say():
        yield from practical.begin()
        yield from map(frames.array, (x, y, order[:600], tested))
        fit, use = make.fit(training=make.fed(x, y, order[:600])), make.use("evaluate", make.fed(tested))
        for number in (1, 2):
            model = make.model(number, fit, variable=f"net_{number}", input_width=x.shape[1], uses=(use,))
            yield frames.message(model)

    b = bench(say=say)
    b.hand_in("ada", content="say")
    assert b.report().tracing.source is FeatureSource.TRACED
    b.settings = replace(b.settings, model="net_1")
    report = b.report()
    assert report.answer.variable == "net_1"
    assert (report.tracing.source, report.tracing.training_rows) == (FeatureSource.TRACED, 600)
    assert [type(job).__name__ for box in b.boxes for job, _ in box.jobs].count("ExecuteJob") == 1


def test_a_name_that_no_network_has_is_told_with_those_there_are(bench, two_networks):
    """If a demonstrator names a network that does not exist, the message lists those that do. Evidence is kept."""
    b = bench(two=two_networks)
    b.settings = replace(b.settings, model="net")
    b.hand_in("ada", content="two")
    (unfinished,) = b.run().unfinished
    assert unfinished.is_usage
    assert unfinished.message == (
        "No model of this file is called `net`. There is `good` (cell 6) and `poor` (cell 6)."
    )
    b.settings = replace(b.settings, model="good")
    assert b.report().answer.variable == "good"
    assert [type(job).__name__ for box in b.boxes for job, _ in box.jobs].count("ExecuteJob") == 1


def test_a_students_next_file_is_tried_where_the_first_holds_no_answer(bench, practical):
    """Of several files, the first with an answer is judged. The page names those that were run before it."""
    b = bench(none=practical.begin)
    (b.folder / "ada").mkdir()
    for name, content in (("a-draft", "none"), ("final", "good"), ("other", "good")):
        path = b.folder / "ada" / f"{name}.ipynb"
        path.write_text(content)
        os.utime(path, (1_000_000, 1_000_000))
    report = b.report()
    assert report.verdict is PASS
    assert report.submission.path.endswith("final.ipynb")
    assert report.submission.note.startswith("a-draft.ipynb holds no network for the task. final.ipynb was checked")
    jobs = [beside[0].payload for job, beside in b.boxes[0].jobs if isinstance(job, ExecuteJob)]
    assert jobs == [b"none", b"good"]
    assert b.report() == report, "and stored"
    assert len(b.boxes) == 1


def test_where_no_file_holds_an_answer_the_first_is_reported(bench, practical):
    """At most three files are run. If none has an answer, the report is about the first."""
    b = bench(none=practical.begin)
    (b.folder / "ada").mkdir()
    for number in range(5):
        path = b.folder / "ada" / f"{number}.ipynb"
        path.write_text("none")
        os.utime(path, (1_000_000, 1_000_000))
    report = b.report()
    assert (report.verdict, report.submission.path[-7:]) == (FAIL, "0.ipynb")
    assert len(b.boxes[0].jobs) == 3


# -- who is blamed ---------------------------------------------------------------------------------------


def test_a_notebook_without_a_model_fails(bench, practical):
    """A submission without a network fails, is not retrained, and its page says what is missing."""
    b = bench(none=practical.begin)
    b.hand_in("ada", content="none")
    report = b.report()
    assert report.verdict is FAIL
    assert "There is no model for this task" in report.reasons[0]
    assert len(b.boxes[0].jobs) == 1


def test_whoever_handed_in_no_notebook_fails(bench):
    """A student who handed in only a PDF gets a FAIL, a page and a row. No box is opened, and judging again keeps
    it."""
    b = bench()
    b.hand_in("ada", content="good")
    (b.folder / "grace").mkdir()
    (b.folder / "grace" / "essay.pdf").write_text("")
    ada, grace = b.run().reports
    assert (ada.verdict, grace.verdict) == (PASS, FAIL)
    assert grace.reasons == ("The upload holds no notebook (.ipynb) or module (.py), only essay.pdf.",)
    assert {rule.outcome for rule in grace.rules} == {Outcome.UNKNOWN}
    assert [len(box.jobs) for box in b.boxes] == [2]
    page = (b.out / "reports" / "grace.html").read_text()
    assert "Nothing to run" in page
    assert "How it ran" not in page
    again = batch.judge_again(b.settings, b.reference, b.out, lambda name, end: None)
    assert again.reports == (light(ada), light(grace))
    (b.folder / "grace" / "essay.pdf").rename(b.folder / "grace" / "print.pdf")
    assert "only print.pdf" in b.run().reports[1].reasons[0]


def test_a_file_that_cannot_be_read_is_referred(bench, tmp_path):
    """A damaged member of a zip is REFER, a whole one is run. Neither runs again later without need."""
    b = bench()
    path = tmp_path / "course.zip"
    with ZipFile(path, "w") as archive:
        archive.writestr("Ada_1_assignsubmission_file/tick.ipynb", "good")
        archive.writestr("Grace_2_assignsubmission_file/tick.ipynb", "unharmed")
    path.write_bytes(path.read_bytes().replace(b"unharmed", b"damaged!"))
    for _ in range(2):
        ada, grace = b.run(submitted=choice.find(path)).reports
        assert (ada.verdict, grace.verdict) == (PASS, REFER)
        assert ada.submission.identity.number == "1"
    assert len(b.boxes) == 1


def test_whose_a_file_is_may_change(bench):
    """Stored evidence is shown under the student's present identity, if the file is the same."""
    b = bench()
    b.hand_in("ada", content="good")
    b.run()
    (found,) = choice.find(b.folder)
    known = replace(found, identity=Identity(platform=Platform.MOODLE, number="12345", name="Ada Lovelace"))
    assert b.run(submitted=[known]).reports[0].submission == known
    assert len(b.boxes) == 1
    (report,) = batch.judge_again(b.settings, b.reference, b.out, lambda name, end: None).reports
    assert report.submission == known


def test_decisions_outlive_every_batch(bench, practical):
    """A demonstrator's decisions stay when the batch runs again with more students, or with one alone."""
    b = bench(none=practical.begin)
    b.hand_in("grace", content="none")
    b.run()
    place = b.out / "decisions.csv"
    decided = place.read_bytes().replace(b"grace,,,", b"grace,tick,well argued,Tina")
    place.write_bytes(decided)
    b.hand_in("ada", content="none")
    b.run()
    assert place.read_bytes() == decided + b"ada,,,\n"
    b.run(submitted=choice.find(b.folder / "ada.ipynb"))
    assert place.read_bytes() == decided + b"ada,,,\n"


# -- with a desk -----------------------------------------------------------------------------------------


def decide(course, student, choice, based_on=0):
    """Decide at the desk, on the file that the results have."""
    known = json.loads((course.out / "results.json").read_bytes())["reports"]
    files = {one["submission"]["name"]: one["submission"]["sha256"] for one in known}
    with DecisionLog.open(course.out) as log:
        return log.decide(student, choice, "", ["Add one. [test_hidden_layer]"], "Tina", based_on, files[student]).entry


def test_a_batch_beside_a_desk(course):
    """The index and the table show what the desk has decided; what was written by hand goes into its store, is told
    once, and shown."""
    decide(course, "ada", Choice.TICK)
    place = course.out / "decisions.csv"
    place.write_bytes(place.read_bytes().replace(b"grace,,", b"grace,resubmit,no network"))
    assert course.run().told == ("1 decision by hand in decisions.csv: grace (resubmit).",)
    assert course.run().told == ()
    assert "2 of 3 decided" in (course.out / "index.html").read_text()
    rows = {row["student"]: row for row in csv.DictReader(place.read_text("utf-8-sig").splitlines())}
    assert (rows["grace"]["decision"], rows["linus"]["decision"], rows["linus"]["version"]) == ("resubmit", "", "")
    with DecisionLog.open(course.out) as log:
        entry = log.newest()["grace"]
    report = next(one for one in tables.known(course.out, course.settings).values() if name_of(one) == "grace")
    assert (entry.note, entry.submission) == ("no network", report.submission.sha256)


def test_an_earlier_file_of_a_decided_student_is_kept(course):
    """After a decision, a new file leaves the earlier report and page, and it can be said what changed and which
    conditions are met; the same file, and a new one of a student without a decision, leave nothing."""
    before = (course.out / "reports" / "grace.html").read_text()
    decided = decide(course, "grace", Choice.RESUBMIT)
    course.run(fresh=True)
    assert not (course.out / "earlier").exists()
    course.hand_in("grace", content="good")
    course.hand_in("linus", content="none")
    result = course.run()
    after = next(one for one in result.reports if one.submission.name == "grace")
    (kept,) = earlier.of(course.out, "grace")
    assert earlier.of(course.out, "linus") == ()
    assert kept.report.submission.sha256 == decided.submission != after.submission.sha256
    page = (course.out / kept.page).read_text()
    assert "On an earlier file of this submission." in page
    assert 'href="./../../index.html"' in page
    for start, end in (("<main", DECISION[0]), (DECISION[1], "</html>")):
        assert page.partition(start)[2].partition(end)[0] == before.partition(start)[2].partition(end)[0]
    assert changes.between(kept.report, after)[0].sentence == "FAIL before, PASS now."
    assert [one.state for one in conditions.standings(decided, kept.report)] == [State.OPEN]
    assert [one.state for one in conditions.standings(decided, after)] == [State.MET]


def test_few_earlier_files_are_kept(course):
    """Of many files of a student the newest few stay, also if a batch is killed and comes again."""
    decide(course, "grace", Choice.RESUBMIT)
    known = tables.known(course.out, course.settings)
    (submission,) = choice.find(course.folder / "grace.ipynb")
    for at in range(earlier.MOST + 3):
        for _ in range(2):
            earlier.keep(course.out, known, [replace(submission, sha256=f"{at}")])
        report = replace(known["grace"], submission=replace(submission, sha256=f"{at}"))
        (course.out / paths.record_of(submission)).write_bytes(to_json(report))
    found = earlier.of(course.out, "grace")
    assert [one.number for one in found] == [4, 5, 6, 7, 8]
    assert found[-1].report.submission.sha256 == "6"
    assert len(list((course.out / "earlier" / "grace").iterdir())) == 2 * earlier.MOST


def test_a_damaged_store_stops_a_batch(course):
    """Before anything runs, a batch says that the store of decisions is damaged; nothing is overwritten."""
    page = (course.out / "reports" / "ada.html").read_bytes()
    (course.out / "decisions.sqlite").write_bytes(b"x" * 5_000)
    boxes = len(course.boxes)
    with pytest.raises(UsageError, match="it is damaged"):
        course.run(fresh=True)
    assert len(course.boxes) == boxes
    assert (course.out / "reports" / "ada.html").read_bytes() == page


# -- how a run ends --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ending", "words"),
    [
        (Ending.MEMORY, "more memory than the 4 GiB allowed"),
        (Ending.OUTPUT, "more output than the "),
        (Ending.PROCESSES, "more processes than allowed"),
        (Ending.TIME, "longer than the 12 minutes allowed"),
        (Ending.WALL_CLOCK, "by the clock after ten times the 12 minutes allowed"),
        (Ending.CRASHED, "vanished in cell 1"),
        (Ending.NONSENSE, "not evidence"),
    ],
)
def test_an_end_without_a_model(bench, practical, ending, words):
    """A guest that was ended before any model was trained is REFER, because its end is not known. The limit is
    named, and the page has the cell that had begun."""

    def script():
        yield from practical.begin()
        yield frames.message(replace(practical.make.cell(2, "print('endless')"), ended=False))
        yield ending

    b = bench(script=script)
    b.hand_in("ada", content="script")
    report = b.report()
    assert report.verdict is REFER
    assert words in report.reasons[0]
    assert [(shown.cell.index, shown.cell.ended) for shown in report.cells] == [(1, True), (2, False)]
    assert report.failures[0].cell == 1


@pytest.mark.parametrize("retraining", [False, True])
def test_a_guest_that_vanishes_once_is_not_noticed(bench, practical, monkeypatch, retraining):
    """If a box is killed, in either run, it is opened again, and the verdict is the same."""
    ends = [Ending.CRASHED]

    def vanish():
        if ends:
            yield ends.pop()

    def script():
        yield from practical.hand_in()
        yield from () if retraining else vanish()

    def retrain(job, beside, is_good=True):
        yield from Practical.retrain(practical, job, beside)
        yield from vanish()

    if retraining:
        monkeypatch.setattr(practical, "retrain", retrain)
    b = bench(script=script)
    b.hand_in("ada", content="script")
    assert b.report().verdict is PASS
    assert [type(job).__name__ for job, _ in b.boxes[0].jobs].count("RetrainJob") == 1 + retraining


def test_an_end_while_still_training(bench, practical, make):
    """If time ran out while a network was training, a demonstrator decides."""

    def script():
        yield from practical.hand_in(practical.model(fits=(make.fit(finished=False),)))
        yield Ending.TIME

    b = bench(script=script)
    b.hand_in("ada", content="script")
    assert b.report().verdict is REFER


@pytest.mark.parametrize(
    ("ending", "verdict"),
    [
        (Ending.TIME, PASS),
        (Ending.WALL_CLOCK, PASS),
        (Ending.MEMORY, PASS),
        (Ending.OUTPUT, PASS),
        (Ending.PROCESSES, PASS),
        (Ending.CRASHED, PASS),
        (Ending.NONSENSE, REFER),
    ],
)
def test_an_end_after_a_model_was_trained(bench, practical, ending, verdict):
    """An early end after the answer was trained does not change the verdict. Invalid messages do."""

    def script():
        yield from practical.hand_in()
        yield ending

    b = bench(script=script)
    b.hand_in("ada", content="script")
    assert b.report().verdict is verdict


def test_a_cell_that_raises_is_no_fault_where_the_answer_is_whole(bench, practical, make):
    """A cell that raises after the answer was trained does not change the verdict."""

    def script():
        yield from practical.hand_in()
        yield frames.message(make.cell(5, error="no TensorBoard here"))
        yield frames.message(
            Failure(
                stage=Stage.EXECUTING,
                cause=FailureCause.CUT_SHORT,
                rationale="Cell 5 raised ValueError.",
                help="Mend it.",
                cell=5,
            )
        )

    b = bench(script=script)
    b.hand_in("ada", content="script")
    report = b.report()
    assert report.verdict is PASS
    assert report.cells[-1].cell.error.message == "no TensorBoard here"


def test_a_network_that_cannot_be_rebuilt_is_referred(bench, practical):
    """A network with custom layers is not retrained in the clean guest, and never passes by itself."""
    own = practical.model(architecture=None, unrebuildable="`Swish` is a layer of your own")
    b = bench(own=lambda: practical.hand_in(own))
    b.hand_in("ada", content="own")
    report = b.report()
    assert report.verdict is REFER
    assert "`Swish` is a layer of your own" in report.reasons[0]
    assert report.comparison is None


def test_outputs_that_are_no_numbers_are_referred_where_training_went_well(bench, practical, monkeypatch):
    """A network that learned in the notebook and whose retraining ends in NaN is REFER."""

    def wild(job, beside, is_good):
        for at, seed in enumerate(job.seeds):
            rows = frames.unpack(beside[5 * at + 4].payload)
            outputs = np.full((len(rows), 5), np.nan, dtype=np.float32)
            yield frames.array(outputs)
            yield frames.message(practical.make.run(seed, outputs))

    monkeypatch.setattr(practical, "retrain", wild)
    b = bench()
    b.hand_in("ada", content="good")
    report = b.report()
    assert report.verdict is REFER
    assert "its training loss fell in the file, and 2 of 2 retrainings ended in NaN" in report.reasons[0]


def test_a_retraining_that_ends_early_is_referred(bench, practical, monkeypatch):
    """If the retrain guest does not finish, a demonstrator decides."""

    def short(job, beside, is_good):
        yield frames.message(Progress(1, 2))
        yield Ending.TIME

    monkeypatch.setattr(practical, "retrain", short)
    b = bench()
    b.hand_in("ada", content="good")
    assert b.report().verdict is REFER


def test_outputs_for_other_rows_fail(bench, practical, monkeypatch):
    """Outputs for more rows than were held out, as a hostile replay may send them, cause no error and no PASS."""

    def long(job, beside, is_good):
        for seed in job.seeds:
            outputs = np.eye(5, dtype=np.float32)[np.zeros(3, int)]
            yield frames.array(outputs)
            yield frames.message(practical.make.run(seed, outputs))

    monkeypatch.setattr(practical, "retrain", long)
    b = bench()
    b.hand_in("ada", content="good")
    assert b.report().verdict is FAIL


def test_a_network_with_more_outputs_than_it_said_is_judged(bench, practical, monkeypatch):
    """A network with other outputs than its guest claimed does not pass and causes no error."""

    def wide(job, beside, is_good):
        for at, seed in enumerate(job.seeds):
            rows = frames.unpack(beside[5 * at + 4].payload)
            outputs = np.zeros((len(rows), 7), dtype=np.float32)
            outputs[:, 6] = 1
            yield frames.array(outputs)
            yield frames.message(practical.make.run(seed, outputs))

    monkeypatch.setattr(practical, "retrain", wide)
    b = bench()
    b.hand_in("ada", content="good")
    assert b.report().verdict is not PASS


# -- what outdates evidence --------------------------------------------------------------------------------


def jobs_of(b):
    """Return how many student files and how many trainings have run."""
    jobs = [job for box in b.boxes for job, _ in box.jobs]
    return sum(isinstance(job, ExecuteJob) for job in jobs), sum(isinstance(job, RetrainJob) for job in jobs)


@pytest.mark.parametrize(
    ("changed", "jobs"),
    [((), (1, 1)), ((keys.GATHERING,), (1, 2)), ((keys.RUN, keys.GATHERING), (2, 2))],
    ids=["judging", "row matching", "guest"],
)
def test_what_a_mended_module_makes_run_again(bench, monkeypatch, changed, jobs):
    """Changed code of judging runs nothing again, of row matching no student's code, of the guest everything."""
    b = bench()
    b.hand_in("ada", content="good")
    before, code_of = b.report(), keys.code_of
    monkeypatch.setattr(keys, "code_of", lambda roots: code_of(roots) + "mended" * (roots in changed))
    assert b.report() == before
    assert jobs_of(b) == jobs


def test_judging_again_goes_with_mended_judging_alone(bench, monkeypatch):
    """`checker judge` judges again after changes in judging, and leaves out evidence of other row matching."""
    b = bench()
    b.hand_in("ada", content="good")
    before, code_of = b.report(), keys.code_of
    assert batch.judge_again(b.settings, b.reference, b.out, lambda name, end: None).reports == (light(before),)
    monkeypatch.setattr(keys, "code_of", lambda roots: code_of(roots) + "mended" * (roots == keys.GATHERING))
    assert batch.judge_again(b.settings, b.reference, b.out, lambda name, end: None).reports == ()


def test_what_ran_without_a_wall_is_not_taken_for_walled(bench):
    """Evidence that was gathered in another kind of sandbox is gathered again."""
    b = bench()
    b.hand_in("ada", content="good")
    b.report()
    b.sandbox.name = "walled"
    b.report()
    assert jobs_of(b) == (2, 2)


# -- what a hostile guest may try ------------------------------------------------------------------------


@pytest.mark.parametrize("stage", [Stage.EXECUTING, Stage.RETRAINING, Stage.JUDGING])
@pytest.mark.parametrize("with_model", [False, True])
@pytest.mark.parametrize("cause", [FailureCause.NO_ANSWER, FailureCause.CUT_SHORT])
def test_no_guest_passes_itself(bench, practical, stage, with_model, cause):
    """A guest does not pass by claiming success, at whatever stage."""

    def script():
        yield from practical.hand_in() if with_model else practical.begin()
        yield frames.message(Failure(stage=stage, cause=cause, rationale="All is well.", help=""))

    b = bench(is_good=False, script=script)
    b.hand_in("ada", content="script")
    assert b.report().verdict is not PASS


def test_no_guest_keeps_its_network_from_being_measured(bench, practical):
    """A guest that claims that its retraining failed is retrained and measured nevertheless."""

    def script():
        yield from practical.hand_in()
        yield frames.message(
            Failure(stage=Stage.RETRAINING, cause=FailureCause.NOT_RETRAINED, rationale="Please refer me.", help="")
        )

    b = bench(is_good=False, script=script)
    b.hand_in("ada", content="script")
    report = b.report()
    assert report.verdict is FAIL
    assert report.comparison is not None


def test_a_student_cannot_send_results_of_a_retraining(bench, practical, make):
    """Training runs claimed by the execute guest do not count; only those of the retrain guest do."""
    perfect = np.full((200, 5), 0.2, dtype=np.float32)

    def script():
        yield from practical.hand_in()
        yield frames.array(perfect)
        yield from (frames.message(make.run(seed, perfect)) for seed in SEEDS)

    b = bench(is_good=False, script=script)
    b.hand_in("ada", content="script")
    report = b.report()
    assert report.verdict is FAIL
    assert frames.reference(perfect).sha256 not in {run.predictions.sha256 for run in report.runs}


@pytest.mark.parametrize(
    "frame",
    [
        pytest.param(Frame(Kind.JOB, b""), id="job"),
        pytest.param(Frame(Kind.ARRAY, b"PK\x03\x04" + bytes(60)), id="archive"),
        pytest.param(Frame(Kind.MESSAGE, b"Report {}"), id="report"),
    ],
)
def test_nonsense_is_one_submissions_affair(bench, practical, frame):
    """A guest that sends invalid messages is REFER, and the others are checked."""

    def script():
        yield from practical.begin()
        yield frame

    b = bench(script=script)
    b.hand_in("ada", content="script")
    b.hand_in("grace", content="good")
    assert [report.verdict for report in b.run().reports] == [REFER, PASS]


def test_a_name_from_another_system_is_checked_like_any(bench, practical):
    """Folders with names that are not UTF-8, as archives from other systems have them, are checked separately."""
    b = bench(none=practical.begin)
    try:
        for name in (b"M\xfcller", b"M\xf6ller"):
            folder = os.path.join(os.fsencode(b.folder), name)
            os.mkdir(folder)
            with open(os.path.join(folder, b"tick.ipynb"), "w") as stream:
                stream.write("none")
    except OSError:
        pytest.skip("this file system takes no such names")
    result = b.run()
    assert [report.verdict for report in result.reports] == [FAIL, FAIL]
    assert len(b.stored()) == 2


def test_the_command_to_repeat_a_check_may_be_pasted(bench, practical):
    """The command in a report is a single command about one submission, whatever its name. The page shows it."""
    b = bench(none=practical.begin)
    b.settings = replace(b.settings, typed=("batch", "in", "--data", "my data.csv"))
    name = "x; touch pwned $(id) 'q' "
    (b.folder / f"{name}.ipynb").write_text("none")
    report = b.report()
    assert shlex.split(report.reproduce) == [
        *("checker", "batch", "in", "--data", "my data.csv"),
        *("--only", report.submission.name, "--fresh"),
    ]
    (page,) = (b.out / "reports").glob("*.html")
    assert "checker batch in --data &#39;my data.csv&#39; --only" in page.read_text()


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("batch in", "checker batch in --only ada --fresh"),
        ("batch --fresh in --only grace --jobs 2 --only=linus", "checker batch in --jobs 2 --only ada --fresh"),
        ("batch --out here -- in", ""),
        ("", ""),
    ],
)
def test_the_command_to_repeat_a_check_is_the_one_that_was_typed(typed, words, small_assignment, data, make):
    """A report shows the batch's command as it was typed, for this submission alone, or none if it is not known."""
    settings = RunSettings(assignment=small_assignment, dataset=data, seeds=SEEDS, typed=tuple(typed.split()))
    assert reproduction.command(make.evidence(), settings) == words


def test_a_script_is_offered_without_a_command(bench):
    """The page links to the retraining script even if no command was typed."""
    b = bench()
    b.hand_in("ada", content="good")
    assert b.report().reproduce == ""
    page = (b.out / "reports" / "ada.html").read_text()
    assert "reproduce/ada.py" in page


class TwoColumns(Practical):
    """A network with the label hidden in two input columns, of which neither gives it away alone."""

    def __init__(self, data, make):
        super().__init__(data, make)
        mask = np.random.default_rng(0).random(ROWS) * 20
        leak = 50 * np.column_stack([mask, mask + data.labels]).astype(np.float32)
        self.x, self.watched, self.tested = (
            np.column_stack([part, of]) for part, of in zip(
                (self.x, self.watched, self.tested), (leak[:600], leak[600:800], leak[800:]), strict=True)
        )  # fmt: skip

    def model(self, **more):
        return super().model(**{"input_width": 5, "architecture": self.make.architecture(5), **more})


@pytest.mark.slow
def test_labels_over_two_columns_pass_nobody(small_assignment, data, fake_sandbox, make, tmp_path):
    """Labels that no single column gives away are detected by a forest on all columns. A demonstrator decides, and
    the page names the columns."""
    guest = TwoColumns(data, make)
    settings = RunSettings(assignment=small_assignment, dataset=data, seeds=SEEDS)
    reference = ReferenceResults(scores=dict.fromkeys(SEEDS, 0.6), baselines=dict.fromkeys(SEEDS, 0.5))
    (tmp_path / "in").mkdir()
    box = fake_sandbox(guest.guest({"ada": guest.hand_in}))
    b = Bench(settings, tmp_path / "in", tmp_path / "out", reference, box)
    b.hand_in("ada")
    report = b.report()
    assert max(column.label_purity for column in report.tracing.columns) < 0.98
    assert report.comparison.mean > 0.95
    assert report.verdict is REFER
    assert "columns 4 and 5 together. A random forest reaches " in report.reasons[0]


def test_no_accuracy_is_too_good_where_all_inputs_are_computed(bench):
    """A network far better than the reference passes if every input follows from the data's own columns."""
    b = bench()
    b.reference = ReferenceResults(scores=dict.fromkeys(SEEDS, 0.1), baselines=dict.fromkeys(SEEDS, 0.05))
    b.hand_in("ada", content="good")
    report = b.report()
    assert all(column.formula and not column.has_target for column in report.tracing.columns)
    assert comparison.is_implausible(report.comparison)
    assert report.verdict is PASS


# -- the harness's own failures --------------------------------------------------------------------------


def test_a_failure_of_the_harness_is_tried_again(bench, practical):
    """A sandbox that fails once is opened again, and the page does not mention it."""
    attempts = []

    def script():
        attempts.append(1)
        if len(attempts) == 1:
            raise HarnessError("The sandbox fell over.")
        return practical.hand_in()

    b = bench(script=script)
    b.hand_in("ada", content="script")
    assert b.report().verdict is PASS
    assert [box.closed.is_set() for box in b.boxes] == [True, True]


@pytest.mark.parametrize("error", [HarnessError("The sandbox fell over."), OSError(28, "No space left on device")])
def test_a_harness_that_keeps_failing_gives_no_verdict(bench, error):
    """A submission on which the sandbox fails twice has no verdict and is not stored; the next batch tries it again."""
    broken = [True]

    def script():
        if broken:
            raise error
        return iter(())

    b = bench(script=script)
    b.hand_in("ada", content="script")
    b.hand_in("grace", content="good")
    ends = {}
    result = b.run(on_end=lambda name, end: ends.update({name: end}))
    assert [report.submission.name for report in result.reports] == ["grace"]
    assert result.unfinished == (Unfinished("ada", str(error)),)
    assert ends == {"ada": result.unfinished[0], "grace": result.reports[0]}
    assert len(b.boxes) == batch.ATTEMPTS + 1
    assert all(box.closed.is_set() for box in b.boxes)
    assert b.stored() == ["grace"]
    assert json.loads((b.out / "results.json").read_bytes())["unfinished"][0]["submission"] == "ada"
    broken.clear()
    assert len(b.run().reports) == 2


def test_a_mistake_of_the_checkers_own_stops_nobody_else(bench):
    """A submission on which the checker fails has no verdict, and the others get theirs."""

    def script():
        raise IndexError("a mistake in the checker")

    b = bench(script=script)
    b.hand_in("ada", content="script")
    b.hand_in("grace", content="good")
    result = b.run()
    assert [report.submission.name for report in result.reports] == ["grace"]
    assert [one.submission for one in result.unfinished] == ["ada"]


def test_a_disk_that_is_full_gives_no_verdict(bench):
    """If nothing can be written, the batch says so, and no student is blamed."""
    b = bench()
    b.hand_in("ada", content="good")
    (b.out).write_text("a file where the folder must be")
    with pytest.raises(HarnessError, match="could not be written"):
        b.run()


def test_broken_rules_stop_the_batch(bench):
    """Rules that cannot be run at all stop the batch: they are the assignment's fault, not a student's."""
    b = bench()
    b.hand_in("ada", content="good")
    (Path(b.settings.assignment.folder) / folders.RULES).write_text("def test_it(:")
    try:
        with pytest.raises(AssignmentError):
            b.run()
    finally:
        (Path(b.settings.assignment.folder) / folders.RULES).write_text(RULES)


# -- interruption ----------------------------------------------------------------------------------------


def test_an_interruption_ends_every_box(bench, practical):
    """An interrupted batch waits for no guest. Finished results are kept, and nothing else is stored."""
    has_begun, sandbox = threading.Event(), []

    def endless():
        yield from practical.begin()
        has_begun.set()
        assert sandbox[0].boxes[-1].closed.wait(20)

    b = bench(endless=endless)
    sandbox.append(b.sandbox)
    b.hand_in("ada", content="good")
    b.hand_in("grace", "linus", content="endless")

    def interrupt(name, end):
        assert isinstance(end, Report)
        assert has_begun.wait(20)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        b.run(on_end=interrupt)
    assert all(box.closed.is_set() for box in b.boxes)
    assert b.stored() == ["ada"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGTERM")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("is_repeated", [False, True])
def test_an_interrupted_batch_leaves_what_it_has(bench, practical, number, is_repeated):
    """After Ctrl-C or SIGTERM, index and tables hold all results so far, and the index names the remaining
    submissions. The next batch continues with them."""
    sandbox, stuck = [], []

    def maybe_endless():
        yield from practical.begin()
        if stuck:
            os.kill(os.getpid(), number)
            assert sandbox[0].boxes[-1].closed.wait(20)

    b = bench(maybe=maybe_endless)
    sandbox.append(b.sandbox)
    b.hand_in("ada", content="good")
    b.hand_in("grace", "linus", content="maybe")
    if is_repeated:
        b.run()
    stuck.append(True)
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)  # as the program does
    try:
        with pytest.raises(KeyboardInterrupt):
            b.run(fresh=is_repeated)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert everywhere(b, ["ada", "grace", "linus"] if is_repeated else ["ada"])
    text = (b.out / "index.html").read_text()
    assert "Interrupted: 2 submissions are still to be checked" in text
    assert "grace" in text
    assert 'http-equiv="refresh"' not in text
    stuck.clear()
    b.run()
    assert everywhere(b, ["ada", "grace", "linus"])
    assert "Interrupted" not in (b.out / "index.html").read_text()


def test_no_box_is_lent_after_an_interruption(fake_sandbox):
    """After an interruption no guest starts, and no box stays open."""
    sandbox = fake_sandbox(lambda job, beside: iter(()))
    pool = places.Pool(sandbox)
    pool.close()
    with pytest.raises(HarnessError, match="interrupted"), pool.lend():
        pytest.fail("a box was lent")
    assert all(box.closed.is_set() for box in sandbox.boxes)


def test_boxes_are_kept_until_something_goes_wrong(fake_sandbox):
    """A slot's boxes are kept from one submission to the next, are closed after a failure, and all are closed at the
    end."""
    sandbox = fake_sandbox(lambda job, beside: iter(()))
    pool = places.Pool(sandbox)
    with pool.lend() as first:
        pass
    with pytest.raises(ZeroDivisionError), pool.lend() as again:
        1 / 0
    assert again is first
    assert sandbox.boxes[0].closed.is_set()
    with pool.lend(), pool.lend():
        pass
    assert [box.closed.is_set() for box in sandbox.boxes] == [True, False, False]
    pool.close()
    assert all(box.closed.is_set() for box in sandbox.boxes)


# -- how many side by side -------------------------------------------------------------------------------


def test_at_least_one_job_fits_any_machine(assignment):
    """At least one job fits, whatever memory it may take. Jobs that need little are limited by the cores."""
    huge = replace(assignment, execute=replace(assignment.execute, memory_mib=10**9))
    assert places.jobs_that_fit(huge) == 1
    tiny = replace(
        assignment,
        execute=replace(assignment.execute, memory_mib=1),
        retrain=replace(assignment.retrain, memory_mib=1),
    )
    assert 1 <= places.jobs_that_fit(tiny) <= (os.cpu_count() or 1)


# -- a regression ----------------------------------------------------------------------------------------


class Valuation(Practical):
    """Predicts numbers in the student's own unit; the retrain guest predicts by nearest neighbours."""

    def __init__(self, data, make, unit):
        super().__init__(data, make)
        self.y = unit(data.labels[:600])

    def model(self, **more):
        return super().model(output_width=1, architecture=self.make.architecture(3, 1), **more)

    def retrain(self, job, beside, is_good=True):
        arrays = [frames.unpack(frame.payload) for frame in beside]
        for at, seed in enumerate(job.seeds):
            x, y, _, _, held_out = arrays[5 * at : 5 * at + 5]
            assert (y.dtype, y.shape) == (np.float32, (len(x), 1))
            outputs = KNeighborsRegressor(10).fit(x, y).predict(held_out).astype(np.float32)
            yield frames.array(outputs)
            yield frames.message(self.make.run(seed, outputs, history={"mae": (1.0,)}))


@pytest.fixture
def valuation(regression, prices, root, fake_sandbox, make, tmp_path):
    """Return the report of a regression with targets in some unit, and the retrain guest's jobs."""
    rows = np.random.default_rng(0).permutation(len(prices.labels))[:ROWS]
    data = Dataset(
        note=DatasetNote("a part", "ab" * 32, True), csv=b"", features=prices.features[rows], labels=prices.labels[rows]
    )
    folder = Path(shutil.copytree(root / "reference" / "house_value", tmp_path / "reference"))
    (folder / folders.RULES).write_text(RULES)

    def check_unit(unit):
        guest = Valuation(data, make, unit)
        settings = RunSettings(assignment=folders.load(folder), dataset=data, seeds=SEEDS)
        reference = ReferenceResults(scores=dict.fromkeys(SEEDS, 85_000.0), baselines=dict.fromkeys(SEEDS, 130_000.0))
        (tmp_path / "in").mkdir()
        box = fake_sandbox(guest.guest({"ada": guest.hand_in}))
        b = Bench(settings, tmp_path / "in", tmp_path / "out", reference, box)
        b.hand_in("ada")
        return b.report(), [job for box in b.boxes for job, _ in box.jobs if isinstance(job, RetrainJob)]

    return check_unit


@pytest.mark.parametrize(
    "unit", [lambda t: t, lambda t: t / 1e5, lambda t: (t - t.mean()) / t.std(), lambda t: np.log1p(t)[:, None]]
)
def test_a_regression_is_judged_in_dollars_whatever_its_unit(valuation, unit):
    """The retrain guest learns the data's own numbers in the student's unit, and errors are in dollars."""
    report, (job,) = valuation(unit)
    assert report.verdict is PASS, report.reasons
    assert report.reasons[0].startswith("RMSE $")
    assert "has 1 output (" in report.selection.reason
    assert (job.classes, job.recipe.phases[0].labels) == ((), Labels.NUMBERS)
    assert 50_000 < report.comparison.mean < 97_000
    assert [m.metric for m in report.comparison.measures] == ["rmse", "mae", "r2"]
    assert len(report.comparison.sample) == round(0.2 * ROWS) * len(SEEDS)
    assert report.tracing.labels_differ == 0


def test_targets_of_no_known_unit_are_referred(valuation):
    """If the targets' unit is not known, a demonstrator decides, and the page says why."""
    report, jobs = valuation(np.sqrt)
    assert (report.verdict, report.comparison, jobs) == (REFER, None, [])
    assert "does not recognise the targets in cell" in report.reasons[0]


def test_shuffled_targets_gain_nothing(valuation):
    """The retrain guest does not learn targets of other rows; they are counted."""
    report, _ = valuation(lambda t: np.random.default_rng(1).permutation(t))
    assert report.tracing.labels_differ > 0.99 * report.tracing.labels_compared > 500
    assert 50_000 < report.comparison.mean < 97_000


# -- the folder for temporary files ----------------------------------------------------------------------


class NewBoxes(places.Pool):
    """A pool on this machine that opens a box for every job, with files removed before some of them."""

    def __init__(self, wall, removed_for):
        super().__init__(wall)
        self._removed_for = list(removed_for)

    def gather(self, submission, settings, watch):
        with self.lend() as boxes:
            boxes.students.renew()
            if submission.name in self._removed_for:
                self._removed_for.remove(submission.name)
                shutil.rmtree(tempfile.gettempdir())
            return check.examine(submission, settings, boxes, watch)


@pytest.mark.tensorflow
@pytest.mark.wall
def test_a_batch_outlives_its_temporary_files(bench):
    """If the folder for temporary files is removed while a job runs, between two jobs, or before a box is made,
    every submission gets its verdict. One that loses it each time has no verdict, and the message says so."""
    b = bench()
    b.sandbox = kinds.choose("bubblewrap")
    b.hand_in("ada", "barbara", "cleo", "dora", "emmy", content='{"cells": [], "metadata": {}, "nbformat": 4}')

    def watch(name):
        def step(stage, at):
            if name == "ada" and stage is Stage.EXECUTING:
                shutil.rmtree(tempfile.gettempdir(), ignore_errors=True)

        if name == "barbara":
            shutil.rmtree(tempfile.gettempdir(), ignore_errors=True)
        return step

    with lock.held(b.out), ThreadPoolExecutor(1) as executor:
        place = NewBoxes(b.sandbox, ["cleo", "dora", "dora"])
        found = choice.find(b.folder)
        result = batch.run(found, b.settings, b.reference, b.out, executor, watch, print, place=place)
    verdicts = {report.submission.name: report.verdict for report in result.reports}
    assert verdicts == dict.fromkeys(("ada", "barbara", "cleo", "emmy"), FAIL)
    (dora,) = result.unfinished
    assert (dora.submission, "was removed while it ran" in dora.message) == ("dora", True)
