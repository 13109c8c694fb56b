"""Batches on other machines: bytes out, bytes in, and what happens where workers refuse, differ or are lost."""

import io
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from zipfile import ZipFile

import dask
import numpy as np
import psutil
import pytest

pytest.importorskip("distributed", reason="batches on other machines need the extra `cluster`")

import schedulers
from distributed import KilledWorker, LocalCluster
from fake_worker import FakeWall
from practical import SEEDS, Practical
from schedulers import ROOT

from checker.assignment import dataset
from checker.errors import EvidenceError, HarnessError, SandboxMissingError, StoppedError, UsageError
from checker.records.capture import Environment
from checker.records.codec import from_json, to_json
from checker.records.job import Progress, RetrainJob
from checker.records.report import Unfinished
from checker.records.settings import Live, ReferenceResults, RunSettings
from checker.records.training import Epoch
from checker.records.variants import Variant
from checker.run import batch, check, cluster, keys, places, scheduler_addresses, store, workers
from checker.sandbox import kinds
from checker.submissions import choice
from checker.wire import frames

processes = schedulers.processes
ROWS = 1_000


def unwatched(*step):
    pass


@pytest.fixture(scope="module")
def data(assignment):
    """A small part of the practice data, as it is in the bytes that are sent."""
    head, *lines = dataset.PRACTICE.read_bytes().splitlines(keepends=True)
    chosen = [lines[row] for row in np.random.default_rng(0).permutation(len(lines))[:ROWS]]
    return dataset.parse(assignment.data, b"".join([head, *chosen]), "a small part", practice=True)


@pytest.fixture(scope="module")
def practical(data, make):
    return Practical(data, make)


@pytest.fixture
def wall(practical):
    """A sandbox whose guest follows scripts."""
    return FakeWall(practical.guest({"good": practical.hand_in, "none": practical.begin}))


@pytest.fixture
def settings(assignment, data):
    """The settings of all submissions here."""
    return RunSettings(assignment=assignment, dataset=data, seeds=SEEDS)


@pytest.fixture
def handed_in(tmp_path):
    """Return a function that hands in files, each with a script's name as its content, and finds them."""
    folder = tmp_path / "in"
    folder.mkdir()

    def hand_in(**scripts):
        for name, script in scripts.items():
            (folder / f"{name}.ipynb").write_text(script)
        return choice.find(folder)

    return hand_in


def task_of(submission, settings):
    """The task for a submission, as a client writes it."""
    note = settings.dataset.note
    return cluster.Task(
        replace(submission, name="", path=""), settings.assignment, note, settings.seeds, settings.further, "", False
    )


# -- bytes in, bytes out ---------------------------------------------------------------------------------


def test_evidence_over_bytes_is_the_evidence(settings, handed_in, wall):
    """A submission that is sent as bytes and examined gives the same evidence as on this machine."""
    (ada,) = handed_in(ada="good")
    at_home = places.Pool(wall).gather(ada, settings, unwatched)
    task, content = to_json(task_of(ada, settings)), cluster._sent(ada)
    asked = from_json(cluster.Task, task)
    packed = cluster.examine(asked, content, settings.dataset.csv, places.Pool(wall))
    arrived = batch.as_handed_in(store.unpack(packed), ada)
    assert arrived.evidence == batch.as_handed_in(at_home, ada).evidence
    assert arrived.arrays.keys() == at_home.arrays.keys()
    assert all((arrived.arrays[name] == at_home.arrays[name]).all() for name in at_home.arrays)
    reference = ReferenceResults(scores=dict.fromkeys(SEEDS, 0.6), baselines=dict.fromkeys(SEEDS, 0.5))
    assert check.judge(arrived, settings, reference) == check.judge(
        batch.as_handed_in(at_home, ada), settings, reference
    )


