# /// script
# requires-python = ">=3.11"
# dependencies = ["nox>=2024.10.9"]
# ///
"""Everything you can do with this project, each as a session: ``python3 noxfile.py -l`` lists them.

Theory of operation: this file starts on a machine that has only Python. If nox is missing, it goes into an
environment of its own, and the file runs again there. TensorFlow takes 1.8 GB, so all sessions share one
environment (``.nox/project``), made anew when the project's requirements or the Python version change; `minimums`
alone has its own. pip compiles what it installs: without byte code every import of TensorFlow
takes three times as long. System packages are installed where that is allowed; otherwise the line to type is
printed. What installers print goes to ``.nox/install.log``.
"""

import functools
import hashlib
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import tomllib
import venv
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent.resolve()
PLACE = HERE / ".nox"
BIN = "Scripts" if os.name == "nt" else "bin"

os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # many Pythons start here, and each would compile all modules anew
signal.signal(signal.SIGTERM, signal.default_int_handler)  # like Ctrl-C: nox ends what it has started

OUT = HERE / "out"
"""Where sessions write. The documents' commands write to ``results``, which must hold nothing else."""

LOG = PLACE / "install.log"
"""What pip, apt-get and playwright print while they install."""


def installs(*command: str | Path) -> bool:
    """Run an installer with its output in the log; tell whether it worked."""
    PLACE.mkdir(exist_ok=True)
    with LOG.open("a", encoding="utf-8") as log:
        print("$", *command, file=log, flush=True)
        try:
            return subprocess.run(command, check=False, stdout=log, stderr=subprocess.STDOUT).returncode == 0
        except OSError as error:
            print(error, file=log)
            return False


if importlib.util.find_spec("nox") is None:
    starter, ready = PLACE / "starter" / BIN / "python", PLACE / "starter" / "ready"
    if not ready.exists():
        print("Installing nox into .nox/starter …", flush=True)
        venv.create(PLACE / "starter", with_pip=True, clear=True)
        if not installs(starter, "-m", "pip", "install", "nox>=2024.10.9"):
            sys.exit(f"nox could not be installed; {LOG} has what pip said.")
        ready.touch()
    if os.name == "posix":  # the same process goes on, so a signal reaches it
        os.execv(starter, [str(starter), __file__, *sys.argv[1:]])  # noqa: S606  # no shell is wanted
    sys.exit(subprocess.run([starter, __file__, *sys.argv[1:]], check=False).returncode)

import nox  # noqa: E402  # only now is it certain to be there

nox.needs_version = ">=2024.10.9"
nox.options.default_venv_backend = "none"
nox.options.sessions = ["tests", "lint"]

ASSIGNMENTS = {
    "ocean_proximity": HERE / "submissions",
    "house_value": HERE / "reference" / "house_value" / "examples",
}
"""Each assignment's examples."""

SHOWN = {
    "ocean_proximity": [
        "plain-sequential",  # PASS
        "keras-2-idioms",  # PASS, in legacy Keras
        "tensorflow-1-plain",  # PASS, in a TensorFlow 1 session
        "no-hidden-layer",  # FAIL: a rule of the assignment
        "label-leak",  # FAIL: the label is among the inputs
        "permuted-labels",  # FAIL: labels that are easy to predict
        "file-not-handed-in",  # FAIL: no network without a file
        "weights-from-scikit-learn",  # REFER: weights that no training gave
        "fork-bomb",  # REFER: the sandbox ends it
    ],
    "house_value": [
        "standardised-target",  # PASS, in dollars again
        "target-leak",  # FAIL: the target is among the inputs
        "root-target",  # REFER: targets in an unknown unit
    ],
}
"""The dozen examples of the demonstration, with the verdict that each must get."""

GUESTS = ("tensorflow", "tf_keras", "keras")
"""What guests alone import; the host asks for their versions."""

PURE = "not tensorflow and not wall and not browser and not examples and not slow"
"""Tests that need none of these take about a minute on two cores."""

WORKERS = str(min((os.cpu_count() or 1) + 1, 4))
"""Processes that share the tests; each may hold 3 GB. One more than processors, because many tests wait for a box."""


def need_python(session: nox.Session) -> None:
    if not (3, 11) <= sys.version_info[:2] <= (3, 13):
        session.error(f"Python 3.11 to 3.13 is needed; this is {sys.version.split()[0]}.")


