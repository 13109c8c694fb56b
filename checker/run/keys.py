"""Keys under which evidence is valid: hashes of everything it depends on, and nothing else.

Theory of operation: evidence has two keys. The result of running a student's file depends on the file, the data, the
limits of the run, the kind of sandbox, and the code that runs the guest, isolates it and reads its frames. The rest,
from the choice of the answer to its retraining, also depends on seeds and splits, and on the code of ``gather``.
Neither depends on judging, reports, gradebooks or commands: after a fix in judging, ``checker judge`` is enough, and
after a fix in row matching no student's file runs again.

The code in a key follows from imports: a key covers the sources of its root modules and of all modules of the checker
that these import, directly or indirectly. So a package must not import modules that its evidence does not depend on.
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
"""Packages whose versions are part of every key."""
RUN = ("checker.guest", "checker.sandbox", "checker.gather.execution")
"""Root modules of the code that runs a student's file."""
GATHERING = (*RUN, "checker.gather")
"""Root modules of the code that gathers all evidence."""
VARIANTS = (*GATHERING, "checker.whatif.training")
"""Root modules of the code that trains variants."""
ASIDE = ("checker.sandbox.trials",)
"""Modules below these roots that no submission uses."""
IMPORT = re.compile(r"^[ \t]*from (checker[\w.]*) import (\([^)]*\)|[^\n#]+)", re.MULTILINE)


@dataclass(frozen=True)
class Keys:
    """``run``: the key of the result of a file's run. ``all``: the key of all evidence, which also depends on the
    choice of the answer."""

    run: str
    all: str


def evidence_keys(submission: Submission, settings: RunSettings, kind: str) -> Keys:
    """Return the keys of a submission's evidence when it runs in a ``kind`` of sandbox."""
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
    return answered(run, settings)


def answered(run: str, settings: RunSettings) -> Keys:
    """Return the keys of evidence whose part from the file's run has the key ``run``."""
    return Keys(run, key(GATHERING, run, circumstances(settings), settings.model))


def circumstances(settings: RunSettings) -> str:
    """Return the key of everything that evidence depends on, except the submission and its place.

    It leaves out settings that only judging uses (rules, tolerance, title): these may change without a new run.
    """
    assignment = settings.assignment
    gathering = (assignment.keras, assignment.task, assignment.data, assignment.splits, assignment.caps,
                 assignment.execute, assignment.retrain, assignment.answer)  # fmt: skip
    seeds = (settings.seeds, settings.further, settings.drawn)
    return key(GATHERING, repr(gathering), settings.dataset.note.sha256, repr(seeds))


def key(roots: tuple[str, ...], *parts: str) -> str:
    """Return a hash of these parts, the code of these modules, and the versions of packages."""
    return hashlib.sha256("\0".join((*parts, code_of(roots), *_versions())).encode()).hexdigest()


@cache
def _versions() -> tuple[str, ...]:
    return tuple(f"{package} {version(package)}" for package in VERSIONED)


@cache
def code_of(roots: tuple[str, ...]) -> str:
    """Return a digest of the sources of these modules or packages, and of everything they import."""
    package = Path(checker.__file__).parent
    return digest(package, modules(package, roots))


def digest(package: Path, names: Iterable[str]) -> str:
    """Return a digest of the sources of modules of the checker; ``package`` is its folder."""
    sources = _sources(package)
    return hashlib.sha256(b"\0".join(sources[name].read_bytes() for name in sorted(names))).hexdigest()


def modules(package: Path, roots: Iterable[str]) -> frozenset[str]:
    """Return the names of these modules, or of all modules of these packages, and of everything they import."""
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
    """Yield a module, or a package and all modules below it, except those in ``ASIDE``."""
    for name in sources:
        if f"{name}.".startswith(f"{root}.") and not any(f"{name}.".startswith(f"{aside}.") for aside in ASIDE):
            yield name


def _imported(source: str, known: Iterable[str]) -> Iterator[str]:
    """Yield the modules of the checker that a source imports, and the packages around them."""
    for module, names in IMPORT.findall(source):
        for name in re.findall(r"\w+", names):
            whole = f"{module}.{name}" if f"{module}.{name}" in known else module
            parts = whole.split(".")
            yield from (".".join(parts[:end]) for end in range(1, len(parts) + 1))
