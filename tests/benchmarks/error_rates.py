"""How often the seeds pass, fail or refer a network that truly lies at the bar, or off it: a seeded simulation.

Theory of operation. First real trainings, small enough to be done ten thousand times: two networks with random hidden
layers, the larger one as the reference, are trained on five overlapping splits of a data set drawn anew each time. So
the true difference of their accuracies is known, and with it how often a test rejects what is true, and how much the
seeds' differences have in common beyond it: with hidden layers that are drawn anew for each seed, as a network's first
weights are, and with the same ones for all seeds, where nothing but the split varies. Then scores are drawn at random
at the spreads that were met with real submissions, with the larger of both correlations, for networks at several
distances from the bar, and judged as the checker does. At last some of these seeds go wild: a training that collapses,
by far more than all others vary.
"""

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from checker.judge.comparison import chance_of_one_side, overlap
from checker.judge.odds import decided
from checker.records.assignment import SplitPlan

PLAN = SplitPlan(test=0.2, development=0.16)
ROWS, INPUTS = 2_000, 6
SEEDS, FURTHER = 5, 5
"""Seeds that every submission is trained for, and further ones where these cannot decide."""
LARGE, SMALL = 60, 25
DATA_SETS = 1_000
LEVELS = (0.05, 0.1)
OFF = (-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0)
SPREADS = (0.6, 1.0, 2.0)
"""Points by which a submission's differences to the reference vary from seed to seed: with the real data 0.3 to 1.4,
most often 0.6; with the practice data up to 2.5."""
WILD, FALL = (0.0, 0.1, 0.3), 10.0
"""Shares of all seeds that collapse, and by how many points."""
DRAWS = 50_000

Array = NDArray[np.float64]
Rows = NDArray[np.int64]


# -- real trainings --------------------------------------------------------------------------------------


def labelled_rows(random: np.random.Generator) -> tuple[Array, Array]:
    """Return inputs (rows, inputs) and labels (rows,) of a curved border, one in twenty of them wrong."""
    x = random.normal(size=(ROWS, INPUTS))
    inside = np.sin(2 * x[:, 0]) + x[:, 1] * x[:, 2] + 0.5 * x[:, 3] > 0
    return x, inside ^ (random.random(ROWS) < 0.05)


def accuracy(x: Array, y: Array, training: Rows, held_out: Rows, units: int, hidden_seed: int) -> float:
    """Return the held-out accuracy of a network whose hidden layer is random and whose output is fitted."""
    random = np.random.default_rng([hidden_seed, units])
    hidden = np.tanh(x @ random.normal(size=(INPUTS, units)) + random.normal(size=units))
    a = hidden[training]
    weights = np.linalg.solve(a.T @ a + 0.1 * np.eye(units), a.T @ (2.0 * y[training] - 1))
    return float(np.mean((hidden[held_out] @ weights > 0) == y[held_out]))


def differences(random: np.random.Generator, anew: bool) -> list[float]:
    """Return how much better the small network is than the large one on each seed's split of one data set."""
    x, y = labelled_rows(random)
    test, trained = round(ROWS * PLAN.test), round(ROWS * (1 - PLAN.test - PLAN.development))
    found = []
    for _ in range(SEEDS + FURTHER):
        order, hidden = random.permutation(ROWS), int(random.integers(2**32)) if anew else 1
        split = x, y, order[test : test + trained], order[:test]
        found.append(accuracy(*split, SMALL, hidden) - accuracy(*split, LARGE, hidden))
    return found


def in_common(scores: Array) -> float:
    """Return the correlation of two seeds' scores on the same data set (..., seeds): the share of variance between."""
    within = float(scores.var(axis=1, ddof=1).mean())
    between = float(scores.mean(axis=1).var(ddof=1)) - within / scores.shape[1]
    return max(0.0, between / (between + within))


