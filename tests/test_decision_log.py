"""The store of decisions: nothing that was answered is lost, and nothing is overwritten."""

import os
import shutil
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from types import SimpleNamespace

import psutil
import pytest

from checker.errors import UsageError
from checker.gradebooks import decision_log, decisions, exchange
from checker.gradebooks.decision_log import DecisionLog
from checker.records.decisions import Choice, Erased, Help, Origin


@pytest.fixture
def log(tmp_path):
    """An open store without entries."""
    with DecisionLog.open(tmp_path) as opened:
        yield opened


def tick(log, student="ada", by="Tina", based_on=0, choice=Choice.TICK, **more):
    values = {"note": "", "conditions": ()} | more
    return log.decide(student, choice, by=by, based_on=based_on, **values)


def test_the_newest_decision_counts_and_all_stay(log, tmp_path):
    """A decision is followed by others, the newest counts, and another process that opens the store sees the same."""
    first = tick(log).entry
    second = tick(
        log, based_on=first.id, choice=Choice.RESUBMIT, note="a\r\nb", conditions=["Add  one.", "", "Add one."]
    )
    other = tick(log, "grace", choice=Choice.ABSENT).entry
    assert second.unseen == ()
    assert (second.entry.note, second.entry.conditions) == ("a\nb", ("Add one.",))
    assert log.history("ada") == (first, second.entry)
    assert log.since(first.id) == (second.entry, other)
    with DecisionLog.open(tmp_path) as again:
        assert again.newest() == {"ada": second.entry, "grace": other}


def test_an_edit_war_keeps_both(log):
    """Who decides without having seen a newer decision is told of it; both stay, and the later one counts."""
    first = tick(log).entry
    mine = tick(log, by="Tina", based_on=first.id, choice=Choice.RESUBMIT)
    theirs = tick(log, by="Otto", based_on=first.id)
    assert theirs.unseen == (mine.entry,)
    assert log.history("ada") == (first, mine.entry, theirs.entry)
    assert log.newest()["ada"] == theirs.entry


def test_a_repeated_request_adds_nothing(log):
    """A page that did not get its answer sends the decision again; there is one entry, and nobody is alarmed."""
    first = tick(log)
    assert tick(log) == first
    assert len(log.history("ada")) == 1


def test_a_stale_decision_does_not_count(log):
    """What a stale table said is kept and told until somebody decides again, and does not count meanwhile."""
    desk = tick(log).entry
    stale = tick(log, by="", choice=Choice.RESUBMIT, origin=Origin.STALE).entry
    assert log.newest() == {"ada": desk}
    assert log.conflicts() == {"ada": (stale,)}
    settled = tick(log, based_on=stale.id).entry
    assert log.newest() == {"ada": settled}
    assert log.conflicts() == {}


def test_answers_and_trials(log):
    """The newest mark of a question is shown, trials are kept in order, and other students' are not."""
    log.answer("ada", "Why relu?", Help.NOT, "Tina")
    log.answer("ada", "Why 8?", None, "Tina")
    log.answer("ada", "Why relu?", Help.WITH_HELP, "Otto")
    log.answer("grace", "Why relu?", Help.ANSWERED, "Otto")
    kept = log.keep_trial("ada", '{"epochs": 5}', "{}", "Tina")
    assert {question: one.help for question, one in log.answers("ada").items()} == {
        "Why relu?": Help.WITH_HELP,
        "Why 8?": None,
    }
    assert log.kept_trials("ada") == (kept,)
    assert log.kept_trials("grace") == ()


def test_conditions_used_before(log):
    """Conditions come back by the number of students that had them."""
    tick(log, "ada", conditions=["Scale.", "Split."])
    tick(log, "grace", conditions=["Split."])
    assert log.conditions_used(5) == ("Split.", "Scale.")
    assert log.conditions_used(1) == ("Split.",)


def test_nothing_is_ever_changed(log):
    """No program can change or remove an entry: the file refuses."""
    tick(log)
    with closing(sqlite3.connect(log.path)) as other:
        for change in ("UPDATE decision SET note = 'x'", "DELETE FROM decision"):
            with pytest.raises(sqlite3.IntegrityError, match="entries of decision are only ever added"):
                other.execute(change)