def test_further_seeds_over_bytes_are_the_further_seeds(settings, handed_in, wall):
    """Evidence that is sent to a worker for further seeds comes back with the same additions as on this machine.
    Neither name nor path is sent."""
    (ada,) = handed_in(ada_lovelace="good")
    settings, pool = replace(settings, further=(37, 41)), places.Pool(wall)
    first = batch.as_handed_in(pool.gather(ada, settings, unwatched), ada)
    at_home = pool.train_further(first, ada, settings, unwatched)
    assert [run.seed for run in at_home.evidence.runs] == [*SEEDS, 37, 41]
    client = FakeClient(store.pack(first))
    cluster.Cluster(client, settings, print).train_further(first, ada, settings, unwatched)
    ((task, packed),) = client.sent
    for sent in (task, packed):
        assert b"lovelace" not in sent and str(ROOT).encode() not in sent
    asked = from_json(cluster.Task, task)
    answer = cluster.extend(asked, packed, settings.dataset.csv, places.Pool(wall))
    arrived = batch.as_handed_in(store.unpack(answer), ada)
    assert arrived.evidence == at_home.evidence
    assert arrived.arrays.keys() == at_home.arrays.keys()


def test_another_answer_over_bytes_is_that_at_home(settings, handed_in, wall):
    """Evidence that is sent to a worker to make another network the answer comes back as on this machine."""
    (ada,) = handed_in(ada_lovelace="good")
    pool = places.Pool(wall)
    ran = batch.as_handed_in(pool.gather(ada, settings, unwatched), ada)
    at_home = pool.answer_again(ran, ada, settings, unwatched)
    client = FakeClient(store.pack(ran))
    cluster.Cluster(client, settings, print).answer_again(ran, ada, settings, unwatched)
    ((task, content),) = client.sent
    for sent in (task, content):
        assert b"lovelace" not in sent and str(ROOT).encode() not in sent
    asked = from_json(cluster.Task, task)
    packed = cluster.find_again(asked, content, settings.dataset.csv, places.Pool(wall))
    assert batch.as_handed_in(store.unpack(packed), ada).evidence == batch.as_handed_in(at_home, ada).evidence


def test_other_data_is_refused(settings, handed_in, wall):
    """A worker with other data than the task names says so and runs nothing."""
    (ada,) = handed_in(ada="good")
    csv = settings.dataset.csv.replace(b"INLAND", b"ISLAND", 1)
    assert csv != settings.dataset.csv
    with pytest.raises(HarnessError, match="other data"):
        cluster.examine(task_of(ada, settings), b"good", csv, places.Pool(wall))
    assert not wall.boxes


@pytest.mark.parametrize("damage", [lambda b: b[:-40], lambda b: b"", lambda b: b.replace(b".npz", b".abc")])
def test_evidence_that_did_not_arrive_whole_is_refused(settings, handed_in, damage, wall):
    """A reply that is cut short, empty or lacks an array is the checker's failure and not evidence."""
    (ada,) = handed_in(ada="good")
    gathered = places.Pool(wall).gather(ada, settings, unwatched)
    with pytest.raises(EvidenceError):
        store.unpack(damage(store.pack(gathered)))
    assert store.unpack(store.pack(gathered)).evidence == gathered.evidence


# -- what is exposed -------------------------------------------------------------------------------------


@pytest.mark.parametrize("reach", [cluster.connect, lambda address: cluster.work(address, 1, print)])
def test_tls_without_a_certificate_is_told(reach):
    """If Dask lacks support for certificates, neither client nor worker contacts a scheduler behind TLS."""
    with pytest.raises(UsageError, match="knows no certificates here"):
        reach("tls://127.0.0.1:1")


@pytest.mark.parametrize(
    ("address", "exposed"),
    [
        ("tcp://127.0.0.1:8786", False),
        ("tcp://localhost:8786", False),
        ("tcp://[::1]:8786", False),
        ("tls://gpu7.example.org:8786", False),
        ("tcp://gpu7.example.org:8786", True),
        ("tcp://10.0.0.7:8786", True),
        ("ws://10.0.0.7:8786", True),
        ("tcp://[:8786", True),
    ],
)
def test_only_tls_and_loopback_are_not_exposed(address, exposed):
    """The address shows whether others can reach a scheduler without a certificate."""
    assert scheduler_addresses.is_exposed(address) is exposed


