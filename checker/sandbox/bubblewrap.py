"""A guest in bubblewrap: its own namespaces, a read-only system, no network, nothing of the host's home.

Theory of operation: the box contains ``/usr``, the Python installation and environment under their own paths, the
checker's package, and temporary file systems of limited size. Nothing else exists in it: no student's file, no
assignment, no environment variable of the host. A warm process (``warm``) runs in it as the first process of its
process namespace: no signal from inside ends it, and when it dies, all processes in the box die with it.

If root starts the checker, bubblewrap still never runs as root. First a private mount namespace is made, in which the
sources that only root may read are bound under a readable folder. Then the user id is dropped for good, and bubblewrap
starts with these folders as sources. ``/proc/sys`` and ``/dev`` are read-only.

All processes in the box run under a filter of system calls (``seccomp``), which bubblewrap reads from a descriptor.
"""

import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import checker
from checker.errors import SandboxMissingError
from checker.sandbox import seccomp
from checker.sandbox.boxes import Boxes
from checker.sandbox.warm import EMPTY_ENVIRONMENT, WarmBox

FREE_UID = 61_234
INSIDE_UID = 1_000
TEMPORARY_MIB = 1_024
SHARED_MIB = 256
PACKAGE = Path(checker.__file__).parent

KNOWN_PLACES = ("/content", "/kaggle")
"""Folders of a student's files on Colab and Kaggle: here links into ``/tmp``, where each job writes the files."""

FILTER = 3
"""The descriptor from which bubblewrap reads the filter of system calls."""

IN_A_HOME = "lies right in a folder with people's own files, all of which submissions could read:"
"""The obstacle of a Python that was installed with ``--prefix=$HOME``, for example."""

WITH_FILTER = """
exec 3< "$1/filter"; shift
exec "$@"
"""

BIND_AND_DROP = """
staging=$1; shift
exec 3< "$staging/filter"
mount -t tmpfs -o mode=755 none "$staging"
number=0
while [ "$1" != -- ]; do
    number=$((number + 1))
    mkdir "$staging/$number"
    mount --bind "$1" "$staging/$number"
    shift
done
shift
exec "$@"
"""


class Bubblewrap:
    """Opens boxes in bubblewrap."""

    name = "bubblewrap"

    def open(self) -> Boxes:
        return Boxes(WarmBox("students", Bubblewrap.name, wrap), WarmBox("ours", Bubblewrap.name, wrap))


def wrap(command: Sequence[str], staging: str) -> list[str]:
    """Return a command line that runs ``command`` in a box. ``staging`` is an empty folder, used only until
    ``command`` starts."""
    sources = _sources()
    Path(staging, "filter").write_bytes(seccomp.program(platform.machine()))
    if os.geteuid() != 0:
        bubblewrap = _bubblewrap({source: source for source in sources})
        return ["/bin/sh", "-ec", WITH_FILTER, "sh", staging, *bubblewrap, *command]
    Path(staging).chmod(0o755)  # the unprivileged user has to traverse it
    moved = {source: f"{staging}/{number}" for number, source in enumerate(sources, 1)}
    drop = ["setpriv", f"--reuid={FREE_UID}", f"--regid={FREE_UID}", "--clear-groups", "--no-new-privs",
            "--bounding-set=-all", "--inh-caps=-all"]  # fmt: skip
    private = ["unshare", "--mount", "--propagation", "private", "--", "/bin/sh", "-ec", BIND_AND_DROP, "sh"]
    return [*private, staging, *sources, "--", *drop, *_bubblewrap(moved), *command]


def _sources() -> list[str]:
    """Return the folders outside /usr that the guest's Python needs, and the checker's package.

    Raises SandboxMissingError if one of them holds people's own files beside a Python.
    """
    interpreters = {sys.prefix, sys.base_prefix, str(Path(os.path.realpath(sys.executable)).parent.parent)}
    outside = sorted(p for p in interpreters if not Path(p).is_relative_to("/usr"))
    for folder in outside:
        if holds_a_home(Path(folder), _homes()):
            raise SandboxMissingError(f"the checker's Python {IN_A_HOME} {folder}.")
    return [*outside, str(PACKAGE)]


def holds_a_home(folder: Path, homes: frozenset[Path]) -> bool:
    """Tell whether a folder is or contains the root folder, a home, or a home's ``.local``.

    Every folder in ``/home`` is a home, even if its user is known only to a network directory.
    """
    real = folder.resolve()
    own = {real, Path(folder)}
    if real == Path("/") or real.parent == Path("/home"):
        return True
    return any(place.is_relative_to(one) for home in homes for place in (home, home / ".local") for one in own)


