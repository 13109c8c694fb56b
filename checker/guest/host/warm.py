"""The warm process: imports everything once, and does each job in a fork of itself.

Theory of operation: it is the first process (PID 1) of a box, so its end ends the box, and no signal from inside the
box can end or stop it. It can be forked because it has run no TensorFlow operation and started no thread. Its standard
input is a socket to the host. For each job the host sends three descriptors, the job's standard streams. A fork takes
them and does the job like a guest that was started cold, so a job's bytes never pass through the warm process. When the
fork has ended, the warm process kills every other process in the box and empties its writable folders. If the box's
state then equals its state before the first job, the warm process sends the fork's exit status, which tells the host
that the box can be reused. If the state differs, the warm process ends, and the box with it.

The warm process is not dumpable: a student's code, which has the same user id, can neither read nor write its memory,
nor reach its descriptors, through ``/proc`` or ptrace. A kernel is made dumpable again (``forked``).

If the imports leave threads running, the fork executes a fresh Python instead, which is slow but safe.
"""

import contextlib
import ctypes
import gc
import importlib
import os
import re
import resource
import select
import shutil
import signal
import socket
import stat
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

OURS = ("numpy", "tensorflow", "keras", "tf_keras", "checker.guest.train.training")
STUDENTS = (
    *OURS,
    "pandas",
    "sklearn.datasets",
    "sklearn.impute",
    "sklearn.linear_model",
    "sklearn.model_selection",
    "sklearn.preprocessing",
    "sklearn.pipeline",
    "sklearn.metrics",
    "matplotlib.pyplot",
    "IPython",
    "ipykernel.kernelapp",
    "ipykernel.debugger",
    "nbclient",
    "tensorboard.notebook",
    "checker.guest.compat.adaptation",
    "checker.guest.compat.companions",
    "checker.guest.compat.data_paths",
    "checker.guest.compat.furniture",
    "checker.guest.compat.imports",
    "checker.guest.compat.places",
    "checker.guest.compat.standins",
    "checker.guest.compat.wrappers",
    "checker.guest.host.client",
    "checker.guest.host.forked",
    "checker.guest.host.kernel",
    "checker.guest.host.publishing",
    "checker.guest.host.script",
    "checker.guest.reading.notebook",
    "checker.guest.reading.statements",
    "checker.guest.watch.as_trained",
    "checker.guest.watch.capture",
    "checker.guest.watch.staticgraph",
    "checker.guest.watch.tape",
)
IMPORTS = {"students": STUDENTS, "ours": OURS}
UNNEEDED = ("sklearn", "matplotlib", "pandas", "scipy", "h5py", "IPython", "PIL", "pydot")
BLOCKED = {"students": (), "ours": UNNEEDED}
"""Optional imports of Keras that no training needs: more than a third of its import time."""

PLACES = (Path("/tmp"), Path("/dev/shm"))
"""All writable folders of a box."""
HOME = Path("/tmp/home")
LIMITS = {
    "RLIMIT_NPROC": 256 + 32 * (os.cpu_count() or 1),  # threads are counted too
    "RLIMIT_NOFILE": 4_096,
    "RLIMIT_MSGQUEUE": 0,  # message queues outlive processes and cannot be listed
    "RLIMIT_CORE": 1,  # with 0, the kernel still pipes a core dump to the host's handler, if any
}
"""Limits that the kernel enforces for every process of a box; the first counts all processes together."""
NICE = 10
"""Boxes for students' code get low priority: a fork bomb must not slow the host's supervisor, nor a file a what-if."""
MAX_FILES = 100_000
"""Files and folders in a box: each takes a kilobyte of kernel memory, which a file system's size does not limit."""
QUEUES = [Path("/proc/sysvipc", name) for name in ("msg", "sem", "shm")]
PR_SET_DUMPABLE = 4
CONTROL = 0


def serve(code: str, rehearse: Callable[[], None], do_job: Callable[[], None]) -> NoReturn:
    """Do jobs until the host closes the socket.

    ``code`` says whose code runs in the box, "students" or "ours". ``rehearse`` fills caches in memory once for all
    jobs.
    """
    set_dumpable(False)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    _limit(code)
    os.chdir("/")
    gc.disable()  # collecting takes a sixth of the imports' time and frees nothing
    sys.modules.update(dict.fromkeys(BLOCKED[code]))  # type: ignore[arg-type]  # None blocks an import
    for name in IMPORTS[code]:
        importlib.import_module(name)
    rehearse()
    gc.enable()
    gc.freeze()  # a job's collections skip the imports, so their pages stay shared
    if _threads() > 1:
        do_job = start_cold
    mounted = _mounted()
    _wipe(mounted)
    as_before = _state(mounted)
    control, status = socket.socket(fileno=CONTROL), 0
    while True:
        control.send(str(status).encode())
        _, descriptors, _, _ = socket.recv_fds(control, 16, 3)
        if len(descriptors) != 3:
            sys.exit(0)
        status = _wait_for(_fork(do_job, descriptors), control, descriptors[-1])
        os.close(descriptors[-1])
        _kill_all()
        _wipe(mounted)
        odd = [f"{now}, not {before}" for now, before in zip(_state(mounted), as_before, strict=True) if now != before]
        if odd:
            sys.exit(f"the box is not as it was: {'; '.join(odd)}")


def start_cold() -> NoReturn:
    """Replace this process by a fresh Python that does one job from its standard streams."""
    os.execv(sys.executable, [sys.executable, "-m", "checker.guest"])  # noqa: S606  # a list of our own making


def set_dumpable(value: bool) -> None:
    """Allow or forbid other processes of the same user to inspect this one."""
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_DUMPABLE, int(value), 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")


