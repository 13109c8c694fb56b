"""How often rows without inputs are taken for others than they are, and what is found of those that are chosen.

Of the real data where it can be had, with what the references gave for the self-check seeds' held-out rows.
"""

import sys
from dataclasses import asdict, dataclass, replace

import measuring
import numpy as np
from rich.console import Console
from rich.table import Table

from checker.assignment import folders
from checker.judge import missing_rows, missingness
from checker.records.arrays import Array
from checker.records.comparison import Likeness
from checker.records.settings import ReferenceResults, RunSettings
from checker.run import references
from checker.scoring.held_out import held_out_rows

TRIALS = 1_000


@dataclass(frozen=True)
class Told:
    """Of so many draws of missing rows, how many were told to be what."""

    assignment: str
    what: str
    rows: int
    trials: int
    few: int
    alike: int
    unlike: int


def cases(settings: RunSettings, reference: ReferenceResults) -> dict[str, list[Array]]:
    """Return which rows of the data are known (n,), by what became of the others."""
    labels, random, n = settings.dataset.labels, np.random.default_rng(1), len(settings.dataset.labels)
    errors = missing_rows.mean_errors(
        {seed: held_out_rows(seed, settings) for seed in settings.seeds}, labels, reference
    )

    def drawn(among: Array, count: int, trials: int = TRIALS) -> list[Array]:
        rows = np.flatnonzero(among)
        return [~np.isin(np.arange(n), random.choice(rows, count, replace=False)) for _ in range(trials)]

    everything = np.ones(n, dtype=bool)
    found = {f"{count:,} at random": drawn(everything, count) for count in (30, 60, 207, 1_000, round(0.2 * n))}
    found["rows with gaps"] = [~np.isnan(settings.dataset.features).any(axis=1)]
    found["the last fifth of the file"] = [np.arange(n) < 0.8 * n]
    groups = {f"class {name}": labels == number for number, name in enumerate(settings.assignment.data.classes)}
    if settings.assignment.data.is_regression:
        groups = {"the highest value": labels == labels.max(), "the upper tenth": labels > np.quantile(labels, 0.9)}
    groups["what the reference is worst at"] = errors >= np.quantile(errors[errors > 0], 0.9)
    for name, among in groups.items():
        for share in (0.02, 0.05, 0.1, 1.0):
            count = round(share * among.sum())
            if count:
                found[f"{share:.0%} of {name}"] = drawn(among, count, 100 if share < 1 else 1)
    return found


def tell(settings: RunSettings, reference: ReferenceResults) -> list[Told]:
    """Return what each case is told to be."""
    told = []
    for what, knowns in cases(settings, reference).items():
        found = [missing_rows.missing_rows(known, settings, reference) for known in knowns]
        kinds = [of.likeness if of else Likeness.FEW for of in found]
        counts = [kinds.count(kind) for kind in (Likeness.FEW, Likeness.ALIKE, Likeness.UNLIKE)]
        told.append(Told(settings.assignment.id, what, int((~knowns[0]).sum()), len(knowns), *counts))
    return told


def show(told: list[Told], console: Console) -> None:
    """Print a table of an assignment."""
    table = Table(
        "missing", "rows", "too few", "alike", "unlike", title=f"{told[0].assignment}, level {missingness.LEVEL}"
    )
    for of in told:
        shares = (f"{count / of.trials:.1%}" for count in (of.few, of.alike, of.unlike))
        table.add_row(of.what, f"{of.rows:,}", *shares)
    console.print(table)


def main() -> None:
    console, kept = Console(width=None if sys.stdout.isatty() else 110), []
    for path in sorted((measuring.ROOT / "reference").glob("*/assignment.toml")):
        assignment = folders.load(path.parent)
        settings = RunSettings(
            assignment=assignment, dataset=measuring.load_data(assignment.data), seeds=assignment.seeds.self_check
        )
        told = tell(replace(settings, seeds=settings.seeds[:3]), references.of_scores(settings))
        show(told, console)
        kept += [asdict(of) for of in told]
    measuring.write_json(kept)


if __name__ == "__main__":
    main()
