# /// script
# requires-python = ">=3.11"
# dependencies = ["nox>=2024.10.9"]
# ///
"""All that is done with this project, each as a session: ``python3 noxfile.py -l`` lists them.

Theory of operation: this file starts on a machine that has only Python. Where nox is missing it is put into an
environment of its own, and the file runs again there. TensorFlow takes 1.8 GB, so all sessions share one
environment (``.nox/project``), made anew when what the project needs or the Python version changes. pip compiles
what it installs; without byte code every import of TensorFlow would take three times as long. System packages
are installed where that is allowed; otherwise the line to type is printed.
"""

import functools
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

HERE = Path(__file__).parent.resolve()
PLACE = HERE / ".nox"
BIN = "Scripts" if os.name == "nt" else "bin"

if importlib.util.find_spec("nox") is None:
    starter = PLACE / "starter" / BIN / "python"
    if not starter.exists():
        print("Installing nox into .nox/starter …", flush=True)
        venv.create(PLACE / "starter", with_pip=True, clear=True)
        subprocess.run([starter, "-m", "pip", "install", "--quiet", "nox"], check=True)
    sys.exit(subprocess.run([starter, __file__, *sys.argv[1:]], check=False).returncode)

import nox  # noqa: E402  # only now is it certain to be there

nox.needs_version = ">=2024.10.9"
nox.options.default_venv_backend = "none"
nox.options.sessions = ["tests", "lint"]

SUBMISSIONS = HERE / "submissions"
OTHER_EXAMPLES = sorted(HERE.glob("reference/*/examples"))
"""Examples of assignments that are not the default one."""


def project(session: nox.Session) -> Path:
    """Return the Python of the shared environment, made ready."""
    if not (3, 11) <= sys.version_info[:2] <= (3, 13):
        session.error(f"Python 3.11 to 3.13 is needed; this is {sys.version.split()[0]}.")
    needs = tomllib.loads((HERE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = hashlib.sha256(f"{needs} {sys.version}".encode()).hexdigest()
    python, stamp = PLACE / "project" / BIN / "python", PLACE / "project" / "made-from"
    if not stamp.exists() or stamp.read_text() != wanted:
        session.log("Making the shared environment in .nox/project (TensorFlow: some minutes the first time)")
        venv.create(PLACE / "project", with_pip=True, clear=True)
        whole = f"{HERE}[dev,course,cluster]"
        session.run(str(python), "-m", "pip", "install", "--quiet", "--editable", whole, external=True)
        stamp.write_text(wanted)
    return python


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
        _runs([str(python), "-m", "playwright", "install", "chromium"])
    if reason := browser_works(python):
        session.warn(f"Tests that need a browser are skipped: {reason}")


def _install(*packages: str) -> bool:
    """Install system packages if that is allowed without a question; tell whether it worked."""
    as_root = [] if os.geteuid() == 0 else ["sudo", "--non-interactive"]
    install = [*as_root, "apt-get", "install", "--yes", "--quiet", *packages]
    allowed = bool(shutil.which("apt-get")) and (not as_root or _runs([*as_root, "true"]))
    return allowed and _runs([*as_root, "apt-get", "update", "--quiet"]) and _runs(install)


def _runs(command: list[str]) -> bool:
    try:
        return subprocess.run(command, check=False, stdout=subprocess.DEVNULL).returncode == 0
    except OSError:
        return False


def data_arguments(session: nox.Session, python: Path) -> list[str]:
    """Return which data to use: the real file where it can be had, else practice data, said out loud."""
    code = (
        "from pathlib import Path; from checker import assignments as a, dataset as d; "
        "d.load(a.find(None, Path('reference')).data)"
    )
    if subprocess.run([python, "-c", code], check=False, capture_output=True, cwd=HERE).returncode == 0:
        return []
    session.warn("The real housing.csv cannot be had here: using practice data.")
    return ["--practice-data"]


@nox.session
def tests(session: nox.Session) -> None:
    """Run all tests; arguments after -- go to pytest."""
    get_wall(session)
    python = project(session)
    if reason := wall_works(python):
        session.warn(f"Tests that need the wall are skipped: {reason}")
    get_browser(session, python)
    session.run(str(python), "-m", "pytest", *session.posargs, external=True)


@nox.session
def lint(session: nox.Session) -> None:
    """Check style, types and the direction of imports."""
    python = project(session)
    session.run(str(python), "-m", "ruff", "check", external=True)
    session.run(str(python), "-m", "ruff", "format", "--check", external=True)
    session.run(str(python), "-m", "mypy", external=True)
    session.run(str(python.parent / "lint-imports"), external=True)


@nox.session
def demo(session: nox.Session) -> None:
    """Check all example submissions, and that each gets the verdict it must get; arguments after -- go to the first
    batch, that of submissions/."""
    get_wall(session)
    python = project(session)
    data = data_arguments(session, python)
    walls = []
    if reason := wall_works(python):
        session.warn(f"NO SANDBOX: the examples are our own, so they run as plain processes. {reason}")
        walls = ["--sandbox", "none"]
    out, surprises = HERE / "results", []
    batches = [(SUBMISSIONS, out, session.posargs)]
    batches += [(e, out / e.parent.name, ["--assignment", str(e.parent)]) for e in OTHER_EXAMPLES]
    for examples, place, more in batches:
        session.run(
            *(str(python), "-m", "checker", "batch", str(examples), "--out", str(place), *data, *walls, *more),
            external=True,
            success_codes=[0, 1],
        )
        surprises += unexpected(examples, place)
    if surprises:
        session.error("Not the expected verdicts:\n" + "\n".join(surprises))
    pages = " and ".join(str(place / "index.html") for _, place, _ in batches)
    session.log(f"Every example got its expected verdict. Open {pages}")


def unexpected(examples: Path, out: Path) -> list[str]:
    """Return a line for each example whose verdict is not the one in its expected.toml."""
    reports = {r["submission"]["name"]: r for r in json.loads((out / "results.json").read_bytes())["reports"]}
    lines = []
    for path in sorted(examples.glob("*/expected.toml")):
        wanted = tomllib.loads(path.read_text(encoding="utf-8"))["verdict"]
        report = reports.get(path.parent.name)
        if report is not None and report["verdict"] != wanted:
            lines.append(f"  {path.parent.name}: {report['verdict']}, not {wanted}: {'; '.join(report['reasons'])}")
    return lines


@nox.session
def reference(session: nox.Session) -> None:
    """Check that every reference passes its own assignment, and that every rule is failed by some example."""
    get_wall(session)
    python = project(session)
    data = data_arguments(session, python)
    for folder in sorted(path.parent for path in HERE.glob("reference/*/assignment.toml")):
        session.run(str(python), "-m", "checker", "reference", str(folder), *data, external=True)
    session.run(str(python), "-m", "pytest", "tests/test_examples.py", *session.posargs, external=True)


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
        session.run(str(python), str(known[name]), str(HERE / "results" / "bench" / f"{name}.json"), external=True)


@nox.session
def soak(session: nox.Session) -> None:
    """Run the heavy trials: whole batches, again and again, killed and taken up again; every parser on much input."""
    get_wall(session)
    python = str(project(session))
    many = {"CHECKER_FUZZ_EXAMPLES": "3000"}
    session.run(python, "-m", "pytest", "tests/fuzz", *session.posargs, external=True, env=many)
    session.run(python, "-m", "pytest", "tests/soak", *session.posargs, external=True)


if __name__ == "__main__":
    nox.main()
