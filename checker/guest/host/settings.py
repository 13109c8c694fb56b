"""The settings that the client passes to the kernel it starts: one record, written and read as JSON."""

import json
from dataclasses import dataclass

from checker.records.assignment import Caps
from checker.records.codec import from_json, record, to_json
from checker.records.job import ReplayPlan


@record
@dataclass(frozen=True, kw_only=True)
class KernelSettings:
    """How a kernel runs a submission.

    ``cells`` are the numbers of the cells with code, from 1; ``lines`` are, for a module, the numbers of lines before
    each. ``outputs`` is the number of outputs of a network for the task. ``exact`` switches all speed-ups off.
    ``legacy``: the kernel uses legacy Keras; ``tensorflow_1``: ``import tensorflow`` means version 1; ``graph``: the
    file needs graph mode from its start. ``arrays`` is the file with the rows of a ``replay``. ``csv`` is the file name
    of the data set. ``places`` are the paths in Drive and Kaggle that the code names, ``root`` is the student's own
    folder. ``file`` is the path of a module, "" for a notebook.
    """

    cells: tuple[int, ...]
    lines: tuple[int, ...] = ()
    caps: Caps
    outputs: int
    exact: bool = False
    legacy: bool = False
    tensorflow_1: bool = False
    graph: bool = False
    replay: ReplayPlan | None = None
    arrays: str = ""
    csv: str
    places: tuple[str, ...] = ()
    root: str
    file: str = ""


def as_argument(settings: KernelSettings) -> str:
    """Return settings as an argument of a command, in ASCII: a locale may have no other characters."""
    return json.dumps(json.loads(to_json(settings)))


def of_argument(argument: str) -> KernelSettings:
    """Return the settings in an argument."""
    return from_json(KernelSettings, argument)