def test_a_scheduler_is_named_by_address_or_file(tmp_path):
    """An address is used as it is, a scheduler file is read, and anything else is refused with advice."""
    path = tmp_path / "scheduler.json"
    path.write_text(json.dumps({"address": "tls://10.0.0.7:8786", "type": "Scheduler"}))
    assert scheduler_addresses.address_of("tcp://x:1") == "tcp://x:1"
    assert scheduler_addresses.address_of(str(path)) == "tls://10.0.0.7:8786"
    for wrong in ("[]", "{}", "no JSON"):
        path.write_text(wrong)
        with pytest.raises(UsageError, match="is no scheduler"):
            scheduler_addresses.address_of(str(path))
    with pytest.raises(UsageError, match="is no scheduler"):
        scheduler_addresses.address_of("localhost")


# -- a scheduler that fails ------------------------------------------------------------------------------


GONE = object()
"""The end of a task with which the last worker goes, so that the task waits."""


class FakeClient:
    """A client with one worker that offers boxes, and tasks that end as the test says."""

    def __init__(self, *ends, boxes=2, memory=12_000):
        self.ends, self.sent, self.plugins = list(ends), [], []
        self.scheduler = SimpleNamespace(address="tcp://127.0.0.1:8786")
        self.resources = {cluster.boxes_of("bubblewrap"): boxes, cluster.MEMORY: memory}

    def scheduler_info(self, n_workers):
        return {"workers": {"a": {"resources": self.resources}, "b": {"resources": {}}}}

    def get_executor(self, resources, pure):
        self.asked = resources
        return self

    def register_plugin(self, plugin):
        self.plugins.append(plugin)

    def submit(self, function, *arguments):
        self.sent.append(arguments)
        future, end = Future(), self.ends.pop(0)
        if end is GONE:
            self.resources = {}
        else:
            future.set_exception(end) if isinstance(end, BaseException) else future.set_result(end)
        return future

    def shutdown(self, wait):
        self.ends = [CancelledError()] * 9


def run(chosen, settings, place, out, jobs=1, on_end=lambda name, end: None):
    reference = ReferenceResults(scores=dict.fromkeys(SEEDS, 0.6), baselines=dict.fromkeys(SEEDS, 0.5))
    with ThreadPoolExecutor(jobs) as executor:
        return batch.run(chosen, settings, reference, out, executor, lambda s: unwatched, on_end, place)


def killed():
    return KilledWorker("gather-1", SimpleNamespace(address="tcp://127.0.0.1:1"), 3)


def test_a_submission_that_is_lost_again_and_again_is_given_up_alone(settings, handed_in, tmp_path, wall):
    """After this many lost workers, a submission is not sent again and has no verdict; the next one has one."""
    ada, grace = handed_in(ada="good", grace="good")
    packed = store.pack(places.Pool(wall).gather(grace, settings, unwatched))
    client = FakeClient(killed(), packed)
    result = run((ada, grace), settings, cluster.Cluster(client, settings, print), tmp_path / "out")
    assert result.unfinished == (Unfinished("ada", "4 workers were lost while it was theirs to run.", ada.identity),)
    assert [report.submission.name for report in result.reports] == ["grace"]
    assert len(client.sent) == 2


@pytest.mark.parametrize(
    ("end", "words"),
    [(RuntimeError("On tcp://x: No space left."), "No space left"), (CancelledError(), "scheduler was lost")],
)
def test_what_fails_on_a_worker_is_tried_again(settings, handed_in, tmp_path, end, words):
    """A worker's failure is tried once more, then reported in the worker's words without a verdict."""
    (ada,) = handed_in(ada="good")
    client = FakeClient(end, end)
    (unfinished,) = run((ada,), settings, cluster.Cluster(client, settings, print), tmp_path / "out").unfinished
    assert words in unfinished.message
    assert len(client.sent) == 2


