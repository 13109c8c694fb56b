"""Every kind of sandbox keeps the same promises to its caller; the wall keeps more of them.

The guest here is the real one with a real kernel. Each test hands in a small module and looks from outside. A plain
process imports TensorFlow anew for each job, so what the contract asks of it (tests/test_contract.py: an end to memory
hogs, kernels that end themselves, nothing left behind) is asked here behind the wall alone.
"""

import os
import socket
import sys
from functools import cache, partial
from pathlib import Path

import psutil
import pytest

from checker.errors import SandboxMissingError
from checker.judge import blame
from checker.records.assignment import Limits
from checker.records.job import Ending, ExecuteJob
from checker.records.verdicts import Verdict
from checker.sandbox import bubblewrap, kinds
from checker.wire import frames
from checker.wire.collector import Collector
from checker.wire.frames import Frame, Kind

LIMITS = Limits(seconds=120, memory_mib=2_048, output_mib=16)

both_kinds = pytest.mark.parametrize("kind", ["none", pytest.param("bubblewrap", marks=pytest.mark.wall)])
behind_the_wall = pytest.mark.parametrize("kind", [pytest.param("bubblewrap", marks=pytest.mark.wall)])
pytestmark = pytest.mark.tensorflow


@pytest.fixture(scope="module")
def boxes():
    """Boxes of each kind, kept from one test to the next as a batch keeps them."""
    opened = {}

    def boxes_of(kind):
        if kind not in opened:
            opened[kind] = kinds.choose(kind).open()
        return opened[kind]

    yield boxes_of
    for kept in opened.values():
        kept.close()


@pytest.fixture(scope="module")
def run_in(assignment, practice, boxes):
    """Run a module in a kind of box; return the execution and what was said."""

    def run_module(kind, source, limits=LIMITS):
        seen = Collector(lambda progress: None)
        job = ExecuteJob(
            is_notebook=False, keras="auto", reason="", caps=assignment.caps, classes=assignment.data.classes
        )
        beside = [Frame(Kind.BYTES, source.encode()), Frame(Kind.BYTES, practice.csv)]
        return boxes(kind).students.run([frames.job(job), *beside, frames.END], limits, seen.receive), seen

    return run_module


@pytest.fixture
def run(kind, run_in):
    """Run a module in a box of the test's kind."""
    return partial(run_in, kind)


def text_of(seen):
    return "".join(output.content for cell in seen.cells for output in cell.outputs)


PATHS = r"""
import os, urllib.request, tarfile
import pandas as pd
lengths = [len(pd.read_csv(path)) for path in (
    "housing.csv", "housing/housing.csv", "data/housing.csv", "../DSPNP_practical1/housing/housing.csv",
    "/content/drive/MyDrive/housing.csv", "/kaggle/input/x/housing.csv", "C:\\Users\\me\\housing.csv",
    "https://example.org/datasets/housing/housing.csv")]
print("PATHS", set(lengths))

urllib.request.urlretrieve("https://example.org/housing.tgz", "mine.tgz")
tarfile.open("mine.tgz").extractall("unpacked")
print("TGZ", len(pd.read_csv("unpacked/housing.csv")))

from sklearn.datasets import fetch_california_housing
bunch = fetch_california_housing()
print("SKLEARN", bunch.data.shape, bool((bunch.data == bunch.data).all()))

import keras
(x, y), (u, v) = keras.datasets.california_housing.load_data()
print("KERAS", x.shape, u.shape)

raise ValueError("a cell fails")

print("GOES ON")

get_ipython().run_line_magic("load_ext", "tensorboard")
get_ipython().run_line_magic("tensorboard", "--logdir logs")

input = 3
print("SHADOWED", input)

print("ENV", "swordfish" in str(dict(os.environ)))
"""


FLOOD = r"""
import os, signal, threading
import numpy as np
from checker.wire.frames import pack
guest, kernel = os.getppid(), get_ipython().kernel
os.kill(guest, signal.SIGSTOP)
threading.Timer(2.0, os.kill, (guest, signal.SIGCONT)).start()
for number in range(1_900):
    values = [pack(np.full(850, float(number)))]  # together more than any socket holds
    kernel.session.send(kernel.iopub_socket, "checker", content={}, parent=kernel.get_parent(), buffers=values)
print("LAST WORDS")
"""