def trained(console: Console) -> float:
    """Print how often each test rejects what is true of real trainings; return the most that seeds have in common."""
    title = f"Networks exactly at the bar, {DATA_SETS:,} data sets of {ROWS:,} rows, {SEEDS} seeds"
    table = Table("hidden layers", "correlation", "test", "level", "passed", "failed", title=title)
    most = 0.0
    for layers, anew in (("anew for each seed", True), ("the same", False)):
        random = np.random.default_rng(2_003)
        scores = np.array([differences(random, anew) for _ in range(DATA_SETS)])
        common = in_common(scores)
        ahead = scores - scores.mean()
        tests = (("plain t", 0.0, 0, False), ("corrected t", overlap(PLAN), 0, False),
                 ("corrected t, further seeds", overlap(PLAN), FURTHER, False),
                 ("that, or each seed", overlap(PLAN), FURTHER, True))  # fmt: skip
        for name, share, further, each_counts in tests:
            for level in LEVELS:
                rates = map(percent, decided(ahead, SEEDS, further, share, level, each_counts))
                table.add_row(layers, f"{common:.2f}", name, f"{level:.2f}", *rates)
        most = max(most, common)
    console.print(table)
    chances = f"{chance_of_one_side(SEEDS + FURTHER, most):.3f}, {chance_of_one_side(SEEDS + FURTHER, assumed()):.3f}"
    console.print(f"The correction is exact for a correlation of {assumed():.2f}.")
    console.print(
        f"All {SEEDS + FURTHER} seeds on one side at the most that they had in common, and at that: {chances}."
    )
    return most


def assumed() -> float:
    """Return the correlation for which the correction is exact."""
    share = overlap(PLAN)
    return share / (1 + share)


# -- drawn scores ----------------------------------------------------------------------------------------


def scores(common: float, seeds: int, spread: float, off: float) -> Array:
    """Return how far ahead of the bar the seeds of networks are (networks, seeds) that lie so many points off it."""
    random = np.random.default_rng([seeds, round(100 * spread), round(100 * (off + 10))])
    shared, own = random.normal(size=(DRAWS, 1)), random.normal(size=(DRAWS, seeds))
    return off + spread * (np.sqrt(common / (1 - common)) * shared + own)


def rates(passed: NDArray[np.bool_], failed: NDArray[np.bool_]) -> str:
    """Return how often a network passes, is referred, fails."""
    return " / ".join((percent(passed), percent(~passed & ~failed), percent(failed)))


def drawn(common: float, seeds: int, further: int, level: float, spread: float, off: float) -> str:
    """Return how often a network so many points off the bar passes, is referred, fails."""
    return rates(*decided(scores(common, seeds + further, spread, off), seeds, further, overlap(PLAN), level))


def verdicts(common: float, seeds: int, further: int, level: float, console: Console) -> None:
    """Print the verdicts on networks at several distances from the bar, for each spread of their differences."""
    title = f"{seeds} seeds, {further} further, level {level:.2f}, correlation {common:.2f}: PASS / REFER / FAIL"
    table = Table("points off the bar", *(f"spread {spread}" for spread in SPREADS), title=title)
    for off in OFF:
        table.add_row(f"{off:+.1f}", *(drawn(common, seeds, further, level, spread, off) for spread in SPREADS))
    console.print(table)


def wild(common: float, level: float, console: Console) -> None:
    """Print the verdicts on networks of which some seeds collapse, by the mean alone and as the checker does."""
    title = f"{SEEDS} seeds, {FURTHER} further, level {level:.2f}, some {FALL:.0f} points worse: PASS / REFER / FAIL"
    table = Table("points off the bar", "seeds that collapse", "by the mean", "or by each seed", title=title)
    random = np.random.default_rng(10)
    for off in OFF:
        ahead = scores(common, SEEDS + FURTHER, SPREADS[0], off)
        for share in WILD:
            fallen = ahead - FALL * (random.random(ahead.shape) < share)
            both = (rates(*decided(fallen, SEEDS, FURTHER, overlap(PLAN), level, of)) for of in (False, True))
            table.add_row(f"{off:+.1f}", f"{share:.0%}", *both)
    console.print(table)


def percent(are: NDArray[np.bool_]) -> str:
    """Return how often something is so."""
    return f"{100 * are.mean():.1f}%"


if __name__ == "__main__":
    shown = Console(width=110)
    measured = trained(shown)
    for seeds, further in ((SEEDS, 0), (SEEDS, FURTHER), (3, 0)):
        for level in LEVELS:
            verdicts(measured, seeds, further, level, shown)
    wild(measured, 0.1, shown)
