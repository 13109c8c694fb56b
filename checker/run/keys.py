"""Under which keys evidence is valid."""

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path

import checker
from checker.records.settings import RunSettings
from checker.records.submission import Submission

VERSIONED = ["tensorflow", "keras", "tf_keras", "numpy", "pandas", "scikit-learn", "scipy", "nbclient", "ipykernel"]


@dataclass(frozen=True)
class Keys:
    """The key of what a file's run has left, and that of all evidence, which depends on the choice of the answer."""

    run: str
    all: str


def key(*parts: str) -> str:
    """Return the key of evidence that depends on these parts, the checker's code and the versions around it."""
    return hashlib.sha256("\0".join((*parts, *_surroundings())).encode()).hexdigest()


@cache
def _surroundings() -> tuple[str, ...]:
    folder = Path(checker.__file__).parent
    sources = sorted(p for p in folder.rglob("*.py") if "rendering" not in p.parts)
    code = hashlib.sha256(b"\0".join(p.read_bytes() for p in sources)).hexdigest()
    return (code, *(f"{package} {version(package)}" for package in VERSIONED))


def circumstances(settings: RunSettings) -> str:
    """Return the key of everything that evidence depends on beside the submission.

    It leaves out what only judging depends on (rules, tolerance, title): these may change without a new run.
    """
    return key(_around_run(settings), settings.assignment.answer)


def _around_run(settings: RunSettings) -> str:
    """Return the key of what the run of a file depends on: everything but which network is the answer."""
    assignment = settings.assignment
    gathering = (assignment.keras, assignment.task, assignment.data, assignment.splits, assignment.caps,
                 assignment.execute, assignment.retrain)  # fmt: skip
    return key(repr(gathering), settings.dataset.note.sha256, repr((settings.seeds, settings.further)))


def evidence_keys(submission: Submission, settings: RunSettings) -> Keys:
    """Return the keys under which a submission's evidence is valid: of the file's run, and of all."""
    files = [
        (file.sha256, file.is_notebook, file.folder, [(c.name, c.sha256) for c in file.beside])
        for file in (submission, *submission.others)
    ]
    run = key(_around_run(settings), repr(files), repr(settings.exact))
    return Keys(run, key(run, circumstances(settings), settings.model))