@pytest.fixture(scope="module")
def whole(run_in):
    """The execution of a long module in a kind of box, and what was said: run once for each kind, because a plain
    process takes seconds to start."""

    @cache
    def of(kind):
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("CHECKER_TEST_SECRET", "swordfish")
            return run_in(kind, PATHS + FLOOD)

    return of


@both_kinds
def test_a_module_runs_to_its_end_whatever_its_cells_do(kind, whole):
    """Every way to the data leads to it, a failing cell stops nothing, no magic waits for a server, and a secret of the
    host's environment is not in the guest's."""
    execution, seen = whole(kind)
    text = text_of(seen)
    assert execution.ending is Ending.FINISHED
    for words in ("PATHS {20640}", "TGZ 20640", "SKLEARN (20640, 8) True", "KERAS (16512, 8) (4128, 8)"):
        assert words in text
    assert "GOES ON" in text
    assert "SHADOWED 3" in text
    assert "ENV False" in text
    assert "not started while a notebook is checked" in text
    assert [cell.error.name for cell in seen.cells if cell.error] == ["ValueError"]


@both_kinds
def test_nothing_that_is_published_is_lost(kind, whole):
    """A guest that has no time to listen for two seconds then hears all that the kernel has said meanwhile."""
    execution, seen = whole(kind)
    assert execution.ending is Ending.FINISHED
    assert len(seen.arrays) == 1_900
    assert "LAST WORDS" in text_of(seen)


@both_kinds
def test_time_ends_a_loop_and_keeps_what_came_before(run, kind):
    """A guest over its limit on time is ended, whether its loop works or sleeps, and the cells before the loop are
    there."""
    is_walled = kind == "bubblewrap"
    seconds = 5 if is_walled else 14  # a cold guest imports TensorFlow first
    limits = Limits(seconds=seconds, memory_mib=2_048, output_mib=16)
    loop = "while True: pass" if is_walled else "import time\nwhile True: time.sleep(0.1)"
    execution, seen = run(f"print('BEFORE')\n\n{loop}", limits)
    assert execution.ending is Ending.TIME
    assert "BEFORE" in text_of(seen)
    assert seconds < execution.counted_seconds < seconds + 15


@behind_the_wall
def test_memory_ends_a_hog(run):
    """A guest over its memory limit is ended."""
    hog = "import numpy as np\n\nheld = [np.ones(2**25) for _ in range(40)]\n\nimport time; time.sleep(60)"
    execution, seen = run(hog, Limits(seconds=100, memory_mib=1_600, output_mib=16))
    assert execution.ending is Ending.MEMORY
    assert seen.has_started


@behind_the_wall
def test_a_kernel_that_ends_itself_is_told_with_its_cell(run):
    """os._exit in a cell is told in words, not taken for the harness's fault, and left to a demonstrator."""
    execution, seen = run("x = 1\n\nimport os\nos._exit(3)\n\nprint('never')")
    assert execution.ending is Ending.FINISHED
    (failure,) = seen.failures
    assert failure.cell == 2
    assert "ended in cell 2" in failure.rationale
    assert seen.begun.source == "import os\nos._exit(3)"
    assert [cell.index for cell in seen.cells] == [1]
    assert blame.VERDICTS[failure.cause] is Verdict.REFER


@behind_the_wall
def test_nothing_of_a_job_is_left(run):
    """Processes that a submission left behind are gone, and the next job in the box meets nothing of it."""
    marker = "checker-left-behind-4711"
    leave = (
        "import subprocess, sys\n"
        f"subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(99) # {marker}'])\n"
        "open('trace.txt', 'w').write('here')"
    )
    run(leave)
    assert not [p for p in psutil.process_iter(["cmdline"]) if marker in " ".join(p.info["cmdline"] or ())]
    _, seen = run("import os\nprint('TRACE', os.path.exists('trace.txt'))")
    assert "TRACE False" in text_of(seen)