def test_a_batch_whose_workers_are_all_gone_says_so_and_ends(settings, handed_in, tmp_path, monkeypatch):
    """When the last worker is gone, the batch says so once, with how long it waits. Then it ends, and unfinished
    submissions have no verdict."""
    monkeypatch.setattr(workers, "LOOK_SECONDS", 0.0)
    monkeypatch.setattr(cluster, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(workers, "WAIT_SECONDS", 0.3)
    said, client = [], FakeClient(GONE, GONE)
    place = cluster.Cluster(client, settings, said.append)
    result = run(handed_in(a="good", b="good", c="good"), settings, place, tmp_path / "out", 2)
    assert [end.submission for end in result.unfinished] == ["a", "b", "c"]
    assert {end.message for end in result.unfinished} == {"All workers had gone, and none came within 0 minutes."}
    assert len(client.sent) == 2
    (words,) = said
    assert words.startswith("All workers of tcp://127.0.0.1:8786 have gone. The batch waits 0 minutes for another.")
    assert words.endswith("type: checker worker tcp://127.0.0.1:8786")


def test_a_worker_that_comes_in_time_is_enough(monkeypatch):
    """A batch goes on when a worker comes while it waits, and says so. The next loss is reported anew."""
    monkeypatch.setattr(workers, "LOOK_SECONDS", 0.0)
    said, client = [], FakeClient()
    there = workers.Workers(client, cluster.boxes_of("bubblewrap"), 1_000, said.append)
    offered = client.resources
    for client.resources in (offered, {}, {}, offered, offered, {}):
        there.require()
    assert ["again" in words for words in said] == [False, True, False]
    assert "The batch waits 10 minutes for another" in said[0]


def test_no_name_and_no_path_travels(settings, handed_in, tmp_path):
    """The bytes that are sent hold neither a submission's name and path nor the assignment's folder."""
    (ada,) = handed_in(ada_lovelace="good")
    client = FakeClient(RuntimeError(""), RuntimeError(""))
    run((ada,), settings, cluster.Cluster(client, settings, print), tmp_path / "out")
    task, content = client.sent[0]
    with ZipFile(io.BytesIO(content)) as archive:
        assert [(name, archive.read(name)) for name in archive.namelist()] == [("0", b"good")]
    assert b"lovelace" not in task + content and str(tmp_path).encode() not in task and str(ROOT).encode() not in task
    assert [plugin.csv for plugin in client.plugins] == [settings.dataset.csv]


def test_as_many_as_boxes_and_memory_allow(settings):
    """A worker counts as many boxes as fit its memory. A batch keeps one more submission waiting for each."""
    needed = places.memory_of_one(settings.assignment)
    place = cluster.Cluster(FakeClient(boxes=8, memory=3 * needed + 1), settings, print)
    assert (place.boxes, place.at_a_time) == (3, 6)
    assert str(place) == "3 boxes of 1 worker of tcp://127.0.0.1:8786"
    with pytest.raises(UsageError, match="has a box for this batch"):
        cluster.Cluster(FakeClient(boxes=8, memory=needed - 1), settings, print)


# -- a scheduler and workers in this process -------------------------------------------------------------


@contextmanager
def local(monkeypatch, wall, **options):
    """A scheduler with one worker in this process that has the given sandbox, and a client."""
    monkeypatch.setattr(kinds, "choose", lambda kind: wall)
    workers = {"processes": False, "worker_class": cluster.BoxWorker, "dashboard_address": "127.0.0.1:0", **options}
    with LocalCluster(n_workers=1, **workers) as here, closing(cluster.connect(here.scheduler_address)) as client:
        yield client


def test_a_batch_through_dask_is_the_batch(settings, handed_in, tmp_path, monkeypatch, wall):
    """With a real scheduler and warm boxes, a batch gives the same reports as on this machine, each once."""
    chosen = handed_in(ada="good", grace="none", linus="good")
    at_home = run(chosen, settings, places.Pool(wall), tmp_path / "home")
    wall, ended = FakeWall(wall.guest), []
    with local(monkeypatch, wall, threads_per_worker=2) as client:
        assert wall.boxes and all(box.is_warm for box in wall.boxes)
        place = cluster.Cluster(client, settings, print)
        away = run(chosen, settings, place, tmp_path / "away", place.at_a_time, lambda name, end: ended.append(name))
        again = run(chosen, settings, cluster.Cluster(client, settings, print), tmp_path / "away")
    assert away == replace(again, is_repeated=False) == at_home
    assert sorted(ended) == ["ada", "grace", "linus"]
    assert all(box.closed.is_set() for box in wall.boxes)
    assert sum(len(box.jobs) for box in wall.boxes) == 5


def test_a_variant_through_dask_is_that_at_home(settings, handed_in, monkeypatch, wall):
    """A changed network that is trained on a worker has the evidence that it has here, its epochs arrive, and neither
    name nor file of the student travels with it."""
    (ada,) = handed_in(ada_lovelace="good")
    pool, told, variant = places.Pool(wall), [], Variant(epochs=5)
    gathered = batch.as_handed_in(pool.gather(ada, settings, unwatched), ada)
    at_home = pool.train_variant(gathered, variant, settings, Live(lambda epoch: None, lambda: True))
    wall = FakeWall(wall.guest)
    with local(monkeypatch, wall, threads_per_worker=1) as client:
        away = cluster.Cluster(client, settings, print)
        evidence = away.train_variant(gathered, variant, settings, Live(told.append, lambda: True)).evidence
    assert evidence == replace(at_home.evidence, retraining=evidence.retraining)
    assert [(epoch.seed, epoch.at) for epoch in told] == [(seed, 1) for seed in SEEDS]
    ((job, _),) = [job for box in wall.boxes for job in box.jobs]
    assert isinstance(job, RetrainJob) and job.recipe.phases[0].epochs == 5


def test_a_variant_that_nobody_waits_for_ends_on_its_worker(settings, handed_in, monkeypatch, wall):
    """Once nobody waits for a changed network, its worker ends the training, and takes the next one."""
    (ada,) = handed_in(ada="good")
    gathered = batch.as_handed_in(places.Pool(wall).gather(ada, settings, unwatched), ada)
    began, ended = threading.Event(), threading.Event()

    def endless(job, beside):
        try:
            for at in range(1, 1_000):
                yield frames.message(Epoch(SEEDS[0], at, {"loss": 1.0}))
                time.sleep(0.02)
        finally:
            ended.set()

    with local(monkeypatch, FakeWall(endless), threads_per_worker=1) as client:
        live = Live(lambda epoch: began.set(), lambda: not began.is_set())
        with pytest.raises(StoppedError):
            cluster.Cluster(client, settings, print).train_variant(gathered, Variant(epochs=5), settings, live)
        assert ended.wait(10)


def test_memory_limits_what_runs_at_once(settings, handed_in, tmp_path, monkeypatch):
    """On a worker with four boxes, and memory for one submission, no two run at once."""
    running, most = threading.Semaphore(1), []

    def alone(job, beside):
        most.append(running.acquire(blocking=False))
        time.sleep(0.05)
        yield frames.message(Environment({}, "3", ""))
        yield frames.message(Progress(1, 1))
        running.release()

    needed = places.memory_of_one(settings.assignment) * 2**20
    with local(monkeypatch, FakeWall(alone), threads_per_worker=4, memory_limit=needed) as client:
        place = cluster.Cluster(client, settings, print)
        run(handed_in(a="x", b="y", c="z"), settings, place, tmp_path / "out", 3)
    assert most == [True] * 3


def test_a_worker_without_a_wall_does_not_start(settings, monkeypatch):
    """A worker does not start without a working sandbox, and says why."""

    def none(kind):
        raise SandboxMissingError("There is no working sandbox on this machine: no bwrap.", "Get it.")

    monkeypatch.setattr(kinds, "choose", none)
    with pytest.raises(SandboxMissingError, match="no bwrap"):
        cluster.work("tcp://127.0.0.1:1", 1, unwatched)


def test_workers_that_are_not_ours_are_given_nothing(settings, monkeypatch):
    """A plain Dask worker, or one of another version of the checker, has no box for a batch."""
    with (
        LocalCluster(n_workers=1, processes=False, dashboard_address="127.0.0.1:0") as here,
        closing(cluster.connect(here.scheduler_address)) as client,
        pytest.raises(UsageError, match="None of the 1 workers"),
    ):
        cluster.Cluster(client, settings, print)
    with local(monkeypatch, FakeWall(None), threads_per_worker=1) as client:
        monkeypatch.setattr(keys, "code_of", lambda roots: "other code")
        with pytest.raises(UsageError, match="has a box for this batch"):
            cluster.Cluster(client, settings, print)


def test_a_batch_without_a_scheduler_says_what_to_type(monkeypatch):
    """If no scheduler listens, the client says so, and how to start one."""
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 0.5)
    with pytest.raises(UsageError, match="There is no scheduler at tcp://127"):
        cluster.connect("tcp://127.0.0.1:1")


