"""Finds assignments, and reads their ``assignment.toml``: every key is required or has a default, and unknown keys are
errors."""

import contextlib
import json
import math
import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

import checker
from checker.errors import AssignmentError, EvidenceError, UsageError
from checker.records.assignment import Assignment
from checker.records.capture import CellResult
from checker.records.codec import from_json
from checker.records.comparison import ReferenceScores
from checker.scoring.metrics import GUESSES, METRICS, STEP

FILE = "assignment.toml"
SOLUTION = "solution.ipynb"
STARTER = "starter.ipynb"
RULES = "test_rules.py"
SCORES = "scores.json"
PACKAGE = Path(checker.__file__).parent
IN_PACKAGE = PACKAGE / "assignments"
HERE = Path("reference")
"""The folder in which a course keeps its own assignments."""
SHIPPED = IN_PACKAGE if IN_PACKAGE.exists() else PACKAGE.parent / "reference"
"""The assignments that come with the checker: a wheel carries them inside the package, a checkout in ``reference/``."""
PLAIN_CSV = re.compile(r"\w[\w .()-]*\.csv", re.IGNORECASE)
"""A file name that cannot point to another folder, on any system."""

LIMITED = ("execute", "retrain")
OLD_LIMIT, LIMIT = "wall_seconds", "seconds"
"""Old and new key of a time limit. The old one limited wall-clock time."""

_FOR_PEOPLE = {
    "missing": "is missing",
    "unexpected_keyword_argument": "is not a key of an assignment",
    "timezone_aware": "expected a time with its zone, as 2026-11-30T17:00:00+00:00",
    "datetime_from_date_parsing": "expected a time with its zone, as 2026-11-30T17:00:00+00:00",
    "datetime_parsing": "expected a time with its zone, as 2026-11-30T17:00:00+00:00",
    "datetime_type": "expected a time with its zone, as 2026-11-30T17:00:00+00:00",
}


def load(folder: Path) -> Assignment:
    """Return the assignment in a folder.

    Raises AssignmentError with the file, the key and the expected value; UsageError if the folder has no assignment.
    """
    path = folder / FILE
    content = _content(path)
    for name in _with_old_limit(content):
        if LIMIT in content[name]:
            raise AssignmentError(
                f"{path}: {name}: {OLD_LIMIT} and {LIMIT} are one key, under its old name and its new one.",
                f"Take {OLD_LIMIT} out.",
            )
        content[name] = {LIMIT if key == OLD_LIMIT else key: value for key, value in content[name].items()}
    if "folder" in content:
        raise AssignmentError(f"{path}: folder: {_FOR_PEOPLE['unexpected_keyword_argument']}")
    beside = {"folder": str(folder.resolve())}
    try:
        assignment = TypeAdapter(Assignment).validate_json(json.dumps(content | beside, default=str))
    except ValidationError as error:
        raise AssignmentError(f"{path}: {_in_words(error)}", f"See {SHIPPED / 'ocean_proximity' / FILE}.") from error
    _check(path, assignment)
    return assignment


def outdated(folder: Path) -> tuple[str, ...]:
    """Return a sentence about each key of an assignment that still loads, but has a new name."""
    path = folder / FILE
    return tuple(
        f"{path}: {name}.{OLD_LIMIT} is read as {name}.{LIMIT}, which counts a job's own time: "
        f"what it has of processors, or the clock's where it wants none. Rename it."
        for name in _with_old_limit(_content(path))
    )