def requirements() -> dict[str, Any]:
    """Return the table `project` of pyproject.toml."""
    table: dict[str, Any] = tomllib.loads((HERE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return table


def environment(session: nox.Session, name: str, note: str, *installed: list[str]) -> Path:
    """Return the Python of an environment that holds what is installed by these lists of pip's arguments."""
    need_python(session)
    wanted = hashlib.sha256(f"{requirements()} {installed} {sys.version}".encode()).hexdigest()
    python, stamp = PLACE / name / BIN / "python", PLACE / name / "made-from"
    if not stamp.exists() or stamp.read_text() != wanted:
        session.log(f"Installing into .nox/{name}: {note}. What pip says goes to .nox/{LOG.name}.")
        venv.create(PLACE / name, with_pip=True, clear=True)
        for arguments in installed:
            if not installs(python, "-m", "pip", "install", *arguments):
                session.error(f"pip could not install that; the end of {LOG} says why.")
        stamp.write_text(wanted)
    return python


def project(session: nox.Session) -> Path:
    """Return the Python of the shared environment, made ready."""
    note = "TensorFlow and all else, 2 GB, which takes some minutes once"
    return environment(session, "project", note, ["--editable", f"{HERE}[dev,course,cluster,desk]"])


def lower_bounds() -> list[str]:
    """Return each requirement of the host at its lower bound. TensorFlow is the guests' and pinned anyway."""
    table = requirements()
    lines = [line for line in table["dependencies"] if not line.startswith(GUESTS)]
    lines += table["optional-dependencies"]["cluster"] + table["optional-dependencies"]["desk"]
    return [line.partition(",")[0].replace(">=", "==") for line in lines]


@functools.cache
def wall_works(python: Path) -> str:
    """Return why the sandbox does not work; "" where it does."""
    code = "from checker.sandbox import bubblewrap as b; r = b.why_not(); print(r and f'{r} {b.how_to_get()}')"
    return subprocess.run([python, "-c", code], check=True, capture_output=True, text=True).stdout.strip()


def get_wall(session: nox.Session) -> None:
    """Install bubblewrap where that is allowed, else print the line to type."""
    if shutil.which("bwrap") or not sys.platform.startswith("linux"):
        return
    if not _install("bubblewrap", "util-linux"):
        session.warn("bubblewrap is missing. Type: sudo apt-get install --yes bubblewrap util-linux")


def browser_works(python: Path) -> str:
    """Return why no browser can be driven; "" where one can."""
    code = "import sys; sys.path.insert(0, 'tests'); import browser; print(browser.why_not())"
    return subprocess.run([python, "-c", code], check=True, capture_output=True, text=True, cwd=HERE).stdout.strip()


def get_browser(session: nox.Session, python: Path) -> None:
    """Get a Chromium where there is none: the system's where that is allowed, else playwright's own."""
    if not browser_works(python):
        return
    if sys.platform.startswith("linux"):
        _install("chromium")
    if browser_works(python):
        installs(python, "-m", "playwright", "install", "chromium")
    if reason := browser_works(python):
        session.warn(f"Tests that need a browser are skipped: {reason}")


def _install(*packages: str) -> bool:
    """Install system packages if that is allowed without a question; tell whether it worked."""
    as_root = [] if os.geteuid() == 0 else ["sudo", "--non-interactive"]
    if not shutil.which("apt-get") or (as_root and not installs(*as_root, "true")):
        return False
    apt = [*as_root, "apt-get"]
    return installs(*apt, "update", "--quiet") and installs(*apt, "install", "--yes", "--quiet", *packages)


def data_arguments(session: nox.Session, python: Path) -> list[str]:
    """Return which data to use: the real file where it can be had, else practice data, said out loud."""
    code = (
        "from checker.assignment import dataset, folders; from checker.errors import CheckerError\n"
        "try: dataset.load(folders.find(None).data)\n"
        "except CheckerError as error: print(error.message)"
    )
    ran = subprocess.run([python, "-c", code], check=True, stdout=subprocess.PIPE, text=True, cwd=HERE)
    if reason := ran.stdout.strip():
        session.warn(f"Using practice data, because the real housing.csv cannot be had here. {reason}")
        return ["--practice-data"]
    return []


def run(session: nox.Session, program: Path, *arguments: str, **how: Any) -> None:
    """Run a program. When the session is told to end, the program gets seconds for that: a batch ends its boxes."""
    session.run(str(program), *arguments, external=True, interrupt_timeout=5, terminate_timeout=10, **how)


def pytest(session: nox.Session, python: Path, *arguments: str) -> None:
    """Run pytest in several processes. A file's tests stay together, because they share what they have trained."""
    shared_out = ["--numprocesses", WORKERS, "--dist", "loadfile", "--no-loadscope-reorder"]
    one_thread = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}  # several would spin as they wait
    run(session, python, "-m", "pytest", *shared_out, *arguments, *session.posargs, env=one_thread)


@nox.session
def fast(session: nox.Session) -> None:
    """Run the tests without TensorFlow, sandbox and browser, in a minute; arguments after -- go to pytest."""
    pytest(session, project(session), "-m", PURE)


@nox.session
def minimums(session: nox.Session) -> None:
    """Run the fast tests with the lowest version of each requirement that pyproject.toml allows."""
    note = "the lowest versions allowed, 2 GB"
    tools = ["hypothesis", "nbconvert", "pillow", "tqdm"]
    pinned = [line for line in requirements()["dependencies"] if line.startswith(GUESTS)]
    itself = ["--no-deps", *pinned, "--editable", str(HERE)]
    python = environment(session, "minimums", note, [*lower_bounds(), *tools], itself)
    # What old versions call in newer ones of other packages is not ours to mend.
    quiet = ["-W", "ignore::DeprecationWarning"]
    run(session, python, "-m", "pytest", "-m", PURE, *quiet, *session.posargs)


@nox.session
def tests(session: nox.Session) -> None:
    """Run all tests but those of the other sessions; arguments after -- go to pytest."""
    get_wall(session)
    python = project(session)
    if reason := wall_works(python):
        session.warn(f"Tests that need the wall are skipped: {reason}")
    get_browser(session, python)
    pytest(session, python)


@nox.session
def lint(session: nox.Session) -> None:
    """Check style, types, the direction of imports, and that each imported package is declared."""
    python = project(session)
    run(session, python, "-m", "ruff", "check")
    run(session, python, "-m", "ruff", "format", "--check")
    run(session, python, "-m", "mypy")
    run(session, python.parent / "lint-imports")
    run(session, python, "-m", "deptry", ".")


@nox.session
def demo(session: nox.Session) -> None:
    """Check a dozen examples of both assignments, three minutes; arguments after -- go to both batches."""
    get_wall(session)
    python = project(session)
    data = data_arguments(session, python)
    walls = []
    if reason := wall_works(python):
        session.warn(f"NO SANDBOX: the examples are our own, so they run as plain processes. {reason}")
        walls = ["--sandbox", "none"]
    outs = {name: OUT / "demo" / name for name in ASSIGNMENTS}
    for name, examples in ASSIGNMENTS.items():
        session.log(f"{len(SHOWN[name])} submissions of {name}. The reference is trained first, once: about a minute.")
        only = [word for example in SHOWN[name] for word in ("--only", example)]
        where = ["--assignment", str(HERE / "reference" / name), "--out", str(outs[name])]
        batch = ("-m", "checker", "batch", str(examples), *where, *only, *data, *walls, *session.posargs)
        run(session, python, *batch, log=False, success_codes=[0, 1])
        compared = ("tests/expected.py", str(examples), str(outs[name]), "verdict")
        run(session, python, *compared, log=False)
    pages = " and ".join(str(out / "index.html") for out in outs.values())
    session.log(f"Every submission got the verdict that it must get. Open {pages}")


@nox.session
def examples(session: nox.Session) -> None:
    """Check all examples of both assignments, about 16 minutes; arguments after -- go to pytest."""
    get_wall(session)
    python = project(session)
    data_arguments(session, python)
    if reason := wall_works(python):
        session.warn(f"NO SANDBOX: the examples are our own, so they run as plain processes. {reason}")
    run(session, python, "-m", "pytest", "--capture=no", "tests/examples", *session.posargs)
    session.log(f"Open {' and '.join(str(OUT / 'examples' / name / 'index.html') for name in ASSIGNMENTS)}")


@nox.session
def reference(session: nox.Session) -> None:
    """Check that every reference passes its own assignment."""
    get_wall(session)
    python = project(session)
    data = data_arguments(session, python)
    for folder in sorted(path.parent for path in HERE.glob("reference/*/assignment.toml")):
        run(session, python, "-m", "checker", "reference", str(folder), *data)


@nox.session
def bench(session: nox.Session) -> None:
    """Measure speed, as ratios of two ways side by side; arguments after -- choose benchmarks by name."""
    get_wall(session)
    python = project(session)
    get_browser(session, python)
    known = {
        path.stem: path for path in sorted((HERE / "tests" / "benchmarks").glob("*.py")) if path.stem != "measuring"
    }
    for name in session.posargs or known:
        if name not in known:
            session.error(f"There is no benchmark {name}. There are: {', '.join(known)}.")
        run(session, python, str(known[name]), str(OUT / "bench" / f"{name}.json"))


@nox.session
def soak(session: nox.Session) -> None:
    """Run the heavy trials: whole batches, again and again, killed and taken up again; every parser on much input."""
    get_wall(session)
    python = project(session)
    many = {"CHECKER_FUZZ_EXAMPLES": "3000"}
    run(session, python, "-m", "pytest", "tests/fuzz", *session.posargs, env=many)
    run(session, python, "-m", "pytest", "tests/soak", *session.posargs)


if __name__ == "__main__":
    nox.main()
