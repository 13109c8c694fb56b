"""Two desks, a batch and exports on one folder at once, as real processes: decisions are kept, and no lock strands."""

import base64
import csv
import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException
from itertools import cycle
from pathlib import Path
from urllib.parse import urlencode

import pytest

pytest.importorskip("uvicorn")

from desks import Served, enter
from fakes import FakeSandbox
from trained import small_data

from checker.assignment import folders
from checker.gradebooks import decisions, exchange
from checker.gradebooks.decision_log import DecisionLog
from checker.records.capture import CellResult, Environment
from checker.records.decisions import Choice, Origin
from checker.records.settings import ReferenceResults, RunSettings, unwatched
from checker.run import batch, lock, places
from checker.submissions import choice
from checker.wire import frames

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent
STUDENTS = [f"s{number}" for number in range(5)]
SEEDS = (11, 23)
CHOICES = cycle([Choice.TICK, Choice.RESUBMIT])

BATCH = "import sys, test_desk_processes as of; of.check(of.Path(sys.argv[1]), of.Path(sys.argv[2]), *sys.argv[3:])"


def check(given: Path, out: Path, slow: str = "") -> None:
    """Check all submissions as `checker batch` does, with a fake guest that finds no network. If it is ``slow``, it
    takes its time for each, and the batch does not end."""

    def guest(job: object, beside: object) -> Iterator[frames.Frame]:
        time.sleep(1 if slow else 0)
        yield frames.message(Environment({"python": "3.11"}, "3", "no idiom of the legacy Keras"))
        yield frames.message(CellResult(index=1, source="x = 1", outputs=(), error=None, seconds=0.1))

    assignment = folders.load(ROOT / "reference" / "ocean_proximity")
    settings = RunSettings(assignment=assignment, dataset=small_data(assignment), seeds=SEEDS)
    reference = ReferenceResults(scores=dict.fromkeys(SEEDS, 0.9), baselines=dict.fromkeys(SEEDS, 0.5))

    def end(name: str, report: object) -> None:
        print(name, flush=True)
        time.sleep(600 if slow else 0)

    with lock.held(out), ThreadPoolExecutor(1) as executor:
        told = (lambda name: unwatched, end)
        place = places.Pool(FakeSandbox(guest))
        batch.run(choice.find(given), settings, reference, out, executor, *told, place, fresh=True)


class Demonstrator(threading.Thread):
    """Decides about all students again and again in a desk's session, until the desk is killed. ``saved``: what it said
    was saved."""

    def __init__(self, served: Served, name: str) -> None:
        super().__init__()
        self.name, self.saved, self.stopped = name, list[tuple[str, str]](), threading.Event()
        self.was_cut = False
        self.connection, cookie = enter(served.links[0])
        self.headers = {"Cookie": cookie.partition(";")[0], "Content-Type": "application/x-www-form-urlencoded",
                        "Sec-Fetch-Site": "same-origin"}  # fmt: skip
        self.token = re.search(r'name="token" value="([^"]+)"', self.ask("GET", "/student/s0")[1])[1]

    def ask(self, method: str, path: str, **fields: str) -> tuple[int, str]:
        self.connection.request(method, path, urlencode(fields), self.headers)
        answer = self.connection.getresponse()
        return answer.status, answer.read().decode()

    def run(self) -> None:
        self.connection.close()  # it may have been idle for too long; the next request opens it again
        for at, student in enumerate(cycle(STUDENTS)):
            if self.stopped.wait(0.02):
                return
            note = f"{self.name} {at}"
            try:
                about = {"token": self.token, "choice": next(CHOICES).value, "note": note, "based_on": "0"}
                status, said = self.ask("POST", f"/student/{student}/decision", **about)
            except (OSError, HTTPException):
                self.was_cut = True
                return
            assert status == 303, said
            self.saved.append((student, note))

    def stop(self) -> None:
        """End, and close the connection."""
        self.stopped.set()
        self.join(30)
        self.connection.close()


