"""The lock: one command at a time in a folder, who holds it is told, and whoever is killed holds nothing."""

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from checker.errors import HarnessError, UsageError
from checker.run import lock

HOLD = """
import signal, sys, tempfile
from pathlib import Path
from checker.run import lock
signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever runs tests in the background has it ignored
with lock.held(Path(sys.argv[1])):
    Path(tempfile.mkdtemp(prefix="checker-box-"), "filter").touch()
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path, root, monkeypatch):
    """A process that holds the folder ``out``, and has a temporary folder of its own."""
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    environment = {**os.environ, "TMPDIR": str(tmp_path / "tmp"), "PYTHONPATH": str(root)}
    command = [sys.executable, "-c", HOLD, str(tmp_path / "out")]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_folder_is_held_by_one_process(tmp_path, holder):
    """Whoever comes second is told who works there and since when, and touches nothing."""
    said = rf"out is in use by process {holder.pid}, since \d{{4}}-"
    with pytest.raises(UsageError, match=said) as told, lock.held(tmp_path / "out"):
        pass
    assert "--out" in told.value.help
    assert len(list((tmp_path / "tmp").glob("checker-run-*/checker-box-*/filter"))) == 1


def test_who_uses_a_folder(tmp_path, holder):
    """Who uses a folder is told without a wait for its lock, until that process has ended."""
    assert lock.user_of(tmp_path / "out").startswith(f"process {holder.pid}, since ")
    assert lock.user_of(tmp_path / "other") == ""
    holder.kill()
    holder.wait(20)
    assert lock.user_of(tmp_path / "out") == ""


def test_another_folder_is_free(tmp_path, holder):
    """Two commands in two folders do not wait for each other."""
    with lock.held(tmp_path / "other"):
        pass


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT] if os.name != "nt" else [])
def test_a_folder_is_free_when_its_holder_is_killed(tmp_path, holder, number):
    """However a holder ends, the next takes the folder at once, and removes the temporary files that were left."""
    holder.send_signal(number)
    holder.wait(20)
    with lock.held(tmp_path / "out"):
        assert not list((tmp_path / "tmp").glob("checker-run-*/checker-box-*"))
    assert not os.listdir(tmp_path / "tmp")


def test_a_folder_is_free_afterwards(tmp_path):
    """A folder is made, held, and free again, also after an error; temporary files lie in one place and are gone."""
    try:
        with lock.held(tmp_path / "a" / "b"):
            place = Path(tempfile.mkdtemp())
            raise ZeroDivisionError
    except ZeroDivisionError:
        assert not place.exists()
    with lock.held(tmp_path / "a" / "b"):
        assert place.parent != Path(tempfile.gettempdir())
    assert os.listdir(tmp_path / "a" / "b") == [lock.FILE]


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '{"pid": "x"}', "\0" * 9_999])
def test_a_note_that_makes_no_sense_keeps_nobody_out(tmp_path, content):
    """Whatever stands in the lock's file, a folder that nobody holds is free."""
    (tmp_path / lock.FILE).write_text(content)
    assert lock.user_of(tmp_path) == ""
    with lock.held(tmp_path):
        assert json.loads((tmp_path / lock.FILE).read_text())["pid"] == str(os.getpid())


def test_whoever_comes_next_removes_what_the_dead_left(tmp_path, holder):
    """Temporary files of a killed process are removed by the next one on the machine, in whatever folder it works;
    those of a living one stay."""
    with lock.held(tmp_path / "other"):
        assert len(list((tmp_path / "tmp").glob("checker-run-*/checker-box-*/filter"))) == 1
    holder.kill()
    holder.wait(20)
    with lock.scratch():
        (own,) = (tmp_path / "tmp").iterdir()
        assert own == Path(tempfile.gettempdir())
    assert not os.listdir(tmp_path / "tmp")


@pytest.mark.parametrize("place", ["home", "checker-run-link", "checker-run-without-lock", "checker-run-file"])
def test_nothing_is_removed_that_is_not_the_locks(tmp_path, monkeypatch, place):
    """A folder of another name, a link, a folder without a lock in it, and a file are left alone."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / lock.FILE).touch()
    (tmp_path / "tmp" / "home").mkdir()
    (tmp_path / "tmp" / "home" / lock.FILE).touch()
    (tmp_path / "tmp" / "checker-run-without-lock").mkdir()
    (tmp_path / "tmp" / "checker-run-file").touch()
    (tmp_path / "tmp" / "checker-run-link").symlink_to(tmp_path / "precious")
    with lock.held(tmp_path / "out"):
        pass
    assert (tmp_path / "tmp" / place).exists()
    assert (tmp_path / "precious" / lock.FILE).exists()


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    """A file where the folder must be is told before anything is run."""
    (tmp_path / "out").write_text("a file")
    with pytest.raises(HarnessError, match="out cannot be written to: "), lock.held(tmp_path / "out"):
        pass


def test_a_folder_that_may_only_be_read_is_told(open_place, ordinary_user):
    """A folder that we may not write to is told before anything is run, whether the lock's file is there or not."""
    (open_place / "out").mkdir()
    for _ in range(2):
        (open_place / "out").chmod(0o555)
        held = pytest.raises(HarnessError, match="out cannot be written to: Permission denied")
        with ordinary_user(), held, lock.held(open_place / "out"):
            pass
        (open_place / "out" / lock.FILE).touch(0o644)


def test_temporary_files_have_a_place_again(tmp_path):
    """Where somebody has removed the place for temporary files it is made again, and gone afterwards; one that lies
    there is left as it is, and a link that somebody has put there is refused."""
    with lock.held(tmp_path):
        scratch = Path(tempfile.gettempdir())
        (scratch / "kept").touch()
        lock.restore_scratch()
        assert (scratch / "kept").exists()
        shutil.rmtree(scratch)
        lock.restore_scratch()
        assert (os.name == "nt" or stat.S_IMODE(scratch.stat().st_mode) == 0o711) and not list(scratch.iterdir())
        scratch.rmdir()
        scratch.symlink_to(tmp_path)
        with pytest.raises(HarnessError, match="Somebody has put something"):
            lock.restore_scratch()
        scratch.unlink()
    assert not scratch.exists()
    lock.restore_scratch()
    assert not scratch.exists()