def test_erasing_leaves_no_trace(log, tmp_path):
    """After erasing, no file holds a student's name or note, others' entries stay, and nothing else can be removed."""
    tick(log, "ada lovelace", note="was here")
    log.answer("ada lovelace", "Why?", Help.NOT, "Tina")
    tick(log, "grace")
    assert log.erase("ada lovelace") == Erased(decisions=1, answers=1)
    assert log.erase("ada") == Erased()
    content = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"grace" in content
    assert b"lovelace" not in content
    assert b"was here" not in content
    assert list(log.newest()) == ["grace"]
    test_nothing_is_ever_changed(log)


def test_a_file_of_another_version(tmp_path):
    """A store of another version, and another program's database, are refused in words and stay as they are."""
    with closing(sqlite3.connect(tmp_path / decision_log.FILE)) as other:
        other.executescript("CREATE TABLE decision (id); PRAGMA user_version = 7;")
    before = (tmp_path / decision_log.FILE).read_bytes()
    with pytest.raises(UsageError, match=r"written by another version of the checker \(format 7; this one has 1\)"):
        DecisionLog.open(tmp_path)
    assert (tmp_path / decision_log.FILE).read_bytes() == before


@pytest.mark.parametrize("content", [b"x" * 5000, b"SQLite format 3\x00" + b"\xff" * 5000])
def test_a_damaged_file(tmp_path, content):
    """A damaged store is refused in words that say what to do, and stays as it is."""
    (tmp_path / decision_log.FILE).write_bytes(content)
    with pytest.raises(UsageError, match="could not be opened: it is damaged") as told:
        DecisionLog.open(tmp_path)
    assert "a new store begins with these" in told.value.help
    assert (tmp_path / decision_log.FILE).read_bytes() == content


def test_a_folder_that_may_only_be_read(open_place, ordinary_user):
    """Where the store cannot be written, that is said, and what to do; it can be read all the same: while another
    process writes it, after one was killed, and after all have closed it."""
    out, killed = open_place / "out", open_place / "killed"
    out.mkdir()
    with DecisionLog.open(out) as log:
        entry = tick(log).entry
        shutil.copytree(out, killed)
        (killed / "decisions.sqlite-shm").unlink()
        for folder in (out, killed):
            folder.chmod(0o555)
        with ordinary_user():
            assert read_in(out, open_place / "1") == read_in(killed, open_place / "2") == {"ada": entry}
    with ordinary_user():
        assert read_in(out, open_place / "3") == {"ada": entry}
        with pytest.raises(UsageError, match="the file or its folder cannot be written to") as told:
            DecisionLog.open(out)
    assert told.value.help.endswith(f"Make {out} writable.")


def read_in(folder, copies):
    """Return the newest decisions in a folder that may only be read."""
    copies.mkdir()
    decision_log.copy(folder, copies)
    with DecisionLog.open(copies) as log:
        return log.newest()


@pytest.mark.parametrize(("fstype", "opts"), [("nfs4", "rw"), ("fuse.sshfs", "rw"), ("NTFS", "rw,remote")])
def test_a_network_file_system(tmp_path, monkeypatch, fstype, opts):
    """On a network file system the store has a rollback journal and says so; all else is the same. A store with a
    write-ahead log that was moved there is taken over."""
    with DecisionLog.open(tmp_path) as log:
        assert (log.note, journal_of(log)) == ("", "wal")
        first = tick(log).entry
    mounts = [SimpleNamespace(mountpoint="/", fstype="ext4", opts="rw"),
              SimpleNamespace(mountpoint=str(tmp_path), fstype=fstype, opts=opts)]  # fmt: skip
    monkeypatch.setattr(psutil, "disk_partitions", lambda all: mounts)
    with DecisionLog.open(tmp_path) as log:
        assert "lies on a network file system" in log.note
        assert "must not be used from two machines at once" in log.note
        assert journal_of(log) == "delete"
        second = tick(log, based_on=first.id).entry
        assert log.history("ada") == (first, second)
        assert log.erase("ada") == Erased(decisions=2)
        assert log.newest() == {}
    assert [path.name for path in tmp_path.iterdir()] == [decision_log.FILE]


def journal_of(log):
    """Return the kind of journal, after a look whether each commit waits for the disk."""
    assert log._rows("PRAGMA synchronous") == [(2,)]
    return log._rows("PRAGMA journal_mode")[0][0]