def _content(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"There is no assignment in {path.parent}: {error.strerror}: {FILE}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:  # RecursionError: nested brackets
        raise AssignmentError(f"{path}: not TOML: {error}") from error


def _with_old_limit(content: dict[str, Any]) -> list[str]:
    return [name for name in LIMITED if isinstance(content.get(name), dict) and OLD_LIMIT in content[name]]


def find(given: Path | None, root: Path = HERE) -> Assignment:
    """Return the assignment ``given`` by its folder or its name; without one, the only assignment in ``root``, or its
    only default. If ``root`` has none, return the default of those that come with the checker.

    Raises UsageError if there is no such assignment.
    """
    if given is not None:
        return load(locate(given))
    folders = _within(root) or _within(SHIPPED)
    found = [load(folder) for folder in folders]
    marked = found if len(found) == 1 else [assignment for assignment in found if assignment.default]
    if len(marked) != 1:
        names = ", ".join(str(folder) for folder in folders)
        raise UsageError("Which assignment?", f"Say --assignment FOLDER. There are: {names}.")
    return marked[0]


def locate(given: Path) -> Path:
    """Return the folder of an assignment, named by its folder or, if it comes with the checker, by its name.

    Raises UsageError, with a list of those that come with the checker, if there is no such assignment.
    """
    with contextlib.suppress(OSError):  # a name that is too long, or a folder that nobody may open
        if (given / FILE).is_file():
            return given
    known = shipped()
    if str(given) in known:
        return known[str(given)]
    raise UsageError(
        f"There is no assignment in {given}: {FILE} is missing.",
        f"Name an assignment's folder, or one that comes with the checker: {', '.join(known)}.",
    )


def shipped() -> dict[str, Path]:
    """Return the folders of the assignments that come with the checker, by name."""
    return {folder.name: folder.resolve() for folder in _within(SHIPPED)}


def _within(root: Path) -> list[Path]:
    return sorted(path.parent for path in root.glob(f"*/{FILE}"))


def has_public_seeds(assignment: Assignment) -> bool:
    """Tell whether the seeds for grading are those of an assignment that comes with the checker."""
    return assignment.seeds.grading in [load(folder).seeds.grading for folder in shipped().values()]


def grading_seeds(assignment: Assignment) -> tuple[int, ...]:
    """Return the seeds for grading.

    Raises UsageError if there are none, as in the students' part of an assignment.
    """
    if not assignment.seeds.grading:
        raise UsageError(
            f"{assignment.folder} has no seeds for grading (seeds.grading), as the part for students has none.",
            "Name the folder of the whole assignment.",
        )
    return assignment.seeds.grading


def scores(assignment: Assignment) -> tuple[ReferenceScores, ...]:
    """Return the committed scores of the reference, one record for each data set; empty if there are none."""
    path = Path(assignment.folder, SCORES)
    try:
        return from_json(tuple[ReferenceScores, ...], path.read_bytes()) if path.exists() else ()
    except EvidenceError as error:
        raise AssignmentError(f"{path}: {error.message}") from error


def starter_sources(assignment: Assignment) -> tuple[str, ...]:
    """Return the sources of the hand-out's code cells."""
    path = Path(assignment.folder, STARTER)
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        return tuple("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise AssignmentError(f"{path}: not a notebook: {error}") from error


def own_cells(assignment: Assignment, cells: Sequence[CellResult]) -> tuple[CellResult, ...]:
    """Return the cells whose source is not in the hand-out, ignoring white space."""
    handed_out = {_squeezed(source) for source in starter_sources(assignment)}
    return tuple(cell for cell in cells if _squeezed(cell.source) not in handed_out)


def _squeezed(source: str) -> str:
    return "".join(source.split())


def _in_words(error: ValidationError) -> str:
    return "; ".join(
        f"{'.'.join(str(part) for part in found['loc'])}: {_FOR_PEOPLE.get(found['type'], found['msg'])}"
        for found in error.errors(include_url=False)
    )


def _check(path: Path, assignment: Assignment) -> None:
    """Raise AssignmentError for values that have the right type but are invalid, and for missing files."""
    bar, is_regression = assignment.bar, assignment.task == "regression"
    of_task = {key: metric for key, metric in METRICS.items() if metric.task == assignment.task}
    baselines = sorted({m.baseline for m in of_task.values()} | {GUESSES.get(assignment.task, "")})
    most = math.inf if is_regression else 1
    wrong = {
        "keras: expected auto, 3 or 2": assignment.keras in ("auto", "3", "2"),
        "task: expected classification or regression": assignment.task in ("classification", "regression"),
        f"bar.metric: expected {' or '.join(of_task)}": not of_task or bar.metric in of_task,
        f"bar.baseline: expected {' or '.join(baselines)}": not of_task or bar.baseline in baselines,
        'bar.unit: expected the smallest amount to be shown, as "$1", "0.01 kg"': STEP.fullmatch(bar.unit) is not None,
        f"bar.tolerance: expected a number from 0 {'on' if is_regression else 'to 1'}": 0 <= bar.tolerance <= most,
        "bar.share: expected a number above 0 and below 1": bar.share is None or 0 < bar.share < 1,
        "bar.level: expected a number above 0 and below 0.5": 0 < bar.level < 0.5,
        "splits: expected fractions above 0 that leave rows to train on": 0
        < assignment.splits.test
        < assignment.splits.test + assignment.splits.development
        < 1,
        "seeds.grading: expected at least two, all different, none negative": not assignment.seeds.grading
        or (len(assignment.seeds.grading) >= 2 and _are_distinct_seeds(assignment.seeds.grading)),
        "seeds.further: expected none but others than those of grading, none negative": not assignment.seeds.further
        or _are_distinct_seeds((*assignment.seeds.further, *set(assignment.seeds.grading))),
        "seeds.self_check: expected at least two that grading does not use": len(assignment.seeds.self_check) >= 2
        and _are_distinct_seeds(
            (*assignment.seeds.self_check, *{*assignment.seeds.grading, *assignment.seeds.further})
        ),
        "seeds.drawn: expected at least two": assignment.seeds.drawn >= 2,
        "data.file: expected a plain name that ends in .csv": PLAIN_CSV.fullmatch(assignment.data.file) is not None,
        "data.classes: expected at least two, all different": is_regression
        or len(set(assignment.data.classes)) == len(assignment.data.classes) >= 2,
        "data.classes: expected none for a regression": not (is_regression and assignment.data.classes),
        "rules: expected each name in one list, once": len(set(assignment.rules.named)) == len(assignment.rules.named),
        "data.features: expected at least one, all different, without the target": bool(assignment.data.features)
        and len({*assignment.data.features, assignment.data.target}) == len(assignment.data.features) + 1,
    }
    amounts = {name: getattr(assignment, name) for name in ("caps", *LIMITED)}
    wrong |= {
        f"{name}.{key}: expected more than 0": value > 0
        for name, of in amounts.items()
        for key, value in vars(of).items()
    }
    broken = [words for words, holds in wrong.items() if not holds]
    if broken:
        raise AssignmentError(f"{path}: {'; '.join(broken)}")
    for name in (STARTER, RULES):
        if not (path.parent / name).is_file():
            raise AssignmentError(f"{path.parent}: the file {name} is missing")


def _are_distinct_seeds(seeds: Sequence[int]) -> bool:
    return len(set(seeds)) == len(seeds) and min(seeds) >= 0