# -- processes of their own ------------------------------------------------------------------------------

FAKE_WORKER = str(ROOT / "tests" / "fake_worker.py")


@pytest.mark.slow
def test_a_submission_that_takes_workers_with_it_is_given_up_alone(processes, settings, handed_in, tmp_path):
    """A submission with which two workers died, where one loss is allowed, has no verdict; the next one has one."""
    ours = processes(allowed_failures=1)
    workers = [ours.start_worker(FAKE_WORKER, ours.address) for _ in range(3)]
    place = cluster.Cluster(ours.client, settings, print)
    result = run(handed_in(a="kill", b="none"), settings, place, tmp_path / "out")
    assert [(end.submission, end.message) for end in result.unfinished] == [
        ("a", "2 workers were lost while it was theirs to run.")
    ]
    assert [report.submission.name for report in result.reports] == ["b"]
    assert sorted(worker.poll() is None for worker in workers) == [False, False, True]


@pytest.mark.slow
def test_a_worker_that_is_told_to_end_is_no_loss(processes, settings, handed_in, tmp_path, capfd):
    """A worker that is ended, and one that is interrupted, say so and leave their submission to another worker, also if
    no loss is allowed."""
    ours = processes(allowed_failures=0)
    ended = [ours.start_worker(FAKE_WORKER, ours.address)]
    place = cluster.Cluster(ours.client, settings, print)

    def exchange():
        for number in (signal.SIGTERM, signal.SIGINT):
            ours.wait_until_busy(ended[-1])
            other = ours.start_worker(FAKE_WORKER, ours.address)
            ended[-1].send_signal(number)
            assert ended[-1].wait(60) == 0
            ended.append(other)

    with ThreadPoolExecutor(1) as beside:
        exchanged = beside.submit(exchange)
        result = run(handed_in(a="slow"), settings, place, tmp_path / "out")
        exchanged.result()
    assert [report.submission.name for report in result.reports] == ["a"]
    said = capfd.readouterr().out
    assert said.count("This worker ends. What it was running goes back to the scheduler") == 2


