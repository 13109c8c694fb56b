"""The host's jobs for guests, and their endings."""

from dataclasses import dataclass
from enum import StrEnum

from checker.records.assignment import Caps
from checker.records.codec import record
from checker.records.network import Architecture, Labels, Recipe


class Ending(StrEnum):
    """How a guest's job ended, as the host saw it. ``TIME``: its own time exceeded the limit. ``WALL_CLOCK``: the clock
    exceeded ten times the limit. ``NONSENSE``: a protocol error."""

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
    """The model to train on the checker's rows during a replay: by ``rank`` among those first noticed in its ``cell``.

    ``fits``: its number of calls of ``fit`` on at least ``enough`` rows each. ``batch_size`` is used if the student's
    data came in batches. ``cells``: the cells to run; () for all.
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
    the job; a replay also has one seed's five arrays, as in a ``RetrainJob``.

    ``keras``: the generation, "2" or "3", with the reason for it; with "auto" the guest decides by the code. ``exact``:
    run Keras's own ``fit`` without our speed-ups. ``file``: the name of the data set's file. ``folder``: the file's
    folder inside the student's own folder. ``companions``: paths of the other files in it.
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

    The order of the arrays is, for each seed: training features and labels, development features and labels (zero rows
    if the recipe watches none), held-out features. Held-out labels are never sent. ``parameters``: limit on the rebuilt
    network's weights. ``live``: send each epoch as it ends. ``alike``: the loop is chosen as for this many seeds; 0 for
    as many as the job has.
    """

    keras: str
    architecture: Architecture
    recipe: Recipe
    classes: tuple[str, ...]
    parameters: int
    seeds: tuple[int, ...]
    live: bool = False
    alike: int = 0


@record
@dataclass(frozen=True)
class Progress:
    """For the progress bar: the running cell or the number of trained seeds (``at``), and the total (``of``)."""

    at: int
    of: int


MAX_EPOCHS = 5_000
"""Maximum number of epochs in the history of a stretch of training."""


@record
@dataclass(frozen=True, kw_only=True)
class Execution:
    """A guest's job as the host saw it. ``output_tail``: the end of its stderr. ``counted_seconds``: its own time, to
    which the limit applies."""

    ending: Ending
    exit_code: int | None
    wall_seconds: float
    cpu_seconds: float
    peak_memory_mib: float
    output_tail: str
    sandbox: str
    counted_seconds: float = 0.0
