"""Under which keys evidence is valid: whatever it depends on, and nothing else.

Theory of operation: evidence has two keys. What the run of a student's file left depends on the file, the data, the
limits of the run, the kind of sandbox, and the code that runs, walls and hears the guest. The rest, from the choice of
the answer to its retraining, depends on that, on seeds and splits, and on the code of ``gather``. Neither depends on
judging, reports, gradebooks or commands: a mended verdict is a matter of ``checker judge``, and mended row matching
runs no student's file again.

Which code that is follows from imports: a key holds the sources of its root modules and of all modules of the checker
that these import, directly or through others. So a package must not import what its evidence does not depend on.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path

import checker
from checker.records.settings import RunSettings
from checker.records.submission import Submission

VERSIONED = ["tensorflow", "keras", "tf_keras", "numpy", "pandas", "scikit-learn", "scipy", "nbclient", "ipykernel"]
"""Packages whose versions evidence depends on."""
RUN = ("checker.guest", "checker.sandbox", "checker.gather.execution")
"""What runs a student's file."""
GATHERING = (*RUN, "checker.gather")
"""What gathers all evidence."""
ASIDE = ("checker.sandbox.trials",)
"""Modules below the roots above that no submission meets."""
IMPORT = re.compile(r"^[ \t]*from (checker[\w.]*) import (\([^)]*\)|[^\n#]+)", re.MULTILINE)


@dataclass(frozen=True)
class Keys:
    """The key of what a file's run has left, and that of all evidence, which depends on the choice of the answer."""

    run: str
    all: str


def evidence_keys(submission: Submission, settings: RunSettings, kind: str) -> Keys:
    """Return the keys under which a submission's evidence is valid, where it runs in a ``kind`` of sandbox."""
    files = [
        (file.sha256, file.is_notebook, file.folder, [(c.name, c.sha256) for c in file.beside])
        for file in (submission, *submission.others)
    ]
    assignment = settings.assignment
    run = key(
        RUN,
        repr((assignment.keras, assignment.task, assignment.data, assignment.caps, assignment.execute)),
        settings.dataset.note.sha256,
        repr(files),
        repr(settings.exact),
        kind,
    )
    return Keys(run, key(GATHERING, run, circumstances(settings), settings.model))


def circumstances(settings: RunSettings) -> str:
    """Return the key of everything that evidence depends on beside the submission and the place where it runs.

    It leaves out what only judging depends on (rules, tolerance, title): these may change without a new run.
    """
    assignment = settings.assignment
    gathering = (assignment.keras, assignment.task, assignment.data, assignment.splits, assignment.caps,
                 assignment.execute, assignment.retrain, assignment.answer)  # fmt: skip
    seeds = (settings.seeds, settings.further)
    return key(GATHERING, repr(gathering), settings.dataset.note.sha256, repr(seeds))


def key(roots: tuple[str, ...], *parts: str) -> str:
    """Return the key of what depends on these parts, on the code of these modules, and on the versions of packages."""
    return hashlib.sha256("\0".join((*parts, code_of(roots), *_versions())).encode()).hexdigest()


@cache
def _versions() -> tuple[str, ...]:
    return tuple(f"{package} {version(package)}" for package in VERSIONED)


@cache
def code_of(roots: tuple[str, ...]) -> str:
    """Return a digest of the sources of these modules or packages, and of all that they import."""
    package = Path(checker.__file__).parent
    return digest(package, modules(package, roots))


def digest(package: Path, names: Iterable[str]) -> str:
    """Return a digest of the sources of modules of the checker, which lies in the folder ``package``."""
    sources = _sources(package)
    return hashlib.sha256(b"\0".join(sources[name].read_bytes() for name in sorted(names))).hexdigest()


def modules(package: Path, roots: Iterable[str]) -> frozenset[str]:
    """Return the names of these modules, or of all modules of these packages, and of all that they import."""
    sources = _sources(package)
    waiting = [name for root in roots for name in _within(root, sources)]
    found: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += _imported(sources[name].read_text(encoding="utf-8"), sources)
    return frozenset(found)


def _sources(package: Path) -> dict[str, Path]:
    """Return the sources of all modules of the checker, by name."""
    files = {path.relative_to(package.parent).with_suffix(""): path for path in package.rglob("*.py")}
    return {".".join(name.parts).removesuffix(".__init__"): path for name, path in files.items()}


def _within(root: str, sources: Iterable[str]) -> Iterator[str]:
    """Yield a module, or a package and all modules below it but those that no submission meets."""
    for name in sources:
        if f"{name}.".startswith(f"{root}.") and not any(f"{name}.".startswith(f"{aside}.") for aside in ASIDE):
            yield name


def _imported(source: str, known: Iterable[str]) -> Iterator[str]:
    """Yield the modules of the checker that a source imports, and the packages that these lie in."""
    for module, names in IMPORT.findall(source):
        for name in re.findall(r"\w+", names):
            whole = f"{module}.{name}" if f"{module}.{name}" in known else module
            parts = whole.split(".")
            yield from (".".join(parts[:end]) for end in range(1, len(parts) + 1))