def test_threads_share_a_store(log):
    """Many threads decide at once: each decision is kept, each has an id of its own, and each thread sees its own."""

    def decide(thread):
        return [tick(log, f"student {at}", by=f"{thread}").entry.id for at in range(50)]

    with ThreadPoolExecutor(4) as executor:
        ids = [id for found in executor.map(decide, range(4)) for id in found]
    assert sorted(ids) == list(range(1, 201))
    assert all(len(log.history(f"student {at}")) == 4 for at in range(50))


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_two_processes_write_at_once(log, root):
    """Two processes decide on the same students at once: nobody waits long, and every decision is kept, in one
    order."""
    assert process(WRITERS, root, log.path.parent) == ["60", "60"]
    for at in range(60):
        assert {one.by for one in log.history(f"student {at}")} == {"0", "1"}


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_nothing_that_was_answered_is_lost(tmp_path, root):
    """A process that decides, marks answers and writes the table is killed twenty times at any moment: whatever it
    said was saved is there, the store is whole, and the table shows it with the next exchange."""
    said = [tuple(line.split()) for line in process(KILLED, root, tmp_path)]
    assert sum(one == ("killed",) for one in said) == 20
    saved = [one for one in said if one[0] in ("decision", "answer")]
    assert len(saved) > 100
    with DecisionLog.open(tmp_path) as log:
        there = {("decision", str(one.id), one.student, one.note) for one in log.since(0)}
        there |= {
            ("answer", str(mark.id), f"s{at}", question)
            for at in range(5)
            for question, mark in log.answers(f"s{at}").items()
        }
        assert set(saved) <= there
        done = exchange.exchange(log, {})
        assert (done.by_hand, done.conflicts, done.unwritten) == ((), {}, "")
        rows = decisions.read((tmp_path / decisions.FILE).read_bytes())
        assert {student: one.note for student, one in rows.items()} == {
            student: one.note for student, one in log.newest().items()
        }


def process(script, root, folder):
    """Run a script on a folder in a process of its own; return the lines that it said."""
    environment = {**os.environ, "PYTHONPATH": str(root)}
    command = [sys.executable, "-c", script, str(folder)]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.splitlines()


WRITERS = """
import os, sys
from pathlib import Path
from checker.gradebooks.decision_log import DecisionLog
from checker.records.decisions import Choice
def write(who):
    with DecisionLog.open(Path(sys.argv[1])) as log:
        done = [log.decide(f"student {at}", Choice.TICK, "", (), str(who), 0) for at in range(60)]
    os.write(1, f"{len(done)}\\n".encode())
child = os.fork()
if child == 0:
    write(0)
    os._exit(0)
write(1)
sys.exit(os.waitpid(child, 0)[1])
"""

KILLED = """
import itertools, os, random, signal, sys, time
from pathlib import Path
from checker.gradebooks import exchange
from checker.gradebooks.decision_log import DecisionLog
from checker.records.decisions import Choice, Help
exchange.SETTLED = 0.0
def write(round):
    with DecisionLog.open(Path(sys.argv[1])) as log:
        for at in itertools.count():
            student = f"s{at % 5}"
            entry = log.decide(student, random.choice(list(Choice)), f"{round}.{at}", (), "Tina", 0).entry
            os.write(1, f"decision {entry.id} {student} {entry.note}\\n".encode())
            mark = log.answer(student, f"{round}.{at}", Help.ANSWERED, "Tina")
            os.write(1, f"answer {mark.id} {student} {mark.question}\\n".encode())
            if at % 7 == 0:
                exchange.exchange(log, {})
random.seed(4)
for round in range(20):
    child = os.fork()
    if child == 0:
        write(round)
    time.sleep(random.uniform(0.05, 0.25))
    os.kill(child, signal.SIGKILL)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL
    os.write(1, b"killed\\n")
"""


def test_a_full_disk(log):
    """On a full disk a decision is refused in words, and what was saved before stays."""
    kept = tick(log).entry
    log._connection.execute("PRAGMA max_page_count = 1")
    with pytest.raises(UsageError, match="no room is left on the disk") as told:
        tick(log, based_on=kept.id, note="x" * 50_000)
    assert "nothing of this was saved" in told.value.help
    assert log.history("ada") == (kept,)