@pytest.fixture
def start(root: Path, tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen]]:
    """Starts a process of ours in the tests' folder; whatever still runs at the end is killed."""
    started = []

    def begin(*words: object) -> subprocess.Popen:
        environment = os.environ | {"PYTHONPATH": f"{root}{os.pathsep}{root / 'tests'}"}
        command = [sys.executable, *map(str, words)]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        started.append(subprocess.Popen(command, cwd=tmp_path, env=environment, **pipes))
        return started[-1]

    yield begin
    for process in started:
        finish(process)


@pytest.fixture
def open_desk(tmp_path: Path) -> Iterator[Callable[[Path], Served]]:
    """Starts a desk; one that still runs at the end is killed."""
    opened = []

    def begin(out: Path) -> Served:
        opened.append(Served(out))
        return opened[-1]

    yield begin
    for served in opened:
        finish(served.process)


def finish(process: subprocess.Popen) -> None:
    process.kill()
    process.wait()
    process.stdout.close()


def ended(process: subprocess.Popen) -> tuple[int, str]:
    said = process.communicate(timeout=120)[0]
    return process.returncode, said


def test_desks_a_batch_and_exports_share_a_folder(start, open_desk, tmp_path: Path) -> None:
    """Two desks decide while a batch runs and results are exported; then the batch and one desk are killed. All that
    either desk called saved is kept. The other desk goes on, and the next batch begins immediately. A row that was
    filled in by hand counts. Table and export show the newest decision of each student."""
    given, out, runners = tmp_path / "in", tmp_path / "out", tmp_path / "runners"
    given.mkdir()
    for student in STUDENTS:
        (given / f"{student}.py").write_text(f"print('{student}')\n")
    check(given, out)
    export = ("-m", "checker", "export", out, "--github-classroom", runners)
    running = start("-c", BATCH, given, out, "slow")
    desks = [open_desk(out), open_desk(out)]
    ada, grace = [Demonstrator(served, name) for served, name in zip(desks, ("Ada", "Grace"), strict=True)]
    assert running.stdout.readline() == "s0\n"
    ada.start()
    grace.start()
    code, said = ended(start(*export))
    assert code in (0, 1) and f"is in use by process {running.pid}" in said and "Traceback" not in said

    assert running.poll() is None and ada.saved and grace.saved
    desks[0].process.kill()
    running.kill()
    running.wait()
    before = len(grace.saved)
    assert ended(start("-c", BATCH, given, out)) == (0, "".join(f"{student}\n" for student in STUDENTS))
    for person in (ada, grace):
        person.stop()
    assert (ada.was_cut, grace.was_cut) == (True, False) and len(grace.saved) > before
    assert desks[1].end()[0] == 0

    with DecisionLog.open(out) as log:
        assert exchange.exchange(log, {}).unwritten == ""
    by_hand(out / decisions.FILE, "s3", "resubmit", "by pencil")
    code, said = ended(start(*export))
    assert code == 0 and "in use" not in said and "s3" in said
    with DecisionLog.open(out) as log:
        kept = {(student, one.note) for student in STUDENTS for one in log.history(student)}
        assert {*ada.saved, *grace.saved} <= kept
        newest = log.newest()
    assert (newest["s3"].note, newest["s3"].choice, newest["s3"].origin) == ("by pencil", Choice.RESUBMIT, Origin.HAND)
    rows = {row["student"]: row for row in table(out / decisions.FILE)}
    assert set(rows) == set(STUDENTS) == set(newest)
    for student, row in rows.items():
        entry = newest[student]
        assert (row["decision"], row["note"], row["version"]) == (entry.choice.value, entry.note, str(entry.id))
        sent = json.loads(base64.b64decode((runners / f"{student}.txt").read_text()))
        assert (sent["status"] == "pass") == (entry.choice is Choice.TICK)


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def by_hand(path: Path, student: str, decision: str, note: str) -> None:
    """Fill in a student's row as a spreadsheet does."""
    rows = table(path)
    for row in rows:
        row |= {"decision": decision, "note": note} if row["student"] == student else {}
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