@cache
def _homes() -> frozenset[Path]:
    """Return the homes of all users of this machine, resolved and as written, without ``/`` and folders in ``/usr``."""
    import pwd  # not available on Windows, where this module is imported too

    listed = [Path(home) for home in (*(of.pw_dir for of in pwd.getpwall()), os.environ.get("HOME", ""))]
    homes = {home for home in listed if home.is_absolute() and home.is_dir()}
    homes |= {home.resolve() for home in homes}
    return frozenset(home for home in homes if home != Path("/") and not home.is_relative_to("/usr"))


def _bubblewrap(sources: dict[str, str]) -> list[str]:
    """Return bubblewrap's command line; ``sources`` maps paths in the box to paths on the host."""
    arguments = ["bwrap", "--unshare-all", "--unshare-user", "--disable-userns", "--die-with-parent",
                 "--as-pid-1", "--new-session", "--cap-drop", "ALL", "--uid", str(INSIDE_UID), "--gid", str(INSIDE_UID),
                 "--hostname", "sandbox", "--clearenv", "--ro-bind", "/usr", "/usr"]  # fmt: skip
    for name in ("bin", "sbin", "lib", "lib32", "lib64"):
        root = Path("/", name)
        if root.is_symlink():
            arguments += ["--symlink", f"usr/{name}", str(root)]
        elif root.is_dir():
            arguments += ["--ro-bind", str(root), str(root)]
    for optional in ("/etc/ld.so.cache", "/etc/alternatives", "/etc/localtime"):
        arguments += ["--ro-bind-try", optional, optional]
    arguments += ["--proc", "/proc", "--ro-bind", "/proc/sys", "/proc/sys", "--dev", "/dev"]
    arguments += ["--size", str(SHARED_MIB * 2**20), "--tmpfs", "/dev/shm", "--remount-ro", "/dev"]
    arguments += ["--size", str(TEMPORARY_MIB * 2**20), "--tmpfs", "/tmp", "--dir", "/tmp/home"]
    for inside, outside in sources.items():
        arguments += ["--ro-bind", outside, "/checker/checker" if inside == str(PACKAGE) else inside]
    for place in KNOWN_PLACES:
        if not any(Path(inside).is_relative_to(place) for inside in sources):
            arguments += ["--symlink", f"/tmp{place}", place]
    for name, value in _environment().items():
        arguments += ["--setenv", name, value]
    return [*arguments, "--remount-ro", "/", "--chdir", "/tmp/home", "--seccomp", str(FILTER), "--"]


def _environment() -> dict[str, str]:
    return {
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
        "HOME": "/tmp/home",
        "TMPDIR": "/tmp",
        "USER": "student",
        "LANG": "C.UTF-8",
        "PYTHONPATH": "/checker",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUTF8": "1",
        "OMP_NUM_THREADS": "1",  # NumPy starts its threads when it is imported; a process with threads cannot be forked
        "OPENBLAS_NUM_THREADS": "1",
    }


@cache
def why_not() -> str:
    """Return why this kind of sandbox does not work here; "" if it does."""
    if not sys.platform.startswith("linux"):
        return f"bubblewrap needs Linux, and this is {sys.platform}."
    missing = [tool for tool in _tools() if shutil.which(tool) is None]
    if missing:
        return f"the command {' and '.join(missing)} is not installed."
    if platform.machine() not in seccomp.MACHINES:
        return f"there is no filter of system calls for {platform.machine()}."
    try:
        _sources()
    except SandboxMissingError as error:
        return error.message
    with tempfile.TemporaryDirectory(prefix="checker-box-") as staging:
        trial = subprocess.run(
            wrap([sys.executable, "-c", "import checker.records"], staging),
            env=EMPTY_ENVIRONMENT,
            capture_output=True,
            text=True,
            check=False,
        )
    if "SECCOMP" in trial.stderr:
        return "this kernel takes no filter of system calls (seccomp)."
    return "" if trial.returncode == 0 else f"a trial box did not start: {trial.stderr.strip()[-300:]}"


def _tools() -> list[str]:
    return ["bwrap", *(["setpriv", "unshare", "mount"] if os.geteuid() == 0 else [])]


def how_to_get() -> str:
    """Return instructions for installing this kind of sandbox."""
    if not sys.platform.startswith("linux"):
        return "Run the batch on a Linux machine with bubblewrap."
    if IN_A_HOME in why_not():
        return (
            "Install a Python into a folder of its own (the system's, or by uv or conda), make an environment with it "
            "(python3 -m venv ~/checker-venv), and install the checker there."
        )
    if "filter of system calls" in why_not():
        return "Run the batch on an ordinary Linux on x86_64 or aarch64, which has one."
    if "did not start" in why_not() and Path("/etc/apparmor.d").is_dir():
        return (
            "Ubuntu keeps it from making namespaces; type: sudo apt-get install bubblewrap apparmor-profiles && "
            "sudo cp /usr/share/apparmor/extra-profiles/bwrap-userns-restrict /etc/apparmor.d/ && "
            "sudo apparmor_parser -r /etc/apparmor.d/bwrap-userns-restrict."
        )
    return "Type: sudo apt-get install bubblewrap util-linux."