WALL = """
import os, socket, pathlib

def attempt(words, action):
    try:
        action()
        print("DONE", words)
    except Exception as error:
        print("REFUSED", words, type(error).__name__)

attempt("connect", lambda: socket.create_connection(("127.0.0.1", PORT), timeout=2))
attempt("read home", lambda: pathlib.Path("SECRET").read_text())
attempt("list project", lambda: os.listdir("PROJECT"))
attempt("write usr", lambda: pathlib.Path("/usr/x").write_text("x"))
attempt("write root", lambda: pathlib.Path("/x").write_text("x"))
attempt("core pattern", lambda: pathlib.Path("/proc/sys/kernel/core_pattern").write_text("x"))
attempt("init environment", lambda: print("INIT", pathlib.Path("/proc/1/environ").read_bytes().count(b"swordfish")))
print("UID", os.getuid(), "PIDS", len([p for p in os.listdir("/proc") if p.isdigit()]) < 12)
"""


@behind_the_wall
def test_the_wall_keeps_network_files_and_processes_apart(run, tmp_path, root, monkeypatch):
    """No connection, no file of the host's, no writing outside, no process of the host's, no root."""
    monkeypatch.setenv("CHECKER_TEST_SECRET", "swordfish")
    secret = tmp_path / "secret.txt"
    secret.write_text("swordfish")
    secret.chmod(0o644)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        source = (
            WALL.replace("PORT", str(port)).replace("SECRET", str(secret)).replace("PROJECT", str(root / "reference"))
        )
        _, seen = run(source)
        server.settimeout(0.1)
        with pytest.raises(TimeoutError):
            server.accept()
    text = text_of(seen)
    for words in ("connect", "read home", "list project", "write usr", "write root", "core pattern"):
        assert f"REFUSED {words}" in text
    assert "REFUSED init environment" in text
    assert "UID 1000 PIDS True" in text
    assert not Path("/x").exists()


@behind_the_wall
@pytest.mark.skipif(os.geteuid() != 0, reason="only root drops its user id")
def test_bubblewrap_never_runs_as_root(run):
    """Seen from outside, what runs in a box belongs to a user without rights."""
    import threading

    owners = set()
    done = threading.Event()

    def look():
        while not done.wait(0.5):
            for process in psutil.process_iter(["name", "cmdline", "uids"]):
                is_python = process.info["name"].startswith("python")
                if is_python and "checker.guest students" in " ".join(process.info["cmdline"] or ()):
                    owners.add(process.info["uids"].real)

    looker = threading.Thread(target=look)
    looker.start()
    run("import time; time.sleep(2)")
    done.set()
    looker.join()
    assert owners
    assert 0 not in owners


# -- what is bound into a box ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("folder", "holds"),
    [
        ("/", True),
        ("/home", True),
        ("/home/ada", True),
        ("/home/stranger", True),
        ("/home/ada/.local", True),
        ("/srv/people/grace", True),
        ("/srv", True),
        ("/home/ada/.local/share/uv/python/cpython-3.12", False),
        ("/home/ada/miniconda3", False),
        ("/home/ada/practical/.venv", False),
        ("/opt/conda", False),
        ("/srv/peoples-python", False),
    ],
)
def test_no_home_is_bound_into_a_box(folder, holds):
    """A Python that lies right in a home, or in a folder with homes in it, is told from one in a folder of its own."""
    homes = frozenset({Path("/home/ada"), Path("/srv/people/grace"), Path("/root")})
    assert bubblewrap.holds_a_home(Path(folder), homes) is holds


def test_a_link_to_a_home_is_a_home(tmp_path):
    """By whatever name a home is called, it is one."""
    (tmp_path / "ada").mkdir()
    (tmp_path / "python").symlink_to(tmp_path / "ada")
    homes = frozenset({Path(os.path.realpath(tmp_path / "ada"))})
    assert bubblewrap.holds_a_home(tmp_path / "python", homes)


@pytest.mark.wall
@pytest.mark.parametrize("attribute", ["prefix", "base_prefix"])
def test_a_python_in_a_home_is_refused(attribute, monkeypatch):
    """There is no sandbox if the checker's Python lies directly in the user's home folder. The message says why and
    what to do."""
    monkeypatch.setattr(sys, attribute, os.path.expanduser("~"))
    bubblewrap.why_not.cache_clear()
    try:
        with pytest.raises(SandboxMissingError, match="lies right in a folder with people's own files") as told:
            kinds.choose("bubblewrap")
        assert "into a folder of its own" in told.value.help
        with pytest.raises(SandboxMissingError):
            bubblewrap.wrap(["true"], "/nowhere")
    finally:
        monkeypatch.undo()
        bubblewrap.why_not.cache_clear()
