"""What the host asks of a guest, and how the guest's process ended."""

from dataclasses import dataclass
from enum import StrEnum

from checker.records.assignment import Caps
from checker.records.codec import record
from checker.records.network import Architecture, Labels, Recipe


class Ending(StrEnum):
    """How a guest's job ended, seen from outside. ``WALL_CLOCK``: it had taken less of its own time than it may, yet
    ten times that by the clock."""

    FINISHED = "finished"
    CRASHED = "crashed"
    TIME = "time"
    WALL_CLOCK = "wall clock"
    MEMORY = "memory"
    OUTPUT = "output"
    PROCESSES = "processes"
    NONSENSE = "nonsense"


@record
@dataclass(frozen=True, kw_only=True)
class ReplayPlan:
    """Which model is trained on the checker's rows while a file runs again: that of this ``rank`` among those first
    seen in its ``cell``, in so many calls of ``fit`` on at least ``enough`` rows each. ``batch_size`` counts where the
    student's rows came in batches of their own. ``cells``: those that run; all where there is none.
    """

    cell: int
    rank: int
    fits: int
    enough: int
    outputs: int
    labels: Labels
    batch_size: int
    seed: int = 0
    cells: tuple[int, ...] = ()


@record
@dataclass(frozen=True, kw_only=True)
class ExecuteJob:
    """Run a notebook or module from top to bottom. Its bytes, the data set's, and those of its companions travel beside
    the job, and for a replay one seed's five arrays, as in a ``RetrainJob``.

    ``keras``: the generation, "2" or "3", with the reason for it; or "auto", and the guest looks at the code.
    ``exact``: ``fit`` is left as it is, and nothing speeds it up. ``file``: what the data set's file is called.
    ``folder``: where in the student's own folder the file lies, whose other files are called ``companions``.
    """

    is_notebook: bool
    keras: str
    reason: str
    caps: Caps
    classes: tuple[str, ...]
    replay: ReplayPlan | None = None
    exact: bool = False
    file: str = "housing.csv"
    folder: str = ""
    companions: tuple[str, ...] = ()


@record
@dataclass(frozen=True, kw_only=True)
class RetrainJob:
    """Rebuild and train a model once for each seed; five arrays for each seed travel beside the job.

    The order beside the job is, for each seed: training features and labels, development features and
    labels (zero rows where none is watched), held-out features. Held-out labels are not among them.
    ``parameters``: the most weights that the rebuilt network may have.
    """

    keras: str
    architecture: Architecture
    recipe: Recipe
    classes: tuple[str, ...]
    parameters: int
    seeds: tuple[int, ...]


@record
@dataclass(frozen=True)
class Progress:
    """For the progress bar: step ``at`` of ``of`` (cells, or seeds)."""

    at: int
    of: int


MAX_EPOCHS = 5_000
"""Epochs of a stretch of training of which figures are kept."""


@record
@dataclass(frozen=True, kw_only=True)
class Execution:
    """A guest's job as seen from outside. ``output_tail``: the last of what it wrote to stderr. ``counted_seconds``:
    its own, which its limit is about."""

    ending: Ending
    exit_code: int | None
    wall_seconds: float
    cpu_seconds: float
    peak_memory_mib: float
    output_tail: str
    sandbox: str
    counted_seconds: float = 0.0