def turn_to_legacy() -> None:
    """Make an imported TensorFlow use legacy Keras, as if it had been imported with ``TF_USE_LEGACY_KERAS``.

    The environment decides ``tf.keras`` at its first use; TensorFlow's path decides ``from tensorflow.keras…``.
    """
    tensorflow: Any = sys.modules["tensorflow"]
    legacy = Path(str(sys.modules["tf_keras"].__file__)).parent
    tensorflow.__path__ = [str(legacy / "api" / "_v2"), *tensorflow.__path__[1:]]
    for name in [n for n in sys.modules if n == "keras" or n.startswith("keras.")]:
        del sys.modules[name]


def run_to_end(action: Callable[[], None]) -> NoReturn:
    """Run a forked process's action, then exit without returning into the parent's code."""
    status = 1
    try:
        action()
        status = 0
    except SystemExit as ending:
        status = ending.code if isinstance(ending.code, int) else int(ending.code is not None)
        if isinstance(ending.code, str):
            print(ending.code, file=sys.stderr)
    except BaseException:  # noqa: BLE001  # nothing may pass this frame
        traceback.print_exc()
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)


def _limit(code: str) -> None:
    if code == "students":
        os.nice(NICE)
    limits = LIMITS if _counts_by_namespace() else {name: LIMITS[name] for name in LIMITS if name != "RLIMIT_NPROC"}
    for name, value in limits.items():
        number = getattr(resource, name)
        _, most = resource.getrlimit(number)
        allowed = value if most == resource.RLIM_INFINITY else min(value, most)
        resource.setrlimit(number, (allowed, allowed))


def _counts_by_namespace() -> bool:
    """Tell whether RLIMIT_NPROC counts a box's processes alone. Before Linux 5.14 it also counts the user's others."""
    found = re.match(r"(\d+)\.(\d+)", os.uname().release)
    return found is not None and (int(found[1]), int(found[2])) >= (5, 14)


def _fork(do_job: Callable[[], None], descriptors: list[int]) -> int:
    """Fork a process that does a job with these streams; return its process id. The last stream stays open."""
    child = os.fork()
    if child:
        for descriptor in descriptors[:-1]:
            os.close(descriptor)
        return child
    for number, descriptor in enumerate(descriptors):
        os.dup2(descriptor, number)  # the first takes the place of the control socket
        os.close(descriptor)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(HOME)
    run_to_end(do_job)


def _wait_for(child: int, control: socket.socket, noise: int) -> int:
    """Return a process's exit status; reap every other process that ends meanwhile. Exit if the host closes the socket,
    or if the box has too many files, which is then reported on the job's standard error."""
    end = os.pidfd_open(child)
    try:
        while True:
            ready, _, _ = select.select([control.fileno(), end], [], [], 0.5)
            if control.fileno() in ready:
                sys.exit("the host went away")
            if (files := sum(map(_files, PLACES))) > MAX_FILES:
                os.write(noise, b"\nThe box was ended: %d files are more than the %d allowed.\n" % (files, MAX_FILES))
                sys.exit("too many files")
            with contextlib.suppress(ChildProcessError):
                while (buried := os.waitpid(-1, os.WNOHANG))[0]:
                    if buried[0] == child:
                        return os.waitstatus_to_exitcode(buried[1])
    finally:
        os.close(end)


def _files(place: Path) -> int:
    room = os.statvfs(place)
    return room.f_files - room.f_ffree


def _kill_all() -> None:
    """Stop, kill and reap every other process of the box, until there is none."""
    while True:
        with contextlib.suppress(ProcessLookupError):
            os.kill(-1, signal.SIGSTOP)
            os.kill(-1, signal.SIGKILL)
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def _mounted() -> frozenset[Path]:
    """Return the mount points below the writable folders, for example a host's Python below /tmp."""
    mounts = [Path(line.split()[4]) for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    return frozenset(mount for mount in mounts if any(place in mount.parents for place in PLACES))


def _wipe(mounted: frozenset[Path]) -> None:
    """Empty the writable folders, and make the home folder of the next job."""
    for place in PLACES:
        place.chmod(0o1777)  # Jupyter sets the sticky bit above its sockets
        _empty(place, mounted)
    HOME.mkdir()


def _empty(folder: Path, mounted: frozenset[Path]) -> None:
    for entry in folder.iterdir():
        if entry in mounted:
            continue
        if any(entry in mount.parents for mount in mounted):
            _empty(entry, mounted)
        elif stat.S_ISDIR(entry.lstat().st_mode):
            _unlock(entry)
            shutil.rmtree(entry)
        else:
            entry.unlink()


def _unlock(folder: Path) -> None:
    """Remove permissions that prevent a folder's removal."""
    folder.chmod(0o700)
    for inside, names, _ in os.walk(folder):
        for path in (Path(inside, name) for name in names):
            if not path.is_symlink():
                path.chmod(0o700)


def _state(mounted: frozenset[Path]) -> tuple[Any, ...]:
    """Return the state that a job could change and that killing and wiping do not restore."""
    above = {p for mount in mounted for p in mount.parents if any(place in p.parents for place in PLACES)}
    folders = (*PLACES, HOME, *sorted(above))
    places = [(p.stat().st_mode, os.listxattr(p), sorted(p.iterdir())) for p in folders]
    queues = [len(path.read_text().splitlines()) for path in QUEUES if path.exists()]
    limits = [resource.getrlimit(getattr(resource, name)) for name in dir(resource) if name.startswith("RLIMIT_")]
    priority = os.getpriority(os.PRIO_PROCESS, 0), os.sched_getscheduler(0), os.sched_getaffinity(0)
    processes = [path for path in Path("/proc").iterdir() if path.name.isdigit()]
    return places, queues, limits, priority, processes, _threads()


def _threads() -> int:
    return len(list(Path("/proc/self/task").iterdir()))
