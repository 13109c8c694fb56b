"""How the references' scores vary over thirty seeds, and where the bar lies: what tolerances are chosen by.

Each reference runs once and is trained for all seeds, as any submission is, on the real data where it can be had.
"""

import statistics
import sys
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

import measuring
import numpy as np
from rich.console import Console
from rich.table import Table

from checker.assignment import folders
from checker.records.settings import RunSettings
from checker.run import check, references
from checker.sandbox import kinds
from checker.scoring import metrics
from checker.scoring.metrics import Metric

SEEDS = tuple(range(1_001, 1_031))
BINS = 10


@dataclass(frozen=True)
class Spread:
    """A reference's scores by seed, those of the baseline that decides, and the bar by their means."""

    assignment: str
    data: str
    scores: tuple[float, ...]
    baselines: tuple[float, ...]
    bar: float


def spread_of(folder: Path) -> Spread:
    """Train a reference for all seeds."""
    assignment = folders.load(folder)
    data = measuring.load_data(assignment.data)
    settings = RunSettings(assignment=assignment, dataset=data, seeds=SEEDS)
    with closing(kinds.choose("none").open()) as boxes:
        gathered = check.examine(references.reference_submission(settings), settings, boxes, lambda *step: None)
    reference = references.of_reference(gathered, settings, references.baseline_scores(settings))
    scores, baselines = (tuple(of[seed] for seed in SEEDS) for of in (reference.scores, reference.baselines))
    bar = metrics.METRICS[assignment.bar.metric].bar(
        assignment.bar, statistics.fmean(scores), statistics.fmean(baselines)
    )
    return Spread(assignment.id, data.note.name, scores, baselines, bar)


def show(spread: Spread, metric: Metric, console: Console) -> None:
    """Print the distribution, and how far the bar lies from its mean."""
    mean, deviation, write = statistics.fmean(spread.scores), statistics.stdev(spread.scores), metric.unit.value
    table = Table("scores", "seeds", title=f"{spread.assignment}, {len(SEEDS)} seeds, {spread.data}: {metric.name}")
    counts, edges = np.histogram(spread.scores, BINS)
    for count, low, high in zip(counts, edges, edges[1:], strict=False):
        table.add_row(f"{write(low)} – {write(high)}", f"{'█' * count} {count}")
    console.print(table)
    low, high = min(spread.scores), max(spread.scores)
    console.print(
        f"Mean {write(mean)}, deviation {metric.unit.fine_amount(deviation)}, from {write(low)} to {write(high)}. "
        f"The bar, {write(spread.bar)}, lies {abs(mean - spread.bar) / deviation:.1f} deviations off the mean; "
        f"the baseline reaches {write(statistics.fmean(spread.baselines))}."
    )


def main() -> None:
    console = Console(width=None if sys.stdout.isatty() else 140)
    spreads = []
    for path in sorted((measuring.ROOT / "reference").glob("*/assignment.toml")):
        spreads.append(spread_of(path.parent))
        bar = folders.load(path.parent).bar
        show(spreads[-1], metrics.find(bar.metric, bar.unit), console)
    measuring.write_json([asdict(spread) for spread in spreads])


if __name__ == "__main__":
    main()