@pytest.mark.slow
def test_a_worker_that_is_stopped_while_its_boxes_warm_up_says_so(processes):
    """A worker that is stopped early prints one sentence and no error."""
    ours = processes(allowed_failures=0)
    command = [sys.executable, FAKE_WORKER, ours.address, "slowly"]
    pipe = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=ROOT, **pipe) as worker:
        assert worker.stdout.readline() == "warming\n"
        worker.send_signal(signal.SIGINT)
        said, errors = worker.communicate(timeout=60)
    assert (worker.returncode, said) == (0, f"{cluster.UNUSED}\n")
    assert "Traceback" not in errors


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signal")
def test_the_next_worker_removes_what_a_killed_one_left(processes, settings, handed_in, tmp_path, monkeypatch):
    """A killed worker leaves the student's file behind; the next one on the machine removes it before it takes
    anything."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setenv("TMPDIR", str(scratch))
    ours = processes(allowed_failures=3)
    first = ours.start_worker(FAKE_WORKER, ours.address)
    place = cluster.Cluster(ours.client, settings, print)

    def exchange():
        ours.wait_until_busy(first)
        until = time.monotonic() + 20
        while not (left := list(scratch.glob("checker-run-*/checker-*/submission-0.ipynb"))):
            assert time.monotonic() < until
            time.sleep(0.05)
        assert left[0].read_text() == "slow"
        first.kill()
        first.wait(20)
        assert left[0].exists()
        ours.start_worker(FAKE_WORKER, ours.address)
        assert not left[0].exists()

    with ThreadPoolExecutor(1) as beside:
        exchanged = beside.submit(exchange)
        result = run(handed_in(a="slow"), settings, place, tmp_path / "out")
        exchanged.result()
    assert [report.submission.name for report in result.reports] == ["a"]
    assert len(list(scratch.glob("checker-run-*"))) == 1


@pytest.mark.slow
def test_a_scheduler_that_is_lost_leaves_no_verdict(processes, settings, handed_in, tmp_path, monkeypatch):
    """If the scheduler is lost, the batch ends: unfinished submissions have no verdict, and it says why."""
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 5)  # for so long a client looks for a scheduler that it had
    with dask.config.set({"distributed.comm.timeouts.connect": "2s"}):
        ours = processes(allowed_failures=3)
        worker = ours.start_worker(FAKE_WORKER, ours.address)
        place = cluster.Cluster(ours.client, settings, print)

        def lose():
            ours.wait_until_busy(worker)
            ours.scheduler.kill()

        with ThreadPoolExecutor(1) as beside:
            lost = beside.submit(lose)
            result = run(handed_in(a="slow", b="slow"), settings, place, tmp_path / "out", 2)
            lost.result()
    assert [end.submission for end in result.unfinished] == ["a", "b"]
    assert all("scheduler was lost" in end.message for end in result.unfinished)


@pytest.mark.wall
@pytest.mark.tensorflow
def test_results_are_those_of_one_machine_though_a_worker_is_killed(processes, assignment, practice, tmp_path):
    """Real submissions in real boxes on two workers, of which one is killed at work: the verdicts, scores and
    predictions are those of this machine to the last digit, each submission ends once, and no worker ever holds
    TensorFlow."""
    settings = RunSettings(assignment=assignment, dataset=practice, seeds=SEEDS)
    (tmp_path / "in").mkdir()
    for name in EXAMPLES:
        shutil.copytree(ROOT / "submissions" / name, tmp_path / "in" / name)
    chosen = choice.find(tmp_path / "in")
    at_home = run(chosen, settings, places.Pool(), tmp_path / "home", 2)
    ours, ended = processes(allowed_failures=3), []
    lost, kept = (ours.start_worker("-m", "checker", "worker", ours.address, "--boxes", "1") for _ in range(2))
    boxes = psutil.Process(lost.pid).children(recursive=True)
    place = cluster.Cluster(ours.client, settings, print)

    def kill():
        ours.wait_until_busy(lost)
        time.sleep(2)
        lost.kill()

    with ThreadPoolExecutor(1) as beside:
        killed_one = beside.submit(kill)
        away = run(chosen, settings, place, tmp_path / "away", place.at_a_time, lambda name, end: ended.append(name))
        killed_one.result()
    assert not away.unfinished
    assert [told(report) for report in away.reports] == [told(report) for report in at_home.reports]
    assert sorted(ended) == sorted(EXAMPLES)
    assert lost.wait(10) == -signal.SIGKILL and boxes and not psutil.wait_procs(boxes, 10)[1]
    assert "tensorflow" not in Path(f"/proc/{kept.pid}/maps").read_text()


EXAMPLES = ("no-hidden-layer", "too-little-training")


def told(report):
    """The parts of a report that do not depend on a clock."""
    trained = [(run.seed, run.history, run.predictions, run.steps) for run in report.runs]
    return report.submission, report.verdict, report.reasons, report.comparison, trained
